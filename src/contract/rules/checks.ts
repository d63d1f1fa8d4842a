/** What must hold in the state that a request leads to: limits, what is required and unique, and constraints (RUL-6). */
import type { Limits, Unique } from '../../ledger/behaviour.ts'
import type { FieldType } from '../../ledger/element.ts'
import type { TypeBody } from '../../ledger/rule-operation.ts'
import type { Value } from '../../ledger/value.ts'
import { type ContractState, childCount, element } from '../elements.ts'
import { isWithin, matchesPattern, valueKey } from './compare.ts'
import { evaluate, holds, judgedAt, targetsOf } from './consequences.ts'
import { isInactive, phaseIndex, type Refusal } from './gate.ts'
import { type Judged, judgedOf } from './judging.ts'
import type { LawRule } from './law.ts'
import { elementsAt, lineOf } from './paths.ts'
import type { Work } from './work.ts'

/** Kinds of rules that only check. */
export const CHECKED_KINDS: ReadonlySet<string> = new Set(['limits', 'required', 'unique', 'constraint'])

/** Whether a rule holds where it is looked at. @throws ValueNotHeld */
export function checkRule(work: Work, rule: LawRule, place: string): Refusal | undefined {
  const { behaviour } = rule.rule
  if (isInactive(work.state, lineOf(work.state, place))) return undefined
  switch (behaviour.kind) {
    case 'limits':
      return checkLimits(work, rule, behaviour, place)
    case 'required':
      return checkRequired(work, rule, place)
    case 'unique':
      return checkUnique(work, rule, behaviour, place)
    case 'constraint': {
      const judged = judgedAt(work, rule, place)
      if (judged) return checkJudgedConstraint(work, rule, place, judged)
      const run = evaluate(work, rule, place)
      if (run.kind === 'over-budget') return { code: 'over-budget', rule: rule.uid, element: place }
      return run.isFalse ? { code: 'constraint-broken', rule: rule.uid, element: place } : undefined
    }
    default:
      return undefined
  }
}

/** What can't be computed within its budget is not let through by those who alone could tell. */
function checkJudgedConstraint(
  work: Work,
  rule: LawRule,
  place: string,
  judged: Judged,
): Refusal | undefined {
  const isKept = holds(work, { rule: rule.uid, element: place }, judged, () => {
    const run = evaluate(work, rule, place)
    return run.kind !== 'over-budget' && !run.isFalse
  })
  return isKept ? undefined : { code: 'constraint-broken', rule: rule.uid, element: place }
}

function checkLimits(work: Work, rule: LawRule, limits: Limits, place: string): Refusal | undefined {
  for (const uid of targetsOf(work, rule, place)) {
    const { type, value, readers, inactive } = element(work.state, uid) ?? {}
    if (type === undefined || value === undefined || inactive) continue
    const judged = judgedOf(work.state, () => [uid])
    const isKept = holds(work, { rule: rule.uid, element: uid }, judged, () =>
      isWithinLimits(limits, type, work.valueOf({ value, readers }).value),
    )
    if (!isKept) return { code: 'limits-broken', rule: rule.uid, element: uid }
  }
  return undefined
}

/** Whether a value keeps every limit that a rule, or a named type, sets. */
export function isWithinLimits(
  limits: Omit<Limits, 'kind'> | TypeBody,
  type: FieldType,
  value: Value,
): boolean {
  if (value === null) return true
  const { min, max, minLength, maxLength, pattern, oneOf } = limits
  const demanded = 'base' in limits ? limits.base : (limits as Limits).type
  if (demanded !== undefined && demanded !== type && !(demanded === 'decimal' && type === 'integer'))
    return false
  if (!isWithin(type, value, min, max)) return false
  const text = String(value)
  if (minLength !== undefined || maxLength !== undefined) {
    const length = [...text].length
    if (length < (minLength ?? 0) || length > (maxLength ?? Number.POSITIVE_INFINITY)) return false
  }
  if (pattern !== undefined && !matchesPattern(pattern, text)) return false
  return oneOf === undefined || oneOf.includes(text)
}

/** Whether something that a rule requires is missing now. */
export function isMissing(state: ContractState, rule: LawRule, place: string): boolean {
  const found = elementsAt(state, place, rule.rule.path.slice(rule.here.length), false).filter(
    (uid) => element(state, uid)?.inactive !== true,
  )
  return found.length === 0 || found.some((uid) => isEmpty(state, uid))
}

function isEmpty(state: ContractState, uid: string): boolean {
  const record = element(state, uid)
  if (record?.kind === 'field') return record.value === undefined
  return record?.kind === 'list' && childCount(state, uid) === 0
}

/** From its phase on it must be there; before, what is there is not taken away. */
function checkRequired(work: Work, rule: LawRule, place: string): Refusal | undefined {
  if (!isMissing(work.state, rule, place)) return undefined
  const refusal: Refusal = { code: 'required-missing', rule: rule.uid, element: place }
  if (isDue(work.state, rule)) return refusal
  const wasThere = element(work.before, place) !== undefined && !isMissing(work.before, rule, place)
  return wasThere ? refusal : undefined
}

/** Whether the phase has come from which on a rule requires something. */
export function isDue(
  { governance: { law, workflow } }: ContractState,
  { rule: { behaviour } }: LawRule,
): boolean {
  if (behaviour.kind !== 'required' || behaviour.from === undefined) return false
  return phaseIndex(law, workflow.phase) >= phaseIndex(law, behaviour.from)
}

function checkUnique(work: Work, rule: LawRule, { by }: Unique, place: string): Refusal | undefined {
  const { state } = work
  const fields = elementsAt(state, place, rule.rule.path.slice(rule.here.length), true).flatMap((item) =>
    elementsAt(state, item, by, true),
  )
  const judged = judgedOf(state, () => fields)
  if (judged === undefined) {
    const second = firstRepeated(work, fields)
    return second === undefined ? undefined : { code: 'not-unique', rule: rule.uid, element: second }
  }
  const isKept = holds(work, { rule: rule.uid, element: place }, judged, () => !firstRepeated(work, fields))
  return isKept ? undefined : { code: 'not-unique', rule: rule.uid, element: place }
}

/** The first field that holds the same as one before it. */
function firstRepeated(work: Work, fields: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const uid of fields) {
    const { type, value, readers } = element(work.state, uid) ?? {}
    if (type === undefined || value === undefined) continue
    const key = valueKey(type, work.valueOf({ value, readers }).value)
    if (seen.has(key)) return uid
    seen.add(key)
  }
  return undefined
}
