import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONTRACT, evaluation, Field, number, text, type World, worldOf } from '../../../test/support/feel.ts'
import { ANSWERS } from '../../../test/support/feel-answers.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { FIELD_TYPES, type FieldType } from '../../document/tree.ts'
import { checkValue } from '../../document/types.ts'
import { check } from './checker.ts'
import { evaluate } from './evaluate.ts'
import { toFieldValue } from './field-value.ts'
import { parse } from './parser.ts'
import { DEFAULT_BUDGET, type RuleFieldType } from './run.ts'
import { sentence } from './sentence.ts'

const CORPUS = [
  ...Object.values(ANSWERS)
    .flat()
    .map(([expression]) => expression),
  'sum(Lines.Share[item != null]) > Premium.Rate',
  'Lines[Share > 50 and item != "x"][1].Items',
  'for l in Lines return get or else(l.Share, count(l.Items))',
  'every l in Lines satisfies l.Share between 0 and _.`Sum insured`',
  'Slip.size < 5000 and Slip.media type = "application/pdf"',
  'Start + duration("P1M") < date(Signed)',
]

/** Pieces that expressions are cut into and put together from again. */
const PIECE = /"(?:[^"\\]|\\.)*"|`[^`]*`|[\p{L}_][\p{L}\p{N}_]*|[0-9.]+|\s+|./gsu
const piecesOf = (expression: string): string[] => expression.match(PIECE) ?? []
const ALL_PIECES = [...new Set(CORPUS.flatMap(piecesOf))]

const mutated = fc
  .tuple(
    fc.constantFrom(...CORPUS),
    fc.constantFrom(...CORPUS),
    fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...ALL_PIECES)), { maxLength: 4 }),
    fc.nat(3),
  )
  .map(([first, second, edits, way]) => {
    if (way === 0) return `(${first}) + (${second})`
    if (way === 1) return `if ${first} then ${second} else null`
    if (way === 2) return `[${first}, ${second}][1]`
    const pieces = piecesOf(first)
    for (const [place, kind, piece] of edits) {
      const at = place % (pieces.length + 1)
      pieces.splice(at, kind === 0 ? 0 : 1, ...(kind === 2 ? [] : [piece]))
    }
    return pieces.join('')
  })

describe('whatever the expression', () => {
  it('it is refused with its place, or evaluates alike each time and within its budget', () => {
    let taken = 0
    fc.assert(
      fc.property(mutated, (expression) => {
        let checked: ReturnType<typeof check>
        try {
          checked = check(parse(expression), CONTRACT.scope)
        } catch (error) {
          expect(error).toBeInstanceOf(CountersignError)
          expect((error as CountersignError).code).toMatch(/^(bad-expression|wrong-type|too-large)$/)
          expect((error as CountersignError).detail).toMatchObject({ position: expect.any(Number) })
          return
        }
        taken += 1
        const first = evaluate(checked, CONTRACT.source)
        expect(evaluate(checked, CONTRACT.source)).toEqual(first)
        expect(first.spent.steps).toBeLessThanOrEqual(DEFAULT_BUDGET.steps)
        expect(sentence(checked.tree)).not.toBe('')
        const small = { steps: Math.floor(first.spent.steps / 2), memory: DEFAULT_BUDGET.memory }
        if (first.spent.steps > 0)
          expect(evaluate(checked, CONTRACT.source, small).kind).toMatch(/^(exhausted|hidden)$/)
        if (first.kind !== 'value') return
        for (const type of FIELD_TYPES) {
          const value = toFieldValue(first.value, type)
          if (value !== undefined && value !== null) checkValue(type, value)
        }
      }),
      { numRuns: 4000, seed: 7 },
    )
    expect(taken).toBeGreaterThan(500)
  })
})

describe('steps', () => {
  const stepsWith = (expression: string, length: number) => {
    const lines: World[] = Array.from({ length }, (_, index) => ({
      Share: number(`${index}`),
      Name: text('a'.repeat(10)),
    }))
    const found = evaluation(expression, worldOf({ Lines: lines, Text: text('a'.repeat(length)) }))
    expect(found.kind).toBe('value')
    return found.spent.steps
  }

  it.each([
    'sum(Lines.Share)',
    'Lines[Share > 10].Name',
    'for l in Lines return l.Share * 2',
    'every l in Lines satisfies l.Share >= 0',
    'distinct values(Lines.Share)',
    'median(Lines.Share)',
    'list contains(Lines.Share, -1)',
    'string join(Lines.Name, ", ")',
    'matches(Text, "(a+)+b")',
    'split(Text, "a")',
    'upper case(Text)',
    'count(split(Text, "(a|aa)"))',
  ])('of %s grow with the list', (expression) => {
    expect(stepsWith(expression, 4000) / stepsWith(expression, 2000)).toBeLessThan(2.4)
  })
})

