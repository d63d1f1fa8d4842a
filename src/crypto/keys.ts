/**
 * Key pairs and their PEM files: PKCS#8 and SubjectPublicKeyInfo of RFC 8410, as `openssl pkey` writes and reads them.
 * Public keys are base64url of their 32 raw bytes everywhere else. Randomness comes in as a seed.
 */
import {
  base64Decode,
  base64Encode,
  base64UrlDecode,
  base64UrlEncode,
  concat,
  equalBytes,
  hexDecode,
  hexEncode,
} from './bytes.ts'
import { CountersignError } from './errors.ts'
import { importPrivateKey, type KeyAlgorithm, PKCS8_PREFIX, PrivateKey, privateKeyBytes } from './provider.ts'

export { type KeyAlgorithm, PrivateKey }

/** `publicKey`: base64url of the 32 raw bytes. */
export type KeyPair = { publicKey: string; privateKey: PrivateKey }

const PEM_MAX_LENGTH = 16_384
const ALGORITHMS: readonly KeyAlgorithm[] = ['Ed25519', 'X25519']
/** The last octet of the object identifiers 1.3.101.112 and 1.3.101.110 (RFC 8410 section 3). */
const OID_END: Readonly<Record<KeyAlgorithm, string>> = { Ed25519: '70', X25519: '6e' }

/** The Ed25519 key pair of a 32-byte secret random seed. @throws CountersignError `bad-format` for another length */
export function generateKeyPair(seed: Uint8Array): KeyPair {
  return keyPairOf(importPrivateKey('Ed25519', seed))
}

/** The X25519 key pair whose private scalar is this 32-byte secret random seed. @throws CountersignError `bad-format` */
export function generateSealingKeyPair(seed: Uint8Array): KeyPair {
  return keyPairOf(importPrivateKey('X25519', seed))
}

function keyPairOf(privateKey: PrivateKey): KeyPair {
  return { publicKey: privateKey.publicKey, privateKey }
}

/** The private key as an unencrypted PKCS#8 PEM file, ending in a newline. */
export function toPem(privateKey: PrivateKey): string {
  return writePem(
    'PRIVATE KEY',
    concat(hexDecode(PKCS8_PREFIX[privateKey.algorithm]), privateKeyBytes(privateKey)),
  )
}

/**
 * The key pair of a PKCS#8 PEM file holding an Ed25519 or X25519 key; `privateKey.algorithm` tells which. Takes the
 * layouts of RFC 5208 and, with the public key behind, of RFC 5958. @throws CountersignError `bad-format`
 */
export function fromPem(pem: string): KeyPair {
  const der = readPem(pem, 'PRIVATE KEY')
  const hex = hexEncode(der)
  for (const algorithm of ALGORITHMS) {
    const found = new RegExp(
      `^30(?:2e020100|51020101|53020101)300506032b65${OID_END[algorithm]}04220420(.{64})(?:(?:812100|a123032100)(.{64}))?$`,
    ).exec(hex)
    if (found === null || der.length !== (der[1] as number) + 2) continue
    const pair = keyPairOf(importPrivateKey(algorithm, hexDecode(found[1] as string)))
    if (found[2] !== undefined && !equalBytes(base64UrlDecode(pair.publicKey), hexDecode(found[2])))
      throw new CountersignError('bad-format', 'the file’s public key does not belong to its private key')
    return pair
  }
  throw new CountersignError(
    'bad-format',
    'the file holds no Ed25519 or X25519 private key in PKCS#8; make one with `openssl genpkey -algorithm ed25519`',
  )
}

/** A public key (base64url) as a SubjectPublicKeyInfo PEM file, ending in a newline. @throws CountersignError `bad-format` */
export function publicKeyToPem(publicKey: string, algorithm: KeyAlgorithm = 'Ed25519'): string {
  return writePem('PUBLIC KEY', concat(publicKeyPrefix(algorithm), base64UrlDecode(publicKey, 32)))
}

/** The public key (base64url) of a SubjectPublicKeyInfo PEM file of this algorithm. @throws CountersignError `bad-format` */
export function publicKeyFromPem(pem: string, algorithm: KeyAlgorithm = 'Ed25519'): string {
  const der = readPem(pem, 'PUBLIC KEY')
  const prefix = publicKeyPrefix(algorithm)
  if (der.length !== prefix.length + 32 || !equalBytes(der.subarray(0, prefix.length), prefix))
    throw new CountersignError('bad-format', `the file holds no public ${algorithm} key`)
  return base64UrlEncode(der.subarray(prefix.length))
}

function publicKeyPrefix(algorithm: KeyAlgorithm): Uint8Array {
  return hexDecode(`302a300506032b65${OID_END[algorithm]}032100`)
}

function writePem(label: string, der: Uint8Array): string {
  const lines = base64Encode(der).match(/.{1,64}/g) as string[]
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The bytes of a file with exactly one PEM block of this label (RFC 7468); line ends may be LF or CRLF. */
function readPem(pem: string, label: string): Uint8Array {
  if (pem.length > PEM_MAX_LENGTH)
    throw new CountersignError('bad-format', 'the PEM file is longer than 16 KiB')
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
    throw new CountersignError(
      'bad-format',
      'the key is encrypted; decrypt it first with `openssl pkey -in FILE -out NEW`',
    )
  const found = /^\s*-----BEGIN ([A-Z ]{1,40})-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*$/.exec(pem)
  if (found === null || found[1] !== label)
    throw new CountersignError('bad-format', `the file is not one PEM block «${label}»`)
  return base64Decode((found[2] as string).replace(/[\r\n]/g, ''))
}
