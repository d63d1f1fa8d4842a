/**
 * The turn of the epoch at one node (PROTOCOL EPO-11 to EPO-13): ordering goes on with the members that are in now, whoever is
 * let in is shown the ledger, and this party comes in or is out.
 */
import { type ConsensusState, initialState } from '../consensus/state.ts'
import { isUncommitted, nextWakeMs } from '../consensus/timers.ts'
import { CountersignError } from '../crypto/errors.ts'
import { partyOf } from '../identity/card.ts'
import { checkpointOf, type LedgerPoint } from '../ledger/checkpoint.ts'
import type { Change } from '../ledger/epoch.ts'
import type { AcceptOperation, LeaveOperation } from '../ledger/epoch-operation.ts'
import type { AnyRequest, OpenRequest } from '../ledger/request.ts'
import { turnOf } from '../ledger/turn.ts'
import type { Chain } from './chain.ts'
import { Former } from './former.ts'
import { dropRequests } from './outbox.ts'
import { isOutOfDoubt } from './recall.ts'
import type { Replica } from './replica.ts'
import { sendInvitation } from './serve.ts'

/** Of what another epoch says we tell its sender where we stand, at most so often. */
const TELL_EVERY_MS = 1000

/** What this party is in a contract. out: it was never in, or has left. */
export type Part = 'member' | 'observer' | 'guest' | 'out'

export class Epochs {
  private readonly replica: Replica
  private readonly toldMs = new Map<string, number>()
  readonly former: Former
  /** Guests that were sent the genesis since this start. */
  private readonly shown = new Set<string>()

  constructor(replica: Replica) {
    this.replica = replica
    this.former = new Former(replica)
  }

  get number(): number {
    return this.replica.electorate.epoch
  }

  get part(): Part {
    const { roster, self } = this.replica
    if (roster.isMember(self)) return 'member'
    if (roster.isIn(self)) return 'observer'
    return roster.guests.has(self) ? 'guest' : 'out'
  }

  /** This party's author key in force here, or in the card it was invited by. @throws CountersignError `forbidden` */
  get ownAuthorKey(): string {
    const { roster, self } = this.replica
    const card = roster.electorate.cards.get(self) ?? roster.guests.get(self)?.card
    if (card === undefined) throw new CountersignError('forbidden', 'this party is not in the contract')
    return card.keys.author
  }

  /**
   * How this party accepts that it comes in: it has read, and executed, the ledger up to here. Undefined where it is in, or
   * has accepted.
   * @throws CountersignError `unavailable` where the ledger read so far does not invite it
   */
  joining(): AcceptOperation | undefined {
    const { contract, chain, roster, self } = this.replica
    if (roster.isIn(self)) return undefined
    const guest = roster.guests.get(self)
    if (guest === undefined)
      throw new CountersignError(
        'unavailable',
        'the ledger read so far does not let this party in yet: the members whose yes it takes have to give it, and this node to catch up',
      )
    if (guest.accepted) return undefined
    const { size } = this.replica.older
    if (size > 0)
      throw new CountersignError(
        'unavailable',
        `the values of ${size} requests of before, which the invitation promises, are not here yet: members that hold them are asked`,
      )
    return { op: 'accept', change: guest.change, genesis: contract, checkpoint: pointOf(chain) }
  }

  /**
   * How this party leaves: with what it has cosigned last.
   * @throws CountersignError `conflict` where it can't leave, or not yet; `unavailable` while it may have forgotten signatures
   */
  leaving(): LeaveOperation {
    const { contract, lineage, roster, outbox, chain, phase, self } = this.replica
    if (!roster.isIn(self)) throw new CountersignError('conflict', 'this party is not in the contract')
    if (roster.isMember(self) && roster.members.length === 1)
      throw new CountersignError('conflict', 'this party is the last member: nobody could go on without it')
    if (phase !== 'signing')
      throw new CountersignError(
        'unavailable',
        'the other members have not told yet what this node signed before its start: it can’t leave before',
      )
    // The signer's word: it signs LEAVE at no other.
    const last = outbox.lastCosignature(contract, lineage.number, undefined)
    if (last === undefined && roster.isMember(self))
      throw new CountersignError('conflict', 'this party has cosigned nothing yet; wait until it has')
    // What others made final before it came in.
    if (last !== undefined && roster.isMember(self) && last.size < this.replica.finalSize)
      throw new CountersignError(
        'conflict',
        'this party has not cosigned what is final yet; wait until it has',
      )
    if (last === undefined) return { op: 'leave', checkpoint: pointOf(chain) }
    const { epoch, size, root, block, stateRoot } = last
    return { op: 'leave', checkpoint: { epoch, size, root, block, stateRoot } }
  }

