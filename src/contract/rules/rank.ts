/**
 * The order in which rules compute: what others read comes first, so that each is looked at once however they hang together
 * (PROTOCOL RUL-3). A circle has no such order.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { Names } from '../../ledger/behaviour.ts'
import type { LawRule } from './law.ts'
import { pathKey } from './paths.ts'

/** Whether a rule gives a field its value, or decides whether a block is there. */
export function isComputing({ rule: { behaviour } }: LawRule): boolean {
  return behaviour.kind === 'assignment' || behaviour.kind === 'aggregate' || behaviour.kind === 'activation'
}

/**
 * Each computing rule's place in the order; of two that don't hang together the one with the lower UID is first.
 * @throws CountersignError `bad-rule` naming the rules of a circle, or two that compute the same
 */
export function rankOf(rules: Iterable<LawRule>): Map<string, number> {
  const computing = [...rules].filter(isComputing).sort((a, b) => (a.uid < b.uid ? 1 : -1))
  refuseTwo(computing)
  const reading = readingBy(computing)
  const done = new Set<string>()
  const placed: string[] = []
  for (const first of computing) {
    // Depth first without recursion: a chain of rules may be as long as there are rules.
    const way: { rule: LawRule; next: LawRule[] }[] = []
    const onWay = new Set<string>()
    const enter = (rule: LawRule): void => {
      if (done.has(rule.uid)) return
      if (onWay.has(rule.uid))
        throw circle(
          way.map((step) => step.rule.uid),
          rule.uid,
        )
      onWay.add(rule.uid)
      way.push({ rule, next: reading(rule) })
    }
    enter(first)
    for (let step = way.at(-1); step !== undefined; step = way.at(-1)) {
      const next = step.next.pop()
      if (next !== undefined) {
        enter(next)
        continue
      }
      way.pop()
      onWay.delete(step.rule.uid)
      done.add(step.rule.uid)
      placed.push(step.rule.uid)
    }
  }
  return new Map(placed.reverse().map((uid, index) => [uid, index]))
}

/** What is computed is computed by one rule. */
function refuseTwo(computing: readonly LawRule[]): void {
  const targets = new Map<string, string>()
  for (const { uid, place, rule } of computing) {
    const kind = rule.behaviour.kind === 'aggregate' ? 'assignment' : rule.behaviour.kind
    const target = pathKey(kind, [...place, rule.at, ...rule.path])
    const other = targets.get(target)
    if (other !== undefined)
      throw new CountersignError(
        'bad-rule',
        `the rules ${other} and ${uid} compute the same: repeal one of them`,
        { rules: [other, uid] },
      )
    targets.set(target, uid)
  }
}

/** Which of the rules read what one of them computes. */
function readingBy(computing: readonly LawRule[]): (rule: LawRule) => LawRule[] {
  const exactly = new Map<string, Set<LawRule>>()
  const through = new Map<string, Set<LawRule>>()
  for (const rule of computing)
    for (const path of inputsOf(rule)) {
      add(exactly, path, rule)
      for (let length = 0; length <= path.length; length += 1) add(through, path.slice(0, length), rule)
    }
  return ({ place, rule: { path, behaviour } }) => {
    const found = behaviour.kind === 'activation' ? through : exactly
    return [...(found.get(pathKey('', [...place, ...path])) ?? [])]
  }
}

function add(map: Map<string, Set<LawRule>>, path: Names, rule: LawRule): void {
  const key = pathKey('', path)
  const rules = map.get(key)
  if (rules === undefined) map.set(key, new Set([rule]))
  else rules.add(rule)
}

/** What a rule's expression reads, from the root of the contract. */
function inputsOf({ place, here, program, rule: { behaviour } }: LawRule): Names[] {
  if (behaviour.kind === 'aggregate') return [[...place, ...behaviour.over]]
  return (program?.inputs ?? []).map(({ from, path }) =>
    from === 'root' ? [...place, ...path] : [...place, ...here, ...path],
  )
}

function circle(way: readonly string[], back: string): CountersignError {
  const rules = way.slice(way.indexOf(back))
  return new CountersignError(
    'bad-rule',
    `the rules ${rules.join(', ')} compute from one another in a circle: have one of them typed in`,
    { rules },
  )
}
