/**
 * The nodes that a liar runs. One at first; and once it plays to several sides, one for each, all with the same keys and the
 * same past, none with the others' locks. Every side takes its own for the one there is.
 */
import type { Message } from '../../../src/node/messages.ts'
import type { Copy } from '../disk.ts'
import type { Parts, Stage } from '../plot.ts'
import { Random } from '../random.ts'
import { SimNode } from '../sim-node.ts'

/** Among the nodes of liars messages need little time. */
const WHISPER_MS = { low: 1, high: 15 } as const

export type BodyHooks = {
  /** Messages of a body to an honest member. */
  send(from: SimNode, to: SimNode, messages: readonly Message[]): void
}

/** copies: how far back their memory is put, by liar. */
export type TwinOptions = { copies?: ReadonlyMap<SimNode, Copy>; parts?: Parts }

export class Bodies {
  private readonly stage: Stage
  private readonly liars: readonly SimNode[]
  private readonly random: Random
  private readonly hooks: BodyHooks
  /** Sides by index of the honest member that is on them, on one or on all; absent while nobody plays to sides. */
  private sides: Map<number, readonly number[]> | undefined
  /** By liar and side: the liar's own node is on side 0. */
  private readonly bodies = new Map<SimNode, SimNode[]>()
  /** Honest members that a liar is connected with. */
  private readonly connected = new Set<string>()

  constructor(stage: Stage, liars: readonly SimNode[], random: Random, hooks: BodyHooks) {
    this.stage = stage
    this.liars = liars
    this.random = random
    this.hooks = hooks
    for (const liar of liars) this.bodies.set(liar, [liar])
  }

  get areSplit(): boolean {
    return this.sides !== undefined
  }

  private isLiar(node: SimNode): boolean {
    return this.bodies.has(node)
  }

  /** The bodies of a liar that this honest member deals with. */
  private facing(liar: SimNode, honest: SimNode): SimNode[] {
    const sides = this.sides?.get(honest.index) ?? [0]
    return sides.flatMap((side) => this.bodies.get(liar)?.[side] ?? [])
  }

  /**
   * From now on each of these groups of honest members deals with other bodies; one that is in several, with several.
   * @param made of the bodies beside the liars' own nodes: what they remember, and which of their parts are exchanged
   */
  split(groups: readonly (readonly SimNode[])[], made: TwinOptions = {}): void {
    // Of two attacks that want sides the first has drawn them.
    if (this.sides) return
    this.sides = sidesOf(groups)
    for (const liar of this.liars) {
      const twins = groups.map((_, side) => (side === 0 ? liar : this.makeTwin(liar, side, made)))
      this.bodies.set(liar, twins)
    }
    for (const liar of this.liars) this.connectBodies(liar, groups)
  }

  /** An honest member deals with the bodies of another side from now on. Its connections are to be new. */
  move({ index, party }: SimNode, side: number): void {
    this.sides?.set(index, [side])
    for (const bodies of this.bodies.values())
      for (const body of bodies) body.act((engine) => engine.peerDown(party.id, body.nowMs))
  }

  private makeTwin(liar: SimNode, side: number, { copies, parts }: TwinOptions): SimNode {
    const { stage } = this
    const none = (): void => undefined
    const random = new Random(stage.world.options.seed, 1000 + 100 * side + liar.index)
    const twin = new SimNode(liar.index, liar.party, liar.skewMs, random, {
      nowMs: () => stage.world.nowMs(),
      schedule: (delayMs, _, run) => stage.schedule(delayMs, run),
      send: (_, to, texts) => {
        const receiver = stage.world.nodes[stage.world.indexOf(to)] as SimNode
        this.sent(
          liar,
          side,
          receiver,
          texts.map((text) => JSON.parse(text) as Message),
        )
      },
      signer: (_, signer) => signer,
      notice: none,
      log: none,
      written: none,
      closeFormer: none,
      touched: none,
      died: none,
      replica: (node, replica) => parts?.replica?.(node, replica),
    })
    twin.disk.become(liar.disk)
    const copy = copies?.get(liar)
    if (copy) twin.disk.restore(copy)
    twin.start(false)
    // An honest node would first ask a quorum whether it has a past that it does not know of (AMN-1).
    twin.act((engine) => {
      for (const replica of engine.replicas.values())
        replica.recalled({ view: 0, statements: [] }, 0, twin.nowMs)
    })
    return twin
  }

  private connectBodies(liar: SimNode, groups: readonly (readonly SimNode[])[]): void {
    for (const [side, body] of (this.bodies.get(liar) ?? []).entries()) {
      for (const other of this.liars)
        if (other !== liar) body.act((engine) => engine.peerUp(other.party.id, body.nowMs))
      for (const { index, party } of new Set(groups.flat()))
        if (this.sides?.get(index)?.includes(side) && this.connected.has(`${liar.index} ${index}`))
          body.act((engine) => engine.peerUp(party.id, body.nowMs))
        else body.act((engine) => engine.peerDown(party.id, body.nowMs))
    }
  }

  /** All bodies of one side. */
  of(side: number): SimNode[] {
    return [...this.bodies.values()].flatMap((bodies) => bodies[side] ?? [])
  }

  /** Those of one side are told what somebody once said. */
  tell(side: number, from: SimNode, messages: readonly Message[]): void {
    for (const body of this.of(side))
      body.act((engine) => engine.deliver(from.party.id, messages, body.nowMs))
  }

  /** A body hands messages to a connection. */
  sent(liar: SimNode, side: number, to: SimNode, messages: readonly Message[]): void {
    if (!this.isLiar(to)) {
      const sides = this.sides?.get(to.index) ?? [0]
      if (sides.includes(side)) this.hooks.send(liar, to, messages)
      return
    }
    const { low, high } = WHISPER_MS
    this.stage.schedule(this.random.integer(low, high), () => {
      const body = this.bodies.get(to)?.[side]
      body?.act((engine) => engine.deliver(liar.party.id, messages, body.nowMs))
    })
  }

  /** Messages have come from an honest member. */
  arrived(liar: SimNode, from: SimNode, messages: readonly Message[]): void {
    for (const body of this.facing(liar, from))
      body.act((engine) => engine.deliver(from.party.id, messages, body.nowMs))
  }

  connect(liar: SimNode, to: SimNode, what: 'up' | 'down'): void {
    const key = `${liar.index} ${to.index}`
    if (what === 'up') this.connected.add(key)
    else this.connected.delete(key)
    // Once they play to sides, liars talk among themselves by ways of their own.
    if (this.sides && this.isLiar(to)) return
    for (const body of this.facing(liar, to))
      body.act((engine) =>
        what === 'up' ? engine.peerUp(to.party.id, body.nowMs) : engine.peerDown(to.party.id, body.nowMs),
      )
  }
}

function sidesOf(groups: readonly (readonly SimNode[])[]): Map<number, number[]> {
  const sides = new Map<number, number[]>()
  for (const [side, group] of groups.entries())
    for (const { index } of group) sides.set(index, [...(sides.get(index) ?? []), side])
  return sides
}
