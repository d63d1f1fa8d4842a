/**
 * Which files the states of the contracts held here name, now or before, as far as this party was shown their fields; and who in a
 * contract is due them (PROTOCOL FIL-4).
 */
import { isElement, type StateRecord } from '../../contract/record.ts'
import { parseFileValue } from '../../document/file-value.ts'
import type { Store } from '../../store/store.ts'
import type { Replica } from '../replica.ts'
import type { FileId } from './file-store.ts'

/**
 * From which ledger block on, and up to before which, a field names a file. isOwn: by this party's own request. readers: who may
 * see the field, where that is not everybody.
 */
type Naming = FileId & { fromHeight: number; toHeight: number; isOwn: boolean; readers?: readonly string[] }

type Named = { byUid: Map<string, Naming[]>; byHash: Map<string, Map<string, Naming[]>> }

export class NamedFiles {
  readonly #store: Store
  readonly #self: string
  readonly #contracts = new Map<string, Named>()

  constructor(store: Store, self: string) {
    this.#store = store
    this.#self = self
  }

  /** Reads a contract anew, as it is on disk. */
  read(replica: Replica): void {
    const { contract } = replica
    this.#contracts.set(contract, { byUid: new Map(), byHash: new Map() })
    for (const uid of this.#store.fileElements(contract)) this.#readElement(replica, uid)
  }

  forget(contract: string): void {
    this.#contracts.delete(contract)
  }

  /** These elements have changed. Returns the files that they name now. */
  changed(replica: Replica, uids: readonly string[]): FileId[] {
    const { contract, chain } = replica
    const named = this.#contracts.get(contract)
    const found: FileId[] = []
    for (const uid of uids) {
      const record = chain.tip.state.map.get(uid)
      const isFile = isElement(record) && record.type === 'file'
      if (!isFile && named?.byUid.has(uid) !== true) continue
      found.push(...this.#readElement(replica, uid))
    }
    return found
  }

  /** Every file that a contract names or has named. */
  *all(contract: string): Iterable<FileId> {
    const seen = new Set<string>()
    for (const namings of this.#contracts.get(contract)?.byUid.values() ?? [])
      for (const { hash, sizeBytes } of namings) {
        const key = `${hash} ${sizeBytes}`
        if (!seen.has(key)) yield { hash, sizeBytes }
        seen.add(key)
      }
  }

  has(contract: string, hash: string): boolean {
    return this.#contracts.get(contract)?.byHash.has(hash) ?? false
  }

  /** Whether this party itself has named it in the contract. */
  isOwn(contract: string, id: FileId): boolean {
    return this.#namings(contract, id).some(({ isOwn }) => isOwn)
  }

  /** Whether a party that is heard in the contract may have it: what it was shown the field of. */
  isDue(replica: Replica, party: string, id: FileId): boolean {
    const namings = this.#namings(replica.contract, id).filter(
      ({ readers }) => readers?.includes(party) ?? true,
    )
    if (namings.length === 0) return false
    const isShown = replica.epochs.rightsOf(party)
    if (isShown === undefined) return true
    return namings.some(({ toHeight }) => toHeight === CURRENT || isShown(toHeight - 1))
  }

  #namings(contract: string, { hash, sizeBytes }: FileId): Naming[] {
    const byUid = this.#contracts.get(contract)?.byHash.get(hash)
    return [...(byUid?.values() ?? [])].flat().filter((one) => one.sizeBytes === sizeBytes)
  }

  #readElement(replica: Replica, uid: string): Naming[] {
    const { contract } = replica
    const named = this.#contracts.get(contract) ?? { byUid: new Map(), byHash: new Map() }
    this.#contracts.set(contract, named)
    for (const { hash } of named.byUid.get(uid) ?? []) {
      const byUid = named.byHash.get(hash)
      byUid?.delete(uid)
      if (byUid?.size === 0) named.byHash.delete(hash)
    }
    const namings = this.#namingsOf(replica, uid)
    named.byUid.set(uid, namings)
    for (const naming of namings) {
      const byUid = named.byHash.get(naming.hash) ?? new Map<string, Naming[]>()
      named.byHash.set(naming.hash, byUid)
      byUid.set(uid, [...(byUid.get(uid) ?? []), naming])
    }
    return namings
  }

  #namingsOf({ contract, genesis, basis }: Replica, uid: string): Naming[] {
    const versions = this.#store.elementHistory(contract, uid)
    return versions.flatMap(({ height, record, request }, index) => {
      const element = record as StateRecord | null
      if (element === null || !isElement(element)) return []
      if (element.type !== 'file' || element.value === undefined) return []
      const opening = this.#store.openings(contract, [element.value]).get(element.value)
      // Of another field: its readers are not asked here.
      if (opening?.of !== undefined && opening.of !== uid) return []
      const value = opening?.value
      const file = typeof value === 'string' ? parseFileValue(value) : undefined
      if (file === undefined) return []
      // Of what stood in the state that the ledger begins with here, nobody knows by whom it was set.
      const first = basis === undefined ? genesis.creator : ''
      const author = request === undefined ? first : this.#store.request(contract, request)?.request.author
      return {
        ...{ hash: file.hash, sizeBytes: file.sizeBytes, isOwn: author === this.#self },
        ...{ fromHeight: height, toHeight: versions[index + 1]?.height ?? CURRENT },
        ...(element.readers !== undefined && { readers: element.readers }),
      }
    })
  }
}

/** A field names it still. */
const CURRENT = Number.POSITIVE_INFINITY
