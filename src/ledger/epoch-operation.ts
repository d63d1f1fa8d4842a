/**
 * Operations on the epoch: who is in, by which card, under which policy (PROTOCOL EPO-1). Each stands alone in its request,
 * whose id names the change.
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { cardHash, cardShape, EARLIER_MAX, type ProvenCard } from '../identity/card.ts'
import { type LedgerPoint, pointShape } from './checkpoint.ts'
import { type Policy, policyShape } from './epoch.ts'
import { checkEvidenceShape, type Evidence } from './evidence.ts'

/** older: the party is given the openings of former values too, not only of those current when it comes in. */
export type InviteOperation = {
  op: 'invite'
  card: ProvenCard
  role: 'member' | 'observer'
  older: boolean
  expiresMs: number
}
/** The invited party's own yes. genesis: of the lineage; the contract's id in lineage 0. checkpoint: up to where it has verified. */
export type AcceptOperation = { op: 'accept'; change: string; genesis: string; checkpoint: LedgerPoint }
/** A member's yes or no to a change. */
export type VoteOperation = { op: 'vote'; change: string; yes: boolean }
/** checkpoint: the last that its author has cosigned. */
export type LeaveOperation = { op: 'leave'; checkpoint: LedgerPoint }
/** A party's next card. */
export type CardOperation = { op: 'card'; card: ProvenCard; expiresMs: number }
export type PolicyOperation = { op: 'policy'; policy: Policy; expiresMs: number }
/** Removes the party that the evidence names. */
export type RemoveOperation = { op: 'remove'; evidence: Evidence }
export type EpochOperation =
  | InviteOperation
  | AcceptOperation
  | VoteOperation
  | LeaveOperation
  | CardOperation
  | PolicyOperation
  | RemoveOperation

const signedCard = { card: cardShape, signature: shape.signature }
/** The form of a proven card; whether it is proven, `checkProvenCard` says, which costs a signature for each card in it. */
const provenCard = shape.object(signedCard, {
  earlier: shape.array(shape.object(signedCard), EARLIER_MAX, 1),
})

const SHAPES: { [Op in EpochOperation['op']]: shape.Check<unknown> } = {
  invite: shape.object({
    op: shape.literal('invite'),
    card: provenCard,
    role: shape.literal('member', 'observer'),
    older: shape.boolean,
    expiresMs: shape.timeMs,
  }),
  accept: shape.object({
    op: shape.literal('accept'),
    change: shape.hash,
    genesis: shape.hash,
    checkpoint: pointShape,
  }),
  vote: shape.object({ op: shape.literal('vote'), change: shape.hash, yes: shape.boolean }),
  leave: shape.object({ op: shape.literal('leave'), checkpoint: pointShape }),
  card: shape.object({ op: shape.literal('card'), card: provenCard, expiresMs: shape.timeMs }),
  policy: shape.object({ op: shape.literal('policy'), policy: policyShape, expiresMs: shape.timeMs }),
  remove: shape.object({ op: shape.literal('remove'), evidence: checkEvidenceShape }),
}

/** Whether something calls itself an operation on the epoch. */
export function isEpochOperation(value: unknown): value is EpochOperation {
  const { op } = Object(value) as { op?: unknown }
  return typeof op === 'string' && Object.hasOwn(SHAPES, op)
}

/** Checks the form of an operation on the epoch; cards in it are not proven yet. @throws CountersignError `bad-format` */
export const epochOperationShape: shape.Check<EpochOperation> = (value, where) => {
  if (!isEpochOperation(value))
    throw new CountersignError('bad-format', `${where}.op: expected one of ${Object.keys(SHAPES).join(', ')}`)
  return SHAPES[value.op](value, where) as EpochOperation
}

/** Whether a proven card is the one of this hash, or follows from it. */
export function followsFrom({ card, earlier = [] }: ProvenCard, hash: string): boolean {
  return cardHash(card) === hash || earlier.some((before) => cardHash(before.card) === hash)
}
