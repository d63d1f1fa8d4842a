/**
 * The ledger of one contract as this node executes it: the committed tip, the blocks beyond it, the log, and the requests
 * that wait. Execution is the contract room's; here its results are compared with what blocks claim (BLK-4, REQ-5).
 */

import { executeBlock } from '../contract/apply.ts'
import { authorKeysAt } from '../contract/epoch.ts'
import type { ContractState, OpeningSource } from '../contract/state.ts'
import { type ExecutedTick, executeTick } from '../contract/tick.ts'
import { type ExecutedTurn, executeTurn, type Turn, turnsAt } from '../contract/turn.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { appendLeaf, type Frontier, frontierRoot, type LogTree } from '../crypto/log.ts'
import {
  BLOCK_MAX_BYTES,
  blockHash,
  ENTRIES_MAX,
  type Header,
  type LedgerBlock,
  logLeaf,
} from '../ledger/block.ts'
import { type Cosignature, checkpointOf, type LedgerPoint, sameCheckpoint } from '../ledger/checkpoint.ts'
import { JUDGEMENTS_MAX_BYTES, judgementsSizeBytes, revealedIn } from '../ledger/judgement.ts'
import { type AnyRequest, LIFETIME_MAX_MS, type OpenRequest } from '../ledger/request.ts'
import {
  type AnyLedgerBlock,
  type BlockPlace,
  isTick,
  requestIdsOf,
  type TurnEntry,
  tickOf,
  turnOf,
} from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'
import type { ElementChange } from '../store/store.ts'
import { executedOrCode, withGoodJudgement } from './block-judgement.ts'
import { dueOf } from './due.ts'
import { addOpenings, openingSource } from './opening-source.ts'
import { Pool, type PoolEntry } from './pool.ts'

/** A ledger block with the state after it. `frontier` includes this block. */
export type Executed = {
  hash: string
  block: AnyLedgerBlock
  state: ContractState
  changes: ElementChange[]
  /** Of values that rules derived in it. */
  openings: readonly Opening[]
  frontier: Frontier
}

/** What a party has cosigned that a turn may be certified by: of size or more, in this epoch. */
export type CertifiedBy = (party: string, cosignKey: string, minSize: number) => Cosignature | undefined

export type CheckResult =
  | { status: 'missing'; requests: string[] }
  | { status: 'invalid'; code: string }
  | { status: 'valid'; executed: Executed }

/** A block of this node's takes no further request past this size, whose limit is BLOCK_MAX_BYTES. */
const BLOCK_SIZE_BYTES = 4 * 1024 * 1024
/** Headers of committed ledger blocks that are kept at hand; others are on disk. */
const HEADERS_KEPT = 1024
const NOBODY: ReadonlySet<string> = new Set()

export class Chain {
  tip: Executed
  readonly log: LogTree
  readonly executed = new Map<string, Executed>()
  readonly pool = new Pool()
  /** Committed request ids that could still be replayed, with their notAfterMs. */
  private readonly ordered = new Map<string, number>()

  readonly contract: string
  /** Lineage of the ledger block at a height. */
  lineageAt: (height: number) => number = () => 0

  /** Who is left out of the lineage of the ledger block at a height: nothing of theirs is ordered, and a turn takes them out. */
  leftOutAt: (height: number) => ReadonlySet<string> = () => NOBODY

  /** Told of a request that can't be ordered for want of a judgement. */
  whenUnjudged: (id: string, nowMs: number) => void = (id) => this.remove(id)

  /** Values of before may be missing here. */
  mayLack: () => boolean = () => false

  /** Cosignatures held here, for the turn that is built of them. */
  certifiedBy: CertifiedBy = () => undefined
  private keys: { epoch: ContractState['epoch']; of: (request: AnyRequest) => string | undefined } | undefined
  /** Of the last committed ledger blocks, by height: they may not be on disk yet. */
  private readonly headers = new Map<number, Header>()
  private readonly storedHeader: (height: number) => Header | undefined
  private readonly storedOpening: (commitment: string) => Opening | undefined

  /** storedHeader: of a committed ledger block on disk. storedOpening: of a value on disk. */
  constructor(
    contract: string,
    tip: Executed,
    log: LogTree,
    storedHeader: (height: number) => Header | undefined,
    storedOpening: (commitment: string) => Opening | undefined,
  ) {
    this.contract = contract
    this.tip = tip
    this.log = log
    this.storedHeader = storedHeader
    this.storedOpening = storedOpening
    this.executed.set(tip.hash, tip)
    this.headers.set(this.height, tip.block.header)
  }

