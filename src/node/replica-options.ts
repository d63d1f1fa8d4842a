/** What a replica is made of. */
import type { Locks, Timing } from '../consensus/state.ts'
import type { SignatureCache } from '../crypto/statement.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { ContractStatus, Store } from '../store/store.ts'
import type { Lineage } from './lineage.ts'
import type { Outbox } from './outbox.ts'

/** signing: normal. starting, recalling: AMN-1, AMN-2; nothing is signed yet. */
export type Phase = 'starting' | 'recalling' | 'signing'

export type ReplicaOptions = {
  contract: string
  genesis: Genesis
  lineage: Lineage
  status: ContractStatus
  reason?: string | undefined
  /** Who sent the invitation, or this party. */
  from: string
  self: string
  timing: Timing
  store: Store
  outbox: Outbox
  phase: Phase
  /** Random text, one a start of this node. */
  boot: string
  /** The engine's: members sign for many contracts at once (SIG-3). */
  cache: SignatureCache
  /** What our signer has signed in this contract, and the size it has cosigned. */
  locks: Locks
  cosignedSize: number
  nowMs: number
}
