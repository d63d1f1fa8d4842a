/** The third tier (RUL-10): every member confirms one record hash, with nothing pending. Any other change undoes it. */
import type { SettleOperation } from '../../ledger/rule-operation.ts'
import { stateRoot } from '../elements.ts'
import { isMissing } from './checks.ts'
import { isOn, type Refusal } from './gate.ts'
import { elementsAt } from './paths.ts'
import type { SettlementRecord } from './records.ts'
import type { Work } from './work.ts'

/** Confirms the record hash; the first to do so names the one that all others confirm. */
export function settle(work: Work, { record }: SettleOperation): Refusal | undefined {
  const { state, context } = work
  const { governance, epoch } = state
  const standing = governance.settlement
  if (!epoch.members.includes(context.author)) return { code: 'not-asked' }
  if (record !== (standing?.record ?? stateRoot(state))) return { code: 'stale-place' }
  if (standing?.yes.includes(context.author)) return undefined
  const pending = pendingIn(work)
  if (pending) return pending
  const next: SettlementRecord = {
    kind: 'settlement',
    record,
    yes: [...(standing?.yes ?? []), context.author],
  }
  work.put(state.settlementUid, next)
  return undefined
}

/** What keeps the record from being settled. */
function pendingIn(work: Work): Refusal | undefined {
  const { governance } = work.state
  const [proposal] = governance.proposals
  if (proposal) return { code: 'pending', element: proposal[0] }
  const [draft] = governance.drafts
  if (draft) return { code: 'pending', rule: draft[0] }
  for (const [, [uid, lock]] of governance.locks)
    if (work.context.timeMs <= lock.expiresMs) return { code: 'pending', rule: uid, element: lock.on }
  for (const rule of governance.law.rules.values())
    if (rule.rule.behaviour.kind === 'required' && isOn(work.state, rule))
      for (const place of elementsAt(work.state, rule.rule.at, rule.here, true))
        if (isMissing(work.state, rule, place))
          return { code: 'required-missing', rule: rule.uid, element: place }
  return undefined
}
