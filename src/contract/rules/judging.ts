/**
 * What rules make of private values (PROTOCOL JUD-2): those who can see them answer, everybody else takes their answer. Whether
 * something is asked of them, and of whom, follows from the state alone, so that every node comes to the same.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { FieldType } from '../../ledger/element.ts'
import { inputsHash, type JudgedBy, type JudgedItem, type JudgedResult } from '../../ledger/judgement.ts'
import type { Opening } from '../../ledger/value.ts'
import { type ContractState, element } from '../elements.ts'
import { recordHash } from '../record.ts'
import type { Refusal } from './gate.ts'

/** Thrown where a request can't be executed yet: these parties have not signed what they judge of it. */
export class NotJudged extends CountersignError {
  readonly judges: readonly string[]
  /** Of what was computed until then. */
  openings: Opening[] = []

  constructor(judges: readonly string[]) {
    super('not-judged', `the request lacks the judgement of ${judges.join(', ')}`)
    this.judges = judges
  }
}

/** Thrown where a request is not accepted because of what is, or is not, in its judgement. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.code)
    this.refusal = refusal
  }
}

/** What is read by a rule of which not everybody may see all. readers: who may; judges: those of them that are members. */
export type Judged = { inputs: string; readers: readonly string[]; judges: readonly string[] }
/** rule, element: as in JudgedItem. */
export type Question = Pick<Judged, 'inputs' | 'judges'> & {
  rule: string
  element: string
  asks: AnswerKind
}

/** What an answer is, where it is not nothing: a commitment, a time in ms, or whether something is so. */
export type AnswerKind = 'commitment' | 'time' | 'truth'

const COMMITMENT = /^[0-9a-f]{64}$/
const TIME = /^(0|[1-9][0-9]{0,14})$/
/** The last moment of the year 9999. */
const TIME_MAX_MS = 253402300799999

/** Whether something can be an answer at all: what else somebody says would stand in a record that nobody can read. */
export function isAnswer(result: JudgedResult, asks: AnswerKind): boolean {
  if (result === null || asks === 'truth') return result === null || typeof result === 'boolean'
  if (typeof result !== 'string') return false
  return asks === 'time' ? TIME.test(result) && Number(result) <= TIME_MAX_MS : COMMITMENT.test(result)
}

/** Where the answers come from. */
export type Judge = {
  /**
   * @param otherwise what to go on with where nobody has answered yet: if it is another, nothing follows
   * @throws NotJudged, Refused; ValueNotHeld where it is to be computed here and can't be
   */
  answer(question: Question, compute: () => JudgedResult, otherwise?: JudgedResult): JudgedResult
  /** Whether everybody gets the opening of what came out: its reader says so, or is asked to. */
  reveals(commitment: string): boolean
  /** Whether every one of these parties has signed. */
  lacking(judges: Iterable<string>): string[]
  /** Whether somebody who is asked has answered something else, too. */
  readonly hasMore: boolean
}

/** What some values that a rule reads make of it; undefined where everybody may see them all. more: what its result goes by beside. */
export function judgedOf(
  state: ContractState,
  read: () => Iterable<string>,
  more: readonly (readonly [uid: string, what: string])[] = [],
): Judged | undefined {
  if (state.privateCount === 0) return undefined
  const uids = [...new Set(read())].sort()
  const readers = commonReaders(state, uids)
  if (readers === undefined) return undefined
  const records = uids.flatMap((uid): [string, string][] => {
    const record = element(state, uid)
    return record === undefined ? [] : [[uid, recordHash(record)]]
  })
  return { inputs: inputsHash([...records, ...more]), readers, judges: membersAmong(state, readers) }
}

/** Likewise of a private value that is put forward for a field. */
export function judgedValue(
  state: ContractState,
  {
    uid,
    type = 'null',
    value,
    readers,
  }: { uid: string; type?: FieldType; value?: string; readers?: readonly string[] },
): Judged | undefined {
  if (value === undefined || readers === undefined) return undefined
  // What holds of it as one type does not hold of it as another.
  const inputs = inputsHash([
    [uid, value],
    [uid, type],
  ])
  return { inputs, readers, judges: membersAmong(state, readers) }
}

/** Who may see all of these elements' values; undefined where everybody may. */
function commonReaders(state: ContractState, uids: readonly string[]): string[] | undefined {
  let common: string[] | undefined
  for (const uid of uids) {
    const { readers } = element(state, uid) ?? {}
    if (readers === undefined) continue
    common = common === undefined ? [...readers] : common.filter((party) => readers.includes(party))
  }
  return common
}

