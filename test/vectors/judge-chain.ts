/** What the last of some ledger blocks does, by the execution that nodes run: the audit has found all of them good. */
import { executeBlock } from '../../src/contract/apply.ts'
import { genesisState, stateRoot } from '../../src/contract/state.ts'
import { executeTick } from '../../src/contract/tick.ts'
import { executeTurn } from '../../src/contract/turn.ts'
import { emptyRoot } from '../../src/crypto/log.ts'
import { blockHash, type Effect, type Entry, type Header, NO_PARENT } from '../../src/ledger/block.ts'
import type { Genesis } from '../../src/ledger/genesis.ts'
import { LedgerHistory } from '../../src/ledger/history.ts'
import { requestId } from '../../src/ledger/request.ts'
import { type BlockPlace, entriesOf, isTick, turnOf } from '../../src/ledger/turn.ts'
import { commitmentOf, type Opening } from '../../src/ledger/value.ts'
import type { BlockLine } from '../../src/verify/bundle.ts'

type Part = Pick<BlockLine, 'block' | 'requests' | 'openings'>

/** Block 0 (BLK-1, GEN-2). */
export function headerOfGenesis(contract: string, { timeMs }: Genesis, state: string): Header {
  const ledger = { contract, lineage: 0, epoch: 0, height: 0, view: 0, parent: NO_PARENT, timeMs }
  return { ...ledger, entriesRoot: emptyRoot, stateRoot: state, logRoot: emptyRoot }
}

/** Executes all, and gives of the last what a vector of `ledger-block` says is computed. */
export function outputsOfLast(
  contract: string,
  genesis: Genesis,
  openings: Opening[],
  parts: readonly Part[],
) {
  const all = [openings, ...parts.map((part) => part.openings)].flat()
  const opened = new Map(all.map((one) => [commitmentOf(one), one]))
  const history = new LedgerHistory()
  let { state } = genesisState(contract, genesis, opened)
  let effects: Effect[][] = []
  history.append(headerOfGenesis(contract, genesis, stateRoot(state)))
  for (const { block, requests } of parts) {
    const { header } = block
    const { lineage, height, timeMs } = header
    const at: BlockPlace = { lineage, height, timeMs, holds: (point) => history.holds(point) }
    const turn = turnOf(block)
    const open = requests.map(({ request }, index) => {
      const { judgement } = entriesOf(block)[index] as Entry
      return { id: requestId(request), request, ...(judgement !== undefined && { judgement }) }
    })
    const executed = turn
      ? executeTurn(state, turn, at)
      : isTick(block)
        ? executeTick(state, { height: 1, timeMs }, new Map())
        : executeBlock(state, open, opened, at)
    state = executed.state
    effects = executed.effects
    history.append(header)
  }
  const { block } = parts.at(-1) as Part
  const isChanged = effects.some((list) => list.some(([uid]) => uid === state.epochUid))
  return {
    hash: blockHash(block.header),
    outcomes: entriesOf(block).map(({ outcome, code }) => code ?? outcome),
    effects,
    logRoot: history.root,
    ...(isChanged && { epochRecord: state.epoch }),
  }
}
