/** When a member that lacks something tells the others where it stands (ORD-10, COS-5): at first soon, then ever more rarely. */

const FIRST_MS = 1500
const MOST_MS = 30_000
const DOUBLINGS_MAX = 10

export class Resending {
  /** When next, ms since 1970; undefined while nothing is lacking. */
  atMs: number | undefined
  private times = 0
  /** Nobody listens to this node until it is spoken to. */
  private isHushed = false

  /**
   * Something moved: the back-off starts anew. But what a node asks before it signs (AMN-1, AMN-2), a ledger that grows does not
   * answer, and under load it would never be asked again. patienceMs: how long views are waited for (see consensus/patience.ts).
   */
  restart(nowMs: number, patienceMs: number, maySign: boolean): void {
    if (this.isHushed || (!maySign && this.atMs !== undefined)) return
    this.times = 0
    this.atMs = nowMs + firstMs(patienceMs)
  }

  /** All this would get is that its contract is not known. */
  hush(): void {
    this.isHushed = true
    this.stop()
  }

  heard(): void {
    this.isHushed = false
  }

  stop(): void {
    this.atMs = undefined
  }

  /** True if its time has come; the next time is set. */
  isDue(nowMs: number, patienceMs: number): boolean {
    if (this.atMs === undefined || nowMs < this.atMs) return false
    this.times = Math.min(this.times + 1, DOUBLINGS_MAX)
    this.atMs = nowMs + Math.min(MOST_MS, firstMs(patienceMs) * 2 ** this.times)
    return true
  }
}

/** Under load that makes views take long, what is missing is more likely late than lost. */
function firstMs(patienceMs: number): number {
  return Math.max(FIRST_MS, patienceMs)
}
