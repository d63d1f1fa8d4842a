/** Between the texts that fields hold and the values that expressions compute with. */
import { CountersignError } from '../../crypto/errors.ts'
import type { FieldValue } from '../../document/tree.ts'
import { checkValue, MAX_DIGITS } from '../../document/types.ts'
import { dateText, dateTimeText, parseDate, parseDateTime } from './calendar.ts'
import { decimalText, integerText, parseDecimal } from './decimal.ts'
import { moneyText, parseMoney } from './money.ts'
import type { FieldContent, RuleFieldType } from './run.ts'
import type { Type } from './types.ts'
import type { Value } from './values.ts'

/** The static type of what a field holds. */
export function typeOfField(type: RuleFieldType): Type {
  switch (type) {
    case 'decimal':
    case 'integer':
      return { kind: 'number' }
    case 'choice':
    case 'party':
      return { kind: 'text' }
    default:
      return { kind: type }
  }
}

/**
 * What a field holds as a value of the type that the expression was checked for; null where it holds none of that type,
 * which is what FEEL makes of a value that doesn't conform. A number of more than 34 digits is rounded.
 */
export function fromField({ type, value }: FieldContent, expected: Type): Value {
  if (value === null) return null
  const { kind } = typeOfField(type)
  if (kind !== expected.kind && !(kind === 'file' && expected.kind === 'text')) return null
  if (typeof value === 'boolean') return kind === 'boolean' ? value : null
  switch (kind) {
    case 'number':
      return parseDecimal(value) ?? null
    case 'date':
      return parseDate(value) ?? null
    case 'date-time':
      return parseDateTime(value) ?? null
    case 'money':
      return parseMoney(value) ?? null
    case 'text':
    case 'file':
      return value
    default:
      return null
  }
}

/**
 * The result of an expression as the value of a field: null for null, the one way to write it otherwise. undefined if it
 * is no value of the type: a fraction for an integer, a number or amount too large to write, a text that is no choice,
 * party or file by its form (whether a choice is one of the field's, its own rule says), a list, a block, a duration.
 */
export function toFieldValue(value: Value, type: RuleFieldType): FieldValue | undefined {
  if (value === null) return null
  if (typeof value === 'boolean') return type === 'boolean' ? value : undefined
  if (typeof value === 'string') return textFor(value, type)
  if (!('kind' in value)) return undefined
  switch (value.kind) {
    case 'number':
      if (type === 'integer') return integerText(value, MAX_DIGITS)
      return type === 'decimal' ? decimalText(value) : undefined
    case 'date':
      return type === 'date' ? dateText(value) : undefined
    case 'date-time':
      return type === 'date-time' ? dateTimeText(value) : undefined
    case 'money':
      return type === 'money' ? moneyText(value) : undefined
    default:
      return undefined
  }
}

const PARTY = /^[0-9a-f]{64}$/
const MAX_CHOICE_LENGTH = 256

function textFor(value: string, type: RuleFieldType): string | undefined {
  if (type === 'party') return PARTY.test(value) ? value : undefined
  if (type === 'file') return fileParts(value) === undefined ? undefined : value
  if (type !== 'text' && type !== 'choice') return undefined
  if (type === 'choice' && (value === '' || value.length > MAX_CHOICE_LENGTH)) return undefined
  try {
    checkValue('text', value)
    return value
  } catch (error) {
    if (error instanceof CountersignError) return undefined
    throw error
  }
}

const FILE = /^([0-9a-f]{64}) (0|[1-9][0-9]{0,15}) ([^ ]{1,255}) ([^ ].*)$/su

/** The parts of a file's text: `<64 hex digits> <size in bytes> <media type> <name>`; undefined if it is none. */
export function fileParts(text: string) {
  const match = FILE.exec(text)
  if (match === null) return undefined
  const [, hash, size, mediaType, name] = match as unknown as [string, string, string, string, string]
  return { hash, sizeBytes: size, mediaType, name }
}
