/**
 * What people do about who is in a contract: invite, vote, leave, remove, change the policy (PROTOCOL EPO-1). A party is let in
 * only by nodes that can talk with it: each has compared its fingerprint, and holds the very card it comes in by.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type Card, cardHash, type ProvenCard, partyOf } from '../identity/card.ts'
import type { Policy } from '../ledger/epoch.ts'
import type { EpochOperation } from '../ledger/epoch-operation.ts'
import type { Node, Prepare } from './node.ts'

const DAY_MS = 24 * 3600 * 1000
/** How long an invitation or a policy stays open where nobody says otherwise. */
export const OPEN_DEFAULT_MS = 30 * DAY_MS

export type InviteOptions = {
  /** Default: member. */
  role?: 'member' | 'observer'
  /** The party is given openings of former values too. Default: only of those current when it comes in. */
  older?: boolean
  /** When the invitation lapses, ms since 1970. */
  expiresMs?: number
}
/** What of a policy is to be otherwise; freeze null: by an act of each member again. */
export type PolicyPart = Partial<Omit<Policy, 'freeze'>> & { freeze?: 'automatic' | null }

export class Membership {
  private readonly node: Node

  constructor(node: Node) {
    this.node = node
  }

  /**
   * A pinned party's card with those before it.
   * @throws CountersignError `unknown-party`
   */
  pinnedCard(party: string): ProvenCard {
    const { store } = this.node
    const peer = store.peer(party)
    if (!peer?.pinned)
      throw new CountersignError(
        'unknown-party',
        `${party} is not pinned here: run \`countersign peer add\` first`,
      )
    return this.node.proven(party, peer.card)
  }

  /**
   * Whether this node can talk with all that it would share the contract with.
   * @throws CountersignError `unknown-contract`; `unknown-party` where a member, or a party that all members have let in, isn't
   * pinned here; `superseded-card` where its card there is not the one held here: keys that were replaced may be in other hands
   */
  checkAccept(contract: string): void {
    const { roster } = this.node.engine.replica(contract)
    const { members, cards } = roster.electorate
    for (const party of members) this.requireHeld(cards.get(party) as Card, 'member')
    for (const { card, role } of roster.guests.values())
      if (role === 'member') this.requireHeld(card, 'invited party')
  }

  private requireHeld(card: Card, what: string): void {
    const { node } = this
    const party = partyOf(card)
    const peer = party === node.party ? { card: node.card, pinned: true } : node.store.peer(party)
    if (!peer?.pinned)
      throw new CountersignError(
        'unknown-party',
        `${what} “${card.name}” (${party}) is not pinned here: run \`countersign peer add\` and compare its fingerprint first`,
      )
    if (cardHash(card) !== cardHash(peer.card.card))
      throw new CountersignError(
        'superseded-card',
        `the contract names card ${card.sequence} of “${card.name}” (${party}), card ${peer.card.card.sequence} is held here: add its newest, or have it invited anew by that`,
      )
  }

  /**
   * Each resolves with the id of the request, which is the change's, once that is on disk.
   * @throws CountersignError as `Node.submit`; `unknown-party` where the party isn't pinned here; `conflict` where it has left:
   * its signer cosigns nothing more here
   */
  async invite(
    contract: string,
    party: string,
    options: InviteOptions = {},
    prepare?: Prepare,
  ): Promise<string> {
    const card = this.pinnedCard(party)
    const { roster } = this.node.engine.replica(contract)
    const wasIn = roster.spans.some(({ electorate }) => electorate.cards.has(party))
    if (wasIn && !roster.isIn(party))
      throw new CountersignError(
        'conflict',
        `“${card.card.name}” has left this contract, and has signed that it cosigns nothing more here: make a new contract with it`,
      )
    const { role = 'member', older = false, expiresMs = this.expiry() } = options
    return this.submit(contract, { op: 'invite', card, role, older, expiresMs }, prepare)
  }

  /**
   * @throws CountersignError `not-found` where no such change is open here; `unknown-party`, `superseded-card` where it lets a
   * party in that this node could not talk with
   */
  async vote(contract: string, change: string, yes: boolean, prepare?: Prepare): Promise<string> {
    const { epoch } = this.node.engine.replica(contract).chain.tip.state
    const open = epoch.changes?.find((one) => one.change === change)
    if (open === undefined)
      throw new CountersignError('not-found', `no change ${change} is open in this contract`)
    if (yes && open.op === 'invite') this.requireHeld(open.card, 'invited party')
    return this.submit(contract, { op: 'vote', change, yes }, prepare)
  }

  /** This party leaves. @throws CountersignError `conflict` where it can't, or not yet */
  async leave(contract: string, prepare?: Prepare): Promise<string> {
    return this.node.leave(contract, prepare)
  }

  /** @throws CountersignError `not-found` where no evidence against the party is held here */
  async remove(contract: string, party: string, prepare?: Prepare): Promise<string> {
    const { roster, evidence } = this.node.engine.replica(contract)
    if (!roster.isIn(party))
      throw new CountersignError('not-found', `${party} is neither member nor observer of this contract`)
    const [held] = evidence.accused.get(party) ?? []
    if (held === undefined)
      throw new CountersignError(
        'not-found',
        `no evidence against “${roster.names.get(party)}” is held here: nobody is removed without; it can leave by itself`,
      )
    return this.submit(contract, { op: 'remove', evidence: held.evidence }, prepare)
  }

  /** @throws CountersignError `bad-request` where it is the policy in force */
  async changePolicy(
    contract: string,
    part: PolicyPart,
    expiresMs = this.expiry(),
    prepare?: Prepare,
  ): Promise<string> {
    const { policy: inForce } = this.node.engine.replica(contract).electorate
    const { freeze = inForce.freeze, ...others } = part
    const { freeze: _, ...rest } = inForce
    const policy: Policy = { ...rest, ...others, ...(freeze && { freeze }) }
    const isSame = (Object.keys({ ...inForce, ...policy }) as (keyof Policy)[]).every(
      (key) => JSON.stringify(policy[key]) === JSON.stringify(inForce[key]),
    )
    if (isSame) throw new CountersignError('bad-request', 'this is the policy in force already')
    return this.submit(contract, { op: 'policy', policy, expiresMs }, prepare)
  }

  private submit(contract: string, operation: EpochOperation, prepare?: Prepare): Promise<string> {
    return this.node.submit(contract, [operation], [], prepare)
  }

  private expiry(): number {
    return this.node.now() + OPEN_DEFAULT_MS
  }
}
