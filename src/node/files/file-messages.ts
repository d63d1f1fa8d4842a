/** Messages about files between nodes (PROTOCOL FIL-2 to FIL-5) and the check of their shape. */
import { base64UrlDecode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import * as shape from '../../crypto/shape.ts'
import { FILE_MAX_BYTES } from '../../document/file-value.ts'

/** Most bytes of one part. */
export const PART_BYTES = 64 * 1024
/** Hashes in one message. */
export const HASHES_MAX = 1000

export type FileMessage = { contract: string } & (
  | { type: 'FILE-ASK'; hashes: string[] }
  | { type: 'FILE-HELD'; hashes: string[] }
  | { type: 'FILE-GET'; hash: string; sizeBytes: number; from: number; length: number }
  | { type: 'FILE-PART'; hash: string; from: number; bytes: string }
  | { type: 'FILE-NONE'; hash: string }
  | { type: 'FILE-PROVE'; hash: string; sizeBytes: number; nonce: string }
  | { type: 'FILE-PROOF'; hash: string; nonce: string; proof: string }
)
export type FileMessageOf<Type extends FileMessage['type']> = Extract<FileMessage, { type: Type }>

const type: shape.Check<unknown> = (value) => value
const about = { type, contract: shape.hash, hash: shape.hash }
const hashes = shape.array(shape.hash, HASHES_MAX)
const sizeBytes = shape.integer(0, FILE_MAX_BYTES)
const nonce = shape.base64url(32)

const SHAPES: Readonly<Record<FileMessage['type'], shape.Check<unknown>>> = {
  'FILE-ASK': shape.object({ type, contract: shape.hash, hashes }),
  'FILE-HELD': shape.object({ type, contract: shape.hash, hashes }),
  'FILE-GET': shape.object({
    ...about,
    sizeBytes,
    from: shape.integer(0, FILE_MAX_BYTES),
    length: shape.integer(1, PART_BYTES),
  }),
  'FILE-PART': shape.object({
    ...about,
    from: shape.integer(0, FILE_MAX_BYTES),
    bytes: shape.string(Math.ceil((PART_BYTES * 4) / 3), 1),
  }),
  'FILE-NONE': shape.object(about),
  'FILE-PROVE': shape.object({ ...about, sizeBytes, nonce }),
  'FILE-PROOF': shape.object({ ...about, nonce, proof: shape.hash }),
}

/** Whether a message is one of these, well-formed or not. */
export function isFileMessage({ type }: { type?: unknown }): boolean {
  return typeof type === 'string' && Object.hasOwn(SHAPES, type)
}

/** @throws CountersignError `bad-format` */
export function checkFileMessage(value: unknown): FileMessage {
  if (typeof value !== 'object' || value === null || !isFileMessage(value))
    throw new CountersignError('bad-format', 'message.type: is none about files')
  const { type: name } = value as FileMessage
  return SHAPES[name](value, name) as FileMessage
}

/** The bytes of a part. @throws CountersignError `bad-format` */
export function bytesOfPart({ bytes }: FileMessageOf<'FILE-PART'>): Uint8Array {
  const decoded = base64UrlDecode(bytes)
  if (decoded.length > PART_BYTES) throw new CountersignError('bad-format', 'FILE-PART.bytes: too many')
  return decoded
}
