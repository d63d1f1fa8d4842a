/**
 * Values of before that a party was invited to see and that did not come with the ledger: whoever served a range may have come
 * in later itself, without them. They are asked of who holds them; a party accepts once all are here (PROTOCOL EPO-13).
 */
import { commitmentsOf } from '../ledger/request.ts'
import { requestIdsOf } from '../ledger/turn.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import { CHUNK_BLOCKS } from './bundle.ts'
import { takeFormer } from './intake.ts'
import type { Replica } from './replica.ts'

const ASK_EVERY_MS = 2000
const REQUESTS_MAX = 256

export class Older {
  private readonly replica: Replica
  /** Ordered requests of which not all openings are here. */
  private readonly lacking = new Set<string>()
  private askAtMs = 0
  private turn = 0

  constructor(replica: Replica) {
    this.replica = replica
    if (replica.epochs.mayLack) this.recount()
  }

  /** Requests that lack values which this party is due. */
  get size(): number {
    return this.replica.epochs.isDueOlder ? this.lacking.size : 0
  }

  /** A request was taken in with its ledger block, and not with all its values. */
  lacks(id: string): void {
    this.lacking.add(id)
  }

  /** When to ask next, ms since 1970; undefined while nothing is lacking. */
  wakeMs(nowMs: number): number | undefined {
    return this.size > 0 ? Math.max(nowMs, this.askAtMs) : undefined
  }

  /** One after the other of those who hold them and are connected is asked. */
  ask(nowMs: number): void {
    if (this.size === 0 || nowMs < this.askAtMs) return
    this.askAtMs = nowMs + ASK_EVERY_MS
    const { roster, up } = this.replica
    const able = [...roster.holders].filter((party) => up.has(party))
    this.turn += 1
    const party = able[this.turn % able.length]
    const requests = [...this.lacking].slice(0, REQUESTS_MAX)
    if (party !== undefined) this.replica.send(party, { type: 'FETCH', requests })
  }

  /** Takes openings that belong to a request which lacks some (VAL-2); false where it lacks none. */
  take(id: string, openings: readonly Opening[]): boolean {
    if (!this.lacking.has(id)) return false
    const { contract, store, outbox } = this.replica
    outbox.flush()
    const operations = store.request(contract, id)?.request.operations ?? []
    const wanted = new Set(commitmentsOf(operations))
    for (const opening of takeFormer(outbox, contract, operations, openings))
      wanted.delete(commitmentOf(opening))
    if (store.openings(contract, [...wanted]).size < wanted.size) return true
    this.lacking.delete(id)
    // The next ones need not wait.
    if (this.lacking.size % REQUESTS_MAX === 0) this.askAtMs = 0
    return true
  }

  /** After a start: what is stored says what is missing. */
  private recount(): void {
    const { contract, store, chain } = this.replica
    for (let from = 1; from <= chain.height; from += CHUNK_BLOCKS) {
      const blocks = store.blocks(contract, from, Math.min(CHUNK_BLOCKS, chain.height - from + 1))
      for (const record of store
        .requestsOf(
          contract,
          blocks.flatMap(({ block }) => requestIdsOf(block)),
        )
        .values()) {
        const wanted = new Set(commitmentsOf(record.request.operations))
        if (store.openings(contract, [...wanted]).size < wanted.size) this.lacking.add(record.id)
      }
    }
  }
}
