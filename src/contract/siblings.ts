/**
 * The children of one block or list: a persistent set that gives them in order (PROTOCOL ELE-2: by order key, then UID) and by
 * name, by rank, in O(log n) each. A change shares all but O(log n) nodes with the set before it.
 *
 * Inside are two weight-balanced trees (Adams; parameters 3 and 2 after Hirai and Yamamoto, "Balancing weight-balanced
 * trees", 2011). Their balance does not rest on the keys, which their authors choose.
 */

/** What places a child: its UID (32 hex), name and order key. */
export type Sibling = { readonly uid: string; readonly name: string; readonly order: string }

type Tree = {
  readonly sibling: Sibling
  readonly left: Tree | undefined
  readonly right: Tree | undefined
  readonly size: number
}

type Compare = (first: Sibling, second: Sibling) => number

/** Follows every order key. */
const PAST_ALL = '~'

/** See the head of this file. */
export class Siblings {
  /** How deep the parent lies; the root of the contract is at 0. */
  readonly depth: number
  readonly #byOrder: Tree | undefined
  readonly #byName: Tree | undefined

  constructor(
    depth: number,
    siblings: readonly Sibling[] = [],
    trees?: readonly [Tree | undefined, Tree | undefined],
  ) {
    this.depth = depth
    this.#byOrder = trees === undefined ? build([...siblings].sort(compareOrder)) : trees[0]
    this.#byName = trees === undefined ? build([...siblings].sort(compareName)) : trees[1]
  }

