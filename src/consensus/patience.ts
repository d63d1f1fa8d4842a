/** How long a view is waited for (ORD-6). */
import type { ConsensusState, Context } from './state.ts'

/** Patience is at most this many times viewMs: a leader that dawdles on purpose costs no more. */
const PATIENCE_MAX = 5
/** A view may take this many times as long as the one before it. */
const PATIENCE_FACTOR = 3

/** How long the present view is waited for. */
export function viewTimeoutMs({ config, patienceMs, skipsInARow }: ConsensusState): number {
  return grown(patienceMs, skipsInARow, config.timing.viewMaxMs)
}

/**
 * A view has ended with a notarised block. Without this, load that makes views take longer than viewMs ends them all;
 * skipping and repairing is more load, and nothing is ordered even after the load has gone. What it took to get here after
 * skipped views is remembered; it fades fast enough that some silent leaders in each rotation don't add up.
 */
export function learnPatience({ state, nowMs }: Context): void {
  const { viewMs } = state.config.timing
  const tookMs = state.busySinceMs === undefined ? 0 : nowMs - state.busySinceMs
  const wantedMs = Math.max(PATIENCE_FACTOR * tookMs, Math.floor((viewTimeoutMs(state) * 7) / 10))
  state.patienceMs = Math.min(Math.max(wantedMs, viewMs), PATIENCE_MAX * viewMs)
}

/** Half as long again for each time, up to a most; whole milliseconds, the same on every machine. */
export function grown(firstMs: number, times: number, mostMs: number): number {
  let delayMs = firstMs
  for (let count = 0; count < times && delayMs < mostMs; count += 1) delayMs = Math.floor((delayMs * 3) / 2)
  return Math.min(delayMs, mostMs)
}
