/**
 * Has requests ordered whose openings it shows to one honest member, or to none: a value that others can't read must not
 * keep them from going on.
 */
import { requestIdsOf } from '../../../src/ledger/turn.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { requestMessage, requestOf } from './forge.ts'

const LIFE_MS = 20_000
const EVERY_MS = 600

export class OpeningWithholder extends Adversary {
  readonly name = 'withholder of openings'
  readonly kinds = ['request without openings', 'block of what it can not read']
  /** Who may see it, by id of the request; undefined for nobody. */
  private readonly withheld = new Map<string, SimNode | undefined>()
  private nextMs = 0
  private isOver = false

  /** A new request of every liar from time to time, known to all liars' nodes at once. */
  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    if (this.isOver || nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    for (const liar of this.liars)
      for (const contract of this.contracts) {
        const replica = liar.engine?.replicas.get(contract)
        if (!replica) continue
        const made = requestOf(liar, replica, this.random, {
          value: 'what you can not read',
          notAfterMs: liar.nowMs + LIFE_MS,
        })
        const confidant = this.random.chance(0.6) ? this.random.pick(this.honest) : undefined
        this.withheld.set(made.id, confidant)
        const message = requestMessage(contract, made)
        for (const other of this.liars)
          other.act((engine) => engine.deliver(liar.party.id, [message], other.nowMs))
        if (confidant) this.stage.send(liar, confidant, [message])
      }
  }

  override healed(): void {
    this.isOver = true
  }

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    if (message.type === 'REQUEST') {
      const replica = from.engine?.replicas.get(message.contract)
      const { request } = message.request as { request: { nonce: string } }
      const held = [...(replica?.chain.pool.values() ?? [])].find(
        (entry) => entry.request.nonce === request.nonce,
      )
      if (!held || !this.isHidden(held.id, to)) return [message]
      return [{ ...message, openings: [] }]
    }
    if (
      message.type === 'LEDGER' &&
      message.blocks.some((block) => requestIdsOf(block).some((id) => this.isHidden(id, to)))
    )
      return [{ ...message, openings: [] }]
    return [message]
  }

  private isHidden(id: string, to: SimNode): boolean {
    return this.withheld.has(id) && this.withheld.get(id) !== to
  }

  override arrived(at: SimNode, _from: SimNode, message: Message): void {
    if (message.type === 'REQUEST' && message.openings.length === 0) this.count('request without openings')
    if (message.type !== 'PROPOSE') return
    const pool = at.engine?.replicas.get(message.contract)?.chain.pool
    if (requestIdsOf(message.block).some((id) => this.isHidden(id, at) && !pool?.has(id)))
      this.count('block of what it can not read')
  }

  /** A quorum of liars can have ordered what no honest member can read. */
  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}
