/** What a checker is told, and how it says that a promise was broken. */
import type { Message } from '../../../src/node/messages.ts'
import type { Notice } from '../../../src/node/outbox.ts'
import type { StoreWrite } from '../../../src/store/store.ts'
import type { SimOptions } from '../options.ts'
import type { Seats } from '../seats.ts'
import type { SimNode } from '../sim-node.ts'

/** What checkers see of the simulated network. */
export type World = {
  readonly options: SimOptions
  readonly nodes: readonly SimNode[]
  /** Those that no liar runs: all of them, unless the run has a plot. */
  readonly honest: readonly SimNode[]
  readonly contracts: readonly string[]
  readonly seats: Seats
  nowMs(): number
  indexOf(party: string): number
}

/** A promise that did not hold. */
export class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, message: string) {
    super(message)
    this.invariant = invariant
  }
}

export interface Checker {
  /** The promise, as it is printed. */
  readonly name: string
  /** A message that a node hands to a connection. */
  sent?(node: SimNode, message: Message): void
  /** A message that a node has taken in. */
  received?(node: SimNode, from: SimNode, message: Message): void
  /** A batch that stands on a node's disk. */
  written?(node: SimNode, batch: readonly StoreWrite[]): void
  notice?(node: SimNode, notice: Notice): void
  logged?(node: SimNode, level: string, event: string, detail: Record<string, unknown>): void
  /** Something has happened at the node. */
  touched?(node: SimNode): void
  /** Old copies were put in place of what a node had on disk. */
  restored?(node: SimNode, what: { data: boolean; signer: boolean }): void
  /** The run is over; all faults ended long ago. */
  ended?(): void
  /** What it has looked at. */
  counts(): Record<string, number>
}
