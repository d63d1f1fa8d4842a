/** When states change by themselves, at hand: it is asked with every message, and there may be a thousand dates to look at. */
import type { ContractState } from '../contract/state.ts'
import { dueMs } from '../contract/tick.ts'

/** By state, which never changes; those that nobody holds any more go by themselves. */
const known = new WeakMap<ContractState, { ms: number | undefined }>()

/** See `dueMs`. */
export function dueOf(state: ContractState): number | undefined {
  const found = known.get(state) ?? { ms: dueMs(state) }
  known.set(state, found)
  return found.ms
}
