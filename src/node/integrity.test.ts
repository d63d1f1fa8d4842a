import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'
import { fixtureParty } from '../../test/support/ledger-parties.ts'
import { evidenceId } from '../ledger/evidence.ts'
import { signRequest } from '../ledger/request.ts'
import { Database } from '../store/database.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { bundleLines, openLedger } from './bundle.ts'
import { checkIntegrity } from './integrity.ts'

const ledger = storyLedger(14)
const self = ledger.parties[0] as string
const waiting = ledger.create(0, 'Waits', 'still')
const tip = ledger.tip.block.header

const folder = mkdtempSync(join(tmpdir(), 'countersign-integrity-'))
const intact = join(folder, 'intact.db')
let copies = 0
let file: string

beforeAll(() => writeLedger(ledger))
beforeEach(restore)
afterAll(() => rmSync(folder, { recursive: true }))

/** Goes on with a new copy of the database as it was made. */
function restore(): void {
  copies += 1
  file = join(folder, `${copies}.db`)
  copyFileSync(intact, file)
}

/** A node's database: the ledger, a request that waits, one that expired, and a certificate of what comes next. */
function writeLedger(of: LedgerFixture): void {
  const { contract } = of
  const store = openSqliteStore(':memory:')
  const { openings, ...request } = waiting
  const expired = of.delete(1, of.field)
  store.write([
    ...of.writes(),
    { kind: 'request', contract, request, receivedMs: 1, local: true },
    { kind: 'openings', contract, openings },
    { kind: 'request', contract, request: expired, receivedMs: 1, local: true },
    { kind: 'request-dropped', contract, id: expired.id },
    { kind: 'certificate', contract, certificate: of.certificate('skip', { ...tip, view: tip.view + 1 }) },
  ])
  store.backup(intact)
  store.close()
}

/** Alters the database with the layout's own guards out of the way. */
function alter(...statements: [sql: string, ...parameters: (string | number | Uint8Array | null)[]][]): void {
  const database = new Database(file)
  database.run('PRAGMA foreign_keys = 0')
  database.run('PRAGMA ignore_check_constraints = 1')
  try {
    for (const [sql, ...parameters] of statements) database.run(sql, ...parameters)
  } finally {
    database.close()
  }
}

function withStore<T>(work: (store: Store) => T): T {
  const store = openSqliteStore(file)
  try {
    return work(store)
  } finally {
    store.close()
  }
}

const check = () => withStore((store) => checkIntegrity(store, ledger.contract, self))

