/**
 * Execution (PROTOCOL REQ-4, VAL-3, BLK-2): from a state and requests in order to outcomes, effects and the next state. Every
 * node does exactly this, and signs only where it came to the same roots.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type Effect, type Entry, entriesRoot, type Outcome } from '../ledger/block.ts'
import {
  type AnyRequest,
  commitmentsOf,
  epochOperationOf,
  type Operation,
  type Request,
} from '../ledger/request.ts'
import type { BlockPlace } from '../ledger/turn.ts'
import { type ContractState, stateRoot } from './elements.ts'
import { EPOCH_OUTCOME_CODES, type EpochOutcomeCode } from './epoch-outcome.ts'
import { stepEpoch } from './epoch-step.ts'
import { type OpeningSource, OUTCOME_CODES, type OutcomeCode, step, typeCheck } from './outcome.ts'
import { type ElementChange, isSameRecord, recordHash } from './record.ts'

/** A request with its id. */
export type IdentifiedRequest<R extends AnyRequest = Request> = { id: string; request: R }

/** What one request does. `effects` and `changes` are net, by UID, and empty unless it is accepted. */
export type Applied = {
  outcome: Outcome
  /** Stands with every outcome but accepted. */
  code?: OutcomeCode | EpochOutcomeCode
  effects: Effect[]
  changes: ElementChange[]
  /** The state after it; the very state before it unless it is accepted. */
  state: ContractState
}

/** What the requests of a ledger block do together; `effects[i]` are those of `entries[i]`. */
export type ExecutedBlock = {
  entries: Entry[]
  effects: Effect[][]
  /** Net over the whole block, by UID. */
  changes: ElementChange[]
  state: ContractState
  entriesRoot: string
  stateRoot: string
}

/** The outcome of operations in sequence: the first that isn't accepted decides, and then none has an effect. */
export type Sequence =
  | { code: undefined; state: ContractState; touched: Set<string> }
  | { code: OutcomeCode; position: number }

/** Runs operations in sequence. @throws CountersignError `invariant-broken` if an opening is missing */
export function runOperations(
  state: ContractState,
  operations: readonly Operation[],
  openings: OpeningSource,
  isOfType = typeCheck(openings),
): Sequence {
  for (const commitment of commitmentsOf(operations)) {
    if (openings.get(commitment) === undefined)
      throw new CountersignError(
        'invariant-broken',
        `executed without the opening of commitment ${commitment}`,
      )
  }
  const touched = new Set<string>()
  let after = state
  for (const [position, operation] of operations.entries()) {
    const result = step(after, operation, isOfType)
    if ('code' in result) return { code: result.code, position }
    after = result.state
    for (const uid of result.touched) touched.add(uid)
  }
  return { code: undefined, state: after, touched }
}

/**
 * Applies one request. It has been checked (`checkRequest`), it is for this contract, it has not expired and stands in no
 * block before; each of its openings opens the commitment it stands for (VAL-2).
 * @param at the block's time, which is enough for requests on elements, or its place
 * @param isOfType of the same openings, where other requests have been checked with it
 * @throws CountersignError `invariant-broken` if an opening is missing, or a request on the epoch comes without its place;
 * nothing else, whatever the operations say
 */
export function apply(
  state: ContractState,
  { id, request }: IdentifiedRequest<AnyRequest>,
  openings: OpeningSource,
  at: number | BlockPlace,
  isOfType = typeCheck(openings),
): Applied {
  const operation = epochOperationOf(request)
  if (operation !== undefined) {
    if (typeof at === 'number')
      throw new CountersignError('invariant-broken', 'a request on the epoch was executed without its place')
    const stepped = stepEpoch(state, operation, { id, author: request.author }, at)
    if ('code' in stepped) return refused(state, EPOCH_OUTCOME_CODES[stepped.code], stepped.code)
    return accepted(state, stepped.state, new Set(stepped.touched))
  }
  const result = runOperations(state, request.operations as Operation[], openings, isOfType)
  if (result.code !== undefined) return refused(state, OUTCOME_CODES[result.code], result.code)
  return accepted(state, result.state, result.touched)
}

function refused(state: ContractState, outcome: Outcome, code: Applied['code'] & string): Applied {
  return { outcome, code, effects: [], changes: [], state }
}

function accepted(before: ContractState, state: ContractState, touched: ReadonlySet<string>): Applied {
  const changes = netChanges(before, state, touched)
  const effects = changes.map(([uid, record]): Effect => [uid, record === null ? null : recordHash(record)])
  return { outcome: 'accepted', effects, changes, state }
}

/** What holds every opening, of nothing in particular: for what is executed unopened. */
const UNOPENED: OpeningSource = { get: () => ({ salt: '', value: null }) }

/** Runs operations that were accepted by those who could open their values. */
export function runUnopened(state: ContractState, operations: readonly Operation[]): Sequence {
  return runOperations(state, operations, UNOPENED, () => true)
}

/** Whether every opening that a request needs is there. */
export function isOpened({ operations }: AnyRequest, openings: OpeningSource): boolean {
  return commitmentsOf(operations).every((commitment) => openings.get(commitment) !== undefined)
}

/**
 * As `apply`, of a request whose openings are not all here: what it came to is taken from the ledger block, whose signers could
 * tell; what it does then follows, since effects are over commitments.
 */
function applyUnopened(
  state: ContractState,
  { request }: IdentifiedRequest<AnyRequest>,
  taken: Entry,
): Applied {
  const { outcome, code = '' } = taken
  if (outcome !== 'accepted') return refused(state, outcome, code as OutcomeCode)
  const result = runUnopened(state, request.operations as Operation[])
  if (result.code !== undefined) return refused(state, OUTCOME_CODES[result.code], result.code)
  return accepted(state, result.state, result.touched)
}

/**
 * Applies the requests of a ledger block in order to the state of its parent.
 * @param taken the block's entries, where openings may be missing: then outcomes are taken from them
 * @throws CountersignError as `apply`
 */
export function executeBlock(
  parent: ContractState,
  requests: readonly IdentifiedRequest<AnyRequest>[],
  openings: OpeningSource,
  at: number | BlockPlace,
  taken?: readonly Entry[],
): ExecutedBlock {
  const entries: Entry[] = []
  const effects: Effect[][] = []
  const isOfType = typeCheck(openings)
  const touched = new Set<string>()
  let state = parent
  for (const [index, request] of requests.entries()) {
    const entry = taken?.[index]
    const applied =
      entry === undefined || isOpened(request.request, openings)
        ? apply(state, request, openings, at, isOfType)
        : applyUnopened(state, request, entry)
    const { outcome, code } = applied
    entries.push({ kind: 'request', request: request.id, outcome, ...(code !== undefined && { code }) })
    effects.push(applied.effects)
    for (const [uid] of applied.changes) touched.add(uid)
    state = applied.state
  }
  return {
    entries,
    effects,
    changes: netChanges(parent, state, touched),
    state,
    entriesRoot: entriesRoot(entries, effects),
    stateRoot: stateRoot(state),
  }
}

/** What is different between two states among the records touched on the way, by UID. */
export function netChanges(
  before: ContractState,
  after: ContractState,
  touched: ReadonlySet<string>,
): ElementChange[] {
  const changes: ElementChange[] = []
  for (const uid of [...touched].sort()) {
    const record = after.map.get(uid)
    if (!isSameRecord(before.map.get(uid), record)) changes.push([uid, record ?? null])
  }
  return changes
}
