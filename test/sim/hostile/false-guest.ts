/** Is invited, accepts another contract or another history than it was shown, and never cosigns what would let it in. */
import { checkpointOf } from '../../../src/ledger/checkpoint.ts'
import { epochOperationOf } from '../../../src/ledger/request.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { anyHash, epochRequest } from './forge.ts'

const EVERY_MS = 800
const EXPIRES_MS = 3_600_000

export class FalseGuest extends Adversary {
  readonly name = 'false guest'
  readonly kinds = ['accepts another genesis', 'accepts another history', 'cosignature withheld']
  private nextMs = 0
  private made = 0
  private readonly lies = new Map<string, string>()

  override get bringsGuests(): boolean {
    return true
  }

  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    for (const contract of this.contracts) this.letIn(contract)
    for (const liar of this.liars)
      for (const contract of this.contracts) {
        const replica = liar.engine?.replicas.get(contract)
        const invitation = replica?.roster.guests.get(liar.party.id)
        if (!replica || !invitation) continue
        this.made += 1
        const { tip, log } = replica.chain
        const { epoch, size, root, block, stateRoot } = checkpointOf(tip.block.header, log.root(log.size))
        const isGenesis = this.made % 2 === 0
        const other = anyHash(this.random)
        const message = epochRequest(liar, replica, this.random, {
          op: 'accept',
          change: invitation.change,
          genesis: isGenesis ? other : contract,
          checkpoint: { epoch, size, root: isGenesis ? root : other, block, stateRoot },
        })
        this.lies.set(other, isGenesis ? 'accepts another genesis' : 'accepts another history')
        for (const to of this.honest) this.stage.send(liar, to, [message])
      }
  }

  /** One of the members is asked to invite it, and all to say yes, as they would any party that they don't know for a liar. */
  private letIn(contract: string): void {
    const { nodes, seats } = this.stage.world
    const guest = this.liars.find(({ party }) => !seats.wasIn(contract, party.id))
    if (!guest) return
    for (const node of nodes) {
      const replica = node.engine?.replicas.get(contract)
      if (replica?.status !== 'accepted' || replica.epochs.part !== 'member') continue
      const { changes = [] } = replica.chain.tip.state.epoch
      const open = changes.find((one) => one.op === 'invite' && one.party === guest.party.id)
      if (!open && node !== this.inviter(contract)) continue
      if (open && (!('yes' in open) || open.yes.includes(node.party.id))) continue
      const expiresMs = node.nowMs + EXPIRES_MS
      const operation = open
        ? ({ op: 'vote', change: open.change, yes: true } as const)
        : ({ op: 'invite', card: guest.party.card, role: 'member', older: true, expiresMs } as const)
      node.act((engine) => {
        if (!engine.storageError) engine.submit(contract, [operation], [], node.nowMs, () => undefined)
      })
    }
  }

  private inviter(contract: string): SimNode | undefined {
    const { nodes, seats } = this.stage.world
    return nodes.find(({ party }) => seats.isMember(contract, party.id))
  }

  override outgoing(from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (!this.isGuest(from, message.contract)) return [message]
    const isOwn = ({ party }: { party: string }): boolean => party === from.party.id
    if (message.type === 'COSIGN' && isOwn(message.cosignature)) {
      this.count('cosignature withheld')
      return []
    }
    if (message.type !== 'STATUS') return [message]
    return [{ ...message, cosignatures: message.cosignatures.filter((one) => !isOwn(one)) }]
  }

  private isGuest({ engine }: SimNode, contract: string): boolean {
    return engine?.replicas.get(contract)?.epochs.part === 'guest'
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'REQUEST') return
    const { request } = message.request as { request: Parameters<typeof epochOperationOf>[0] }
    const operation = epochOperationOf(request)
    if (operation?.op !== 'accept') return
    const lie = this.lies.get(operation.genesis) ?? this.lies.get(operation.checkpoint.root)
    if (lie !== undefined) this.count(lie)
  }

  /** Nobody stops working for its turn, which never comes. */
  outlook(): Outlook {
    return 'final'
  }
}
