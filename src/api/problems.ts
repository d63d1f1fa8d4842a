/** Every error as an RFC 9457 problem document, and who may call at all. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { CountersignError, toCountersignError } from '../crypto/errors.ts'
import type { Node } from '../node/node.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a token. */
    isOpen?: boolean
  }
}

/** How long a client may go on sending a body that was refused. */
const LINGER_MS = 2000
const PROBLEM = 'application/problem+json'

/** The error with its problem document as the answer. */
export function sendProblem(reply: FastifyReply, error: CountersignError): FastifyReply {
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="countersign"')
  if (error.code === 'method-not-allowed') reply.header('allow', [error.detail?.allow].flat().join(', '))
  if (error.code === 'locked') reply.header('retry-after', String(error.detail?.retryAfterS ?? 1))
  letGo(reply)
  return reply.code(error.status).type(PROBLEM).send(JSON.stringify(error.toProblem()))
}

/**
 * Where the answer comes before the end of the body, the rest is dropped as it arrives: closing at once would take the answer
 * away from a client that is still sending. One that does not stop is cut off.
 */
function letGo(reply: FastifyReply): void {
  const { raw } = reply.request
  const hasBody = 'transfer-encoding' in raw.headers || Number(raw.headers['content-length'] ?? 0) > 0
  if (!hasBody) return
  reply.removeHeader('connection')
  if (raw.complete) return
  setTimeout(() => {
    if (!raw.complete) raw.socket.destroy()
  }, LINGER_MS).unref()
}

/** What a thrown value means, that of the HTTP framework included. */
export function problemOf(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const { validationContext, validation } = thrown as FastifyError
    const issues = (validation ?? []).map(({ instancePath, message }) => ({
      at: `${validationContext ?? 'request'}${instancePath === '/' ? '' : instancePath}`,
      message: message ?? 'is not valid',
    }))
    const [first] = issues
    return new CountersignError('bad-request', `${first?.at}: ${first?.message}`, {
      issues: issues.slice(0, 20),
    })
  }
  const { code, statusCode, message } = thrown as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413)
    return new CountersignError('too-large', 'the body is larger than this path takes')
  if (statusCode === 414) return new CountersignError('too-large', 'the address is too long')
  if (statusCode === 415)
    return new CountersignError('unsupported-media-type', 'the Content-Type is none that this path takes')
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new CountersignError('bad-request', message ?? 'the request is not well-formed')
  return toCountersignError(thrown)
}

/** Makes the server answer every error with a problem document. */
export function installProblems(app: FastifyInstance, node: Node): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = problemOf(thrown)
    if (error.code === 'internal')
      node.engine.log('error', 'api-fault', {
        method: request.method,
        route: request.routeOptions.url,
        reason: (thrown as Error).message,
        stack: (thrown as Error).stack,
      })
    return sendProblem(reply, error)
  })
}

/** Lets in who has the token, and turns away what no route takes; before any body is read. */
export function installAccess(app: FastifyInstance, token: string): void {
  const expected = digest(token)
  const routes: { pattern: RegExp; method: string }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat()) routes.push({ pattern: patternOf(url), method: one })
  })
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isOpen !== true && !isAuthorized(request.headers.authorization, expected))
      throw new CountersignError('unauthorized', 'send the node’s token as `Authorization: Bearer …`')
    if (request.is404) throw refusal(request)
  })
  app.setNotFoundHandler((request) => {
    throw refusal(request)
  })

  function refusal(request: FastifyRequest): CountersignError {
    const path = request.raw.url?.split('?', 1)[0] ?? '/'
    const allowed = new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))
    if (allowed.size === 0) return new CountersignError('not-found', 'there is nothing at this address')
    const list = [...allowed].sort()
    return new CountersignError('method-not-allowed', `this address takes ${list.join(', ')}`, {
      allow: list,
    })
  }
}

function isAuthorized(header: string | undefined, expected: Buffer): boolean {
  const given = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1]
  // Digests have one length, so that the comparison takes one time.
  return timingSafeEqual(digest(given ?? ''), expected) && given !== undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+'
    return part.replaceAll('.', '\\.').replaceAll('*', '.*')
  })
  return new RegExp(`^${parts.join('/')}$`)
}

/** Answers what is not even HTTP. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new CountersignError('too-large', 'the address and headers are longer than 64 KiB')
      : new CountersignError('bad-request', 'this is not an HTTP request')
  const body = JSON.stringify(problem.toProblem())
  const status = `${problem.status} ${problem.status === 413 ? 'Content Too Large' : 'Bad Request'}`
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${PROBLEM}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  socket.resume()
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
