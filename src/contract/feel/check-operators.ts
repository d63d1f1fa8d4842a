/** Checks arithmetic, comparisons, `between`, `in`, and the logic of true, false and null. */
import { isList } from './functions-list.ts'
import { faultAt } from './lexer.ts'
import { OPPOSABLE, operationOn, opposed } from './operators.ts'
import { type Bindings, type Checking, type Part, plainPart } from './parts.ts'
import type { Cell, Run } from './run.ts'
import type { ComparisonSign, Test, Tree } from './tree.ts'
import { BOOLEAN, commonType, isComparable, isOrdered, type Type, typeName } from './types.ts'

type Of<K extends Tree['kind']> = Extract<Tree, { kind: K }>

/** True, false, or null where that is unknown. */
type Truth = boolean | null

export function arithmeticPart(checking: Checking, tree: Of<'arithmetic'>, bindings?: Bindings): Part {
  const left = checking.part(tree.left, bindings)
  const right = checking.part(tree.right, bindings)
  const operation = operationOn(tree.sign, left.type, right.type)
  if (operation === undefined) throw unfit(tree.sign, tree.at, left.type, right.type)
  return plainPart(operation.gives, left.cost + right.cost + 1, (run) => {
    run.step()
    return operation.run(left.code(run), right.code(run), run)
  })
}

function unfit(sign: string, at: number, left: Type, right: Type) {
  const what =
    left.kind === 'list' || right.kind === 'list'
      ? 'use sum(…), or for … return, on lists'
      : 'make both of a kind that go together'
  return faultAt(
    at,
    `${sign} does not go with ${typeName(left)} and ${typeName(right)}; ${what}.`,
    'wrong-type',
  )
}

export function negationPart(checking: Checking, tree: Of<'negation'>, bindings?: Bindings): Part {
  const of = checking.part(tree.of, bindings)
  if (!OPPOSABLE.includes(of.type.kind))
    throw faultAt(tree.at, `A minus before ${typeName(of.type)} means nothing; leave it out.`, 'wrong-type')
  return plainPart(of.type, of.cost + 1, (run) => {
    run.step()
    return opposed(of.code(run))
  })
}

export function logicPart(checking: Checking, tree: Of<'and' | 'or'>, bindings?: Bindings): Part {
  const decisive = tree.kind === 'or'
  const parts = tree.parts.map((one) => truthPart(checking, one, bindings))
  const cost = parts.reduce((sum, part) => sum + part.cost, 1)
  return plainPart(BOOLEAN, cost, (run) => {
    run.step()
    let isUnknown = false
    for (const part of parts) {
      const value = part.code(run)
      if (value === decisive) return decisive
      if (value === null) isUnknown = true
    }
    return isUnknown ? null : !decisive
  })
}

/** A part that has to be true or false. */
export function truthPart(checking: Checking, tree: Tree, bindings: Bindings | undefined): Part {
  const part = checking.part(tree, bindings)
  if (part.type.kind === 'boolean' || part.type.kind === 'null') return part
  throw faultAt(
    tree.at,
    `Here something true or false is needed, but this is ${typeName(part.type)}; compare it with something.`,
    'wrong-type',
  )
}

export function comparisonPart(checking: Checking, tree: Of<'comparison'>, bindings?: Bindings): Part {
  const left = checking.part(tree.left, bindings)
  const right = checking.part(tree.right, bindings)
  const compare = comparison(tree.sign, left.type, right.type, tree.at)
  return plainPart(BOOLEAN, left.cost + right.cost + 1, (run) => {
    run.step()
    return compare(run, left.code(run), right.code(run))
  })
}

/** How two values of the types compare. Blocks and null can only be told apart. */
function comparison(sign: ComparisonSign, left: Type, right: Type, at: number) {
  const both = commonType(left, right)
  const isEquality = sign === '=' || sign === '!='
  const isNullTest = isEquality && (left.kind === 'null' || right.kind === 'null')
  if (both === undefined || !(isNullTest || (isEquality ? isComparable(both) : isOrdered(both))))
    throw faultAt(
      at,
      `${sign} can’t compare ${typeName(left)} with ${typeName(right)}; compare two of one kind${both?.kind === 'block' ? ', such as a field of each' : ''}.`,
      'wrong-type',
    )
  if (isNullTest && both.kind === 'list')
    throw faultAt(at, 'A list is never null, but may be empty; write count(…) = 0.', 'wrong-type')
  if (isNullTest)
    return (_: Run, first: Cell, second: Cell): Truth =>
      ((first ?? null) === (second ?? null)) === (sign === '=')
  if (isEquality)
    return (run: Run, first: Cell, second: Cell): Truth => run.equal(first, second) === (sign === '=')
  return (run: Run, first: Cell, second: Cell): Truth => ordered(sign, run.compare(first, second))
}

