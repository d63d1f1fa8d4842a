/**
 * What an honest member has called final is final there for good: each request stands at its height, whatever dies and is
 * started again meanwhile. And each member's openings open what they are kept for, so that all read the same values.
 */
import { commitmentsOf } from '../../../src/ledger/request.ts'
import { commitmentOf } from '../../../src/ledger/value.ts'
import type { Notice } from '../../../src/node/outbox.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'
import { isUnaware } from './progress.ts'

/** isPutBack: since it was said, an old copy has been put in place of the node's data. */
type Said = { node: SimNode; contract: string; isPutBack?: true }
type Told = Said & { id: string; fromHeight: number; toHeight: number }

export class Kept implements Checker {
  readonly name = 'nothing that was called final is lost'
  private readonly world: World
  private readonly told: Told[] = []
  private readonly sizes = new Map<string, Said & { size: number }>()
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

  restored(node: SimNode, { data }: { data: boolean }): void {
    if (!data) return
    for (const said of [...this.told, ...this.sizes.values()]) if (said.node === node) said.isPutBack = true
  }

  /**
   * Who has gone, and whose data was put back since, is sent the ledger up to its turn (EPO-11) if it still knows that it was in
   * (AMN-3 gives contracts back to members). Its cosignatures nobody has: those that members hold are of what came after.
   */
  private isGone({ node, contract, isPutBack }: Said): 'no' | 'without cosignatures' | 'for good' {
    if (!isPutBack) return 'no'
    const replica = node.engine?.replicas.get(contract)
    const wasIn = replica?.roster.lastSpanOf(node.party.id) !== undefined
    // Put back to before it came in, it may be shown the other history of a fork: then it stands still, and shows nothing as final.
    if (replica?.status === 'halted' && !wasIn) return 'for good'
    if (this.world.seats.isIn(contract, node.party.id))
      return this.isAlone(node, contract) ? 'for good' : 'no'
    return wasIn && !isUnaware(this.world, node, contract) ? 'without cosignatures' : 'for good'
  }

  /** Whether no other honest party is in: nobody need give back to it what its disk has lost. */
  private isAlone(node: SimNode, contract: string): boolean {
    const { honest, seats } = this.world
    return honest.every((other) => other === node || !seats.isIn(contract, other.party.id))
  }

  ended(): void {
    for (const told of this.told) {
      const { node, contract, id, fromHeight, toHeight } = told
      if (this.isGone(told) === 'for good') continue
      const height = node.disk.store.request(contract, id)?.height
      if (height === undefined || height < fromHeight || height > toHeight)
        throw new Violation(
          this.name,
          `${node.name} holds ${id} at ${height}, and called it final at ${fromHeight} to ${toHeight}`,
        )
    }
    for (const said of this.sizes.values()) {
      const { node, contract, size } = said
      if (this.isGone(said) !== 'no') continue
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
