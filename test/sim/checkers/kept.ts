/**
 * What an honest member has called final is final there for good: each request stands at its height, whatever dies and is
 * started again meanwhile. And each member's openings open what they are kept for, so that all read the same values.
 */
import { commitmentsOf } from '../../../src/ledger/request.ts'
import { commitmentOf } from '../../../src/ledger/value.ts'
import type { Notice } from '../../../src/node/outbox.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

type Told = { node: SimNode; contract: string; id: string; fromHeight: number; toHeight: number }

export class Kept implements Checker {
  readonly name = 'nothing that was called final is lost'
  private readonly world: World
  private readonly told: Told[] = []
  private readonly sizes = new Map<string, { node: SimNode; contract: string; size: number }>()
  private openings = 0

  constructor(world: World) {
    this.world = world
  }

  notice(node: SimNode, notice: Notice): void {
    const { contract } = notice
    if (notice.type === 'expired') {
      const height = node.disk.store.request(contract, notice.request)?.height
      if (height !== undefined)
        throw new Violation(
          this.name,
          `${node.name} calls request ${notice.request} expired, which it has ordered`,
        )
    }
    if (notice.type !== 'final') return
    const { requests, fromHeight, toHeight } = notice
    for (const id of requests) this.told.push({ node, contract, id, fromHeight, toHeight })
    this.sizes.set(`${node.index} ${contract}`, { node, contract, size: toHeight + 1 })
  }

  ended(): void {
    for (const { node, contract, id, fromHeight, toHeight } of this.told) {
      const height = node.disk.store.request(contract, id)?.height
      if (height === undefined || height < fromHeight || height > toHeight)
        throw new Violation(
          this.name,
          `${node.name} holds ${id} at ${height}, and called it final at ${fromHeight} to ${toHeight}`,
        )
    }
    for (const { node, contract, size } of this.sizes.values()) {
      const now = node.engine?.replicas.get(contract)?.finalSize ?? 0
      if (now < size)
        throw new Violation(this.name, `${node.name} called size ${size} final, and now only ${now}`)
    }
    // Who came in may lack what was said before.
    for (const node of this.world.honest)
      for (const contract of this.world.contracts)
        if (this.world.seats.hasStayed(contract, node.party.id)) this.compareOpenings(node, contract)
  }

  private compareOpenings({ name, disk }: SimNode, contract: string): void {
    for (const { id, request } of disk.store.requests(contract, { limit: 1000 })) {
      const wanted = commitmentsOf(request.operations)
      const held = disk.store.openings(contract, wanted)
      for (const commitment of wanted) {
        const opening = held.get(commitment)
        this.openings += 1
        if (opening === undefined || commitmentOf(opening) !== commitment)
          throw new Violation(this.name, `${name} has no opening of a value in request ${id}`)
      }
    }
  }

  counts(): Record<string, number> {
    return { requestsFinal: this.told.length, openings: this.openings }
  }
}
