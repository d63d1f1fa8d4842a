/**
 * Rules come into force in three steps (RUL-2): one member drafts, every other one says yes, and one publishes: all drafts that it
 * names at once, on every node in the same ledger block.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { DraftAction, DraftOperation, PublishOperation } from '../../ledger/rule-operation.ts'
import { type ContractState, element, isTaken } from '../elements.ts'
import type { ElementRecord } from '../record.ts'
import type { Agenda } from './agenda.ts'
import { setActive } from './consequences.ts'
import { type Prepared, prepareRule } from './draft-check.ts'
import { isOn, type Refusal } from './gate.ts'
import { countOf } from './governance.ts'
import { type Law, lawOf } from './law.ts'
import { elementsAt } from './paths.ts'
import { withVote } from './proposals.ts'
import type { DraftRecord, RuleRecord } from './records.ts'
import type { Work } from './work.ts'
import { EDIT, LIVE, setPhase, switchSet } from './workflow.ts'

/** Drafts of one party that may stand open in a contract, and rules that may be in force. */
const DRAFTS_MAX = 1000
const RULES_MAX = 10_000
/** What an expression or path that does not work is refused with. */
const RULE_FAULTS: ReadonlySet<string> = new Set(['bad-rule', 'bad-expression', 'wrong-type', 'too-large'])

/** Puts a draft forward. */
export function draft(work: Work, { uid, action, owner }: DraftOperation): Refusal | undefined {
  const { state, context } = work
  if (isTaken(state, uid)) return { code: 'already-drafted' }
  const { governance } = state
  if (owner !== undefined && !state.epoch.members.includes(owner)) return { code: 'bad-rule' }
  const refused = refusalOf(work, action)
  if (refused) return refused
  const body = ruleOf(action)
  let prepared: Pick<RuleRecord, 'reads' | 'place'> = { reads: [], place: [] }
  if (body !== undefined) {
    const made = preparedOf(state, body)
    if (made === undefined) return { code: 'bad-rule', element: body.at }
    prepared = made
  }
  const record: DraftRecord = {
    kind: 'draft',
    by: context.author,
    action,
    ...(owner !== undefined && { owner }),
    ...prepared,
    yes: [context.author],
  }
  const most = context.isGenesis ? RULES_MAX : DRAFTS_MAX
  if (countOf(governance, 'draft', context.author) >= most) return { code: 'too-many' }
  work.put(uid, record)
  return undefined
}

/** Undefined where the rule does not work; why, its author was told before it signed. */
function preparedOf(state: ContractState, body: RuleBody): Prepared | undefined {
  try {
    return prepareRule(state, body)
  } catch (error) {
    if (error instanceof CountersignError && RULE_FAULTS.has(error.code)) return undefined
    throw error
  }
}

function refusalOf(work: Work, action: DraftAction): Refusal | undefined {
  if (action.do === 'template') return markRefusal(work, action)
  if (action.do !== 'replace' && action.do !== 'repeal') return undefined
  return work.record(action.rule, 'rule') === undefined ? { code: 'gone', rule: action.rule } : undefined
}

function ruleOf(action: DraftAction): RuleBody | undefined {
  if (action.do === 'add') return action.rule
  return action.do === 'replace' ? action.by : undefined
}

/** Carries out what a genesis drafts, all at once. */
export function publishGenesis(work: Work, agenda: Agenda): Refusal | undefined {
  const drafts = [...work.state.governance.drafts]
  return drafts.length === 0 ? undefined : carryOutAll(work, agenda, drafts)
}

/** A member's yes or no to a draft. */
export function voteOnDraft(work: Work, uid: string, record: DraftRecord, yes: boolean): Refusal | undefined {
  if (!work.state.epoch.members.includes(work.context.author)) return { code: 'not-asked' }
  work.put(uid, withVote(record, work.context.author, yes))
  return undefined
}

/** Who has yet to say yes to a draft. */
export function missingYes(members: readonly string[], { yes }: Pick<DraftRecord, 'yes'>): string[] {
  return members.filter((party) => !yes.includes(party))
}

