/**
 * One file on its way here from one member at a time: asked for part by part, written as it comes, resumed where it stopped, and
 * verified whole at the end (PROTOCOL FIL-3, FIL-5). Of a file that is here already it is proved instead that the member holds it.
 *
 *   idle ──start──▶ asking ──last part──▶ verifying ──▶ done
 *     ▲               │                      │
 *     └── peer away, silent, out of order ───┴── another content: begun anew
 */
import { randomBytes } from 'node:crypto'
import type { FilesContext } from './context.ts'
import { bytesOfPart, type FileMessageOf, PART_BYTES } from './file-messages.ts'
import type { FileId, PartialFile } from './file-store.ts'
import { possessionProof } from './possession.ts'

/** Parts asked for and not yet written: what a transfer takes of memory. */
const WINDOW_PARTS = 8
/** After this time a peer that gives less is left for another. */
const SLOW_AFTER_MS = 30_000
const SLOW_BYTES_PER_S = 8 * 1024
/** A proof takes the other side as long as reading the file. */
const PROOF_PATIENCE = 8

/** How a job's turn with a peer ended. */
export type Ended = 'done' | 'none' | 'away' | 'silent' | 'liar' | 'mixed' | 'disk'

export class FetchJob {
  readonly contract: string
  readonly id: FileId
  /** Until when each peer is not asked, ms of performance.now(). */
  readonly barredUntilMs = new Map<string, number>()
  /** Not before this. */
  notBeforeMs = 0
  party: string | undefined
  readonly #context: FilesContext
  readonly #onEnd: (job: FetchJob, how: Ended) => void
  /** Whose bytes are in what has come so far; '' for what was there at start. */
  readonly #sources = new Set<string>()
  /** Wrong bytes have come from one of several: from now on no two are mixed. */
  #isSingle = false
  #partial: PartialFile | undefined
  #nonce: string | undefined
  /** Offsets and lengths asked for, in order. */
  #asked: { from: number; length: number }[] = []
  #unwritten = 0
  #nextFrom = 0
  #startedMs = 0
  #heardMs = 0
  #receivedBytes = 0
  #writing: Promise<void> = Promise.resolve()
  /** Counts turns, so that what an earlier one still does changes nothing in a later one. */
  #turn = 0

  constructor(
    context: FilesContext,
    contract: string,
    id: FileId,
    onEnd: (job: FetchJob, how: Ended) => void,
  ) {
    this.#context = context
    this.contract = contract
    this.id = id
    this.#onEnd = onEnd
  }

  get isActive(): boolean {
    return this.party !== undefined
  }

