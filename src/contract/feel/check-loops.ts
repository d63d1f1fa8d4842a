/** Checks `if`, `for`, `some`, `every` and lists. */
import { asList } from './check-names.ts'
import { truthPart } from './check-operators.ts'
import { type Decimal, fromInteger, toInteger } from './decimal.ts'
import { isList } from './functions-list.ts'
import { faultAt } from './lexer.ts'
import { allOrigins, type Bindings, type Checking, LIST_GUESS, type Part, plainPart } from './parts.ts'
import type { Cell, Run } from './run.ts'
import type { Loop, LoopTree, Tree } from './tree.ts'
import { BOOLEAN, commonType, NULL, NUMBER, type Type, typeName } from './types.ts'

export function ifPart(
  checking: Checking,
  tree: Extract<Tree, { kind: 'if' }>,
  bindings: Bindings | undefined,
): Part {
  const condition = truthPart(checking, tree.condition, bindings)
  const whenTrue = checking.part(tree.whenTrue, bindings)
  const whenFalse = checking.part(tree.whenFalse, bindings)
  const type = commonType(whenTrue.type, whenFalse.type)
  if (type === undefined)
    throw faultAt(
      tree.whenFalse.at,
      `After then stands ${typeName(whenTrue.type)}, after else ${typeName(whenFalse.type)}; make them of one kind.`,
      'wrong-type',
    )
  return {
    type,
    origins: allOrigins([whenTrue, whenFalse]),
    cost: condition.cost + Math.max(whenTrue.cost, whenFalse.cost) + 1,
    items: Math.max(whenTrue.items, whenFalse.items),
    code: (run) => {
      run.step()
      return condition.code(run) === true ? whenTrue.code(run) : whenFalse.code(run)
    },
  }
}

export function listPart(
  checking: Checking,
  tree: Extract<Tree, { kind: 'list' }>,
  bindings: Bindings | undefined,
): Part {
  const parts = tree.items.map((item) => checking.part(item, bindings))
  const of = parts.reduce<Type>((type, part, index) => {
    const both = commonType(type, part.type)
    if (both !== undefined) return both
    throw faultAt(
      tree.items[index]?.at ?? tree.at,
      `The items of a list are of one kind, but this is ${typeName(part.type)} after ${typeName(type)}.`,
      'wrong-type',
    )
  }, NULL)
  return {
    type: { kind: 'list', of },
    origins: allOrigins(parts),
    cost: parts.reduce((sum, part) => sum + part.cost + 1, 1),
    items: parts.length,
    code: (run) => {
      run.step()
      run.grow(parts.length)
      return parts.map((part) => part.code(run))
    },
  }
}

/** A loop ready to run: calls `visit` for each value until it says to stop; null if there is no list. */
interface Iteration {
  readonly slot: number
  readonly cost: number
  readonly items: number
  each(run: Run, visit: () => boolean): boolean | null
}

export function loopPart(checking: Checking, tree: LoopTree, bindings: Bindings | undefined): Part {
  const iterations: Iteration[] = []
  let inner = bindings
  for (const loop of tree.loops) {
    const { iteration, binding } = iterationOf(checking, loop, inner)
    iterations.push(iteration)
    inner = binding
  }
  const body = tree.kind === 'for' ? checking.part(tree.body, inner) : truthPart(checking, tree.body, inner)
  const { cost, items } = iterations.reduceRight(
    (sum, one) => ({ cost: one.cost + one.items * (sum.cost + 1), items: one.items * sum.items }),
    { cost: body.cost, items: 1 },
  )
  if (tree.kind !== 'for')
    return plainPart(BOOLEAN, cost, (run) => quantified(run, tree.kind === 'some', iterations, body))
  return {
    type: { kind: 'list', of: body.type },
    origins: body.origins,
    cost,
    items,
    code: (run) => {
      const results: Cell[] = []
      const done = runAll(run, iterations, () => {
        run.grow(1)
        results.push(body.code(run))
        return true
      })
      return done === null ? null : results
    },
  }
}

/** `some` (`decisive` true) and `every` (false), by FEEL's logic. */
function quantified(run: Run, decisive: boolean, iterations: readonly Iteration[], body: Part): Cell {
  let isUnknown = false
  const done = runAll(run, iterations, () => {
    const value = body.code(run)
    if (value === null) isUnknown = true
    return value !== decisive
  })
  if (done === false) return decisive
  return done === null || isUnknown ? null : !decisive
}

/** Runs loops within one another. false if a visit said to stop; null if one of the lists is null. */
function runAll(run: Run, iterations: readonly Iteration[], visit: () => boolean): boolean | null {
  const [first, ...rest] = iterations
  if (first === undefined) return visit()
  let hasNull = false
  const done = first.each(run, () => {
    const inner = rest.length === 0 ? visit() : runAll(run, rest, visit)
    if (inner === null) hasNull = true
    return inner === true
  })
  return hasNull ? null : done
}

function iterationOf(
  checking: Checking,
  loop: Loop,
  bindings: Bindings | undefined,
): { iteration: Iteration; binding: Bindings } {
  const slot = checking.newSlot()
  const from = checking.part(loop.from, bindings)
  if (loop.to !== undefined) {
    const to = checking.part(loop.to, bindings)
    for (const [part, tree] of [
      [from, loop.from],
      [to, loop.to],
    ] as const)
      if (part.type.kind !== 'number')
        throw faultAt(
          tree.at,
          `A loop counts from a number to a number, but this is ${typeName(part.type)}.`,
          'wrong-type',
        )
    return {
      binding: {
        outer: bindings,
        name: loop.name,
        slot,
        part: plainPart(NUMBER, 1, () => null),
        used: false,
      },
      iteration: {
        slot,
        cost: from.cost + to.cost + 1,
        items: countBetween(loop.from, loop.to),
        each: (run, visit) => count(run, slot, from.code(run), to.code(run), visit),
      },
    }
  }
  const list = asList(from)
  const item = list.type.kind === 'list' ? list.type.of : NULL
  return {
    binding: {
      outer: bindings,
      name: loop.name,
      slot,
      part: { type: item, origins: list.origins, items: item.kind === 'list' ? LIST_GUESS : 1 },
      used: false,
    },
    iteration: {
      slot,
      cost: list.cost + 1,
      items: list.items,
      each: (run, visit) => {
        const items = list.code(run)
        if (!isList(items)) return null
        for (const one of items) {
          run.step()
          run.slots[slot] = run.read(one)
          if (!visit()) return false
        }
        return true
      },
    },
  }
}

/** Counts up or down from one whole number to another. */
function count(run: Run, slot: number, from: Cell, to: Cell, visit: () => boolean): boolean | null {
  const [first, last] = [from, to].map((end) => (end === null ? undefined : toInteger(end as Decimal)))
  if (first === undefined || last === undefined) return null
  const direction = first <= last ? 1 : -1
  for (let number = first; direction * (last - number) >= 0; number += direction) {
    run.step()
    run.slots[slot] = fromInteger(number)
    if (!visit()) return false
  }
  return true
}

/** How many numbers an interval has if both ends are written out; otherwise the guess. */
function countBetween(from: Tree, to: Tree): number {
  const [first, last] = [from, to].map((end) => {
    const of = end.kind === 'negation' ? end.of : end
    return of.kind === 'number' ? Number(of.text) * (end.kind === 'negation' ? -1 : 1) : Number.NaN
  }) as [number, number]
  const length = Math.abs(last - first) + 1
  return Number.isNaN(length) ? LIST_GUESS : length
}
