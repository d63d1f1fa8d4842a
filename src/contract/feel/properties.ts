/** What stands after the dot of a value that is no block: the parts of dates, durations, amounts and files. */
import { type CalendarDate, type DateTime, localParts, partsOfDay, weekday } from './calendar.ts'
import { type Decimal, fromInteger, parseDecimal } from './decimal.ts'
import {
  type DaysTime,
  daysTime,
  NANOSECONDS_PER_SECOND,
  partsOfMonths,
  partsOfNanoseconds,
  type YearsMonths,
} from './durations.ts'
import { fileParts } from './field-value.ts'
import type { Money } from './money.ts'
import type { Cell } from './run.ts'
import type { ScalarKind, Type } from './types.ts'

interface Property {
  readonly gives: ScalarKind
  of(value: never): Cell
}

const property = <V>(gives: ScalarKind, of: (value: V) => Cell): Property => ({ gives, of })

const numberOf = <V>(part: (value: V) => number | bigint): Property =>
  property('number', (value: V) => fromInteger(part(value)))

const NANOSECONDS_PER_MINUTE = 60n * NANOSECONDS_PER_SECOND

/** Seconds of a minute with their fraction. */
function seconds(nanoseconds: bigint): Decimal {
  const rest = nanoseconds % NANOSECONDS_PER_MINUTE
  return { kind: 'number', coefficient: rest, exponent: -9 }
}

const dayProperties = <V>(dayIn: (value: V) => number): [string, Property][] => [
  ['year', numberOf((value: V) => partsOfDay(dayIn(value)).year)],
  ['month', numberOf((value: V) => partsOfDay(dayIn(value)).month)],
  ['day', numberOf((value: V) => partsOfDay(dayIn(value)).day)],
  ['weekday', numberOf((value: V) => weekday(dayIn(value)))],
]

const fileText = (part: (parts: NonNullable<ReturnType<typeof fileParts>>) => string): Property =>
  property('text', (value: string) => {
    const parts = fileParts(value)
    return parts === undefined ? null : part(parts)
  })

/** The properties of each kind of value. */
const PROPERTIES: ReadonlyMap<string, ReadonlyMap<string, Property>> = new Map([
  ['date', new Map(dayProperties((value: CalendarDate) => value.days))],
  [
    'date-time',
    new Map([
      ...dayProperties((value: DateTime) => localParts(value).days),
      ['hour', numberOf((value: DateTime) => localParts(value).nanoseconds / (60n * NANOSECONDS_PER_MINUTE))],
      [
        'minute',
        numberOf((value: DateTime) => (localParts(value).nanoseconds / NANOSECONDS_PER_MINUTE) % 60n),
      ],
      ['second', property('number', (value: DateTime) => seconds(localParts(value).nanoseconds))],
      [
        'time offset',
        property(
          'days-time',
          (value: DateTime) => daysTime(BigInt(value.offsetMinutes) * NANOSECONDS_PER_MINUTE) ?? null,
        ),
      ],
    ]),
  ],
  [
    'years-months',
    new Map([
      ['years', numberOf((value: YearsMonths) => partsOfMonths(value.months).years)],
      ['months', numberOf((value: YearsMonths) => partsOfMonths(value.months).months)],
    ]),
  ],
  [
    'days-time',
    new Map([
      ['days', numberOf((value: DaysTime) => partsOfNanoseconds(value.nanoseconds).days)],
      ['hours', numberOf((value: DaysTime) => partsOfNanoseconds(value.nanoseconds).hours)],
      ['minutes', numberOf((value: DaysTime) => partsOfNanoseconds(value.nanoseconds).minutes)],
      ['seconds', property('number', (value: DaysTime) => seconds(value.nanoseconds))],
    ]),
  ],
  [
    'money',
    new Map([
      ['amount', property('number', (value: Money) => value.amount)],
      ['currency', property('text', (value: Money) => value.currency)],
    ]),
  ],
  [
    'file',
    new Map([
      ['hash', fileText(({ hash }) => hash)],
      ['media type', fileText(({ mediaType }) => mediaType)],
      ['name', fileText(({ name }) => name)],
      [
        'size',
        property('number', (value: string) => parseDecimal(fileParts(value)?.sizeBytes ?? '') ?? null),
      ],
    ]),
  ],
])

/** The property of a type; undefined if it has none of the name. Null gives null. */
export function propertyOf(type: Type, name: string): { gives: Type; of: (value: Cell) => Cell } | undefined {
  const found = PROPERTIES.get(type.kind)?.get(name)
  if (found === undefined) return undefined
  return { gives: { kind: found.gives }, of: (value) => (value === null ? null : found.of(value as never)) }
}

/** The names of a type's properties. */
export function propertyNames(type: Type): string[] {
  return [...(PROPERTIES.get(type.kind)?.keys() ?? [])]
}
