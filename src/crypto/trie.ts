/**
 * A persistent map from 16-byte UIDs (32 lowercase hex digits) to values: a compressed binary trie. A change makes a new
 * trie that shares all but one path with the old; both stay usable. The same keys give the same shape in whatever order
 * they came, which is what lets merkle-map.ts take a root of it.
 *
 * An inner node stands where the keys below it first differ: `bit` counts from the most significant of the first byte, the
 * left side has 0 there. Along a path bits rise, so that no path is longer than 128.
 */
import { CountersignError } from './errors.ts'

/** Bits in a key. */
export const KEY_BITS = 128
const KEY = /^[0-9a-f]{32}$/

/** One entry. `hash` is room for merkle-map.ts to remember the node's hash in; '' as long as it is unknown. */
export class Leaf<V> {
  readonly key: string
  readonly value: V
  hash = ''

  constructor(key: string, value: V) {
    this.key = key
    this.value = value
  }
}

/** Where keys part. `prefix`: a key that has the first `bit` bits of all keys below. `size`: entries below. */
export class Inner<V> {
  readonly bit: number
  readonly prefix: string
  readonly left: Node<V>
  readonly right: Node<V>
  readonly size: number
  hash = ''

  constructor(bit: number, prefix: string, left: Node<V>, right: Node<V>) {
    this.bit = bit
    this.prefix = prefix
    this.left = left
    this.right = right
    this.size = sizeOf(left) + sizeOf(right)
  }
}

export type Node<V> = Leaf<V> | Inner<V>

/** A trie without entries. */
export function emptyTrie<V>(): Trie<V> {
  return new Trie<V>(undefined)
}

/** See the head of this file. Every method that takes a key throws CountersignError('bad-format') if it is not a UID. */
export class Trie<V> {
  /** For merkle-map.ts. */
  readonly root: Node<V> | undefined

  constructor(root: Node<V> | undefined) {
    this.root = root
  }

  get size(): number {
    return this.root === undefined ? 0 : sizeOf(this.root)
  }

  get(key: string): V | undefined {
    return this.#find(key)?.value
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined
  }

  /** The trie with `key` standing for `value`; this one itself where it does already. */
  set(key: string, value: V): Trie<V> {
    checkKey(key)
    if (this.root === undefined) return new Trie<V>(new Leaf(key, value))
    const near = nearestLeaf(this.root, key)
    if (near.key === key && Object.is(near.value, value)) return this
    return new Trie<V>(insert(this.root, new Leaf(key, value), differingBit(near.key, key)))
  }

  /** The trie without `key`; this one itself where it has none. */
  delete(key: string): Trie<V> {
    if (this.root === undefined || this.#find(key) === undefined) return this
    return new Trie<V>(remove(this.root, key))
  }

  /** Entries in the order of their keys. */
  *entries(): IterableIterator<[string, V]> {
    if (this.root === undefined) return
    for (const { key, value } of leavesOf(this.root)) yield [key, value]
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.entries()
  }

  #find(key: string): Leaf<V> | undefined {
    checkKey(key)
    if (this.root === undefined) return undefined
    const near = nearestLeaf(this.root, key)
    return near.key === key ? near : undefined
  }
}

/** Throws CountersignError('bad-format') unless `key` is a UID. */
export function checkKey(key: string): void {
  if (!KEY.test(key)) throw new CountersignError('bad-format', 'expected a UID of 32 lowercase hex digits')
}

/** Bit `bit` of a key, 0 or 1. */
export function bitOf(key: string, bit: number): number {
  return (digitOf(key, bit >> 2) >> (3 - (bit & 3))) & 1
}

/** The first bit at which two keys differ; KEY_BITS if they don't. */
export function differingBit(first: string, second: string): number {
  for (let index = 0; index < first.length; index += 1) {
    const difference = digitOf(first, index) ^ digitOf(second, index)
    if (difference !== 0) return index * 4 + Math.clz32(difference) - 28
  }
  return KEY_BITS
}

/** The leaf that a walk by the key's bits ends at: the only place where the key could be. */
export function nearestLeaf<V>(root: Node<V>, key: string): Leaf<V> {
  let node = root
  while (node instanceof Inner) node = bitOf(key, node.bit) === 0 ? node.left : node.right
  return node
}

