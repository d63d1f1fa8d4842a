/**
 * How long and how random the properties of this folder run. `npm test` runs them on fixed seeds, so that they never differ
 * from one run to the next; a longer search sets the environment:
 *
 *   COUNTERSIGN_FUZZ_SEED   a number to start from, or `random`
 *   COUNTERSIGN_FUZZ_RUNS   how many times as many inputs are tried for each property
 */
import type fc from 'fast-check'

const { COUNTERSIGN_FUZZ_SEED: seed = '1', COUNTERSIGN_FUZZ_RUNS: times = '1' } = process.env

if (seed !== 'random' && !/^-?\d{1,10}$/.test(seed))
  throw new Error('COUNTERSIGN_FUZZ_SEED is a number or `random`')
if (!/^[1-9]\d{0,6}$/.test(times)) throw new Error('COUNTERSIGN_FUZZ_RUNS is a number from 1')

/** The parameters of a property that tries so many inputs in `npm test`. */
export function parameters<Values>(numRuns: number): fc.Parameters<Values> {
  return { ...(seed !== 'random' && { seed: Number(seed) }), numRuns: numRuns * Number(times) }
}
