/**
 * Takes a range of the ledger from a peer, or refuses it with the reason (SYN-1, SYN-2). Nothing is kept of a refused one.
 */
import { CountersignError } from '../crypto/errors.ts'
import { blockHash } from '../ledger/block.ts'
import { type Certificate, certificateVerifies } from '../ledger/certificate.ts'
import { revealedIn } from '../ledger/judgement.ts'
import { checkAnyRequest, commitmentsOf, committedIn } from '../ledger/request.ts'
import { type AnyLedgerBlock, entriesOf, turnOf } from '../ledger/turn.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import { pickOpenings } from './intake.ts'
import type { LedgerMessage } from './messages.ts'
import type { Replica } from './replica.ts'

export type TakenLedger =
  /**
   * isFork: it does not build on what is committed here; isAway: it is not what this party has cosigned; lacksValues: not all
   * openings came.
   */
  | { refused: string; isShort?: true; isFork?: true; isAway?: true; lacksValues?: true }
  /** certificates: none where a FREEZE has shown the last block, and it came without. */
  | { hashes: string[]; certificates?: { notarization: Certificate; finalization: Certificate } }

class ValuesMissing extends CountersignError {}

/** @param hadCosigned the peer itself cosigned a ledger that holds what was asked for: it must have it */
export function takeLedger(
  replica: Replica,
  message: LedgerMessage,
  hadCosigned: boolean,
  nowMs: number,
): TakenLedger {
  const { blocks, notarization, finalization } = message
  const last = blocks.at(-1)
  const { lineage } = replica
  const isFormer = last !== undefined && last.header.lineage < lineage.number
  // What ended an epoch is handed on with its COMMIT (EPO-11), also where a FREEZE has shown it.
  const isShown =
    isFormer && turnOf(last) === undefined && lineage.hashAt(last.header.height) === blockHash(last.header)
  if (last === undefined || !((notarization && finalization) || isShown))
    return {
      refused: hadCosigned
        ? 'it offers a history shorter than the checkpoint it cosigned itself'
        : 'it offers no history, though it said it had committed it',
      isShort: true,
    }
  const added: string[] = []
  const executed: string[] = []
  const refuse = (refused: string): { refused: string } => {
    for (const id of added) replica.chain.remove(id)
    for (const hash of executed) replica.chain.executed.delete(hash)
    return { refused }
  }
  // Whoever has parted from what is committed here may be in an epoch of which nobody here can check a COMMIT: it is asked (EVI-3).
  const { header: first } = blocks[0] as AnyLedgerBlock
  if (first.lineage === lineage.number && first.parent !== replica.chain.tip.hash)
    return { refused: `its ledger block ${first.height} does not follow the one before`, isFork: true }
  const tipHash = blockHash(last.header)
  for (const [certificate, kind] of [
    [notarization, 'notarization'],
    [finalization, 'finalization'],
  ] as const) {
    if (!certificate) continue
    if (certificate.kind !== kind || certificate.block !== tipHash || !isOfView(certificate, last))
      return refuse(`its ${kind} is not of the last ledger block it sent`)
    const electorate = isFormer ? replica.freezing.electorateOf(last.header.lineage) : replica.electorate
    if (!certificateVerifies(electorate, certificate, replica.consensus.config.cache))
      return refuse(`its ${kind} of ledger block ${last.header.height} does not verify`)
  }
  if (notarization?.view !== finalization?.view) return refuse('its two certificates are of different views')
  // Hashes first, from the certified block back to our tip: cheap, and nothing unproven is executed.
  let parent = replica.chain.tip.hash
  const hashes: string[] = []
  for (const block of blocks) {
    // What comes after a turn is certified by others: it is another range.
    if (turnOf(block) && block !== last) return refuse('it sent ledger blocks of two epochs in one range')
    if (block.header.parent !== parent) {
      const refused = `its ledger block ${block.header.height} does not follow the one before`
      return hashes.length === 0 ? { refused, isFork: true } : { refused }
    }
    parent = blockHash(block.header)
    const shown = lineage.hashAt(block.header.height)
    if (shown !== undefined && shown !== parent && block.header.height < lineage.base.size)
      return { refused: `its ledger block ${block.header.height} is of a history that was given up` }
    hashes.push(parent)
  }
  if (replica.ownHistory.leadsAway(hashes))
    return { refused: 'its ledger is not the one that this party has cosigned', isAway: true }
  try {
    addRequests(replica, message, added, nowMs)
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    const refused = refuse(`a request it sent is refused: ${error.message}`)
    return error instanceof ValuesMissing ? { ...refused, lacksValues: true } : refused
  }
  for (const [index, block] of blocks.entries()) {
    const hash = hashes[index] as string
    const known = replica.chain.executed.has(hash)
    const result = replica.chain.check(hash, block, nowMs)
    if (result.status === 'missing')
      return refuse(`it left out ${result.requests.length} requests of ledger block ${block.header.height}`)
    if (result.status === 'invalid')
      return refuse(`its ledger block ${block.header.height} is invalid here: ${result.code}`)
    if (!known) executed.push(hash)
  }
  const { contract } = replica
  for (const id of added) {
    const entry = replica.chain.pool.get(id)
    if (!entry) continue
    if (entry.lacking) replica.older.lacks(id)
    const { request, signature, openings } = entry
    replica.outbox.write({
      kind: 'request',
      contract,
      request: { id, request, signature },
      receivedMs: nowMs,
      local: false,
    })
    if (openings.length > 0) replica.outbox.write({ kind: 'openings', contract, openings })
  }
  const certificates = notarization && finalization ? { notarization, finalization } : undefined
  return certificates ? { hashes, certificates } : { hashes }
}

