/** As a leader it proposes turns that say otherwise than was decided, lack somebody's cosignature, or that nobody decided. */
import { type AnyLedgerBlock, type TurnEntry, turnOf } from '../../../src/ledger/turn.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { anyHash, cosigned, type Made, revised, sign, voteFor } from './forge.ts'

const FAULTS = [
  'a certificate that lacks somebody',
  'a cosignature of another history in the certificate',
  'other members than were decided',
  'another policy than was decided',
  'another change',
] as const
const UNDECIDED = 'a turn that nobody decided'

export class TurnForger extends Adversary {
  readonly name = 'turn forger'
  readonly kinds = [...FAULTS, UNDECIDED]
  private readonly forged = new Map<string, Made>()
  private readonly faults = new Map<string, string>()
  private made = 0

  override outgoing(from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (message.type === 'STATEMENT') {
      const { statement, party } = message.signed
      const forged = statement.type === 'SKIP' ? undefined : this.forged.get(statement.block)
      if (!forged || statement.type === 'SKIP' || party !== from.party.id) return [message]
      return [{ ...message, signed: sign(from, { ...statement, block: forged.hash }) }]
    }
    if (message.type !== 'PROPOSE') return [message]
    const { vote } = message
    const leader = this.liars.find(({ party }) => party.id === vote?.party)
    const replica = leader?.engine?.replicas.get(message.contract)
    if (vote?.statement.type !== 'VOTE' || !leader || !replica) return [message]
    const { block } = vote.statement
    const forged = this.forged.get(block) ?? this.make(leader, replica, message.block)
    if (!forged) return [message]
    this.forged.set(block, forged)
    return [{ ...message, block: forged.block, vote: voteFor(leader, forged) }]
  }

  private make(leader: SimNode, replica: Replica, block: AnyLedgerBlock): Made | undefined {
    const turn = turnOf(block)
    this.made += 1
    // Of ordinary ledger blocks every other one: something has to be decided for the rest.
    if (!turn && this.made % 2 === 0) return undefined
    const fault = turn ? (FAULTS[this.made % FAULTS.length] as (typeof FAULTS)[number]) : UNDECIDED
    const entry =
      turn && fault !== UNDECIDED
        ? this.altered(turn, fault, leader, replica)
        : this.undecided(leader, replica)
    const made = revised(block, { entriesRoot: anyHash(this.random) }, [entry] as never)
    this.faults.set(made.hash, fault)
    return made
  }

  private altered(turn: TurnEntry, fault: (typeof FAULTS)[number], leader: SimNode, { contract }: Replica) {
    const { certificate, members, cards, policy } = turn
    switch (fault) {
      case 'a certificate that lacks somebody':
        return { ...turn, certificate: certificate.slice(1) }
      case 'a cosignature of another history in the certificate':
        return {
          ...turn,
          certificate: certificate.map((one) =>
            one.party === leader.party.id
              ? cosigned(leader, contract, { ...one, root: anyHash(this.random) })
              : one,
          ),
        }
      case 'other members than were decided':
        return members.length > 1
          ? { ...turn, members: members.slice(1), cards: cards.slice(1), certificate: certificate.slice(1) }
          : { ...turn, epoch: turn.epoch + 1 }
      case 'another policy than was decided':
        return { ...turn, policy: { ...policy, clockBoundMs: policy.clockBoundMs + 1 } }
      case 'another change':
        return { ...turn, change: anyHash(this.random) }
    }
  }

  /** One that puts out everybody but the liars, by their own cosignatures. */
  private undecided(leader: SimNode, replica: Replica): TurnEntry {
    const { epoch: record } = replica.chain.tip.state
    const members = record.members.filter((party) => this.isLiar(party))
    const own = replica.finality.cosignatures.get(leader.party.id)
    return {
      kind: 'turn',
      epoch: record.epoch + 1,
      members,
      cards: members.map((party) => record.cards[record.members.indexOf(party)] as string),
      policy: record.policy,
      executionVersion: record.executionVersion,
      certificate: own ? [own] : [],
    }
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'PROPOSE' || message.vote?.statement.type !== 'VOTE') return
    const fault = this.faults.get(message.vote.statement.block)
    if (fault !== undefined) this.count(fault)
  }

  override get hides() {
    return 'statements' as const
  }

  /** A quorum of liars can have anything committed among themselves; honest members follow none of it. */
  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}
