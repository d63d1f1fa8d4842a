/** Observers that triggers let in (RUL-8): invited with the yes of every member, who said it to the rule. */
import { hashJson } from '../../crypto/hash.ts'
import { type Invitation, MEMBERS_MAX, partyOf } from '../../ledger/epoch.ts'
import { withEpoch } from '../elements.ts'
import { cardsInForce, isLapsed } from '../epoch.ts'
import { isKeyTaken, withChanges } from '../epoch-step.ts'
import type { Work } from './work.ts'

/** Opens the invitations that triggers have asked for; who is in, or invited already, is not invited again. */
export function admit(work: Work): void {
  for (const { rule, by, action } of work.admissions) {
    const { state, context } = work
    const { card } = action.card
    const party = partyOf(card)
    const { members, observers = [] } = state.epoch
    const changes = (state.epoch.changes ?? []).filter((one) => !isLapsed(one, context.timeMs))
    const invited = changes.filter((one): one is Invitation => one.op === 'invite')
    if (cardsInForce(state).has(party) || invited.some((one) => one.party === party)) continue
    if (isKeyTaken(state, changes, party, card)) continue
    if (observers.length + invited.filter(({ role }) => role === 'observer').length >= MEMBERS_MAX) continue
    const invitation: Invitation = {
      op: 'invite',
      change: hashJson('admission', [rule, context.id]),
      by,
      party,
      card,
      role: 'observer',
      older: action.older,
      expiresMs: context.timeMs + action.forMs,
      yes: [...members],
    }
    work.move(withEpoch(state, withChanges(state.epoch, [...changes, invitation])), [state.epochUid])
  }
}
