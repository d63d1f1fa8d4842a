/**
 * One operation on the epoch: what it does to the epoch record, or why it can't (PROTOCOL EPO-4 to EPO-6). docs/outcomes.md says
 * the same in words.
 *
 *   invite, policy ──▶ votes, the invited party's accept ──▶ decided ──▶ turn        each lapses at its expiry
 *   card ──────────────────────────────────────────────────▶ decided ──▶ turn        lapses at its expiry
 *   leave, remove ─────────────────────────────────────────▶ decided ──▶ turn        goes before all others
 */
import {
  type Card,
  CHANGE_LIFETIME_MAX_MS,
  CHANGES_MAX,
  type Change,
  type EpochRecord,
  type Invitation,
  MEMBERS_MAX,
  type PolicyChange,
  partyOf,
} from '../ledger/epoch.ts'
import {
  type AcceptOperation,
  type CardOperation,
  type EpochOperation,
  followsFrom,
  type InviteOperation,
  type LeaveOperation,
  type PolicyOperation,
  type RemoveOperation,
  type VoteOperation,
} from '../ledger/epoch-operation.ts'
import { type Evidence, evidenceHeldBy, evidenceLineage } from '../ledger/evidence.ts'
import type { BlockPlace } from '../ledger/turn.ts'
import { type ContractState, withEpoch } from './elements.ts'
import {
  cardsInForce,
  changeOf,
  departingFrom,
  isDeparture,
  isLapsed,
  lackingYes,
  takesBack,
} from './epoch.ts'
import type { EpochOutcomeCode } from './epoch-outcome.ts'

/** Who asks for what, where: what every operation on the epoch looks at. */
type Asked = {
  state: ContractState
  /** Id of the request, and its author. */
  change: string
  by: string
  at: BlockPlace
  /** The changes that have not lapsed here. */
  open: readonly Change[]
  departing: ReadonlySet<string>
}

/** The changes that are open after an operation, or the code of what is wrong with it. */
type Answer = readonly Change[] | EpochOutcomeCode

/**
 * Applies an operation on the epoch. Of several things wrong with it the one that is named first below decides.
 * @param request its id, and its author, who may make it (`authorKeysAt`)
 */
export function stepEpoch(
  state: ContractState,
  operation: EpochOperation,
  request: { id: string; author: string },
  at: BlockPlace,
): { state: ContractState; touched: readonly string[] } | { code: EpochOutcomeCode } {
  const open = (state.epoch.changes ?? []).filter((one) => !isLapsed(one, at.timeMs))
  const departing = departingFrom(state.epoch)
  const asked: Asked = { state, change: request.id, by: request.author, at, open, departing }
  const answer = departing.has(asked.by) && operation.op !== 'accept' ? 'leaving' : answerTo(asked, operation)
  if (typeof answer === 'string') return { code: answer }
  if (answer === open) return { state, touched: [] }
  return {
    state: withEpoch(state, withChanges(state.epoch, decide(asked, answer))),
    touched: [state.epochUid],
  }
}

function answerTo(asked: Asked, operation: EpochOperation): Answer {
  switch (operation.op) {
    case 'invite':
      return invite(asked, operation)
    case 'accept':
      return accept(asked, operation)
    case 'vote':
      return vote(asked, operation)
    case 'leave':
      return leave(asked, operation)
    case 'card':
      return replaceCard(asked, operation)
    case 'policy':
      return changePolicy(asked, operation)
    case 'remove':
      return remove(asked, operation)
  }
}

/** The record with these changes in place of its own. */
export function withChanges(record: EpochRecord, changes: readonly Change[]): EpochRecord {
  const { changes: _, ...rest } = record
  return changes.length === 0 ? rest : { ...rest, changes: [...changes] }
}

/** Marks what has now got every yes that it takes (EPO-5). */
function decide({ state, at }: Asked, changes: readonly Change[]): Change[] {
  const record = { ...state.epoch, changes: [...changes] }
  const decided = { height: at.height, timeMs: at.timeMs }
  return changes.map((one) => {
    if (one.decided !== undefined || !('yes' in one)) return one
    if (one.op === 'invite' && !one.accepted) return one
    return lackingYes(record, one).length === 0 ? { ...one, decided } : one
  })
}

function invite(asked: Asked, { card: proven, role, older, expiresMs }: InviteOperation): Answer {
  const { state, change, by, open } = asked
  const { card } = proven
  const party = partyOf(card)
  const { invite: inviters } = state.epoch.policy.admission
  if (inviters !== 'any' && !inviters.includes(by)) return 'may-not-invite'
  if (isBadExpiry(asked, expiresMs)) return 'bad-expiry'
  const invited = open.filter((one): one is Invitation => one.op === 'invite')
  if (cardsInForce(state).has(party) || invited.some((one) => one.party === party)) return 'already-in'
  if (isKeyInUse(asked, party, card)) return 'key-in-use'
  const { members, observers = [] } = state.epoch
  const count = role === 'member' ? members.length : observers.length
  if (count + invited.filter((one) => one.role === role).length >= MEMBERS_MAX) return 'epoch-full'
  if (hasManyChanges(asked)) return 'too-many-changes'
  return [...open, { op: 'invite', change, by, party, card, role, older, expiresMs, yes: [by] }]
}

function accept({ state, open, by, at }: Asked, operation: AcceptOperation): Answer {
  const { change, genesis, checkpoint } = operation
  const invitation = changeOf({ ...state.epoch, changes: [...open] }, change)
  if (invitation === undefined) return 'change-gone'
  if (invitation.op !== 'invite' || invitation.party !== by) return 'not-invited'
  if (genesis !== state.contract || !at.holds(checkpoint)) return 'other-history'
  if (invitation.accepted) return open
  return open.map((one) => (one === invitation ? { ...invitation, accepted: true } : one))
}

