import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ANSWERS } from '../../../test/support/feel-answers.ts'
import { format } from './format.ts'
import { FUNCTIONS } from './functions.ts'
import { parse } from './parser.ts'
import type { Loop, Test, Tree } from './tree.ts'

/** A tree without its places. */
function bare(tree: Tree): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === 'at' ? undefined : value)))
}

const names = fc.oneof(
  fc.constantFrom(
    'a',
    'Share',
    'item',
    'in',
    'and',
    'date',
    'Sum insured',
    '_',
    '@id',
    'a`b',
    'time offset',
    'Zoë',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((name) => /^[^\p{C}]+$/u.test(name)),
)
const texts = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0'))
const digits = fc.constantFrom('0', '1', '12.50', '1e5', '0.5', '1.2E-7')
const signs = fc.constantFrom('=', '!=', '<', '<=', '>', '>=' as const)
const calls = fc.constantFrom(
  ...[...FUNCTIONS.keys()].filter((name) => !['date', 'date and time', 'duration'].includes(name)),
)

const { tree: trees } = fc.letrec<{ tree: Tree; test: Test; loop: Loop }>((tie) => {
  const tree = tie('tree')
  const node = (shape: Record<string, fc.Arbitrary<unknown>>) =>
    fc.record({ at: fc.constant(0), ...shape }) as unknown as fc.Arbitrary<Tree>
  const kind = <K>(name: K) => fc.constant(name)
  const leaf = fc.oneof(
    node({ kind: kind('number'), text: digits }),
    node({ kind: kind('text'), value: texts }),
    node({ kind: kind('boolean'), value: fc.boolean() }),
    node({ kind: kind('null') }),
    node({ kind: kind('name'), name: names }),
    node({ kind: kind('root') }),
    node({ kind: kind('temporal'), name: fc.constantFrom('date', 'date and time', 'duration'), text: texts }),
  )
  const inner = fc.oneof(
    node({ kind: kind('member'), of: tree, name: names }),
    node({ kind: kind('filter'), of: tree, by: tree }),
    node({ kind: kind('call'), name: calls, arguments: fc.array(tree, { maxLength: 3 }) }),
    node({ kind: kind('negation'), of: tree }),
    node({
      kind: kind('arithmetic'),
      sign: fc.constantFrom('+', '-', '*', '/', '**'),
      left: tree,
      right: tree,
    }),
    node({ kind: kind('comparison'), sign: signs, left: tree, right: tree }),
    node({ kind: kind('between'), of: tree, low: tree, high: tree }),
    node({ kind: kind('in'), of: tree, tests: fc.array(tie('test'), { minLength: 1, maxLength: 3 }) }),
    node({ kind: fc.constantFrom('and', 'or'), parts: fc.array(tree, { minLength: 2, maxLength: 3 }) }),
    node({ kind: kind('if'), condition: tree, whenTrue: tree, whenFalse: tree }),
    node({
      kind: fc.constantFrom('for', 'some', 'every'),
      loops: fc.array(tie('loop'), { minLength: 1, maxLength: 2 }),
      body: tree,
    }),
    node({ kind: kind('list'), items: fc.array(tree, { maxLength: 3 }) }),
    node({
      kind: kind('range'),
      low: tree,
      high: tree,
      lowIncluded: fc.boolean(),
      highIncluded: fc.boolean(),
    }),
  )
  return {
    tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, inner),
    test: fc.oneof(tree, node({ kind: kind('test'), sign: signs, value: tree })) as fc.Arbitrary<Test>,
    loop: fc.record({
      at: fc.constant(0),
      name: names,
      from: tree,
      to: fc.option(tree, { nil: undefined }),
    }),
  }
})

