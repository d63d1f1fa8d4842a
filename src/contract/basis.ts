/**
 * A ledger that is begun at a final checkpoint (PROTOCOL EPO-15): the headers up to it, its state, and what its members have
 * cosigned. Whether the blocks before it kept the rules is not looked at here: that is what the cosignatures stand for.
 *
 *   block 0 ── header ── header ── … ── basis ── block ── block       executed here from the basis on
 *                                         └ state, by its root
 */
import { CountersignError } from '../crypto/errors.ts'
import { blockHash, type Header } from '../ledger/block.ts'
import {
  type Checkpoint,
  type Cosignature,
  cosignatureVerifies,
  sameCheckpoint,
} from '../ledger/checkpoint.ts'
import {
  type Card,
  cardHash,
  checkProvenCard,
  type EpochRecord,
  type ProvenCard,
  partyOf,
} from '../ledger/epoch.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { LedgerHistory } from '../ledger/history.ts'
import { cardsInForce, departingFrom, type EpochElectorate } from './epoch.ts'
import type { StateRecord } from './record.ts'
import { type ContractState, restoreState, stateRoot } from './state.ts'
import { turnsAt } from './turn.ts'

/** Headers followed from block 0 on: each extends the one before (BLK-4, LOG-1). */
export class HeaderChain {
  readonly history = new LedgerHistory()
  /** The last that was taken. */
  last: Header

  /** @param first of block 0 */
  constructor(first: Header) {
    this.last = first
    this.history.append(first)
  }

  /** Takes the next, and gives the checkpoint that it makes. @throws CountersignError `bad-format` */
  add(header: Header): Checkpoint {
    const { last, history } = this
    const { contract, lineage, epoch, height, view, parent, timeMs, logRoot } = header
    const follows =
      contract === last.contract &&
      lineage === last.lineage &&
      (epoch === last.epoch || epoch === last.epoch + 1) &&
      height === last.height + 1 &&
      view > last.view &&
      timeMs > last.timeMs &&
      parent === blockHash(last) &&
      logRoot === history.root
    if (!follows)
      throw new CountersignError('bad-format', `header ${last.height + 1} does not follow the one before`)
    this.last = header
    return history.append(header)
  }
}

/**
 * The state after a ledger block, of records that may be anybody's.
 * @throws CountersignError `bad-format` where they don't give its state root
 */
export function basisState(
  contract: string,
  genesis: Genesis,
  header: Header,
  records: Iterable<readonly [uid: string, record: StateRecord]>,
): ContractState {
  let state: ContractState
  try {
    state = restoreState(contract, records, genesis)
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    throw new CountersignError('bad-format', `its records are no state: ${error.message}`)
  }
  if (stateRoot(state) !== header.stateRoot)
    throw new CountersignError(
      'bad-format',
      `its records do not give the record hash of ledger block ${header.height}`,
    )
  checkEpochRecord(state, header)
  return state
}

/**
 * The state after a block that ends an epoch is of the next one, whose members need not have cosigned anything yet.
 * @throws CountersignError `bad-format`
 */
export function checkEndsNoEpoch(header: Header, { epoch }: ContractState): void {
  if (epoch.epoch !== header.epoch)
    throw new CountersignError('bad-format', `ledger block ${header.height} ends an epoch`)
}

/**
 * An epoch record that is anybody's says of each party its own card, and nothing that no ledger comes to: else the keys of one would
 * stand for another, and what follows from it could not be computed.
 */
function checkEpochRecord(state: ContractState, { timeMs }: Header): void {
  const { members, cards, observers = [], changes = [] } = state.epoch
  const wrong = (what: string): never => {
    throw new CountersignError('bad-format', `its epoch record ${what}`)
  }
  const parties = [...members, ...observers.map(([party]) => party)]
  if (members.length === 0 || cards.length !== members.length || new Set(parties).size !== parties.length)
    wrong('does not name each party once, with a card')
  let inForce: ReadonlyMap<string, Card>
  try {
    inForce = cardsInForce(state)
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    throw new CountersignError('bad-format', 'its epoch record names a card that it does not hold')
  }
  for (const [party, card] of inForce)
    if (partyOf(card) !== party) wrong(`has another party’s card for ${party}`)
  for (const change of changes) {
    if ('card' in change && partyOf(change.card) !== change.party)
      wrong('has a change with another party’s card')
    if ('party' in change && (change.op === 'invite') === inForce.has(change.party))
      wrong(`has a change of ${change.party} that can’t be`)
  }
  if (members.every((party) => departingFrom(state.epoch).has(party))) wrong('lets all members go')
  turnsAt(state, timeMs)
}

/**
 * Every member has cosigned the basis, or a later block of its epoch (COS-3).
 * @param height of the basis
 * @param checkpoints of the sizes that were cosigned
 * @throws CountersignError `bad-signature` naming the member
 */
export function checkVouched(
  { contract, lineage, epoch, cosignKeys }: EpochElectorate,
  height: number,
  cosignatures: readonly Cosignature[],
  checkpoints: ReadonlyMap<number, Checkpoint>,
): void {
  if (cosignatures.length !== cosignKeys.size)
    throw new CountersignError('bad-format', 'it holds other cosignatures than one of each member')
  for (const [party, key] of cosignKeys) {
    const cosignature = cosignatures.find((one) => one.party === party)
    const checkpoint = cosignature && checkpoints.get(cosignature.size)
    const holds =
      cosignature !== undefined &&
      checkpoint !== undefined &&
      checkpoint.size > height &&
      checkpoint.epoch === epoch &&
      sameCheckpoint(checkpoint, cosignature) &&
      cosignatureVerifies(key, contract, lineage, cosignature)
    if (!holds)
      throw new CountersignError(
        'bad-signature',
        `the member ${party} has not cosigned ledger block ${height}`,
      )
  }
}

/**
 * Every card in force, and of who is to come, that stands in no genesis is proved by those before it (CARD-2): nobody but its
 * party made it.
 * @throws CountersignError `bad-card`
 */
export function checkBasisCards({ epoch }: ContractState, proven: readonly unknown[]): ProvenCard[] {
  const checked = proven.map(checkProvenCard)
  const hashes = new Set(checked.map(({ card }) => cardHash(card)))
  for (const card of cardsToProve(epoch))
    if (!hashes.has(cardHash(card)))
      throw new CountersignError('bad-card', `the card of ${partyOf(card)} in it is not proved`)
  return checked
}

/** Cards in an epoch record that no genesis shows. */
export function cardsToProve({ newer = [], changes = [] }: EpochRecord): Card[] {
  return [...newer, ...changes.flatMap((change) => ('card' in change ? [change.card] : []))]
}

/** Heights at which the epochs after the first began, by headers of blocks 0 on. */
export function epochStarts(headers: Iterable<Header>): number[] {
  const starts: number[] = []
  for (const { epoch, height } of headers) if (epoch > starts.length) starts.push(height)
  return starts
}
