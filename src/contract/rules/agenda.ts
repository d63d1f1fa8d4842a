/**
 * Which rules have to be looked at, and where, since something they read or are about was touched (RUL-3): the rest stays as it
 * was. What was touched is followed to the rules by its path, in the state before and in the one after.
 */
import { type ContractState, element } from '../elements.ts'
import { isOn } from './gate.ts'
import type { LawRule } from './law.ts'
import { elementsAt, lineOf, pathKey, type Step, stepsFrom } from './paths.ts'
import { isComputing } from './rank.ts'

/** Rules by UID, each with the elements at which it has to be looked at. */
export class Agenda {
  readonly #waiting = new Map<string, { rule: LawRule; places: Set<string> }>()

  add(rule: LawRule, place: string): void {
    const found = this.#waiting.get(rule.uid)
    if (found === undefined) this.#waiting.set(rule.uid, { rule, places: new Set([place]) })
    else found.places.add(place)
  }

  /** A rule wherever it applies. */
  addAll(state: ContractState, rule: LawRule): void {
    for (const place of elementsAt(state, rule.rule.at, rule.here, true)) this.add(rule, place)
  }

  /**
   * Every rule that reads an element or is about it.
   * @param line of the element in this state
   * @param but the rule that has just computed it
   */
  addReaders(state: ContractState, line: readonly string[], but?: LawRule): void {
    const { law } = state.governance
    for (const { at, steps } of stepsFrom(state, line, (uid) => law.anchors.has(uid))) {
      const { names } = steps.at(-1) as Step
      for (const { rule, here } of law.reading.get(pathKey(at, names)) ?? []) {
        if (rule === but || !isOn(state, rule)) continue
        if (here === undefined) this.addAll(state, rule)
        else {
          const place = placeAmong(state, steps, here.length)
          if (place !== undefined) this.add(rule, place)
        }
      }
    }
  }

  /** Takes out the rule that has to be computed first; those that only check stay. */
  nextComputing(rank: ReadonlyMap<string, number>): { rule: LawRule; places: Set<string> } | undefined {
    let first: { rule: LawRule; places: Set<string> } | undefined
    for (const one of this.#waiting.values())
      if (isComputing(one.rule) && (!first || rankOfRule(rank, one.rule) < rankOfRule(rank, first.rule)))
        first = one
    if (first) this.#waiting.delete(first.rule.uid)
    return first
  }

  /** Takes out the rules of these kinds, by UID. */
  take(kinds: ReadonlySet<string>): { rule: LawRule; places: Set<string> }[] {
    const taken = [...this.#waiting.values()]
      .filter(({ rule }) => kinds.has(rule.rule.behaviour.kind))
      .sort((a, b) => (a.rule.uid < b.rule.uid ? -1 : 1))
    for (const { rule } of taken) this.#waiting.delete(rule.uid)
    return taken
  }
}

function rankOfRule(rank: ReadonlyMap<string, number>, { uid }: LawRule): number {
  return rank.get(uid) ?? 0
}

/** The last of the steps with so many names that is no list: where a rule is looked at. */
function placeAmong(state: ContractState, steps: readonly Step[], length: number): string | undefined {
  return steps.findLast(({ uid, names }) => names.length === length && element(state, uid)?.kind !== 'list')
    ?.uid
}

/** Everything that a request has touched so far, to the rules that it matters to. */
export function addTouched(
  agenda: Agenda,
  before: ContractState,
  after: ContractState,
  touched: Iterable<string>,
): void {
  if (after.governance.law.rules.size === 0) return
  for (const uid of touched) {
    const earlier = lineOf(before, uid)
    const now = lineOf(after, uid)
    if (now.length > 0) agenda.addReaders(after, now)
    const isSamePlace = earlier.length === now.length && earlier.every((one, index) => one === now[index])
    // Where it was before, rules may have read it too; names on the way don't change while rules need them.
    if (earlier.length > 0 && !isSamePlace)
      agenda.addReaders({ ...before, governance: after.governance }, earlier)
  }
}
