/**
 * Who has cosigned how far (PROTOCOL §8). A block is final when every member has cosigned it or a later one: counted is only
 * what is shown to be on the history committed here. A cosignature of a longer ledger than ours waits until ours is as long.
 * Those that a turn is certified by, of parties that come in or replace their card, stand apart: they make nothing final.
 */
import { type Cosignature, checkpointOf, cosignatureVerifies, sameCheckpoint } from '../ledger/checkpoint.ts'
import type { CheckpointEvidence, ExtensionEvidence } from '../ledger/evidence.ts'
import { COSIGNATURES_OF_MEMBER } from '../ledger/freeze.ts'
import type { Chain } from './chain.ts'
import type { EpochSpan, Roster } from './roster.ts'

/** Whose cosignatures count, by which keys. */
export type Cosigners = Pick<
  Roster,
  'current' | 'cosignKeyOf' | 'laterCosignKeysOf' | 'nextCosignKeysOf' | 'arriving'
> & {
  readonly spans: readonly Cosigning[]
}
type Cosigning = Pick<EpochSpan, 'firstHeight' | 'lastHeight'> & {
  electorate: { members: readonly string[] }
}

/**
 * ahead: genuine, of a longer ledger than is held here; astray: genuine, on another history than is committed here; arriving:
 * it certifies a turn, and nothing else; later: of an epoch that has not begun here, or by a key that may come with what is not
 * held yet. evidence: what the member has signed against itself. One of these alone stops nothing: it is the liar's own
 * cosignature that does not count, unless others have committed that history (see dispute.ts).
 */
export type Taken = {
  result: 'new' | 'ahead' | 'old' | 'bad' | 'astray' | 'arriving' | 'later'
  evidence?: CheckpointEvidence | ExtensionEvidence
}

export class Finality {
  /** The largest of each member that fits the committed ledger here. */
  readonly cosignatures = new Map<string, Cosignature>()
  /** The largest of each member beyond the committed ledger here. */
  readonly ahead = new Map<string, Cosignature>()
  /** The first of each member on another history than is committed here. */
  readonly astray = new Map<string, Cosignature>()
  /** The largest of each member that is, or may be, on another history: what was read of it may have been let go of (AMN-4). */
  readonly beside = new Map<string, Cosignature>()
  /** When each member's cosignature last moved, ms since 1970: for "waited for since when". */
  readonly movedMs = new Map<string, number>()
  private readonly contract: string
  private readonly lineage: number
  private readonly roster: Cosigners
  /** Parties whose cosignature ahead is of an epoch that has not begun here. */
  private readonly later = new Set<string>()
  /** By party: the largest by the key that it will have after a turn. */
  private readonly arriving = new Map<string, { cosignKey: string; cosignature: Cosignature }>()

  constructor(contract: string, lineage: number, roster: Cosigners) {
    this.contract = contract
    this.lineage = lineage
    this.roster = roster
  }

  /** Size every member of an epoch has cosigned: heights below it are final (COS-3). */
  get finalSize(): number {
    let size = 0
    for (const span of this.roster.spans) size = Math.max(size, this.finalSizeBy(span))
    return size
  }

  /** What the members of an epoch make final: nothing before they have all cosigned a block of it or a later one. */
  private finalSizeBy({ firstHeight, lastHeight, electorate }: Cosigning): number {
    let size = Number.MAX_SAFE_INTEGER
    for (const party of electorate.members) size = Math.min(size, this.sizeOf(party))
    if (size <= firstHeight) return 0
    return lastHeight === undefined ? size : Math.min(size, lastHeight + 1)
  }