function vote({ state, open, by }: Asked, { change, yes }: VoteOperation): Answer {
  const voted = open.find((one) => one.change === change)
  if (voted === undefined) return 'change-gone'
  if (voted.decided !== undefined || !('yes' in voted)) return 'change-decided'
  if (!yes) return takesBack(state.epoch, voted, by) ? open.filter((one) => one !== voted) : open
  if (voted.yes.includes(by)) return open
  return open.map((one) => (one === voted ? { ...voted, yes: [...voted.yes, by] } : one))
}

function leave(asked: Asked, { checkpoint }: LeaveOperation): Answer {
  const { by, at } = asked
  if (isLast(asked, by)) return 'last-member'
  if (!at.holds(checkpoint)) return 'other-history'
  return depart(asked, 'leave', by)
}

function remove(asked: Asked, { evidence }: RemoveOperation): Answer {
  const { state, departing } = asked
  const { party } = evidence
  const card = cardsInForce(state).get(party)
  if (card === undefined || departing.has(party)) return 'not-in'
  if (!isProven(state, evidence, card)) return 'evidence-fails'
  if (isLast(asked, party)) return 'last-member'
  return depart(asked, 'remove', party)
}

/** What the party has proposed and is not decided lapses, and so does its next card. */
function depart({ change, by, open, at }: Asked, op: 'leave' | 'remove', party: string): Answer {
  const staying = open.filter(
    (one) => isDeparture(one) || (one.decided === undefined ? one.by !== party : !isCardOf(one, party)),
  )
  const decided = { height: at.height, timeMs: at.timeMs }
  return [...staying, { op, change, by, party, decided }]
}

function isCardOf(change: Change, party: string): boolean {
  return change.op === 'card' && change.party === party
}

function replaceCard(asked: Asked, { card: proven, expiresMs }: CardOperation): Answer {
  const { state, change, by, open, at, departing } = asked
  const { card } = proven
  const party = partyOf(card)
  if (isBadExpiry(asked, expiresMs)) return 'bad-expiry'
  const inForce = cardsInForce(state).get(party)
  if (inForce === undefined || departing.has(party)) return 'not-in'
  const before = open.find((one) => isCardOf(one, party)) as { card: Card } | undefined
  if (card.sequence <= (before?.card ?? inForce).sequence) return 'card-outdated'
  if (!followsFrom(proven, cardHashOf(state.epoch, party))) return 'card-forked'
  if (isKeyInUse(asked, party, card)) return 'key-in-use'
  const decided = { height: at.height, timeMs: at.timeMs }
  const others = open.filter((one) => !isCardOf(one, party))
  return [...others, { op: 'card', change, by, party, card, expiresMs, decided }]
}

function changePolicy(asked: Asked, { policy, expiresMs }: PolicyOperation): Answer {
  const { change, by, open } = asked
  if (isBadExpiry(asked, expiresMs)) return 'bad-expiry'
  if (open.some(({ op }) => op === 'policy')) return 'policy-open'
  if (hasManyChanges(asked)) return 'too-many-changes'
  const proposed: PolicyChange = { op: 'policy', change, by, policy, expiresMs, yes: [by] }
  return [...open, proposed]
}

function isBadExpiry({ at }: Asked, expiresMs: number): boolean {
  return expiresMs < at.timeMs || expiresMs > at.timeMs + CHANGE_LIFETIME_MAX_MS
}

function hasManyChanges({ open, by }: Asked): boolean {
  return open.filter((one) => one.by === by && one.decided === undefined).length >= CHANGES_MAX
}

/** Whether no member would be left without this party. */
function isLast({ state, departing }: Asked, party: string): boolean {
  return state.epoch.members.every((member) => member === party || departing.has(member))
}

/** GEN-1: no key stands in the cards in force of two, in this or a later epoch. */
function isKeyInUse({ state, open }: Asked, party: string, card: Card): boolean {
  return isKeyTaken(state, open, party, card)
}

/** Whether a key of a party's card stands in another's, in force or of a change that is open. */
export function isKeyTaken(
  state: ContractState,
  open: readonly Change[],
  party: string,
  { keys }: Card,
): boolean {
  const used = new Set<string>()
  const use = (card: Card) => {
    for (const key of Object.values(card.keys)) used.add(key)
  }
  for (const [other, card] of cardsInForce(state)) if (other !== party) use(card)
  for (const one of open) if ('card' in one && one.party !== party) use(one.card)
  return Object.values(keys).some((key) => used.has(key))
}

/** The hash of the card in force of a party that is in. */
function cardHashOf({ members, cards, observers = [] }: EpochRecord, party: string): string {
  const found = observers.find(([observer]) => observer === party)
  return found === undefined ? (cards[members.indexOf(party)] as string) : found[1]
}

/**
 * Whether evidence holds by the keys of the party's card in force, or of one that was in force before: with a new card nobody
 * sheds what the old one signed.
 */
function isProven({ contract, epoch }: ContractState, evidence: Evidence, card: Card): boolean {
  const { party } = evidence
  const former = (epoch.former ?? []).filter(([owner]) => owner === party)
  const keys = {
    vote: [card.keys.vote, ...former.map(([, vote]) => vote)],
    cosign: [card.keys.cosign, ...former.map(([, , cosign]) => cosign)],
  }
  return evidenceHeldBy(evidence, { contract, lineage: evidenceLineage(evidence) }, keys)
}
