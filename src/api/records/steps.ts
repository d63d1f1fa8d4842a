/** What requests did to one element, operation by operation: a ledger block keeps what it was in the end only. */
import { isSameRecord } from '../../contract/record.ts'
import type { ElementRecord } from '../../contract/state.ts'
import type { AnyOperation, ElementOperation, Operation } from '../../ledger/request.ts'
import type { DescribeOperation, MoveOperation, RenameOperation } from '../../ledger/rule-operation.ts'
import type { RequestRecord } from '../../store/store.ts'

/**
 * What happens to an element by one request. set: another value or type; described: its label or help; switched: an activation rule
 * brought or took it; child: an element was to be made below it.
 */
export type Step = 'created' | 'set' | 'renamed' | 'moved' | 'described' | 'switched' | 'deleted' | 'child'

/** One request with the element before and after it; undefined where it was not there. */
type RequestStep = {
  request: RequestRecord
  before: ElementRecord | undefined
  after: ElementRecord | undefined
}

/** What a refused request wanted of an element. version: of a value that it brought. */
export type Attempt = { what: Step[]; type?: string; version?: string; readers?: readonly string[] }

/**
 * What each of several requests of one ledger block did to an element. Where they don't lead from its one record to the other
 * by what they say of it itself (it was deleted with its parent, and made anew), the last one stands for all.
 */
export function stepsOf(
  uid: string,
  before: ElementRecord | undefined,
  requests: readonly RequestRecord[],
  after: ElementRecord | undefined,
): RequestStep[] {
  const steps: RequestStep[] = []
  let here = before
  for (const request of requests) {
    const next = performed(here, request.request.operations, uid)
    steps.push({ request, before: here, after: next })
    here = next
  }
  if (steps.length > 1 && isSameRecord(here, after)) return steps
  const request = requests.at(-1)
  return request === undefined ? [] : [{ request, before, after }]
}

function performed(
  record: ElementRecord | undefined,
  operations: readonly AnyOperation[],
  uid: string,
): ElementRecord | undefined {
  let here = record
  for (const operation of operations) {
    if (!('uid' in operation) || operation.uid !== uid) continue
    if (operation.op === 'delete') here = undefined
    else if (operation.op === 'create') {
      const { op: _, uid: __, ...made } = operation
      here = made
    } else if (here !== undefined) here = changed(here, operation)
  }
  return here
}

function changed(record: ElementRecord, operation: AnyOperation): ElementRecord {
  switch (operation.op) {
    case 'set': {
      const { value: _, readers: __, ...rest } = record
      const { type, value, readers } = operation
      return {
        ...rest,
        type,
        ...(value !== undefined && { value }),
        ...(readers !== undefined && { readers }),
      }
    }
    case 'move':
      return { ...record, parent: operation.parent, order: operation.order }
    case 'rename':
      return { ...record, name: operation.name }
    case 'describe': {
      const { label: _, help: __, ...rest } = record
      const { label, help } = operation
      return { ...rest, ...(label !== undefined && { label }), ...(help !== undefined && { help }) }
    }
    default:
      return record
  }
}

export function whatBetween(before: ElementRecord | undefined, after: ElementRecord | undefined): Step[] {
  if (after === undefined) return ['deleted']
  if (before === undefined) return ['created']
  const what: Step[] = []
  if (before.kind !== after.kind || before.type !== after.type || before.value !== after.value)
    what.push('set')
  if (before.name !== after.name) what.push('renamed')
  if (before.label !== after.label || before.help !== after.help) what.push('described')
  if (before.inactive !== after.inactive) what.push('switched')
  if (before.parent !== after.parent || before.order !== after.order) what.push('moved')
  return what
}

/** The last thing that a request said of an element; undefined if it said nothing. */
export function refusedAttempt(operations: readonly AnyOperation[], uid: string): Attempt | undefined {
  const own = operations.findLast((one): one is OnElement => isOnElement(one) && one.uid === uid)
  if (own === undefined)
    return operations.some((one) => 'parent' in one && one.parent === uid) ? { what: ['child'] } : undefined
  if (own.op === 'delete') return { what: ['deleted'] }
  if (own.op === 'move') return { what: ['moved'] }
  if (own.op === 'rename') return { what: ['renamed'] }
  if (own.op === 'describe') return { what: ['described'] }
  const { type, value, readers } = own
  return {
    what: [own.op === 'create' ? 'created' : 'set'],
    ...(type !== undefined && value !== undefined && { type, version: value }),
    ...(readers !== undefined && { readers }),
  }
}

/** An operation that says something of one element. */
type OnElement = ElementOperation | MoveOperation | RenameOperation | DescribeOperation

const ON_ELEMENTS: ReadonlySet<string> = new Set(['create', 'set', 'delete', 'move', 'rename', 'describe'])

function isOnElement(operation: AnyOperation): operation is OnElement {
  return ON_ELEMENTS.has(operation.op)
}

/**
 * Whether the last of these operations that gives an element a value leaves what the record holds; the root block is made by none.
 * What rules derive, and what members agree to, is made by no such operation.
 */
export function isMadeBy(
  operations: readonly Operation[],
  uid: string,
  { kind, type, value }: ElementRecord,
): boolean {
  const operation = operations.findLast(
    (one): one is ElementOperation =>
      (one.op === 'create' || one.op === 'set' || one.op === 'delete') && one.uid === uid,
  )
  if (operation === undefined) return kind === 'block'
  return operation.op !== 'delete' && operation.type === type && operation.value === value
}
