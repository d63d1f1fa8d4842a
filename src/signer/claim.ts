/**
 * A directory for one process at a time. Node has no flock; SQLite has the operating system's own lock on a file, which ends
 * with its process however that ends. So there is nothing stale to judge: no guess whether a process number in a file is
 * still the same process, or one of this container at all (docs/adr/0007-the-signers-directory-is-locked-by-the-kernel.md).
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { CountersignError } from '../crypto/errors.ts'

const SQLITE_BUSY = 5
const NAME_MAX_LENGTH = 200

/** Claims of this process: one that nobody refers to any more must not be given back by the garbage collector. */
const claims = new Set<DatabaseSyncInstance>()

/**
 * Takes the directory for this process; returns what gives it back. A process that dies gives it back by that.
 * @throws CountersignError `conflict` while it is taken, by another process or by this one; `storage-failed`
 */
export function claimDirectory(directory: string): () => void {
  const file = join(directory, 'in-use.lock')
  const holder = join(directory, 'in-use.by')
  createOnce(file)
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    // Nothing is ever written: the file stays empty, and a killed process leaves no journal beside it.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw refusal(directory, holder, error)
  }
  claims.add(database)
  noteHolder(holder)
  return () => {
    if (!claims.delete(database)) return
    try {
      rmSync(holder, { force: true })
    } finally {
      database.close()
    }
  }
}

/** A file that is there is not even opened: closing it would give up the lock that this process may have on it (POSIX). */
function createOnce(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function refusal(directory: string, holder: string, error: unknown): CountersignError {
  const { errcode, message } = error as { errcode?: number; message: string }
  if (errcode !== undefined && (errcode & 0xff) === SQLITE_BUSY)
    return new CountersignError(
      'conflict',
      `${nameOf(holder)} is using ${directory}: stop that node first, a second one must not sign with the same keys`,
      undefined,
      { cause: error },
    )
  return new CountersignError('storage-failed', `${directory} can’t be locked: ${message}`, undefined, {
    cause: error,
  })
}

/** For people only; nothing rests on it. */
function noteHolder(file: string): void {
  try {
    writeFileSync(file, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 })
  } catch {
    // The disk may be full, which the node says itself as soon as it matters.
  }
}

function nameOf(holder: string): string {
  try {
    return readFileSync(holder, 'latin1').slice(0, NAME_MAX_LENGTH).trim() || 'another process'
  } catch {
    return 'another process'
  }
}
