/**
 * A state seen as a document: trees and paths. Lookups cost O(log n) a step however many siblings there are.
 */
import { CountersignError } from '../crypto/errors.ts'
import {
  resolvePath as describeMissing,
  formatPath,
  type PathSegment,
  parsePath,
  type TreeAccessor,
} from '../document/path.ts'
import type { DocumentNode, FieldNode } from '../document/tree.ts'
import { type ContractState, childrenOf, element } from './elements.ts'
import type { OpeningSource } from './outcome.ts'
import type { ElementRecord } from './record.ts'
import type { Siblings } from './siblings.ts'

/** A field whose opening is not held: it was erased, or not passed on. Written as JSON it is null. */
export type ErasedField = FieldNode & { type: 'null'; value: null; erased: true }

/** Whether a node stands for a field whose opening is not held. */
export function isErased(node: DocumentNode): node is ErasedField {
  return 'erased' in node
}

/**
 * An element and all below it as a document tree; the root block's name is ''. A field whose opening is not among `openings`
 * becomes an `ErasedField`; an empty one has its type and the value null.
 * @throws CountersignError `not-found` if there is no such element
 */
export function exportTree(state: ContractState, uid: string, openings: OpeningSource): DocumentNode {
  const record = existing(state, uid)
  const { kind, name } = record
  if (kind === 'field') return exportField(record, openings)
  return { kind, name, children: childrenOf(state, uid).map((child) => exportTree(state, child, openings)) }
}

function exportField({ name, type, value }: ElementRecord, openings: OpeningSource): FieldNode {
  if (type !== undefined && value === undefined) return { kind: 'field', name, type, value: null }
  const opening = value === undefined ? undefined : openings.get(value)
  if (type === undefined || opening === undefined) {
    const erased: ErasedField = { kind: 'field', name, type: 'null', value: null, erased: true }
    return erased
  }
  return { kind: 'field', name, type, value: opening.value }
}

/** An element's record. @throws CountersignError `not-found` if there is no such element */
export function existing(state: ContractState, uid: string): ElementRecord {
  const record = element(state, uid)
  if (record === undefined)
    throw new CountersignError('not-found', `There is no element ${uid}; it may have been deleted.`)
  return record
}

/**
 * The UID of the one element at a path (document/path.ts) below `startUid`.
 * @throws CountersignError `bad-request` for a malformed path, `unknown-path` if there is no element there, or several
 */
export function resolvePath(state: ContractState, startUid: string, path: string): string {
  return resolve(state, startUid, parsePath(path))
}

/**
 * The UIDs of all elements at a path below `startUid`, in order: several if the last segment has no index and names repeated
 * siblings, none if it names nothing.
 * @throws CountersignError `bad-request` for a malformed path, `unknown-path` if a segment before the last names nothing, or
 * several
 */
export function matchPath(state: ContractState, startUid: string, path: string): string[] {
  const segments = parsePath(path)
  const last = segments.pop()
  const parent = resolve(state, startUid, segments)
  if (last === undefined) return [parent]
  const { count, at } = choices(state, parent, last)
  return Array.from({ length: count }, (_, index) => at(index) as string)
}

/**
 * The shortest path from the root that `resolvePath` leads to this element; '/' for the root.
 * @throws CountersignError `not-found` if there is no such element
 */
export function pathOf(state: ContractState, uid: string): string {
  const chain: { uid: string; record: ElementRecord }[] = []
  for (let here = uid; here !== state.rootUid; ) {
    const record = existing(state, here)
    chain.push({ uid: here, record })
    here = record.parent
  }
  const segments: PathSegment[] = []
  for (const { uid: below, record } of chain.reverse()) {
    const { name, order, parent } = record
    const siblings = state.children.get(parent) as Siblings
    const sibling = { uid: below, name, order }
    const isItem = element(state, parent)?.kind === 'list'
    const last = segments.at(-1)
    // The item of a list is an index of the list's own segment, unless that has one already.
    if (isItem && last !== undefined && last.index === undefined) last.index = siblings.indexOf(sibling) + 1
    else if (isItem || siblings.countNamed(name) > 1)
      segments.push({ name, index: siblings.indexAmongNamed(sibling) + 1 })
    else segments.push({ name })
  }
  return formatPath(segments)
}

function resolve(state: ContractState, startUid: string, segments: readonly PathSegment[]): string {
  existing(state, startUid)
  let here = startUid
  for (const segment of segments) {
    const { count, at } = choices(state, here, segment)
    // What to say about a path that leads nowhere is for document/path.ts, which looks at all the names there are.
    if (count !== 1) return describeMissing(accessorOf(state), startUid, segments)
    here = at(0) as string
  }
  return here
}

type Choices = { count: number; at: (index: number) => string | undefined }

/** The children that a segment means, by the rules of document/path.ts. */
function choices(state: ContractState, parent: string, { name, index }: PathSegment): Choices {
  const siblings = state.children.get(parent)
  if (siblings === undefined) return only(undefined)
  const count = siblings.countNamed(name)
  if (index === undefined) return { count, at: (position) => siblings.namedAt(name, position) }
  const first = siblings.namedAt(name, 0)
  const isSoleList = count === 1 && first !== undefined && element(state, first)?.kind === 'list'
  if (isSoleList && element(state, parent)?.kind !== 'list')
    return only(state.children.get(first)?.at(index - 1))
  return only(siblings.namedAt(name, index - 1))
}

const only = (uid: string | undefined): Choices => ({ count: uid === undefined ? 0 : 1, at: () => uid })

function accessorOf(state: ContractState): TreeAccessor<string> {
  return {
    children: (uid) => childrenOf(state, uid),
    name: (uid) => existing(state, uid).name,
    kind: (uid) => existing(state, uid).kind,
  }
}
