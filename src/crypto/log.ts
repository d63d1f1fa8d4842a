/**
 * The Merkle tree of RFC 6962 section 2 (the same as RFC 9162's): hashes, roots, and proofs that a leaf is in the log and
 * that one log extends another. Hashes are 64 lowercase hex digits. Sizes and indices are exact up to 2^53.
 *
 *                 root of 7                     MTH(n) splits at the largest power of two below n, so that every
 *              /             \                  complete subtree, once filled, never changes. A frontier is the roots
 *           0…3               4…6               of the complete subtrees along the right edge: here of 0…3, 4…5, 6.
 *          /    \            /    \             LogTree keeps all complete subtrees' roots, one list a level.
 *       0…1      2…3      4…5      6
 */
import { hexDecodeInto, hexEncode } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { sha256Hex } from './provider.ts'

/** The root of a log without leaves: SHA-256 of nothing. */
export const emptyRoot = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const HASH = /^[0-9a-f]{64}$/
const HASH_SIZE_BYTES = 32
/** A path in a tree of up to 2^53 leaves has at most 53 hashes, a consistency proof one more. */
const PROOF_MAX_LENGTH = 54

/** The hash of a leaf's bytes: SHA-256(0x00 ‖ bytes). Text is taken as UTF-8. */
export function leafHash(data: Uint8Array | string): string {
  if (typeof data === 'string') return sha256Hex(`\u0000${data}`)
  const prefixed = new Uint8Array(data.length + 1)
  prefixed.set(data, 1)
  return sha256Hex(prefixed)
}

/** Where `nodeHash` lays its input; nothing is read from it that the same call has not written. */
const nodeInput = new Uint8Array(1 + 2 * HASH_SIZE_BYTES)

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). @throws CountersignError `bad-format` unless both are hashes */
export function nodeHash(left: string, right: string): string {
  if (left.length !== 64 || right.length !== 64) throw notHash(left.length === 64 ? right : left)
  nodeInput[0] = 1
  hexDecodeInto(left, nodeInput, 1)
  hexDecodeInto(right, nodeInput, 1 + HASH_SIZE_BYTES)
  return sha256Hex(nodeInput)
}

/**
 * A log reduced to what appending needs: its size and the roots of its complete subtrees, largest first, one for each bit
 * set in the size. Plain data, never changed.
 */
export type Frontier = { readonly size: number; readonly hashes: readonly string[] }

/** The frontier of a log without leaves. */
export const emptyFrontier: Frontier = { size: 0, hashes: [] }

/** The frontier with one leaf more. @throws CountersignError `bad-format` unless both are well-formed */
export function appendLeaf(frontier: Frontier, leaf: string): Frontier {
  checkFrontier(frontier)
  if (!isHash(leaf)) throw notHash(leaf)
  const hashes = frontier.hashes.slice()
  let merged = leaf
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2)
    merged = nodeHash(hashes.pop() as string, merged)
  hashes.push(merged)
  return { size: frontier.size + 1, hashes }
}

/** The root of the log that a frontier stands for. @throws CountersignError `bad-format` unless it is well-formed */
export function frontierRoot(frontier: Frontier): string {
  checkFrontier(frontier)
  return foldRight(frontier.hashes)
}

function checkFrontier({ size, hashes }: Frontier): void {
  let bits = 0
  for (let rest = size; rest >= 1; rest = Math.floor(rest / 2)) bits += rest % 2
  if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== bits)
    throw new CountersignError('bad-format', `a frontier of size ${size} cannot have ${hashes.length} hashes`)
}

function foldRight(hashes: readonly string[]): string {
  let root = hashes.at(-1) ?? emptyRoot
  for (let index = hashes.length - 2; index >= 0; index -= 1) root = nodeHash(hashes[index] as string, root)
  return root
}

/** The root of the log with these leaf hashes. @throws CountersignError `bad-format` */
export function merkleRoot(leafHashes: readonly string[]): string {
  let level = leafHashes
  if (level.length === 1 && !isHash(level[0])) throw notHash(level[0])
  while (level.length > 1) {
    const above: string[] = []
    // An odd one out moves up as it is: it becomes the right side of the first pair that it finds.
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] as string
      const right = level[index + 1]
      above.push(right === undefined ? left : nodeHash(left, right))
    }
    level = above
  }
  return level[0] ?? emptyRoot
}

