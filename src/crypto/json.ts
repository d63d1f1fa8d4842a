/**
 * A strict JSON parser for text that came from another party (RFC 8259, and I-JSON's rules of RFC 7493).
 *
 * It is JSON.parse with checks around it rather than a second grammar: JSON.parse accepts exactly RFC 8259. What it lets
 * pass is found in two cheap walks. Before it, one over the text finds depth and numbers, and counts the values, because
 * 16 MiB of `{},` are 5 million objects: a gigabyte in JSON.parse before anyone could look at what it made. It also counts
 * the members of all objects: outside strings, each `:` is one. After it, a walk over the value counts the keys: JSON.parse
 * keeps one member of each name in an object and drops the others with all they hold, so the keys are fewer than the
 * members exactly if a name stands twice.
 */
import { isWellFormed } from './bytes.ts'
import { CountersignError } from './errors.ts'

/** Any JSON value as JSON.parse gives it. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
/** A JSON object. A key `__proto__` is an own property like any other. */
export type JsonObject = { [key: string]: JsonValue }

/** A number as it was written: `10.50` stays `10.50`. */
export class JsonNumber {
  /** The characters of the number; of RFC 8259's grammar. */
  readonly literal: string

  constructor(literal: string) {
    this.literal = literal
  }
}

/** Any JSON value with its numbers as they were written. */
export type JsonLiteralValue = null | boolean | string | JsonNumber | JsonLiteralValue[] | JsonLiteralObject
export type JsonLiteralObject = { [key: string]: JsonLiteralValue }

/**
 * Limits of `parseJson`. depth: objects and arrays within one another (default 64); sizeBytes: the text in UTF-8 (default
 * 16 MiB); nodes: values of any kind (default 1,000,000); numbers: `double`, or `literal` for JsonNumber.
 */
export type JsonLimits = {
  depth?: number
  sizeBytes?: number
  nodes?: number
  numbers?: 'double' | 'literal'
}

export const JSON_DEPTH = 64
const SIZE_BYTES = 16 * 1024 * 1024
const NODES = 1_000_000

/**
 * The value that a JSON text stands for. Refused as `bad-json`: what RFC 8259 refuses, a byte order mark, a name standing
 * twice in one object, an unpaired surrogate, U+0000 in a string, and in `double` mode numbers that a double doesn't hold:
 * infinite ones, those that become zero, integers written in digits that come back different. Past a limit: `too-large`.
 * Minus zero is read as zero. As in JSON.parse, keys that are array indices come first.
 * @throws CountersignError `bad-json`, `too-large`
 */
export function parseJson(text: string, limits: JsonLimits & { numbers: 'literal' }): JsonLiteralValue
export function parseJson(text: string, limits?: JsonLimits & { numbers?: 'double' }): JsonValue
export function parseJson(text: string, limits: JsonLimits = {}): JsonValue | JsonLiteralValue {
  const { depth = JSON_DEPTH, sizeBytes = SIZE_BYTES, nodes = NODES, numbers = 'double' } = limits
  if (isLongerThan(text, sizeBytes))
    throw new CountersignError('too-large', `the JSON is longer than ${sizeBytes} bytes`)
  if (!isWellFormed(text)) throw new CountersignError('bad-json', 'the JSON text holds an unpaired surrogate')
  const scanned = scan(text, { depth, nodes, literals: numbers === 'literal' })
  let value: unknown
  try {
    value = JSON.parse(scanned.text)
  } catch (error) {
    throw new CountersignError('bad-json', `the text is not JSON${place(error, scanned.text === text)}`)
  }
  const walk: Walk = {
    // The text itself is well-formed, so that only an escape can put an unpaired surrogate in a string.
    escapes: text.includes('\\u'),
    literals: numbers === 'literal',
    keys: 0,
  }
  const checked = check(value, walk)
  if (walk.keys !== scanned.members) throw duplicateKey(text)
  return checked as JsonValue | JsonLiteralValue
}

/** Whether the UTF-8 form of a text is longer than this, without making it where the length alone tells. */
function isLongerThan(text: string, sizeBytes: number): boolean {
  if (text.length > sizeBytes) return true
  if (text.length * 3 <= sizeBytes) return false
  let size = text.length
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    // A surrogate pair has two units and four bytes: one more for each half.
    if (unit >= 0x80) size += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return size > sizeBytes
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
/** What stands before a number turned into a string. A string can't begin so otherwise: U+0000 is refused. */
const LITERAL_MARK = '\u0000'

/**
 * Walks over the text outside strings. Exact for JSON; for anything else its result does not matter, since JSON.parse then
 * refuses the text. With `literals`, the text comes back with each number as a marked string.
 */
function scan(
  text: string,
  limits: { depth: number; nodes: number; literals: boolean },
): { text: string; members: number } {
  const { literals } = limits
  const length = text.length
  let members = 0
  // A value begins the text, or stands behind a comma or a bracket; nothing stands behind the bracket of an empty one.
  let values = 1
  let depth = 0
  let rewritten = ''
  let copied = 0
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === QUOTE) {
      for (index += 1; index < length; index += 1) {
        const inside = text.charCodeAt(index)
        if (inside === QUOTE) break
        if (inside !== BACKSLASH) continue
        if (text.startsWith('u0000', index + 1))
          throw new CountersignError('bad-json', 'a string holds U+0000; remove it')
        index += 1
      }
    } else if (unit === COLON) {
      members += 1
    } else if (unit === COMMA) {
      values += 1
      if (values > limits.nodes) throw tooManyValues()
    } else if (unit === MINUS || (unit >= 0x30 && unit <= 0x39)) {
      const start = index
      while (isNumberUnit(text.charCodeAt(index + 1))) index += 1
      if (literals) {
        const literal = text.slice(start, index + 1)
        if (!NUMBER.test(literal)) throw badNumber(literal, start)
        rewritten += `${text.slice(copied, start)}"\\u0000${literal}"`
        copied = index + 1
      } else if (index - start >= 15 || hasExponent(text, start, index)) {
        checkDouble(text.slice(start, index + 1), start)
      }
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      values += 1
      depth += 1
      if (depth > limits.depth)
        throw new CountersignError('too-large', `the JSON is nested deeper than ${limits.depth}`)
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      if (closesNothing(text, index)) values -= 1
      depth -= 1
    }
  }
  if (values > limits.nodes) throw tooManyValues()
  return { text: literals ? rewritten + text.slice(copied) : text, members }
}

