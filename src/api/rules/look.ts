/** What surrounds the elements of a state, looked up: records by their UID, parties by their names, places by their paths. */
import { isRuleRecord } from '../../contract/record.ts'
import type { LawRule } from '../../contract/rules/law.ts'
import type { RuleRecord, RuleStateRecord, TypeRecord } from '../../contract/rules/records.ts'
import { type ContractState, element } from '../../contract/state.ts'
import { pathOf } from '../../contract/view.ts'
import { formatPath } from '../../document/path.ts'
import type { AnyOperation } from '../../ledger/request.ts'
import type { Context } from '../context.ts'

export type Named = { party: string; name: string }
export type Place = { uid: string; path?: string }

/** A record of one kind; undefined where the UID has none. */
export function recordOf<K extends RuleStateRecord['kind']>(
  state: ContractState,
  uid: string,
  kind: K,
): Extract<RuleStateRecord, { kind: K }> | undefined {
  const record = state.map.get(uid)
  return isRuleRecord(record) && record.kind === kind
    ? (record as Extract<RuleStateRecord, { kind: K }>)
    : undefined
}

type Types = [uid: string, record: TypeRecord][]
/** What surrounds the elements changes more seldom than they do. */
const types = new WeakMap<ContractState['governance'], Types>()

/** Named types, by UID. */
export function typeRecords({ map, governance }: ContractState): Types {
  if (governance.recordCount === 0) return []
  let found = types.get(governance)
  if (found === undefined) {
    found = []
    for (const [uid, record] of map.entries())
      if (isRuleRecord(record) && record.kind === 'type') found.push([uid, record])
    types.set(governance, found)
  }
  return found
}

/** The field that a proposal is or was on. */
export function fieldOfProposal({ node }: Context, contract: string, uid: string): string | undefined {
  const versions = node.store.elementHistory(contract, uid, { newest: true, limit: 2 })
  const last = versions.findLast(({ record }) => record !== null)?.record
  return last?.kind === 'proposal' ? String(last.on) : undefined
}

/** Who somebody is, in a contract. */
export function namer(context: Context, contract: string): (party: string) => Named {
  const { names } = context.replica(contract).roster
  return (party) => ({ party, name: names.get(party) ?? party })
}

/** An element with its path; without one where it is gone. */
export function placeOf(state: ContractState, uid: string): Place {
  return element(state, uid) === undefined ? { uid } : { uid, path: pathOf(state, uid) }
}

/** The path of an element that is there, or that these operations would create; undefined for another. */
export function pathAmong(
  state: ContractState,
  uid: string,
  operations: readonly AnyOperation[],
): string | undefined {
  if (element(state, uid) !== undefined) return pathOf(state, uid)
  const made = operations.find((one) => one.op === 'create' && one.uid === uid)
  if (made?.op !== 'create') return undefined
  const above = pathAmong(state, made.parent, operations)
  return above === undefined ? undefined : `${above === '/' ? '' : above}${formatPath([{ name: made.name }])}`
}

/** The path that a rule is about: of its anchor, and the names from there. */
export function targetPath(state: ContractState, { rule }: Pick<RuleRecord | LawRule, 'rule'>): string {
  const anchor = element(state, rule.at) === undefined ? '/' : pathOf(state, rule.at)
  if (rule.path.length === 0) return anchor
  return `${anchor === '/' ? '' : anchor}${formatPath(rule.path.map((name) => ({ name })))}`
}
