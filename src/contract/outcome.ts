/**
 * One operation on a state: what it does, or why it can't (PROTOCOL REQ-4, VAL-3). docs/outcomes.md says the same in words.
 */
import { CountersignError } from '../crypto/errors.ts'
import { checkValue } from '../document/types.ts'
import type {
  CreateOperation,
  DeleteOperation,
  ElementOperation,
  FieldType,
  SetOperation,
} from '../ledger/request.ts'
import type { Opening, Value } from '../ledger/value.ts'
import {
  type ContractState,
  DEPTH_MAX,
  element,
  isTaken,
  seenOf,
  subtreeUids,
  withElement,
  withField,
  withoutSubtree,
} from './elements.ts'
import { type ElementRecord, versionOf } from './record.ts'
import { RULE_CODES, type RuleCode } from './rules/codes.ts'

/** Why a request is not accepted, and what its outcome is then. The codes stand in ledger blocks: they never change. */
export const OUTCOME_CODES = {
  'element-gone': 'conflicted',
  'not-a-block': 'rejected',
  'not-a-field': 'rejected',
  'parent-gone': 'conflicted',
  'root-undeletable': 'rejected',
  'stale-version': 'conflicted',
  'too-deep': 'rejected',
  'uid-in-use': 'rejected',
  'wrong-type': 'rejected',
} as const satisfies Record<string, 'conflicted' | 'rejected'>

/** A code of a request that is not accepted. */
export type OutcomeCode = keyof typeof OUTCOME_CODES | RuleCode

/** What the outcome of a request is that is not accepted. */
export function outcomeOf(code: OutcomeCode): 'conflicted' | 'rejected' {
  return { ...OUTCOME_CODES, ...RULE_CODES }[code]
}

/** Openings by their commitment; a Map will do. */
export type OpeningSource = Pick<ReadonlyMap<string, Opening>, 'get'>

/** The state after an operation with the UIDs whose records it touched, or the code of what is wrong with it. */
export type Stepped = { state: ContractState; touched: readonly string[] } | { code: OutcomeCode }

/** Whether the value that a commitment stands for is of a type. */
export type TypeCheck = (type: FieldType, commitment: string) => boolean

/**
 * Looks at the value of each commitment once: 30,000 operations of a request may name the same text of 1 MiB.
 * @param openings must hold the opening of every commitment asked for
 */
export function typeCheck(openings: OpeningSource): TypeCheck {
  const known = new Map<string, boolean>()
  return (type, commitment) => {
    const key = `${type} ${commitment}`
    let isOfType = known.get(key)
    if (isOfType === undefined) {
      const { value, of } = openings.get(commitment) as Opening
      isOfType = of === undefined && isValueOfType(type, value)
      known.set(key, isOfType)
    }
    return isOfType
  }
}

/** Applies one operation. Of several things wrong with it the one that is named first below decides. */
export function step(state: ContractState, operation: ElementOperation, isOfType: TypeCheck): Stepped {
  switch (operation.op) {
    case 'create':
      return create(state, operation, isOfType)
    case 'set':
      return set(state, operation, isOfType)
    case 'delete':
      return remove(state, operation)
  }
}

function create(state: ContractState, operation: CreateOperation, isOfType: TypeCheck): Stepped {
  const { uid, parent, name, kind, order, type, value, readers, typed, label, help } = operation
  if (type !== undefined && value !== undefined && !isOfType(type, value)) return { code: 'wrong-type' }
  if (isTaken(state, uid)) return { code: 'uid-in-use' }
  if (!state.map.has(parent)) return { code: 'parent-gone' }
  const siblings = state.children.get(parent)
  if (siblings === undefined) return { code: 'not-a-block' }
  if (siblings.depth >= DEPTH_MAX) return { code: 'too-deep' }
  const words = {
    ...(typed !== undefined && { typed }),
    ...(label !== undefined && { label }),
    ...(help !== undefined && { help }),
  }
  const place = { kind, name, order, parent, ...words }
  const record: ElementRecord =
    kind === 'field' && type !== undefined ? { ...place, ...contentOf(type, value, readers) } : place
  return { state: withElement(state, uid, record), touched: [uid] }
}

function set(state: ContractState, operation: SetOperation, isOfType: TypeCheck): Stepped {
  const { uid, seen, type, value, readers } = operation
  if (value !== undefined && !isOfType(type, value)) return { code: 'wrong-type' }
  if (!state.map.has(uid)) return { code: 'element-gone' }
  const record = element(state, uid)
  if (record?.kind !== 'field') return { code: 'not-a-field' }
  if (versionOf(record) !== seen) return { code: 'stale-version' }
  const after: ElementRecord = { ...withoutValue(record), ...contentOf(type, value, readers) }
  return { state: withField(state, uid, after), touched: [uid] }
}

/** What a field holds: without `value`, nothing. */
function contentOf(
  type: FieldType,
  value: string | undefined,
  readers: readonly string[] | undefined,
): Pick<ElementRecord, 'type' | 'value' | 'readers'> {
  if (value === undefined) return { type }
  return readers === undefined ? { type, value } : { type, value, readers }
}

/** A field's record but for what it holds, and who may see that. */
export function withoutValue({ type: _, value: __, readers: ___, ...rest }: ElementRecord): ElementRecord {
  return rest
}

function remove(state: ContractState, { uid, seen }: DeleteOperation): Stepped {
  if (uid === state.rootUid || uid === state.epochUid) return { code: 'root-undeletable' }
  const record = element(state, uid)
  if (record === undefined) return { code: 'element-gone' }
  if (seen !== seenOf(state, uid)) return { code: 'stale-version' }
  const touched = subtreeUids(state, uid)
  return { state: withoutSubtree(state, touched), touched }
}

/** Whether a value has the strict form of a type; see `checkValue`. */
export function isValueOfType(type: FieldType, value: Value): boolean {
  try {
    checkValue(type, value)
    return true
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}
