/** One evaluation: its budget, its variables, and what it reads of the live tree. */
import type { FieldType, FieldValue } from '../../document/tree.ts'
import { fromField } from './field-value.ts'
import type { Pattern } from './pattern.ts'
import type { Type } from './types.ts'
import {
  type BlockValue,
  compareValues,
  equalValues,
  keyOf,
  type Scalar,
  textOf,
  unitsOf,
  type Value,
} from './values.ts'

/** The field types that expressions know. */
export type RuleFieldType = FieldType | 'money' | 'choice' | 'party' | 'file'

export interface FieldContent {
  readonly type: RuleFieldType
  readonly value: FieldValue
}

/**
 * The live tree, by references that mean something to the caller only. A member whose type is a list is a list's
 * reference, be it a list element or several siblings of one name.
 */
export interface Source<Reference = unknown> {
  readonly root: Reference
  readonly here: Reference
  /** A block's member; undefined if there is none at present. */
  child(block: Reference, name: string): Reference | undefined
  /** A list's items, in order. */
  items(list: Reference): readonly Reference[]
  /** What a field holds: `undefined` if it is empty, `hidden` if this node cannot read it. */
  value(field: Reference): FieldContent | 'hidden' | undefined
}

/** What one evaluation may use up. */
export interface Budget {
  /** Pieces of work: parts evaluated, items visited, 64 units of text looked at, threads of a pattern. */
  readonly steps: number
  /** Items of new lists, and UTF-16 units of new texts. */
  readonly memory: number
}

/** What an evaluation may use unless the caller says otherwise: some tenths of a second and some megabytes. */
export const DEFAULT_BUDGET: Budget = { steps: 1_000_000, memory: 2_000_000 }

/** Ends an evaluation; caught in evaluate.ts and nowhere else. */
export class Stop {
  readonly reason: 'hidden' | 'steps' | 'memory'

  constructor(reason: 'hidden' | 'steps' | 'memory') {
    this.reason = reason
  }
}

/** A field of the tree that stands in a list and was not read yet. */
export interface Unread {
  readonly kind: 'unread'
  readonly reference: unknown
  readonly type: Type
}

/** A value, or a list whose items may not have been read yet. A cell outside a list is never unread. */
export type Cell = null | Scalar | BlockValue | readonly (Cell | Unread)[]

/** UTF-16 units of text that count as one step. */
const UNITS_PER_STEP = 64
/** Longest key that does not count as a new text. */
const SHORT_KEY = 256

export class Run {
  readonly source: Source
  /** The values of variables, by their slots. */
  readonly slots: Cell[] = []
  /** The patterns compiled so far, by their texts. */
  readonly patterns = new Map<string, Pattern>()
  readonly #budget: Budget
  #steps: number
  #memory: number

  constructor(source: Source, budget: Budget) {
    this.source = source
    this.#budget = budget
    this.#steps = budget.steps
    this.#memory = budget.memory
  }

  get spent(): Budget {
    const { steps, memory } = this.#budget
    return { steps: steps - Math.max(0, this.#steps), memory: memory - Math.max(0, this.#memory) }
  }

  /** Counts work before it is done. */
  step(steps = 1): void {
    this.#steps -= steps
    if (this.#steps < 0) throw new Stop('steps')
  }

  /** Counts work on texts of this many units in all. */
  stepText(units: number): void {
    this.step(1 + Math.floor(units / UNITS_PER_STEP))
  }

  /** Counts new items or units of text before they are made. */
  grow(size: number): void {
    this.#memory -= size
    if (this.#memory < 0) throw new Stop('memory')
  }

  /** A new text, counted. */
  newText(text: string): string {
    this.grow(text.length)
    return text
  }

  /** An item of a list. */
  read(item: Cell | Unread): Cell {
    if (item === null || typeof item !== 'object' || !('kind' in item) || item.kind !== 'unread') return item
    return this.#content(item.reference, item.type)
  }

  /** All items of a list. */
  readAll(list: readonly (Cell | Unread)[]): Cell[] {
    this.step(list.length)
    return list.map((item) => this.read(item))
  }

  /** A cell with everything in it read. */
  settle(cell: Cell | Unread): Value {
    const value = this.read(cell)
    if (value === null || typeof value !== 'object' || 'kind' in value) return value
    this.step(value.length)
    return value.map((item) => this.settle(item))
  }

  /** Whether two cells are equal; both are read. */
  equal(left: Cell | Unread, right: Cell | Unread): boolean {
    const [first, second] = [this.settle(left), this.settle(right)]
    this.stepText(Math.min(unitsOf(first), unitsOf(second)))
    return equalValues(first, second)
  }

  /** As `compareValues`, counted. */
  compare(left: Cell, right: Cell): number | undefined {
    if (typeof left === 'string' && typeof right === 'string')
      this.stepText(Math.min(left.length, right.length))
    return compareValues(left as Value, right as Value)
  }

  /** The key of an item, which equal items share. */
  key(item: Cell | Unread): string {
    const value = this.settle(item)
    const units = unitsOf(value)
    this.stepText(units)
    if (units > SHORT_KEY) this.grow(units)
    return keyOf(value)
  }

  /** A value as a text; undefined if it has none. */
  text(item: Cell | Unread): string | undefined {
    const value = this.settle(item)
    if (typeof value === 'string') return value
    const units = unitsOf(value)
    this.stepText(units)
    this.grow(units)
    return textOf(value)
  }

  /** The value of a block's member. What is missing is null, or the empty list where a list would stand. */
  member(block: Cell, name: string, type: Type): Cell {
    const reference = this.#child(block, name)
    if (reference === undefined) return type.kind === 'list' ? [] : null
    return this.#content(reference, type)
  }

  /** As {@link member}, but a field waits until it is read. */
  lateMember(block: Cell, name: string, type: Type): Cell | Unread {
    const reference = this.#child(block, name)
    if (reference === undefined) return type.kind === 'list' ? [] : null
    if (type.kind === 'list' || type.kind === 'block') return this.#content(reference, type)
    return { kind: 'unread', reference, type }
  }

  #child(block: Cell, name: string): unknown {
    this.step()
    if (block === null || typeof block !== 'object' || !('kind' in block) || block.kind !== 'block')
      return undefined
    return this.source.child(block.reference, name)
  }

  #content(reference: unknown, type: Type): Cell {
    if (type.kind === 'block') return { kind: 'block', reference }
    if (type.kind === 'list') {
      const items = this.source.items(reference)
      this.step(items.length)
      this.grow(items.length)
      const { of } = type
      return items.map((item) =>
        of.kind === 'list' || of.kind === 'block'
          ? this.#content(item, of)
          : { kind: 'unread', reference: item, type: of },
      )
    }
    const content = this.source.value(reference)
    if (content === 'hidden') throw new Stop('hidden')
    if (content === undefined) return null
    if (typeof content.value === 'string') this.stepText(content.value.length)
    return fromField(content, type)
  }
}
