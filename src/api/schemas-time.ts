/** Shapes of what is asked across heights and times: differences, histories, reports and their schedules. */
import { z } from 'zod'
import { contractParams, cursor, hash, limit, named, person, stateQuery, timeMs, uid } from './schemas.ts'

const value = z.union([z.string(), z.boolean(), z.null()])
const notShown = z
  .literal(true)
  .optional()
  .describe('its value is not held here: it is private to others, from before this party came in, or erased')
const readers = z.array(person).optional().describe('who may see it, where that is not everybody')
const valueThen = z.object({
  type: z.string(),
  version: hash.describe('its commitment'),
  value: value.optional(),
  readers,
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
    words: z.string().optional().describe('what the code says, and what to do next'),
    what: z
      .array(z.enum(['created', 'set', 'renamed', 'moved', 'described', 'switched', 'deleted', 'child']))
      .describe(
        'switched: a rule brought or took it; child: a refused request was to make an element below it',
      ),
    removed: z.literal(true).optional(),
    name: z.string().optional(),
    oldName: z.string().optional(),
    type: z.string().optional(),
    value: value.optional(),
    readers,
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
      .array(
        z.enum([
          'created',
          'removed',
          'moved',
          'renamed',
          'retyped',
          'changed',
          'restated',
          'described',
          'switched',
        ]),
      )
      .describe(
        'restated: the same value was written again; described: its label, help or named type; switched: a rule brought or took it',
      ),
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

// ── reports ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const oneOrMore = z
  .union([hash.transform((one) => [one]), z.array(hash).max(1000)])
  .optional()
  .describe('a contract; may stand several times; all where left out')
const fieldPaths = z
  .string()
  .max(16_384)
  .optional()
  .describe('paths with commas between them, each for itself and all below it; all leaves where left out')
const reportTime = z
  .string()
  .max(64)
  .optional()
  .describe('RFC 3339, or a date for its beginning in UTC; now where left out')

export const reportQuery = z.strictObject({
  at: reportTime,
  contract: oneOrMore,
  fields: fieldPaths,
  status: stateQuery.status,
  cursor,
  limit,
})
export const reportFileQuery = z.strictObject({ at: reportTime, contract: oneOrMore, fields: fieldPaths })

const reportedContract = named(
  'ReportedContract',
  z.object({
    contract: hash,
    name: z.string(),
    status: z.string().describe('of the contract at this node now'),
    height: z.int(),
    timeMs,
    stage: z.enum(['final', 'tentative']),
    recordHash: hash,
    tentative: z.int().describe('ledger blocks of up to then that are not final yet, and not in here'),
    members: z.array(person).describe('who was in then'),
    fields: z.array(
      z.object({
        path: z.string(),
        uid,
        type: z.string(),
        version: hash.describe('its commitment; 64 zeros while it is empty'),
        value: value.optional(),
        readers,
        notShown,
      }),
    ),
    missing: z.array(z.string()).describe('paths that were asked for and name nothing in it'),
  }),
)
export type ReportedContract = z.infer<typeof reportedContract>
export const reportPage = z.object({
  atMs: timeMs,
  madeMs: timeMs,
  total: z.int().describe('contracts in the whole report'),
  leftOut: z
    .object({ notYet: z.int(), notFinal: z.int(), notHeld: z.int(), damaged: z.int() })
    .describe(
      'contracts that are not in it: they did not exist yet, nothing is final, not held as of then, damaged',
    ),
  contracts: z.array(reportedContract),
  nextCursor: z.string().optional(),
})

const scheduleFields = {
  name: z
    .string()
    .max(40)
    .describe('1 to 40 lowercase letters, digits and -: its files are called NAME-DATE.jsonl'),
  every: z.enum(['day', 'week', 'month']).describe('week: on Mondays; month: on the first'),
  at: z.string().max(5).describe('a time of day in UTC such as 06:00'),
  to: z.string().max(4096).describe('a directory of the node’s machine, by its whole path'),
  contracts: z.array(hash).min(1).max(1000).optional().describe('all where left out'),
  fields: z
    .array(z.string().max(65_536))
    .min(1)
    .max(1000)
    .optional()
    .describe('paths; all leaves where left out'),
}
export const newSchedule = named('NewReportSchedule', z.strictObject(scheduleFields))
export const scheduleView = named(
  'ReportSchedule',
  z.object({
    ...scheduleFields,
    addedMs: timeMs,
    nextMs: timeMs.describe('when it is due; past where it is being made or tried again'),
    doneMs: timeMs.optional().describe('the due time of the last report made'),
    failure: z
      .object({ message: z.string(), sinceMs: timeMs, attempts: z.int() })
      .optional()
      .describe('why the last attempt came to nothing; it is tried again'),
  }),
)
export const scheduleList = z.object({ schedules: z.array(scheduleView) })
export const scheduleParams = z.object({ name: z.string().max(40) })
