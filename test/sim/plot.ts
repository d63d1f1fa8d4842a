/** What makes a run hostile: members that lie, and nodes some of whose parts are exchanged. */
import type { Message } from '../../src/node/messages.ts'
import type { Replica } from '../../src/node/replica.ts'
import type { Signer } from '../../src/signer/signer.ts'
import type { Checker, World } from './checkers/checker.ts'
import type { Goal } from './checkers/progress.ts'
import type { Copy } from './disk.ts'
import type { Scheduled } from './queue.ts'
import type { SimNode } from './sim-node.ts'

/** What liars can do to the world: send what they like, and have the network and the power fail when it suits them. */
export type Stage = {
  readonly world: World
  schedule(delayMs: number, run: () => void): Scheduled
  /** Hands messages to a liar's connection; they are lost where it does not stand. */
  send(from: SimNode, to: SimNode, messages: readonly unknown[]): void
  /** Cuts links; returns how to heal them. */
  cut(isCut: (from: number, to: number) => boolean): () => void
  /** The power of a node fails, and comes back. */
  crash(node: SimNode, downMs: number): void
  /** Puts an old copy in place of what a node has on disk, and starts it. */
  restore(node: SimNode, copy: Partial<Copy>): void
}

/** Liars and what they do. Their nodes run as all others do; what they say and hear goes through here. */
export interface Plot {
  /** Indices of the members that lie. */
  readonly liars: ReadonlySet<number>
  /** What is asked of the others in spite of them. */
  checkers(world: World): { goal: Goal; checkers: readonly Checker[] }
  begin(stage: Stage): void
  /** The attack has begun; the steps of a run are counted from here. */
  readonly isOn: boolean
  /** A liar's node hands messages to a connection: none goes out but by `stage.send`. */
  sent(from: SimNode, to: SimNode, messages: readonly Message[]): void
  /** Messages have come for a liar's node. */
  arrived(at: SimNode, from: SimNode, messages: readonly Message[]): void
  /** Nobody comes or goes but as the liars want. */
  readonly isQuiet: boolean
  /** Liars are several nodes each: none of them starts anew. */
  readonly playsToSides: boolean
  connected(at: SimNode, to: SimNode, what: 'up' | 'down'): void
  /** Messages of a liar have come to an honest member. */
  reached(at: SimNode, from: SimNode, messages: readonly Message[]): void
  /** Nothing goes wrong any more but what they say. */
  healed(): void
  /** What has come to honest members, by kind. */
  delivered(): Record<string, number>
  /** What should have come to them and never did. */
  undelivered(): string[]
}

/** Parts of honest nodes that are exchanged, to see that a checker notices what they guard against. */
export type Parts = {
  signer?(node: SimNode, signer: Signer): Signer
  /** A contract has been opened. */
  replica?(node: SimNode, replica: Replica): void
  /** Messages that come to a node, as it takes them. */
  messages?(node: SimNode, messages: readonly Message[]): readonly Message[]
}

/** Guards that a test may switch off, to see that a checker notices. */
export type Guards = {
  /** Whoever puts back old copies of data and signer both starts the node with --restored (AMN-2). */
  flagRestored: boolean
  /** Parts of honest nodes that are exchanged. */
  parts?: Parts
}
