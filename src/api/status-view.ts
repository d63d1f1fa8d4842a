/** Where a request stands, with what stands against it or what it has made. */
import { proposalUid } from '../contract/rules/proposals.ts'
import type { ContractState } from '../contract/state.ts'
import type { AnyOperation } from '../ledger/request.ts'
import type { RequestStatus } from '../node/request-status.ts'
import type { Context } from './context.ts'
import { judgedView } from './judging.ts'
import { refusalView } from './refusals.ts'
import { recordOf } from './rules/look.ts'
import type { MadeView, ProposalView, RefusalView } from './rules/view-schemas.ts'
import { proposalView } from './rules/views.ts'
import type { JudgedView } from './schemas.ts'

export type StatusView = RequestStatus & {
  judging?: JudgedView
  refusal?: RefusalView
  made?: MadeView[]
  /** Values that stand as proposals, since a rule asks for others’ yes. */
  proposed?: ProposalView[]
}

const SHOWN_MAX = 1000

/** @param operations of the request, where they are at hand; they are read from the store otherwise */
export function statusView(
  context: Context,
  status: RequestStatus,
  operations?: readonly AnyOperation[],
): StatusView {
  const { contract, stage, outcome, code, rule, element } = status
  if (outcome === undefined) {
    const judging = stage === 'received' ? judgedView(context, contract, status.id) : undefined
    return { ...status, ...(judging && { judging }) }
  }
  const { state } = context.states.tentative(contract)
  const read = () =>
    operations ??
    context.states.read(contract, () => context.node.store.request(contract, status.id))?.request
      .operations ??
    []
  if (outcome !== 'accepted') {
    if (code === undefined) return status
    // Only of these the operations say more.
    const isTold = element !== undefined || code === 'wrong-phase'
    const about = { code, ...(rule !== undefined && { rule }), ...(element !== undefined && { element }) }
    return { ...status, refusal: refusalView(context, state, about, isTold ? read() : []) }
  }
  if (state.governance.recordCount === 0) return status
  const all = read()
  const made = madeBy(state, all)
  const proposed = proposedBy(context, state, status.id, all)
  return { ...status, ...(made.length > 0 && { made }), ...(proposed.length > 0 && { proposed }) }
}

function madeBy(state: ContractState, operations: readonly AnyOperation[]): MadeView[] {
  const made: MadeView[] = []
  const at = `/api/contracts/${state.contract}`
  // What a template brings begins with its elements, often very many.
  const kinds = ['draft', 'define', 'lock']
  for (const one of operations.filter(({ op }) => kinds.includes(op)).slice(0, SHOWN_MAX)) {
    if (one.op === 'draft') made.push({ kind: 'draft', uid: one.uid, href: `${at}/drafts/${one.uid}` })
    if (one.op === 'define') made.push({ kind: 'type', uid: one.uid, href: `${at}/types` })
    if (one.op !== 'lock') continue
    const lock = recordOf(state, one.uid, 'lock')
    const until = lock && { expiresMs: lock.expiresMs, fence: lock.height }
    made.push({ kind: 'lock', uid: one.uid, href: `${at}/locks/${one.uid}`, ...until })
  }
  return made
}

function proposedBy(
  context: Context,
  state: ContractState,
  id: string,
  operations: readonly AnyOperation[],
): ProposalView[] {
  if (state.governance.proposalCount === 0) return []
  const proposed: ProposalView[] = []
  for (const [position, { op }] of operations.slice(0, SHOWN_MAX).entries()) {
    if (op !== 'set') continue
    const uid = proposalUid(id, position)
    const record = recordOf(state, uid, 'proposal')
    if (record) proposed.push(proposalView(context, state, uid, record))
  }
  return proposed
}
