/**
 * The rules of ordering (PROTOCOL §6): `step` takes one event, changes the state in place and returns what to do about it.
 * The caller writes STORE_… effects to disk before it hands a later SIGN to the signer (ORD-5), and feeds results back.
 */
import type { LedgerBlock } from '../ledger/block.ts'
import {
  type Certificate,
  certificateVerifies,
  type SignedStatement,
  type Statement,
  statementVerifies,
} from '../ledger/certificate.ts'
import { contradiction } from '../ledger/evidence.ts'
import {
  type ConsensusState,
  type Effect,
  type Event,
  isUncommitted,
  type KnownBlock,
  leaderOf,
  needsBlock,
  parentFor,
  type Proposal,
  type ViewRecord,
  viewRecord,
  wantsEmpty,
} from './state.ts'

/** How far beyond our own view a message may be: more is taken from certificates only. */
const VIEWS_AHEAD_MAX = 1000
/** Blocks of one view kept without being asked for: a liar may sign any number. */
const BLOCKS_PER_VIEW_MAX = 3
const REPAIR_CERTIFICATES_MAX = 64

type Context = { state: ConsensusState; effects: Effect[]; nowMs: number }

export function step(state: ConsensusState, event: Event): Effect[] {
  const context: Context = { state, effects: [], nowMs: event.nowMs }
  if (state.halted) return context.effects
  switch (event.type) {
    case 'START':
      if (state.view === 0) enterView(context, 1)
      break
    case 'MAY_SIGN':
      state.maySign = true
      break
    case 'WORK':
      state.work = event.work
      break
    case 'TICK':
      break
    case 'PEER_UP':
      state.down.delete(event.party)
      break
    case 'PEER_DOWN':
      state.down.add(event.party)
      break
    case 'PROPOSE':
      takeProposal(context, event.hash, event.proposal)
      break
    case 'STATEMENT':
      takeStatement(context, event.signed)
      break
    case 'CERTIFICATE':
      takeCertificate(context, event.certificate)
      break
    case 'STATUS':
      helpPeer(context, event.from, event.view)
      break
    case 'CHECKED':
      takeCheck(context, event.hash, event.valid, event.timely)
      break
    case 'BUILT':
      takeBuilt(context, event.view, event.hash, event.block)
      break
    case 'NOT_BUILT':
      viewRecord(state, event.view).mine.built = false
      state.work = false
      break
    case 'SIGNED':
      takeOwn(context, event.signed)
      break
    case 'REFUSED':
      break
    case 'SYNCED':
      takeSynced(context, event)
      break
  }
  settle(context)
  return context.effects
}

/** Applies every rule that has become applicable. Each is idempotent, so their order decides only what goes out first. */
function settle(context: Context): void {
  const { state } = context
  tryCommit(context)
  if (state.halted) return
  requestChecks(context)
  if (state.view > 0 && state.maySign) {
    tryFinalize(context, state.view - 1)
    tryVote(context)
    tryPropose(context)
    trySkip(context)
  }
  setTimers(context)
}

// ── certificates and views ──────────────────────────────────────────────────────────────────────────────────────────

function enterView(context: Context, view: number): void {
  const { state } = context
  if (view <= state.view) return
  const before = state.views.get(view - 1)
  state.skipsInARow = before && before.notarizations.size === 0 ? state.skipsInARow + 1 : 0
  state.view = view
  state.enteredMs = context.nowMs
  state.deadlineMs = undefined
  state.late = false
}

/** Takes a certificate that has been checked (or was made here of checked statements). */
function acceptCertificate(context: Context, certificate: Certificate): void {
  const { state, effects } = context
  const { kind, view, block } = certificate
  if (view < state.committed.view) return
  const record = viewRecord(state, view)
  if (kind === 'skip') {
    if (record.skipCertificate) return
    record.skipCertificate = certificate
  } else {
    const held = kind === 'notarization' ? record.notarizations : record.finalizations
    if (held.has(block as string)) return
    held.set(block as string, certificate)
  }
  effects.push({ type: 'STORE_CERTIFICATE', certificate })
  if (kind !== 'finalization') {
    if (kind === 'notarization') wantBlock(context, block as string)
    enterView(context, view + 1)
  }
  const hash = kind === 'skip' ? undefined : block
  if (hash && record.notarizations.has(hash) && record.finalizations.has(hash)) {
    if (!state.target || state.target.view < view) state.target = { hash, view }
  }
}