function tooManyValues(): CountersignError {
  return new CountersignError('too-large', 'the JSON holds more values than the limit')
}

/** Whether nothing but white space stands between the bracket that closes at `index` and one that opens. */
function closesNothing(text: string, index: number): boolean {
  let before = index - 1
  while (isSpace(text.charCodeAt(before))) before -= 1
  const unit = text.charCodeAt(before)
  return unit === OPEN_BRACE || unit === OPEN_BRACKET
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09
}

/** Digits, `+`, `-`, `.`, `e`, `E`; false at the end of the text, where the unit is NaN. */
function isNumberUnit(unit: number): boolean {
  return (
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x2e ||
    (unit | 0x20) === 0x65 ||
    unit === 0x2b ||
    unit === MINUS
  )
}

function hasExponent(text: string, start: number, end: number): boolean {
  for (let index = start; index <= end; index += 1) if ((text.charCodeAt(index) | 0x20) === 0x65) return true
  return false
}

function checkDouble(literal: string, position: number): void {
  if (!NUMBER.test(literal)) throw badNumber(literal, position)
  const number = Number(literal)
  const isZero = number === 0 && /[1-9]/.test(literal.replace(/[eE].*/, ''))
  const isOtherInteger = /^-?[0-9]+$/.test(literal) && number !== 0 && String(number) !== literal
  if (!Number.isFinite(number) || isZero || isOtherInteger)
    throw new CountersignError(
      'bad-json',
      `a double does not hold the number at position ${position}; write it as a string`,
    )
}

function badNumber(literal: string, position: number): CountersignError {
  return new CountersignError(
    'bad-json',
    `«${literal.slice(0, 40)}» at position ${position} is not a JSON number`,
  )
}

type Walk = { readonly escapes: boolean; readonly literals: boolean; keys: number }

/** Counts keys, checks strings, puts JsonNumbers in place. Its depth is bounded by what `scan` let pass. */
function check(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') {
    if (walk.literals && value.startsWith(LITERAL_MARK)) return new JsonNumber(value.slice(1))
    if (walk.escapes) checkString(value)
    return value
  }
  // Minus zero: JCS has one zero.
  if (typeof value === 'number') return value === 0 ? 0 : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item = value[index]
      const checked = check(item, walk)
      if (!Object.is(checked, item)) value[index] = checked
    }
    return value
  }
  const object = value as Record<string, unknown>
  const keys = Object.keys(object)
  walk.keys += keys.length
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] as string
    if (walk.escapes) checkString(key)
    if (walk.literals && key.startsWith(LITERAL_MARK))
      throw new CountersignError(
        'bad-json',
        `a name in an object is a number; write "${key.slice(1, 41)}" in quotes`,
      )
    const member = object[key]
    const checked = check(member, walk)
    // `object` owns this key, so that `__proto__` too is an assignment to a property and to nothing else.
    if (!Object.is(checked, member)) object[key] = checked
  }
  return value
}

function checkString(text: string): void {
  if (!isWellFormed(text))
    throw new CountersignError('bad-json', 'a string holds an unpaired surrogate; remove it')
}

/**
 * The error for a text known to be JSON in which some object has a name twice: finds it. By hand, since a regular expression
 * that takes strings runs out of its stack on a long one.
 */
function duplicateKey(text: string): CountersignError {
  const namesWithin: Set<string>[] = []
  let start = 0
  let end = 0
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === QUOTE) {
      start = index
      for (index += 1; text.charCodeAt(index) !== QUOTE; index += 1)
        if (text.charCodeAt(index) === BACKSLASH) index += 1
      end = index + 1
    } else if (unit === OPEN_BRACE) namesWithin.push(new Set())
    else if (unit === CLOSE_BRACE) namesWithin.pop()
    else if (unit === COLON) {
      const literal = text.slice(start, end)
      const name = JSON.parse(literal) as string
      const names = namesWithin.at(-1) as Set<string>
      if (names.has(name))
        return new CountersignError(
          'bad-json',
          `the name ${literal.slice(0, 80)} stands twice at position ${index}`,
        )
      names.add(name)
    }
  }
  return new CountersignError('bad-json', 'a name stands twice in one object')
}

/** Where JSON.parse stopped, if it says so; its message itself would quote the text. */
function place(error: unknown, hasOwnPositions: boolean): string {
  const found = hasOwnPositions && error instanceof Error ? /at position (\d+)/.exec(error.message) : null
  return found === null ? '; check quotes, commas and brackets' : `: unexpected at position ${found[1]}`
}
