/**
 * Signed notes, checkpoints and cosignatures in the formats of C2SP signed-note, tlog-checkpoint and tlog-cosignature
 * (the Ed25519 kind, cosignature/v1), so that their witnesses and tools read what members sign, and the other way round.
 *
 *   example.com/log                            the body, here a checkpoint: origin,
 *   42                                         size,
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       root hash, and perhaps extension lines
 *                                              an empty line
 *   — example.com/log Az3grlgtzPICa5OS8npV…    signature lines: name, base64(key ID ‖ signature)
 *
 * Everything is parsed strictly, so that formatting what was parsed gives the same text back.
 */
import {
  base64Decode,
  base64Encode,
  base64UrlDecode,
  base64UrlEncode,
  concat,
  hexDecode,
  hexEncode,
  isWellFormed,
  utf8,
} from './bytes.ts'
import { CountersignError } from './errors.ts'
import { ed25519Verify, sha256Hex } from './provider.ts'

/** signed-note's signature types: a plain Ed25519 signature over the body, and a timestamped cosignature. */
export const NOTE_ED25519 = 0x01
export const NOTE_COSIGNATURE_V1 = 0x04

export const NOTE_MAX_LENGTH = 1024 * 1024
export const NOTE_MAX_SIGNATURES = 512
const NAME_MAX_LENGTH = 255
const EXTENSIONS_MAX = 64
const LINE_MAX_LENGTH = 4096

/** rootHash: 64 hex digits; size: the number of leaves; extensions: further lines, none of them empty. */
export type NoteCheckpoint = { origin: string; size: number; rootHash: string; extensions: string[] }

/** keyId: 8 hex digits; signature: what stands behind the key ID, base64url. */
export type NoteSignature = { name: string; keyId: string; signature: string }

/** body: the signed text, ending in a newline. */
export type Note = { body: string; signatures: NoteSignature[] }

/** timeSeconds: when the cosigner signed, since 1970; signature: base64url of 64 bytes. */
export type NoteCosignature = { name: string; keyId: string; timeSeconds: number; signature: string }

/** The body of a checkpoint, ending in a newline. @throws CountersignError `bad-format` */
export function formatCheckpoint(checkpoint: {
  readonly origin: string
  readonly size: number
  readonly rootHash: string
  readonly extensions?: readonly string[]
}): string {
  const { origin, size, rootHash, extensions = [] } = checkpoint
  if (!isOrigin(origin)) throw malformed('the origin is 1 to 255 characters on one line')
  if (!Number.isSafeInteger(size) || size < 0) throw malformed(`${size} is no size of a log`)
  if (extensions.length > EXTENSIONS_MAX || !extensions.every(isLine))
    throw malformed('an extension is one line, not empty')
  return [origin, size, base64Encode(hexDecode(rootHash, 32)), ...extensions, ''].join('\n')
}

/** The checkpoint that a note's body is. @throws CountersignError `bad-format` */
export function parseCheckpoint(text: string): NoteCheckpoint {
  const lines = text.length > NOTE_MAX_LENGTH ? [] : text.split('\n')
  if (lines.length < 4 || lines.pop() !== '')
    throw malformed('a checkpoint has three lines or more, each ended by a newline')
  const [origin, sizeText, root, ...extensions] = lines as [string, string, string, ...string[]]
  if (!isOrigin(origin)) throw malformed('the first line, the origin, is 1 to 255 characters')
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size))
    throw malformed('the second line, the size, is an integer without leading zeros')
  const rootBytes = base64Decode(root)
  if (rootBytes.length !== 32) throw malformed('the third line, the root hash, is 32 bytes in base64')
  if (extensions.length > EXTENSIONS_MAX || !extensions.every(isLine))
    throw malformed('an extension line is empty or too long')
  return { origin, size, rootHash: hexEncode(rootBytes), extensions }
}

