/**
 * How far a ledger is final, epoch by epoch (PROTOCOL COS-3): every member of an epoch has cosigned a block or a descendant. It
 * holds one cosignature for each party, its largest, and the members of each epoch.
 *
 *        epoch 0        turn         epoch 1
 *   0 ─────────────────── t ── t+1 ───────────▶      what all members of epoch 1 have cosigned past t makes everything
 *                                                    before it final; what those of epoch 0 have, at most up to t
 */
import type { EpochElectorate } from '../contract/epoch.ts'
import {
  type Checkpoint,
  type Cosignature,
  cosignatureVerifies,
  sameCheckpoint,
} from '../ledger/checkpoint.ts'
import { fail } from './finding.ts'

/** One epoch. firstHeight: of its first ledger block; lastHeight: of the one that ends it, once it has. */
type Span = {
  firstHeight: number
  lastHeight?: number
  members: readonly string[]
  cosignKeys: ReadonlyMap<string, string>
  /** The least that its members say to have cosigned; 0 while one is missing. */
  claimedSize: number
  /** The largest checkpoint that is final by its members, if they have cosigned what they say. */
  checkpoint?: Checkpoint
}

/** A final checkpoint, and who made it final by which keys. */
export type FinalCheckpoint = { checkpoint: Checkpoint; cosignKeys: ReadonlyMap<string, string> }

export class FinalityAudit {
  /** By party; what they are on is checked once the ledger has their size. */
  readonly cosignatures = new Map<string, Cosignature>()
  /** Parties whose cosignature was found to be on this ledger. */
  readonly reached = new Set<string>()
  /** Parties whose key isn't known before their epoch has come. */
  readonly #unverified = new Set<string>()
  readonly #spans: Span[] = []

  /** Takes a party's cosignature; all of them come before block 1. @throws RuleBroken */
  add(cosignature: Cosignature, isVerified: boolean): void {
    const { party } = cosignature
    if (this.cosignatures.has(party))
      fail('BUN-1', `cosignature of ${party}`, 'the member has a second one; only the largest stands here')
    this.cosignatures.set(party, cosignature)
    if (!isVerified) this.#unverified.add(party)
  }

  /** An epoch begins with the ledger block of this height; the one before it has ended, if there was one. */
  beginEpoch(firstHeight: number, { members, cosignKeys }: EpochElectorate): void {
    const before = this.#spans.at(-1)
    if (before !== undefined) before.lastHeight = firstHeight - 1
    const claimedSize = Math.min(...members.map((party) => this.cosignatures.get(party)?.size ?? 0))
    this.#spans.push({ firstHeight, members, cosignKeys, claimedSize })
  }

  /** One of which it isn’t known who was in: the ledger begins later here (BUN-4). */
  unknownEpoch(firstHeight: number): void {
    const before = this.#spans.at(-1)
    if (before !== undefined) before.lastHeight = firstHeight - 1
    this.#spans.push({ firstHeight, members: [], cosignKeys: new Map(), claimedSize: 0 })
  }

  /**
   * The ledger has come to this checkpoint, of a block of this electorate. COS-2, CHK-1, CHK-2: those who cosigned a ledger of
   * this size cosigned this one.
   * @returns whether a member has
   * @throws RuleBroken
   */
  take(here: Checkpoint, electorate: EpochElectorate, isLastOfEpoch: boolean): boolean {
    const place = `ledger block ${here.size - 1}`
    let isCosigned = false
    for (const [party, cosignature] of this.cosignatures) {
      if (cosignature.size !== here.size) continue
      if (this.#unverified.has(party)) checkLate(here, electorate, cosignature)
      if (cosignature.root !== here.root)
        fail('COS-2', place, `${party} cosigned another history of size ${here.size}`)
      if (!sameCheckpoint(here, cosignature))
        fail('CHK-1', place, `the checkpoint that ${party} cosigned names another epoch, block or state`)
      this.reached.add(party)
      // An observer's word commits nothing.
      isCosigned ||= electorate.cosignKeys.has(party)
    }
    const span = this.#spans.at(-1) as Span
    const { claimedSize } = span
    if (here.size === claimedSize || (isLastOfEpoch && here.size < claimedSize)) span.checkpoint = here
    return isCosigned
  }

  /** The largest size that is final; 0 if nothing is. */
  get finalSize(): number {
    return Math.max(0, ...this.#spans.map((span) => this.#finalSizeOf(span)))
  }

  /** The final checkpoint of that size, if what members say to have cosigned was all found. */
  get final(): FinalCheckpoint | undefined {
    const { finalSize } = this
    const span = this.#spans.find(({ checkpoint }) => checkpoint?.size === finalSize)
    return span?.checkpoint && { checkpoint: span.checkpoint, cosignKeys: span.cosignKeys }
  }

  /** What the members of an epoch make final: nothing before they have all cosigned a block of it or a later one. */
  #finalSizeOf({ firstHeight, lastHeight, members }: Span): number {
    if (members.length === 0) return 0
    const sizes = members.map((party) =>
      this.reached.has(party) ? (this.cosignatures.get(party)?.size ?? 0) : 0,
    )
    const size = Math.min(...sizes)
    if (size <= firstHeight) return 0
    return lastHeight === undefined ? size : Math.min(size, lastHeight + 1)
  }
}

/** CHK-2: by the card in force in the epoch that has now come. @throws RuleBroken */
function checkLate(
  { contract, lineage, epoch }: Checkpoint,
  { cards }: EpochElectorate,
  cosignature: Cosignature,
): void {
  const place = `cosignature of ${cosignature.party}`
  const card = cards.get(cosignature.party)
  if (card === undefined)
    fail('CHK-2', place, `its party is neither a member nor an observer in epoch ${epoch}`)
  if (!cosignatureVerifies(card.keys.cosign, contract, lineage, cosignature))
    fail('CHK-2', place, `its signature does not verify by the cosign key of its card in epoch ${epoch}`)
}
