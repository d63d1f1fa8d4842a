/** Ledger blocks and their certificates as SQL: proposed, certified, committed. */
import { CountersignError } from '../crypto/errors.ts'
import { blockHash } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import { type AnyLedgerBlock, entriesOf, turnOf } from '../ledger/turn.ts'
import type { Database } from './database.ts'
import type { Memory, RequestKey, Tip } from './memory.ts'
import { bytesOf } from './rows.ts'
import type { ElementChange, StoreWrite } from './store.ts'

type Committed = Extract<StoreWrite, { kind: 'committed' }>

const NO_BLOCK = new Uint8Array(0)

const TIP = 'SELECT height, view FROM chain WHERE contract = ? ORDER BY height DESC LIMIT 1'

const REQUEST = 'SELECT id, not_after_ms FROM request WHERE contract = ? AND hash = ?'

const BLOCK = `INSERT INTO block (contract, hash, height, view, body) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (contract, hash) DO NOTHING`

/** A row of `chain` for a block that is held; none where it is not. */
const CHAIN = `INSERT INTO chain (contract, height, block, hash, view, time_ms)
  SELECT contract, ?3, id, hash, ?4, ?5 FROM block WHERE contract = ?1 AND hash = ?2`

const NEWEST_CERTIFICATE = `INSERT INTO certificate (contract, view, kind, block, body) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (contract, view, kind, block) DO UPDATE SET body = excluded.body`

const MISSING_CERTIFICATE = `INSERT INTO certificate (contract, view, kind, block, body) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (contract, view, kind, block) DO NOTHING`

const IS_COMMITTED = `SELECT 1 FROM block JOIN chain ON chain.contract = block.contract AND chain.height = block.height
  WHERE block.contract = ? AND block.hash = ? AND chain.block = block.id`

/** Of a certificate: its block is not committed. That of one that ended an epoch may be of a later view (EPO-11). */
const OF_NO_COMMITTED = `NOT EXISTS (SELECT 1 FROM block JOIN chain ON chain.block = block.id
  AND chain.contract = block.contract AND chain.height = block.height
  WHERE block.contract = certificate.contract AND block.hash = certificate.block)`

const OUTCOME = `INSERT INTO request_outcome (request, contract, height, place, outcome, code, not_after_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET height = excluded.height, place = excluded.place, outcome = excluded.outcome,
    code = excluded.code WHERE request_outcome.height IS NULL`

const VERSION = `INSERT INTO element_version (contract, uid, height, record) VALUES (?, ?, ?, ?)
  ON CONFLICT (contract, uid, height) DO UPDATE SET record = excluded.record`

/** Writes of a contract's ledger, by the contract's row id. */
export class LedgerWriter {
  readonly #database: Database
  readonly #memory: Memory

  constructor(database: Database, memory: Memory) {
    this.#database = database
    this.#memory = memory
  }