/** The proof that leaf `index` is in the log with these leaf hashes. @throws CountersignError `bad-format` */
export function inclusionProof(leafHashes: readonly string[], index: number): string[] {
  return new LogTree(leafHashes).inclusionProof(index)
}

/** The proof that the log with these leaf hashes extends its own first `oldSize`. @throws CountersignError `bad-format` */
export function consistencyProof(leafHashes: readonly string[], oldSize: number, newSize?: number): string[] {
  return new LogTree(leafHashes).consistencyProof(oldSize, newSize)
}

/**
 * The root that an inclusion proof leads to from leaf `index` of a log of `size`, or undefined where it is malformed or has
 * the wrong length (RFC 9162 section 2.1.3.2).
 */
export function rootOfInclusion(
  leaf: string,
  index: number,
  size: number,
  proof: readonly string[],
): string | undefined {
  if (!isIndex(index) || !isIndex(size) || index >= size || !isHash(leaf) || !isProof(proof)) return undefined
  let at = index
  let last = size - 1
  let root = leaf
  for (const hash of proof) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      root = nodeHash(hash, root)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else root = nodeHash(root, hash)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? root : undefined
}

/** True if `proof` shows `leaf` to be leaf `index` of the log of `size` with this root; false for anything malformed. */
export function verifyInclusion(
  leaf: string,
  index: number,
  size: number,
  proof: readonly string[],
  root: string,
): boolean {
  return rootOfInclusion(leaf, index, size, proof) === root
}

/**
 * True if `proof` shows that the log of `newSize` with `newRoot` extends that of `oldSize` with `oldRoot` (RFC 9162 section
 * 2.1.4.2); false for anything malformed. Every log extends the empty one, and itself, by an empty proof.
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: string,
  newRoot: string,
  proof: readonly string[],
): boolean {
  if (!isIndex(oldSize) || !isIndex(newSize) || oldSize > newSize || !isProof(proof)) return false
  if (!isHash(oldRoot) || !isHash(newRoot)) return false
  if (oldSize === 0 && oldRoot !== emptyRoot) return false
  if (oldSize === newSize) return proof.length === 0 && oldRoot === newRoot
  if (oldSize === 0) return proof.length === 0
  let at = oldSize - 1
  let last = newSize - 1
  while (at % 2 === 1) {
    at = (at - 1) / 2
    last = Math.floor(last / 2)
  }
  // Where the old log is one complete subtree its root is known and is left out of the proof.
  const hashes = at === 0 ? [oldRoot, ...proof] : proof
  let fromOld = hashes[0]
  let fromNew = hashes[0]
  if (fromOld === undefined || fromNew === undefined) return false
  for (let index = 1; index < hashes.length; index += 1) {
    const hash = hashes[index] as string
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      fromOld = nodeHash(hash, fromOld)
      fromNew = nodeHash(hash, fromNew)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else fromNew = nodeHash(fromNew, hash)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && fromOld === oldRoot && fromNew === newRoot
}

/**
 * A growing log in memory with all its complete subtrees (64 bytes a leaf), so that every root and proof of every size up
 * to its own takes O(log n) hashes.
 */
export class LogTree {
  readonly #levels: HashColumn[] = [new HashColumn()]

  /** A log with these leaf hashes. @throws CountersignError `bad-format` */
  constructor(leafHashes: Iterable<string> = []) {
    for (const leaf of leafHashes) this.append(leaf)
  }

  get size(): number {
    return this.#level(0).length
  }

