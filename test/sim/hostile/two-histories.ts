/** Cosigns one history towards some members and another towards the others; or the same with one line of it changed. */
import type { Cosignature } from '../../../src/ledger/checkpoint.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { anyHash, cosigned, keyOf } from './forge.ts'

const CHANGES = ['root', 'block', 'state root', 'epoch', 'smaller size', 'larger size'] as const
type Change = (typeof CHANGES)[number]

export class TwoHistories extends Adversary {
  readonly name = 'cosigner of two histories'
  readonly kinds = CHANGES
  private readonly forged = new Map<string, Change>()
  private readonly caught = new Set<string>()
  private made = 0

  protected override begun(): void {
    this.made = this.random.integer(0, CHANGES.length - 1)
  }

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    if (!this.isVictim(to)) return [message]
    const hearsBoth = this.areAllVictims(message.contract)
    const isOwn = ({ party }: Cosignature): boolean => party === from.party.id
    // Where no honest member that is in would hear the true one, it is withheld, and nothing becomes final: another attack.
    if (message.type === 'STATUS')
      return [
        hearsBoth ? message : { ...message, cosignatures: message.cosignatures.filter((one) => !isOwn(one)) },
      ]
    if (message.type !== 'COSIGN' || !isOwn(message.cosignature)) return [message]
    const cosignature = this.other(from, message.contract, message.cosignature)
    return hearsBoth ? [{ ...message, cosignature }, message] : [{ ...message, cosignature }]
  }

  private other(from: SimNode, contract: string, genuine: Cosignature): Cosignature {
    const change = CHANGES[this.made % CHANGES.length] as Change
    this.made += 1
    const { size } = genuine
    const made = cosigned(from, contract, {
      ...genuine,
      ...(change === 'root' ? { root: anyHash(this.random) } : {}),
      ...(change === 'block' ? { block: anyHash(this.random) } : {}),
      ...(change === 'state root' ? { stateRoot: anyHash(this.random) } : {}),
      ...(change === 'epoch' ? { epoch: genuine.epoch + 1 } : {}),
      ...(change === 'smaller size' ? { size: Math.max(1, size - 2), root: anyHash(this.random) } : {}),
      ...(change === 'larger size' ? { size: size + 3, root: anyHash(this.random) } : {}),
    })
    this.forged.set(made.signature, change)
    return made
  }

  override arrived(at: SimNode, from: SimNode, message: Message): void {
    if (message.type !== 'COSIGN') return
    const change = this.forged.get(message.cosignature.signature)
    if (change === undefined) return
    this.count(change)
    // Of the others only one of the same size is evidence, and it may never be heard where this one was.
    if (change !== 'root' && change !== 'smaller size') return
    const replica = at.engine?.replicas.get(message.contract)
    const { party, size, epoch } = message.cosignature
    // One by a key, or of a member, that is none there any more may come too late to be looked at.
    if (replica?.epochs.part !== 'member' || epoch !== replica.epochs.number) return
    const { chain, finality, roster, lineage } = replica
    if ((message.lineage ?? 0) !== lineage.number) return
    const key = keyOf(from, message.contract, 'cosign').publicKey
    if (roster.cosignKeyOf(party, epoch) !== key) return
    if (!finality.ahead.has(party) && chain.height + 1 >= size) this.caught.add(party)
  }

  override get named(): ReadonlySet<string> {
    return this.caught
  }

  outlook(): Outlook {
    return 'final'
  }
}
