/**
 * Shapes of the HTTP interface. Those of requests validate; the views' types are those of their schemas; the OpenAPI document
 * is made of both.
 */
import { z } from 'zod'

/** Schemas with a name of their own in the OpenAPI document. */
export const components = z.registry<{ id: string }>()

export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  components.add(schema, { id })
  return schema
}

const HASH = /^[0-9a-f]{64}$/
const UID = /^[0-9a-f]{32}$/

export const hash = z.string().regex(HASH, 'expected 64 lowercase hex digits')
export const uid = z.string().regex(UID, 'expected 32 lowercase hex digits')
export const timeMs = z.int().describe('milliseconds since 1970')
export const wholeNumber = (maximum: number) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, 'expected a whole number')
    .transform(Number)
    .refine((value) => value <= maximum, `expected at most ${maximum}`)

// ── parts of requests ───────────────────────────────────────────────────────────────────────────────────────────────

export const contractParams = z.object({ contract: hash })
export const exportQuery = z.strictObject({
  private: z
    .enum(['true', 'false'])
    .optional()
    .transform((text) => text === 'true')
    .describe('also the private values that this party may see: whoever gets the file then reads them'),
})
export const heightParams = z.object({ contract: hash, height: wholeNumber(Number.MAX_SAFE_INTEGER) })
export const requestParams = z.object({ contract: hash, request: hash })
export const changeParams = z.object({ contract: hash, change: hash })

/** Which state is meant: the final one, unless said otherwise. */
export const stateQuery = {
  status: z
    .enum(['final', 'tentative'])
    .optional()
    .describe('tentative: what is ordered, though not final yet'),
  height: wholeNumber(Number.MAX_SAFE_INTEGER).optional().describe('as of this ledger block'),
  at: z.string().max(64).optional().describe('as of this time: RFC 3339, or a date for its beginning in UTC'),
}
export const stateQuerySchema = z.strictObject(stateQuery)

const LIMIT_DEFAULT = 100
export const limit = wholeNumber(1000)
  .optional()
  .transform((value) => value ?? LIMIT_DEFAULT)
export const cursor = z.string().max(300).optional().describe('nextCursor of the page before')

export const elementsQuery = z.strictObject({ ...stateQuery, parent: uid.optional(), cursor, limit })
export const pageQuery = z.strictObject({ ...stateQuery, cursor: uid.optional(), limit })
export const statusQuery = z.strictObject({
  path: z
    .string()
    .max(65_536)
    .optional()
    .describe('from which element down, by path or UID; the root where left out'),
  cursor: uid.optional(),
  limit,
})
export const requestsQuery = z.strictObject({ cursor: hash.optional(), limit })
export const blocksQuery = z.strictObject({ from: wholeNumber(Number.MAX_SAFE_INTEGER).optional(), limit })
export const shortBlocksQuery = z.strictObject({ ...blocksQuery.shape, contract: hash })

const admission = z.strictObject({
  invite: z.union([z.literal('any'), z.array(hash).min(1).max(256)]).describe('who may invite'),
  admit: z
    .union([z.literal('every'), z.literal('quorum'), z.array(hash).min(1).max(256)])
    .describe('whose yes lets in'),
})

const policy = z.strictObject({
  quorum: z.enum(['majority', 'bft', 'unanimous']).optional(),
  clockBoundMs: z.int().min(1000).max(86_400_000).optional(),
  silenceMs: z.int().min(60_000).nullable().optional(),
  admission: admission.optional(),
  freeze: z.literal('automatic').optional().describe('members freeze a halted contract by themselves'),
})

export const newContract = named(
  'NewContract',
  z.strictObject({
    name: z.string().max(256),
    with: z.array(hash).max(255).describe('pinned parties by fingerprint; this party is a member anyway'),
    document: z.unknown().optional().describe('the first document: any JSON'),
    xml: z.string().optional().describe('the first document as XML; one of the two'),
    policy: policy.optional(),
  }),
)

const expires = z
  .string()
  .max(64)
  .optional()
  .describe('when it lapses: RFC 3339, or a date; in 30 days where left out, at most 180 days ahead')

export const newChange = named(
  'NewChange',
  z.discriminatedUnion('op', [
    z.strictObject({
      op: z.literal('invite'),
      party: hash.describe('a pinned party by fingerprint'),
      role: z.enum(['member', 'observer']).optional().describe('member where left out; observers only read'),
      older: z.boolean().optional().describe('it is given the former values too; false where left out'),
      expires,
    }),
    z.strictObject({
      op: z.literal('policy'),
      policy: z
        .strictObject({
          ...policy.shape,
          freeze: z.literal('automatic').nullable().optional().describe('null: by an act of each member'),
        })
        .describe('what is to be otherwise'),
      expires,
    }),
    z.strictObject({ op: z.literal('leave') }),
    z.strictObject({ op: z.literal('remove'), party: hash.describe('whom evidence held here names') }),
  ]),
)
export type NewChange = z.infer<typeof newChange>
export const newVote = named('NewVote', z.strictObject({ yes: z.boolean() }))

