/**
 * Catching up: ranges of the ledger asked of several peers in turn, every hash, signature and root checked, a range taken
 * only on its COMMIT (PROTOCOL SYN-1, SYN-2). Decides whom to ask and when; the replica checks and executes.
 */

const RANGE_BLOCKS = 128
const ANSWER_TIMEOUT_MS = 8000
/** Being one block behind is usual while ordering runs: only what lasts is a gap to fill. */
const PATIENCE_MS = 400

type Asked = { party: string; fromHeight: number; toHeight: number; sinceMs: number }

export class Sync {
  /** Peers whose history was refused, with the reason: named to people, not asked again. */
  readonly refused = new Map<string, string>()
  private readonly heights = new Map<string, number>()
  private asked: Asked | undefined
  private behindSinceMs: number | undefined
  private turn = 0

  /** A peer says how far it has committed. */
  told(party: string, committedHeight: number): void {
    this.heights.set(party, committedHeight)
  }

  get target(): number {
    let target = -1
    for (const [party, height] of this.heights)
      if (!this.refused.has(party)) target = Math.max(target, height)
    return target
  }

  isBehind(height: number): boolean {
    return this.target > height
  }

  /** The tip has moved, by whatever way: patience starts anew. */
  progressed(): void {
    this.behindSinceMs = undefined
  }

  /** Whom to ask for what, if it is time to. `up`: connected members. */
  next(height: number, up: ReadonlySet<string>, nowMs: number, atOnce = false): Asked | undefined {
    if (!this.isBehind(height)) {
      this.behindSinceMs = undefined
      this.asked = undefined
      return undefined
    }
    this.behindSinceMs ??= nowMs
    if (this.asked && up.has(this.asked.party) && nowMs < this.asked.sinceMs + ANSWER_TIMEOUT_MS)
      return undefined
    if (!atOnce && nowMs < this.behindSinceMs + PATIENCE_MS) return undefined
    const able = [...this.heights].filter(
      ([party, theirs]) => theirs > height && up.has(party) && !this.refused.has(party),
    )
    if (able.length === 0) return undefined
    const [party, theirs] = able[this.turn % able.length] as [string, number]
    this.turn += 1
    this.asked = {
      party,
      fromHeight: height + 1,
      toHeight: Math.min(theirs, height + RANGE_BLOCKS),
      sinceMs: nowMs,
    }
    return this.asked
  }

  /** The question this answer belongs to; undefined for one nobody asked for. */
  answered(party: string, fromHeight: number): Asked | undefined {
    if (this.asked?.party !== party || this.asked.fromHeight !== fromHeight) return undefined
    const { asked } = this
    this.asked = undefined
    return asked
  }

  refuse(party: string, reason: string): void {
    this.refused.set(party, reason)
    if (this.asked?.party === party) this.asked = undefined
  }

  /** When to look again, ms since 1970. */
  wakeMs(height: number): number | undefined {
    if (!this.isBehind(height)) return undefined
    if (this.asked) return this.asked.sinceMs + ANSWER_TIMEOUT_MS
    return (this.behindSinceMs ?? 0) + PATIENCE_MS
  }
}
