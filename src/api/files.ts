/** Files over HTTP: what a request uploads, and the bytes of a file field as an answer. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import {
  FILE_MAX_BYTES,
  FILE_NAME_MAX_LENGTH,
  type FileValue,
  formatFileValue,
  isFileName,
  isMediaType,
  parseFileValue,
} from '../document/file-value.ts'
import type { Files } from '../node/files/files.ts'
import type { Replica } from '../node/replica.ts'
import type { Context } from './context.ts'
import type { FileView } from './element-schemas.ts'

const ANY = 'application/octet-stream'
/** What programs send where nobody has thought of a type, and what is a text or a document. */
const NO_FILES = /^(?:text\/.*|multipart\/.*|application\/x-www-form-urlencoded|.*[+/](?:json|xml))$/

/** Whether a body is a file: it says so, or is of a media type that is no document. */
export function isUpload({ headers }: FastifyRequest): boolean {
  const disposition = headers['content-disposition']
  if (disposition !== undefined) return /^\s*attachment\b/i.test(disposition)
  const type = mediaTypeOf(headers['content-type'])
  return type !== undefined && !NO_FILES.test(type)
}

/** Of a Content-Type, without parameters; undefined where it is none. */
function mediaTypeOf(header: string | undefined): string | undefined {
  const type = (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return isMediaType(type) ? type : undefined
}

/**
 * Takes the body in as a file, and gives what a field is to be set to. Durable on return; nothing is left behind otherwise.
 * @param fallback its name where Content-Disposition has none
 * @throws CountersignError `too-large`, `disk-full`, …
 */
export async function takeUpload(
  context: Context,
  request: FastifyRequest,
  contentType: string | undefined,
  fallback: string,
): Promise<FileValue & { value: string }> {
  const files = filesOf(context)
  if (Number(request.headers['content-length'] ?? 0) > FILE_MAX_BYTES)
    throw new CountersignError('too-large', `a file has at most ${FILE_MAX_BYTES} bytes`)
  const name = tidied(nameIn(request.headers['content-disposition']) ?? '') || tidied(fallback) || 'file'
  const source = request.body as Readable
  const { hash, sizeBytes } = await files.receive(source).catch((error: unknown) => {
    // Whoever goes on sending is to read the answer; what comes is dropped.
    source.on('error', () => undefined).resume()
    throw error
  })
  const file = { hash, sizeBytes, mediaType: mediaTypeOf(contentType) ?? ANY, name }
  const value = formatFileValue(file)
  // What an Idempotency-Key is compared with.
  request.rawBody = Buffer.from(utf8(value))
  return { ...file, value }
}

function filesOf({ node }: Context): Files {
  if (node.files === undefined) throw new CountersignError('unavailable', 'this node keeps no files')
  return node.files
}

/** RFC 6266: the extended notation goes before the plain one. */
function nameIn(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined
  const extended = /;\s*filename\*\s*=\s*UTF-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1]
  if (extended !== undefined)
    try {
      return decodeURIComponent(extended)
    } catch {
      throw new CountersignError('bad-request', 'Content-Disposition: filename* is not percent-encoded UTF-8')
    }
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition)
  const text = plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2]
  if (text === undefined) return undefined
  // Headers are read as Latin-1; many programs write UTF-8.
  const decoded = Buffer.from(text, 'latin1').toString('utf8')
  return decoded.includes('\ufffd') ? text : decoded
}

/** What a field may hold as a file's name: the last part of a path, without what names don't have; '' if nothing is left. */
function tidied(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is left out
  const legal = last.replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/gu, '')
  let short = legal.slice(0, FILE_NAME_MAX_LENGTH)
  if (/[\ud800-\udbff]$/.test(short)) short = short.slice(0, -1)
  const trimmed = short.replace(/^ +| +$/g, '')
  return isFileName(trimmed) ? trimmed : ''
}

/** What a field of type `file` holds, and who says that it has the bytes; undefined for any other. */
export function fileView(
  context: Context,
  contract: string,
  type: string,
  value: unknown,
): FileView | undefined {
  const file = type === 'file' && typeof value === 'string' ? parseFileValue(value) : undefined
  const replica = context.node.engine.replicas.get(contract)
  if (file === undefined || replica === undefined) return undefined
  return { ...file, held: context.node.files?.heldBy(replica, file) ?? [], of: partyCount(replica) }
}

function partyCount({ members, electorate }: Replica): number {
  return members.length + electorate.observers.length
}

/** The bytes of a file, or a range of them. @throws CountersignError `file-not-here`, `range-not-satisfiable` */
export function sendFile(
  context: Context,
  replica: Replica,
  file: FileValue,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const files = filesOf(context)
  if (!files.disk.has(file)) throw notHere(context, replica, file)
  const { hash, sizeBytes, mediaType, name } = file
  reply
    .header('content-type', mediaType)
    .header('content-disposition', dispositionOf(name))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('repr-digest', `sha-256=:${Buffer.from(hash, 'hex').toString('base64')}:`)
    .header('accept-ranges', 'bytes')
  const range = rangeOf(request, reply, sizeBytes)
  if (range === 'outside') {
    reply.header('content-range', `bytes */${sizeBytes}`)
    for (const name of ['content-disposition', 'repr-digest', 'etag']) reply.removeHeader(name)
    throw new CountersignError('range-not-satisfiable', `the file has ${sizeBytes} bytes`)
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes }
  reply.header('content-length', end - start)
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${sizeBytes}`)
  // A stream, whose length nobody takes for the answer's.
  if (request.method === 'HEAD' || start === end) return reply.send(Readable.from([]))
  return reply.send(files.disk.stream(hash, start, end))
}

function notHere({ node }: Context, replica: Replica, file: FileValue): CountersignError {
  const { names } = replica.roster
  const held = (node.files?.heldBy(replica, file) ?? []).map((party) => ({
    party,
    name: names.get(party) ?? party,
  }))
  const who = held.map(({ name }) => name).join(', ') || 'nobody here has said that it holds it'
  return new CountersignError('file-not-here', `the file has not come to this node yet; held by: ${who}`, {
    held,
    of: partyCount(replica),
  })
}

function dispositionOf(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["%\\]/g, '_')
  const extended = encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${extended}`
}

/** The one range that is asked for (RFC 9110 section 14); undefined for the whole, which several or malformed ones mean too. */
function rangeOf(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  sizeBytes: number,
): { start: number; end: number } | 'outside' | undefined {
  const [, first, last] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(headers.range?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  const condition = headers['if-range']
  if (condition !== undefined && condition !== reply.getHeader('etag')) return undefined
  if (first === '') {
    const start = Math.max(0, sizeBytes - Number(last))
    return start === sizeBytes ? 'outside' : { start, end: sizeBytes }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= sizeBytes) return 'outside'
  return { start, end: last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) }
}
