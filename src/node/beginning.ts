/**
 * This party, let in, begins at a final checkpoint that a member vouches for, instead of reading the ledger from its genesis
 * (PROTOCOL EPO-15). It asks that member for one part after the other, and checks the whole before it takes any of it.
 */
import {
  basisState,
  checkBasisCards,
  checkEndsNoEpoch,
  checkVouched,
  epochStarts,
  HeaderChain,
} from '../contract/basis.ts'
import { electorateAt } from '../contract/epoch.ts'
import { type StateRecord, shownCommitmentIn } from '../contract/record.ts'
import { CountersignError } from '../crypto/errors.ts'
import { cardHash, type ProvenCard, partyOf } from '../identity/card.ts'
import type { Header } from '../ledger/block.ts'
import type { Checkpoint, Cosignature } from '../ledger/checkpoint.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { StoreWrite } from '../store/store.ts'
import type { VouchedMessage, VouchMessage } from './messages.ts'
import type { Replica } from './replica.ts'

const ASK_EVERY_MS = 3000
const SILENCE_MS = 20_000
/** What an honest member’s answer stays below, by far: nobody’s memory is filled by a liar’s. */
const HEADERS_MOST = 20_000_000
const RECORDS_MOST = 5_000_000
const ORDERED_MOST = 20_000_000
const FIRST_UID = '0'.repeat(32)
const FIRST_ID = '0'.repeat(64)

type Parts = {
  height: number
  cosignatures: Cosignature[]
  cards: unknown[]
  headers: Header[]
  records: [uid: string, record: StateRecord][]
  openings: Opening[]
  ordered: [id: string, notAfterMs: number][]
  /** What comes next. */
  next: Pick<VouchMessage, 'headers' | 'records' | 'ordered'> | undefined
}

export class Beginning {
  private readonly replica: Replica
  /** Who vouches. Undefined while nothing of the kind is under way. */
  voucher: string | undefined
  /** Why the last attempt came to nothing. */
  fault: string | undefined
  private parts: Parts | undefined
  private askAtMs = 0
  /** When the voucher last sent a part, or was first asked. */
  private heardMs: number | undefined
  /** What goes to disk, once all has been checked. */
  private writes: StoreWrite[] | undefined

  constructor(replica: Replica) {
    this.replica = replica
  }

  /** @throws CountersignError `conflict` where this party is in, or has said that it comes in */
  start(voucher: string): void {
    const { roster, self, epochs, status, basis } = this.replica
    if (basis?.voucher === voucher || this.voucher === voucher) return
    const guest = roster.guests.get(self)
    if (this.replica.lineage.number > 0)
      throw new CountersignError('conflict', 'a contract that was frozen once is read from its beginning')
    if (roster.isIn(self) || epochs.isFounder || guest?.accepted || status !== 'invited' || basis)
      throw new CountersignError(
        'conflict',
        'a party begins at a checkpoint once, before it accepts; one of the first members reads the ledger from its beginning',
      )
    this.stop()
    this.voucher = voucher
  }

  /** The ledger is read from its beginning. */
  stop(fault?: string): void {
    this.voucher = undefined
    this.fault = fault
    this.parts = undefined
    this.writes = undefined
    this.heardMs = undefined
    this.askAtMs = 0
  }

  /** How much of it is here, for people. */
  get received(): { headers: number; elements: number } {
    return { headers: this.parts?.headers.length ?? 0, elements: this.parts?.records.length ?? 0 }
  }

  /** When to ask next, ms since 1970; undefined while nothing is under way. */
  wakeMs(nowMs: number): number | undefined {
    return this.voucher === undefined || this.writes ? undefined : Math.max(nowMs, this.askAtMs)
  }

  /** Asks for what comes next, if it is time to. */
  ask(nowMs: number): void {
    if (this.voucher === undefined || this.writes || nowMs < this.askAtMs) return
    this.heardMs ??= nowMs
    if (nowMs >= this.heardMs + SILENCE_MS) {
      this.stop('who was to vouch for it has sent nothing for a while; the ledger is read from its beginning')
      return
    }
    this.askAtMs = nowMs + ASK_EVERY_MS
    const { parts } = this
    this.replica.send(this.voucher, {
      type: 'VOUCH',
      ...(parts?.next && { height: parts.height, ...parts.next }),
    })
  }

  /** Takes a part. One that nobody asked for changes nothing. */
  take(from: string, message: VouchedMessage, nowMs: number): void {
    if (from !== this.voucher || this.writes) return
    try {
      if (!this.add(message, nowMs)) return
      if (this.parts && !this.parts.next) {
        this.writes = this.checked(this.parts, nowMs)
        this.replica.outbox.renew(this.replica.contract)
      }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.stop(error.message)
      const { contract, outbox } = this.replica
      outbox.log('warn', 'checkpoint-refused', {
        rule: 'EPO-15',
        contract,
        party: from,
        reason: error.message,
      })
      return
    }
    this.askAtMs = 0
    this.heardMs = nowMs
    this.ask(nowMs)
  }