function takeCertificate(context: Context, certificate: Certificate): boolean {
  const { state } = context
  if (certificate.view < state.committed.view) return true
  if (holds(state, certificate)) return true
  if (!certificateVerifies(state.config.electorate, certificate, state.config.cache)) return false
  acceptCertificate(context, certificate)
  return true
}

function holds(state: ConsensusState, { kind, view, block }: Certificate): boolean {
  const record = state.views.get(view)
  if (!record) return false
  if (kind === 'skip') return record.skipCertificate !== undefined
  return (kind === 'notarization' ? record.notarizations : record.finalizations).has(block as string)
}

// ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────────

const setsOf = (record: ViewRecord, type: Statement['type']): Map<string, SignedStatement> =>
  type === 'VOTE' ? record.votes : type === 'FINALIZE' ? record.finalizes : record.skips

function takeStatement(context: Context, signed: SignedStatement): void {
  const { state } = context
  const { statement, party } = signed
  if (statement.view < state.committed.view || statement.view > state.view + VIEWS_AHEAD_MAX) return
  const record = viewRecord(state, statement.view)
  const held = setsOf(record, statement.type).get(party)
  const block = statement.type === 'SKIP' ? undefined : statement.block
  if (held && (held.statement as { block?: string }).block === block) return
  if (isSettled(record, statement) && !suspicious(record, signed)) return
  if (!statementVerifies(state.config.electorate, signed, state.config.cache)) return
  recordStatement(context, record, signed)
}

/** A further signature on what a quorum has signed already changes nothing: no need to spend a verification on it. */
function isSettled(record: ViewRecord, statement: Statement): boolean {
  if (statement.type === 'SKIP') return record.skipCertificate !== undefined
  return (statement.type === 'VOTE' ? record.notarizations : record.finalizations).has(statement.block)
}

function others(record: ViewRecord, party: string): SignedStatement[] {
  return [record.votes, record.finalizes, record.skips].flatMap((set) => set.get(party) ?? [])
}

function suspicious(record: ViewRecord, signed: SignedStatement): boolean {
  return others(record, signed.party).some((other) => contradiction(other, signed) !== undefined)
}

function recordStatement(context: Context, record: ViewRecord, signed: SignedStatement): void {
  const { statement, party } = signed
  for (const other of others(record, party)) {
    const kind = contradiction(other, signed)
    if (kind)
      context.effects.push({ type: 'EVIDENCE', evidence: { kind, party, first: other, second: signed } })
  }
  const set = setsOf(record, statement.type)
  // A liar's second statement still counts towards a certificate of its own block: keep it under its block.
  set.set(set.has(party) && statement.type !== 'SKIP' ? `${party} ${statement.block}` : party, signed)
  if (statement.type === 'SKIP') {
    if (!record.skipCertificate) certify(context, 'skip', record.view, undefined, [...set.values()])
    return
  }
  const kind = statement.type === 'VOTE' ? 'notarization' : 'finalization'
  const held = kind === 'notarization' ? record.notarizations : record.finalizations
  if (held.has(statement.block)) return
  const same = [...set.values()].filter(
    (one) => one.statement.type === statement.type && one.statement.block === statement.block,
  )
  certify(context, kind, record.view, statement.block, same)
}

function certify(
  context: Context,
  kind: Certificate['kind'],
  view: number,
  block: string | undefined,
  signed: readonly SignedStatement[],
): void {
  const { quorum } = context.state.config.electorate
  if (signed.length < quorum) return
  const signatures = signed
    .slice(0, quorum)
    .map((one): Certificate['signatures'][number] => [one.party, one.signature])
  acceptCertificate(context, block === undefined ? { kind, view, signatures } : { kind, view, block, signatures })
}

// ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function wantBlock(context: Context, hash: string, from?: string): void {
  const { state, effects } = context
  if (state.blocks.has(hash)) return
  const askedMs = state.wanted.get(hash)
  if (askedMs !== undefined && context.nowMs < askedMs + state.config.timing.resendMs) return
  state.wanted.set(hash, context.nowMs)
  effects.push(from ? { type: 'FETCH_BLOCK', hash, from } : { type: 'FETCH_BLOCK', hash })
}

function takeProposal(context: Context, hash: string, proposal: Proposal): void {
  const { state } = context
  const { block, vote } = proposal
  const { electorate } = state.config
  const { header } = block
  if (header.contract !== electorate.contract || header.lineage !== electorate.lineage) return
  if (header.epoch !== electorate.epoch || header.height <= state.committed.height) return
  if (header.view > state.view + VIEWS_AHEAD_MAX) return
  // ORD-3: what it rests on comes along, and may be what lets us enter its view.
  for (const certificate of proposal.skipCertificates) if (!takeCertificate(context, certificate)) return
  if (proposal.notarization && !takeCertificate(context, proposal.notarization)) return
  const leader = leaderOf(state.config, header.view)
  const isLeaders =
    vote?.party === leader && vote.statement.type === 'VOTE' && vote.statement.block === hash && vote.statement.view === header.view
  const asked = state.wanted.has(hash)
  if (!isLeaders && !asked) return
  if (isLeaders && !statementVerifies(electorate, vote, state.config.cache)) return
  const record = viewRecord(state, header.view)
  if (!state.blocks.has(hash)) {
    let ofView = 0
    for (const known of state.blocks.values()) if (known.block.header.view === header.view) ofView += 1
    if (!asked && ofView >= BLOCKS_PER_VIEW_MAX) return
    state.blocks.set(hash, { hash, block, status: 'unchecked', timely: false, leaderVote: isLeaders ? vote : undefined })
    state.wanted.delete(hash)
  }
  if (!isLeaders) return
  if (record.proposal === undefined) record.proposal = hash
  const held = record.votes.get(leader)
  if (!held || contradiction(held, vote)) recordStatement(context, record, vote)
}

function takeCheck(context: Context, hash: string, valid: boolean, timely: boolean): void {
  const known = context.state.blocks.get(hash)
  if (!known || known.status === 'valid' || known.status === 'invalid') return
  known.status = valid ? 'valid' : 'invalid'
  known.timely = timely
  if (valid) context.effects.push({ type: 'STORE_BLOCK', hash, block: known.block })
}

/** Asks for the execution of blocks that matter, parents first: proposals, notarised ones and what they build on. */
function requestChecks(context: Context): void {
  const { state, effects } = context
  for (const known of state.blocks.values()) {
    if (known.status !== 'unchecked') continue
    const { parent } = known.block.header
    const before = state.blocks.get(parent)
    if (!before) wantBlock(context, parent)
    else if (before.status === 'invalid') known.status = 'invalid'
    else if (before.status === 'valid') {
      known.status = 'checking'
      effects.push({ type: 'CHECK', hash: known.hash, block: known.block })
    }
  }
}

function tryCommit(context: Context): void {
  const { state, effects } = context
  const { target } = state
  if (!target) return
  const chain: KnownBlock[] = []
  for (let at = target.hash; at !== state.committed.hash; ) {
    const known = state.blocks.get(at)
    if (!known) {
      wantBlock(context, at)
      return
    }
    if (known.block.header.height <= state.committed.height) {
      halt(context, `two conflicting ledger blocks were committed at height ${known.block.header.height}`)
      return
    }
    chain.unshift(known)
    at = known.block.header.parent
  }
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
  moveTip(state, tip)
}

function moveTip(state: ConsensusState, tip: KnownBlock): void {
  const { height, view, timeMs } = tip.block.header
  state.committed = { hash: tip.hash, height, view, timeMs }
  for (const old of state.views.keys()) if (old < view) state.views.delete(old)
  for (const [hash, known] of state.blocks)
    if (known.block.header.height <= height && hash !== tip.hash) state.blocks.delete(hash)
  for (const hash of state.wanted.keys()) if (state.blocks.has(hash)) state.wanted.delete(hash)
  state.resends = 0
}

