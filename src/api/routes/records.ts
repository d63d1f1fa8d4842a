/**
 * Records: every block and leaf of every contract under an address of its own, for clients that know nothing of ledgers.
 * No schema stands in the way of their requests; those here only describe.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { utf8 } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { parsePath } from '../../document/path.ts'
import { FIELD_TYPES, type FieldType } from '../../ledger/request.ts'
import { type App, RECORD_MAX_BYTES, readBytes, streamFiles } from '../app.ts'
import type { Context } from '../context.ts'
import { isUpload, takeUpload } from '../files.ts'
import { type Body, Editor } from '../records/edits.ts'
import { readIfMatch } from '../records/match.ts'
import { formOf, MEDIA_TYPES, mediaTypeOf } from '../records/media.ts'
import { readRecord } from '../records/read.ts'
import { readQuery, readTarget, startOf, type Target } from '../records/target.ts'
import { requestStatusView } from '../request-schemas.ts'
import { problem, stateQuery } from '../schemas.ts'
import { performWrite, type Write } from '../write.ts'

const PATH =
  'A contract’s id (64 hex digits) or an element’s UID (32), then a path: names separated by /, percent-encoded; name[2] for ' +
  'the second of a name or the second item of a list. In names ~ is written ~0, / is ~1, [ is ~2. Behind a path, /$history, ' +
  '/$proof, /$rules, /$proposals, /$votes and /$status answer for the element, and /$file gives the bytes of the file that a ' +
  'field names. A body with Content-Disposition: attachment, or of a media type that is neither text nor a document, is such a ' +
  'file (at most 100 MiB).'
/** In place of the Content-Type of a body that is a file. */
const UPLOAD_TYPE = 'application/octet-stream'
const params = z.object({ '*': z.string().describe(PATH) })
const writeHeaders = z.object({
  'if-match': z.string().optional().describe('the ETag of the version that the author has seen'),
  'idempotency-key': z.string().optional(),
  prefer: z.string().optional().describe('wait=N seconds (30; at most 300), until=final or until=tentative'),
})
const typeQuery = {
  type: z.enum(FIELD_TYPES).optional().describe('of the field; a body that is empty, or null, empties it'),
}
const PLACE = ['name', 'before', 'after', 'type'] as const
const answers = {
  200: requestStatusView.describe('final; or tentative if so asked'),
  202: requestStatusView.describe('taken in, not there yet; Location is where to ask again'),
  409: problem,
  422: problem,
}
const describe = (summary: string, more: object = {}) => ({
  schema: { summary, tags: ['records'], params, ...more },
  // The path is read from the address as it came, and what can be wrong with it is said in its own words.
  validatorCompiler: () => (value: unknown) => ({ value }),
})

