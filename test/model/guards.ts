/** What keeps an honest member honest, as the search calls it, so that a test can switch one of it off. */
import type { Locks } from '../../src/consensus/state.ts'
import { step } from '../../src/consensus/step.ts'
import type { Finality } from '../../src/node/finality.ts'
import { statementsOf } from '../../src/signer/entry.ts'
import { type Lock, takeCheckpoint, takeStatement } from '../../src/signer/locks.ts'

export type Guards = {
  name: string
  step: typeof step
  takeStatement: typeof takeStatement
  takeCheckpoint: typeof takeCheckpoint
  /** What the signer tells `consensus` at a start that it has signed. */
  remembered(contract: string, lock: Lock): Locks
  /** How much of the ledger is final. */
  finalSize(finality: Finality): number
  /** A guard is off that keeps `consensus` from asking for what the signer refuses: that is no fault then. */
  mayBeRefused?: boolean
  /** A guard is off that keeps members from voting for what is built on a turn: that is no fault then, what comes of it is. */
  mayVoteOnTurns?: boolean
}

export const REAL: Guards = {
  name: 'all guards',
  step,
  takeStatement,
  takeCheckpoint,
  remembered: (contract, lock) => ({
    epoch: lock.epoch,
    view: lock.view,
    statements: statementsOf({ contract, lineage: 0, lock }),
  }),
  finalSize: (finality) => finality.finalSize,
}
