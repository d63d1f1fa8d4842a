/**
 * How long to wait before something is tried again that somebody else holds: longer from attempt to attempt, up to a limit, and each
 * time a random part of it. Those who wait then don't all come back at the same moment, and none falls behind for good: whoever has
 * waited long waits no longer than whoever has just come, on average half of the limit.
 */
export type BackoffOptions = {
  /** The longest wait of the first attempt; it doubles with each. */
  baseMs?: number
  /** The longest wait of all. */
  maxMs?: number
  /** From 0 to below 1. */
  random?: () => number
}

const BASE_MS = 100
const MAX_MS = 5000

export class Backoff {
  private readonly baseMs: number
  private readonly maxMs: number
  private readonly random: () => number
  /** Waits that were asked for so far. */
  attempts = 0

  constructor({ baseMs = BASE_MS, maxMs = MAX_MS, random = Math.random }: BackoffOptions = {}) {
    this.baseMs = baseMs
    this.maxMs = maxMs
    this.random = random
  }

  /**
   * The next wait in ms, at least 1.
   * @param leftMs after which it is free at the latest, as Retry-After tells: nobody waits much longer than that
   */
  nextMs(leftMs = Number.POSITIVE_INFINITY): number {
    const longestMs = Math.min(this.maxMs, this.baseMs * 2 ** Math.min(this.attempts, 30))
    this.attempts += 1
    // Who waits for the end of a lease comes back spread over a moment after it.
    const limitMs = Math.min(longestMs, Math.max(this.baseMs, leftMs + this.baseMs))
    return 1 + Math.floor(this.random() * limitMs)
  }

  /** Begins anew, after something was done. */
  reset(): void {
    this.attempts = 0
  }
}

/**
 * Does something again until it is not refused, or until there is no more time.
 * @param attempt what is to be done; gives `again` with how long it is held at most, where somebody else holds it
 * @param wait resolves after so many ms
 * @param deadlineMs how long to go on in all; undefined: until it works
 * @returns what it came to; the last refusal where the time is over
 */
export async function withBackoff<Done, Refused extends { leftMs?: number }>(
  attempt: () => Promise<{ done: Done } | { again: Refused }>,
  wait: (ms: number, refused: Refused) => Promise<void>,
  options: BackoffOptions & { deadlineMs?: number } = {},
): Promise<{ done: Done } | { again: Refused }> {
  const backoff = new Backoff(options)
  const { deadlineMs = Number.POSITIVE_INFINITY } = options
  for (let waitedMs = 0; ; ) {
    const result = await attempt()
    if ('done' in result) return result
    const waitMs = backoff.nextMs(result.again.leftMs)
    if (waitedMs + waitMs > deadlineMs) return result
    await wait(waitMs, result.again)
    waitedMs += waitMs
  }
}
