/**
 * The document tree: the one shape that JSON and XML are read into and written from. The contract room maps its nodes
 * to elements one to one.
 *
 * | in the tree            | from XML                                      | from JSON                       |
 * |------------------------|-----------------------------------------------|---------------------------------|
 * | root, a block named '' | the document                                  | the top-level object            |
 * | block                  | an element with attributes or child elements  | an object                       |
 * | list, items `item`     | –  (repeated elements are siblings)           | an array                        |
 * | field `ID`             | an element with nothing but text              | a string, number, boolean, null |
 * | field `@currencyID`    | an attribute (`@xmlns:cbc` a declaration)     | the same key                    |
 * | field `#text`          | text beside attributes or elements            | the same key                    |
 * | field `#indent`        | the regular white space of a block, see below | –                               |
 * | field `#space`         | white space that breaks the rule of `#indent` | –                               |
 * | field `?target`        | a processing instruction                      | the same key                    |
 * | child `#value` of root | –                                             | a top-level array or scalar     |
 *
 * **White space** between elements counts in canonical XML, so it is kept, but not as a field per line. `#indent` in a
 * block holds the white space at depth one (`'\n  '`: a new line and two spaces) and applies to the block and all below
 * it until a block has an `#indent` of its own; `''` or none at all means no white space. A gap that differs stands as
 * a `#space` field in its place (`''` for a gap that is empty where the rule would put a line break). A block with
 * `#text` has no rule: its text is all there is. So an element inserted later is indented by itself, and one removed
 * leaves nothing behind.
 */

/** What a field holds. */
export type FieldType =
  | 'text'
  | 'decimal'
  | 'integer'
  | 'boolean'
  | 'date'
  | 'date-time'
  | 'money'
  | 'choice'
  | 'party'
  | 'file'
  | 'null'

/** Every field type. */
export const FIELD_TYPES: readonly FieldType[] = [
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
]

/**
 * A field's value. Decimals and integers are exact strings as written (`"10.50"`), dates RFC 3339 strings; types.ts has the form
 * of each. null in a field of another type than `null`: the field is empty, see {@link isEmpty}.
 */
export type FieldValue = string | boolean | null

/** A sub-tree with named children in order; names may repeat. */
export type BlockNode = { kind: 'block'; name: string; children: DocumentNode[] }

/** An ordered list; its children are its items, each named {@link ITEM}. */
export type ListNode = { kind: 'list'; name: string; children: DocumentNode[] }

/** A leaf. */
export type FieldNode = { kind: 'field'; name: string; type: FieldType; value: FieldValue }

/** A node of the document tree. */
export type DocumentNode = BlockNode | ListNode | FieldNode

/** The name of a list's items. */
export const ITEM = 'item'

/** The field that holds text standing beside attributes or child elements. */
export const TEXT = '#text'

/** The field that holds a block's regular white space. */
export const INDENT = '#indent'

/** The field that holds white space where it breaks the rule of `#indent`. */
export const SPACE = '#space'

/** The only child of the root of a JSON text that is not an object. */
export const VALUE = '#value'

/** Limits on what is read in, and how deep a tree may be to be written. */
export interface DocumentLimits {
  /** Size of the text in UTF-8. */
  sizeBytes: number
  /** Elements, objects or arrays nested in one another. */
  depth: number
  /** Nodes of the resulting tree. */
  nodes: number
}

/** What is read in unless the caller says otherwise: 8 MiB, 64 levels, 200,000 nodes. */
export const DOCUMENT_LIMITS: Readonly<DocumentLimits> = {
  sizeBytes: 8 * 1024 * 1024,
  depth: 64,
  nodes: 200_000,
}

/** Levels a tree may have to be written as JSON or XML; keeps recursion within the stack. */
export const MAX_WRITE_DEPTH = 512

/** A block. */
export function block(name: string, children: DocumentNode[]): BlockNode {
  return { kind: 'block', name, children }
}

/** A list; every item is expected to be named {@link ITEM}. */
export function list(name: string, children: DocumentNode[]): ListNode {
  return { kind: 'list', name, children }
}

/** A field of any type; the value is not checked, see `checkValue`. */
export function field(name: string, type: FieldType, value: FieldValue): FieldNode {
  return { kind: 'field', name, type, value }
}

/** Whether a field has a type and no value. */
export function isEmpty({ type, value }: Pick<FieldNode, 'type' | 'value'>): boolean {
  return value === null && type !== 'null'
}

/** A text field. */
export function text(name: string, value: string): FieldNode {
  return { kind: 'field', name, type: 'text', value }
}
