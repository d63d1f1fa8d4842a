/**
 * The state of a contract (immutable; a change shares all but O(log n) nodes with the state before), how it is read, and
 * the edits that operations are made of.
 */
import { hashJson } from '../crypto/hash.ts'
import type { MerkleMap } from '../crypto/merkle-map.ts'
import type { Trie } from '../crypto/trie.ts'
import type { Card } from '../ledger/epoch.ts'
import {
  type ElementRecord,
  type EpochRecord,
  isElement,
  recordHash,
  type StateRecord,
  versionOf,
} from './record.ts'
import type { Governance } from './rules/governance.ts'
import { Siblings } from './siblings.ts'

/** See the head of this file. */
export type ContractState = {
  /** Contract id. */
  readonly contract: string
  readonly rootUid: string
  readonly epochUid: string
  readonly workflowUid: string
  readonly settlementUid: string
  /** Every record by its UID; its root is the state root. */
  readonly map: MerkleMap<StateRecord>
  /** For the UID of each block and list its children, in order. */
  readonly children: Trie<Siblings>
  /** How many fields hold a value that not everybody may see. */
  readonly privateCount: number
  readonly epoch: EpochRecord
  /** What surrounds the elements. */
  readonly governance: Governance
  /** By hash: those of the genesis, for ever; the others that are in force, which stand in the epoch record. */
  readonly cards: { readonly genesis: ReadonlyMap<string, Card>; readonly newer: ReadonlyMap<string, Card> }
}

/** How deep an element may lie; the root block is at 0, its children at 1. */
export const DEPTH_MAX = 64

/** The record hash of the whole contract (STA-1), 64 hex digits. */
export function stateRoot(state: ContractState): string {
  return state.map.root()
}

/** An element's record; undefined for a UID without one, the epoch record's included. */
export function element(state: ContractState, uid: string): ElementRecord | undefined {
  const record = state.map.get(uid)
  return isElement(record) ? record : undefined
}

/** Whether a UID has a record, or is kept for one that every contract may have. */
export function isTaken(state: ContractState, uid: string): boolean {
  return state.map.has(uid) || uid === state.workflowUid || uid === state.settlementUid
}

/** Elements of the contract, its root block included. */
export function elementCount(state: ContractState): number {
  return state.map.size - 1 - state.governance.recordCount
}

/**
 * UIDs of the children in order, from position `start` (counted from 0) to before `end`; all by default. None for a field
 * and for a UID without an element.
 */
export function childrenOf(state: ContractState, uid: string, start?: number, end?: number): string[] {
  return state.children.get(uid)?.uids(start, end) ?? []
}

/** How many children an element has. */
export function childCount(state: ContractState, uid: string): number {
  return state.children.get(uid)?.size ?? 0
}

/** UIDs of an element and all below it; parents come before their children. None for a UID without an element. */
export function subtreeUids(state: ContractState, uid: string): string[] {
  const uids = element(state, uid) === undefined ? [] : [uid]
  for (let index = 0; index < uids.length; index += 1) {
    for (const child of childrenOf(state, uids[index] as string)) uids.push(child)
  }
  return uids
}

/**
 * Hash over an element and all below it (REQ-3), 64 hex digits. Costs O(k log k) for k elements; that of a UID without an
 * element is the hash of an empty list.
 */
export function subtreeHash(state: ContractState, uid: string): string {
  const rows = subtreeUids(state, uid)
    .sort()
    .map((below) => [below, recordHash(state.map.get(below) as StateRecord)])
  return hashJson('subtree', rows)
}

/**
 * What `set` and `delete` name as `seen` (REQ-3): a field's commitment (64 zeros while it is empty), otherwise the subtree hash. Undefined for a UID
 * without an element.
 */
export function seenOf(state: ContractState, uid: string): string | undefined {
  const record = element(state, uid)
  if (record === undefined) return undefined
  return record.kind === 'field' ? versionOf(record) : subtreeHash(state, uid)
}

/** The state with one element more. Its parent is a block or list of the state, its UID is not in use. */
export function withElement(state: ContractState, uid: string, record: ElementRecord): ContractState {
  const siblings = state.children.get(record.parent) as Siblings
  let children = state.children.set(
    record.parent,
    siblings.add({ uid, name: record.name, order: record.order }),
  )
  if (record.kind !== 'field') children = children.set(uid, new Siblings(siblings.depth + 1))
  const privateCount = state.privateCount + privateIn(record)
  return { ...state, map: state.map.set(uid, record), children, privateCount }
}

/** 1 for a record of a private value, otherwise 0. */
export function privateIn(record: ElementRecord | undefined): number {
  return record?.readers === undefined ? 0 : 1
}

/** The state with another record for an element; name, order and parent are the same as before. */
export function withField(state: ContractState, uid: string, record: ElementRecord): ContractState {
  const privateCount = state.privateCount + privateIn(record) - privateIn(element(state, uid))
  return { ...state, map: state.map.set(uid, record), privateCount }
}

/** The state with another epoch record, and the cards that come into force with it. */
export function withEpoch(
  state: ContractState,
  epoch: EpochRecord,
  newer = state.cards.newer,
): ContractState {
  const cards = { genesis: state.cards.genesis, newer }
  return { ...state, map: state.map.set(state.epochUid, epoch), epoch, cards }
}

/** The state without an element and all below it, which are `uids`; it comes first there and is not the root. */
export function withoutSubtree(state: ContractState, uids: readonly string[]): ContractState {
  const uid = uids[0] as string
  const { parent, name, order } = element(state, uid) as ElementRecord
  const siblings = state.children.get(parent) as Siblings
  let { map, privateCount } = state
  let children = state.children.set(parent, siblings.remove({ uid, name, order }))
  for (const below of uids) {
    privateCount -= privateIn(element(state, below))
    map = map.delete(below)
    children = children.delete(below)
  }
  return { ...state, map, children, privateCount }
}

/** The state with an element, and all below it, in another place among those of a parent; the parent is no part of it. */
export function withMoved(
  state: ContractState,
  uid: string,
  place: { parent: string; name: string; order: string },
): ContractState {
  const before = element(state, uid) as ElementRecord
  const from = state.children.get(before.parent) as Siblings
  let children = state.children.set(
    before.parent,
    from.remove({ uid, name: before.name, order: before.order }),
  )
  const siblings = children.get(place.parent) as Siblings
  const { name, order } = place
  children = children.set(place.parent, siblings.add({ uid, name, order }))
  const moved = { ...state, map: state.map.set(uid, { ...before, ...place }), children }
  return siblings.depth === from.depth ? moved : withDepths(moved, uid, siblings.depth + 1)
}

/** Blocks know how deep they lie. */
function withDepths(state: ContractState, top: string, depth: number): ContractState {
  let { children } = state
  let level = [top]
  for (let at = depth; level.length > 0; at += 1) {
    const next: string[] = []
    for (const uid of level) {
      const siblings = children.get(uid)
      if (siblings === undefined) continue
      children = children.set(uid, siblings.atDepth(at))
      next.push(...siblings.uids())
    }
    level = next
  }
  return { ...state, children }
}

/** How many levels an element has below it; 0 for a field. */
export function heightOf(state: ContractState, uid: string): number {
  let height = 0
  for (let level = childrenOf(state, uid); level.length > 0; height += 1)
    level = level.flatMap((below) => childrenOf(state, below))
  return height
}
