/**
 * What a member answers to who is let in and wants to begin at a final checkpoint that it vouches for (PROTOCOL EPO-15): which,
 * then headers, state with its values, and requests that could be replayed, part by part.
 */
import { cardsToProve } from '../contract/basis.ts'
import {
  type EpochRecord,
  epochUidOf,
  type StateRecord as Recorded,
  shownCommitmentIn,
} from '../contract/record.ts'
import { type Card, cardHash, type ProvenCard, partyOf } from '../identity/card.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { StateRecord } from '../store/store.ts'
import type { VouchedMessage, VouchMessage } from './messages.ts'
import type { Replica } from './replica.ts'

export const HEADERS_MAX = 2048
export const ORDERED_MAX = 10_000
const RECORDS_MAX = 5000
const RECORDS_BYTES = 4 * 1024 * 1024

/** Height of the checkpoint that each guest was offered last. */
const offered = new WeakMap<Replica, Map<string, number>>()

export function answerVouch(replica: Replica, to: string, asked: VouchMessage): void {
  if (replica.epochs.part !== 'member' || replica.status === 'halted' || !replica.roster.guests.has(to))
    return
  replica.outbox.flush()
  const offers = offered.get(replica) ?? new Map<string, number>()
  offered.set(replica, offers)
  if (asked.height === undefined) {
    const offer = basisNow(replica)
    if (offer === undefined) return
    offers.set(to, offer.height)
    replica.send(to, offer)
    return
  }
  // Values of any other block are not a guest's to see.
  const answer = offers.get(to) === asked.height ? partOf(replica, asked.height, asked) : undefined
  if (answer) replica.send(to, answer)
}

/** The last block of this epoch that all its members have cosigned, with what each has cosigned. */
function basisNow(replica: Replica): VouchedMessage | undefined {
  const { contract, store, roster, finality, basis } = replica
  const cosignatures: Cosignature[] = []
  for (const party of roster.members) {
    const cosignature = finality.cosignatures.get(party)
    if (cosignature === undefined || cosignature.size <= roster.span.firstHeight) return undefined
    if (cosignature.epoch !== roster.current) return undefined
    cosignatures.push(cosignature)
  }
  const height = Math.min(...cosignatures.map(({ size }) => size)) - 1
  if (height <= (basis?.height ?? 0)) return undefined
  const record = [...store.elementHistory(contract, epochUidOf(contract))].findLast(
    (one) => one.height <= height,
  )
  const cards = cardsToProve(record?.record as EpochRecord).map((card) => provenCard(replica, card))
  // A card that isn’t held here with those before it: another member has it.
  if (cards.includes(undefined)) return undefined
  return { type: 'VOUCHED', height, cosignatures, cards }
}

/** A card with all before it, as they are held here. */
export function provenCard(
  { store, basis }: Pick<Replica, 'store' | 'basis'>,
  card: Card,
): ProvenCard | undefined {
  const hash = cardHash(card)
  const held = store.cardHistory(partyOf(card)).filter((one) => one.card.sequence <= card.sequence)
  const last = held.at(-1)
  if (last && cardHash(last.card) === hash && held.length === card.sequence) {
    const earlier = held.slice(0, -1)
    return earlier.length === 0 ? last : { ...last, earlier }
  }
  return basis?.cards.find((one) => cardHash(one.card) === hash)
}

function partOf(replica: Replica, height: number, asked: VouchMessage): VouchedMessage | undefined {
  const { contract, store, chain, basis } = replica
  if (height > chain.height || height <= (basis?.height ?? 0)) return undefined
  if (asked.headers !== undefined) {
    const headers = store.headers(contract, asked.headers, HEADERS_MAX)
    return { type: 'VOUCHED', height, headers }
  }
  if (asked.records !== undefined) return recordsOf(replica, height, asked.records)
  const timeMs = chain.headerAt(height)?.timeMs
  if (asked.ordered === undefined || timeMs === undefined) return undefined
  const page = { after: asked.ordered, limit: ORDERED_MAX }
  const ordered = store.orderedUntil(contract, { height, timeMs }, page)
  return { type: 'VOUCHED', height, ordered, isLast: ordered.length < ORDERED_MAX }
}

function recordsOf({ contract, store }: Replica, height: number, after: string): VouchedMessage {
  const records: [string, StateRecord][] = []
  const commitments = new Set<string>()
  let sizeBytes = 0
  let isLast = true
  for (const [uid, record] of store.elements(contract, height)) {
    if (uid <= after) continue
    if (records.length >= RECORDS_MAX || sizeBytes > RECORDS_BYTES) {
      isLast = false
      break
    }
    records.push([uid, record])
    sizeBytes += JSON.stringify(record).length
    // What not everybody may see is asked for by whom it is for, once it is in.
    const value = shownCommitmentIn(record as Recorded)
    if (value === undefined) continue
    commitments.add(value)
    const opening = store.openings(contract, [value]).get(value)
    sizeBytes += opening === undefined ? 0 : JSON.stringify(opening).length
  }
  const openings = [...store.openings(contract, [...commitments]).values()]
  return { type: 'VOUCHED', height, records, openings, isLast }
}
