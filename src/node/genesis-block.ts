import { type ContractState, stateRoot } from '../contract/state.ts'
import { appendLeaf, type Frontier, frontierRoot } from '../crypto/log.ts'
import { blockHash, type LedgerBlock, logLeaf } from '../ledger/block.ts'
import type { ElementChange } from '../store/store.ts'
import type { Executed } from './chain.ts'

/** Block 0 (GEN-2) with the state it leaves. */
export function genesisBlock(
  contract: string,
  state: ContractState,
  changes: ElementChange[],
  timeMs: number,
): Executed {
  const empty: Frontier = { size: 0, hashes: [] }
  const nothing = frontierRoot(empty)
  const block: LedgerBlock = {
    header: {
      contract,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: '0'.repeat(64),
      timeMs,
      entriesRoot: nothing,
      stateRoot: stateRoot(state),
      logRoot: nothing,
    },
    entries: [],
  }
  const hash = blockHash(block.header)
  return { hash, block, state, changes, openings: [], frontier: appendLeaf(empty, logLeaf(hash)) }
}