function takeSynced(context: Context, event: Extract<Event, { type: 'SYNCED' }>): void {
  const { state } = context
  const { hash, block, notarization, finalization } = event
  if (block.header.height <= state.committed.height) return
  const record = viewRecord(state, block.header.view)
  record.notarizations.set(hash, notarization)
  record.finalizations.set(hash, finalization)
  const known: KnownBlock = { hash, block, status: 'valid', timely: true }
  state.blocks.set(hash, known)
  state.wanted.clear()
  if (state.target && state.target.view <= block.header.view) state.target = undefined
  moveTip(state, known)
  enterView(context, block.header.view + 1)
}

function halt(context: Context, reason: string): void {
  context.state.halted = true
  context.effects.push({ type: 'HALT', reason })
}

// ── our own part ────────────────────────────────────────────────────────────────────────────────────────────────────

function sign(context: Context, view: number, type: Statement['type'], block?: string): void {
  const { contract, lineage, epoch } = context.state.config.electorate
  const at = { contract, lineage, epoch, view }
  context.state.signedView = Math.max(context.state.signedView, view)
  const statement: Statement =
    type === 'SKIP' ? { ...at, type } : { ...at, type, block: block as string }
  context.effects.push({ type: 'SIGN', statement })
}

function tryFinalize(context: Context, view: number): void {
  const { state } = context
  if (view < 1 || state.signedView > view) return
  const record = state.views.get(view)
  if (!record || record.mine.skip || record.mine.finalize) return
  for (const hash of record.notarizations.keys()) {
    if (state.blocks.get(hash)?.status !== 'valid') continue
    record.mine.finalize = hash
    sign(context, view, 'FINALIZE', hash)
    return
  }
}

function tryVote(context: Context): void {
  const { state } = context
  const { view } = state
  const record = state.views.get(view)
  if (!record?.proposal || record.mine.vote || state.signedView > view) return
  const known = state.blocks.get(record.proposal)
  if (known?.status !== 'valid' || !known.timely) return
  if (!restsOnCertificates(state, known.block)) return
  record.mine.vote = known.hash
  sign(context, view, 'VOTE', known.hash)
}

/** ORD-3: the parent is notarised, and every view between has a skip certificate. */
function restsOnCertificates(state: ConsensusState, block: LedgerBlock): boolean {
  const { parent, view } = block.header
  const before = state.blocks.get(parent)
  if (!before) return false
  const parentView = before.block.header.view
  if (parentView >= view) return false
  if (parent !== state.committed.hash && !state.views.get(parentView)?.notarizations.has(parent)) return false
  for (let between = parentView + 1; between < view; between += 1)
    if (!state.views.get(between)?.skipCertificate) return false
  return true
}

function tryPropose(context: Context): void {
  const { state, effects } = context
  const { view, config } = state
  if (leaderOf(config, view) !== config.self || state.signedView > view) return
  const record = viewRecord(state, view)
  if (record.mine.built || record.mine.skip || !needsBlock(state, context.nowMs)) return
  const parent = parentFor(state, view)
  if (!parent || state.blocks.get(parent.hash)?.status !== 'valid') return
  record.mine.built = true
  effects.push({ type: 'BUILD', view, parent: parent.hash, evenEmpty: wantsEmpty(state, context.nowMs) })
}

function takeBuilt(context: Context, view: number, hash: string, block: LedgerBlock): void {
  const { state } = context
  const record = viewRecord(state, view)
  if (view !== state.view || record.mine.vote || record.proposal) return
  state.blocks.set(hash, { hash, block, status: 'valid', timely: true })
  record.proposal = hash
  context.effects.push({ type: 'STORE_BLOCK', hash, block })
}

