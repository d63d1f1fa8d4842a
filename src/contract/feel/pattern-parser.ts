/** Reads the text of a pattern into a tree; see pattern.ts for what a pattern may be. */
import { CountersignError } from '../../crypto/errors.ts'
import { quoteShort } from '../../document/names.ts'

/** Longest pattern, in UTF-16 units. */
export const MAX_PATTERN_LENGTH = 1000
/** Most groups within one another. */
const MAX_DEPTH = 32
/** Most repetitions that braces may ask for. */
const MAX_REPEAT = 1000

/** Ranges of code points, both ends included. */
export type Ranges = readonly (readonly [number, number])[]

export type PatternTree =
  | { readonly kind: 'set'; readonly ranges: Ranges; readonly negated: boolean }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternTree[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternTree[] }
  | {
      readonly kind: 'repeat'
      readonly of: PatternTree
      readonly least: number
      readonly most: number | undefined
      readonly lazy: boolean
    }

const DIGIT: Ranges = [[48, 57]]
const WORD: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]
const SPACE: Ranges = [
  [9, 10],
  [13, 13],
  [32, 32],
]
const CLASSES: Readonly<Record<string, { ranges: Ranges; negated: boolean }>> = {
  d: { ranges: DIGIT, negated: false },
  D: { ranges: DIGIT, negated: true },
  w: { ranges: WORD, negated: false },
  W: { ranges: WORD, negated: true },
  s: { ranges: SPACE, negated: false },
  S: { ranges: SPACE, negated: true },
}
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
const ESCAPABLE = '\\|.?*+(){}[]^$-/'
const LAST_CODE_POINT = 0x10ffff

/** @throws CountersignError `bad-expression` with the place in the pattern and what to do */
export function parsePattern(text: string): PatternTree {
  if (text.length > MAX_PATTERN_LENGTH)
    throw new CountersignError(
      'bad-expression',
      `The pattern has ${text.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed.`,
      { position: MAX_PATTERN_LENGTH },
    )
  return new PatternParser(text).parse()
}

class PatternParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): PatternTree {
    const tree = this.#choice(0)
    if (this.#at < this.#text.length) throw this.#fault('closes no group; write \\) for the character itself')
    return tree
  }

