/** What the node and its doors ask of a contract's rows; see Store for each. */
import type { Header } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { Evidence } from '../ledger/evidence.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import { turnOf } from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'
import type { Database } from './database.ts'
import {
  bytesOf,
  type CertificateRow,
  hexOf,
  type OpeningRow,
  type RequestRow,
  readBasis,
  readBlock,
  readCertificate,
  readCosignature,
  readEvidence,
  readFreeze,
  readLineage,
  readOpening,
  readRequest,
} from './rows.ts'
import type { Basis, LoadedContract, RequestRecord, StoredBlock, StoredLineage } from './store.ts'

const REQUEST_COLUMNS = `request.id, request.hash, request.body, request.signature, request.received_ms, request.local,
  request_outcome.height, request_outcome.place, request_outcome.outcome, request_outcome.code, request.judgement
  FROM request LEFT JOIN request_outcome ON request_outcome.request = request.id`

/** body: null where the row of `block` is missing. */
type BlockRow = { hash: Uint8Array; view: number; body: string | null }

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
    const tipView = tip?.block.header.view ?? -1
    // What committed a block that ended an epoch may be of a later view (EPO-11), and says nothing of views to come.
    const former = new Set(blockHashes)
    const certificates = this.certificates(tipView).filter(
      ({ block = '', view }) => !former.has(block) || (block === tip?.hash && view === tipView),
    )
    const loaded: LoadedContract = {
      height,
      proposed: this.#proposed(),
      certificates,
      cosignatures: this.cosignatures(),
      blockHashes,
      waiting: this.#waiting(),
      unexpired: [
        ...(this.basis()?.ordered ?? []).flatMap(([id, notAfterMs]) =>
          notAfterMs > (tip?.block.header.timeMs ?? 0) ? [{ id, notAfterMs }] : [],
        ),
        ...this.#unexpired(tip?.block.header.timeMs ?? 0),
      ],
    }
    if (tip !== undefined) loaded.tip = tip
    return loaded
  }

  certificates(fromView: number): Certificate[] {
    return this.#database
      .all<CertificateRow>(
        'SELECT view, kind, block, body FROM certificate WHERE contract = ? AND view >= ? ORDER BY view, kind, block',
        this.#id,
        fromView,
      )
      .map(readCertificate)
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
        `SELECT chain.hash, chain.view, block.body FROM chain LEFT JOIN block ON block.id = chain.block
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
    const lastView = turnOf(stored.block) === undefined ? row.view : Number.MAX_SAFE_INTEGER
    const certificates = this.#database.all<CertificateRow>(
      // The notarization first: of two that are damaged it is the one to name.
      `SELECT view, kind, block, body FROM certificate WHERE contract = ? AND view BETWEEN ? AND ? AND block = ?
       ORDER BY view, kind DESC`,
      this.#id,
      row.view,
      lastView,
      row.hash,
    )
    for (const certificate of certificates.map(readCertificate)) {
      // Of a block that was proposed again: the two of the view in which it was committed.
      if (stored.commit) break
      if (certificate.kind === 'notarization') stored.notarization = certificate
      else if (stored.notarization === undefined || stored.notarization.view === certificate.view)
        stored.commit = certificate
    }
    return stored
  }

  headers(fromHeight: number, limit: number): Header[] {
    return this.#database
      .all<{ hash: Uint8Array; body: string | null }>(
        `SELECT chain.hash, block.body FROM chain LEFT JOIN block ON block.id = chain.block
         WHERE chain.contract = ? AND chain.height >= ? ORDER BY chain.height LIMIT ?`,
        this.#id,
        fromHeight,
        Math.max(0, limit),
      )
      .map(({ hash, body }) => readBlock(hexOf(hash), body).header)
  }

  basis(): Basis | undefined {
    const row = this.#database.get<{ body: string }>('SELECT body FROM basis WHERE contract = ?', this.#id)
    return row === undefined ? undefined : readBasis(row.body)
  }

  orderedUntil(
    { height, timeMs }: { height: number; timeMs: number },
    { after, limit }: { after: string; limit: number },
  ): [id: string, notAfterMs: number][] {
    const rows = this.#database
      .all<{ hash: Uint8Array; not_after_ms: number }>(
        `SELECT request.hash, request_outcome.not_after_ms FROM request_outcome
         JOIN request ON request.id = request_outcome.request
         WHERE request_outcome.contract = ? AND request_outcome.not_after_ms > ? AND request_outcome.height <= ?
         AND request.hash > ? ORDER BY request.hash LIMIT ?`,
        this.#id,
        timeMs,
        height,
        bytesOf(after),
        limit,
      )
      .map(({ hash, not_after_ms: notAfterMs }): [string, number] => [hexOf(hash), notAfterMs])
    const before = (this.basis()?.ordered ?? []).filter(
      ([id, notAfterMs]) => id > after && notAfterMs > timeMs,
    )
    return [...rows, ...before].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, limit)
  }

  heightAt(timeMs: number): number {
    const row = this.#database.get<{ height: number }>(
      'SELECT height FROM chain WHERE contract = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1',
      this.#id,
      timeMs,
    )
    return row?.height ?? -1
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
      const row = this.#database.get<OpeningRow>(
        'SELECT salt, value, uid FROM opening WHERE contract = ? AND commitment = ?',
        this.#id,
        bytesOf(commitment),
      )
      if (row !== undefined) found.set(commitment, readOpening(commitment, row))
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

  freezes(): SignedFreeze[] {
    return this.#database
      .all<{ hash: Uint8Array; body: string }>(
        'SELECT hash, body FROM freeze WHERE contract = ? ORDER BY id',
        this.#id,
      )
      .map(({ hash, body }) => readFreeze(hexOf(hash), body))
  }

  lineages(): StoredLineage[] {
    return this.#database
      .all<{ lineage: number; body: string }>(
        'SELECT lineage, body FROM lineage WHERE contract = ? ORDER BY lineage',
        this.#id,
      )
      .map(({ lineage, body }) => readLineage(lineage, body))
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
