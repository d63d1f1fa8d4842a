/** Shapes of rules, votes, locks and phases as the HTTP interface takes them. */
import { z } from 'zod'
import { ACCESS_ACTIONS, AGGREGATE_FUNCTIONS } from '../../ledger/behaviour.ts'
import { FIELD_TYPES } from '../../ledger/request.ts'
import { HELP_MAX_LENGTH, LABEL_MAX_LENGTH, LEASE_MAX_MS } from '../../ledger/rule-operation.ts'
import { contractParams, hash, named, uid } from '../schemas.ts'

const name = z.string().min(1).max(256)
const phase = z.string().min(1).max(64)
const set = z.string().min(1).max(64)
const expression = z
  .string()
  .min(1)
  .max(8192)
  .describe('a FEEL expression: `_` is the anchor, a bare name what lies beside the target')
const text = z.string().min(1).max(1024)
const parties = z.array(hash).min(1).max(256)
const count = z.int().min(1).max(256)

/** An element by its path or UID. */
const place = z
  .string()
  .max(65_536)
  .describe('an element: its path from the root, such as /Invoice/Line[2], or its UID')
/** Names without indices: every item of a list is meant. */
const target = z
  .union([z.array(name).max(64), z.string().max(65_536)])
  .describe(
    'names from the anchor down, as an array or a path such as Lines/Share; every item of a list is meant',
  )

const when = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('expression'), expression }),
  z.strictObject({ kind: z.literal('phase'), phase }),
  z.strictObject({ kind: z.literal('date'), expression }),
  z.strictObject({ kind: z.literal('question'), text, parties, count }),
])
const action = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('switch'), set, on: z.boolean() }),
  z.strictObject({ do: z.literal('phase'), to: phase }),
  z.strictObject({ do: z.literal('activate'), target }),
  z.strictObject({
    do: z.literal('admit'),
    party: hash.describe('a pinned party by fingerprint, as an observer'),
    older: z.boolean().optional(),
    forMs: z
      .int()
      .min(60_000)
      .max(180 * 24 * 3600 * 1000)
      .optional()
      .describe('how long it may take to accept; 30 days where left out'),
  }),
])
export type NewThen = z.infer<typeof action>

const length = z.int().min(0).max(1_048_576)
const newBehaviour = named(
  'NewBehaviour',
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('required'), from: phase.optional() }),
    z.strictObject({
      kind: z.literal('limits'),
      type: z.enum(FIELD_TYPES).optional(),
      min: text.optional(),
      max: text.optional(),
      minLength: length.optional(),
      maxLength: length.optional(),
      pattern: text.optional(),
      oneOf: z.array(text).min(1).max(1000).optional(),
    }),
    z.strictObject({ kind: z.literal('unique'), by: target }),
    z.strictObject({ kind: z.literal('constraint'), expression, message: text }),
    z.strictObject({
      kind: z.literal('access'),
      actions: z
        .array(z.enum(ACCESS_ACTIONS))
        .min(1)
        .max(ACCESS_ACTIONS.length)
        .describe(
          'see: values, which are private then: the nodes of others hold neither the values nor what opens them. propose: change ' +
            'values. add, remove: elements below. approve: vote on proposals',
        ),
      grants: z
        .array(
          z.strictObject({ party: hash, untilMs: z.int().min(0).optional(), untilPhase: phase.optional() }),
        )
        .max(256)
        .describe(
          'nobody else may; members and, for see, observers. Each until a block time or a phase, where given',
        ),
    }),
    z.strictObject({ kind: z.literal('ownership'), owner: hash }),
    z.strictObject({ kind: z.literal('assignment'), expression }),
    z
      .strictObject({
        kind: z.literal('aggregate'),
        function: z.enum(AGGREGATE_FUNCTIONS),
        over: target.describe('the private values, by names from the anchor down: such as Costs/Cost'),
        reader: hash.describe('the member that may see all of them, and computes it'),
        atLeast: z
          .int()
          .min(2)
          .max(256)
          .describe(
            'empty until so many others, or groups of others that see the same values, have given one',
          ),
      })
      .describe('the field is computed of private values by one reader, and everybody sees it'),
    z.strictObject({ kind: z.literal('activation'), expression }),
    z.strictObject({
      kind: z.literal('approval'),
      count,
      parties: parties.optional().describe('whose yes counts; every member’s where left out'),
      several: z.literal(true).optional().describe('proposals may stand side by side'),
    }),
    z.strictObject({ kind: z.literal('transfer') }),
    z.strictObject({
      kind: z.literal('phases'),
      names: z.array(phase).min(1).max(64),
      by: parties.optional(),
    }),
    z.strictObject({ kind: z.literal('trigger'), when, actions: z.array(action).min(1).max(16) }),
  ]),
)

