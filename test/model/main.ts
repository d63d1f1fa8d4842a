/**
 * `npm run model`: every search of configurations.ts, then every guard switched off. Words after `--` choose those searches
 * whose description holds them all. Ends with 1 where a property breaks, or where a guard that is off goes unnoticed.
 */
import { describeBounds } from './bounds.ts'
import { COMPARED, CONFIGURATIONS, SWITCHED_OFF } from './configurations.ts'
import { REAL } from './guards.ts'
import { PROPERTIES } from './properties.ts'
import { compareMemories, type Result, runConfiguration } from './run.ts'

/** What is not done by then is cut off, and said to be. */
const TIME_MAX_MS = 9.5 * 60_000
/** Of that, for the searches with all guards on: the others come after. */
const SEARCH_MAX_MS = 7.5 * 60_000
/** No search takes longer but the dear ones, which share evenly what the others leave. */
const EACH_MAX_MS = 40_000
const MILLISECONDS = 1000

const startedMs = performance.now()
const elapsedMs = (): number => performance.now() - startedMs
const isTimeUp = (): boolean => elapsedMs() > TIME_MAX_MS

const isChosen = (description: string): boolean =>
  process.argv.slice(2).every((word) => description.includes(word))

function main(): number {
  console.log('What must hold in every state:')
  for (const [name, text] of Object.entries(PROPERTIES)) console.log(`  ${name}: ${text}`)
  const { failures: broken, cutOff } = searchAll()
  const failures = broken + switchOff() + compare()
  console.log(`\n${cutOff} searches were cut off by their bound or by time; all others reached every state`)
  console.log(failures === 0 ? 'no property is broken' : `${failures} FAILED`)
  return failures === 0 ? 0 : 1
}

function searchAll(): { failures: number; cutOff: number } {
  let failures = 0
  let cutOff = 0
  console.log('\nAll guards on:')
  const chosen = CONFIGURATIONS.filter(({ bounds }) => isChosen(describeBounds(bounds)))
  for (const [index, configuration] of chosen.entries()) {
    const { bounds, isDear } = configuration
    const description = describeBounds(bounds)
    const beganMs = elapsedMs()
    const leftMs = SEARCH_MAX_MS - beganMs
    if (leftMs <= 0) {
      console.log(`  ${description}\n    NOT SEARCHED: no time was left`)
      cutOff += 1
      continue
    }
    const endMs = beganMs + (isDear ? leftMs / (chosen.length - index) : Math.min(leftMs, EACH_MAX_MS))
    const result = runConfiguration(configuration, REAL, () => elapsedMs() > endMs)
    console.log(`  ${description}\n    ${found(result, elapsedMs() - beganMs)}`)
    if (result.broken) {
      failures += 1
      printBroken(result)
    } else if (!result.isExhausted || result.isOutOfTime) cutOff += 1
  }
  return { failures, cutOff }
}

function switchOff(): number {
  let failures = 0
  console.log('\nOne guard off, and what must be found then:')
  for (const { guards, breaks, ...configuration } of SWITCHED_OFF) {
    const { bounds } = configuration
    if (!isChosen(describeBounds(bounds))) continue
    const result = runConfiguration(configuration, guards)
    const isFound = result.broken?.property === breaks
    if (!isFound) failures += 1
    const verdict = isFound ? 'found' : 'NOT FOUND'
    console.log(
      `  ${guards.name} (${describeBounds(bounds)})\n    ${breaks} ${verdict}: ${result.broken?.detail}`,
    )
  }
  return failures
}

function compare(): number {
  let failures = 0
  console.log('\nSets of signatures that members reach, all of which forgetful ones must reach too:')
  for (const bounds of COMPARED) {
    if (!isChosen(describeBounds(bounds))) continue
    if (isTimeUp()) {
      console.log(`  ${describeBounds(bounds)}: NOT COMPARED: no time was left`)
      continue
    }
    const { kept, missing } = compareMemories(bounds)
    if (missing.length > 0) failures += 1
    console.log(`  ${describeBounds(bounds)}: ${kept}, of which forgetful members miss ${missing.length}`)
  }
  return failures
}

function found(result: Result, tookMs: number): string {
  const { states, transitions, depth, members, steps, occasions, progressFrom } = result
  const end = result.broken
    ? 'BROKEN'
    : result.isExhausted
      ? 'every state within the bound'
      : result.isOutOfTime
        ? 'CUT OFF by time'
        : 'CUT OFF by the number of states'
  const { commits, conflicts, finals } = occasions
  const counts = `${states} states, ${transitions} transitions, depth ${depth}: ${end}`
  const inside = `${members} states of members, ${steps} calls of step`
  const seen = `${commits} with commits, ${conflicts} with conflicting commits, ${finals} with finals`
  const progress = progressFrom > 0 ? `; work ordered from ${progressFrom}` : ''
  return `${counts}\n    ${inside}; sets of signatures: ${seen}${progress} [${(tookMs / MILLISECONDS).toFixed(1)} s]`
}

function printBroken({ broken, trace }: Result): void {
  if (!broken) return
  console.log(
    `\n    BROKEN: ${PROPERTIES[broken.property]}\n      ${broken.detail}\n    The shortest way there:`,
  )
  for (const [index, line] of trace.entries()) console.log(`      ${index + 1}. ${line}`)
  console.log()
}

process.exitCode = main()