  /** Header of the committed ledger block at a height; undefined past the tip. */
  headerAt(height: number): Header | undefined {
    return height > this.height ? undefined : (this.headers.get(height) ?? this.storedHeader(height))
  }

  get height(): number {
    return this.tip.block.header.height
  }

  /** The policy's, as of the tip: how far a block's time may be from a voter's clock. */
  get clockBoundMs(): number {
    return this.tip.state.epoch.policy.clockBoundMs
  }

  hasOrdered(id: string): boolean {
    return this.ordered.has(id)
  }

  rememberOrdered(id: string, notAfterMs: number): void {
    this.ordered.set(id, notAfterMs)
  }

  /** See `Pool.put`. */
  add(entry: PoolEntry): void {
    this.pool.put(entry, this.clockBoundMs)
  }

  remove(id: string): void {
    this.pool.delete(id)
  }

  /** Ids ordered between the committed tip and this block, itself included. */
  private idsSince(hash: string): Set<string> {
    const ids = new Set<string>()
    for (let at = this.executed.get(hash); at && at.hash !== this.tip.hash; ) {
      for (const id of requestIdsOf(at.block)) ids.add(id)
      at = this.executed.get(at.block.header.parent)
    }
    return ids
  }

  /** True if there is something to order on this block: a request that is in none so far and has not expired, or a turn. */
  hasWork(hash: string, nowMs: number): boolean {
    const parent = this.executed.get(hash)
    const timeMs = this.timeOn(parent, nowMs)
    if (parent !== undefined && (turnOf(parent.block) || this.readyTurn(parent, timeMs) !== undefined))
      return true
    if (parent !== undefined && isDue(parent, timeMs)) return true
    if (this.pool.size === 0) return false
    const taken = this.idsSince(hash)
    const mayStand = parent && this.keysOn(parent)
    for (const [id, { request }] of this.pool)
      if (!taken.has(id) && request.notAfterMs >= timeMs && mayStand?.(request) === request.authorKey)
        return true
    return false
  }

  /** Whether the ledger up to this block had such a checkpoint. */
  private holdsOn(parent: Executed): (point: LedgerPoint) => boolean {
    return (point) => {
      const { size } = point
      if (!(size >= 1 && size <= parent.frontier.size)) return false
      let [header, root] = [this.headerAt(size - 1), '']
      if (size <= this.height + 1) root = this.log.root(size)
      else {
        let at: Executed | undefined = parent
        while (at && at.frontier.size > size) at = this.executed.get(at.block.header.parent)
        if (at === undefined) return false
        header = at.block.header
        root = frontierRoot(at.frontier)
      }
      if (header === undefined) return false
      const { contract, lineage } = header
      return sameCheckpoint(checkpointOf(header, root), { ...point, contract, lineage })
    }
  }

  /** Of each request the author key that lets it stand on a state. */
  private keysOn({ state, block }: Executed): (request: AnyRequest) => string | undefined {
    if (this.keys?.epoch !== state.epoch) this.keys = { epoch: state.epoch, of: authorKeysAt(state) }
    const { of } = this.keys
    const leftOut = this.leftOutAt(block.header.height + 1)
    return (request) => (leftOut.has(request.author) ? undefined : of(request))
  }

  private placeOn(parent: Executed, timeMs: number): BlockPlace {
    const { height } = parent.block.header
    return {
      lineage: this.lineageAt(height + 1),
      height: height + 1,
      timeMs,
      holds: this.holdsOn(parent),
      leftOut: this.leftOutAt(height + 1),
    }
  }

  /** The turn that may come on this block, with its certificate, if all who have to have cosigned. */
  private readyTurn(parent: Executed, timeMs: number): TurnEntry | undefined {
    if ((parent.state.epoch.changes ?? []).length === 0 || turnOf(parent.block)) return undefined
    for (const turn of turnsAt(parent.state, timeMs, this.leftOutAt(parent.block.header.height + 1))) {
      const certificate = this.certificateFor(turn)
      if (certificate) return { ...turn.entry, certificate }
    }
    return undefined
  }

