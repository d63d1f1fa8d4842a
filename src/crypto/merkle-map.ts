/**
 * A Merkle map: a trie of UIDs with one root hash over all entries, and proofs that a UID is present with a value or absent.
 * The hash rules are frozen (PROTOCOL STA-1):
 *
 *   empty  SHA-256("countersign/v1/map-empty\n")
 *   leaf   SHA-256("countersign/v1/map-leaf\n" ‖ uid, 16 bytes ‖ value hash, 32 bytes)
 *   inner  SHA-256("countersign/v1/map-node\n" ‖ bit, uint16be ‖ prefix ‖ left, 32 bytes ‖ right, 32 bytes)
 *
 * `bit` is the first at which the UIDs below differ, `prefix` their first `bit` bits in ⌈bit/8⌉ bytes, unused low bits
 * zero. An inner node so commits to its place, and what lies elsewhere can't be below it: that is what proves absence.
 */
import { hexDecodeInto, hexEncode, utf8 } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { hashOf } from './hash.ts'
import { sha256Hex } from './provider.ts'
import * as shape from './shape.ts'
import {
  bitOf,
  checkKey,
  differingBit,
  emptyTrie,
  Inner,
  KEY_BITS,
  Leaf,
  type Node,
  type Trie,
  type TrieChange,
  trieChanges,
} from './trie.ts'

/** The root of a map without entries. */
export const emptyMapRoot: string = hashOf('map-empty', '')

const HASH = /^[0-9a-f]{64}$/
const LEAF_PREFIX = utf8('countersign/v1/map-leaf\n')
const NODE_PREFIX = utf8('countersign/v1/map-node\n')

/** The hash of a value, 64 hex digits; called once for an entry whose root is asked for. */
export type LeafHashOf<V> = (key: string, value: V) => string

/**
 * An immutable Merkle map; `set` and `delete` give another that shares all but one path with this. Hashes are taken when a
 * root or proof is asked for and remembered in the nodes: k edits of n entries cost O(k log n) hashes, once. Every method
 * that takes a key throws CountersignError('bad-format') if it is not a UID.
 */
class MerkleMap<V> {
  readonly #leafHashOf: LeafHashOf<V>
  /** Never let out, never taken in: the hashes remembered in its nodes are those of `leafHashOf`. */
  readonly #trie: Trie<V>

  constructor(leafHashOf: LeafHashOf<V>, trie: Trie<V>) {
    this.#leafHashOf = leafHashOf
    this.#trie = trie
  }

  get size(): number {
    return this.#trie.size
  }

  get(key: string): V | undefined {
    return this.#trie.get(key)
  }

  has(key: string): boolean {
    return this.#trie.has(key)
  }

  /** The map with `key` standing for `value`; this one itself where it does already. */
  set(key: string, value: V): MerkleMap<V> {
    return this.#with(this.#trie.set(key, value))
  }

  /** The map without `key`; this one itself where it has none. */
  delete(key: string): MerkleMap<V> {
    return this.#with(this.#trie.delete(key))
  }

  /** Entries in the order of their keys. */
  entries(): IterableIterator<[string, V]> {
    return this.#trie.entries()
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.#trie.entries()
  }

  /** The root hash, 64 hex digits. @throws CountersignError `bad-format` if `leafHashOf` gives something else than a hash */
  root(): string {
    return this.#trie.root === undefined ? emptyMapRoot : this.#hashOf(this.#trie.root)
  }

