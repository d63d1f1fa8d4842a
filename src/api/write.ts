/** The way of every write: signed and on disk, then waited for, then answered with where it stands. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Edit } from '../contract/edit.ts'
import { element, seenOf } from '../contract/state.ts'
import { utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { OPERATIONS_MAX, type Operation, REQUEST_MAX_BYTES } from '../ledger/request.ts'
import { NO_VALUE } from '../ledger/value.ts'
import type { Prepare } from '../node/node.ts'
import type { RequestStatus } from '../node/request-status.ts'
import { attemptOf } from './app.ts'
import type { Context } from './context.ts'
import { isRuleCode, outcomeWords } from './outcome-words.ts'
import { readPrefer } from './prefer.ts'
import { madePrivate } from './private.ts'
import { foresee, refusalError, refusalView } from './refusals.ts'
import { type StatusView, statusView } from './status-view.ts'
import { type Expected, isReached } from './waiting.ts'

/** uid: the element whose version is told where the write comes too late. created: the element that is new. */
export type Write<Op extends Operation = Operation> = { edit: Edit<Op>; uid?: string; created?: string }

/** Signs and queues a request, and gives its id; undefined where there is nothing to sign. */
type Submit = (prepare: Prepare) => Promise<string | undefined>

/** Fewer operations than this are never too large: names are short. */
const SURELY_SMALL = 4000

/**
 * Submits what `make` gives (nothing where the same Idempotency-Key came before) and answers.
 * @throws CountersignError `conflicted`, `rejected`, `locked`, `expired`, `halted` by what became of the request, or would; as
 * `make`
 */
export async function performWrite(
  context: Context,
  contract: string,
  request: FastifyRequest,
  reply: FastifyReply,
  make: () => Write,
): Promise<FastifyReply> {
  let write: Write | undefined
  const submit: Submit = async (prepare) => {
    const made = make()
    write =
      made.edit.operations.length === 0 ? made : { ...made, edit: madePrivate(context, contract, made.edit) }
    const { operations, openings } = write.edit
    if (operations.length === 0) return undefined
    checkSize(operations)
    refuseForeseen(context, contract, write)
    return context.node.submit(contract, operations, openings, prepare)
  }
  return perform(context, contract, request, reply, submit, () => write)
}

/**
 * The same way for a request on members or policy.
 * @param isLeave it is answered once this party is out, which reports nothing as final after it (EPO-12)
 * @throws as `performWrite`; as `submit`
 */
export function performChange(
  context: Context,
  contract: string,
  request: FastifyRequest,
  reply: FastifyReply,
  submit: Submit,
  isLeave = false,
): Promise<FastifyReply> {
  return perform(context, contract, request, reply, submit, () => undefined, isLeave)
}

async function perform(
  context: Context,
  contract: string,
  request: FastifyRequest,
  reply: FastifyReply,
  submit: Submit,
  written: () => Write | undefined,
  isLeave = false,
): Promise<FastifyReply> {
  context.replica(contract)
  const { waitMs, until, applied } = readPrefer(request.headers)
  let expected: Expected | undefined
  const made = await context.idempotency.once(attemptOf(request), async (remember) => {
    try {
      const id = await submit((id) => {
        expected = context.waiting.expect(contract, id, until)
        return remember({ contract, request: id })
      })
      return { contract, ...(id !== undefined && { request: id }) }
    } catch (error) {
      if (expected) context.waiting.drop(expected)
      throw error
    }
  })
  if (applied !== '') reply.header('preference-applied', applied)
  if (made.request === undefined) return sendUnchanged(context, contract, reply)
  const status = expected
    ? await context.waiting.statusOf(expected, waitMs)
    : await context.waiting.statusWhen(contract, made.request, until, waitMs)
  const isOut = isLeave && context.replica(contract).status === 'left'
  return sendStatus(context, reply, status, isOut || isReached(status, until), written())
}

