/**
 * Checks an expression against the contract's tree before it is ever evaluated: names, types, and what it may cost. Whatever
 * passes can be evaluated on any state of that tree, and gives a value of its type or null.
 */
import { parseDate, parseDateTime } from './calendar.ts'
import { callPart } from './check-calls.ts'
import { ifPart, listPart, loopPart } from './check-loops.ts'
import { filterPart, memberPart, namePart, rootPart } from './check-names.ts'
import {
  arithmeticPart,
  betweenPart,
  comparisonPart,
  inPart,
  logicPart,
  negationPart,
} from './check-operators.ts'
import { PRECISION, parseDecimal } from './decimal.ts'
import { parseDuration } from './durations.ts'
import { faultAt } from './lexer.ts'
import {
  type Bindings,
  type Checking,
  type Code,
  inputKey,
  LIST_GUESS,
  MAX_COST,
  type Part,
  plainPart,
} from './parts.ts'
import type { Tree } from './tree.ts'
import { BOOLEAN, type Input, NULL, NUMBER, type Scope, TEXT, type Type } from './types.ts'

/** An expression that fits its scope. */
export interface Checked {
  readonly tree: Tree
  /** The type of its result; null is always possible too. */
  readonly type: Type
  /**
   * Every element that it may read, and each block and list on the way there, in alphabetical order. A change of any other
   * element can't change its result. An input that is a block or list stands for whether it is there and which items it
   * has, not for what is below it.
   */
  readonly inputs: readonly Input[]
  /** About how many steps it takes with 100 items in each list of the tree. */
  readonly cost: number
  /** For evaluate.ts. */
  readonly code: Code
}

/**
 * Checks the tree of an expression.
 *
 * @throws CountersignError `bad-expression` for unknown names and expressions that would cost too much, `wrong-type` where
 * kinds of values don't fit; `detail.position` is the place, and the message says what to do
 */
export function check(tree: Tree, scope: Scope): Checked {
  const inputs = new Map<string, Input>()
  let slots = 0
  const checking: Checking = {
    scope,
    part: (of, bindings) => partOf(checking, of, bindings),
    newSlot: () => slots++,
    reads: (input) => inputs.set(inputKey(input), input),
  }
  const { type, code, cost } = checking.part(tree, undefined)
  if (!(cost <= MAX_COST))
    throw faultAt(
      tree.at,
      `With ${LIST_GUESS} items in each list this would take about ${cost.toExponential(0)} steps, and ${MAX_COST} are allowed; put fewer loops and filters into one another.`,
    )
  const sorted = [...inputs].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, input]) => input)
  return { tree, type, inputs: sorted, cost, code }
}

function partOf(checking: Checking, tree: Tree, bindings: Bindings | undefined): Part {
  switch (tree.kind) {
    case 'number':
      return numberPart(tree)
    case 'text':
      return plainPart(TEXT, 1, () => tree.value)
    case 'boolean':
      return plainPart(BOOLEAN, 1, () => tree.value)
    case 'null':
      return plainPart(NULL, 1, () => null)
    case 'temporal':
      return temporalPart(tree)
    case 'root':
      return rootPart(checking)
    case 'name':
      return namePart(checking, tree, bindings)
    case 'member':
      return memberPart(checking, checking.part(tree.of, bindings), tree.name, tree.at)
    case 'filter':
      return filterPart(checking, tree, bindings)
    case 'call':
      return callPart(checking, tree, bindings)
    case 'negation':
      return negationPart(checking, tree, bindings)
    case 'arithmetic':
      return arithmeticPart(checking, tree, bindings)
    case 'comparison':
      return comparisonPart(checking, tree, bindings)
    case 'between':
      return betweenPart(checking, tree, bindings)
    case 'in':
      return inPart(checking, tree, bindings)
    case 'and':
    case 'or':
      return logicPart(checking, tree, bindings)
    case 'if':
      return ifPart(checking, tree, bindings)
    case 'for':
    case 'some':
    case 'every':
      return loopPart(checking, tree, bindings)
    case 'list':
      return listPart(checking, tree, bindings)
    case 'range':
      throw faultAt(tree.at, 'A range stands after in only, as in Share in [0..100].')
  }
}

function numberPart(tree: Extract<Tree, { kind: 'number' }>): Part {
  const digits = tree.text
    .replace(/[eE].*$/, '')
    .replace('.', '')
    .replace(/^0+/, '')
  const value = digits.length <= PRECISION ? parseDecimal(tree.text) : undefined
  if (value === undefined)
    throw faultAt(
      tree.at,
      `A number has at most ${PRECISION} digits and an exponent within ±6144; write a shorter one.`,
    )
  return plainPart(NUMBER, 1, () => value)
}

function temporalPart({ name, text, at }: Extract<Tree, { kind: 'temporal' }>): Part {
  const value =
    name === 'date' ? parseDate(text) : name === 'duration' ? parseDuration(text) : parseDateTime(text)
  if (value !== undefined) return plainPart({ kind: value.kind }, 1, () => value)
  const example = {
    date: 'date("2024-01-31")',
    'date and time': 'date and time("2024-01-31T12:00:00Z"), with Z or an offset such as +01:00',
    duration: 'duration("P1Y6M") or duration("P3DT4H")',
  }[name]
  throw faultAt(at, `“${text.slice(0, 40)}” is no ${name}; write it as in ${example}.`)
}
