/** The store on SQLite: what every store must do, and what is this engine's own: its file, its limits, its damages. */
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CountersignError } from '../../src/crypto/errors.ts'
import { evidenceId } from '../../src/ledger/evidence.ts'
import { commitmentOf } from '../../src/ledger/value.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite.ts'
import { storeSuite } from './store-suite.ts'
import { START_MS, World } from './store-world.ts'

storeSuite({
  name: 'SQLite',
  open: (place) => openSqliteStore(`${place}.db`),
  openCopy: openSqliteStore,
})

let folder: string
let path: string
const opened: SqliteStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'))
  path = join(folder, 'store.db')
})
afterEach(() => {
  for (const store of opened.splice(0)) store.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(file = path): SqliteStore {
  const store = openSqliteStore(file)
  opened.push(store)
  return store
}

/** Works on the file as any other program would. */
function behindItsBack<T>(work: (database: InstanceType<typeof DatabaseSync>) => T): T {
  const database = new DatabaseSync(path)
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** The error that is thrown, which must be a CountersignError; undefined if none is. */
function errorOf(work: () => unknown): CountersignError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof CountersignError) return error
    throw error
  }
}
const codeOf = (work: () => unknown): string | undefined => errorOf(work)?.code

/** A contract in which everything that a store holds is held. */
function fill(store: SqliteStore): { world: World; request: string; commitment: string; field: string } {
  const world = new World('one')
  const field = world.hex(16)
  const [ordered, waiting] = [world.set(field), world.set(field)]
  const { contract } = world
  store.write([...world.begin([[field, world.field()]]), ...world.arrive(ordered), ...world.arrive(waiting)])
  const block = world.block(1, [ordered])
  const notarization = world.certificate('notarization', 1, block.hash)
  const commit = world.certificate('finalization', 1, block.hash)
  const evidence = {
    kind: 'two-checkpoints' as const,
    party: world.party(1),
    contract,
    lineage: 0,
    first: world.cosignature(1, 4),
    second: world.cosignature(1, 4),
  }
  const alpha = world.parties[0] as (typeof world.parties)[0] & object
  store.write([
    world.commit(block, [[field, world.field()]], { notarization, commit }),
    { kind: 'proposed', contract, ...world.block(2, [waiting]) },
    { kind: 'cosignature', contract, cosignature: world.cosignature(0, 2) },
    { kind: 'evidence', contract, id: evidenceId(evidence), evidence },
    { kind: 'peer-card', card: alpha.signedCard, pinnedMs: 1 },
    { kind: 'setting', key: 'key', value: 'value' },
    { kind: 'signer-counter', counter: 1 },
  ])
  return { world, request: ordered.id, commitment: ordered.openings.map(commitmentOf)[0] as string, field }
}

/** Every way to read, by name. */
function reads(store: SqliteStore, { world, request, commitment, field }: ReturnType<typeof fill>) {
  const { contract } = world
  const hash = world.tip?.hash as string
  return {
    contracts: () => store.contracts(),
    contract: () => store.contract(contract),
    load: () => store.load(contract),
    elements: () => [...store.elements(contract)],
    elementsAt: () => [...store.elements(contract, 0)],
    elementHistory: () => store.elementHistory(contract, field),
    contractOfElement: () => store.contractOfElement(field),
    block: () => store.block(contract, 1),
    blockByHash: () => store.blockByHash(contract, hash),
    blocks: () => store.blocks(contract, 0, 10),
    heightAt: () => store.heightAt(contract, START_MS * 2),
    request: () => store.request(contract, request),
    requests: () => store.requests(contract, { limit: 10 }),
    requestsOf: () => store.requestsOf(contract, [request]),
    openings: () => store.openings(contract, [commitment]),
    cosignatures: () => store.cosignatures(contract),
    evidence: () => store.evidence(contract),
    peers: () => store.peers(),
    peer: () => store.peer(world.party(0)),
    cardHistory: () => store.cardHistory(world.party(0)),
    setting: () => store.setting('key'),
    signerCounter: () => store.signerCounter(),
  }
}

