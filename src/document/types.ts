/** The lexical form of every field type. What is signed is exactly this text, so there is one strict form of each. */
import { isWellFormed } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { FILE_MAX_BYTES, parseFileValue } from './file-value.ts'
import { quoteShort } from './names.ts'
import type { FieldType, FieldValue } from './tree.ts'

/** Longest text value in UTF-8: 1 MiB. */
export const MAX_TEXT_BYTES = 1024 * 1024

/** Most digits of a number, those of the exponent included. */
export const MAX_DIGITS = 64

/** Largest exponent of a decimal, either sign: bounds the work that exact arithmetic can be made to do. */
export const MAX_EXPONENT = 9999

/** Most digits after the point of a date-time's seconds. */
export const MAX_SECOND_DIGITS = 9

/** Most UTF-16 units of a choice. */
export const MAX_CHOICE_LENGTH = 256

const INTEGER = /^-?(?:0|[1-9][0-9]*)$/
const DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE]([+-]?[0-9]+))?$/
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/
const DATE_TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/
const MONEY = /^(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?) [A-Z]{3}$/
const PARTY = /^[0-9a-f]{64}$/
/** Longest string that can be of a numeric or date type; longer ones never reach a pattern. */
const MAX_SHORT_LENGTH = 128

const EXPECTED: Readonly<Record<FieldType, string>> = {
  text: 'text',
  decimal: `a decimal number such as 10.50 or -1.2e3, with at most ${MAX_DIGITS} digits and no leading zeros or +`,
  integer: `a whole number such as 42 or -7, with at most ${MAX_DIGITS} digits and no leading zeros or +`,
  boolean: 'true or false',
  date: 'a date of the calendar such as 2024-02-29',
  'date-time': 'an RFC 3339 time such as 2024-02-29T23:59:59Z or 2024-03-01T08:00:00.5+01:00',
  money: `an amount and a currency such as 1250.00 EUR, with at most ${MAX_DIGITS} digits and no exponent`,
  choice: `a text of 1 to ${MAX_CHOICE_LENGTH} characters`,
  party: 'a party id: 64 lowercase hex digits',
  file: `a file: SHA-256, size in bytes (at most ${FILE_MAX_BYTES}), media type and name, with single spaces between`,
  null: 'null',
}

/**
 * Checks that `value` has the strict form of `type`.
 *
 * - text: no U+0000, no unpaired surrogates, at most 1 MiB in UTF-8
 * - decimal, integer: a JSON number as a string, at most 64 digits; a decimal's exponent within ±9999
 * - date, date-time: RFC 3339 with a day that exists; `T` and `Z` in capitals; a second 60 only where UTC can have one
 * - money: a decimal without exponent, one space, three capital letters (the shape of ISO 4217); zero has no sign
 * - choice: 1 to 256 UTF-16 units; which ones may be chosen is for rules to say
 * - party: a party id, 64 hex digits
 * - file: see file-value.ts
 * - boolean, null: the JavaScript values
 *
 * @throws CountersignError `bad-value` saying what is expected; `too-large` for a text over 1 MiB
 */
export function checkValue(type: FieldType, value: FieldValue): void {
  switch (type) {
    case 'text':
      if (typeof value !== 'string') throw unexpected(type, value)
      checkText(value)
      return
    case 'decimal':
      if (!isDecimal(value)) throw unexpected(type, value)
      return
    case 'integer':
      if (!isInteger(value)) throw unexpected(type, value)
      return
    case 'boolean':
      if (typeof value !== 'boolean') throw unexpected(type, value)
      return
    case 'date':
      if (!isDate(value)) throw unexpected(type, value)
      return
    case 'date-time':
      if (!isDateTime(value)) throw unexpected(type, value)
      return
    case 'money':
      if (!isMoney(value)) throw unexpected(type, value)
      return
    case 'choice':
      if (!isChoice(value)) throw unexpected(type, value)
      return
    case 'party':
      if (!isShort(value) || !PARTY.test(value)) throw unexpected(type, value)
      return
    case 'file':
      if (typeof value !== 'string' || parseFileValue(value) === undefined) throw unexpected(type, value)
      return
    case 'null':
      if (value !== null) throw unexpected(type, value)
      return
    default:
      throw new CountersignError('bad-value', `There is no field type ${quoteShort(String(type))}.`)
  }
}

