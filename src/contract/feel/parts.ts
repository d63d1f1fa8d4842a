/** What the checker makes of each part of an expression: its type, what it reads, what it may cost, and how it is evaluated. */
import type { Cell, Run } from './run.ts'
import type { Tree } from './tree.ts'
import type { Input, Scope, Type } from './types.ts'

/** Evaluates a part. Recursion is as deep as the tree, which the parser bounds. */
export type Code = (run: Run) => Cell

export interface Part {
  readonly type: Type
  readonly code: Code
  /** Where in the tree the blocks come from that the part is or holds. */
  readonly origins: readonly Input[]
  /** About how many steps it takes, with {@link LIST_GUESS} items in each list of the tree. */
  readonly cost: number
  /** How many items it has by the same guess, if it is a list. */
  readonly items: number
}

/** How many items a list of the tree is taken to have when the cost of an expression is estimated. */
export const LIST_GUESS = 100
/** The most steps that an expression may take by that estimate: three loops over lists of the tree, one in another. */
export const MAX_COST = 10_000_000

/** The names that are bound around a part: variables of loops, and the items that a filter goes through. */
export interface Bindings {
  readonly outer: Bindings | undefined
  /** A variable’s name; undefined for the item of a filter, whose members are names too. */
  readonly name: string | undefined
  readonly slot: number
  readonly part: Pick<Part, 'type' | 'origins' | 'items'>
  /** Set when something reads it. */
  used: boolean
}

/** What the functions of the checker share while they check one expression. */
export interface Checking {
  readonly scope: Scope
  part(tree: Tree, bindings: Bindings | undefined): Part
  newSlot(): number
  /** Notes that the expression reads a part of the tree. */
  reads(input: Input): void
}

/** A part without origins. */
export function plainPart(type: Type, cost: number, code: Code, items = 1): Part {
  return { type, code, cost, items, origins: [] }
}

/** The origins of several parts, each once. */
export function allOrigins(parts: readonly Pick<Part, 'origins'>[]): Input[] {
  const found = new Map<string, Input>()
  for (const { origins } of parts) for (const origin of origins) found.set(inputKey(origin), origin)
  return [...found.values()]
}

/** A text that tells inputs apart. */
export function inputKey({ from, path }: Input): string {
  return JSON.stringify([from, ...path])
}
