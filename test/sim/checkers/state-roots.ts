/** Whoever stands at a height has computed the same state root there, and it is the one in the header. */
import { stateRoot } from '../../../src/contract/state.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation } from './checker.ts'

export class StateRoots implements Checker {
  readonly name = 'equal state root at equal height'
  private readonly roots = new Map<string, string>()
  private readonly seen = new Map<string, string>()
  private compared = 0

  touched(node: SimNode): void {
    for (const [contract, { chain }] of node.engine?.replicas ?? []) {
      const { hash, state, block } = chain.tip
      const key = `${contract} ${node.index}`
      if (this.seen.get(key) === hash) continue
      this.seen.set(key, hash)
      const root = stateRoot(state)
      const place = `${contract} ${chain.height}`
      const held = this.roots.get(place) ?? root
      this.roots.set(place, held)
      this.compared += 1
      if (root !== held || root !== block.header.stateRoot)
        throw new Violation(this.name, `${node.name} has ${root} at height ${chain.height}, others ${held}`)
    }
  }

  counts(): Record<string, number> {
    return { stateRoots: this.compared }
  }
}
