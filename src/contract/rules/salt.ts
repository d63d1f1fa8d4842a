/** Salts of derived values (DESIGN §5, PROTOCOL VAL-6). */
import { base64UrlDecode, base64UrlEncode, concat, hexDecode } from '../../crypto/bytes.ts'
import { hashOf } from '../../crypto/hash.ts'

/**
 * The salt of a value that a rule computed: nobody can guess the value by it without the salts of all that it was computed from,
 * and once one of those is erased, nobody can tell it any more.
 * @param uid of the derived field (32 hex)
 * @param request id of the request that it was computed in (64 hex)
 * @param inputs salts (base64url) of the values that were read, in the order in which they were first read
 */
export function derivedSalt(uid: string, request: string, inputs: readonly string[]): string {
  const bytes = concat(hexDecode(uid), hexDecode(request), ...inputs.map((salt) => base64UrlDecode(salt)))
  return base64UrlEncode(hexDecode(hashOf('derived-salt', bytes)).slice(0, 16))
}
