/**
 * Exact decimal arithmetic as in IEEE 754 decimal128: 34 significant digits, rounded half to even, exponents as there. No
 * infinities and no NaN: what has no such number as its result has none (`undefined`; FEEL's null). Zero has no sign.
 *
 * Numbers are pairs of integers, so every node computes the same digits. Work is bounded: no operation makes an integer
 * longer than a few hundred digits, however far apart the exponents lie.
 */

/** The number coefficient × 10^exponent. The coefficient has at most 34 digits; trailing zeros may stand in it. */
export interface Decimal {
  readonly kind: 'number'
  readonly coefficient: bigint
  readonly exponent: number
}

/** How the digits that are cut off decide. `up` is away from zero, `down` towards it. */
export type Rounding = 'half even' | 'half up' | 'half down' | 'up' | 'down' | 'floor' | 'ceiling'

/** Significant digits of a number. */
export const PRECISION = 34
/** Largest power of ten that a number's first digit may stand for. */
export const MAX_ADJUSTED_EXPONENT = 6144
/** Smallest exponent of a last digit. */
export const MIN_EXPONENT = -6176
/** Largest exponent of `**`, either sign. */
export const MAX_POWER = 999_999_999

/** Digits carried while a power is taken. */
const POWER_PRECISION = 60
/** Beyond this distance between exponents, the smaller summand can't touch the 34 digits of the larger. */
const FAR = 2 * PRECISION + 3

const POWERS: readonly bigint[] = Array.from({ length: 160 }, (_, power) => 10n ** BigInt(power))
const LIMIT = 10n ** BigInt(PRECISION)

export const ZERO: Decimal = { kind: 'number', coefficient: 0n, exponent: 0 }
export const ONE: Decimal = { kind: 'number', coefficient: 1n, exponent: 0 }

function powerOfTen(power: number): bigint {
  return POWERS[power] ?? 10n ** BigInt(power)
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

function digitsOf(value: bigint): number {
  return magnitude(value).toString().length
}

/** `value` divided by `divisor`, a positive integer, rounded. */
function divideRounded(value: bigint, divisor: bigint, rounding: Rounding): bigint {
  const quotient = value / divisor
  const rest = value % divisor
  if (rest === 0n) return quotient
  const away = value < 0n ? quotient - 1n : quotient + 1n
  const twice = 2n * magnitude(rest)
  switch (rounding) {
    case 'up':
      return away
    case 'down':
      return quotient
    case 'floor':
      return value < 0n ? away : quotient
    case 'ceiling':
      return value < 0n ? quotient : away
    case 'half up':
      return twice >= divisor ? away : quotient
    case 'half down':
      return twice > divisor ? away : quotient
    case 'half even':
      return twice > divisor || (twice === divisor && quotient % 2n !== 0n) ? away : quotient
  }
}

/** The coefficient without its last `drop` digits. Costs the same however many are to go. */
function dropDigits(coefficient: bigint, drop: number, rounding: Rounding): bigint {
  if (drop <= 0) return coefficient
  // Past its own digits a number is less than a tenth of a unit: a tenth stands for it in every rounding.
  const digits = digitsOf(coefficient)
  if (drop > digits + 1)
    return divideRounded(coefficient < 0n ? -1n : coefficient > 0n ? 1n : 0n, 10n, rounding)
  return divideRounded(coefficient, powerOfTen(drop), rounding)
}

/** The nearest number of `precision` digits; undefined if it is too large. */
function rounded(coefficient: bigint, exponent: number): Decimal | undefined {
  if (coefficient === 0n) return ZERO
  let kept = coefficient
  let power = exponent
  if (kept >= LIMIT || kept <= -LIMIT || power < MIN_EXPONENT) {
    const drop = Math.max(digitsOf(kept) - PRECISION, MIN_EXPONENT - power)
    kept = dropDigits(kept, drop, 'half even')
    if (drop > 0) power += drop
    if (kept === 0n) return ZERO
    if (kept === LIMIT || kept === -LIMIT) {
      kept /= 10n
      power += 1
    }
  }
  if (power + PRECISION > MAX_ADJUSTED_EXPONENT && power + digitsOf(kept) - 1 > MAX_ADJUSTED_EXPONENT)
    return undefined
  return { kind: 'number', coefficient: kept, exponent: power }
}

/** The number of an integer. */
export function fromInteger(value: number | bigint): Decimal {
  return rounded(BigInt(value), 0) ?? ZERO
}

const NUMBER = /^(-?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,5}))?$/

