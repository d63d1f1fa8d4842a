/** All liars of a run under one brain: what they do, when they begin, what came of it. */
import { CountersignError } from '../../../src/crypto/errors.ts'
import { quorumOf } from '../../../src/ledger/genesis.ts'
import { checkMessage, type Message } from '../../../src/node/messages.ts'
import { Blame } from '../checkers/blame.ts'
import type { Checker, World } from '../checkers/checker.ts'
import { Cosignatures } from '../checkers/cosignatures.ts'
import { Finals } from '../checkers/finals.ts'
import { Histories } from '../checkers/histories.ts'
import { InSpite } from '../checkers/in-spite.ts'
import { Kept } from '../checkers/kept.ts'
import type { Goal } from '../checkers/progress.ts'
import { Signatures } from '../checkers/signatures.ts'
import { Versions } from '../checkers/versions.ts'
import { OUTSIDERS, type SimOptions } from '../options.ts'
import type { Plot, Stage } from '../plot.ts'
import { Random } from '../random.ts'
import type { SimNode } from '../sim-node.ts'
import type { Adversary, Cast, Outlook } from './adversary.ts'
import { Bodies } from './bodies.ts'
import { Casts } from './casting.ts'

/** How often the brain looks around. */
const TURN_MS = 150
/** Ledger blocks that are final at all honest members before the attack begins. */
const PEACEFUL_BLOCKS = 1

export function castOf({ members, quorum }: SimOptions, liars: number): Cast {
  const policy = { quorum, clockBoundMs: 0, silenceMs: null, admission: { invite: 'any', admit: 'every' } }
  return { members, liars, quorum: quorumOf(policy as Parameters<typeof quorumOf>[0], members) }
}

export class Conspiracy implements Plot {
  readonly liars: ReadonlySet<number>
  readonly cast: Cast
  readonly adversaries: readonly Adversary[]
  private readonly random: Random
  private stage: Stage | undefined
  private bodies: Bodies | undefined
  isOn = false

  /** Which members lie is drawn from the seed; where parties come and go, every other time one of those that may come in, too. */
  constructor(options: SimOptions, liars: number, adversaries: readonly Adversary[]) {
    this.cast = castOf(options, liars)
    this.adversaries = adversaries
    this.random = new Random(options.seed, 5)
    const all = Array.from({ length: options.members }, (_, index) => index)
    const lying = this.random.shuffled(all).slice(0, liars)
    const isGuestLying = (): boolean =>
      adversaries.some(({ bringsGuests }) => bringsGuests) || this.random.chance(0.5)
    if (options.epochs && isGuestLying()) lying.push(options.members + this.random.integer(0, OUTSIDERS - 1))
    this.liars = new Set(lying)
  }

  /** Of each epoch that a contract has come to. */
  private get casts(): readonly Cast[] {
    const { world } = this.stage ?? {}
    if (!world) return [this.cast]
    const casts = new Casts(world)
    return [this.cast, ...world.contracts.flatMap((contract) => casts.of(contract))]
  }

  /** What can still be promised under all attacks together, whoever is or was in. */
  get outlook(): Outlook {
    const { casts } = this
    const outlooks = this.adversaries.flatMap((adversary) => casts.map((cast) => adversary.outlook(cast)))
    if (outlooks.includes('safe') || this.hidesCommits) return 'safe'
    return outlooks.includes('tentative') ? 'tentative' : 'final'
  }

  /** Where no quorum is without the liars, a COMMIT may be theirs alone: they tell their statements to nobody, nor the ledger. */
  private get hidesCommits(): boolean {
    const hidden = new Set(this.adversaries.map(({ hides }) => hides))
    if (!hidden.has('statements') || !hidden.has('ledger')) return false
    return this.casts.some(({ members, liars, quorum }) => members - liars < quorum)
  }

  get named(): ReadonlySet<string> {
    return new Set(this.adversaries.flatMap(({ named }) => [...named]))
  }

  get isQuiet(): boolean {
    return this.adversaries.some(({ isQuiet }) => isQuiet)
  }

  get playsToSides(): boolean {
    return this.bodies?.areSplit ?? false
  }

