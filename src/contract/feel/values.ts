/** The values of expressions, and how two of them compare. */
import { type CalendarDate, type DateTime, dateText, dateTimeText } from './calendar.ts'
import { compareDecimals, type Decimal, decimalText } from './decimal.ts'
import { type DaysTime, durationText, type YearsMonths } from './durations.ts'
import { compareMoney, type Money, moneyText } from './money.ts'

export type Scalar = boolean | string | Decimal | CalendarDate | DateTime | YearsMonths | DaysTime | Money

/** A block of the live tree, by the reference that the source gave. */
export interface BlockValue {
  readonly kind: 'block'
  readonly reference: unknown
}

/** What an expression can come to. */
export type Value = null | Scalar | BlockValue | readonly Value[]

/**
 * Negative, 0 or positive as `left` comes before, at or after `right`; undefined if they have no order: different kinds,
 * different currencies, null. Texts go by code points.
 */
export function compareValues(left: Value, right: Value): number | undefined {
  if (left === null || right === null) return undefined
  if (typeof left === 'string' || typeof right === 'string')
    return typeof left === typeof right ? compareTexts(left as string, right as string) : undefined
  if (typeof left === 'boolean' || typeof right === 'boolean') return undefined
  if (!('kind' in left) || !('kind' in right)) return undefined
  if (left.kind === 'number' && right.kind === 'number') return compareDecimals(left, right)
  if (left.kind === 'date' && right.kind === 'date') return left.days - right.days
  if (left.kind === 'date-time' && right.kind === 'date-time')
    return difference(left.nanoseconds, right.nanoseconds)
  if (left.kind === 'years-months' && right.kind === 'years-months') return left.months - right.months
  if (left.kind === 'days-time' && right.kind === 'days-time')
    return difference(left.nanoseconds, right.nanoseconds)
  if (left.kind === 'money' && right.kind === 'money') return compareMoney(left, right)
  return undefined
}

function difference(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Compares by code points; the plain operators of JavaScript would put U+FF5E after U+1F600. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const [first, second] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (first === second) continue
    const isFirstHigh = first >= 0xd800 && first <= 0xdfff
    const isSecondHigh = second >= 0xd800 && second <= 0xdfff
    return isFirstHigh === isSecondHigh ? first - second : isFirstHigh ? 1 : -1
  }
  return left.length - right.length
}

/** A text that two values of one type share exactly if they are equal. Blocks are never compared. */
export function keyOf(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'boolean') return String(value)
  if (!('kind' in value)) return `[${value.map(keyOf).join()}]`
  switch (value.kind) {
    case 'number':
      return decimalText(value)
    case 'date':
      return dateText(value)
    case 'date-time':
      return `at ${value.nanoseconds}`
    case 'years-months':
    case 'days-time':
      return durationText(value)
    case 'money':
      return `${value.currency} ${decimalText(value.amount)}`
    case 'block':
      return 'block'
  }
}

/** About how many units a value takes as a text. */
export function unitsOf(value: Value): number {
  if (typeof value === 'string') return value.length
  if (value === null || typeof value === 'boolean') return 5
  if ('kind' in value) return 64
  return value.reduce<number>((sum, item) => sum + unitsOf(item), 2)
}

/** FEEL's `=`, which is never null between values of one type. */
export function equalValues(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right
  if (typeof left === 'string' || typeof left === 'boolean') return left === right
  if (typeof right === 'string' || typeof right === 'boolean') return false
  if ('kind' in left && 'kind' in right) return compareValues(left, right) === 0
  if ('kind' in left || 'kind' in right) return false
  return left.length === right.length && left.every((item, index) => equalValues(item, right[index] as Value))
}

/** A value as a text, as `string(…)` gives it; undefined for blocks and for amounts too large to write. */
export function textOf(value: Value, isInner = false): string | undefined {
  if (value === null) return 'null'
  if (typeof value === 'string') return isInner ? JSON.stringify(value) : value
  if (typeof value === 'boolean') return String(value)
  if (!('kind' in value)) {
    const items = value.map((item) => textOf(item, true))
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`
  }
  switch (value.kind) {
    case 'number':
      return decimalText(value)
    case 'date':
      return dateText(value)
    case 'date-time':
      return dateTimeText(value)
    case 'years-months':
    case 'days-time':
      return durationText(value)
    case 'money':
      return moneyText(value)
    case 'block':
      return undefined
  }
}