function takeOwn(context: Context, signed: SignedStatement): void {
  const { state, effects } = context
  const { statement } = signed
  if (statement.view >= state.committed.view) {
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
  const message = proposalMessage(state, statement.block)
  if (message) effects.push({ type: 'SEND', message })
}

/** A block with what it rests on, as it is sent (ORD-3). */
export function proposalMessage(
  state: ConsensusState,
  hash: string,
): ({ type: 'PROPOSE' } & Proposal) | undefined {
  const known = state.blocks.get(hash)
  if (!known) return undefined
  const { header } = known.block
  const before = state.blocks.get(header.parent)
  const parentView = before?.block.header.view ?? 0
  const skipCertificates: Certificate[] = []
  for (let between = parentView + 1; before && between < header.view; between += 1) {
    const certificate = state.views.get(between)?.skipCertificate
    if (certificate) skipCertificates.push(certificate)
  }
  const notarization = state.views.get(parentView)?.notarizations.get(header.parent)
  return {
    type: 'PROPOSE',
    block: known.block,
    ...(known.leaderVote ? { vote: known.leaderVote } : {}),
    ...(notarization ? { notarization } : {}),
    skipCertificates,
  }
}

function trySkip(context: Context): void {
  const { state, nowMs } = context
  const { view, config } = state
  const record = viewRecord(state, view)
  if (record.mine.skip || record.mine.finalize || state.signedView > view) return
  if (!needsBlock(state, nowMs)) return
  const leader = leaderOf(config, view)
  const known = record.proposal ? state.blocks.get(record.proposal) : undefined
  const refused = known && (known.status === 'invalid' || (known.status === 'valid' && !known.timely))
  const absent = !record.proposal && leader !== config.self && state.down.has(leader)
  if (state.deadlineMs !== undefined && nowMs >= state.deadlineMs) state.late = true
  if (!refused && !absent && !state.late) return
  record.mine.skip = true
  sign(context, view, 'SKIP')
}

/** A peer that is not ahead tells where it stands: send what brings it here. */
function helpPeer(context: Context, from: string, theirView: number): void {
  const { state, effects } = context
  if (theirView > state.view) return
  const send = (certificate: Certificate): void => {
    effects.push({ type: 'SEND', to: from, message: { type: 'CERTIFICATE', certificate } })
  }
  const first = Math.max(theirView, state.committed.view, state.view - REPAIR_CERTIFICATES_MAX)
  for (let view = first; view < state.view; view += 1) {
    const record = state.views.get(view)
    for (const certificate of record?.notarizations.values() ?? []) send(certificate)
    if (record?.skipCertificate) send(record.skipCertificate)
  }
  for (const view of [state.view - 1, state.view]) {
    const record = state.views.get(view)
    if (!record) continue
    const block = record.proposal ?? [...record.notarizations.keys()][0]
    if (block && block !== state.committed.hash) {
      const message = proposalMessage(state, block)
      if (message) effects.push({ type: 'SEND', to: from, message })
    }
    for (const set of [record.votes, record.skips, record.finalizes]) {
      const signed = set.get(state.config.self)
      if (signed) effects.push({ type: 'SEND', to: from, message: { type: 'STATEMENT', signed } })
    }
  }
}

// ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function setTimers(context: Context): void {
  const { state, nowMs } = context
  const { timing } = state.config
  const needs = needsBlock(state, nowMs)
  if (!needs) {
    state.deadlineMs = undefined
    state.late = false
  } else if (!state.late && state.deadlineMs === undefined) {
    const growth = 1.5 ** Math.min(state.skipsInARow, 30)
    state.deadlineMs = nowMs + Math.min(timing.viewMaxMs, timing.viewMs * growth)
  } else if (state.deadlineMs !== undefined && nowMs >= state.deadlineMs) {
    state.late = true
    state.deadlineMs = undefined
  }
  if (!needs && !isUncommitted(state)) {
    state.resendAtMs = undefined
    state.resends = 0
    return
  }
  const progress = `${state.view} ${state.committed.height}`
  if (progress !== state.progress) {
    state.progress = progress
    state.resends = 0
    state.resendAtMs = undefined
  }
  if (state.resendAtMs === undefined) state.resendAtMs = nowMs + timing.resendMs
  else if (nowMs >= state.resendAtMs) {
    state.resends += 1
    state.resendAtMs = nowMs + Math.min(timing.resendMaxMs, timing.resendMs * 1.5 ** state.resends)
    context.effects.push({ type: 'SEND_STATUS' })
    for (const hash of [...state.wanted.keys()]) if (!state.blocks.has(hash)) wantBlock(context, hash)
  }
}
