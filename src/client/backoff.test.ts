import { describe, expect, it } from 'vitest'
import { Backoff, withBackoff } from './backoff.ts'

/** Numbers from 0 to below 1 that look random, the same in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('waits', () => {
  it('grow to a limit, and are spread over all of it', () => {
    const longest = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 0.999 })
    expect(Array.from({ length: 6 }, () => longest.nextMs())).toEqual([100, 200, 400, 800, 1000, 1000])
    const shortest = new Backoff({ random: () => 0 })
    expect(Array.from({ length: 50 }, () => shortest.nextMs()).every((ms) => ms === 1)).toBe(true)
    longest.reset()
    expect(longest.nextMs()).toBe(100)
  })

  it('end a moment after what is waited for is free at the latest', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 60_000, random: () => 0.999 })
    for (let count = 0; count < 10; count += 1) backoff.nextMs()
    expect(backoff.nextMs(50)).toBe(150)
    expect(backoff.nextMs(-10_000)).toBe(100)
  })
})

describe('doing something again', () => {
  it('goes on until it works, or the time is over', async () => {
    const waits: number[] = []
    const wait = async (ms: number): Promise<void> => void waits.push(ms)
    const options = { baseMs: 10, maxMs: 100, random: seeded(1) }
    let left = 5
    type Tried = { done: string } | { again: { leftMs?: number } }
    const attempt = async (): Promise<Tried> => (left-- > 0 ? { again: { leftMs: 500 } } : { done: 'it' })
    expect(await withBackoff(attempt, wait, options)).toEqual({ done: 'it' })
    expect(waits).toHaveLength(5)
    left = 1000
    expect(await withBackoff(attempt, wait, { ...options, deadlineMs: 300 })).toEqual({
      again: { leftMs: 500 },
    })
    expect(waits.slice(5).reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(300)
  })

  it.each([1, 2, 3, 4, 5])(
    'lets nobody starve who waits for what another takes again at once (seed %i)',
    (seed) => {
      // A virtual clock: each holds for 20 ms; whoever comes while it is held waits.
      const random = seeded(seed)
      const parties = Array.from({ length: 5 }, () => ({
        backoff: new Backoff({ baseMs: 10, maxMs: 400, random }),
        atMs: Math.floor(random() * 20),
        done: 0,
        waitedMs: 0,
        longestMs: 0,
      }))
      let freeMs = 0
      while (parties.some(({ done }) => done < 500)) {
        const [next] = parties
          .filter(({ done }) => done < 500)
          .sort((first, second) => first.atMs - second.atMs)
        if (next === undefined) break
        if (next.atMs < freeMs) {
          const ms = next.backoff.nextMs()
          next.waitedMs += ms
          next.atMs += ms
          continue
        }
        freeMs = next.atMs + 20
        next.longestMs = Math.max(next.longestMs, next.waitedMs)
        next.waitedMs = 0
        next.backoff.reset()
        next.done += 1
        next.atMs = freeMs + 1
      }
      for (const { longestMs } of parties) expect(longestMs).toBeLessThan(20_000)
    },
  )
})
