/**
 * The turn from one epoch to the next: which a state lets happen, what the next epoch is then, and the execution of the ledger
 * block that holds one (PROTOCOL EPO-7 to EPO-10).
 */
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { type Effect, entriesRoot } from '../ledger/block.ts'
import {
  type Card,
  type Change,
  cardHash,
  type EpochRecord,
  type Invitation,
  type PolicyChange,
} from '../ledger/epoch.ts'
import { type BlockPlace, checkTurnCertificate, type TurnEntry, type TurnSigner } from '../ledger/turn.ts'
import { netChanges } from './apply.ts'
import { type ContractState, stateRoot, withEpoch } from './elements.ts'
import { cardsInForce, isDeparture, isLapsed } from './epoch.ts'
import { withChanges } from './epoch-step.ts'
import { type ElementChange, recordHash } from './record.ts'
import { withoutLapsed } from './rules/leaving.ts'

/** What a turn does: `entry` but for its certificate, which these have to sign, in this order. */
export type Turn = {
  entry: Omit<TurnEntry, 'certificate'>
  signers: TurnSigner[]
  /** The epoch record after it, and the cards of it that don't stand in the genesis, by hash. */
  next: EpochRecord
  newer: ReadonlyMap<string, Card>
}

/** A turn's ledger block, executed; see `ExecutedBlock`. */
export type ExecutedTurn = {
  entries: [TurnEntry]
  effects: Effect[][]
  changes: ElementChange[]
  state: ContractState
  entriesRoot: string
  stateRoot: string
}

const NOBODY: ReadonlySet<string> = new Set()

type Seats = { party: string; card: Card }[]

/**
 * Every turn that may come next on a state, in a ledger block of this time: the one that takes out all who leave, or else one
 * for each change that is decided and has not lapsed, in ledger order. None of them if none is.
 * @param leftOut of the lineage: they are taken out by whatever turn comes first
 */
export function turnsAt(state: ContractState, timeMs: number, leftOut: ReadonlySet<string> = NOBODY): Turn[] {
  const { changes = [] } = state.epoch
  const departures = changes.filter(isDeparture)
  if (departures.length > 0) return [turnBy(state, departures, undefined, timeMs, leftOut)]
  return changes
    .filter((one) => one.decided !== undefined && !isLapsed(one, timeMs))
    .map((one) => turnBy(state, [one], one.change, timeMs, leftOut))
}

/**
 * Executes a ledger block that consists of this turn.
 * @throws CountersignError `conflict` if the state lets no such turn happen (EPO-7), `bad-format` if it says otherwise than
 * follows (EPO-8), `bad-signature` if its certificate falls short (EPO-9, EPO-10)
 */
export function executeTurn(state: ContractState, entry: TurnEntry, at: BlockPlace): ExecutedTurn {
  const turn = turnsAt(state, at.timeMs, at.leftOut).find((one) => one.entry.change === entry.change)
  if (turn === undefined)
    throw new CountersignError(
      'conflict',
      entry.change === undefined
        ? 'the turn names no change, and nobody leaves'
        : `the turn brings the change ${entry.change}, which can’t come next`,
    )
  const { certificate: _, ...content } = entry
  if (jcs(content) !== jcs(turn.entry))
    throw new CountersignError('bad-format', 'the turn says otherwise than what follows from the change')
  checkTurnCertificate(state.contract, entry, turn.signers, at)
  const { state: after, touched } = withoutLapsed(withEpoch(state, turn.next, turn.newer))
  const changes = netChanges(state, after, touched.add(state.epochUid))
  const effects: Effect[][] = [
    changes.map(([uid, record]): Effect => [uid, record === null ? null : recordHash(record)]),
  ]
  return {
    entries: [entry],
    effects,
    changes,
    state: after,
    entriesRoot: entriesRoot([entry], effects),
    stateRoot: stateRoot(after),
  }
}

