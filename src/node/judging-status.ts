/** What a replica tells of its requests that wait for the word of those who can see private values (PROTOCOL JUD-1). */
import type { Replica } from './replica.ts'

/** Whose word a request lacks, and since when it has been asked for. */
export type Lacking = { parties: readonly string[]; sinceMs: number }

export interface JudgingStatus {
  /** Undefined for a request that lacks nobody's word. */
  waitingFor(request: string): Lacking | undefined
  all(): readonly (Lacking & { request: string })[]
}

/** A replica without private values has nobody to wait for. */
const NOTHING: JudgingStatus = { waitingFor: () => undefined, all: () => [] }

export function judgingOf(replica: Replica): JudgingStatus {
  return (replica as { judging?: JudgingStatus }).judging ?? NOTHING
}

/** Whether a request may still be ordered; one that is to be judged first stands in no pool. */
export function isAwaited(replica: Replica, request: string): boolean {
  return replica.chain.pool.has(request) || judgingOf(replica).waitingFor(request) !== undefined
}
