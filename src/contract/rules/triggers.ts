/**
 * Triggers: what waits for a condition, a phase, a date or the members' answer, and then switches rule sets, blocks and phases, or
 * lets an observer in (RUL-8). Each fires once; one that waits for a condition is ready again when that has stopped being so.
 */
import type { Then, When } from '../../ledger/behaviour.ts'
import { element } from '../elements.ts'
import type { Agenda } from './agenda.ts'
import { decide, evaluate, judgedAt, setActive } from './consequences.ts'
import { isOn, type Refusal } from './gate.ts'
import type { LawRule } from './law.ts'
import { elementsAt } from './paths.ts'
import type { RuleRecord } from './records.ts'
import type { Work } from './work.ts'
import { setPhase, switchSet } from './workflow.ts'

const TRIGGERS: ReadonlySet<string> = new Set(['trigger'])

/** Looks at the triggers that wait for what was touched; true if one has fired. */
export function runTriggers(work: Work, agenda: Agenda): boolean | Refusal {
  let hasFired = false
  for (const { rule, places } of agenda.take(TRIGGERS)) {
    if (rule.rule.behaviour.kind !== 'trigger') continue
    const { when } = rule.rule.behaviour
    for (const place of [...places].sort()) {
      if (element(work.state, place) === undefined) continue
      const refused =
        when.kind === 'expression'
          ? lookAtCondition(work, agenda, rule, place)
          : when.kind === 'date'
            ? lookAtDate(work, rule, place)
            : undefined
      if (typeof refused === 'object') return refused
      hasFired ||= refused === true
    }
  }
  return hasFired
}

/** Fires every trigger that waits for this. */
export function fireWhere(
  work: Work,
  agenda: Agenda,
  isMeant: (when: When, record: RuleRecord) => boolean,
): boolean {
  let hasFired = false
  for (const rule of [...work.state.governance.law.rules.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1))) {
    const { behaviour } = rule.rule
    const record = work.record(rule.uid, 'rule')
    if (behaviour.kind !== 'trigger' || record === undefined || record.fired || !isOn(work.state, rule))
      continue
    if (!isMeant(behaviour.when, record)) continue
    fire(work, agenda, rule)
    hasFired = true
  }
  return hasFired
}

function lookAtCondition(work: Work, agenda: Agenda, rule: LawRule, place: string): boolean | Refusal {
  const result = decide(work, rule, place, judgedAt(work, rule, place), 'truth', () => {
    const run = evaluate(work, rule, place)
    return run.kind === 'over-budget' ? run : run.isTrue
  })
  if (typeof result === 'object' && result !== null)
    return { code: 'over-budget', rule: rule.uid, element: place }
  const record = work.record(rule.uid, 'rule')
  if (record === undefined || (record.fired === true) === (result === true)) return false
  if (result === true) {
    fire(work, agenda, rule)
    return true
  }
  const { fired: _, ...rest } = record
  work.put(rule.uid, rest)
  return false
}

/** The date that a trigger waits for is kept in its record: the block that comes first after it fires it (EPO-14). */
function lookAtDate(work: Work, rule: LawRule, place: string): Refusal | undefined {
  const result = decide(work, rule, place, judgedAt(work, rule, place), 'time', () => {
    const run = evaluate(work, rule, place)
    return run.kind === 'over-budget' ? run : (run.toTimeText() ?? null)
  })
  if (typeof result === 'object' && result !== null)
    return { code: 'over-budget', rule: rule.uid, element: place }
  const record = work.record(rule.uid, 'rule')
  if (record === undefined || record.fired) return undefined
  const dueMs = typeof result === 'string' ? Number(result) : undefined
  if (record.dueMs === dueMs) return undefined
  const { dueMs: _, ...rest } = record
  work.put(rule.uid, dueMs === undefined ? rest : { ...rest, dueMs })
  return undefined
}

/** Does what a trigger is for. */
export function fire(work: Work, agenda: Agenda, rule: LawRule): void {
  const record = work.record(rule.uid, 'rule')
  const { behaviour, at } = rule.rule
  if (record === undefined || behaviour.kind !== 'trigger') return
  const { dueMs: _, ...rest } = record
  work.put(rule.uid, { ...rest, fired: true })
  for (const action of behaviour.actions) carryOut(work, agenda, at, action, rule)
}

function carryOut(work: Work, agenda: Agenda, at: string, action: Then, rule: LawRule): void {
  switch (action.do) {
    case 'switch':
      switchSet(work, agenda, action.set, action.on)
      return
    case 'phase':
      setPhase(work, agenda, action.to)
      return
    case 'activate':
      for (const uid of elementsAt(work.state, at, action.target, false)) setActive(work, agenda, uid, true)
      return
    case 'admit':
      work.admissions.push({ rule: rule.uid, by: rule.owner, action })
  }
}

/** A party's answer to the question that a trigger waits for. `record` holds it. */
export function answer(work: Work, agenda: Agenda, uid: string, record: RuleRecord): Refusal | undefined {
  const { behaviour } = record.rule
  const rule = work.state.governance.law.rules.get(uid)
  if (behaviour.kind !== 'trigger' || behaviour.when.kind !== 'question' || rule === undefined)
    return { code: 'gone', rule: uid }
  const { parties, count } = behaviour.when
  if (!parties.includes(work.context.author)) return { code: 'not-asked', rule: uid }
  if (record.fired) return { code: 'gone', rule: uid }
  work.put(uid, record)
  const yes = record.yes ?? []
  if (parties.filter((party) => yes.includes(party)).length >= Math.min(count, parties.length))
    fire(work, agenda, rule)
  return undefined
}
