import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern, MAX_PATTERN_SIZE } from './pattern.ts'

const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['abc', ['abc', 'xabcx'], ['ab', 'ABC']],
  ['^abc$', ['abc'], ['xabc', 'abcx']],
  ['a.c', ['abc', 'a\u{1f600}c'], ['a\nc', 'ac']],
  ['[a-c]+', ['b', 'xxc'], ['d', '']],
  ['^[^a-c]$', ['d', '\n'], ['a', 'dd']],
  ['^[\\d-]+$', ['1-2'], ['a']],
  ['^[\\D]$', ['a'], ['1']],
  ['^\\w\\W\\s\\S$', ['a- x'], ['a-xx']],
  ['^(ab|cd)*$', ['', 'abcd'], ['abc']],
  ['^(?:ab)?c$', ['c', 'abc'], ['bc']],
  ['^a{3}$', ['aaa'], ['aa', 'aaaa']],
  ['^a{2,}$', ['aa', 'aaaaa'], ['a']],
  ['^a{1,2}$', ['a', 'aa'], ['', 'aaa']],
  ['^a{0,0}$', [''], ['a']],
  ['^a+?b*?$', ['a', 'aab'], ['b']],
  ['\\$\\.\\{\\}\\[\\]\\(\\)\\\\\\^\\|\\?\\*\\+\\-\\/', ['$.{}[]()\\^|?*+-/'], ['x']],
  ['^\\n\\r\\t$', ['\n\r\t'], ['nrt']],
  ['a|b|', ['a', ''], []],
  ['^$', [''], ['a']],
  ['(a*)*$', ['', 'aa', 'b'], []],
]

describe('patterns', () => {
  it.each(CASES)('%s', (text, yes, no) => {
    const pattern = compilePattern(text)
    for (const one of yes) expect(pattern.isIn(one), one).toBe(true)
    for (const one of no) expect(pattern.isIn(one), one).toBe(false)
  })

  it('match wholly, or find the first that the pattern prefers', () => {
    expect(compilePattern('a|ab').isWhole('ab')).toBe(true)
    expect(compilePattern('b').isWhole('ab')).toBe(false)
    expect(compilePattern('a|ab').find('xab')).toEqual({ from: 1, to: 2 })
    expect(compilePattern('ab|a').find('xab')).toEqual({ from: 1, to: 3 })
    expect(compilePattern('a+').find('xaab', 2)).toEqual({ from: 2, to: 3 })
    expect(compilePattern('a+?').find('xaab')).toEqual({ from: 1, to: 2 })
    expect(compilePattern('z').find('xaab')).toBeUndefined()
  })

  it('agree with regular expressions', () => {
    const atoms = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(ab|c)', '\\d', '^', '$')
    const parts = fc
      .tuple(atoms, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '*?', '+?', '??'))
      .map(([atom, suffix]) => (atom === '^' || atom === '$' ? atom : atom + suffix))
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', '1', '\n'), { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 5 }), texts, (all, letters) => {
        const [source, text] = [all.join(''), letters.join('')]
        const found = new RegExp(source, 'u').exec(text)
        const pattern = compilePattern(source)
        expect(pattern.isIn(text)).toBe(found !== null)
        expect(pattern.find(text)).toEqual(
          found === null ? undefined : { from: found.index, to: found.index + found[0].length },
        )
        expect(pattern.isWhole(text)).toBe(new RegExp(`^(?:${source})$`, 'u').test(text))
      }),
      { numRuns: 3000, seed: 7 },
    )
  })

  it.each(['(a+)+$', '(a|a)*$', '(a*)*b', '(a|aa)+$', '([a-z]+)*x', '(.*)(.*)(.*)(.*)y'])(
    '%s takes time in proportion to the text',
    (text) => {
      const pattern = compilePattern(text)
      const steps = (length: number) => {
        let sum = 0
        pattern.isIn(`${'a'.repeat(length)}!`, (spent) => {
          sum += spent
        })
        return sum
      }
      expect(steps(4000)).toBeLessThan(4002 * (pattern.size + 1))
      expect(steps(4000) / steps(2000)).toBeLessThan(2.1)
    },
  )

  it.each([
    ['(', 1],
    [')', 0],
    ['a)', 1],
    ['[', 1],
    ['[]', 1],
    ['[z-a]', 4],
    ['[[a]]', 1],
    ['*', 0],
    ['a**', 3],
    ['a{', 1],
    ['a{2,1}', 1],
    ['a{1001}', 1],
    ['{1}', 0],
    ['\\', 1],
    ['\\p{L}', 1],
    ['(a)\\1', 4],
    ['(?=a)', 1],
    ['(?<n>a)', 1],
    ['^*', 2],
    ['a]', 1],
    ['('.repeat(40), 33],
    ['a'.repeat(1001), 1000],
  ])('%s is refused with its place', (text, position) => {
    expect(() => compilePattern(text)).toThrow(
      expect.objectContaining({ code: 'bad-expression', detail: { position } }),
    )
  })

  it('are refused when their repetitions multiply', () => {
    expect(() => compilePattern('((a{100}){100}){100}')).toThrow(
      expect.objectContaining({ code: 'bad-expression' }),
    )
    expect(compilePattern('a{1000}').size).toBeLessThan(MAX_PATTERN_SIZE)
  })

  it('never fail in another way, whatever the text', () => {
    const signs = fc.array(fc.constantFrom(...'ab01()[]{}|*+?.^$\\-,dwsDWS\u{1f600}'), { maxLength: 20 })
    fc.assert(
      fc.property(signs, fc.string({ unit: 'grapheme', maxLength: 10 }), (all, text) => {
        try {
          compilePattern(all.join('')).isIn(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-expression' })
        }
      }),
      { numRuns: 3000, seed: 7 },
    )
  })
})
