/** Shows one value to some members and another, under the same commitment, to the others. */
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { requestMessage, requestOf } from './forge.ts'

const LIFE_MS = 20_000
const EVERY_MS = 1500

export class TwoOpenings extends Adversary {
  readonly name = 'sender of two openings'
  readonly kinds = ['another opening']
  private nextMs = 0
  private isOver = false

  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    if (this.isOver || nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    const liar = this.random.pick(this.liars)
    const contract = this.random.pick(this.contracts)
    const replica = liar.engine?.replicas.get(contract)
    if (!replica) return
    const made = requestOf(liar, replica, this.random, {
      value: 'one thing',
      notAfterMs: liar.nowMs + LIFE_MS,
    })
    const message = requestMessage(contract, made) as Message
    for (const other of this.liars)
      other.act((engine) => engine.deliver(liar.party.id, [message], other.nowMs))
    for (const to of this.honest) this.stage.send(liar, to, this.outgoing(liar, to, message))
  }

  override healed(): void {
    this.isOver = true
  }

  override outgoing(_from: SimNode, to: SimNode, message: Message): unknown[] {
    if (message.type !== 'REQUEST' || !this.isVictim(to)) return [message]
    const { request } = message.request as { request: { author: string } }
    if (!this.isLiar(request.author)) return [message]
    const openings = message.openings.map((opening) => ({ ...opening, value: 'another thing' }))
    return [{ ...message, openings }]
  }

  override arrived(at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'REQUEST' || !this.isVictim(at)) return
    if (message.openings.some(({ value }) => value === 'another thing')) this.count('another opening')
  }

  /** A quorum of liars can have ordered what no honest member can open, if there is one such member only. */
  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum || this.honest.length > 1 ? 'final' : 'safe'
  }
}