describe('an evaluation that would go too far', () => {
  const big = worldOf({
    Lines: Array.from({ length: 500 }, (_, index) => ({ Share: number(`${index}`) })),
    Big: text('x'.repeat(1_000_000)),
    Bigs: [text('x'.repeat(1_000_000)), text('x'.repeat(1_000_000))],
    High: new Field('integer', '9'.repeat(15)),
  })

  it.each([
    ['count(for a in Lines, b in Lines, c in Lines return 1)', 'steps'],
    ['every i in 1..High satisfies i > 0', 'steps'],
    ['for i in 1..High return 1', 'steps'],
    ['for i in 1..High return [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]', 'memory'],
    ['Big + Big + Big', 'memory'],
    ['string join(for i in 1..1000 return Big)', 'steps'],
    ['string(for b in [Big], i in 1..1000 return b)', 'steps'],
    ['string length(upper case(Big) + upper case(Big) + Big)', 'steps'],
    ['some i in 1..100000 satisfies Bigs[1] != Bigs[2]', 'steps'],
    ['some a in [Bigs[1]], b in [Bigs[2]], i in 1..100000 satisfies a != b', 'steps'],
    ['some a in [Bigs[1]], b in [Bigs[2]], i in 1..100000 satisfies a < b', 'steps'],
    ['some a in [Big], i in 1..100000 satisfies contains(a, "y")', 'steps'],
    ['some a in [Big], i in 1..100000 satisfies matches(a, "y")', 'steps'],
    ['some a in [Big], i in 1..100000 satisfies not(list contains([a], Bigs[2]))', 'steps'],
    ['some a in [Big], i in 1..100000 satisfies string length(a) = 1', 'steps'],
    ['some a in [Big], i in 1..1000 satisfies count(split(a, "y")) = 2', 'steps'],
    ['split(Big, "x")', 'steps'],
  ])('%s uses up its %s', (expression, of) => {
    expect(evaluation(expression, big)).toMatchObject({ kind: 'exhausted', of })
  })

  it('finds long texts in long texts in one pass', () => {
    const world = worldOf({ Text: text('a'.repeat(500_000)), Part: text(`b${'a'.repeat(200_000)}`) })
    expect(evaluation('contains(Text, Part)', world)).toMatchObject({ kind: 'value', value: false })
    const found = worldOf({
      Text: text(`${'ab'.repeat(50)}abac${'x'.repeat(9)}`),
      Part: text(`${'ab'.repeat(20)}abac`),
    })
    expect(evaluation('substring after(Text, Part)', found)).toMatchObject({ value: 'x'.repeat(9) })
  })

  it('does not let numbers grow', () => {
    expect(evaluation('9e6144 ** 999999999')).toMatchObject({ value: null })
    expect(evaluation('1e-6176 ** 999999999')).toMatchObject({ kind: 'value' })
    expect(evaluation('modulo(9e6144, 7e-6176)')).toMatchObject({ kind: 'value' })
    expect(evaluation('decimal(9e6144, 6176)')).toMatchObject({ kind: 'value' })
    expect(evaluation('duration("P1Y") * 1e30')).toMatchObject({ value: null })
    expect(evaluation('date("2024-01-01") + duration("P999999999Y")')).toMatchObject({ value: null })
  })
})

describe('values for fields', () => {
  it.each([
    ['1.5', 'decimal', '1.5'],
    ['3.0', 'integer', '3'],
    ['1e40', 'integer', `1${'0'.repeat(40)}`],
    ['1.5', 'integer', undefined],
    ['1e80', 'integer', undefined],
    ['1e80', 'decimal', '1e80'],
    ['1', 'text', undefined],
    ['"a"', 'text', 'a'],
    ['"a"', 'choice', 'a'],
    ['""', 'choice', undefined],
    ['"a"', 'party', undefined],
    ['"a"', 'file', undefined],
    ['Slip', 'file', `${'ab'.repeat(32)} 1024 application/pdf slip of 2024.pdf`],
    ['Lines[1].Party', 'party', 'ab'.repeat(32)],
    ['true', 'boolean', true],
    ['true', 'text', undefined],
    ['Start', 'date', '2024-02-29'],
    ['Start', 'date-time', undefined],
    ['Signed', 'date-time', '2024-03-01T08:00:00+01:00'],
    ['Premium.Amount', 'money', '1250.00 EUR'],
    ['money(1e40, "EUR")', 'money', undefined],
    ['null', 'decimal', null],
    ['[1]', 'decimal', undefined],
    ['Premium', 'text', undefined],
    ['duration("P1D")', 'text', undefined],
  ] as const)('%s as %s', (expression, type, expected) => {
    const found = evaluation(expression, CONTRACT)
    if (found.kind !== 'value') throw new Error(found.kind)
    const value = toFieldValue(found.value, type as RuleFieldType)
    expect(value).toBe(expected)
    if (value !== undefined && value !== null && (FIELD_TYPES as readonly string[]).includes(type))
      checkValue(type as FieldType, value)
  })
})
