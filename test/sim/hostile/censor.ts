/** Never proposes, nor passes on, what some of the honest members ask for. */
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'

export class Censor extends Adversary {
  readonly name = 'censor'
  readonly kinds = ['block without the request', 'no block rather than that one']
  private victims: ReadonlySet<string> = new Set()
  private readonly blinded = new Set<Replica>()
  /** Blocks that leave something out, by hash. */
  private readonly censored = new Set<string>()

  protected override begun(): void {
    this.victims = new Set(this.honest.filter((node) => this.isVictim(node)).map(({ party }) => party.id))
    this.blind()
  }

  override turn(): void {
    this.blind()
  }

  /** While a liar's node builds a ledger block, it doesn't see what they ask for. */
  private blind(): void {
    for (const liar of this.liars)
      for (const replica of liar.engine?.replicas.values() ?? []) {
        if (this.blinded.has(replica)) continue
        this.blinded.add(replica)
        const { chain } = replica
        const build = chain.build.bind(chain)
        chain.build = (...given) => {
          const waiting = [...chain.pool]
          for (const [id, { request }] of waiting) if (this.victims.has(request.author)) chain.pool.delete(id)
          const isCensored = chain.pool.size < waiting.length
          const built = build(...given)
          chain.pool.clear()
          for (const [id, entry] of waiting) chain.pool.set(id, entry)
          if (built && isCensored) this.censored.add(built.hash)
          if (!built && isCensored) this.count('no block rather than that one')
          return built
        }
      }
  }

  override outgoing(_from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (message.type !== 'REQUEST') return [message]
    const { request } = message.request as { request: { author: string } }
    return this.victims.has(request.author) ? [] : [message]
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'PROPOSE' || message.vote?.statement.type !== 'VOTE') return
    if (this.censored.has(message.vote.statement.block)) this.count('block without the request')
  }

  outlook(): Outlook {
    return 'final'
  }
}