export const newPeer = named(
  'NewPeer',
  z.strictObject({
    url: z.string().max(300).optional().describe('https://host:port of the party’s node'),
    card: z.unknown().optional().describe('the signed card, where it was handed over as a file'),
    fingerprint: z
      .string()
      .max(200)
      .optional()
      .describe('as the party told it; without one nothing is pinned'),
  }),
)

// ── views ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const problem = named(
  'Problem',
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    advice: z.string(),
    context: z.record(z.string(), z.unknown()).optional(),
  }),
)

export const awaited = z.object({ party: hash, name: z.string(), sinceMs: timeMs, connected: z.boolean() })

export const person = z.object({ party: hash, name: z.string() })

/** What a request waits for before it can be ordered. */
export const judgedView = z.object({
  sinceMs: timeMs.describe('since when they have been asked'),
  waitingFor: z
    .array(awaited)
    .describe('who has yet to sign what it judges of private values that the request sets or rules read'),
})
export type JudgedView = z.infer<typeof judgedView>

export const contractView = named(
  'Contract',
  z.object({
    id: hash,
    name: z.string(),
    status: z.enum(['invited', 'accepted', 'declined', 'halted', 'leaving', 'left', 'damaged']),
    reason: z.string().optional(),
    lineage: z.int().describe('0 unless members were left out for having signed two histories'),
    leftOut: z.array(z.object({ party: hash, name: z.string() })),
    halt: z
      .object({
        guilty: z.array(z.object({ party: hash, name: z.string() })),
        frozen: z.array(z.object({ party: hash, name: z.string() })),
        waitingFor: z.array(z.object({ party: hash, name: z.string(), connected: z.boolean() })),
        next: z.string().describe('what to do about it'),
      })
      .optional()
      .describe('how a halted or frozen contract stands: it goes on once everybody it waits for has frozen'),
    creator: hash,
    createdMs: timeMs,
    height: z.int().describe('of the last ledger block held; -1 if damaged'),
    finalHeight: z.int().describe('-1 before every member has accepted'),
    recordHash: z
      .string()
      .describe('the state root at finalHeight; before there is one, that of the first document'),
    members: z.array(
      z.object({
        party: hash,
        name: z.string(),
        connected: z.boolean(),
        cosignedSize: z.int().describe('how many ledger blocks it has cosigned'),
        sinceMs: timeMs.optional().describe('when its cosignature last moved'),
      }),
    ),
    epoch: z.int().describe('counts up whenever members, cards or the policy change'),
    part: z.enum(['member', 'observer', 'guest', 'out']).describe('what this party is in it; guest: let in'),
    standing: z.string().describe('the same in words, with what to do next'),
    observers: z.array(z.object({ party: hash, name: z.string() })),
    lapse: z
      .object({ height: z.int(), without: z.array(z.object({ party: hash, name: z.string() })) })
      .optional()
      .describe('up to where the contract is accepted by lapse, without members that were silent'),
    waitingFor: z.array(awaited),
    waitingRequests: z.int().describe('requests held here that are not ordered yet'),
    beginning: z
      .object({
        voucher: person.optional(),
        headers: z.int(),
        elements: z.int(),
        fault: z.string().optional().describe('why the last attempt came to nothing'),
      })
      .optional()
      .describe('on its way to a checkpoint that a member vouches for'),
    basis: z
      .object({ height: z.int(), voucher: person })
      .optional()
      .describe('the ledger is held here from this block on: who vouched for its checkpoint'),
  }),
)
export type ContractView = z.infer<typeof contractView>

export const acceptBody = z
  .object({ checkpointOf: hash.describe('a pinned member') })
  .partial()
  .nullish()

const policyView = z.object({
  quorum: z.enum(['majority', 'bft', 'unanimous']),
  clockBoundMs: z.int(),
  silenceMs: z.int().nullable(),
  admission,
  freeze: z.literal('automatic').optional(),
})

export const changeView = named(
  'Change',
  z.object({
    change: hash,
    op: z.enum(['invite', 'policy', 'card', 'leave', 'remove']),
    by: person,
    text: z.string().describe('who asks for what'),
    party: hash.optional(),
    name: z.string().optional(),
    role: z.enum(['member', 'observer']).optional(),
    olderValues: z.boolean().optional(),
    policy: policyView.optional(),
    card: z.int().optional().describe('sequence number'),
    stage: z
      .enum(['voting', 'accepting', 'decided', 'lapsed'])
      .describe(
        'accepting: the invited party is to accept; decided: comes with a turn, once those waited for have signed',
      ),
    proposedMs: timeMs,
    expiresMs: timeMs.optional(),
    yes: z.array(person),
    waitingFor: z.array(awaited),
  }),
)
export type ChangeView = z.infer<typeof changeView>