  /** What a party has cosigned by this key, in the epoch that goes on, if that is large enough: it certifies a turn. */
  certifying(party: string, cosignKey: string, minSize: number): Cosignature | undefined {
    const { current } = this.roster
    const isInForce = this.roster.cosignKeyOf(party, current) === cosignKey
    const apart = this.arriving.get(party)
    const held = isInForce
      ? this.cosignatures.get(party)
      : apart?.cosignKey === cosignKey
        ? apart.cosignature
        : undefined
    return held && held.size >= minSize && held.epoch === current ? held : undefined
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

  /** The largest of a member, of whichever history. */
  largest(party: string): Cosignature | undefined {
    const [highest, beside] = [this.highest(party), this.beside.get(party)]
    return highest && beside ? (beside.size > highest.size ? beside : highest) : (highest ?? beside)
  }

  /** Every cosignature worth telling. */
  all(): Cosignature[] {
    const arriving = [...this.arriving.values()].map(({ cosignature }) => cosignature)
    const { cosignatures, ahead, astray, beside } = this
    return [
      ...new Set([...[cosignatures, ahead, astray, beside].flatMap((map) => [...map.values()]), ...arriving]),
    ]
  }

  /** Of each member one that counts, one beyond, and one of another history, the largest: what a FREEZE has room for. */
  shown(chain: Chain): Cosignature[] {
    const { cosignatures, ahead, astray, beside } = this
    const parties = new Set(this.all().map(({ party }) => party))
    return [...parties].flatMap((party) => {
      const far = beside.get(party)
      const other = far && this.fits(far, chain) !== true ? far : astray.get(party)
      const of = [cosignatures.get(party), ahead.get(party), other]
      const others = [...of, this.arriving.get(party)?.cosignature].filter((one) => one !== undefined)
      return [...new Set(others)].slice(0, COSIGNATURES_OF_MEMBER)
    })
  }

  /** The largest of each member past a size. */
  past(size: number): Cosignature[] {
    const largest = new Map<string, Cosignature>()
    for (const one of this.all())
      if (one.size > Math.max(size, largest.get(one.party)?.size ?? 0)) largest.set(one.party, one)
    return [...largest.values()]
  }

  /** One of another log, as far as is known. True if it is its party's largest. */
  keepBeside(cosignature: Cosignature): boolean {
    const { party, size } = cosignature
    if ((this.beside.get(party)?.size ?? 0) >= size) return false
    this.beside.set(party, cosignature)
    return true
  }

  restore(cosignature: Cosignature, chain: Chain): void {
    const held = cosignature.size > chain.height + 1 ? this.ahead : this.cosignatures
    held.set(cosignature.party, cosignature)
  }

  /** @param isOwn just made by our own signer: no need to verify it */
  take(cosignature: Cosignature, chain: Chain, nowMs: number, isOwn = false): Taken {
    const { party, size } = cosignature
    const isLater = cosignature.epoch > this.roster.current
    // In an epoch that has not begun here most go on with the key they have.
    const key = this.roster.cosignKeyOf(party, isLater ? this.roster.current : cosignature.epoch)
    const arriving = this.takeArriving(cosignature, chain, key)
    if (arriving) return arriving
    if (isLater && key === undefined) return { result: 'later' }
    const known = [this.cosignatures, this.ahead, this.astray].flatMap((map) => map.get(party) ?? [])
    const [held, ahead] = [this.cosignatures.get(party), this.ahead.get(party)]
    // Of who is not in: it certifies a turn that nobody waits for here, yet or any more.
    if (key === undefined) return { result: 'later' }
    if (known.some((one) => sameCheckpoint(one, cosignature))) return { result: 'old' }
    const fits = this.fits(cosignature, chain)
    if (fits === true && held && held.size >= size && !known.some((one) => one.size === size))
      return { result: 'old' }
    if (fits === undefined && ahead && ahead.size > size) return { result: 'old' }
    if (!isOwn && !cosignatureVerifies(key, this.contract, this.lineage, cosignature)) {
      // Beyond the ledger held here a change may stand that brings another key, by which it certifies a turn (EPO-9).
      const isAhead = isLater || fits === undefined
      return { result: isAhead ? 'later' : this.isForTurn(cosignature) ? 'old' : 'bad' }
    }
    const other = known.find((one) => one.size === size)
    const evidence = other ? this.evidence(other, cosignature) : undefined
    const found = evidence ? { evidence } : {}
    if (fits === false) return { result: 'astray', ...this.strayed(cosignature, chain), ...found }
    if (fits === undefined) {
      // Of two of one size the first is as good as the second; which of them is false shows when the ledger is as long.
      if (other) return { result: 'old', ...found }
      this.movedMs.set(party, nowMs)
      this.ahead.set(party, cosignature)
      if (isLater) this.later.add(party)
      return { result: 'ahead' }
    }
    if (held && held.size >= size) return { result: 'old', ...found }
    this.movedMs.set(party, nowMs)
    this.cosignatures.set(party, cosignature)
    const before = this.astray.get(party)
    return { result: 'new', ...(before && this.unextended(before, chain)), ...found }
  }

  /**
   * That of a party that comes in, or by its next card's key. Genuine where `key`, the one in force, would not say so; of a
   * ledger held here, since a turn is built on what is held.
   */
  private takeArriving(cosignature: Cosignature, chain: Chain, key: string | undefined): Taken | undefined {
    const { party, size } = cosignature
    const signer = this.roster.arriving.get(party)
    if (signer === undefined || size > chain.height + 1) return undefined
    const { cosignKey } = signer
    const held = this.arriving.get(party)
    if (held?.cosignKey === cosignKey && held.cosignature.size >= size)
      return held.cosignature.signature === cosignature.signature ? { result: 'old' } : undefined
    const { contract, lineage } = this
    if (key !== undefined && cosignatureVerifies(key, contract, lineage, cosignature)) return undefined
    if (!cosignatureVerifies(cosignKey, contract, lineage, cosignature)) return undefined
    // Of another history that has been committed elsewhere: its turn may have come there (EVI-3).
    if (!this.fits(cosignature, chain)) return { result: 'astray' }
    this.arriving.set(party, { cosignKey, cosignature })
    return { result: 'arriving' }
  }

  /**
   * One that a turn was certified by, and that comes late: by the key its signer has had since; or that a turn was to be certified
   * by, before another came that goes first (EPO-7).
   */
  private isForTurn(cosignature: Cosignature): boolean {
    const { contract, lineage, roster } = this
    const { party, epoch } = cosignature
    const keys = [...roster.laterCosignKeysOf(party, epoch), ...roster.nextCosignKeysOf(party)]
    return keys.some((key) => cosignatureVerifies(key, contract, lineage, cosignature))
  }

  /** A turn has come: who was to arrive is in, or comes anew. */
  turned(): void {
    this.arriving.clear()
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
      // One of an epoch that had not begun was taken by the key that its signer had then.
      const isToVerify = this.later.delete(party)
      const key = this.roster.cosignKeyOf(party, cosignature.epoch)
      if (
        isToVerify &&
        fits &&
        (key === undefined || !cosignatureVerifies(key, this.contract, this.lineage, cosignature))
      )
        continue
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
