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
const FORK_DOUBLINGS = 3
const RETURN_DOUBLINGS = 10
/** How often the source is asked for one range. */
const SOURCE_TRIES = 3

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
  /** How often each party has offered what does not build on what was read. */
  private readonly forks = new Map<string, number>()
  /** When, for another ledger that a party says it holds, what was read may be let go of again, ms since 1970. */
  private readonly returnMs = new Map<string, number>()
  /** Asked alone until it fails: where others may hold another history, what is read of one is read on from one. */
  source: string | undefined
  /** Questions to the source since its last answer. */
  private unanswered = 0

  /** The contract is opened anew over less of its ledger: what peers have said and shown stays. */
  takeOver({ refused, barredUntilMs, heights, firstHeights, forks, returnMs }: Sync): void {
    for (const [party, atMs] of returnMs) this.returnMs.set(party, atMs)
    for (const [party, count] of forks) this.forks.set(party, count)
    for (const [party, reason] of refused) this.refused.set(party, reason)
    for (const [party, untilMs] of barredUntilMs) this.barredUntilMs.set(party, untilMs)
    for (const [party, height] of heights) this.heights.set(party, height)
    for (const [party, height] of firstHeights) this.firstHeights.set(party, height)
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
    // An answer may be lost: what others hold instead may lead elsewhere.
    if (this.asked && this.asked.party === this.source && up.has(this.source)) {
      this.unanswered += 1
      if (this.unanswered < SOURCE_TRIES) return this.askAgain(this.asked, nowMs)
      this.postpone(this.source, nowMs)
      return this.next(height, askable, nowMs, atOnce)
    }
    if (!atOnce && nowMs < this.behindSinceMs + PATIENCE_MS) return undefined
    const source = able.find(([one]) => one === this.source)
    const [party, theirs] = source ?? (able[this.turn % able.length] as [string, number])
    if (!source) {
      this.source = undefined
      this.turn += 1
    }
    this.asked = {
      party,
      fromHeight: height + 1,
      toHeight: Math.min(theirs, height + RANGE_BLOCKS),
      sinceMs: nowMs,
    }
    return this.asked
  }

  private askAgain(asked: Asked, nowMs: number): Asked {
    this.asked = { ...asked, sinceMs: nowMs }
    return this.asked
  }

  /** The question this answer belongs to; undefined for one nobody asked for. */
  answered(party: string, fromHeight: number): Asked | undefined {
    if (this.asked?.party !== party || this.asked.fromHeight !== fromHeight) return undefined
    const { asked } = this
    this.asked = undefined
    this.unanswered = 0
    return asked
  }

  /** Its answer was good. */
  served(party: string): void {
    this.refused.delete(party)
    this.barredUntilMs.delete(party)
  }

  /** It has not all that is wanted, and need not: another is asked, or it again after a while. */
  postpone(party: string, nowMs: number): void {
    this.bar(party, nowMs + SHORT_BAR_MS)
  }

  /** What it has sent does not build on what was read here, which may be otherwise later: each time it is asked later again. */
  refuseFork(party: string, reason: string, nowMs: number): void {
    const count = this.forks.get(party) ?? 0
    this.forks.set(party, count + 1)
    this.refused.set(party, reason)
    this.bar(party, nowMs + SHORT_BAR_MS * 2 ** Math.min(count, FORK_DOUBLINGS))
  }

  /** Whether what was read of others may be let go of for what this one says it holds, at least of this size (AMN-4). */
  mayReturn(party: string, size: number, nowMs: number): boolean {
    const isLong = (this.heights.get(party) ?? -1) + 1 >= size
    return isLong && nowMs >= (this.returnMs.get(party) ?? 0)
  }

  /** It was. However often two that hold different ones come by turns, there is time to read either. */
  returnedFor(party: string, nowMs: number): void {
    const count = (this.forks.get(party) ?? 0) + 1
    this.forks.set(party, count)
    this.returnMs.set(party, nowMs + SHORT_BAR_MS * 2 ** Math.min(count, RETURN_DOUBLINGS))
    this.source = party
  }

  private bar(party: string, untilMs: number): void {
    this.barredUntilMs.set(party, untilMs)
    if (this.asked?.party === party) this.asked = undefined
    if (this.source === party) this.source = undefined
    this.unanswered = 0
  }

  /** @param isShort it has nothing to offer, which may pass; anything else it has sent shows it for good */
  refuse(party: string, reason: string, isShort: boolean, nowMs: number): void {
    this.refused.set(party, reason)
    this.bar(party, isShort ? nowMs + SHORT_BAR_MS : Number.POSITIVE_INFINITY)
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
