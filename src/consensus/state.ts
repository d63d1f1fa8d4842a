/**
 * What a member knows while ordering ledger blocks in Simplex views (Chan & Pass 2023), for one epoch of one contract.
 *
 *            NOTARIZATION v                       COMMIT v
 *   view v ──────────────────▶ view v+1 ── FINALIZE v ──▶ blocks up to v's are tentative
 *      │                          ▲
 *      └──────── SKIPCERT v ──────┘
 *
 * A block that ends the epoch has no child here: while it is notarised and not committed, it is proposed again, unchanged
 * (EPO-11). Its COMMIT ends this state; the next epoch's begins with the view after the block's own.
 *
 * Plain data, changed in place by `step` alone; no I/O, clock or randomness: time arrives in events.
 */
import type { SignatureCache } from '../crypto/statement.ts'
import type { Certificate, Electorate, SignedStatement, Statement } from '../ledger/certificate.ts'
import type { StatementEvidence } from '../ledger/evidence.ts'
import { type AnyLedgerBlock, turnOf } from '../ledger/turn.ts'

/**
 * Durations in ms. A view times out after the member's patience: viewMs at first, more where views have lately taken long,
 * up to PATIENCE_MAX times as much; growing by half with each skipped view up to viewMaxMs.
 */
export type Timing = {
  viewMs: number
  viewMaxMs: number
  /** How long a leader with nothing to order waits for its parent's COMMIT before it proposes an empty block. */
  emptyAfterMs: number
  resendMs: number
  resendMaxMs: number
}

export const DEFAULT_TIMING: Timing = {
  viewMs: 2000,
  viewMaxMs: 30_000,
  emptyAfterMs: 300,
  resendMs: 1000,
  resendMaxMs: 15_000,
}

export type ConsensusConfig = {
  electorate: Electorate
  /** Party ids in the order they lead. */
  members: readonly string[]
  self: string
  timing: Timing
  cache: SignatureCache
}

/** valid: executed here with the same roots. Time is a voter's matter and stands apart. */
export type BlockStatus = 'unchecked' | 'checking' | 'valid' | 'invalid'

export type KnownBlock = {
  hash: string
  block: AnyLedgerBlock
  status: BlockStatus
  /** Its time was within the policy's bound of our clock when it was checked. */
  timely: boolean
  leaderVote?: SignedStatement
}

export type ViewRecord = {
  view: number
  /** First block of this view's leader that arrived: the one to vote for. */
  proposal?: string
  votes: Map<string, SignedStatement>
  finalizes: Map<string, SignedStatement>
  skips: Map<string, SignedStatement>
  notarizations: Map<string, Certificate>
  finalizations: Map<string, Certificate>
  skipCertificate?: Certificate
  /** What was asked of our own signer in this view since this start. */
  mine: { vote?: string; finalize?: string; skip?: boolean; built?: boolean }
  /** What our signer had signed in this view before this start. */
  locks: { vote?: string; finalize?: string; skip?: boolean }
}

export type ConsensusState = {
  config: ConsensusConfig
  /** 0 until the genesis is final. */
  view: number
  enteredMs: number
  committed: { hash: string; height: number; view: number; timeMs: number }
  /** Highest block known to be committed, where blocks below it are still missing or unchecked. */
  target?: { hash: string; view: number }
  blocks: Map<string, KnownBlock>
  views: Map<number, ViewRecord>
  /** Hashes asked for; a block that arrives with one of these needs no leader's vote. */
  wanted: Map<string, number>
  down: Set<string>
  work: boolean
  maySign: boolean
  halted: boolean
  /** The block that ends the epoch was committed: nothing more happens here. */
  ended: boolean
  /** Highest view anything was asked to be signed in. */
  signedView: number
  /**
   * Up to this view the member may have signed what nobody can tell it (AMN-2). It SKIPs there, and signs anew what it is told: for a
   * FINALIZE it had held the NOTARIZATION, which ends a view.
   */
  doubtfulView: number
  skipsInARow: number
  /** How long a view is waited for: follows what views have lately taken, so that load alone ends none. */
  patienceMs: number
  /** Since when this view has had to end. */
  busySinceMs?: number
  deadlineMs?: number
  /** The view's time has run out. */
  late: boolean
  resendAtMs?: number
  resends: number
  progress: string
}

export type Proposal = {
  block: AnyLedgerBlock
  vote?: SignedStatement
  notarization?: Certificate
  skipCertificates: Certificate[]
}

