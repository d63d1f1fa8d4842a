/**
 * Cards of a party that are proven here without standing in the ledger that is held: those it was met by, those that came with a
 * checkpoint, and those that FREEZEs show, maybe of a history that was given up. What it signed by their keys stays proven.
 */
import { type Card, type ProvenCard, partyOf } from '../identity/card.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import type { Store } from '../store/store.ts'

/** The longest chain of its cards that is held; undefined for none. */
export function knownChain(
  store: Store,
  contract: string,
  freezes: readonly SignedFreeze[],
  party: string,
): ProvenCard | undefined {
  const held = store.cardHistory(party)
  const last = held.at(-1)
  const earlier = held.slice(0, -1)
  const met = last &&
    held.length === last.card.sequence && { ...last, ...(earlier.length > 0 && { earlier }) }
  const shown = freezes.flatMap(({ statement }) => (statement.history.turns ?? []).map(({ card }) => card))
  const chains = [met, ...(store.basis(contract)?.cards ?? []), ...shown]
  let longest: ProvenCard | undefined
  for (const chain of chains)
    if (chain && partyOf(chain.card) === party && chain.card.sequence > (longest?.card.sequence ?? 0))
      longest = chain
  return longest
}

/** The first first. */
export function knownCards(...of: Parameters<typeof knownChain>): Card[] {
  const chain = knownChain(...of)
  return chain === undefined ? [] : [...(chain.earlier ?? []).map(({ card }) => card), chain.card]
}
