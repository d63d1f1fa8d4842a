/** Shapes of what is asked across heights and times: differences, histories, reports and their schedules. */
import { z } from 'zod'
import { contractParams, cursor, hash, limit, named, person, stateQuery, timeMs, uid } from './schemas.ts'

const value = z.union([z.string(), z.boolean(), z.null()])
const notShown = z
  .literal(true)
  .optional()
  .describe('its value was erased, or is from before this party came in')
const valueThen = z.object({
  type: z.string(),
  version: hash.describe('its commitment'),
  value: value.optional(),
  notShown,
})
/** Who is behind a change, and when. */
const origin = {
  height: z.int(),
  timeMs: timeMs.describe('the time of the ledger block'),
  stage: z.enum(['final', 'tentative']),
  request: hash.optional(),
  author: hash.optional(),
  authorName: z.string().optional(),
  claimedMs: timeMs.optional().describe('when its author says that it was made: nobody has checked it'),
}

// ── histories ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const elementParams = z.object({ ...contractParams.shape, uid })
const flag = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true')
export const refusedFlag = flag.describe('also the requests that named the element and were refused')
export const historyQuery = z.strictObject({ ...stateQuery, refused: refusedFlag, cursor, limit })

const historyChange = named(
  'HistoryChange',
  z.object({
    ...origin,
    sinceBefore: z
      .literal(true)
      .optional()
      .describe('it was so before the checkpoint that the ledger begins with here'),
    outcome: z
      .enum(['accepted', 'conflicted', 'rejected'])
      .describe('of the request; one that is not accepted changed nothing'),
    code: z.string().optional().describe('why it was refused'),
    what: z
      .array(z.enum(['created', 'set', 'renamed', 'moved', 'deleted', 'child']))
      .describe('child: a refused request was to make an element below it'),
    removed: z.literal(true).optional(),
    name: z.string().optional(),
    oldName: z.string().optional(),
    type: z.string().optional(),
    value: value.optional(),
    notShown,
    version: hash.optional().describe('a field’s commitment'),
    recordHash: hash.optional(),
    old: valueThen.optional().describe('what it was before, where that is another'),
    rule: z
      .string()
      .optional()
      .describe('reserved: the rule under which it came about; this version keeps no rules'),
    votes: z
      .array(z.object({ ...person.shape, yes: z.boolean(), timeMs: timeMs.optional() }))
      .optional()
      .describe('reserved: who voted on it; this version keeps no votes on values'),
  }),
)
export type HistoryChange = z.infer<typeof historyChange>
export type HistoryView = {
  contract: string
  uid: string
  path?: string
  total: number
  versions: HistoryChange[]
  next?: { height: number; place: number }
}
export const historyPage = z.object({
  contract: hash,
  uid,
  path: z.string().optional().describe('missing once it is deleted'),
  total: z.int().describe('ledger blocks that changed it'),
  versions: z.array(historyChange),
  nextCursor: z.string().optional(),
})

// ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────────

const point = z
  .string()
  .min(1)
  .max(64)
  .describe('a height; `final`; an RFC 3339 time by block time, or a date for its beginning in UTC')

export const differenceQuery = z.strictObject({
  from: point,
  to: point.optional().describe('as `from`; the last final height where left out'),
  status: stateQuery.status,
  cursor,
  limit,
})

const stateThen = z.object({
  height: z.int(),
  timeMs,
  stage: z.enum(['final', 'tentative', 'lapse']),
  recordHash: hash,
})
const differenceView = named(
  'ElementDifference',
  z.object({
    uid,
    what: z
      .array(z.enum(['created', 'removed', 'moved', 'renamed', 'retyped', 'changed', 'restated']))
      .describe('restated: the same value was written again'),
    kind: z.enum(['block', 'list', 'field']),
    path: z.string().describe('in the later state; of what is gone, in the earlier one'),
    oldPath: z.string().optional().describe('where it was, if that is another'),
    old: valueThen.optional(),
    new: valueThen.optional(),
    change: z.object(origin).describe('the last request between the two that changed it'),
  }),
)
export type DifferenceView = z.infer<typeof differenceView>
export const differencePage = z.object({
  contract: hash,
  name: z.string(),
  from: stateThen,
  to: stateThen,
  parties: z
    .object({ came: z.array(person), left: z.array(person), policy: z.boolean() })
    .optional()
    .describe('who came in and who left; whether the policy is another'),
  total: z.int().describe('elements that differ'),
  elements: z.array(differenceView).describe('in document order'),
  nextCursor: z.string().optional(),
})