function digitOf(key: string, index: number): number {
  const unit = key.charCodeAt(index)
  return unit < 0x3a ? unit - 0x30 : unit - 0x57
}

function sizeOf<V>(node: Node<V>): number {
  return node instanceof Leaf ? 1 : node.size
}

/** `bit`: where the new key leaves those below `node`; KEY_BITS where it replaces one. */
function insert<V>(node: Node<V>, leaf: Leaf<V>, bit: number): Node<V> {
  if (node instanceof Inner && node.bit < bit) {
    return bitOf(leaf.key, node.bit) === 0
      ? new Inner(node.bit, node.prefix, insert(node.left, leaf, bit), node.right)
      : new Inner(node.bit, node.prefix, node.left, insert(node.right, leaf, bit))
  }
  if (bit === KEY_BITS) return leaf
  return bitOf(leaf.key, bit) === 0
    ? new Inner(bit, leaf.key, leaf, node)
    : new Inner(bit, leaf.key, node, leaf)
}

/** The node without a key known to be below it. */
function remove<V>(node: Node<V>, key: string): Node<V> | undefined {
  if (node instanceof Leaf) return undefined
  if (bitOf(key, node.bit) === 0) {
    const left = remove(node.left, key)
    return left === undefined ? node.right : new Inner(node.bit, node.prefix, left, node.right)
  }
  const right = remove(node.right, key)
  return right === undefined ? node.left : new Inner(node.bit, node.prefix, node.left, right)
}

/** A key that two tries may hold differently, with the value in each; undefined where it is not there. */
export type TrieChange<V> = [key: string, before: V | undefined, after: V | undefined]

/**
 * Keys that do not stand for the very same value in both tries. What both share, and nodes that are remembered to have one
 * hash, are not walked: since the same keys give the same shape, that is all but the paths to what differs.
 */
export function trieChanges<V>(before: Trie<V>, after: Trie<V>): TrieChange<V>[] {
  const found: TrieChange<V>[] = []
  compare(before.root, after.root, found)
  return found
}

/** No deeper than two paths are long. */
function compare<V>(before: Node<V> | undefined, after: Node<V> | undefined, found: TrieChange<V>[]): void {
  if (before === after) return
  if (before === undefined || after === undefined) {
    if (before !== undefined)
      for (const leaf of leavesOf(before)) found.push([leaf.key, leaf.value, undefined])
    if (after !== undefined) for (const leaf of leavesOf(after)) found.push([leaf.key, undefined, leaf.value])
    return
  }
  if (before.hash !== '' && before.hash === after.hash) return
  const [first, second] = [bitsOf(before), bitsOf(after)]
  const difference = differingBit(first.prefix, second.prefix)
  if (difference < first.bit && difference < second.bit) {
    compare(before, undefined, found)
    compare(undefined, after, found)
  } else if (before instanceof Inner && after instanceof Inner && before.bit === after.bit) {
    compare(before.left, after.left, found)
    compare(before.right, after.right, found)
  } else if (before instanceof Inner && first.bit < second.bit) {
    const isLeft = bitOf(second.prefix, first.bit) === 0
    compare(before.left, isLeft ? after : undefined, found)
    compare(before.right, isLeft ? undefined : after, found)
  } else if (after instanceof Inner) {
    const isLeft = bitOf(first.prefix, second.bit) === 0
    compare(isLeft ? before : undefined, after.left, found)
    compare(isLeft ? undefined : before, after.right, found)
  } else if (before instanceof Leaf && after instanceof Leaf && !Object.is(before.value, after.value))
    found.push([before.key, before.value, after.value])
}

/** The bits that all keys below a node have in common. */
function bitsOf<V>(node: Node<V>): { prefix: string; bit: number } {
  return node instanceof Leaf ? { prefix: node.key, bit: KEY_BITS } : node
}

function* leavesOf<V>(root: Node<V>): Generator<Leaf<V>> {
  const waiting: Node<V>[] = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node instanceof Leaf) yield node
    else waiting.push(node.right, node.left)
  }
}
