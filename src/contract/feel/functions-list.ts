/** FEEL's functions on lists. Positions count from 1, and from −1 backwards. */
import {
  add,
  type Decimal,
  divide,
  fromInteger,
  multiply,
  ONE,
  squareRoot,
  subtract,
  toInteger,
} from './decimal.ts'
import { addAll, divideBy } from './operators.ts'
import type { Cell, Run, Unread } from './run.ts'
import type { FunctionForm, FunctionTable } from './signatures.ts'
import type { ScalarKind } from './types.ts'

type List = readonly (Cell | Unread)[]

const SUMMABLE: readonly ScalarKind[] = ['number', 'money', 'years-months', 'days-time']

/** A function that takes its values as a list or one by one. */
function aggregate(
  gives: string,
  run: (run: Run, list: List) => Cell,
  among?: FunctionForm['among'],
  item = 'T',
): FunctionForm[] {
  const shared = among === undefined ? { gives } : { gives, among }
  return [
    { ...shared, takes: [`list<${item}>`], run: (at, list) => run(at, list as List) },
    { ...shared, takes: [item, `${item}...`], takesNull: true, run: (at, ...list) => run(at, list) },
  ]
}

/** The least or greatest item; null of an empty list and where two items have no order. */
function extreme(run: Run, list: List, sign: 1 | -1): Cell {
  const items = run.readAll(list)
  let best = items[0] ?? null
  for (const item of items.slice(1)) {
    const order = run.compare(item, best)
    if (order === undefined) return null
    if (order * sign > 0) best = item
  }
  return items.length === 1 && run.compare(best, best) === undefined ? null : best
}

/** All items together; null of an empty list, of null among them, of different currencies. */
function sum(run: Run, list: List): Cell {
  return addAll(run.readAll(list))
}

function mean(run: Run, list: List): Cell {
  return list.length === 0 ? null : divideBy(sum(run, list), fromInteger(list.length))
}

/** The items if each is a number. */
function numbersOf(run: Run, list: List): Decimal[] | undefined {
  const items = run.readAll(list)
  return items.includes(null) ? undefined : (items as unknown as Decimal[])
}

function sorted(run: Run, numbers: readonly Decimal[]): Decimal[] {
  run.step(numbers.length * Math.ceil(Math.sqrt(Math.sqrt(numbers.length + 1))))
  return numbers.toSorted((left, right) => run.compare(left, right) ?? 0)
}

function median(run: Run, list: List): Cell {
  const numbers = numbersOf(run, list)
  if (numbers === undefined || numbers.length === 0) return null
  const ordered = sorted(run, numbers)
  const middle = ordered[Math.floor(ordered.length / 2)] as Decimal
  if (ordered.length % 2 === 1) return middle
  const total = add(ordered[ordered.length / 2 - 1] as Decimal, middle)
  return total === undefined ? null : (divide(total, fromInteger(2)) ?? null)
}

/** The sample’s standard deviation. */
function deviation(run: Run, list: List): Cell {
  const numbers = numbersOf(run, list)
  const middle = mean(run, list) as Decimal | null
  if (numbers === undefined || numbers.length < 2 || middle === null) return null
  let total: Decimal | undefined = fromInteger(0)
  for (const number of numbers) {
    const distance = subtract(number, middle)
    const square = distance === undefined ? undefined : multiply(distance, distance)
    total = total === undefined || square === undefined ? undefined : add(total, square)
  }
  const variance = total === undefined ? undefined : divide(total, fromInteger(numbers.length - 1))
  return variance === undefined ? null : (squareRoot(variance) ?? null)
}

/** The numbers that stand most often, in rising order. */
function mode(run: Run, list: List): Cell {
  const numbers = numbersOf(run, list)
  if (numbers === undefined) return null
  const counts = new Map<string, { number: Decimal; count: number }>()
  for (const number of numbers) {
    const entry = counts.get(run.key(number)) ?? { number, count: 0 }
    entry.count += 1
    counts.set(run.key(number), entry)
  }
  const most = [...counts.values()].reduce((best, { count }) => Math.max(best, count), 0)
  const found = [...counts.values()].filter(({ count }) => count === most).map(({ number }) => number)
  return newList(run, sorted(run, found))
}

function product(run: Run, list: List): Cell {
  const numbers = numbersOf(run, list)
  if (numbers === undefined || numbers.length === 0) return null
  return (
    numbers.reduce<Decimal | undefined>((so, far) => (so === undefined ? so : multiply(so, far)), ONE) ?? null
  )
}

/** Whether all are true (`decisive` false), or any is (`decisive` true): by FEEL's logic, with null for unknown. */
function logic(run: Run, list: List, decisive: boolean): Cell {
  let isUnknown = false
  for (const item of list) {
    run.step()
    const value = run.read(item)
    if (value === decisive) return decisive
    if (value === null) isUnknown = true
  }
  return isUnknown ? null : !decisive
}

function newList(run: Run, items: List): List {
  run.step(items.length)
  run.grow(items.length)
  return items
}