  /** What the signer is told of a LEAVE: from which lineage, and whether as an observer, who cosigns nothing. */
  get leavingFrom(): { lineage: number; isObserver: boolean } {
    const { lineage, roster, self } = this.replica
    return { lineage: lineage.number, isObserver: !roster.isMember(self) }
  }

  get isFounder(): boolean {
    const { genesis, self } = this.replica
    return genesis.members.some(({ card }) => partyOf(card) === self)
  }

  /** Openings of what is ordered next may be missing here: this party has not come in yet, by what it has read so far. */
  get mayLack(): boolean {
    return !this.isFounder && !this.replica.roster.isIn(this.replica.self)
  }

  /** Values of before this party came in may be missing. */
  get lacksOlder(): boolean {
    const { roster, self } = this.replica
    return !this.isFounder && !(roster.isIn(self) && roster.holders.has(self))
  }

  /** This party was invited with the values of before, and somebody is in who has them. */
  get isDueOlder(): boolean {
    const { roster, self } = this.replica
    if (this.isFounder || this.replica.basis) return false
    return roster.isIn(self)
      ? roster.holders.has(self)
      : roster.guests.get(self)?.older === true && roster.holders.size > 0
  }

  /**
   * Of which heights a party is shown every value, whether it is current or not; undefined where that is so of all. Whatever it is
   * now, what it was shown while it was in it may have lost, and be shown again.
   */
  rightsOf(party: string): ((height: number) => boolean) | undefined {
    const { genesis, chain, roster } = this.replica
    if (genesis.members.some(({ card }) => partyOf(card) === party)) return undefined
    const arrived = chain.tip.state.epoch.arrived?.find(([one]) => one === party)
    const older = arrived ? arrived[2] : roster.guests.get(party)?.older
    if (older) return undefined
    const fromHeight = arrived && (roster.spans[arrived[1]]?.firstHeight ?? 0)
    const stays = roster.pastStaysOf(party)
    return (height) =>
      (fromHeight !== undefined && height >= fromHeight) ||
      stays.some((stay) => height >= stay.fromHeight && height <= stay.toHeight)
  }

  /** Whether a ledger block is of the lineage and epoch that go on: else its certificates say nothing in them. */
  holds({ lineage, epoch }: { lineage: number; epoch: number }): boolean {
    return lineage === this.replica.lineage.number && epoch === this.number
  }

  /**
   * A block waits for its COMMIT; or a change is decided, and waits for cosignatures: whoever has to give one may not know how
   * far the ledger is.
   */
  get isOpen(): boolean {
    const { consensus, roster } = this.replica
    return isUncommitted(consensus) || (this.part === 'member' && roster.turns.length > 0)
  }

  /** When ordering wants its tick: who is not in takes no part in the course of views. */
  orderingWakeMs(nowMs: number): number | undefined {
    const { roster, consensus, self } = this.replica
    if (isOutOfDoubt(this.replica)) return nowMs
    return roster.isIn(self) ? nextWakeMs(consensus, nowMs) : undefined
  }

  /** The tip has moved; the last block may have ended the epoch. */
  moved(nowMs: number): void {
    const { roster, chain, self } = this.replica
    const { guests, changes } = roster
    const { state, block } = chain.tip
    const { height, timeMs } = block.header
    if (turnOf(block) === undefined) {
      roster.follow(state, timeMs)
      // What waits of a guest whose invitation has left the record can stand in no block any more (EPO-2).
      if (changes.some((one) => one.op === 'invite' && !isOpen(roster.changes, one.change)))
        this.dropUnentitled()
    } else {
      const wasIn = roster.isIn(self)
      roster.turned(height, state, timeMs)
      this.turned(wasIn, nowMs)
    }
    this.rememberLeave()
    for (const party of roster.guests.keys()) if (this.replica.up.has(party)) this.show(party)
    // Where somebody came in who had to say yes as well, nobody listened to this party until that one did.
    if (!guests.has(self) && roster.guests.has(self))
      for (const entry of chain.pool.values()) if (entry.local) this.replica.sendRequest(undefined, entry)
  }

