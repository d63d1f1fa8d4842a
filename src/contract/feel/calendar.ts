/**
 * Dates and date-times of the proleptic Gregorian calendar, years 0 to 9999, as fields hold them. A date-time always has
 * an offset from UTC; two of them compare as points in time.
 */
import { CountersignError } from '../../crypto/errors.ts'
import { checkValue } from '../../document/types.ts'
import {
  type DaysTime,
  daysTime,
  NANOSECONDS_PER_DAY,
  NANOSECONDS_PER_SECOND,
  type YearsMonths,
  yearsMonths,
} from './durations.ts'

/** A day, counted from 1970-01-01. */
export interface CalendarDate {
  readonly kind: 'date'
  readonly days: number
}

/** A point in time, in nanoseconds since 1970-01-01T00:00:00Z, and the offset that it is written with. */
export interface DateTime {
  readonly kind: 'date-time'
  readonly nanoseconds: bigint
  readonly offsetMinutes: number
}

const MIN_DAY = dayOf(0, 1, 1)
const MAX_DAY = dayOf(9999, 12, 31)
const NANOSECONDS_PER_MINUTE = 60n * NANOSECONDS_PER_SECOND

/** The day of a year, month and day that exist. The algorithm counts years from March, so that leap days come last. */
function dayOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Year, month and day of a day; the inverse of {@link dayOf}. */
export function partsOfDay(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  }
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The date; undefined if there is no such day. */
export function calendarDate(year: number, month: number, day: number): CalendarDate | undefined {
  const exists =
    year >= 0 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
  return exists ? { kind: 'date', days: dayOf(year, month, day) } : undefined
}

function dateOfDay(days: number): CalendarDate | undefined {
  return days >= MIN_DAY && days <= MAX_DAY ? { kind: 'date', days } : undefined
}

function isValue(type: 'date' | 'date-time', text: string): boolean {
  try {
    checkValue(type, text)
    return true
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

/** The date that a text of the form of a `date` field writes; undefined if it writes none. */
export function parseDate(text: string): CalendarDate | undefined {
  if (text.length !== 10 || !isValue('date', text)) return undefined
  return calendarDate(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8)))
}

/** The date-time that a text of the form of a `date-time` field writes; undefined if none. A leap second counts as the next. */
export function parseDateTime(text: string): DateTime | undefined {
  if (!isValue('date-time', text)) return undefined
  const days = dayOf(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)))
  const seconds =
    Number(text.slice(11, 13)) * 3600 + Number(text.slice(14, 16)) * 60 + Number(text.slice(17, 19))
  const fraction = text[19] === '.' ? (/^[0-9]+/.exec(text.slice(20))?.[0] ?? '') : ''
  const offset = text.endsWith('Z') ? 0 : Number(text.slice(-5, -3)) * 60 + Number(text.slice(-2))
  const offsetMinutes = text.at(-6) === '-' && !text.endsWith('Z') ? -offset + 0 : offset
  const local =
    BigInt(days) * NANOSECONDS_PER_DAY +
    BigInt(seconds) * NANOSECONDS_PER_SECOND +
    BigInt(fraction.padEnd(9, '0'))
  return dateTime(local - BigInt(offsetMinutes) * NANOSECONDS_PER_MINUTE, offsetMinutes)
}

/** The date-time; undefined if its local year is not 0 to 9999. */
function dateTime(nanoseconds: bigint, offsetMinutes: number): DateTime | undefined {
  const result: DateTime = { kind: 'date-time', nanoseconds, offsetMinutes }
  const { days } = localParts(result)
  return days >= MIN_DAY && days <= MAX_DAY ? result : undefined
}

/** The day and the nanoseconds since its midnight, at the date-time's own offset. */
export function localParts(value: DateTime): { days: number; nanoseconds: bigint } {
  const local = value.nanoseconds + BigInt(value.offsetMinutes) * NANOSECONDS_PER_MINUTE
  const rest = ((local % NANOSECONDS_PER_DAY) + NANOSECONDS_PER_DAY) % NANOSECONDS_PER_DAY
  return { days: Number((local - rest) / NANOSECONDS_PER_DAY), nanoseconds: rest }
}

