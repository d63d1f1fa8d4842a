/** Options of a run drawn from its seed: members, quorum, a mix of faults, and of liars. The same seed gives the same run. */
import { ATTACK_NAMES, EPOCH_ATTACK_NAMES } from './hostile/attacks.ts'
import { DEFAULTS, type SimOptions } from './options.ts'
import { Random } from './random.ts'

const MEMBERS = [2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 7, 8, 9] as const
const QUORUMS = ['majority', 'majority', 'bft', 'unanimous'] as const
const LOSSES = [0, 0, 0.01, 0.05, 0.1, 0.2] as const
const STEPS = [1500, 3000, 6000, 12_000] as const
/** How many attacks at once. */
const ATTACKS = [1, 1, 1, 2, 3] as const
/** The stream of the seed that options are drawn from: no other part of a run uses it. */
const STREAM = 99

export function drawOptions(seed: number): SimOptions {
  const random = new Random(seed, STREAM)
  const flip = (probability: number): boolean => random.chance(probability)
  const members = random.pick(MEMBERS)
  const options = {
    ...DEFAULTS,
    members,
    seed,
    // What a run costs grows with the square of its members.
    steps: Math.ceil((random.pick(STEPS) * 4) / Math.max(4, members)),
    contracts: flip(0.2) ? 3 : 1,
    quorum: random.pick(QUORUMS),
    loss: random.pick(LOSSES),
    partitions: flip(0.6),
    crashes: flip(0.6),
    restores: flip(0.4),
    duplicates: flip(0.4),
    reorder: flip(0.3),
  }
  const isHonest = flip(0.5)
  if (isHonest) {
    const epochs = members < 7 && flip(0.4)
    const checkpoints = epochs && flip(0.4)
    return { ...options, epochs, checkpoints, secrets: flip(0.3) }
  }
  const epochs = members < 7 && flip(0.4)
  const names = epochs ? [...ATTACK_NAMES, ...EPOCH_ATTACK_NAMES] : ATTACK_NAMES
  const hostile = random.shuffled(names).slice(0, random.pick(ATTACKS))
  return { ...options, epochs, hostile, liars: random.integer(1, members - 1) }
}
