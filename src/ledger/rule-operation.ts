/**
 * Operations on what surrounds the values of elements: their place and words, proposals and votes, rules, locks, phases
 * (PROTOCOL REQ-8). They stand in requests side by side with those on elements.
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { type RuleBody, ruleBodyShape } from './behaviour.ts'
import {
  FIELD_TYPES,
  type FieldType,
  nameShape,
  newUidShape,
  orderShape,
  type TemplateMark,
  templateMarkShape,
} from './element.ts'

/** from: the parent that the author saw. */
export type MoveOperation = { op: 'move'; uid: string; from: string; parent: string; order: string }
/** from: the name that the author saw. */
export type RenameOperation = { op: 'rename'; uid: string; from: string; name: string }
/** Replaces both; one that is left out is gone. */
export type DescribeOperation = { op: 'describe'; uid: string; label?: string; help?: string }

/** A type that the contract names: of a field its base and limits, of a block what it consists of. It never changes. */
export type TypeBody = {
  name: string
  base: FieldType | 'block'
  label?: string
  help?: string
  unit?: string
  /** How a screen may show it: `percentage`, `colour`, `iban`. */
  hint?: string
  min?: string
  max?: string
  minLength?: number
  maxLength?: number
  pattern?: string
  oneOf?: string[]
  members?: TypeMember[]
}
/** One of the elements of a block type. typed: the UID of a type; of a list, that of its items. */
export type TypeMember = {
  name: string
  kind: 'field' | 'block' | 'list'
  type?: FieldType
  typed?: string
  label?: string
  help?: string
}
export type DefineOperation = { op: 'define'; uid: string; type: TypeBody }

/**
 * What a draft does once every member has said yes to it and it is published. template: the block says from now on that it was
 * made from this one; from: the hash of the template that its author saw there.
 */
export type DraftAction =
  | { do: 'add'; rule: RuleBody }
  | { do: 'replace'; rule: string; by: RuleBody }
  | { do: 'repeal'; rule: string }
  | { do: 'switch'; set: string; on: boolean }
  | { do: 'template'; on: string; from?: string; template: TemplateMark }
/** owner: the party that the rule is to belong to; its author where left out. */
export type DraftOperation = { op: 'draft'; uid: string; action: DraftAction; owner?: string }
/** A member's yes or no to a proposal, a draft, or the question of a trigger. */
export type VoteOnOperation = { op: 'vote-on'; uid: string; yes: boolean }
/** Takes back a proposal or draft of one's own. */
export type WithdrawOperation = { op: 'withdraw'; uid: string }
/** Carries out these drafts, all at once. */
export type PublishOperation = { op: 'publish'; drafts: string[] }
/** from: the phase that the author saw. */
export type PhaseOperation = { op: 'phase'; from: string; to: string }
/** on: the element that is locked with all below it. leaseMs: from the block's time. The same again renews it. */
export type LockOperation = { op: 'lock'; uid: string; on: string; leaseMs: number }
export type UnlockOperation = { op: 'unlock'; uid: string }
/** record: the record hash that its author confirms, nothing being pending. */
export type SettleOperation = { op: 'settle'; record: string }

export type RuleOperation =
  | MoveOperation
  | RenameOperation
  | DescribeOperation
  | DefineOperation
  | DraftOperation
  | VoteOnOperation
  | WithdrawOperation
  | PublishOperation
  | PhaseOperation
  | LockOperation
  | UnlockOperation
  | SettleOperation

export const LEASE_MAX_MS = 24 * 3600 * 1000
export const DRAFTS_MAX = 1000
export const LABEL_MAX_LENGTH = 256
export const HELP_MAX_LENGTH = 4096

const words = {
  label: shape.string(LABEL_MAX_LENGTH, 1),
  help: shape.string(HELP_MAX_LENGTH, 1),
}
const phase = shape.string(64, 1)
const typeMember = shape.object(
  { name: nameShape, kind: shape.literal('field', 'block', 'list') },
  { ...words, type: shape.literal(...FIELD_TYPES), typed: shape.uid },
)
export const typeBodyShape: shape.Check<TypeBody> = shape.object(
  { name: nameShape, base: shape.literal(...FIELD_TYPES, 'block') },
  {
    ...words,
    unit: shape.string(64, 1),
    hint: shape.string(64, 1),
    min: shape.string(100, 1),
    max: shape.string(100, 1),
    minLength: shape.integer(0, 1_048_576),
    maxLength: shape.integer(0, 1_048_576),
    pattern: shape.string(1024, 1),
    oneOf: shape.array(shape.string(256, 1), 1000, 1),
    members: shape.array(typeMember, 1000, 1),
  },
)

const ACTIONS: Record<DraftAction['do'], shape.Check<unknown>> = {
  add: shape.object({ do: shape.literal('add'), rule: ruleBodyShape }),
  replace: shape.object({ do: shape.literal('replace'), rule: shape.uid, by: ruleBodyShape }),
  repeal: shape.object({ do: shape.literal('repeal'), rule: shape.uid }),
  switch: shape.object({ do: shape.literal('switch'), set: shape.string(64, 1), on: shape.boolean }),
  template: shape.object(
    { do: shape.literal('template'), on: shape.uid, template: templateMarkShape },
    { from: shape.hash },
  ),
}
export const draftActionShape: shape.Check<DraftAction> = (value, where) => {
  const { do: what } = Object(value) as { do?: unknown }
  if (typeof what !== 'string' || !Object.hasOwn(ACTIONS, what))
    throw new CountersignError(
      'bad-format',
      `${where}.do: expected one of ${Object.keys(ACTIONS).join(', ')}`,
    )
  return ACTIONS[what as DraftAction['do']](value, where) as DraftAction
}

const op = <Op extends RuleOperation['op']>(name: Op) => ({ op: shape.literal(name) })
const SHAPES: { [Op in RuleOperation['op']]: shape.Check<unknown> } = {
  move: shape.object({
    ...op('move'),
    uid: shape.uid,
    from: shape.uid,
    parent: shape.uid,
    order: orderShape,
  }),
  rename: shape.object({ ...op('rename'), uid: shape.uid, from: nameShape, name: nameShape }),
  describe: shape.object({ ...op('describe'), uid: shape.uid }, words),
  define: shape.object({ ...op('define'), uid: newUidShape, type: typeBodyShape }),
  draft: shape.object({ ...op('draft'), uid: newUidShape, action: draftActionShape }, { owner: shape.hash }),
  'vote-on': shape.object({ ...op('vote-on'), uid: shape.uid, yes: shape.boolean }),
  withdraw: shape.object({ ...op('withdraw'), uid: shape.uid }),
  publish: shape.object({ ...op('publish'), drafts: shape.array(shape.uid, DRAFTS_MAX, 1) }),
  phase: shape.object({ ...op('phase'), from: phase, to: phase }),
  lock: shape.object({
    ...op('lock'),
    uid: newUidShape,
    on: shape.uid,
    leaseMs: shape.integer(1000, LEASE_MAX_MS),
  }),
  unlock: shape.object({ ...op('unlock'), uid: shape.uid }),
  settle: shape.object({ ...op('settle'), record: shape.hash }),
}

/** Whether something calls itself an operation on what surrounds the values. */
export function isRuleOperation(value: unknown): value is RuleOperation {
  const { op: name } = Object(value) as { op?: unknown }
  return typeof name === 'string' && Object.hasOwn(SHAPES, name)
}

/** Checks the form. @throws CountersignError `bad-format` */
export function ruleOperationShape(value: RuleOperation, where: string): RuleOperation {
  return SHAPES[value.op](value, where) as RuleOperation
}
