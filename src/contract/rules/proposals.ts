/**
 * Proposals and votes (RUL-5): where a rule asks for yeses, a value that is set stands as a proposal in its author's name until
 * they are there. The first, in ledger order, that has them all is agreed; a later agreement supersedes it.
 */
import { hashOf } from '../../crypto/hash.ts'
import type { Approval } from '../../ledger/behaviour.ts'
import type { SetOperation } from '../../ledger/request.ts'
import { type ContractState, element, isTaken } from '../elements.ts'
import { withoutValue } from '../outcome.ts'
import { accessRefused, over, type Refusal } from './gate.ts'
import { countOf } from './governance.ts'
import type { LawRule } from './law.ts'
import { lineOf } from './paths.ts'
import type { ProposalRecord } from './records.ts'
import type { Work } from './work.ts'

/** Proposals of one party that may stand open in a contract, and those of all on one field. */
const PROPOSALS_MAX = 10_000
const PROPOSALS_OF_FIELD_MAX = 64

/** An approval rule over a field. */
export type Asking = { rule: LawRule; approval: Approval }

/** Every rule that asks for yeses to a field's values. */
export function approvalsOver(state: ContractState, line: readonly string[]): Asking[] {
  const asking: Asking[] = []
  for (const { rule, behaviour, isSelf } of over(state, line, 'approval'))
    if (isSelf) asking.push({ rule, approval: behaviour })
  return asking
}

/** Whose yes counts for a rule, and how many it takes. */
export function votersOf(
  state: ContractState,
  { approval }: Asking,
): { parties: readonly string[]; count: number } {
  const { members } = state.epoch
  const parties = approval.parties?.filter((party) => members.includes(party)) ?? members
  return { parties, count: Math.min(approval.count, parties.length) }
}

/** Whether a proposal has every yes that the rules over its field ask for. */
export function isApproved(state: ContractState, asking: readonly Asking[], yes: readonly string[]): boolean {
  return asking.every((one) => {
    const { parties, count } = votersOf(state, one)
    return count > 0 && parties.filter((party) => yes.includes(party)).length >= count
  })
}

/** UID of the proposal that a `set` makes at a position of a request (PROTOCOL ELE-5). */
export function proposalUid(request: string, position: number): string {
  return hashOf('proposal', `${request}${position}`).slice(0, 32)
}

/** A value put forward for a field. One of the same author's that stands already is superseded. */
export function propose(
  work: Work,
  asking: readonly Asking[],
  field: Pick<SetOperation, 'uid' | 'seen' | 'type' | 'value' | 'readers'>,
  position: number,
): Refusal | undefined {
  const { author, id } = work.context
  const open = work.state.governance.proposals.get(field.uid) ?? []
  const own = open.find((uid) => work.record(uid, 'proposal')?.by === author)
  const others = open.length - (own === undefined ? 0 : 1)
  const single = asking.find(({ approval }) => approval.several !== true)
  if (others > 0 && single) return { code: 'proposal-open', rule: single.rule.uid, element: field.uid }
  if (others >= PROPOSALS_OF_FIELD_MAX || countOf(work.state.governance, 'proposal', author) >= PROPOSALS_MAX)
    return { code: 'too-many', element: field.uid }
  const uid = proposalUid(id, position)
  // Whoever makes the request knows this UID before: nothing that stands there is written over.
  if (isTaken(work.state, uid)) return { code: 'already-drafted', element: field.uid }
  if (own !== undefined) work.put(own, undefined)
  const { uid: on, seen, type, value, readers } = field
  const held = { ...(value !== undefined && { value }), ...(readers !== undefined && { readers }) }
  const content = { on, type, ...held, seen }
  const proposal: ProposalRecord = { kind: 'proposal', by: author, ...content, yes: [author] }
  work.put(uid, proposal)
  return agreeIfApproved(work, uid, proposal, asking)
}

/** A member's yes or no to a proposal. */
export function voteOnProposal(
  work: Work,
  uid: string,
  proposal: ProposalRecord,
  yes: boolean,
): Refusal | undefined {
  const { state, context } = work
  const line = lineOf(state, proposal.on)
  if (line.length === 0) return { code: 'gone', element: proposal.on }
  const asking = approvalsOver(state, line)
  const isAsked = asking.some((one) => votersOf(state, one).parties.includes(context.author))
  if (!isAsked) {
    const [first] = asking
    return { code: 'not-asked', ...(first && { rule: first.rule.uid }), element: proposal.on }
  }
  const access = accessRefused(state, line, 'approve', context.author, context.timeMs)
  if (access) return { code: 'access-denied', rule: access.uid, element: proposal.on }
  const next = withVote(proposal, context.author, yes)
  work.put(uid, next)
  return yes ? agreeIfApproved(work, uid, next, asking) : undefined
}

/** A record with a party's yes or no; what it said before counts no more. */
export function withVote<R extends { yes: string[]; no?: string[] }>(
  record: R,
  party: string,
  isYes: boolean,
): R {
  const { no = [], ...rest } = record
  const yes = record.yes.filter((one) => one !== party)
  const others = no.filter((one) => one !== party)
  const against = isYes ? others : [...others, party]
  return { ...rest, yes: isYes ? [...yes, party] : yes, ...(against.length > 0 && { no: against }) } as R
}

/** The value is agreed: it stands in the field, and the proposal is gone. */
function agreeIfApproved(
  work: Work,
  uid: string,
  { on, type, value, readers, yes }: ProposalRecord,
  asking: readonly Asking[],
): Refusal | undefined {
  if (!isApproved(work.state, asking, yes)) return undefined
  const field = element(work.state, on)
  if (field === undefined) return { code: 'gone', element: on }
  work.put(uid, undefined)
  const held = { ...(value !== undefined && { value }), ...(readers !== undefined && { readers }) }
  work.setElement(on, { ...withoutValue(field), type, ...held })
  return undefined
}

/** Proposals on a field that is gone are gone too. */
export function dropProposals(work: Work, fields: readonly string[]): void {
  const { proposals } = work.state.governance
  if (proposals.size === 0) return
  for (const field of fields) for (const uid of proposals.get(field) ?? []) work.put(uid, undefined)
}
