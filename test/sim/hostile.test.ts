/**
 * Liars, in every number up to all but one. In spite of them honest members report no two finals in conflict, commit no two
 * ledger blocks in conflict where too few lie for that, name liars only, and name them all where ledgers have forked; and
 * what each attack leaves standing comes true: ordering, finality, or who is waited for (see checkers/in-spite.ts).
 */
import { describe, expect, it } from 'vitest'
import { ATTACK_NAMES } from './hostile/attacks.ts'
import { stage } from './hostile/casts.ts'
import type { Conspiracy } from './hostile/conspiracy.ts'
import { commandOf, DEFAULTS, type SimOptions } from './options.ts'
import type { Report } from './simulation.ts'

/** Steps by number of members: enough for every attack to come about. One alone among seven takes longer to lead. */
const STEPS = new Map([
  [2, 500],
  [3, 600],
  [4, 800],
  [5, 1000],
  [7, 1300],
])
const NUMBERS = [...STEPS].flatMap(([members, steps]) =>
  Array.from(
    { length: members - 1 },
    (_, index) => [index + 1, members, members === 7 && index === 0 ? 2400 : steps] as const,
  ),
)

/** How many seeds are tried until an attack has come about: a run in which it has not shows nothing. */
const SEEDS = 8

/** Runs it; fails with the command that repeats it where a promise broke. */
function run(given: Partial<SimOptions>): Report & { plot: Conspiracy } {
  const options = { ...DEFAULTS, ...given }
  const { simulation, plot } = stage(options)
  const report = simulation.run()
  const { violation, recent } = report
  if (violation)
    throw new Error(
      [`${violation.invariant}: ${violation.message}`, ...recent, commandOf(options)].join('\n'),
    )
  if (!plot) throw new Error('nobody lies')
  return { ...report, plot }
}

/** Runs of one seed after another, until there is nothing missing in one. */
function runDelivered(given: Partial<SimOptions> & { seed: number }): ReturnType<typeof run> {
  for (let seed = given.seed; ; seed += 1) {
    const report = run({ ...given, seed })
    if (report.missing.length === 0) return report
    if (seed + 1 === given.seed + SEEDS) expect(report.missing, JSON.stringify(given)).toEqual([])
  }
}

