/** As a leader it shows different ledger blocks of one view to different members; all liars vote for both. */
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { type Made, revised, sign, voteFor } from './forge.ts'

export class EquivocatingLeader extends Adversary {
  readonly name = 'equivocating leader'
  readonly kinds = ['two blocks of one view']
  /** The second block, by the hash of the first. */
  private readonly seconds = new Map<string, Made>()
  /** Who was shown what, by contract and view. */
  private readonly shown = new Map<string, Map<string, Set<SimNode>>>()

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    if (!this.isVictim(to)) return [message]
    const changed = this.changed(from, message)
    if (!changed) return [message]
    return this.areAllVictims(message.contract) ? [message, changed] : [changed]
  }

  private changed(from: SimNode, message: Message): Message | undefined {
    if (message.type === 'PROPOSE') {
      const { block, vote } = message
      if (vote?.statement.type !== 'VOTE' || !this.isLiar(vote.party)) return undefined
      const leader = this.liars.find(({ party }) => party.id === vote.party) ?? from
      const made =
        this.seconds.get(vote.statement.block) ?? revised(block, { timeMs: block.header.timeMs + 1 })
      this.seconds.set(vote.statement.block, made)
      return { ...message, block: made.block, vote: voteFor(leader, made) }
    }
    if (message.type !== 'STATEMENT') return undefined
    const { statement, party } = message.signed
    const made = statement.type === 'VOTE' ? this.seconds.get(statement.block) : undefined
    if (!made || party !== from.party.id || statement.type !== 'VOTE') return undefined
    return { ...message, signed: sign(from, { ...statement, block: made.hash }) }
  }

  override arrived(at: SimNode, from: SimNode, message: Message): void {
    if (message.type !== 'PROPOSE' || message.vote?.party !== from.party.id) return
    const { statement } = message.vote
    if (statement.type !== 'VOTE') return
    const place = `${message.contract} ${statement.view}`
    const blocks = this.shown.get(place) ?? new Map<string, Set<SimNode>>()
    this.shown.set(place, blocks)
    const nodes = blocks.get(statement.block) ?? new Set()
    const isFirst = nodes.size === 0
    blocks.set(statement.block, nodes.add(at))
    if (isFirst && blocks.size === 2) this.count('two blocks of one view')
  }

  override get hides() {
    return 'statements' as const
  }

  outlook(): Outlook {
    return 'final'
  }
}
