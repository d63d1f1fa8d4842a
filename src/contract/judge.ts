/**
 * Judging a request (PROTOCOL JUD-1): what a party that sees private values says that rules come to, and who has yet to say it.
 * `apply` says what it does once all have.
 */

import type { JudgedBy, JudgedItem } from '../ledger/judgement.ts'
import { committedIn, type Operation } from '../ledger/request.ts'
import type { Opening } from '../ledger/value.ts'
import { apply, type BlockMoment, type IdentifiedRequest, runOperations } from './apply.ts'
import type { ContractState } from './elements.ts'
import { type OpeningSource, typeCheck } from './outcome.ts'
import { GivenJudgement, NotJudged, OwnJudgement } from './rules/judging.ts'
import { ValueNotHeld } from './rules/work.ts'

/**
 * openings: of what was computed of private values: derived ones, and those that `reveals` names. waits: the word goes this far only,
 * until one of these has said what this party can’t see. It is no receipt yet: others go on with it, then it is asked again.
 */
export type OwnWord = {
  items: JudgedItem[]
  reveals?: string[]
  openings: Opening[]
  waits?: readonly string[]
}

/**
 * What a party judges of a request on a state. Whatever comes of it, the word is a receipt for its private values.
 * @param openings of the request's values and the current ones, as far as the party may see them
 * @param others what other judges say so far, signed or not yet: what this party can't see, it takes from them
 * @throws NotJudged naming who has to judge before this party can say anything; ValueNotHeld where a value that this party is to
 * see isn't here
 */
export function judge(
  state: ContractState,
  { id, request }: IdentifiedRequest,
  openings: OpeningSource,
  at: BlockMoment,
  self: string,
  others: readonly Omit<JudgedBy, 'signature'>[] = [],
): OwnWord {
  for (const { commitment, readers } of committedIn(request.operations))
    if ((readers === undefined || readers.includes(self)) && openings.get(commitment) === undefined)
      throw new ValueNotHeld(commitment)
  const own = new OwnJudgement(self, others)
  const context = { id, author: request.author, height: at.height, timeMs: at.timeMs }
  const operations = request.operations as Operation[]
  const isOfType = typeCheck(openings)
  let done: { openings: Opening[]; waits?: readonly string[] }
  try {
    done = runOperations(state, operations, openings, context, isOfType, undefined, own)
  } catch (error) {
    // Others may wait for what this party can say already.
    if (!(error instanceof NotJudged) || own.items.length === 0) throw error
    done = { openings: error.openings, waits: error.judges }
  }
  const reveals = [...own.revealed].sort()
  return {
    items: own.items,
    ...(reveals.length > 0 && { reveals }),
    // Others look at them before they come to what stands against it.
    openings: done.openings,
    ...(done.waits !== undefined && { waits: done.waits }),
  }
}

/** How far a request is judged on a state; outdated: what was said is not about the values there now. */
export type Judgedness = { lacking: readonly string[]; isOutdated: boolean }

/**
 * @param openings as far as they are held here
 * @throws CountersignError as `apply`
 */
export function judgednessOf(
  state: ContractState,
  request: IdentifiedRequest,
  openings: OpeningSource,
  at: BlockMoment,
  given: readonly JudgedBy[],
): Judgedness {
  try {
    const { code } = apply(state, request, openings, at, typeCheck(openings), new GivenJudgement(given))
    return { lacking: [], isOutdated: code === 'judgement-outdated' }
  } catch (error) {
    if (error instanceof NotJudged) return { lacking: error.judges, isOutdated: false }
    // What everybody may see and isn't here yet says nothing of who has to judge.
    if (error instanceof ValueNotHeld) return { lacking: [], isOutdated: false }
    throw error
  }
}
