/**
 * Rebuilding a node that has lost its data (AMN-3): peers are asked which contracts they share with this party, and invite it
 * to each anew. What it had signed in them is recalled from all their members before anything is signed (AMN-2); a
 * cosignature of its own among it shows that it had accepted.
 */
import type { Replica } from './replica.ts'
import { sendInvitation } from './serve.ts'

/** Setting of a node whose data are being rebuilt; it stands until `finish`. */
export const RECOVERY_SETTING = 'recovery'

const ANSWER_EVERY_MS = 1000

export class Recovery {
  /** Contracts each peer holds with this party, by peer, as far as it has told. */
  readonly held = new Map<string, string[]>()
  isRunning: boolean
  private readonly answeredMs = new Map<string, number>()

  constructor(isRunning: boolean) {
    this.isRunning = isRunning
  }

  /** A peer says that it has lost its data: it is invited to all it is a member of, then told that this was all. */
  answer(
    party: string,
    replicas: Iterable<Replica>,
    nowMs: number,
    send: (message: { type: 'HELD'; contracts: string[] }) => void,
  ): void {
    if (nowMs < (this.answeredMs.get(party) ?? 0) + ANSWER_EVERY_MS) return
    this.answeredMs.set(party, nowMs)
    const contracts: string[] = []
    for (const replica of replicas) {
      if (!replica.roster.isIn(party)) continue
      sendInvitation(replica, party)
      contracts.push(replica.contract)
    }
    send({ type: 'HELD', contracts })
  }
}
