/**
 * Who takes part in a contract, epoch by epoch, as the committed ledger has it: by whose keys its blocks are certified and
 * cosigned, who is let in and waits for its turn, and what turns may come next.
 *
 *        epoch 0        turn         epoch 1
 *   0 ─────────────────── t ── t+1 ───────────▶      one span each
 */
import {
  authorKeysAt,
  cardsInForce,
  type EpochElectorate,
  type EpochState,
  electorateAt,
  freezeEpochOf,
  guestsOf,
  holdersIn,
} from '../contract/epoch.ts'
import type { ContractState } from '../contract/state.ts'
import { type Turn, turnsAt } from '../contract/turn.ts'
import { type Card, type Change, type Invitation, quorumOf } from '../ledger/epoch.ts'
import { type Evidence, evidenceHeldBy, evidenceLineage } from '../ledger/evidence.ts'
import type { FreezeEpoch } from '../ledger/freeze-turn.ts'
import type { AnyRequest } from '../ledger/request.ts'
import type { TurnSigner } from '../ledger/turn.ts'
import type { Basis } from '../store/store.ts'

type PastSpan = Omit<EpochSpan, 'electorate'>

/** One epoch. firstHeight: of its first ledger block; lastHeight: of the one that ended it, once it has. */
export type EpochSpan = {
  firstHeight: number
  lastHeight?: number
  electorate: EpochElectorate
  state: EpochState
}

/** A lineage: its number, and who is left out of it. */
export type Standing = { lineage: number; leftOut: ReadonlySet<string> }
const FIRST_LINEAGE: Standing = { lineage: 0, leftOut: new Set() }

export class Roster {
  /** From epoch 0 on. */
  readonly spans: EpochSpan[]
  /** Invited parties that have every member’s yes that it takes (EPO-5), and that have not come in yet. */
  guests: ReadonlyMap<string, Invitation> = new Map()
  /** Which turns may come on the committed tip. */
  turns: readonly Turn[] = []
  /** Of each request the author key that it has to be signed with to stand in the next block; see `authorKeysAt`. */
  authorKeyOf: (request: AnyRequest) => string | undefined = () => undefined

  private readonly standing: Standing
  /** The open ones on the committed tip. */
  changes: readonly Change[] = []

  /** @param past the epochs before that of the tip, from epoch 0 on; state, timeMs: after the last block, and its time */
  constructor(
    past: readonly PastSpan[],
    firstHeight: number,
    state: ContractState,
    timeMs: number,
    standing = FIRST_LINEAGE,
  ) {
    this.standing = standing
    this.spans = [...past, { firstHeight, state }].map((span) => ({
      ...span,
      electorate: electorateIn(span.state, standing),
    }))
    this.follow(state, timeMs)
  }

  /** The tip has moved within the epoch. */
  follow(state: ContractState, timeMs: number): void {
    this.changes = state.epoch.changes ?? []
    this.guests = guestsOf(state, timeMs)
    this.turns = turnsAt(state, timeMs, this.standing.leftOut)
    const keyOf = authorKeysAt(state)
    this.authorKeyOf = (request) => (this.standing.leftOut.has(request.author) ? undefined : keyOf(request))
  }

  /** The ledger block of this height, the new tip, has ended the epoch. */
  turned(height: number, state: ContractState, timeMs: number): void {
    this.span.lastHeight = height
    const { contract, epoch, cards } = state
    const electorate = electorateIn(state, this.standing)
    this.spans.push({ firstHeight: height + 1, electorate, state: { contract, epoch, cards } })
    this.follow(state, timeMs)
  }

  /** Who holds all values of before. */
  get holders(): ReadonlySet<string> {
    let holders: Set<string> | undefined
    for (const { state } of this.spans) holders = holdersIn(state.epoch, holders)
    return holders ?? new Set()
  }

