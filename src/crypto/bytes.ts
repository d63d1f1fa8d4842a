/**
 * Bytes and their spellings. Every decoder is strict: it takes exactly the one spelling that its encoder writes, so that
 * two spellings never stand for the same bytes. All throw CountersignError('bad-format').
 */
import { CountersignError } from './errors.ts'

const HEX_DIGITS = '0123456789abcdef'
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE64URL_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NO_DIGIT = 255
const PADDING = 61

const HEX_VALUES = digitValues(HEX_DIGITS)
const BASE64_VALUES = digitValues(BASE64_DIGITS)
const BASE64URL_VALUES = digitValues(BASE64URL_DIGITS)

function digitValues(digits: string): Uint8Array {
  const values = new Uint8Array(128).fill(NO_DIGIT)
  for (let value = 0; value < digits.length; value += 1) values[digits.charCodeAt(value)] = value
  return values
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const HEX_CODES = encoder.encode(HEX_DIGITS)
const BASE64_CODES = encoder.encode(BASE64_DIGITS)
const BASE64URL_CODES = encoder.encode(BASE64URL_DIGITS)

/** Bytes as lowercase hex. */
export function hexEncode(bytes: Uint8Array): string {
  // Character codes decoded at once make a flat string; one built by appending is flattened again when first used.
  const codes = new Uint8Array(bytes.length * 2)
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    codes[index * 2] = HEX_CODES[byte >> 4] as number
    codes[index * 2 + 1] = HEX_CODES[byte & 15] as number
  }
  return decoder.decode(codes)
}

/** Lowercase hex to bytes; with `sizeBytes` exactly that many. @throws CountersignError `bad-format` */
export function hexDecode(text: string, sizeBytes: number = text.length >> 1): Uint8Array {
  const bytes = new Uint8Array(Math.min(sizeBytes, (text.length + 1) >> 1))
  if (text.length !== sizeBytes * 2) throw notHex(sizeBytes)
  hexDecodeInto(text, bytes, 0)
  return bytes
}

/**
 * Writes the bytes of a lowercase hex text into `target` from `offset`. The caller has checked that the text has an even
 * length and fits. @throws CountersignError `bad-format`
 */
export function hexDecodeInto(text: string, target: Uint8Array, offset: number): void {
  let position = offset
  for (let index = 0; index < text.length; index += 2) {
    const high = HEX_VALUES[text.charCodeAt(index)] ?? NO_DIGIT
    const low = HEX_VALUES[text.charCodeAt(index + 1)] ?? NO_DIGIT
    // Digits are below 16; NO_DIGIT on either side lifts the sum past every pair of digits.
    if (high + low > 30) throw notHex(text.length >> 1)
    target[position] = (high << 4) | low
    position += 1
  }
}

function notHex(sizeBytes: number): CountersignError {
  return new CountersignError(
    'bad-format',
    `expected ${sizeBytes} bytes as ${sizeBytes * 2} lowercase hex digits`,
  )
}

/** Bytes as base64 with padding (RFC 4648 section 4). */
export function base64Encode(bytes: Uint8Array): string {
  return encode64(bytes, BASE64_CODES, true)
}

/** Canonical base64 with padding (RFC 4648 section 4) to bytes. @throws CountersignError `bad-format` */
export function base64Decode(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw notBase64('base64 with padding')
  let length = text.length
  while (length > 0 && text.length - length < 2 && text.charCodeAt(length - 1) === PADDING) length -= 1
  return decode64(text, length, BASE64_VALUES, 'base64 with padding')
}

/** Bytes as base64url without padding (RFC 4648 section 5). */
export function base64UrlEncode(bytes: Uint8Array): string {
  return encode64(bytes, BASE64URL_CODES, false)
}

/**
 * Canonical base64url without padding to bytes; with `sizeBytes` exactly that many.
 * @throws CountersignError `bad-format`
 */