/** The index from 0 of a position from 1 or −1; undefined if the list has no such place. */
function indexOf(position: Cell, length: number): number | undefined {
  const place = toInteger(position as Decimal)
  if (place === undefined || place === 0 || Math.abs(place) > length) return undefined
  return place > 0 ? place - 1 : length + place
}

function sublist(run: Run, list: List, start: Cell, count: Cell | undefined): Cell {
  const from = indexOf(start, list.length)
  const many = count === undefined ? list.length : toInteger(count as Decimal)
  if (from === undefined || many === undefined || many < 1) return null
  if (count !== undefined && from + many > list.length) return null
  return newList(run, list.slice(from, from + many))
}

function distinct(run: Run, list: List): List {
  const seen = new Set<string>()
  const kept: (Cell | Unread)[] = []
  for (const item of list) {
    run.step()
    const key = run.key(item)
    if (seen.has(key)) continue
    seen.add(key)
    kept.push(item)
  }
  return newList(run, kept)
}

function places(run: Run, list: List, match: Cell): List {
  const found: Cell[] = []
  list.forEach((item, index) => {
    run.step()
    if (run.equal(item, match)) found.push(fromInteger(index + 1))
  })
  return newList(run, found)
}

/** The items of lists within lists, down to what is no list. */
function flatten(run: Run, list: List): List {
  const flat: (Cell | Unread)[] = []
  for (const item of list) {
    run.step()
    for (const inner of isList(item) ? flatten(run, item) : [item]) {
      run.grow(1)
      flat.push(inner)
    }
  }
  return flat
}

/** Whether a cell is a list. */
export function isList(cell: Cell | Unread): cell is List {
  return cell !== null && typeof cell === 'object' && !('kind' in cell)
}

export const LIST_FUNCTIONS: FunctionTable = {
  all: aggregate('boolean', (run, list) => logic(run, list, false), ['boolean']),
  any: aggregate('boolean', (run, list) => logic(run, list, true), ['boolean']),
  count: [{ takes: ['list<T>'], gives: 'number', run: (_, list) => fromInteger((list as List).length) }],
  max: aggregate('T', (run, list) => extreme(run, list, 1), 'ordered'),
  mean: aggregate('T', mean, SUMMABLE),
  median: aggregate('number', median, undefined, 'number'),
  min: aggregate('T', (run, list) => extreme(run, list, -1), 'ordered'),
  mode: aggregate('list<number>', mode, undefined, 'number'),
  product: aggregate('number', product, undefined, 'number'),
  stddev: aggregate('number', deviation, undefined, 'number'),
  sum: aggregate('T', sum, SUMMABLE),
  append: [
    {
      takes: ['list<T>', 'T...'],
      gives: 'list<T>',
      takesNull: true,
      run: (run, list, ...items) => (list === null ? null : newList(run, [...(list as List), ...items])),
    },
  ],
  concatenate: [
    {
      takes: ['list<T>...'],
      gives: 'list<T>',
      run: (run, ...lists) => newList(run, (lists as List[]).flat()),
    },
  ],
  'distinct values': [
    {
      takes: ['list<T>'],
      gives: 'list<T>',
      among: 'comparable',
      run: (run, list) => distinct(run, list as List),
    },
  ],
  flatten: [{ takes: ['list<T>'], gives: 'list<T>', run: (run, list) => flatten(run, list as List) }],
  'index of': [
    {
      takes: ['list<T>', 'T'],
      gives: 'list<number>',
      among: 'comparable',
      takesNull: true,
      run: (run, list, match) => (list === null ? null : places(run, list as List, match as Cell)),
    },
  ],
  'insert before': [
    {
      takes: ['list<T>', 'number', 'T'],
      gives: 'list<T>',
      takesNull: true,
      run: (run, list, position, item) => {
        if (list === null || position === null) return null
        const index = indexOf(position as Cell, (list as List).length)
        return index === undefined ? null : newList(run, (list as List).toSpliced(index, 0, item as Cell))
      },
    },
  ],
  'list contains': [
    {
      takes: ['list<T>', 'T'],
      gives: 'boolean',
      among: 'comparable',
      takesNull: true,
      run: (run, list, match) => {
        if (list === null) return null
        return (list as List).some((item) => {
          run.step()
          return run.equal(item, match as Cell)
        })
      },
    },
  ],
  remove: [
    {
      takes: ['list<T>', 'number'],
      gives: 'list<T>',
      run: (run, list, position) => {
        const index = indexOf(position as Cell, (list as List).length)
        return index === undefined ? null : newList(run, (list as List).toSpliced(index, 1))
      },
    },
  ],
  reverse: [
    { takes: ['list<T>'], gives: 'list<T>', run: (run, list) => newList(run, (list as List).toReversed()) },
  ],
  sublist: [
    {
      takes: ['list<T>', 'number', 'number?'],
      gives: 'list<T>',
      run: (run, list, start, count) => sublist(run, list as List, start as Cell, count),
    },
  ],
  union: [
    {
      takes: ['list<T>...'],
      gives: 'list<T>',
      among: 'comparable',
      run: (run, ...lists) => distinct(run, newList(run, (lists as List[]).flat())),
    },
  ],
}
