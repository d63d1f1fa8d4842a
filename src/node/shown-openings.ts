/** Which values a party is shown: who comes in later sees those that are current then, older ones only if its invitation says so. */
import { commitmentIn } from '../contract/record.ts'
import { mayRead } from '../contract/rules/gate.ts'
import { type ContractState, element } from '../contract/state.ts'
import type { Outcome } from '../ledger/block.ts'
import { type JudgedBy, revealedIn } from '../ledger/judgement.ts'
import { type AnyOperation, type AnyRequest, committedIn, type OpenRequest } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Replica } from './replica.ts'

type Shown = {
  request: { operations: readonly AnyOperation[] }
  height?: number
  outcome?: Outcome
  judgement?: JudgedBy[]
}

/** Of what an opening is: a private value's is of its field alone, whatever else names its commitment (VAL-4). */
const keyOf = (commitment: string, of = ''): string => `${commitment} ${of}`

/** The openings of these requests, as far as this party may have them (EPO-13), each once. */
export function openingsFor(replica: Replica, to: string, requests: readonly Shown[]): Opening[] {
  const isShown = replica.epochs.rightsOf(to)
  const { state } = replica.chain.tip
  const shown = new Set<string>()
  const commitments = new Set<string>()
  const show = (commitment: string, of?: string): void => {
    shown.add(keyOf(commitment, of))
    commitments.add(commitment)
  }
  const proposed = proposedIn(state)
  for (const { request, height, outcome, judgement = [] } of requests) {
    const revealed = new Set(revealedIn(judgement))
    const isDue = isShown === undefined || height === undefined || isShown(height)
    for (const operation of request.operations) {
      if ((operation.op !== 'create' && operation.op !== 'set') || operation.value === undefined) continue
      const { uid, value, readers } = operation
      const isCurrent = element(state, uid)?.value === value || proposed.has(value)
      if (readers === undefined) {
        if (isDue || isCurrent) show(value)
        continue
      }
      // Whom its author names is held against the rules only once the request is accepted: before, it may be whoever wants to see.
      const isReader = readers.includes(to) && outcome === 'accepted' && (isDue || isCurrent)
      if (isReader || readsNow(replica, uid, value, to)) show(value, uid)
    }
    for (const [, uid, , result] of judgement.flatMap(({ items }) => items)) {
      if (typeof result !== 'string') continue
      // What is revealed is for all, and never private; what was computed of private values is for those who see it now.
      const isCurrent = element(state, uid)?.value === result
      if (revealed.has(result) && (isDue || isCurrent)) show(result)
      if (readsNow(replica, uid, result, to)) show(result, uid)
    }
  }
  const held = [...replica.store.openings(replica.contract, [...commitments]).values()]
  return held.filter((opening) => shown.has(keyOf(commitmentOf(opening), opening.of)))
}

/** Commitments of the values that are proposed and not agreed. */
function proposedIn({ governance, map }: ContractState): Set<string> {
  return new Set(
    [...governance.proposals].flatMap(([, uids]) => uids.flatMap((uid) => commitmentIn(map.get(uid)) ?? [])),
  )
}

/** Those of a request's openings that a party may see: all that are not private, and of these its own (VAL-4). */
export function shownTo({ request, openings }: OpenRequest<AnyRequest>, party: string): Opening[] {
  if (openings.every(({ of }) => of === undefined)) return openings
  const readers = new Map(
    committedIn(request.operations).map(({ commitment, readers: own }) => [commitment, own]),
  )
  return openings.filter(
    (opening) => opening.of === undefined || readers.get(commitmentOf(opening))?.includes(party),
  )
}

/** Whether a field, or a proposal for it, holds this value now, and a party may see it. */
function readsNow(replica: Replica, uid: string, commitment: string, party: string): boolean {
  const { tip } = replica.chain
  const { state } = tip
  const held = [uid, ...(state.governance.proposals.get(uid) ?? [])]
  const { timeMs } = tip.block.header
  return held.some((one) => {
    const record = state.map.get(one)
    return (
      commitmentIn(record) === commitment &&
      record !== undefined &&
      mayRead(state, one, record, party, timeMs)
    )
  })
}
