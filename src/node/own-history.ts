/**
 * The history that this party has cosigned, where its data are an old copy (AMN-4). Its own cosignature is never questioned: of two
 * histories that were committed since, that one is read. What was read of another is let go of.
 */
import { appendLeaf, frontierRoot } from '../crypto/log.ts'
import { logLeaf } from '../ledger/block.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { Replica } from './replica.ts'

/** cosignature: what is to be read. from: who is asked first, since what it holds goes on another way than what was read. */
export type Return = { keepHeight: number; cosignature: Cosignature; from: string | undefined }

export class OwnHistory {
  private readonly replica: Replica
  /** What ordering commits here is not what this party has cosigned: it stands still until that is read. */
  private isStopped = false
  /** The ledger is to go back to this, at the end of this turn. */
  due: Return | undefined

  constructor(replica: Replica) {
    this.replica = replica
  }

  /** The largest of this lineage, by the signer or as others have told; whatever its key. */
  private get cosignature(): Cosignature | undefined {
    const { contract, lineage, outbox, finality, self } = this.replica
    const signed = outbox.lastCosignature(contract, lineage.number, undefined)
    const told = finality.ahead.get(self)
    return signed && told ? (told.size > signed.size ? told : signed) : (signed ?? told)
  }

  /** This party has cosigned more than it holds. */
  get isBehind(): boolean {
    const { cosignature, replica } = this
    return cosignature !== undefined && cosignature.size > replica.chain.height + 1
  }

  /** It is read also where the contract has halted: without it this party can’t freeze. */
  get isWanted(): boolean {
    return this.isBehind && this.replica.freezing.own === undefined
  }

  /** What is held is what this party has cosigned, or goes on from it. */
  get isHeld(): boolean {
    const { cosignature, replica } = this
    return cosignature === undefined || (!this.isBehind && isOn(replica, cosignature))
  }

  /** The signer may have been told more than the data hold. */
  heed(nowMs: number): void {
    const { cosignature, isBehind, isHeld, replica } = this
    if (cosignature && !isBehind && !isHeld) replica.cosigning.strayed(cosignature, nowMs)
  }

  /** Whether ledger blocks on the tip lead elsewhere than to what this party has cosigned. */
  leadsAway(hashes: readonly string[]): boolean {
    const { cosignature, replica } = this
    let { frontier } = replica.chain.tip
    const missing = (cosignature?.size ?? 0) - frontier.size
    if (cosignature === undefined || missing < 1 || missing > hashes.length) return false
    for (const hash of hashes.slice(0, missing)) frontier = appendLeaf(frontier, logLeaf(hash))
    return frontierRoot(frontier) !== cosignature.root
  }

  /** Whether ordering may not commit these. It stops then: others have committed what this party has not cosigned. */
  stops(hashes: readonly string[]): boolean {
    if (!this.leadsAway(hashes)) return false
    this.isStopped = true
    this.replica.consensus.halted = true
    return true
  }

  /** Blocks were read. */
  moved(): void {
    if (!this.isStopped || this.isBehind) return
    const { chain } = this.replica
    if (this.cosignature) this.begin(this.cosignature, chain.height)
  }

  /** Lets go of what was read for another ledger that a member holds, if that may be the one that is looked for. */
  returnFor(from: string, nowMs: number): boolean {
    const { cosignature, replica } = this
    return (
      cosignature !== undefined &&
      this.isWanted &&
      replica.sync.mayReturn(from, cosignature.size, nowMs) &&
      this.goBack(cosignature, from)
    )
  }

  /**
   * Lets go of what is not final and leads, or may lead, elsewhere.
   * @param from who holds another history than was read here, which may be the one that is looked for
   * @returns false where there is nothing that could be let go of
   */
  goBack(own: Cosignature | undefined = this.cosignature, from?: string): boolean {
    const { chain, finalSize, fromHeight, lineage, freezing } = this.replica
    const keepSize = Math.max(finalSize, fromHeight, lineage.base.size)
    if (own === undefined || freezing.own || own.size <= keepSize || keepSize > chain.height) return false
    this.begin(own, keepSize - 1, from)
    return true
  }

  private begin(cosignature: Cosignature, keepHeight: number, from?: string): void {
    const { consensus, contract, outbox } = this.replica
    this.due = { keepHeight, cosignature, from }
    consensus.halted = true
    outbox.renew(contract)
  }
}

function isOn({ chain }: Replica, { size, root }: Cosignature): boolean {
  return chain.log.root(size) === root
}
