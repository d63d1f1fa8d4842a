/** FEEL's functions on dates and times, but for those that read a clock. */
import {
  type CalendarDate,
  calendarDate,
  type DateTime,
  dateOf,
  dayOfYear,
  localParts,
  parseDate,
  parseDateTime,
  partsOfDay,
  weekday,
  weekOfYear,
  wholeMonths,
} from './calendar.ts'
import { type Decimal, fromInteger, toInteger } from './decimal.ts'
import type { Cell } from './run.ts'
import type { FunctionForm, FunctionTable, Shape } from './signatures.ts'

type Moment = CalendarDate | DateTime

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** The day of a date or date-time. */
function dayIn(moment: Moment): number {
  return moment.kind === 'date' ? moment.days : localParts(moment).days
}

/** A function of a date or date-time. */
function ofDay(gives: Shape, compute: (days: number) => Cell): FunctionForm[] {
  return (['date', 'date-time'] as const).map((kind) => ({
    takes: [kind],
    gives,
    run: (_, moment) => compute(dayIn(moment as Moment)),
  }))
}

function fromParts(year: Cell, month: Cell, day: Cell): Cell {
  const [y, m, d] = [year, month, day].map((part) => toInteger(part as Decimal))
  if (y === undefined || m === undefined || d === undefined) return null
  return calendarDate(y, m, d) ?? null
}

export const DATE_FUNCTIONS: FunctionTable = {
  date: [
    { takes: ['text'], gives: 'date', run: (_, text) => parseDate(text as string) ?? null },
    { takes: ['date-time'], gives: 'date', run: (_, moment) => dateOf(moment as DateTime) },
    { takes: ['date'], gives: 'date', run: (_, date) => date as CalendarDate },
    {
      takes: ['number', 'number', 'number'],
      gives: 'date',
      run: (_, year, month, day) => fromParts(year as Cell, month as Cell, day as Cell),
    },
  ],
  'date and time': [
    { takes: ['text'], gives: 'date-time', run: (_, text) => parseDateTime(text as string) ?? null },
  ],
  // Which of the two kinds a duration is, only a text in the expression itself can tell before it runs.
  duration: [],
  'day of week': ofDay('text', (days) => DAYS[weekday(days) - 1] as string),
  'day of year': ofDay('number', (days) => fromInteger(dayOfYear(days))),
  'month of year': ofDay('text', (days) => MONTHS[partsOfDay(days).month - 1] as string),
  'week of year': ofDay('number', (days) => fromInteger(weekOfYear(days))),
  'years and months duration': (['date', 'date-time'] as const).flatMap((from) =>
    (['date', 'date-time'] as const).map((to) => ({
      takes: [from, to],
      gives: 'years-months',
      run: (_, start, end) => wholeMonths(start as Moment, end as Moment) ?? null,
    })),
  ),
}
