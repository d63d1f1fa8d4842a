/** Shapes of rules, votes, locks and phases as the HTTP interface shows them. */
import { z } from 'zod'
import { RULE_CODES } from '../../contract/rules/codes.ts'
import { hash, judgedView, named, timeMs, uid } from '../schemas.ts'

const person = z.object({ party: hash, name: z.string() })
const people = z.array(person)
const place = z.object({ uid, path: z.string().optional().describe('absent where the element is gone') })
const votes = { yes: people, no: people, missing: people.describe('who is asked and has said nothing') }

/** Which state is shown, in which phase the contract is in it. */
const head = {
  id: hash,
  height: z.int(),
  stage: z.enum(['final', 'tentative', 'lapse']),
  phase: z.string(),
}
const cursors = { nextCursor: z.string().optional() }

const rule = {
  at: place.describe('the block it stands at'),
  target: z.string().describe('what it is about: every item of a list on the way is meant'),
  is: z.string().optional().describe('what was there when it was drafted: block, a type, or a list of them'),
  set: z.string().optional(),
  behaviour: z.record(z.string(), z.unknown()).describe('as it was drafted, in the form of NewBehaviour'),
}
export const ruleView = named(
  'Rule',
  z.object({
    uid,
    sentence: z.string().describe('the rule in plain language'),
    owner: person,
    ...rule,
    on: z.boolean().describe('whether its rule set is switched on'),
    failed: z.literal(true).optional().describe('what its trigger was to do at its date broke a rule'),
    fired: z.literal(true).optional().describe('a trigger that has fired'),
    dueMs: timeMs.optional().describe('when a trigger fires that waits for a date'),
    question: z.object({ text: z.string(), count: z.int(), ...votes }).optional(),
  }),
)
export type RuleView = z.infer<typeof ruleView>
export const rulePage = z.object({ ...head, rules: z.array(ruleView), ...cursors })

export const draftView = named(
  'Draft',
  z.object({
    uid,
    sentence: z.string().describe('what it is for, in plain language'),
    by: person,
    do: z.enum(['add', 'replace', 'repeal', 'switch', 'template']),
    ...z.object(rule).partial().shape,
    rule: uid.optional().describe('the one that is to go'),
    on: z.boolean().optional().describe('whether the set is to be switched on'),
    ...votes,
    agreed: z.boolean().describe('every member has said yes: it can be published'),
    request: hash
      .optional()
      .describe(
        'the request that made it, maybe with others; absent where it was made before what is held here',
      ),
  }),
)
export type DraftView = z.infer<typeof draftView>
export const draftPage = z.object({ ...head, drafts: z.array(draftView), ...cursors })

export const proposalView = named(
  'Proposal',
  z.object({
    uid,
    by: person,
    on: place,
    type: z.string(),
    value: z.union([z.string(), z.boolean(), z.null()]).optional().describe('null: the field is to be empty'),
    readers: people.optional().describe('who may see the value, where that is not everybody'),
    notShown: z.literal(true).optional().describe('the value is private and not held by this node'),
    stale: z.boolean().describe('another value was agreed since it was made'),
    complete: z
      .literal(true)
      .optional()
      .describe(
        'every yes it takes is there since a party left: the next yes, one said before too, makes it the value',
      ),
    needs: z
      .array(z.object({ rule: uid, count: z.int(), yes: z.int(), parties: people }))
      .describe('how many yeses each rule asks for, and how many are there'),
    ...votes,
  }),
)
export type ProposalView = z.infer<typeof proposalView>
export const proposalPage = z.object({ ...head, proposals: z.array(proposalView), ...cursors })

export const voteView = named(
  'Vote',
  z.object({
    uid: uid.describe('what `on` of POST …/votes takes'),
    kind: z.enum(['proposal', 'draft', 'question']),
    by: person,
    about: z.string().describe('the path'),
    text: z.string().optional().describe('of a question'),
    ...votes,
  }),
)
export type VoteView = z.infer<typeof voteView>
export const votePage = z.object({ ...head, votes: z.array(voteView), ...cursors })

