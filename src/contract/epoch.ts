/**
 * The epoch as a state has it: who orders and cosigns the next ledger block, by which keys, who may make which request, and
 * which changes are open (PROTOCOL EPO-2, EPO-3, EPO-6).
 */
import { CountersignError } from '../crypto/errors.ts'
import type { Electorate } from '../ledger/certificate.ts'
import {
  type Card,
  type Change,
  type Departure,
  type EpochRecord,
  type Invitation,
  type Policy,
  type PolicyChange,
  partyOf,
  quorumOf,
} from '../ledger/epoch.ts'
import type { FreezeEpoch } from '../ledger/freeze-turn.ts'
import { type AnyRequest, epochOperationOf } from '../ledger/request.ts'
import type { ContractState } from './elements.ts'

/** Of a state what says who is in. */
export type EpochState = Pick<ContractState, 'contract' | 'epoch' | 'cards'>

/** An epoch's members and what they order, certify and cosign with. Keys by party, base64url. */
export type EpochElectorate = Electorate & {
  /** In the order they lead. */
  members: readonly string[]
  /** They hold and verify all, may cosign, and are never counted. */
  observers: readonly string[]
  policy: Policy
  /** The cards in force, by party: members' first, then observers'. */
  cards: ReadonlyMap<string, Card>
  /** Of the members. */
  cosignKeys: ReadonlyMap<string, string>
  /** Of the members, with those of their former cards: what these have signed stays theirs (EPO-3). */
  everCosignKeys: ReadonlyMap<string, readonly string[]>
  everVoteKeys: ReadonlyMap<string, readonly string[]>
}

/**
 * Who orders, certifies and cosigns the ledger block that comes next on a state.
 * @throws CountersignError `invariant-broken` if a card isn't there: the state was restored without its genesis
 */
export function electorateAt(state: EpochState, lineage = 0): EpochElectorate {
  const { contract, epoch } = state
  const cards = cardsInForce(state)
  const keysOf = (use: 'vote' | 'cosign') =>
    new Map(epoch.members.map((party) => [party, (cards.get(party) as Card).keys[use]]))
  const everOf = (use: 'vote' | 'cosign') =>
    new Map([...keysOf(use)].map(([party, key]) => [party, [key, ...formerOf(epoch, party, use)]]))
  return {
    contract,
    lineage,
    epoch: epoch.epoch,
    quorum: quorumOf(epoch.policy, epoch.members.length),
    voteKeys: keysOf('vote'),
    members: epoch.members,
    observers: (epoch.observers ?? []).map(([party]) => party),
    policy: epoch.policy,
    cards,
    cosignKeys: keysOf('cosign'),
    everCosignKeys: everOf('cosign'),
    everVoteKeys: everOf('vote'),
  }
}

/** The keys of a party's former cards. */
function formerOf({ former = [] }: EpochRecord, party: string, use: 'vote' | 'cosign'): string[] {
  return former.flatMap(([owner, vote, cosign]) => (owner === party ? [use === 'vote' ? vote : cosign] : []))
}

/** What FREEZEs are checked against of an epoch (LIN-1). firstHeight: of its first ledger block. */
export function freezeEpochOf(electorate: EpochElectorate, firstHeight: number): FreezeEpoch {
  const { members, cards, everCosignKeys: cosignKeys, everVoteKeys: voteKeys } = electorate
  const authorKeys = new Map(members.map((party) => [party, (cards.get(party) as Card).keys.author]))
  return { electorate, members, cosignKeys, voteKeys, authorKeys, firstHeight }
}

/** The cards in force by party, members' first. @throws CountersignError `invariant-broken` as `electorateAt` */
export function cardsInForce({ epoch, cards }: Omit<EpochState, 'contract'>): Map<string, Card> {
  const hashes = [
    ...epoch.members.map((party, index): [string, string] => [party, epoch.cards[index] as string]),
    ...(epoch.observers ?? []),
  ]
  return new Map(
    hashes.map(([party, hash]) => {
      const card = cards.newer.get(hash) ?? cards.genesis.get(hash)
      if (card === undefined)
        throw new CountersignError('invariant-broken', `the card ${hash} of ${party} is not known`)
      return [party, card]
    }),
  )
}

/**
 * Of each request the author key that it must be signed with to stand in a ledger block that comes next on a state; undefined
 * for one that may not stand there (EPO-2).
 * @throws CountersignError `invariant-broken` as `electorateAt`
 */