  /** The proof that `uid` is present with its value, or absent. */
  proof(uid: string): MapProof {
    checkKey(uid)
    const steps: MapStep[] = []
    let node = this.#trie.root
    if (node === undefined) return { steps }
    while (node instanceof Inner && differingBit(node.prefix, uid) >= node.bit) {
      const isLeft: boolean = bitOf(uid, node.bit) === 0
      steps.push({ bit: node.bit, sibling: this.#hashOf(isLeft ? node.right : node.left) })
      node = isLeft ? node.left : node.right
    }
    if (node instanceof Inner) {
      const { bit, prefix } = node
      const left = this.#hashOf(node.left)
      const right = this.#hashOf(node.right)
      return { steps, node: { bit, prefix: prefixOf(prefix, bit), left, right } }
    }
    if (node.key === uid) return { steps }
    return { steps, leaf: { uid: node.key, valueHash: this.#leafHashOf(node.key, node.value) } }
  }

  /** See `mapChanges`. */
  changesTo(other: MerkleMap<V>): MapChange<V>[] {
    return trieChanges(this.#trie, other.#trie)
  }

  #with(trie: Trie<V>): MerkleMap<V> {
    return trie === this.#trie ? this : new MerkleMap(this.#leafHashOf, trie)
  }

  /** No deeper than a path is long: 128. */
  #hashOf(node: Node<V>): string {
    if (node.hash !== '') return node.hash
    node.hash =
      node instanceof Leaf
        ? mapLeafHash(node.key, this.#leafHashOf(node.key, node.value))
        : mapNodeHash(node.bit, node.prefix, this.#hashOf(node.left), this.#hashOf(node.right))
    return node.hash
  }
}

export type { MerkleMap }

/** A map without entries whose values are hashed by `leafHashOf`. */
export function emptyMerkleMap<V>(leafHashOf: LeafHashOf<V>): MerkleMap<V> {
  return new MerkleMap<V>(leafHashOf, emptyTrie<V>())
}

/** One inner node on the way down from the root: the bit it parts at, the hash of the side not taken. */
export type MapStep = { bit: number; sibling: string }

/**
 * The way from the root to where a UID is or would be, and what stands there in its place: a `leaf` with another UID, or a
 * `node` whose prefix is not the UID's. Neither stands with a proof of presence, nor with one for the empty map.
 */
export type MapProof = {
  steps: MapStep[]
  leaf?: { uid: string; valueHash: string }
  node?: { bit: number; prefix: string; left: string; right: string }
}

/** A key that two maps may hold differently, with the value in each; undefined where it is not there. */
export type MapChange<V> = TrieChange<V>

/**
 * Where a map differs from another: every key whose value is not the same in both, and perhaps some whose values are equal
 * and were never hashed. What both share, or know by its hash to be the same, is not walked: k differences cost O(k log n).
 */
export function mapChanges<V>(before: MerkleMap<V>, after: MerkleMap<V>): MapChange<V>[] {
  return before.changesTo(after)
}

/** The proof that `uid` is present in the map with its value, or absent. @throws CountersignError `bad-format` */
export function mapProof<V>(map: MerkleMap<V>, uid: string): MapProof {
  return map.proof(uid)
}

const bitShape = shape.integer(0, KEY_BITS - 1)
const proofShape = shape.object(
  { steps: shape.array(shape.object({ bit: bitShape, sibling: shape.hash }), KEY_BITS) },
  {
    leaf: shape.object({ uid: shape.uid, valueHash: shape.hash }),
    node: shape.object({
      bit: bitShape,
      prefix: shape.pattern(/^(?:[0-9a-f]{2}){0,16}$/, 'a prefix in hex'),
      left: shape.hash,
      right: shape.hash,
    }),
  },
)

/** Checks the shape of a proof from outside, not what it proves. @throws CountersignError `bad-format` */
export function checkMapProofShape(value: unknown): MapProof {
  return proofShape(value, 'proof') as MapProof
}

/**
 * True if `proof` shows that the map with this root holds `uid` with `valueHash`, or with null: that it does not hold it.
 * False for anything else, malformed proofs included; never an error.
 *
 * Why it holds, for a root of a well-formed map: each step's hash binds the bit, the prefix (the UID's own, so nothing is
 * to be chosen) and the side. So what stands at the end stands where the UID would be, and no other place could hold it.
 */
export function verifyMapProof(
  root: string,
  uid: string,
  valueHash: string | null,
  proof: MapProof,
): boolean {
  try {
    checkKey(uid)
    if (valueHash !== null && !HASH.test(valueHash)) return false
    const { steps, leaf, node } = checkMapProofShape(proof)
    let hash = endHash(uid, valueHash, steps, leaf, node)
    if (hash === undefined) return false
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      const { bit, sibling } = steps[index] as MapStep
      if (index > 0 && (steps[index - 1] as MapStep).bit >= bit) return false
      hash =
        bitOf(uid, bit) === 0 ? mapNodeHash(bit, uid, hash, sibling) : mapNodeHash(bit, uid, sibling, hash)
    }
    return hash === root
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

/** The hash of what stands at the end of the steps, or undefined if that doesn't show what is claimed. */
function endHash(
  uid: string,
  valueHash: string | null,
  steps: readonly MapStep[],
  leaf: MapProof['leaf'],
  node: MapProof['node'],
): string | undefined {
  if (valueHash !== null)
    return leaf === undefined && node === undefined ? mapLeafHash(uid, valueHash) : undefined
  const lastBit = steps.at(-1)?.bit ?? -1
  if (leaf !== undefined) {
    const difference = differingBit(leaf.uid, uid)
    const isElsewhere = node !== undefined || difference <= lastBit || difference === KEY_BITS
    return isElsewhere ? undefined : mapLeafHash(leaf.uid, leaf.valueHash)
  }
  if (node !== undefined) {
    const prefix = node.prefix.padEnd(32, '0')
    if (node.prefix !== prefixOf(prefix, node.bit)) return undefined
    const difference = differingBit(prefix, uid)
    return difference > lastBit && difference < node.bit
      ? mapNodeHash(node.bit, prefix, node.left, node.right)
      : undefined
  }
  return steps.length === 0 ? emptyMapRoot : undefined
}

/** The first `bit` bits of a UID as ⌈bit/8⌉ bytes in hex, the rest of the last byte zero. */
function prefixOf(uid: string, bit: number): string {
  const bytes = new Uint8Array(16)
  hexDecodeInto(uid, bytes, 0)
  const size = (bit + 7) >> 3
  if ((bit & 7) !== 0) bytes[size - 1] = (bytes[size - 1] as number) & (0xff00 >> (bit & 7))
  return hexEncode(bytes.subarray(0, size))
}

/** Where the functions below lay their input; they read nothing that the same call has not written. */
const leafInput = new Uint8Array(LEAF_PREFIX.length + 16 + 32)
leafInput.set(LEAF_PREFIX)
const nodeInput = new Uint8Array(NODE_PREFIX.length + 2 + 16 + 64)
nodeInput.set(NODE_PREFIX)

function mapLeafHash(uid: string, valueHash: string): string {
  if (!HASH.test(valueHash))
    throw new CountersignError('bad-format', 'the hash of a map value is not 64 hex digits')
  hexDecodeInto(uid, leafInput, LEAF_PREFIX.length)
  hexDecodeInto(valueHash, leafInput, LEAF_PREFIX.length + 16)
  return sha256Hex(leafInput)
}

function mapNodeHash(bit: number, uid: string, left: string, right: string): string {
  const start = NODE_PREFIX.length
  nodeInput[start] = bit >> 8
  nodeInput[start + 1] = bit & 0xff
  hexDecodeInto(uid, nodeInput, start + 2)
  const end = start + 2 + ((bit + 7) >> 3)
  if ((bit & 7) !== 0) nodeInput[end - 1] = (nodeInput[end - 1] as number) & (0xff00 >> (bit & 7))
  hexDecodeInto(left, nodeInput, end)
  hexDecodeInto(right, nodeInput, end + 32)
  return sha256Hex(nodeInput.subarray(0, end + 64))
}
