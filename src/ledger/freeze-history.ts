/**
 * The history a member shows in its FREEZE (PROTOCOL LIN-1): the hashes of the ledger blocks up to its committed tip, from
 * the last that is final to it on, what the log before them comes to, and the COMMIT of the tip. So that who holds FREEZEs
 * can tell of any cosignature in them which history it is of, without a single ledger block.
 */
import { CountersignError } from '../crypto/errors.ts'
import { appendLeaf, type Frontier, frontierRoot } from '../crypto/log.ts'
import * as shape from '../crypto/shape.ts'
import { blockHash, type Header, headerShape, logLeaf } from './block.ts'
import { type Certificate, checkCertificateShape, type Electorate } from './certificate.ts'
import { epochAfter, type FreezeEpoch, isCommit, type ShownTurn, shownTurnsShape } from './freeze-turn.ts'

/** A checkpoint as far as histories are compared: `block` names the whole history up to it. */
export type Top = { size: number; block: string }

/** What is compared of a cosigned checkpoint. */
export type Cosigned = Top & { root: string }

/**
 * from: how many ledger blocks go before the first of `blocks`; peaks: the frontier of the log at that size (RFC 6962 subtree
 * roots, largest first); header: of the last block. The certificates are its COMMIT; none where the lineage began with it.
 * turns: the blocks among them that ended an epoch, in order; absent where none did.
 */
export type FrozenHistory = {
  from: number
  peaks: string[]
  blocks: string[]
  header: Header
  notarization?: Certificate
  finalization?: Certificate
  turns?: ShownTurn[]
}

/** Ledger blocks that may have been committed and not be final when a member freezes. */
export const HISTORY_BLOCKS_MAX = 65_536
const PEAKS_MAX = 53

export const historyShape: shape.Check<FrozenHistory> = shape.object(
  {
    from: shape.integer(0),
    peaks: shape.array(shape.hash, PEAKS_MAX),
    blocks: shape.array(shape.hash, HISTORY_BLOCKS_MAX, 1),
    header: headerShape,
  },
  {
    notarization: ((value: unknown) => checkCertificateShape(value)) as shape.Check<Certificate>,
    finalization: ((value: unknown) => checkCertificateShape(value)) as shape.Check<Certificate>,
    turns: shownTurnsShape,
  },
)

/** A shown history, with the root of its log at every size from `from` on. */
export class History {
  readonly shown: FrozenHistory
  #roots: readonly string[] | undefined

  constructor(shown: FrozenHistory) {
    this.shown = shown
  }

  /** How many ledger blocks it has. */
  get size(): number {
    return this.shown.from + this.shown.blocks.length
  }

  get tip(): Top {
    return { size: this.size, block: this.shown.blocks.at(-1) as string }
  }

  /** Root of its log at a size; undefined where it does not reach. */
  rootAt(size: number): string | undefined {
    return this.#allRoots()[size - this.shown.from]
  }

  /** Hash of the last of so many ledger blocks; undefined where it is not shown. */
  blockAt(size: number): string | undefined {
    return this.shown.blocks[size - this.shown.from - 1]
  }

  /** Whether a cosigned checkpoint is one of this history; false where it lies outside what is shown. */
  holds({ size, root, block }: Cosigned): boolean {
    return this.blockAt(size) === block && this.rootAt(size) === root
  }

  #allRoots(): readonly string[] {
    if (this.#roots !== undefined) return this.#roots
    const { from, peaks, blocks } = this.shown
    let frontier: Frontier = { size: from, hashes: peaks }
    const roots = [frontierRoot(frontier)]
    for (const hash of blocks) {
      frontier = appendLeaf(frontier, logLeaf(hash))
      roots.push(frontierRoot(frontier))
    }
    this.#roots = roots
    return roots
  }

  /**
   * Whether its parts are of one history of this lineage whose tip was committed in it, or is what the lineage began with.
   * base: that beginning; for lineage 0 block 0.
   */
  isCommitted(electorate: Electorate, base: Top): boolean {
    const { contract, lineage } = electorate
    const { blocks, header, notarization, finalization } = this.shown
    const { size } = this
    try {
      if (header.contract !== contract || header.height !== size - 1) return false
      if (blockHash(header) !== blocks.at(-1) || header.logRoot !== this.rootAt(size - 1)) return false
    } catch (error) {
      // A frontier that is none.
      if (error instanceof CountersignError) return false
      throw error
    }
    if (size === base.size && blocks.at(-1) === base.block)
      return notarization === undefined && finalization === undefined
    if (size <= base.size || header.lineage !== lineage || header.epoch !== electorate.epoch) return false
    return isCommit(electorate, blocks.at(-1) as string, header.view, notarization, finalization)
  }

  /** Whether it is shown from what the lineage began with. */
  isFromBase(base: Top): boolean {
    return this.shown.from === base.size - 1 && this.blockAt(base.size) === base.block
  }

  /**
   * The epochs that it is of: that which it begins in, by what is known of the epochs up to there, and one behind each turn shown.
   * Undefined where it begins in none that is known, or a turn stands where none can. Whether turns hold is not looked at.
   */
  epochsIn(known: readonly FreezeEpoch[], base: Top): FreezeEpoch[] | undefined {
    // What the lineage began with may have ended an epoch itself.
    const height = this.isFromBase(base) ? this.shown.from + 1 : this.shown.from
    const first = known.findLast(({ firstHeight = 0 }) => firstHeight <= height)
    if (first === undefined) return undefined
    const epochs = [first]
    let after = Math.max(this.shown.from, base.size) - 1
    for (const turn of this.shown.turns ?? []) {
      const { header } = turn.block
      if (header.height <= after || this.blockAt(header.height + 1) !== blockHash(header)) return undefined
      after = header.height
      epochs.push(epochAfter(epochs.at(-1) as FreezeEpoch, turn))
    }
    return epochs
  }
}

/** What a set of shown histories says of cosigned checkpoints. */
export class Histories {
  readonly #all: readonly History[]

  constructor(all: readonly History[]) {
    this.#all = all
  }

  /** Whether it is known which history the checkpoint is of. */
  shows(cosigned: Cosigned): boolean {
    return this.#all.some((history) => history.holds(cosigned))
  }

  /** Whether the larger checkpoint's history contains the smaller's; undefined where the histories shown don't tell. */
  isExtension(longer: Cosigned, shorter: Cosigned): boolean | undefined {
    if (longer.size === shorter.size) return longer.block === shorter.block && longer.root === shorter.root
    for (const history of this.#all) {
      if (!history.holds(longer)) continue
      const root = history.rootAt(shorter.size)
      if (root !== undefined) return root === shorter.root
      // Below what is shown of the one there may be another that goes down as far, and is the same above.
      const { from } = history.shown
      const below = this.#all.some(
        (other) =>
          other.holds(shorter) &&
          other.rootAt(from) !== undefined &&
          other.rootAt(from) === history.rootAt(from),
      )
      if (below) return true
    }
    return undefined
  }

  /** Hashes of the ledger blocks up to this one, as far down as they are shown; from: height of the first. */
  pathTo({ size, block }: Top): { from: number; blocks: string[] } | undefined {
    let found: { from: number; blocks: string[] } | undefined
    for (const history of this.#all) {
      const { from, blocks } = history.shown
      if (history.blockAt(size) !== block || (found && found.from <= from)) continue
      found = { from, blocks: blocks.slice(0, size - from) }
    }
    return found
  }
}
