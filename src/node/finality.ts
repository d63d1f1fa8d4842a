/**
 * Who has cosigned how far (PROTOCOL §7). A block is final when every member has cosigned it or a later one: counted is only
 * what is shown to be on the history committed here. A cosignature of a longer ledger than ours waits until ours is as long.
 */
import { type Cosignature, cosignatureVerifies, sameCheckpoint } from '../ledger/checkpoint.ts'
import type { CheckpointEvidence } from '../ledger/evidence.ts'
import type { Chain } from './chain.ts'

export type Taken =
  /** ahead: genuine, of a longer ledger than is held here */
  | { result: 'new' | 'ahead' | 'old' | 'bad' }
  | { result: 'contradicts'; reason: string; evidence?: CheckpointEvidence }

export class Finality {
  /** The largest of each member that fits the committed ledger here. */
  readonly cosignatures = new Map<string, Cosignature>()
  /** The largest of each member beyond the committed ledger here. */
  readonly ahead = new Map<string, Cosignature>()
  /** When each member's cosignature last moved, ms since 1970: for "waited for since when". */
  readonly movedMs = new Map<string, number>()
  private readonly contract: string
  private readonly lineage: number
  private readonly cosignKeys: ReadonlyMap<string, string>

  constructor(contract: string, lineage: number, cosignKeys: ReadonlyMap<string, string>) {
    this.contract = contract
    this.lineage = lineage
    this.cosignKeys = cosignKeys
  }

  /** Size every member has cosigned: heights below it are final. */
  get finalSize(): number {
    let size = Number.MAX_SAFE_INTEGER
    for (const party of this.cosignKeys.keys()) size = Math.min(size, this.sizeOf(party))
    return size
  }

  /** How much of the ledger held here a member has cosigned. */
  sizeOf(party: string): number {
    return this.cosignatures.get(party)?.size ?? 0
  }

  /** The largest ledger a member has cosigned, held here or not. */
  knownSizeOf(party: string): number {
    return this.highest(party)?.size ?? 0
  }

  highest(party: string): Cosignature | undefined {
    return this.ahead.get(party) ?? this.cosignatures.get(party)
  }

  /** Every cosignature worth telling. */
  all(): Cosignature[] {
    return [...this.cosignatures.values(), ...this.ahead.values()]
  }

  restore(cosignature: Cosignature, chain: Chain): void {
    const held = cosignature.size > chain.height + 1 ? this.ahead : this.cosignatures
    held.set(cosignature.party, cosignature)
  }

  /** @param isOwn just made by our own signer: no need to verify it */
  take(cosignature: Cosignature, chain: Chain, nowMs: number, isOwn = false): Taken {
    const { party, size } = cosignature
    const key = this.cosignKeys.get(party)
    const held = this.cosignatures.get(party)
    const ahead = this.ahead.get(party)
    if (key === undefined) return { result: 'bad' }
    if (held && sameCheckpoint(held, cosignature)) return { result: 'old' }
    if (ahead && sameCheckpoint(ahead, cosignature)) return { result: 'old' }
    const fits = this.fits(cosignature, chain)
    if (fits === true && held && held.size >= size) return { result: 'old' }
    if (fits === undefined && ahead && ahead.size > size) return { result: 'old' }
    if (!isOwn && !cosignatureVerifies(key, this.contract, this.lineage, cosignature))
      return { result: 'bad' }
    const other = [held, ahead].find((one) => one?.size === size)
    if (other)
      return {
        result: 'contradicts',
        reason: `${party} cosigned two histories of size ${size}`,
        evidence: this.evidence(other, cosignature),
      }
    if (fits === false) return { result: 'contradicts', reason: elsewhere(cosignature) }
    this.movedMs.set(party, nowMs)
    if (fits === undefined) {
      this.ahead.set(party, cosignature)
      return { result: 'ahead' }
    }
    this.cosignatures.set(party, cosignature)
    return { result: 'new' }
  }

  /**
   * The tip has moved: cosignatures that are not ahead any more count, or turn out to be on another history (COS-4).
   * Returns those that count now.
   */
  advance(chain: Chain): { confirmed: Cosignature[]; contradiction?: string } {
    const confirmed: Cosignature[] = []
    for (const [party, cosignature] of this.ahead) {
      const fits = this.fits(cosignature, chain)
      if (fits === undefined) continue
      if (!fits) return { confirmed, contradiction: elsewhere(cosignature) }
      this.ahead.delete(party)
      this.cosignatures.set(party, cosignature)
      confirmed.push(cosignature)
    }
    return { confirmed }
  }

  /** Is it on the ledger committed here? undefined while it is beyond it. */
  private fits(cosignature: Cosignature, chain: Chain): boolean | undefined {
    if (cosignature.size > chain.height + 1) return undefined
    return chain.log.root(cosignature.size) === cosignature.root
  }

  private evidence(first: Cosignature, second: Cosignature): CheckpointEvidence {
    const { contract, lineage } = this
    return { kind: 'two-checkpoints', party: first.party, contract, lineage, first, second }
  }
}

function elsewhere({ party, size }: Cosignature): string {
  return `${party} cosigned a history of size ${size} other than the one committed here`
}