describe('the file', () => {
  it('is readable by its owner alone, and so is all beside it', () => {
    writeFileSync(path, '', { mode: 0o644 })
    const store = open()
    fill(store)
    store.backup(join(folder, 'copy.db'))
    const names = readdirSync(folder)
    expect(names).toEqual(expect.arrayContaining(['copy.db', 'store.db', 'store.db-wal']))
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  })

  it('is intact by SQLite’s own checks, and says whose it is', () => {
    const store = open()
    fill(store)
    const check = (): void =>
      behindItsBack((database) => {
        expect(database.prepare('PRAGMA integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
        expect(database.prepare('PRAGMA foreign_key_check').all()).toEqual([])
      })
    check()
    store.close()
    check()
    behindItsBack((database) => {
      expect(database.prepare('PRAGMA application_id').get()).toMatchObject({ application_id: 0x4353474e })
    })
  })

  it('of another program, of a later version, or of no database at all is refused and left as it is', () => {
    behindItsBack((database) => database.exec('CREATE TABLE theirs (a)'))
    const theirs = readFileSync(path)
    expect(errorOf(open)).toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('another program'),
    })
    expect(readFileSync(path).equals(theirs)).toBe(true)
    rmSync(path)

    open().close()
    behindItsBack((database) => database.exec('PRAGMA user_version = 999'))
    expect(errorOf(open)).toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('newer version'),
    })
    rmSync(path)

    const text = 'This is no database. '.repeat(500)
    writeFileSync(path, text)
    expect(codeOf(open)).toBe('storage-failed')
    expect(readFileSync(path, 'utf8')).toBe(text)

    expect(codeOf(() => open(join(folder, 'missing', 'store.db')))).toBe('storage-failed')
    expect(codeOf(() => open(folder))).toBe('storage-failed')
  })

  it('cannot be written while another program writes: refused after a wait, and then goes on', () => {
    const store = open()
    const { world } = fill(store)
    const release = behindItsBack((database) => {
      database.exec('BEGIN IMMEDIATE')
      const error = errorOf(() => store.write([{ kind: 'setting', key: 'a', value: 'b' }]))
      expect(error).toMatchObject({
        code: 'storage-failed',
        message: expect.stringContaining('another process'),
      })
      expect(store.load(world.contract).height).toBe(1)
      return () => undefined
    })
    release()
    store.write([{ kind: 'setting', key: 'a', value: 'b' }])
    expect(store.setting('a')).toBe('b')
  })

  it('is whole by itself once it is closed', () => {
    const store = open()
    const filled = fill(store)
    const before = Object.entries(reads(store, filled)).map(([name, read]) => [name, read()])
    store.close()
    const copy = join(folder, 'copy.db')
    copyFileSync(path, copy)
    const copied = open(copy)
    expect(Object.entries(reads(copied, filled)).map(([name, read]) => [name, read()])).toEqual(before)
  })
})

describe('a full disk', () => {
  it('refuses a batch whole, keeps on reading, and takes it once there is room', () => {
    const store = open()
    const filled = fill(store)
    const { world } = filled
    const before = Object.entries(reads(store, filled)).map(([name, read]) => [name, read()])
    store.limitSize(1)
    const request = world.set(filled.field, 'x'.repeat(20_000))
    const batch = [{ kind: 'signer-counter' as const, counter: 9 }, ...world.arrive(request)]
    for (let tries = 0; tries < 3; tries += 1) expect(codeOf(() => store.write(batch))).toBe('disk-full')
    expect(Object.entries(reads(store, filled)).map(([name, read]) => [name, read()])).toEqual(before)
    store.limitSize(undefined)
    store.write(batch)
    expect(store.signerCounter()).toBe(9)
    expect(store.load(world.contract).waiting).toHaveLength(2)
  })

  it('says so where it fills while a batch is written, at every length of the batch', () => {
    const store = open()
    const world = new World('one')
    store.write(world.begin())
    const requests = Array.from({ length: 60 }, () => world.set(world.rootUid, 'x'.repeat(3000)))
    const batch = requests.flatMap((request) => world.arrive(request))
    let refusals = 0
    for (let sizeBytes = 4096; sizeBytes < 1024 * 1024; sizeBytes += 32 * 1024) {
      store.limitSize(sizeBytes)
      const code = codeOf(() => store.write(batch))
      if (code === undefined) break
      refusals += 1
      expect(code).toBe('disk-full')
      expect(store.load(world.contract).waiting).toEqual([])
    }
    expect(refusals).toBeGreaterThan(3)
    expect(store.load(world.contract).waiting).toHaveLength(60)
  })
})

