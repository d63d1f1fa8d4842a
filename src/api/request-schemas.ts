/** Requests as the HTTP interface takes them, several operations as one, and shows where they stand. */
import { z } from 'zod'
import { FIELD_TYPES } from '../ledger/request.ts'
import { type RuleWish, ruleWishes, typed, words } from './rules/schemas.ts'
import { madeView, proposalView, refusalView } from './rules/view-schemas.ts'
import { awaited, hash, judgedView, named, timeMs, uid } from './schemas.ts'

const path = z.string().max(65_536).describe('such as /Invoice/Line[2]/Amount')
const document = z.unknown().describe('any JSON')
const fieldType = z
  .enum(FIELD_TYPES)
  .optional()
  .describe('of a field; where left out as the JSON says, or as the field was')

export const newRequest = named(
  'NewRequest',
  z.strictObject({
    operations: z
      .array(
        z.union([
          z.strictObject({
            set: path,
            value: document.optional().describe('any JSON; left out beside `type`, the field is emptied'),
            type: fieldType,
            seen: hash.optional(),
          }),
          z.strictObject({
            create: z.strictObject({
              parent: path,
              name: z.string().max(256).optional(),
              ...words,
              typed: typed.optional(),
              value: document.optional(),
              type: fieldType,
              xml: z.string().optional(),
              before: uid.optional(),
              after: uid.optional(),
            }),
          }),
          z.strictObject({ delete: path, seen: hash.optional() }),
          ...Object.values(ruleWishes),
        ]),
      )
      .min(1)
      .max(10_000),
  }),
)

export type Wish = z.infer<typeof newRequest>['operations'][number]
/** A wish about values. */
export type ElementWish = Exclude<Wish, RuleWish>

export const requestStatusView = named(
  'RequestStatus',
  z.object({
    id: hash,
    contract: hash,
    author: hash,
    stage: z.enum(['received', 'tentative', 'final', 'expired']),
    outcome: z.enum(['accepted', 'conflicted', 'rejected']).optional(),
    code: z.string().optional(),
    rule: uid.optional(),
    element: uid.optional(),
    refusal: refusalView.optional().describe('why it was not accepted, in words'),
    made: z.array(madeView).optional().describe('what has a UID of its own now'),
    proposed: z
      .array(proposalView)
      .optional()
      .describe('values that wait for others’ yes, since a rule asks for it'),
    height: z.int().optional(),
    receivedMs: timeMs,
    notAfterMs: timeMs,
    claimedMs: timeMs.optional().describe('when its author says that it was made: nobody has checked it'),
    blockTimeMs: timeMs.optional().describe('the time of its ledger block, held against a quorum’s clocks'),
    lapseWithout: z
      .array(z.string())
      .optional()
      .describe('who was silent, where it is accepted by lapse: never final without them'),
    judging: judgedView
      .optional()
      .describe('it can’t be ordered before these have judged it: they can see private values'),
    dialogues: z.array(
      z.object({ party: hash, name: z.string(), received: z.boolean(), accepted: z.boolean() }),
    ),
    waitingFor: z.array(awaited),
  }),
)
