/**
 * What is to be written, in order, until a signature or an answer rests on it, or somebody is told of it who will look for it:
 * then it goes to disk as one transaction.
 */
import type { Store, StoreWrite } from '../store/store.ts'
import type { Notice } from './outbox.ts'

/**
 * How long writes may wait that no signature and no answer rests on yet (others' requests, their cosignatures): they share
 * the next transaction. What a crash takes of them is asked of the peers again.
 */
const LAZY_WRITE_MS = 100
const LAZY_KINDS: ReadonlySet<StoreWrite['kind']> = new Set([
  'request',
  'openings',
  'proposed',
  'certificate',
  'committed',
  'cosignature',
  'request-dropped',
  'skips-dropped',
])

/** By contract. */
type Replicas = { get(contract: string): { shownFinalSize: number } | undefined }

export class WriteQueue {
  private readonly store: Store
  private waiting: StoreWrite[] = []
  private urgent = false
  private readonly replicas: Replicas
  /** By contract: how much of it is final once what waits is on disk. */
  private readonly finals = new Map<string, number>()
  /** When what waits must be on disk at the latest; undefined where nothing waits. */
  byMs: number | undefined

  constructor(store: Store, replicas: Replicas) {
    this.store = store
    this.replicas = replicas
  }

  /** Transactions so far, and what was written by them. */
  transactions = 0
  written = 0

  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  add(write: StoreWrite): void {
    this.waiting.push(write)
    if (!LAZY_KINDS.has(write.kind)) this.urgent = true
  }

  /** Whoever is told of ledger blocks and values looks for them on disk: what waits is written with this turn. */
  hurryFor(notice: Notice): void {
    const { type, contract } = notice
    // A member cosigns what it commits, and so has written it by then; who signs nothing has not. What makes a block final is on
    // disk before anybody is told: it stays final over a crash, whether peers are there to say it again or not.
    if (type === 'tentative' || type === 'opened' || type === 'final') this.urgent = true
    if (type === 'final') this.finals.set(contract, notice.toHeight + 1)
  }

  /** Brings what waits, and these after it, to disk. Where that fails what waited still waits. */
  flush(...more: readonly StoreWrite[]): void {
    if (this.waiting.length + more.length > 0) {
      this.store.write(more.length === 0 ? this.waiting : [...this.waiting, ...more])
      this.transactions += 1
      this.written += this.waiting.length + more.length
      this.waiting = []
      this.byMs = undefined
    }
    this.urgent = false
    for (const [contract, size] of this.finals) {
      const replica = this.replicas.get(contract)
      if (replica) replica.shownFinalSize = size
    }
    this.finals.clear()
  }

  /** At the end of a turn: writes what may not wait. */
  settle(nowMs: number, atOnce: boolean): void {
    if (this.urgent || atOnce || (this.byMs !== undefined && nowMs >= this.byMs)) this.flush()
    if (this.waiting.length > 0) this.byMs ??= nowMs + LAZY_WRITE_MS
  }
}
