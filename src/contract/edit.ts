/**
 * From what somebody wants changed to the operations of a request, with the openings of the values in them. Nothing is
 * applied here; randomness is passed in, for UIDs and salts. Where the wish is fulfilled already there are no operations,
 * and nothing to ask for: a request has at least one.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type DocumentNode, TEXT } from '../document/tree.ts'
import type { CreateOperation, FieldType, Operation } from '../ledger/request.ts'
import type { MoveOperation } from '../ledger/rule-operation.ts'
import type { Opening, Value } from '../ledger/value.ts'
import { addChildren, addCreations, committed, type Edit } from './creation.ts'
import { type ContractState, seenOf } from './elements.ts'
import { orderBetween } from './order.ts'
import { isValueOfType, type OpeningSource } from './outcome.ts'
import { type Place, placesBetween, type Random } from './place.ts'
import { type ElementRecord, versionOf } from './record.ts'
import type { Siblings } from './siblings.ts'
import { existing } from './view.ts'

export type { Edit } from './creation.ts'
export type { Random } from './place.ts'
export { mergeOperations, type ReplaceOptions, replaceOperations } from './reconcile.ts'

/**
 * What creates the children of a tree's root below a block that has none yet: the root of a contract, or GENESIS_ROOT.
 * Parents come before their children, and order keys of siblings have one length. The count may be over what one request
 * takes (REQ-2).
 * @throws CountersignError `too-large` past DEPTH_MAX, `bad-name`, `bad-value`
 */
export function importOperations(
  tree: DocumentNode,
  parentUid: string,
  random: Random,
): Edit<CreateOperation> {
  const edit: Edit<CreateOperation> = { operations: [], openings: [] }
  addChildren(edit, tree.kind === 'field' ? [tree] : tree.children, parentUid, 0, random)
  return edit
}

/** Siblings, by UID, that a new element is to stand between; at the end if neither is given. */
export type CreatePlace = { before?: string; after?: string }

/**
 * What creates a node, under another name than its own if so wished, in a block or list.
 * @throws CountersignError `not-found` if the parent is gone, `bad-request` if it is a field or `before` and `after` are not
 * such children of it, `order-exhausted`, `too-large` past DEPTH_MAX, `bad-name`, `bad-value`
 */
export function createOperations(
  state: ContractState,
  parentUid: string,
  name: string,
  node: DocumentNode,
  random: Random,
  { before, after }: CreatePlace = {},
): Edit<CreateOperation> {
  const { siblings, left, right } = gapAt(state, parentUid, { before, after })
  const place = placesBetween(left, right, 1, random)?.[0]
  if (place === undefined)
    throw new CountersignError(
      'order-exhausted',
      `No place is left next to the element ${(left ?? right)?.uid}.`,
    )
  const edit: Edit<CreateOperation> = { operations: [], openings: [] }
  addCreations(edit, { ...node, name }, parentUid, place, siblings.depth + 1, random)
  return edit
}

/** The neighbours of what is to stand in a block or list. @throws as `createOperations` */
function gapAt(
  state: ContractState,
  parentUid: string,
  { before, after }: CreatePlace,
): { siblings: Siblings; left: Place | undefined; right: Place | undefined } {
  existing(state, parentUid)
  const siblings = state.children.get(parentUid)
  if (siblings === undefined)
    throw new CountersignError('bad-request', 'A field holds nothing below it; name a block or list.')
  let start = siblings.size
  if (before !== undefined) start = positionOf(state, siblings, parentUid, before)
  if (after !== undefined) start = positionOf(state, siblings, parentUid, after) + 1
  if (before !== undefined && start > positionOf(state, siblings, parentUid, before))
    throw new CountersignError(
      'bad-request',
      'The element to stand after comes behind the one to stand before.',
    )
  const left = placeOf(state, siblings.at(start - 1))
  const right = placeOf(state, siblings.at(start))
  return { siblings, left, right }
}

/**
 * What moves an element, with all below it, to a place in a block or list.
 * @throws CountersignError `not-found` if one of them is gone, `bad-request` if the parent is a field, or lies in the element, or
 * `before` and `after` are not such children of it, `order-exhausted`
 */
export function moveOperation(
  state: ContractState,
  uid: string,
  parentUid: string,
  place: CreatePlace = {},
): MoveOperation {
  const { parent: from } = existing(state, uid)
  for (let above = parentUid; above !== state.rootUid; above = existing(state, above).parent)
    if (above === uid)
      throw new CountersignError('bad-request', 'Nothing lies in itself: name another block.')
  const { left, right } = gapAt(state, parentUid, place)
  return { op: 'move', uid, from, parent: parentUid, order: orderBetween(left?.order, right?.order) }
}

function placeOf(state: ContractState, uid: string | undefined): Place | undefined {
  return uid === undefined ? undefined : { uid, order: existing(state, uid).order }
}

function positionOf(state: ContractState, siblings: Siblings, parentUid: string, uid: string): number {
  const { parent, name, order } = existing(state, uid)
  if (parent !== parentUid)
    throw new CountersignError('bad-request', `The element ${uid} is no child of the one to create in.`)
  return siblings.indexOf({ uid, name, order })
}

/**
 * What sets one field; where a block is meant that holds its text beside attributes, the text.
 * @param type undefined: the field keeps its type, but a field that was null takes the value's
 * @param value null with another type than null: the field is emptied
 * @param _openings of no use here; stands so that all edits are called alike
 * @param seen the commitment that the author saw; what the state holds if left out
 * @throws CountersignError `not-found`, `bad-request` for a block or list, `bad-value`
 */
export function setOperations(
  state: ContractState,
  _openings: OpeningSource,
  uid: string,
  type: FieldType | undefined,
  value: Value,
  random: Random,
  seen?: string,
): Edit {
  const target = textOf(state, uid)
  const record = existing(state, target)
  if (record.kind !== 'field')
    throw new CountersignError(
      'bad-request',
      `The element ${uid} is a ${record.kind}; name a field below it.`,
    )
  const chosen = type ?? typeFor(record, value)
  const openings: Opening[] = []
  const operation: Operation = {
    op: 'set',
    uid: target,
    seen: seen ?? versionOf(record),
    type: chosen,
    ...committed(chosen, value, random, openings),
  }
  return { operations: [operation], openings }
}

/** The only `#text` of a block, otherwise the element itself. */
function textOf(state: ContractState, uid: string): string {
  const siblings = state.children.get(uid)
  return (siblings?.countNamed(TEXT) === 1 && siblings.namedAt(TEXT, 0)) || uid
}

function typeFor({ type }: ElementRecord, value: Value): FieldType {
  if (value === null) return type ?? 'null'
  if (type === undefined || (type === 'null' && !isValueOfType(type, value)))
    return typeof value === 'boolean' ? 'boolean' : 'text'
  return type
}

/**
 * What deletes an element and all below it, as it is now.
 * @throws CountersignError `not-found`, `bad-request` for the root block
 */
export function deleteOperations(state: ContractState, uid: string): Edit {
  existing(state, uid)
  if (uid === state.rootUid)
    throw new CountersignError('bad-request', 'The root of a contract stays; delete what lies below it.')
  return { operations: [{ op: 'delete', uid, seen: seenOf(state, uid) as string }], openings: [] }
}
