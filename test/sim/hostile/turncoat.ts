/**
 * Plays to two sides, and when both have committed has the data of an honest member put back to where it was before, and
 * welcomes it on the other side: its signer alone knows what it has cosigned (COS-2).
 */
import type { Copy } from '../disk.ts'
import type { SimNode } from '../sim-node.ts'
import { Forker } from './forker.ts'

export class Turncoat extends Forker {
  private before = new Map<SimNode, Copy>()
  private turned: SimNode | undefined

  constructor() {
    super(true)
  }

  protected override begun(): void {
    this.before = new Map(this.honest.map((node) => [node, node.disk.copy()]))
    super.begun()
  }

  override turn(): void {
    if (this.turned) return
    for (const contract of this.contracts)
      for (const node of this.sideOf(0)) {
        const own = node.engine?.replicas.get(contract)
        if (!own) continue
        const { chain, finality } = own
        const isAgainst = this.sideOf(1).some(({ engine }) => {
          const other = engine?.replicas.get(contract)?.chain
          const height = Math.min(other?.height ?? 0, chain.height)
          return other?.headerAt(height)?.entriesRoot !== chain.headerAt(height)?.entriesRoot
        })
        if (isAgainst && finality.sizeOf(node.party.id) === chain.height + 1) {
          this.change(node)
          return
        }
      }
  }

  /** Its signer is kept: only what it holds of the ledger is old. */
  private change(node: SimNode): void {
    const batches = this.before.get(node)?.batches
    if (batches === undefined) return
    this.turned = node
    this.bodies?.move(node, 1)
    this.healed()
    this.stage.restore(node, { batches })
    this.count('a member whose data was put back')
  }
}