/** Carries out drafts that every member has said yes to: all of them, or none. */
export function publish(work: Work, agenda: Agenda, { drafts }: PublishOperation): Refusal | undefined {
  const { governance, epoch } = work.state
  const named: [string, DraftRecord][] = []
  for (const uid of new Set(drafts)) {
    const record = governance.drafts.get(uid)
    if (record === undefined) return { code: 'gone', rule: uid }
    if (missingYes(epoch.members, record).length > 0) return { code: 'not-agreed', rule: uid }
    named.push([uid, record])
  }
  // Rules change under everybody's hands: not while somebody holds a part of the contract.
  for (const [, [uid, lock]] of governance.locks)
    if (lock.by !== work.context.author && work.context.timeMs <= lock.expiresMs)
      return { code: 'locked', rule: uid, element: lock.on }
  const refused = carryOutAll(work, agenda, named)
  if (refused) return refused
  const { workflow, law } = work.state.governance
  work.put(work.state.workflowUid, { ...workflow, publication: workflow.publication + 1 })
  if (workflow.phase === EDIT) setPhase(work, agenda, law.phases[0] ?? LIVE)
  return undefined
}

/** The rules after these drafts. What is new in them is looked at wherever it applies. */
function carryOutAll(
  work: Work,
  agenda: Agenda,
  drafts: readonly (readonly [string, DraftRecord])[],
): Refusal | undefined {
  const rules = new Map<string, RuleRecord>()
  for (const uid of work.state.governance.law.rules.keys()) {
    const record = work.record(uid, 'rule')
    if (record) rules.set(uid, record)
  }
  const added: string[] = []
  for (const [uid, { by, action, owner = by, reads, place }] of drafts) {
    work.put(uid, undefined)
    if (action.do === 'replace' || action.do === 'repeal') {
      if (!rules.delete(action.rule)) return { code: 'gone', rule: action.rule }
      work.put(action.rule, undefined)
    }
    if (action.do === 'template') {
      const refused = mark(work, action)
      if (refused) return refused
    }
    const rule = ruleOf(action)
    if (rule === undefined) continue
    const record: RuleRecord = { kind: 'rule', owner, rule, reads, place }
    rules.set(uid, record)
    work.put(uid, record)
    added.push(uid)
  }
  if (rules.size > RULES_MAX) return { code: 'too-many' }
  const law = lawWith(work, rules)
  if (law === undefined) return { code: 'bad-rule', rule: drafts[0]?.[0] ?? '' }
  work.state = { ...work.state, governance: { ...work.state.governance, law } }
  for (const [, { action }] of drafts)
    if (action.do === 'switch') switchSet(work, agenda, action.set, action.on)
  for (const uid of added) begin(work, agenda, law, uid)
  return undefined
}

type Mark = Extract<DraftAction, { do: 'template' }>

/** A block says from now on which template it was made from. */
function mark(work: Work, action: Mark): Refusal | undefined {
  const refused = markRefusal(work, action)
  if (refused) return refused
  const block = element(work.state, action.on) as ElementRecord
  work.setElement(action.on, { ...block, template: action.template })
  return undefined
}

function markRefusal({ state }: Work, { on, from }: Mark): Refusal | undefined {
  const block = element(state, on)
  if (block === undefined) return { code: 'gone', element: on }
  if (block.kind !== 'block') return { code: 'bad-rule', element: on }
  return block.template?.hash === from ? undefined : { code: 'stale-place', element: on }
}

/** Undefined where the rules go round in a circle. */
function lawWith(work: Work, rules: ReadonlyMap<string, RuleRecord>): Law | undefined {
  try {
    return lawOf(rules, work.state.governance.law)
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'bad-rule') return undefined
    throw error
  }
}

/** A rule that has just come into force. What a trigger brings in is not there before. */
function begin(work: Work, agenda: Agenda, law: Law, uid: string): void {
  const rule = law.rules.get(uid)
  if (rule === undefined) return
  if (isOn(work.state, rule)) agenda.addAll(work.state, rule)
  const { behaviour, at } = rule.rule
  if (behaviour.kind !== 'trigger') return
  for (const action of behaviour.actions)
    if (action.do === 'activate')
      for (const block of elementsAt(work.state, at, action.target, false))
        setActive(work, agenda, block, false)
}
