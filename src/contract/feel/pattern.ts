/**
 * Patterns for text: the part of regular expressions that can be matched in one pass. There is no backtracking, so that no
 * pattern and no text can make it slow: the work is at most the length of the text times the size of the pattern.
 *
 * Known are characters, `.` (all but line ends), sets `[a-z0-9]` and `[^…]`, `\d \w \s` and `\D \W \S` (ASCII), `\n \r \t`,
 * groups `( )` and `(?: )`, `|`, `? * + {2} {2,} {2,5}` and each with a `?` after it, and `^` `$` for the ends of the text.
 * Characters are code points. Unknown: back references, looking around, flags, Unicode classes.
 */
import { CountersignError } from '../../crypto/errors.ts'
import { type PatternTree, parsePattern, type Ranges } from './pattern-parser.ts'

/** Most instructions of a pattern's program; repetitions with braces multiply them. */
export const MAX_PATTERN_SIZE = 2000

type Instruction =
  | { readonly kind: 'set'; readonly ranges: Ranges; readonly negated: boolean }
  | { readonly kind: 'start' | 'end' | 'found' }
  /** Goes on in two places; what the first finds counts for more. */
  | { kind: 'split'; first: number; second: number }
  | { kind: 'jump'; to: number }

/** Told of each piece of work before it is done; may throw to stop it. */
export type Spend = (steps: number) => void

const FREE: Spend = () => {}

/**
 * The pattern that a text writes.
 *
 * @throws CountersignError `bad-expression` saying where it is wrong and what to do
 */
export function compilePattern(text: string): Pattern {
  const program: Instruction[] = []
  emit(parsePattern(text), program)
  program.push({ kind: 'found' })
  return new Pattern(text, program)
}

/** A compiled pattern. */
export class Pattern {
  readonly text: string
  readonly #program: readonly Instruction[]

  constructor(text: string, program: readonly Instruction[]) {
    this.text = text
    this.#program = program
  }

  /** How many parts it has once its repetitions are written out. */
  get size(): number {
    return this.#program.length
  }

  /** Whether some part of the text matches. */
  isIn(text: string, spend: Spend = FREE): boolean {
    return this.#search(text, 0, spend, 'any') !== undefined
  }

  /** Whether the text as a whole matches. */
  isWhole(text: string, spend: Spend = FREE): boolean {
    return this.#search(text, 0, spend, 'whole') !== undefined
  }

  /** The first match at or after `from`: where it begins and ends. Of several, the one that begins first and is preferred. */
  find(text: string, from = 0, spend: Spend = FREE): { from: number; to: number } | undefined {
    return this.#search(text, from, spend, 'first')
  }

  /** Runs all ways through the program side by side, one code point at a time (Thompson, Pike). */
  #search(
    text: string,
    from: number,
    spend: Spend,
    aim: 'any' | 'whole' | 'first',
  ): { from: number; to: number } | undefined {
    let threads: Thread[] = []
    let found: { from: number; to: number } | undefined
    const seen = new Uint32Array(this.#program.length)
    for (let at = from, round = 1; at <= text.length; round += 1) {
      if (found === undefined && (aim !== 'whole' || at === from))
        this.#enter({ place: 0, from: at }, at, text, threads, seen, round)
      spend(1 + threads.length)
      const point = text.codePointAt(at)
      const next: Thread[] = []
      const after = at + (point !== undefined && point > 0xffff ? 2 : 1)
      for (const thread of threads) {
        const instruction = this.#program[thread.place] as Instruction
        if (instruction.kind === 'found') {
          if (aim === 'whole' && at < text.length) continue
          found = { from: thread.from, to: at }
          if (aim !== 'first') return found
          // The ways after this one would be less preferred.
          break
        }
        if (instruction.kind === 'set' && point !== undefined && holds(instruction, point))
          this.#enter({ place: thread.place + 1, from: thread.from }, after, text, next, seen, round + 1)
      }
      if (next.length === 0 && (found !== undefined || aim === 'whole')) return found
      threads = next
      at = after
    }
    return found
  }

  /** Adds the thread, and those that it leads to without reading a character, in order of preference. */
  #enter(start: Thread, at: number, text: string, threads: Thread[], seen: Uint32Array, round: number): void {
    const waiting = [start.place]
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      if (seen[place] === round) continue
      seen[place] = round
      const instruction = this.#program[place] as Instruction
      if (instruction.kind === 'jump') waiting.push(instruction.to)
      else if (instruction.kind === 'split') waiting.push(instruction.second, instruction.first)
      else if (instruction.kind === 'start') {
        if (at === 0) waiting.push(place + 1)
      } else if (instruction.kind === 'end') {
        if (at === text.length) waiting.push(place + 1)
      } else threads.push({ place, from: start.from })
    }
  }
}

interface Thread {
  readonly place: number
  readonly from: number
}

function holds({ ranges, negated }: { ranges: Ranges; negated: boolean }, point: number): boolean {
  return ranges.some(([first, last]) => point >= first && point <= last) !== negated
}

/** Appends the instructions of a tree. */
function emit(tree: PatternTree, program: Instruction[]): void {
  if (program.length > MAX_PATTERN_SIZE)
    throw new CountersignError(
      'bad-expression',
      `The pattern has more than ${MAX_PATTERN_SIZE} parts once its repetitions are written out; repeat less.`,
    )
  switch (tree.kind) {
    case 'set':
    case 'start':
    case 'end':
      program.push(tree)
      return
    case 'sequence':
      for (const part of tree.parts) emit(part, program)
      return
    case 'choice':
      emitChoice(tree.parts, program)
      return
    case 'repeat':
      emitRepeat(tree, program)
      return
  }
}

function emitChoice(parts: readonly PatternTree[], program: Instruction[]): void {
  const jumps: { kind: 'jump'; to: number }[] = []
  parts.forEach((part, index) => {
    if (index === parts.length - 1) {
      emit(part, program)
      return
    }
    const split = { kind: 'split' as const, first: program.length + 1, second: 0 }
    program.push(split)
    emit(part, program)
    const jump = { kind: 'jump' as const, to: 0 }
    jumps.push(jump)
    program.push(jump)
    split.second = program.length
  })
  for (const jump of jumps) jump.to = program.length
}

function emitRepeat(tree: Extract<PatternTree, { kind: 'repeat' }>, program: Instruction[]): void {
  for (let count = 0; count < tree.least; count += 1) emit(tree.of, program)
  const splits: { kind: 'split'; first: number; second: number }[] = []
  const open = () => {
    const split = { kind: 'split' as const, first: program.length + 1, second: program.length + 1 }
    splits.push(split)
    program.push(split)
  }
  const close = () => {
    for (const split of splits) {
      if (tree.lazy) split.first = program.length
      else split.second = program.length
    }
  }
  if (tree.most === undefined) {
    const back = program.length
    open()
    emit(tree.of, program)
    program.push({ kind: 'jump', to: back })
  } else {
    for (let count = tree.least; count < tree.most; count += 1) {
      open()
      emit(tree.of, program)
    }
  }
  close()
}
