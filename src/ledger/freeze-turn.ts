/**
 * The turns of the epoch that a FREEZE shows (PROTOCOL LIN-1): each ended an epoch within the history shown. Who knows only the
 * epoch that the history begins in learns from them who was in after it, and by which keys, without a single other block.
 *
 *   from ─────────── t ───────────── t' ────── tip      shown: t and t' as whole blocks, each with its COMMIT
 *       epoch e            e + 1           e + 2
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { cardHash, checkProvenCard, type ProvenCard, partyOf } from '../identity/card.ts'
import { blockHash, type Effect, entriesRoot } from './block.ts'
import {
  type Certificate,
  certificateVerifies,
  checkCertificateShape,
  type Electorate,
} from './certificate.ts'
import { quorumOf } from './epoch.ts'
import type { LeaveOperation } from './epoch-operation.ts'
import type { CosignKeys } from './evidence.ts'
import {
  type AnyRequest,
  anyRequestShape,
  checkAnyRequest,
  epochOperationOf,
  type SignedRequest,
} from './request.ts'
import { checkAnyBlockShape, type TurnBlock, turnOf } from './turn.ts'

/**
 * effects: of its one entry, with which the header's entriesRoot can be computed again; card: the one that the turn brought, if it
 * did; leaves: the LEAVE of each who went by its own signature, as far as they are held.
 */
export type ShownTurn = {
  block: TurnBlock
  effects: [uid: string, recordHash: string][]
  notarization: Certificate
  finalization: Certificate
  card?: ProvenCard
  leaves?: SignedRequest<AnyRequest>[]
}

const LEAVES_MAX = 256
/** Each takes the cosignatures of all who stay: what is not final yet does not hold as many. */
const TURNS_MAX = 256

const effectsShape: shape.Check<ShownTurn['effects']> = (value, where) => {
  const [effect] = shape.array<unknown>((one) => one, 1, 1)(value, where)
  const [uid, record] = shape.array<unknown>((one) => one, 2, 2)(effect, where)
  shape.uid(uid, where)
  shape.hash(record, where)
  return value as ShownTurn['effects']
}
const turnBlock: shape.Check<TurnBlock> = (value, where) => {
  const block = checkAnyBlockShape(value)
  if (turnOf(block) === undefined) throw new CountersignError('bad-format', `${where}: expected a turn`)
  return block as TurnBlock
}
const certificate = ((value: unknown) => checkCertificateShape(value)) as shape.Check<Certificate>
const card = ((value: unknown) => checkProvenCard(value)) as shape.Check<ProvenCard>
const leave = shape.object({ request: anyRequestShape, signature: shape.signature })

export const shownTurnsShape: shape.Check<ShownTurn[]> = shape.array(
  shape.object(
    { block: turnBlock, effects: effectsShape, notarization: certificate, finalization: certificate },
    { card, leaves: shape.array(leave, LEAVES_MAX, 1) },
  ),
  TURNS_MAX,
  1,
)

/**
 * Who is in an epoch of a lineage. cosignKeys, voteKeys: by party all that it has had by then (EPO-3), those in force by default;
 * authorKeys: in force; firstHeight: of its first ledger block, 0 by default.
 */
export type FreezeEpoch = {
  electorate: Electorate
  /** In the order they lead. */
  members: readonly string[]
  cosignKeys: CosignKeys
  voteKeys?: CosignKeys
  authorKeys?: ReadonlyMap<string, string>
  firstHeight?: number
}

export function keysOf(keys: CosignKeys, party: string): readonly string[] {
  return [keys.get(party) ?? []].flat()
}

function withKey(keys: CosignKeys, party: string, key: string): CosignKeys {
  return new Map([...keys, [party, [...new Set([...keysOf(keys, party), key])]]])
}

