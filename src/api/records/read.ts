/** Reading records: an element in the form asked for, and what can be asked about it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { element, seenOf, stateRoot } from '../../contract/state.ts'
import { existing, resolvePath } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { parseFileValue } from '../../document/file-value.ts'
import { NO_VALUE } from '../../ledger/value.ts'
import type { Context } from '../context.ts'
import { sendFile } from '../files.ts'
import { leftOutHeader, refuseHidden } from '../private.ts'
import { proposalPage, rulePage, statusPage, votePage } from '../rules/lists.ts'
import type { Page } from '../rules/pages.ts'
import { type Shown, shownState, type Wanted } from '../shown.ts'
import { textUidOf, writeElement } from './documents.ts'
import { historyOf } from './history.ts'
import { isNoneMatch } from './match.ts'
import { CONTENT_TYPE, chooseForm } from './media.ts'
import { proofOf } from './proof.ts'
import { type Question, readQuery, readTarget, startOf } from './target.ts'

export function readRecord(context: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { id, path, question, query } = readTarget(request.raw.url ?? '')
  const wanted = readWanted(query, question === undefined ? [] : MORE[question])
  const { contract, start } = startOf(context, id)
  const shown = shownState(context, contract, wanted)
  const { state } = shown
  if (question === 'status') {
    const tentative = { ...shown, state: context.states.tentative(contract).state }
    const top = pathUid(tentative, start, path)
    return sendJson(reply, statusPage(context, contract, top, pageFrom(wanted)))
  }
  if (question === 'history') {
    // What was deleted has a history still, by its UID.
    const uid = start !== undefined && path === '' ? start : pathUid(shown, start, path)
    const { limit, refused } = wanted
    const page = { ...(limit !== undefined && { limit }), ...(refused !== undefined && { refused }) }
    return sendJson(reply, historyOf(context, shown, uid, page))
  }
  const uid = pathUid(shown, start, path)
  if (question === 'proof') return sendJson(reply, proofOf(context, shown, uid))
  if (question === 'rules') return sendJson(reply, rulePage(context, shown, pageFrom(wanted), uid))
  if (question === 'proposals') return sendJson(reply, proposalPage(context, shown, pageFrom(wanted), uid))
  if (question === 'votes') return sendJson(reply, votePage(context, shown, pageFrom(wanted), uid))
  const textUid = textUidOf(state, uid)
  const isText = textUid !== undefined && element(state, textUid)?.kind === 'field'
  const isFile = isText && element(state, textUid)?.type === 'file'
  if (question === 'file' && !isFile) throw new CountersignError('not-found', 'the element names no file')
  const form = question === 'file' ? 'file' : chooseForm(request.headers.accept, isText, isFile)
  const values = context.values(state)
  const isSingle = form === 'text' || form === 'file' || element(state, uid)?.kind === 'field'
  if (isText && isSingle) refuseHidden(context, state, textUid, values)
  const version = seenOf(state, (form === 'text' || form === 'file') && isText ? textUid : uid) as string
  reply
    .header('etag', `"${version}"`)
    .header('vary', 'Accept')
    .header('countersign-height', shown.height)
    .header('countersign-record-hash', stateRoot(state))
    .header('countersign-stage', shown.stage)
  if (shown.without)
    reply.header('countersign-without', shown.without.map(({ name }) => encodeURIComponent(name)).join(', '))
  if (isNoneMatch(request.headers['if-none-match'], version)) return reply.code(304).send()
  if (form === 'file') return sendFileOf(context, shown, textUid as string, request, reply)
  // There is the field, and nothing in it: another answer than an empty text.
  if (form === 'text' && version === NO_VALUE) return reply.code(204).send()
  const leftOut = leftOutHeader(context, state, uid, values)
  if (leftOut !== undefined) reply.header('countersign-private', leftOut)
  const text = writeElement(state, uid, form, values)
  return reply.header('content-type', CONTENT_TYPE[form]).send(text)
}

function sendFileOf(
  context: Context,
  { state }: Shown,
  uid: string,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const value = context.values(state).of(existing(state, uid))?.value
  const file = typeof value === 'string' ? parseFileValue(value) : undefined
  if (file === undefined) throw new CountersignError('not-found', 'the field is empty: it names no file')
  return sendFile(context, context.replica(state.contract), file, request, reply)
}

function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json').send(JSON.stringify(body))
}

/** Where the path leads in this state. @throws CountersignError `unknown-path`, `bad-request` */
function pathUid({ state }: Shown, start: string | undefined, path: string): string {
  if (start !== undefined && element(state, start) === undefined)
    throw new CountersignError(
      'unknown-path',
      `the contract has no element ${start} in this state; it may have been deleted`,
    )
  return resolvePath(state, start ?? state.rootUid, path)
}

const COUNT = /^[0-9]{1,15}$/

/** What questions take beside the state. */
type Extra = 'limit' | 'cursor' | 'refused'
const MORE: Readonly<Record<Question, readonly Extra[]>> = {
  proof: [],
  file: [],
  history: ['limit', 'refused'],
  rules: ['limit', 'cursor'],
  proposals: ['limit', 'cursor'],
  votes: ['limit', 'cursor'],
  status: ['limit', 'cursor'],
}
const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1000

type Asked = Wanted & { limit?: number; cursor?: string; refused?: boolean }

/** @throws CountersignError `bad-request` */
function pageFrom({ limit = LIMIT_DEFAULT, cursor }: Asked): Page {
  if (limit < 1 || limit > LIMIT_MAX)
    throw new CountersignError('bad-request', `limit: expected 1 to ${LIMIT_MAX}`)
  return { limit, cursor }
}

/** The state that a query asks for. @throws CountersignError `bad-request` */
function readWanted(query: string, others: readonly Extra[]): Asked {
  const { status, at, refused, cursor, ...counts } = readQuery(query, ['status', 'at', 'height', ...others])
  if (status !== undefined && status !== 'final' && status !== 'tentative')
    throw new CountersignError('bad-request', 'status: expected final or tentative')
  if (refused !== undefined && refused !== 'true' && refused !== 'false')
    throw new CountersignError('bad-request', 'refused: expected true or false')
  const wanted: Asked = {}
  if (refused !== undefined) wanted.refused = refused === 'true'
  if (cursor !== undefined) wanted.cursor = cursor
  if (status !== undefined) wanted.status = status
  if (at !== undefined) wanted.at = at
  for (const name of ['height', 'limit'] as const) {
    const text = counts[name]
    if (text === undefined) continue
    if (!COUNT.test(text)) throw new CountersignError('bad-request', `${name}: expected a whole number`)
    wanted[name] = Number(text)
  }
  return wanted
}
