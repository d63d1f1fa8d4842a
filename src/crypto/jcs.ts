/** Canonical JSON (RFC 8785): the one text of a value, which is what is hashed and signed. */
import { isWellFormed, utf8 } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { JSON_DEPTH } from './json.ts'

/** Printable ASCII without quote and backslash: what needs no escape. */
const PLAIN = /^[ !#-[\]-~]*$/

/**
 * The canonical text of a JSON value: objects, arrays, strings, finite numbers, booleans and null, and nothing else. What
 * JSON.stringify would drop or bend (undefined, functions, symbols, Map, Date, class instances, holes, NaN) is refused, and
 * so is what `parseJson` refuses to read back: unpaired surrogates, U+0000, nesting past 64 (and with it, cycles).
 * @throws CountersignError `bad-json`
 */
export function jcs(value: unknown): string {
  return write(value, 0)
}

/** The canonical text in UTF-8. @throws CountersignError `bad-json` */
export function jcsBytes(value: unknown): Uint8Array {
  return utf8(write(value, 0))
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      // ECMAScript's Number to String is the form that RFC 8785 section 3.2.2.3 prescribes; minus zero gives 0.
      if (Number.isFinite(value)) return String(value)
      throw new CountersignError('bad-json', `JSON has no ${value}`)
    case 'object':
      if (value === null) return 'null'
      if (depth >= JSON_DEPTH)
        throw new CountersignError('bad-json', `the value is nested deeper than ${JSON_DEPTH}`)
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1)
    default:
      throw new CountersignError(
        'bad-json',
        `JSON has no ${typeof value}; leave the member out or give it a value`,
      )
  }
}

function writeArray(items: readonly unknown[], depth: number): string {
  if (items.length === 0) return '[]'
  let text = `[${write(items[0], depth)}`
  for (let index = 1; index < items.length; index += 1) text += `,${write(items[index], depth)}`
  return `${text}]`
}

function writeObject(object: object, depth: number): string {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null)
    throw new CountersignError(
      'bad-json',
      `JSON has no ${prototype.constructor?.name ?? 'class instance'}; convert it first`,
    )
  const keys = Object.keys(object)
  if (!isSorted(keys)) keys.sort()
  let text = ''
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as string
    text += `${index === 0 ? '{' : ','}${quote(key)}:${write((object as Record<string, unknown>)[key], depth)}`
  }
  return text === '' ? '{}' : `${text}}`
}

/** Whether keys stand in the order of their UTF-16 units, which is also that of `sort` (RFC 8785 section 3.2.3). */
function isSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1)
    if ((keys[index - 1] as string) > (keys[index] as string)) return false
  return true
}

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  if (!isWellFormed(text))
    throw new CountersignError('bad-json', 'a string holds an unpaired surrogate; remove it')
  if (text.includes('\u0000')) throw new CountersignError('bad-json', 'a string holds U+0000; remove it')
  // For well-formed text JSON.stringify escapes exactly what RFC 8785 section 3.2.2.2 lists, in the same way.
  return JSON.stringify(text)
}