/** What every node would refuse is not signed. @throws CountersignError `locked`, `conflicted`, `rejected` */
function refuseForeseen(context: Context, contract: string, { edit, uid }: Write): void {
  const refusal = foresee(context, contract, edit)
  if (refusal === undefined) return
  const { state } = context.states.tentative(contract)
  const view = refusalView(context, state, refusal, edit.operations)
  throw refusalError(context, view, versionOf(context, contract, uid))
}

function checkSize(operations: readonly Operation[]): void {
  if (operations.length > OPERATIONS_MAX)
    throw new CountersignError(
      'too-large',
      `a request has at most ${OPERATIONS_MAX} operations; this takes ${operations.length}`,
    )
  if (operations.length > SURELY_SMALL && utf8(JSON.stringify(operations)).length > REQUEST_MAX_BYTES - 4096)
    throw new CountersignError(
      'too-large',
      `a request is at most ${REQUEST_MAX_BYTES} bytes; make it in parts`,
    )
}

function sendStatus(
  context: Context,
  reply: FastifyReply,
  status: RequestStatus,
  isDone: boolean,
  write: Write | undefined,
): FastifyReply {
  const { contract, outcome, stage } = status
  const link = `/api/contracts/${contract}/requests/${status.id}`
  if (!isDone) {
    const { status: now } = context.replica(contract)
    if (now === 'halted')
      throw new CountersignError('halted', 'the contract was halted before the request was final', {
        status,
        link,
      })
    return reply
      .code(202)
      .header('location', link)
      .type('application/json')
      .send(JSON.stringify(statusView(context, status, write?.edit.operations)))
  }
  if (stage === 'expired')
    throw new CountersignError('expired', 'the request was not ordered in its time', { status, link })
  const view = statusView(context, status, write?.edit.operations)
  if (outcome === 'conflicted' || outcome === 'rejected')
    throw refusedAs(context, view, { status, link, ...versionOf(context, contract, write?.uid) })
  const [made] = view.made ?? []
  const [proposed] = view.proposed ?? []
  if (proposed) reply.header('countersign-proposal', proposed.uid)
  if (write?.created !== undefined) reply.code(201).header('location', `/records/${write.created}`)
  else if (made !== undefined) reply.code(201).header('location', made.href)
  else reply.code(200).header('content-location', link)
  const only = write?.edit.operations.length === 1 ? write.edit.operations[0] : undefined
  if ((only?.op === 'create' || only?.op === 'set') && only.type !== undefined && !proposed)
    reply.header('etag', `"${only.value ?? NO_VALUE}"`)
  return reply.type('application/json').send(JSON.stringify(view))
}

/** What every member came to, as an error. */
function refusedAs(
  context: Context,
  { outcome, code, refusal }: StatusView,
  more: Readonly<Record<string, unknown>>,
): CountersignError {
  if (refusal && isRuleCode(refusal.code)) return refusalError(context, refusal, more)
  const words = outcomeWords(code)
  if (outcome === 'conflicted')
    return new CountersignError(
      'conflicted',
      `${words ?? 'another request came first'} (${code ?? outcome})`,
      more,
    )
  const text =
    words === undefined
      ? `every member came to the same outcome: rejected (${code ?? ''})`
      : `${words} (${code})`
  return new CountersignError('rejected', text, { code, ...more })
}

/** The version to write against now; none where the element is gone. */
function versionOf(context: Context, contract: string, uid: string | undefined): { version?: string } {
  if (uid === undefined) return {}
  const { state } = context.states.tentative(contract)
  const version = element(state, uid) === undefined ? undefined : seenOf(state, uid)
  return version === undefined ? {} : { version }
}

/** What is there is what was asked for: there is nothing to sign, only to say whether it is final. */
function sendUnchanged(context: Context, contract: string, reply: FastifyReply): FastifyReply {
  const { height } = context.states.tentative(contract)
  const isFinal = context.states.finalHeight(contract) >= height
  return reply
    .code(isFinal ? 200 : 202)
    .header('location', `/api/contracts/${contract}`)
    .type('application/json')
    .send(JSON.stringify({ contract, stage: isFinal ? 'final' : 'tentative', height, unchanged: true }))
}
