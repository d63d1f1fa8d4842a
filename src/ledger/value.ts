/**
 * Values stand in the ledger as salted commitments; what opens them travels and is stored beside it (PROTOCOL VAL-1, VAL-2),
 * so that a value can be private, and forgotten, without a hash changing.
 */
import { base64UrlDecode, concat, utf8 } from '../crypto/bytes.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import * as shape from '../crypto/shape.ts'

/** Decimals, integers, dates and texts are strings; see the element's type. */
export type Value = string | boolean | null

/** What opens a commitment. salt: 16 bytes, base64url. */
export type Opening = { salt: string; value: Value }

/** Largest text value in UTF-16 units. */
export const VALUE_MAX_LENGTH = 1024 * 1024

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is refused
const VALUE_TEXT = /^[^\u0000\ud800-\udfff]*$/u

export const valueShape: shape.Check<Value> = (value, where) => {
  if (value === null || typeof value === 'boolean') return value
  shape.string(VALUE_MAX_LENGTH)(value, where)
  return shape.pattern(VALUE_TEXT, 'text without NUL or unpaired surrogates')(value, where)
}

export const openingShape: shape.Check<Opening> = shape.object({
  salt: shape.base64url(16),
  value: valueShape,
})

/** The commitment (64 hex digits) that this opening opens. */
export function commitmentOf(opening: Opening): string {
  return hashOf('value', concat(base64UrlDecode(opening.salt), utf8(jcs(opening.value))))
}
