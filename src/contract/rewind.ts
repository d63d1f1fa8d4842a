/**
 * A state made of another one by the records that differ: it shares with it all that is the same, and what it costs goes by what is
 * not. Whether it is the state that was signed, its root says.
 */
import { cardHash } from '../ledger/epoch.ts'
import { type ContractState, element, privateIn, withEpoch } from './elements.ts'
import { type ElementRecord, type EpochRecord, isElement, isRuleRecord, type StateRecord } from './record.ts'
import { type Governance, withRuleRecord } from './rules/governance.ts'
import { lawOf } from './rules/law.ts'
import type { RuleRecord, RuleStateRecord } from './rules/records.ts'
import { type Sibling, Siblings } from './siblings.ts'

/**
 * @param changes every record that differs, null where there is none; others may be among them
 * @returns undefined where the change is of a kind that has to be read from all records: a block lies elsewhere, or the records don't
 * make a tree
 */
export function withRecords(
  state: ContractState,
  changes: Iterable<readonly [uid: string, record: StateRecord | null]>,
): ContractState | undefined {
  const places: { uid: string; before: ElementRecord | undefined; after: ElementRecord | undefined }[] = []
  let epoch: EpochRecord | undefined
  let { map, children, privateCount } = state
  const surrounding: [uid: string, record: RuleStateRecord | undefined][] = []
  for (const [uid, record] of changes) {
    if (uid === state.epochUid) epoch = record as EpochRecord
    else if (isRuleRecord(record ?? undefined) || isRuleRecord(state.map.get(uid))) {
      if (record !== null && !isRuleRecord(record)) return undefined
      // An element was there before, with what lies in it.
      if (element(state, uid) !== undefined) return undefined
      surrounding.push([uid, record ?? undefined])
    } else {
      if (record !== null && !isElement(record)) return undefined
      const one = { uid, before: element(state, uid), after: record ?? undefined }
      if (isElsewhere(one.before, one.after)) return undefined
      places.push(one)
      privateCount += privateIn(one.after) - privateIn(one.before)
    }
    map = record === null ? map.delete(uid) : map.set(uid, record)
  }
  const moved = places.filter(
    ({ uid, before, after }) => uid !== state.rootUid && !isSamePlace(before, after),
  )
  for (const { uid, before } of moved) {
    if (before === undefined) continue
    const above = children.get(before.parent)
    if (above !== undefined) children = children.set(before.parent, above.remove(siblingOf(uid, before)))
  }
  for (const { uid, after } of places) if (!isBlock(after)) children = children.delete(uid)
  const blocks = new Map(
    places.flatMap(({ uid, after }) => (after && isBlock(after) ? [[uid, after] as const] : [])),
  )
  /** The one at hand, or a new one below its parent's. */
  const siblingsOf = (uid: string, rest: number): Siblings | undefined => {
    const known = children.get(uid)
    const record = blocks.get(uid)
    if (known !== undefined || record === undefined || rest === 0) return known
    const above = siblingsOf(record.parent, rest - 1)
    if (above === undefined) return undefined
    const made = new Siblings(above.depth + 1)
    children = children.set(uid, made)
    return made
  }
  for (const uid of blocks.keys()) if (siblingsOf(uid, blocks.size) === undefined) return undefined
  for (const { uid, after } of moved) {
    if (after === undefined) continue
    const above = children.get(after.parent)
    if (above === undefined) return undefined
    children = children.set(after.parent, above.add(siblingOf(uid, after)))
  }
  const made = { ...state, map, children, privateCount, governance: governanceWith(state, surrounding) }
  return epoch === undefined
    ? made
    : withEpoch(made, epoch, new Map((epoch.newer ?? []).map((card) => [cardHash(card), card])))
}

/** What surrounds the elements once these records are others; undefined where there is none. */
function governanceWith(
  state: ContractState,
  changes: readonly (readonly [uid: string, record: RuleStateRecord | undefined])[],
): Governance {
  let { governance } = state
  const rules = new Map<string, RuleRecord>()
  let isOtherLaw = false
  for (const uid of governance.law.rules.keys()) {
    const record = state.map.get(uid)
    if (isRuleRecord(record) && record.kind === 'rule') rules.set(uid, record)
  }
  for (const [uid, record] of changes) {
    const before = state.map.get(uid)
    governance = withRuleRecord(governance, uid, isRuleRecord(before) ? before : undefined, record)
    isOtherLaw ||= rules.delete(uid) || record?.kind === 'rule'
    if (record?.kind === 'rule') rules.set(uid, record)
  }
  return isOtherLaw ? { ...governance, law: lawOf(rules) } : governance
}

const isBlock = (record: ElementRecord | undefined): boolean =>
  record !== undefined && record.kind !== 'field'

const siblingOf = (uid: string, { name, order }: ElementRecord): Sibling => ({ uid, name, order })

function isSamePlace(before: ElementRecord | undefined, after: ElementRecord | undefined): boolean {
  return before?.parent === after?.parent && before?.name === after?.name && before?.order === after?.order
}

/** A block with all below it has another depth then. */
function isElsewhere(before: ElementRecord | undefined, after: ElementRecord | undefined): boolean {
  return isBlock(before) && isBlock(after) && before?.parent !== after?.parent
}
