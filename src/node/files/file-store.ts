/**
 * Files on disk, each once by the SHA-256 of its content: `ab/cdef…`. What stands there has been verified and is durable; what is
 * on its way lies in `incoming/` (uploads, removed at start) or `partial/` (from peers, resumed).
 *
 * Nothing is ever removed from `ab/`: what no state names may be named by a request that is still to come.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { CountersignError } from '../../crypto/errors.ts'
import { FILE_MAX_BYTES } from '../../document/file-value.ts'

/** What is known of a file: its content's SHA-256, 64 hex digits, and size. */
export type FileId = { hash: string; sizeBytes: number }

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']
const MODE = 0o600

/** Runs `work`; what the operating system says becomes `disk-full` or `storage-failed`. */
async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof CountersignError || typeof code !== 'string') throw error
    throw new CountersignError(
      FULL.includes(code) ? 'disk-full' : 'storage-failed',
      `${what}: ${message}`,
      undefined,
      { cause: error },
    )
  }
}

export class FileStore {
  readonly #root: string
  readonly #incoming: string
  readonly #partial: string

  /** @param root made if it isn't there */
  constructor(root: string) {
    this.#root = root
    this.#incoming = join(root, 'incoming')
    this.#partial = join(root, 'partial')
    rmSync(this.#incoming, { recursive: true, force: true })
    for (const folder of [root, this.#incoming, this.#partial])
      mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** The size of a file that is here; undefined if it isn't. */
  sizeOf(hash: string): number | undefined {
    return statSync(this.#pathOf(hash), { throwIfNoEntry: false })?.size
  }

  has({ hash, sizeBytes }: FileId): boolean {
    return this.sizeOf(hash) === sizeBytes
  }

  /** Its bytes from `start` to before `end`, all by default. */
  stream(hash: string, start = 0, end = Number.POSITIVE_INFINITY): Readable {
    return createReadStream(this.#pathOf(hash), { start, end: end - 1 })
  }

  /** A part of it. @throws CountersignError `storage-failed` */
  part(hash: string, from: number, length: number): Promise<Buffer> {
    return onDisk('a file', async () => {
      const handle = await open(this.#pathOf(hash), 'r')
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, from)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    })
  }

  /**
   * Takes a file in, hashing on the way. MUST NOT resolve before it is durable; leaves nothing behind when it rejects.
   * `source` is not destroyed.
   * @throws CountersignError `too-large`, `disk-full`, `storage-failed`; `bad-request` where `source` ends too early
   */
  async receive(source: Readable): Promise<FileId> {
    const path = join(this.#incoming, randomBytes(16).toString('hex'))
    const hash = createHash('sha256')
    let sizeBytes = 0
    const handle = await onDisk('an upload', () => open(path, 'wx', MODE))
    try {
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length
        if (sizeBytes > FILE_MAX_BYTES)
          throw new CountersignError('too-large', `a file has at most ${FILE_MAX_BYTES} bytes`)
        hash.update(chunk)
        await onDisk('an upload', () => writeAll(handle, chunk, sizeBytes - chunk.length))
      }
      await onDisk('an upload', () => handle.sync())
      const id = { hash: hash.digest('hex'), sizeBytes }
      await this.#keep(path, id)
      return id
    } catch (error) {
      if (error instanceof CountersignError) throw error
      throw new CountersignError('bad-request', `the upload was cut off: ${(error as Error).message}`)
    } finally {
      await handle.close().catch(() => undefined)
      await rm(path, { force: true })
    }
  }

  /** What has come so far of a file from peers. @throws CountersignError `disk-full`, `storage-failed` */
  async partial(id: FileId): Promise<PartialFile> {
    const path = this.#partialOf(id)
    const handle = await onDisk('a transfer', async () => {
      try {
        return await open(path, 'r+')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        return await open(path, 'wx+', MODE)
      }
    })
    const { size } = await handle.stat()
    return new PartialFile(handle, id, Math.min(size, id.sizeBytes), async () => this.#keep(path, id))
  }

  /** Removes what has come so far of files that nothing names (any more). */
  dropPartials(isWanted: (id: FileId) => boolean): void {
    for (const name of readdirSync(this.#partial)) {
      const [hash = '', size = ''] = name.split('-')
      if (!isWanted({ hash, sizeBytes: Number(size) })) rmSync(join(this.#partial, name), { force: true })
    }
  }

  #pathOf(hash: string): string {
    return join(this.#root, hash.slice(0, 2), hash.slice(2))
  }

  #partialOf({ hash, sizeBytes }: FileId): string {
    return join(this.#partial, `${hash}-${sizeBytes}`)
  }

  /** Gives a file that is verified and synced its place. */
  #keep(path: string, { hash }: FileId): Promise<void> {
    return onDisk('a file', async () => {
      const folder = join(this.#root, hash.slice(0, 2))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await rename(path, this.#pathOf(hash))
      await syncDirectory(folder)
      await syncDirectory(this.#root)
    })
  }
}

/** A file on its way from peers. Writes come one after another, each at the end of those before. */
export class PartialFile {
  readonly id: FileId
  /** Bytes from the beginning that have been written. */
  filledBytes: number
  readonly #handle: FileHandle
  readonly #keep: () => Promise<void>

  constructor(handle: FileHandle, id: FileId, filledBytes: number, keep: () => Promise<void>) {
    this.#handle = handle
    this.id = id
    this.filledBytes = filledBytes
    this.#keep = keep
  }

  /** @throws CountersignError `disk-full`, `storage-failed` */
  async append(bytes: Uint8Array): Promise<void> {
    await onDisk('a transfer', () => writeAll(this.#handle, bytes, this.filledBytes))
    this.filledBytes += bytes.length
  }

  /** Forgets what has come. */
  async restart(): Promise<void> {
    await onDisk('a transfer', () => this.#handle.truncate(0))
    this.filledBytes = 0
  }

  /**
   * Whether it is the file, which then is durably in its place; otherwise it is to be begun anew.
   * @throws CountersignError `disk-full`, `storage-failed`
   */
  async finish(): Promise<boolean> {
    await onDisk('a transfer', () => this.#handle.truncate(this.id.sizeBytes))
    const hash = createHash('sha256')
    for await (const chunk of this.#handle.createReadStream({ start: 0, autoClose: false }))
      hash.update(chunk)
    if (hash.digest('hex') !== this.id.hash) {
      await this.restart()
      return false
    }
    await onDisk('a transfer', () => this.#handle.sync())
    await this.#keep()
    return true
  }

  close(): Promise<void> {
    return this.#handle.close().catch(() => undefined)
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
