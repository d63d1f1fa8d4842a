/**
 * Records of the state beside those of elements and the epoch (PROTOCOL STA-3): named types, rules and what is drafted of them,
 * proposals and their votes, locks, the phase, and what members have confirmed.
 */
import { CountersignError } from '../../crypto/errors.ts'
import * as shape from '../../crypto/shape.ts'
import { type RuleBody, ruleBodyShape } from '../../ledger/behaviour.ts'
import { FIELD_TYPES, type FieldType, nameShape, readersShape } from '../../ledger/element.ts'
import {
  type DraftAction,
  draftActionShape,
  type TypeBody,
  typeBodyShape,
} from '../../ledger/rule-operation.ts'

export type TypeRecord = { kind: 'type'; by: string; type: TypeBody }
/** What stood at a path, from the anchor, when the rule was drafted, and stays so: `block`, a field type, or a list of them. */
export type ReadPath = [names: string[], is: PathKind]
export type PathKind = 'block' | FieldType | 'list of block' | `list of ${FieldType}`
/**
 * A rule in force. reads: what its paths lead to; place: names from the root to its anchor. fired: what its trigger waits for is so, and it has fired; dueMs: first block time at which it does;
 * yes: who has said yes to its question.
 */
export type RuleRecord = {
  kind: 'rule'
  owner: string
  rule: RuleBody
  reads: ReadPath[]
  place: string[]
  fired?: true
  dueMs?: number
  yes?: string[]
  /** What it was to do when it fired at its date broke a rule, and was not done. */
  failed?: true
}
/** yes, no: members, in ledger order; its author's yes stands from the first. */
export type DraftRecord = {
  kind: 'draft'
  by: string
  action: DraftAction
  owner?: string
  reads: ReadPath[]
  place: string[]
  yes: string[]
  no?: string[]
}
/** on: UID of the field. seen: the version that its author saw. value: its commitment; without it the field is to be empty. readers: as in an element's. */
export type ProposalRecord = {
  kind: 'proposal'
  by: string
  on: string
  type: FieldType
  value?: string
  readers?: readonly string[]
  seen: string
  yes: string[]
  no?: string[]
}
/** height: of the ledger block since which it is held without a break. */
export type LockRecord = { kind: 'lock'; by: string; on: string; height: number; expiresMs: number }
/** off: rule sets that are switched off. publication: how often rules were published. */
export type WorkflowRecord = { kind: 'workflow'; phase: string; publication: number; off?: string[] }
/** record: the record hash before the first of these confirmed it. */
export type SettlementRecord = { kind: 'settlement'; record: string; yes: string[] }

export type RuleStateRecord =
  | TypeRecord
  | RuleRecord
  | DraftRecord
  | ProposalRecord
  | LockRecord
  | WorkflowRecord
  | SettlementRecord

/** Paths that one rule may need. */
export const READS_MAX = 1000

const parties = shape.array(shape.hash, 256)
const KINDS = [...FIELD_TYPES, 'block'] as const
const pathKind = shape.literal(...KINDS, ...KINDS.map((kind) => `list of ${kind}` as const))
const pathNames = shape.array(nameShape, 128)
const readPath: shape.Check<ReadPath> = (value, where) => {
  const [names, is] = shape.array<unknown>((one) => one, 2, 2)(value, where)
  pathNames(names, `${where}[0]`)
  pathKind(is, `${where}[1]`)
  return value as ReadPath
}
const reads = shape.array(readPath, READS_MAX)
const SHAPES: { [Kind in RuleStateRecord['kind']]: shape.Check<unknown> } = {
  type: shape.object({ kind: shape.literal('type'), by: shape.hash, type: typeBodyShape }),
  rule: shape.object(
    { kind: shape.literal('rule'), owner: shape.hash, rule: ruleBodyShape, reads, place: pathNames },
    { fired: shape.literal(true), dueMs: shape.timeMs, yes: parties, failed: shape.literal(true) },
  ),
  draft: shape.object(
    {
      kind: shape.literal('draft'),
      by: shape.hash,
      action: draftActionShape,
      reads,
      place: pathNames,
      yes: parties,
    },
    { no: parties, owner: shape.hash },
  ),
  proposal: shape.object(
    {
      kind: shape.literal('proposal'),
      by: shape.hash,
      on: shape.uid,
      type: shape.literal(...FIELD_TYPES),
      seen: shape.hash,
      yes: parties,
    },
    { value: shape.hash, readers: readersShape, no: parties },
  ),
  lock: shape.object({
    kind: shape.literal('lock'),
    by: shape.hash,
    on: shape.uid,
    height: shape.integer(0),
    expiresMs: shape.timeMs,
  }),
  workflow: shape.object(
    { kind: shape.literal('workflow'), phase: shape.string(64, 1), publication: shape.integer(0) },
    { off: shape.array(shape.string(64, 1), 1000, 1) },
  ),
  settlement: shape.object({ kind: shape.literal('settlement'), record: shape.hash, yes: parties }),
}

/** Whether a record is one of these. */
export function isRuleStateRecord(value: unknown): value is RuleStateRecord {
  const { kind } = Object(value) as { kind?: unknown }
  return typeof kind === 'string' && Object.hasOwn(SHAPES, kind)
}

/** Checks a record that came from a store. @throws CountersignError `bad-format` */
export function checkRuleStateRecord(value: unknown, where: string): RuleStateRecord {
  if (!isRuleStateRecord(value)) throw new CountersignError('bad-format', `${where}.kind: expected a record`)
  return SHAPES[value.kind](value, where) as RuleStateRecord
}
