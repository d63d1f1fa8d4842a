/**
 * Who has cosigned how far (PROTOCOL §7). A block is final when every member has cosigned it or a later one.
 */
import { type Cosignature, cosignatureVerifies, sameCheckpoint } from '../ledger/checkpoint.ts'
import type { CheckpointEvidence } from '../ledger/evidence.ts'
import type { Chain } from './chain.ts'

export type Taken =
  | { result: 'new' | 'old' | 'bad' }
  | { result: 'contradicts'; reason: string; evidence?: CheckpointEvidence }

export class Finality {
  readonly cosignatures = new Map<string, Cosignature>()
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
    for (const party of this.cosignKeys.keys()) size = Math.min(size, this.cosignatures.get(party)?.size ?? 0)
    return size
  }

  sizeOf(party: string): number {
    return this.cosignatures.get(party)?.size ?? 0
  }

  /** Largest size anybody has cosigned: how long the ledger is known to be. */
  get knownSize(): number {
    let size = 0
    for (const cosignature of this.cosignatures.values()) size = Math.max(size, cosignature.size)
    return size
  }

  restore(cosignature: Cosignature): void {
    this.cosignatures.set(cosignature.party, cosignature)
  }

  /** @param isOwn just made by our own signer: no need to verify it */
  take(cosignature: Cosignature, chain: Chain, nowMs: number, isOwn = false): Taken {
    const key = this.cosignKeys.get(cosignature.party)
    const held = this.cosignatures.get(cosignature.party)
    if (key === undefined) return { result: 'bad' }
    if (held && sameCheckpoint(held, cosignature)) return { result: 'old' }
    const fits = this.fits(cosignature, chain)
    if (held && held.size > cosignature.size && fits !== false) return { result: 'old' }
    if (!isOwn && !cosignatureVerifies(key, this.contract, this.lineage, cosignature)) return { result: 'bad' }
    if (held && held.size === cosignature.size)
      return {
        result: 'contradicts',
        reason: `${cosignature.party} cosigned two histories of size ${held.size}`,
        evidence: this.evidence(held, cosignature),
      }
    if (fits === false)
      return {
        result: 'contradicts',
        reason: `${cosignature.party} cosigned a history of size ${cosignature.size} other than the one committed here`,
      }
    this.cosignatures.set(cosignature.party, cosignature)
    this.movedMs.set(cosignature.party, nowMs)
    return { result: 'new' }
  }

  /** Does it fit the committed ledger here? undefined while it is beyond it. */
  private fits(cosignature: Cosignature, chain: Chain): boolean | undefined {
    if (cosignature.size > chain.height + 1) return undefined
    return chain.log.root(cosignature.size) === cosignature.root
  }

  /** After the tip has moved: a held cosignature that turns out to be on another history (COS-4). */
  contradiction(chain: Chain): string | undefined {
    for (const cosignature of this.cosignatures.values())
      if (this.fits(cosignature, chain) === false)
        return `${cosignature.party} cosigned a history of size ${cosignature.size} other than the one committed here`
    return undefined
  }

  private evidence(first: Cosignature, second: Cosignature): CheckpointEvidence {
    const { contract, lineage } = this
    return { kind: 'two-checkpoints', party: first.party, contract, lineage, first, second }
  }
}