/**
 * A signed note of a body ending in a newline and at least one signature, given as such or as a line that
 * `formatCosignatureLine` made. @throws CountersignError `bad-format`
 */
export function formatNote(body: string, signatures: readonly (NoteSignature | string)[]): string {
  const lines = signatures.map((signature) =>
    typeof signature === 'string'
      ? formatSignatureLine(parseSignatureLine(signature))
      : formatSignatureLine(signature),
  )
  if (!body.endsWith('\n') || !isText(body))
    throw malformed('the text of a note is plain lines and ends in a newline')
  if (lines.length === 0 || lines.length > NOTE_MAX_SIGNATURES)
    throw malformed(`a note has 1 to ${NOTE_MAX_SIGNATURES} signatures`)
  return `${body}\n${lines.join('\n')}\n`
}

/**
 * A signed note's body and signatures, none of them verified: look up those whose name and key ID are known, and ignore the
 * others. @throws CountersignError `bad-format`, `too-large`
 */
export function parseNote(text: string): Note {
  if (text.length > NOTE_MAX_LENGTH)
    throw new CountersignError('too-large', `a note has at most ${NOTE_MAX_LENGTH} characters`)
  if (!isText(text)) throw malformed('a note holds no control characters but newlines')
  const split = text.lastIndexOf('\n\n')
  if (split < 0 || !text.endsWith('\n'))
    throw malformed('a note is a text, an empty line, and signature lines')
  const lines = text.slice(split + 2, -1).split('\n')
  if (lines.length > NOTE_MAX_SIGNATURES)
    throw new CountersignError('too-large', `a note has at most ${NOTE_MAX_SIGNATURES} signatures`)
  return { body: text.slice(0, split + 1), signatures: lines.map(parseSignatureLine) }
}

/**
 * The 8 hex digits that, with its name, identify a key in a note: the start of SHA-256(name ‖ "\n" ‖ algorithm ‖ key).
 * algorithm: the signature type's byte; publicKey: base64url. @throws CountersignError `bad-format`
 */
export function noteKeyId(name: string, algorithm: number, publicKey: string): string {
  if (!isName(name)) throw malformed('a key name is 1 to 255 characters without spaces and plus signs')
  return sha256Hex(concat(utf8(`${name}\n`), Uint8Array.of(algorithm), base64UrlDecode(publicKey))).slice(
    0,
    8,
  )
}

/** A key as verifiers are configured with it: `name+key ID+base64(algorithm ‖ key)`. publicKey: base64url. */
export function formatVerifierKey(name: string, algorithm: number, publicKey: string): string {
  const encoded = base64Encode(concat(Uint8Array.of(algorithm), base64UrlDecode(publicKey)))
  return `${name}+${noteKeyId(name, algorithm, publicKey)}+${encoded}`
}

/** The parts of a verifier key, its key ID checked. publicKey: base64url. @throws CountersignError `bad-format` */
export function parseVerifierKey(text: string): {
  name: string
  algorithm: number
  keyId: string
  publicKey: string
} {
  const found = text.length > LINE_MAX_LENGTH ? null : /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text)
  if (found === null) throw malformed('a verifier key is name+key ID+base64')
  const [name, keyId, encoded] = found.slice(1) as [string, string, string]
  const bytes = base64Decode(encoded)
  const algorithm = bytes[0]
  if (algorithm === undefined) throw malformed('the verifier key holds no key')
  const publicKey = base64UrlEncode(bytes.subarray(1))
  if (noteKeyId(name, algorithm, publicKey) !== keyId)
    throw malformed('the key ID does not belong to the name and the key')
  return { name, algorithm, keyId, publicKey }
}

/**
 * What a cosigner signs for a checkpoint body at a time in whole seconds since 1970: `cosignature/v1`, the time, the body.
 * @throws CountersignError `bad-format` unless the body is a checkpoint
 */
