/**
 * `npm run soak -- --minutes N [--from SEED]`: seed after seed, each with members and faults of its own, until the time is
 * over or an invariant breaks; then it says how to repeat that run. Seeds are run by a child process that is replaced now and
 * then: databases in memory are given back late.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { drawOptions } from './draw.ts'
import { stage } from './hostile/casts.ts'
import { commandOf } from './options.ts'
import type { Report } from './simulation.ts'

const SEEDS_OF_CHILD = 40

type Told = Pick<Report, 'steps' | 'virtualMs' | 'violation' | 'recent'> & {
  seed: number
  isIncomplete: boolean
}

function runSeed(seed: number): Told {
  const { steps, virtualMs, violation, recent, missing } = stage(drawOptions(seed)).simulation.run()
  const isIncomplete = missing.length > 0
  return {
    seed,
    steps,
    virtualMs,
    isIncomplete,
    ...(violation ? { violation, recent } : { recent: [] }),
  } as Told
}

/** Runs seeds from `first` on and tells of each, until it is stopped. */
function child(first: number): void {
  process.on('disconnect', () => process.exit(0))
  let seed = first
  const next = (): void => {
    if (seed < first + SEEDS_OF_CHILD) process.send?.(runSeed(seed), () => setImmediate(next))
    else process.disconnect()
    seed += 1
  }
  next()
}

class Soak {
  private readonly first: number
  private readonly minutes: number
  private readonly startedMs = performance.now()
  private seeds = 0
  private steps = 0
  private virtualMs = 0
  private incomplete = 0
  private toldMinutes = 0

  constructor(first: number, minutes: number) {
    this.first = first
    this.minutes = minutes
  }

  async run(): Promise<number> {
    console.log(`from seed ${this.first}, for ${this.minutes} minutes`)
    let code = 0
    while (code === 0 && this.elapsedMinutes < this.minutes) code = await this.children()
    console.log(this.summary())
    return code
  }

  private get elapsedMinutes(): number {
    return (performance.now() - this.startedMs) / 60_000
  }

  /** One child's seeds; the exit code. */
  private children(): Promise<number> {
    const worker = fork(fileURLToPath(import.meta.url), ['--child', String(this.first + this.seeds)])
    return new Promise((resolve) => {
      const before = this.seeds
      let code = 0
      worker.on('message', (told: Told) => {
        code = this.take(told)
        if (code !== 0 || this.elapsedMinutes >= this.minutes) stop(worker)
      })
      worker.on('exit', (status) => {
        if (this.seeds === before || (status !== 0 && status !== null)) {
          console.error(`\nBROKEN: the run of seed ${this.first + this.seeds} ended with ${status}`)
          console.error(`replay with: ${commandOf(drawOptions(this.first + this.seeds))}`)
          code = 1
        }
        resolve(code)
      })
    })
  }

  private take({ seed, steps, virtualMs, isIncomplete, violation, recent }: Told): number {
    this.seeds += 1
    this.steps += steps
    this.virtualMs += virtualMs
    if (isIncomplete) this.incomplete += 1
    if (violation) {
      for (const line of recent) console.log(`  ${line}`)
      console.error(`\nBROKEN: ${violation.invariant}\n  ${violation.message}`)
      console.error(`\nreplay with: ${commandOf(drawOptions(seed))}`)
      return 1
    }
    if (this.elapsedMinutes >= this.toldMinutes + 1) {
      this.toldMinutes = Math.floor(this.elapsedMinutes)
      console.log(this.summary())
    }
    return 0
  }

  private summary(): string {
    const hours = this.virtualMs / 3_600_000
    const last = this.first + this.seeds - 1
    return (
      `${this.seeds} seeds (${this.first} to ${last}), ${this.steps} steps, ${hours.toFixed(2)} simulated hours, ` +
      `${(hours / this.elapsedMinutes).toFixed(3)} simulated hours a minute` +
      (this.incomplete > 0
        ? `; ${this.incomplete} runs ended before every fault they were given had come`
        : '')
    )
  }
}

/** It ends by itself once it is told nothing more. */
function stop(worker: ChildProcess): void {
  if (worker.connected) worker.disconnect()
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    from: { type: 'string' },
    child: { type: 'string' },
    help: { type: 'boolean' },
  },
})
const minutes = Number(values.minutes)
const first = values.from === undefined ? Math.floor(Math.random() * 1e9) : Number(values.from)
if (values.child !== undefined) child(Number(values.child))
else if (values.help || !(minutes > 0) || !Number.isSafeInteger(first) || first < 0) {
  console.error('npm run soak -- --minutes N [--from SEED]')
  process.exitCode = values.help ? 0 : 2
} else process.exitCode = await new Soak(first, minutes).run()
