/** Every attack there is, by the name it has on a command line. */
import type { Adversary } from './adversary.ts'
import { BadProposer } from './bad-proposer.ts'
import { Censor } from './censor.ts'
import { DoubleVoter } from './double-voter.ts'
import { EquivocatingLeader } from './equivocating-leader.ts'
import { FalseGuest } from './false-guest.ts'
import { FalseLeaver } from './false-leaver.ts'
import { Flooder } from './flooder.ts'
import { Forker } from './forker.ts'
import { FormerKeys } from './former-keys.ts'
import { OpeningWithholder } from './opening-withholder.ts'
import { Replayer } from './replayer.ts'
import { Skipper } from './skipper.ts'
import { SyncLiar } from './sync-liar.ts'
import { TurnForger } from './turn-forger.ts'
import { TurnForker } from './turn-forker.ts'
import { TurnSplitter } from './turn-splitter.ts'
import { TwoHistories } from './two-histories.ts'
import { TwoOpenings } from './two-openings.ts'
import { Withholder } from './withholder.ts'

const ATTACKS: ReadonlyMap<string, () => Adversary> = new Map<string, () => Adversary>([
  ['equivocating-leader', () => new EquivocatingLeader()],
  ['double-voter', () => new DoubleVoter()],
  ['two-histories', () => new TwoHistories()],
  ['forker', () => new Forker(false)],
  ['forker-with-cuts', () => new Forker(true)],
  ['withholder', () => new Withholder()],
  ['censor', () => new Censor()],
  ['bad-proposer', () => new BadProposer()],
  ['skipper', () => new Skipper(false)],
  ['skipper-with-cuts', () => new Skipper(true)],
  ['opening-withholder', () => new OpeningWithholder()],
  ['two-openings', () => new TwoOpenings()],
  ['sync-liar', () => new SyncLiar()],
  ['replayer', () => new Replayer()],
  ['flooder', () => new Flooder()],
])

/** Those on turns, and on who comes and goes: they need parties that do. */
const EPOCH_ATTACKS: ReadonlyMap<string, () => Adversary> = new Map<string, () => Adversary>([
  ['turn-forger', () => new TurnForger()],
  ['turn-forker', () => new TurnForker()],
  ['turn-splitter', () => new TurnSplitter()],
  ['false-leaver', () => new FalseLeaver()],
  ['false-guest', () => new FalseGuest()],
  ['former-keys', () => new FormerKeys()],
])

export const ATTACK_NAMES: readonly string[] = [...ATTACKS.keys()]
export const EPOCH_ATTACK_NAMES: readonly string[] = [...EPOCH_ATTACKS.keys()]

/** @throws Error where there is none of this name */
export function attackOf(name: string): Adversary {
  const make = ATTACKS.get(name) ?? EPOCH_ATTACKS.get(name)
  if (!make)
    throw new Error(`--hostile ${name}: none of ${[...ATTACK_NAMES, ...EPOCH_ATTACK_NAMES].join(', ')}`)
  return make()
}