/** The epoch that a shown turn begins: keys that somebody has had stay known, also of who is out. */
export function epochAfter(before: FreezeEpoch, { block, card }: ShownTurn): FreezeEpoch {
  const { electorate, cosignKeys, voteKeys = electorate.voteKeys, authorKeys = new Map() } = before
  const { epoch, members, policy } = turnOf(block) as NonNullable<ReturnType<typeof turnOf>>
  const { contract, lineage } = electorate
  const inForce = new Map(electorate.voteKeys)
  const next = { members, firstHeight: block.header.height + 1 }
  const quorum = quorumOf(policy, members.length)
  const electorateOf = (): Electorate => ({
    ...{ contract, lineage, epoch, quorum },
    voteKeys: new Map(members.flatMap((party) => keysOf(inForce, party).map((key) => [party, key] as const))),
  })
  if (card === undefined) return { ...next, electorate: electorateOf(), cosignKeys, voteKeys, authorKeys }
  const party = partyOf(card.card)
  const { vote, cosign, author } = card.card.keys
  inForce.set(party, vote)
  return {
    ...next,
    electorate: electorateOf(),
    cosignKeys: withKey(cosignKeys, party, cosign),
    voteKeys: withKey(voteKeys, party, vote),
    authorKeys: new Map([...authorKeys, [party, author]]),
  }
}

/** Whether what a shown turn says follows from it, and it was committed by who was in before. */
export function turnHolds(before: FreezeEpoch, shown: ShownTurn): boolean {
  const { electorate } = before
  const { header } = shown.block
  const turn = turnOf(shown.block)
  if (turn === undefined || header.contract !== electorate.contract || header.lineage !== electorate.lineage)
    return false
  if (header.epoch !== electorate.epoch || turn.epoch !== electorate.epoch + 1) return false
  if (entriesRoot([turn], [shown.effects as Effect[]]) !== header.entriesRoot) return false
  const { members, cards } = turn
  if (cards.length !== members.length || new Set(members).size !== members.length) return false
  if (!isCommit(electorate, blockHash(header), header.view, shown.notarization, shown.finalization))
    return false
  const brought = shown.card && partyOf(shown.card.card)
  if (shown.card && cards[members.indexOf(brought as string)] !== cardHash(shown.card.card)) return false
  const isKnown = (party: string): boolean => electorate.voteKeys.has(party) || party === brought
  return members.every(isKnown) && leavesHold(before, members, shown.leaves ?? [])
}

/** Each is the LEAVE of another member that the turn takes out. */
function leavesHold(
  { electorate, members, authorKeys = new Map() }: FreezeEpoch,
  staying: readonly string[],
  leaves: readonly unknown[],
): boolean {
  const gone = new Set<string>()
  try {
    for (const value of leaves) {
      const { request } = checkAnyRequest(value, electorate.contract, ({ author }) => authorKeys.get(author))
      const { author } = request
      if (epochOperationOf(request)?.op !== 'leave' || !members.includes(author) || staying.includes(author))
        return false
      if (gone.has(author)) return false
      gone.add(author)
    }
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
  return true
}

/** Who has left, and the last checkpoint that it says it cosigned before. */
export type Left = { party: string; size: number; epoch: number }

export function leftAt({ leaves = [] }: ShownTurn): Left[] {
  return leaves.map(({ request }) => {
    const { size, epoch } = (epochOperationOf(request) as LeaveOperation).checkpoint
    return { party: request.author, size, epoch }
  })
}

/** Whether both certificates are a COMMIT of this block: of one view, not before its own (a turn's may be later, EPO-11). */
export function isCommit(
  electorate: Electorate,
  block: string,
  blockView: number,
  notarization: Certificate | undefined,
  finalization: Certificate | undefined,
): boolean {
  const view = notarization?.view ?? 0
  const commit = [
    ['notarization', notarization],
    ['finalization', finalization],
  ] as const
  return commit.every(
    ([kind, one]) =>
      one?.kind === kind &&
      one.block === block &&
      one.view === view &&
      view >= blockView &&
      certificateVerifies(electorate, one),
  )
}