export function cosignatureMessage(checkpointBody: string, timeSeconds: number): Uint8Array {
  parseCheckpoint(checkpointBody)
  checkTime(timeSeconds)
  return utf8(`cosignature/v1\ntime ${timeSeconds}\n${checkpointBody}`)
}

/**
 * The signature line, without its newline, of a cosignature (64 bytes) by a key (base64url) under a name.
 * @throws CountersignError `bad-format`
 */
export function formatCosignatureLine(
  name: string,
  publicKey: string,
  timeSeconds: number,
  signature: Uint8Array,
): string {
  checkTime(timeSeconds)
  if (signature.length !== 64) throw malformed('a cosignature has 64 bytes')
  const time = new Uint8Array(8)
  new DataView(time.buffer).setBigUint64(0, BigInt(timeSeconds))
  const keyId = noteKeyId(name, NOTE_COSIGNATURE_V1, publicKey)
  return formatSignatureLine({ name, keyId, signature: base64UrlEncode(concat(time, signature)) })
}

/** The cosignature that a signature line holds, its newline left off; not verified. @throws CountersignError `bad-format` */
export function parseCosignatureLine(line: string): NoteCosignature {
  return cosignatureOf(parseSignatureLine(line))
}

/** The cosignature that a note's signature is, if its key ID is one of a cosigner. @throws CountersignError `bad-format` */
export function cosignatureOf({ name, keyId, signature }: NoteSignature): NoteCosignature {
  const bytes = base64UrlDecode(signature)
  if (bytes.length !== 72) throw malformed('a cosignature is a time of 8 bytes and 64 bytes of signature')
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('the time of the cosignature is out of range')
  return { name, keyId, timeSeconds: Number(time), signature: base64UrlEncode(bytes.subarray(8)) }
}

/** True if this is a cosignature of the checkpoint body by the key (base64url), name and key ID included; never an error. */
export function verifyCosignature(
  publicKey: string,
  checkpointBody: string,
  cosignature: NoteCosignature,
): boolean {
  try {
    const { name, keyId, timeSeconds, signature } = cosignature
    if (noteKeyId(name, NOTE_COSIGNATURE_V1, publicKey) !== keyId) return false
    return ed25519Verify(
      publicKey,
      cosignatureMessage(checkpointBody, timeSeconds),
      base64UrlDecode(signature, 64),
    )
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const bytes = base64UrlDecode(signature)
  if (!isName(name)) throw malformed('a key name is 1 to 255 characters without spaces and plus signs')
  if (bytes.length === 0) throw malformed('a signature is not empty')
  return `— ${name} ${base64Encode(concat(hexDecode(keyId, 4), bytes))}`
}

function parseSignatureLine(line: string): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(' ', 4)
  if (dash !== '—' || name === undefined || encoded === undefined || rest.length > 0 || !isName(name))
    throw malformed('a signature line is a dash, a key name and base64')
  const bytes = base64Decode(encoded)
  if (bytes.length < 5) throw malformed('a signature line holds a key ID of 4 bytes and a signature')
  return { name, keyId: hexEncode(bytes.subarray(0, 4)), signature: base64UrlEncode(bytes.subarray(4)) }
}

function checkTime(timeSeconds: number): void {
  if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0)
    throw malformed('a time is whole seconds since 1970')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/
const SPACE_OR_PLUS = /[\p{White_Space}+]/u

/** Text that a signed note may hold: no ASCII control characters but newlines. */
function isText(text: string): boolean {
  return !CONTROL.test(text) && isWellFormed(text)
}

function isLine(line: string): boolean {
  return line.length > 0 && line.length <= LINE_MAX_LENGTH && !line.includes('\n') && isText(line)
}

function isOrigin(line: string): boolean {
  return line.length <= NAME_MAX_LENGTH && isLine(line)
}

function isName(name: string): boolean {
  return isOrigin(name) && !SPACE_OR_PLUS.test(name)
}

function malformed(message: string): CountersignError {
  return new CountersignError('bad-format', message)
}
