/**
 * Liars while parties come and go: some from the first, some that come in. Honest members report no two finals in conflict,
 * name liars only, and what the attack leaves standing comes true, with whoever is in then.
 */
import { describe, expect, it } from 'vitest'
import { ATTACK_NAMES, EPOCH_ATTACK_NAMES } from './hostile/attacks.ts'
import { stage } from './hostile/casts.ts'
import type { Conspiracy } from './hostile/conspiracy.ts'
import { commandOf, DEFAULTS, type SimOptions } from './options.ts'
import type { Report } from './simulation.ts'

/** Liars, members, and steps: enough for most attacks to come about. */
const NUMBERS = [
  [1, 2, 400],
  [1, 3, 500],
  [2, 3, 500],
  [1, 4, 600],
  [3, 4, 600],
  [2, 5, 800],
  [3, 7, 1400],
] as const
const STEPS = 500
/** How many seeds are tried until an attack has come about, and until all its kinds have. */
const SEEDS = 8

function run(given: Partial<SimOptions>): Report & { plot: Conspiracy } {
  const options = { ...DEFAULTS, steps: STEPS, ...given, epochs: true }
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

/** Kinds of each attack that have reached honest members in any run here. */
const reached = new Map<string, Set<string>>()

function runDelivered(given: Partial<SimOptions> & { seed: number }): void {
  for (let seed = given.seed; ; seed += 1) {
    const { missing, plot } = run({ ...given, seed })
    for (const adversary of plot.adversaries)
      for (const kind of adversary.reached.keys())
        reached.set(adversary.name, (reached.get(adversary.name) ?? new Set()).add(kind))
    if (missing.length === 0) return
    if (seed + 1 === given.seed + SEEDS) expect(missing, JSON.stringify(given)).toEqual([])
  }
}

describe.each(EPOCH_ATTACK_NAMES)('[COS-3] [EPO-9] [EPO-11] [EPO-12] liars of the kind %s', (name) => {
  it.each(NUMBERS)('%i of %i at first', (liars, members, steps) => {
    runDelivered({ members, liars, hostile: [name], seed: 25, steps })
  })

  it('[EPO-2] [EPO-4] [EPO-8] does all that it can', () => {
    let missing: string[] = ['everything']
    for (let seed = 40; missing.length > 0 && seed < 40 + SEEDS; seed += 1) {
      const { adversaries } = run({ members: 3, liars: 1, hostile: [name], seed, steps: 1800 }).plot
      missing = adversaries.flatMap((adversary) => {
        const kinds = new Set([...(reached.get(adversary.name) ?? []), ...adversary.reached.keys()])
        reached.set(adversary.name, kinds)
        return adversary.kinds.filter((kind) => !kinds.has(kind))
      })
    }
    expect(missing).toEqual([])
  })
})

describe('liars of any other kind', () => {
  it.each(ATTACK_NAMES)('[COS-3] [EVI-1] [EPO-11] while parties come and go: %s', (name) => {
    runDelivered({ members: 3, liars: 1, hostile: [name], seed: 30 })
  })
})

/** Seeds that once broke a promise, with what was wrong. */
const FOUND: readonly [wrong: string, options: Partial<SimOptions>][] = [
  [
    '[LIN-3] [EPO-13] who came in by a history that was given up lacked values of what waits again, and its node called that damage',
    { members: 3, liars: 1, hostile: ['turn-forker'], seed: 49, steps: 1500 },
  ],
  [
    '[COS-3] [AMN-2] what was called final was not on disk yet, and whoever had said it was gone when the signer was put back',
    {
      ...{ members: 3, liars: 2, hostile: ['bad-proposer'], seed: 735290398, steps: 3000, loss: 0.05 },
      restores: true,
    },
  ],
  [
    '[EVI-3] [EPO-12] who was leaving cosigned no more, was shown a COMMIT of an epoch that it had not had, and nobody halted',
    { members: 3, liars: 1, hostile: ['turn-forker'], seed: 7, steps: 1500 },
  ],
  [
    '[EVI-3] [EPO-12] both had turned, to different epochs of one number, and neither could check what the other proved',
    { members: 3, liars: 1, hostile: ['turn-forker'], seed: 75, steps: 1500 },
  ],
  [
    '[ORD-1] [LIN-3] certificates of a lineage and an epoch before were taken for damage',
    { members: 3, liars: 1, hostile: ['forker'], seed: 52, steps: 1500 },
  ],
  [
    '[EPO-11] [EPO-13] who had left, lost its memory and was invited again was not sent the ledger up to its turn',
    {
      ...{ members: 3, liars: 1, hostile: ['censor'], seed: 669742590, steps: 12_000 },
      ...{ quorum: 'unanimous', restores: true },
    },
  ],
  [
    '[AMN-2] [SGN-1] a signer that was put back alone signed FINALIZE after a SKIP that only its own data held',
    {
      ...{ members: 3, liars: 2, hostile: ['censor'], seed: 735246698, steps: 1500, quorum: 'bft' },
      ...{ partitions: true, crashes: true, restores: true },
    },
  ],
  [
    '[EPO-13] [NET-4] a request without a body, of one attack, was read by another that ran beside it',
    {
      ...{ members: 5, liars: 2, hostile: ['false-guest', 'forker-with-cuts', 'flooder'] },
      ...{ seed: 735247013, steps: 2400, loss: 0.05, restores: true, reorder: true },
    },
  ],
  [
    '[EPO-8] [LIN-3] the next card of who was left out stayed in the record after the turn that took it out, and nodes died of it',
    {
      ...{ members: 3, liars: 2, hostile: ['double-voter', 'skipper-with-cuts', 'two-histories'] },
      ...{ seed: 735247214, steps: 3000, contracts: 3, loss: 0.2, partitions: true },
      ...{ crashes: true, duplicates: true, reorder: true },
    },
  ],
  [
    '[COS-3] who cosigned two histories showed the true one only to a member that had gone, and nothing became final',
    {
      ...{ members: 2, liars: 1, hostile: ['opening-withholder', 'two-histories'], seed: 735250349 },
      ...{ steps: 3000, quorum: 'bft' },
    },
  ],
  [
    '[AMN-2] [EPO-2] who was put back and asked for a block ahead of its ledger held a request of one yet to come in: called damage',
    {
      ...{ members: 3, liars: 2, hostile: ['withholder'], seed: 735260291, steps: 3000, loss: 0.2 },
      ...{ partitions: true, restores: true },
    },
  ],
  [
    '[EPO-13] a request of before was passed on without its values by who had come in later, and called bad',
    { members: 3, liars: 1, hostile: ['sync-liar'], seed: 835800497, steps: 3000, loss: 0.05, reorder: true },
  ],
]

describe('seeds that once failed', () => {
  it.each(FOUND)('%s', (_, options) => {
    run(options)
  })
})
