/**
 * What a node keeps, as whole operations: "commit this ledger block", "the elements as of this height". Engines differ
 * behind it (sqlite.ts); one contract suite, test/contract/store-suite.ts, says what every engine must do.
 *
 * Everything is synchronous, and everything throws CountersignError alone: `disk-full`; `storage-failed` where the engine
 * failed or what it holds is damaged; `unknown-contract` and `invariant-broken` for a batch that makes no sense.
 */

import type { Header, Outcome } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { ProvenCard } from '../ledger/epoch.ts'
import type { Evidence } from '../ledger/evidence.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { JudgedBy } from '../ledger/judgement.ts'
import type { AnyRequest, SignedRequest } from '../ledger/request.ts'
import type { NextLineage } from '../ledger/resolve.ts'
import type { AnyLedgerBlock } from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'

/** A signed card, as a genesis holds them. */
export type SignedCard = Genesis['members'][number]

/**
 * invited: its genesis is known, this node has not accepted; accepted: this node cosigns; declined: this party said no;
 * halted: nothing is signed in it any more; leaving: this party has said that it leaves, and cosigns no more; left: it is out.
 */
export type ContractStatus = 'invited' | 'accepted' | 'declined' | 'halted' | 'leaving' | 'left'

/** contract: its id. from: the party that sent the invitation, or this party. reason: said with the last status. */
export type StoredContract = {
  contract: string
  genesis: Genesis
  status: ContractStatus
  receivedMs: number
  from: string
  reason?: string
}

/** A lineage after the first, as it was computed. finalSize: how much of the ledger was final here when it began. */
export type StoredLineage = NextLineage & { finalSize: number; startedMs: number }

/**
 * Where a ledger begins here that is not held from its genesis on (EPO-15): the height of the final block whose state was taken
 * in, the member that vouched for it, when that was; which requests had been ordered until then that block time has not outlived;
 * at which heights the epochs up to its own began; and the cards in its state that stand in no genesis, with what proves them.
 */
export type Basis = {
  height: number
  voucher: string
  receivedMs: number
  ordered: [id: string, notAfterMs: number][]
  epochStarts: number[]
  cards: ProvenCard[]
}

/** A record of the state: an element's or the epoch record; a plain JSON object. */
export type StateRecord = { readonly [key: string]: unknown }

/** UID and the element's record from this ledger block on; null where it is removed. */
export type ElementChange = [uid: string, record: StateRecord | null]

/**
 * A request as it is held. local: it came in through this node's own API. height and index (its place in the ledger
 * block), outcome and code stand once it is ordered. judgement: what was gathered for it here, or came with it. One dropped before that has the code `expired` and nothing else.
 */
export type RequestRecord = {
  id: string
  request: AnyRequest
  signature: string
  receivedMs: number
  local: boolean
  height?: number
  index?: number
  outcome?: Outcome
  code?: string
  judgement?: JudgedBy[]
}

/**
 * A ledger block with what is held of its COMMIT: a block committed by a descendant's may have no `commit` of its own. That of
 * a block which ends an epoch may be of a later view than its header's (EPO-11).
 */
export type StoredBlock = {
  hash: string
  block: AnyLedgerBlock
  notarization?: Certificate
  commit?: Certificate
}

/** The newest card held of a party. pinnedMs: when its fingerprint was compared. */
export type StoredPeer = { party: string; card: SignedCard; pinned: boolean; pinnedMs?: number }

/**
 * What an element was from a height on; request: the request that changed it, absent for the genesis. requests: where several of
 * one ledger block did, all of them in its order.
 */
export type ElementVersion = {
  height: number
  record: StateRecord | null
  request?: string
  requests?: string[]
}

/** A part of a list by height: between two heights, both included; of these the first `limit`, or the last where `newest`. */
export type HeightRange = { fromHeight?: number; toHeight?: number; limit?: number; newest?: boolean }

