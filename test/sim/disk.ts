/**
 * What a node keeps through a crash: the real store in memory, and the signer's journal. Every write can be made the last
 * thing a node does, before or after it took effect, or be refused; old copies of both can be put back.
 */
import { CountersignError } from '../../src/crypto/errors.ts'
import type { Journal } from '../../src/signer/journal.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoreWrite } from '../../src/store/store.ts'

/** Ends a node's life in the middle of whatever it is doing. */
export class CrashNow extends Error {}

/** before: the write was lost; after: it is on disk, and the node never learnt it. */
export type Trap = { where: 'store' | 'journal'; when: 'before' | 'after' }
export const TRAPS: readonly Trap[] = [
  { where: 'store', when: 'before' },
  { where: 'store', when: 'after' },
  { where: 'journal', when: 'before' },
  { where: 'journal', when: 'after' },
]

/** How far an old copy goes. */
export type Copy = { batches: number; records: number }

export class Disk {
  private opened: Store
  private first: readonly StoreWrite[] = []
  private batches: (readonly StoreWrite[])[] = []
  private records: object[] = []
  private trap: (Trap & { countdown: number; sprung: () => void }) | undefined
  private refusal: 'none' | 'failed' | 'failed-but-stood' = 'none'
  private readonly onWrite: (batch: readonly StoreWrite[]) => void
  /** Writes refused since the start, by kind of refusal. */
  readonly refused = { failed: 0, stood: 0 }

  constructor(onWrite: (batch: readonly StoreWrite[]) => void) {
    this.onWrite = onWrite
    this.opened = openSqliteStore(':memory:')
  }

  /** What every copy of it holds. */
  begin(first: readonly StoreWrite[]): void {
    this.first = first
    this.opened.write(first)
  }

  /** The store itself, for reading. */
  get store(): Store {
    return this.opened
  }

  /** The store as a node gets it. */
  nodeStore(): Store {
    return { ...this.opened, write: (batch) => this.write(batch) }
  }

  journal(): Journal {
    return {
      append: (added) => {
        const copies = added.map((record) => JSON.parse(JSON.stringify(record)) as object)
        this.guarded('journal', () => this.records.push(...copies))
      },
      load: () => this.records.map((record) => JSON.parse(JSON.stringify(record)) as object),
      close: () => undefined,
    }
  }

  private write(batch: readonly StoreWrite[]): void {
    if (batch.length === 0) return
    const apply = (): void => {
      this.opened.write(batch)
      this.batches.push([...batch])
      this.onWrite(batch)
    }
    if (this.refusal === 'failed') {
      this.refused.failed += 1
      throw new CountersignError('disk-full', 'the simulated disk is full')
    }
    if (this.refusal === 'failed-but-stood') {
      this.refused.stood += 1
      this.refusal = 'none'
      apply()
      throw new CountersignError('storage-failed', 'the simulated disk failed while it confirmed')
    }
    this.guarded('store', apply)
  }

  private guarded(where: Trap['where'], apply: () => void): void {
    const { trap } = this
    if (trap?.where !== where) {
      apply()
      return
    }
    trap.countdown -= 1
    if (trap.countdown > 0) {
      apply()
      return
    }
    this.trap = undefined
    if (trap.when === 'after') apply()
    trap.sprung()
    throw new CrashNow(`${trap.when} a write to the ${where}`)
  }

  /** The `countdown`-th write from now on is the last; `sprung` is called when it comes. */
  setTrap(trap: Trap, countdown: number, sprung: () => void): void {
    this.trap = { ...trap, countdown, sprung }
  }

  get isTrapped(): boolean {
    return this.trap !== undefined
  }

  clearTrap(): void {
    this.trap = undefined
  }

  /** failed: until told otherwise nothing is written; failed-but-stood: one write is reported as failed and yet stands. */
  refuse(kind: 'none' | 'failed' | 'failed-but-stood'): void {
    this.refusal = kind
  }

  /** What a backup of both, taken now, holds. */
  copy(): Copy {
    return { batches: this.batches.length, records: this.records.length }
  }

  /** Puts an old copy of the store, of the journal or of both in place of what is there. */
  restore(copy: Partial<Copy>): void {
    if (copy.batches !== undefined) {
      this.batches.length = copy.batches
      this.opened.close()
      this.opened = replayed([this.first, ...this.batches])
    }
    if (copy.records !== undefined) this.records.length = copy.records
  }

  /** Holds from now on what another disk holds. */
  become(other: Disk): void {
    this.first = other.first
    this.batches = [...other.batches]
    this.records = [...other.records]
    this.opened.close()
    this.opened = replayed([this.first, ...this.batches])
  }

  /** A second store that holds the same. */
  duplicate(): Store {
    return replayed([this.first, ...this.batches])
  }
}

function replayed(batches: readonly (readonly StoreWrite[])[]): Store {
  const store = openSqliteStore(':memory:')
  for (const batch of batches) store.write(batch)
  return store
}
