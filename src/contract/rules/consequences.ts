/**
 * What follows from a request by the rules in force, and whether it breaks one (RUL-3, RUL-6, RUL-7): derived fields first, in the
 * order in which they read one another, and which blocks are there; then triggers; last what must hold in the state it leads to.
 */
import type { Aggregate } from '../../ledger/behaviour.ts'
import type { FieldType } from '../../ledger/element.ts'
import type { JudgedResult } from '../../ledger/judgement.ts'
import { type ContractState, element, subtreeUids } from '../elements.ts'
import { withoutValue } from '../outcome.ts'
import { Agenda, addTouched } from './agenda.ts'
import { aggregate, aggregated, groupsOf } from './aggregate.ts'
import { CHECKED_KINDS, checkRule } from './checks.ts'
import { type Run, readBy } from './expressions.ts'
import { isOn, type Refusal, readersAt } from './gate.ts'
import { type AnswerKind, isAnswer, type Judged, judgedOf, membersAmong, type Question } from './judging.ts'
import type { LawRule } from './law.ts'
import { isAboutItems } from './law.ts'
import { elementsAt, lineOf } from './paths.ts'
import { derivedSalt } from './salt.ts'
import { runTriggers } from './triggers.ts'
import { type Result, ValueNotHeld, type Work } from './work.ts'

/** Times that rules may change what others wait for, in one request. */
const ROUNDS_MAX = 64

/** Carries out what follows from what was touched so far, and checks what must hold. */
export function followUp(work: Work, agenda: Agenda = new Agenda()): Refusal | undefined {
  const note = (): void => {
    const fresh = [...work.touched].filter((uid) => !work.noted.has(uid))
    for (const uid of fresh) work.noted.add(uid)
    addTouched(agenda, work.before, work.state, fresh)
  }
  note()
  for (let round = 0; ; round += 1) {
    if (round === ROUNDS_MAX) return { code: 'trigger-loop' }
    const refused = compute(work, agenda)
    if (refused) return refused
    const fired = runTriggers(work, agenda)
    if (typeof fired === 'object') return fired
    note()
    if (!fired) break
  }
  if (work.taken !== undefined) return undefined
  for (const { rule, places } of agenda.take(CHECKED_KINDS)) {
    // What the request itself has switched off, or repealed, stands against nothing.
    if (!isInForce(work.state, rule)) continue
    for (const place of [...places].sort()) {
      if (element(work.state, place) === undefined) continue
      const refused = checkRule(work, rule, place)
      if (refused) return refused
    }
  }
  return undefined
}

function isInForce(state: ContractState, rule: LawRule): boolean {
  return state.governance.law.rules.has(rule.uid) && isOn(state, rule)
}

/** Derived fields and blocks that come and go, until nothing changes; the law's order makes one pass enough. */
function compute(work: Work, agenda: Agenda): Refusal | undefined {
  for (;;) {
    const next = agenda.nextComputing(work.state.governance.law.rank)
    if (next === undefined) return undefined
    for (const place of [...next.places].sort()) {
      if (element(work.state, place) === undefined) continue
      const refused =
        next.rule.rule.behaviour.kind === 'activation'
          ? activate(work, agenda, next.rule, place)
          : assign(work, agenda, next.rule, place)
      if (refused) return refused
    }
  }
}

/** What a rule is about, seen from where it is looked at. */
export function targetsOf(work: Work, { rule, here }: LawRule, place: string): string[] {
  return elementsAt(work.state, place, rule.path.slice(here.length), isAboutItems(rule.behaviour))
}

function assign(work: Work, agenda: Agenda, rule: LawRule, place: string): Refusal | undefined {
  for (const uid of targetsOf(work, rule, place)) {
    const field = element(work.state, uid)
    if (field?.kind !== 'field' || field.type === undefined) continue
    const computed = valueFor(work, rule, place, uid, field.type)
    if ('code' in computed) return computed
    const { result, readers } = computed
    if ((field.value ?? null) === result && field.readers?.join() === readers?.join()) continue
    const type = field.type
    const held = typeof result === 'string' && { value: result, ...(readers !== undefined && { readers }) }
    work.setElement(uid, { ...withoutValue(field), type, ...held })
    agenda.addReaders(work.state, lineOf(work.state, uid), rule)
    work.noted.add(uid)
  }
  return undefined
}

type Computed = { result: Result[2]; readers?: readonly string[] }

/** What a field is computed to hold, and who may see it where not everybody may. */
function valueFor(
  work: Work,
  rule: LawRule,
  place: string,
  uid: string,
  type: FieldType,
): Computed | Refusal {
  const { behaviour } = rule.rule
  if (behaviour.kind === 'aggregate') return aggregatedFor(work, rule, behaviour, uid, type)
  // A result of the field's type is none of another's.
  const judged = judgedAt(work, rule, place, [[uid, type]])
  const readers = judged && readersAt(work.state, lineOf(work.state, uid), work.context.timeMs)
  // Whoever sees what is computed could tell something of what it is computed from.
  if (judged && (readers === undefined || readers.some((party) => !judged.readers.includes(party))))
    return { code: 'would-reveal', rule: rule.uid, element: uid }
  const result = decide(work, rule, uid, judged, 'commitment', () => {
    const run = evaluate(work, rule, place)
    if (run.kind === 'over-budget') return run
    const value = run.toField(type)
    if (value === null) return null
    const salt = derivedSalt(uid, work.context.id, run.salts)
    return work.make({ salt, value, ...(judged && { of: uid }) })
  })
  if (typeof result === 'object' && result !== null)
    return { code: 'over-budget', rule: rule.uid, element: uid }
  return { result, ...(readers !== undefined && result !== null && { readers }) }
}