export type Event = { nowMs: number } & (
  | { type: 'START' }
  | { type: 'MAY_SIGN' }
  | { type: 'WORK'; work: boolean }
  | { type: 'TICK' }
  | { type: 'PEER_UP' | 'PEER_DOWN'; party: string }
  | { type: 'PROPOSE'; from: string; hash: string; proposal: Proposal }
  | { type: 'STATEMENT'; from: string; signed: SignedStatement }
  | { type: 'CERTIFICATE'; from: string; certificate: Certificate }
  | { type: 'STATUS'; from: string; view: number; committedHeight: number }
  | { type: 'CHECKED'; hash: string; valid: boolean; timely: boolean }
  | { type: 'BUILT'; view: number; hash: string; block: AnyLedgerBlock }
  | { type: 'NOT_BUILT'; view: number }
  | { type: 'SIGNED'; signed: SignedStatement }
  | { type: 'REFUSED'; statement: Statement }
  /** Certificates: of this lineage, where it has any. */
  | {
      type: 'SYNCED'
      hash: string
      block: AnyLedgerBlock
      notarization?: Certificate
      finalization?: Certificate
    }
)

export type Effect =
  | { type: 'SIGN'; statement: Statement }
  /** To everybody where `to` is absent. */
  | { type: 'SEND'; to?: string; message: OrderingMessage }
  /** Ask for repair: tell everybody where we stand. */
  | { type: 'SEND_STATUS' }
  | { type: 'CHECK'; hash: string; block: AnyLedgerBlock }
  /** evenEmpty: a block without entries is wanted where nothing waits, to commit its parent. */
  | { type: 'BUILD'; view: number; parent: string; evenEmpty: boolean }
  | { type: 'STORE_BLOCK'; hash: string; block: AnyLedgerBlock }
  | { type: 'STORE_CERTIFICATE'; certificate: Certificate }
  | { type: 'COMMIT'; hashes: string[]; notarization: Certificate; finalization: Certificate }
  | { type: 'FETCH_BLOCK'; hash: string; from?: string }
  | { type: 'EVIDENCE'; evidence: StatementEvidence }
  | { type: 'HALT'; reason: string }

/** What one `step` works on. */
export type Context = { state: ConsensusState; effects: Effect[]; nowMs: number }

export type OrderingMessage =
  | ({ type: 'PROPOSE' } & Proposal)
  | { type: 'STATEMENT'; signed: SignedStatement }
  | { type: 'CERTIFICATE'; certificate: Certificate }

export function leaderOf(config: ConsensusConfig, view: number): string {
  return config.members[view % config.members.length] as string
}

/** Whether a block ends the epoch. */
export function endsEpoch({ block }: KnownBlock): boolean {
  return turnOf(block) !== undefined
}

export function viewRecord(state: ConsensusState, view: number): ViewRecord {
  let record = state.views.get(view)
  if (!record) {
    record = {
      view,
      votes: new Map(),
      finalizes: new Map(),
      skips: new Map(),
      notarizations: new Map(),
      finalizations: new Map(),
      mine: {},
      locks: {},
    }
    state.views.set(view, record)
  }
  return record
}

export type CommittedTip = {
  hash: string
  block: AnyLedgerBlock
  notarization?: Certificate
  finalization?: Certificate
}

/** Start of a state: nothing but the committed tip (block 0 at first). */
export function initialState(config: ConsensusConfig, tip: CommittedTip): ConsensusState {
  const { height, view, timeMs } = tip.block.header
  const state: ConsensusState = {
    config,
    view: 0,
    enteredMs: 0,
    committed: { hash: tip.hash, height, view, timeMs },
    blocks: new Map([[tip.hash, { hash: tip.hash, block: tip.block, status: 'valid', timely: true }]]),
    views: new Map(),
    wanted: new Map(),
    down: new Set(config.members.filter((party) => party !== config.self)),
    work: false,
    maySign: false,
    halted: false,
    ended: false,
    signedView: 0,
    doubtfulView: 0,
    skipsInARow: 0,
    patienceMs: config.timing.viewMs,
    late: false,
    resends: 0,
    progress: '',
  }
  if (tip.notarization) viewRecord(state, view).notarizations.set(tip.hash, tip.notarization)
  if (tip.finalization) viewRecord(state, view).finalizations.set(tip.hash, tip.finalization)
  if (height > 0) state.view = view + 1
  return state
}

/**
 * What our signer has signed before, in the last epoch that it signed in (0 where none is named): nothing is signed below
 * `view`, and nothing that contradicts the statements.
 */
export type Locks = { epoch?: number; view: number; statements: readonly Statement[] }

