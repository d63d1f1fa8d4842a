/** Whether the stored versions of the elements are those that the ledger made (STA-1). */
import { recordHash, type StateRecord } from '../contract/record.ts'
import { restoreState, stateRoot } from '../contract/state.ts'
import { emptyMerkleMap, type MerkleMap } from '../crypto/merkle-map.ts'
import type { Store } from '../store/store.ts'
import { fail, under } from '../verify/finding.ts'

/** Ledgers with fewer blocks have every height compared, longer ones about half as many, evenly apart. */
const ALL_HEIGHTS = 200

/**
 * Compares the elements as of the tip and as of earlier heights with the state roots of the ledger blocks, which have been
 * found good.
 * @throws CountersignError with a finding in its detail; `storage-failed`
 */
export function checkStoredElements(store: Store, contract: string, height: number): void {
  const stored = new StoredState()
  for (const at of heightsToCheck(store.basis(contract)?.height ?? 0, height)) {
    const root = stored.rootOf(store.elements(contract, at))
    if (root !== store.block(contract, at)?.block.header.stateRoot)
      fail('STA-1', `ledger block ${at}`, `the stored elements as of its height have the root ${root}`)
  }
  const place = `ledger block ${height}`
  const tip = stored.rootOf(store.elements(contract))
  // A version from beyond the tip would come into force once the ledger gets there.
  if (stored.rootOf(store.elements(contract, Number.MAX_SAFE_INTEGER)) !== tip)
    fail('STA-1', place, 'elements are stored in versions of heights past it')
  const records = store.elements(contract) as Iterable<[string, StateRecord]>
  const state = under('STA-1', place, () => restoreState(contract, records))
  if (stateRoot(state) !== store.block(contract, height)?.block.header.stateRoot)
    fail('STA-1', place, 'the stored elements do not have its state root')
  for (const [uid] of state.map)
    if (!store.contractOfElement(uid).includes(contract))
      fail('ELE-1', place, `its element ${uid} can’t be found by its UID`)
}

/** The first, the tip, and evenly those between. */
function heightsToCheck(first: number, height: number): Set<number> {
  const count = height - first
  const step = count < ALL_HEIGHTS ? 1 : (2 * count) / ALL_HEIGHTS
  const heights = new Set<number>()
  for (let at = first; at < height; at += step) heights.add(Math.floor(at))
  return heights.add(height)
}

/** The records of one height; on the way to the next only those are hashed that differ. */
class StoredState {
  #map: MerkleMap<StateRecord> = emptyMerkleMap((_, record: StateRecord) => recordHash(record))
  #texts = new Map<string, string>()

  rootOf(records: Iterable<readonly [uid: string, record: unknown]>): string {
    const texts = new Map<string, string>()
    for (const [uid, record] of records) {
      const text = JSON.stringify(record)
      texts.set(uid, text)
      if (this.#texts.get(uid) !== text) this.#map = this.#map.set(uid, record as StateRecord)
    }
    for (const uid of this.#texts.keys()) if (!texts.has(uid)) this.#map = this.#map.delete(uid)
    this.#texts = texts
    return this.#map.root()
  }
}
