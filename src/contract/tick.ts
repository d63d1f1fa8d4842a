/**
 * What a state does by itself when time passes, and the TICK that has it happen (PROTOCOL EPO-14): no member waits for somebody to
 * write. The clocks that decide are those of the block's proposer and its voters, as for every block's time.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type Effect, entriesRoot } from '../ledger/block.ts'
import type { TickEntry } from '../ledger/turn.ts'
import { type ContractState, stateRoot, withEpoch } from './elements.ts'
import { isLapsed } from './epoch.ts'
import { withChanges } from './epoch-step.ts'
import { type ElementChange, recordHash } from './record.ts'

/** A TICK's ledger block, executed; see `ExecutedBlock`. */
export type ExecutedTick = {
  entries: [TickEntry]
  effects: Effect[][]
  changes: ElementChange[]
  state: ContractState
  entriesRoot: string
  stateRoot: string
}

/** The first block time, in ms since 1970, at which the state changes by itself; undefined where it never does. */
export function dueMs({ epoch }: Pick<ContractState, 'epoch'>): number | undefined {
  let due: number | undefined
  for (const change of epoch.changes ?? [])
    if ('expiresMs' in change) due = Math.min(due ?? Number.POSITIVE_INFINITY, change.expiresMs + 1)
  return due
}

/**
 * Executes a ledger block that is a TICK: changes that have lapsed leave the record.
 * @throws CountersignError `conflict` where nothing is due at this time
 */
export function executeTick(state: ContractState, timeMs: number): ExecutedTick {
  const due = dueMs(state)
  if (due === undefined || due > timeMs)
    throw new CountersignError('conflict', 'the TICK comes before anything is due')
  const open = (state.epoch.changes ?? []).filter((change) => !isLapsed(change, timeMs))
  const next = withChanges(state.epoch, open)
  const entries: [TickEntry] = [{ kind: 'tick' }]
  const effects: Effect[][] = [[[state.epochUid, recordHash(next)]]]
  const after = withEpoch(state, next)
  return {
    entries,
    effects,
    changes: [[state.epochUid, next]],
    state: after,
    entriesRoot: entriesRoot(entries, effects),
    stateRoot: stateRoot(after),
  }
}
