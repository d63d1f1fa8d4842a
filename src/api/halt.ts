/** How a contract stands that has halted, or that members have frozen, and what to do next, for people. */
import type { NextLineage } from '../ledger/resolve.ts'
import type { Replica } from '../node/replica.ts'
import type { ContractView } from './schemas.ts'

/** frozen: who has signed a FREEZE; waitingFor: without whose nothing goes on. */
export type HaltView = NonNullable<ContractView['halt']>

/** undefined while the contract is not halted, and frozen by nobody. */
export function haltView(
  replica: Replica,
  isConnected: (party: string) => boolean,
  nameOf: (party: string) => string,
): HaltView | undefined {
  const { status, freezing, evidence, contract } = replica
  if (status !== 'halted' && freezing.frozen.length === 0) return undefined
  const named = (party: string) => ({ party, name: nameOf(party) })
  const guilty = new Set([...evidence.accused.keys(), ...leftOutBy(freezing.outcome)])
  const members = freezing.isCalledFor ? replica.members : []
  const waited = members.filter((party) => !guilty.has(party) && !freezing.frozen.includes(party))
  const waitingFor = freezing.frozen.length > 0 ? freezing.missing : waited
  return {
    guilty: [...guilty].map(named),
    frozen: freezing.frozen.map(named),
    waitingFor: waitingFor.map((party) => ({ ...named(party), connected: isConnected(party) })),
    next: nextStep(replica, contract.slice(0, 12), {
      missing: waitingFor.filter((party) => party !== replica.self).map(nameOf),
      frozen: freezing.frozen.map(nameOf),
    }),
  }
}

function leftOutBy(outcome: NextLineage | { missing: string[] } | undefined): string[] {
  return outcome && 'genesis' in outcome ? outcome.guilty : []
}

function nextStep(
  { status, freezing, ownHistory, self, evidence }: Replica,
  id: string,
  { missing, frozen }: { missing: readonly string[]; frozen: readonly string[] },
): string {
  if (leftOutBy(freezing.outcome).includes(self))
    return `The other members go on without this party; see why: countersign evidence ${id}`
  if (!freezing.isCalledFor && evidence.size > 0)
    return `Look at the evidence: countersign evidence ${id}. The way out is a new contract without who is guilty.`
  if (!freezing.isCalledFor)
    return `Find the cause in the node’s log and check its data: countersign contract check ${id}`
  if (ownHistory.isWanted)
    return (
      'This node’s data are an older copy: it can freeze once it has read the ledger that this party has cosigned, from a ' +
      'member that holds it. Put newer data back if none does.'
    )
  // Its FREEZE may be all that shows a second history to who holds but one.
  if (status !== 'halted')
    return (
      `Frozen by ${frozen.join(', ')}: nothing more becomes final. Look at the evidence (countersign evidence ${id}), ask ` +
      `what they hold, then freeze: countersign freeze ${id}. What is final stays.`
    )
  if (!freezing.own)
    return `Look at the evidence (countersign evidence ${id}), then freeze: countersign freeze ${id}. What is final stays.`
  return (
    `Waiting for ${missing.join(', ')} to freeze. ` +
    'A member that stays silent blocks this contract; the way out is then a new contract with the others.'
  )
}
