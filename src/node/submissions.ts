/** Requests made at this node, until they are on disk: nothing is acknowledged, sent or ordered before. */
import { CountersignError } from '../crypto/errors.ts'
import type { AnyRequest, OpenRequest } from '../ledger/request.ts'
import type { StoreWrite } from '../store/store.ts'
import type { WriteQueue } from './write-queue.ts'

export type Submission = {
  contract: string
  entry: OpenRequest<AnyRequest>
  /** Told once, with the error where it could not be written. */
  done: (error: CountersignError | undefined) => void
}

export class Submissions {
  private waiting: Submission[] = []

  add(submission: Submission): void {
    this.waiting.push(submission)
  }

  /**
   * Writes what waits in one transaction. Where that fails nothing of it stays, and its makers are told.
   * @param refusing why the disk is known to take nothing now
   */
  take(
    writes: WriteQueue,
    nowMs: number,
    refusing: CountersignError | undefined,
  ): { written: Submission[]; error?: CountersignError } {
    const batch = this.waiting
    if (batch.length === 0) return { written: [] }
    this.waiting = []
    try {
      if (refusing) throw refusing
      writes.flush(...batch.flatMap((submission) => rowsOf(submission, nowMs)))
      return { written: batch }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      for (const { done } of batch) done(error)
      return { written: [], error }
    }
  }
}

function rowsOf({ contract, entry }: Submission, receivedMs: number): StoreWrite[] {
  const { id, request, signature, openings } = entry
  const row: StoreWrite = {
    kind: 'request',
    contract,
    request: { id, request, signature },
    receivedMs,
    local: true,
  }
  return openings.length > 0 ? [row, { kind: 'openings', contract, openings }] : [row]
}
