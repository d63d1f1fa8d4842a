/** Invitations: who may send one to whom, and to whom one is sent again. */
import { genesisResults } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { partyOf, type SignedCard } from '../identity/card.ts'
import { checkGenesis, contractId, type Genesis, type Policy } from '../ledger/genesis.ts'
import type { Operation } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Message } from './messages.ts'
import type { Replica } from './replica.ts'
import { sendInvitation } from './serve.ts'

const AGAIN_MS = 1000

/**
 * The genesis of a new contract with what its rules come to, checked as every other member will check it.
 * @throws CountersignError `bad-format`, `bad-card`, `too-large`
 */
export function newGenesis(
  creator: string,
  name: string,
  members: readonly SignedCard[],
  document: { operations: Operation[]; openings: readonly Opening[] },
  policy: Policy,
  nonce: string,
  timeMs: number,
): Genesis {
  const genesis: Genesis = {
    version: 1,
    name,
    creator,
    nonce,
    timeMs,
    members: [...members],
    policy,
    executionVersion: 1,
    operations: document.operations,
  }
  const openings = new Map(document.openings.map((opening) => [commitmentOf(opening), opening]))
  const results = genesisResults(genesis, openings)
  return checkGenesis(JSON.parse(jcs({ ...genesis, ...(results.length > 0 && { results }) })))
}

/**
 * Checks an invitation that `from` has sent to `self`.
 * @param hasLost self has told `from` that it may have lost contracts (`LOST`)
 * @throws CountersignError `bad-format`, `bad-card`, `forbidden`
 */
export function checkInvitation(
  message: Extract<Message, { type: 'INVITE' }>,
  from: string,
  self: string,
  hasLost = false,
): Genesis {
  const genesis = checkGenesis(message.genesis)
  if (contractId(genesis) !== message.contract)
    throw new CountersignError('bad-format', 'the invitation’s contract id is not that of its genesis')
  // Who is not of its first members is invited by one that its ledger will have to show.
  if (!genesis.members.some(({ card }) => partyOf(card) === self)) return genesis
  // To its creator, or whoever says that it has lost it, any member may send it.
  const isMember = genesis.members.some(({ card }) => partyOf(card) === from)
  if (genesis.creator !== from && genesis.creator !== self && !(hasLost && isMember))
    throw new CountersignError('forbidden', 'an invitation comes from the contract’s creator')
  return genesis
}

/** Invites members again that say they don't know a contract: the invitation was lost, or they have lost it. */
export class Invitations {
  /** When a party was last invited again, by contract and party. */
  private readonly sentMs = new Map<string, number>()

  /** A member says so to each message it gets: one invitation answers all. */
  again(replica: Replica, party: string, nowMs: number): void {
    replica.sync.forget(party)
    // Who is not in, by what it has read, asks nobody any more until it is spoken to.
    if (replica.epochs.part === 'out' || replica.epochs.part === 'guest') replica.resending.hush()
    if (!mayInvite(replica, party)) return
    const key = `${replica.contract} ${party}`
    if (nowMs < (this.sentMs.get(key) ?? 0) + AGAIN_MS) return
    this.sentMs.set(key, nowMs)
    sendInvitation(replica, party)
  }
}

/** Whether it is this party's to send another the genesis again. */
function mayInvite({ genesis, roster, self }: Replica, party: string): boolean {
  if (roster.guests.has(party)) return true
  const { creator } = genesis
  const isFounder = genesis.members.some(({ card }) => partyOf(card) === party)
  // Who came in later takes it from anybody; an observer, who signs nothing, may have lost it unknown to its own signer.
  return roster.isIn(party) && (!isFounder || creator === self || creator === party)
}
