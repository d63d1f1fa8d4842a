/**
 * The one seam to a cryptographic library: SHA-256, Ed25519 and the handles of private keys. This file stands on
 * node:crypto; a browser build puts another file with the same exports in its place. Nothing else in the paper rooms
 * reaches for either.
 *
 * The verification rule for Ed25519 is pinned, because libraries differ on signatures that no honest signer makes, and two
 * members that disagree on one signature disagree on the ledger. A signature (R, S) by public key A is good exactly if
 *   1. A, R and S are 32 bytes each, and S < L, the order of the base point (RFC 8032 section 5.1.7);
 *   2. A and R are canonical encodings: y < 2^255 - 19;
 *   3. neither A nor R encodes one of the eight points of small order, whatever its sign bit;
 *   4. the bytes of S·B - k·A equal the bytes of R, with k = SHA-512(R ‖ A ‖ message): the cofactorless equation.
 * Steps 1–3 are checked here. OpenSSL does step 4, and refuses an A that is no point of the curve. A library that
 * multiplies by the cofactor in step 4 (many do) must not be put here as it is.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { base64UrlDecode, concat, hexDecode, isWellFormed } from './bytes.ts'
import { CountersignError } from './errors.ts'

/** Ed25519 keys sign, X25519 keys open what was sealed to them. */
export type KeyAlgorithm = 'Ed25519' | 'X25519'

const CACHED_KEYS = 4096
const KEY_SIZE_BYTES = 32
const SIGNATURE_SIZE_BYTES = 64

/** DER of a PKCS#8 PrivateKeyInfo before its 32 key bytes (RFC 8410 section 7), in hex. */
export const PKCS8_PREFIX: Readonly<Record<KeyAlgorithm, string>> = {
  Ed25519: '302e020100300506032b657004220420',
  X25519: '302e020100300506032b656e04220420',
}

/** SHA-256 (FIPS 180-4), 32 bytes; text is hashed as UTF-8. @throws CountersignError `bad-format` on an unpaired surrogate */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hexDecode(sha256Hex(data), 32)
}

/** SHA-256 as 64 lowercase hex digits; text is hashed as UTF-8. @throws CountersignError `bad-format` as `sha256` */
export function sha256Hex(data: Uint8Array | string): string {
  // Node would hash U+FFFD in place of an unpaired surrogate, so that different texts would share a hash.
  if (typeof data === 'string' && !isWellFormed(data))
    throw new CountersignError('bad-format', 'the text holds an unpaired surrogate; remove that character')
  return hash('sha256', data, 'hex')
}

/**
 * A private key. What it holds stays inside: it shows neither in JSON nor in a log; `privateKeyBytes` takes it out on
 * purpose. Made by `importPrivateKey` or by the functions of keys.ts.
 */
export class PrivateKey {
  readonly algorithm: KeyAlgorithm
  /** The public key that belongs to it, base64url of 32 bytes. */
  readonly publicKey: string
  readonly #key: KeyObject

  constructor(algorithm: KeyAlgorithm, key: KeyObject) {
    this.algorithm = algorithm
    this.#key = key
    this.publicKey = createPublicKey(key).export({ format: 'jwk' }).x as string
  }

  /** The library's handle, for this file. */
  static handle(privateKey: PrivateKey): KeyObject {
    return privateKey.#key
  }

  toJSON(): string {
    return `[private ${this.algorithm} key]`
  }
}

/** A private key from its 32 bytes: the Ed25519 seed or the X25519 scalar. @throws CountersignError `bad-format` */
export function importPrivateKey(algorithm: KeyAlgorithm, bytes: Uint8Array): PrivateKey {
  if (bytes.length !== KEY_SIZE_BYTES)
    throw new CountersignError('bad-format', `a private ${algorithm} key has 32 bytes, found ${bytes.length}`)
  const key = concat(hexDecode(PKCS8_PREFIX[algorithm]), bytes)
  return new PrivateKey(algorithm, createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }))
}

/** The 32 bytes of a private key: the Ed25519 seed or the X25519 scalar. Keep them out of logs and messages. */
export function privateKeyBytes(privateKey: PrivateKey): Uint8Array {
  return base64UrlDecode(PrivateKey.handle(privateKey).export({ format: 'jwk' }).d as string, KEY_SIZE_BYTES)
}

/** An Ed25519 signature (RFC 8032), 64 bytes; deterministic. @throws CountersignError `bad-format` for an X25519 key */
export function ed25519Sign(privateKey: PrivateKey, message: Uint8Array): Uint8Array {
  if (privateKey.algorithm !== 'Ed25519')
    throw new CountersignError('bad-format', 'an X25519 key cannot sign; use one of the Ed25519 keys')
  return new Uint8Array(sign(null, message, PrivateKey.handle(privateKey)))
}

/**
 * True if `signature` (64 bytes) is one of `publicKey` (base64url of 32 bytes) over `message` by the rule above. Whatever
 * is malformed is false, never an error.
 */
export function ed25519Verify(publicKey: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_SIZE_BYTES) return false
  if (!isScalarReduced(signature, 32) || !isPointAllowed(signature)) return false
  const key = verificationKey(publicKey)
  return key !== undefined && verify(null, message, key, signature)
}

/** True if this is base64url of 32 bytes that `ed25519Verify` could ever accept a signature of. */
export function isEd25519PublicKey(publicKey: string): boolean {
  return verificationKey(publicKey) !== undefined
}

/** Imported keys, the least recently used first. Pure memoisation: what it holds changes speed only. */
const verificationKeys = new Map<string, KeyObject>()

function verificationKey(publicKey: string): KeyObject | undefined {
  let key = verificationKeys.get(publicKey)
  if (key !== undefined) {
    verificationKeys.delete(publicKey)
    verificationKeys.set(publicKey, key)
    return key
  }
  try {
    if (!isPointAllowed(base64UrlDecode(publicKey, KEY_SIZE_BYTES))) return undefined
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  } catch {
    return undefined
  }
  if (verificationKeys.size >= CACHED_KEYS) {
    const oldest = verificationKeys.keys().next()
    if (!oldest.done) verificationKeys.delete(oldest.value)
  }
  verificationKeys.set(publicKey, key)
  return key
}

/** L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const GROUP_ORDER = hexDecode('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')

/** p = 2^255 - 19, little-endian. */
const FIELD_PRIME = hexDecode('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')

/** The y coordinates of the eight points of small order, little-endian; those of order 4 and 8 come in pairs. */
const SMALL_ORDER_Y = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => hexDecode(hex))

/** Whether the 32 bytes of `bytes` from `offset`, read little-endian, are below L. */
function isScalarReduced(bytes: Uint8Array, offset: number): boolean {
  for (let index = 31; index >= 0; index -= 1) {
    const difference = (bytes[offset + index] as number) - (GROUP_ORDER[index] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Whether the first 32 bytes are a canonical y coordinate that is not one of small order; the sign bit is left out. */
function isPointAllowed(bytes: Uint8Array): boolean {
  return isCanonicalY(bytes) && !SMALL_ORDER_Y.some((y) => hasY(bytes, y))
}

function isCanonicalY(bytes: Uint8Array): boolean {
  for (let index = 31; index >= 0; index -= 1) {
    const byte = index === 31 ? (bytes[31] as number) & 0x7f : (bytes[index] as number)
    const difference = byte - (FIELD_PRIME[index] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

function hasY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let index = 0; index < 31; index += 1) if (bytes[index] !== y[index]) return false
  return ((bytes[31] as number) & 0x7f) === y[31]
}