export function authorKeysAt(state: EpochState): (request: AnyRequest) => string | undefined {
  const cards = cardsInForce(state)
  const members = new Set(state.epoch.members)
  return (request) => {
    const { author } = request
    const card = cards.get(author)
    if (card !== undefined && (members.has(author) || isForObservers(request))) return card.keys.author
    const operation = epochOperationOf(request)
    if (operation?.op !== 'accept') return undefined
    const invitation = changeOf(state.epoch, operation.change)
    if (invitation?.op !== 'invite' || invitation.party !== author) return undefined
    return invitation.card.keys.author
  }
}

/** An observer may leave, and replace its own card. */
function isForObservers(request: AnyRequest): boolean {
  const operation = epochOperationOf(request)
  return (
    operation?.op === 'leave' || (operation?.op === 'card' && partyOf(operation.card.card) === request.author)
  )
}

/**
 * Who holds the values of before in an epoch: the first members, and who came in with them while one was in who had them
 * (EPO-13). before: who held them in the epoch before; undefined in the first.
 */
export function holdersIn(
  { epoch, members, observers = [], arrived = [] }: EpochRecord,
  before: ReadonlySet<string> | undefined,
): Set<string> {
  if (before === undefined) return new Set(members)
  const staying = [...members, ...observers.map(([party]) => party)].filter((party) => before.has(party))
  const come = arrived.flatMap(([party, since, older]) => (older && since === epoch ? [party] : []))
  return new Set(staying.length === 0 ? [] : [...staying, ...come])
}

/** The change of this id, be it open or lapsed. */
export function changeOf({ changes = [] }: EpochRecord, id: string): Change | undefined {
  return changes.find(({ change }) => change === id)
}

/** Whether a change is past its expiry in a ledger block of this time (EPO-6). */
export function isLapsed(change: Change, timeMs: number): boolean {
  return 'expiresMs' in change && change.expiresMs < timeMs
}

export function isDeparture(change: Change): change is Departure {
  return change.op === 'leave' || change.op === 'remove'
}

/** Parties that the next turn takes out. */
export function departingFrom({ changes = [] }: EpochRecord): Set<string> {
  return new Set(changes.filter(isDeparture).map(({ party }) => party))
}

/**
 * Invited parties that have every member’s yes that it takes (EPO-5) and that have to accept, or to wait for their turn: they are shown the ledger,
 * which nobody is by one member's word alone. timeMs: of the last ledger block.
 */
export function guestsOf({ epoch }: EpochState, timeMs: number): Map<string, Invitation> {
  const guests = new Map<string, Invitation>()
  for (const change of epoch.changes ?? []) {
    if (change.op !== 'invite' || isLapsed(change, timeMs)) continue
    const isLetIn = lackingYes(epoch, change).length === 0
    // What was decided stays so, also for who has come in since.
    if (change.decided !== undefined || isLetIn) guests.set(change.party, change)
  }
  return guests
}

/**
 * Whose yes a change still takes (EPO-5): of an invitation, as the policy has it; of a policy, every member's. Under `quorum`
 * all who have not said yes, until as many have as order a ledger block.
 */
export function lackingYes(
  record: EpochRecord,
  { op, yes }: Pick<Invitation | PolicyChange, 'op' | 'yes'>,
): string[] {
  const departing = departingFrom(record)
  const staying = record.members.filter((party) => !departing.has(party))
  const { admit } = record.policy.admission
  const rest = staying.filter((party) => !yes.includes(party))
  if (op === 'policy' || admit === 'every') return rest
  if (admit === 'quorum')
    return staying.length - rest.length >= quorumOf(record.policy, staying.length) ? [] : rest
  const asked = staying.filter((party) => admit.includes(party))
  // Where none of them is in any more, it is everybody's to say.
  return asked.length === 0 ? rest : rest.filter((party) => asked.includes(party))
}

/** Whether a member's no takes a change back: its author's, and that of whoever's own yes it takes. */
export function takesBack(record: EpochRecord, change: Invitation | PolicyChange, by: string): boolean {
  if (by === change.by || change.op === 'policy') return true
  const { admit } = record.policy.admission
  if (admit === 'quorum') return false
  return lackingYes(record, { op: change.op, yes: [] }).includes(by)
}
