/**
 * Idempotency-Key: a write that is sent again with its key within 24 hours is answered from the first one. What a key made
 * stands in the same transaction as the request itself, so that no crash comes between the two.
 *
 * The store has settings and no deletion of them, so keys share buckets: writing to one drops what is too old in it.
 */
import { createHash } from 'node:crypto'
import { CountersignError } from '../crypto/errors.ts'
import type { Store, StoreWrite } from '../store/store.ts'

/** What a write made: a request or a contract, by id. */
export type Made = { contract: string; request?: string }

/** A key as it came, with what identifies the write it came with. */
export type Attempt = { key: string; method: string; url: string; parts: readonly (string | Uint8Array)[] }

type Entry = Made & { key: string; print: string; timeMs: number }
type Running = { print: string; made: Promise<Made> }

const LIFETIME_MS = 24 * 3600 * 1000
const KEY = /^[\x21-\x7e]{1,255}$/

export class Idempotency {
  private readonly store: Store
  private readonly now: () => number
  private readonly running = new Map<string, Running>()
  /** Buckets written by writes that are still running, and perhaps not yet on disk. */
  private readonly fresh = new Map<string, { text: string; writers: number }>()

  constructor(store: Store, now: () => number) {
    this.store = store
    this.now = now
  }

  /**
   * What the write of this key has made, or what `make` makes now. `make` is given what remembers it, to be written together
   * with it.
   * @throws CountersignError `key-reused` where the key came with another write, `bad-request` for a malformed key
   */
  async once(
    attempt: Attempt | undefined,
    make: (remember: (made: Made) => StoreWrite | undefined) => Promise<Made>,
  ): Promise<Made> {
    if (attempt === undefined) return make(() => undefined)
    if (!KEY.test(attempt.key))
      throw new CountersignError('bad-request', 'Idempotency-Key: expected 1 to 255 visible ASCII characters')
    const key = digest([attempt.key])
    const print = digest([attempt.method, attempt.url, ...attempt.parts])
    const known = this.running.get(key) ?? this.recall(key)
    if (known) {
      if (known.print !== print)
        throw new CountersignError(
          'key-reused',
          'this Idempotency-Key came before with another method, address or body',
        )
      return 'made' in known ? known.made : known
    }
    const bucket = bucketOf(key)
    const shared = this.fresh.get(bucket) ?? { text: this.store.setting(bucket) ?? '[]', writers: 0 }
    this.fresh.set(bucket, shared)
    shared.writers += 1
    const made = make((one) => this.remember(bucket, { key, print, timeMs: this.now(), ...one }))
    this.running.set(key, { print, made })
    try {
      return await made
    } finally {
      this.running.delete(key)
      shared.writers -= 1
      if (shared.writers === 0) this.fresh.delete(bucket)
    }
  }

  private recall(key: string): Entry | undefined {
    const entry = this.entries(bucketOf(key)).find((one) => one.key === key)
    if (entry === undefined) return undefined
    // A key whose request never reached the disk made nothing.
    const { contract, request } = entry
    const exists =
      request === undefined
        ? this.store.contract(contract) !== undefined
        : this.store.request(contract, request) !== undefined
    return exists ? entry : undefined
  }

  private remember(bucket: string, entry: Entry): StoreWrite {
    const others = this.entries(bucket).filter(({ key }) => key !== entry.key)
    const value = JSON.stringify([...others, entry])
    const shared = this.fresh.get(bucket)
    if (shared) shared.text = value
    return { kind: 'setting', key: bucket, value }
  }

  private entries(bucket: string): Entry[] {
    const text = this.fresh.get(bucket)?.text ?? this.store.setting(bucket)
    if (text === undefined) return []
    const oldestMs = this.now() - LIFETIME_MS
    return (JSON.parse(text) as Entry[]).filter(({ timeMs }) => timeMs > oldestMs)
  }
}

function bucketOf(key: string): string {
  return `idempotency/${key.slice(0, 4)}`
}

/** A hash over parts, each bound to its place. */
function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}
