/**
 * What is final at one node is final for good: no other ledger block is ever final at that height, here or elsewhere, and
 * every member has cosigned it.
 */
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

export class Finals implements Checker {
  readonly name = 'no two conflicting finals, each cosigned by all'
  private readonly world: World
  private readonly finals = new Map<string, string>()
  private readonly sizes = new Map<string, number>()
  /** Largest size each member has let go out cosigned. */
  private readonly cosigned = new Map<string, number>()
  private reports = 0

  constructor(world: World) {
    this.world = world
  }

  sent(node: SimNode, message: Message): void {
    if (message.type !== 'COSIGN') return
    this.note(message.contract, node, message.cosignature.size)
  }

  private note(contract: string, node: SimNode, size: number): void {
    const key = `${contract} ${node.index}`
    this.cosigned.set(key, Math.max(size, this.cosigned.get(key) ?? 0))
  }

  touched(node: SimNode): void {
    for (const [contract, replica] of node.engine?.replicas ?? []) {
      const key = `${contract} ${node.index} ${node.life}`
      const before = this.sizes.get(key) ?? 0
      const size = replica.finalSize
      const own = replica.finality.sizeOf(node.party.id)
      if (own > 0) this.note(contract, node, own)
      if (size < before)
        throw new Violation(
          this.name,
          `${node.name} took back what it had called final, from ${before} to ${size}`,
        )
      if (size === before) continue
      this.sizes.set(key, size)
      this.reports += 1
      for (let grown = before + 1; grown <= size; grown += 1) {
        const root = replica.chain.log.root(grown)
        const place = `${contract} ${grown}`
        const held = this.finals.get(place) ?? root
        this.finals.set(place, held)
        if (held !== root)
          throw new Violation(
            this.name,
            `${node.name} calls a history of size ${grown} final that others do not`,
          )
      }
      for (const { index, name } of this.world.honest)
        if ((this.cosigned.get(`${contract} ${index}`) ?? 0) < size)
          throw new Violation(
            this.name,
            `${node.name} calls size ${size} final, which ${name} has not cosigned`,
          )
    }
  }

  counts(): Record<string, number> {
    return { finals: this.finals.size, finalReports: this.reports }
  }
}