describe('a database that was edited by hand', () => {
  const JUNK = ['', '{', 'null', '[]', '{}', '7', '"x"', '{"header":{}}', '{"card":null,"signature":1}']

  it.each<[table: string, column: string, by: string[]]>([
    ['contract', 'genesis', ['contracts', 'contract']],
    ['request', 'body', ['load', 'request', 'requests', 'requestsOf', 'elementHistory']],
    ['opening', 'value', ['openings']],
    ['block', 'body', ['load', 'block', 'blockByHash', 'blocks', 'elementHistory']],
    ['certificate', 'body', ['load', 'block', 'blockByHash', 'blocks']],
    ['cosignature', 'body', ['load', 'cosignatures']],
    ['evidence', 'body', ['evidence']],
    ['element_version', 'record', ['elements', 'elementsAt', 'elementHistory']],
    ['card', 'body', ['peers', 'peer', 'cardHistory']],
  ])('fails by name where %s.%s is not what belongs there', (table, column, by) => {
    for (const junk of JUNK) {
      // A record of the state may be any object: what it must be is the contract's business.
      if (table === 'element_version' && junk.startsWith('{"')) continue
      if (table === 'element_version' && junk === '{}') continue
      if (table === 'opening' && (junk === 'null' || junk === '"x"')) continue
      const store = open()
      const filled = fill(store)
      behindItsBack((database) => database.prepare(`UPDATE ${table} SET ${column} = ?`).run(junk))
      for (const [name, read] of Object.entries(reads(store, filled))) {
        const error = errorOf(read)
        if (error === undefined) continue
        expect([junk, name, error.code]).toEqual([junk, name, 'storage-failed'])
        expect(error.message).toContain(`table ${table}, row `)
        expect(error.detail).toMatchObject({ table, key: expect.stringMatching(/./) })
      }
      const failing = Object.entries(reads(store, filled)).flatMap(([name, read]) =>
        errorOf(read) ? [name] : [],
      )
      for (const name of by.filter((one) => one !== 'elementHistory' || table !== 'request'))
        expect([junk, failing]).toEqual([junk, expect.arrayContaining([name])])
      store.close()
      for (const name of readdirSync(folder)) rmSync(join(folder, name))
    }
  })

  it('shows what is on disk where that has the right shape: whether it was signed is told by its hash', () => {
    const store = open()
    const { world, request, commitment } = fill(store)
    behindItsBack((database) => {
      database.exec(`UPDATE request SET body = json_set(body, '$.notAfterMs', 7)`)
      database.exec(`UPDATE block SET body = json_set(body, '$.header.timeMs', 7)`)
      database.exec(`UPDATE opening SET value = '"another value"'`)
    })
    expect(store.request(world.contract, request)?.request.notAfterMs).toBe(7)
    expect(store.block(world.contract, 1)?.block.header.timeMs).toBe(7)
    expect(store.openings(world.contract, [commitment]).get(commitment)?.value).toBe('another value')
  })

  it('fails where a contract, a card or evidence stands under the key of another', () => {
    const store = open()
    const filled = fill(store)
    behindItsBack((database) => {
      database.exec(`UPDATE contract SET genesis = json_set(genesis, '$.name', 'another')`)
      database.exec(`UPDATE card SET body = json_set(body, '$.card.name', 'another')`)
      database.exec(`UPDATE evidence SET body = json_set(body, '$.lineage', 1)`)
    })
    const failing = Object.entries(reads(store, filled)).flatMap(([name, read]) =>
      errorOf(read) ? [name] : [],
    )
    expect(failing.sort()).toEqual(['cardHistory', 'contract', 'contracts', 'evidence', 'peer', 'peers'])
  })

  it('throws nothing but CountersignError, whatever row or table is gone', () => {
    const tables = behindItsBack((database) => {
      open().close()
      return database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all() as {
        name: string
      }[]
    })
    expect(tables.length).toBeGreaterThan(10)
    for (const { name: table } of tables)
      for (const statement of [`DELETE FROM ${table}`, `DROP TABLE ${table}`]) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name))
        const store = open()
        const filled = fill(store)
        behindItsBack((database) => database.exec(`PRAGMA foreign_keys = off; ${statement}`))
        const { world } = filled
        const writes = [
          () => store.write(world.arrive(world.set(filled.field))),
          () => store.write([world.commit(world.block(3), [[filled.field, null]])]),
          () => store.write([{ kind: 'contract-status', contract: world.contract, status: 'halted' }]),
          () => store.backup(join(folder, 'copy.db')),
        ]
        for (const work of [...Object.values(reads(store, filled)), ...writes]) {
          const code = codeOf(work)
          expect(['storage-failed', 'unknown-contract', 'invariant-broken', undefined]).toContain(code)
        }
        store.close()
      }
  })

  it('throws nothing but CountersignError, wherever the file is overwritten', () => {
    const store = open()
    const filled = fill(store)
    store.close()
    const whole = readFileSync(path)
    let failed = 0
    for (let page = 0; page * 4096 < whole.length; page += 1)
      for (const [from, byte] of [
        [0, 0xff],
        [0, 0],
        [2000, 0x5a],
        [4000, 0xff],
      ] as const) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name))
        writeFileSync(path, Buffer.from(whole).fill(byte, page * 4096 + from, page * 4096 + from + 90))
        const error = errorOf(() => {
          const damaged = open()
          const errors = Object.values(reads(damaged, filled)).flatMap((read) => errorOf(read) ?? [])
          for (const { code } of errors) expect(['storage-failed', 'unknown-contract']).toContain(code)
          if (errors.length > 0) failed += 1
        })
        if (error !== undefined) failed += 1
        expect(['storage-failed', undefined]).toContain(error?.code)
      }
    expect(failed).toBeGreaterThan(20)
  })
})