function turnBy(
  state: ContractState,
  carried: readonly Change[],
  change: string | undefined,
  timeMs: number,
  leftOut: ReadonlySet<string>,
): Turn {
  const { epoch: record, cards } = state
  const inForce = cardsInForce(state)
  const gone = new Set([...carried.filter(isDeparture).map(({ party }) => party), ...leftOut])
  const seatsOf = (parties: readonly string[], role: Invitation['role']): Seats => {
    const staying = parties.filter((party) => !gone.has(party))
    const seats = staying.map((party) => ({ party, card: cardAfter(carried, party, inForce) }))
    const come = carried.filter((one): one is Invitation => one.op === 'invite' && one.role === role)
    return [...seats, ...come.map(({ party, card }) => ({ party, card }))]
  }
  const members = seatsOf(record.members, 'member')
  const observers = seatsOf(
    (record.observers ?? []).map(([party]) => party),
    'observer',
  )
  const listed = observers.map(({ party, card }): [string, string] => [party, cardHash(card)])
  const policy = carried.find((one): one is PolicyChange => one.op === 'policy')?.policy ?? record.policy
  const epoch = {
    epoch: record.epoch + 1,
    members: members.map(({ party }) => party),
    cards: members.map(({ card }) => cardHash(card)),
    policy,
    executionVersion: record.executionVersion,
  }
  const newer = new Map(
    [...members, ...observers].flatMap(({ card }): [string, Card][] => {
      const hash = cardHash(card)
      return cards.genesis.has(hash) ? [] : [[hash, card]]
    }),
  )
  const parties = new Set([...members, ...observers].map(({ party }) => party))
  const next: EpochRecord = {
    ...epoch,
    ...list('newer', [...newer.values()]),
    ...list('observers', listed),
    ...list('arrived', arrivedAfter(record, carried, parties)),
    ...list('former', formerAfter(record, carried, parties, inForce)),
  }
  return {
    entry: { kind: 'turn', ...(change !== undefined && { change }), ...epoch, ...list('observers', listed) },
    signers: signersOf(record, carried, members, inForce, timeMs),
    next: withChanges(next, changesAfter(record, carried, epoch.members, parties, timeMs)),
    newer,
  }
}

/** A list under its key, and nothing where it is empty. */
function list<K extends string, T>(key: K, items: T[]): { [key in K]?: T[] } {
  return (items.length === 0 ? {} : { [key]: items }) as { [key in K]?: T[] }
}

function cardAfter(carried: readonly Change[], party: string, inForce: ReadonlyMap<string, Card>): Card {
  const change = carried.find((one) => one.op === 'card' && one.party === party)
  return change?.op === 'card' ? change.card : (inForce.get(party) as Card)
}

function arrivedAfter(
  { epoch, arrived = [] }: EpochRecord,
  carried: readonly Change[],
  parties: ReadonlySet<string>,
): NonNullable<EpochRecord['arrived']> {
  const staying = arrived.filter(([party]) => parties.has(party))
  const come = carried.filter((one) => one.op === 'invite')
  return [...staying, ...come.map(({ party, older }): [string, number, boolean] => [party, epoch + 1, older])]
}

function formerAfter(
  { former = [] }: EpochRecord,
  carried: readonly Change[],
  parties: ReadonlySet<string>,
  inForce: ReadonlyMap<string, Card>,
): NonNullable<EpochRecord['former']> {
  const staying = former.filter(([party]) => parties.has(party))
  const replaced = carried.flatMap((one): [string, string, string][] => {
    if (one.op !== 'card') return []
    const { vote, cosign } = (inForce.get(one.party) as Card).keys
    const isSame = vote === one.card.keys.vote && cosign === one.card.keys.cosign
    return isSame ? [] : [[one.party, vote, cosign]]
  })
  return [...staying, ...replaced]
}

/**
 * What was decided stays decided: who comes in has cosigned it. Yeses of those who are out count no more, and the next card of who
 * was left out of the lineage is gone with it.
 */
function changesAfter(
  { changes = [] }: EpochRecord,
  carried: readonly Change[],
  members: readonly string[],
  parties: ReadonlySet<string>,
  timeMs: number,
): Change[] {
  return changes
    .filter((one) => !carried.includes(one) && !isLapsed(one, timeMs))
    .filter((one) => one.op !== 'card' || parties.has(one.party))
    .map((one) => ('yes' in one ? { ...one, yes: one.yes.filter((party) => members.includes(party)) } : one))
}

/** EPO-9, EPO-10: each member of the next epoch, by the key it has there. */
function signersOf(
  { policy, changes = [] }: EpochRecord,
  carried: readonly Change[],
  members: Seats,
  inForce: ReadonlyMap<string, Card>,
  timeMs: number,
): TurnSigner[] {
  const last = carried.map(({ decided }) => decided ?? NEVER).reduce(later, NEVER)
  const lastOfAll = changes.map(({ decided }) => decided ?? NEVER).reduce(later, NEVER)
  const isLapse = policy.silenceMs !== null && timeMs >= last.timeMs + policy.silenceMs
  return members.map(({ party, card }) => {
    const before = inForce.get(party)
    const cosignKey = card.keys.cosign
    return {
      party,
      cosignKey,
      minSize: (before === undefined ? lastOfAll : last).height + 1,
      mayLack: isLapse && before?.keys.cosign === cosignKey,
    }
  })
}

const NEVER = { height: -1, timeMs: -1 }
const later = (first: typeof NEVER, second: typeof NEVER) => (first.height > second.height ? first : second)
