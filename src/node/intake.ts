/**
 * Requests from other members: checked, queued for the disk, put to those that wait.
 */
import { withReaders } from '../contract/privacy.ts'
import { CountersignError } from '../crypto/errors.ts'
import { isEpochOperation } from '../ledger/epoch-operation.ts'
import { JUDGEMENTS_MAX_BYTES, type JudgedBy, judgementsSizeBytes, revealedIn } from '../ledger/judgement.ts'
import {
  type AnyOperation,
  type AnyRequest,
  checkAnyRequest,
  commitmentsOf,
  committedIn,
  epochOperationOf,
  LIFETIME_MAX_MS,
  OPENINGS_MAX_BYTES,
  type OpenRequest,
  type Operation,
  openingsSizeBytes,
  requestId,
} from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Outbox } from './outbox.ts'
import { POOL_MAX } from './pool.ts'
import type { Replica } from './replica.ts'

/** @throws CountersignError `bad-format`, `bad-signature`, `expired`, … where the request is refused */
export function takeRequest(
  replica: Replica,
  value: unknown,
  openings: readonly Opening[],
  nowMs: number,
  judgement?: JudgedBy[],
): void {
  if (replica.chain.pool.size >= POOL_MAX && !replica.ordering.lacksAny) return
  // Waiting requests are passed on again and again: most that come are known, and need no check of their signature.
  const body = (value as { request?: unknown } | null)?.request
  const known = typeof body === 'object' && body !== null ? requestId(body as AnyRequest) : ''
  replica.ownValues.take(openings)
  if (replica.older.take(known, openings)) return
  if (replica.chain.pool.has(known) || replica.chain.hasOrdered(known)) return
  // One that a block names which may still be committed is needed however late it is, and whether it may stand there is
  // asked of the block's own parent.
  const isNeeded = replica.ordering.lacks(known)
  const checked = checkAnyRequest(
    value,
    replica.contract,
    (own) => replica.roster.authorKeyOf(own) ?? (isNeeded ? own.authorKey : undefined),
  )
  const { id, request } = checked
  // REQ-5: ids are kept until their time has passed in block time, which may be ahead of a clock that takes them still.
  if (request.notAfterMs < replica.chain.tip.block.header.timeMs && isOrderedOnDisk(replica, id)) return
  const bound = replica.electorate.policy.clockBoundMs
  if (request.notAfterMs + bound < nowMs && !isNeeded)
    throw new CountersignError('expired', 'the request’s notAfterMs has passed')
  if (request.notAfterMs > nowMs + LIFETIME_MAX_MS + bound)
    throw new CountersignError('bad-request', 'notAfterMs is more than 30 days ahead')
  // Who is not shown former values gets what was ordered with the ledger.
  const wanted = new Set(commitmentsOf(request.operations))
  if (openings.length < wanted.size && replica.epochs.mayLack) return
  const entry: OpenRequest<AnyRequest> = {
    ...checked,
    openings: pickOpenings(request.operations, openings, judgement),
    ...(judgement !== undefined && { judgement }),
  }
  if (judgementsSizeBytes([entry]) > JUDGEMENTS_MAX_BYTES)
    throw new CountersignError('too-large', 'the judgement of the request is too large for a ledger block')
  // Its author's node gathers what its judges say before it tells anybody.
  if (!isNeeded && !replica.judging.isComplete(entry, nowMs))
    throw new CountersignError(
      'not-judged',
      'the request came without the judgement of all who have to judge',
    )
  const { contract } = replica
  const local = request.author === replica.self
  replica.outbox.write({ kind: 'request', contract, request: checked, receivedMs: nowMs, local })
  if (entry.openings.length > 0)
    replica.outbox.write({ kind: 'openings', contract, openings: entry.openings })
  if (judgement !== undefined) replica.outbox.write({ kind: 'judgement', contract, id, judgement })
  replica.chain.add({ ...entry, receivedMs: nowMs, local })
  // A LEAVE of ours that others remember, and we do not: it was signed (AMN-2).
  if (local && epochOperationOf(request)?.op === 'leave') replica.leave()
  replica.outbox.notify({ contract, type: 'received', request: id })
  replica.ordering.retryWaiting(nowMs)
}

function isOrderedOnDisk({ contract, outbox, store }: Replica, id: string): boolean {
  outbox.flush()
  return store.request(contract, id)?.height !== undefined
}

