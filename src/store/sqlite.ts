/**
 * The store in one SQLite file, the embedded default. Layout: schema.ts; settings, transactions and errors: database.ts.
 */
import { Database } from './database.ts'
import { ElementReader } from './element-reads.ts'
import { ContractReader } from './reads.ts'
import { bytesOf, type ContractRow, hexOf, readCard, readContract } from './rows.ts'
import type { SignedCard, StateRecord, Store, StoredContract, StoredPeer, StoreWrite } from './store.ts'
import { Writer } from './writes.ts'

type PeerRow = { party: Uint8Array; hash: Uint8Array; body: string; pinned_ms: number | null }

const PEERS = `SELECT card.party, card.hash, card.body, pin.pinned_ms FROM card LEFT JOIN pin ON pin.party = card.party
  WHERE card.sequence = (SELECT max(sequence) FROM card AS other WHERE other.party = card.party)`

/** A store in SQLite, with what is this engine's own. */
export interface SqliteStore extends Store {
  /** Limits the database to about this size in bytes: writes past it fail with `disk-full`. undefined: no limit. */
  limitSize(sizeBytes: number | undefined): void
}

/**
 * Opens the database file, readable by its owner alone, or makes it. `:memory:` is a database without a file, for tests.
 * @throws CountersignError `storage-failed`, `disk-full`
 */
export function openSqliteStore(path: string): SqliteStore {
  const database = new Database(path)
  const writer = new Writer(database)

  /** Reads of one contract; `otherwise` where it is not held. */
  function read<T>(contract: string, otherwise: T, work: (reader: ContractReader, id: number) => T): T {
    return database.guard(() => {
      const id = writer.findId(contract)
      return id === undefined ? otherwise : work(new ContractReader(database, id), id)
    })
  }

  const peerOf = ({ party, hash, body, pinned_ms: pinnedMs }: PeerRow): StoredPeer => {
    const peer: StoredPeer = {
      party: hexOf(party),
      card: cardOf(party, hash, body),
      pinned: pinnedMs !== null,
    }
    if (pinnedMs !== null) peer.pinnedMs = pinnedMs
    return peer
  }

  return {
    write(batch: readonly StoreWrite[]): void {
      if (batch.length === 0) return
      try {
        database.transaction(() => {
          writer.begin()
          for (const write of batch) writer.apply(write)
        })
      } catch (error) {
        writer.forget()
        throw error
      }
    },

    contracts: () =>
      database.guard(() => database.all<ContractRow>('SELECT * FROM contract ORDER BY id').map(readContract)),

    contract: (contract) =>
      database.guard((): StoredContract | undefined => {
        const row = database.get<ContractRow>('SELECT * FROM contract WHERE hash = ?', bytesOf(contract))
        return row === undefined ? undefined : readContract(row)
      }),

    load: (contract) => database.guard(() => new ContractReader(database, writer.idOf(contract)).load()),
    elements: (contract, height) =>
      read<Iterable<[string, StateRecord]>>(contract, [], (reader, id) =>
        new ElementReader(database, id, reader).elements(height),
      ),
    fileElements: (contract) =>
      read(contract, [], (reader, id) => new ElementReader(database, id, reader).files()),

    elementHistory: (contract, uid, range) =>
      read(contract, [], (reader, id) => new ElementReader(database, id, reader).history(uid, range)),
    changedSince: (contract, height, limit) =>
      read(contract, undefined, (reader, id) =>
        new ElementReader(database, id, reader).changedSince(height, limit),
      ),
    lastChange: (contract, uid) =>
      read(contract, undefined, (reader, id) => new ElementReader(database, id, reader).lastChange(uid)),
    countVersions: (contract, uid, fromHeight, toHeight) =>
      read(contract, 0, (reader, id) =>
        new ElementReader(database, id, reader).count(uid, fromHeight, toHeight),
      ),
    refusedRequests: (contract, uid, range) =>
      read(contract, [], (reader, id) => new ElementReader(database, id, reader).refused(uid, range)),

    contractOfElement: (uid) =>
      database.guard(() =>
        database
          .all<{ hash: Uint8Array }>(
            `SELECT contract.hash FROM element JOIN contract ON contract.id = element.contract WHERE element.uid = ?
             ORDER BY contract.id`,
            bytesOf(uid),
          )
          .map(({ hash }) => hexOf(hash)),
      ),

    block: (contract, height) => read(contract, undefined, (reader) => reader.block(height)),
    blockByHash: (contract, hash) => read(contract, undefined, (reader) => reader.blockByHash(hash)),
    certificates: (contract, fromView) => read(contract, [], (reader) => reader.certificates(fromView)),
    blocks: (contract, fromHeight, limit) => read(contract, [], (reader) => reader.blocks(fromHeight, limit)),
    heightAt: (contract, timeMs) => read(contract, -1, (reader) => reader.heightAt(timeMs)),
    request: (contract, id) => read(contract, undefined, (reader) => reader.request(id)),
    requests: (contract, { limit, before }) => read(contract, [], (reader) => reader.requests(limit, before)),
    requestsOf: (contract, ids) => read(contract, new Map(), (reader) => reader.requestsOf(ids)),
    openings: (contract, commitments) => read(contract, new Map(), (reader) => reader.openings(commitments)),
    cosignatures: (contract) => read(contract, [], (reader) => reader.cosignatures()),
    evidence: (contract) => read(contract, [], (reader) => reader.evidence()),
    freezes: (contract) => read(contract, [], (reader) => reader.freezes()),
    basis: (contract) => read(contract, undefined, (reader) => reader.basis()),
    headers: (contract, fromHeight, limit) =>
      read(contract, [], (reader) => reader.headers(fromHeight, limit)),
    orderedUntil: (contract, until, page) => read(contract, [], (reader) => reader.orderedUntil(until, page)),
    lineages: (contract) => read(contract, [], (reader) => reader.lineages()),

    peers: () => database.guard(() => database.all<PeerRow>(`${PEERS} ORDER BY card.party`).map(peerOf)),

    peer: (party) =>
      database.guard((): StoredPeer | undefined => {
        const row = database.get<PeerRow>(`${PEERS} AND card.party = ?`, bytesOf(party))
        return row === undefined ? undefined : peerOf(row)
      }),

    cardHistory: (party) =>
      database.guard(() =>
        database
          .all<PeerRow>(
            'SELECT party, hash, body FROM card WHERE party = ? ORDER BY sequence',
            bytesOf(party),
          )
          .map(({ party: holder, hash, body }) => cardOf(holder, hash, body)),
      ),

    setting: (key) =>
      database.guard(
        () => database.get<{ value: string }>('SELECT value FROM setting WHERE key = ?', key)?.value,
      ),

    signerCounter: () =>
      database.guard(() => database.get<{ counter: number }>('SELECT counter FROM signer')?.counter ?? 0),

    limitSize: (sizeBytes) => database.limitSize(sizeBytes),
    backup: (file) => database.copyTo(file),
    close: () => database.close(),
  }
}

function cardOf(party: Uint8Array, hash: Uint8Array, body: string): SignedCard {
  return readCard(hexOf(party), hexOf(hash), body)
}
