/** The static types of expressions. Any value may be missing (null) at run time, so that no type says whether it can be. */

export type ScalarKind =
  | 'number'
  | 'text'
  | 'boolean'
  | 'date'
  | 'date-time'
  | 'years-months'
  | 'days-time'
  | 'money'
  | 'file'

/** A block of the contract's tree. What it holds, the {@link Scope} tells by `id`. */
export interface BlockType {
  readonly kind: 'block'
  readonly id: string
}

export type Type =
  | { readonly kind: ScalarKind }
  /** Nothing but null: the literal, or an element that is always empty. */
  | { readonly kind: 'null' }
  | { readonly kind: 'list'; readonly of: Type }
  | BlockType

/** Where the names of an expression are looked up. Repeated elements of a block are one member, a list. */
export interface Scope {
  /** What `_` is. */
  readonly root: BlockType
  /** The block whose members bare names are. */
  readonly here: BlockType
  /** The type of a block's member; undefined if it has none of the name. */
  member(block: BlockType, name: string): Type | undefined
  /** The names of a block's members, for suggestions. */
  names(block: BlockType): readonly string[]
}

/** A part of the tree that an expression reads: the names from the root or the current block, through lists. */
export interface Input {
  readonly from: 'root' | 'here'
  readonly path: readonly string[]
}

export const NULL: Type = { kind: 'null' }
export const NUMBER: Type = { kind: 'number' }
export const TEXT: Type = { kind: 'text' }
export const BOOLEAN: Type = { kind: 'boolean' }

const NAMES: Readonly<Record<ScalarKind | 'null', string>> = {
  number: 'a number',
  text: 'a text',
  boolean: 'true or false',
  date: 'a date',
  'date-time': 'a date and time',
  'years-months': 'a duration in years and months',
  'days-time': 'a duration in days and time',
  money: 'an amount of money',
  file: 'a file',
  null: 'nothing (null)',
}

/** A type in words: `a number`, `a list, each item a text`. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'list':
      return type.of.kind === 'null' ? 'a list' : `a list, each item ${typeName(type.of)}`
    case 'block':
      return 'a block'
    default:
      return NAMES[type.kind]
  }
}

/** Whether a value of type `from` may stand where `to` is asked for. A file is a text too, and null is of every type. */
export function isAssignable(from: Type, to: Type): boolean {
  if (from.kind === 'null') return true
  if (from.kind === 'file' && to.kind === 'text') return true
  if (from.kind === 'list' && to.kind === 'list') return isAssignable(from.of, to.of)
  if (from.kind === 'block' && to.kind === 'block') return from.id === to.id
  return from.kind === to.kind
}

/** The type that takes both; undefined if none does. */
export function commonType(left: Type, right: Type): Type | undefined {
  if (isAssignable(left, right)) return right
  if (isAssignable(right, left)) return left
  if (left.kind === 'list' && right.kind === 'list') {
    const of = commonType(left.of, right.of)
    return of === undefined ? undefined : { kind: 'list', of }
  }
  return undefined
}

/** Whether `<` and the like are defined on values of the type. */
export function isOrdered(type: Type): boolean {
  return type.kind !== 'boolean' && type.kind !== 'list' && type.kind !== 'block'
}

/** Whether `=` is defined: no blocks, whose members are compared one by one. */
export function isComparable(type: Type): boolean {
  return type.kind === 'list' ? isComparable(type.of) : type.kind !== 'block'
}

/** Whether values of the type are, or hold, blocks. */
export function holdsBlocks(type: Type): boolean {
  return type.kind === 'list' ? holdsBlocks(type.of) : type.kind === 'block'
}
