import { afterAll, describe, expect, it } from 'vitest'
import { DOUBLED_TWICE, expectLinear, StepCounter, sizeOf } from './steps.ts'

const counter = new StepCounter<typeof import('./toys.ts')>('test/fuzz/toys.ts')
afterAll(() => counter.close())
const { sum, pairs, linesFromTheStart, emptied, searchedAgain, parsedAgain, slow } = counter.module

const texts = (make: (size: number) => string, use: (text: string) => unknown) => (size: number) => {
  const text = make(size)
  return { inputBytes: text.length, run: () => void use(text) }
}
const unlimited = { perByte: 1e9, perCall: 0 }
const letters = (size: number) => 'a'.repeat(size)

describe('the step counter', () => {
  it('lets a linear function pass', () => {
    expectLinear(counter, 'letters', texts(letters, sum), 1000, {
      allowed: { perByte: 10, perCall: 100 },
    })
  })

  it.each<[string, (size: number) => string, (text: string) => unknown]>([
    ['two loops', letters, pairs],
    ['indexOf', (size) => 'a\n'.repeat(size), linesFromTheStart],
    ['shift', letters, (text) => emptied(Array.from(text, () => 1))],
    ['a regular expression', letters, searchedAgain],
    ['JSON.parse', (size) => `[${'1,'.repeat(size)}1]`, parsedAgain],
  ])('catches what is quadratic by %s', (_, make, use) => {
    expect(() => expectLinear(counter, 'a family', texts(make, use), 100, { allowed: unlimited })).toThrow(
      /a family: \d+ steps of \d+ bytes, after/,
    )
  })

  it('catches it too where sizes double twice at once', () => {
    const sizes = DOUBLED_TWICE
    const options = { allowed: unlimited, sizes }
    expectLinear(counter, 'letters', texts(letters, sum), 100, options)
    expect(() => expectLinear(counter, 'a family', texts(letters, pairs), 100, options)).toThrow(/after/)
  })

  it('catches what is linear but takes too many steps', () => {
    expect(() =>
      expectLinear(counter, 'a family', texts(letters, slow), 1000, {
        allowed: { perByte: 100, perCall: 100 },
      }),
    ).toThrow(/a family: \d+ steps of 1000 bytes, where 100100 are allowed/)
  })

  it('counts the same every time', () => {
    const run = () => void pairs('abc'.repeat(100))
    const first = counter.measure(run)
    expect(first).toBeGreaterThan(300 * 300)
    for (let time = 0; time < 5; time += 1) expect(counter.measure(run)).toBe(first)
  })

  it('counts the calls of a function', () => {
    expect(counter.calls(() => void [1, 2, 3].map(() => sum('a'))).get('sum')).toBe(3)
    expect(counter.calls(() => void sum('a')).get('pairs') ?? 0).toBe(0)
  })

  it('leaves the engine’s functions as they were', () => {
    const own = [String.prototype.indexOf, RegExp.prototype.exec, JSON.parse, Number, Uint8Array]
    expect(() => counter.measure(() => JSON.parse('{'))).toThrow(SyntaxError)
    expect([String.prototype.indexOf, RegExp.prototype.exec, JSON.parse, Number, Uint8Array]).toEqual(own)
  })

  it('measures values by their texts, keys and items', () => {
    expect(sizeOf('abc')).toBe(4)
    expect(sizeOf([1, null, 'abc'])).toBe(7)
    expect(sizeOf({ ab: { c: [] } })).toBe(3 + 3)
    expect(sizeOf(new Uint8Array(10))).toBe(11)
  })
})
