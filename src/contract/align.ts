/** The longest ascending run, by which children that are to stay are chosen. */

/**
 * Indexes of a longest strictly ascending subsequence of the numbers given; undefined ones are left out. O(n log n)
 * (patience sorting; Fredman, "On computing the length of longest increasing subsequences", 1975).
 */
export function longestRun(values: readonly (number | undefined)[]): Set<number> {
  /** `ends[k]`: the index at which the run of k + 1 numbers with the smallest last number ends. */
  const ends: number[] = []
  const before = new Map<number, number | undefined>()
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[ends[middle] as number] as number) < value) low = middle + 1
      else high = middle
    }
    before.set(index, ends[low - 1])
    ends[low] = index
  }
  const run = new Set<number>()
  for (let index = ends.at(-1); index !== undefined; index = before.get(index)) run.add(index)
  return run
}