describe.each(ATTACK_NAMES)('[COS-3] [EVI-1] [EVI-3] [EVI-5] liars of the kind %s', (name) => {
  it.each(NUMBERS)('%i of %i', (liars, members, steps) => {
    const { plot } = runDelivered({ members, liars, hostile: [name], seed: 25, steps })
    expect(plot.liars.size).toBe(liars)
    for (const { reached } of plot.adversaries)
      expect([...reached.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  })
})

/** Who is lied to while it catches up bears no second lie, so that one run has not room for all of them. */
const CATCHING_UP: Partial<SimOptions> = { members: 5, liars: 2, steps: 8000, crashes: true }

describe('each kind of liar', () => {
  it.each(ATTACK_NAMES)('[EVI-1] [ORD-4] [SYN-2] does all that it can: %s', (name) => {
    const given = name === 'sync-liar' ? CATCHING_UP : { members: 3, liars: 1, steps: 6000 }
    const reached = new Set<string>()
    let missing: string[] = ['everything']
    for (let seed = 3; missing.length > 0 && seed < 3 + SEEDS; seed += 1) {
      const { adversaries } = run({ ...given, seed, contracts: 2, hostile: [name] }).plot
      for (const adversary of adversaries) for (const kind of adversary.reached.keys()) reached.add(kind)
      missing = adversaries.flatMap(({ kinds }) => kinds.filter((kind) => !reached.has(kind)))
    }
    expect(missing).toEqual([])
  })
})

describe('all kinds together', () => {
  it.each([1, 2, 3])('[COS-3] [EVI-1] %i of 4 do everything at once', (liars) => {
    const harmless = ATTACK_NAMES.filter((name) => !name.startsWith('forker'))
    const { violation } = stage({
      ...DEFAULTS,
      members: 4,
      liars,
      hostile: harmless,
      steps: 3000,
      seed: 22,
    }).simulation.run()
    expect(violation).toBeUndefined()
  })
})

describe('a contract whose ledgers have forked', () => {
  it.each([
    [1, 3],
    [2, 4],
    [1, 5],
    [3, 5],
  ])(
    '[LIN-1] [LIN-2] [LIN-3] goes on without %i liars of %i, loses nothing that was final, and orders all',
    (liars, members) => {
      const { checked } = run({ members, liars, hostile: ['forker-with-cuts'], seed: 1, steps: 1200 })
      const { forks, lineages } =
        checked['ledgers only grow, fork only among enough liars, and hold each request once'] ?? {}
      expect(forks).toBeGreaterThan(0)
      expect(lineages).toBe(members - liars)
    },
  )
})

/** Seeds that once broke a promise, with what was wrong. */
const FOUND: readonly [wrong: string, options: Partial<SimOptions>][] = [
  [
    '[LIN-2] of three contracts one had forked and gone on without the liar, who was waited for in the others',
    {
      ...{ members: 5, liars: 1, hostile: ['withholder', 'forker-with-cuts'], seed: 735280223 },
      ...{ steps: 4800, contracts: 3, loss: 0.01, partitions: true, crashes: true },
      ...{ duplicates: true, reorder: true },
    },
  ],
  [
    '[SYN-2] requests that no ledger block of a range names were taken in, and called expired though they had been ordered',
    {
      members: 5,
      liars: 4,
      hostile: ['sync-liar'],
      seed: 8034,
      steps: 4800,
      quorum: 'bft',
      loss: 0.01,
      crashes: true,
      restores: true,
      duplicates: true,
      reorder: true,
    },
  ],
  [
    '[ORD-10] the only honest member had come over a view without its certificate, and could propose no more',
    {
      ...{ members: 5, liars: 4, hostile: ['censor'], seed: 339253114, steps: 9600 },
      ...{ contracts: 3, loss: 0.1, partitions: true, crashes: true, duplicates: true },
    },
  ],
  [
    '[LIN-1] a member to whom a FREEZE was all that showed a second history was looked at by nobody, and never froze',
    {
      ...{ members: 8, liars: 6, hostile: ['forker-with-cuts'], seed: 7905163, steps: 1500 },
      ...{ contracts: 3, partitions: true, crashes: true, restores: true },
    },
  ],
  [
    '[EVI-1] evidence was asked for of what had come to a disk that refused, or over a quorum that was full',
    {
      ...{ members: 8, liars: 6, hostile: ['double-voter'], seed: 735246665, steps: 750 },
      ...{ loss: 0.01, crashes: true, reorder: true },
    },
  ],
  [
    '[REQ-5] a request that was ordered, and sent again after a start, was taken in and called expired',
    {
      ...{ members: 4, liars: 1, hostile: ['equivocating-leader'], seed: 735246737, steps: 12_000 },
      ...{ crashes: true, restores: true, reorder: true },
    },
  ],
  [
    '[AMN-4] [LIN-1] a member that was put back read another history than it had cosigned, and its FREEZE held nowhere',
    {
      ...{ members: 5, liars: 2, hostile: ['forker'], seed: 735600049, steps: 9600 },
      ...{ partitions: true, restores: true },
    },
  ],
  [
    '[EPO-12] [COS-3] who had left, and whose signer was put back, called less final than before',
    {
      ...{ members: 3, liars: 1, hostile: ['equivocating-leader'], seed: 736600287, steps: 12_000 },
      ...{ loss: 0.05, partitions: true, restores: true, duplicates: true, reorder: true, epochs: true },
    },
  ],
]

describe('seeds that once failed', () => {
  it.each(FOUND)('%s', (_, options) => {
    run(options)
  })
})
