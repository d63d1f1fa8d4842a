/**
 * Catching up: ranges of the ledger asked of several peers in turn, every hash, signature and root checked, a range taken
 * only on its COMMIT (PROTOCOL SYN-1, SYN-2). Decides whom to ask and when; the replica checks and executes.
 */

const RANGE_BLOCKS = 128
const ANSWER_TIMEOUT_MS = 8000
/** Being one block behind is usual while ordering runs: only what lasts is a gap to fill. */
const PATIENCE_MS = 400
/** Who has less than it said is asked again after this long: it may have been put back to an old copy, and catch up. */
const SHORT_BAR_MS = 10_000

type Asked = { party: string; fromHeight: number; toHeight: number; sinceMs: number }

/**
 * Who may be asked. up: who is connected; valuesFrom: from which height on a party is sure to hold all values; isKnown: whether
 * that could be said; mayLack: it is no harm if some are missing, where nobody else is there.
 */
export type Askable = {
  up: ReadonlySet<string>
  valuesFrom: (party: string) => number
  isKnown: (party: string) => boolean
  mayLack: boolean
}

export class Sync {
  /** Peers whose history was refused, with the reason: named to people, until they serve a good one. */
  readonly refused = new Map<string, string>()
  /** Until when each of them is not asked, ms since 1970. */
  private readonly barredUntilMs = new Map<string, number>()
  private readonly heights = new Map<string, number>()
  /** The first ledger block that each can give, where that isn’t block 0. */
  private readonly firstHeights = new Map<string, number>()
  private asked: Asked | undefined
  private behindSinceMs: number | undefined
  private turn = 0

  /** The contract is opened anew over less of its ledger: what peers have said and shown stays. */
  takeOver({ refused, barredUntilMs, heights, firstHeights }: Sync): void {
    for (const [party, reason] of refused) this.refused.set(party, reason)
    for (const [party, untilMs] of barredUntilMs) this.barredUntilMs.set(party, untilMs)
    for (const [party, height] of heights) this.heights.set(party, height)
    for (const [party, height] of firstHeights) this.firstHeights.set(party, height)
  }

  /** This one is asked before all others. */
  prefer(party: string, nowMs: number): void {
    for (const other of this.heights.keys())
      if (other !== party)
        this.barredUntilMs.set(other, Math.max(this.barredUntilMs.get(other) ?? 0, nowMs + SHORT_BAR_MS))
  }

  /** A peer says how far it has committed. */
  told(party: string, committedHeight: number, fromHeight?: number): void {
    this.heights.set(party, committedHeight)
    if (fromHeight !== undefined) this.firstHeights.set(party, fromHeight)
  }

  /** A peer says that it knows nothing of this contract, or nothing that it would tell us. */
  forget(party: string): void {
    this.heights.delete(party)
    if (this.asked?.party === party) this.asked = undefined
  }

  /** The tip has moved, by whatever way: patience starts anew. */
  progressed(): void {
    this.behindSinceMs = undefined
  }

  /** Peers that are connected, say they are ahead, and have not been refused. */
  private able(
    height: number,
    { up, valuesFrom, isKnown, mayLack }: Askable,
    nowMs: number,
  ): [party: string, height: number][] {
    const ahead = [...this.heights].filter(
      ([party, theirs]) =>
        theirs > height &&
        up.has(party) &&
        nowMs >= (this.barredUntilMs.get(party) ?? 0) &&
        height + 1 >= (this.firstHeights.get(party) ?? 0),
    )
    const whole = ahead.filter(([party]) => valuesFrom(party) <= height + 1)
    if (whole.length > 0) return whole
    // Of who is not known here, it may be that all others are out.
    return mayLack ? ahead : ahead.filter(([party]) => !isKnown(party))
  }

  /** Whom to ask for what, if it is time to. */
  next(height: number, askable: Askable, nowMs: number, atOnce = false): Asked | undefined {
    if (this.asked && height >= this.asked.fromHeight) this.asked = undefined
    const { up } = askable
    const able = this.able(height, askable, nowMs)
    if (able.length === 0) {
      this.behindSinceMs = undefined
      return undefined
    }
    this.behindSinceMs ??= nowMs
    if (this.asked && up.has(this.asked.party) && nowMs < this.asked.sinceMs + ANSWER_TIMEOUT_MS)
      return undefined
    if (!atOnce && nowMs < this.behindSinceMs + PATIENCE_MS) return undefined
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

  /** Its answer was good. */
  served(party: string): void {
    this.refused.delete(party)
    this.barredUntilMs.delete(party)
  }

  /** It has not all that is wanted, and need not: another is asked, or it again after a while. */
  postpone(party: string, nowMs: number): void {
    this.barredUntilMs.set(party, nowMs + SHORT_BAR_MS)
    if (this.asked?.party === party) this.asked = undefined
  }

  /** @param isShort it has nothing to offer, which may pass; anything else it has sent shows it for good */
  refuse(party: string, reason: string, isShort: boolean, nowMs: number): void {
    this.refused.set(party, reason)
    this.barredUntilMs.set(party, isShort ? nowMs + SHORT_BAR_MS : Number.POSITIVE_INFINITY)
    if (this.asked?.party === party) this.asked = undefined
  }

  /** When to look again, ms since 1970. */
  wakeMs(height: number, askable: Askable, nowMs: number): number | undefined {
    const { up } = askable
    const times: number[] = []
    for (const [party, untilMs] of this.barredUntilMs)
      if (untilMs > nowMs && (this.heights.get(party) ?? -1) > height && up.has(party)) times.push(untilMs)
    if (this.able(height, askable, nowMs).length > 0)
      times.push(
        this.asked && up.has(this.asked.party)
          ? this.asked.sinceMs + ANSWER_TIMEOUT_MS
          : (this.behindSinceMs ?? nowMs) + PATIENCE_MS,
      )
    const wake = Math.min(...times)
    return Number.isFinite(wake) ? wake : undefined
  }
}
