/** Which state a reader means, and shows it. */
import type { ContractState } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { checkValue } from '../document/types.ts'
import { lapseOf } from '../node/lapse.ts'
import type { Context } from './context.ts'

/** Without any of them: the final state, or a later one that is accepted by lapse where the policy knows that. */
export type Wanted = { status?: 'final' | 'tentative'; height?: number; at?: string }

/** without: of what is accepted by lapse, who was silent. */
export type Shown = {
  height: number
  state: ContractState
  stage: 'final' | 'tentative' | 'lapse'
  without?: { party: string; name: string }[]
}

/**
 * @param orFirst show the first document where nothing is final yet, as one would before accepting it
 * @param where what `at` is called where it was given
 * @throws CountersignError `not-found` where there is no such state, `bad-request` for a malformed time
 */
export function shownState(
  context: Context,
  contract: string,
  wanted: Wanted,
  orFirst = false,
  where = 'at',
): Shown {
  context.replica(contract)
  const { states } = context
  const lapse = wanted.status === undefined ? lapseOf(context.replica(contract)) : undefined
  const finalHeight = states.finalHeight(contract)
  const mayBeTentative = wanted.status === 'tentative' || (orFirst && finalHeight < 0)
  const agreedHeight = Math.max(finalHeight, Math.min(lapse?.height ?? -1, states.tentative(contract).height))
  const last = mayBeTentative ? states.tentative(contract).height : agreedHeight
  if (last < 0)
    throw new CountersignError(
      'not-found',
      'nothing in this contract is final yet: not every member has accepted it; ask with ?status=tentative for what they are to accept',
    )
  const height = heightOf(context, contract, wanted, last, where)
  if (height > last)
    throw new CountersignError(
      'not-found',
      `ledger block ${height} is not ${mayBeTentative ? 'there' : 'final'} yet; the last that is has height ${last}`,
    )
  const isLapse = height > finalHeight && height <= agreedHeight
  return {
    height,
    state: states.at(contract, height),
    stage: height <= finalHeight ? 'final' : isLapse ? 'lapse' : 'tentative',
    ...(isLapse && lapse && { without: namedAt(context, contract, lapse.without) }),
  }
}

function namedAt(context: Context, contract: string, parties: readonly string[]) {
  const { names } = context.replica(contract).roster
  return parties.map((party) => ({ party, name: names.get(party) ?? party }))
}

function heightOf(
  context: Context,
  contract: string,
  { height, at }: Wanted,
  last: number,
  where: string,
): number {
  if (height !== undefined && at !== undefined)
    throw new CountersignError('bad-request', 'ask with either `height` or `at`')
  if (height !== undefined) return height
  if (at === undefined) return last
  const timeMs = readTime(at, where)
  context.node.engine.flush()
  const found = context.node.store.heightAt(contract, timeMs)
  if (found < 0) throw new CountersignError('not-found', `the contract did not exist yet at ${at}`)
  return Math.min(found, last)
}

/** RFC 3339 to ms since 1970; a date stands for its beginning in UTC. @throws CountersignError `bad-request` */
export function readTime(text: string, where = 'at'): number {
  try {
    checkValue(text.length === 10 ? 'date' : 'date-time', text)
  } catch {
    throw new CountersignError(
      'bad-request',
      `${where}: expected a time such as 2026-04-01T12:00:00Z, or a date`,
    )
  }
  // A leap second, which JavaScript has not: the last one before it.
  return Date.parse(text.replace(/:60(?=[.Z+-])/, ':59'))
}
