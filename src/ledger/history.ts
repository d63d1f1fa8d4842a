/**
 * Which checkpoints a ledger has passed: what members name in LEAVE and ACCEPT, and what a TURN is certified by, is looked up
 * here. It keeps the hash of each checkpoint, 32 bytes a ledger block, never the blocks.
 */
import { hexDecodeInto, hexEncode } from '../crypto/bytes.ts'
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from '../crypto/log.ts'
import { sha256Hex } from '../crypto/provider.ts'
import { blockHash, type Header, logLeaf } from './block.ts'
import { type Checkpoint, checkpointBody, checkpointOf, type LedgerPoint } from './checkpoint.ts'

const HASH_SIZE_BYTES = 32
const FIRST_ROOM = 64

export class LedgerHistory {
  #frontier: Frontier = emptyFrontier
  #hashes = new Uint8Array(FIRST_ROOM * HASH_SIZE_BYTES)

  /** Ledger blocks in it. */
  get size(): number {
    return this.#frontier.size
  }

  /** The root of its log, 64 hex digits. */
  get root(): string {
    return frontierRoot(this.#frontier)
  }

  /** Takes the next ledger block, whose header the caller has checked, and gives the checkpoint that it makes. */
  append(header: Header): Checkpoint {
    const at = this.size * HASH_SIZE_BYTES
    if (at === this.#hashes.length) {
      const grown = new Uint8Array(2 * at)
      grown.set(this.#hashes)
      this.#hashes = grown
    }
    this.#frontier = appendLeaf(this.#frontier, logLeaf(blockHash(header)))
    const checkpoint = checkpointOf(header, this.root)
    hexDecodeInto(hashOfPoint(checkpoint), this.#hashes, at)
    return checkpoint
  }

  /** Whether the ledger had this checkpoint at its size, in every line. */
  holds(point: LedgerPoint): boolean {
    if (!(point.size >= 1 && point.size <= this.size)) return false
    const at = (point.size - 1) * HASH_SIZE_BYTES
    return hexEncode(this.#hashes.subarray(at, at + HASH_SIZE_BYTES)) === hashOfPoint(point)
  }
}

/** Contract and lineage are those of the ledger. */
function hashOfPoint({ epoch, size, root, block, stateRoot }: LedgerPoint): string {
  return sha256Hex(checkpointBody({ contract: '', lineage: 0, epoch, size, root, block, stateRoot }))
}
