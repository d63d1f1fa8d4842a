/**
 * A judge for looking ahead: what a request would come to, as far as the values that it reads are held here. It answers whatever it
 * can compute, whoever is to judge it in the end; what comes of it is for the party that asks, and is signed by nobody.
 */
import type { JudgedResult } from '../ledger/judgement.ts'
import { type Judge, type Question, Refused } from './rules/judging.ts'

export class Foresight implements Judge {
  readonly hasMore = false
  readonly #mustBeJudged: boolean

  /** @param mustBeJudged what nobody could judge is refused, as it will be; otherwise it is looked at all the same */
  constructor(mustBeJudged = true) {
    this.#mustBeJudged = mustBeJudged
  }

  /** @throws Refused where nobody could judge it; ValueNotHeld where it is for others to say */
  answer({ judges, rule, element }: Question, compute: () => JudgedResult): JudgedResult {
    if (this.#mustBeJudged && judges.length === 0) throw new Refused({ code: 'no-judge', rule, element })
    return compute()
  }

  reveals(): boolean {
    return true
  }

  lacking(): string[] {
    return []
  }
}
