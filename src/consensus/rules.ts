/** A member's own part: what it proposes and signs, and when (ORD-2 to ORD-6). */
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import type { AnyLedgerBlock } from '../ledger/turn.ts'
import { recordStatement, setsOf } from './certificates.ts'
import { lastNotarizedView, proposalMessages } from './repair.ts'
import {
  type ConsensusState,
  type Context,
  endsEpoch,
  type KnownBlock,
  leaderOf,
  parentFor,
  viewRecord,
} from './state.ts'
import { isBusy, wantsEmpty } from './timers.ts'

/** Rotations of leaders that are skipped at once where there is reason to; then views take their time again. */
const HASTY_ROTATIONS = 2

function sign(context: Context, view: number, type: Statement['type'], block?: string): void {
  const { contract, lineage, epoch } = context.state.config.electorate
  const at = { contract, lineage, epoch, view }
  context.state.signedView = Math.max(context.state.signedView, view)
  const statement: Statement = type === 'SKIP' ? { ...at, type } : { ...at, type, block: block as string }
  context.effects.push({ type: 'SIGN', statement })
}

export function tryFinalize(context: Context, view: number): void {
  const { state } = context
  if (view < 1 || state.signedView > view) return
  const record = state.views.get(view)
  if (!record || record.mine.skip || record.locks.skip || record.mine.finalize) return
  for (const hash of record.notarizations.keys()) {
    if (state.blocks.get(hash)?.status !== 'valid') continue
    const { finalize: locked } = record.locks
    if (locked === undefined ? view <= state.doubtfulView : locked !== hash) continue
    record.mine.finalize = hash
    sign(context, view, 'FINALIZE', hash)
    return
  }
}

export function tryVote(context: Context): void {
  const { state } = context
  const { view } = state
  const record = state.views.get(view)
  if (!record?.proposal || record.mine.vote || state.signedView > view) return
  const known = state.blocks.get(record.proposal)
  if (known?.status !== 'valid') return
  const { vote: locked } = record.locks
  if (locked === undefined && (view <= state.doubtfulView || !isTimely(known, view))) return
  if (locked !== undefined && locked !== known.hash) return
  if (!restsOnCertificates(state, known, view)) return
  record.mine.vote = known.hash
  sign(context, view, 'VOTE', known.hash)
}

/** One that is proposed again was timely when a quorum voted for it first (EPO-13). */
function isTimely(known: KnownBlock, view: number): boolean {
  return known.timely || known.block.header.view < view
}

/** ORD-3: what it builds on, or else it itself (EPO-11), is notarised, and every view since has a skip certificate. */
function restsOnCertificates(state: ConsensusState, { hash, block }: KnownBlock, view: number): boolean {
  const base = block.header.view < view ? lastNotarizedView(state, hash, view) : parentViewOf(state, block)
  if (base === undefined || base >= view) return false
  for (let between = base + 1; between < view; between += 1)
    if (!state.views.get(between)?.skipCertificate) return false
  return true
}

/** The view of its parent's notarization; undefined where the parent isn't notarised, or ends the epoch. */
function parentViewOf(state: ConsensusState, block: AnyLedgerBlock): number | undefined {
  const { parent } = block.header
  const before = state.blocks.get(parent)
  if (!before) return undefined
  const { view } = before.block.header
  if (parent === state.committed.hash) return view
  return !endsEpoch(before) && state.views.get(view)?.notarizations.has(parent) ? view : undefined
}

export function tryPropose(context: Context): void {
  const { state, effects } = context
  const { view, config } = state
  if (leaderOf(config, view) !== config.self || state.signedView > view || view <= state.doubtfulView) return
  const record = viewRecord(state, view)
  if (record.mine.built || record.mine.skip || record.locks.skip || record.locks.vote !== undefined) return
  if (record.proposal !== undefined) return
  const isEmptyWanted = wantsEmpty(state, context.nowMs)
  if (!state.work && !isEmptyWanted) return
  const parent = parentFor(state, view)
  const before = parent === undefined ? undefined : state.blocks.get(parent)
  if (parent === undefined || before?.status !== 'valid') return
  record.mine.built = true
  if (parent !== state.committed.hash && endsEpoch(before)) {
    record.proposal = parent
    tryVote(context)
    return
  }
  effects.push({ type: 'BUILD', view, parent, evenEmpty: isEmptyWanted && parent !== state.committed.hash })
}

export function takeBuilt(context: Context, view: number, hash: string, block: AnyLedgerBlock): void {
  const { state } = context
  const record = viewRecord(state, view)
  if (view !== state.view || record.mine.vote || record.proposal) return
  state.blocks.set(hash, { hash, block, status: 'valid', timely: true })
  record.proposal = hash
  context.effects.push({ type: 'STORE_BLOCK', hash, block })
}

export function takeOwn(context: Context, signed: SignedStatement): void {
  const { state, effects } = context
  const { statement } = signed
  // One of the epoch before may have been signed while it ended.
  if (statement.view >= state.committed.view && statement.epoch === state.config.electorate.epoch) {
    const record = viewRecord(state, statement.view)
    if (!setsOf(record, statement.type).has(state.config.self)) recordStatement(context, record, signed)
  }
  const isProposal = statement.type === 'VOTE' && leaderOf(state.config, statement.view) === state.config.self
  if (!isProposal) {
    effects.push({ type: 'SEND', message: { type: 'STATEMENT', signed } })
    return
  }
  const known = state.blocks.get(statement.block)
  if (known) known.leaderVote = signed
  for (const message of proposalMessages(state, statement.block, statement.view))
    effects.push({ type: 'SEND', message })
}

export function trySkip(context: Context): void {
  const { state, nowMs } = context
  const { view, config } = state
  const record = viewRecord(state, view)
  if (record.mine.skip || record.mine.finalize || record.locks.finalize || state.signedView > view) return
  if (!isBusy(state, nowMs)) return
  const leader = leaderOf(config, view)
  const known = record.proposal ? state.blocks.get(record.proposal) : undefined
  const isLate = known?.status === 'valid' && !isTimely(known, view) && record.mine.vote !== known.hash
  const refused = known?.status === 'invalid' || isLate
  const { skip: skippedBefore } = record.locks
  const absent = !record.proposal && leader !== config.self && state.down.has(leader)
  if (state.deadlineMs !== undefined && nowMs >= state.deadlineMs) state.late = true
  const isHasty = state.skipsInARow < HASTY_ROTATIONS * config.members.length
  if (!state.late && !skippedBefore && !(isHasty && (refused || absent))) return
  record.mine.skip = true
  sign(context, view, 'SKIP')
}
