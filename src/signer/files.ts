/** What the signer does with files, done to the end: whole writes, synced directories, errors in the project's own words. */
import * as fs from 'node:fs'
import { CountersignError } from '../crypto/errors.ts'

/** The calls of node:fs with which the journal changes what is on disk; tests let them fail. */
export type Files = {
  openSync(path: string, flags: string, mode?: number): number
  closeSync(descriptor: number): void
  writeSync(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): number
  ftruncateSync(descriptor: number, sizeBytes: number): void
  fdatasyncSync(descriptor: number): void
  fsyncSync(descriptor: number): void
  renameSync(from: string, to: string): void
  unlinkSync(path: string): void
}

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Runs `work`; errors of the operating system become CountersignErrors `disk-full` and `storage-failed`. */
export function translated<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CountersignError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (typeof code !== 'string') throw error
    throw new CountersignError(
      FULL.includes(code) ? 'disk-full' : 'storage-failed',
      `${what}: ${message}`,
      undefined,
      { cause: error },
    )
  }
}

/** Repeats what a signal has interrupted. */
export function uninterrupted<T>(call: () => T): T {
  for (;;) {
    try {
      return call()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error
    }
  }
}

/** Writes all bytes at a place of a file, however few of them each write takes. */
export function writeAll(files: Files, descriptor: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const from = written
    const count = uninterrupted(() =>
      files.writeSync(descriptor, bytes, from, bytes.length - from, position + from),
    )
    if (count <= 0)
      throw new CountersignError('storage-failed', 'a file takes no more bytes and does not say why')
    written += count
  }
}

/** Makes the names in a directory durable: of files that were made, renamed or removed. */
export function syncDirectory(directory: string, files: Files = fs): void {
  const descriptor = files.openSync(directory, 'r')
  try {
    uninterrupted(() => files.fsyncSync(descriptor))
  } finally {
    files.closeSync(descriptor)
  }
}

/** Makes a file that is not there yet, readable by its owner alone, on disk on return but for its name. */
export function writePrivately(path: string, bytes: Uint8Array, files: Files = fs): void {
  const descriptor = files.openSync(path, 'wx', 0o600)
  try {
    writeAll(files, descriptor, bytes, 0)
    uninterrupted(() => files.fsyncSync(descriptor))
  } finally {
    files.closeSync(descriptor)
  }
}
