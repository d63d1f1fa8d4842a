/**
 * What a template keeps private, looked at before anything is in it: whether somebody could judge all that its rules read, and
 * nothing that is computed would tell what it is computed from. A contract made of it would find out only when values come.
 */
import type { RuleBody } from '../../ledger/behaviour.ts'
import { GENESIS_ROOT } from '../../ledger/genesis.ts'
import { type ContractState, childCount, element, subtreeUids, withElement } from '../elements.ts'
import { prepareRule } from '../rules/draft-check.ts'
import { readBy } from '../rules/expressions.ts'
import { readersAt } from '../rules/gate.ts'
import { membersAmong } from '../rules/judging.ts'
import { type LawRule, lawOf } from '../rules/law.ts'
import { elementsAt, lineOf } from '../rules/paths.ts'
import type { RuleRecord } from '../rules/records.ts'
import { badTemplate, type Template } from './format.ts'
import type { Instance } from './instantiate.ts'

/** When the contract was made: grants for some days have begun. */
const BEGINNING_MS = 0

/** @param elements of a contract of the template, without its rules @throws CountersignError `bad-template` */
export function checkPrivate(template: Template, instance: Instance, elements: ContractState): void {
  const isConcerned = template.rules.some(
    ({ behaviour }) =>
      behaviour.kind === 'aggregate' || (behaviour.kind === 'access' && behaviour.actions.includes('see')),
  )
  if (!isConcerned) return
  const state = governed(template, instance, withItems(elements))
  for (const uid of subtreeUids(state, state.rootUid)) checkField(state, uid)
  for (const rule of state.governance.law.rules.values()) {
    const name = instance.rules.find(({ uid }) => uid === rule.uid)?.name ?? ''
    checkRule(withSet(state, rule), rule, `rule ${name}`)
  }
}

/** The state with the rules of the template, in its first phase; nothing is computed. */
function governed(template: Template, { operations }: Instance, state: ContractState): ContractState {
  const records = operations.flatMap((operation): [string, RuleRecord][] => {
    if (operation.op !== 'draft' || operation.action.do !== 'add') return []
    const { rule: body } = operation.action
    const rule: RuleBody = body.at === GENESIS_ROOT ? { ...body, at: state.rootUid } : body
    return [[operation.uid, { kind: 'rule', owner: '', rule, ...prepareRule(state, rule) }]]
  })
  const { governance } = state
  const phase = template.firstPhase ?? template.phases[0]?.name ?? governance.workflow.phase
  const workflow = { ...governance.workflow, phase, ...(template.off && { off: template.off }) }
  return { ...state, governance: { ...governance, workflow, law: lawOf(records) } }
}

/** The state as it is once a rule's own set is switched on. */
function withSet(state: ContractState, { rule: { set } }: LawRule): ContractState {
  const { workflow } = state.governance
  const off = workflow.off?.filter((one) => one !== set) ?? []
  return { ...state, governance: { ...state.governance, workflow: { ...workflow, off } } }
}

/** Every list with an item of its type, so that paths through it lead somewhere. */
function withItems(before: ContractState): ContractState {
  let state = before
  let count = 0
  const typeOf = (uid: string | undefined) => {
    const record = uid === undefined ? undefined : state.map.get(uid)
    return record !== undefined && 'kind' in record && record.kind === 'type' ? record.type : undefined
  }
  const add = (parent: string, name: string, kind: 'block' | 'list' | 'field', more: object): string => {
    count += 1
    const uid = `f${count.toString(16).padStart(31, '0')}`
    state = withElement(state, uid, { kind, name, order: 'a0', parent, ...more })
    return uid
  }
  const fill = (list: string, within: readonly string[]): void => {
    const { typed } = element(state, list) ?? {}
    const type = typeOf(typed)
    if (type === undefined || typed === undefined || within.includes(typed)) return
    if (type.base === 'block') consist(add(list, 'item', 'block', { typed }), typed, within)
    else add(list, 'item', 'field', { typed, type: type.base })
  }
  const consist = (block: string, typed: string | undefined, above: readonly string[]): void => {
    if (typed === undefined || above.includes(typed)) return
    const within = [...above, typed]
    for (const { name, kind, type, typed: own } of typeOf(typed)?.members ?? []) {
      const base = type ?? typeOf(own)?.base ?? 'text'
      const more = { ...(own !== undefined && { typed: own }), ...(kind === 'field' && { type: base }) }
      const uid = add(block, name, kind, more)
      if (kind === 'block') consist(uid, own, within)
      if (kind === 'list') fill(uid, within)
    }
  }
  for (const uid of subtreeUids(before, before.rootUid))
    if (element(before, uid)?.kind === 'list' && childCount(before, uid) === 0) fill(uid, [])
  return state
}

