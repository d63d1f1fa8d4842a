/** Bounded runs over members and faults, and seeds that once failed. More: `npm run sim -- --help`. */
import { describe, expect, it } from 'vitest'
import { commandOf, DEFAULTS, parseOptions, type SimOptions } from './options.ts'
import { type Report, Simulation } from './simulation.ts'

const ALL = { loss: 0.03, partitions: true, crashes: true, restores: true, duplicates: true } as const
const FAILING = { loss: 0.02, partitions: true, crashes: true, duplicates: true } as const
const RESTORED = { loss: 0.01, partitions: true, crashes: true, restores: true } as const
const MEMBERS = [1, 2, 3, 4, 5, 7] as const

/** Runs it; fails with the command that repeats it where an invariant broke or a fault was never delivered. */
function run(given: Partial<SimOptions>): Report {
  const options = { ...DEFAULTS, ...given }
  const report = new Simulation(options).run()
  const { violation, missing, recent } = report
  if (violation)
    throw new Error(
      [`${violation.invariant}: ${violation.message}`, ...recent, commandOf(options)].join('\n'),
    )
  expect(missing, commandOf(options)).toEqual([])
  return report
}

describe('a network of nodes', () => {
  it.each(MEMBERS)(
    '[ORD-2] [ORD-6] [ORD-7] [COS-1] [COS-3] of %i in peace orders all and makes it final, then sends nothing',
    (members) => {
      const { checked, delivered } = run({ members, seed: 11, steps: 1500 })
      expect(checked['progress after healing, then silence']?.submittedOrdered).toBeGreaterThan(5)
      expect(delivered.skips).toBe(0)
      expect(delivered.syncs).toBe(0)
    },
  )

  it.each(MEMBERS)(
    '[ORD-9] [ORD-10] [SYN-1] of %i that loses one frame in ten, and the connection with it, gets it all the same',
    (members) => {
      const { delivered } = run({ members, seed: 12, steps: 2000, loss: 0.1, duplicates: true })
      if (members > 1) expect(delivered.resets).toBeGreaterThan(10)
    },
  )

  it.each(MEMBERS)(
    '[ORD-9] [NET-5] [SYN-1] of %i that falls apart and comes together orders all that was written meanwhile',
    (members) => {
      run({ members, seed: 13, steps: 2500, partitions: true, loss: 0.01 })
    },
  )

  it.each(MEMBERS)(
    '[ORD-4] [ORD-5] [SGN-1] [SGN-2] [AMN-1] [NET-5] of %i that dies before, after and between its writes forgets nothing',
    (members) => {
      const { delivered } = run({ members, seed: 14, steps: 2500, crashes: true })
      expect(delivered.starts).toBeGreaterThan(members + 3)
    },
  )

  it.each([2, 3, 5])(
    '[VAL-4] [JUD-1] [JUD-2] [ORD-9] of %i with values for some alone shows them to nobody else, and orders what their readers judge',
    (members) => {
      const { checked } = run({ members, seed: 31, steps: 2500, secrets: true, ...FAILING })
      expect(checked['private values are held by those alone who may see them']?.privateHeld).toBeGreaterThan(
        0,
      )
    },
  )

  it.each(MEMBERS)(
    '[AMN-1] [AMN-2] [COS-2] [SYN-2] of %i whose backups are put back signs nothing twice, and catches up',
    (members) => {
      const { delivered } = run({ members, seed: 15, steps: 3000, restores: true })
      if (members > 1) expect(delivered.recalled).toBeGreaterThan(0)
    },
  )

  it.each(MEMBERS)(
    '[ORD-3] [ORD-4] [BLK-4] [COS-2] [COS-3] [EVI-1] of %i with all of that at once never forks and blames nobody',
    (members) => {
      run({ ...ALL, members, seed: 16, steps: 4000 })
    },
  )
})

describe('members that come and go', () => {
  it.each([2, 3, 4])(
    '[EPO-5] [EPO-7] [EPO-8] [EPO-9] [EPO-13] of %i at first, in peace: every decided change gets its turn, and then all rest',
    (members) => {
      const { delivered } = run({ members, seed: 2, steps: 4000, epochs: true })
      expect(delivered.turns).toBeGreaterThan(1)
    },
  )

  it('[EPO-11] [EPO-12] [COS-3] [ORD-5] over a network and disks that fail nothing final is lost, and nobody is blamed', () => {
    const { delivered } = run({ ...FAILING, members: 3, seed: 101, steps: 3000, epochs: true })
    expect(delivered.turns).toBeGreaterThan(0)
  })

  it('[AMN-2] [EPO-11] and lose their memory on the way sign nothing twice', () => {
    const { delivered } = run({ ...RESTORED, members: 4, seed: 202, steps: 3000, epochs: true })
    expect(delivered.turns).toBeGreaterThan(0)
  })

  it('[EPO-15] [AMN-2] that begin at a checkpoint go on like all others, whatever fails', () => {
    const options = { members: 3, steps: 3000, epochs: true, checkpoints: true }
    expect(run({ ...options, seed: 4 }).delivered.begun).toBeGreaterThan(0)
    const restored = [305, 308].map(
      (seed) => run({ ...options, ...RESTORED, steps: 4000, seed }).delivered.begun,
    )
    expect(restored.some((begun) => (begun ?? 0) > 0)).toBe(true)
  })

  it('gives the same digest for the same seed', () => {
    const options = { ...DEFAULTS, ...FAILING, members: 3, seed: 102, steps: 1000, epochs: true }
    expect(new Simulation(options).run().digest).toBe(new Simulation(options).run().digest)
  })
})

