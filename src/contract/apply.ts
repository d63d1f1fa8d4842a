/**
 * Execution (PROTOCOL REQ-4, VAL-3, BLK-2): from a state and requests in order to outcomes, effects and the next state. Every
 * node does exactly this, and signs only where it came to the same roots.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type Effect, type Entry, entriesRoot, type Outcome } from '../ledger/block.ts'
import { type JudgedBy, judgementVerifies } from '../ledger/judgement.ts'
import {
  type AnyRequest,
  commitmentsOf,
  epochOperationOf,
  type Operation,
  type Request,
  readersIn,
} from '../ledger/request.ts'
import type { BlockPlace } from '../ledger/turn.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import { type ContractState, stateRoot } from './elements.ts'
import { type EpochState, electorateAt } from './epoch.ts'
import { EPOCH_OUTCOME_CODES, type EpochOutcomeCode } from './epoch-outcome.ts'
import { stepEpoch } from './epoch-step.ts'
import { type OpeningSource, type OutcomeCode, outcomeOf, type TypeCheck, typeCheck } from './outcome.ts'
import { type ElementChange, isSameRecord, recordHash } from './record.ts'
import { admit } from './rules/admit.ts'
import { Agenda } from './rules/agenda.ts'
import { followUp } from './rules/consequences.ts'
import { publishGenesis } from './rules/drafts.ts'
import { isUngoverned } from './rules/element-gates.ts'
import { GivenJudgement, type Judge, membersAmong, NotJudged, Refused } from './rules/judging.ts'
import { type Refusal, runOperation } from './rules/operations.ts'
import { type RequestContext, type Result, Taken, ValueNotHeld, Work } from './rules/work.ts'

/** A request with its id. */
export type IdentifiedRequest<R extends AnyRequest = Request> = { id: string; request: R }

/** A request with what its judges say of it. */
export type JudgedRequest = IdentifiedRequest<AnyRequest> & { judgement?: readonly JudgedBy[] }

/** Where requests are ordered: height and time of the ledger block; its whole place where one of them is on the epoch. */
export type BlockMoment = BlockPlace | Pick<BlockPlace, 'height' | 'timeMs'>

/** What one request does. `effects` and `changes` are net, by UID, and empty unless it is accepted. */
export type Applied = {
  outcome: Outcome
  /** Stands with every outcome but accepted. */
  code?: OutcomeCode | EpochOutcomeCode
  /** UID of the rule, draft, proposal or lock that stands against it, and of the element, where there is one. */
  rule?: string
  element?: string
  /** What rules came to, where something follows from it. */
  results: Result[]
  effects: Effect[]
  changes: ElementChange[]
  /** Of values that rules derived. */
  openings: Opening[]
  /** The state after it; the very state before it unless it is accepted. */
  state: ContractState
}

/** What the requests of a ledger block do together; `effects[i]` are those of `entries[i]`. */
export type ExecutedBlock = {
  entries: Entry[]
  effects: Effect[][]
  /** Net over the whole block, by UID. */
  changes: ElementChange[]
  /** Of values that rules derived in it. */
  openings: Opening[]
  /** Of how many requests the outcome was taken from the block, since a value is not held here. */
  taken: number
  state: ContractState
  entriesRoot: string
  stateRoot: string
}

/**
 * The outcome of operations in sequence: the first that isn't accepted decides, and then none has an effect. openings: of what was
 * computed until then; what comes of a refused request is held against them too.
 */
export type Sequence =
  | {
      code: undefined
      state: ContractState
      touched: Set<string>
      results: Result[]
      openings: Opening[]
      evaluations: number
    }
  | (Refusal & { position: number; openings: Opening[] })

/**
 * Runs operations in sequence, then what follows from them by the rules in force.
 * @param taken what rules came to, where it is not computed here
 * @throws CountersignError `invariant-broken` if an opening of theirs is missing; ValueNotHeld if one is that a rule needs
 */
