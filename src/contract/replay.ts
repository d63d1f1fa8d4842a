/** Replay: a contract's history executed again from its genesis. */
import type { Header } from '../ledger/block.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { type ExecutedBlock, executeBlock, type JudgedRequest } from './apply.ts'
import type { OpeningSource } from './outcome.ts'
import { type GenesisState, genesisState } from './state.ts'

/** A ledger block from height 1 on: what of it execution depends on. */
export type ReplayBlock = {
  header: Pick<Header, 'height' | 'timeMs'>
  /** In the order of its entries. */
  requests: readonly JudgedRequest[]
}

/** A height with the state after it; `executed` from height 1 on. */
export type Replayed = Omit<GenesisState, 'openings'> & { height: number; executed?: ExecutedBlock }

/**
 * Yields the state of height 0, then that after each block. Blocks are drawn one by one, and compared with nothing: whether
 * the roots are those of the headers is for the caller to see.
 * @param openings of all commitments of the genesis and the blocks; asked when they are needed
 * @throws CountersignError as `genesisState` and `executeBlock`
 */
export function* replay(
  contract: string,
  genesis: Genesis,
  blocks: Iterable<ReplayBlock>,
  openings: OpeningSource,
): Generator<Replayed, void, void> {
  const first = genesisState(contract, genesis, openings)
  yield { height: 0, ...first }
  let { state } = first
  let height = 0
  for (const { header, requests } of blocks) {
    const executed = executeBlock(state, requests, openings, header)
    state = executed.state
    height += 1
    yield { height, state, changes: executed.changes, executed }
  }
}