describe('policies and the rest', () => {
  it.each(['bft', 'unanimous'] as const)(
    '[ORD-1] [COS-3] finality does not depend on the quorum: %s',
    (quorum) => {
      run({ ...ALL, members: 4, seed: 17, steps: 2500, quorum })
    },
  )

  it('[SIG-3] several contracts at once share batches of signatures', () => {
    run({ ...ALL, members: 3, seed: 18, steps: 3000, contracts: 3 })
  })

  it('[ORD-2] frames that overtake one another, as on several connections, change nothing', () => {
    const { delivered } = run({
      members: 4,
      seed: 19,
      steps: 2000,
      reorder: true,
      duplicates: true,
      loss: 0.02,
    })
    expect(delivered.overtaken).toBeGreaterThan(0)
  })
})

/** Seeds that once broke an invariant, with what was wrong. */
const FOUND: readonly [wrong: string, options: Partial<SimOptions>][] = [
  [
    '[ORD-2] FINALIZE v was asked for after a signature in v + 1',
    { members: 4, seed: 7, steps: 2000, loss: 0.05 },
  ],
  [
    '[ORD-10] requests waited for ever at members who had none',
    { members: 4, seed: 7, steps: 2500, partitions: true },
  ],
  [
    '[SYN-2] an honest peer was refused for good as shorter',
    { members: 4, seed: 7, steps: 2500, crashes: true },
  ],
  [
    '[AMN-2] a view of two ended no more after RECALL',
    { members: 2, seed: 9, steps: 2500, crashes: true, restores: true },
  ],
  [
    '[GEN-3] an invitation that stood in spite of an error was never opened',
    { ...ALL, members: 7, seed: 31, steps: 3000 },
  ],
  [
    '[ORD-9] expired requests were kept for ever for a block that could not be committed any more',
    { members: 5, seed: 43, steps: 4800, quorum: 'bft', loss: 0.01, partitions: true, crashes: true },
  ],
  [
    '[GEN-3] a member that was put back did not learn of its contract',
    { ...ALL, members: 7, seed: 33, steps: 3000 },
  ],
  [
    '[AMN-2] [AMN-3] an invitation that was asked for was refused, since it was not the creator’s',
    {
      ...{ members: 6, seed: 968740635, steps: 8000, contracts: 3, loss: 0.2 },
      ...{ partitions: true, crashes: true, restores: true },
    },
  ],
]

