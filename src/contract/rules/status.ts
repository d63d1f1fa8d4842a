/**
 * Which of the three tiers an element has reached by what is agreed on it (DESIGN §6, RUL-11), and who is missing. What of it is
 * final is for the ledger to say.
 */
import { type ContractState, element } from '../elements.ts'
import { isRuleRecord } from '../record.ts'
import { lineOf } from './paths.ts'
import { type Asking, approvalsOver, votersOf } from './proposals.ts'
import type { ProposalRecord } from './records.ts'

/** A proposal that is open, and whose yes it still takes: of `missing`, `lacking` more. */
export type OpenProposal = ProposalRecord & { uid: string; lacking: number; missing: string[] }

/**
 * agreed: by the yeses that rules asked for (`votes`), or, where none asks, by every node's rules having accepted it (`rules`); not
 * while proposals are open. settled: who has confirmed the record it stands in, and who has not; undefined where nobody has.
 */
export type ElementStatus = {
  agreed: 'votes' | 'rules' | false
  proposals: OpenProposal[]
  settled: { yes: string[]; missing: string[] } | undefined
}

/** See the head of this file. Undefined for a UID without an element. */
export function elementStatus(state: ContractState, uid: string): ElementStatus | undefined {
  if (element(state, uid) === undefined) return undefined
  const asking = approvalsOver(state, lineOf(state, uid))
  const proposals = openProposals(state, uid, asking)
  const { settlement } = state.governance
  const agreed = asking.length > 0 ? 'votes' : 'rules'
  return {
    agreed: proposals.length > 0 ? false : agreed,
    proposals,
    settled: settlement && {
      yes: settlement.yes,
      missing: state.epoch.members.filter((party) => !settlement.yes.includes(party)),
    },
  }
}

/** The open proposals on a field, by UID, each with whom it waits for. */
export function openProposals(
  state: ContractState,
  uid: string,
  asking: readonly Asking[] = approvalsOver(state, lineOf(state, uid)),
): OpenProposal[] {
  return (state.governance.proposals.get(uid) ?? []).flatMap((one): OpenProposal[] => {
    const record = state.map.get(one)
    if (!isRuleRecord(record) || record.kind !== 'proposal') return []
    return [{ ...record, uid: one, ...waitingFor(state, asking, record.yes) }]
  })
}

function waitingFor(
  state: ContractState,
  asking: readonly Asking[],
  yes: readonly string[],
): { lacking: number; missing: string[] } {
  const missing = new Set<string>()
  let lacking = 0
  for (const one of asking) {
    const { parties, count } = votersOf(state, one)
    const given = parties.filter((party) => yes.includes(party)).length
    if (given >= count) continue
    lacking = Math.max(lacking, count - given)
    for (const party of parties) if (!yes.includes(party)) missing.add(party)
  }
  return { lacking, missing: state.epoch.members.filter((party) => missing.has(party)) }
}