  /** Begins to ask a party. */
  async start(party: string): Promise<void> {
    this.party = party
    this.#turn += 1
    const turn = this.#turn
    this.#startedMs = performance.now()
    this.#heardMs = this.#startedMs
    this.#receivedBytes = 0
    this.#asked = []
    this.#unwritten = 0
    if (this.#context.disk.has(this.id)) {
      this.#nonce = randomBytes(32).toString('base64url')
      const { hash, sizeBytes } = this.id
      this.#send({ type: 'FILE-PROVE', contract: this.contract, hash, sizeBytes, nonce: this.#nonce })
      return
    }
    this.#nonce = undefined
    try {
      await this.#writing
      const partial = await this.#context.disk.partial(this.id)
      if (turn !== this.#turn) {
        await partial.close()
        return
      }
      this.#partial = partial
      const isOther = [...this.#sources].some((one) => one !== party)
      if (this.#isSingle && (isOther || this.#sources.size === 0)) await partial.restart()
      if (partial.filledBytes === 0) this.#sources.clear()
      else if (this.#sources.size === 0) this.#sources.add('')
      this.#nextFrom = partial.filledBytes
      if (turn !== this.#turn) return
      if (partial.filledBytes === this.id.sizeBytes) await this.#verify(partial, turn)
      else this.#fill()
    } catch (error) {
      if (turn === this.#turn) this.#failed(error)
    }
  }

  /** Leaves the peer that it asks. */
  end(how: Ended): void {
    if (this.party === undefined) return
    this.#turn += 1
    const partial = this.#partial
    this.#partial = undefined
    if (partial) this.#writing = this.#writing.then(() => partial.close())
    this.#onEnd(this, how)
    this.party = undefined
  }

  /** Resolves when nothing of it is being written any more. */
  get settled(): Promise<void> {
    return this.#writing
  }

  /** A part from the party that is asked. What was not asked for (any more) is nothing; another length is a lie. */
  takePart(message: FileMessageOf<'FILE-PART'>): void {
    const [next] = this.#asked
    if (this.#partial === undefined || next?.from !== message.from) return
    const bytes = bytesOfPart(message)
    if (next.length !== bytes.length) {
      this.end('liar')
      return
    }
    this.#asked.shift()
    this.#heardMs = performance.now()
    this.#receivedBytes += bytes.length
    this.#unwritten += 1
    const { party } = this
    if (party !== undefined) this.#sources.add(party)
    this.#write(this.#partial, bytes, this.#turn)
  }

  async takeProof(message: FileMessageOf<'FILE-PROOF'>): Promise<void> {
    const { party, contract, id } = this
    const nonce = this.#nonce
    if (party === undefined || nonce === undefined || message.nonce !== nonce) return
    this.#nonce = undefined
    const turn = this.#turn
    try {
      const stream = this.#context.disk.stream(id.hash)
      const expected = await possessionProof(stream, { nonce, contract, party })
      if (turn === this.#turn) this.end(message.proof === expected ? 'done' : 'liar')
    } catch (error) {
      if (turn === this.#turn) this.#failed(error)
    }
  }

  /** Looks at what time it is. canChange: there is another peer to ask. */
  check(nowMs: number, canChange: boolean): void {
    if (this.party === undefined) return
    const isProof = this.#nonce !== undefined
    const isWaiting = isProof || this.#asked.length > 0
    const patienceMs = this.#context.limits.answerMs * (isProof ? PROOF_PATIENCE : 1)
    if (isWaiting && nowMs > this.#heardMs + patienceMs) {
      this.end('silent')
      return
    }
    const elapsedMs = nowMs - this.#startedMs
    const isSlow =
      elapsedMs > SLOW_AFTER_MS && (this.#receivedBytes * 1000) / elapsedMs < SLOW_BYTES_PER_S && !isProof
    if (isSlow && canChange && isWaiting) this.end('silent')
  }

  #fill(): void {
    const { hash, sizeBytes } = this.id
    while (this.#asked.length + this.#unwritten < WINDOW_PARTS && this.#nextFrom < sizeBytes) {
      const from = this.#nextFrom
      const length = Math.min(PART_BYTES, sizeBytes - from)
      this.#asked.push({ from, length })
      this.#nextFrom += length
      if (!this.#send({ type: 'FILE-GET', contract: this.contract, hash, sizeBytes, from, length })) return
    }
  }

  #write(partial: PartialFile, bytes: Uint8Array, turn: number): void {
    this.#writing = this.#writing.then(async () => {
      if (turn !== this.#turn) return
      try {
        await partial.append(bytes)
        if (turn !== this.#turn) return
        this.#unwritten -= 1
        if (partial.filledBytes === this.id.sizeBytes) await this.#verify(partial, turn)
        else this.#fill()
      } catch (error) {
        if (turn === this.#turn) this.#failed(error)
      }
    })
  }

  async #verify(partial: PartialFile, turn: number): Promise<void> {
    const isRight = await partial.finish()
    if (turn !== this.#turn) return
    if (isRight) {
      this.end('done')
      return
    }
    // Who is alone in it has lied; of several it can't be said who.
    const isOne = this.#sources.size === 1 && !this.#sources.has('')
    this.#isSingle = true
    this.#sources.clear()
    this.end(isOne ? 'liar' : 'mixed')
  }

  #failed(error: unknown): void {
    const { contract, id } = this
    const reason = (error as Error).message
    this.#context.options.log('error', 'file-not-written', { contract, hash: id.hash, reason })
    this.end('disk')
  }

  #send(message: FileMessageOf<'FILE-GET' | 'FILE-PROVE'>): boolean {
    const isSent = this.party !== undefined && this.#context.send(this.party, message)
    if (!isSent) this.end('away')
    return isSent
  }
}
