/**
 * An expression as it was read, before names and types are looked at. `at` is the place of a part in the text, in UTF-16
 * units from 0: of an operator's node the operator itself, otherwise where the part begins.
 */

interface Placed {
  readonly at: number
}

export type ComparisonSign = '=' | '!=' | '<' | '<=' | '>' | '>='
export type ArithmeticSign = '+' | '-' | '*' | '/' | '**'

/** Where a loop's variable takes its values from. */
export interface Loop extends Placed {
  readonly name: string
  /** A list, or the first number of an interval. */
  readonly from: Tree
  /** The last number of an interval. */
  readonly to: Tree | undefined
}

/** What `in` tests for: a comparison such as `< 5`, or a value, list or range. */
export type Test =
  | (Placed & { readonly kind: 'test'; readonly sign: ComparisonSign; readonly value: Tree })
  | Tree

export interface RangeTree extends Placed {
  readonly kind: 'range'
  readonly low: Tree
  readonly high: Tree
  readonly lowIncluded: boolean
  readonly highIncluded: boolean
}

export interface LoopTree extends Placed {
  readonly kind: 'for' | 'some' | 'every'
  readonly loops: readonly Loop[]
  readonly body: Tree
}

export type Tree =
  /** `text`: the digits as written. */
  | (Placed & { readonly kind: 'number'; readonly text: string })
  | (Placed & { readonly kind: 'text'; readonly value: string })
  | (Placed & { readonly kind: 'boolean'; readonly value: boolean })
  | (Placed & { readonly kind: 'null' })
  /** `date("…")`, `date and time("…")`, `duration("…")`. */
  | (Placed & { readonly kind: 'temporal'; readonly name: TemporalName; readonly text: string })
  | (Placed & { readonly kind: 'name'; readonly name: string })
  /** `_`, the root block. */
  | (Placed & { readonly kind: 'root' })
  | (Placed & { readonly kind: 'member'; readonly of: Tree; readonly name: string })
  /** `of[by]`: an index or a condition. */
  | (Placed & { readonly kind: 'filter'; readonly of: Tree; readonly by: Tree })
  | (Placed & { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Tree[] })
  | (Placed & { readonly kind: 'negation'; readonly of: Tree })
  | (Placed & {
      readonly kind: 'arithmetic'
      readonly sign: ArithmeticSign
      readonly left: Tree
      readonly right: Tree
    })
  | (Placed & {
      readonly kind: 'comparison'
      readonly sign: ComparisonSign
      readonly left: Tree
      readonly right: Tree
    })
  | (Placed & { readonly kind: 'between'; readonly of: Tree; readonly low: Tree; readonly high: Tree })
  | (Placed & { readonly kind: 'in'; readonly of: Tree; readonly tests: readonly Test[] })
  /** At least two parts. */
  | (Placed & { readonly kind: 'and' | 'or'; readonly parts: readonly Tree[] })
  | (Placed & {
      readonly kind: 'if'
      readonly condition: Tree
      readonly whenTrue: Tree
      readonly whenFalse: Tree
    })
  | LoopTree
  | (Placed & { readonly kind: 'list'; readonly items: readonly Tree[] })
  | RangeTree

export type TemporalName = 'date' | 'date and time' | 'duration'

/** Words with a meaning of their own; an element of such a name is written in backticks. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  'and',
  'between',
  'else',
  'every',
  'false',
  'for',
  'if',
  'in',
  'not',
  'null',
  'or',
  'return',
  'satisfies',
  'some',
  'then',
  'true',
])

/** Names of two words that need no backticks after a dot. */
export const TWO_WORD_PROPERTIES: ReadonlySet<string> = new Set(['time offset', 'media type'])

/**
 * What a name may begin with and go on with: XML's characters of names without signs. They are listed rather than asked of
 * Unicode, whose newer versions know more letters: an expression must read the same on every node.
 */
export const NAME_START =
  'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F' +
  '\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}'
export const NAME_REST = `${NAME_START}0-9\\u0300-\\u036F`

const PLAIN_NAME = new RegExp(`^(?!_$)[${NAME_START}][${NAME_REST}]*$`, 'u')

/** Whether an element's name may stand in an expression as it is. All others are written in backticks. */
export function isPlainName(name: string): boolean {
  return PLAIN_NAME.test(name) && !KEYWORDS.has(name)
}