function checkField(state: ContractState, uid: string): void {
  const { kind, value } = element(state, uid) ?? {}
  const readers = kind === 'field' ? dueReaders(state, uid) : undefined
  if (readers === undefined) return
  const place = `tree › ${pathOf(state, uid)}`
  if (value !== undefined)
    badTemplate(place, 'what a rule keeps private is empty at first; take its value out')
  if (membersAmong(state, readers).length === 0)
    badTemplate(place, 'no member may see it: nobody could tell whether what is put there keeps the rules')
}

function checkRule(state: ContractState, rule: LawRule, place: string): void {
  const { at, path, behaviour } = rule.rule
  if (behaviour.kind === 'aggregate') {
    for (const uid of elementsAt(state, at, behaviour.over, true))
      checkGiven(state, uid, behaviour.reader, place)
    for (const uid of elementsAt(state, at, path, true))
      if (dueReaders(state, uid) !== undefined)
        badTemplate(place, `everybody sees what comes out, and a rule keeps ${pathOf(state, uid)} private`)
    return
  }
  for (const here of elementsAt(state, at, rule.here, true)) {
    const common = commonOf(state, readAt(state, rule, here))
    if (common === undefined) continue
    if (membersAmong(state, common).length === 0)
      badTemplate(place, 'it reads what is private to several, and no member may see all of it')
    if (behaviour.kind !== 'assignment') continue
    for (const uid of elementsAt(state, here, path.slice(rule.here.length), true)) {
      const readers = dueReaders(state, uid)
      if (readers === undefined || readers.some((party) => !common.includes(party)))
        badTemplate(
          place,
          `it would tell of what it is computed from: keep ${pathOf(state, uid)} private to those who see all of that`,
        )
    }
  }
}

/** What an aggregate is made of is seen by its reader, and by somebody who gives it. */
function checkGiven(state: ContractState, uid: string, reader: string, place: string): void {
  const readers = dueReaders(state, uid)
  const path = pathOf(state, uid)
  if (readers === undefined)
    badTemplate(place, `everybody sees ${path}: compute it with an assignment, or keep it private`)
  if (!readers.includes(reader) || !state.epoch.members.includes(reader))
    badTemplate(place, `its reader, who has to be a member, does not see ${path}`)
  if (readers.every((party) => party === reader))
    badTemplate(place, `its reader alone sees ${path}: nobody gives it a value to count`)
}

function readAt(state: ContractState, { program, rule }: LawRule, here: string): string[] {
  if (program) return readBy({ state }, program, rule.at, here)
  const { behaviour, path } = rule
  if (behaviour.kind !== 'unique') return []
  return elementsAt(state, rule.at, [...path, ...behaviour.by], true)
}

/** Who may see all of these values; undefined where everybody may. */
function commonOf(state: ContractState, uids: readonly string[]): string[] | undefined {
  let common: string[] | undefined
  for (const uid of uids) {
    const readers = element(state, uid)?.kind === 'field' ? dueReaders(state, uid) : undefined
    if (readers !== undefined) common = common?.filter((party) => readers.includes(party)) ?? readers
  }
  return common
}

function dueReaders(state: ContractState, uid: string): string[] | undefined {
  return readersAt(state, lineOf(state, uid), BEGINNING_MS)
}

function pathOf(state: ContractState, uid: string): string {
  const names = lineOf(state, uid).slice(1)
  return names.map((one) => element(state, one)?.name ?? '').join(' › ')
}
