import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderBetween, orderSequence, orderSpread } from './order.ts'

const KEY = /^[0-9A-Za-z]{1,64}$/
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const frequentDigit = fc.oneof(fc.constantFrom(...DIGITS), fc.constantFrom('0', 'z', 'a', 'Z'))
/** Any key, as another program may have chosen it. */
const key = fc.oneof(
  fc.string({ unit: frequentDigit, minLength: 1, maxLength: 6 }),
  fc.string({ unit: frequentDigit, minLength: 1, maxLength: 64 }),
)
const end = fc.option(key, { nil: undefined })

const isBelow = (left: string | undefined, right: string | undefined) =>
  left === undefined || right === undefined || left < right

/** A key as a fraction of 64 digits, the end as 1. */
function fractionOf(key: string | undefined, absent: bigint): bigint {
  if (key === undefined) return absent
  return Array.from(key.padEnd(64, '0')).reduce((sum, one) => sum * 62n + BigInt(DIGITS.indexOf(one)), 0n)
}

describe('orderBetween', () => {
  it('[ELE-2] gives a key of the alphabet between any two', () => {
    fc.assert(
      fc.property(end, end, (left, right) => {
        fc.pre(isBelow(left, right))
        let made: string
        try {
          made = orderBetween(left, right)
        } catch (error) {
          expect(error).toMatchObject({ code: 'order-exhausted' })
          // So only where two keys of 64 characters don't fit between, one of which ends in another digit than 0.
          expect(fractionOf(right, 62n ** 64n) - fractionOf(left, 0n)).toBeLessThan(3n)
          return
        }
        expect(made).toMatch(KEY)
        expect(isBelow(left, made) && isBelow(made, right)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses where there is no key, and neighbours in the wrong order', () => {
    for (const [left, right] of [
      ['a', 'a0'],
      ['a0', 'a0'],
      ['b', 'a'],
      [undefined, '0'],
      [undefined, '000'],
      ['z'.repeat(64), undefined],
    ])
      expect(() => orderBetween(left, right)).toThrow(expect.objectContaining({ code: 'order-exhausted' }))
  })

  it('[ELE-2] appends and prepends 20,000 times in keys of four characters', () => {
    let last: string | undefined
    let first: string | undefined
    for (let count = 0; count < 20_000; count += 1) {
      const next: string = orderBetween(last, undefined)
      if (last !== undefined) expect(next > last).toBe(true)
      last = next
      const before: string = orderBetween(undefined, first)
      if (first !== undefined) expect(before < first).toBe(true)
      first = before
    }
    expect([last?.length, first?.length]).toEqual([4, 4])
  })

  it.each([
    ['after', (made: string): [string, string] => [made, 'b06']],
    ['before', (made: string): [string, string] => ['b05', made]],
  ])('[ELE-2] inserts 20,000 times right %s the last one inserted', (_where, next) => {
    let [left, right] = ['b05', 'b06']
    for (let count = 0; count < 20_000; count += 1) {
      const made = orderBetween(left, right)
      expect(left < made && made < right).toBe(true)
      ;[left, right] = next(made)
    }
    expect(Math.max(left.length, right.length)).toBeLessThanOrEqual(12)
  })

  it('[ELE-2] inserts at 5,000 random places', () => {
    const keys = orderSequence(2)
    let seed = 1
    for (let count = 0; count < 5000; count += 1) {
      seed = (seed * 48271) % 2147483647
      const position = seed % (keys.length + 1)
      keys.splice(position, 0, orderBetween(keys[position - 1], keys[position]))
    }
    expect(keys).toEqual([...new Set(keys)].sort())
    expect(Math.max(...keys.map(({ length }) => length))).toBeLessThan(40)
  })
})

describe('orderSequence', () => {
  it.each([0, 1, 62, 63, 3844, 3845, 100_000])('[ELE-2] gives %d ascending keys of one length', (count) => {
    const keys = orderSequence(count)
    expect(keys).toHaveLength(count)
    expect(new Set(keys.map(({ length }) => length)).size).toBe(Math.min(count, 1))
    expect(keys).toEqual([...new Set(keys)].sort())
    for (const one of keys.slice(-3)) expect(one).toMatch(KEY)
  })

  it('can be appended to, prepended to and inserted into', () => {
    const keys = orderSequence(63)
    expect(orderBetween(keys.at(-1), undefined) > (keys.at(-1) as string)).toBe(true)
    expect(orderBetween(undefined, keys[0]) < (keys[0] as string)).toBe(true)
    for (let index = 1; index < keys.length; index += 1) orderBetween(keys[index - 1], keys[index])
  })
})

describe('orderSpread', () => {
  it('[ELE-2] gives ascending keys between any two, or says that there is no room', () => {
    fc.assert(
      fc.property(end, end, fc.integer({ min: 1, max: 200 }), (left, right, count) => {
        fc.pre(isBelow(left, right))
        const keys = orderSpread(left, right, count)
        if (keys === undefined) return
        expect(keys).toHaveLength(count)
        for (const one of keys) {
          expect(one).toMatch(KEY)
          expect(isBelow(left, one) && isBelow(one, right)).toBe(true)
        }
        expect(keys).toEqual([...new Set(keys)].sort())
      }),
      { numRuns: 500 },
    )
  })

  it('finds room for thousands between neighbours in three characters more', () => {
    const keys = orderSpread('b05', 'b06', 5000)
    expect(keys?.[0]).toHaveLength(6)
    expect(orderSpread('a', 'a0', 1)).toBeUndefined()
    expect(orderSpread('a', 'a0', 2)).toBeUndefined()
    expect(orderSpread('b', 'a', 1)).toBeUndefined()
    expect(orderSpread('z'.repeat(64), undefined, 1)).toBeUndefined()
  })
})