const seat = z.object({
  ...person.shape,
  card: z.int().describe('sequence number of its card in force'),
  sinceEpoch: z.int(),
  olderValues: z.boolean().describe('whether it was given the values from before it came'),
  pinned: z.boolean().describe('by this node, which can’t talk with it otherwise'),
  connected: z.boolean(),
  leaving: z.boolean(),
})
export const membersView = named(
  'Members',
  z.object({
    contract: hash,
    epoch: z.int(),
    sinceHeight: z.int().describe('of the first ledger block of the epoch'),
    standing: z.string().describe('what this party is here, and what it can do about it'),
    quorum: z.int().describe('how many members order a ledger block'),
    policy: policyView,
    members: z.array(seat).describe('in the order they lead'),
    observers: z.array(seat),
    guests: z
      .array(
        z.object({
          ...person.shape,
          role: z.enum(['member', 'observer']),
          change: hash,
          accepted: z.boolean(),
        }),
      )
      .describe('let in by every member: they read the ledger, accept, and come in with a turn'),
    changes: z.array(changeView).describe('open ones, in ledger order'),
  }),
)
export type MembersView = z.infer<typeof membersView>

export const contractDetails = named(
  'ContractDetails',
  z.object({
    ...contractView.shape,
    policy: z.record(z.string(), z.unknown()).optional(),
    phase: z.enum(['starting', 'recalling', 'signing']).optional(),
    changes: z.array(changeView).describe('of members and policy, that are open; see /members'),
    rootUid: uid,
    objections: z.array(z.object({ party: hash, view: z.int(), block: hash, code: z.string() })),
    refusedHistories: z.array(z.object({ party: hash, name: z.string(), reason: z.string() })),
    judging: z
      .array(z.object({ request: hash, ...judgedView.shape }))
      .describe('requests that can’t be ordered before others have judged private values'),
    evidence: z
      .array(z.object({ id: hash, kind: z.string(), party: hash, name: z.string(), text: z.string() }))
      .describe('members who have signed against themselves; whole at /evidence'),
  }),
)
export type ContractDetails = z.infer<typeof contractDetails>
export const contractList = z.object({ contracts: z.array(contractView) })

export const requestSummary = z.object({
  id: hash,
  author: hash,
  authorName: z.string(),
  stage: z.enum(['received', 'tentative', 'final', 'expired']),
  outcome: z.enum(['accepted', 'conflicted', 'rejected']).optional(),
  code: z.string().optional(),
  words: z.string().optional().describe('what the code says, and what to do next'),
  height: z.int().optional(),
  receivedMs: timeMs,
  operations: z.int(),
})
export type RequestSummary = z.infer<typeof requestSummary>
export const requestList = z.object({ requests: z.array(requestSummary), nextCursor: hash.optional() })

export const rawRequest = z.object({
  request: z.record(z.string(), z.unknown()),
  signature: z.string().describe('base64url'),
  signatureBase64: z.string(),
  signingInputBase64: z.string().describe('the exact bytes signed: openssl pkeyutl -verify -rawin'),
  authorKeyPem: z.string(),
})

export const peerView = named(
  'Peer',
  z.object({
    party: hash,
    name: z.string(),
    fingerprint: z.string(),
    endpoints: z.array(z.string()),
    sequence: z.int(),
    pinned: z.boolean(),
    pinnedMs: timeMs.optional(),
    connected: z.boolean(),
  }),
)
export type PeerView = z.infer<typeof peerView>
export const peerList = z.object({ peers: z.array(peerView) })
export const peerOffer = z.object({ peer: peerView, pinned: z.boolean() })

export const nodeView = z.object({
  party: hash,
  name: z.string(),
  fingerprint: z.string(),
  card: z.record(z.string(), z.unknown()),
  endpoints: z.array(z.string()),
  peerPort: z.int(),
  version: z.string(),
})

export const headerView = named(
  'LedgerBlockHeader',
  z.object({
    contract: hash,
    lineage: z.int(),
    epoch: z.int(),
    height: z.int(),
    view: z.int(),
    parent: hash,
    timeMs,
    entriesRoot: hash,
    stateRoot: hash,
    logRoot: hash,
  }),
)
export const blockSummary = z.object({
  height: z.int(),
  hash,
  header: headerView,
  entries: z.int(),
  stage: z.enum(['final', 'tentative']),
})
export type BlockSummary = z.infer<typeof blockSummary>
export const blockPage = z.object({
  contract: hash,
  blocks: z.array(blockSummary),
  nextFrom: z.int().optional(),
})

export const blockDetails = z.object({
  contract: hash,
  hash,
  stage: z.enum(['final', 'tentative']),
  header: headerView,
  entries: z.array(
    z.object({
      request: hash,
      author: hash.optional(),
      authorName: z.string().optional(),
      outcome: z.enum(['accepted', 'conflicted', 'rejected']),
      code: z.string().optional(),
      words: z.string().optional().describe('what the code says, and what to do next'),
      rule: uid.optional(),
      element: uid.optional(),
      judgedBy: z
        .array(person)
        .optional()
        .describe('who signed what it judged of private values, which is a receipt for them, too'),
    }),
  ),
  notarization: z.unknown().optional(),
  finalization: z.unknown().optional(),
  cosignedBy: z.array(z.object({ party: hash, name: z.string(), size: z.int() })),
  waitingFor: z.array(z.object({ party: hash, name: z.string() })),
})

export const checkView = z.object({
  ok: z.boolean(),
  height: z.int(),
  finding: z.object({ rule: z.string(), place: z.string(), message: z.string() }).optional(),
})
