/**
 * `npm run soak -- --minutes N [--from SEED]`: seed after seed, each with members and faults of its own, until the time is
 * over or an invariant breaks; then it says how to repeat that run.
 */
import { parseArgs } from 'node:util'
import { drawOptions } from './draw.ts'
import { commandOf } from './options.ts'
import { Simulation } from './simulation.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, from: { type: 'string' } },
})
const minutes = Number(values.minutes)
const first = values.from === undefined ? Math.floor(Math.random() * 1e9) : Number(values.from)
if (!(minutes > 0) || !Number.isSafeInteger(first) || first < 0) {
  console.error('npm run soak -- --minutes N [--from SEED]')
  process.exit(2)
}

const startedMs = performance.now()
const elapsedMinutes = (): number => (performance.now() - startedMs) / 60_000
let seed = first
let virtualMs = 0
let steps = 0
let incomplete = 0
let toldMinutes = 0
console.log(`from seed ${first}, for ${minutes} minutes`)
for (; elapsedMinutes() < minutes; seed += 1) {
  const options = drawOptions(seed)
  const report = new Simulation(options).run()
  virtualMs += report.virtualMs
  steps += report.steps
  if (report.missing.length > 0) incomplete += 1
  if (report.violation) {
    for (const line of report.recent) console.log(`  ${line}`)
    console.error(`\nBROKEN: ${report.violation.invariant}\n  ${report.violation.message}`)
    console.error(`\nreplay with: ${commandOf(options)}`)
    process.exitCode = 1
    break
  }
  if (elapsedMinutes() >= toldMinutes + 1) {
    toldMinutes = Math.floor(elapsedMinutes())
    console.log(summary(seed + 1 - first))
  }
}
console.log(summary(process.exitCode === 1 ? seed + 1 - first : seed - first))

function summary(seeds: number): string {
  const hours = virtualMs / 3_600_000
  return (
    `${seeds} seeds (${first} to ${first + seeds - 1}), ${steps} steps, ${hours.toFixed(2)} simulated hours, ` +
    `${(hours / elapsedMinutes()).toFixed(3)} simulated hours a minute` +
    (incomplete > 0 ? `; ${incomplete} runs ended before every fault they were given had come` : '')
  )
}
