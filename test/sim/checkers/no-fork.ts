/** Committed chains never fork, and no request is ordered twice in them: nobody lies here. */
import { requestIdsOf } from '../../../src/ledger/turn.ts'
import type { StoreWrite } from '../../../src/store/store.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation } from './checker.ts'

export class NoFork implements Checker {
  readonly name = 'committed chains never fork, and hold each request once'
  private readonly hashes = new Map<string, string>()
  private readonly ordered = new Map<string, number>()
  private commits = 0

  written(node: SimNode, batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind !== 'committed') continue
      const { contract, hash, block } = write
      const { height, parent } = block.header
      this.commits += 1
      const held = this.hashes.get(`${contract} ${height}`)
      if (held !== undefined && held !== hash)
        throw new Violation(this.name, `${node.name} committed ${hash} at height ${height}, others ${held}`)
      if (held !== undefined) continue
      if (height > 0 && this.hashes.get(`${contract} ${height - 1}`) !== parent)
        throw new Violation(this.name, `${node.name} committed ${hash} at height ${height} on another parent`)
      this.hashes.set(`${contract} ${height}`, hash)
      for (const request of requestIdsOf(block)) {
        const before = this.ordered.get(request)
        if (before !== undefined)
          throw new Violation(this.name, `request ${request} stands at height ${before} and at ${height}`)
        this.ordered.set(request, height)
      }
    }
  }

  /** Height a request was ordered at by whoever committed it first. */
  heightOf(request: string): number | undefined {
    return this.ordered.get(request)
  }

  hashAt(contract: string, height: number): string | undefined {
    return this.hashes.get(`${contract} ${height}`)
  }

  counts(): Record<string, number> {
    return { blocks: this.hashes.size, commits: this.commits, requestsOrdered: this.ordered.size }
  }
}