  /** From which height on a party is sure to hold all values; of who is not in, as far as is known here, of no height. */
  valuesFrom(party: string): number {
    if (this.holders.has(party)) return 0
    const arrived = this.span.state.epoch.arrived?.find(([one]) => one === party)
    if (arrived === undefined) return this.isIn(party) ? 0 : Number.POSITIVE_INFINITY
    return this.spans[arrived[1]]?.firstHeight ?? Number.POSITIVE_INFINITY
  }

  /** That of the next ledger block. */
  get span(): EpochSpan {
    return this.spans.at(-1) as EpochSpan
  }

  get electorate(): EpochElectorate {
    return this.span.electorate
  }

  get members(): readonly string[] {
    return this.electorate.members
  }

  /** Members and observers. */
  isIn(party: string): boolean {
    return this.electorate.cards.has(party)
  }

  isMember(party: string): boolean {
    return this.electorate.cosignKeys.has(party)
  }

  /** Whom the ledger is told to: members, observers, and those that are let in. */
  isHeard(party: string): boolean {
    return this.isIn(party) || this.guests.has(party)
  }

  get audience(): string[] {
    return [...new Set([...this.electorate.cards.keys(), ...this.guests.keys()])]
  }

  /** The last in which a party was a member or an observer. */
  lastSpanOf(party: string): EpochSpan | undefined {
    return this.spans.findLast(({ electorate }) => electorate.cards.has(party))
  }

  /** The ledger blocks of epochs that are over in which a party was in; from the first on, if it was shown what was before. */
  pastStaysOf(party: string): { fromHeight: number; toHeight: number }[] {
    return this.spans.flatMap(({ firstHeight, lastHeight, electorate, state }) => {
      if (lastHeight === undefined || !electorate.cards.has(party)) return []
      const isShownOlder = state.epoch.arrived?.some(([one, , older]) => one === party && older)
      return { fromHeight: isShownOlder ? 0 : firstHeight, toHeight: lastHeight }
    })
  }

  /** Number of the epoch that goes on. */
  get current(): number {
    return this.electorate.epoch
  }

  /** A member's or observer's in an epoch, if that has begun. */
  cosignKeyOf(party: string, epoch: number): string | undefined {
    return this.spans[epoch]?.electorate.cards.get(party)?.keys.cosign
  }

  /** The cosign keys that a party had in the epochs after one, as far as they have begun. */
  laterCosignKeysOf(party: string, epoch: number): string[] {
    return this.spans
      .slice(epoch + 1)
      .flatMap(({ electorate }) => electorate.cards.get(party)?.keys.cosign ?? [])
  }

  /** The cosign keys of cards that open changes bring, whether or not a turn of theirs may come next (EPO-7). */
  nextCosignKeysOf(party: string): string[] {
    return this.changes.flatMap((one) =>
      one.op === 'card' && one.party === party ? one.card.keys.cosign : [],
    )
  }

  /**
   * Whether evidence holds by any keys that its party has had here: what an honest party signs in an epoch contradicts itself by
   * none of them, be it one before the checkpoint that the ledger begins at here.
   * @param known cards of its party that are proven otherwise
   */
  proves(evidence: Evidence, known: readonly Card[] = []): boolean {
    const { party } = evidence
    const vote = new Set(known.map(({ keys }) => keys.vote))
    const cosign = new Set(known.map(({ keys }) => keys.cosign))
    for (const { state } of this.spans) {
      const keys = cardsInForce(state).get(party)?.keys
      if (keys) vote.add(keys.vote) && cosign.add(keys.cosign)
      for (const [owner, formerVote, formerCosign] of state.epoch.former ?? [])
        if (owner === party) vote.add(formerVote) && cosign.add(formerCosign)
    }
    const { contract } = this.span.state
    const place = { contract, lineage: evidenceLineage(evidence) }
    return evidenceHeldBy(evidence, place, { vote: [...vote], cosign: [...cosign] })
  }

