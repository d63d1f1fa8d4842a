/** When a field is what a document says, and which type it gets where the document's format has fewer types than we. */
import { type FieldNode, isEmpty } from '../document/tree.ts'
import { checkValue, parseTyped } from '../document/types.ts'
import type { FieldType } from '../ledger/request.ts'
import type { Opening } from '../ledger/value.ts'
import { isValueOfType } from './outcome.ts'
import type { ElementRecord } from './record.ts'

/**
 * What a tree was read from.
 * - `xml`: it has no types. A field keeps its own, and the text must be of it.
 * - `json`: it has no order among names, no dates, shows siblings of one name as an array, and leaves white space out. Programs
 *   that pass it on write numbers their own way: `10.50` is not changed by `10.5`.
 */
export type Source = 'json' | 'xml'

/** Whether a field holds what the node says. An empty one, and one whose opening is not held, equal null: so they are shown. */
export function isSameField(
  { type, value: commitment }: ElementRecord,
  opening: Opening | undefined,
  node: FieldNode,
  from: Source | undefined,
): boolean {
  const value = opening === undefined ? null : opening.value
  if (from === 'xml') return xmlText(value) === xmlText(node.value)
  if (commitment === undefined && from === undefined) return type === node.type && isEmpty(node)
  if (opening === undefined) return node.value === null
  if (from === undefined) return type === node.type && value === node.value
  const form = jsonForm(type as FieldType)
  if (form !== jsonForm(node.type)) return false
  return form === 'number' ? isSameNumber(`${value}`, `${node.value}`) : value === node.value
}

/**
 * A node's value, and the type that the field gets with it: null with another type than `null` empties the field, as JSON's null
 * does, and an empty text in XML where the type has none.
 * @throws CountersignError `bad-value`
 */
export function typedValue(
  { type }: ElementRecord,
  node: FieldNode,
  from: Source | undefined,
): [type: FieldType, value: FieldNode['value']] {
  const { value } = node
  if (type === undefined || from === undefined || type === node.type) return [node.type, value]
  if (from === 'xml') {
    if (type === 'null' || typeof value !== 'string') return [node.type, value]
    return [type, value === '' && type !== 'text' ? null : parseTyped(type, value)]
  }
  if (node.type === 'null') return [type, null]
  if (jsonForm(type) !== jsonForm(node.type)) return [node.type, value]
  if (isValueOfType(type, value)) return [type, value]
  // A decimal in an integer's place is another type; text in a date's place is a mistake.
  if (jsonForm(type) === 'string') checkValue(type, value)
  return [node.type, value]
}

/** The kind of JSON value that a field of a type is written as. */
function jsonForm(type: FieldType): string {
  if (type === 'decimal' || type === 'integer') return 'number'
  return type === 'boolean' || type === 'null' ? type : 'string'
}

const xmlText = (value: FieldNode['value']): string => (value === null ? '' : String(value))

/** Whether two JSON numbers are equal as numbers, exactly. */
function isSameNumber(first: string, second: string): boolean {
  return first === second || plainNumber(first) === plainNumber(second)
}

/** The one spelling of a JSON number: digits that neither begin nor end with 0, and an exponent. */
function plainNumber(number: string): string {
  const [mantissa = '', exponent = '0'] = number.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  const short = digits.replace(/0+$/, '')
  if (short === '') return '0'
  return `${mantissa.startsWith('-') ? '-' : ''}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`
}
