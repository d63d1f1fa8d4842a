/**
 * A contract's ledger as it stands on disk, checked before anything is built or signed on it: the stored elements must
 * give the state root, and the stored block hashes the log root, of the tip's header.
 */

import type { StateRecord } from '../contract/record.ts'
import { type ContractState, epochStateOf, epochUidOf, restoreState, stateRoot } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { appendLeaf, type Frontier, frontierRoot, LogTree } from '../crypto/log.ts'
import { blockHash, logLeaf } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { revealedIn } from '../ledger/judgement.ts'
import { commitmentsOf, committedIn, requestId } from '../ledger/request.ts'
import type { AnyLedgerBlock } from '../ledger/turn.ts'
import type { RequestRecord, Store } from '../store/store.ts'
import { Chain } from './chain.ts'
import { pickOpenings } from './intake.ts'
import { dropRequests, type Outbox } from './outbox.ts'
import { pastSpans, Roster, type Standing, spansBefore } from './roster.ts'

export type RestoredChain = {
  chain: Chain
  roster: Roster
  /** Of the tip. */
  notarization?: Certificate
  finalization?: Certificate
  proposed: { hash: string; block: AnyLedgerBlock }[]
  certificates: Certificate[]
  cosignatures: Cosignature[]
  /** Requests that wait on disk, and in no pool: not all their values are here. */
  unopened: string[]
}

/** @throws CountersignError `invariant-broken` where the database does not give what was signed */
export function restoreChain(
  contract: string,
  genesis: Genesis,
  store: Store,
  standing?: Standing,
): RestoredChain {
  const loaded = store.load(contract)
  const { tip } = loaded
  if (!tip) throw damaged(contract, 'its first ledger block is missing')
  if (blockHash(tip.block.header) !== tip.hash)
    throw damaged(contract, `ledger block ${loaded.height} was altered`)
  const log = new LogTree()
  let frontier: Frontier = { size: 0, hashes: [] }
  for (const [height, hash] of loaded.blockHashes.entries()) {
    if (height === tip.block.header.height && frontierRoot(frontier) !== tip.block.header.logRoot)
      throw damaged(contract, 'the ledger blocks on disk are not those the tip was built on')
    log.append(logLeaf(hash))
    frontier = appendLeaf(frontier, logLeaf(hash))
  }
  const records = store.elements(contract) as Iterable<[string, StateRecord]>
  const state = restoreState(contract, records, genesis)
  if (stateRoot(state) !== tip.block.header.stateRoot)
    throw damaged(
      contract,
      `the elements on disk do not give the record hash of ledger block ${loaded.height}`,
    )
  const executed = { ...tip, state, changes: [], openings: [], frontier }
  const storedHeader = (height: number) => store.block(contract, height)?.block.header
  const storedOpening = (commitment: string) => store.openings(contract, [commitment]).get(commitment)
  const chain = new Chain(contract, executed, log, storedHeader, storedOpening)
  for (const { id, notAfterMs } of loaded.unexpired) chain.rememberOrdered(id, notAfterMs)
  for (const { hash, block } of loaded.proposed)
    if (blockHash(block.header) !== hash)
      throw damaged(contract, `the proposed ledger block ${hash} was altered`)
  const unopened = loaded.waiting.flatMap((record) => (addWaiting(chain, store, record) ? [] : [record.id]))
  const stored = store.block(contract, loaded.height)
  return {
    chain,
    roster: restoreRoster(contract, genesis, store, state, tip.block.header.timeMs, standing),
    notarization: stored?.notarization,
    finalization: stored?.commit,
    proposed: loaded.proposed,
    certificates: loaded.certificates,
    cosignatures: loaded.cosignatures,
    unopened,
  }
}

/**
 * Of a ledger that was given up (LIN-3) requests wait again; who was not to see values of before has not all that they bring, and
 * is told them anew as one that waits. @throws CountersignError `invariant-broken` where this party was sent them all
 */
export function dropUnopened(
  outbox: Outbox,
  contract: string,
  unopened: readonly string[],
  mayLack: boolean,
): void {
  const [first] = unopened
  if (first === undefined) return
  if (!mayLack) throw damaged(contract, `values of the waiting request ${first} are missing`)
  dropRequests(outbox, contract, unopened)
}

/** Who was and is in by what is stored, up to a tip's state and time. */
export function restoreRoster(
  contract: string,
  genesis: Genesis,
  store: Store,
  state: ContractState,
  timeMs: number,
  standing?: Standing,
): Roster {
  if (state.epoch.epoch === 0) return new Roster([], 0, state, timeMs, standing)
  const versions = store
    .elementHistory(contract, epochUidOf(contract))
    .flatMap(({ height, record }) =>
      record === null ? [] : [{ height, state: epochStateOf(contract, record as StateRecord, genesis) }],
    )
  const basis = store.basis(contract)
  const [first] = versions
  const { past, firstHeight } =
    basis === undefined || first === undefined
      ? pastSpans(versions)
      : pastSpans(
          versions.filter(({ height }) => height >= basis.height),
          spansBefore(basis, first.state),
        )
  return new Roster(past, firstHeight, state, timeMs, standing)
}

/** False where its values are not all here. */
function addWaiting(chain: Chain, store: Store, record: RequestRecord): boolean {
  const { id, request, signature, receivedMs, local, judgement } = record
  if (requestId(request) !== id) throw damaged(chain.contract, `the waiting request ${id} was altered`)
  const named = committedIn(request.operations).map(({ commitment }) => commitment)
  const openings = store.openings(chain.contract, [...named, ...revealedIn(judgement)])
  const wanted = [...commitmentsOf(request.operations), ...revealedIn(judgement)]
  if (!wanted.every((commitment) => openings.has(commitment))) return false
  chain.add({
    id,
    request,
    signature,
    receivedMs,
    local,
    openings: pickOpenings(request.operations, [...openings.values()], judgement),
    ...(judgement !== undefined && { judgement }),
  })
  return true
}

function damaged(contract: string, what: string): CountersignError {
  return new CountersignError('invariant-broken', `contract ${contract}: ${what}`)
}
