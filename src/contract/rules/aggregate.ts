/**
 * Aggregates (PROTOCOL RUL-12): a result that all see, computed by one reader from values that only it and those who gave them
 * see. Fewer groups than the rule asks for come to nothing, since their values would be told by it.
 */
import type { Aggregate } from '../../ledger/behaviour.ts'
import type { FieldType } from '../../ledger/element.ts'
import type { Value } from '../../ledger/value.ts'
import { element } from '../elements.ts'
import { fromInteger } from '../feel/decimal.ts'
import { fromField, toFieldValue, typeOfField } from '../feel/field-value.ts'
import { addAll } from '../feel/operators.ts'
import type { Cell } from '../feel/run.ts'
import { compareValues } from '../feel/values.ts'
import { elementsAt } from './paths.ts'
import type { Work } from './work.ts'

/** The fields that hold a value for an aggregate, each with who may see it: by UID, so that nothing goes by where they lie. */
export function aggregated(
  { state }: Pick<Work, 'state'>,
  at: string,
  { over }: Pick<Aggregate, 'over'>,
): { uid: string; readers: readonly string[] | undefined }[] {
  return elementsAt(state, at, over, true)
    .sort()
    .flatMap((uid) => {
      const record = element(state, uid)
      if (record?.value === undefined || record.inactive || isInside(state, uid)) return []
      return [{ uid, readers: record.readers }]
    })
}

/** Whether something that an element lies in is switched off. */
function isInside(state: Work['state'], uid: string): boolean {
  for (let here = element(state, uid)?.parent; here !== undefined; here = element(state, here)?.parent)
    if (element(state, here)?.inactive === true) return true
  return false
}

/** How many groups, beside the reader, have given a value: one for each list of others who see it. */
export function groupsOf(fields: ReturnType<typeof aggregated>, reader: string): number {
  const groups = fields.map(({ readers = [] }) => readers.filter((party) => party !== reader).join())
  return new Set(groups.filter((group) => group !== '')).size
}

/** What values come to together; null where they don't add up to one of the field's type. salts: as `Run`. */
export function aggregate(
  work: Work,
  { function: name }: Pick<Aggregate, 'function'>,
  fields: ReturnType<typeof aggregated>,
  type: FieldType,
): { value: Value; salts: string[] } {
  const salts: string[] = []
  const cells = fields.map(({ uid }): Cell => {
    const { type: own = 'null', value = '', readers } = element(work.state, uid) ?? {}
    const opening = work.valueOf({ value, readers })
    salts.push(opening.salt)
    return own === 'null' ? null : (fromField({ type: own, value: opening.value }, typeOfField(own)) as Cell)
  })
  return {
    value: toFieldValue(comeTo(name, cells) as Parameters<typeof toFieldValue>[0], type) ?? null,
    salts,
  }
}

function comeTo(name: Aggregate['function'], cells: readonly Cell[]): Cell {
  if (name === 'count') return fromInteger(cells.length)
  if (name === 'sum') return addAll(cells)
  let best = cells[0] ?? null
  for (const cell of cells.slice(1)) {
    const order = compareValues(cell as never, best as never)
    if (order === undefined) return null
    if (name === 'min' ? order < 0 : order > 0) best = cell
  }
  return best
}
