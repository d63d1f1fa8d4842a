/** The HTTP server as routes see it, and how their bodies are read. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { CountersignError } from '../crypto/errors.ts'
import type { Attempt } from './idempotency.ts'
import { readJsonBody } from './json-body.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came, where there was one. */
    rawBody: Buffer | undefined
    /** Of a body that is taken in as a file: its Content-Type as it came. */
    uploadType: string | undefined
  }
}

/** A document within an entity route's body may have all that a document may, as an escaped string. */
export const BODY_MAX_BYTES = 24 * 1024 * 1024
/** A document, a byte order mark before it. */
export const RECORD_MAX_BYTES = 8 * 1024 * 1024 + 3

/** Bodies of the entity routes: strict JSON. */
export function readJson(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      requireUtf8(request)
      request.rawBody = body
      done(null, body.length === 0 ? undefined : readJsonBody(body, BODY_MAX_BYTES))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Bodies of the record routes: bytes, of the media types that records are written in. */
export function readBytes(app: App, mediaTypes: readonly string[]): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser([...mediaTypes], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      requireUtf8(request)
      request.rawBody = body
      done(null, body)
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Bodies that are files come as they arrive; `isTaken` says which. Others are refused. */
export function streamFiles(app: App, isTaken: (request: FastifyRequest) => boolean): void {
  app.addContentTypeParser('*', (request, payload, done) => {
    if (isTaken(request)) done(null, payload)
    else
      done(
        new CountersignError(
          'unsupported-media-type',
          'the Content-Type is none that this path takes',
        ) as Error,
      )
  })
}

function requireUtf8(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw new CountersignError('unsupported-media-type', 'bodies are read as UTF-8 only')
}

/** What identifies a write that came with an Idempotency-Key. */
export function attemptOf(request: FastifyRequest): Attempt | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  const { 'content-type': contentType = '', 'if-match': ifMatch = '' } = request.headers
  const parts = [contentType, ifMatch, request.rawBody ?? '']
  return { key: String(key), method: request.method, url: request.raw.url ?? '', parts }
}