/** One step of a batch; see Store.write. `contract` is a contract's id wherever the step is not about a contract itself. */
export type StoreWrite =
  /** A contract that is held already stays as it is. */
  | { kind: 'contract'; contract: StoredContract }
  | { kind: 'contract-status'; contract: string; status: ContractStatus; reason?: string }
  /** A request that is held already stays as it is. */
  | {
      kind: 'request'
      contract: string
      request: SignedRequest<AnyRequest> & { id: string }
      receivedMs: number
      local: boolean
    }
  /** What those who see private values judge of a request that is held, in the place of what was. */
  | { kind: 'judgement'; contract: string; id: string; judgement: readonly JudgedBy[] }
  /** Kept by commitment, apart from everything else. */
  | { kind: 'openings'; contract: string; openings: readonly Opening[] }
  /** Expired before it was ordered: it stays, marked. */
  | { kind: 'request-dropped'; contract: string; id: string }
  /** A valid ledger block that is not committed yet. Left out if a committed block's view has passed it. */
  | { kind: 'proposed'; contract: string; hash: string; block: AnyLedgerBlock }
  /** The newest by kind, view and block. Left out if a committed block's view has passed it and its block is not committed. */
  | { kind: 'certificate'; contract: string; certificate: Certificate }
  /**
   * The next ledger block: marks its requests ordered, versions its elements, and removes proposed blocks and
   * certificates of its view and below that belong to no committed block and skip no view. For the block that stands at its height already,
   * only certificates that were missing are added. With a block that ends an epoch, all else that was proposed or certified
   * beyond it goes: it was of that epoch.
   */
  | {
      kind: 'committed'
      contract: string
      hash: string
      block: AnyLedgerBlock
      changes: readonly ElementChange[]
      notarization?: Certificate
      commit?: Certificate
    }
  /** What skipped these views is needed no more: the ledger is final beyond them. */
  | { kind: 'skips-dropped'; contract: string; toView: number }
  /** Kept if it is its party's largest in the contract. */
  | { kind: 'cosignature'; contract: string; cosignature: Cosignature }
  | { kind: 'evidence'; contract: string; id: string; evidence: Evidence }
  /** Kept by what it says. */
  | { kind: 'freeze'; contract: string; freeze: SignedFreeze }
  /**
   * The next lineage begins: the ledger goes back to keepHeight, the requests ordered since wait again, and what was
   * proposed, certified and cosigned of the lineage before and has no committed block goes. The contract is `accepted`.
   */
  | { kind: 'lineage'; contract: string; start: StoredLineage; keepHeight: number }
  /** The ledger goes back to keepHeight within its lineage, as with `lineage`; smaller cosignatures and the contract's status stay. */
  | { kind: 'returned'; contract: string; keepHeight: number }
  /**
   * The ledger begins at a later block: all that was held of it but block 0 goes, requests too, and these headers of the blocks up
   * to the basis stand for them. changes: of the genesis's state to that of the basis.
   */
  | {
      kind: 'basis'
      contract: string
      basis: Basis
      headers: readonly Header[]
      changes: readonly ElementChange[]
    }
  | { kind: 'signer-counter'; counter: number }
  /** Cards of all sequence numbers are kept. With pinnedMs the party is pinned, and stays so. */
  | { kind: 'peer-card'; card: SignedCard; pinnedMs?: number }
  | { kind: 'setting'; key: string; value: string }

/** What a node needs to go on in a contract after a restart. */
export type LoadedContract = {
  /** Of the committed tip; -1 before block 0. */
  height: number
  tip?: StoredBlock
  /** By view. */
  proposed: { hash: string; block: AnyLedgerBlock }[]
  /** Those of the tip's view and above, by view. */
  certificates: Certificate[]
  cosignatures: Cosignature[]
  /** Of heights 0 to the tip's. */
  blockHashes: string[]
  /** Neither ordered nor dropped, in the order they came. */
  waiting: RequestRecord[]
  /** Ordered requests that block time has not outlived: what a replay is refused by. */
  unexpired: { id: string; notAfterMs: number }[]
}