  /** When a block on the tip has something of its own to bring: a TICK, or a turn that goes without who is silent. */
  get nextDueMs(): number | undefined {
    const { state } = this.tip
    const times = [dueOf(state)]
    const { silenceMs } = state.epoch.policy
    for (const { decided } of state.epoch.changes ?? [])
      if (decided && silenceMs !== null) times.push(decided.timeMs + silenceMs)
    const wanted = times.filter((time): time is number => time !== undefined)
    return wanted.length === 0 ? undefined : Math.min(...wanted)
  }

  private certificateFor({ signers }: Turn): Cosignature[] | undefined {
    const certificate: Cosignature[] = []
    for (const { party, cosignKey, minSize, mayLack } of signers) {
      const cosignature = this.certifiedBy(party, cosignKey, minSize)
      if (cosignature) certificate.push(cosignature)
      else if (!mayLack) return undefined
    }
    return certificate
  }

  private timeOn(parent: Executed | undefined, nowMs: number): number {
    return Math.max(nowMs, (parent?.block.header.timeMs ?? 0) + 1)
  }

  /** Builds the next ledger block on `parentHash`, or nothing when there is nothing to order and `evenEmpty` is false. */
  build(parentHash: string, view: number, nowMs: number, evenEmpty: boolean): Executed | undefined {
    const parent = this.executed.get(parentHash)
    if (!parent) return undefined
    const timeMs = this.timeOn(parent, nowMs)
    const at = this.placeOn(parent, timeMs)
    const turn = this.readyTurn(parent, timeMs)
    if (turn) return this.buildTurn(parent, view, turn, at)
    if (isDue(parent, timeMs))
      return this.buildOn(parent, view, timeMs, executeTick(parent.state, at, this.openingsFor(parent, [])))
    const taken = this.idsSince(parentHash)
    const mayStand = this.keysOn(parent)
    const chosen: PoolEntry[] = []
    let [sizeBytes, judgedBytes] = [0, 0]
    for (const entry of this.pool.values()) {
      if (taken.has(entry.id) || !isOrderable(entry, timeMs)) continue
      if (entry.lacking || mayStand(entry.request) !== entry.request.authorKey) continue
      sizeBytes += entry.sizeBytes
      judgedBytes += judgementsSizeBytes([entry])
      const isFull = sizeBytes > BLOCK_SIZE_BYTES || judgedBytes > JUDGEMENTS_MAX_BYTES
      if (chosen.length > 0 && (chosen.length >= ENTRIES_MAX || isFull)) break
      chosen.push(entry)
    }
    // What a turn has left is final by the next epoch's members, once they have cosigned a block of it.
    if (chosen.length === 0 && !evenEmpty && !turnOf(parent.block)) return undefined
    const judged = chosen.map((entry) => withGoodJudgement(parent.state, at, entry))
    const unjudged: string[] = []
    const openings = this.openingsFor(parent, chosen)
    const result = executeBlock(parent.state, judged, openings, at, undefined, (id) => unjudged.push(id))
    for (const id of unjudged) this.whenUnjudged(id, nowMs)
    if (result.entries.length === 0 && !evenEmpty && !turnOf(parent.block)) return undefined
    const header = this.headerOn(parent, view, timeMs, result)
    return this.keep({ header, entries: result.entries }, result, parent)
  }

  private buildTurn(parent: Executed, view: number, turn: TurnEntry, at: BlockPlace): Executed {
    return this.buildOn(parent, view, at.timeMs, executeTurn(parent.state, turn, at))
  }

  private buildOn(
    parent: Executed,
    view: number,
    timeMs: number,
    result: ExecutedTurn | ExecutedTick,
  ): Executed {
    const header = this.headerOn(parent, view, timeMs, result)
    const block = { header, entries: result.entries } as AnyLedgerBlock
    return this.keep(block, result, parent)
  }

  private headerOn(
    parent: Executed,
    view: number,
    timeMs: number,
    { entriesRoot, stateRoot: root }: { entriesRoot: string; stateRoot: string },
  ): Header {
    const { height } = parent.block.header
    return {
      contract: this.contract,
      lineage: this.lineageAt(height + 1),
      epoch: parent.state.epoch.epoch,
      height: height + 1,
      view,
      parent: parent.hash,
      timeMs,
      entriesRoot,
      stateRoot: root,
      logRoot: frontierRoot(parent.frontier),
    }
  }

