/**
 * Making an element equal to a document with few operations: what is equal stays untouched, changed fields are set, what is
 * missing is deleted, what is new is created in its place. So UIDs live on, and with them all that refers to them.
 *
 * Children are paired by name, repeated ones and the items of lists by position, after equal ones at both ends have been
 * paired off: an item inserted in front is one creation. No operation moves an element; of children in another order
 * the longest run that is in order stays, and the others are made anew.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type BlockNode, type DocumentNode, type FieldNode, INDENT, SPACE, VALUE } from '../document/tree.ts'
import { longestRun } from './align.ts'
import { type Arranged, arrange, type Item } from './arrange.ts'
import { addCreations, committed, type Edit } from './creation.ts'
import { type ContractState, childrenOf, seenOf } from './elements.ts'
import { isSameField, type Source, typedValue } from './fields.ts'
import type { OpeningSource } from './outcome.ts'
import type { Random } from './place.ts'
import { type ElementRecord, versionOf } from './record.ts'
import type { Siblings } from './siblings.ts'
import { existing, exportTree, isErased } from './view.ts'

/** What the tree was read from (see fields.ts); left out for a tree that is exact in order and types. */
export type ReplaceOptions = { from?: Source }

/**
 * What makes an element equal to `tree` (PUT); its name stays. A root (block named '') with the one child `#value` stands
 * for that child, but not for the root of the contract. An element of another kind is deleted and made anew. A field whose
 * opening is not held counts as equal to null, which is how it is shown.
 * @throws CountersignError `not-found`, `bad-name`, `bad-value`, `too-large` past DEPTH_MAX; `bad-request` for a root that is
 * no block; `order-exhausted` if a field whose opening is not held would have to be made anew
 */
export function replaceOperations(
  state: ContractState,
  openings: OpeningSource,
  uid: string,
  tree: DocumentNode,
  random: Random,
  { from }: ReplaceOptions = {},
): Edit {
  return new Reconciler(state, openings, random, from).top(uid, tree, false)
}

/**
 * What a JSON merge patch (RFC 7396) does to an element (PATCH): members that are null are deleted, blocks are merged, all
 * else is replaced as by `replaceOperations` from JSON. `patch` is what `fromJson` gives.
 * @throws CountersignError as `replaceOperations`
 */
export function mergeOperations(
  state: ContractState,
  openings: OpeningSource,
  uid: string,
  patch: DocumentNode,
  random: Random,
): Edit {
  return new Reconciler(state, openings, random, 'json').top(uid, patch, true)
}

class Reconciler {
  readonly #edit: Edit = { operations: [], openings: [] }
  readonly #state: ContractState
  readonly #openings: OpeningSource
  readonly #random: Random
  readonly #from: Source | undefined

  constructor(state: ContractState, openings: OpeningSource, random: Random, from: Source | undefined) {
    this.#state = state
    this.#openings = openings
    this.#random = random
    this.#from = from
  }

