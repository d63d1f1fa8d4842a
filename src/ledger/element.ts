/** What an element is made of on paper (PROTOCOL ELE-1 to ELE-3). */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'

export const FIELD_TYPES = [
  'text',
  'decimal',
  'integer',
  'boolean',
  'date',
  'date-time',
  'money',
  'choice',
  'party',
  'file',
  'null',
] as const
export type FieldType = (typeof FIELD_TYPES)[number]
export type ElementKind = 'block' | 'list' | 'field'

/** Which template a block was made from: its hash (TPL-1), and which edition of it that is. */
export type TemplateMark = { hash: string; edition: number }

export const EDITION_MAX = 1_000_000
export const templateMarkShape: shape.Check<TemplateMark> = shape.object({
  hash: shape.hash,
  edition: shape.integer(1, EDITION_MAX),
})

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const NAME = /^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]+$/u
export const nameShape: shape.Check<string> = (value, where) => {
  shape.string(256, 1)(value, where)
  return shape.pattern(NAME, 'a name without control characters or unpaired surrogates')(value, where)
}
export const orderShape: shape.Check<string> = shape.pattern(
  /^[0-9A-Za-z]{1,64}$/,
  '1 to 64 letters and digits',
)
/** Who may see a private value: party ids in order, each once. */
export const readersShape: shape.Check<string[]> = (value, where) => {
  const list = shape.array(shape.hash, 256)(value, where)
  for (const [index, party] of list.entries())
    if (index > 0 && (list[index - 1] as string) >= party)
      throw new CountersignError('bad-format', `${where}: expected parties in order, each once`)
  return list
}
export const typeShape: shape.Check<FieldType> = shape.literal(...FIELD_TYPES)

/** Not 32 zeros: they stand for the root in a genesis, and for no element as the root's own parent (ELE-1). */
export const newUidShape = shape.pattern(
  /^(?!0{32}$)[0-9a-f]{32}$/,
  '32 lowercase hex digits that are not all zeros',
)
