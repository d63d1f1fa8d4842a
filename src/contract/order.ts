/**
 * Order keys (PROTOCOL ELE-2): where an element stands among its siblings. 1 to 64 characters of `0-9A-Za-z`, compared
 * byte by byte. Any such text is taken; these functions make new ones.
 *
 * At the ends keys count: a letter that tells how many digits follow (`a` one, `b` two …; downwards `Z` one, `Y` two …), then
 * the digits. So the millionth append is `e…` and six characters long. Between two keys the digits are read as a fraction. The
 * longer neighbour was put there later, so the new key stays next to it: who inserts at one place over and over, in either
 * direction, meets room that doubles with each refill.
 */
import { CountersignError } from '../crypto/errors.ts'

/** Longest order key. */
const ORDER_MAX_LENGTH = 64

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = 62n

/**
 * A key between two: after `left` (undefined: at the start) and before `right` (undefined: at the end).
 * @throws CountersignError `order-exhausted` if there is none of 64 characters, as between `a` and `a0`, or if `left` is not
 * below `right`
 */
export function orderBetween(left: string | undefined, right: string | undefined): string {
  const key = left !== undefined && right !== undefined && left >= right ? undefined : between(left, right)
  if (key === undefined)
    throw new CountersignError(
      'order-exhausted',
      `no order key is left between ${left ?? 'the start'} and ${right ?? 'the end'}`,
    )
  return key
}

/** Keys for `count` new siblings, ascending, all of one length. */
export function orderSequence(count: number): string[] {
  let digits = 1
  for (let capacity = 62; capacity < count; capacity *= 62) digits += 1
  const header = DIGITS[35 + digits] as string
  return Array.from({ length: count }, (_, index) => header + textOf(BigInt(index), digits))
}

/** `count` ascending keys between two, spread evenly where both are given; undefined if there is no room for them. */
export function orderSpread(
  left: string | undefined,
  right: string | undefined,
  count: number,
): string[] | undefined {
  if (left === undefined && right === undefined) return orderSequence(count)
  if (left !== undefined && right !== undefined) return spread(left, right, count)
  const keys: string[] = []
  for (let index = 0; index < count; index += 1) {
    const last = keys[index - 1]
    const key = right === undefined ? between(last ?? left, undefined) : between(undefined, last ?? right)
    if (key === undefined) return undefined
    keys.push(key)
  }
  return right === undefined ? keys : keys.reverse()
}

function between(left: string | undefined, right: string | undefined): string | undefined {
  if (left === undefined && right === undefined) return 'a0'
  if (right === undefined) return keyAfter(left as string) ?? fraction(left, undefined)
  if (left === undefined) return keyBefore(right) ?? fraction(undefined, right)
  return fraction(left, right)
}

/** The next count after a key, or undefined after the last. */
function keyAfter(key: string): string | undefined {
  const count = countOf(key)
  return count === undefined ? 'a0' : stepped(count, 1)
}

/** A count before a key, or undefined before the first. */
function keyBefore(key: string): string | undefined {
  const count = countOf(key)
  if (count === undefined) return undefined
  return count < key ? count : stepped(count, -1)
}

/** The head of a key that counts, made up with zeros; undefined for a key that begins with a digit. */
function countOf(key: string): string | undefined {
  const length = countLength(key.charAt(0))
  return length === 0 ? undefined : key.slice(0, length).padEnd(length, '0')
}

/** Characters of a count with this header, itself included; 0 for what is no header. */
function countLength(header: string): number {
  const value = DIGITS.indexOf(header)
  if (value < 10) return 0
  return value < 36 ? 37 - value : value - 34
}

/** The count after (1) or before (-1) another. */
function stepped(count: string, by: 1 | -1): string | undefined {
  const [overflowing, restarting] = by === 1 ? ['z', '0'] : ['0', 'z']
  for (let index = count.length - 1; index > 0; index -= 1) {
    const digit = count.charAt(index)
    if (digit === overflowing) continue
    const next = DIGITS[DIGITS.indexOf(digit) + by] as string
    return count.slice(0, index) + next + restarting.repeat(count.length - index - 1)
  }
  const header = DIGITS[DIGITS.indexOf(count.charAt(0)) + by] ?? ''
  const length = countLength(header)
  return length === 0 ? undefined : header + restarting.repeat(length - 1)
}

/** A key between two read as fractions. */
function fraction(left: string | undefined, right: string | undefined): string | undefined {
  const leftLength = left?.length ?? 0
  const rightLength = right?.length ?? 0
  const width = Math.max(leftLength, rightLength)
  const refill = Math.max(1, Math.abs(leftLength - rightLength))
  for (const digits of [width, Math.min(width + refill, ORDER_MAX_LENGTH), ORDER_MAX_LENGTH]) {
    const [low, high] = bounds(left, right, digits)
    if (high - low < 2n) continue
    let value = (low + high) / 2n
    if (leftLength > rightLength) value = low + 1n
    if (leftLength < rightLength) value = high - 1n
    // A key that ends in 0 has no room right before it.
    if (value % BASE === 0n) value += value + 1n < high ? 1n : -1n
    if (value > low) return textOf(value, digits)
  }
  return undefined
}

function spread(left: string, right: string, count: number): string[] | undefined {
  if (count === 1) return left < right ? wrapped(fraction(left, right)) : undefined
  for (let digits = Math.max(left.length, right.length); digits <= ORDER_MAX_LENGTH; digits += 1) {
    const [low, high] = bounds(left, right, digits)
    const step = (high - low) / BigInt(count + 1)
    if (step < 2n) continue
    return Array.from({ length: count }, (_, index) => {
      const value = low + step * BigInt(index + 1)
      return textOf(value % BASE === 0n ? value + 1n : value, digits)
    })
  }
  return undefined
}

const wrapped = (key: string | undefined): string[] | undefined => (key === undefined ? undefined : [key])

/** Two keys as numbers of so many digits; the start is 0, the end the first number of more digits. */
function bounds(left: string | undefined, right: string | undefined, digits: number): [bigint, bigint] {
  return [
    left === undefined ? 0n : numberOf(left, digits),
    right === undefined ? BASE ** BigInt(digits) : numberOf(right, digits),
  ]
}

function numberOf(key: string, digits: number): bigint {
  let value = 0n
  for (const digit of key.padEnd(digits, '0')) value = value * BASE + BigInt(DIGITS.indexOf(digit))
  return value
}

function textOf(value: bigint, digits: number): string {
  let text = ''
  for (let rest = value; text.length < digits; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text
  return text
}
