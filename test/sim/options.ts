/** What a run is made of; the whole of it follows from these values. */
import { parseArgs } from 'node:util'
import { ATTACK_NAMES, EPOCH_ATTACK_NAMES } from './hostile/attacks.ts'

export type SimOptions = {
  members: number
  seed: number
  /** Events that reach a node. */
  steps: number
  contracts: number
  quorum: 'majority' | 'bft' | 'unanimous'
  /** Probability that a frame is lost, and its connection with it. */
  loss: number
  partitions: boolean
  crashes: boolean
  restores: boolean
  duplicates: boolean
  /** Frames of one connection overtake one another, which TCP never does. */
  reorder: boolean
  /** Parties come and go: `members` are in at first, OUTSIDERS more are there to be invited. */
  epochs: boolean
  /** Who comes in may begin at a checkpoint that a member vouches for (EPO-15). */
  checkpoints: boolean
  /** Some fields are for some members alone, and a rule reads one of them. */
  secrets: boolean
  /** What liars do, by name; nobody lies where there is none. */
  hostile: readonly string[]
  /** How many members lie, where any do. Which ones is drawn from the seed. */
  liars: number
  /** How many of the last events a report shows; changes nothing else. */
  last: number
}

/** Parties that are in no contract at first, where parties come and go. */
export const OUTSIDERS = 2

export const DEFAULTS: SimOptions = {
  members: 4,
  seed: 1,
  steps: 20_000,
  contracts: 1,
  quorum: 'majority',
  loss: 0,
  partitions: false,
  crashes: false,
  restores: false,
  duplicates: false,
  reorder: false,
  epochs: false,
  checkpoints: false,
  secrets: false,
  hostile: [],
  liars: 0,
  last: 40,
}

const SWITCHES = [
  'partitions',
  'crashes',
  'restores',
  'duplicates',
  'reorder',
  'epochs',
  'checkpoints',
  'secrets',
] as const

/** The options of a command line. @throws Error saying what is wrong */
export function parseOptions(argv: readonly string[]): { options: SimOptions; json: boolean } {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      members: { type: 'string' },
      seed: { type: 'string' },
      steps: { type: 'string' },
      contracts: { type: 'string' },
      quorum: { type: 'string' },
      loss: { type: 'string' },
      last: { type: 'string' },
      hostile: { type: 'string' },
      liars: { type: 'string' },
      partitions: { type: 'boolean' },
      crashes: { type: 'boolean' },
      restores: { type: 'boolean' },
      duplicates: { type: 'boolean' },
      reorder: { type: 'boolean' },
      epochs: { type: 'boolean' },
      checkpoints: { type: 'boolean' },
      secrets: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  })
  const options = { ...DEFAULTS }
  for (const name of ['members', 'seed', 'steps', 'contracts', 'loss', 'liars', 'last'] as const) {
    const text = values[name]
    if (text === undefined) continue
    const value = Number(text)
    if (!Number.isFinite(value) || value < 0 || (name !== 'loss' && !Number.isInteger(value)))
      throw new Error(`--${name} ${text}: expected a number`)
    options[name] = value
  }
  if (options.members < 1 || options.members > 32) throw new Error('--members: 1 to 32')
  if (options.contracts < 1) throw new Error('--contracts: 1 or more')
  if (options.loss >= 1) throw new Error('--loss: a probability below 1')
  takeHostile(options, values.hostile)
  const { quorum } = values
  if (quorum !== undefined) {
    if (quorum !== 'majority' && quorum !== 'bft' && quorum !== 'unanimous')
      throw new Error('--quorum: majority, bft or unanimous')
    options.quorum = quorum
  }
  for (const name of SWITCHES) if (values[name]) options[name] = true
  checkHostile(options)
  return { options, json: values.json ?? false }
}

function takeHostile(options: SimOptions, names: string | undefined): void {
  if (names !== undefined) {
    options.hostile = names.split(',')
    const known = [...ATTACK_NAMES, ...EPOCH_ATTACK_NAMES]
    for (const name of options.hostile)
      if (!known.includes(name)) throw new Error(`--hostile ${name}: none of ${known.join(', ')}`)
    if (options.liars === 0) options.liars = 1
  } else if (options.liars > 0) throw new Error('--liars: say with --hostile what they do')
  if (options.liars > 0 && options.liars >= options.members) throw new Error('--liars: fewer than --members')
}

/** @throws Error for an attack on epochs where nobody comes or goes */
export function checkHostile({ hostile, epochs }: SimOptions): void {
  const ofEpochs = hostile.find((name) => EPOCH_ATTACK_NAMES.includes(name))
  if (ofEpochs !== undefined && !epochs)
    throw new Error(`--hostile ${ofEpochs}: it needs members that come and go; add --epochs`)
}

/** The command line that repeats a run. */
export function commandOf(options: SimOptions): string {
  const words = ['npm run sim --']
  for (const name of ['members', 'seed', 'steps', 'contracts', 'quorum', 'loss', 'liars'] as const)
    if (options[name] !== DEFAULTS[name] || ['members', 'seed', 'steps'].includes(name))
      words.push(`--${name} ${options[name]}`)
  for (const name of SWITCHES) if (options[name]) words.push(`--${name}`)
  if (options.hostile.length > 0) words.push(`--hostile ${options.hostile.join(',')}`)
  return words.join(' ')
}
