/** The steps of a batch as SQL; see StoreWrite for what each does. */
import { CountersignError } from '../crypto/errors.ts'
import { freezeId } from '../ledger/freeze.ts'
import { commitmentOf } from '../ledger/value.ts'
import type { Database } from './database.ts'
import { LedgerWriter } from './ledger-writes.ts'
import { Memory } from './memory.ts'
import { bytesOf, bytesOf64, cardIds } from './rows.ts'
import type { StoreWrite } from './store.ts'

type Write<Kind extends StoreWrite['kind']> = Extract<StoreWrite, { kind: Kind }>

/** Applies batches: `begin` before each, and `forget` after one that was rolled back. */
export class Writer {
  readonly #database: Database
  readonly #memory = new Memory()
  readonly #ledger: LedgerWriter

  constructor(database: Database) {
    this.#database = database
    this.#ledger = new LedgerWriter(database, this.#memory)
  }

  begin(): void {
    this.#memory.begin()
  }

  forget(): void {
    this.#memory.forget()
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
      case 'judgement':
        this.#judgement(write)
        break
      case 'openings':
        this.#openings(write)
        break
      case 'request-dropped':
        this.#dropped(write)
        break
      case 'proposed':
        this.#ledger.proposed(this.idOf(write.contract), write.hash, write.block)
        break
      case 'certificate':
        this.#ledger.certificate(this.idOf(write.contract), write.certificate)
        break
      case 'committed':
        this.#ledger.committed(this.idOf(write.contract), write)
        break
      case 'skips-dropped':
        this.#ledger.skipsDropped(this.idOf(write.contract), write.toView)
        break
      case 'cosignature':
        this.#cosignature(write)
        break
      case 'evidence':
        this.#evidence(write)
        break
      case 'freeze':
        this.#database.run(
          'INSERT INTO freeze (contract, hash, body) VALUES (?, ?, ?) ON CONFLICT (contract, hash) DO NOTHING',
          this.idOf(write.contract),
          bytesOf(freezeId(write.freeze)),
          JSON.stringify(write.freeze),
        )
        break
      case 'lineage':
        this.#lineage(write)
        break
      case 'returned':
        this.#returned(write)
        break
      case 'basis':
        this.#ledger.begin(this.idOf(write.contract), write)
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
    const known = this.#memory.contract(contract)
    if (known !== undefined) return known
    const row = this.#database.get<{ id: number }>(
      'SELECT id FROM contract WHERE hash = ?',
      bytesOf(contract),
    )
    if (row !== undefined) this.#memory.setContract(contract, row.id)
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
    if (changes === 0) return
    const row = Number(lastInsertRowid)
    this.#database.run('INSERT INTO waiting (contract, request) VALUES (?, ?)', id, row)
    this.#memory.setRequest(id, signed.id, { row, notAfterMs: request.notAfterMs })
  }

  #judgement({ contract, id: hash, judgement }: Write<'judgement'>): void {
    const { row } = this.#ledger.request(this.idOf(contract), hash)
    this.#database.run('UPDATE request SET judgement = ? WHERE id = ?', JSON.stringify(judgement), row)
  }

  #openings({ contract, openings }: Write<'openings'>): void {
    const id = this.idOf(contract)
    for (const opening of openings)
      this.#database.run(
        'INSERT INTO opening (contract, commitment, salt, value, uid) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        id,
        bytesOf(commitmentOf(opening)),
        bytesOf64(opening.salt),
        JSON.stringify(opening.value),
        opening.of === undefined ? null : bytesOf(opening.of),
      )
  }

  #dropped({ contract, id: hash }: Write<'request-dropped'>): void {
    const id = this.idOf(contract)
    const { row, notAfterMs } = this.#ledger.request(id, hash)
    this.#database.run(
      `INSERT INTO request_outcome (request, contract, outcome, not_after_ms) VALUES (?, ?, 'expired', ?)
       ON CONFLICT DO NOTHING`,
      row,
      id,
      notAfterMs,
    )
    this.#database.run('DELETE FROM waiting WHERE contract = ? AND request = ?', id, row)
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

  #lineage({ contract, start, keepHeight }: Write<'lineage'>): void {
    const id = this.idOf(contract)
    this.#ledger.goBack(id, keepHeight)
    this.#database.run('DELETE FROM cosignature WHERE contract = ?', id)
    this.#database.run(
      'INSERT INTO lineage (contract, lineage, body) VALUES (?, ?, ?)',
      id,
      start.genesis.lineage,
      JSON.stringify(start),
    )
    this.#status({ kind: 'contract-status', contract, status: 'accepted' })
  }

  #returned({ contract, keepHeight }: Write<'returned'>): void {
    const id = this.idOf(contract)
    this.#ledger.goBack(id, keepHeight)
    // Larger ones are of what is given up.
    this.#database.run('DELETE FROM cosignature WHERE contract = ? AND size > ?', id, keepHeight + 1)
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
