/** What a liar does, as far as it does not do what its own node would. */
import type { Message } from '../../../src/node/messages.ts'
import type { Stage } from '../plot.ts'
import type { Random } from '../random.ts'
import type { SimNode } from '../sim-node.ts'
import type { Bodies } from './bodies.ts'

/** members, and how many of them lie; quorum: as the contract's policy has it. */
export type Cast = { members: number; quorum: number; liars: number }

/**
 * What is promised in spite of the liars, beside safety: final, all that honest members ask for becomes final at each of
 * them; tentative, it is ordered at each of them, and finality waits for the liars and nobody else; safe, nothing.
 */
export type Outlook = 'final' | 'tentative' | 'safe'

/** Two ledger blocks can be committed at one height once so many lie: they are in any two quorums. */
export const forksFrom = ({ members, quorum }: Cast): number => 2 * quorum - members

/**
 * One brain for all liars of a run. Their own nodes run; what these send and get goes through here, and more can be added.
 * It has their private keys, and no locks on them.
 */
export abstract class Adversary {
  abstract readonly name: string
  /** What has reached honest members, by kind. */
  readonly reached = new Map<string, number>()
  /** For whoever plays to sides. */
  bodies: Bodies | undefined
  private set: { stage: Stage; liars: readonly SimNode[]; random: Random; cast: Cast } | undefined

  /** Of the parties that may come in one lies, at least. */
  get bringsGuests(): boolean {
    return false
  }

  /** Nobody comes or goes but as it wants. */
  get isQuiet(): boolean {
    return false
  }

  /** The attack begins: the contracts are running. */
  begin(stage: Stage, liars: readonly SimNode[], random: Random, cast: Cast): void {
    this.set = { stage, liars, random, cast }
    this.begun()
  }

  protected begun(): void {}

  /** What goes to an honest member instead of a message of a liar's node. */
  outgoing(_from: SimNode, _to: SimNode, message: Message): unknown[] {
    return [message]
  }

  /** An honest member's message has come to a liar. */
  incoming(_at: SimNode, _from: SimNode, _message: Message): void {}

  /** Some time has passed. */
  turn(): void {}

  /** A message of a liar has come to an honest member. */
  arrived(_at: SimNode, _from: SimNode, _message: Message): void {}

  /** What a liar said and is no message has come to an honest member. */
  arrivedShapeless(_message: unknown): void {}

  /** All other faults have ended. */
  healed(): void {}

  abstract outlook(cast: Cast): Outlook

  /** What it keeps from honest members by saying something else: its own statements, or the ledger that it is asked for. */
  get hides(): 'statements' | 'ledger' | undefined {
    return undefined
  }

  /** All that it does: of each kind something must have reached honest members in the runs of a test. */
  abstract readonly kinds: readonly string[]

  /** Parties that evidence must name in the end. */
  get named(): ReadonlySet<string> {
    return new Set()
  }

  protected count(kind: string): void {
    this.reached.set(kind, (this.reached.get(kind) ?? 0) + 1)
  }

  protected get stage(): Stage {
    return this.given.stage
  }

  protected get liars(): readonly SimNode[] {
    return this.given.liars
  }

  protected get random(): Random {
    return this.given.random
  }

  protected get cast(): Cast {
    return this.given.cast
  }

  protected get honest(): readonly SimNode[] {
    return this.stage.world.honest
  }

  protected get contracts(): readonly string[] {
    return this.stage.world.contracts
  }

  private get given(): NonNullable<typeof this.set> {
    if (!this.set) throw new Error(`${this.name} has not begun`)
    return this.set
  }

  protected isLiar(party: string | undefined): boolean {
    return this.liars.some((liar) => liar.party.id === party)
  }

  /** Every other honest member; the only one, if there is but one. */
  protected isVictim(node: SimNode): boolean {
    return this.honest.indexOf(node) % 2 === this.lastPlace % 2
  }

  /** Whether every honest member that is in is a victim: what these are not told they can't hear from anybody else. */
  protected areAllVictims(contract: string): boolean {
    const { seats } = this.stage.world
    return this.honest.every((node) => this.isVictim(node) || !seats.isMember(contract, node.party.id))
  }

  private get lastPlace(): number {
    return this.honest.length - 1
  }
}
