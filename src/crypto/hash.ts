/**
 * Hashes and signing inputs under a domain, so that bytes hashed or signed for one purpose can't be shown as another's:
 * SHA-256("countersign/v1/" ‖ domain ‖ "\n" ‖ data), and Ed25519 over those same bytes.
 */
import { utf8 } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { jcs } from './jcs.ts'
import { sha256Hex } from './provider.ts'

const DOMAIN = /^[a-z0-9-]{1,64}$/

function prefixOf(domain: string): string {
  if (!DOMAIN.test(domain)) throw new CountersignError('internal', `«${domain}» is not a hash domain`)
  return `countersign/v1/${domain}\n`
}

/** The hash of `data` (text as UTF-8) in a domain, 64 hex digits. @throws CountersignError `bad-format` on a bad text */
export function hashOf(domain: string, data: Uint8Array | string): string {
  const prefix = prefixOf(domain)
  return sha256Hex(typeof data === 'string' ? prefix + data : prepend(prefix, data))
}

/** The hash of a JSON value's canonical text in a domain, 64 hex digits. @throws CountersignError `bad-json` */
export function hashJson(domain: string, value: unknown): string {
  return hashOf(domain, jcs(value))
}

/** The bytes that `hashOf` hashes; what an Ed25519 signature in the domain is made over. */
export function signingInput(domain: string, data: Uint8Array | string): Uint8Array {
  const prefix = prefixOf(domain)
  return typeof data === 'string' ? utf8(prefix + data) : prepend(prefix, data)
}

/** The bytes of an ASCII prefix, then the data. */
function prepend(prefix: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + data.length)
  for (let index = 0; index < prefix.length; index += 1) bytes[index] = prefix.charCodeAt(index)
  bytes.set(data, prefix.length)
  return bytes
}