export function runOperations(
  state: ContractState,
  operations: readonly Operation[],
  openings: OpeningSource,
  context: RequestContext,
  isOfType = typeCheck(openings),
  taken?: readonly Result[],
  judge: Judge = new GivenJudgement(),
): Sequence {
  // No private value is ordered that a reader doesn't hold.
  const unsigned = judge.lacking(membersAmong(state, readersIn(operations)))
  if (unsigned.length > 0) throw new NotJudged(unsigned)
  for (const commitment of commitmentsOf(operations)) {
    if (openings.get(commitment) === undefined)
      throw new CountersignError(
        'invariant-broken',
        `executed without the opening of commitment ${commitment}`,
      )
  }
  const work = new Work(state, context, openings, taken && new Taken(taken), judge)
  const refused = carryOut(work, operations, isOfType)
  const made = [...work.made.values()]
  if (refused) return { ...refused, openings: made }
  admit(work)
  undoSettlement(work)
  const { touched, results, evaluations } = work
  return { code: undefined, state: work.state, touched, results, openings: made, evaluations }
}

/** Does the operations and what follows from them; the first thing that stands against it ends it. */
function carryOut(
  work: Work,
  operations: readonly Operation[],
  isOfType: TypeCheck,
): (Refusal & { position: number }) | undefined {
  const { context, judge, taken } = work
  const agenda = new Agenda()
  let position = 0
  try {
    for (const operation of operations) {
      const refused = runOperation(work, agenda, operation, position, isOfType)
      if (refused) return { ...refused, position }
      position += 1
    }
    const refused =
      // Whoever accepts a genesis says yes to what it drafts.
      (context.isGenesis ? publishGenesis(work, agenda) : undefined) ??
      (isUngoverned(work.state) ? undefined : followUp(work, agenda))
    if (refused) return { ...refused, position }
  } catch (error) {
    if (error instanceof Refused) return { ...error.refusal, position }
    if (error instanceof NotJudged) error.openings = [...work.made.values()]
    throw error
  }
  return taken === undefined && judge.hasMore ? { code: 'judgement-outdated', position } : undefined
}

/** What members have confirmed is no more what is there. */
function undoSettlement(work: Work): void {
  const { settlementUid, governance } = work.state
  if (governance.settlement === undefined) return
  if ([...work.touched].some((uid) => uid !== settlementUid)) work.put(settlementUid, undefined)
}

/**
 * Applies one request. It has been checked (`checkRequest`), it is for this contract, it has not expired and stands in no
 * block before; each of its openings opens the commitment it stands for (VAL-2).
 * @param openings of its own values, and of all current ones that a rule may read
 * @param isOfType of the same openings, where other requests have been checked with it
 * @param judge what is said of private values; by nobody, if left out
 * @throws CountersignError `invariant-broken` if an opening of its own is missing, `not-judged` if the judgement of one who has to
 * judge is; ValueNotHeld if a value is that a rule needs; nothing else, whatever the operations say
 */
export function apply(
  state: ContractState,
  { id, request }: IdentifiedRequest<AnyRequest>,
  openings: OpeningSource,
  at: BlockMoment,
  isOfType = typeCheck(openings),
  judge: Judge = new GivenJudgement(),
): Applied {
  const operation = epochOperationOf(request)
  const { author } = request
  if (operation !== undefined) {
    if (!('holds' in at))
      throw new CountersignError('invariant-broken', 'a request on the epoch was executed without its place')
    const stepped = stepEpoch(state, operation, { id, author }, at)
    if ('code' in stepped) return refused(state, EPOCH_OUTCOME_CODES[stepped.code], stepped)
    return accepted(state, {
      state: stepped.state,
      touched: new Set(stepped.touched),
      results: [],
      openings: [],
    })
  }
  const context = { id, author, height: at.height, timeMs: at.timeMs }
  const operations = request.operations as Operation[]
  const result = runOperations(state, operations, openings, context, isOfType, undefined, judge)
  if (result.code !== undefined) return refused(state, outcomeOf(result.code), result)
  return accepted(state, result)
}

