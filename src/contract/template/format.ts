/**
 * Templates (PROTOCOL TPL-1): what a contract, or a part of one, is made of, with roles in the place of parties: its elements with
 * their words, named types, rules and phases. A template is a JSON file; its hash tells it from every other.
 */
import { CountersignError } from '../../crypto/errors.ts'
import { hashJson } from '../../crypto/hash.ts'
import { parseJson } from '../../crypto/json.ts'
import * as shape from '../../crypto/shape.ts'
import type { Behaviour, Grant, Names, Then, Trigger } from '../../ledger/behaviour.ts'
import { EDITION_MAX, FIELD_TYPES, type FieldType, nameShape } from '../../ledger/element.ts'
import {
  HELP_MAX_LENGTH,
  LABEL_MAX_LENGTH,
  type TypeBody,
  type TypeMember,
  typeBodyShape,
} from '../../ledger/rule-operation.ts'
import type { Value } from '../../ledger/value.ts'
import { DEPTH_MAX } from '../elements.ts'

/**
 * repeated: several parties may have it. observer: it is no party of the first day: who has it is invited later, or let in by a
 * trigger.
 */
export type TemplateRole = { name: string; title: string; help: string; repeated?: true; observer?: true }

/** As a contract's named type, but that it names other types by their names. */
export type TemplateType = Omit<TypeBody, 'members'> & { members?: TypeMember[] }

/**
 * typed: name of a type; of a list, that of its items. value: of a field, `@role` standing for the party that has the role. each:
 * of an item of a list: there is one for each party of the role, whose party stands in one of its fields as `@role`.
 */
export type TemplateElement = {
  name: string
  kind: 'block' | 'list' | 'field'
  label?: string
  help?: string
  type?: FieldType
  typed?: string
  value?: Value
  each?: string
  children?: TemplateElement[]
}

/** A grant that ends after so many days ends that long after the contract was made. */
export type TemplateGrant = Omit<Grant, 'untilMs'> & { forDays?: number }

/** A behaviour with `@role` in the place of parties (an aggregate's reader too), cards, and texts in expressions; a count may be `all`. */
export type TemplateBehaviour =
  | Exclude<Behaviour, { kind: 'access' | 'approval' | 'trigger' | 'phases' }>
  | (Omit<Extract<Behaviour, { kind: 'access' }>, 'grants'> & { grants: TemplateGrant[] })
  | (Omit<Extract<Behaviour, { kind: 'approval' }>, 'count'> & { count: number | 'all' })
  | (Omit<Trigger, 'actions'> & { actions: TemplateThen[] })
export type TemplateThen =
  | Exclude<Then, { do: 'admit' }>
  | { do: 'admit'; card: string; older: boolean; forMs: number }

/**
 * anchor: names from the root of the template to the block that it stands at. owner: a role. each: there is one such rule for each
 * party of the role, at its own item where the anchor leads to one; `@role` is that party in it.
 */
export type TemplateRule = {
  name: string
  help: string
  owner: string
  anchor: Names
  path: Names
  set?: string
  each?: string
  behaviour: TemplateBehaviour
}

/** by: who may move the contract on, as `@role`; left out: every party. */
export type TemplatePhase = { name: string; title: string; help: string }

/** See the head of this file. edition: counted from 1; ancestor: the hash of the edition before. off: sets that begin switched off. */
export type Template = {
  type: 'template'
  version: 1
  name: string
  edition: number
  title: string
  help: string
  ancestor?: string
  roles: TemplateRole[]
  types: TemplateType[]
  tree: TemplateElement[]
  rules: TemplateRule[]
  phases: TemplatePhase[]
  firstPhase?: string
  movedBy?: string[]
  off?: string[]
}

export const TEMPLATE_MAX_BYTES = 1024 * 1024
const NODES_MAX = 100_000
const ROLES_MAX = 64
const RULES_MAX = 1000
/** The name that the rule of a template's phases has. */
export const PHASES_RULE = 'phases'

