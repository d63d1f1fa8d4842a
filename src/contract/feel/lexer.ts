/** Cuts the text of an expression into tokens. */
import { isWellFormed } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { MAX_NAME_LENGTH, quoteShort } from '../../document/names.ts'
import { utf8Length } from '../../document/types.ts'
import { KEYWORDS, NAME_REST, NAME_START } from './tree.ts'

/** Longest expression, in UTF-8. */
export const MAX_EXPRESSION_BYTES = 8 * 1024

export interface Token {
  /** `word`: a name or keyword; `quoted`: a name in backticks; `end`: after the last. */
  readonly kind: 'number' | 'text' | 'word' | 'quoted' | 'sign' | 'end'
  /** The digits, the text or name without quotes, the word, or the sign. */
  readonly value: string
  readonly at: number
}

const SPACE = /[\s\u00a0\ufeff]*/uy
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//uy
const NUMBER = /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/uy
const WORD = new RegExp(`[${NAME_START}][${NAME_REST}]*`, 'uy')
const SIGN = /\*\*|<=|>=|!=|\.\.|[-+*/<>=()[\],.:@{}]/uy
/** The signs that a token may begin with. */
const SIGNS = '-+*/<>=!()[],.:@{}'
const DIGIT = /[0-9]/
const PATTERNS = { number: NUMBER, word: WORD, sign: SIGN }
const LINE_END = /[\n\r\u0085\u2028\u2029]/
/** Longest escape. */
const MAX_ESCAPE_LENGTH = 8
const ESCAPE = /^\\(?:(["'\\])|([nrt])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6}))/
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** What is wrong at a place in an expression. */
export function faultAt(
  position: number,
  message: string,
  code: 'bad-expression' | 'wrong-type' | 'too-large' = 'bad-expression',
): CountersignError {
  return new CountersignError(code, `At position ${position}: ${message}`, { position })
}

/**
 * The tokens of an expression, `end` last.
 *
 * @throws CountersignError `too-large`, or `bad-expression` with the place and what to do
 */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_EXPRESSION_BYTES || utf8Length(text) > MAX_EXPRESSION_BYTES)
    throw new CountersignError(
      'too-large',
      `An expression may have at most ${MAX_EXPRESSION_BYTES} bytes; split it over several rules.`,
      { position: 0 },
    )
  const tokens: Token[] = []
  let at = skipSpace(text, 0)
  while (at < text.length) {
    const token = tokenAt(text, at, tokens.at(-1))
    tokens.push(token.token)
    at = skipSpace(text, token.end)
  }
  tokens.push({ kind: 'end', value: '', at: text.length })
  return tokens
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const next = matchEnd(SPACE, text, at) ?? at
    if (!text.startsWith('//', next) && !text.startsWith('/*', next)) return next
    const comment = matchEnd(COMMENT, text, next)
    if (comment === undefined) throw faultAt(next, 'The comment is not closed; add */.')
    at = comment
  }
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function tokenAt(text: string, at: number, before: Token | undefined): { token: Token; end: number } {
  const sign = text[at] as string
  if (sign === '"') return quotedText(text, at)
  if (sign === '`') return quotedName(text, at)
  // After a value a dot is a path's; elsewhere .5 is a number.
  const isPath = sign === '.' && before !== undefined && endsValue(before)
  const isNumber = DIGIT.test(sign) || (sign === '.' && !isPath && DIGIT.test(text[at + 1] ?? ''))
  const kind = isNumber ? 'number' : SIGNS.includes(sign) ? 'sign' : 'word'
  const end = matchEnd(PATTERNS[kind], text, at)
  if (end !== undefined) {
    const value = text.slice(at, end)
    return { token: { kind, value: isNumber && sign === '.' ? `0${value}` : value, at }, end }
  }
  const advice =
    sign === "'"
      ? 'write texts in double quotes'
      : '&|!'.includes(sign)
        ? 'write and, or, not(…)'
        : 'names with such a character stand in `backticks`'
  throw faultAt(
    at,
    `The character ${quoteShort(String.fromCodePoint(text.codePointAt(at) ?? 0))} has no meaning here; ${advice}.`,
  )
}

function endsValue({ kind, value }: Token): boolean {
  if (kind === 'sign') return value === ')' || value === ']'
  return kind !== 'word' || !KEYWORDS.has(value)
}

/** A text in double quotes. A backslash that begins no escape stands for itself, so that patterns are easy to write. */
function quotedText(text: string, at: number): { token: Token; end: number } {
  let value = ''
  for (let next = at + 1; ; ) {
    const sign = text[next]
    if (sign === undefined || LINE_END.test(sign))
      throw faultAt(at, 'The text is not closed; add " at its end, and write \\n for a line break.')
    if (sign === '"') return { token: { kind: 'text', value: wellFormed(value, at), at }, end: next + 1 }
    const escaped = sign === '\\' ? ESCAPE.exec(text.slice(next, next + MAX_ESCAPE_LENGTH)) : null
    if (escaped === null) {
      value += sign
      next += 1
      continue
    }
    const [whole, same, control, short, long] = escaped
    const point = Number.parseInt(short ?? long ?? '0', 16)
    if (point > 0x10ffff) throw faultAt(next, 'There is no such character; \\U takes at most 10FFFF.')
    value += same ?? (control === undefined ? String.fromCodePoint(point) : CONTROLS[control])
    next += whole.length
  }
}

function wellFormed(value: string, at: number): string {
  if (!isWellFormed(value)) throw faultAt(at, 'The text holds half a character; leave it out.')
  if (value.includes('\0')) throw faultAt(at, 'The text holds U+0000; leave it out.')
  return value
}

/** A name in backticks; two backticks stand for one. */
function quotedName(text: string, at: number): { token: Token; end: number } {
  const match = /`((?:[^`]|``)*)`/y
  match.lastIndex = at
  const found = match.exec(text)
  if (found === null) throw faultAt(at, 'The name is not closed; add ` at its end.')
  const value = (found[1] as string).replaceAll('``', '`')
  if (value === '' || value.length > MAX_NAME_LENGTH)
    throw faultAt(at, `A name has 1 to ${MAX_NAME_LENGTH} characters; this one has ${value.length}.`)
  return { token: { kind: 'quoted', value, at }, end: at + found[0].length }
}
