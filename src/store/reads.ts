/** What the node and its doors ask of a contract's rows; see Store for each. */
import type { Certificate } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { Evidence } from '../ledger/evidence.ts'
import type { Opening } from '../ledger/value.ts'
import type { Database } from './database.ts'
import {
  bytesOf,
  type CertificateRow,
  hexOf,
  type RequestRow,
  readBlock,
  readCertificate,
  readCosignature,
  readEvidence,
  readOpening,
  readRecord,
  readRequest,
} from './rows.ts'
import type { ElementVersion, LoadedContract, RequestRecord, StateRecord, StoredBlock } from './store.ts'

/** Elements fetched at a time. */
const PAGE = 1000

const REQUEST_COLUMNS = `request.id, request.hash, request.body, request.signature, request.received_ms, request.local,
  request_outcome.height, request_outcome.place, request_outcome.outcome, request_outcome.code
  FROM request LEFT JOIN request_outcome ON request_outcome.request = request.id`

type BlockRow = { hash: Uint8Array; view: number; body: string }

/** Reads of one contract, by its row id. */
export class ContractReader {
  readonly #database: Database
  readonly #id: number

  constructor(database: Database, id: number) {
    this.#database = database
    this.#id = id
  }

  load(): LoadedContract {
    const blockHashes = this.#database
      .all<{ hash: Uint8Array }>('SELECT hash FROM chain WHERE contract = ? ORDER BY height', this.#id)
      .map(({ hash }) => hexOf(hash))
    const height = blockHashes.length - 1
    const tip = this.block(height)
    const view = tip?.block.header.view ?? -1
    const certificates = this.#database
      .all<CertificateRow>(
        'SELECT view, kind, block, body FROM certificate WHERE contract = ? AND view >= ? ORDER BY view, kind, block',
        this.#id,
        view,
      )
      .map(readCertificate)
    const loaded: LoadedContract = {
      height,
      proposed: this.#proposed(),
      certificates,
      cosignatures: this.cosignatures(),
      blockHashes,
      waiting: this.#waiting(),
      unexpired: this.#unexpired(tip?.block.header.timeMs ?? 0),
    }
    if (tip !== undefined) loaded.tip = tip
    return loaded
  }

  #proposed(): LoadedContract['proposed'] {
    return this.#database
      .all<BlockRow>(
        `SELECT block.hash, block.view, block.body FROM proposed JOIN block ON block.id = proposed.block
         WHERE proposed.contract = ? ORDER BY proposed.view, proposed.block`,
        this.#id,
      )
      .map(({ hash, body }) => ({ hash: hexOf(hash), block: readBlock(hexOf(hash), body) }))
  }

