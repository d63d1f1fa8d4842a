/** The form of a vector: one file, one input, at most one fault, which its name names. README.md says how to read one. */
import { concat, hexDecode, utf8 } from '../../src/crypto/bytes.ts'

/**
 * The bytes of an input. text: in UTF-8; lines: each in UTF-8 with a newline behind it; repeat: texts in UTF-8, each that many
 * times, one after another.
 */
export type Input =
  | { text: string }
  | { hex: string }
  | { lines: string[] }
  | { repeat: [text: string, times: number][] }

/**
 * What an implementation must come to: of a valid input also what is computed from it; of an invalid one the rule of
 * PROTOCOL.md that it breaks, and the code of our error registry where our check gives one.
 */
export type Expectation =
  | ({ valid: true } & { readonly [output: string]: unknown })
  | { valid: false; rule: string; code?: string; readonly [output: string]: unknown }

/** name: of its file, without `.json`; about: what is in it, in a sentence; context: what its check is given beside it. */
export type Vector = {
  name: string
  about: string
  context: object
  input: Input
  expect: Expectation
}

/** The bytes that an input stands for. @throws CountersignError `bad-format` */
export function bytesOf(input: Input): Uint8Array {
  if ('text' in input) return utf8(input.text)
  if ('hex' in input) return hexDecode(input.hex)
  if ('lines' in input) return utf8(input.lines.map((line) => `${line}\n`).join(''))
  return concat(...input.repeat.map(([text, times]) => utf8(text.repeat(times))))
}

/** The text of a vector's file: one line for each part, and for each line of an input that has lines. */
export function fileText({ about, context, input, expect }: Vector): string {
  const written =
    'lines' in input
      ? `{"lines": [\n${input.lines.map((line) => `  ${JSON.stringify(line)}`).join(',\n')}\n ]}`
      : JSON.stringify(input)
  const parts = [JSON.stringify(about), JSON.stringify(context), written, JSON.stringify(expect)]
  const lines = ['about', 'context', 'input', 'expect'].map((key, index) => ` "${key}": ${parts[index]}`)
  return `{\n${lines.join(',\n')}\n}\n`
}

/** A JSON value as an input: its text, by default as JSON.stringify writes it. */
export const json = (value: unknown): Input => ({ text: JSON.stringify(value) })

/** A JSON value as an input whose long runs of a unit are written as repetitions. */
export function repeating(value: unknown, unit: string): Input {
  const text = JSON.stringify(value)
  const run = unit.repeat(32)
  const repeat: [string, number][] = []
  let from = 0
  for (let at = text.indexOf(run); at >= 0; at = text.indexOf(run, from)) {
    let end = at + run.length
    while (text.startsWith(unit, end)) end += unit.length
    repeat.push([text.slice(from, at), 1], [unit, (end - at) / unit.length])
    from = end
  }
  return { repeat: [...repeat, [text.slice(from), 1]] }
}

/** Collects the vectors of one folder. */
export class Vectors {
  readonly all: Vector[] = []

  /** outputs: what is computed from the input. */
  valid(name: string, about: string, context: object, input: Input, outputs: object = {}): void {
    this.#add({ name, about, context, input, expect: { valid: true, ...outputs } })
  }

  /** rule: the one that the input breaks; code: that of our error. */
  invalid(name: string, about: string, context: object, input: Input, rule: string, code?: string): void {
    this.#add({
      name,
      about,
      context,
      input,
      expect: { valid: false, rule, ...(code !== undefined && { code }) },
    })
  }

  /** With an expectation of any form. */
  add(vector: Vector): void {
    this.#add(vector)
  }

  #add(vector: Vector): void {
    if (this.all.some(({ name }) => name === vector.name)) throw new Error(`two vectors ${vector.name}`)
    this.all.push(vector)
  }
}
