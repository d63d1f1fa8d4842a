/**
 * Answers to what members ask for: requests with their openings, blocks, ranges of the ledger (ORD-10, SYN-1).
 */
import { proposalMessages } from '../consensus/repair.ts'
import { certifiedStatement, type SignedStatement } from '../ledger/certificate.ts'
import { type AnyRequest, commitmentsOf, epochOperationOf, type OpenRequest } from '../ledger/request.ts'
import { requestIdsOf, turnOf } from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'
import type { StoredBlock } from '../store/store.ts'
import type { Message, RecalledMessage } from './messages.ts'
import type { Replica } from './replica.ts'
import { openingsFor, shownTo } from './shown-openings.ts'

const ANSWER_BYTES = 8 * 1024 * 1024
/** Waiting requests given back to an author who may have forgotten them. */
const RETURNED_MAX = 256

export function answerFetch(replica: Replica, to: string, fetch: Extract<Message, { type: 'FETCH' }>): void {
  let sizeBytes = 0
  for (const id of fetch.requests ?? []) {
    const held = findRequest(replica, id, to)
    if (!held) continue
    tell(replica, to, held, held.openings)
    sizeBytes += JSON.stringify(held).length
    if (sizeBytes > ANSWER_BYTES) return
  }
  for (const hash of fetch.blocks ?? []) {
    const messages = proposalMessages(replica.consensus, hash)
    for (const message of messages) replica.send(to, message)
    if (messages.length === 0) {
      replica.outbox.flush()
      const stored = replica.store.blockByHash(replica.contract, hash)
      if (stored && stored.block.header.height >= replica.fromHeight)
        replica.send(to, { type: 'PROPOSE', block: stored.block, skipCertificates: [] })
    }
  }
}

/** Tells a request to a party, or to all, each with what it may see. */
export function sendRequest(
  replica: Replica,
  party: string | undefined,
  entry: OpenRequest<AnyRequest>,
): void {
  const isPrivate = entry.openings.some(({ of }) => of !== undefined)
  for (const to of party === undefined && isPrivate ? replica.audience : [party])
    tell(replica, to, entry, to === undefined ? entry.openings : shownTo(entry, to))
}

function tell(
  replica: Replica,
  to: string | undefined,
  { request, signature, judgement }: OpenRequest<AnyRequest>,
  openings: Opening[],
): void {
  const judged = judgement !== undefined && { judgement }
  replica.send(to, { type: 'REQUEST', request: { request, signature }, openings, ...judged })
}

function findRequest(replica: Replica, id: string, to: string): OpenRequest<AnyRequest> | undefined {
  const waiting = replica.chain.pool.get(id)
  if (waiting?.lacking) return undefined
  if (waiting) return { ...waiting, openings: shownTo(waiting, to) }
  replica.outbox.flush()
  const record = replica.store.request(replica.contract, id)
  if (!record) return undefined
  const { request, signature, judgement } = record
  const openings = openingsFor(replica, to, [record])
  // Who came in later may lack values of before: others are asked for the whole (EPO-13).
  if (lacksSome(replica, request) && openings.every(({ of }) => of === undefined)) return undefined
  return { id, request, signature, openings, ...(judgement !== undefined && { judgement }) }
}

function lacksSome({ epochs, store, contract }: Replica, { operations }: AnyRequest): boolean {
  if (!epochs.lacksOlder) return false
  const wanted = new Set(commitmentsOf(operations))
  return store.openings(contract, [...wanted]).size < wanted.size
}

