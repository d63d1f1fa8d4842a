/** A request that a node has called final stands in the ledger for good, at one height, at every node. */
import type { Notice } from '../../../src/node/outbox.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'
import type { NoFork } from './no-fork.ts'

export class Acknowledged implements Checker {
  readonly name = 'no request acknowledged as final is lost'
  private readonly world: World
  private readonly chain: NoFork
  private readonly final = new Map<string, string>()

  constructor(world: World, chain: NoFork) {
    this.world = world
    this.chain = chain
  }

  notice(node: SimNode, notice: Notice): void {
    if (notice.type !== 'final') return
    for (const id of notice.requests) {
      this.final.set(id, notice.contract)
      const height = this.chain.heightOf(id)
      if (height !== undefined && (height < notice.fromHeight || height > notice.toHeight))
        throw new Violation(this.name, `${node.name} called ${id} final at the wrong height`)
    }
  }

  ended(): void {
    for (const [id, contract] of this.final) {
      const height = this.chain.heightOf(id)
      for (const { name, disk, party } of this.world.nodes) {
        if (!this.world.seats.isIn(contract, party.id)) continue
        // What was before the checkpoint that it began at is others' to keep.
        if (height !== undefined && height <= (disk.store.basis(contract)?.height ?? -1)) continue
        const record = disk.store.request(contract, id)
        if (record?.height === undefined || record.height !== height)
          throw new Violation(
            this.name,
            `${name} holds ${id} at ${record?.height}, it was final at ${height}`,
          )
      }
    }
  }

  counts(): Record<string, number> {
    return { requestsFinal: this.final.size }
  }
}
