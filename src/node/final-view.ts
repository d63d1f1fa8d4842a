/**
 * The states that people may be shown: what is final, what is tentative, what was. They follow the node's notices, so that
 * nothing is shown before it is on disk, and the state of the final height is at hand without reading the whole contract.
 */
import { executeBlock } from '../contract/apply.ts'
import { withRecords } from '../contract/rewind.ts'
import {
  type ContractState,
  type OpeningSource,
  restoreState,
  type StateRecord,
  stateRoot,
} from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { type Entry, type Header, logLeaf } from '../ledger/block.ts'
import { commitmentsOf } from '../ledger/request.ts'
import { requestIdsOf } from '../ledger/turn.ts'
import type { StoredBlock } from '../store/store.ts'
import type { Node } from './node.ts'
import type { Notice } from './outbox.ts'
import type { Replica } from './replica.ts'

/** What is followed of a node. */
type Watched = Pick<Node, 'engine' | 'store' | 'subscribe'>

export type StateAt = { height: number; state: ContractState }

type Followed = {
  /** The highest height told as tentative. */
  tip: StateAt
  /** The highest height told as final, -1 before there is one. */
  finalHeight: number
  /** States between the two, by height; thinned out when they become many. */
  held: Map<number, ContractState>
}

const HELD_MAX = 256
/** Heights further apart than this are read from the elements on disk, nearer ones executed again. */
const REPLAY_MAX = 64
const PAST_MAX = 2
/** What has changed in less than this part of the elements is taken back, otherwise all are read. */
const REWIND_PART = 8

export class FinalView {
  private readonly node: Watched
  private readonly followed = new Map<string, Followed>()
  /** States of heights that were asked for, the last used last; by contract and height. */
  private readonly past = new Map<string, ContractState>()
  private readonly stop: () => void

  constructor(node: Watched) {
    this.node = node
    for (const replica of node.engine.replicas.values()) this.follow(replica)
    this.stop = node.subscribe((notice) => this.take(notice))
  }

  close(): void {
    this.stop()
  }

  /** @throws CountersignError `unknown-contract`, `invariant-broken` */
  tentative(contract: string): StateAt {
    return this.follow(this.node.engine.replica(contract)).tip
  }

  /** -1 before the contract's first block is final. @throws CountersignError `unknown-contract`, `invariant-broken` */
  finalHeight(contract: string): number {
    return this.follow(this.node.engine.replica(contract)).finalHeight
  }

  /** Undefined before the contract's first block is final. @throws as `at` */
  final(contract: string): StateAt | undefined {
    const height = this.finalHeight(contract)
    return height < 0 ? undefined : { height, state: this.at(contract, height) }
  }

  /**
   * The state after a ledger block, checked against its state root.
   * @throws CountersignError `not-found` past the tip; `invariant-broken`, and the contract is stopped, where what is on
   * disk does not give that root
   */
  at(contract: string, height: number): ContractState {
    const replica = this.node.engine.replica(contract)
    const followed = this.follow(replica)
    if (height === followed.tip.height) return followed.tip.state
    const held = followed.held.get(height) ?? this.recall(contract, height)
    if (held) return held
    if (height < 0 || height > followed.tip.height)
      throw new CountersignError(
        'not-found',
        `the contract has no ledger block ${height}; its last is ${followed.tip.height}`,
      )
    if (height < (replica.basis?.height ?? 0)) throw notHeld(replica, height)
    this.node.engine.flush()
    const state =
      this.replayed(contract, followed, height) ??
      this.rewound(contract, followed, height) ??
      this.restored(contract, height)
    if (height >= followed.finalHeight) followed.held.set(height, state)
    else this.remember(contract, height, state)
    return state
  }

  /**
   * A committed ledger block, checked against the contract's log.
   * @throws CountersignError `not-found`; `invariant-broken`, and the contract is stopped, where it is not in the log
   */
  block(contract: string, height: number): StoredBlock {
    const replica = this.node.engine.replica(contract)
    if (!Number.isSafeInteger(height) || height < 0 || height > this.follow(replica).tip.height)
      throw new CountersignError('not-found', `the contract has no ledger block ${height}`)
    if (height < replica.fromHeight) throw notHeld(replica, height)
    return this.stored(replica, height)
  }

  private stored(replica: Replica, height: number): StoredBlock {
    const { contract } = replica
    const stored = this.read(contract, () => this.node.store.block(contract, height))
    if (stored === undefined || logLeaf(stored.hash) !== replica.chain.log.leaf(height))
      throw this.damaged(contract, `ledger block ${height} on disk is not the one in the log`)
    return stored
  }

  /** The header of a committed ledger block. @throws as `block` */
  header(contract: string, height: number): Header {
    const replica = this.node.engine.replica(contract)
    const { tip } = replica.chain
    if (tip.block.header.height === height) return tip.block.header
    // Of what was before a checkpoint that it begins with, headers are held.
    if (height >= 0 && height < replica.fromHeight) return this.stored(replica, height).block.header
    return this.block(contract, height).block.header
  }