  checkers(world: World): { goal: Goal; checkers: readonly Checker[] } {
    const casting = new Casts(world)
    const histories = new Histories(world, casting)
    const blame = new Blame(world, casting, histories)
    const goal = new InSpite(world, this, histories, blame)
    const checkers = [
      histories,
      blame,
      new Finals(world),
      new Kept(world),
      new Signatures(world),
      new Cosignatures(world, 'by member'),
      new Versions(world),
      goal,
    ]
    return { goal, checkers }
  }

  begin(stage: Stage): void {
    this.stage = stage
    const liars = stage.world.nodes.filter(({ index }) => this.liars.has(index))
    this.bodies = new Bodies(stage, liars, new Random(stage.world.options.seed, 6), {
      send: (from, to, messages) => this.say(from, to, messages),
    })
    this.turn()
  }

  private turn(): void {
    const { stage } = this
    if (!stage) return
    if (!this.isOn && this.isTime(stage)) {
      this.isOn = true
      const liars = stage.world.nodes.filter(({ index }) => this.liars.has(index))
      for (const adversary of this.adversaries) {
        adversary.bodies = this.bodies
        adversary.begin(stage, liars, this.random, this.cast)
      }
    }
    if (this.isOn) for (const adversary of this.adversaries) adversary.turn()
    stage.schedule(TURN_MS, () => this.turn())
  }

  /** An attack on a contract that nobody runs yet shows nothing. */
  private isTime({ world }: Stage): boolean {
    const founders = world.nodes.slice(0, world.options.members)
    const replicas = founders.flatMap(({ engine }) =>
      world.contracts.map((contract) => engine?.replicas.get(contract)),
    )
    return replicas.every((replica) => (replica?.finalSize ?? 0) > PEACEFUL_BLOCKS)
  }

  sent(from: SimNode, to: SimNode, messages: readonly Message[]): void {
    this.bodies?.sent(from, 0, to, messages)
  }

  private say(from: SimNode, to: SimNode, messages: readonly Message[]): void {
    let said: unknown[] = [...messages]
    if (this.isOn)
      for (const adversary of this.adversaries)
        said = said.flatMap((message) => adversary.outgoing(from, to, message as Message))
    if (said.length > 0) this.stage?.send(from, to, said)
  }

  arrived(at: SimNode, from: SimNode, messages: readonly Message[]): void {
    // What liars tell one another goes by other ways.
    if (this.liars.has(from.index)) return
    const heard = this.isOn ? messages.map((message) => this.heard(message)) : messages
    for (const adversary of this.isOn ? this.adversaries : [])
      for (const message of heard) adversary.incoming(at, from, message)
    if (heard.length > 0) this.bodies?.arrived(at, from, heard)
  }

  /** What liars have cosigned against one another's knowledge would only confuse their own nodes. */
  private heard(message: Message): Message {
    if (message.type !== 'STATUS') return message
    const parties = new Set([...this.liars].map((index) => this.stage?.world.nodes[index]?.party.id))
    return { ...message, cosignatures: message.cosignatures.filter(({ party }) => !parties.has(party)) }
  }

  connected(at: SimNode, to: SimNode, what: 'up' | 'down'): void {
    this.bodies?.connect(at, to, what)
  }

  reached(at: SimNode, from: SimNode, messages: readonly Message[]): void {
    if (!this.isOn) return
    for (const message of messages) {
      const hasShape = isMessage(message)
      for (const adversary of this.adversaries)
        if (hasShape) adversary.arrived(at, from, message)
        else adversary.arrivedShapeless(message)
    }
  }

  healed(): void {
    if (!this.isOn) return
    for (const adversary of this.adversaries) adversary.healed()
  }

  delivered(): Record<string, number> {
    const delivered: Record<string, number> = {}
    for (const { name, reached } of this.adversaries)
      for (const [kind, count] of reached) delivered[`${name}: ${kind}`] = count
    return delivered
  }

  undelivered(): string[] {
    if (!this.isOn) return ['the beginning of the attack']
    return this.adversaries.flatMap(({ name, reached }) =>
      [...reached.values()].some((count) => count > 0) ? [] : [name],
    )
  }
}

/** As far as adversaries look at it: of a request a message's shape says nothing, and one may be anything. */
function isMessage(value: unknown): boolean {
  try {
    const message = checkMessage(value)
    if (message.type !== 'REQUEST') return true
    const { operations } = (message.request as { request?: { operations?: unknown } } | null)?.request ?? {}
    return Array.isArray(operations) && operations.every((one) => typeof one === 'object' && one !== null)
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}
