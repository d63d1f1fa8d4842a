/**
 * Where a request stands on the ladder received → tentative → final, with every member's dialogue (COS-5) and who is
 * being waited for, since when.
 */

import type { Outcome } from '../ledger/block.ts'
import { entriesOf } from '../ledger/turn.ts'
import type { RequestRecord } from '../store/store.ts'
import { lapseOf } from './lapse.ts'
import type { Replica } from './replica.ts'

export type Stage = 'received' | 'tentative' | 'final' | 'expired'

export type Dialogue = {
  party: string
  name: string
  /** Its VOTE for the ledger block is held here, or implied by its cosignature. */
  received: boolean
  /** It has cosigned the block or a later one: this outcome and this record hash. */
  accepted: boolean
}

export type RequestStatus = {
  id: string
  contract: string
  author: string
  stage: Stage
  outcome?: Outcome
  code?: string
  /** UIDs of the rule, draft, proposal or lock that stands against it, and of the element that this is about. */
  rule?: string
  element?: string
  height?: number
  receivedMs: number
  notAfterMs: number
  /** What its author says when it was made, and the time of its ledger block, which a quorum has held against its clocks. */
  claimedMs?: number
  blockTimeMs?: number
  /** Who was silent, where a tentative request is accepted by lapse (COS-6). */
  lapseWithout?: string[]
  dialogues: Dialogue[]
  /** Members whose signature is missing for the next stage; connected: whether our node reaches theirs now. */
  waitingFor: { party: string; name: string; sinceMs: number; connected: boolean }[]
}

function timesOf({ chain }: Replica, { request, height }: RequestRecord) {
  const { claimedMs } = request
  const blockTimeMs = height === undefined ? undefined : chain.headerAt(height)?.timeMs
  return { ...(claimedMs !== undefined && { claimedMs }), ...(blockTimeMs !== undefined && { blockTimeMs }) }
}

function lapseAt(replica: Replica, stage: Stage, height: number | undefined, names: Map<string, string>) {
  const lapse = stage === 'tentative' ? lapseOf(replica) : undefined
  if (lapse === undefined || height === undefined || height > lapse.height) return {}
  return { lapseWithout: lapse.without.map((party) => names.get(party) ?? party) }
}

export function namesOf(replica: Replica): Map<string, string> {
  return replica.roster.names
}

export function requestStatus(replica: Replica, record: RequestRecord, expired: boolean): RequestStatus {
  const { height } = record
  const names = namesOf(replica)
  const voters = new Set<string>()
  const stored = height === undefined ? undefined : replica.store.block(replica.contract, height)
  for (const [party] of stored?.notarization?.signatures ?? []) voters.add(party)
  const { rule, element } = (stored && entriesOf(stored.block)[record.index ?? -1]) ?? {}
  const dialogues = replica.members.map((party): Dialogue => {
    const accepted = height !== undefined && replica.finality.sizeOf(party) > height
    return { party, name: names.get(party) ?? party, received: accepted || voters.has(party), accepted }
  })
  const final = height !== undefined && replica.shownFinalSize > height
  const stage: Stage = final ? 'final' : height !== undefined ? 'tentative' : expired ? 'expired' : 'received'
  const missing = stage === 'tentative' ? dialogues.filter(({ accepted }) => !accepted) : []
  const absent =
    stage === 'received'
      ? dialogues.filter(({ party }) => party !== replica.self && !replica.up.has(party))
      : missing
  return {
    id: record.id,
    contract: replica.contract,
    author: record.request.author,
    stage,
    ...(record.outcome ? { outcome: record.outcome } : {}),
    ...(record.code ? { code: record.code } : {}),
    ...(rule !== undefined && { rule }),
    ...(element !== undefined && { element }),
    ...(height !== undefined ? { height } : {}),
    receivedMs: record.receivedMs,
    notAfterMs: record.request.notAfterMs,
    ...timesOf(replica, record),
    ...lapseAt(replica, stage, height, names),
    dialogues,
    waitingFor: absent.map(({ party, name }) => ({
      party,
      name,
      sinceMs: Math.max(record.receivedMs, replica.finality.movedMs.get(party) ?? 0),
      connected: party === replica.self || replica.up.has(party),
    })),
  }
}