function refused(
  state: ContractState,
  outcome: Outcome,
  { code, rule, element }: { code: Applied['code'] & string; rule?: string; element?: string },
): Applied {
  const about = { ...(rule !== undefined && { rule }), ...(element !== undefined && { element }) }
  return { outcome, code, ...about, results: [], effects: [], changes: [], openings: [], state }
}

function accepted(
  before: ContractState,
  {
    state,
    touched,
    results,
    openings,
  }: Pick<Sequence & { code: undefined }, 'state' | 'touched' | 'results' | 'openings'>,
): Applied {
  const changes = netChanges(before, state, touched)
  const effects = changes.map(([uid, record]): Effect => [uid, record === null ? null : recordHash(record)])
  return { outcome: 'accepted', results, effects, changes, openings, state }
}

/** What holds every opening, of nothing in particular: for what is executed unopened. */
const UNOPENED: OpeningSource = { get: () => ({ salt: '', value: null }) }

/** Runs operations that were accepted by those who could open their values, and who say what rules came to. */
export function runUnopened(
  state: ContractState,
  operations: readonly Operation[],
  context: RequestContext,
  taken: readonly Result[],
  judge: Judge = new GivenJudgement(),
): Sequence {
  return runOperations(state, operations, UNOPENED, context, () => true, taken, judge)
}

/** Whether every opening that a request needs is there. */
export function isOpened({ operations }: AnyRequest, openings: OpeningSource): boolean {
  return commitmentsOf(operations).every((commitment) => openings.get(commitment) !== undefined)
}

/**
 * As `apply`, of a request whose openings, or those of what rules read, are not all here: what it came to is taken from the ledger
 * block, whose signers could tell; what it does then follows, since effects are over commitments.
 */
function applyUnopened(
  state: ContractState,
  { id, request }: IdentifiedRequest<AnyRequest>,
  at: BlockMoment,
  { outcome, code = '', rule, element, results = [] }: Entry,
  judge: Judge,
): Applied {
  const about = { ...(rule !== undefined && { rule }), ...(element !== undefined && { element }) }
  if (outcome !== 'accepted') return refused(state, outcome, { code: code as OutcomeCode, ...about })
  const context = { id, author: request.author, height: at.height, timeMs: at.timeMs }
  const result = untold(() => runUnopened(state, request.operations as Operation[], context, results, judge))
  if (result.code !== undefined) return refused(state, outcomeOf(result.code), result)
  return accepted(state, result)
}

/** @throws CountersignError `invariant-broken` where a block does not say what it should of what rules came to */
export function untold<T>(execute: () => T): T {
  try {
    return execute()
  } catch (error) {
    if (!(error instanceof ValueNotHeld)) throw error
    throw new CountersignError(
      'invariant-broken',
      `${error.message}: the block does not say what comes of it`,
    )
  }
}

/**
 * Applies the requests of a ledger block in order to the state of its parent.
 * @param openings of the requests' values, and of all current ones that a rule may read
 * @param taken the block's entries: what can't be computed here, since a value is not held, is taken from them
 * @param onUnjudged told of a request whose judgement is not complete, which is then left out; if left out, that is thrown
 * @param judgeOf makes what answers of a judgement: an auditor's looks at the answers too
 * @throws CountersignError as `apply`; `invariant-broken` if a value that a rule needs is not held and nothing is to be taken;
 * `bad-signature` for a judgement that is not its party's
 */