/** The finding on the database, with the height up to which the ledger is good. */
function finding(): string {
  const { ok, height, finding: found } = check()
  expect(ok).toBe(false)
  expect(found?.message).not.toBe('')
  return `${found?.rule} ${found?.place} (${height})`
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const idAt = (height: number, index: number) => ledger.blocks[height]?.block.entries[index]?.request as string
function commitmentAt(height: number, index: number): string {
  const operation = ledger.blocks[height]?.requests[index]?.request.operations[0]
  return (operation as { value: string }).value
}

describe('a database that holds what was signed', () => {
  it('[STA-1] is in order', () => {
    expect(check()).toEqual({ ok: true, height: 14 })
  })

  it('[ORD-4] [EPO-2] is in order with a request of somebody who comes in by blocks that are not held yet', () => {
    const { contract } = ledger
    const guest = fixtureParty('Guest', ledger.random)
    const { openings, ...own } = ledger.create(0, 'Ahead', 'of the ledger')
    const request = { ...own.request, author: guest.party, authorKey: guest.keys.author.publicKey }
    const signed = signRequest(guest.keys.author.privateKey, request)
    withStore((store) => {
      store.write([
        { kind: 'request', contract, request: signed, receivedMs: 1, local: false },
        { kind: 'openings', contract, openings },
      ])
    })
    expect(check()).toEqual({ ok: true, height: 14 })
    alter(['UPDATE request SET signature = zeroblob(64) WHERE hash = ?', bytes(signed.id)])
    expect(finding()).toBe(`REQ-1 request ${signed.id} (14)`)
  })

  it('[STA-1] is in order with more blocks than have every height compared', () => {
    const long = storyLedger(230, { members: 1, seed: 'long' })
    withStore((store) => {
      store.write(long.writes())
      expect(checkIntegrity(store, long.contract, self)).toEqual({ ok: true, height: 230 })
    })
  })

  it('[COS-3] is in order while cosignatures are outstanding, or ahead of what has arrived', () => {
    const young = storyLedger(3, { seed: 'young' })
    const older = storyLedger(5, { seed: 'young' })
    young.cosignatures.set(young.parties[0] as string, older.cosignature(0))
    young.cosignatures.delete(young.parties[1] as string)
    withStore((store) => {
      store.write(young.writes())
      expect(checkIntegrity(store, young.contract, self)).toEqual({ ok: true, height: 3 })
    })
  })

  it('[GEN-1] that holds no such contract has none to check', () => {
    const other = '0'.repeat(64)
    withStore((store) =>
      expect(checkIntegrity(store, other, self)).toMatchObject({
        ok: false,
        height: -1,
        finding: { rule: 'GEN-1' },
      }),
    )
  })
})

describe('a value altered by hand', () => {
  it('[VAL-2] in its opening', () => {
    alter(['UPDATE opening SET value = ? WHERE commitment = ?', '"EUR 9"', bytes(commitmentAt(6, 1))])
    expect(finding()).toBe('VAL-2 ledger block 6 (5)')
  })

  it('[VAL-2] by taking the opening away', () => {
    alter(['DELETE FROM opening WHERE commitment = ?', bytes(commitmentAt(6, 1))])
    expect(finding()).toBe('VAL-2 ledger block 6 (5)')
  })

  it('[STA-1] in the current record of its element', () => {
    alter([
      'UPDATE element_version SET record = json_set(record, ?, ?) WHERE id = (SELECT max(id) FROM element_version)',
      '$.name',
      'Item 0',
    ])
    expect(finding()).toMatch(/^STA-1 ledger block 1[0-4] \(14\)$/)
  })

  it('[STA-1] in a former version of its element, which nothing but history shows', () => {
    const first = '(SELECT min(id) FROM element_version WHERE uid = ? AND height = 1)'
    alter([
      `UPDATE element_version SET record = json_set(record, '$.value', ?) WHERE id = ${first}`,
      '0'.repeat(64),
      bytes(ledger.field),
    ])
    expect(finding()).toBe('STA-1 ledger block 1 (14)')
  })

  it('[STA-1] by moving a version to another height', () => {
    alter(['UPDATE element_version SET height = 3 WHERE uid = ? AND height = 2', bytes(ledger.field)])
    expect(finding()).toBe('STA-1 ledger block 2 (14)')
  })

  it('[STA-1] by a version of a height that is still to come', () => {
    alter([
      `INSERT INTO element_version (contract, uid, height, record)
       SELECT contract, uid, 15, NULL FROM element_version WHERE uid = ? AND height = 1`,
      bytes(ledger.field),
    ])
    expect(finding()).toBe('STA-1 ledger block 14 (14)')
  })

  it('[ELE-2] by a record that is none', () => {
    alter(["UPDATE element_version SET record = '[1' WHERE uid = ? AND height = 0", bytes(ledger.field)])
    expect(finding()).toBe(`ELE-2 table element_version, row ${ledger.field} (14)`)
    alter(["UPDATE element_version SET record = '{}' WHERE uid = ? AND height = 0", bytes(ledger.field)])
    expect(finding()).toMatch(/^(STA-1|ELE-2) /)
  })

  it('[ELE-1] so that its element can’t be found', () => {
    alter(['DELETE FROM element WHERE uid = ?', bytes(ledger.field)])
    expect(finding()).toBe('ELE-1 ledger block 14 (14)')
  })
})

describe('a ledger altered by hand', () => {
  it('[BLK-1] in the body of a block', () => {
    alter(["UPDATE block SET body = replace(body, 'accepted', 'rejected') WHERE height = 4 OR height = 7"])
    expect(finding()).toMatch(/^BLK-1 table block, row [0-9a-f]{64} \(\d+\)$/)
  })

  it('[BLK-4] by taking a block out of the middle', () => {
    alter(['DELETE FROM chain WHERE height = 7'])
    expect(finding()).toBe('BLK-4 ledger block 8 (6)')
  })

  it('[STA-1] [ORD-7] by taking the last blocks away', () => {
    // The block that is the last then has no COMMIT of its own.
    alter(['DELETE FROM chain WHERE height = 14'])
    expect(finding()).toBe('ORD-7 ledger block 13 (13)')
    alter(['DELETE FROM chain WHERE height > 11'])
    expect(finding()).toBe('STA-1 ledger block 11 (11)')
  })

  it('[BLK-4] by putting another in its place', () => {
    alter([
      `UPDATE chain SET (block, hash) = (SELECT block, hash FROM chain AS other WHERE other.height = 5)
       WHERE height = 6`,
    ])
    expect(finding()).toBe('BLK-4 ledger block 5 (5)')
  })

  it('[BLK-4] in the time it is found by', () => {
    alter(['UPDATE chain SET time_ms = time_ms + 1 WHERE height = 5'])
    expect(finding()).toBe('BLK-4 ledger block 5 (14)')
  })

  it('[REQ-1] in the body of a request', () => {
    alter(["UPDATE request SET body = replace(body, 'Item 1', 'Item 9') WHERE hash = ?", bytes(idAt(1, 0))])
    expect(finding()).toMatch(/^REQ-1 request /)
  })

  it('[REQ-1] by taking a request away', () => {
    alter(['DELETE FROM request WHERE hash = ?', bytes(idAt(2, 1))])
    expect(finding()).toBe(`REQ-1 request ${idAt(2, 1)} in ledger block 2 (1)`)
  })

  it('[SIG-1] in the signature of a request', () => {
    alter(['UPDATE request SET signature = zeroblob(64) WHERE hash = ?', bytes(idAt(2, 1))])
    expect(finding()).toBe(`SIG-1 request ${idAt(2, 1)} in ledger block 2 (1)`)
  })

  it('[ORD-1] in a certificate', () => {
    alter([
      'UPDATE certificate SET body = replace(body, \'"signature":"\', \'"signature":"A\') WHERE view = 5',
    ])
    expect(finding()).toBe('ORD-1 table certificate, row notarization of view 5 (0)')
    alter(["DELETE FROM certificate WHERE view = 5 AND kind = 'notarization'"])
    expect(finding()).toBe('ORD-1 table certificate, row finalization of view 5 (0)')
  })

  it('[CHK-2] in a cosignature', () => {
    const party = ledger.parties[1] as string
    alter(["UPDATE cosignature SET body = json_set(body, '$.timeS', 1) WHERE party = ?", bytes(party)])
    expect(finding()).toBe(`CHK-2 cosignature of ${party} (0)`)
  })

  it('[GEN-1] in its genesis', () => {
    alter(["UPDATE contract SET genesis = replace(genesis, 'Claim 4711', 'Claim 4712')"])
    expect(finding()).toBe(`GEN-1 table contract, row ${ledger.contract} (-1)`)
  })
})

describe('a row beside the ledger altered by hand', () => {
  const rowOf = '(SELECT id FROM request WHERE hash = ?)'

  it.each([["outcome = 'rejected'"], ["code = 'wrong-type'"], ['height = 3'], ['place = 1']])(
    '[REQ-4] what a request came to (%s)',
    (change) => {
      alter([`UPDATE request_outcome SET ${change} WHERE request = ${rowOf}`, bytes(idAt(1, 0))])
      expect(finding()).toBe(`REQ-4 request ${idAt(1, 0)} in ledger block 1 (14)`)
    },
  )

  it('[REQ-4] a request said to be ordered that is not', () => {
    const expired = "(SELECT request FROM request_outcome WHERE outcome = 'expired')"
    alter([
      `UPDATE request_outcome SET outcome = 'accepted', height = 4, place = 0, not_after_ms = 0 WHERE request = ${expired}`,
    ])
    expect(finding()).toBe('REQ-4 store (14)')
  })

  it('[REQ-5] until when a request could be replayed', () => {
    alter([`UPDATE request_outcome SET not_after_ms = 0 WHERE request = ${rowOf}`, bytes(idAt(1, 0))])
    expect(finding()).toBe(`REQ-5 request ${idAt(1, 0)} (14)`)
    alter([
      `UPDATE request_outcome SET not_after_ms = ? WHERE request = ${rowOf}`,
      2 ** 50,
      bytes(idAt(1, 0)),
    ])
    expect(finding()).toBe(`REQ-5 request ${idAt(1, 0)} (14)`)
  })

  it('[ORD-9] a request that no longer waits', () => {
    alter(['DELETE FROM waiting'])
    expect(finding()).toBe(`ORD-9 request ${waiting.id} (14)`)
  })

  it('[ORD-9] a request that waits again though it was ordered', () => {
    alter([`INSERT INTO waiting SELECT contract, id FROM request WHERE hash = ?`, bytes(idAt(2, 0))])
    expect(finding()).toBe(`ORD-9 request ${idAt(2, 0)} (14)`)
  })

  it('[REQ-1] [VAL-2] a waiting request’s signature, or its opening', () => {
    const { value } = waiting.request.operations[0] as { value: string }
    alter(['DELETE FROM opening WHERE commitment = ?', bytes(value)])
    expect(finding()).toBe(`VAL-2 request ${waiting.id} (14)`)
    alter(['UPDATE request SET signature = zeroblob(64) WHERE hash = ?', bytes(waiting.id)])
    expect(finding()).toBe(`REQ-1 request ${waiting.id} (14)`)
  })

  it('[ORD-1] a certificate that the node would go on from', () => {
    const text = `json_set(body, '$.signatures[0][1].signature', '${'A'.repeat(86)}')`
    alter([`UPDATE certificate SET body = ${text} WHERE kind = 'skip'`])
    expect(finding()).toBe(`ORD-1 view ${tip.view + 1} (14)`)
  })

  it('[EVI-1] evidence against somebody who did nothing', () => {
    const { contract } = ledger
    const [first, second] = [
      ledger.cosignature(1, ledger.checkpoint(3)),
      ledger.cosignature(1, ledger.checkpoint(4)),
    ]
    const evidence = {
      kind: 'two-checkpoints',
      party: first.party,
      contract,
      lineage: 0,
      first,
      second,
    } as const
    withStore((store) => store.write([{ kind: 'evidence', contract, id: evidenceId(evidence), evidence }]))
    expect(finding()).toBe(`EVI-1 evidence ${evidenceId(evidence)} (14)`)
  })
})

describe('any row altered in any way', () => {
  it('[ORD-5] is found, or makes no difference to what was signed; nothing is thrown', () => {
    const content = () =>
      withStore((store) => {
        const open = openLedger(store, ledger.contract)
        const blocks = [...bundleLines(store, open, self, open.height)]
          .map((line) => JSON.parse(line))
          .filter(({ type }) => type === 'ledger-block')
          .map(({ block, requests, openings }) => ({ block, requests, openings }))
        return { elements: [...store.elements(ledger.contract)], blocks }
      })
    const original = content()
    const layout = new Database(file)
    const tables = layout
      .all<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
      )
      .map(({ name }) => {
        const columns = layout.all<{ name: string; pk: number }>(
          'SELECT name, pk FROM pragma_table_info(?)',
          name,
        )
        const keys = columns.filter(({ pk }) => pk > 0).map((column) => column.name)
        const rows = layout.get<{ count: number }>(`SELECT count(*) AS count FROM "${name}"`)?.count ?? 0
        return { name, columns: columns.map((column) => column.name), keys: keys.join(', '), rows }
      })
      .filter(({ rows }) => rows > 0)
    layout.close()
    const target = fc.constantFrom(...tables).chain(({ name, columns, keys, rows }) =>
      fc.record({
        table: fc.constant(name),
        column: fc.constantFrom(...columns),
        where: fc
          .nat(rows - 1)
          .map(
            (row) => `(${keys}) IN (SELECT ${keys} FROM "${name}" ORDER BY ${keys} LIMIT 1 OFFSET ${row})`,
          ),
      }),
    )
    const value = fc.oneof(
      fc.constantFrom(null, '', '{}', 'null', '[]', '{"kind":"field"}', 0, -1, 2 ** 40),
      fc.constantFrom(16, 32, 64).map((sizeBytes) => new Uint8Array(sizeBytes)),
      fc.json(),
      fc.integer(),
    )
    fc.assert(
      fc.property(target, fc.option(value, { nil: undefined }), ({ table, column, where }, replacement) => {
        restore()
        try {
          if (replacement === undefined) alter([`DELETE FROM "${table}" WHERE ${where}`])
          else alter([`UPDATE "${table}" SET "${column}" = ? WHERE ${where}`, replacement])
        } catch {
          // What the layout itself refuses is no damage.
          return
        }
        const result = check()
        if (result.ok) expect(content()).toEqual(original)
        else expect(result.finding?.rule).toMatch(/^[A-Z]+-\d+$/)
      }),
      { numRuns: 120 },
    )
  })
})
