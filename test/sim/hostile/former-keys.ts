/** Replaces its keys, and after the turn says everything by those of its former card as well (EPO-2, EPO-9). */
import { signStatements } from '../../../src/crypto/statement.ts'
import { cosign } from '../../../src/ledger/checkpoint.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import { renew } from '../party.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { ownStatement } from './double-voter.ts'
import { anyHash, requestMessage, requestOf } from './forge.ts'

const EVERY_MS = 1500
const DOWN_MS = 50
const EXPIRES_MS = 3_600_000
const REQUEST_MS = 20_000

export class FormerKeys extends Adversary {
  readonly name = 'former keys'
  readonly kinds = ['a statement', 'a cosignature', 'a request']
  private nextMs = 0
  private isOver = false
  private readonly said = new Map<string, string>()

  protected override begun(): void {
    for (const liar of this.liars) {
      if (liar.party.card.card.sequence > 1) continue
      liar.party = renew(liar.party, ['author', 'vote', 'cosign'], this.random)
      this.stage.crash(liar, DOWN_MS)
    }
  }

  override healed(): void {
    this.isOver = true
  }

  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    if (this.isOver || nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    for (const liar of this.liars)
      for (const contract of this.contracts) {
        const replica = liar.engine?.replicas.get(contract)
        if (replica?.status !== 'accepted' || replica.epochs.part !== 'member') continue
        if (this.isReplaced(replica, liar)) this.request(liar, replica)
        else this.takeCard(liar, replica)
      }
  }

  private isReplaced({ roster }: Replica, { party }: SimNode): boolean {
    const { author } = roster.electorate.cards.get(party.id)?.keys ?? {}
    return author !== undefined && author !== party.keys.author.publicKey
  }

  private takeCard(liar: SimNode, replica: Replica): void {
    const { changes = [] } = replica.chain.tip.state.epoch
    if (changes.some((one) => 'party' in one && one.party === liar.party.id)) return
    const operation = { op: 'card', card: liar.party.card, expiresMs: liar.nowMs + EXPIRES_MS } as const
    liar.act((engine) => engine.submit(replica.contract, [operation], [], liar.nowMs, () => undefined))
  }

  private request(liar: SimNode, replica: Replica): void {
    const { author } = liar.party.keys
    const given = { value: 'by a former key', notAfterMs: liar.nowMs + REQUEST_MS }
    const made = requestOf(liar, replica, this.random, given, author)
    this.said.set(made.signature, 'a request')
    for (const to of this.honest) this.stage.send(liar, to, [requestMessage(replica.contract, made)])
  }

  override outgoing(from: SimNode, _to: SimNode, message: Message): unknown[] {
    const replica = from.engine?.replicas.get(message.contract)
    if (!replica || !this.isReplaced(replica, from)) return [message]
    const { vote, cosign: cosigning } = from.party.keys
    if (message.type === 'COSIGN' && message.cosignature.party === from.party.id) {
      const { contract, cosignature } = message
      const line = { contract, lineage: message.lineage ?? 0, ...cosignature, root: anyHash(this.random) }
      const made = cosign(cosigning.privateKey, from.party.id, line, cosignature.timeS)
      this.said.set(made.signature, 'a cosignature')
      return [{ ...message, cosignature: made }, message]
    }
    const own = message.type === 'STATEMENT' ? ownStatement(message, from) : undefined
    if (!own || own.statement.type === 'SKIP') return [message]
    const statement = { ...own.statement, block: anyHash(this.random) }
    const [signature] = signStatements(vote.privateKey, [statement])
    if (!signature) return [message]
    this.said.set(signature.signature, 'a statement')
    return [{ ...message, signed: { ...own, statement, signature } }, message]
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    const signature =
      message.type === 'STATEMENT'
        ? message.signed.signature.signature
        : message.type === 'COSIGN'
          ? message.cosignature.signature
          : message.type === 'REQUEST'
            ? (message.request as { signature: string }).signature
            : ''
    const kind = this.said.get(signature)
    if (kind !== undefined) this.count(kind)
  }

  outlook(): Outlook {
    return 'final'
  }
}