/** State after a restart: the committed tip, what was on disk beyond it, and what the signer has signed. */
export function restoredState(
  config: ConsensusConfig,
  tip: CommittedTip,
  blocks: readonly { hash: string; block: AnyLedgerBlock }[],
  certificates: readonly Certificate[],
  locks: Locks,
): ConsensusState {
  const state = initialState(config, tip)
  for (const { hash, block } of blocks)
    if (block.header.height > state.committed.height)
      state.blocks.set(hash, { hash, block, status: 'unchecked', timely: false })
  for (const certificate of certificates) {
    if (certificate.view < state.committed.view) continue
    const record = viewRecord(state, certificate.view)
    if (certificate.kind === 'skip') record.skipCertificate = certificate
    else if (certificate.kind === 'notarization')
      record.notarizations.set(certificate.block as string, certificate)
    else record.finalizations.set(certificate.block as string, certificate)
    if (certificate.kind !== 'finalization') state.view = Math.max(state.view, certificate.view + 1)
  }
  noteLocks(state, locks)
  for (const [view, record] of state.views)
    for (const hash of record.finalizations.keys())
      if (view > state.committed.view && record.notarizations.has(hash) && view > (state.target?.view ?? 0))
        state.target = { hash, view }
  return state
}

/** Our signer has been told what others hold of ours; the view that this state is in may have seen more of it. */
export function doubt(state: ConsensusState): void {
  const { view, signedView } = state
  state.doubtfulView = Math.max(
    state.doubtfulView,
    view,
    signedView === Number.MAX_SAFE_INTEGER ? 0 : signedView,
  )
}

/** Whether our signer has signed what nothing that is held here leads to: others bring it, or nobody can (AMN-2). */
export function isBehindSigner({ view, signedView, views }: ConsensusState): boolean {
  const record = views.get(view)
  return signedView > view || (record?.locks.finalize !== undefined && record.mine.finalize === undefined)
}

/** Takes in what our signer has signed. The signatures are asked of it again once what they rest on is here (ORD-5). */
export function noteLocks(state: ConsensusState, { epoch = 0, view: lockedView, statements }: Locks): void {
  // Views are counted anew in each epoch: those of one before say nothing here, and once one after was signed in nothing is.
  const { electorate } = state.config
  if (epoch < electorate.epoch) return
  if (epoch > electorate.epoch) {
    state.signedView = Number.MAX_SAFE_INTEGER
    return
  }
  state.signedView = Math.max(state.signedView, lockedView)
  for (const statement of statements) {
    const { view, type } = statement
    state.signedView = Math.max(state.signedView, view)
    if (view < state.committed.view) continue
    const { locks } = viewRecord(state, view)
    if (type === 'SKIP') locks.skip = true
    else if (type === 'FINALIZE') locks.finalize = statement.block
    else locks.vote = statement.block
    const known = type === 'VOTE' ? state.blocks.get(statement.block) : undefined
    if (known) viewRecord(state, view).proposal = known.hash
  }
}

/**
 * The block a leader of `view` builds on: the newest notarised one with skip certificates for every view since, or the
 * committed tip; undefined where no such chain of certificates is known.
 */
export function parentFor(state: ConsensusState, view: number): string | undefined {
  for (let before = view - 1; before > state.committed.view; before -= 1) {
    const record = state.views.get(before)
    if (!record) return undefined
    for (const hash of record.notarizations.keys()) {
      // A view may end both ways: what nobody hands us need not be built on where the view was skipped as well.
      const isUsable = state.blocks.get(hash)?.status === 'valid' || !record.skipCertificate
      if (isUsable && extendsCommitted(state, hash)) return hash
    }
    if (!record.skipCertificate) return undefined
  }
  return view > state.committed.view ? state.committed.hash : undefined
}

/**
 * The first view of which a certificate is wanted here: the present one; or one before, over which a certificate of a later view
 * has led, and without which no block can be built, or voted for, that its proposer does not show it with (ORD-3).
 */
export function wantedView(state: ConsensusState): number {
  let wanted = state.view
  for (let before = state.view - 1; before > state.committed.view; before -= 1) {
    const record = state.views.get(before)
    if (record && record.notarizations.size > 0) break
    if (!record?.skipCertificate) wanted = before
  }
  return wanted
}

/** False only where the block is known to be on another branch than the committed tip. */
function extendsCommitted(state: ConsensusState, hash: string): boolean {
  for (let at = hash; at !== state.committed.hash; ) {
    const known = state.blocks.get(at)
    if (!known) return true
    if (known.block.header.height <= state.committed.height) return false
    at = known.block.header.parent
  }
  return true
}

/** A connection is new: what was lost with the one before is asked for soon, however long it has been. */
export function restartResending(state: ConsensusState): void {
  state.resends = 0
  state.resendAtMs = undefined
}
