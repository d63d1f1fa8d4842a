/** What the command prints: tables for people, JSON for programs, errors with what to do next. */
import colors from 'picocolors'
import { CountersignError, toCountersignError } from '../crypto/errors.ts'

/**
 * Colours are for a terminal (https://no-color.org, and FORCE_COLOR the other way). A continuous build's variable `CI`,
 * that picocolors would go by too, says nothing about who reads: scripts there read what goes into their pipes.
 */
export function wantsColors(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (environment.NO_COLOR) return false
  if (environment.FORCE_COLOR) return environment.FORCE_COLOR !== '0'
  return isTerminal && environment.TERM !== 'dumb'
}

export const { bold, dim, green, red, yellow, cyan } = colors.createColors(
  wantsColors(process.env, process.stdout.isTTY === true),
)

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Escape sequences must not count as width. */
function width(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escape sequences begin with one
  return [...text.replace(/\u001b\[[0-9;]*m/g, '')].length
}

/** Rows with columns as wide as their widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

/** The same with a header line. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const [first = '', ...others] = columns([header, ...rows]).split('\n')
  return [dim(first), ...others].join('\n')
}

/** Names and values come from other parties: nothing in them may move the cursor or hide text. */
export function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    if (character === '\n') return '⏎'
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** In the place of a private value that the node does not hold: who may see it. */
export function privateText(readers: readonly { name: string }[]): string {
  return dim(`(private: ${readers.map(({ name }) => safe(name)).join(', ') || 'nobody in the contract'})`)
}

export function time(timeMs: number): string {
  return new Date(timeMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** Prints an error as people read it (or as JSON) to stderr, and returns the exit code for it. */
export function printError(thrown: unknown, asJson: boolean): number {
  const error = thrown instanceof CountersignError ? thrown : toCountersignError(thrown)
  if (asJson) process.stderr.write(`${JSON.stringify(error.toProblem())}\n`)
  else {
    const problem = error.toProblem() as { advice?: string }
    process.stderr.write(`${red('error')} ${safe(error.message)} ${dim(`(${error.code})`)}\n`)
    if (problem.advice) process.stderr.write(`      ${problem.advice}\n`)
  }
  return 2
}
