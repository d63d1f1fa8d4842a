/** What clients asked of nodes, and what they were told: of fields that are read and set, each value unlike any other. */
import type { Step } from './linearize.ts'

/** Times in ms of one clock that never goes back, the same for all clients. */
type Asked = {
  client: string
  /** Which node was asked, and in which run of it: one more for each start. */
  node: number
  run: number
  field: string
  invokedMs: number
}

/**
 * final: what a GET answers. tentative: with `?status=tentative`. confirmed: the newest height that the node had committed when
 * it was asked, read when it had become final there.
 */
export type ReadOf = 'final' | 'tentative' | 'confirmed'

/** A read without an answer says nothing and is left out. */
export type Read = Asked & { kind: 'read'; of: ReadOf; answeredMs: number; value: string; height: number }

export type Write = Asked & {
  kind: 'write'
  /** The value whose version the write named as seen. */
  seen: string
  value: string
  outcome: 'accepted' | 'conflicted' | 'expired' | 'unknown'
  /** Absent where the outcome is unknown. */
  answeredMs?: number
  /** Of the ledger block that the answer named. */
  height?: number
}

export type Operation = Read | Write

/** One version of a field: the ledger block from which on it was the value. */
export type Version = { height: number; value: string }

export type History = {
  operations: readonly Operation[]
  /** Every field's versions as the ledger holds them in the end, the first one at height 0. */
  ledger: ReadonlyMap<string, readonly Version[]>
}

/** An operation as a step of a register with compare-and-set. One that came to nothing for good is none. */
export function stepOf(operation: Operation): (Step & { operation: Operation }) | undefined {
  const { invokedMs } = operation
  if (operation.kind === 'read') {
    const { value, answeredMs } = operation
    return { operation, invokedMs, answeredMs, next: (state) => (state === value ? state : undefined) }
  }
  const { seen, value, outcome, answeredMs } = operation
  if (outcome === 'expired') return undefined
  const next =
    outcome === 'conflicted'
      ? (state: string) => (state === seen ? undefined : state)
      : (state: string) => (state === seen ? value : undefined)
  return { operation, invokedMs, next, ...(outcome !== 'unknown' && { answeredMs: answeredMs as number }) }
}

export function describeOperation(operation: Operation): string {
  const { client, node, run, field, invokedMs, answeredMs } = operation
  const when = `${Math.round(invokedMs)}–${answeredMs === undefined ? '?' : Math.round(answeredMs)} ms`
  const what =
    operation.kind === 'read'
      ? `${operation.of} read ${operation.value} at height ${operation.height}`
      : `write ${operation.value} over ${operation.seen}: ${operation.outcome}`
  return `${client} at node ${node} in run ${run}, ${field}, ${when}: ${what}`
}