/**
 * The value that `text` writes, for plain-text bodies and the command line: `true` and `false` for boolean, `null` for
 * null, the text itself for every other type. Nothing is trimmed.
 *
 * @throws CountersignError as {@link checkValue}
 */
export function parseTyped(type: FieldType, text: string): FieldValue {
  let value: FieldValue = text
  if (type === 'boolean' && (text === 'true' || text === 'false')) value = text === 'true'
  if (type === 'null' && text === 'null') value = null
  checkValue(type, value)
  return value
}

/** The type of a JSON number by how it is written: `integer` for `10`, `decimal` for `10.0` and `1e1`. */
export function numberType(literal: string): 'integer' | 'decimal' {
  return literal.includes('.') || literal.includes('e') || literal.includes('E') ? 'decimal' : 'integer'
}

/** Length in UTF-8 of a string without unpaired surrogates. */
export function utf8Length(value: string): number {
  let bytes = value.length
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index)
    if (unit < 0x80) continue
    // A surrogate pair is 2 units and 4 bytes: each half adds one.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

function checkText(value: string): void {
  if (
    value.length > MAX_TEXT_BYTES ||
    (value.length * 3 > MAX_TEXT_BYTES && utf8Length(value) > MAX_TEXT_BYTES)
  ) {
    throw new CountersignError(
      'too-large',
      `A text may have at most ${MAX_TEXT_BYTES} bytes; store more as a file.`,
    )
  }
  if (value.includes('\0')) throw new CountersignError('bad-value', 'The text holds U+0000; leave it out.')
  if (!isWellFormed(value)) {
    throw new CountersignError(
      'bad-value',
      'The text holds half a character (an unpaired surrogate); leave it out.',
    )
  }
}

function isShort(value: FieldValue): value is string {
  return typeof value === 'string' && value.length <= MAX_SHORT_LENGTH
}

function countDigits(value: string): number {
  return value.replace(/[^0-9]/g, '').length
}

function isInteger(value: FieldValue): boolean {
  return isShort(value) && INTEGER.test(value) && countDigits(value) <= MAX_DIGITS
}

function isDecimal(value: FieldValue): boolean {
  if (!isShort(value)) return false
  const match = DECIMAL.exec(value)
  if (match === null || countDigits(value) > MAX_DIGITS) return false
  return match[1] === undefined || Math.abs(Number(match[1])) <= MAX_EXPONENT
}

function isMoney(value: FieldValue): boolean {
  const amount = isShort(value) ? MONEY.exec(value)?.[1] : undefined
  return amount !== undefined && countDigits(amount) <= MAX_DIGITS && !/^-[0.]*$/.test(amount)
}

function isChoice(value: FieldValue): boolean {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_CHOICE_LENGTH) return false
  return !value.includes('\0') && isWellFormed(value)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function isDate(value: FieldValue): boolean {
  const match = isShort(value) ? DATE.exec(value) : null
  return match !== null && isCalendarDay(Number(match[1]), Number(match[2]), Number(match[3]))
}

function isDateTime(value: FieldValue): boolean {
  const match = isShort(value) ? DATE_TIME.exec(value) : null
  if (match === null) return false
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])]
  const [offsetHour, offsetMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  if (!isCalendarDay(Number(match[1]), Number(match[2]), Number(match[3]))) return false
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if ((match[7]?.length ?? 0) > MAX_SECOND_DIGITS) return false
  if (second < 60) return true
  // RFC 3339 §5.7: a leap second is inserted at the end of a UTC day, so the offset must bring it to 23:59:60Z.
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === '-' ? -1 : 1)
  const utcMinute = (hour * 60 + minute - offset + 2 * 1440) % 1440
  return utcMinute === 1439
}

/** Never quotes the value: messages reach logs, which an erasure does not reach. */
function unexpected(type: FieldType, value: FieldValue): CountersignError {
  const got =
    typeof value === 'string' ? `a string of ${value.length} characters that is none` : String(value)
  return new CountersignError('bad-value', `Expected ${EXPECTED[type]}; got ${got}.`, { expected: type })
}
