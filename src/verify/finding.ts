/** What an audit ends with when a rule is broken. */
import { CountersignError } from '../crypto/errors.ts'

/**
 * The first rule of PROTOCOL.md that what was read breaks. rule: its id (`BLK-4`); place: `ledger block 12`,
 * `request <id> in ledger block 12`, `member <n>`, `cosignature of <party>`, `genesis`, `line 7`; message: what is wrong
 * there. Texts that came with the data may stand in the message: clean it before showing it on a terminal.
 */
export type Finding = { rule: string; place: string; message: string }

/** A finding on its way to who reports it. */
export class RuleBroken extends CountersignError {
  readonly finding: Finding

  constructor(finding: Finding) {
    super('invariant-broken', `[${finding.rule}] ${finding.place}: ${finding.message}`)
    this.finding = finding
  }
}

/** @throws RuleBroken always */
export function fail(rule: string, place: string, message: string): never {
  throw new RuleBroken({ rule, place, message })
}

/** Does `work`; what it complains of breaks this rule, or the one its error stands for, at this place. @throws RuleBroken */
export function under<T>(
  rule: string | ((error: CountersignError) => string),
  place: string,
  work: () => T,
): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RuleBroken || !(error instanceof CountersignError)) throw error
    return fail(typeof rule === 'string' ? rule : rule(error), place, error.message)
  }
}