  top(uid: string, tree: DocumentNode, isMerge: boolean): Edit {
    const record = existing(this.#state, uid)
    const node = uid === this.#state.rootUid ? tree : unwrapped(tree)
    if (record.kind === node.kind) this.#reconcile(uid, node, isMerge)
    else if (uid === this.#state.rootUid)
      throw new CountersignError(
        'bad-request',
        `The root of a contract is a block; a ${node.kind} can't replace it.`,
      )
    else {
      const siblings = childrenOf(this.#state, record.parent)
      const target = { ...(isMerge ? withoutNulls(node) : node), name: record.name }
      const items = siblings.map((one): Item => (one === uid ? { node: target } : { uid: one }))
      this.#settle(record.parent, siblings, items)
    }
    return this.#edit
  }

  /** Makes an element equal to a node of its kind. */
  #reconcile(uid: string, node: DocumentNode, isMerge: boolean): void {
    if (node.kind === 'field') {
      this.#setField(uid, node)
      return
    }
    const children = childrenOf(this.#state, uid)
    const items =
      this.#from === 'json' && node.kind === 'block' && !hasRepeats(node)
        ? this.#jsonItems(children, node, isMerge)
        : this.#align(children, node.children)
    this.#settle(uid, children, items)
  }

  #setField(uid: string, node: FieldNode): void {
    const record = existing(this.#state, uid)
    if (this.#isSameField(record, node)) return
    const [type, value] = typedValue(record, node, this.#from)
    this.#edit.operations.push({
      ...{ op: 'set', uid, seen: versionOf(record), type },
      ...committed(type, value, this.#random, this.#edit.openings),
    })
  }

  /** Makes `items` the children of an element, which are `children` so far. */
  #settle(parentUid: string, children: readonly string[], items: readonly Item[]): void {
    const arranged = arrange(items, this.#random, {
      orderOf: (uid) => existing(this.#state, uid).order,
      nodeOf: (uid) => this.#wholeTree(uid),
    })
    const kept = new Set(arranged.flatMap(({ place, item }) => (place === undefined ? [item.uid] : [])))
    for (const uid of children) {
      if (kept.has(uid)) continue
      this.#edit.operations.push({ op: 'delete', uid, seen: seenOf(this.#state, uid) as string })
    }
    const depth = (this.#state.children.get(parentUid) as Siblings).depth + 1
    for (const one of arranged) this.#make(one, parentUid, depth)
  }

  #make({ item, place }: Arranged, parentUid: string, depth: number): void {
    const { uid, node } = item
    if (place !== undefined)
      addCreations(this.#edit, node as DocumentNode, parentUid, place, depth, this.#random)
    else if (uid !== undefined && node !== undefined && item.isSame !== true)
      this.#reconcile(uid, node, item.isMerge === true)
  }

  /** An element that stays as it is but has to be made anew, for want of room beside it. */
  #wholeTree(uid: string): DocumentNode {
    const tree = exportTree(this.#state, uid, this.#openings)
    if (hasErased(tree))
      throw new CountersignError(
        'order-exhausted',
        `No place is left next to the element ${uid}, and it can't be copied.`,
      )
    return tree
  }

  /** Pairs children with nodes in the order of the nodes. */
  #align(children: readonly string[], nodes: readonly DocumentNode[]): Item[] {
    const limit = Math.min(children.length, nodes.length)
    const isPair = (child: number, node: number) =>
      this.#isSameChild(children[child] as string, nodes[node] as DocumentNode)
    let start = 0
    while (start < limit && isPair(start, start)) start += 1
    let tail = 0
    while (tail < limit - start && isPair(children.length - 1 - tail, nodes.length - 1 - tail)) tail += 1
    const same = (uid: string, node: DocumentNode | undefined): Item => ({ uid, node, isSame: true })
    const childEnd = children.length - tail
    const nodeEnd = nodes.length - tail
    return [
      ...children.slice(0, start).map((uid, index) => same(uid, nodes[index])),
      ...this.#pairByName(children.slice(start, childEnd), nodes.slice(start, nodeEnd)),
      ...children.slice(childEnd).map((uid, index) => same(uid, nodes[nodeEnd + index])),
    ]
  }

  /** Pairs the i-th of a name with the i-th of that name, if their kinds agree; then keeps what is in order. */
  #pairByName(children: readonly string[], nodes: readonly DocumentNode[]): Item[] {
    const positions = new Map<string, number[]>()
    for (const [position, uid] of children.entries()) {
      const { name } = existing(this.#state, uid)
      const same = positions.get(name)
      if (same === undefined) positions.set(name, [position])
      else same.push(position)
    }
    const taken = new Map<string, number>()
    const pairs = nodes.map(({ name, kind }) => {
      const count = taken.get(name) ?? 0
      taken.set(name, count + 1)
      const position = positions.get(name)?.[count]
      if (position === undefined) return undefined
      return existing(this.#state, children[position] as string).kind === kind ? position : undefined
    })
    const run = longestRun(pairs)
    return nodes.map((node, index) =>
      run.has(index) ? { uid: children[pairs[index] as number] as string, node } : { node },
    )
  }

  /** Pairs children with the members of an object, whose order says nothing. */
  #jsonItems(children: readonly string[], { children: members }: BlockNode, isMerge: boolean): Item[] {
    const nodes = new Map(members.map((node) => [node.name, node]))
    const groups = this.#byName(children)
    const waiting = new Map<string, Waiting>()
    for (const [name, group] of groups)
      waiting.set(name, waitingItems(this.#groupItems(group, nodes.get(name), isMerge), group.length))
    const items: Item[] = []
    // New ones of a name come right before the next of it that stays; what is left, after its last.
    for (const uid of children) {
      const group = waiting.get(existing(this.#state, uid).name) as Waiting
      group.left -= 1
      const end = group.left === 0 ? group.items.length : (group.positions.get(uid) ?? -1) + 1
      while (group.next < end) {
        items.push(group.items[group.next] as Item)
        group.next += 1
      }
    }
    for (const node of members) {
      if (groups.has(node.name) || (isMerge && isNull(node))) continue
      items.push({ node: isMerge ? withoutNulls(node) : node })
    }
    return items
  }

  #byName(children: readonly string[]): Map<string, string[]> {
    const groups = new Map<string, string[]>()
    for (const uid of children) {
      const { name } = existing(this.#state, uid)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [uid])
      else group.push(uid)
    }
    return groups
  }

  /** What becomes of the siblings of one name, given the member of that name. */
  #groupItems(group: readonly string[], node: DocumentNode | undefined, isMerge: boolean): Item[] {
    const first = existing(this.#state, group[0] as string)
    if (node === undefined) return isMerge || isSpace(first) ? group.map((uid) => ({ uid })) : []
    if (isMerge && isNull(node)) return []
    // One item or none would not show as an array: that takes a list.
    if (group.length > 1 && node.kind === 'list' && node.children.length > 1)
      return this.#align(
        group,
        node.children.map((item) => ({ ...item, name: node.name })),
      )
    // A patch merges with an object; siblings of one name are an array to it.
    if (isMerge && group.length === 1 && first.kind === 'block' && node.kind === 'block')
      return [{ uid: group[0], node, isMerge }]
    const whole = isMerge ? withoutNulls(node) : node
    return [first.kind === node.kind ? { uid: group[0], node: whole } : { node: whole }]
  }

  #isSameChild(uid: string, node: DocumentNode): boolean {
    return existing(this.#state, uid).name === node.name && this.#isSame(uid, node)
  }

  /** Whether reconciling an element with a node would change nothing; the name is not looked at. */
  #isSame(uid: string, node: DocumentNode): boolean {
    const record = existing(this.#state, uid)
    if (record.kind !== node.kind) return false
    if (node.kind === 'field') return this.#isSameField(record, node)
    const children = childrenOf(this.#state, uid)
    if (this.#from === 'json' && node.kind === 'block' && !hasRepeats(node))
      return this.#isSameObject(children, node)
    return (
      children.length === node.children.length &&
      node.children.every((child, index) => this.#isSameChild(children[index] as string, child))
    )
  }

  #isSameObject(children: readonly string[], { children: members }: BlockNode): boolean {
    const groups = this.#byName(children)
    const names = new Set(members.map(({ name }) => name))
    for (const [name, group] of groups) {
      if (!names.has(name) && !isSpace(existing(this.#state, group[0] as string))) return false
    }
    return members.every((node) => {
      const group = groups.get(node.name) ?? []
      if (group.length === 1) return this.#isSame(group[0] as string, node)
      if (group.length === 0 || node.kind !== 'list' || node.children.length !== group.length) return false
      return node.children.every((item, index) => this.#isSame(group[index] as string, item))
    })
  }

  #isSameField(record: ElementRecord, node: FieldNode): boolean {
    const opening = record.value === undefined ? undefined : this.#openings.get(record.value)
    return isSameField(record, opening, node, this.#from)
  }
}

/** The items of one name that are not placed yet: from `next` on; `left` old children are still to come. */
type Waiting = { items: readonly Item[]; positions: ReadonlyMap<string, number>; next: number; left: number }

function waitingItems(items: readonly Item[], left: number): Waiting {
  const positions = new Map<string, number>()
  for (const [index, { uid }] of items.entries()) if (uid !== undefined) positions.set(uid, index)
  return { items, positions, next: 0, left }
}

/** White space, which JSON leaves out. */
const isSpace = ({ kind, name }: ElementRecord): boolean =>
  kind === 'field' && (name === INDENT || name === SPACE)

function unwrapped(tree: DocumentNode): DocumentNode {
  if (tree.kind !== 'block' || tree.name !== '' || tree.children.length !== 1) return tree
  const [only] = tree.children
  return only?.name === VALUE ? only : tree
}

const isNull = (node: DocumentNode): boolean => node.kind === 'field' && node.type === 'null'

/** What a merge patch leaves where nothing was: itself, without the nulls in its objects. */
function withoutNulls(node: DocumentNode): DocumentNode {
  if (node.kind !== 'block') return node
  return { ...node, children: node.children.filter((child) => !isNull(child)).map(withoutNulls) }
}

/** Whether two children have one name, as no tree from JSON has. */
function hasRepeats({ children }: BlockNode): boolean {
  return new Set(children.map(({ name }) => name)).size < children.length
}

function hasErased(node: DocumentNode): boolean {
  return node.kind === 'field' ? isErased(node) : node.children.some(hasErased)
}
