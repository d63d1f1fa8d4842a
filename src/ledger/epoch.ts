/**
 * What is fixed within one epoch, and the epoch record of the state: that, and the changes under way (PROTOCOL STA-2, EPO-3).
 */
import * as shape from '../crypto/shape.ts'
import { type Card, cardShape } from '../identity/card.ts'

export { type Card, cardHash, checkProvenCard, type ProvenCard, partyOf } from '../identity/card.ts'

export type Policy = {
  quorum: 'majority' | 'bft' | 'unanimous'
  /** How far a block's time may be from a voter's clock. */
  clockBoundMs: number
  /** Silence after which lapse is accepted; null: never. */
  silenceMs: number | null
  /** Who may invite, and whose yes lets in: parties by id; of a quorum as many as order. */
  admission: { invite: 'any' | string[]; admit: 'every' | 'quorum' | string[] }
  /** Members freeze a halted contract by themselves (LIN-1); left out: each by an act of its own. */
  freeze?: 'automatic'
}

/** What is fixed within one epoch, in the order members lead. */
export type Epoch = {
  epoch: number
  members: string[]
  cards: string[]
  policy: Policy
  executionVersion: 1
}

export const MEMBERS_MAX = 256
/** Invitations and policies of one member that are neither decided nor lapsed. */
export const CHANGES_MAX = 4
/** Longest time from the block a change is proposed in to its expiry. */
export const CHANGE_LIFETIME_MAX_MS = 180 * 24 * 3600 * 1000

/** The ledger block that completed a change. */
export type Decided = { height: number; timeMs: number }

type Proposed = {
  /** Id of the request that made it. */
  change: string
  /** Who made it. */
  by: string
}
type Voted = Proposed & {
  expiresMs: number
  /** Who has said yes, in ledger order. */
  yes: string[]
  decided?: Decided
}

/** card: the last of the proven card that the party was invited by; older: it is given openings of former values too. */
export type Invitation = Voted & {
  op: 'invite'
  party: string
  card: Card
  role: 'member' | 'observer'
  older: boolean
  accepted?: true
}
export type PolicyChange = Voted & { op: 'policy'; policy: Policy }
/** A party's next card. It needs nobody's yes. */
export type CardChange = Proposed & {
  op: 'card'
  party: string
  card: Card
  expiresMs: number
  decided: Decided
}
/** A party that leaves, or is removed by evidence. It needs nobody's yes and does not lapse. */
export type Departure = Proposed & { op: 'leave' | 'remove'; party: string; decided: Decided }
export type Change = Invitation | PolicyChange | CardChange | Departure

/** Each list stands there only if there is something in it. */
export type EpochRecord = Epoch & {
  /** The cards in force that don't stand in the genesis. */
  newer?: Card[]
  /** Party and hash of its card in force. */
  observers?: [party: string, card: string][]
  /** Of the parties that are in now and have not been from the first: since which epoch; whether older openings were given. */
  arrived?: [party: string, epoch: number, older: boolean][]
  /** Keys in cards that were in force before, of the parties that are in now: they still prove what was signed. */
  former?: [party: string, vote: string, cosign: string][]
  /** In ledger order. */
  changes?: Change[]
}

const parties = shape.array(shape.hash, MEMBERS_MAX, 1)

export const policyShape: shape.Check<Policy> = shape.object(
  {
    quorum: shape.literal('majority', 'bft', 'unanimous'),
    clockBoundMs: shape.integer(1000, 24 * 3600 * 1000),
    silenceMs: shape.either(shape.literal(null), shape.integer(60_000)) as shape.Check<number | null>,
    admission: shape.object({
      invite: shape.either(shape.literal('any'), parties),
      admit: shape.either(shape.literal('every', 'quorum'), parties),
    }) as shape.Check<Policy['admission']>,
  },
  { freeze: shape.literal('automatic') },
)

/** What of an epoch stands in its record and in the turn that began it. */
export const epochParts = {
  epoch: shape.integer(0),
  members: shape.array(shape.hash, MEMBERS_MAX, 1),
  cards: shape.array(shape.hash, MEMBERS_MAX, 1),
  policy: policyShape,
  executionVersion: shape.literal(1),
}

/** Checks an epoch from outside. @throws CountersignError `bad-format` */
export const epochShape: shape.Check<Epoch> = shape.object(epochParts)

/** A tuple of exactly these parts. */
function tuple<T extends unknown[]>(...parts: { [K in keyof T]: shape.Check<T[K]> }): shape.Check<T> {
  const count = shape.array<unknown>((value) => value, parts.length, parts.length)
  return (value, where) => {
    for (const [index, part] of count(value, where).entries()) parts[index]?.(part, `${where}[${index}]`)
    return value as T
  }
}

export const observersShape: shape.Check<[party: string, card: string][]> = shape.array(
  tuple(shape.hash, shape.hash),
  MEMBERS_MAX,
  1,
)

const decided = shape.object({ height: shape.integer(0), timeMs: shape.timeMs })
const proposed = { change: shape.hash, by: shape.hash }
const voted = { ...proposed, expiresMs: shape.timeMs, yes: shape.array(shape.hash, MEMBERS_MAX) }
const wasTrue = shape.literal(true)
const changeShapes = {
  invite: shape.object(
    {
      ...voted,
      op: shape.literal('invite'),
      party: shape.hash,
      card: cardShape,
      role: shape.literal('member', 'observer'),
      older: shape.boolean,
    },
    { accepted: wasTrue, decided },
  ),
  policy: shape.object({ ...voted, op: shape.literal('policy'), policy: policyShape }, { decided }),
  card: shape.object({
    ...proposed,
    op: shape.literal('card'),
    party: shape.hash,
    card: cardShape,
    expiresMs: shape.timeMs,
    decided,
  }),
  departure: shape.object({ ...proposed, op: shape.literal('leave', 'remove'), party: shape.hash, decided }),
}
const changeShape: shape.Check<Change> = (value, where) => {
  const { op } = Object(value) as { op?: unknown }
  if (op === 'invite') return changeShapes.invite(value, where) as Change
  if (op === 'policy') return changeShapes.policy(value, where) as Change
  if (op === 'card') return changeShapes.card(value, where) as Change
  return changeShapes.departure(value, where) as Change
}

/** No list of a record is as long as this; what bounds them is what was ordered. */
const LIST_MAX = 1_000_000

/** Checks an epoch record that came from a store. @throws CountersignError `bad-format` */
export const epochRecordShape: shape.Check<EpochRecord> = shape.object(epochParts, {
  newer: shape.array(cardShape, 2 * MEMBERS_MAX, 1),
  observers: observersShape,
  arrived: shape.array(tuple(shape.hash, shape.integer(1), shape.boolean), 2 * MEMBERS_MAX, 1),
  former: shape.array(tuple(shape.hash, shape.publicKey, shape.publicKey), LIST_MAX, 1),
  changes: shape.array(changeShape, LIST_MAX, 1),
})

/** How many of n members order a ledger block (PROTOCOL §7). */
export function quorumOf(policy: Policy, n: number): number {
  if (policy.quorum === 'unanimous') return n
  return policy.quorum === 'bft' ? Math.floor((2 * n) / 3) + 1 : Math.floor(n / 2) + 1
}