  #waiting(): RequestRecord[] {
    return this.#database
      .all<RequestRow>(
        `SELECT ${REQUEST_COLUMNS} JOIN waiting ON waiting.request = request.id WHERE waiting.contract = ?
         ORDER BY waiting.request`,
        this.#id,
      )
      .map(readRequest)
  }

  #unexpired(timeMs: number): LoadedContract['unexpired'] {
    return this.#database
      .all<{ hash: Uint8Array; not_after_ms: number }>(
        `SELECT request.hash, request_outcome.not_after_ms FROM request_outcome
         JOIN request ON request.id = request_outcome.request
         WHERE request_outcome.contract = ? AND request_outcome.not_after_ms > ? AND request_outcome.height IS NOT NULL
         ORDER BY request_outcome.not_after_ms, request.id`,
        this.#id,
        timeMs,
      )
      .map(({ hash, not_after_ms: notAfterMs }) => ({ id: hexOf(hash), notAfterMs }))
  }

  block(height: number): StoredBlock | undefined {
    return this.blocks(height, 1).find(({ block }) => block.header.height === height)
  }

  blockByHash(hash: string): StoredBlock | undefined {
    const row = this.#database.get<BlockRow>(
      'SELECT hash, view, body FROM block WHERE contract = ? AND hash = ?',
      this.#id,
      bytesOf(hash),
    )
    return row === undefined ? undefined : this.#stored(row)
  }

  blocks(fromHeight: number, limit: number): StoredBlock[] {
    return this.#database
      .all<BlockRow>(
        `SELECT chain.hash, chain.view, block.body FROM chain JOIN block ON block.id = chain.block
         WHERE chain.contract = ? AND chain.height >= ? ORDER BY chain.height LIMIT ?`,
        this.#id,
        fromHeight,
        Math.max(0, limit),
      )
      .map((row) => this.#stored(row))
  }

  #stored(row: BlockRow): StoredBlock {
    const hash = hexOf(row.hash)
    const stored: StoredBlock = { hash, block: readBlock(hash, row.body) }
    const [notarization, commit] = ['notarization', 'finalization'].map((kind): Certificate | undefined => {
      const found = this.#database.get<CertificateRow>(
        'SELECT view, kind, block, body FROM certificate WHERE contract = ? AND view = ? AND kind = ? AND block = ?',
        this.#id,
        row.view,
        kind,
        row.hash,
      )
      return found === undefined ? undefined : readCertificate(found)
    })
    if (notarization !== undefined) stored.notarization = notarization
    if (commit !== undefined) stored.commit = commit
    return stored
  }

  heightAt(timeMs: number): number {
    const row = this.#database.get<{ height: number }>(
      'SELECT height FROM chain WHERE contract = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1',
      this.#id,
      timeMs,
    )
    return row?.height ?? -1
  }

  get #height(): number {
    const row = this.#database.get<{ height: number | null }>(
      'SELECT max(height) AS height FROM chain WHERE contract = ?',
      this.#id,
    )
    return row?.height ?? -1
  }

  elements(height: number = this.#height): Iterable<[uid: string, record: StateRecord]> {
    return this.#elementsAt(height)
  }

  *#elementsAt(height: number): Generator<[uid: string, record: StateRecord]> {
    // Steps from UID to UID, so that the length of their histories does not count.
    const page = `
      WITH RECURSIVE found (uid, n) AS (
        SELECT (SELECT min(uid) FROM element_version WHERE contract = ?1 AND uid > ?2), 1
        UNION ALL
        SELECT (SELECT min(uid) FROM element_version WHERE contract = ?1 AND uid > found.uid), n + 1
        FROM found WHERE found.uid IS NOT NULL AND n < ${PAGE}
      )
      SELECT uid, (
        SELECT record FROM element_version AS version WHERE version.contract = ?1 AND version.uid = found.uid
        AND version.height <= ?3 ORDER BY version.height DESC LIMIT 1
      ) AS record
      FROM found WHERE uid IS NOT NULL`
    let after: Uint8Array | undefined = new Uint8Array(0)
    while (after !== undefined) {
      const rows: { uid: Uint8Array; record: string | null }[] = this.#database.guard(() =>
        this.#database.all(page, this.#id, after as Uint8Array, height),
      )
      for (const { uid, record } of rows)
        if (record !== null) yield [hexOf(uid), readRecord(hexOf(uid), record)]
      after = rows.length < PAGE ? undefined : rows.at(-1)?.uid
    }
  }

  elementHistory(uid: string): ElementVersion[] {
    const rows = this.#database.all<{ height: number; record: string | null }>(
      'SELECT height, record FROM element_version WHERE contract = ? AND uid = ? ORDER BY height',
      this.#id,
      bytesOf(uid),
    )
    return rows.map(({ height, record }) => {
      const version: ElementVersion = { height, record: record === null ? null : readRecord(uid, record) }
      const request = this.#requestBehind(uid, height, record === null)
      return request === undefined ? version : { ...version, request }
    })
  }

  /** The last accepted request of a height with an operation on this element or, if it was removed, on one above it. */
  #requestBehind(uid: string, height: number, isRemoved: boolean): string | undefined {
    const uids = new Set(isRemoved ? this.#lineage(uid, height - 1) : [uid])
    const ids = this.block(height)?.block.entries.filter(({ outcome }) => outcome === 'accepted') ?? []
    for (const { request: id } of ids.reverse()) {
      // A UID in a request's text most often is no other's: the text is parsed only where it holds one of them.
      const isNamed = [...uids].some((one) => this.#isInText(id, one))
      if (isNamed && this.request(id)?.request.operations.some((operation) => uids.has(operation.uid)))
        return id
    }
    return undefined
  }

  #isInText(id: string, text: string): boolean {
    const sql = 'SELECT 1 FROM request WHERE contract = ? AND hash = ? AND instr(body, ?) > 0'
    return this.#database.get(sql, this.#id, bytesOf(id), text) !== undefined
  }

  /** An element and those above it as of a height. */
  #lineage(uid: string, height: number): string[] {
    const lineage: string[] = []
    for (let at: unknown = uid; typeof at === 'string' && !lineage.includes(at); ) {
      lineage.push(at)
      const row = this.#database.get<{ record: string | null }>(
        `SELECT record FROM element_version WHERE contract = ? AND uid = ? AND height <= ?
         ORDER BY height DESC LIMIT 1`,
        this.#id,
        bytesOf(at),
        height,
      )
      at = row?.record == null ? undefined : readRecord(at, row.record).parent
    }
    return lineage
  }

  request(id: string): RequestRecord | undefined {
    const row = this.#database.get<RequestRow>(
      `SELECT ${REQUEST_COLUMNS} WHERE request.contract = ? AND request.hash = ?`,
      this.#id,
      bytesOf(id),
    )
    return row === undefined ? undefined : readRequest(row)
  }

  requests(limit: number, before: string | undefined): RequestRecord[] {
    let below = Number.MAX_SAFE_INTEGER
    if (before !== undefined) {
      const row = this.#database.get<{ id: number }>(
        'SELECT id FROM request WHERE contract = ? AND hash = ?',
        this.#id,
        bytesOf(before),
      )
      if (row === undefined) return []
      below = row.id
    }
    return this.#database
      .all<RequestRow>(
        `SELECT ${REQUEST_COLUMNS} WHERE request.contract = ? AND request.id < ? ORDER BY request.id DESC LIMIT ?`,
        this.#id,
        below,
        Math.max(0, limit),
      )
      .map(readRequest)
  }

  requestsOf(ids: readonly string[]): Map<string, RequestRecord> {
    const found = new Map<string, RequestRecord>()
    for (const id of ids) {
      const record = this.request(id)
      if (record !== undefined) found.set(id, record)
    }
    return found
  }

  openings(commitments: readonly string[]): Map<string, Opening> {
    const found = new Map<string, Opening>()
    for (const commitment of commitments) {
      const row = this.#database.get<{ salt: Uint8Array; value: string }>(
        'SELECT salt, value FROM opening WHERE contract = ? AND commitment = ?',
        this.#id,
        bytesOf(commitment),
      )
      if (row !== undefined) found.set(commitment, readOpening(commitment, row.salt, row.value))
    }
    return found
  }

  cosignatures(): Cosignature[] {
    return this.#database
      .all<{ party: Uint8Array; body: string }>(
        'SELECT party, body FROM cosignature WHERE contract = ? ORDER BY party',
        this.#id,
      )
      .map(({ party, body }) => readCosignature(hexOf(party), body))
  }

  evidence(): { id: string; evidence: Evidence }[] {
    return this.#database
      .all<{ hash: Uint8Array; body: string }>(
        'SELECT hash, body FROM evidence WHERE contract = ? ORDER BY id',
        this.#id,
      )
      .map(({ hash, body }) => ({ id: hexOf(hash), evidence: readEvidence(hexOf(hash), body) }))
  }
}
