/**
 * Who has cosigned how far (PROTOCOL §7). A block is final when every member has cosigned it or a later one: counted is only
 * what is shown to be on the history committed here. A cosignature of a longer ledger than ours waits until ours is as long.
 */
import { type Cosignature, checkpointOf, cosignatureVerifies, sameCheckpoint } from '../ledger/checkpoint.ts'
import type { CheckpointEvidence, ExtensionEvidence } from '../ledger/evidence.ts'
import type { Chain } from './chain.ts'

/**
 * ahead: genuine, of a longer ledger than is held here; astray: genuine, on another history than is committed here. evidence:
 * what the member has signed against itself. One of these alone stops nothing: it is the liar's own cosignature that does not
 * count, unless others have committed that history (see dispute.ts).
 */
export type Taken = {
  result: 'new' | 'ahead' | 'old' | 'bad' | 'astray'
  evidence?: CheckpointEvidence | ExtensionEvidence
}

export class Finality {
  /** The largest of each member that fits the committed ledger here. */
  readonly cosignatures = new Map<string, Cosignature>()
  /** The largest of each member beyond the committed ledger here. */
  readonly ahead = new Map<string, Cosignature>()
  /** The first of each member on another history than is committed here. */
  readonly astray = new Map<string, Cosignature>()
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
    return [...this.cosignatures.values(), ...this.ahead.values(), ...this.astray.values()]
  }

  restore(cosignature: Cosignature, chain: Chain): void {
    const held = cosignature.size > chain.height + 1 ? this.ahead : this.cosignatures
    held.set(cosignature.party, cosignature)
  }

  /** @param isOwn just made by our own signer: no need to verify it */
  take(cosignature: Cosignature, chain: Chain, nowMs: number, isOwn = false): Taken {
    const { party, size } = cosignature
    const key = this.cosignKeys.get(party)
    const known = [this.cosignatures, this.ahead, this.astray].flatMap((map) => map.get(party) ?? [])
    const [held, ahead] = [this.cosignatures.get(party), this.ahead.get(party)]
    if (key === undefined) return { result: 'bad' }
    if (known.some((one) => sameCheckpoint(one, cosignature))) return { result: 'old' }
    const fits = this.fits(cosignature, chain)
    if (fits === true && held && held.size >= size && !known.some((one) => one.size === size))
      return { result: 'old' }
    if (fits === undefined && ahead && ahead.size > size) return { result: 'old' }
    if (!isOwn && !cosignatureVerifies(key, this.contract, this.lineage, cosignature))
      return { result: 'bad' }
    const other = known.find((one) => one.size === size)
    const evidence = other ? this.evidence(other, cosignature) : undefined
    const found = evidence ? { evidence } : {}
    if (fits === false) return { result: 'astray', ...this.strayed(cosignature, chain), ...found }
    if (fits === undefined) {
      // Of two of one size the first is as good as the second; which of them is false shows when the ledger is as long.
      if (other) return { result: 'old', ...found }
      this.movedMs.set(party, nowMs)
      this.ahead.set(party, cosignature)
      return { result: 'ahead' }
    }
    if (held && held.size >= size) return { result: 'old', ...found }
    this.movedMs.set(party, nowMs)
    this.cosignatures.set(party, cosignature)
    const before = this.astray.get(party)
    return { result: 'new', ...(before && this.unextended(before, chain)), ...found }
  }

  /**
   * Keeps a cosignature of another history. It is evidence at once where its signer has cosigned further here. One of another
   * log is evidence sooner or later, and stays; one of this log with another line is none without one of its very size.
   */
  private strayed(cosignature: Cosignature, chain: Chain): Pick<Taken, 'evidence'> {
    const isForeign = ({ size, root }: Cosignature): boolean => chain.log.root(size) !== root
    const before = this.astray.get(cosignature.party)
    if (!before || (isForeign(cosignature) && !isForeign(before)))
      this.astray.set(cosignature.party, cosignature)
    return this.unextended(cosignature, chain)
  }

  /** Whether its signer has cosigned a longer ledger here, which does not extend this one. */
  private unextended(first: Cosignature, chain: Chain): Pick<Taken, 'evidence'> {
    const { party, size } = first
    const second = this.cosignatures.get(party)
    if (!second || second.size <= size) return {}
    const { contract, lineage } = this
    const root = chain.log.root(size)
    // Of the same log and different in another line: only one of the same size shows that.
    if (root === first.root) return {}
    const proof = chain.log.consistencyProof(size, second.size)
    return { evidence: { kind: 'not-extended', party, contract, lineage, first, second, root, proof } }
  }

  /**
   * The tip has moved: cosignatures that are not ahead any more count, or turn out to be on another history (COS-4).
   * confirmed: those that count now; evidence: of members that have cosigned both histories.
   */
  advance(chain: Chain): {
    confirmed: Cosignature[]
    astray: Cosignature[]
    evidence: (CheckpointEvidence | ExtensionEvidence)[]
  } {
    const confirmed: Cosignature[] = []
    const astray: Cosignature[] = []
    const evidence: (CheckpointEvidence | ExtensionEvidence)[] = []
    for (const [party, cosignature] of this.ahead) {
      const fits = this.fits(cosignature, chain)
      if (fits === undefined) continue
      this.ahead.delete(party)
      if (!fits) {
        const { evidence: found } = this.strayed(cosignature, chain)
        if (found) evidence.push(found)
        astray.push(cosignature)
        continue
      }
      this.cosignatures.set(party, cosignature)
      confirmed.push(cosignature)
    }
    return { confirmed, astray, evidence }
  }

  /** Is it on the ledger committed here, in every line? undefined while it is beyond it. */
  private fits(cosignature: Cosignature, chain: Chain): boolean | undefined {
    const { size } = cosignature
    if (size > chain.height + 1) return undefined
    const header = chain.headerAt(size - 1)
    return header !== undefined && sameCheckpoint(checkpointOf(header, chain.log.root(size)), cosignature)
  }

  private evidence(first: Cosignature, second: Cosignature): CheckpointEvidence {
    const { contract, lineage } = this
    return { kind: 'two-checkpoints', party: first.party, contract, lineage, first, second }
  }
}