function aggregatedFor(
  work: Work,
  rule: LawRule,
  behaviour: Aggregate,
  uid: string,
  type: FieldType,
): Computed | Refusal {
  const { state, context } = work
  if (readersAt(state, lineOf(state, uid), context.timeMs) !== undefined)
    return { code: 'would-reveal', rule: rule.uid, element: uid }
  const { at } = rule.rule
  const { reader } = behaviour
  const fields = aggregated(work, at, behaviour)
  if (groupsOf(fields, reader) < behaviour.atLeast) return { result: null }
  const all = judgedOf(state, () => fields.map((one) => one.uid), [[uid, type]])
  const judged = all && {
    ...all,
    judges: all.readers.includes(reader) ? membersAmong(state, [reader]) : [],
  }
  const result = decide(work, rule, uid, judged, 'commitment', () => {
    const { value, salts } = aggregate(work, behaviour, fields, type)
    return value === null ? null : work.make({ salt: derivedSalt(uid, context.id, salts), value })
  })
  if (typeof result !== 'string' || work.taken !== undefined) return { result: result as Result[2] }
  // Its reader alone could compute it: everybody else looks at what it says it is.
  if (!work.judge.reveals(result) || !work.isOfType(type, result))
    return { code: 'judgement-outdated', rule: rule.uid, element: uid }
  return { result }
}

function activate(work: Work, agenda: Agenda, rule: LawRule, place: string): Refusal | undefined {
  for (const uid of targetsOf(work, rule, place)) {
    const block = element(work.state, uid)
    if (block === undefined) continue
    const result = decide(work, rule, uid, judgedAt(work, rule, place), 'truth', () => {
      const run = evaluate(work, rule, place)
      return run.kind === 'over-budget' ? run : run.isTrue
    })
    if (typeof result === 'object' && result !== null)
      return { code: 'over-budget', rule: rule.uid, element: uid }
    setActive(work, agenda, uid, result === true)
  }
  return undefined
}

/** Switches a block on or off. What reads something below it reads it anew. */
export function setActive(work: Work, agenda: Agenda, uid: string, isActive: boolean): void {
  const block = element(work.state, uid)
  if (block === undefined || (block.inactive !== true) === isActive) return
  const { inactive: _, ...rest } = block
  work.setElement(uid, isActive ? rest : { ...rest, inactive: true })
  work.noted.add(uid)
  for (const below of subtreeUids(work.state, uid)) agenda.addReaders(work.state, lineOf(work.state, below))
}

/** Evaluates a rule's expression at a place. @throws ValueNotHeld */
export function evaluate(work: Work, { program }: LawRule, place: string): Run {
  work.evaluations += 1
  return (program as NonNullable<typeof program>).run(work, place)
}

/** What a rule reads at a place that not everybody may see; undefined where everybody may. more: what its result goes by beside. */
export function judgedAt(
  work: Work,
  { program, rule }: LawRule,
  place: string,
  more: readonly (readonly [uid: string, what: string])[] = [],
): Judged | undefined {
  return program && judgedOf(work.state, () => readBy(work, program, rule.at, place), more)
}

/**
 * What a rule comes to at an element, noted for who can't tell: computed here, judged by those who can see what it reads, or taken
 * from the block.
 * @throws ValueNotHeld, NotJudged, Refused
 */
export function decide<T extends Result[2] | { kind: 'over-budget' }>(
  work: Work,
  { uid }: LawRule,
  element: string,
  judged: Judged | undefined,
  asks: AnswerKind,
  compute: () => T,
): T | Result[2] {
  if (work.taken !== undefined) {
    const taken = work.taken.take(uid, element)
    if (!isAnswer(taken, asks)) throw new ValueNotHeld(`${uid} ${element}`)
    work.results.push([uid, element, taken])
    return taken
  }
  const result = judged ? answered(work, { ...judged, rule: uid, element, asks }, compute) : compute()
  if (typeof result !== 'object' || result === null) work.results.push([uid, element, result])
  return result
}

/** What those who judge say; computed by them alone. What is too much to compute comes to nothing. */
export function answered(
  work: Work,
  question: Question,
  compute: () => JudgedResult | { kind: 'over-budget' },
  otherwise?: JudgedResult,
): JudgedResult {
  const own = (): JudgedResult => {
    const result = work.privately(compute)
    return typeof result === 'object' ? null : result
  }
  return work.judge.answer(question, own, otherwise)
}

/** Whether something holds, computed here or judged by those who can see what it reads. */
export function holds(
  work: Work,
  { rule, element }: Pick<Question, 'rule' | 'element'>,
  judged: Judged | undefined,
  compute: () => boolean,
): boolean {
  if (judged === undefined) return compute()
  // If it does not hold, the request ends here.
  return answered(work, { ...judged, rule, element, asks: 'truth' }, compute, true) === true
}
