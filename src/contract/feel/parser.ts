/**
 * Reads the text of an expression into a tree: a Pratt parser. What binds how tightly is the DMN standard's order, from
 * loose to tight: or, and, comparisons, + −, * /, **, the sign, then dots and brackets. Operators of one level go from left
 * to right, ** included, and −3 ** 2 is 9. Comparisons don't chain.
 */
import { FUNCTIONS } from './functions.ts'
import { faultAt, type Token, tokensOf } from './lexer.ts'
import { nearest } from './nearest.ts'
import {
  type ArithmeticSign,
  type ComparisonSign,
  KEYWORDS,
  type Loop,
  type TemporalName,
  type Test,
  type Tree,
  TWO_WORD_PROPERTIES,
} from './tree.ts'

/** Most levels of a tree, and most brackets within one another. */
export const MAX_DEPTH = 64

const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>='])
const COMPARISON_LEVEL = 3
const LEVELS: ReadonlyMap<string, number> = new Map([
  ['or', 1],
  ['and', 2],
  ...[...COMPARISONS, 'between', 'in'].map((sign) => [sign, COMPARISON_LEVEL] as const),
  ['+', 4],
  ['-', 4],
  ['*', 5],
  ['/', 5],
  ['**', 6],
])
const SIGN_LEVEL = 7
const TEMPORAL: ReadonlySet<string> = new Set(['date', 'date and time', 'duration'])

/**
 * The tree of an expression.
 *
 * @throws CountersignError `bad-expression` or `too-large`, with the place and what to do
 */