function ordered(sign: ComparisonSign, order: number | undefined): Truth {
  if (order === undefined) return null
  if (sign === '<') return order < 0
  if (sign === '<=') return order <= 0
  return sign === '>' ? order > 0 : order >= 0
}

function bothTrue(first: Truth, second: () => Truth): Truth {
  if (first === false) return false
  const other = second()
  return other === false ? false : first === null ? null : other
}

export function betweenPart(checking: Checking, tree: Of<'between'>, bindings?: Bindings): Part {
  const of = checking.part(tree.of, bindings)
  const low = checking.part(tree.low, bindings)
  const high = checking.part(tree.high, bindings)
  const isOver = comparison('>=', of.type, low.type, tree.low.at)
  const isUnder = comparison('<=', of.type, high.type, tree.high.at)
  return plainPart(BOOLEAN, of.cost + low.cost + high.cost + 2, (run) => {
    run.step()
    const value = of.code(run)
    return bothTrue(isOver(run, value, low.code(run)), () => isUnder(run, value, high.code(run)))
  })
}

interface Tester {
  readonly cost: number
  test(run: Run, value: Cell): Truth
}

export function inPart(checking: Checking, tree: Of<'in'>, bindings?: Bindings): Part {
  const of = checking.part(tree.of, bindings)
  const testers = tree.tests.flatMap((test) => testersOf(checking, of.type, test, bindings))
  const cost = testers.reduce((sum, tester) => sum + tester.cost + 1, of.cost + 1)
  return plainPart(BOOLEAN, cost, (run) => {
    run.step()
    const value = of.code(run)
    let isUnknown = false
    for (const tester of testers) {
      run.step()
      const truth = tester.test(run, value)
      if (truth === true) return true
      if (truth === null) isUnknown = true
    }
    return isUnknown ? null : false
  })
}

/** The tests that a test comes to: a list written out is one test for each of its items. */
function testersOf(checking: Checking, of: Type, test: Test, bindings: Bindings | undefined): Tester[] {
  if (test.kind === 'range') return [rangeTester(checking, of, test, bindings)]
  if (test.kind === 'test') {
    const value = checking.part(test.value, bindings)
    const compare = comparison(test.sign, of, value.type, test.at)
    return [{ cost: value.cost, test: (run, cell) => compare(run, cell, value.code(run)) }]
  }
  if (test.kind === 'list' && test.items.some(({ kind }) => kind === 'range'))
    return test.items.flatMap((item) => testersOf(checking, of, item, bindings))
  const part = checking.part(test, bindings)
  if (part.type.kind === 'list') {
    const item = commonType(of, part.type.of)
    if (item !== undefined && isComparable(item))
      return [{ cost: part.cost + part.items, test: (run, cell) => contains(run, part.code(run), cell) }]
  }
  const isEqual = comparison('=', of, part.type, test.at)
  return [{ cost: part.cost, test: (run, cell) => isEqual(run, cell, part.code(run)) }]
}

function contains(run: Run, list: Cell, value: Cell): Truth {
  if (!isList(list)) return null
  return list.some((item) => {
    run.step()
    return run.equal(item, value)
  })
}

function rangeTester(
  checking: Checking,
  of: Type,
  range: Of<'range'>,
  bindings: Bindings | undefined,
): Tester {
  const low = checking.part(range.low, bindings)
  const high = checking.part(range.high, bindings)
  const isOver = comparison(range.lowIncluded ? '>=' : '>', of, low.type, range.low.at)
  const isUnder = comparison(range.highIncluded ? '<=' : '<', of, high.type, range.high.at)
  return {
    cost: low.cost + high.cost + 1,
    test: (run, value) =>
      bothTrue(isOver(run, value, low.code(run)), () => isUnder(run, value, high.code(run))),
  }
}