export interface Store {
  /**
   * Applies a batch in one transaction and returns once it is on disk. Where it throws, nothing of the batch is applied.
   * (Should the disk fail while it confirms the write, a batch that was reported as failed can stand after a restart.)
   */
  write(batch: readonly StoreWrite[]): void
  /** All contracts, in the order they came. */
  contracts(): StoredContract[]
  contract(contract: string): StoredContract | undefined
  load(contract: string): LoadedContract
  /** The elements, by UID; of the current height or as of one. Writes made while iterating don't show. */
  elements(contract: string, height?: number): Iterable<[uid: string, record: StateRecord]>
  /** Fields, by UID, that are or were of type `file`. */
  fileElements(contract: string): string[]
  /** The versions of an element, oldest first; all, or those in a range. */
  elementHistory(contract: string, uid: string, range?: HeightRange): ElementVersion[]
  /**
   * The elements that have changed since a height, by UID, as they were then; null where there was none. Undefined where they
   * are more than `limit`.
   */
  changedSince(contract: string, height: number, limit: number): ElementChange[] | undefined
  /** The height at which an element was changed last; undefined where it never was one. */
  lastChange(contract: string, uid: string): number | undefined
  /** How many versions of an element there are between two heights, both included. */
  countVersions(contract: string, uid: string, fromHeight: number, toHeight: number): number
  /**
   * Requests that named an element, or a place below it for a new one, and had no effect, in ledger order; those in a range,
   * of its first height only those behind a place in the block. Every request of the contract that was refused is looked at.
   */
  refusedRequests(
    contract: string,
    uid: string,
    range?: HeightRange & { afterPlace?: number },
  ): RequestRecord[]
  /** The contracts in which this UID is or was an element. */
  contractOfElement(uid: string): string[]
  /** The committed ledger block at a height. */
  block(contract: string, height: number): StoredBlock | undefined
  /** Where the ledger held here begins, if it isn't held from its genesis on. Blocks before have their header, and no entries. */
  basis(contract: string): Basis | undefined
  /** Headers of committed ledger blocks from a height on, at most `limit`. */
  headers(contract: string, fromHeight: number, limit: number): Header[]
  /**
   * Of the requests ordered up to a height, those that block time had not outlived by this time; by id, those after one, at
   * most `limit`.
   */
  orderedUntil(
    contract: string,
    until: { height: number; timeMs: number },
    page: { after: string; limit: number },
  ): [id: string, notAfterMs: number][]
  /** A committed or proposed ledger block. */
  blockByHash(contract: string, hash: string): StoredBlock | undefined
  /** Committed ledger blocks from a height on, at most `limit`. */
  blocks(contract: string, fromHeight: number, limit: number): StoredBlock[]
  /** Every certificate held of this view and those after it, by view. */
  certificates(contract: string, fromView: number): Certificate[]
  /** The last height whose block time is not after this, -1 if there is none. */
  heightAt(contract: string, timeMs: number): number
  request(contract: string, id: string): RequestRecord | undefined
  /** Requests in the order they came here, newest first; `before`: only those that came before the request of this id. */
  requests(contract: string, page: { limit: number; before?: string }): RequestRecord[]
  /** Those of these requests that are held, in the order of `ids`. */
  requestsOf(contract: string, ids: readonly string[]): Map<string, RequestRecord>
  /** Those of these commitments that are held, in the order of `commitments`. */
  openings(contract: string, commitments: readonly string[]): Map<string, Opening>
  /** Each member's largest, by party. */
  cosignatures(contract: string): Cosignature[]
  evidence(contract: string): { id: string; evidence: Evidence }[]
  /** FREEZEs of all lineages, in the order they came. */
  freezes(contract: string): SignedFreeze[]
  /** Lineages after the first, in order. */
  lineages(contract: string): StoredLineage[]
  /** By party. */
  peers(): StoredPeer[]
  peer(party: string): StoredPeer | undefined
  /** All cards held of a party, oldest first. */
  cardHistory(party: string): SignedCard[]
  setting(key: string): string | undefined
  /** The data's copy of the signer's counter; 0 if none was written. */
  signerCounter(): number
  /** A consistent copy of everything in a new file. @throws CountersignError `conflict` if the file exists */
  backup(path: string): void
  close(): void
}
