/** The audit of a ledger block that ends an epoch, and of the first one after it (PROTOCOL EPO-7 to EPO-11). */
import type { ContractState, OpeningSource } from '../contract/state.ts'
import { type ExecutedTick, executeTick } from '../contract/tick.ts'
import { type ExecutedTurn, executeTurn } from '../contract/turn.ts'
import type { CountersignError, ErrorCode } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import type { Header } from '../ledger/block.ts'
import { type AnyLedgerBlock, type BlockPlace, type TurnEntry, tickOf } from '../ledger/turn.ts'
import type { ReadBlockLine } from './bundle.ts'
import { fail, under } from './finding.ts'

/** The rules that the errors of `executeTurn` stand for. */
const TURN_RULES: Partial<Record<ErrorCode, string>> = {
  conflict: 'EPO-7',
  'bad-format': 'EPO-8',
  'bad-signature': 'EPO-9',
}

/** The turn executed; beside it stand neither requests nor openings. @throws RuleBroken */
export function auditTurn(
  state: ContractState,
  turn: TurnEntry,
  line: ReadBlockLine,
  at: BlockPlace,
  place: string,
): ExecutedTurn {
  if (line.requests.length + line.openings.length > 0)
    fail('EPO-7', place, 'it ends an epoch, and requests or openings stand beside it')
  const ruleOf = ({ code }: CountersignError) => TURN_RULES[code] ?? 'EPO-7'
  return under(ruleOf, place, () => executeTurn(state, turn, at))
}

/** A TICK executed: something was due, and nothing stands beside it. @throws RuleBroken */
export function auditTick(
  state: ContractState,
  line: ReadBlockLine,
  at: { height: number; timeMs: number },
  openings: OpeningSource,
  place: string,
): ExecutedTick {
  if (line.requests.length + line.openings.length > 0)
    fail('EPO-14', place, 'it is a TICK, and requests or openings stand beside it')
  const tick = tickOf(line.block as AnyLedgerBlock)
  const executed = under('EPO-14', place, () => executeTick(state, at, openings, tick?.results))
  if (jcs(executed.entries[0]) !== jcs(tick))
    fail('RUL-7', place, 'it says otherwise what its triggers came to')
  return executed
}

/**
 * EPO-11: the block after a turn is of the next epoch, and comes after the turn was committed.
 * @param isCommitted the turn's COMMIT stands beside it
 * @throws RuleBroken
 */
export function checkAfterTurn(
  isCommitted: boolean,
  epoch: number,
  header: Pick<Header, 'epoch' | 'height'>,
  place: string,
): void {
  if (header.epoch !== epoch) fail('EPO-11', place, `it is of epoch ${header.epoch}, and ${epoch} has begun`)
  if (!isCommitted)
    fail('EPO-11', place, `ledger block ${header.height - 1} ended an epoch, and its COMMIT is missing`)
}