/** Ledger blocks from a height up to the last one asked for that has its own COMMIT, as many as fit an answer. */
export function answerSync(replica: Replica, to: string, sync: Extract<Message, { type: 'SYNC' }>): void {
  const { contract, store, chain, outbox } = replica
  const { fromHeight } = sync
  if (fromHeight < replica.fromHeight) return
  outbox.flush()
  const { base } = replica.lineage
  // The lineage's first block has no COMMIT of its own where a later one that is given up had it.
  const isWhole = (stored: StoredBlock | undefined): boolean =>
    stored?.commit !== undefined || stored?.hash === base.block
  const most = Math.min(sync.toHeight, chain.height) - fromHeight + 1
  const blocks: StoredBlock[] = []
  if (fromHeight >= 1 && most > 0) {
    // Past the range asked for, on to the next block with a COMMIT of its own: the range is worth nothing without.
    for (const stored of store.blocks(contract, fromHeight, Math.min(most, 512) + 512)) {
      const before = blocks.at(-1)
      if (isWhole(before) && (blocks.length >= most || (before && turnOf(before.block)))) break
      blocks.push(stored)
    }
    while (blocks.length > 0 && !isWhole(blocks.at(-1))) blocks.pop()
  }
  const sent: StoredBlock[] = []
  const requests: unknown[] = []
  const openings: Opening[] = []
  let sizeBytes = 0
  let complete = 0
  for (const stored of blocks) {
    const ids = requestIdsOf(stored.block)
    const records = [...store.requestsOf(contract, ids).values()]
    const opened = openingsFor(replica, to, records)
    sizeBytes += JSON.stringify([records, opened, stored.block]).length
    if (complete > 0 && sizeBytes > ANSWER_BYTES) break
    sent.push(stored)
    for (const { request, signature } of records) requests.push({ request, signature })
    openings.push(...opened)
    if (isWhole(stored)) complete = sent.length
  }
  const last = sent[complete - 1]
  replica.send(to, {
    type: 'LEDGER',
    fromHeight,
    blocks: sent.slice(0, complete).map(({ block }) => block),
    requests,
    openings,
    ...(last?.notarization ? { notarization: last.notarization } : {}),
    ...(last?.commit ? { finalization: last.commit } : {}),
  })
}

/** Every signature of a party that is held here, and the COMMIT below whose view none is kept. */
export function signaturesOf(replica: Replica, party: string): Omit<RecalledMessage, 'type' | 'boot'> {
  const statements: SignedStatement[] = []
  for (const record of replica.consensus.views.values()) {
    for (const set of [record.votes, record.finalizes, record.skips])
      for (const signed of set.values()) if (signed.party === party) statements.push(signed)
    const certificates = [...record.notarizations.values(), ...record.finalizations.values()]
    if (record.skipCertificate) certificates.push(record.skipCertificate)
    for (const certificate of certificates)
      for (const [signer, signature] of certificate.signatures)
        if (signer === party)
          statements.push({
            statement: certifiedStatement(replica.consensus.config.electorate, certificate),
            party,
            signature,
          })
  }
  const { committed, views } = replica.consensus
  // Also of another history than is held here: it is the party's word all the same.
  const cosignature = replica.finality.largest(party)
  const finalization = views.get(committed.view)?.finalizations.get(committed.hash)
  const freeze = replica.freezing.ofParty(party)
  return {
    statements: statements.slice(-4096),
    ...(cosignature ? { cosignature } : {}),
    ...(finalization ? { finalization } : {}),
    ...(freeze ? { freeze } : {}),
  }
}

/** All of them, for a member that has lost its own memory of them. */
export function answerRecall(replica: Replica, party: string, boot: string): void {
  // Its own that wait: it may not know of them any more. Of them all its LEAVE, after which it cosigns nothing more (EPO-12).
  let count = 0
  for (const entry of replica.chain.pool.values()) {
    if (entry.request.author !== party) continue
    const isLeave = epochOperationOf(entry.request)?.op === 'leave'
    count += 1
    if (isLeave || count <= RETURNED_MAX) replica.sendRequest(party, entry)
  }
  const answer: RecalledMessage = {
    type: 'RECALLED',
    boot,
    ...signaturesOf(replica, party),
    ...(replica.phase === 'recalling' && { recalling: true as const }),
  }
  replica.send(party, answer)
}

/** The genesis with its openings, to a member that has not cosigned it yet. */
export function sendInvitation(replica: Replica, to: string): void {
  const openings = openingsFor(replica, to, [{ request: replica.genesis, height: 0 }])
  replica.send(to, { type: 'INVITE', genesis: replica.genesis, openings })
}