export function parse(text: string): Tree {
  return new Parser(text).parse()
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #levels = new WeakMap<object, number>()
  #next = 0
  #depth = 0

  constructor(text: string) {
    this.#tokens = tokensOf(text)
  }

  parse(): Tree {
    if (this.#isAtEnd()) throw faultAt(0, 'The expression is empty; write one.')
    const tree = this.#expression(0)
    if (!this.#isAtEnd()) throw this.#unexpected('an operator, or the end')
    return tree
  }

  /** Everything that binds more tightly than `level`. */
  #expression(level: number): Tree {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw this.#tooDeep()
    let left = this.#operand()
    for (;;) {
      const own = this.#operatorLevel()
      if (own === undefined || own <= level) break
      left = this.#operator(left, own)
      if (own === COMPARISON_LEVEL && this.#operatorLevel() === COMPARISON_LEVEL)
        throw faultAt(this.#token.at, 'Comparisons don’t chain; join two of them with and.')
    }
    this.#depth -= 1
    return left
  }

  /** How tightly the operator here binds; undefined if there is none. */
  #operatorLevel(): number | undefined {
    const { value, kind } = this.#token
    return kind === 'word' || kind === 'sign' ? LEVELS.get(value) : undefined
  }

  #operator(left: Tree, level: number): Tree {
    const { value: sign, at } = this.#take()
    if (sign === 'and' || sign === 'or') {
      const parts = [left, this.#expression(level)]
      while (this.#takeIf(sign)) parts.push(this.#expression(level))
      return this.#node({ kind: sign, at, parts }, parts)
    }
    if (sign === 'between') {
      const low = this.#expression(COMPARISON_LEVEL)
      this.#expect('and', 'and the upper end, as in between 1 and 10')
      const high = this.#expression(COMPARISON_LEVEL)
      return this.#node({ kind: 'between', at, of: left, low, high }, [left, low, high])
    }
    if (sign === 'in') {
      const tests = this.#tests()
      return this.#node({ kind: 'in', at, of: left, tests }, [left, ...tests])
    }
    const right = this.#expression(level)
    if (COMPARISONS.has(sign))
      return this.#node({ kind: 'comparison', at, sign: sign as ComparisonSign, left, right }, [left, right])
    return this.#node({ kind: 'arithmetic', at, sign: sign as ArithmeticSign, left, right }, [left, right])
  }

  /** What stands after `in`: one test, or several in parentheses. */
  #tests(): Test[] {
    if (!this.#sees('(')) return [this.#test(COMPARISON_LEVEL)]
    const open = this.#take()
    if (this.#sees(')')) throw faultAt(open.at, 'There is nothing to test for; write values between ( and ).')
    const first = this.#test(0)
    if (this.#sees('..') && first.kind !== 'test') return [this.#range(first, open)]
    const tests = [first]
    while (this.#takeIf(',')) tests.push(this.#test(0))
    this.#expect(')', ') after the tests')
    return tests
  }

  #test(level: number): Test {
    const { kind, value: sign, at } = this.#token
    if (kind !== 'sign' || !COMPARISONS.has(sign)) return this.#expression(level)
    this.#take()
    const value = this.#expression(COMPARISON_LEVEL)
    return this.#node({ kind: 'test', at, sign: sign as ComparisonSign, value }, [value])
  }

  /** A value with what follows it: dots and brackets; or a sign before it. */
  #operand(): Tree {
    if (this.#sees('-')) {
      const { at } = this.#take()
      const of = this.#expression(SIGN_LEVEL)
      return this.#node({ kind: 'negation', at, of }, [of])
    }
    let tree = this.#primary()
    for (;;) {
      if (this.#sees('.')) {
        this.#take()
        tree = this.#member(tree)
      } else if (this.#sees('[')) {
        const { at } = this.#take()
        const by = this.#expression(0)
        this.#expect(']', '] after the index or condition')
        tree = this.#node({ kind: 'filter', at, of: tree, by }, [tree, by])
      } else return tree
    }
  }

  #member(of: Tree): Tree {
    const token = this.#token
    if (token.kind !== 'word' && token.kind !== 'quoted') throw this.#unexpected('a name after the dot')
    this.#take()
    let name = token.value
    if (
      token.kind === 'word' &&
      this.#token.kind === 'word' &&
      TWO_WORD_PROPERTIES.has(`${name} ${this.#token.value}`)
    )
      name = `${name} ${this.#take().value}`
    return this.#node({ kind: 'member', at: token.at, of, name }, [of])
  }

  #primary(): Tree {
    const token = this.#token
    const { at, value } = token
    switch (token.kind) {
      case 'number':
        this.#take()
        return { kind: 'number', at, text: value }
      case 'text':
        this.#take()
        return { kind: 'text', at, value }
      case 'quoted':
        this.#take()
        return { kind: 'name', at, name: value }
      case 'sign':
        if (value === '(') return this.#parentheses()
        if (value === '[') return this.#list()
        if (value === '@') return this.#atLiteral()
        break
      case 'word':
        return this.#word(token)
      case 'end':
        break
    }
    if (value === '{')
      throw faultAt(at, 'Contexts in { } are not part of these expressions; use a list in [ ].')
    throw this.#unexpected('a value')
  }

  #word(token: Token): Tree {
    const { at, value } = token
    const call = this.#callName()
    if (call !== undefined) return this.#call(call, at)
    switch (value) {
      case 'true':
      case 'false':
        this.#take()
        return { kind: 'boolean', at, value: value === 'true' }
      case 'null':
        this.#take()
        return { kind: 'null', at }
      case '_':
        this.#take()
        return { kind: 'root', at }
      case 'if':
        return this.#if()
      case 'for':
      case 'some':
      case 'every':
        return this.#loop(value)
    }
    if (KEYWORDS.has(value)) throw this.#unexpected('a value')
    this.#take()
    const unknown = this.#unknownCall(value)
    if (unknown !== undefined) throw unknownFunction(unknown, at)
    return { kind: 'name', at, name: value }
  }

  /** The name of the function called here, and how many words it has. */
  #callName(): { name: string; words: number } | undefined {
    let words = 0
    while (words < 5 && this.#tokens[this.#next + words]?.kind === 'word') words += 1
    for (; words > 0; words -= 1) {
      const after = this.#tokens[this.#next + words]
      if (after?.kind !== 'sign' || after.value !== '(') continue
      const name = this.#tokens
        .slice(this.#next, this.#next + words)
        .map(({ value }) => value)
        .join(' ')
      if (FUNCTIONS.has(name)) return { name, words }
    }
    return undefined
  }

  /** The words from `first` to a parenthesis, if nothing but names stands between. */
  #unknownCall(first: string): string | undefined {
    const words = [first]
    for (let next = this.#next; words.length < 5; next += 1) {
      const { kind, value } = this.#tokens[next] as Token
      if (kind === 'sign' && value === '(') return words.join(' ')
      if (kind !== 'word' || KEYWORDS.has(value)) return undefined
      words.push(value)
    }
    return undefined
  }

  #call({ name, words }: { name: string; words: number }, at: number): Tree {
    this.#next += words
    this.#take()
    const [first, second] = [this.#token, this.#tokens[this.#next + 1]]
    if (TEMPORAL.has(name) && first.kind === 'text' && second?.value === ')' && second.kind === 'sign') {
      this.#next += 2
      return { kind: 'temporal', at, name: name as TemporalName, text: first.value }
    }
    const parts = this.#sees(')') ? [] : this.#series()
    this.#expect(')', `, or ) after what ${name} is given`)
    return this.#node({ kind: 'call', at, name, arguments: parts }, parts)
  }

  #series(): Tree[] {
    const parts = [this.#expression(0)]
    while (this.#takeIf(',')) parts.push(this.#expression(0))
    return parts
  }

  #if(): Tree {
    const { at } = this.#take()
    const condition = this.#expression(0)
    this.#expect('then', 'then after the condition')
    const whenTrue = this.#expression(0)
    this.#expect('else', 'else; every if needs one')
    const whenFalse = this.#expression(0)
    return this.#node({ kind: 'if', at, condition, whenTrue, whenFalse }, [condition, whenTrue, whenFalse])
  }

  #loop(kind: 'for' | 'some' | 'every'): Tree {
    const { at } = this.#take()
    const loops = [this.#loopHead(kind)]
    while (this.#takeIf(',')) loops.push(this.#loopHead(kind))
    const word = kind === 'for' ? 'return' : 'satisfies'
    this.#expect(word, word)
    const body = this.#expression(0)
    const parts = loops.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))
    return this.#node({ kind, at, loops, body }, [...parts, body])
  }

  #loopHead(kind: 'for' | 'some' | 'every'): Loop {
    const token = this.#take()
    const isPlain = token.kind === 'word' && !KEYWORDS.has(token.value) && token.value !== '_'
    if (token.kind !== 'quoted' && !isPlain)
      throw faultAt(token.at, `A name for each item should stand here, as in ${kind} line in Lines.`)
    this.#expect('in', 'in after the name')
    const from = this.#expression(COMPARISON_LEVEL)
    const to = this.#takeIf('..') ? this.#expression(COMPARISON_LEVEL) : undefined
    return { at: token.at, name: token.value, from, to }
  }

  #parentheses(): Tree {
    const open = this.#take()
    const inner = this.#expression(0)
    if (this.#sees('..')) return this.#range(inner, open)
    this.#expect(')', ') to close the parenthesis')
    return inner
  }

  #list(): Tree {
    const open = this.#take()
    if (this.#takeIf(']')) return { kind: 'list', at: open.at, items: [] }
    const items = [this.#expression(0)]
    if (this.#sees('..')) return this.#range(items[0] as Tree, open)
    while (this.#takeIf(',')) items.push(this.#expression(0))
    this.#expect(']', ', or ] after the items')
    return this.#node({ kind: 'list', at: open.at, items }, items)
  }

  /** The rest of a range from its two dots on. */
  #range(low: Tree, open: Token): Tree {
    this.#take()
    const high = this.#expression(0)
    const close = this.#token
    if (!this.#takeIf(')') && !this.#takeIf(']')) throw this.#unexpected('] or ) after the range')
    return this.#node(
      {
        kind: 'range',
        at: open.at,
        low,
        high,
        lowIncluded: open.value === '[',
        highIncluded: close.value === ']',
      },
      [low, high],
    )
  }

  /** `@"2024-01-31"`: DMN's other way to write dates and durations. */
  #atLiteral(): Tree {
    const { at } = this.#take()
    const { kind, value: text } = this.#take()
    if (kind !== 'text')
      throw faultAt(at, 'After @ stands a date or duration in quotes, as in @"2024-01-31".')
    const name = /^-?P/.test(text) ? 'duration' : text.includes('T') ? 'date and time' : 'date'
    return { kind: 'temporal', at, name, text }
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token
  }

  #isAtEnd(): boolean {
    return this.#token.kind === 'end'
  }

  #take(): Token {
    const token = this.#token
    if (token.kind !== 'end') this.#next += 1
    return token
  }

  #sees(value: string): boolean {
    const token = this.#token
    return token.value === value && (token.kind === 'sign' || token.kind === 'word')
  }

  #takeIf(value: string): boolean {
    if (!this.#sees(value)) return false
    this.#next += 1
    return true
  }

  #expect(value: string, what: string): void {
    if (!this.#takeIf(value)) throw this.#unexpected(what)
  }

  #unexpected(wanted: string) {
    const { kind, value, at } = this.#token
    const found = kind === 'end' ? 'the expression ends' : `“${value.slice(0, 40)}” stands`
    return faultAt(at, `Here ${found} where there should be ${wanted}.`)
  }

  /** The node, unless the tree becomes too deep with it. */
  #node<N extends Test>(node: N, parts: readonly Test[]): N {
    const level = 1 + parts.reduce((most, part) => Math.max(most, this.#levels.get(part) ?? 1), 0)
    if (level > MAX_DEPTH) throw this.#tooDeep()
    this.#levels.set(node, level)
    return node
  }

  #tooDeep() {
    return faultAt(
      this.#token.at,
      `The expression has more than ${MAX_DEPTH} levels; split it, or use sum([…]) for long sums.`,
      'too-large',
    )
  }
}

function unknownFunction(name: string, at: number) {
  if (['now', 'today'].includes(name))
    return faultAt(
      at,
      `There is no ${name}(): all members must come to one result; compare with a date field.`,
    )
  const near = nearest(name, [...FUNCTIONS.keys()])
  const advice = near === undefined ? 'see docs/expressions.md for those there are' : `did you mean ${near}?`
  return faultAt(at, `There is no function ${name}; ${advice}${near === undefined ? '.' : ''}`)
}
