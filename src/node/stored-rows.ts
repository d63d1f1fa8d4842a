/**
 * Whether the rows beside the ledger say what it says: those that people and peers are answered from (outcomes, times,
 * evidence), and those that the node goes on from after a restart (waiting requests, certificates, what a replay is refused
 * by).
 */
import type { StateRecord } from '../contract/record.ts'
import { restoreState } from '../contract/state.ts'
import { certificateVerifies } from '../ledger/certificate.ts'
import { checkAnyRequest, commitmentsOf } from '../ledger/request.ts'
import { entriesOf, requestIdsOf } from '../ledger/turn.ts'
import type { RequestRecord, Store, StoredBlock } from '../store/store.ts'
import { fail, under } from '../verify/finding.ts'
import { CHUNK_BLOCKS, type OpenLedger } from './bundle.ts'
import { knownCards } from './known-cards.ts'
import { restoreRoster } from './restore.ts'
import type { Standing } from './roster.ts'

const PAGE_REQUESTS = 500

/** @throws CountersignError with a finding in its detail; `storage-failed` */
export function checkStoredRows(store: Store, ledger: OpenLedger): void {
  const { contract, genesis, height } = ledger
  const loaded = store.load(contract)
  const tipTimeMs = loaded.tip?.block.header.timeMs ?? 0
  const records = store.elements(contract) as Iterable<[string, StateRecord]>
  const state = under('STA-1', `ledger block ${height}`, () => restoreState(contract, records, genesis))
  const roster = restoreRoster(contract, genesis, store, state, tipTimeMs)
  /** Ordered requests that can still be replayed, with their notAfterMs. */
  const basis = store.basis(contract)
  const replayable = new Map((basis?.ordered ?? []).filter(([, notAfterMs]) => notAfterMs > tipTimeMs))
  let ordered = 0
  for (let from = basis === undefined ? 0 : basis.height + 1; from <= height; from += CHUNK_BLOCKS)
    for (const stored of store.blocks(contract, from, Math.min(CHUNK_BLOCKS, height - from + 1))) {
      const held = checkBlockRows(store, contract, stored)
      ordered += held.size
      for (const { id, request } of held.values())
        if (request.notAfterMs > tipTimeMs) replayable.set(id, request.notAfterMs)
    }
  for (const { id, notAfterMs } of loaded.unexpired) {
    if (replayable.get(id) !== notAfterMs)
      fail('REQ-5', `request ${id}`, `it is stored as ordered and alive until ${notAfterMs}`)
    replayable.delete(id)
  }
  const [forgotten] = replayable.keys()
  if (forgotten !== undefined)
    fail('REQ-5', `request ${forgotten}`, 'that it was ordered is not stored: it could be ordered again')
  ordered -= checkWaiting(store, contract, new Set(loaded.waiting.map(({ id }) => id)))
  if (ordered !== 0) fail('REQ-4', 'store', 'a request is stored as ordered that no ledger block holds')
  // Those of the tip, if it has ended an epoch, are of that one; and either may be of a lineage before.
  const electorates = standingsOf(store, contract).flatMap((standing) =>
    roster.spans.slice(-2).map((span) => roster.as(standing, span)),
  )
  for (const certificate of loaded.certificates)
    if (!electorates.some((electorate) => certificateVerifies(electorate, certificate)))
      fail('ORD-1', `view ${certificate.view}`, `the stored ${certificate.kind} does not verify`)
  const freezes = store.freezes(contract)
  for (const { id, evidence } of store.evidence(contract))
    if (!roster.proves(evidence, knownCards(store, contract, freezes, evidence.party)))
      fail('EVI-1', `evidence ${id}`, 'it does not hold')
}

/** The block is found by hash and time, its requests, which are returned, with the outcomes it gives them. */
function checkBlockRows(
  store: Store,
  contract: string,
  { hash, block }: StoredBlock,
): ReadonlyMap<string, RequestRecord> {
  const { height, timeMs } = block.header
  const place = `ledger block ${height}`
  if (store.blockByHash(contract, hash) === undefined) fail('BLK-1', place, `it is not found by its hash`)
  if (store.heightAt(contract, timeMs) !== height || store.heightAt(contract, timeMs - 1) >= height)
    fail('BLK-4', place, 'it is stored with another time than its header’s')
  const held = store.requestsOf(contract, requestIdsOf(block))
  for (const [index, { request: id, outcome, code }] of entriesOf(block).entries()) {
    const row = held.get(id)
    const isSame =
      row?.height === height && row.index === index && row.outcome === outcome && row.code === code
    if (!isSame) fail('REQ-4', `request ${id} in ${place}`, 'it is stored with another place or outcome')
  }
  return held
}

/**
 * Goes through all requests: those that are neither ordered nor dropped wait, can be opened, and are signed; returns how many
 * are ordered.
 */
function checkWaiting(store: Store, contract: string, waiting: Set<string>): number {
  let ordered = 0
  let page: RequestRecord[] = []
  do {
    const before = page.at(-1)?.id
    page = store.requests(contract, { limit: PAGE_REQUESTS, ...(before !== undefined && { before }) })
    for (const { id, request, signature, height, code } of page) {
      const isWaiting = waiting.delete(id)
      if (height !== undefined) ordered += 1
      if (isWaiting !== (height === undefined && code === undefined))
        fail(
          'ORD-9',
          `request ${id}`,
          isWaiting ? 'it waits though it is done' : 'it does not wait to be ordered',
        )
      if (!isWaiting) continue
      // By the key that it names itself: a block ahead of the ledger held here may name one of somebody who comes in by then, or
      // by a key that has been replaced since. Whether it may stand there is asked of the block's own parent, as for any block.
      under('REQ-1', `request ${id}`, () =>
        checkAnyRequest({ request, signature }, contract, (own) => own.authorKey),
      )
      const commitments = commitmentsOf(request.operations)
      if (store.openings(contract, commitments).size < commitments.length)
        fail('VAL-2', `request ${id}`, 'an opening of it is not in the store')
    }
  } while (page.length > 0)
  return ordered
}

/** Every lineage, with who is left out of it. */
function standingsOf(store: Store, contract: string): Standing[] {
  const guilty = store.lineages(contract).map((start) => start.guilty)
  return [...guilty.keys(), guilty.length].map((lineage) => ({
    lineage,
    leftOut: new Set(guilty.slice(0, lineage).flat()),
  }))
}
