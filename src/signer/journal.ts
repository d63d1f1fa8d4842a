/**
 * The lock journal: append-only, and on disk before `append` returns (PROTOCOL SGN-2).
 *
 *   countersign lock journal 1
 *   <check> <records as JSON>         one line an append; check: the first 32 hex digits of
 *   <check> <records as JSON>         SHA-256(check before ‖ JSON), the first line's "check before" being the heading
 *
 * What an interrupted append leaves at the end is cut off: its signatures were never returned. Every other damage refuses
 * to open (SGN-3): a byte that differs, a line that is missing, moved or added. Lines missing from the end, whole, are what
 * the data's copy of the counter tells (AMN-1).
 */
import { Buffer } from 'node:buffer'
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import { sha256Hex } from '../crypto/provider.ts'
import { claimDirectory } from './claim.ts'

/** Where the signer keeps its locks: plain JSON objects, in order. Another one than a file's is a simulated disk. */
export type Journal = {
  /** Adds records; on disk when it returns. Where it throws, none of them is returned by a later `load`. */
  append(records: readonly object[]): void
  /** Everything appended, in order. */
  load(): object[]
  /** Puts these records in place of everything appended so far, in one step. */
  compact?(records: readonly object[]): void
  close(): void
}

const FILE = 'locks.journal'
const HEADING = 'countersign lock journal 1'
const CHECK_LENGTH = 32
const NEWLINE = 10
const SECTOR_BYTES = 512
/** Visible ASCII and space: what the records' JSON is made of, so that a byte of the file is a character. */
const PLAIN = /^[ -~]*$/

/** A line of records, and its check. @throws CountersignError `invariant-broken` for records that are not all ASCII */
function encode(before: string, records: readonly object[]): { check: string; text: string } {
  const json = JSON.stringify(records)
  if (!PLAIN.test(json))
    throw new CountersignError('invariant-broken', 'lock records are ASCII; these are not')
  const check = sha256Hex(before + json).slice(0, CHECK_LENGTH)
  return { check, text: `${check} ${json}\n` }
}

/**
 * Opens the journal of a signer's directory, or makes both, readable by their owner alone, and claims the directory for
 * this process.
 * @throws CountersignError `invariant-broken` where it is damaged, `conflict` where another signer has the directory open,
 *   `storage-failed`, `disk-full`
 */
export function openJournal(directory: string): Journal {
  return translated(() => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const release = claimDirectory(directory)
    try {
      return new FileJournal(directory, release)
    } catch (error) {
      release()
      throw error
    }
  })
}

class FileJournal implements Journal {
  readonly #directory: string
  readonly #file: string
  readonly #release: () => void
  #records: object[] | undefined
  #descriptor: number
  #sizeBytes: number
  /** The last line's check. */
  #check: string
  /** Why nothing can be appended any more. */
  #failure: CountersignError | undefined