/**
 * The number that a text writes: digits with at most one point, and an exponent of at most 5 digits; more than 34 digits
 * are rounded. undefined if it writes none or one that is too large.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > 256) return undefined
  const match = NUMBER.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', power = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const magnitude = BigInt(whole + fraction)
  return rounded(sign === '-' ? -magnitude : magnitude, Number(power) - fraction.length)
}

/** The same number without trailing zeros in its coefficient. */
function trimmed(value: Decimal): Decimal {
  let { coefficient, exponent } = value
  if (coefficient === 0n) return ZERO
  for (const step of [16, 8, 4, 2, 1]) {
    const unit = powerOfTen(step)
    while (coefficient % unit === 0n) {
      coefficient /= unit
      exponent += step
    }
  }
  return { kind: 'number', coefficient, exponent }
}

/**
 * The one way to write a number: no trailing zeros, no sign of zero; with an exponent (`1.5e40`) only where more than 34
 * digits would stand on a side of the point. Always a field value of type `decimal`.
 */
export function decimalText(value: Decimal): string {
  const { coefficient, exponent } = trimmed(value)
  const sign = coefficient < 0n ? '-' : ''
  const digits = magnitude(coefficient).toString()
  const point = digits.length + exponent
  if (exponent >= 0 && point <= PRECISION) return sign + digits + '0'.repeat(exponent)
  if (exponent < 0 && -exponent <= PRECISION) {
    if (point > 0) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
    return `${sign}0.${'0'.repeat(-point)}${digits}`
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
  return `${sign}${digits[0]}${fraction}e${point - 1}`
}

/** The integer that a number is, written out; undefined if it has a fraction or more than `digits` digits. */
export function integerText(value: Decimal, digits: number): string | undefined {
  const { coefficient, exponent } = trimmed(value)
  if (exponent < 0 || digitsOf(coefficient) + exponent > digits) return undefined
  return coefficient.toString() + '0'.repeat(exponent)
}

/** The number as a JavaScript integer; undefined if it has a fraction or lies beyond ±(2^53 − 1). */
export function toInteger(value: Decimal): number | undefined {
  if (value.exponent === 0) {
    const plain = Number(value.coefficient)
    return Number.isSafeInteger(plain) ? plain : undefined
  }
  const text = integerText(value, 16)
  const plain = text === undefined ? Number.NaN : Number(text)
  return Number.isSafeInteger(plain) ? plain : undefined
}

/** Negative, 0 or positive as `left` is less than, equal to or greater than `right`. */
export function compareDecimals(left: Decimal, right: Decimal): number {
  if (left.exponent === right.exponent) return compareIntegers(left.coefficient, right.coefficient)
  const sign = signOf(left)
  if (sign !== signOf(right) || sign === 0) return sign - signOf(right)
  const leftPoint = digitsOf(left.coefficient) + left.exponent
  const rightPoint = digitsOf(right.coefficient) + right.exponent
  if (leftPoint !== rightPoint) return leftPoint > rightPoint ? sign : -sign
  const least = Math.min(left.exponent, right.exponent)
  return compareIntegers(
    left.coefficient * powerOfTen(left.exponent - least),
    right.coefficient * powerOfTen(right.exponent - least),
  )
}

function compareIntegers(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** −1, 0 or 1. */
export function signOf(value: Decimal): number {
  return value.coefficient < 0n ? -1 : value.coefficient > 0n ? 1 : 0
}

export function negate(value: Decimal): Decimal {
  return { kind: 'number', coefficient: -value.coefficient, exponent: value.exponent }
}

export function absolute(value: Decimal): Decimal {
  return value.coefficient < 0n ? negate(value) : value
}

export function add(left: Decimal, right: Decimal): Decimal | undefined {
  if (left.exponent === right.exponent) return rounded(left.coefficient + right.coefficient, left.exponent)
  if (left.coefficient === 0n) return right
  if (right.coefficient === 0n) return left
  const [high, low] = left.exponent > right.exponent ? [left, right] : [right, left]
  const distance = high.exponent - low.exponent
  if (distance > FAR) return high
  return rounded(high.coefficient * powerOfTen(distance) + low.coefficient, low.exponent)
}

export function subtract(left: Decimal, right: Decimal): Decimal | undefined {
  return add(left, negate(right))
}

export function multiply(left: Decimal, right: Decimal): Decimal | undefined {
  return rounded(left.coefficient * right.coefficient, left.exponent + right.exponent)
}

/** The quotient; undefined if `right` is 0. */
export function divide(left: Decimal, right: Decimal): Decimal | undefined {
  if (right.coefficient === 0n) return undefined
  if (left.coefficient === 0n) return ZERO
  const more = Math.max(0, PRECISION + 2 + digitsOf(right.coefficient) - digitsOf(left.coefficient))
  const scaled = left.coefficient * powerOfTen(more)
  const quotient = scaled / right.coefficient
  const exponent = left.exponent - right.exponent - more
  if (scaled % right.coefficient === 0n) return rounded(quotient, exponent)
  // One more digit, which no zero can be, tells the rounding that the quotient goes on.
  const tail = left.coefficient < 0n === right.coefficient < 0n ? 1n : -1n
  return rounded(quotient * 10n + tail, exponent - 1)
}

/** What is left of `left` after the whole multiples of `right`; has the sign of `right`. undefined if `right` is 0. */
export function modulo(left: Decimal, right: Decimal): Decimal | undefined {
  if (right.coefficient === 0n) return undefined
  const distance = left.exponent - right.exponent
  if (distance < -FAR) {
    // |left| is less than |right|.
    return signOf(left) * signOf(right) < 0 ? add(left, right) : left
  }
  const divisor = distance >= 0 ? right.coefficient : right.coefficient * powerOfTen(-distance)
  const dividend =
    distance > FAR
      ? left.coefficient * powerModulo(10n, distance, magnitude(divisor))
      : left.coefficient * powerOfTen(Math.max(0, distance))
  let rest = dividend % divisor
  if (rest !== 0n && rest < 0n !== divisor < 0n) rest += divisor
  return rounded(rest, Math.min(left.exponent, right.exponent))
}

/** base^power modulo `divisor`. */
function powerModulo(base: bigint, power: number, divisor: bigint): bigint {
  let result = 1n
  let square = base % divisor
  for (let rest = power; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = (result * square) % divisor
    square = (square * square) % divisor
  }
  return result
}

/** `base` to a whole power; undefined for any other power, for one beyond ±999,999,999, and for 0 to a negative one. */
export function raise(base: Decimal, power: Decimal): Decimal | undefined {
  const times = toInteger(power)
  if (times === undefined || Math.abs(times) > MAX_POWER) return undefined
  if (times === 0) return ONE
  if (base.coefficient === 0n) return times < 0 ? undefined : ZERO
  let result = { coefficient: 1n, exponent: 0 }
  let square: { coefficient: bigint; exponent: number } = trimmed(base)
  for (let rest = Math.abs(times); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = shortProduct(result, square)
    if (rest > 1) square = shortProduct(square, square)
  }
  if (times > 0) return rounded(result.coefficient, result.exponent)
  const more = POWER_PRECISION + digitsOf(result.coefficient)
  const scaled = powerOfTen(more)
  const sticky = scaled % result.coefficient === 0n ? 0n : result.coefficient < 0n ? -1n : 1n
  return rounded((scaled / result.coefficient) * 10n + sticky, -result.exponent - more - 1)
}

/** A product of at most {@link POWER_PRECISION} digits. */
function shortProduct(
  left: { coefficient: bigint; exponent: number },
  right: { coefficient: bigint; exponent: number },
): { coefficient: bigint; exponent: number } {
  const coefficient = left.coefficient * right.coefficient
  const drop = Math.max(0, digitsOf(coefficient) - POWER_PRECISION)
  return {
    coefficient: dropDigits(coefficient, drop, 'half even'),
    exponent: left.exponent + right.exponent + drop,
  }
}

/** The square root; undefined for a negative number. */
export function squareRoot(value: Decimal): Decimal | undefined {
  if (value.coefficient < 0n) return undefined
  if (value.coefficient === 0n) return ZERO
  let more = 2 * (PRECISION + 2)
  if ((value.exponent - more) % 2 !== 0) more += 1
  const scaled = value.coefficient * powerOfTen(more)
  let root = powerOfTen(Math.ceil(digitsOf(scaled) / 2))
  for (;;) {
    const next = (root + scaled / root) / 2n
    if (next >= root) break
    root = next
  }
  const sticky = root * root === scaled ? 0n : 1n
  return rounded(root * 10n + sticky, (value.exponent - more) / 2 - 1)
}

/** The number with at most `scale` digits after the point; a negative scale rounds before it. */
export function round(value: Decimal, scale: number, rounding: Rounding): Decimal | undefined {
  if (value.exponent >= -scale) return value
  return rounded(dropDigits(value.coefficient, -scale - value.exponent, rounding), -scale)
}
