/** The requests of one contract that wait at one node to be committed. */
import { type AnyRequest, commitmentsOf, type OpenRequest, requestSizeBytes } from '../ledger/request.ts'
import { type AnyLedgerBlock, requestIdsOf } from '../ledger/turn.ts'

/** lacking: not all its openings are here; it was ordered before this party came in. */
export type PoolEntry = OpenRequest<AnyRequest> & { receivedMs: number; local: boolean; lacking?: true }

/** How often an expired request is looked at that stands in a block which is not committed yet. */
const KEPT_EXPIRED_MS = 1000
/** Requests that may wait at one node for one contract. */
export const POOL_MAX = 50_000

/** By id, in the order they came. */
export class Pool extends Map<string, PoolEntry & { sizeBytes: number }> {
  /** Nothing expires before. */
  #nextExpiryMs = Number.POSITIVE_INFINITY

  /** `entry.openings` stand in the order of its commitments, as `pickOpenings` gives them. */
  put(entry: PoolEntry, clockBoundMs: number): void {
    // Of a size that is the same at every node: without what not everybody may see.
    const shown = entry.openings.slice(0, commitmentsOf(entry.request.operations).length)
    this.set(entry.id, { ...entry, sizeBytes: requestSizeBytes(entry.request, shown) })
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, entry.request.notAfterMs + 2 * clockBoundMs + 1)
  }

  /** Drops those of these authors; returns their ids. */
  dropOf(authors: ReadonlySet<string>): string[] {
    const ids = [...this].flatMap(([id, { request }]) => (authors.has(request.author) ? [id] : []))
    for (const id of ids) this.delete(id)
    return ids
  }

  /** When `expire` is to be called next, ms since 1970; undefined while nothing waits. */
  get expiryMs(): number | undefined {
    return this.size === 0 ? undefined : this.#nextExpiryMs
  }

  /**
   * Drops requests that no honest voter would let into a block any more; returns their ids. What stands in one of these blocks,
   * which may still be committed, is kept.
   */
  expire(nowMs: number, clockBoundMs: number, uncommitted: readonly AnyLedgerBlock[]): string[] {
    if (nowMs < this.#nextExpiryMs) return []
    const kept = new Set(uncommitted.flatMap(requestIdsOf))
    const expired: string[] = []
    this.#nextExpiryMs = Number.POSITIVE_INFINITY
    for (const [id, { request }] of this) {
      const atMs = request.notAfterMs + 2 * clockBoundMs + 1
      if (atMs <= nowMs && !kept.has(id)) expired.push(id)
      else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, Math.max(atMs, nowMs + KEPT_EXPIRED_MS))
    }
    for (const id of expired) this.delete(id)
    return expired
  }
}
