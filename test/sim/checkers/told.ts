/** A ledger block that is told of is on disk: whoever is told looks for it there, and for the values in it. */
import { commitmentsOf } from '../../../src/ledger/request.ts'
import type { Notice } from '../../../src/node/outbox.ts'
import type { StoreWrite } from '../../../src/store/store.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation } from './checker.ts'

export class Told implements Checker {
  readonly name = 'a ledger block is on disk before anybody is told of it'
  /** By node and contract, up to which height ledger blocks were ever written. */
  private readonly heights = new Map<string, number>()
  private told = 0

  written(node: SimNode, batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind !== 'committed') continue
      const key = `${node.index} ${write.contract}`
      this.heights.set(key, Math.max(this.heights.get(key) ?? -1, write.block.header.height))
    }
  }

  notice(node: SimNode, notice: Notice): void {
    if (notice.type !== 'tentative') return
    const { contract, height, requests } = notice
    this.told += 1
    if ((this.heights.get(`${node.index} ${contract}`) ?? -1) < height)
      throw new Violation(this.name, `${node.name} told of ledger block ${height}, which is not on its disk`)
    const { store } = node.disk
    for (const id of requests) {
      // One that it does not hold was given up with its lineage in the same turn.
      const wanted = [...new Set(commitmentsOf(store.request(contract, id)?.request.operations ?? []))]
      const { epochs, roster } = node.engine?.replicas.get(contract) ?? {}
      // Who has come in with the very turn that it reads had yet to come in at the blocks before.
      const isOfBefore = epochs?.isFounder === false && height < (roster?.span.firstHeight ?? 0)
      const mayLack = isOfBefore || (epochs?.mayLack ?? true)
      if (!mayLack && store.openings(contract, wanted).size < wanted.length)
        throw new Violation(this.name, `${node.name} told of request ${id}, whose values are not on its disk`)
    }
  }

  counts(): Record<string, number> {
    return { told: this.told }
  }
}