  /** A turn came between a request's signature and its way to disk: it may not stand any more, and is dropped. */
  isTooLate({ id, request }: OpenRequest<AnyRequest>): boolean {
    const { contract, outbox, roster } = this.replica
    if (roster.authorKeyOf(request) === request.authorKey) return false
    dropRequests(outbox, contract, [id])
    return true
  }

  /** A LEAVE of this party stands in the ledger: whatever else was forgotten, it cosigns nothing more. */
  rememberLeave(): void {
    const { chain, self } = this.replica
    const hasLeft = (chain.tip.state.epoch.changes ?? []).some(({ op, by }) => op === 'leave' && by === self)
    if (hasLeft) this.replica.leave()
  }

  private dropUnentitled(): void {
    const { contract, outbox, chain } = this.replica
    dropRequests(outbox, contract, chain.dropUnentitled())
  }

  private turned(wasIn: boolean, nowMs: number): void {
    const { replica } = this
    const { contract, outbox, chain, finality, roster } = replica
    finality.turned()
    this.dropUnentitled()
    const { members, observers, epoch } = roster.electorate
    const { height } = chain
    outbox.notify({
      contract,
      type: 'turned',
      height,
      epoch,
      members: [...members],
      observers: [...observers],
    })
    if (wasIn && !roster.isIn(replica.self)) replica.left()
    else replica.beginEpoch(nowMs)
  }

  /** The state of ordering in the epoch that has begun, with what is known of connections and of time. */
  freshConsensus(before: ConsensusState): ConsensusState {
    const { replica } = this
    const { hash, block } = replica.chain.tip
    const { electorate, self } = replica
    const members = electorate.members
    const state = initialState({ ...before.config, electorate, members, self }, { hash, block })
    state.patienceMs = before.patienceMs
    // What a halted contract reads on (AMN-4) orders nothing.
    state.halted = replica.status === 'halted'
    for (const party of members) if (replica.up.has(party)) state.down.delete(party)
    return state
  }

  /** An invited party that has every yes it takes (EPO-5) is sent the genesis: with it, it asks for the ledger. */
  show(party: string): void {
    const { replica } = this
    const guest = replica.roster.guests.get(party)
    if (guest === undefined || guest.accepted || this.shown.has(party)) return
    if (this.part !== 'member') return
    this.shown.add(party)
    sendInvitation(replica, party)
  }

  /**
   * Whether a party whose connection is new is told where we stand though everything is final here: nobody waits for observers
   * and guests, who may have missed the end of it, and a turn waits for cosignatures on what is final.
   */
  tells(party: string): boolean {
    const { roster } = this.replica
    return !roster.isMember(party) || roster.turns.length > 0
  }

  /** Its connection is new. */
  peerUp(party: string): void {
    this.shown.delete(party)
    this.show(party)
  }

  /**
   * Whether a message is of the epoch that goes on here. Whoever speaks of another is told where we stand, and tells us: one of
   * the two is behind, and asks for the ledger.
   */
  isOfNow(from: string, epoch: number | undefined, nowMs: number): boolean {
    if ((epoch ?? 0) === this.number) return true
    if (nowMs < (this.toldMs.get(from) ?? 0) + TELL_EVERY_MS) return false
    this.toldMs.set(from, nowMs)
    this.replica.sendStatus(from)
    return false
  }
}

function isOpen(changes: readonly Change[], change: string): boolean {
  return changes.some((one) => one.change === change)
}

/** The checkpoint of the committed tip. */
function pointOf({ tip, log }: Chain): LedgerPoint {
  const { epoch, size, root, block, stateRoot } = checkpointOf(tip.block.header, log.root(log.size))
  return { epoch, size, root, block, stateRoot }
}
