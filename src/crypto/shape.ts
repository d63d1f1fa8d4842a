/**
 * Small strict checks for objects that came from outside: every key named, nothing unknown, everything bounded.
 * A check returns the value typed, or throws CountersignError('bad-format') naming the place (`request.author`).
 */
import { CountersignError } from './errors.ts'

/** Checks `value` found at `where`; throws CountersignError('bad-format'). */
export type Check<T> = (value: unknown, where: string) => T

function fail(where: string, expected: string): never {
  throw new CountersignError('bad-format', `${where}: expected ${expected}`)
}

export const string =
  (maxLength: number, minLength = 0): Check<string> =>
  (value, where) => {
    if (typeof value !== 'string' || value.length > maxLength || value.length < minLength)
      fail(where, `text of ${minLength} to ${maxLength} characters`)
    return value
  }

export const pattern =
  (expression: RegExp, expected: string): Check<string> =>
  (value, where) => {
    if (typeof value !== 'string' || !expression.test(value)) fail(where, expected)
    return value
  }

export const integer =
  (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, where) => {
    if (!Number.isSafeInteger(value) || (value as number) < minimum || (value as number) > maximum)
      fail(where, `an integer from ${minimum} to ${maximum}`)
    return value as number
  }

export const literal =
  <const T extends string | number | boolean | null>(...allowed: T[]): Check<T> =>
  (value, where) => {
    if (!allowed.includes(value as T)) fail(where, allowed.map((one) => JSON.stringify(one)).join(' or '))
    return value as T
  }

export const array =
  <T>(item: Check<T>, maxLength: number, minLength = 0): Check<T[]> =>
  (value, where) => {
    if (!Array.isArray(value) || value.length > maxLength || value.length < minLength)
      fail(where, `a list of ${minLength} to ${maxLength}`)
    for (let index = 0; index < value.length; index += 1) item(value[index], `${where}[${index}]`)
    return value as T[]
  }

type Shape = Record<string, Check<unknown>>
type Typed<S extends Shape> = { [K in keyof S]: S[K] extends Check<infer T> ? T : never }

/** An object with exactly the keys of `required`, and any of `optional`. */
export const object = <R extends Shape, O extends Shape = Record<never, Check<unknown>>>(
  required: R,
  optional?: O,
): Check<Typed<R> & Partial<Typed<O>>> => {
  const requiredKeys = Object.keys(required)
  const known = new Map<string, Check<unknown>>([
    ...Object.entries(required),
    ...Object.entries(optional ?? {}),
  ])
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(where, 'an object')
    for (const key of requiredKeys) if (!Object.hasOwn(value, key)) fail(`${where}.${key}`, 'to be present')
    for (const key of Object.keys(value)) {
      const check = known.get(key)
      if (!check) fail(`${where}.${key}`.slice(0, 200), 'to be absent (unknown key)')
      const member = (value as Record<string, unknown>)[key]
      if (member === undefined) fail(`${where}.${key}`, 'a value')
      check(member, `${where}.${key}`)
    }
    return value as never
  }
}

/** Tries each check in turn; the last one's complaint is reported. */
export const either =
  <A, B>(first: Check<A>, second: Check<B>): Check<A | B> =>
  (value, where) => {
    try {
      return first(value, where)
    } catch {
      return second(value, where)
    }
  }

export const boolean: Check<boolean> = literal(true, false)
/** 32 bytes as lowercase hex: hashes, party and contract ids. */
export const hash: Check<string> = pattern(/^[0-9a-f]{64}$/, '64 lowercase hex digits')
/** 16 bytes as lowercase hex: an element's UID. */
export const uid: Check<string> = pattern(/^[0-9a-f]{32}$/, '32 lowercase hex digits')

const LAST_DIGITS = ['A-Za-z0-9_-', 'AQgw', 'AEIMQUYcgkosw048']
/** n bytes as canonical base64url without padding: the last digit's unused bits are zero. */
export const base64url = (sizeBytes: number): Check<string> => {
  const length = Math.ceil((sizeBytes * 8) / 6)
  const expression = new RegExp(`^[A-Za-z0-9_-]{${length - 1}}[${LAST_DIGITS[sizeBytes % 3]}]$`)
  return pattern(expression, `${sizeBytes} bytes in base64url`)
}
export const publicKey: Check<string> = base64url(32)
export const signature: Check<string> = base64url(64)
export const timeMs: Check<number> = integer(0, 253402300799999)
