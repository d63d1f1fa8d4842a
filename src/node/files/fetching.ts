/**
 * Which files are missing here, who says that it holds them, and whom to ask next. A few at a time; a timer runs only while some
 * are missing and somebody is connected.
 */
import type { Replica } from '../replica.ts'
import type { FilesContext } from './context.ts'
import { type Ended, FetchJob } from './fetch-job.ts'
import { type FileMessageOf, HASHES_MAX } from './file-messages.ts'
import type { FileId } from './file-store.ts'

/** Transfers at once: memory for a window of parts each. */
const ACTIVE_MAX = 3
const CHECK_MS = 500

export class Fetching {
  readonly #context: FilesContext
  /** A file has come, or it was proved that a member holds it. */
  readonly #onDone: (contract: string, id: FileId) => void
  readonly #jobs = new Map<string, FetchJob>()
  /** By contract and hash, who has said that it holds the file. */
  readonly #holders = new Map<string, Map<string, Set<string>>>()
  #timer: NodeJS.Timeout | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(context: FilesContext, onDone: (contract: string, id: FileId) => void) {
    this.#context = context
    this.#onDone = onDone
  }

  /** Files that are missing, or whose holding is to be proved in this contract. */
  want(contract: string, ids: Iterable<FileId>): void {
    for (const id of ids) {
      const key = keyOf(contract, id)
      if (this.#jobs.has(key) || this.#context.isShared(contract, id)) continue
      this.#jobs.set(key, new FetchJob(this.#context, contract, id, (job, how) => this.#ended(job, how)))
    }
    this.#schedule()
  }

  /** What a contract names has changed altogether. */
  forget(contract: string): void {
    for (const [key, job] of this.#jobs) {
      if (job.contract !== contract) continue
      this.#jobs.delete(key)
      job.end('away')
    }
    this.#holders.delete(contract)
  }

  /** Asks a party, or everybody connected, which of these they hold. */
  ask(replica: Replica, hashes: readonly string[], party?: string): void {
    const { contract } = replica
    for (let start = 0; start < hashes.length; start += HASHES_MAX) {
      const part = hashes.slice(start, start + HASHES_MAX)
      for (const to of party === undefined ? replica.audience : [party])
        if (this.#context.options.isUp(to))
          this.#context.send(to, { type: 'FILE-ASK', contract, hashes: part })
    }
  }

  /** A party of the contract says that it holds these. */
  told(party: string, { contract, hashes }: FileMessageOf<'FILE-HELD'>): void {
    const { named } = this.#context
    const ofContract = this.#holders.get(contract) ?? new Map<string, Set<string>>()
    this.#holders.set(contract, ofContract)
    for (const hash of hashes) {
      // What nothing names here (yet) is asked about when something does.
      if (!named.has(contract, hash)) continue
      ofContract.set(hash, (ofContract.get(hash) ?? new Set()).add(party))
    }
    this.#schedule()
  }

  holders(contract: string, hash: string): ReadonlySet<string> {
    return this.#holders.get(contract)?.get(hash) ?? new Set()
  }

  peerDown(party: string): void {
    for (const job of this.#jobs.values()) if (job.party === party) job.end('away')
  }

  peerUp(): void {
    this.#schedule()
  }

  takePart(party: string, message: FileMessageOf<'FILE-PART'>): void {
    this.#jobOf(party, message)?.takePart(message)
  }

  takeProof(party: string, message: FileMessageOf<'FILE-PROOF'>): void {
    void this.#jobOf(party, message)?.takeProof(message)
  }

  takeNone(party: string, message: FileMessageOf<'FILE-NONE'>): void {
    this.#jobOf(party, message)?.end('none')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const job of this.#jobs.values()) job.end('away')
    await Promise.all([...this.#jobs.values()].map(({ settled }) => settled))
  }

  #jobOf(party: string, { contract, hash }: { contract: string; hash: string }): FetchJob | undefined {
    for (const job of this.#jobs.values())
      if (job.party === party && job.contract === contract && job.id.hash === hash) return job
    return undefined
  }

  #ended(job: FetchJob, how: Ended): void {
    const { party, contract, id } = job
    const { limits, options } = this.#context
    const nowMs = performance.now()
    if (how === 'done') {
      this.#jobs.delete(keyOf(contract, id))
      this.#onDone(contract, id)
    } else if (how === 'disk') job.notBeforeMs = nowMs + limits.diskMs
    else if (party !== undefined && how !== 'away' && how !== 'mixed') {
      const isLiar = how === 'liar'
      job.barredUntilMs.set(party, nowMs + (isLiar ? limits.liarPauseMs : limits.pauseMs))
      if (how !== 'silent') this.#holders.get(contract)?.get(id.hash)?.delete(party)
      if (isLiar) options.log('warn', 'file-refused', { contract, party, hash: id.hash })
    }
    if (!this.#isClosed) setImmediate(() => this.#schedule())
  }

  /** Starts what can be, looks at what runs, and sets the timer. */
  #schedule(): void {
    if (this.#isClosed) return
    const nowMs = performance.now()
    const active = [...this.#jobs.values()].filter(({ isActive }) => isActive)
    for (const job of active) job.check(nowMs, this.#candidates(job, nowMs).length > 0)
    const busy = new Set(active.filter(({ isActive }) => isActive).map(({ id }) => id.hash))
    const parties = new Map<string, number>()
    for (const { party } of active) if (party !== undefined) parties.set(party, (parties.get(party) ?? 0) + 1)
    for (const job of this.#jobs.values()) {
      if (busy.size >= ACTIVE_MAX) break
      if (job.isActive || job.notBeforeMs > nowMs || busy.has(job.id.hash)) continue
      const [party] = this.#candidates(job, nowMs).sort(
        (first, second) => (parties.get(first) ?? 0) - (parties.get(second) ?? 0),
      )
      if (party === undefined) continue
      busy.add(job.id.hash)
      parties.set(party, (parties.get(party) ?? 0) + 1)
      void job.start(party)
    }
    this.#askAgain(nowMs)
    this.#setTimer()
  }

  /** Whom to ask: connected, said to hold it, and heard in the contract. Drawn by lot, so that not everybody asks the same. */
  #candidates(job: FetchJob, nowMs: number): string[] {
    const { options } = this.#context
    const roster = options.replicas.get(job.contract)?.roster
    return [...this.holders(job.contract, job.id.hash)]
      .filter(
        (party) =>
          party !== job.party &&
          options.isUp(party) &&
          roster?.isHeard(party) === true &&
          (job.barredUntilMs.get(party) ?? 0) <= nowMs,
      )
      .map((party) => ({ party, lot: Math.random() }))
      .sort((first, second) => first.lot - second.lot)
      .map(({ party }) => party)
  }

  /** Of what is missing and not under way, everybody is asked now and then: what was said may have got lost. */
  #askAgain(nowMs: number): void {
    const { limits, options } = this.#context
    if (nowMs < this.#askedMs + limits.askMs) return
    const hashes = new Map<string, string[]>()
    for (const { contract, id, isActive } of this.#jobs.values())
      if (!isActive) hashes.set(contract, [...(hashes.get(contract) ?? []), id.hash])
    if (hashes.size === 0) return
    this.#askedMs = nowMs
    for (const [contract, missing] of hashes) {
      const replica = options.replicas.get(contract)
      if (replica) this.ask(replica, missing)
    }
  }

  #setTimer(): void {
    if (this.#timer !== undefined || this.#jobs.size === 0) return
    const isWanted = [...this.#jobs.values()].some(({ contract, isActive }) => {
      const replica = this.#context.options.replicas.get(contract)
      return isActive || replica?.audience.some((party) => this.#context.options.isUp(party)) === true
    })
    if (!isWanted) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, CHECK_MS)
    this.#timer.unref()
  }
}

function keyOf(contract: string, { hash, sizeBytes }: FileId): string {
  return `${contract} ${hash} ${sizeBytes}`
}
