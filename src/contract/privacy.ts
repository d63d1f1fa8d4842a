/** Values for those alone who may see them: what somebody wants set, made private where rules say so (PROTOCOL VAL-4). */
import type { Operation } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Edit } from './creation.ts'
import {
  type ContractState,
  element,
  isTaken,
  subtreeUids,
  withElement,
  withMoved,
  withoutSubtree,
} from './elements.ts'
import { readersAt } from './rules/gate.ts'
import { lineOf } from './rules/paths.ts'

/**
 * The operations with what the rules of a state, at a time, make of their values: of those that not everybody may see the
 * commitments are of their fields alone, and the operations name who may.
 */
export function withReaders<Op extends Operation>(
  before: ContractState,
  { operations, openings }: Edit<Op>,
  timeMs: number,
): Edit<Op> {
  if (!before.governance.law.hasPrivate) return { operations, openings }
  const byCommitment = new Map(openings.map((opening) => [commitmentOf(opening), opening]))
  const made: Opening[] = []
  let state = before
  const done = operations.map((operation) => {
    state = placed(state, operation)
    if (operation.op !== 'create' && operation.op !== 'set') return operation
    const { uid, value } = operation
    const opening = value === undefined ? undefined : byCommitment.get(value)
    if (opening === undefined || operation.readers !== undefined) return operation
    const readers = readersAt(state, lineOf(state, uid), timeMs)
    if (readers === undefined) {
      made.push(opening)
      return operation
    }
    const own = { ...opening, of: uid }
    made.push(own)
    return { ...operation, value: commitmentOf(own), readers }
  })
  // What an operation brought along that named its readers already.
  for (const opening of openings) if (opening.of !== undefined) made.push(opening)
  return { operations: done, openings: made }
}

/** Where elements are once an operation is done, as far as it could be: what can't, every node will refuse. */
function placed(state: ContractState, operation: Operation): ContractState {
  if (operation.op === 'create') {
    const { uid, parent, name, kind, order, type } = operation
    if (isTaken(state, uid) || state.children.get(parent) === undefined) return state
    return withElement(state, uid, { kind, name, order, parent, ...(type !== undefined && { type }) })
  }
  if (operation.op === 'delete') {
    const uids = subtreeUids(state, operation.uid)
    return uids.length === 0 || operation.uid === state.rootUid ? state : withoutSubtree(state, uids)
  }
  const record = 'uid' in operation ? element(state, operation.uid) : undefined
  if (record === undefined || operation.op === 'set') return state
  // It lies nowhere else.
  if ('uid' in operation && operation.uid === state.rootUid) return state
  if (operation.op === 'rename')
    return withMoved(state, operation.uid, {
      parent: record.parent,
      order: record.order,
      name: operation.name,
    })
  if (operation.op !== 'move' || lineOf(state, operation.parent).includes(operation.uid)) return state
  if (state.children.get(operation.parent) === undefined) return state
  const { parent, order } = operation
  return withMoved(state, operation.uid, { parent, order, name: record.name })
}