  /**
   * What the store holds; where it finds nothing, once more after what is queued for the disk has been written.
   * @param reason says what is wrong where a row does not fit its key
   * @throws CountersignError `invariant-broken`, and the contract is stopped, in that case
   */
  read<T>(contract: string, look: () => T | undefined, reason?: () => string): T | undefined {
    try {
      const found = look()
      if (found !== undefined) return found
      this.node.engine.flush()
      return look()
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'storage-failed' && error.detail?.table)
        throw this.damaged(contract, reason?.() ?? error.message)
      throw error
    }
  }

  /** Stops a contract whose data here is not what was signed, and gives the error to throw. */
  damaged(contract: string, reason: string): CountersignError {
    this.node.engine.damage(contract, reason)
    return new CountersignError('invariant-broken', reason)
  }

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────────────

  private follow(replica: Replica): Followed {
    const known = this.followed.get(replica.contract)
    if (known) return known
    const { block, state } = replica.chain.tip
    const followed: Followed = {
      tip: { height: block.header.height, state },
      finalHeight: replica.shownFinalSize - 1,
      held: new Map(),
    }
    this.followed.set(replica.contract, followed)
    return followed
  }

  private take(notice: Notice): void {
    const replica = this.node.engine.replicas.get(notice.contract)
    if (!replica) return
    if (notice.type === 'lineage' || notice.type === 'returned' || notice.type === 'begun')
      this.startOver(notice.contract)
    const followed = this.follow(replica)
    if (notice.type === 'tentative') {
      const { block, state } = replica.chain.tip
      // Of several blocks in one turn only the last one's state is at hand; the others are made when asked for.
      if (block.header.height !== notice.height) return
      followed.held.set(followed.tip.height, followed.tip.state)
      followed.tip = { height: notice.height, state }
      this.thin(followed)
    } else if (notice.type === 'final') {
      followed.finalHeight = notice.toHeight
      this.forget(followed)
    }
  }

  /** LIN-3, AMN-4: what was tentative may have been given up. */
  private startOver(contract: string): void {
    this.followed.delete(contract)
    for (const key of this.past.keys()) if (key.startsWith(`${contract}:`)) this.past.delete(key)
  }

  /** What lies below the final height goes, but for the nearest: what comes next can be executed from there. */
  private forget({ held, tip, finalHeight }: Followed): void {
    let base = -1
    for (const height of [...held.keys(), tip.height])
      if (height <= finalHeight && height > base) base = height
    for (const height of held.keys()) if (height < base) held.delete(height)
  }

  private thin(followed: Followed): void {
    if (followed.held.size <= HELD_MAX) return
    const heights = [...followed.held.keys()].sort((first, second) => first - second)
    for (let index = 1; index < heights.length; index += 2) followed.held.delete(heights[index] as number)
  }

  // ── states not at hand ────────────────────────────────────────────────────────────────────────────────────────────

  /** Executes on from the nearest state below, if one is near enough and all that takes part is there. */
  private replayed(contract: string, { held }: Followed, height: number): ContractState | undefined {
    let from = -1
    for (const one of held.keys()) if (one < height && one > from) from = one
    if (from < 0 || height - from > REPLAY_MAX) return undefined
    let state = held.get(from)
    for (let next = from + 1; next <= height && state !== undefined; next += 1)
      state = this.executed(contract, state, next)
    return state
  }

  private executed(contract: string, parent: ContractState, height: number): ContractState | undefined {
    const { store } = this.node
    const { block } = this.block(contract, height)
    const { header } = block
    const ids = requestIdsOf(block)
    try {
      const requests = [...store.requestsOf(contract, ids).values()]
      const commitments = requests.flatMap(({ request }) => commitmentsOf(request.operations))
      const openings = store.openings(contract, commitments)
      if (requests.length !== ids.length) return undefined
      const source: OpeningSource = {
        get: (commitment) =>
          openings.get(commitment) ?? store.openings(contract, [commitment]).get(commitment),
      }
      const { state } = executeBlock(parent, requests, source, header, block.entries as Entry[])
      return stateRoot(state) === header.stateRoot ? state : undefined
    } catch (error) {
      // A request or opening that is damaged or missing, or a request on the epoch: the elements on disk can do without.
      if (error instanceof CountersignError) return undefined
      throw error
    }
  }

  /** Goes back from the tip by what has changed since, if that is a small part of it and leads to the root that was signed. */
  private rewound(contract: string, { tip }: Followed, height: number): ContractState | undefined {
    const limit = Math.floor(tip.state.map.size / REWIND_PART)
    try {
      const changes = this.node.store.changedSince(contract, height, limit)
      const state = changes && withRecords(tip.state, changes as [string, StateRecord | null][])
      return state && stateRoot(state) === this.header(contract, height).stateRoot ? state : undefined
    } catch (error) {
      // A record that is damaged: reading all of them says which.
      if (error instanceof CountersignError && error.code !== 'invariant-broken') return undefined
      throw error
    }
  }

  private restored(contract: string, height: number): ContractState {
    const { stateRoot: expected } = this.header(contract, height)
    const what = `the elements on disk do not give the record hash of ledger block ${height}`
    let state: ContractState
    try {
      const records = this.node.store.elements(contract, height) as Iterable<[string, StateRecord]>
      state = restoreState(contract, records)
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'invariant-broken') throw error
      throw this.damaged(contract, `${what}: ${error.message}`)
    }
    if (stateRoot(state) !== expected) throw this.damaged(contract, what)
    return state
  }

  private recall(contract: string, height: number): ContractState | undefined {
    const key = `${contract}:${height}`
    const state = this.past.get(key)
    if (!state) return undefined
    this.past.delete(key)
    this.past.set(key, state)
    return state
  }

  private remember(contract: string, height: number, state: ContractState): void {
    this.past.set(`${contract}:${height}`, state)
    for (const key of this.past.keys()) if (this.past.size > PAST_MAX) this.past.delete(key)
  }
}

/** What was before the checkpoint that a ledger begins with here (EPO-15). */
function notHeld({ basis, roster }: Replica, height: number): CountersignError {
  const voucher = basis?.voucher ?? ''
  return new CountersignError(
    'not-found',
    `this node holds the contract from ledger block ${basis?.height} on, for which “${roster.names.get(voucher) ?? voucher}” vouched; ask a member that holds the whole for ledger block ${height}`,
  )
}