  /** Adds a leaf by its leaf hash. @throws CountersignError `bad-format` */
  append(leaf: string): void {
    this.#level(0).push(leaf)
    let merged = leaf
    for (let level = 0; this.#level(level).length % 2 === 0; level += 1) {
      const below = this.#level(level)
      merged = nodeHash(below.get(below.length - 2), merged)
      if (this.#levels.length === level + 1) this.#levels.push(new HashColumn())
      this.#level(level + 1).push(merged)
    }
  }

  /** The hash of leaf `index`. @throws CountersignError `bad-format` past the end */
  leaf(index: number): string {
    if (!isIndex(index) || index >= this.size) throw outside('leaf', index, this.size)
    return this.#level(0).get(index)
  }

  /** The root of the log as it was with `size` leaves. @throws CountersignError `bad-format` past its size */
  root(size: number = this.size): string {
    return foldRight(this.frontier(size).hashes)
  }

  /** The frontier of the log as it was with `size` leaves. @throws CountersignError `bad-format` past its size */
  frontier(size: number = this.size): Frontier {
    if (!isIndex(size) || size > this.size) throw outside('size', size, this.size)
    const hashes: string[] = []
    let start = 0
    let width = 2 ** (this.#levels.length - 1)
    for (let level = this.#levels.length - 1; level >= 0; level -= 1) {
      if (size - start >= width) {
        hashes.push(this.#level(level).get(start / width))
        start += width
      }
      width /= 2
    }
    return { size, hashes }
  }

  /** The proof that leaf `index` is in the log of `size`. @throws CountersignError `bad-format` past the end */
  inclusionProof(index: number, size: number = this.size): string[] {
    if (!isIndex(size) || size > this.size) throw outside('size', size, this.size)
    if (!isIndex(index) || index >= size) throw outside('leaf', index, size)
    const proof: string[] = []
    let start = 0
    let end = size
    while (end - start > 1) {
      const middle = start + splitOf(end - start)
      if (index < middle) {
        proof.push(this.#rangeRoot(middle, end))
        end = middle
      } else {
        proof.push(this.#rangeRoot(start, middle))
        start = middle
      }
    }
    return proof.reverse()
  }

  /** The proof that the log of `newSize` extends that of `oldSize`. @throws CountersignError `bad-format` past its size */
  consistencyProof(oldSize: number, newSize: number = this.size): string[] {
    if (!isIndex(newSize) || newSize > this.size) throw outside('size', newSize, this.size)
    if (!isIndex(oldSize) || oldSize > newSize) throw outside('size', oldSize, newSize)
    if (oldSize === 0) return []
    const proof: string[] = []
    let start = 0
    let end = newSize
    // SUBPROOF of RFC 6962 section 2.1.2: down to the range that the old log's right edge fills exactly.
    while (end !== oldSize) {
      const middle = start + splitOf(end - start)
      if (oldSize <= middle) {
        proof.push(this.#rangeRoot(middle, end))
        end = middle
      } else {
        proof.push(this.#rangeRoot(start, middle))
        start = middle
      }
    }
    if (start !== 0) proof.push(this.#rangeRoot(start, end))
    return proof.reverse()
  }

  /** The root over leaves start … end - 1, a range that RFC 6962's splitting gives. */
  #rangeRoot(start: number, end: number): string {
    const width = end - start
    let level = 0
    let complete = 1
    for (; complete < width; complete *= 2) level += 1
    if (complete === width) return this.#level(level).get(start / width)
    const middle = start + complete / 2
    return nodeHash(this.#rangeRoot(start, middle), this.#rangeRoot(middle, end))
  }

  #level(level: number): HashColumn {
    return this.#levels[level] as HashColumn
  }
}

/** A list of hashes, 32 bytes each. */
class HashColumn {
  #bytes = new Uint8Array(64 * HASH_SIZE_BYTES)
  length = 0

  push(hash: string): void {
    if (hash.length !== 64) throw notHash(hash)
    const offset = this.length * HASH_SIZE_BYTES
    if (offset === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    hexDecodeInto(hash, this.#bytes, offset)
    this.length += 1
  }

  get(index: number): string {
    return hexEncode(this.#bytes.subarray(index * HASH_SIZE_BYTES, (index + 1) * HASH_SIZE_BYTES))
  }
}

/** The largest power of two below `width`, which is at least 2. */
function splitOf(width: number): number {
  let split = 1
  while (split * 2 < width) split *= 2
  return split
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value)
}

function isProof(proof: readonly string[]): boolean {
  return Array.isArray(proof) && proof.length <= PROOF_MAX_LENGTH && proof.every(isHash)
}

function notHash(found: string | undefined): CountersignError {
  return new CountersignError(
    'bad-format',
    `expected a hash of 64 lowercase hex digits, found ${found?.length} characters`,
  )
}

function outside(what: string, asked: number, size: number): CountersignError {
  return new CountersignError('bad-format', `the log has no ${what} ${asked}; it was asked at size ${size}`)
}
