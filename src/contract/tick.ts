/**
 * What a state does by itself when time passes, and the TICK that has it happen (PROTOCOL EPO-14, RUL-8): no member waits for somebody to
 * write. The clocks that decide are those of the block's proposer and its voters, as for every block's time.
 */
import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { type Effect, entriesRoot, type RuleResult } from '../ledger/block.ts'
import type { TickEntry } from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'
import { type BlockMoment, netChanges, untold } from './apply.ts'
import { type ContractState, stateRoot, withEpoch } from './elements.ts'
import { isLapsed } from './epoch.ts'
import { withChanges } from './epoch-step.ts'
import type { OpeningSource } from './outcome.ts'
import { type ElementChange, isRuleRecord, recordHash } from './record.ts'
import { admit } from './rules/admit.ts'
import { Agenda } from './rules/agenda.ts'
import { followUp } from './rules/consequences.ts'
import { isOn } from './rules/gate.ts'
import { NotJudged, Refused } from './rules/judging.ts'
import type { LawRule } from './rules/law.ts'
import { fire } from './rules/triggers.ts'
import { Taken, ValueNotHeld, Work } from './rules/work.ts'

/** A TICK's ledger block, executed; see `ExecutedBlock`. */
export type ExecutedTick = {
  entries: [TickEntry]
  effects: Effect[][]
  changes: ElementChange[]
  openings: Opening[]
  state: ContractState
  entriesRoot: string
  stateRoot: string
}

/** The first block time, in ms since 1970, at which the state changes by itself; undefined where it never does. */
export function dueMs(state: Pick<ContractState, 'epoch' | 'governance' | 'map'>): number | undefined {
  let due: number | undefined
  for (const change of state.epoch.changes ?? [])
    if ('expiresMs' in change) due = Math.min(due ?? Number.POSITIVE_INFINITY, change.expiresMs + 1)
  for (const { uid } of state.governance.law.dated) {
    const record = state.map.get(uid)
    if (isRuleRecord(record) && record.kind === 'rule' && record.dueMs !== undefined)
      due = Math.min(due ?? Number.POSITIVE_INFINITY, record.dueMs)
  }
  return due
}

/**
 * Executes a ledger block that is a TICK: changes that have lapsed leave the record, and triggers whose date has come fire.
 * @param openings of all current values that a rule may read
 * @param taken what the block says that rules came to, where a value is not held
 * @throws CountersignError `conflict` where nothing is due at this time; `invariant-broken` as `executeBlock`
 */
export function executeTick(
  state: ContractState,
  at: Pick<BlockMoment, 'height' | 'timeMs'>,
  openings: OpeningSource,
  taken?: readonly RuleResult[],
): ExecutedTick {
  const { timeMs } = at
  const due = dueMs(state)
  if (due === undefined || due > timeMs)
    throw new CountersignError('conflict', 'the TICK comes before anything is due')
  const lapsed = withoutLapsed(state, timeMs)
  const done = firedOrTaken(lapsed, at, openings, taken)
  const touched = new Set([...done.touched, state.epochUid])
  const changes = netChanges(state, done.state, touched)
  const entries: [TickEntry] = [{ kind: 'tick', ...(done.results.length > 0 && { results: done.results }) }]
  const effects: Effect[][] = [
    changes.map(([uid, record]): Effect => [uid, record === null ? null : recordHash(record)]),
  ]
  return {
    entries,
    effects,
    changes,
    openings: done.openings,
    state: done.state,
    entriesRoot: entriesRoot(entries, effects),
    stateRoot: stateRoot(done.state),
  }
}

function withoutLapsed(state: ContractState, timeMs: number): ContractState {
  const changes = state.epoch.changes ?? []
  const open = changes.filter((change) => !isLapsed(change, timeMs))
  return open.length === changes.length ? state : withEpoch(state, withChanges(state.epoch, open))
}

type Fired = { state: ContractState; touched: Set<string>; results: RuleResult[]; openings: Opening[] }

function firedOrTaken(
  state: ContractState,
  at: Pick<BlockMoment, 'height' | 'timeMs'>,
  openings: OpeningSource,
  taken: readonly RuleResult[] | undefined,
): Fired {
  try {
    return fireDue(state, at, openings)
  } catch (error) {
    if (!(error instanceof ValueNotHeld)) throw error
    if (taken === undefined)
      throw new CountersignError('invariant-broken', `${error.message}, which is not held here`)
    return untold(() => fireDue(state, at, openings, new Taken(taken)))
  }
}

/** Each trigger whose date has come. What rules refuse is not done, and the trigger says so. */
function fireDue(
  state: ContractState,
  { height, timeMs }: Pick<BlockMoment, 'height' | 'timeMs'>,
  openings: OpeningSource,
  taken?: Taken,
): Fired {
  const fired: Fired = { state, touched: new Set(), results: [], openings: [] }
  const context = { id: hashOf('tick', `${state.contract}${height}`), author: '', height, timeMs }
  for (const rule of state.governance.law.dated) {
    if (!isRuleDue(fired.state, rule, timeMs)) continue
    const made = new Map(fired.openings.map((opening) => [opening, opening]))
    const work = new Work(fired.state, context, openings, taken)
    const done = carriesOut(work, rule) ? work : failed(fired.state, context, openings, rule)
    fired.results.push([rule.uid, rule.rule.at, done === work])
    fired.state = done.state
    for (const uid of done.touched) fired.touched.add(uid)
    fired.results.push(...done.results)
    fired.openings = [...made.keys(), ...done.made.values()]
  }
  return fired
}

/** Whether rules let a trigger do what it is for. */
function carriesOut(work: Work, rule: LawRule): boolean {
  if (work.taken?.take(rule.uid, rule.rule.at) === false) return false
  const agenda = new Agenda()
  try {
    fire(work, agenda, rule)
    if (followUp(work, agenda) !== undefined) return false
  } catch (error) {
    // Nobody asks anybody what private values come to: what would have to be judged is not done.
    if (error instanceof Refused || error instanceof NotJudged) return false
    throw error
  }
  admit(work)
  return true
}

function failed(
  state: ContractState,
  context: Work['context'],
  openings: OpeningSource,
  { uid }: LawRule,
): Work {
  const work = new Work(state, context, openings)
  const record = work.record(uid, 'rule')
  if (record === undefined) return work
  const { dueMs: _, ...rest } = record
  work.put(uid, { ...rest, fired: true, failed: true })
  return work
}

function isRuleDue(state: ContractState, rule: LawRule, timeMs: number): boolean {
  const record = state.map.get(rule.uid)
  if (!isRuleRecord(record) || record.kind !== 'rule' || record.dueMs === undefined) return false
  return record.dueMs <= timeMs && record.fired !== true && isOn(state, rule)
}