export const newRule = named(
  'NewRule',
  z.strictObject({
    at: place.optional().describe('the block it stands at, by path or UID; the root where left out'),
    path: target,
    set: set.optional().describe('the rule set it belongs to, which can be switched off'),
    behaviour: newBehaviour,
  }),
)
export type NewRule = z.infer<typeof newRule>

export const newDraft = named(
  'NewDraft',
  z.discriminatedUnion('do', [
    z.strictObject({ do: z.literal('add'), rule: newRule }),
    z.strictObject({ do: z.literal('replace'), rule: uid, by: newRule }),
    z.strictObject({ do: z.literal('repeal'), rule: uid }),
    z.strictObject({ do: z.literal('switch'), set, on: z.boolean() }),
  ]),
)
export type NewDraft = z.infer<typeof newDraft>

const label = z.string().min(1).max(LABEL_MAX_LENGTH)
const help = z.string().min(1).max(HELP_MAX_LENGTH)
/** Words of an element, and the named type it has. */
export const words = { label: label.optional(), help: help.optional() }
const typed = z.union([uid, name]).describe('a named type, by UID or name')

export const newType = named(
  'NewType',
  z.strictObject({
    name,
    base: z.enum([...FIELD_TYPES, 'block']),
    ...words,
    unit: z.string().min(1).max(64).optional(),
    hint: z.string().min(1).max(64).optional().describe('how a screen may show it: percentage, colour, iban'),
    min: z.string().min(1).max(100).optional(),
    max: z.string().min(1).max(100).optional(),
    minLength: length.optional(),
    maxLength: length.optional(),
    pattern: text.optional(),
    oneOf: z.array(z.string().min(1).max(256)).min(1).max(1000).optional(),
    members: z
      .array(
        z.strictObject({
          name,
          kind: z.enum(['field', 'block', 'list']),
          type: z.enum(FIELD_TYPES).optional(),
          typed: typed.optional(),
          ...words,
        }),
      )
      .min(1)
      .max(1000)
      .optional(),
  }),
)
export type NewType = z.infer<typeof newType>

const leaseMs = z
  .int()
  .min(1000)
  .max(LEASE_MAX_MS)
  .describe('how long it is held, from the time of the ledger block: 1 second to 24 hours')
const between = {
  before: uid.optional().describe('a sibling to stand before'),
  after: uid.optional().describe('a sibling to stand after; without either, at the end'),
}

/** Wishes of several operations as one request, beside those on values. */
export const ruleWishes = {
  move: z.strictObject({ move: place, to: place, ...between }),
  rename: z.strictObject({ rename: place, name }),
  describe: z
    .strictObject({ describe: place, ...words })
    .describe('both are replaced; one that is left out is gone'),
  define: z.strictObject({ define: newType }),
  draft: z.strictObject({ draft: newDraft }),
  vote: z.strictObject({ vote: uid.describe('a proposal, draft or question'), yes: z.boolean() }),
  withdraw: z.strictObject({ withdraw: uid.describe('a proposal or draft of one’s own') }),
  publish: z.strictObject({
    publish: z
      .union([z.array(uid).min(1).max(1000), z.literal('agreed')])
      .describe('drafts; agreed: all that every member has said yes to'),
  }),
  phase: z.strictObject({ phase }),
  lock: z.strictObject({ lock: place, leaseMs }),
  renew: z.strictObject({ renew: uid.describe('a lock of one’s own'), leaseMs }),
  unlock: z.strictObject({ unlock: uid }),
  settle: z.strictObject({
    settle: z
      .union([hash, z.literal('current')])
      .describe('the record hash to confirm; current: as it stands'),
  }),
} as const
export type RuleWish = z.infer<(typeof ruleWishes)[keyof typeof ruleWishes]>
export { typed }

// ── bodies and addresses of the routes ──────────────────────────────────────────────────────────────────────────────

export const newVoteOn = z.strictObject({
  on: uid.describe('a proposal, a draft, or a trigger that asks a question'),
  yes: z.boolean(),
})
export const newPublication = z.strictObject({
  drafts: z
    .array(uid)
    .min(1)
    .max(1000)
    .optional()
    .describe('where left out, all that every member has said yes to'),
})
export const newPhase = z.strictObject({ to: phase })
export const newLock = z.strictObject({ path: place, leaseMs })
export const newLease = z.strictObject({ leaseMs })
export const newSettlement = z.strictObject({
  record: hash.optional().describe('the record hash that is confirmed; where left out, the one as it stands'),
})
export const newPlace = z.strictObject({
  to: place.describe('the block or list to lie in, by path or UID'),
  ...between,
})
export const newName = z.strictObject({ name })
export const newWords = z.strictObject(words)

export const uidParams = z.object({ ...contractParams.shape, uid })
