/**
 * A party's next card, taken into every contract that goes by one before (EPO-1): its node asks for it by itself; again,
 * where the change has lapsed, at the node's next start or the contract's next turn.
 */
import { cardHash, type ProvenCard } from '../identity/card.ts'
import { epochOperationOf } from '../ledger/request.ts'
import type { Node } from './node.ts'
import type { Notice } from './outbox.ts'
import type { Replica } from './replica.ts'

const EXPIRES_AFTER_MS = 30 * 24 * 3600 * 1000
/** After these a contract may go by another card than before, or take requests that it did not. */
const AFTER: ReadonlySet<Notice['type']> = new Set([
  'active',
  'accepted',
  'turned',
  'expired',
  'lineage',
  'returned',
])

/** From now on; returns how to stop. */
export function keepCardsNew(node: Node, card: () => ProvenCard): () => void {
  const renew = (contract: string): void => {
    const replica = node.engine.replicas.get(contract)
    if (replica && isCardDue(replica, card(), node.now())) {
      const expiresMs = node.now() + EXPIRES_AFTER_MS
      node.submit(contract, [{ op: 'card', card: card(), expiresMs }], []).catch(() => undefined)
    }
  }
  for (const contract of node.engine.replicas.keys()) renew(contract)
  return node.subscribe(({ type, contract }) => {
    if (AFTER.has(type)) renew(contract)
  })
}

/** Whether a contract goes by a card before this one, and nothing is under way to change that. */
export function isCardDue(replica: Replica, { card }: ProvenCard, nowMs: number): boolean {
  const { roster, status, self, chain } = replica
  const inForce = roster.electorate.cards.get(self)
  if (status !== 'accepted' || inForce === undefined || inForce.sequence >= card.sequence) return false
  const hash = cardHash(card)
  const isOpen = (chain.tip.state.epoch.changes ?? []).some(
    (change) => change.op === 'card' && cardHash(change.card) === hash && change.expiresMs >= nowMs,
  )
  const isAsked = [...chain.pool.values()].some(
    ({ request }) => request.author === self && epochOperationOf(request)?.op === 'card',
  )
  return !isOpen && !isAsked
}
