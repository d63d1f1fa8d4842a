/**
 * What a replica hands to its engine. Order counts: a signature asked for after a write rests on that write (ORD-5).
 */
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { SignItem } from '../signer/signer.ts'
import type { StoreWrite } from '../store/store.ts'
import type { Outgoing } from './messages.ts'

/**
 * What changed, for whoever waits or watches. Heights and ids as in PROTOCOL.md; uids: elements that changed. Of ledger blocks and
 * values it is told once they are on disk.
 */
export type Notice = { contract: string } & (
  | { type: 'invited' | 'created' }
  | { type: 'accepted'; party: string }
  | { type: 'active' }
  | { type: 'received'; request: string }
  | { type: 'tentative'; height: number; requests: string[]; uids: string[] }
  /** Values of former ledger blocks, which these elements have or had, have come. */
  | { type: 'opened'; uids: string[] }
  | { type: 'final'; fromHeight: number; toHeight: number; requests: string[] }
  | { type: 'expired'; request: string }
  | { type: 'halted'; reason: string }
  | { type: 'evidence'; party: string; id: string }
  | { type: 'frozen'; party: string; id: string }
  /** height: of the last ledger block of the lineages before. */
  | { type: 'lineage'; lineage: number; height: number; leftOut: string[] }
  /** The ledger block of this height has ended an epoch; these are in from now on. */
  | { type: 'turned'; height: number; epoch: number; members: string[]; observers: string[] }
  /** The ledger begins here with the final block of this height, for which this member vouches. */
  | { type: 'begun'; height: number; voucher: string }
  /** An old copy of the data had gone on another way than this party has cosigned: ledger blocks above this height are given up. */
  | { type: 'returned'; height: number }
  /** This party is out. */
  | { type: 'left' }
)

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type Outbox = {
  write(write: StoreWrite): void
  /** False where this node does not have the key, so that no answer comes. */
  sign(contract: string, item: SignItem): boolean
  /** To everybody who is told the ledger where `to` is undefined. */
  send(contract: string, to: string | undefined, message: Outgoing): void
  /** Brings all writes to disk, before the store is read. @throws CountersignError `disk-full`, `storage-failed` */
  flush(): void
  /** The last that our signer has cosigned in a lineage of the contract; by this key, if that has signed it too. */
  lastCosignature(contract: string, lineage: number, cosignKey: string | undefined): Cosignature | undefined
  /** The contract is to be opened anew over another ledger, at the end of this turn: see renewals.ts. */
  renew(contract: string): void
  notify(notice: Notice): void
  log(level: LogLevel, event: string, detail: Record<string, unknown>): void
}

/** Requests of a contract that will never stand in a ledger block. */
export function dropRequests(outbox: Outbox, contract: string, ids: Iterable<string>): void {
  for (const id of ids) {
    outbox.write({ kind: 'request-dropped', contract, id })
    outbox.notify({ contract, type: 'expired', request: id })
  }
}

/** What was sent, by type of message, counted once for each receiver. */
export class SentCounts extends Map<string, { messages: number; characters: number }> {
  add(type: string, receivers: number, characters: number): void {
    const count = this.get(type) ?? { messages: 0, characters: 0 }
    count.messages += receivers
    count.characters += receivers * characters
    this.set(type, count)
  }
}
