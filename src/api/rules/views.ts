/** Rules, drafts, proposals, locks and phases as people and programs see them, with who is missing. */
import { isOn, phaseIndex } from '../../contract/rules/gate.ts'
import { kindAt } from '../../contract/rules/law.ts'
import { elementsAt, lineOf, pathKey, stepsFrom } from '../../contract/rules/paths.ts'
import { approvalsOver, isApproved, votersOf } from '../../contract/rules/proposals.ts'
import type { DraftRecord, LockRecord, ProposalRecord, RuleRecord } from '../../contract/rules/records.ts'
import { draftSentence, pathWords, ruleSentence } from '../../contract/rules/sentence.ts'
import { type ContractState, element, seenOf, stateRoot } from '../../contract/state.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { Context } from '../context.ts'
import { privacyOf } from '../private.ts'
import { type Named, namer, placeOf, recordOf, targetPath, typeRecords } from './look.ts'
import type { DraftView, LockView, ProposalView, RuleView, VoteView } from './view-schemas.ts'

/** Who has said what, of those who are asked. */
type VotesView = { yes: Named[]; no: Named[]; missing: Named[] }

export function ruleView(context: Context, state: ContractState, uid: string, record: RuleRecord): RuleView {
  const named = namer(context, state.contract)
  const { owner, rule, reads, fired, failed, dueMs, yes = [] } = record
  const { behaviour, set } = rule
  const is = rule.path.length === 0 ? 'block' : kindAt(reads, rule.path)
  const lawRule = state.governance.law.rules.get(uid)
  const asks = behaviour.kind === 'trigger' && behaviour.when.kind === 'question' ? behaviour.when : undefined
  return {
    uid,
    sentence: sentenceOf(context, state, record),
    owner: named(owner),
    at: placeOf(state, rule.at),
    target: targetPath(state, record),
    ...(is !== undefined && { is }),
    ...(set !== undefined && { set }),
    on: lawRule !== undefined && isOn(state, lawRule),
    behaviour: { ...behaviour },
    ...(fired && { fired }),
    ...(failed && { failed }),
    ...(dueMs !== undefined && { dueMs }),
    ...(asks && { question: { text: asks.text, count: asks.count, ...votes(named, asks.parties, yes) } }),
  }
}

function votes(
  named: (party: string) => Named,
  asked: readonly string[],
  yes: readonly string[],
  no: readonly string[] = [],
): VotesView {
  return {
    yes: yes.map(named),
    no: no.map(named),
    missing: asked.filter((party) => !yes.includes(party) && !no.includes(party)).map(named),
  }
}

/** A rule in plain language. */
export function sentenceOf(
  context: Context,
  state: ContractState,
  { rule, place }: Pick<RuleRecord, 'rule' | 'place'>,
): string {
  const named = namer(context, state.contract)
  return ruleSentence(rule, (party) => named(party).name, pathWordsFrom(place))
}

/** Paths in a sentence, from the root of the contract. */
const pathWordsFrom = (place: readonly string[]) => (names: readonly string[]) =>
  pathWords([...place, ...names])

/** Every rule in force, by UID. */
export function ruleRecords(state: ContractState): [uid: string, record: RuleRecord][] {
  return [...state.governance.law.rules.keys()].sort().flatMap((uid) => {
    const record = recordOf(state, uid, 'rule')
    return record ? [[uid, record] as [string, RuleRecord]] : []
  })
}

/** The rules about an element or what it lies in, those that are switched off too. */
export function rulesOver(state: ContractState, uid: string): [uid: string, record: RuleRecord][] {
  const { law } = state.governance
  const found = new Map<string, RuleRecord>()
  for (const { at, steps } of stepsFrom(state, lineOf(state, uid), (one) => law.anchors.has(one)))
    for (const { names } of steps)
      for (const rule of law.about.get(pathKey(at, names)) ?? []) {
        const record = recordOf(state, rule.uid, 'rule')
        if (record) found.set(rule.uid, record)
      }
  return [...found]
}

export function draftView(
  context: Context,
  state: ContractState,
  uid: string,
  record: DraftRecord,
): DraftView {
  const named = namer(context, state.contract)
  const { action, by, yes, no } = record
  const { members } = state.epoch
  const body = bodyOf(action)
  return {
    uid,
    sentence: draftSentence(
      action,
      (party) => named(party).name,
      (one) => {
        const replaced = recordOf(state, one, 'rule')
        return replaced ? sentenceOf(context, state, replaced) : one
      },
      pathWordsFrom(record.place),
      (block) =>
        lineOf(state, block)
          .slice(1)
          .map((one) => element(state, one)?.name ?? ''),
    ),
    by: named(by),
    do: action.do,
    ...(body && bodyView(state, body, record.reads)),
    ...('rule' in action && typeof action.rule === 'string' && { rule: action.rule }),
    ...(action.do === 'switch' && { set: action.set, on: action.on }),
    ...(action.do === 'template' && { at: placeOf(state, action.on) }),
    ...votes(named, members, yes, no),
    agreed: members.every((party) => yes.includes(party)),
  }
}

/** The request that made a draft; undefined where it was made before what is held here. */
export function requestOfDraft({ node }: Context, contract: string, uid: string): { request?: string } {
  const [first] = node.store.elementHistory(contract, uid, { limit: 1 })
  const request = first?.requests?.[0] ?? first?.request
  return request === undefined ? {} : { request }
}

export function bodyOf(action: DraftRecord['action']): RuleBody | undefined {
  if (action.do === 'add') return action.rule
  return action.do === 'replace' ? action.by : undefined
}

