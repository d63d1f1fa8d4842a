/** FEEL's functions on texts. Characters are code points. */
import { CountersignError } from '../../crypto/errors.ts'
import { type Decimal, fromInteger, toInteger } from './decimal.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { Cell, Run } from './run.ts'
import type { FunctionTable } from './signatures.ts'

const SURROGATE = /[\ud800-\udfff]/

/** Longest text to look for with the engine’s own search, which takes the product of both lengths at worst. */
const SHORT = 32

/** Where `part` first stands in `text`, or −1; in time that grows with the sum of their lengths (Knuth, Morris, Pratt). */
function placeOf(run: Run, text: string, part: string): number {
  run.stepText(text.length + part.length)
  if (part.length <= SHORT) return text.indexOf(part)
  const borders = new Int32Array(part.length)
  for (let index = 1, length = 0; index < part.length; index += 1) {
    while (length > 0 && part[index] !== part[length]) length = borders[length - 1] as number
    if (part[index] === part[length]) length += 1
    borders[index] = length
  }
  for (let index = 0, length = 0; index < text.length; index += 1) {
    while (length > 0 && text[index] !== part[length]) length = borders[length - 1] as number
    if (text[index] === part[length]) length += 1
    if (length === part.length) return index - length + 1
  }
  return -1
}

/** Code points in a text without unpaired surrogates. */
function lengthOf(text: string): number {
  if (!SURROGATE.test(text)) return text.length
  let length = 0
  for (const _ of text) length += 1
  return length
}

/** The unit at which the code point of an index begins; the end if there is none. */
function unitAt(text: string, index: number): number {
  if (!SURROGATE.test(text)) return Math.min(index, text.length)
  let unit = 0
  for (let count = 0; count < index && unit < text.length; count += 1)
    unit += (text.codePointAt(unit) as number) > 0xffff ? 2 : 1
  return unit
}

function substring(run: Run, text: string, start: Decimal, count: Decimal | undefined): string | null {
  run.stepText(text.length)
  const length = lengthOf(text)
  const from = toInteger(start)
  const many = count === undefined ? length : toInteger(count)
  if (from === undefined || from === 0 || Math.abs(from) > length || many === undefined || many < 1)
    return null
  const first = from > 0 ? from - 1 : length + from
  const begin = unitAt(text, first)
  return run.newText(text.slice(begin, unitAt(text, Math.min(length, first + many))))
}

/**
 * Letters whose other case has long been settled: Latin up to U+024F, Greek, Cyrillic, Armenian. All others stay as they
 * are, so that a newer Unicode on one node gives no other text there.
 */
const CASED = /[A-Za-z\u00b5\u00c0-\u019a\u019c-\u024f\u0370-\u03ff\u0400-\u052f\u0531-\u0556\u0561-\u0587]/g

function changeCase(run: Run, text: string, change: (letter: string) => string): string {
  run.step(1 + text.length)
  return run.newText(text.replace(CASED, change))
}

/** Compiles a pattern, once in each evaluation; undefined if it is none. */
function patternOf(run: Run, text: string): Pattern | undefined {
  const known = run.patterns.get(text)
  if (known !== undefined) return known
  run.step(1 + 10 * text.length)
  try {
    const pattern = compilePattern(text)
    run.step(pattern.size)
    run.patterns.set(text, pattern)
    return pattern
  } catch (error) {
    if (error instanceof CountersignError) return undefined
    throw error
  }
}

function split(run: Run, text: string, delimiter: string): string[] | null {
  const pattern = patternOf(run, delimiter)
  const spend = (steps: number) => run.step(steps)
  if (pattern === undefined || pattern.isWhole('', spend)) return null
  const parts: string[] = []
  for (let from = 0; ; ) {
    const found = pattern.find(text, from, spend)
    run.grow(1)
    parts.push(run.newText(text.slice(from, found?.from)))
    if (found === undefined) return parts
    // A pattern such as ^ matches nothing here and there.
    if (found.to === found.from) return null
    from = found.to
  }
}

function join(run: Run, list: Cell, delimiter: Cell | undefined): string | null {
  if (list === null) return null
  const texts = run.readAll(list as readonly Cell[]).filter((item) => item !== null) as string[]
  const between = (delimiter ?? '') as string
  const units = texts.reduce((sum, text) => sum + text.length + between.length, 0)
  run.stepText(units)
  run.grow(units)
  return texts.join(between)
}

export const TEXT_FUNCTIONS: FunctionTable = {
  contains: [
    {
      takes: ['text', 'text'],
      gives: 'boolean',
      run: (run, text, part) => placeOf(run, text as string, part as string) >= 0,
    },
  ],
  'starts with': [
    {
      takes: ['text', 'text'],
      gives: 'boolean',
      run: (run, text, part) => {
        run.stepText((part as string).length)
        return (text as string).startsWith(part as string)
      },
    },
  ],
  'ends with': [
    {
      takes: ['text', 'text'],
      gives: 'boolean',
      run: (run, text, part) => {
        run.stepText((part as string).length)
        return (text as string).endsWith(part as string)
      },
    },
  ],
  'lower case': [
    {
      takes: ['text'],
      gives: 'text',
      run: (run, text) => changeCase(run, text as string, (letter) => letter.toLowerCase()),
    },
  ],
  'upper case': [
    {
      takes: ['text'],
      gives: 'text',
      run: (run, text) => changeCase(run, text as string, (letter) => letter.toUpperCase()),
    },
  ],
  matches: [
    {
      takes: ['text', 'text'],
      gives: 'boolean',
      run: (run, text, pattern) =>
        patternOf(run, pattern as string)?.isIn(text as string, (steps) => run.step(steps)) ?? null,
    },
  ],
  split: [
    {
      takes: ['text', 'text'],
      gives: 'list<text>',
      run: (run, text, delimiter) => split(run, text as string, delimiter as string),
    },
  ],
  string: [
    {
      takes: ['T'],
      gives: 'text',
      among: 'comparable',
      run: (run, value) => run.text(value as Cell) ?? null,
    },
  ],
  'string join': [
    {
      takes: ['list<text>', 'text?'],
      gives: 'text',
      takesNull: true,
      run: (run, list, delimiter) => join(run, list as Cell, delimiter),
    },
  ],
  'string length': [
    {
      takes: ['text'],
      gives: 'number',
      run: (run, text) => {
        run.stepText((text as string).length)
        return fromInteger(lengthOf(text as string))
      },
    },
  ],
  substring: [
    {
      takes: ['text', 'number', 'number?'],
      gives: 'text',
      run: (run, text, start, count) =>
        substring(run, text as string, start as Decimal, count as Decimal | undefined),
    },
  ],
  'substring after': [
    {
      takes: ['text', 'text'],
      gives: 'text',
      run: (run, text, part) => {
        const place = placeOf(run, text as string, part as string)
        return place < 0 ? '' : run.newText((text as string).slice(place + (part as string).length))
      },
    },
  ],
  'substring before': [
    {
      takes: ['text', 'text'],
      gives: 'text',
      run: (run, text, part) => {
        const place = placeOf(run, text as string, part as string)
        return place < 0 ? '' : run.newText((text as string).slice(0, place))
      },
    },
  ],
}
