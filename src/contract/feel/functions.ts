/** All functions that an expression can call. */
import { DATE_FUNCTIONS } from './functions-date.ts'
import { LIST_FUNCTIONS } from './functions-list.ts'
import { NUMBER_FUNCTIONS } from './functions-number.ts'
import { TEXT_FUNCTIONS } from './functions-text.ts'
import type { FunctionForm, FunctionTable } from './signatures.ts'

/** The two that are FEEL's logic and null handling. */
const LOGIC_FUNCTIONS: FunctionTable = {
  not: [{ takes: ['boolean'], gives: 'boolean', run: (_, value) => value === false }],
  // The checker evaluates what stands second only if the first is null.
  'get or else': [
    {
      takes: ['T', 'T'],
      gives: 'T',
      takesNull: true,
      run: (_, value, instead) => value ?? instead ?? null,
    },
  ],
}

/** The forms of each function, by its name. */
export const FUNCTIONS: ReadonlyMap<string, readonly FunctionForm[]> = new Map(
  [LOGIC_FUNCTIONS, NUMBER_FUNCTIONS, TEXT_FUNCTIONS, LIST_FUNCTIONS, DATE_FUNCTIONS].flatMap((table) =>
    Object.entries(table),
  ),
)
