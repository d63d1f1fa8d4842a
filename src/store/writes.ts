/** The steps of a batch as SQL; see StoreWrite for what each does. */
import { CountersignError } from '../crypto/errors.ts'
import type { LedgerBlock } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import { commitmentOf } from '../ledger/value.ts'
import type { Database } from './database.ts'
import { bytesOf, bytesOf64, cardIds } from './rows.ts'
import type { ElementChange, StoreWrite } from './store.ts'

type Write<Kind extends StoreWrite['kind']> = Extract<StoreWrite, { kind: Kind }>

const NO_BLOCK = new Uint8Array(0)

/** Applies batches. Remembers contracts' row ids; `forget` after a batch that was rolled back. */
export class Writer {
  readonly #database: Database
  readonly #ids = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
  }

  forget(): void {
    this.#ids.clear()
  }

  apply(write: StoreWrite): void {
    switch (write.kind) {
      case 'contract':
        this.#contract(write)
        break
      case 'contract-status':
        this.#status(write)
        break
      case 'request':
        this.#request(write)
        break
      case 'openings':
        this.#openings(write)
        break
      case 'request-dropped':
        this.#dropped(write)
        break
      case 'proposed':
        this.#proposed(write)
        break
      case 'certificate':
        this.#certificate(write)
        break
      case 'committed':
        this.#committed(write)
        break
      case 'cosignature':
        this.#cosignature(write)
        break
      case 'evidence':
        this.#evidence(write)
        break
      case 'signer-counter':
        this.#counter(write)
        break
      case 'peer-card':
        this.#card(write)
        break
      case 'setting':
        this.#database.run(
          'INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
          write.key,
          write.value,
        )
    }
  }

  /** Row id of a contract. @throws CountersignError `unknown-contract` */
  idOf(contract: string): number {
    const id = this.findId(contract)
    if (id === undefined)
      throw new CountersignError('unknown-contract', `the store holds no contract ${contract}`)
    return id
  }

  /** Row id of a contract, if there is one. */
  findId(contract: string): number | undefined {
    const known = this.#ids.get(contract)
    if (known !== undefined) return known
    const row = this.#database.get<{ id: number }>(
      'SELECT id FROM contract WHERE hash = ?',
      bytesOf(contract),
    )
    if (row !== undefined) this.#ids.set(contract, row.id)
    return row?.id
  }

  #contract({ contract: stored }: Write<'contract'>): void {
    const { contract, genesis, status, reason, receivedMs, from } = stored
    this.#database.run(
      `INSERT INTO contract (hash, genesis, status, reason, received_ms, sender) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      bytesOf(contract),
      JSON.stringify(genesis),
      status,
      reason ?? null,
      receivedMs,
      bytesOf(from),
    )
  }

  #status({ contract, status, reason }: Write<'contract-status'>): void {
    this.#database.run(
      'UPDATE contract SET status = ?, reason = ? WHERE id = ?',
      status,
      reason ?? null,
      this.idOf(contract),
    )
  }

  #request({ contract, request: signed, receivedMs, local }: Write<'request'>): void {
    const id = this.idOf(contract)
    const { request, signature } = signed
    const { changes, lastInsertRowid } = this.#database.run(
      `INSERT INTO request (contract, hash, body, signature, not_after_ms, received_ms, local)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (contract, hash) DO NOTHING`,
      id,
      bytesOf(signed.id),
      JSON.stringify(request),
      bytesOf64(signature),
      request.notAfterMs,
      receivedMs,
      local ? 1 : 0,
    )
    if (changes > 0)
      this.#database.run('INSERT INTO waiting (contract, request) VALUES (?, ?)', id, Number(lastInsertRowid))
  }

  #openings({ contract, openings }: Write<'openings'>): void {
    const id = this.idOf(contract)
    for (const opening of openings)
      this.#database.run(
        'INSERT INTO opening (contract, commitment, salt, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        id,
        bytesOf(commitmentOf(opening)),
        bytesOf64(opening.salt),
        JSON.stringify(opening.value),
      )
  }

  #dropped({ contract, id: hash }: Write<'request-dropped'>): void {
    const id = this.idOf(contract)
    const row = this.#requestRow(id, hash)
    this.#database.run(
      `INSERT INTO request_outcome (request, contract, outcome, not_after_ms) VALUES (?, ?, 'expired', ?)
       ON CONFLICT DO NOTHING`,
      row.id,
      id,
      row.not_after_ms,
    )
    this.#database.run('DELETE FROM waiting WHERE contract = ? AND request = ?', id, row.id)
  }

  #requestRow(id: number, hash: string): { id: number; not_after_ms: number } {
    const row = this.#database.get<{ id: number; not_after_ms: number }>(
      'SELECT id, not_after_ms FROM request WHERE contract = ? AND hash = ?',
      id,
      bytesOf(hash),
    )
    if (row === undefined)
      throw new CountersignError(
        'invariant-broken',
        `request ${hash} is not held; write it before what names it`,
      )
    return row
  }

  #tip(id: number): { height: number; view: number } {
    return (
      this.#database.get<{ height: number; view: number }>(
        'SELECT height, view FROM chain WHERE contract = ? ORDER BY height DESC LIMIT 1',
        id,
      ) ?? { height: -1, view: -1 }
    )
  }

  #proposed({ contract, hash, block }: Write<'proposed'>): void {
    const id = this.idOf(contract)
    if (block.header.view <= this.#tip(id).view) return
    const { row, isNew } = this.#block(id, hash, block)
    if (isNew)
      this.#database.run(
        'INSERT INTO proposed (contract, view, block) VALUES (?, ?, ?)',
        id,
        block.header.view,
        row,
      )
  }

  /** Row id of a ledger block, written now unless it is held. */
  #block(id: number, hash: string, block: LedgerBlock): { row: number; isNew: boolean } {
    const key = bytesOf(hash)
    const held = this.#database.get<{ id: number }>(
      'SELECT id FROM block WHERE contract = ? AND hash = ?',
      id,
      key,
    )
    if (held !== undefined) return { row: held.id, isNew: false }
    const { height, view } = block.header
    const { lastInsertRowid } = this.#database.run(
      'INSERT INTO block (contract, hash, height, view, body) VALUES (?, ?, ?, ?, ?)',
      id,
      key,
      height,
      view,
      JSON.stringify(block),
    )
    return { row: Number(lastInsertRowid), isNew: true }
  }

  #certificate({ contract, certificate }: Write<'certificate'>): void {
    const id = this.idOf(contract)
    const { view, block } = certificate
    if (view <= this.#tip(id).view && (block === undefined || !this.#isCommitted(id, block))) return
    this.#putCertificate(id, certificate, 'UPDATE SET body = excluded.body')
  }

  #isCommitted(id: number, hash: string): boolean {
    return (
      this.#database.get(
        `SELECT 1 FROM block JOIN chain ON chain.contract = block.contract AND chain.height = block.height
         WHERE block.contract = ? AND block.hash = ? AND chain.block = block.id`,
        id,
        bytesOf(hash),
      ) !== undefined
    )
  }

  #putCertificate(
    id: number,
    certificate: Certificate,
    otherwise: 'NOTHING' | 'UPDATE SET body = excluded.body',
  ): void {
    this.#database.run(
      `INSERT INTO certificate (contract, view, kind, block, body) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (contract, view, kind, block) DO ${otherwise}`,
      id,
      certificate.view,
      certificate.kind,
      certificate.block === undefined ? NO_BLOCK : bytesOf(certificate.block),
      JSON.stringify(certificate),
    )
  }

  #committed({ contract, hash, block, changes, notarization, commit }: Write<'committed'>): void {
    const id = this.idOf(contract)
    const { header, entries } = block
    const tip = this.#tip(id)
    if (header.height > tip.height) {
      if (header.height !== tip.height + 1)
        throw new CountersignError(
          'invariant-broken',
          `ledger block ${header.height} cannot be committed after ${tip.height}`,
        )
      this.#append(id, hash, block, tip.view)
      for (let place = 0; place < entries.length; place += 1) this.#ordered(id, block, place)
      this.#version(id, header.height, changes)
    } else if (!this.#isCommitted(id, hash)) {
      throw new CountersignError(
        'invariant-broken',
        `another ledger block than ${hash} is committed at height ${header.height}`,
      )
    }
    // A certificate that is held already is as good as this one: the block is not written twice for it.
    if (notarization !== undefined) this.#putCertificate(id, notarization, 'NOTHING')
    if (commit !== undefined) this.#putCertificate(id, commit, 'NOTHING')
  }

  #append(id: number, hash: string, block: LedgerBlock, viewBefore: number): void {
    const { height, view, timeMs } = block.header
    const { row } = this.#block(id, hash, block)
    this.#database.run(
      'INSERT INTO chain (contract, height, block, hash, view, time_ms) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      height,
      row,
      bytesOf(hash),
      view,
      timeMs,
    )
    const passed = this.#database.all<{ block: number }>(
      'SELECT block FROM proposed WHERE contract = ? AND view <= ?',
      id,
      view,
    )
    if (passed.length > 0)
      this.#database.run('DELETE FROM proposed WHERE contract = ? AND view <= ?', id, view)
    for (const other of passed)
      if (other.block !== row) this.#database.run('DELETE FROM block WHERE id = ?', other.block)
    // Up to the view of the block before, what a commit leaves has been removed with that commit.
    this.#database.run(
      'DELETE FROM certificate WHERE contract = ? AND view > ? AND view <= ? AND block <> ?',
      id,
      viewBefore,
      view,
      bytesOf(hash),
    )
  }

  #ordered(id: number, { header, entries }: LedgerBlock, place: number): void {
    const entry = entries[place]
    if (entry === undefined) return
    const row = this.#requestRow(id, entry.request)
    const { changes } = this.#database.run(
      `INSERT INTO request_outcome (request, contract, height, place, outcome, code, not_after_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET height = excluded.height, place = excluded.place, outcome = excluded.outcome,
         code = excluded.code WHERE request_outcome.height IS NULL`,
      row.id,
      id,
      header.height,
      place,
      entry.outcome,
      entry.code ?? null,
      row.not_after_ms,
    )
    if (changes === 0)
      throw new CountersignError('invariant-broken', `request ${entry.request} is ordered a second time`)
    this.#database.run('DELETE FROM waiting WHERE contract = ? AND request = ?', id, row.id)
  }

  #version(id: number, height: number, changes: readonly ElementChange[]): void {
    for (const [uid, record] of changes) {
      const key = bytesOf(uid)
      this.#database.run('INSERT INTO element (uid, contract) VALUES (?, ?) ON CONFLICT DO NOTHING', key, id)
      this.#database.run(
        `INSERT INTO element_version (contract, uid, height, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (contract, uid, height) DO UPDATE SET record = excluded.record`,
        id,
        key,
        height,
        record === null ? null : JSON.stringify(record),
      )
    }
  }

  #cosignature({ contract, cosignature }: Write<'cosignature'>): void {
    const { party, size } = cosignature
    this.#database.run(
      `INSERT INTO cosignature (contract, party, size, body) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET size = excluded.size, body = excluded.body WHERE excluded.size > cosignature.size`,
      this.idOf(contract),
      bytesOf(party),
      size,
      JSON.stringify(cosignature),
    )
  }

  #evidence({ contract, id: hash, evidence }: Write<'evidence'>): void {
    this.#database.run(
      'INSERT INTO evidence (contract, hash, body) VALUES (?, ?, ?) ON CONFLICT (contract, hash) DO NOTHING',
      this.idOf(contract),
      bytesOf(hash),
      JSON.stringify(evidence),
    )
  }

  #counter({ counter }: Write<'signer-counter'>): void {
    this.#database.run(
      'INSERT INTO signer (id, counter) VALUES (1, ?) ON CONFLICT DO UPDATE SET counter = excluded.counter',
      counter,
    )
  }

  #card({ card, pinnedMs }: Write<'peer-card'>): void {
    const { hash, party } = cardIds(card)
    this.#database.run(
      'INSERT INTO card (party, sequence, hash, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      bytesOf(party),
      card.card.sequence,
      bytesOf(hash),
      JSON.stringify(card),
    )
    if (pinnedMs !== undefined)
      this.#database.run(
        'INSERT INTO pin (party, pinned_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
        bytesOf(party),
        pinnedMs,
      )
  }
}
