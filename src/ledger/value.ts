/**
 * Values stand in the ledger as salted commitments; what opens them travels and is stored beside it (PROTOCOL VAL-1, VAL-2),
 * so that a value can be private, and forgotten, without a hash changing.
 */
import { base64UrlDecode, concat, hexDecode, isWellFormed } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcsBytes } from '../crypto/jcs.ts'
import * as shape from '../crypto/shape.ts'

/** Decimals, integers, dates and texts are strings; see the element's type. */
export type Value = string | boolean | null

/**
 * What opens a commitment. salt: 16 bytes, base64url. of: UID of the private field it is of (VAL-4), so that nobody can put
 * another's commitment, unopened, into a field of its own.
 */
export type Opening = { salt: string; value: Value; of?: string }

const SALT_BYTES = 16

/** Largest text value in UTF-16 units. */
export const VALUE_MAX_LENGTH = 1024 * 1024

export const valueShape: shape.Check<Value> = (value, where) => {
  if (value === null || typeof value === 'boolean') return value
  const text = shape.string(VALUE_MAX_LENGTH)(value, where)
  if (text.includes('\u0000') || !isWellFormed(text))
    throw new CountersignError('bad-format', `${where}: expected text without U+0000 or unpaired surrogates`)
  return text
}

export const openingShape: shape.Check<Opening> = shape.object(
  { salt: shape.base64url(SALT_BYTES), value: valueShape },
  { of: shape.uid },
)

/** What stands as `seen` for a field without a value (REQ-3): nobody finds an opening of it. */
export const NO_VALUE = '0'.repeat(64)

/** The commitment (64 hex digits) that this opening opens. */
export function commitmentOf({ salt, value, of }: Opening): string {
  const salted = concat(base64UrlDecode(salt, SALT_BYTES), jcsBytes(value))
  return of === undefined ? hashOf('value', salted) : hashOf('private-value', concat(hexDecode(of), salted))
}