export function membersAmong({ epoch }: ContractState, parties: Iterable<string>): string[] {
  const members = new Set(epoch.members)
  return [...parties].filter((party) => members.has(party)).sort()
}

/** A judgement as it stands in an entry, or as it was gathered. */
export class GivenJudgement implements Judge {
  readonly #by = new Map<string, { items: Map<string, JudgedResult>; unused: Set<string> }>()
  readonly #reveals = new Set<string>()
  /** Who has to have signed; what anybody else has said is not looked at, so that nobody stands against others' requests by it. */
  readonly #asked = new Set<string>()

  /** Their signatures have been checked. */
  constructor(given: readonly Omit<JudgedBy, 'signature'>[] = []) {
    for (const { party, items, reveals = [] } of given) {
      const found = new Map(items.map((item) => [keyOf(item), item[3]]))
      this.#by.set(party, { items: found, unused: new Set(found.keys()) })
      for (const commitment of reveals) this.#reveals.add(commitment)
    }
  }

  answer(question: Question): JudgedResult {
    const { judges, rule, element: uid } = question
    if (judges.length === 0) throw new Refused({ code: 'no-judge', rule, element: uid })
    const lacking = this.lacking(judges)
    if (lacking.length > 0) throw new NotJudged(lacking)
    const key = keyOf([rule, uid, question.inputs])
    const answers = judges.map((party) => {
      const by = this.#by.get(party)
      by?.unused.delete(key)
      return by?.items.get(key)
    })
    const [first] = answers
    // What was judged of other values than these, or not at all, does not hold of these.
    if (first === undefined || answers.includes(undefined))
      throw new Refused({ code: 'judgement-outdated', rule, element: uid })
    if (!isAnswer(first, question.asks)) throw new Refused({ code: 'judgement-outdated', rule, element: uid })
    if (answers.some((one) => one !== first))
      throw new Refused({ code: 'judges-disagree', rule, element: uid })
    return first
  }

  /** What those who have answered so far say, if they say the same; undefined where nobody has. */
  answeredBySome({ judges, rule, element: uid, inputs, asks }: Question): JudgedResult | undefined {
    if (judges.length === 0) throw new Refused({ code: 'no-judge', rule, element: uid })
    const key = keyOf([rule, uid, inputs])
    const said = judges.flatMap((party): JudgedResult[] => {
      const items = this.#by.get(party)?.items
      return items?.has(key) ? [items.get(key) as JudgedResult] : []
    })
    const [first] = said
    if (first !== undefined && (!isAnswer(first, asks) || said.some((one) => one !== first)))
      throw new Refused({ code: 'judges-disagree', rule, element: uid })
    return first
  }

  reveals(commitment: string): boolean {
    return this.#reveals.has(commitment)
  }

  lacking(judges: Iterable<string>): string[] {
    const asked = [...new Set(judges)]
    for (const party of asked) this.#asked.add(party)
    return asked.filter((party) => !this.#by.has(party)).sort()
  }

  get hasMore(): boolean {
    return [...this.#by].some(([party, { unused }]) => this.#asked.has(party) && unused.size > 0)
  }
}

function keyOf([rule, uid, inputs]: JudgedItem | [rule: string, element: string, inputs: string]): string {
  return `${rule} ${uid} ${inputs}`
}

/** A party that judges for itself what it can see; the rest it takes from others who have judged already. */
export class OwnJudgement implements Judge {
  readonly items: JudgedItem[] = []
  readonly revealed = new Set<string>()
  readonly hasMore = false
  readonly #self: string
  readonly #others: GivenJudgement
  readonly #answered = new Map<string, JudgedResult>()

  constructor(self: string, others: readonly Omit<JudgedBy, 'signature'>[] = []) {
    this.#self = self
    this.#others = new GivenJudgement(others.filter(({ party }) => party !== self))
  }

  answer(question: Question, compute: () => JudgedResult, otherwise?: JudgedResult): JudgedResult {
    const { rule, element: uid, inputs } = question
    // One of its judges will do here: two that each wait for all of the other's would wait for ever.
    if (!question.judges.includes(this.#self)) {
      const said = this.#others.answeredBySome(question)
      if (said !== undefined) return said
      if (otherwise === undefined) throw new NotJudged(question.judges)
      return otherwise
    }
    const key = keyOf([rule, uid, inputs])
    const before = this.#answered.get(key)
    if (before !== undefined) return before
    const result = compute()
    this.#answered.set(key, result)
    this.items.push([rule, uid, inputs, result])
    return result
  }

  reveals(commitment: string): boolean {
    if (this.#others.reveals(commitment)) return true
    this.revealed.add(commitment)
    return true
  }

  lacking(): string[] {
    return []
  }
}