export const lockView = named(
  'Lock',
  z.object({
    uid,
    by: person,
    on: place,
    fence: z.int().describe('height since which it is held without a break: tells one holder from the next'),
    expiresMs: timeMs.describe('in block time'),
    expired: z.boolean().describe('it has run out: anybody may take it over'),
  }),
)
export type LockView = z.infer<typeof lockView>
export const lockPage = z.object({ ...head, locks: z.array(lockView), ...cursors })

export const phaseView = z.object({
  ...head,
  phases: z.array(z.string()).describe('in their order; edit, before the first publication, is none of them'),
  next: z.string().optional(),
  publication: z.int().describe('how often rules were published'),
  sets: z.array(z.object({ set: z.string(), on: z.boolean() })).describe('rule sets'),
})

export const settlementView = z.object({
  ...head,
  record: hash.describe('the record hash that is confirmed, or would be'),
  confirmed: people,
  missing: people,
  settled: z.boolean().describe('every member has confirmed it'),
})

export const typePage = z.object({
  ...head,
  types: z.array(z.looseObject({ uid, by: person, name: z.string(), base: z.string() })),
  ...cursors,
})

export const conflictList = z.object({
  ...head,
  conflicts: z.array(
    z.object({
      kind: z.enum([
        'competing-proposals',
        'outdated-proposal',
        'values-break-draft',
        'competing-drafts',
        'failed-trigger',
      ]),
      elements: z.array(place),
      records: z.array(uid).describe('proposals, drafts or rules'),
      parties: people,
      ways: z
        .array(
          z.object({
            do: z.enum(['vote', 'withdraw', 'set', 'amend', 'propose']),
            by: people,
            on: uid.describe('the element, proposal, draft or rule'),
          }),
        )
        .describe('ways out, and who can take them'),
    }),
  ),
})

const reached = { reached: z.boolean(), missing: people }
export const elementStatus = named(
  'ElementStatus',
  z.object({
    uid,
    path: z.string(),
    kind: z.enum(['block', 'list', 'field']),
    tier: z.int().describe('the highest tier reached together with those below it: 0 to 3'),
    transport: z
      .object({
        stage: z.enum(['received', 'tentative', 'final']),
        height: z.int().optional().describe('of the ledger block that changed it last'),
        request: hash.optional().describe('a request on it that is not ordered yet'),
        judging: judgedView
          .optional()
          .describe('that request waits for these to judge private values: they are who is missing'),
        ...reached,
      })
      .describe('tier 1: of its last change, and whose signature is missing for it to be final'),
    agreement: z
      .object({
        how: z
          .enum(['votes', 'rules', 'open'])
          .describe('rules: none asks for votes on it, so that every node’s rules having taken it is enough'),
        proposals: z.array(uid).optional(),
        ...reached,
      })
      .describe(
        'tier 2: every yes that an approval rule asks for; where none does, that the rules have taken it',
      ),
    settlement: z.object(reached).describe('tier 3: every member has confirmed one record hash'),
  }),
)
export type ElementStatus = z.infer<typeof elementStatus>
export const statusPage = z.object({ ...head, elements: z.array(elementStatus), ...cursors })

export const refusalView = named(
  'Refusal',
  z.object({
    code: z.string().describe(`as in docs/outcomes.md, such as ${Object.keys(RULE_CODES)[0]}`),
    words: z.string().describe('what is wrong, and what to do next'),
    rule: uid.optional().describe('the rule, draft, proposal or lock that stands against it'),
    sentence: z.string().optional().describe('of the rule, in plain language'),
    element: uid.optional(),
    path: z.string().optional(),
    holder: person.optional().describe('of a lock'),
    own: z.literal(true).optional().describe('the lock is this party’s own: it is renewed, not taken again'),
    expiresMs: timeMs.optional(),
  }),
)
export type RefusalView = z.infer<typeof refusalView>

export const madeView = z.object({
  kind: z.enum(['draft', 'lock', 'type']),
  uid,
  href: z.string(),
  expiresMs: timeMs.optional().describe('of a lock'),
  fence: z.int().optional().describe('of a lock: the height since which it is held'),
})
export type MadeView = z.infer<typeof madeView>
