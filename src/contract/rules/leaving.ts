/** Who is out holds no lock and proposes nothing any more (DESIGN §4); its rules stay, changeable by all. */
import type { ContractState } from '../elements.ts'
import { isRuleRecord } from '../record.ts'
import { withRuleRecord } from './governance.ts'

/** The state without what parties hold in it that are no members of its epoch, and the UIDs of that. */
export function withoutLapsed(state: ContractState): { state: ContractState; touched: Set<string> } {
  const members = new Set(state.epoch.members)
  const { drafts, proposals, locks } = state.governance
  const candidates = [
    ...[...drafts].map(([uid]) => uid),
    ...[...proposals].flatMap(([, uids]) => uids),
    ...[...locks].map(([, [uid]]) => uid),
  ]
  let { governance, map } = state
  const touched = new Set<string>()
  for (const uid of candidates) {
    const record = map.get(uid)
    if (!isRuleRecord(record) || !('by' in record) || members.has(record.by)) continue
    governance = withRuleRecord(governance, uid, record, undefined)
    map = map.delete(uid)
    touched.add(uid)
  }
  return { state: { ...state, governance, map }, touched }
}
