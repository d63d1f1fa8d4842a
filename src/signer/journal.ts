/**
 * The lock journal: append-only, and on disk before `append` returns (PROTOCOL SGN-2). Its format: journal-format.ts.
 *
 * An append that fails may have left any part of itself in the file, and after a failed sync nobody can tell which. So the
 * file is cut back to what was known to be on disk, and that synced, before anything else is appended: at once where the
 * disk allows it, else at the start of the next append.
 */
import { Buffer } from 'node:buffer'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { CountersignError } from '../crypto/errors.ts'
import { claimDirectory } from './claim.ts'
import { type Files, syncDirectory, translated, uninterrupted, writeAll, writePrivately } from './files.ts'
import { encodeLine, HEADING, parseJournal } from './journal-format.ts'

/** Where the signer keeps its locks: plain JSON objects, in order. Another one than a file's is a simulated disk. */
export type Journal = {
  /**
   * Adds records; on disk when it returns. Where it throws, they are in no later `load` once something else was appended;
   * a crash before that may leave them or not.
   * @throws CountersignError `disk-full`, `storage-failed`; may be tried again
   */
  append(records: readonly object[]): void
  /** Everything appended, in order. */
  load(): object[]
  /** Puts these records in place of everything appended so far, in one step. @throws as `append` does */
  compact?(records: readonly object[]): void
  close(): void
}

const FILE = 'locks.journal'
const OTHERS_WRITE = 0o022

/**
 * Opens the journal of a signer's directory, or makes both, readable by their owner alone, and claims the directory for
 * this process. files: for tests.
 * @throws CountersignError `invariant-broken` where it is damaged or others may write to the directory, `conflict` where
 *   another signer has the directory open, `storage-failed`, `disk-full`
 */
export function openJournal(directory: string, files: Files = fs): Journal {
  return translated(`the signer’s directory ${directory} can’t be opened`, () => {
    if (fs.mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined)
      syncDirectory(dirname(directory))
    if (process.platform !== 'win32' && (fs.statSync(directory).mode & OTHERS_WRITE) !== 0)
      throw new CountersignError(
        'invariant-broken',
        `others than its owner may write to ${directory}, and so take back what this node has locked: chmod 700 it`,
      )
    const release = claimDirectory(directory)
    try {
      return new FileJournal(directory, release, files)
    } catch (error) {
      release()
      throw error
    }
  })
}

class FileJournal implements Journal {
  readonly #directory: string
  readonly #file: string
  readonly #files: Files
  readonly #release: () => void
  #records: object[] | undefined
  #descriptor: number
  /** Of what is known to be on disk. */
  #sizeBytes: number
  /** The last line's check. */
  #check: string
  /** There may be bytes of a failed append beyond `#sizeBytes`. */
  #torn: boolean
  /**
   * The file's name may not be on disk yet: a power cut would bring the file back that it took the place of, without what
   * is appended to this one. At the start too: a process may have died between renaming the file and syncing its name.
   */
  #renamed = true
  /** Why nothing is taken any more. */
  #end: CountersignError | undefined

  constructor(directory: string, release: () => void, files: Files) {
    this.#directory = directory
    this.#file = join(directory, FILE)
    this.#files = files
    this.#release = release
    if (!fs.existsSync(this.#file)) this.#replace(`${HEADING}\n`)
    const bytes = fs.readFileSync(this.#file)
    const found = parseJournal(bytes, this.#file)
    this.#records = found.records
    this.#sizeBytes = found.sizeBytes
    this.#check = found.check
    this.#torn = found.sizeBytes < bytes.length
    fs.chmodSync(this.#file, 0o600)
    this.#descriptor = files.openSync(this.#file, 'r+')
    try {
      if (this.#torn) this.#cutBack()
    } catch (error) {
      files.closeSync(this.#descriptor)
      throw error
    }
  }

  load(): object[] {
    // Handed out once, so that a long journal does not stay in memory; after that it is read again.
    const records = this.#records ?? this.#read()
    this.#records = undefined
    return records
  }

  #read(): object[] {
    return translated('the lock journal can’t be read', () => {
      const bytes = fs.readFileSync(this.#file).subarray(0, this.#sizeBytes)
      return parseJournal(bytes, this.#file).records
    })
  }

  append(records: readonly object[]): void {
    if (records.length === 0) return
    translated('the locks can’t be written', () => {
      this.#makeReady()
      this.#records = undefined
      const { check, text } = encodeLine(this.#check, records)
      const bytes = Buffer.from(text, 'latin1')
      this.#torn = true
      try {
        writeAll(this.#files, this.#descriptor, bytes, this.#sizeBytes)
        uninterrupted(() => this.#files.fdatasyncSync(this.#descriptor))
      } catch (error) {
        this.#tryCutBack()
        throw error
      }
      this.#torn = false
      this.#sizeBytes += bytes.length
      this.#check = check
    })
  }

  compact(records: readonly object[]): void {
    translated('the lock journal can’t be compacted', () => {
      this.#makeReady()
      this.#records = undefined
      const { check, text } = encodeLine(HEADING, records)
      const whole = `${HEADING}\n${text}`
      this.#replace(whole)
      const former = this.#descriptor
      try {
        this.#descriptor = this.#files.openSync(this.#file, 'r+')
      } catch (error) {
        throw this.#endWith('it can’t be opened after it was compacted', error)
      }
      this.#sizeBytes = whole.length
      this.#check = check
      this.#renamed = true
      this.#files.closeSync(former)
      this.#makeReady()
    })
  }

  /** Finishes and undoes what failed before. */
  #makeReady(): void {
    if (this.#end !== undefined) throw this.#end
    if (this.#torn) this.#cutBack()
    if (this.#renamed) syncDirectory(this.#directory, this.#files)
    this.#renamed = false
  }

  #cutBack(): void {
    uninterrupted(() => this.#files.ftruncateSync(this.#descriptor, this.#sizeBytes))
    uninterrupted(() => this.#files.fsyncSync(this.#descriptor))
    this.#torn = false
  }

  #tryCutBack(): void {
    try {
      this.#cutBack()
    } catch {
      // What made the append fail is what is told; this is tried again before the next one.
    }
  }

  /** Puts a new file in the journal's place; a crash leaves the old one or the new. */
  #replace(text: string): void {
    const next = `${this.#file}.new`
    this.#remove(next)
    try {
      writePrivately(next, Buffer.from(text, 'latin1'), this.#files)
    } catch (error) {
      this.#remove(next)
      throw error
    }
    try {
      this.#files.renameSync(next, this.#file)
    } catch (error) {
      // Whether it took place is not known, nor which of the two files an append would go to.
      throw this.#endWith('putting a new file in its place failed', error)
    }
  }

  #remove(file: string): void {
    try {
      this.#files.unlinkSync(file)
    } catch {
      // Mostly there is none. One that stays is never read; it only keeps the journal from being compacted.
    }
  }

  #endWith(what: string, cause: unknown): CountersignError {
    this.#end = new CountersignError(
      'storage-failed',
      `the lock journal ${this.#file} failed (${what}): nothing is signed until the node is started anew`,
      undefined,
      { cause },
    )
    return this.#end
  }

  close(): void {
    if (this.#end?.message === CLOSED) return
    this.#end = new CountersignError('storage-failed', CLOSED)
    try {
      this.#files.closeSync(this.#descriptor)
    } finally {
      this.#release()
    }
  }
}

const CLOSED = 'the lock journal is closed'
