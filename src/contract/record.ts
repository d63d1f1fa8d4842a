/**
 * What the map of a contract holds: element records and the epoch record (PROTOCOL ELE-1, ELE-2, STA-2).
 */
import { hashJson, hashOf } from '../crypto/hash.ts'
import * as shape from '../crypto/shape.ts'
import {
  type ElementKind,
  FIELD_TYPES,
  type FieldType,
  nameShape,
  orderShape,
  readersShape,
  type TemplateMark,
  templateMarkShape,
} from '../ledger/element.ts'
import type { EpochRecord } from '../ledger/epoch.ts'
import { HELP_MAX_LENGTH, LABEL_MAX_LENGTH } from '../ledger/rule-operation.ts'
import { NO_VALUE } from '../ledger/value.ts'
import { isRuleStateRecord, type RuleStateRecord } from './rules/records.ts'

/**
 * One element. `type` and `value` (a commitment, 64 hex; without it the field is empty) stand with fields only; `parent` is a
 * UID (32 hex). readers: who may see the value, where that is not everybody. typed: UID of the named type it has. inactive: an activation rule says that it is not there (RUL-6).
 * template: what a block, with all below it, was made from (TPL-3).
 */
export type ElementRecord = {
  kind: ElementKind
  name: string
  order: string
  parent: string
  type?: FieldType
  value?: string
  readers?: readonly string[]
  typed?: string
  label?: string
  help?: string
  inactive?: true
  template?: TemplateMark
}

export type { EpochRecord } from '../ledger/epoch.ts'

/** A value of the map. */
export type StateRecord = ElementRecord | EpochRecord | RuleStateRecord

/** A UID and its new record; null where it is removed. */
export type ElementChange = [uid: string, record: StateRecord | null]

/** The parent that the root block names. */
const NO_ELEMENT = '0'.repeat(32)

/** The root block's record as every contract begins with it. */
export const ROOT_RECORD: Readonly<ElementRecord> = {
  kind: 'block',
  name: '',
  order: '0',
  parent: NO_ELEMENT,
}

/** UID of a contract's root block (ELE-1). */
export function rootUidOf(contract: string): string {
  return hashOf('meta', `root${contract}`).slice(0, 32)
}

/** UID of a contract's epoch record (ELE-1). */
export function epochUidOf(contract: string): string {
  return hashOf('meta', `epoch${contract}`).slice(0, 32)
}

/** UID of the record that says in which phase a contract is (ELE-1). */
export function workflowUidOf(contract: string): string {
  return hashOf('meta', `workflow${contract}`).slice(0, 32)
}

/** UID of the record of what members confirm (ELE-1). */
export function settlementUidOf(contract: string): string {
  return hashOf('meta', `settlement${contract}`).slice(0, 32)
}

/** Whether a record is an element's. */
export function isElement(record: StateRecord | undefined): record is ElementRecord {
  if (record === undefined || !('kind' in record)) return false
  return record.kind === 'field' || record.kind === 'block' || record.kind === 'list'
}

/** Whether a record is one of those around the elements (STA-3). */
export function isRuleRecord(record: StateRecord | undefined): record is RuleStateRecord {
  return record !== undefined && 'kind' in record && isRuleStateRecord(record)
}

/** The commitment that a record holds: a field's value, or one that is proposed for it. */
export function commitmentIn(record: StateRecord | null | undefined): string | undefined {
  if (record === null || record === undefined) return undefined
  if (isElement(record)) return record.value
  return isRuleRecord(record) && record.kind === 'proposal' ? record.value : undefined
}

/** Likewise, of a value that everybody may see. */
export function shownCommitmentIn(record: StateRecord | null | undefined): string | undefined {
  const isPrivate = record !== null && record !== undefined && 'readers' in record
  return isPrivate ? undefined : commitmentIn(record)
}

/** A record's hash, 64 hex digits: what the map commits to, and what effects list. */
export function recordHash(record: StateRecord): string {
  return hashJson(isElement(record) ? 'element' : 'meta', record)
}

/** What `set` and `delete` name of a field as `seen` (REQ-3): its commitment, 64 zeros while it is empty. */
export function versionOf({ value }: ElementRecord): string {
  return value ?? NO_VALUE
}

/** Whether two records, or the absence of one, are the same. */
export function isSameRecord(first: StateRecord | undefined, second: StateRecord | undefined): boolean {
  if (first === second) return true
  if (first === undefined || second === undefined) return false
  if (!isElement(first) || !isElement(second))
    return !isElement(first) && !isElement(second) && recordHash(first) === recordHash(second)
  return (
    first.value === second.value &&
    first.type === second.type &&
    first.kind === second.kind &&
    first.parent === second.parent &&
    first.order === second.order &&
    first.name === second.name &&
    first.typed === second.typed &&
    first.label === second.label &&
    first.help === second.help &&
    first.inactive === second.inactive &&
    first.readers?.join() === second.readers?.join() &&
    first.template?.hash === second.template?.hash &&
    first.template?.edition === second.template?.edition
  )
}

const place = { name: nameShape, order: orderShape, parent: shape.uid }
const words = {
  typed: shape.uid,
  label: shape.string(LABEL_MAX_LENGTH, 1),
  help: shape.string(HELP_MAX_LENGTH, 1),
}
const blockShape = shape.object(
  { kind: shape.literal('block', 'list'), ...place },
  { ...words, inactive: shape.literal(true), template: templateMarkShape },
)
/** Of the root block only its words, and what it was made from, ever change. */
const rootShape = shape.object(
  {
    kind: shape.literal('block'),
    name: shape.literal(''),
    order: shape.literal('0'),
    parent: shape.literal(NO_ELEMENT),
  },
  { label: words.label, help: words.help, inactive: shape.literal(true), template: templateMarkShape },
)
const fieldShape = shape.object(
  { kind: shape.literal('field'), ...place, type: shape.literal(...FIELD_TYPES) },
  { ...words, value: shape.hash, readers: readersShape },
)

/** Checks the record of a root block that came from a store. @throws CountersignError `bad-format` */
export const checkRootRecord = rootShape as shape.Check<ElementRecord>

/** Checks an element record that came from a store. @throws CountersignError `bad-format` */
export function checkElementRecord(value: unknown, where: string): ElementRecord {
  const isField = (value as { kind?: unknown } | null)?.kind === 'field'
  return isField ? fieldShape(value, where) : blockShape(value, where)
}
