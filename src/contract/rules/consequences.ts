/**
 * What follows from a request by the rules in force, and whether it breaks one (RUL-3, RUL-6, RUL-7): derived fields first, in the
 * order in which they read one another, and which blocks are there; then triggers; last what must hold in the state it leads to.
 */
import type { Opening } from '../../ledger/value.ts'
import { type ContractState, element, subtreeUids } from '../elements.ts'
import { Agenda, addTouched } from './agenda.ts'
import { CHECKED_KINDS, checkRule } from './checks.ts'
import type { Run } from './expressions.ts'
import { isOn, type Refusal } from './gate.ts'
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
        next.rule.rule.behaviour.kind === 'assignment'
          ? assign(work, agenda, next.rule, place)
          : activate(work, agenda, next.rule, place)
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
    const result = decide(work, rule, uid, () => {
      const run = evaluate(work, rule, place)
      if (run.kind === 'over-budget') return run
      const value = run.toField(field.type as NonNullable<typeof field.type>)
      if (value === null) return null
      const opening: Opening = { salt: derivedSalt(uid, work.context.id, run.salts), value }
      return work.make(opening)
    })
    if (typeof result === 'object' && result !== null)
      return { code: 'over-budget', rule: rule.uid, element: uid }
    const { value: before, ...rest } = field
    if ((before ?? null) === result) continue
    work.setElement(uid, typeof result === 'string' ? { ...rest, value: result } : rest)
    agenda.addReaders(work.state, lineOf(work.state, uid), rule)
    work.noted.add(uid)
  }
  return undefined
}

function activate(work: Work, agenda: Agenda, rule: LawRule, place: string): Refusal | undefined {
  for (const uid of targetsOf(work, rule, place)) {
    const block = element(work.state, uid)
    if (block === undefined) continue
    const result = decide(work, rule, uid, () => {
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

/**
 * What a rule comes to at an element, noted for who can't tell: computed here, or taken from those who could.
 * @throws ValueNotHeld
 */
export function decide<T extends Result[2] | { kind: 'over-budget' }>(
  work: Work,
  { uid }: LawRule,
  element: string,
  compute: () => T,
): T | Result[2] {
  const key = `${uid} ${element}`
  if (work.taken !== undefined) {
    const taken = work.taken.get(key)
    if (taken === undefined) throw new ValueNotHeld(key)
    work.results.push([uid, element, taken])
    return taken
  }
  const result = compute()
  if (typeof result !== 'object' || result === null) work.results.push([uid, element, result])
  return result
}