  private keep(
    block: AnyLedgerBlock,
    {
      state,
      changes,
      openings = [],
    }: Pick<Executed, 'state' | 'changes'> & { openings?: readonly Opening[] },
    parent: Executed,
    hash = blockHash(block.header),
  ): Executed {
    const frontier = appendLeaf(parent.frontier, logLeaf(hash))
    const executed = { hash, block, state, changes, openings, frontier }
    this.executed.set(hash, executed)
    return executed
  }

  /** Executes a block of another's and compares every claim in it. Its parent must have been executed. */
  check(hash: string, block: AnyLedgerBlock, nowMs = block.header.timeMs): CheckResult {
    const held = this.executed.get(hash)
    if (held) return { status: 'valid', executed: held }
    const { header } = block
    const parent = this.executed.get(header.parent)
    if (!parent) return { status: 'invalid', code: 'parent-unknown' }
    const before = parent.block.header
    if (header.height !== before.height + 1) return { status: 'invalid', code: 'wrong-height' }
    if (header.view <= before.view) return { status: 'invalid', code: 'wrong-view' }
    if (header.timeMs <= before.timeMs) return { status: 'invalid', code: 'wrong-time' }
    if (header.lineage !== this.lineageAt(header.height) || header.epoch !== parent.state.epoch.epoch)
      return { status: 'invalid', code: 'wrong-epoch' }
    if (header.logRoot !== frontierRoot(parent.frontier)) return { status: 'invalid', code: 'wrong-log-root' }
    const at = this.placeOn(parent, header.timeMs)
    const turn = turnOf(block)
    if (turn)
      return this.checkOwn(hash, block, parent, 'wrong-turn', () => executeTurn(parent.state, turn, at))
    if (isTick(block))
      return this.checkOwn(hash, block, parent, 'wrong-tick', () =>
        executeTick(parent.state, header, this.openingsFor(parent, []), tickOf(block)?.results),
      )
    return this.checkRequests(hash, block as LedgerBlock, parent, at, nowMs)
  }

  /** A block that holds no requests: a turn, or a TICK. */
  private checkOwn(
    hash: string,
    block: AnyLedgerBlock,
    parent: Executed,
    code: string,
    execute: () => ExecutedTurn | ExecutedTick,
  ): CheckResult {
    try {
      const result = execute()
      const { entriesRoot, stateRoot: root } = block.header
      if (jcs(result.entries) !== jcs(block.entries) || result.entriesRoot !== entriesRoot)
        return { status: 'invalid', code: 'wrong-outcome' }
      if (result.stateRoot !== root) return { status: 'invalid', code: 'wrong-state-root' }
      return { status: 'valid', executed: this.keep(block, result, parent, hash) }
    } catch (error) {
      if (error instanceof CountersignError && error.code !== 'invariant-broken')
        return { status: 'invalid', code }
      throw error
    }
  }

  private checkRequests(
    hash: string,
    block: LedgerBlock,
    parent: Executed,
    at: BlockPlace,
    nowMs: number,
  ): CheckResult {
    const { header, entries } = block
    const taken = this.idsSince(parent.hash)
    const mayStand = this.keysOn(parent)
    const requests: PoolEntry[] = []
    const missing: string[] = []
    let sizeBytes = 0
    for (const { request: id } of entries) {
      if (taken.has(id) || this.ordered.has(id)) return { status: 'invalid', code: 'replayed' }
      taken.add(id)
      const entry = this.pool.get(id)
      if (!entry) missing.push(id)
      else if (entry.request.notAfterMs < header.timeMs) return { status: 'invalid', code: 'expired' }
      else if (entry.request.notAfterMs > header.timeMs + LIFETIME_MAX_MS)
        return { status: 'invalid', code: 'lifetime' }
      else if (mayStand(entry.request) !== entry.request.authorKey)
        return { status: 'invalid', code: 'not-entitled' }
      else requests.push(entry)
      sizeBytes += entry?.sizeBytes ?? 0
    }
    if (sizeBytes > BLOCK_MAX_BYTES || judgementsSizeBytes(entries) > JUDGEMENTS_MAX_BYTES)
      return { status: 'invalid', code: 'too-large' }
    const openings = this.openingsFor(parent, requests)
    for (const { request: id, judgement } of entries)
      if (this.pool.has(id) && !this.mayLack() && revealedIn(judgement).some((one) => !openings.get(one))) {
        // Another judgement of it is here than the block has: it is asked for anew. One made here waits on: the block may fail.
        this.whenUnjudged(id, nowMs)
        missing.push(id)
      }
    if (missing.length > 0) return { status: 'missing', requests: missing }
    // What is revealed is for all: a private value is not.
    const isSecret = (one: string): boolean => openings.get(one)?.of !== undefined
    if (entries.some(({ judgement }) => revealedIn(judgement).some(isSecret)))
      return { status: 'invalid', code: 'wrong-reveals' }
    const result = executedOrCode(() => executeBlock(parent.state, requests, openings, at, entries))
    if (typeof result === 'string') return { status: 'invalid', code: result }
    const same = jcs(result.entries) === jcs(entries)
    if (!same || result.entriesRoot !== header.entriesRoot)
      return { status: 'invalid', code: 'wrong-outcome' }
    if (result.stateRoot !== header.stateRoot) return { status: 'invalid', code: 'wrong-state-root' }
    return { status: 'valid', executed: this.keep(block, result, parent, hash) }
  }

