/** To each of its statements it adds one that contradicts it: another VOTE, another FINALIZE, SKIP beside FINALIZE. */
import { type SignedStatement, type Statement, statementVerifies } from '../../../src/ledger/certificate.ts'
import { contradiction, type StatementEvidence } from '../../../src/ledger/evidence.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { anyHash, sign } from './forge.ts'

export class DoubleVoter extends Adversary {
  readonly name = 'double voter'
  readonly kinds: StatementEvidence['kind'][] = ['two-votes', 'two-finalizes', 'finalize-and-skip']
  private readonly seen = new Map<string, SignedStatement[]>()
  private readonly caught = new Set<string>()
  private made = 0

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    const own = ownStatement(message, from)
    if (!own) return [message]
    // Somebody else is told the contrary each time.
    if (this.honest[own.statement.view % this.honest.length] !== to) return [message]
    const { contract, epoch } = message
    const signed = sign(from, this.contrary(own))
    return [message, { type: 'STATEMENT', contract, ...(epoch !== undefined && { epoch }), signed }]
  }

  private contrary({ statement }: SignedStatement): Statement {
    const { contract, lineage, epoch, view, type } = statement
    const place = { contract, lineage, epoch, view }
    this.made += 1
    if (type === 'FINALIZE' && this.made % 2 === 0) return { ...place, type: 'SKIP' }
    return { ...place, type: type === 'VOTE' ? 'VOTE' : 'FINALIZE', block: anyHash(this.random) }
  }

  override arrived(at: SimNode, from: SimNode, message: Message): void {
    const own = ownStatement(message, from)
    if (!own) return
    const { contract, epoch, view } = own.statement
    const place = `${at.index} ${from.index} ${contract} ${epoch} ${view}`
    const replica = at.engine?.replicas.get(contract)
    // What is over is not looked at any more, nor what is of another epoch.
    if (!replica || !statementVerifies(replica.electorate, own) || replica.epochs.part !== 'member') return
    const before = this.seen.get(place) ?? []
    this.seen.set(place, [...before, own])
    const kinds = before.flatMap((one) => contradiction(one, own) ?? [])
    if (view <= replica.consensus.committed.view) return
    for (const kind of new Set(kinds)) {
      this.count(kind)
      this.caught.add(own.party)
    }
  }

  override get named(): ReadonlySet<string> {
    return this.caught
  }

  outlook(): Outlook {
    return 'final'
  }
}

/** A statement of its sender, by itself or with its block. */
export function ownStatement(message: Message, from: SimNode): SignedStatement | undefined {
  const signed =
    message.type === 'STATEMENT' ? message.signed : message.type === 'PROPOSE' ? message.vote : undefined
  return signed?.party === from.party.id ? signed : undefined
}
