/**
 * Rules as data (PROTOCOL RUL-1): what a contract's members agree that their nodes hold one another to. A rule stands at an
 * anchor, an element, and is about what lies at a path of names below it; where the path goes through a list, about every item.
 * A party owns it, and it is in force once every other member has said yes to it and it was published.
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { checkProvenCard, type ProvenCard } from '../identity/card.ts'
import { FIELD_TYPES, type FieldType, nameShape } from './element.ts'

/** Names from the anchor down, the item of a list counting as the list; none for the anchor itself. */
export type Names = string[]

/**
 * What an access rule is about. see: values, which are private then; propose: values; add, remove: elements below; approve: votes
 * on proposals.
 */
export const ACCESS_ACTIONS = ['see', 'propose', 'add', 'remove', 'approve'] as const
export type AccessAction = (typeof ACCESS_ACTIONS)[number]

export const AGGREGATE_FUNCTIONS = ['sum', 'count', 'min', 'max'] as const

/** A party that may, and until when: the first block time at which it may not any more; the phase that ends it. */
export type Grant = { party: string; untilMs?: number; untilPhase?: string }

/** Something must be there: it is never cleared, and in this phase and the following ones it is there at all times. */
export type Required = { kind: 'required'; from?: string }
/** Of a field's value: each that stands there must hold. Lengths count characters (code points). */
export type Limits = {
  kind: 'limits'
  type?: FieldType
  min?: string
  max?: string
  minLength?: number
  maxLength?: number
  pattern?: string
  oneOf?: string[]
}
/** No two items of the list have the same value at `by`, a path below each. */
export type Unique = { kind: 'unique'; by: Names }
/** The expression is not false. */
export type Constraint = { kind: 'constraint'; expression: string; message: string }
/** Nobody else may. Several rules narrow one another. */
export type Access = { kind: 'access'; actions: AccessAction[]; grants: Grant[] }
/** Its owner alone adds and removes below, and needs nobody's lock for it. */
export type Ownership = { kind: 'ownership'; owner: string }
/** The field is computed from others, and typed by nobody. */
export type Assignment = { kind: 'assignment'; expression: string }
/**
 * The field is computed by its reader from private values at `over`, a path from the anchor, and public: once at least so many
 * groups of other readers have given one.
 */
export type Aggregate = {
  kind: 'aggregate'
  function: (typeof AGGREGATE_FUNCTIONS)[number]
  over: Names
  reader: string
  atLeast: number
}
/** The block is there for as long as the expression is true; otherwise nothing below it is set, required or read. */
export type Activation = { kind: 'activation'; expression: string }
/** A value is agreed once so many of these (left out: of all members) have said yes. several: proposals may stand side by side. */
export type Approval = { kind: 'approval'; parties?: string[]; count: number; several?: true }
/** The value names who holds it; nobody else may pass it on. */
export type Transfer = { kind: 'transfer' }
/** The phases after `edit`, in their order; by: who may move the contract on (left out: every member). */
export type Phases = { kind: 'phases'; names: string[]; by?: string[] }

/** expression, date: looked at when what they read changes. question: asks those parties; so many must have said yes. */
export type When =
  | { kind: 'expression'; expression: string }
  | { kind: 'phase'; phase: string }
  | { kind: 'date'; expression: string }
  | { kind: 'question'; text: string; parties: string[]; count: number }
/** target: a block, from the anchor; card: of the observer that is invited with every member's yes. */
export type Then =
  | { do: 'switch'; set: string; on: boolean }
  | { do: 'phase'; to: string }
  | { do: 'activate'; target: Names }
  | { do: 'admit'; card: ProvenCard; older: boolean; forMs: number }
export type Trigger = { kind: 'trigger'; when: When; actions: Then[] }

export type Behaviour =
  | Required
  | Limits
  | Unique
  | Constraint
  | Access
  | Ownership
  | Assignment
  | Aggregate
  | Activation
  | Approval
  | Transfer
  | Phases
  | Trigger

/** at: UID of the anchor. path: what it is about. set: the rule set it belongs to, which can be switched off. */
export type RuleBody = { at: string; path: Names; set?: string; behaviour: Behaviour }

export const EXPRESSION_MAX_LENGTH = 8192
export const RULE_PARTIES_MAX = 256
const TEXT_MAX_LENGTH = 1024
const CHOICES_MAX = 1000

