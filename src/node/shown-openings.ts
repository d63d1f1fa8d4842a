/** Which values a party is shown: who comes in later sees those that are current then, older ones only if its invitation says so. */
import { commitmentIn } from '../contract/record.ts'
import { type ContractState, element } from '../contract/state.ts'
import type { AnyOperation } from '../ledger/request.ts'
import type { Opening } from '../ledger/value.ts'
import type { Replica } from './replica.ts'

type Shown = { request: { operations: readonly AnyOperation[] }; height?: number }

/** The openings of these requests, as far as this party may have them (EPO-13), each once. */
export function openingsFor(replica: Replica, to: string, requests: readonly Shown[]): Opening[] {
  const isShown = replica.epochs.rightsOf(to)
  const { state } = replica.chain.tip
  const commitments = new Set<string>()
  const proposed = proposedIn(state)
  for (const { request, height } of requests) {
    const isDue = isShown === undefined || height === undefined || isShown(height)
    for (const operation of request.operations) {
      if ((operation.op !== 'create' && operation.op !== 'set') || operation.value === undefined) continue
      const isCurrent =
        element(state, operation.uid)?.value === operation.value || proposed.has(operation.value)
      if (isDue || isCurrent) commitments.add(operation.value)
    }
  }
  return [...replica.store.openings(replica.contract, [...commitments]).values()]
}

/** Commitments of the values that are proposed and not agreed. */
function proposedIn({ governance, map }: ContractState): Set<string> {
  return new Set(
    [...governance.proposals].flatMap(([, uids]) => uids.flatMap((uid) => commitmentIn(map.get(uid)) ?? [])),
  )
}
