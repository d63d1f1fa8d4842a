/** Repair: what a peer that is not ahead is sent when it says where it stands (ORD-10). */
import type { Certificate } from '../ledger/certificate.ts'
import type { ConsensusState, Context, OrderingMessage } from './state.ts'

const REPAIR_CERTIFICATES_MAX = 64
/** Skip certificates in one PROPOSE; more go ahead of it. */
const SKIPS_SHOWN_MAX = 256

/** A block with what it rests on, as it is sent (ORD-3): the last message is its PROPOSE. None where it isn't held. */
export function proposalMessages(state: ConsensusState, hash: string): OrderingMessage[] {
  const known = state.blocks.get(hash)
  if (!known) return []
  const { header } = known.block
  const before = state.blocks.get(header.parent)
  const parentView = before?.block.header.view ?? 0
  const skipCertificates: Certificate[] = []
  for (let between = parentView + 1; before && between < header.view; between += 1) {
    const certificate = state.views.get(between)?.skipCertificate
    if (certificate) skipCertificates.push(certificate)
  }
  const notarization = state.views.get(parentView)?.notarizations.get(header.parent)
  const ahead = skipCertificates.splice(0, Math.max(0, skipCertificates.length - SKIPS_SHOWN_MAX))
  return [
    ...ahead.map((certificate): OrderingMessage => ({ type: 'CERTIFICATE', certificate })),
    {
      type: 'PROPOSE',
      block: known.block,
      ...(known.leaderVote ? { vote: known.leaderVote } : {}),
      ...(notarization ? { notarization } : {}),
      skipCertificates,
    },
  ]
}

/** A peer that is not ahead tells where it stands: send what brings it here. */
export function helpPeer(context: Context, from: string, theirView: number): void {
  const { state, effects } = context
  if (theirView > state.view) return
  const send = (certificate: Certificate): void => {
    effects.push({ type: 'SEND', to: from, message: { type: 'CERTIFICATE', certificate } })
  }
  const first = Math.max(theirView, state.committed.view, state.view - REPAIR_CERTIFICATES_MAX)
  for (let view = first; view < state.view; view += 1) {
    const record = state.views.get(view)
    for (const certificate of record?.notarizations.values() ?? []) send(certificate)
    if (record?.skipCertificate) send(record.skipCertificate)
  }
  for (const view of [state.view - 1, state.view]) {
    const record = state.views.get(view)
    if (!record) continue
    const block = record.proposal ?? [...record.notarizations.keys()][0]
    if (block && block !== state.committed.hash)
      for (const message of proposalMessages(state, block)) effects.push({ type: 'SEND', to: from, message })
    for (const set of [record.votes, record.skips, record.finalizes]) {
      const signed = set.get(state.config.self)
      if (signed) effects.push({ type: 'SEND', to: from, message: { type: 'STATEMENT', signed } })
    }
  }
}
