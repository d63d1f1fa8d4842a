/** Ledger blocks: taken in, executed, committed (ORD-3, ORD-7). */
import { type Certificate, statementVerifies } from '../ledger/certificate.ts'
import { turnOf } from '../ledger/turn.ts'
import {
  enterView,
  halt,
  isKnown,
  recordStatement,
  takeCertificate,
  VIEWS_AHEAD_MAX,
} from './certificates.ts'
import {
  type ConsensusState,
  type Context,
  type Event,
  endsEpoch,
  type KnownBlock,
  leaderOf,
  type Proposal,
  restartResending,
  viewRecord,
} from './state.ts'

/** Blocks of one view kept without being asked for: a liar may sign any number. */
const BLOCKS_PER_VIEW_MAX = 3

/** Asks for a block that is missing here: at first one member who must hold it, then everybody from time to time. */
function wantBlock(context: Context, hash: string, holder: string | undefined): void {
  const { state, effects } = context
  if (state.blocks.has(hash)) return
  const askedMs = state.wanted.get(hash)
  if (askedMs !== undefined && context.nowMs < askedMs + state.config.timing.resendMs) return
  state.wanted.set(hash, context.nowMs)
  const isFirst = askedMs === undefined && holder !== undefined
  const from = isFirst && holder !== state.config.self && !state.down.has(holder) ? holder : undefined
  effects.push(from === undefined ? { type: 'FETCH_BLOCK', hash } : { type: 'FETCH_BLOCK', hash, from })
}

/** Asks for whatever is certified, or built on, and not held (ORD-10). */
export function wantBlocks(context: Context): void {
  const { state } = context
  for (const [view, record] of state.views) {
    if (view <= state.committed.view) continue
    for (const hash of record.notarizations.keys()) wantBlock(context, hash, leaderOf(state.config, view))
  }
  for (const { block, status } of state.blocks.values())
    if (status === 'unchecked')
      wantBlock(context, block.header.parent, leaderOf(state.config, block.header.view))
}

export function takeProposal(context: Context, hash: string, proposal: Proposal): void {
  const { state } = context
  const { block, vote } = proposal
  const { electorate } = state.config
  const { header } = block
  if (header.contract !== electorate.contract || header.lineage !== electorate.lineage) return
  if (header.epoch !== electorate.epoch || header.height <= state.committed.height) return
  // A block that ends the epoch is proposed again in later views (EPO-11).
  const view = vote && turnOf(block) ? Math.max(vote.statement.view, header.view) : header.view
  if (view > state.view + VIEWS_AHEAD_MAX) return
  // ORD-3: what it rests on comes along, and may be what lets us enter its view.
  for (const certificate of proposal.skipCertificates) if (!takeCertificate(context, certificate)) return
  if (proposal.notarization && !takeCertificate(context, proposal.notarization)) return
  const leader = leaderOf(state.config, view)
  const isLeaders =
    vote?.party === leader &&
    vote.statement.type === 'VOTE' &&
    vote.statement.block === hash &&
    vote.statement.view === view
  const asked = state.wanted.has(hash)
  if (!isLeaders && !asked) return
  if (isLeaders && !statementVerifies(electorate, vote, state.config.cache)) return
  const record = viewRecord(state, view)
  if (!state.blocks.has(hash)) {
    let ofView = 0
    for (const known of state.blocks.values()) if (known.block.header.view === header.view) ofView += 1
    if (!asked && ofView >= BLOCKS_PER_VIEW_MAX) return
    state.blocks.set(hash, {
      hash,
      block,
      status: 'unchecked',
      timely: false,
      leaderVote: isLeaders ? vote : undefined,
    })
    state.wanted.delete(hash)
  }
  if (!isLeaders) return
  const known = state.blocks.get(hash)
  if (known && (known.leaderVote?.statement.view ?? 0) < view) known.leaderVote = vote
  if (record.proposal === undefined) record.proposal = hash
  if (!isKnown(record, vote)) recordStatement(context, record, vote)
}

export function takeCheck(context: Context, hash: string, valid: boolean, timely: boolean): void {
  const known = context.state.blocks.get(hash)
  if (!known || known.status === 'valid' || known.status === 'invalid') return
  known.status = valid ? 'valid' : 'invalid'
  known.timely = timely
  if (valid) context.effects.push({ type: 'STORE_BLOCK', hash, block: known.block })
}

/** Asks for the execution of blocks that matter, parents first: proposals, notarised ones and what they build on. */
export function requestChecks(context: Context): void {
  const { state, effects } = context
  for (const known of state.blocks.values()) {
    if (known.status !== 'unchecked') continue
    const { parent, height } = known.block.header
    const before = state.blocks.get(parent)
    // What stands right above the committed tip and not on it can never be committed.
    const isAstray = height <= state.committed.height + 1 && parent !== state.committed.hash
    if (isAstray || before?.status === 'invalid') known.status = 'invalid'
    else if (before?.status === 'valid') {
      known.status = 'checking'
      effects.push({ type: 'CHECK', hash: known.hash, block: known.block })
    }
  }
  wantBlocks(context)
}

export function tryCommit(context: Context): void {
  const { state, effects } = context
  const { target } = state
  if (!target) return
  const chain: KnownBlock[] = []
  for (let at = target.hash; at !== state.committed.hash; ) {
    const known = state.blocks.get(at)
    if (!known) return
    const { height, parent } = known.block.header
    if (height <= state.committed.height + 1 && parent !== state.committed.hash) {
      halt(context, `two conflicting ledger blocks were committed at height ${state.committed.height}`)
      return
    }
    chain.push(known)
    at = parent
  }
  chain.reverse()
  if (chain.some(({ status }) => status === 'invalid')) {
    halt(context, 'the quorum committed a ledger block that this node computes differently')
    return
  }
  if (chain.some(({ status }) => status !== 'valid')) return
  state.target = undefined
  const record = viewRecord(state, target.view)
  const tip = chain.at(-1)
  if (!tip) return
  effects.push({
    type: 'COMMIT',
    hashes: chain.map(({ hash }) => hash),
    notarization: record.notarizations.get(tip.hash) as Certificate,
    finalization: record.finalizations.get(tip.hash) as Certificate,
  })
  if (endsEpoch(tip)) state.ended = true
  else moveTip(state, tip)
}

function moveTip(state: ConsensusState, tip: KnownBlock): void {
  const { height, view, timeMs } = tip.block.header
  state.committed = { hash: tip.hash, height, view, timeMs }
  for (const old of state.views.keys()) if (old < view) state.views.delete(old)
  // What builds on the tip is of a later view: anything else can't be committed any more.
  for (const [hash, { block }] of state.blocks)
    if ((block.header.height <= height || block.header.view <= view) && hash !== tip.hash)
      state.blocks.delete(hash)
  // Whatever is still wanted is asked for anew.
  state.wanted.clear()
  restartResending(state)
}

export function takeSynced(context: Context, event: Extract<Event, { type: 'SYNCED' }>): void {
  const { state } = context
  const { hash, block, notarization, finalization } = event
  if (block.header.height <= state.committed.height) return
  const record = viewRecord(state, block.header.view)
  if (notarization) record.notarizations.set(hash, notarization)
  if (finalization) record.finalizations.set(hash, finalization)
  const known: KnownBlock = { hash, block, status: 'valid', timely: true }
  state.blocks.set(hash, known)
  if (state.target && state.target.view <= block.header.view) state.target = undefined
  moveTip(state, known)
  enterView(context, block.header.view + 1)
}
