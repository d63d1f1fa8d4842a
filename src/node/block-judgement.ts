/** What becomes of the judgements that requests bring into a ledger block (PROTOCOL JUD-2). */
import { checkJudgements } from '../contract/apply.ts'
import type { ContractState } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { BlockPlace } from '../ledger/turn.ts'
import type { PoolEntry } from './pool.ts'

/** A request without a judgement that is not signed in this epoch and lineage: what is left of it may be too little. */
export function withGoodJudgement(
  state: ContractState,
  { lineage }: BlockPlace,
  entry: PoolEntry,
): PoolEntry {
  const { judgement, ...rest } = entry
  if (judgement === undefined) return entry
  const code = executedOrCode(() => checkJudgements(state, { lineage, request: entry.id }, judgement))
  return code === undefined ? entry : rest
}

/** What a block's judgements make invalid in it. */
const JUDGEMENT_FAULTS: ReadonlySet<string> = new Set(['not-judged', 'bad-signature', 'unknown-party'])

/** What comes out, or the code of what is wrong with a judgement. */
export function executedOrCode<T>(execute: () => T): T | string {
  try {
    return execute()
  } catch (error) {
    if (error instanceof CountersignError && JUDGEMENT_FAULTS.has(error.code)) return error.code
    throw error
  }
}