  #tip(id: number): Tip {
    const known = this.#memory.tip(id)
    if (known !== undefined) return known
    const tip = this.#database.get<Tip>(TIP, id) ?? { height: -1, view: -1 }
    this.#memory.setTip(id, tip)
    return tip
  }

  /** A request's row. @throws CountersignError `invariant-broken` where it is not held */
  request(id: number, hash: string): RequestKey {
    const known = this.#memory.request(id, hash)
    if (known !== undefined) return known
    const row = this.#database.get<{ id: number; not_after_ms: number }>(REQUEST, id, bytesOf(hash))
    if (row === undefined)
      throw new CountersignError(
        'invariant-broken',
        `request ${hash} is not held; write it before what names it`,
      )
    return { row: row.id, notAfterMs: row.not_after_ms }
  }

  proposed(id: number, hash: string, block: AnyLedgerBlock): void {
    const { view } = block.header
    if (view <= this.#tip(id).view) return
    const { changes, lastInsertRowid } = this.#insertBlock(id, hash, block)
    if (changes > 0)
      this.#database.run(
        'INSERT INTO proposed (contract, view, block) VALUES (?, ?, ?)',
        id,
        view,
        Number(lastInsertRowid),
      )
  }

  #insertBlock(id: number, hash: string, block: AnyLedgerBlock): ReturnType<Database['run']> {
    const { height, view } = block.header
    return this.#database.run(BLOCK, id, bytesOf(hash), height, view, JSON.stringify(block))
  }

  certificate(id: number, certificate: Certificate): void {
    const { view, block } = certificate
    if (view <= this.#tip(id).view && (block === undefined || !this.#isCommitted(id, block))) return
    this.#putCertificate(NEWEST_CERTIFICATE, id, certificate)
    this.#memory.addCertificate(certificateKey(id, certificate))
  }

  #isCommitted(id: number, hash: string): boolean {
    return this.#database.get(IS_COMMITTED, id, bytesOf(hash)) !== undefined
  }

  #putCertificate(sql: string, id: number, certificate: Certificate): void {
    const { view, kind, block } = certificate
    const key = block === undefined ? NO_BLOCK : bytesOf(block)
    this.#database.run(sql, id, view, kind, key, JSON.stringify(certificate))
  }

  committed(id: number, { hash, block, changes, notarization, commit }: Committed): void {
    const { header } = block
    const tip = this.#tip(id)
    if (header.height > tip.height) {
      if (header.height !== tip.height + 1)
        throw new CountersignError(
          'invariant-broken',
          `ledger block ${header.height} cannot be committed after ${tip.height}`,
        )
      this.#append(id, hash, block, tip.view)
      this.#ordered(id, block)
      if (turnOf(block) !== undefined) this.#endEpoch(id, hash, header.view)
      this.#version(id, header.height, changes)
    } else if (!this.#isCommitted(id, hash)) {
      throw new CountersignError(
        'invariant-broken',
        `another ledger block than ${hash} is committed at height ${header.height}`,
      )
    }
    for (const certificate of [notarization, commit])
      if (certificate !== undefined) this.#addCertificate(id, hash, certificate)
  }

  /** A certificate that is held already is as good as this one: the row is not written twice for it. */
  #addCertificate(id: number, hash: string, certificate: Certificate): void {
    const isHeld = certificate.block === hash && this.#memory.hasCertificate(certificateKey(id, certificate))
    if (!isHeld) this.#putCertificate(MISSING_CERTIFICATE, id, certificate)
  }

  #append(id: number, hash: string, block: AnyLedgerBlock, viewBefore: number): void {
    const { height, view, timeMs } = block.header
    const key = bytesOf(hash)
    if (this.#database.run(CHAIN, id, key, height, view, timeMs).changes === 0) {
      this.#insertBlock(id, hash, block)
      this.#database.run(CHAIN, id, key, height, view, timeMs)
    }
    this.#memory.setTip(id, { height, view })
    this.#database.run(
      `DELETE FROM block WHERE hash <> ?3 AND id IN (SELECT block FROM proposed WHERE contract = ?1 AND view <= ?2)`,
      id,
      view,
      key,
    )
    this.#database.run('DELETE FROM proposed WHERE contract = ? AND view <= ?', id, view)
    // Up to the view of the block before, what a commit leaves has been removed with that commit.
    this.#database.run(
      `DELETE FROM certificate WHERE contract = ? AND view > ? AND view <= ? AND block <> ? AND kind <> 'skip'
       AND ${OF_NO_COMMITTED}`,
      id,
      viewBefore,
      view,
      key,
    )
  }

  /** Undoes what was committed above a height, and drops all that was not committed. */
  goBack(id: number, keepHeight: number): void {
    const kept = this.#database.get<{ view: number; hash: Uint8Array }>(
      'SELECT view, hash FROM chain WHERE contract = ? AND height = ?',
      id,
      keepHeight,
    )
    if (kept === undefined)
      throw new CountersignError('invariant-broken', `there is no ledger block ${keepHeight} to go back to`)
    const run = (sql: string): unknown => this.#database.run(sql, id, keepHeight)
    this.#database.run('DELETE FROM block WHERE id IN (SELECT block FROM proposed WHERE contract = ?)', id)
    this.#database.run('DELETE FROM proposed WHERE contract = ?', id)
    run('DELETE FROM block WHERE id IN (SELECT block FROM chain WHERE contract = ?1 AND height > ?2)')
    run('DELETE FROM chain WHERE contract = ? AND height > ?')
    this.#database.run(
      `DELETE FROM certificate WHERE contract = ? AND (view > ? OR (view = ? AND block <> ?)) AND ${OF_NO_COMMITTED}`,
      id,
      kept.view,
      kept.view,
      kept.hash,
    )
    run('DELETE FROM element_version WHERE contract = ? AND height > ?')
    run(
      `INSERT INTO waiting (contract, request)
       SELECT contract, request FROM request_outcome WHERE contract = ? AND height > ?`,
    )
    run('DELETE FROM request_outcome WHERE contract = ? AND height > ?')
    this.#memory.begin()
    this.#memory.setTip(id, { height: keepHeight, view: kept.view })
  }

  /** All that is held but block 0 goes, and the ledger begins at a later one. */
  begin(id: number, { basis, headers, changes }: Extract<StoreWrite, { kind: 'basis' }>): void {
    if (headers.at(-1)?.height !== basis.height)
      throw new CountersignError(
        'invariant-broken',
        `the headers do not end with ledger block ${basis.height}`,
      )
    this.goBack(id, 0)
    for (const table of ['waiting', 'request_outcome', 'request', 'cosignature', 'basis'])
      this.#database.run(`DELETE FROM ${table} WHERE contract = ?`, id)
    // Rows of requests that it knows are gone.
    this.#memory.forget()
    for (const header of headers) {
      const { height, view, timeMs } = header
      const hash = blockHash(header)
      this.#insertBlock(id, hash, { header, entries: [] })
      this.#database.run(CHAIN, id, bytesOf(hash), height, view, timeMs)
    }
    this.#version(id, basis.height, changes)
    this.#database.run('INSERT INTO basis (contract, body) VALUES (?, ?)', id, JSON.stringify(basis))
  }

  skipsDropped(id: number, toView: number): void {
    this.#database.run(
      `DELETE FROM certificate WHERE contract = ? AND view <= ? AND kind = 'skip'`,
      id,
      toView,
    )
  }

  /** What was proposed and certified in later views was of the epoch that ends here, but for the block's own COMMIT. */
  #endEpoch(id: number, hash: string, view: number): void {
    this.#database.run('DELETE FROM proposed WHERE contract = ?', id)
    this.#database.run(
      `DELETE FROM certificate WHERE contract = ? AND view > ? AND block <> ? AND ${OF_NO_COMMITTED}`,
      id,
      view,
      bytesOf(hash),
    )
  }

  #ordered(id: number, block: AnyLedgerBlock): void {
    const { header } = block
    for (const [place, { request, outcome, code }] of entriesOf(block).entries()) {
      const { row, notAfterMs } = this.request(id, request)
      const { height } = header
      const run = this.#database.run(OUTCOME, row, id, height, place, outcome, code ?? null, notAfterMs)
      if (run.changes === 0)
        throw new CountersignError('invariant-broken', `request ${request} is ordered a second time`)
      this.#database.run('DELETE FROM waiting WHERE contract = ? AND request = ?', id, row)
      this.#memory.dropRequest(id, request)
    }
  }

  #version(id: number, height: number, changes: readonly ElementChange[]): void {
    for (const [uid, record] of changes) {
      const key = bytesOf(uid)
      if (this.#memory.addElement(id, uid))
        this.#database.run(
          'INSERT INTO element (uid, contract) VALUES (?, ?) ON CONFLICT DO NOTHING',
          key,
          id,
        )
      this.#database.run(VERSION, id, key, height, record === null ? null : JSON.stringify(record))
    }
  }
}

function certificateKey(id: number, { view, kind, block }: Certificate): string {
  return `${id} ${view} ${kind} ${block ?? ''}`
}