  private add(message: VouchedMessage, nowMs: number): boolean {
    const { parts } = this
    const { height, cosignatures, cards, headers, records, openings = [], ordered, isLast } = message
    if (parts === undefined) {
      if (!cosignatures || !cards) return false
      // Nothing that is held, and may have been called final, is let go.
      if (height <= this.replica.chain.height) {
        this.stop()
        return false
      }
      const none = { headers: [], records: [], openings: [], ordered: [] }
      this.parts = { height, cosignatures, cards, ...none, next: { headers: 1 } }
      return true
    }
    if (height !== parts.height || parts.next === undefined) return false
    const topHeight = Math.max(...parts.cosignatures.map(({ size }) => size)) - 1
    if (headers && parts.next.headers !== undefined) {
      if (headers[0]?.height !== parts.next.headers) return false
      for (const header of headers) if (header.height <= topHeight) parts.headers.push(header)
      const upTo = parts.headers.length
      parts.next = upTo < topHeight ? { headers: upTo + 1 } : { records: FIRST_UID }
    } else if (records && parts.next.records !== undefined) {
      const after = parts.next.records
      const last = inOrder(records, after)
      parts.records.push(...(records as [string, StateRecord][]))
      parts.openings.push(...openings)
      parts.next = isLast ? { ordered: FIRST_ID } : { records: last }
    } else if (ordered && parts.next.ordered !== undefined) {
      const last = inOrder(ordered, parts.next.ordered)
      parts.ordered.push(...ordered)
      parts.next = isLast ? undefined : { ordered: last }
    } else return false
    const isTooMuch =
      topHeight > HEADERS_MOST || parts.records.length > RECORDS_MOST || parts.ordered.length > ORDERED_MOST
    if (isTooMuch) throw new CountersignError('too-large', 'it sends more than any contract holds')
    this.askAtMs = nowMs
    return true
  }

  /** What goes to disk at the end of this turn, or, where that refuses, of a later one; nothing that is held is let go for it. */
  get due(): readonly StoreWrite[] | undefined {
    if (this.parts && this.parts.height <= this.replica.chain.height) this.stop()
    return this.writes
  }

  /** @throws CountersignError `bad-format`, `bad-signature`, `bad-card`, … where the whole does not hold */
  private checked(parts: Parts, nowMs: number): StoreWrite[] {
    const { replica } = this
    const { contract, genesis, store } = replica
    const { height, headers, cosignatures, records, openings, ordered } = parts
    const voucher = this.voucher as string
    const first = store.headers(contract, 0, 1)[0] as Header
    const header = headers[height - 1]
    if (header === undefined) throw new CountersignError('bad-format', `it left out header ${height}`)
    const sizes = new Set(cosignatures.map(({ size }) => size))
    const checkpoints = new Map<number, Checkpoint>()
    const chain = new HeaderChain(first)
    for (const one of headers) {
      const checkpoint = chain.add(one)
      if (sizes.has(checkpoint.size)) checkpoints.set(checkpoint.size, checkpoint)
    }
    const state = basisState(contract, genesis, header, records)
    checkEndsNoEpoch(header, state)
    const electorate = electorateAt(state)
    checkVouched(electorate, height, cosignatures, checkpoints)
    if (!electorate.cosignKeys.has(voucher))
      throw new CountersignError('bad-format', 'who vouches for it is no member there')
    const cards = checkBasisCards(state, parts.cards)
    this.checkKnown(cards)
    const values = valuesOf(records)
    const opened = openings.filter((opening) => values.delete(commitmentOf(opening)))
    if (values.size > 0)
      throw new CountersignError('bad-format', `it left out the values of ${values.size} fields`)
    const held = new Set(records.map(([uid]) => uid))
    const gone = [...store.elements(contract, 0)].flatMap(([uid]): [string, null][] =>
      held.has(uid) ? [] : [[uid, null]],
    )
    const upTo = headers.slice(0, height)
    const basis = {
      height,
      voucher,
      receivedMs: nowMs,
      ordered,
      epochStarts: epochStarts([first, ...upTo]),
      cards,
    }
    return [
      { kind: 'basis', contract, basis, headers: upTo, changes: [...records, ...gone] },
      { kind: 'openings', contract, openings: opened },
      ...cosignatures.map((cosignature): StoreWrite => ({ kind: 'cosignature', contract, cosignature })),
    ]
  }

  /** CARD-3: there is one card of each number. */
  private checkKnown(cards: readonly ProvenCard[]): void {
    for (const { card } of cards) {
      const held = this.replica.store.cardHistory(partyOf(card))
      const same = held.find((one) => one.card.sequence === card.sequence)
      if (same !== undefined && cardHash(same.card) !== cardHash(card))
        throw new CountersignError(
          'bad-card',
          `the card of ${partyOf(card)} in it is not the one this node holds`,
        )
    }
  }
}

/** @returns the last key @throws CountersignError `bad-format` */
function inOrder(items: readonly (readonly [key: string, rest: unknown])[], after: string): string {
  let last = after
  for (const [key] of items) {
    if (key <= last) throw new CountersignError('bad-format', 'what it sends is not in order')
    last = key
  }
  return last
}

function valuesOf(records: readonly (readonly [uid: string, record: StateRecord])[]): Set<string> {
  return new Set(records.flatMap(([, record]) => shownCommitmentIn(record) ?? []))
}