/** The one way to write a date. */
export function dateText(date: CalendarDate): string {
  const { year, month, day } = partsOfDay(date.days)
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

/** The one way to write a date-time: no trailing zeros in its seconds, `Z` for no offset. */
export function dateTimeText(value: DateTime): string {
  const { days, nanoseconds } = localParts(value)
  const seconds = Number(nanoseconds / NANOSECONDS_PER_SECOND)
  const fraction = pad(Number(nanoseconds % NANOSECONDS_PER_SECOND), 9).replace(/0+$/, '')
  const time = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`
  const offset = Math.abs(value.offsetMinutes)
  const zone =
    offset === 0
      ? 'Z'
      : `${value.offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(offset / 60), 2)}:${pad(offset % 60, 2)}`
  return `${dateText({ kind: 'date', days })}T${time}${fraction === '' ? '' : `.${fraction}`}${zone}`
}

function pad(value: number, length: number): string {
  return value.toString().padStart(length, '0')
}

/** The date of a date-time at its own offset. */
export function dateOf(value: DateTime): CalendarDate {
  return { kind: 'date', days: localParts(value).days }
}

/** 1 for Monday to 7 for Sunday. */
export function weekday(days: number): number {
  return ((((days + 3) % 7) + 7) % 7) + 1
}

/** 1 for 1 January. */
export function dayOfYear(days: number): number {
  return days - dayOf(partsOfDay(days).year, 1, 1) + 1
}

/** The week of ISO 8601: weeks begin on Monday, and week 1 holds 4 January. */
export function weekOfYear(days: number): number {
  const thursday = days - weekday(days) + 4
  return Math.floor((dayOfYear(thursday) - 1) / 7) + 1
}

/** The date or date-time later by a duration; a day that the month lacks becomes its last. undefined past year 9999. */
export function addDuration(value: CalendarDate, duration: YearsMonths | DaysTime): CalendarDate | undefined
export function addDuration(value: DateTime, duration: YearsMonths | DaysTime): DateTime | undefined
export function addDuration(
  value: CalendarDate | DateTime,
  duration: YearsMonths | DaysTime,
): CalendarDate | DateTime | undefined {
  if (value.kind === 'date') {
    if (duration.kind === 'years-months') return addMonths(value.days, duration.months)
    return dateOfDay(Number(floorDays(BigInt(value.days) * NANOSECONDS_PER_DAY + duration.nanoseconds)))
  }
  if (duration.kind === 'days-time')
    return dateTime(value.nanoseconds + duration.nanoseconds, value.offsetMinutes)
  const { days } = localParts(value)
  const moved = addMonths(days, duration.months)
  if (moved === undefined) return undefined
  return dateTime(value.nanoseconds + BigInt(moved.days - days) * NANOSECONDS_PER_DAY, value.offsetMinutes)
}

function floorDays(nanoseconds: bigint): bigint {
  const days = nanoseconds / NANOSECONDS_PER_DAY
  return nanoseconds % NANOSECONDS_PER_DAY < 0n ? days - 1n : days
}

function addMonths(days: number, months: number): CalendarDate | undefined {
  const from = partsOfDay(days)
  const total = from.year * 12 + from.month - 1 + months
  const year = Math.floor(total / 12)
  const month = total - year * 12 + 1
  return calendarDate(year, month, Math.min(from.day, daysInMonth(year, month)))
}

/** A date stands for its midnight in UTC. */
export function instantOf(value: CalendarDate | DateTime): bigint {
  return value.kind === 'date' ? BigInt(value.days) * NANOSECONDS_PER_DAY : value.nanoseconds
}

/** `left` − `right`. */
export function durationBetween(left: CalendarDate | DateTime, right: CalendarDate | DateTime) {
  return daysTime(instantOf(left) - instantOf(right))
}

/** The whole months from one date to another, by their years, months and days; negative if `to` is the earlier. */
export function wholeMonths(from: CalendarDate | DateTime, to: CalendarDate | DateTime) {
  const start = partsOfDay(from.kind === 'date' ? from.days : localParts(from).days)
  const end = partsOfDay(to.kind === 'date' ? to.days : localParts(to).days)
  const months = (end.year - start.year) * 12 + end.month - start.month
  if (months > 0 && end.day < start.day) return yearsMonths(months - 1)
  if (months < 0 && end.day > start.day) return yearsMonths(months + 1)
  return yearsMonths(months)
}
