/** Each member's cosignatures only grow, each on a history that extends the last, and there is one root for each size. */
import type { Cosignature } from '../../../src/ledger/checkpoint.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

export class Cosignatures implements Checker {
  readonly name = 'cosignatures are monotone, one root for each size'
  private readonly world: World
  private readonly scope: 'of all' | 'by member'
  private readonly roots = new Map<string, string>()
  private readonly largest = new Map<string, Cosignature>()
  private readonly largestMs = new Map<string, number>()
  private readonly restores = new Map<string, number>()
  private readonly seen = new Set<string>()
  private count = 0

  /** scope: whether there is one root for each size, or, where ledgers may fork, one for each size and member. */
  constructor(world: World, scope: 'of all' | 'by member' = 'of all') {
    this.world = world
    this.scope = scope
  }

  restored(node: SimNode, what: { data: boolean; signer: boolean }): void {
    if (what.signer) this.restores.set(node.party.id, (this.restores.get(node.party.id) ?? 0) + 1)
  }

  sent(node: SimNode, message: Message): void {
    if (message.type !== 'COSIGN') return
    const { cosignature, lineage = 0 } = message
    const contract = `${message.contract} ${lineage}`
    const { party, size, root, block } = cosignature
    this.count += 1
    const place = `${contract} ${size} ${this.scope === 'of all' ? '' : party}`
    const held = this.roots.get(place) ?? `${root} ${block}`
    this.roots.set(place, held)
    if (held !== `${root} ${block}`)
      throw new Violation(this.name, `${node.name} cosigned another history of size ${size}`)
    // The same one goes to several members, in as many messages.
    if (this.seen.has(cosignature.signature)) return
    this.seen.add(cosignature.signature)
    // What a restored signer forgot and nobody holds may be smaller than what was once sent.
    const key = `${contract} ${party} ${this.restores.get(party) ?? 0}`
    const before = this.largest.get(key)
    // What was signed in one turn goes to each party by itself.
    const isOfOneTurn = this.world.options.epochs && this.largestMs.get(key) === this.world.nowMs()
    if (before && size < before.size && isOfOneTurn) return
    this.largestMs.set(key, this.world.nowMs())
    if (before && size < before.size)
      throw new Violation(this.name, `${node.name} cosigned size ${size} after size ${before.size}`)
    this.largest.set(key, cosignature)
    const log = node.engine?.replicas.get(message.contract)?.chain.log
    if (before && party === node.party.id && log?.root(before.size) !== before.root)
      throw new Violation(
        this.name,
        `${node.name} cosigned size ${size} of another history than that of size ${before.size}`,
      )
  }

  counts(): Record<string, number> {
    return { cosignatures: this.count, contracts: this.world.contracts.length }
  }
}
