/** Evaluates a checked expression on a state of the contract's tree. */
import type { Checked } from './checker.ts'
import { type Budget, DEFAULT_BUDGET, Run, type Source, Stop } from './run.ts'
import type { Value } from './values.ts'

/** What came of an evaluation, and what it used up of its budget. */
export type Evaluation =
  | { readonly kind: 'value'; readonly value: Value; readonly spent: Budget }
  /** It came to a value that this node cannot read. */
  | { readonly kind: 'hidden'; readonly spent: Budget }
  /** The budget did not suffice. */
  | { readonly kind: 'exhausted'; readonly of: 'steps' | 'memory'; readonly spent: Budget }

/**
 * Evaluates. Reads only what the result depends on: of `and`, `or`, `if`, `some`, `every` and of lists not more than is
 * needed. The same state gives the same evaluation on every node, what is spent included. Throws only what `source` throws.
 */
export function evaluate<Reference>(
  checked: Checked,
  source: Source<Reference>,
  budget: Budget = DEFAULT_BUDGET,
): Evaluation {
  const run = new Run(source as Source, budget)
  try {
    return { kind: 'value', value: run.settle(checked.code(run)), spent: run.spent }
  } catch (thrown) {
    if (!(thrown instanceof Stop)) throw thrown
    if (thrown.reason === 'hidden') return { kind: 'hidden', spent: run.spent }
    return { kind: 'exhausted', of: thrown.reason, spent: run.spent }
  }
}
