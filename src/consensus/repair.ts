/** Repair: what a peer that is not ahead is sent when it says where it stands (ORD-10). */
import type { Certificate, SignedStatement } from '../ledger/certificate.ts'
import {
  type ConsensusState,
  type Context,
  type KnownBlock,
  leaderOf,
  type OrderingMessage,
} from './state.ts'

const REPAIR_CERTIFICATES_MAX = 64
/** Skip certificates in one PROPOSE; more go ahead of it. */
const SKIPS_SHOWN_MAX = 256

/** The last view before this one in which the block was notarised. */
export function lastNotarizedView(state: ConsensusState, hash: string, view: number): number | undefined {
  let last: number | undefined
  for (const [at, { notarizations }] of state.views)
    if (at < view && at > (last ?? 0) && notarizations.has(hash)) last = at
  return last
}

/**
 * A block with what it rests on, as it is sent (ORD-3): the last message is its PROPOSE. None where it isn't held.
 * @param view in which it is proposed: where it is later than the block's own, it is proposed again (EPO-11)
 */
export function proposalMessages(
  state: ConsensusState,
  hash: string,
  view: number | undefined = state.blocks.get(hash)?.block.header.view,
): OrderingMessage[] {
  const known = state.blocks.get(hash)
  if (!known || view === undefined) return []
  const { header } = known.block
  const isAgain = view > header.view
  const base = isAgain ? hash : header.parent
  const baseView = isAgain
    ? lastNotarizedView(state, hash, view)
    : state.blocks.get(header.parent)?.block.header.view
  const skipCertificates: Certificate[] = []
  for (let between = (baseView ?? view) + 1; between < view; between += 1) {
    const certificate = state.views.get(between)?.skipCertificate
    if (certificate) skipCertificates.push(certificate)
  }
  const notarization = state.views.get(baseView ?? 0)?.notarizations.get(base)
  const vote = leaderVoteOf(state, known, view)
  const ahead = skipCertificates.splice(0, Math.max(0, skipCertificates.length - SKIPS_SHOWN_MAX))
  return [
    ...ahead.map((certificate): OrderingMessage => ({ type: 'CERTIFICATE', certificate })),
    {
      type: 'PROPOSE',
      block: known.block,
      ...(vote ? { vote } : {}),
      ...(notarization ? { notarization } : {}),
      skipCertificates,
    },
  ]
}

/** The leader's VOTE that makes the block the proposal of this view. */
function leaderVoteOf(
  state: ConsensusState,
  { hash, leaderVote }: KnownBlock,
  view: number,
): SignedStatement | undefined {
  if (leaderVote?.statement.view === view) return leaderVote
  const vote = state.views.get(view)?.votes.get(leaderOf(state.config, view))
  return vote?.statement.type === 'VOTE' && vote.statement.block === hash ? vote : undefined
}

/**
 * A peer that is not ahead tells the first view of which it wants a certificate: send what brings it here. Of very many the first,
 * which it may want wherever it is, and the last, which bring it here; it asks on for those between.
 */
export function helpPeer(context: Context, from: string, theirView: number): void {
  const { state, effects } = context
  if (theirView > state.view) return
  const send = (certificate: Certificate): void => {
    effects.push({ type: 'SEND', to: from, message: { type: 'CERTIFICATE', certificate } })
  }
  const first = Math.max(theirView, state.committed.view)
  const last = Math.max(first, state.view - REPAIR_CERTIFICATES_MAX)
  for (let view = first; view < state.view; view += 1) {
    if (view === first + REPAIR_CERTIFICATES_MAX) view = Math.max(view, last)
    const record = state.views.get(view)
    for (const certificate of record?.notarizations.values() ?? []) send(certificate)
    if (record?.skipCertificate) send(record.skipCertificate)
  }
  for (const view of [state.view - 1, state.view]) {
    const record = state.views.get(view)
    if (!record) continue
    const block = record.proposal ?? [...record.notarizations.keys()][0]
    if (block && block !== state.committed.hash)
      for (const message of proposalMessages(state, block, record.proposal === undefined ? undefined : view))
        effects.push({ type: 'SEND', to: from, message })
    for (const set of [record.votes, record.skips, record.finalizes]) {
      const signed = set.get(state.config.self)
      if (signed) effects.push({ type: 'SEND', to: from, message: { type: 'STATEMENT', signed } })
    }
  }
}
