/**
 * One request while it is executed: the state so far, what was touched, and what its rules came to. It lives for that request;
 * what comes out of it depends on nothing but what it is made of.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { Then } from '../../ledger/behaviour.ts'
import type { RuleResult } from '../../ledger/block.ts'
import type { FieldType } from '../../ledger/element.ts'
import type { Opening } from '../../ledger/value.ts'
import { commitmentOf } from '../../ledger/value.ts'
import { type ContractState, withField } from '../elements.ts'
import { isValueOfType } from '../outcome.ts'
import { type ElementRecord, isRuleRecord } from '../record.ts'
import { LockedBelow } from './gate.ts'
import { withRuleRecord } from './governance.ts'
import { GivenJudgement, type Judge } from './judging.ts'
import type { RuleStateRecord } from './records.ts'

/** Openings by their commitment; a Map will do. */
export type OpeningSource = Pick<ReadonlyMap<string, Opening>, 'get'>

/** Whose request it is, and where it is ordered. height, timeMs: of the ledger block. isGenesis: nobody's, all accept it. */
export type RequestContext = {
  id: string
  author: string
  height: number
  timeMs: number
  isGenesis?: true
}

/** See `RuleResult`. */
export type Result = RuleResult

/** Thrown where a rule needs a value that is not held here. The outcome is then taken from the block, or the node stops. */
export class ValueNotHeld extends Error {
  readonly commitment: string

  constructor(commitment: string) {
    super(`a rule reads the value of commitment ${commitment}`)
    this.commitment = commitment
  }
}

/** What rules came to by the entry of a block, taken in the order in which they did: one may be looked at several times. */
export class Taken {
  readonly #results: readonly Result[]
  #next = 0

  constructor(results: readonly Result[]) {
    this.#results = results
  }

  /** @throws ValueNotHeld where the entry says something else next */
  take(rule: string, element: string): Result[2] {
    const next = this.#results[this.#next]
    if (next?.[0] !== rule || next[1] !== element) throw new ValueNotHeld(`${rule} ${element}`)
    this.#next += 1
    return next[2]
  }
}

/** Steps that the rules of one request may take in all; see `Budget`. */
const STEPS_MAX = 20_000_000

export class Work {
  readonly before: ContractState
  readonly context: RequestContext
  /** What all members who could tell came to, where it is not computed here. */
  readonly taken: Taken | undefined
  state: ContractState
  readonly touched = new Set<string>()
  /** Of these, whatever reads them has been told. */
  readonly noted = new Set<string>()
  readonly results: Result[] = []
  /** Of derived values. */
  readonly made = new Map<string, Opening>()
  readonly lockedBelow = new LockedBelow()
  /** Observers that triggers let in. */
  readonly admissions: { rule: string; by: string; action: Extract<Then, { do: 'admit' }> }[] = []
  /** Steps that its rules may still take together. */
  stepsLeft = STEPS_MAX
  /** Private values are being read. */
  isPrivate = false
  /** How often a rule's expression was evaluated. */
  evaluations = 0
  readonly judge: Judge
  readonly #openings: OpeningSource

  constructor(
    state: ContractState,
    context: RequestContext,
    openings: OpeningSource,
    taken?: Taken,
    judge: Judge = new GivenJudgement(),
  ) {
    this.judge = judge
    this.before = state
    this.state = state
    this.context = context
    this.#openings = openings
    this.taken = taken
  }

  /** What a field holds, or what is put forward for it. @throws ValueNotHeld */
  valueOf({ value, readers }: { value: string; readers?: readonly string[] | undefined }): Opening {
    // What not everybody may see is looked at by those who judge it, and by nobody else: nodes would differ.
    if (readers !== undefined && !this.isPrivate)
      throw new CountersignError('invariant-broken', 'a private value was read outside of its judgement')
    return this.#opening(value)
  }

  /** Computes something with private values, on a budget of its own. */
  privately<T>(compute: () => T): T {
    const { stepsLeft } = this
    this.isPrivate = true
    this.stepsLeft = STEPS_MAX
    try {
      return compute()
    } finally {
      this.isPrivate = false
      this.stepsLeft = stepsLeft
    }
  }

  #opening(commitment: string): Opening {
    const opening = this.made.get(commitment) ?? this.#openings.get(commitment)
    if (opening === undefined) throw new ValueNotHeld(commitment)
    return opening
  }

  /** Whether a value that everybody may see is of a type; nobody asks where outcomes are taken. @throws ValueNotHeld */
  isOfType(type: FieldType, commitment: string): boolean {
    if (this.taken !== undefined) return true
    const { value, of } = this.#opening(commitment)
    return of === undefined && isValueOfType(type, value)
  }

  /** Keeps the opening of a derived value, and gives its commitment. */
  make(opening: Opening): string {
    const commitment = commitmentOf(opening)
    this.made.set(commitment, opening)
    return commitment
  }

  /** A rule record in the state; undefined for a UID without one of this kind. */
  record<K extends RuleStateRecord['kind']>(
    uid: string,
    kind: K,
  ): Extract<RuleStateRecord, { kind: K }> | undefined {
    const record = this.state.map.get(uid)
    return isRuleRecord(record) && record.kind === kind
      ? (record as Extract<RuleStateRecord, { kind: K }>)
      : undefined
  }

  /** Puts a rule record in the place of the one that is there; undefined takes it away. */
  put(uid: string, record: RuleStateRecord | undefined): void {
    const { state } = this
    const before = state.map.get(uid)
    const governance = withRuleRecord(
      state.governance,
      uid,
      isRuleRecord(before) ? before : undefined,
      record,
    )
    const map = record === undefined ? state.map.delete(uid) : state.map.set(uid, record)
    this.state = { ...state, map, governance }
    this.touched.add(uid)
  }

  /** Takes a state in which these records are others. */
  move(state: ContractState, touched: Iterable<string>): void {
    this.state = state
    for (const uid of touched) this.touched.add(uid)
  }

  /** An element's record as it is put. */
  setElement(uid: string, record: ElementRecord): void {
    this.state = withField(this.state, uid, record)
    this.touched.add(uid)
  }
}