  /** Who orders and cosigns in an epoch, by default the one that goes on, as if in another lineage. */
  as(standing: Standing, { state }: EpochSpan = this.span): EpochElectorate {
    return electorateIn(state, standing)
  }

  /** What FREEZEs are checked against, as if in another lineage: every epoch as far as it is known here. */
  freezeEpochs(standing: Standing): FreezeEpoch[] {
    return this.spans.map((span) => freezeEpochOf(this.as(standing, span), span.firstHeight))
  }

  /** Everybody who is or was a member, in the order they came. */
  get everMembers(): string[] {
    return [...new Set(this.spans.flatMap(({ electorate }) => electorate.members))]
  }

  /** By party: what the newest card seen here says, also of who is left out of the lineage. */
  get names(): Map<string, string> {
    const names = new Map<string, string>()
    for (const { state } of this.spans)
      for (const [party, { name }] of cardsInForce(state)) names.set(party, name)
    for (const [party, { card }] of this.guests) names.set(party, card.name)
    return names
  }

  /** Who has to cosign before a turn by another key than the one in force: parties that come in, or replace their card. */
  get arriving(): Map<string, TurnSigner> {
    const { cosignKeys } = this.electorate
    const signers = this.turns.flatMap((turn) => turn.signers)
    return new Map(
      signers
        .filter(({ party, cosignKey }) => cosignKeys.get(party) !== cosignKey)
        .map((signer) => [signer.party, signer]),
    )
  }
}

/** Without those who are left out of a lineage. */
function electorateIn(state: EpochState, { lineage, leftOut }: Standing): EpochElectorate {
  const electorate = electorateAt(state, lineage)
  if (leftOut.size === 0) return electorate
  const without = <T>(map: ReadonlyMap<string, T>) =>
    new Map([...map].filter(([party]) => !leftOut.has(party)))
  const members = electorate.members.filter((party) => !leftOut.has(party))
  return {
    ...electorate,
    quorum: quorumOf(electorate.policy, members.length),
    members,
    observers: electorate.observers.filter((party) => !leftOut.has(party)),
    cards: without(electorate.cards),
    voteKeys: without(electorate.voteKeys),
    cosignKeys: without(electorate.cosignKeys),
    everCosignKeys: without(electorate.everCosignKeys),
    everVoteKeys: without(electorate.everVoteKeys),
  }
}

/**
 * The epochs before that of the last one, by the versions of the epoch record, oldest first; and where that began.
 * @param before the epochs before that of the first version, and where that began
 */
export function pastSpans(
  versions: readonly { height: number; state: EpochState }[],
  before: { past: readonly PastSpan[]; firstHeight: number } = { past: [], firstHeight: 0 },
): {
  past: PastSpan[]
  firstHeight: number
} {
  const past: PastSpan[] = [...before.past]
  let { firstHeight } = before
  for (const [index, { height, state }] of versions.entries()) {
    const last = versions[index - 1]
    if (last === undefined || last.state.epoch.epoch === state.epoch.epoch) continue
    past.push({ firstHeight, lastHeight: height, state: last.state })
    firstHeight = height + 1
  }
  return { past, firstHeight }
}

/**
 * The epochs before that of a ledger that begins at a checkpoint: when they were, and of those after the first not who was in.
 * @param first the state of the first
 */
export function spansBefore(
  { epochStarts }: Basis,
  first: EpochState,
): { past: PastSpan[]; firstHeight: number } {
  const { contract, epoch } = first
  const past = epochStarts.map((start, number): PastSpan => {
    const firstHeight = epochStarts[number - 1] ?? 0
    const nobody = { ...epoch, epoch: number, members: [], cards: [] }
    const cards = { genesis: new Map(), newer: new Map() }
    return {
      firstHeight,
      lastHeight: start - 1,
      state: number === 0 ? first : { contract, epoch: nobody, cards },
    }
  })
  return { past, firstHeight: epochStarts.at(-1) ?? 0 }
}