/** Of its own view, or of a later one where it ends an epoch (EPO-11). */
function isOfView({ view }: Certificate, block: AnyLedgerBlock | undefined): boolean {
  if (block === undefined) return false
  return turnOf(block) ? view >= block.header.view : view === block.header.view
}

function addRequests(replica: Replica, message: LedgerMessage, added: string[], nowMs: number): void {
  const byCommitment = new Map<string, Opening>()
  for (const opening of message.openings) byCommitment.set(commitmentOf(opening), opening)
  // What no block of the range names was not asked for: it may be expired, or ordered long ago.
  const entries = message.blocks.flatMap(entriesOf)
  const named = new Set(entries.map(({ request }) => request))
  const judgements = new Map(entries.map(({ request, judgement }) => [request, judgement]))
  for (const value of message.requests) {
    // Whether it may stand in its block is asked of the block's parent, when it is executed.
    const checked = checkAnyRequest(value, replica.contract, ({ authorKey }) => authorKey)
    const { id } = checked
    if (!named.has(id) || replica.chain.pool.has(id) || replica.chain.hasOrdered(id)) continue
    const judgement = judgements.get(id)
    const wanted = new Set([...commitmentsOf(checked.request.operations), ...revealedIn(judgement)])
    const own = [...wanted].flatMap((one) => byCommitment.get(one) ?? [])
    const secret = committedIn(checked.request.operations).flatMap(({ commitment, readers }) =>
      readers ? (byCommitment.get(commitment) ?? []) : [],
    )
    // Values from before it came in need not be shown to whoever was not invited to see them.
    const lacking = own.length < wanted.size
    if (lacking && !replica.epochs.mayLack)
      throw new ValuesMissing('bad-request', `not all values of request ${id.slice(0, 12)}… came with it`)
    const all = [...own, ...secret]
    const openings = lacking ? all : pickOpenings(checked.request.operations, all, judgement)
    replica.chain.add({
      ...checked,
      openings,
      ...(lacking && { lacking }),
      ...(judgement !== undefined && { judgement }),
      receivedMs: nowMs,
      local: checked.request.author === replica.self,
    })
    added.push(id)
  }
}
