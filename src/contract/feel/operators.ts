/** What + − * / ** and the sign do, by the types on their sides. Null on a side gives null. */
import { addDuration, type CalendarDate, type DateTime, durationBetween } from './calendar.ts'
import { add, type Decimal, divide, multiply, negate, raise, subtract } from './decimal.ts'
import {
  type DaysTime,
  daysTime,
  divideDuration,
  durationRatio,
  multiplyDuration,
  type YearsMonths,
  yearsMonths,
} from './durations.ts'
import { addMoney, divideMoney, type Money, money, moneyRatio, multiplyMoney } from './money.ts'
import type { Cell, Run } from './run.ts'
import type { ArithmeticSign } from './tree.ts'
import { isAssignable, type ScalarKind, type Type } from './types.ts'

type Duration = YearsMonths | DaysTime

/** One row: the types on both sides, the type that comes out, and how. */
interface Operation {
  readonly sign: ArithmeticSign
  readonly left: ScalarKind
  readonly right: ScalarKind
  readonly gives: ScalarKind
  run(left: never, right: never, run: Run): Cell | undefined
}

const row = <L, R>(
  sign: ArithmeticSign,
  left: ScalarKind,
  right: ScalarKind,
  gives: ScalarKind,
  run: (left: L, right: R, run: Run) => Cell | undefined,
): Operation => ({ sign, left, right, gives, run })

const addDurations = (left: Duration, right: Duration): Cell | undefined =>
  left.kind === 'years-months'
    ? yearsMonths(left.months + (right as YearsMonths).months)
    : daysTime(left.nanoseconds + (right as DaysTime).nanoseconds)

const opposite = (duration: Duration): Duration =>
  duration.kind === 'years-months'
    ? { kind: 'years-months', months: -duration.months + 0 }
    : { kind: 'days-time', nanoseconds: -duration.nanoseconds }

const oppositeMoney = (value: Money): Money => ({ ...value, amount: negate(value.amount) })

const later = (moment: CalendarDate | DateTime, duration: Duration): Cell | undefined =>
  moment.kind === 'date' ? addDuration(moment, duration) : addDuration(moment, duration)

const durations = (['years-months', 'days-time'] as const).flatMap((kind) => [
  row('+', kind, kind, kind, addDurations),
  row('-', kind, kind, kind, (left: Duration, right: Duration) => addDurations(left, opposite(right))),
  row('*', kind, 'number', kind, (left: Duration, right: Decimal) => multiplyDuration(left, right)),
  row('*', 'number', kind, kind, (left: Decimal, right: Duration) => multiplyDuration(right, left)),
  row('/', kind, 'number', kind, (left: Duration, right: Decimal) => divideDuration(left, right)),
  row('/', kind, kind, 'number', (left: Duration, right: Duration) => durationRatio(left, right)),
  ...(['date', 'date-time'] as const).flatMap((moment) => [
    row('+', moment, kind, moment, later),
    row('+', kind, moment, moment, (left: Duration, right: CalendarDate | DateTime) => later(right, left)),
    row('-', moment, kind, moment, (left: CalendarDate | DateTime, right: Duration) =>
      later(left, opposite(right)),
    ),
  ]),
])

const moments = (['date', 'date-time'] as const).flatMap((left) =>
  (['date', 'date-time'] as const).map((right) => row('-', left, right, 'days-time', durationBetween)),
)

/** Every operation on two values that there is. */
const OPERATIONS: readonly Operation[] = [
  row('+', 'number', 'number', 'number', add),
  row('-', 'number', 'number', 'number', subtract),
  row('*', 'number', 'number', 'number', multiply),
  row('/', 'number', 'number', 'number', divide),
  row('**', 'number', 'number', 'number', raise),
  row('+', 'text', 'text', 'text', (left: string, right: string, run: Run) => {
    run.stepText(left.length + right.length)
    run.grow(left.length + right.length)
    return left + right
  }),
  row('+', 'money', 'money', 'money', addMoney),
  row('-', 'money', 'money', 'money', (left: Money, right: Money) => addMoney(left, oppositeMoney(right))),
  row('*', 'money', 'number', 'money', multiplyMoney),
  row('*', 'number', 'money', 'money', (left: Decimal, right: Money) => multiplyMoney(right, left)),
  row('/', 'money', 'number', 'money', divideMoney),
  row('/', 'money', 'money', 'number', moneyRatio),
  ...durations,
  ...moments,
]

/** The operation for two types; undefined if there is none. Where one side is the literal null, any that fits the other. */
export function operationOn(
  sign: ArithmeticSign,
  left: Type,
  right: Type,
): { gives: Type; run: (left: Cell, right: Cell, run: Run) => Cell } | undefined {
  const found = OPERATIONS.find(
    (one) =>
      one.sign === sign && isAssignable(left, { kind: one.left }) && isAssignable(right, { kind: one.right }),
  )
  if (found === undefined) return undefined
  const gives: Type = left.kind === 'null' || right.kind === 'null' ? { kind: 'null' } : { kind: found.gives }
  return {
    gives,
    run: (first, second, run) =>
      first === null || second === null ? null : (found.run(first as never, second as never, run) ?? null),
  }
}

/** What the sign makes of a value; null for null. */
export function opposed(value: Cell): Cell {
  if (value === null || typeof value !== 'object' || !('kind' in value)) return null
  switch (value.kind) {
    case 'number':
      return negate(value)
    case 'money':
      return money(negate(value.amount), value.currency) ?? null
    case 'years-months':
    case 'days-time':
      return opposite(value)
    default:
      return null
  }
}

/** The types that have an opposite. */
export const OPPOSABLE: readonly string[] = ['number', 'money', 'years-months', 'days-time', 'null']

/** The sum of values of one kind; null of none, of null among them, and of different currencies. */
export function addAll(items: readonly Cell[]): Cell {
  let total: Cell = items[0] ?? null
  for (const item of items.slice(1)) total = addTwo(total, item)
  return total
}

function addTwo(left: Cell, right: Cell): Cell {
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return null
  if (!('kind' in left) || !('kind' in right)) return null
  if (left.kind === 'number' && right.kind === 'number') return add(left, right) ?? null
  if (left.kind === 'money' && right.kind === 'money') return addMoney(left, right) ?? null
  if (left.kind === 'years-months' && right.kind === 'years-months') return addDurations(left, right) ?? null
  if (left.kind === 'days-time' && right.kind === 'days-time') return addDurations(left, right) ?? null
  return null
}

/** A number, amount or duration divided by a number. */
export function divideBy(value: Cell, divisor: Decimal): Cell {
  if (value === null || typeof value !== 'object' || !('kind' in value)) return null
  if (value.kind === 'number') return divide(value, divisor) ?? null
  if (value.kind === 'money') return divideMoney(value, divisor) ?? null
  if (value.kind === 'years-months' || value.kind === 'days-time')
    return divideDuration(value, divisor) ?? null
  return null
}