const keyShape = shape.pattern(/^[a-z][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens, at most 63')
const label = shape.string(LABEL_MAX_LENGTH, 1)
const help = shape.string(HELP_MAX_LENGTH, 1)
const isTrue = shape.literal(true)
const type = shape.literal(...FIELD_TYPES)
const names: shape.Check<Names> = shape.array(nameShape, DEPTH_MAX)
const phaseName = shape.string(64, 1)

const roleShape = shape.object(
  { name: keyShape, title: label, help },
  { repeated: isTrue, observer: isTrue },
) as shape.Check<TemplateRole>

/** Names of types stand where a contract has their UIDs: checked as such, once they are taken out. */
const typeShape: shape.Check<TemplateType> = (value, where) => {
  const { members, ...rest } = Object(value) as TemplateType
  if (members === undefined) return typeBodyShape(rest, where)
  const plain = shape.array<unknown>((one) => one, 1000, 1)(members, `${where}.members`)
  const untyped = plain.map((member, index) => {
    const { typed, ...other } = Object(member) as TypeMember
    if (typed !== undefined) nameShape(typed, `${where}.members[${index}].typed`)
    return other
  })
  typeBodyShape({ ...rest, members: untyped }, where)
  return value as TemplateType
}

const fieldValue: shape.Check<Value> = (value, where) => {
  if (typeof value === 'boolean') return value
  return shape.string(TEMPLATE_MAX_BYTES)(value, where)
}
const elementHead = { name: nameShape }
const elementWords = { label, help, typed: nameShape, each: keyShape }
const fieldShape = shape.object(
  { ...elementHead, kind: shape.literal('field') },
  { label, help, type, typed: nameShape, value: fieldValue },
)
const elementShape: shape.Check<TemplateElement> = (value, where) => {
  if ((value as { kind?: unknown } | null)?.kind === 'field')
    return fieldShape(value, where) as TemplateElement
  return blockShape(value, where) as TemplateElement
}
const blockShape = shape.object(
  { ...elementHead, kind: shape.literal('block', 'list') },
  {
    ...elementWords,
    children: (value: unknown, where: string): TemplateElement[] =>
      shape.array(elementShape, NODES_MAX)(value, where),
  },
)

const anything: shape.Check<TemplateBehaviour> = (value, where) => {
  if (typeof (value as { kind?: unknown } | null)?.kind !== 'string')
    throw new CountersignError('bad-format', `${where}.kind: expected the kind of a rule`)
  return value as TemplateBehaviour
}
const ruleShape = shape.object(
  { name: keyShape, help, owner: keyShape, anchor: names, path: names, behaviour: anything },
  { set: shape.string(48, 1), each: keyShape },
) as shape.Check<TemplateRule>

const templateShape = shape.object(
  {
    type: shape.literal('template'),
    version: shape.literal(1),
    name: keyShape,
    edition: shape.integer(1, EDITION_MAX),
    title: label,
    help,
    roles: shape.array(roleShape, ROLES_MAX, 1),
    types: shape.array(typeShape, RULES_MAX),
    tree: shape.array(elementShape, NODES_MAX),
    rules: shape.array(ruleShape, RULES_MAX),
    phases: shape.array(
      shape.object({ name: phaseName, title: label, help }) as shape.Check<TemplatePhase>,
      64,
    ),
  },
  {
    ancestor: shape.hash,
    firstPhase: phaseName,
    movedBy: shape.array(shape.string(64, 2), ROLES_MAX, 1),
    off: shape.array(shape.string(48, 1), 64, 1),
  },
) as shape.Check<Template>

/** Checks the form of a template. What its rules mean is looked at by `checkTemplate`. @throws CountersignError `bad-format` */
export function templateOf(value: unknown): Template {
  return templateShape(value, 'template')
}

/** The template in a file's text. @throws CountersignError `bad-json`, `too-large`, `bad-format` */
export function parseTemplate(text: string): Template {
  return templateOf(parseJson(text, { sizeBytes: TEMPLATE_MAX_BYTES, nodes: NODES_MAX }))
}

/** A template's hash: what tells it from every other, 64 hex digits. */
export function templateHash(template: Template): string {
  return hashJson('template', template)
}

/** @throws CountersignError `bad-template` */
export function badTemplate(place: string, message: string, detail: Record<string, unknown> = {}): never {
  throw new CountersignError('bad-template', `${place}: ${message}`, { place, ...detail })
}
