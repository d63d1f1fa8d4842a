/** Searches, and what is asked of them: does work go on from their states, does one reach all that another does? */
import { type Bounds, describeBounds } from './bounds.ts'
import type { Configuration } from './configurations.ts'
import { type Guards, REAL } from './guards.ts'
import { stuckFrom } from './progress.ts'
import { type Report, Search } from './search.ts'
import { traceOf } from './trace.ts'

/** progressFrom: states from which it was seen that work is ordered. */
export type Result = Report & { progressFrom: number; isOutOfTime: boolean }

/** @param isTimeUp asked from time to time: where it is, the search ends as it is */
export function runConfiguration(
  { bounds, progressEvery }: Configuration,
  guards: Guards,
  isTimeUp: () => boolean = () => false,
): Result {
  const search = new Search(bounds, guards)
  const report = search.run(isTimeUp)
  let progressFrom = 0
  let isOutOfTime = !report.isExhausted && !report.broken && isTimeUp()
  if (report.broken || progressEvery === undefined) return { ...report, progressFrom, isOutOfTime }
  for (const [index, locals] of search.states()) {
    if (index % progressEvery !== 0) continue
    if (isTimeUp()) {
      isOutOfTime = true
      break
    }
    const stuck = stuckFrom(search.universe, guards, locals)
    if (stuck !== undefined) {
      const broken = { property: 'progress', detail: `all faults end here, and ${stuck}` } as const
      return { ...report, broken, trace: traceOf(search, index), progressFrom, isOutOfTime }
    }
    progressFrom += 1
  }
  return { ...report, progressFrom, isOutOfTime }
}

/** Sets of signatures that members who keep all they are given can make, and how many of them forgetful members cannot. */
export type Comparison = { kept: number; missing: string[] }

/** What memory.ts says of forgetful members, tried: the bounds are those of members that keep all. */
export function compareMemories(bounds: Bounds): Comparison {
  const kept = signaturesIn({ ...bounds, memory: 'whole' })
  const forgetful = signaturesIn({
    ...bounds,
    memory: 'forgetful',
    late: false,
    idle: false,
    links: false,
    clocks: false,
  })
  return { kept: kept.size, missing: [...kept].filter((text) => !forgetful.has(text)) }
}

/** What members have signed in the states of a search through to its end. @throws Error where it gets to none */
export function signaturesIn(bounds: Bounds): Set<string> {
  const search = new Search(bounds, REAL)
  if (!search.run().isExhausted) throw new Error(`not searched to the end: ${describeBounds(bounds)}`)
  return search.signatureTexts()
}
