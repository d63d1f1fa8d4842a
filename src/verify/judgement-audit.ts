/**
 * The audit of what readers of private values judged (PROTOCOL JUD-2, JUD-3): whoever had to sign has, and where the file holds
 * the values that were judged, it comes to the same here. Elsewhere what they signed is all there is, and is counted as such.
 */
import {
  GivenJudgement,
  type Judge,
  membersAmong,
  NotJudged,
  type Question,
} from '../contract/rules/judging.ts'
import { ValueNotHeld } from '../contract/rules/work.ts'
import type { ContractState } from '../contract/state.ts'
import type { JudgedBy, JudgedResult } from '../ledger/judgement.ts'
import { type AnyRequest, readersIn } from '../ledger/request.ts'
import { fail } from './finding.ts'

/** How many results of private values were computed again, and how many are taken on the signatures of who judged them. */
export type JudgedCounts = { judgedResults: number; takenJudgedResults: number }

export class JudgementAudit {
  readonly counts: JudgedCounts = { judgedResults: 0, takenJudgedResults: 0 }

  /** Every member that a request shows a private value to has signed that it holds it. @throws RuleBroken */
  checkReceipts(
    state: ContractState,
    { operations }: AnyRequest,
    judgement: readonly JudgedBy[],
    place: string,
  ): void {
    const signed = new Set(judgement.map(({ party }) => party))
    const lacking = membersAmong(state, readersIn(operations)).filter((party) => !signed.has(party))
    if (lacking.length > 0)
      fail(
        'JUD-2',
        place,
        `these members see a value of it and have not signed for that: ${lacking.join(', ')}`,
      )
  }

  /** What answers of the judgement of a request, and has what it answers computed again. */
  judgeOf(given: readonly JudgedBy[], place: string): Judge {
    return new AuditedJudge(given, place, this.counts)
  }
}

class AuditedJudge implements Judge {
  readonly #given: GivenJudgement
  readonly #place: string
  readonly #counts: JudgedCounts
  /** Questions that were answered before in this request: the answer to each is one. */
  readonly #answered = new Set<string>()

  constructor(given: readonly JudgedBy[], place: string, counts: JudgedCounts) {
    this.#given = new GivenJudgement(given)
    this.#place = place
    this.#counts = counts
  }

  answer(question: Question, compute: () => JudgedResult): JudgedResult {
    const said = this.#said(question)
    const { rule, element, inputs } = question
    const key = `${rule} ${element} ${inputs}`
    if (this.#answered.has(key)) return said
    this.#answered.add(key)
    const computed = this.#computed(compute)
    if (computed === undefined) this.#counts.takenJudgedResults += 1
    else if (computed === said) this.#counts.judgedResults += 1
    else this.#isFalse(question, said, computed)
    return said
  }

  #said(question: Question): JudgedResult {
    try {
      return this.#given.answer(question)
    } catch (error) {
      if (!(error instanceof NotJudged)) throw error
      const { rule, element } = question
      const lacking = error.judges.join(', ')
      return fail('JUD-2', this.#place, `rule ${rule} at ${element} was not judged by ${lacking}`)
    }
  }

  /** Undefined where a value that it takes is not in the file. */
  #computed(compute: () => JudgedResult): JudgedResult | undefined {
    try {
      return compute()
    } catch (error) {
      if (error instanceof ValueNotHeld) return undefined
      throw error
    }
  }

  /** @throws RuleBroken */
  #isFalse({ rule, element, judges }: Question, said: JudgedResult, computed: JudgedResult): never {
    const what = rule === element ? `the value of ${element}` : `rule ${rule} at ${element}`
    fail(
      'JUD-3',
      this.#place,
      `what ${judges.join(' and ')} signed is false: ${what} comes to ${computed}, not ${said}`,
    )
  }

  reveals(commitment: string): boolean {
    return this.#given.reveals(commitment)
  }

  lacking(judges: Iterable<string>): string[] {
    return this.#given.lacking(judges)
  }

  get hasMore(): boolean {
    return this.#given.hasMore
  }
}
