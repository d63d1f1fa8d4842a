/**
 * One SQLite database: opened durably and privately, with cached statements, one kind of transaction, and errors in the
 * project's own words.
 */
import { chmodSync, closeSync, constants, existsSync, fsyncSync, openSync, rmSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite'
import { CountersignError } from '../crypto/errors.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/** What a statement takes: text, 64-bit integers, raw bytes, null. */
export type Parameter = string | number | Uint8Array | null

const BUSY_TIMEOUT_MS = 2000
/** Pages of WAL after which a commit moves it into the database: 16 MiB, so that pages touched often move once. */
const CHECKPOINT_PAGES = 4096
const CACHE_KIB = 32 * 1024
const WAL_KEPT_BYTES = 64 * 1024 * 1024
const PAGE_SIZE_BYTES = 4096
const NO_LIMIT_PAGES = 4294967294
/** Less than this free, and an I/O error is taken for a full disk. */
const FULL_BELOW_BYTES = 1024 * 1024

const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

export class Database {
  readonly #path: string
  readonly #database: DatabaseSyncInstance
  readonly #statements = new Map<string, StatementSyncInstance>()

  /** Opens or makes the database, and brings it to the newest layout. `:memory:` is one without a file, for tests. */
  constructor(path: string) {
    this.#path = path
    if (path !== ':memory:') makePrivate(path)
    this.#database = this.guard(
      () =>
        new DatabaseSync(path, {
          timeout: BUSY_TIMEOUT_MS,
          defensive: true,
          enableForeignKeyConstraints: true,
        }),
    )
    try {
      this.guard(() => {
        // Before anything is changed in it: the file may be another program's.
        this.#checkVersion()
        this.#configure()
        this.#migrate()
      })
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  #configure(): void {
    const inMemory = this.#path === ':memory:'
    this.#set('journal_mode', 'wal', inMemory ? 'memory' : 'wal')
    // FULL: the WAL is fsynced at each commit. In NORMAL, a power cut takes the last commits back.
    this.#set('synchronous', 2)
    this.#set('foreign_keys', 1)
    this.#set('trusted_schema', 0)
    this.#set('cell_size_check', 1)
    this.#set('cache_size', -CACHE_KIB)
    this.#set('wal_autocheckpoint', CHECKPOINT_PAGES)
    this.#set('journal_size_limit', WAL_KEPT_BYTES)
  }

  /** Sets a pragma and makes sure that it took: SQLite answers some that it will not follow with silence. */
  #set(pragma: string, value: string | number, expected: string | number = value): void {
    this.#database.exec(`PRAGMA ${pragma} = ${value}`)
    const [found] = Object.values(this.get<Record<string, unknown>>(`PRAGMA ${pragma}`) ?? {})
    if (found !== expected)
      throw new CountersignError(
        'storage-failed',
        `the database at ${this.#path} does not take ${pragma} = ${expected} (it says ${String(found)})`,
      )
  }

  /** The layout's version; 0 for a new file. @throws CountersignError `storage-failed` unless it can be worked on */
  #checkVersion(): number {
    const version = this.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
    const application = this.get<{ application_id: number }>('PRAGMA application_id')?.application_id
    const isEmpty = this.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined
    if (!isEmpty && application !== APPLICATION_ID)
      throw new CountersignError('storage-failed', `${this.#path} is the database of another program`)
    if (version > MIGRATIONS.length)
      throw new CountersignError(
        'storage-failed',
        `${this.#path} was written by a newer version (layout ${version}, this one knows ${MIGRATIONS.length}); use that version`,
      )
    return version
  }

  #migrate(): void {
    if (this.#checkVersion() === MIGRATIONS.length) return
    this.transaction(() => {
      // Another process may have brought it up to date while this one waited.
      for (const migration of MIGRATIONS.slice(this.#checkVersion())) this.#database.exec(migration)
      this.#database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
      this.#database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    })
  }

  /** Runs a statement; returns how many rows it changed and the last rowid it gave out. */
  run(sql: string, ...parameters: Parameter[]): { changes: number; lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...parameters)
  }

  get<Row>(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined
  }

  /** All rows at once: no cursor stays open, so that any statement may follow. */
  all<Row>(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[]
  }

  #statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  /** Runs `work` in one transaction, on disk on return; nothing of it stays where it throws. */
  transaction(work: () => void): void {
    this.guard(() => {
      this.run('BEGIN IMMEDIATE')
      try {
        work()
        this.run('COMMIT')
      } catch (error) {
        // On some errors SQLite has rolled back already.
        if (this.#database.isTransaction) this.run('ROLLBACK')
        throw error
      }
    })
  }

  /** Runs `work`; whatever it throws becomes a CountersignError. */
  guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#translate(error)
    }
  }

  #translate(error: unknown): CountersignError {
    if (error instanceof CountersignError) return error
    const { errcode, message } = error as { errcode?: unknown; message?: unknown }
    const primary = typeof errcode === 'number' ? errcode & 0xff : undefined
    const text = (what: string): string => `${what} (${this.#path}): ${String(message)}`
    const made = (code: 'disk-full' | 'storage-failed', what: string): CountersignError =>
      new CountersignError(code, text(what), undefined, { cause: error })
    if (primary === SQLITE_FULL || (primary === SQLITE_IOERR && this.#isDiskFull()))
      return made('disk-full', 'the database cannot grow')
    if (primary === SQLITE_BUSY) return made('storage-failed', 'another process holds the database')
    if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB)
      return made('storage-failed', 'the database file is damaged; restore it from a backup')
    return made('storage-failed', 'the database failed')
  }

  /** SQLite reports a full disk as an I/O error where a sync or the shared memory file meets it. */
  #isDiskFull(): boolean {
    if (this.#path === ':memory:') return false
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path))
      return bavail * bsize < FULL_BELOW_BYTES
    } catch {
      return false
    }
  }

  /** Limits the database to about this size, in bytes; undefined lifts the limit. What is there stays. */
  limitSize(sizeBytes: number | undefined): void {
    const pages =
      sizeBytes === undefined ? NO_LIMIT_PAGES : Math.max(1, Math.floor(sizeBytes / PAGE_SIZE_BYTES))
    this.guard(() => this.#database.exec(`PRAGMA max_page_count = ${pages}`))
  }

  /** A compact copy in a new file, on disk on return. */
  copyTo(path: string): void {
    // SQLite takes an empty file for the copy; making it here keeps it private from its first byte.
    try {
      closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new CountersignError('conflict', `${path} exists; name a new file for the copy`)
      throw fileError('the copy cannot be made', error)
    }
    try {
      this.run('VACUUM INTO ?', path)
      syncFile(path)
      syncFile(dirname(path))
    } catch (error) {
      rmSync(path, { force: true })
      throw this.#translate(error)
    }
  }

  close(): void {
    if (!this.#database.isOpen) return
    try {
      // The library keeps a closed connection until its statements are collected; so the WAL is emptied here.
      this.get('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // Whoever opens the database next finds it in the WAL.
    }
    this.#statements.clear()
    this.#database.close()
  }
}

/** Makes the file, or what is there, readable by its owner alone; SQLite gives its WAL the same mode. */
function makePrivate(path: string): void {
  try {
    if (existsSync(path)) chmodSync(path, 0o600)
    else closeSync(openSync(path, constants.O_CREAT | constants.O_WRONLY, 0o600))
  } catch (error) {
    throw fileError('the database cannot be opened', error)
  }
}

function syncFile(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function fileError(what: string, error: unknown): CountersignError {
  const { code, message } = error as NodeJS.ErrnoException
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new CountersignError(full ? 'disk-full' : 'storage-failed', `${what}: ${message}`, undefined, {
    cause: error,
  })
}
