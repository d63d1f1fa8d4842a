/** Where execution finds the openings it needs: those of the requests at hand, of blocks not committed yet, and those on disk. */
import type { OpeningSource } from '../contract/state.ts'
import { type AnyRequest, commitmentsOf, type OpenRequest } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'

/** A request with its openings, in the order of its commitments. lacking: not all are here. */
type Opened = OpenRequest<AnyRequest> & { lacking?: true }

/**
 * @param requests at hand
 * @param recent of the blocks that are not committed; asked once, and only where it is needed
 * @param stored one on disk
 */
export function openingSource(
  requests: readonly Opened[],
  recent: () => ReadonlyMap<string, Opening>,
  stored: (commitment: string) => Opening | undefined,
): OpeningSource {
  const own = new Map<string, Opening>()
  addOpenings(own, requests, [])
  let uncommitted: ReadonlyMap<string, Opening> | undefined
  return {
    get: (commitment) => {
      const opening = own.get(commitment)
      if (opening !== undefined) return opening
      uncommitted ??= recent()
      return uncommitted.get(commitment) ?? stored(commitment)
    },
  }
}

/** Adds what opens these requests' commitments, and derived values. Two requests may well carry the same one, each with its opening. */
export function addOpenings(
  into: Map<string, Opening>,
  requests: readonly Opened[],
  derived: readonly Opening[],
): void {
  for (const { request, openings, lacking } of requests)
    if (!lacking) addInOrder(into, commitmentsOf(request.operations), openings)
  for (const opening of derived) into.set(commitmentOf(opening), opening)
}

/** Behind those of its commitments stand those of private values, and what judges reveal. */
function addInOrder(
  into: Map<string, Opening>,
  commitments: readonly string[],
  openings: readonly Opening[],
): void {
  for (const [index, commitment] of commitments.entries()) into.set(commitment, openings[index] as Opening)
  for (const opening of openings.slice(commitments.length)) into.set(commitmentOf(opening), opening)
}
