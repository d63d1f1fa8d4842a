/**
 * Records: every block and leaf of every contract under an address of its own, for clients that know nothing of ledgers.
 * No schema stands in the way of their requests; those here only describe.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { CountersignError } from '../../crypto/errors.ts'
import { FIELD_TYPES, type FieldType } from '../../ledger/request.ts'
import { type App, RECORD_MAX_BYTES, readBytes } from '../app.ts'
import type { Context } from '../context.ts'
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
  '/$proof, /$rules, /$proposals, /$votes and /$status answer for the element.'
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
        return editor.put(start, path, bodyOf(request), { onlyNew, type: readType(query, ['type']) })
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
          type: readType(query, PLACE),
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
  function write(
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

function bodyOf(request: FastifyRequest): Body {
  if (!Buffer.isBuffer(request.body))
    throw new CountersignError('bad-request', 'the request has no body: send the new value')
  return { form: formOf(request.headers['content-type']), bytes: request.body }
}