  constructor(directory: string, release: () => void) {
    this.#directory = directory
    this.#file = join(directory, FILE)
    this.#release = release
    if (!existsSync(this.#file)) this.#replace(`${HEADING}\n`)
    const bytes = readFileSync(this.#file)
    const found = parse(bytes, this.#file)
    this.#records = found.records
    this.#sizeBytes = found.sizeBytes
    this.#check = found.check
    this.#descriptor = openSync(this.#file, constants.O_WRONLY)
    try {
      fchmodSync(this.#descriptor, 0o600)
      if (found.sizeBytes < bytes.length) {
        ftruncateSync(this.#descriptor, found.sizeBytes)
        fsyncSync(this.#descriptor)
      }
    } catch (error) {
      closeSync(this.#descriptor)
      throw error
    }
  }

  load(): object[] {
    // Handed out once, so that a long journal does not stay in memory; after that it is read again.
    const records = this.#records ?? parse(readFileSync(this.#file), this.#file).records
    this.#records = undefined
    return records
  }

  append(records: readonly object[]): void {
    this.#checkUsable()
    this.#records = undefined
    const { check, text } = encode(this.#check, records)
    translated(() => this.#write(Buffer.from(text, 'latin1')))
    this.#check = check
  }

  #write(bytes: Buffer): void {
    try {
      writeAll(this.#descriptor, bytes, this.#sizeBytes)
    } catch (error) {
      // A full disk may have taken a part; what follows must not stand behind it.
      this.#orFail(() => ftruncateSync(this.#descriptor, this.#sizeBytes))
      throw error
    }
    // After a failed sync nobody can tell what is on disk, and a second one would report success for what was lost.
    this.#orFail(() => fdatasyncSync(this.#descriptor))
    this.#sizeBytes += bytes.length
  }

  compact(records: readonly object[]): void {
    this.#checkUsable()
    this.#records = undefined
    const { check, text } = encode(HEADING, records)
    const whole = `${HEADING}\n${text}`
    translated(() => this.#replace(whole))
    this.#orFail(() => {
      const next = openSync(this.#file, constants.O_WRONLY)
      closeSync(this.#descriptor)
      this.#descriptor = next
    })
    this.#sizeBytes = whole.length
    this.#check = check
  }

  /** Puts a new file in the journal's place; a crash leaves the old one or the new. */
  #replace(text: string): void {
    const next = `${this.#file}.new`
    rmSync(next, { force: true })
    const descriptor = openSync(next, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
    try {
      writeAll(descriptor, Buffer.from(text, 'latin1'), 0)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(next, this.#file)
    // Unless the rename is on disk, a power cut brings the old file back, without what is appended to this one.
    this.#orFail(() => syncDirectory(this.#directory))
  }

  /** Runs a step that leaves the journal unusable where it fails: only opening it anew tells what it holds. */
  #orFail(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#failure = new CountersignError(
        'storage-failed',
        `the lock journal ${this.#file} failed; nothing is signed until the node is started anew`,
        undefined,
        { cause: error },
      )
      throw this.#failure
    }
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  close(): void {
    this.#failure ??= new CountersignError('storage-failed', 'the lock journal is closed')
    closeSync(this.#descriptor)
    this.#release()
  }
}

/** What a journal file holds; sizeBytes: without what an interrupted append left. @throws CountersignError `invariant-broken` */
function parse(bytes: Buffer, file: string): { records: object[]; check: string; sizeBytes: number } {
  const damaged = (line: number): CountersignError =>
    new CountersignError(
      'invariant-broken',
      `${file}: line ${line} of the lock journal is damaged. Keep the file; put back an intact copy of the signer’s directory and start with --restored`,
    )
  const heading = bytes.subarray(0, HEADING.length + 1).toString('latin1')
  if (heading !== `${HEADING}\n`) throw damaged(1)
  const records: object[] = []
  let lines = 0
  let check = HEADING
  let start = heading.length
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start)
    const line = newline === -1 ? undefined : decode(check, bytes.subarray(start, newline))
    if (line === undefined) {
      if (isTorn(bytes, start, check)) break
      throw damaged(lines + 2)
    }
    lines += 1
    for (const record of line.records) records.push(record)
    check = line.check
    start = newline + 1
  }
  return { records, check, sizeBytes: start }
}

function decode(before: string, line: Buffer): { records: object[]; check: string } | undefined {
  const text = line.toString('latin1')
  const check = text.slice(0, CHECK_LENGTH)
  const json = text.slice(CHECK_LENGTH + 1)
  if (text[CHECK_LENGTH] !== ' ' || !PLAIN.test(json)) return undefined
  if (sha256Hex(before + json).slice(0, CHECK_LENGTH) !== check) return undefined
  return { records: JSON.parse(json) as object[], check }
}

/**
 * Whether what stands from `start` is what an interrupted append leaves. It is one write of one line: a crash leaves a
 * part of it from its start or, where a file system makes the file longer before the bytes are there, zeros for whole
 * sectors. A line that has its end and all its bytes was once acknowledged; something else has changed it.
 */
function isTorn(bytes: Buffer, start: number, before: string): boolean {
  const rest = bytes.subarray(start)
  const newline = rest.indexOf(NEWLINE)
  if (newline !== -1 && newline !== rest.length - 1) return false
  const zeros = zeroRuns(rest)
  const isSectors = zeros.every(
    ([from, to]) =>
      (from === 0 || (start + from) % SECTOR_BYTES === 0) &&
      (to === rest.length || (start + to) % SECTOR_BYTES === 0),
  )
  if (!isSectors) return false
  if (zeros.length > 0) return true
  // Without an end: cut short, unless only the end itself differs.
  return newline === -1 && decode(before, rest.subarray(0, -1)) === undefined
}

/** Where runs of zero bytes begin and end. */
function zeroRuns(bytes: Buffer): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (let from = bytes.indexOf(0); from !== -1; ) {
    let to = from
    while (to < bytes.length && bytes[to] === 0) to += 1
    runs.push([from, to])
    from = bytes.indexOf(0, to)
  }
  return runs
}

function writeAll(descriptor: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written)
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Runs `work`; errors of the file system become CountersignErrors. */
function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CountersignError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    throw new CountersignError(
      isFull ? 'disk-full' : 'storage-failed',
      `the signer’s directory could not be written: ${message}`,
      undefined,
      { cause: error },
    )
  }
}