export function recordRoutes(app: App, context: Context): void {
  readBytes(app, MEDIA_TYPES)
  streamFiles(app, (request) => request.uploadType !== undefined)
  app.addHook('onRequest', async (request) => {
    if ((request.method !== 'PUT' && request.method !== 'POST') || !isUpload(request)) return
    request.uploadType = request.headers['content-type'] ?? ''
    // A document that is sent as a file is not to be read as one.
    request.raw.headers['content-type'] = UPLOAD_TYPE
  })
  const url = '/records/*'
  const bodyLimit = RECORD_MAX_BYTES

  app.get(
    url,
    describe('Read a block or leaf', { querystring: z.object(stateQuery) }),
    (request: FastifyRequest, reply: FastifyReply) => {
      readRecord(context, request, reply)
    },
  )
  app.put(
    url,
    {
      ...describe('Set a leaf, replace a block, or create the last part of the path', {
        headers: writeHeaders,
        querystring: z.object(typeQuery),
        response: { ...answers, 201: requestStatusView },
      }),
      bodyLimit,
    },
    (request: FastifyRequest, reply: FastifyReply) =>
      write(request, reply, ['type'], (editor, start, { path, query }) => {
        const onlyNew = request.headers['if-none-match']?.trim() === '*'
        const type = typeOf(request, readType(query, ['type']))
        return editor.put(start, path, bodyOf(request), { onlyNew, type })
      }),
  )
  app.post(
    url,
    {
      ...describe('Add a child to a block or list', {
        headers: writeHeaders,
        querystring: z.object({
          ...typeQuery,
          name: z.string().optional(),
          before: z.string().optional().describe('UID of a sibling'),
          after: z.string().optional().describe('UID of a sibling'),
        }),
        response: { ...answers, 201: requestStatusView },
      }),
      bodyLimit,
    },
    (request: FastifyRequest, reply: FastifyReply) =>
      write(request, reply, PLACE, (editor, start, { path, query }) =>
        editor.post(start, path, bodyOf(request), {
          ...readQuery(query, PLACE),
          type: typeOf(request, readType(query, PLACE)),
        }),
      ),
  )
  app.patch(
    url,
    { ...describe('Merge (RFC 7396) into a block', { headers: writeHeaders, response: answers }), bodyLimit },
    (request: FastifyRequest, reply: FastifyReply) =>
      write(request, reply, [], (editor, start, { path }) => {
        const type = mediaTypeOf(request.headers['content-type'])
        if (!type.endsWith('json'))
          throw new CountersignError('unsupported-media-type', 'PATCH takes application/merge-patch+json')
        return editor.patch(start, path, bodyOf(request))
      }),
  )
  app.delete(
    url,
    {
      ...describe('Delete an element and all below it', { headers: writeHeaders, response: answers }),
      bodyLimit: 1024,
    },
    (request: FastifyRequest, reply: FastifyReply) =>
      write(request, reply, [], (editor, start, { path }) => editor.delete(start, path)),
  )

  /** Reads the address, then lets `make` edit the contract as it stands. */
  async function write(
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: readonly string[],
    make: (editor: Editor, start: string, target: Target) => Write,
  ): Promise<FastifyReply> {
    const target = readTarget(request.raw.url ?? '')
    if (target.question !== undefined)
      throw new CountersignError('method-not-allowed', `/$${target.question} is read only`, {
        allow: ['GET'],
      })
    if (target.query !== '') readQuery(target.query, parameters)
    const match = readIfMatch(request.headers['if-match'])
    const { contract, start } = startOf(context, target.id)
    if (request.uploadType !== undefined) {
      context.replica(contract)
      const name = parsePath(target.path).at(-1)?.name ?? ''
      const { value } = await takeUpload(context, request, request.uploadType, name)
      request.body = Buffer.from(utf8(value))
    }
    return performWrite(context, contract, request, reply, () => {
      const { state } = context.states.tentative(contract)
      return make(new Editor(context, state, match), start ?? state.rootUid, target)
    })
  }
}

/** The `type` of a query. @throws CountersignError `bad-request` */
function readType(query: string, allowed: readonly (typeof PLACE)[number][]): FieldType | undefined {
  const { type } = readQuery(query, allowed)
  const known = FIELD_TYPES.find((one) => one === type)
  if (type !== undefined && known === undefined)
    throw new CountersignError('bad-request', `type: expected ${FIELD_TYPES.join(', ')}`)
  return known
}

/** The type that a field is to have: an upload makes it a file, whatever it was. @throws CountersignError `bad-request` */
function typeOf({ uploadType }: FastifyRequest, type: FieldType | undefined): FieldType | undefined {
  if (uploadType === undefined) return type
  if (type !== undefined && type !== 'file')
    throw new CountersignError('bad-request', 'the body is a file: leave ?type= out')
  return 'file'
}

function bodyOf(request: FastifyRequest): Body {
  if (!Buffer.isBuffer(request.body))
    throw new CountersignError('bad-request', 'the request has no body: send the new value')
  const form = request.uploadType === undefined ? formOf(request.headers['content-type']) : 'text'
  return { form, bytes: request.body }
}