  get size(): number {
    return sizeOf(this.#byOrder)
  }

  /** The same set, its parent lying elsewhere. */
  atDepth(depth: number): Siblings {
    return new Siblings(depth, [], [this.#byOrder, this.#byName])
  }

  /** The set with one more, which must not stand in it. */
  add(sibling: Sibling): Siblings {
    return new Siblings(
      this.depth,
      [],
      [insert(this.#byOrder, sibling, compareOrder), insert(this.#byName, sibling, compareName)],
    )
  }

  /** The set without one, which must stand in it. */
  remove(sibling: Sibling): Siblings {
    return new Siblings(
      this.depth,
      [],
      [remove(this.#byOrder, sibling, compareOrder), remove(this.#byName, sibling, compareName)],
    )
  }

  /** UIDs in order, from position `start` (counted from 0) to before `end`. */
  uids(start = 0, end: number = this.size): string[] {
    const uids: string[] = []
    collect(this.#byOrder, start, end, uids)
    return uids
  }

  /** The UID at a position counted from 0, if there is one. */
  at(index: number): string | undefined {
    return at(this.#byOrder, index)?.uid
  }

  /** How many stand before this one. */
  indexOf(sibling: Sibling): number {
    return rank(this.#byOrder, sibling, compareOrder)
  }

  /** How many have this name. */
  countNamed(name: string): number {
    return this.#firstNamed(name, PAST_ALL) - this.#firstNamed(name, '')
  }

  /** The UID of the index-th (from 0) of this name, if there is one. */
  namedAt(name: string, index: number): string | undefined {
    const found = at(this.#byName, this.#firstNamed(name, '') + index)
    return found?.name === name && index >= 0 ? found.uid : undefined
  }

  /** How many of its name stand before this one. */
  indexAmongNamed(sibling: Sibling): number {
    return rank(this.#byName, sibling, compareName) - this.#firstNamed(sibling.name, '')
  }

  #firstNamed(name: string, order: string): number {
    return rank(this.#byName, { uid: '', name, order }, compareName)
  }
}

function compareOrder(first: Sibling, second: Sibling): number {
  const order = compareText(first.order, second.order)
  return order === 0 ? compareText(first.uid, second.uid) : order
}

function compareName(first: Sibling, second: Sibling): number {
  const name = compareText(first.name, second.name)
  return name === 0 ? compareOrder(first, second) : name
}

/** By UTF-16 units, which for order keys and UIDs is by bytes. */
function compareText(first: string, second: string): number {
  if (first === second) return 0
  return first < second ? -1 : 1
}

function sizeOf(tree: Tree | undefined): number {
  return tree === undefined ? 0 : tree.size
}

function node(left: Tree | undefined, sibling: Sibling, right: Tree | undefined): Tree {
  return { sibling, left, right, size: sizeOf(left) + sizeOf(right) + 1 }
}

/** A node whose sides were balanced with each other until one of them changed by one. */
function balanced(left: Tree | undefined, sibling: Sibling, right: Tree | undefined): Tree {
  const leftWeight = sizeOf(left) + 1
  const rightWeight = sizeOf(right) + 1
  if (leftWeight + rightWeight <= 3) return node(left, sibling, right)
  if (rightWeight > 3 * leftWeight) {
    const heavy = right as Tree
    if (sizeOf(heavy.left) + 1 < 2 * (sizeOf(heavy.right) + 1))
      return node(node(left, sibling, heavy.left), heavy.sibling, heavy.right)
    const middle = heavy.left as Tree
    return node(
      node(left, sibling, middle.left),
      middle.sibling,
      node(middle.right, heavy.sibling, heavy.right),
    )
  }
  if (leftWeight > 3 * rightWeight) {
    const heavy = left as Tree
    if (sizeOf(heavy.right) + 1 < 2 * (sizeOf(heavy.left) + 1))
      return node(heavy.left, heavy.sibling, node(heavy.right, sibling, right))
    const middle = heavy.right as Tree
    return node(
      node(heavy.left, heavy.sibling, middle.left),
      middle.sibling,
      node(middle.right, sibling, right),
    )
  }
  return node(left, sibling, right)
}

function insert(tree: Tree | undefined, sibling: Sibling, compare: Compare): Tree {
  if (tree === undefined) return node(undefined, sibling, undefined)
  return compare(sibling, tree.sibling) < 0
    ? balanced(insert(tree.left, sibling, compare), tree.sibling, tree.right)
    : balanced(tree.left, tree.sibling, insert(tree.right, sibling, compare))
}

function remove(tree: Tree | undefined, sibling: Sibling, compare: Compare): Tree | undefined {
  if (tree === undefined) return undefined
  const side = compare(sibling, tree.sibling)
  if (side < 0) return balanced(remove(tree.left, sibling, compare), tree.sibling, tree.right)
  if (side > 0) return balanced(tree.left, tree.sibling, remove(tree.right, sibling, compare))
  if (tree.left === undefined) return tree.right
  if (tree.right === undefined) return tree.left
  const next = at(tree.right, 0) as Sibling
  return balanced(tree.left, next, removeFirst(tree.right))
}

function removeFirst(tree: Tree): Tree | undefined {
  return tree.left === undefined ? tree.right : balanced(removeFirst(tree.left), tree.sibling, tree.right)
}

function at(tree: Tree | undefined, index: number): Sibling | undefined {
  let here = tree
  let rest = index
  while (here !== undefined) {
    const before = sizeOf(here.left)
    if (rest === before) return here.sibling
    if (rest < before) here = here.left
    else {
      rest -= before + 1
      here = here.right
    }
  }
  return undefined
}

/** How many come before `sibling`, whether it stands there or not. */
function rank(tree: Tree | undefined, sibling: Sibling, compare: Compare): number {
  let here = tree
  let before = 0
  while (here !== undefined) {
    if (compare(sibling, here.sibling) <= 0) here = here.left
    else {
      before += sizeOf(here.left) + 1
      here = here.right
    }
  }
  return before
}

function collect(tree: Tree | undefined, start: number, end: number, uids: string[]): void {
  if (tree === undefined || end <= 0 || start >= tree.size) return
  const before = sizeOf(tree.left)
  collect(tree.left, start, end, uids)
  if (start <= before && before < end) uids.push(tree.sibling.uid)
  collect(tree.right, start - before - 1, end - before - 1, uids)
}

/** A balanced tree of siblings that are sorted. */
function build(sorted: readonly Sibling[], start = 0, end: number = sorted.length): Tree | undefined {
  if (start >= end) return undefined
  const middle = (start + end) >> 1
  return node(build(sorted, start, middle), sorted[middle] as Sibling, build(sorted, middle + 1, end))
}