const phase = shape.pattern(/^[^\s](.{0,62}[^\s])?$/u, 'the name of a phase, 1 to 64 characters')
const setName = shape.pattern(/^[^\s](.{0,62}[^\s])?$/u, 'the name of a rule set, 1 to 64 characters')
const expression = shape.string(EXPRESSION_MAX_LENGTH, 1)
const text = shape.string(TEXT_MAX_LENGTH, 1)
const names: shape.Check<Names> = shape.array(nameShape, 64)
const someNames: shape.Check<Names> = shape.array(nameShape, 64, 1)
const parties = distinct(shape.array(shape.hash, RULE_PARTIES_MAX, 1))
const count = shape.integer(1, RULE_PARTIES_MAX)
const isTrue = shape.literal(true)

function distinct<T extends string>(list: shape.Check<T[]>): shape.Check<T[]> {
  return (value, where) => {
    const checked = list(value, where)
    if (new Set(checked).size !== checked.length)
      throw new CountersignError('bad-format', `${where}: names something twice`)
    return checked
  }
}

const grant = shape.object({ party: shape.hash }, { untilMs: shape.timeMs, untilPhase: phase })

const WHEN: Record<When['kind'], shape.Check<unknown>> = {
  expression: shape.object({ kind: shape.literal('expression'), expression }),
  phase: shape.object({ kind: shape.literal('phase'), phase }),
  date: shape.object({ kind: shape.literal('date'), expression }),
  question: shape.object({ kind: shape.literal('question'), text, parties, count }),
}
const THEN: Record<Then['do'], shape.Check<unknown>> = {
  switch: shape.object({ do: shape.literal('switch'), set: setName, on: shape.boolean }),
  phase: shape.object({ do: shape.literal('phase'), to: phase }),
  activate: shape.object({ do: shape.literal('activate'), target: someNames }),
  admit: shape.object({
    do: shape.literal('admit'),
    card: (value) => {
      checkProvenCard(value)
      return value as ProvenCard
    },
    older: shape.boolean,
    forMs: shape.integer(60_000, 180 * 24 * 3600 * 1000),
  }),
}

const BEHAVIOURS: Record<Behaviour['kind'], shape.Check<unknown>> = {
  required: shape.object({ kind: shape.literal('required') }, { from: phase }),
  limits: shape.object(
    { kind: shape.literal('limits') },
    {
      type: shape.literal(...FIELD_TYPES),
      min: text,
      max: text,
      minLength: shape.integer(0, 1_048_576),
      maxLength: shape.integer(0, 1_048_576),
      pattern: text,
      oneOf: distinct(shape.array(text, CHOICES_MAX, 1)),
    },
  ),
  unique: shape.object({ kind: shape.literal('unique'), by: names }),
  constraint: shape.object({ kind: shape.literal('constraint'), expression, message: text }),
  access: shape.object({
    kind: shape.literal('access'),
    actions: distinct(shape.array(shape.literal(...ACCESS_ACTIONS), ACCESS_ACTIONS.length, 1)),
    grants: shape.array(grant, RULE_PARTIES_MAX),
  }),
  ownership: shape.object({ kind: shape.literal('ownership'), owner: shape.hash }),
  assignment: shape.object({ kind: shape.literal('assignment'), expression }),
  aggregate: shape.object({
    kind: shape.literal('aggregate'),
    function: shape.literal(...AGGREGATE_FUNCTIONS),
    over: someNames,
    reader: shape.hash,
    atLeast: shape.integer(2, RULE_PARTIES_MAX),
  }),
  activation: shape.object({ kind: shape.literal('activation'), expression }),
  approval: shape.object({ kind: shape.literal('approval'), count }, { parties, several: isTrue }),
  transfer: shape.object({ kind: shape.literal('transfer') }),
  phases: shape.object(
    { kind: shape.literal('phases'), names: distinct(shape.array(phase, 64, 1)) },
    { by: parties },
  ),
  trigger: shape.object({
    kind: shape.literal('trigger'),
    when: chosen('kind', WHEN) as shape.Check<When>,
    actions: shape.array(chosen('do', THEN) as shape.Check<Then>, 16, 1),
  }),
}

/** The check that the value of one key chooses. */
function chosen(key: string, checks: Record<string, shape.Check<unknown>>): shape.Check<unknown> {
  return (value, where) => {
    const choice = (value as Record<string, unknown> | null | undefined)?.[key]
    if (typeof choice !== 'string' || !Object.hasOwn(checks, choice))
      throw new CountersignError(
        'bad-format',
        `${where}.${key}: expected one of ${Object.keys(checks).join(', ')}`,
      )
    return (checks[choice] as shape.Check<unknown>)(value, where)
  }
}

/** Checks the form of a rule. What its expressions mean is looked at when it is drafted. @throws CountersignError `bad-format` */
export const ruleBodyShape: shape.Check<RuleBody> = shape.object(
  { at: shape.uid, path: names, behaviour: chosen('kind', BEHAVIOURS) as shape.Check<Behaviour> },
  { set: setName },
)
