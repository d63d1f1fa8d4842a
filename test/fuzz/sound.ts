/** What must hold of whatever a parser was given. */
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { CountersignError, REGISTRY } from '../../src/crypto/errors.ts'
import type { Parser } from './parsers.ts'
import { sizeOf } from './steps.ts'

/** What may be made of an input: so much for each byte, and for there being one. See `sizeOf`. */
const SIZE_PER_BYTE = 24
const SIZE_PER_CALL = 5000

const INHERITED: readonly object[] = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
const inheritedKeys = () => INHERITED.map((prototype) => Reflect.ownKeys(prototype).length)
const INHERITED_KEYS = inheritedKeys()

/** Whether the bytes are taken. They are either refused with a registered error, or taken as something sound. */
export function isTaken(parser: Parser, bytes: Uint8Array): boolean {
  const given = Buffer.from(bytes)
  const value = parsed(parser, given)
  expect(Buffer.compare(given, bytes), 'the input is as it was').toBe(0)
  expect(inheritedKeys()).toEqual(INHERITED_KEYS)
  if (value === undefined) return false
  expectPlain(value.taken)
  expect(sizeOf(value.taken)).toBeLessThanOrEqual(SIZE_PER_CALL + SIZE_PER_BYTE * bytes.length)
  if (parser.write === undefined) return true
  const written = parser.write(value.taken as never)
  const again = parsed(parser, Buffer.from(written))
  expectSame(again?.taken, value.taken)
  expect(Buffer.from(parser.write(again?.taken as never)).equals(written), 'there is one spelling').toBe(true)
  return true
}

/** What was written is read as the same. Values may be large: vitest compares them only where they differ. */
export function expectSame(again: unknown, value: unknown): void {
  if (!isDeepStrictEqual(again, value)) expect(again).toStrictEqual(value)
}

function parsed(parser: Parser, bytes: Uint8Array): { taken: unknown } | undefined {
  try {
    return { taken: parser.parse(bytes) }
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    expect(Object.hasOwn(REGISTRY, error.code)).toBe(true)
    // What is shown to people and logs is bounded, whatever was sent.
    expect(error.message.length).toBeLessThan(2000)
    return undefined
  }
}

const CLASSES = ['JsonNumber', 'PrivateKey']

/** Nothing but JSON and the few classes that parsers make; no property is hidden or computed. */
function expectPlain(value: unknown): void {
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const one = waiting.pop()
    if (typeof one !== 'object' || one === null) continue
    const prototype: unknown = Object.getPrototypeOf(one)
    const isPlain = prototype === Object.prototype || prototype === Array.prototype
    if (!isPlain && !CLASSES.includes((prototype as object).constructor.name))
      expect.fail(`a ${(prototype as object).constructor.name} in what was read`)
    for (const key of Reflect.ownKeys(one)) {
      if (Array.isArray(one) && key === 'length') continue
      const property = Object.getOwnPropertyDescriptor(one, key) as PropertyDescriptor
      if (typeof key !== 'string' || !property.enumerable || !('value' in property)) {
        expect.fail(`a property ${String(key)} in what was read that is not plain`)
      }
      waiting.push(property.value)
    }
  }
}