/** Seeds with members that come and go, likewise. */
const FOUND_EPOCHS: readonly [wrong: string, options: Partial<SimOptions>][] = [
  [
    '[EPO-11] who left and missed the COMMIT of its turn asked for ever',
    { members: 3, seed: 8, steps: 3000 },
  ],
  ['[EPO-12] LEAVE overtook a cosignature that was being signed', { members: 3, seed: 6, steps: 3000 }],
  ['[EPO-12] who came in and left at once took back what was final', { members: 3, seed: 9, steps: 3000 }],
  ['[EPO-6] a guest whose invitation had lapsed asked for ever', { members: 3, seed: 12, steps: 3000 }],
  ['[VAL-2] who had left had to hold values it had never been shown', { members: 3, seed: 20, steps: 3000 }],
  [
    '[EPO-13] a guest was sent a request without its values',
    { ...FAILING, members: 3, seed: 100, steps: 3000 },
  ],
  [
    '[EPO-13] [EPO-9] who was to come in did not hear of the last block, and all others waited for it in silence',
    { members: 3, seed: 310, steps: 3000, crashes: true, loss: 0.02 },
  ],
  [
    '[EPO-2] a request signed before a turn that replaced its author’s key came to disk after it',
    {
      ...{ members: 3, seed: 504, steps: 3000 },
      ...{ crashes: true, loss: 0.02, partitions: true, duplicates: true },
    },
  ],
  [
    '[EPO-13] who was invited again, with former values, was never given those of the genesis',
    { members: 3, seed: 19, steps: 3000 },
  ],
  [
    '[AMN-2] its only member, by an old copy, signed without asking anybody',
    { members: 3, seed: 31, steps: 6000, loss: 0.02, crashes: true, restores: true },
  ],
  [
    '[AMN-2] two that had forgotten took each other’s word for all',
    { members: 3, seed: 60, steps: 6000, loss: 0.02, crashes: true, restores: true },
  ],
  [
    '[GEN-3] who came in later and lost the contract with its data was invited again by nobody',
    { members: 3, seed: 204, steps: 6000, loss: 0.02, crashes: true, restores: true },
  ],
  [
    '[EPO-13] who was to see values of before had read the ledger from one who did not hold them',
    {
      ...{ members: 4, seed: 571221586, steps: 12_000 },
      ...{ loss: 0.1, crashes: true, duplicates: true },
    },
  ],
  [
    '[ORD-10] [EPO-11] a block asked for in a later epoch was answered as if in the first, and dropped',
    { ...RESTORED, members: 2, seed: 991870419, steps: 3000, contracts: 3, quorum: 'bft' },
  ],
  [
    '[EPO-9] a cosignature by the key that a change brings was called bad by who had yet to read the change',
    {
      ...{ members: 2, seed: 735246810, steps: 6000, quorum: 'unanimous', loss: 0.01 },
      ...{ partitions: true, duplicates: true, reorder: true, checkpoints: true },
    },
  ],
  [
    '[SYN-2] [EPO-13] a guest was refused by who had left, for values that it need not hold',
    { members: 2, seed: 735247141, steps: 12_000, loss: 0.05, partitions: true },
  ],
  [
    '[EPO-13] [AMN-2] an observer that was put back was not shown the contract again; a signer that was, signed FINALIZE after a SKIP that only an observer held',
    {
      ...{ members: 2, seed: 735260548, steps: 12_000 },
      ...{ partitions: true, crashes: true, restores: true, duplicates: true },
    },
  ],
  [
    '[EPO-11] the COMMIT of a turn, of a later view, was dropped with the views of the next epoch',
    { ...FAILING, members: 3, seed: 107, steps: 3000 },
  ],
  [
    '[VAL-4] [AMN-2] who had lost a private value of its own, given its request back by others, asked for a judgement without it',
    {
      ...{ members: 3, seed: 735800684, steps: 12_000, loss: 0.01, partitions: true },
      ...{ restores: true, duplicates: true, checkpoints: true, secrets: true },
    },
  ],
  [
    'whoever had come to an epoch alone was put back, and what only it had ordered was lost',
    {
      ...{ members: 5, seed: 735330354, steps: 9600 },
      ...{ loss: 0.05, partitions: true, restores: true, reorder: true, secrets: true },
    },
  ],
]

describe('seeds that once failed', () => {
  it.each(FOUND_EPOCHS)('%s', (_, options) => {
    run({ ...options, epochs: true })
  })

  it.each(FOUND)('%s', (_, options) => {
    run(options)
  })
})

describe('a run', () => {
  const options = { ...DEFAULTS, ...ALL, members: 3, seed: 20, steps: 1200 }

  it('gives the same digest for the same seed, and another for another', () => {
    const first = new Simulation(options).run()
    const again = new Simulation({ ...options, last: 3 }).run()
    expect(again.digest).toBe(first.digest)
    expect(again.delivered).toEqual(first.delivered)
    expect(again.recent).toHaveLength(3)
    expect(new Simulation({ ...options, seed: 21 }).run().digest).not.toBe(first.digest)
  })

  it('can be repeated from the command that it prints', () => {
    const wordsOf = (given: SimOptions): string[] => commandOf(given).split(' ').slice(4)
    expect(parseOptions(wordsOf(options)).options).toEqual(options)
    expect(() => parseOptions(['--members', 'many'])).toThrow('--members')
    expect(() => parseOptions(['--loss', '1'])).toThrow('--loss')
    const hostile = { ...options, hostile: ['forker', 'censor'], liars: 2 }
    expect(parseOptions(wordsOf(hostile)).options).toEqual(hostile)
    expect(parseOptions(['--hostile', 'censor']).options.liars).toBe(1)
    expect(() => parseOptions(['--hostile', 'saint'])).toThrow('--hostile')
    expect(() => parseOptions(['--hostile', 'turn-forker'])).toThrow('--epochs')
    expect(() => parseOptions(['--liars', '1'])).toThrow('--liars')
    expect(() => parseOptions(['--hostile', 'censor', '--liars', '4'])).toThrow('--liars')
  })

  it('says what was asked for and never happened', () => {
    const { missing, violation } = new Simulation({ ...options, steps: 40 }).run()
    expect(violation?.invariant ?? missing.join()).not.toBe('')
  })

  it('[AMN-2] fails where old copies are put back and nobody says so: the guard is what keeps the promise', () => {
    const broken = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const given = { ...DEFAULTS, members: 2, seed, steps: 2500, restores: true }
      return new Simulation(given, { flagRestored: false }).run().violation?.invariant
    })
    expect(broken).toContain('no member signs a contradiction')
  })
})