  /** What opens the values of a request that is looked at on the tip, and all that the tip's state holds. */
  sourceFor(entry: OpenRequest<AnyRequest>): OpeningSource {
    return openingSource([entry], () => new Map(), this.storedOpening)
  }

  /** What opens the values of these requests, and all that the state after `parent` holds. */
  private openingsFor(parent: Executed, requests: readonly PoolEntry[]): OpeningSource {
    return openingSource(requests, () => this.openingsSince(parent), this.storedOpening)
  }

  /** Of the blocks up to this one that are not committed: what they hold may not be on disk yet. */
  private openingsSince(parent: Executed): Map<string, Opening> {
    const openings = new Map<string, Opening>()
    for (let here: Executed | undefined = parent; here && here !== this.tip; ) {
      addOpenings(
        openings,
        requestIdsOf(here.block).flatMap((id) => this.pool.get(id) ?? []),
        here.openings,
      )
      here = this.executed.get(here.block.header.parent)
    }
    return openings
  }

  /** Drops waiting requests that may not stand any more since an epoch has ended; returns their ids. */
  dropUnentitled(): string[] {
    const mayStand = this.keysOn(this.tip)
    const dropped = [...this.pool.values()].filter(({ request }) => mayStand(request) !== request.authorKey)
    for (const { id } of dropped) this.remove(id)
    return dropped.map(({ id }) => id)
  }

  /** Moves the tip over executed blocks, in order. */
  commit(hashes: readonly string[]): Executed[] {
    const done: Executed[] = []
    for (const hash of hashes) {
      const executed = this.executed.get(hash) as Executed
      for (const id of requestIdsOf(executed.block)) {
        // One that was let go of meanwhile may be ordered again no more than others: its time is over then at the latest.
        const latestMs = executed.block.header.timeMs + LIFETIME_MAX_MS
        this.ordered.set(id, this.pool.get(id)?.request.notAfterMs ?? latestMs)
        this.remove(id)
      }
      this.log.append(logLeaf(hash))
      this.tip = executed
      this.headers.set(this.height, executed.block.header)
      this.headers.delete(this.height - HEADERS_KEPT)
      done.push(executed)
    }
    const { height, timeMs } = this.tip.block.header
    for (const [hash, one] of this.executed)
      if (one.block.header.height <= height && hash !== this.tip.hash) this.executed.delete(hash)
    if (this.ordered.size > 0 && height % 64 === 0)
      for (const [id, notAfterMs] of this.ordered) if (notAfterMs < timeMs) this.ordered.delete(id)
    return done
  }
}

/** Whether the state after a block has something to change by itself in a block of this time. */
function isDue({ block, state }: Executed, timeMs: number): boolean {
  return turnOf(block) === undefined && (dueOf(state) ?? Number.POSITIVE_INFINITY) <= timeMs
}

/** Whether a block of this time could hold the request (REQ-2, REQ-5). */
function isOrderable({ request }: PoolEntry, timeMs: number): boolean {
  return request.notAfterMs >= timeMs && request.notAfterMs <= timeMs + LIFETIME_MAX_MS
}
