/**
 * Measures what a parser does with an input, without a clock: V8's exact count of every block of the parser's source that
 * ran (count-steps.ts), and what the engine's own functions were given to do (natives.ts).
 */
import { expect } from 'vitest'
import { type Counted, loadCounted } from '../support/count-steps.ts'
import { chargeNatives } from './natives.ts'

/** Most that the work may grow when an input doubles. */
export const GROWTH = 2.2

export type Effort = { steps: number; inputBytes: number }

export class StepCounter<Module> {
  readonly #counted: Counted<Module>

  /** files: the sources to count in, relative to the project. */
  constructor(...files: string[]) {
    this.#counted = loadCounted<Module>(...files)
  }

  /** A copy of the sources of its own. */
  get module(): Module {
    return this.#counted.module
  }

  /** Steps and charges while `run` runs. */
  measure(run: () => void): number {
    let charged = 0
    const steps = this.#counted.steps(() => {
      charged = chargeNatives(run)
    })
    return steps + charged
  }

  /** How often each function of the sources was called while `run` ran, by its name. */
  calls(run: () => void): ReadonlyMap<string, number> {
    return this.#counted.calls(run)
  }

  close(): void {
    this.#counted.close()
  }
}

/** An input of a family's with its size in bytes, and what a parser does with it. */
export type Case = { inputBytes: number; run: () => void }

/** What inputs may take: so many steps for each byte, and for being called at all. */
export type Allowance = { perByte: number; perCall: number }

const ALLOWED: Allowance = { perByte: 40, perCall: 60_000 }

/** Sizes that double, and sizes that double twice at once: for large numbers of families. */
export const DOUBLED = [1, 2, 4]
export const DOUBLED_TWICE = [1, 4]

/** Expects of inputs that grow that the work grows no faster than they, and stays within what is allowed. */
export function expectLinear<Module>(
  counter: StepCounter<Module>,
  family: string,
  make: (size: number) => Case,
  smallest: number,
  { allowed = ALLOWED, sizes = DOUBLED }: { allowed?: Allowance; sizes?: readonly number[] } = {},
): void {
  let before: Effort | undefined
  for (const [index, times] of sizes.entries()) {
    const { inputBytes, run } = make(smallest * times)
    const effort = { inputBytes, steps: counter.measure(run) }
    const most = allowed.perCall + allowed.perByte * inputBytes
    if (effort.steps > most) expect.fail(`${family}: ${textOf(effort)}, where ${most} are allowed`)
    const growth = GROWTH ** Math.log2(times / (sizes[index - 1] ?? times))
    if (before !== undefined && effort.steps > growth * before.steps)
      expect.fail(`${family}: ${textOf(effort)}, after ${textOf(before)}`)
    before = effort
  }
}

function textOf({ steps, inputBytes }: Effort): string {
  return `${steps} steps of ${inputBytes} bytes`
}

/** What a value takes: its values and keys, and the units of its texts. Bytes count as such. */
export function sizeOf(value: unknown): number {
  let size = 0
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const one = waiting.pop()
    size += 1
    if (typeof one === 'string') size += one.length
    else if (one instanceof Uint8Array) size += one.length
    else if (typeof one === 'object' && one !== null)
      for (const key of Object.keys(one)) {
        if (!Array.isArray(one)) size += key.length
        waiting.push((one as Record<string, unknown>)[key])
      }
  }
  return size
}
