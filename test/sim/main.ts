/** `npm run sim`: one run from the command line. */
import { stage } from './hostile/casts.ts'
import { commandOf, parseOptions } from './options.ts'
import type { Report } from './simulation.ts'

function main(): number {
  let parsed: ReturnType<typeof parseOptions>
  try {
    parsed = parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error((error as Error).message)
    return 2
  }
  const { options, json } = parsed
  const startedMs = performance.now()
  const report = stage(options).simulation.run()
  const seconds = (performance.now() - startedMs) / 1000
  if (json) console.log(JSON.stringify({ options, seconds, ...report }, undefined, 2))
  else print(report, seconds)
  if (report.violation || report.missing.length > 0) console.error(`\nreplay with: ${commandOf(options)}`)
  if (!json) console.log(`digest ${report.digest}`)
  return report.violation || report.missing.length > 0 ? 1 : 0
}

function print(report: Report, seconds: number): void {
  if (report.violation) {
    console.log('Last events:')
    for (const line of report.recent) console.log(`  ${line}`)
    console.log(`\nBROKEN: ${report.violation.invariant}\n  ${report.violation.message}\n`)
  }
  console.log('Checked:')
  for (const [name, counts] of Object.entries(report.checked)) console.log(`  ${name}: ${words(counts)}`)
  console.log(`Delivered: ${words(report.delivered)}`)
  for (const kind of report.missing) console.log(`NEVER DELIVERED: ${kind}`)
  const rate = Math.round(report.steps / seconds)
  console.log(
    `${report.steps} steps in ${(report.virtualMs / 1000).toFixed(1)} s of virtual time, ${seconds.toFixed(1)} s here (${rate} steps/s)`,
  )
}

function words(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

process.exitCode = main()
