/**
 * Answers peers: which files are held, parts of them, and proof of holding one (PROTOCOL FIL-2 to FIL-6). Each party has a queue of
 * its own, one part of which is in memory at a time, and is sent the next once its connection has taken most of the last: so
 * ordering never stands behind more than that.
 */
import type { FilesContext } from './context.ts'
import type { FileMessageOf } from './file-messages.ts'
import { possessionProof } from './possession.ts'

type Question = FileMessageOf<'FILE-GET' | 'FILE-PROVE'>

/** Questions of one party that wait; honest ones have fewer. */
const QUEUE_MAX = 32
/** A part goes out while less than this waits to be sent. */
const BUFFERED_BYTES = 256 * 1024
const PACE_MS = 20
/** A proof costs the asker as many times as long as it costs us. */
const PROOF_PAUSE = 9

export class Serving {
  readonly #context: FilesContext
  readonly #queues = new Map<string, Question[]>()
  #isClosed = false

  constructor(context: FilesContext) {
    this.#context = context
  }

  /** Which of these are held here, for a party of the contract; none for anybody else. */
  tellHeld(party: string, { contract, hashes }: FileMessageOf<'FILE-ASK'>): void {
    const { disk, named, isShared } = this.#context
    const held = hashes.filter((hash) => {
      if (!named.has(contract, hash)) return false
      const sizeBytes = disk.sizeOf(hash)
      if (sizeBytes === undefined) return false
      return this.#isDue(party, contract, { hash, sizeBytes }) && isShared(contract, { hash, sizeBytes })
    })
    this.#context.send(party, { type: 'FILE-HELD', contract, hashes: held })
  }

  take(party: string, question: Question): void {
    const queue = this.#queues.get(party)
    if (queue === undefined) {
      const begun = [question]
      this.#queues.set(party, begun)
      void this.#work(party, begun)
    } else if (queue.length < QUEUE_MAX) queue.push(question)
  }

  /** It is not connected any more: nobody waits for the answers. */
  drop(party: string): void {
    this.#queues.get(party)?.splice(0)
  }

  close(): void {
    this.#isClosed = true
    for (const queue of this.#queues.values()) queue.splice(0)
  }

  async #work(party: string, queue: Question[]): Promise<void> {
    const { options } = this.#context
    for (let next = queue.shift(); next !== undefined && !this.#isClosed; next = queue.shift()) {
      try {
        if (next.type === 'FILE-GET') await this.#sendPart(party, next)
        else await this.#prove(party, next)
      } catch (error) {
        const { contract, hash } = next
        options.log('error', 'file-not-read', { contract, hash, reason: (error as Error).message })
        this.#context.send(party, { type: 'FILE-NONE', contract, hash })
      }
    }
    this.#queues.delete(party)
  }

  async #sendPart(party: string, question: FileMessageOf<'FILE-GET'>): Promise<void> {
    const { contract, hash, sizeBytes, from, length } = question
    if (!this.#mayGive(party, question) || from + length > sizeBytes) {
      this.#context.send(party, { type: 'FILE-NONE', contract, hash })
      return
    }
    while (this.#context.options.bufferedBytes(party) > BUFFERED_BYTES) {
      if (this.#isClosed || !this.#context.options.isUp(party)) return
      await pause(PACE_MS)
    }
    const bytes = (await this.#context.disk.part(hash, from, length)).toString('base64url')
    this.#context.send(party, { type: 'FILE-PART', contract, hash, from, bytes })
  }

  async #prove(party: string, question: FileMessageOf<'FILE-PROVE'>): Promise<void> {
    const { contract, hash, nonce } = question
    if (!this.#mayGive(party, question)) {
      this.#context.send(party, { type: 'FILE-NONE', contract, hash })
      return
    }
    const startedMs = performance.now()
    const { disk, options } = this.#context
    const proof = await possessionProof(disk.stream(hash), { nonce, contract, party: options.self })
    this.#context.send(party, { type: 'FILE-PROOF', contract, hash, nonce, proof })
    await pause((performance.now() - startedMs) * PROOF_PAUSE)
  }

  /** FIL-4: what is not here, not named, not due, or not shared in the contract gets one answer. */
  #mayGive(party: string, question: Question): boolean {
    const { disk, isShared } = this.#context
    const { contract } = question
    return this.#isDue(party, contract, question) && disk.has(question) && isShared(contract, question)
  }

  #isDue(party: string, contract: string, id: { hash: string; sizeBytes: number }): boolean {
    const { options, named } = this.#context
    const replica = options.replicas.get(contract)
    return replica?.roster.isHeard(party) === true && named.isDue(replica, party, id)
  }
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms).unref())
