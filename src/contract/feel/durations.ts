/**
 * FEEL's two kinds of duration. A year has 12 months and a day 24 hours, but no month has a fixed number of days, so the
 * two don't mix.
 */
import { type Decimal, divide, fromInteger, integerText, multiply, parseDecimal, round } from './decimal.ts'

/** A number of months. */
export interface YearsMonths {
  readonly kind: 'years-months'
  readonly months: number
}

/** A number of nanoseconds. */
export interface DaysTime {
  readonly kind: 'days-time'
  readonly nanoseconds: bigint
}

export const NANOSECONDS_PER_SECOND = 1_000_000_000n
const NANOSECONDS_PER_MINUTE = 60n * NANOSECONDS_PER_SECOND
const NANOSECONDS_PER_HOUR = 60n * NANOSECONDS_PER_MINUTE
export const NANOSECONDS_PER_DAY = 24n * NANOSECONDS_PER_HOUR

/** Longest years and months duration: 999,999,999 years. */
const MAX_MONTHS = 999_999_999 * 12
/** Longest days and time duration: as long. */
const MAX_NANOSECONDS = 999_999_999n * 366n * NANOSECONDS_PER_DAY

const YEARS_MONTHS = /^(-?)P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?$/
const DAYS_TIME =
  /^(-?)P(?:([0-9]{1,9})D)?(?:(T)(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,12})(?:\.([0-9]{1,9}))?S)?)?$/

/** The duration; undefined if it is longer than FEEL has them. */
export function yearsMonths(months: number): YearsMonths | undefined {
  // −0 becomes 0.
  return Math.abs(months) <= MAX_MONTHS ? { kind: 'years-months', months: months + 0 } : undefined
}

/** The duration; undefined if it is longer than FEEL has them. */
export function daysTime(nanoseconds: bigint): DaysTime | undefined {
  return nanoseconds <= MAX_NANOSECONDS && nanoseconds >= -MAX_NANOSECONDS
    ? { kind: 'days-time', nanoseconds }
    : undefined
}

/** The duration that a text such as `P1Y6M` or `-P3DT4H30M` writes (XML Schema); undefined if it writes none. */
export function parseDuration(text: string): YearsMonths | DaysTime | undefined {
  const inMonths = YEARS_MONTHS.exec(text)
  if (inMonths !== null && (inMonths[2] ?? inMonths[3]) !== undefined) {
    const months = Number(inMonths[2] ?? 0) * 12 + Number(inMonths[3] ?? 0)
    return yearsMonths(inMonths[1] === '-' ? -months : months)
  }
  const match = DAYS_TIME.exec(text)
  if (match === null) return undefined
  const [, sign, days, t, hours, minutes, seconds, fraction = ''] = match
  const hasTime = (hours ?? minutes ?? seconds) !== undefined
  if ((days === undefined && !hasTime) || (t !== undefined && !hasTime)) return undefined
  const nanoseconds =
    BigInt(days ?? 0) * NANOSECONDS_PER_DAY +
    BigInt(hours ?? 0) * NANOSECONDS_PER_HOUR +
    BigInt(minutes ?? 0) * NANOSECONDS_PER_MINUTE +
    BigInt(seconds ?? 0) * NANOSECONDS_PER_SECOND +
    BigInt(fraction.padEnd(9, '0'))
  return daysTime(sign === '-' ? -nanoseconds : nanoseconds)
}

/** The one way to write a duration: `P1Y6M`, `P3DT4H30M`; none at all is `P0M` or `PT0S`. */
export function durationText(duration: YearsMonths | DaysTime): string {
  if (duration.kind === 'years-months') {
    const { years, months } = partsOfMonths(Math.abs(duration.months))
    const sign = duration.months < 0 ? '-' : ''
    return `${sign}P${years > 0 ? `${years}Y` : ''}${months > 0 || years === 0 ? `${months}M` : ''}`
  }
  const negative = duration.nanoseconds < 0n
  const parts = partsOfNanoseconds(negative ? -duration.nanoseconds : duration.nanoseconds)
  const fraction = parts.nanoseconds.toString().padStart(9, '0').replace(/0+$/, '')
  const seconds = fraction === '' ? `${parts.seconds}S` : `${parts.seconds}.${fraction}S`
  const time = [
    parts.hours > 0n ? `${parts.hours}H` : '',
    parts.minutes > 0n ? `${parts.minutes}M` : '',
    parts.seconds > 0n || fraction !== '' ? seconds : '',
  ].join('')
  const days = parts.days > 0n ? `${parts.days}D` : ''
  if (days === '' && time === '') return 'PT0S'
  return `${negative ? '-' : ''}P${days}${time === '' ? '' : `T${time}`}`
}

/** Whole years and the months left over, both with the sign of the duration. */
export function partsOfMonths(total: number): { years: number; months: number } {
  const years = Math.trunc(total / 12) + 0
  return { years, months: (total % 12) + 0 }
}

/** Days, hours, minutes, seconds and what is left, all with the sign of the duration. */
export function partsOfNanoseconds(total: bigint) {
  return {
    days: total / NANOSECONDS_PER_DAY,
    hours: (total % NANOSECONDS_PER_DAY) / NANOSECONDS_PER_HOUR,
    minutes: (total % NANOSECONDS_PER_HOUR) / NANOSECONDS_PER_MINUTE,
    seconds: (total % NANOSECONDS_PER_MINUTE) / NANOSECONDS_PER_SECOND,
    nanoseconds: total % NANOSECONDS_PER_SECOND,
  }
}

/** A duration of the kind of `like` with the number of months or nanoseconds, cut towards zero. */
function ofAmount(like: YearsMonths | DaysTime, amount: Decimal | undefined) {
  const text = amount === undefined ? undefined : wholeText(amount)
  if (text === undefined) return undefined
  return like.kind === 'years-months' ? yearsMonths(Number(text)) : daysTime(BigInt(text))
}

function wholeText(amount: Decimal): string | undefined {
  const whole = round(amount, 0, 'down')
  return whole === undefined ? undefined : integerText(whole, 40)
}

function amountOf(duration: YearsMonths | DaysTime): Decimal {
  if (duration.kind === 'years-months') return fromInteger(duration.months)
  return parseDecimal(duration.nanoseconds.toString()) ?? fromInteger(0)
}

/** The duration times a number; a fraction of a month or nanosecond is cut off. */
export function multiplyDuration(duration: YearsMonths | DaysTime, factor: Decimal) {
  return ofAmount(duration, multiply(amountOf(duration), factor))
}

/** The duration divided by a number, or undefined by 0; a fraction of a month or nanosecond is cut off. */
export function divideDuration(duration: YearsMonths | DaysTime, divisor: Decimal) {
  return ofAmount(duration, divide(amountOf(duration), divisor))
}

/** How often `right` goes into `left`, both of one kind. */
export function durationRatio(left: YearsMonths | DaysTime, right: YearsMonths | DaysTime) {
  return divide(amountOf(left), amountOf(right))
}