export function executeBlock(
  parent: ContractState,
  requests: readonly JudgedRequest[],
  openings: OpeningSource,
  at: BlockMoment,
  taken?: readonly Entry[],
  onUnjudged?: (id: string, judges: readonly string[]) => void,
  judgeOf: (given: readonly JudgedBy[], id: string) => Judge = (given) => new GivenJudgement(given),
): ExecutedBlock {
  const entries: Entry[] = []
  const effects: Effect[][] = []
  const derived = new Map<string, Opening>()
  const source: OpeningSource = { get: (commitment) => derived.get(commitment) ?? openings.get(commitment) }
  const isOfType = typeCheck(openings)
  const touched = new Set<string>()
  let takenCount = 0
  let state = parent
  for (const [index, request] of requests.entries()) {
    const judgement = taken === undefined ? request.judgement : taken[index]?.judgement
    const given = judgementAtHand(parent, request, judgement, at)
    let applied: ReturnType<typeof applyOrTake>
    try {
      applied = applyOrTake(state, request, source, at, isOfType, taken?.[index], judgeOf(given, request.id))
    } catch (error) {
      if (!(error instanceof NotJudged) || onUnjudged === undefined) throw error
      onUnjudged(request.id, error.judges)
      continue
    }
    if (applied.isTaken) takenCount += 1
    const { outcome, code, rule, element, results } = applied
    entries.push({
      kind: 'request',
      request: request.id,
      outcome,
      ...(code !== undefined && { code }),
      ...(rule !== undefined && { rule }),
      ...(element !== undefined && { element }),
      ...(results.length > 0 && { results }),
      ...(given.length > 0 && { judgement: given }),
    })
    effects.push(applied.effects)
    for (const [uid] of applied.changes) touched.add(uid)
    for (const opening of applied.openings) derived.set(commitmentOf(opening), opening)
    state = applied.state
  }
  return {
    entries,
    effects,
    changes: netChanges(parent, state, touched),
    openings: [...derived.values()],
    taken: takenCount,
    state,
    entriesRoot: entriesRoot(entries, effects),
    stateRoot: stateRoot(state),
  }
}

function applyOrTake(
  state: ContractState,
  request: IdentifiedRequest<AnyRequest>,
  openings: OpeningSource,
  at: BlockMoment,
  isOfType: TypeCheck,
  entry: Entry | undefined,
  judge: Judge,
): Applied & { isTaken?: true } {
  if (entry !== undefined && !isOpened(request.request, openings))
    return { ...applyUnopened(state, request, at, entry, judge), isTaken: true }
  try {
    return apply(state, request, openings, at, isOfType, judge)
  } catch (error) {
    if (!(error instanceof ValueNotHeld)) throw error
    if (entry !== undefined) return { ...applyUnopened(state, request, at, entry, judge), isTaken: true }
    throw new CountersignError('invariant-broken', `${error.message}, which is not held here`)
  }
}

/**
 * The judgement of a request, as far as it is signed in this epoch; it says the same of every state of it.
 * @throws CountersignError `bad-signature`, `unknown-party`: who judges is a member
 */
function judgementAtHand(
  state: ContractState,
  { id }: JudgedRequest,
  judgement: readonly JudgedBy[] | undefined,
  at: BlockMoment,
): JudgedBy[] {
  if (judgement === undefined) return []
  const lineage = 'lineage' in at ? at.lineage : 0
  checkJudgements(state, { lineage, request: id }, judgement)
  return [...judgement]
}

/** @throws CountersignError as `judgementAtHand` */
export function checkJudgements(
  state: EpochState,
  { lineage, request }: { lineage: number; request: string },
  judgement: readonly JudgedBy[],
): void {
  const { contract, epoch } = state
  const { voteKeys } = electorateAt(state, lineage)
  const place = { contract, lineage, epoch: epoch.epoch, request }
  for (const judged of judgement) {
    const voteKey = voteKeys.get(judged.party)
    if (voteKey === undefined)
      throw new CountersignError('unknown-party', `${judged.party} is no member and judges nothing`)
    if (!judgementVerifies(voteKey, place, judged))
      throw new CountersignError('bad-signature', `the judgement of ${judged.party} is not signed by it`)
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
