/**
 * What is final at one node is final for good: no other ledger block is ever final at that height, here or elsewhere, and
 * every member has cosigned it, or what extends it.
 */
import type { Cosignature } from '../../../src/ledger/checkpoint.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

export class Finals implements Checker {
  readonly name = 'no two conflicting finals, each cosigned by all'
  private readonly world: World
  private readonly finals = new Map<string, string>()
  private readonly sizes = new Map<string, number>()
  /** Roots that each member has let go out cosigned, by contract and member, then by size. */
  private readonly cosigned = new Map<string, Map<number, string>>()
  private reports = 0

  constructor(world: World) {
    this.world = world
  }

  sent(node: SimNode, message: Message): void {
    if (message.type === 'COSIGN') this.note(message.contract, node, message.cosignature)
  }

  private note(contract: string, node: SimNode, { size, root }: Cosignature): void {
    const key = `${contract} ${node.index}`
    const roots = this.cosigned.get(key) ?? new Map<number, string>()
    this.cosigned.set(key, roots.set(size, root))
  }

  touched(node: SimNode): void {
    for (const [contract, replica] of node.engine?.replicas ?? []) {
      const key = `${contract} ${node.index} ${node.life}`
      const before = this.sizes.get(key) ?? 0
      const size = replica.finalSize
      const own = replica.finality.cosignatures.get(node.party.id)
      if (own) this.note(contract, node, own)
      if (size < before)
        throw new Violation(
          this.name,
          `${node.name} took back what it had called final, from ${before} to ${size}`,
        )
      if (size === before) continue
      this.sizes.set(key, size)
      this.reports += 1
      // What all have cosigned they have for good; who reports it again need not hold any more what shows it.
      const isKnown = this.finals.has(`${contract} ${size}`)
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
      const lacking = isKnown ? [] : this.lackingFor(contract, replica, size)
      if (lacking.length > 0)
        throw new Violation(
          this.name,
          `${node.name} calls size ${size} final, which ${lacking.join(', ')} has not cosigned`,
        )
    }
  }

  /** Who has not cosigned it, of the honest members of the epoch that lacks fewest: nobody, where it is final (COS-3). */
  private lackingFor(contract: string, replica: Replica, size: number): string[] {
    const epochs = this.world.seats.of(contract, replica.chain)
    let fewest: string[] | undefined
    for (const [index, { firstHeight, members }] of epochs.entries()) {
      const next = epochs[index + 1]
      // A later epoch's members make it final too, an earlier one's don't.
      if (next && size > next.firstHeight) continue
      const wanted = Math.max(size, firstHeight + 1)
      const lacking = this.world.honest
        .filter(({ party }) => members.includes(party.id))
        .filter((member) => !this.hasCosigned(member, contract, replica, wanted))
      if (fewest === undefined || lacking.length < fewest.length) fewest = lacking.map(({ name }) => name)
    }
    return fewest ?? ['anybody']
  }

  /** Whether the member has cosigned a ledger of this size or a larger one, of the very log that is held here. */
  private hasCosigned({ index }: SimNode, contract: string, { chain }: Replica, size: number): boolean {
    for (const [cosigned, root] of this.cosigned.get(`${contract} ${index}`) ?? [])
      if (cosigned >= size && cosigned <= chain.height + 1 && chain.log.root(cosigned) === root) return true
    return false
  }

  counts(): Record<string, number> {
    return { finals: this.finals.size, finalReports: this.reports }
  }
}