describe('parse and format', () => {
  it('are inverse to one another', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const text = format(tree)
        expect(bare(parse(text))).toEqual(bare(tree))
      }),
      { numRuns: 3000, seed: 7 },
    )
  })

  it('settle every expression on one text', () => {
    for (const [expression] of Object.values(ANSWERS).flat()) {
      const text = format(parse(expression))
      expect(format(parse(text))).toBe(text)
      expect(bare(parse(text))).toEqual(bare(parse(expression)))
    }
  })

  it.each([
    ['a+b *c', 'a + b * c'],
    ['(a+b)*c', '(a + b) * c'],
    ['a - (b - c)', 'a - (b - c)'],
    ['((a))', 'a'],
    ['(a and b) or c', 'a and b or c'],
    ['a and (b or c)', 'a and (b or c)'],
    ['- a ** 2', '-a ** 2'],
    ['x in (5)', 'x in 5'],
    ['x in ((a + 1) * 2)', 'x in ((a + 1) * 2)'],
    ['@"2024-01-31"', 'date("2024-01-31")'],
    ['@"PT1H"', 'duration("PT1H")'],
    ['@"2024-01-31T00:00:00Z"', 'date and time("2024-01-31T00:00:00Z")'],
    ['1 /* one */ + // more\n 2', '1 + 2'],
    ['x and .5 < y', 'x and 0.5 < y'],
    ['"\\d\\"\\u0041"', '"\\\\d\\"A"'],
    ['`Share`.`in`.`Sum insured`', 'Share.`in`.`Sum insured`'],
    ['Slip.media  type', 'Slip.media type'],
    ['if a then b else c', 'if a then b else c'],
    ['for i in 1 .. 3 return i', 'for i in 1..3 return i'],
  ])('%s is written %s', (expression, canonical) => {
    expect(format(parse(expression))).toBe(canonical)
  })
})

describe('what is no expression', () => {
  it.each([
    ['', 0, /empty/],
    ['1 +', 3, /ends where there should be a value/],
    ['1 2', 2, /“2” stands where there should be an operator/],
    ['a = b = c', 6, /join two of them with and/],
    ['(1', 2, /\) to close/],
    ['[1, 2', 5, /, or \]/],
    ['a[1', 3, /\] after/],
    ['a.', 2, /name after the dot/],
    ['a.1', 2, /name after the dot/],
    ['if a then b', 11, /every if needs one/],
    ['for x of y return x', 6, /in after the name/],
    ['for in in y return x', 4, /for line in Lines/],
    ['some x in y return x', 12, /satisfies/],
    ['"abc', 0, /add " at its end/],
    ['"a\nb"', 0, /add " at its end/],
    ['`abc', 0, /add ` at its end/],
    ['``', 0, /1 to 256 characters/],
    ["'a'", 0, /double quotes/],
    ['a && b', 2, /and, or, not/],
    ['{a: 1}', 0, /Contexts/],
    ['a # b', 2, /backticks/],
    ['summ(1)', 0, /did you mean sum\?/],
    ['string lenght("a")', 0, /did you mean string length\?/],
    ['now()', 0, /no now\(\)/],
    ['1 + today()', 4, /all members must come to one result/],
    ['x in ()', 5, /nothing to test/],
    ['1..2', 1, /operator/],
    ['[1..2', 5, /\] or \)/],
    ['@5', 0, /date or duration in quotes/],
    ['/* a', 0, /not closed/],
    ['"\\U110000"', 1, /no such character/],
    ['"\\ud800"', 0, /half a character/],
    ['"\\u0000"', 0, /U\+0000/],
    ['not', 0, /value/],
  ])('%s is refused at %i', (expression, position, message) => {
    expect(() => parse(expression)).toThrow(
      expect.objectContaining({
        code: 'bad-expression',
        detail: { position },
        message: expect.stringMatching(message),
      }),
    )
  })

  it.each([
    ['nested parentheses', '('.repeat(4000)],
    ['nested lists', '['.repeat(4000)],
    ['signs', '-'.repeat(4000)],
    ['ifs', 'if '.repeat(2000)],
    ['a long sum', Array(100).fill('1').join('+')],
    ['a long path', `a${'.b'.repeat(100)}`],
    ['calls', 'abs('.repeat(1000)],
    ['too many bytes', `"${'é'.repeat(4096)}"`],
    ['too many characters', ' '.repeat(1_000_000)],
  ])('%s are too large', (_, expression) => {
    expect(() => parse(expression)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('takes long series, which nest nothing', () => {
    expect(parse(Array(1500).fill('a').join(' or '))).toMatchObject({ kind: 'or' })
    expect(parse(`[${Array(2000).fill('1').join()}]`)).toMatchObject({ kind: 'list' })
  })

  it('is refused and nothing else happens, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...'a b _ 1 . .. , ( ) [ ] { } + - * / ** = != < > " ` @ in and or not if then else for some every return satisfies between null date date("x") sum( count'.split(
        ' ',
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 30 }), (parts) => {
        const text = parts.join(' ')
        try {
          parse(text)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(bad-expression|too-large)$/) })
          const { position } = (error as { detail: { position: number } }).detail
          expect(position >= 0 && position <= text.length).toBe(true)
        }
      }),
      { numRuns: 3000, seed: 7 },
    )
  })
})
