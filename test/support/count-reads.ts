/** Counts what a store is asked for, so that a test can say "no more than that" without a clock. */
import type { Store } from '../../src/store/store.ts'

/** By method how often it was called; `elements` counts the elements that were read, `openings` the values asked for. */
export type Reads = Record<string, number>

/** Has the very store count from now on; gives what it was asked for while `run` runs. */
export function countReads(
  store: Store,
): <T>(run: () => Promise<T> | T) => Promise<{ reads: Reads; result: T }> {
  let reads: Reads = {}
  const add = (name: string, count = 1): void => {
    if (count > 0) reads[name] = (reads[name] ?? 0) + count
  }
  const methods = store as unknown as Record<string, (...given: unknown[]) => unknown>
  for (const [name, method] of Object.entries(methods)) {
    if (name === 'write') continue
    methods[name] = (...given) => {
      const found = method.apply(store, given)
      if (name === 'openings') add(name, (given[1] as readonly string[]).length)
      else if (name === 'elements') return counted(found as Iterable<unknown>, () => add(name))
      else add(name)
      return found
    }
  }
  return async (run) => {
    reads = {}
    const result = await run()
    return { reads: { ...reads }, result }
  }
}

function* counted<T>(items: Iterable<T>, count: () => void): Generator<T> {
  for (const item of items) {
    count()
    yield item
  }
}
