/** Values compared by what they are, not by how they are written: 10.50 is 10.5. */
import type { FieldType } from '../../ledger/element.ts'
import type { Value } from '../../ledger/value.ts'
import { fromField, typeOfField } from '../feel/field-value.ts'
import { compilePattern } from '../feel/pattern.ts'
import { compareValues, type Value as FeelValue, keyOf } from '../feel/values.ts'

function feelValue(type: FieldType, value: Value): FeelValue {
  return type === 'null' ? null : fromField({ type, value }, typeOfField(type))
}

/** Whether a value lies between two of its own type, each included; a bound that is none of the type is not kept. */
export function isWithin(
  type: FieldType,
  value: Value,
  min: string | undefined,
  max: string | undefined,
): boolean {
  if (min === undefined && max === undefined) return true
  const own = feelValue(type, value)
  const order = (bound: string): number => compareValues(own, feelValue(type, bound)) ?? Number.NaN
  return (min === undefined || order(min) >= 0) && (max === undefined || order(max) <= 0)
}

/** Whether a pattern, which was looked at when it was drafted, is of the whole text. */
export function matchesPattern(pattern: string, text: string): boolean {
  return compilePattern(pattern).isWhole(text)
}

/** A text that two values share exactly if they are equal. */
export function valueKey(type: FieldType, value: Value): string {
  return `${typeOfField(type).kind} ${keyOf(feelValue(type, value))}`
}