  #choice(depth: number): PatternTree {
    if (depth > MAX_DEPTH) throw this.#fault(`is the ${depth}th group in another; use at most ${MAX_DEPTH}`)
    const parts = [this.#sequence(depth)]
    while (this.#take('|')) parts.push(this.#sequence(depth))
    return parts.length === 1 ? (parts[0] as PatternTree) : { kind: 'choice', parts }
  }

  #sequence(depth: number): PatternTree {
    const parts: PatternTree[] = []
    while (this.#at < this.#text.length && !this.#sees('|') && !this.#sees(')'))
      parts.push(this.#repeated(this.#atom(depth)))
    return parts.length === 1 ? (parts[0] as PatternTree) : { kind: 'sequence', parts }
  }

  #repeated(of: PatternTree): PatternTree {
    const bounds = this.#bounds()
    if (bounds === undefined) return of
    if (of.kind === 'start' || of.kind === 'end') throw this.#fault('repeats a place; repeat characters only')
    const lazy = this.#take('?')
    if (this.#bounds() !== undefined) throw this.#fault('repeats a repetition; put the first into a group')
    return { kind: 'repeat', of, ...bounds, lazy }
  }

  #bounds(): { least: number; most: number | undefined } | undefined {
    if (this.#take('*')) return { least: 0, most: undefined }
    if (this.#take('+')) return { least: 1, most: undefined }
    if (this.#take('?')) return { least: 0, most: 1 }
    if (!this.#sees('{')) return undefined
    const match = /^\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (match === null)
      throw this.#fault('begins no repetition such as {3} or {1,3}; write \\{ for the character itself')
    const least = Number(match[1])
    const most = match[2] === undefined ? least : match[3] === undefined ? undefined : Number(match[3])
    if (Math.max(least, most ?? 0) > MAX_REPEAT)
      throw this.#fault(`repeats more than ${MAX_REPEAT} times; ask for fewer`)
    if (most !== undefined && most < least) throw this.#fault('ends before it begins; swap the two numbers')
    this.#at += match[0].length
    return { least, most }
  }

  #atom(depth: number): PatternTree {
    if (this.#take('(')) {
      if (this.#sees('?') && !this.#takeAll('?:'))
        throw this.#fault('looks around or names a group; only ( ) and (?: ) are known')
      const inner = this.#choice(depth + 1)
      if (!this.#take(')')) throw this.#fault('should close the group; add )')
      return inner
    }
    if (this.#take('[')) return this.#set()
    if (this.#take('^')) return { kind: 'start' }
    if (this.#take('$')) return { kind: 'end' }
    if (this.#take('.'))
      return {
        kind: 'set',
        ranges: [
          [10, 10],
          [13, 13],
        ],
        negated: true,
      }
    if ('*+?{'.includes(this.#text[this.#at] as string))
      throw this.#fault('repeats nothing; put a character before it, or \\ for the character itself')
    if (']}'.includes(this.#text[this.#at] as string))
      throw this.#fault('closes nothing; write \\ before it for the character itself')
    if (this.#sees('\\')) {
      const named = CLASSES[this.#text[this.#at + 1] ?? '']
      if (named !== undefined) {
        this.#at += 2
        return { kind: 'set', ...named }
      }
    }
    const point = this.#character()
    return { kind: 'set', ranges: [[point, point]], negated: false }
  }

  /** What stands between [ and ]. */
  #set(): PatternTree {
    const negated = this.#take('^')
    const ranges: (readonly [number, number])[] = []
    for (let first = true; first || !this.#sees(']'); first = false) {
      if (this.#at >= this.#text.length) throw this.#fault('should close the set; add ]')
      if (this.#sees('[')) throw this.#fault('is a set within a set; write \\[ for the character itself')
      if (first && this.#sees(']'))
        throw this.#fault('closes an empty set; write \\] for the character itself')
      const named = this.#sees('\\') ? CLASSES[this.#text[this.#at + 1] ?? ''] : undefined
      if (named !== undefined) {
        this.#at += 2
        ranges.push(...(named.negated ? complement(named.ranges) : named.ranges))
        continue
      }
      const from = this.#character()
      const isRange = this.#sees('-') && this.#text[this.#at + 1] !== ']'
      if (isRange) this.#at += 1
      const to = isRange ? this.#character() : from
      if (to < from) throw this.#fault('ends a range that begins later; swap its two ends')
      ranges.push([from, to])
    }
    this.#at += 1
    return { kind: 'set', ranges, negated }
  }

  /** One code point, escaped or not. */
  #character(): number {
    if (this.#take('\\')) {
      const escaped = this.#text[this.#at] ?? ''
      const control = CONTROLS[escaped]
      if (control === undefined && (escaped === '' || !ESCAPABLE.includes(escaped)))
        throw this.#fault('is no escape that patterns know: \\d \\w \\s \\n \\r \\t, or \\ before a sign')
      this.#at += 1
      return (control ?? escaped).codePointAt(0) as number
    }
    const point = this.#text.codePointAt(this.#at)
    if (point === undefined) throw this.#fault('should be a character; add one')
    this.#at += point > 0xffff ? 2 : 1
    return point
  }

  #sees(sign: string): boolean {
    return this.#text[this.#at] === sign
  }

  #take(sign: string): boolean {
    if (!this.#sees(sign)) return false
    this.#at += 1
    return true
  }

  #takeAll(signs: string): boolean {
    if (!this.#text.startsWith(signs, this.#at)) return false
    this.#at += signs.length
    return true
  }

  #fault(message: string): CountersignError {
    const found = this.#text.slice(this.#at, this.#at + 1)
    const what = found === '' ? 'the end' : quoteShort(found)
    return new CountersignError(
      'bad-expression',
      `In the pattern, ${what} at position ${this.#at} ${message}.`,
      { position: this.#at },
    )
  }
}

function complement(ranges: Ranges): Ranges {
  const gaps: (readonly [number, number])[] = []
  let from = 0
  for (const [first, last] of ranges) {
    if (first > from) gaps.push([from, first - 1])
    from = last + 1
  }
  gaps.push([from, LAST_CODE_POINT])
  return gaps
}
