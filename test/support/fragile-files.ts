/**
 * A disk on which everything can go wrong: the journal's calls go to real files, and any of them can fail, take a part, or
 * be the last thing before the machine stands still. `powerCut` then leaves what a disk may hold after that: of bytes and
 * names that were not synced, any part.
 */
import * as fs from 'node:fs'
import { basename, join } from 'node:path'
import type { Files } from '../../src/signer/files.ts'

/** Ends the machine's life in the middle of whatever it does. */
export class Standstill extends Error {}

export type Operation = keyof Files
/** error: a code such as ENOSPC; after: it fails having done its work, or for a write so many bytes of it. */
export type Failure = { operation: Operation; error: string; after?: boolean | number }

type Content = { synced: Buffer; current: Buffer }
/** A number from 0 up to, and without, this one. */
export type Choose = (below: number) => number

export class FragileFiles implements Files {
  /** What has been called, in order. */
  readonly calls: Operation[] = []
  /** The next call of each operation fails with the first of these that is for it. */
  failures: Failure[] = []
  /** Each write takes at most so many bytes. */
  writeMaxBytes = Number.POSITIVE_INFINITY
  /** Calls that still take place before everything stands still. */
  callsLeft = Number.POSITIVE_INFINITY
  /** Whether a call has come after the last that took place. */
  stoodStill = false
  readonly #directory: string
  readonly #open = new Map<number, string | Content>()
  #names = new Map<string, Content>()
  /** The names as they were synced, and each later change of them in order. */
  #history: Map<string, Content>[] = []

  constructor(directory: string) {
    this.#directory = directory
    this.#reread()
  }

  /** Takes what is in the directory as it is, and as synced. */
  #reread(): void {
    this.#names = new Map(
      fs
        .readdirSync(this.#directory)
        .filter((name) => name.startsWith('locks.journal'))
        .map((name) => {
          const bytes = fs.readFileSync(join(this.#directory, name))
          return [name, { synced: bytes, current: bytes }]
        }),
    )
    this.#history = [new Map(this.#names)]
  }

  #call<T>(operation: Operation, work: () => T, part?: (sizeBytes: number) => T): T {
    if (this.callsLeft <= 0) {
      this.stoodStill = true
      throw new Standstill(operation)
    }
    this.callsLeft -= 1
    this.calls.push(operation)
    const index = this.failures.findIndex((failure) => failure.operation === operation)
    const [failure] = index < 0 ? [] : this.failures.splice(index, 1)
    if (failure === undefined) return work()
    const { error, after } = failure
    if (typeof after === 'number') part?.(after)
    else if (after) work()
    throw Object.assign(new Error(`${error}: ${operation}`), { code: error })
  }

  openSync(path: string, flags: string, mode?: number): number {
    return this.#call('openSync', () => {
      // Also for reading: what was written is looked at.
      const descriptor = fs.openSync(path, flags === 'wx' ? 'wx+' : flags, mode)
      const name = basename(path)
      if (path === this.#directory) this.#open.set(descriptor, 'directory')
      else {
        const content = this.#names.get(name) ?? { synced: Buffer.alloc(0), current: Buffer.alloc(0) }
        if (!this.#names.has(name)) this.#rename((names) => names.set(name, content))
        this.#open.set(descriptor, content)
      }
      return descriptor
    })
  }

  closeSync(descriptor: number): void {
    this.#call('closeSync', () => {
      this.#open.delete(descriptor)
      fs.closeSync(descriptor)
    })
  }

  writeSync(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const write = (sizeBytes: number): number => {
      const written = fs.writeSync(descriptor, bytes, offset, Math.min(length, sizeBytes), position)
      this.#change(descriptor)
      return written
    }
    return this.#call('writeSync', () => write(this.writeMaxBytes), write)
  }

  ftruncateSync(descriptor: number, sizeBytes: number): void {
    this.#call('ftruncateSync', () => {
      fs.ftruncateSync(descriptor, sizeBytes)
      this.#change(descriptor)
    })
  }

  fdatasyncSync(descriptor: number): void {
    this.#call('fdatasyncSync', () => this.#sync(descriptor))
  }

  fsyncSync(descriptor: number): void {
    this.#call('fsyncSync', () => this.#sync(descriptor))
  }

  renameSync(from: string, to: string): void {
    this.#call('renameSync', () => {
      fs.renameSync(from, to)
      this.#rename((names) => {
        names.set(basename(to), names.get(basename(from)) as Content)
        names.delete(basename(from))
      })
    })
  }

  unlinkSync(path: string): void {
    this.#call('unlinkSync', () => {
      fs.unlinkSync(path)
      this.#rename((names) => names.delete(basename(path)))
    })
  }

  #change(descriptor: number): void {
    const content = this.#open.get(descriptor) as Content
    const sizeBytes = fs.fstatSync(descriptor).size
    const bytes = Buffer.alloc(sizeBytes)
    fs.readSync(descriptor, bytes, 0, sizeBytes, 0)
    content.current = bytes
  }

  #sync(descriptor: number): void {
    const what = this.#open.get(descriptor)
    if (what === 'directory') this.#history = [new Map(this.#names)]
    else if (typeof what === 'object') what.synced = what.current
  }

  #rename(change: (names: Map<string, Content>) => void): void {
    change(this.#names)
    this.#history.push(new Map(this.#names))
  }

  /** Leaves in the directory what a disk may hold after the power went, and starts anew with that. */
  powerCut(choose: Choose): void {
    const names = this.#history[choose(this.#history.length)] as Map<string, Content>
    for (const name of fs.readdirSync(this.#directory))
      if (name.startsWith('locks.journal')) fs.rmSync(join(this.#directory, name))
    for (const [name, content] of names)
      fs.writeFileSync(join(this.#directory, name), leftOf(content, choose), { mode: 0o600 })
    this.restart()
  }

  /** The machine runs again, on what is in the directory. */
  restart(): void {
    this.stoodStill = false
    this.callsLeft = Number.POSITIVE_INFINITY
    this.failures = []
    this.writeMaxBytes = Number.POSITIVE_INFINITY
    for (const descriptor of this.#open.keys()) fs.closeSync(descriptor)
    this.#open.clear()
    this.#reread()
  }
}

/** All that was synced, all that was written, or the start of what was written. */
function leftOf({ synced, current }: Content, choose: Choose): Buffer {
  const shorter = Math.min(synced.length, current.length)
  const kinds = [synced, current, current.subarray(0, shorter + choose(current.length - shorter + 1))]
  return kinds[choose(kinds.length)] as Buffer
}