export function base64UrlDecode(text: string, sizeBytes?: number): Uint8Array {
  const bytes = decode64(text, text.length, BASE64URL_VALUES, 'base64url without padding')
  if (sizeBytes !== undefined && bytes.length !== sizeBytes)
    throw new CountersignError(
      'bad-format',
      `expected ${sizeBytes} bytes in base64url, found ${bytes.length}`,
    )
  return bytes
}

function encode64(bytes: Uint8Array, digits: Uint8Array, padded: boolean): string {
  const length = Math.ceil((bytes.length * 4) / 3)
  const codes = new Uint8Array(padded ? (length + 3) & ~3 : length).fill(PADDING)
  let position = 0
  for (let index = 0; index < bytes.length; index += 3) {
    // Past the end a byte counts as zero; what its digits would be is not written.
    const group = ((bytes[index] as number) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    for (let shift = 18; shift >= 0 && position < length; shift -= 6) {
      codes[position] = digits[(group >> shift) & 63] as number
      position += 1
    }
  }
  return decoder.decode(codes)
}

function decode64(text: string, length: number, values: Uint8Array, expected: string): Uint8Array {
  const rest = length & 3
  if (rest === 1) throw notBase64(expected)
  const bytes = new Uint8Array((length >> 2) * 3 + (rest === 0 ? 0 : rest - 1))
  let position = 0
  let index = 0
  for (; index + 3 < length; index += 4) {
    const first = values[text.charCodeAt(index)] ?? NO_DIGIT
    const second = values[text.charCodeAt(index + 1)] ?? NO_DIGIT
    const third = values[text.charCodeAt(index + 2)] ?? NO_DIGIT
    const fourth = values[text.charCodeAt(index + 3)] ?? NO_DIGIT
    if ((first | second | third | fourth) > 63) throw notBase64(expected)
    bytes[position] = (first << 2) | (second >> 4)
    bytes[position + 1] = (second << 4) | (third >> 2)
    bytes[position + 2] = (third << 6) | fourth
    position += 3
  }
  if (rest === 0) return bytes
  const first = values[text.charCodeAt(index)] ?? NO_DIGIT
  const second = values[text.charCodeAt(index + 1)] ?? NO_DIGIT
  const third = rest === 3 ? (values[text.charCodeAt(index + 2)] ?? NO_DIGIT) : 0
  const unusedBits = rest === 3 ? third & 3 : second & 15
  if ((first | second | third) > 63 || unusedBits !== 0) throw notBase64(expected)
  bytes[position] = (first << 2) | (second >> 4)
  if (rest === 3) bytes[position + 1] = (second << 4) | (third >> 2)
  return bytes
}

function notBase64(expected: string): CountersignError {
  return new CountersignError('bad-format', `expected canonical ${expected}; check that the text is complete`)
}

/** All parts in order, as new bytes. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}

/** True if the text has no unpaired surrogate, so that it has a UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

/** Text as UTF-8. An unpaired surrogate is refused, never replaced. @throws CountersignError `bad-format` */
export function utf8(text: string): Uint8Array {
  if (!isWellFormed(text))
    throw new CountersignError('bad-format', 'the text holds an unpaired surrogate; remove that character')
  return encoder.encode(text)
}

/** UTF-8 to text; a leading byte order mark stays, as U+FEFF. @throws CountersignError `bad-format` */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new CountersignError('bad-format', 'the bytes are not UTF-8 text; save the text as UTF-8')
  }
}

/** True if both hold the same bytes. Not constant-time: for public data only. */
export function equalBytes(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false
  for (let index = 0; index < first.length; index += 1) if (first[index] !== second[index]) return false
  return true
}

/** Negative, zero or positive as `first` stands before, with or after `second` in byte order; a prefix stands first. */
export function compareBytes(first: Uint8Array, second: Uint8Array): number {
  const length = Math.min(first.length, second.length)
  for (let index = 0; index < length; index += 1) {
    const difference = (first[index] as number) - (second[index] as number)
    if (difference !== 0) return difference
  }
  return first.length - second.length
}
