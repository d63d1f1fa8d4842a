/** FEEL's functions on numbers, and the same on amounts and durations where they make sense. */
import {
  absolute,
  compareDecimals,
  type Decimal,
  fromInteger,
  modulo,
  ONE,
  parseDecimal,
  type Rounding,
  round,
  squareRoot,
  toInteger,
  ZERO,
} from './decimal.ts'
import { type DaysTime, daysTime, type YearsMonths, yearsMonths } from './durations.ts'
import { type Money, money } from './money.ts'
import type { Cell } from './run.ts'
import type { FunctionForm, FunctionTable } from './signatures.ts'

/** The scales that decimal128 has room for. */
const MIN_SCALE = -6111
const MAX_SCALE = 6176

const TWO = fromInteger(2)
const NUMBER = /^-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?$/
const GROUPINGS = [' ', ',', '.']
const POINTS = [',', '.']

function roundTo(value: Decimal, scale: Cell | undefined, rounding: Rounding): Decimal | undefined {
  const digits = scale === undefined ? 0 : toInteger(scale as Decimal)
  if (digits === undefined || digits < MIN_SCALE || digits > MAX_SCALE) return undefined
  return round(value, digits, rounding)
}

/** A rounding function for numbers and amounts. `scale`: whether the digits after the point may be left out. */
function roundings(rounding: Rounding, scale: 'number' | 'number?'): FunctionForm[] {
  return [
    {
      takes: ['number', scale],
      gives: 'number',
      run: (_, value, digits) => roundTo(value as Decimal, digits, rounding) ?? null,
    },
    {
      takes: ['money', scale],
      gives: 'money',
      run: (_, value, digits) => {
        const { amount, currency } = value as Money
        return money(roundTo(amount, digits, rounding), currency) ?? null
      },
    },
  ]
}

/** A number written with a sign between thousands and one before the fraction; either may be null. */
function groupedNumber(text: string, grouping: Cell, point: Cell): Decimal | null {
  if (grouping !== null && !GROUPINGS.includes(grouping as string)) return null
  if (point !== null && !POINTS.includes(point as string)) return null
  if (grouping !== null && grouping === point) return null
  const joined = grouping === null ? text : text.replaceAll(grouping as string, '')
  const plain = point === ',' ? joined.replace(',', '.') : joined
  if (point === ',' && joined.includes('.')) return null
  return NUMBER.test(plain) ? (parseDecimal(plain) ?? null) : null
}

function isMultipleOfTwo(value: Decimal): boolean {
  return compareDecimals(modulo(value, TWO) ?? ONE, ZERO) === 0
}

export const NUMBER_FUNCTIONS: FunctionTable = {
  abs: [
    { takes: ['number'], gives: 'number', run: (_, value) => absolute(value as Decimal) },
    {
      takes: ['money'],
      gives: 'money',
      run: (_, value) => money(absolute((value as Money).amount), (value as Money).currency) ?? null,
    },
    {
      takes: ['years-months'],
      gives: 'years-months',
      run: (_, value) => yearsMonths(Math.abs((value as YearsMonths).months)) ?? null,
    },
    {
      takes: ['days-time'],
      gives: 'days-time',
      run: (_, value) => {
        const { nanoseconds } = value as DaysTime
        return daysTime(nanoseconds < 0n ? -nanoseconds : nanoseconds) ?? null
      },
    },
  ],
  ceiling: roundings('ceiling', 'number?'),
  decimal: roundings('half even', 'number'),
  floor: roundings('floor', 'number?'),
  'round down': roundings('down', 'number'),
  'round half down': roundings('half down', 'number'),
  'round half up': roundings('half up', 'number'),
  'round up': roundings('up', 'number'),
  even: [{ takes: ['number'], gives: 'boolean', run: (_, value) => isMultipleOfTwo(value as Decimal) }],
  odd: [
    {
      takes: ['number'],
      gives: 'boolean',
      run: (_, value) => {
        const whole = toIntegral(value as Decimal)
        return whole && !isMultipleOfTwo(value as Decimal)
      },
    },
  ],
  modulo: [
    {
      takes: ['number', 'number'],
      gives: 'number',
      run: (_, value, divisor) => modulo(value as Decimal, divisor as Decimal) ?? null,
    },
  ],
  money: [
    {
      takes: ['number', 'text'],
      gives: 'money',
      run: (_, amount, currency) => money(amount as Decimal, currency as string) ?? null,
    },
  ],
  number: [
    {
      takes: ['text'],
      gives: 'number',
      run: (_, text) =>
        (text as string).length <= 256 && NUMBER.test(text as string)
          ? (parseDecimal(text as string) ?? null)
          : null,
    },
    {
      takes: ['text', 'text', 'text'],
      gives: 'number',
      takesNull: true,
      run: (_, text, grouping, point) =>
        text === null || (text as string).length > 256
          ? null
          : groupedNumber(text as string, grouping as Cell, point as Cell),
    },
  ],
  sqrt: [{ takes: ['number'], gives: 'number', run: (_, value) => squareRoot(value as Decimal) ?? null }],
}

function toIntegral(value: Decimal): boolean {
  return compareDecimals(modulo(value, ONE) ?? ONE, ZERO) === 0
}
