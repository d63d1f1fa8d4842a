/** Answers that take long to make: the node goes on with its other work meanwhile. */
import { setImmediate } from 'node:timers/promises'

/** How long it stays at it before others have their turn. */
const SLICE_MS = 10
/** The clock is looked at once in so many pieces. */
const PIECES = 32

/** Goes through all of it, a few milliseconds at a time. */
export async function inSlices<T>(pieces: Iterable<T>, take: (piece: T) => void): Promise<void> {
  let count = 0
  let sinceMs = performance.now()
  for (const piece of pieces) {
    take(piece)
    count += 1
    if (count % PIECES !== 0 || performance.now() - sinceMs < SLICE_MS) continue
    await setImmediate()
    sinceMs = performance.now()
  }
}