/**
 * VAL-2, REQ-2: exactly the openings that the operations need, in their order, and those that their judges reveal; behind them those
 * of private values, as far as they are here. @throws CountersignError `bad-request`, `too-large`
 */
export function pickOpenings(
  operations: readonly AnyOperation[],
  openings: readonly Opening[],
  judgement?: readonly JudgedBy[],
): Opening[] {
  const byCommitment = new Map(openings.map((opening) => [commitmentOf(opening), opening]))
  const own = commitmentsOf(operations)
  const known = new Set(own)
  const picked = [...own, ...revealedIn(judgement).filter((one) => !known.has(one))].map((commitment) => {
    const opening = byCommitment.get(commitment)
    if (!opening)
      throw new CountersignError('bad-request', `no opening came with commitment ${commitment.slice(0, 12)}…`)
    if (opening.of !== undefined)
      throw new CountersignError(
        'bad-request',
        `commitment ${commitment.slice(0, 12)}… is of a private value`,
      )
    return opening
  })
  for (const { commitment, readers } of committedIn(operations)) {
    const opening = readers && byCommitment.get(commitment)
    if (opening) picked.push(opening)
  }
  if (openingsSizeBytes(picked) > OPENINGS_MAX_BYTES)
    throw new CountersignError('too-large', `the values of a request are at most ${OPENINGS_MAX_BYTES} bytes`)
  return picked
}

/** Those of the openings that these operations need. */
export function heldOf(
  { operations }: { operations: readonly AnyOperation[] },
  openings: ReadonlyMap<string, Opening>,
): Opening[] {
  return commitmentsOf(operations).flatMap((commitment) => openings.get(commitment) ?? [])
}

/** Takes those of the openings that these operations need, long after the operations came, and tells whose values they are. */
export function takeFormer(
  outbox: Pick<Outbox, 'write' | 'notify'>,
  contract: string,
  operations: readonly AnyOperation[],
  offered: readonly Opening[],
): Opening[] {
  const byCommitment = new Map(offered.map((opening) => [commitmentOf(opening), opening]))
  const openings = heldOf({ operations }, byCommitment)
  if (openings.length === 0) return []
  const uids = operations.flatMap((one) =>
    (one.op === 'create' || one.op === 'set') && byCommitment.has(one.value ?? '') ? [one.uid] : [],
  )
  outbox.write({ kind: 'openings', contract, openings })
  outbox.notify({ contract, type: 'opened', uids: [...new Set(uids)] })
  return openings
}

/** Whether a request made at this node can be taken now. @throws CountersignError `halted`, `unavailable` */
export function checkOpen(replica: Replica, operations: readonly AnyOperation[]): void {
  const isLeave = operations.some(({ op }) => op === 'leave')
  const isForObservers = isLeave || operations.some(({ op }) => op === 'card')
  if (replica.status === 'halted')
    throw new CountersignError(
      'halted',
      `contract ${replica.contract} is halted: ${replica.haltReason ?? 'see its log'}`,
    )
  // EPO-12: the same LEAVE may be signed again, where the first has come to nothing.
  if (replica.status === 'left' || (replica.status === 'leaving' && !isLeave))
    throw new CountersignError('conflict', 'this party has left the contract: it can’t write in it any more')
  if (replica.status === 'accepted' && replica.epochs.part === 'observer' && !isForObservers)
    throw new CountersignError(
      'forbidden',
      'this party is an observer of the contract: it reads, and writes nothing',
    )
  if (replica.status !== 'accepted' && replica.status !== 'leaving')
    throw new CountersignError('conflict', 'this node has not accepted the contract: accept it first')
  if (replica.chain.pool.size >= POOL_MAX)
    throw new CountersignError('unavailable', `${POOL_MAX} requests wait in this contract already`)
}

/** What somebody wants done, with its values for those alone who may see them (VAL-4). */
export function madePrivate(
  { chain }: Replica,
  operations: AnyOperation[],
  openings: readonly Opening[],
  nowMs: number,
): { operations: AnyOperation[]; openings: readonly Opening[] } {
  if (operations.some(isEpochOperation)) return { operations, openings }
  const edit = { operations: operations as Operation[], openings: [...openings] }
  return withReaders(chain.tip.state, edit, nowMs)
}
