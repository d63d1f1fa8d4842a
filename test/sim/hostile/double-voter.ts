/** To each of its statements it adds one that contradicts it: another VOTE, another FINALIZE, SKIP beside FINALIZE. */
import {
  type Certificate,
  certificateVerifies,
  type SignedStatement,
  type Statement,
  statementVerifies,
} from '../../../src/ledger/certificate.ts'
import { contradiction, type StatementEvidence } from '../../../src/ledger/evidence.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { anyHash, sign } from './forge.ts'

export class DoubleVoter extends Adversary {
  readonly name = 'double voter'
  readonly kinds: StatementEvidence['kind'][] = ['two-votes', 'two-finalizes', 'finalize-and-skip']
  private readonly seen = new Map<string, SignedStatement[]>()
  private readonly caught = new Set<string>()
  /** What liars have shown to be certified, by honest member. */
  private readonly certified = new Map<string, Certificate>()
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
    for (const one of certificatesIn(message)) this.certified.set(`${at.index} ${placeOf(message, one)}`, one)
    const own = ownStatement(message, from)
    if (!own) return
    const { contract, epoch, view } = own.statement
    const place = `${at.index} ${from.index} ${contract} ${epoch} ${view}`
    const replica = at.engine?.replicas.get(contract)
    // What is over is not looked at any more, nor what is of another epoch.
    if (!replica || !statementVerifies(replica.electorate, own) || replica.epochs.part !== 'member') return
    const before = this.seen.get(place) ?? []
    const kinds = before.flatMap((one) => contradiction(one, own) ?? [])
    // What a quorum has signed already needs no further signature, and none is looked at that contradicts nothing held.
    if (kinds.length === 0 && this.isSettled(at, replica, message, own)) return
    this.seen.set(place, [...before, own])
    if (view <= replica.consensus.committed.view) return
    for (const kind of new Set(kinds)) {
      this.count(kind)
      this.caught.add(own.party)
    }
  }

  /** By others, that is: who has signed what is certified has said so by that. */
  private isSettled(at: SimNode, replica: Replica, message: Message, { statement, party }: SignedStatement) {
    const { view, type } = statement
    const block = type === 'SKIP' ? undefined : statement.block
    const kind = type === 'SKIP' ? 'skip' : type === 'VOTE' ? 'notarization' : 'finalization'
    const record = replica.consensus.views.get(view)
    const held =
      type === 'SKIP'
        ? record?.skipCertificate
        : (type === 'VOTE' ? record?.notarizations : record?.finalizations)?.get(statement.block)
    const shown = this.certified.get(`${at.index} ${placeOf(message, { kind, view, block })}`)
    const certificate = held ?? (shown && certificateVerifies(replica.electorate, shown) ? shown : undefined)
    return certificate !== undefined && !certificate.signatures.some(([signer]) => signer === party)
  }

  override get named(): ReadonlySet<string> {
    return this.caught
  }

  outlook(): Outlook {
    return 'final'
  }
}

function certificatesIn(message: Message): Certificate[] {
  if (message.type === 'CERTIFICATE') return [message.certificate]
  if (message.type !== 'PROPOSE') return []
  const { notarization, skipCertificates } = message
  return notarization ? [notarization, ...skipCertificates] : skipCertificates
}

function placeOf(
  { contract, epoch = 0 }: Message,
  { kind, view, block }: { kind: Certificate['kind']; view: number; block?: string | undefined },
): string {
  return `${contract} ${epoch} ${kind} ${view} ${block}`
}

/** A statement of its sender, by itself or with its block. */
export function ownStatement(message: Message, from: SimNode): SignedStatement | undefined {
  const signed =
    message.type === 'STATEMENT' ? message.signed : message.type === 'PROPOSE' ? message.vote : undefined
  return signed?.party === from.party.id ? signed : undefined
}