function bodyView(state: ContractState, rule: RuleBody, reads: DraftRecord['reads']) {
  const is = rule.path.length === 0 ? 'block' : kindAt(reads, rule.path)
  return {
    at: placeOf(state, rule.at),
    target: targetPath(state, { rule }),
    ...(is !== undefined && { is }),
    ...(rule.set !== undefined && { set: rule.set }),
    behaviour: { ...rule.behaviour },
  }
}

export function proposalView(
  context: Context,
  state: ContractState,
  uid: string,
  { by, on, type, value, readers, seen, yes, no }: ProposalRecord,
): ProposalView {
  const named = namer(context, state.contract)
  const asking = approvalsOver(state, lineOf(state, on))
  const asked = new Set(asking.flatMap((one) => votersOf(state, one).parties))
  const needs = asking.map((one) => {
    const { parties, count } = votersOf(state, one)
    const there = parties.filter((party) => yes.includes(party)).length
    return { rule: one.rule.uid, count, yes: there, parties: parties.map(named) }
  })
  const opening = value === undefined ? undefined : context.values(state).get(value, readers)
  const isShown = value === undefined || opening !== undefined
  return {
    uid,
    by: named(by),
    on: placeOf(state, on),
    type,
    ...(isShown && { value: opening?.value ?? null }),
    ...privacyOf(context, state.contract, readers, isShown),
    stale: seenOf(state, on) !== seen,
    ...(isApproved(state, asking, yes) && { complete: true as const }),
    needs,
    ...votes(named, [...asked], yes, no),
  }
}

/** Whether an element is another, or lies in it. */
function isWithin(state: ContractState, uid: string, above: string): boolean {
  return above === state.rootUid || lineOf(state, uid).includes(above)
}

/** Open proposals on an element and on all below it, by field. */
export function proposalRecords(
  state: ContractState,
  above: string,
): [uid: string, record: ProposalRecord][] {
  return [...state.governance.proposals].flatMap(([field, uids]) =>
    isWithin(state, field, above)
      ? uids.flatMap((uid) => {
          const record = recordOf(state, uid, 'proposal')
          return record ? [[uid, record] as [string, ProposalRecord]] : []
        })
      : [],
  )
}

/** All that waits for answers about an element, or anything below it. */
export function openVotes(context: Context, state: ContractState, above: string): VoteView[] {
  const named = namer(context, state.contract)
  const proposals = proposalRecords(state, above).map(([uid, record]): VoteView => {
    const { by, on, yes, no, missing } = proposalView(context, state, uid, record)
    return { uid, kind: 'proposal', by, about: on.path ?? on.uid, yes, no, missing }
  })
  const drafts = [...state.governance.drafts].flatMap(([uid, record]): VoteView[] => {
    const body = bodyOf(record.action)
    if (above !== state.rootUid && (body === undefined || !isAbout(state, body, above))) return []
    const { by, yes, no, missing, target } = draftView(context, state, uid, record)
    return [{ uid, kind: 'draft', by, about: target ?? '/', yes, no, missing }]
  })
  const questions = ruleRecords(state).flatMap(([uid, record]): VoteView[] => {
    const { behaviour } = record.rule
    if (behaviour.kind !== 'trigger' || behaviour.when.kind !== 'question' || record.fired) return []
    if (!isAbout(state, record.rule, above)) return []
    const { text, parties } = behaviour.when
    const said = votes(named, parties, record.yes ?? [])
    return [
      { uid, kind: 'question', by: named(record.owner), about: targetPath(state, record), text, ...said },
    ]
  })
  return [...proposals, ...drafts, ...questions]
}

/** Whether what a rule is about lies at an element or below it, or the element in it. */
function isAbout(state: ContractState, { at, path }: RuleBody, above: string): boolean {
  const line = lineOf(state, above)
  return elementsAt(state, at, path, true)
    .concat(elementsAt(state, at, path, false))
    .some((uid) => line.includes(uid) || isWithin(state, uid, above))
}

export function lockView(context: Context, state: ContractState, uid: string, lock: LockRecord): LockView {
  return {
    uid,
    by: namer(context, state.contract)(lock.by),
    on: placeOf(state, lock.on),
    fence: lock.height,
    expiresMs: lock.expiresMs,
    expired: lock.expiresMs < context.node.now(),
  }
}

export function phaseView({ governance }: ContractState) {
  const { workflow, law } = governance
  const sets = new Set(
    [...law.rules.values()].flatMap(({ rule: { set } }) => (set === undefined ? [] : [set])),
  )
  for (const one of workflow.off ?? []) sets.add(one)
  const next = law.phases[phaseIndex(law, workflow.phase)]
  return {
    phase: workflow.phase,
    phases: [...law.phases],
    ...(next !== undefined && { next }),
    publication: workflow.publication,
    sets: [...sets].sort().map((set) => ({ set, on: !workflow.off?.includes(set) })),
  }
}

export function settlementView(context: Context, state: ContractState) {
  const named = namer(context, state.contract)
  const { settlement } = state.governance
  const { members } = state.epoch
  const yes = settlement?.yes ?? []
  return {
    record: settlement?.record ?? stateRoot(state),
    confirmed: yes.map(named),
    missing: members.filter((party) => !yes.includes(party)).map(named),
    settled: settlement !== undefined && members.every((party) => yes.includes(party)),
  }
}

export function typeViews(context: Context, state: ContractState) {
  const named = namer(context, state.contract)
  return typeRecords(state).map(([uid, { by, type }]) => ({ uid, by: named(by), ...type }))
}

/** A record by its UID. @throws CountersignError `not-found` */
export function found<T>(record: T | undefined, what: string, uid: string): T {
  if (record === undefined)
    throw new CountersignError('not-found', `the contract has no ${what} ${uid} in this state`)
  return record
}
