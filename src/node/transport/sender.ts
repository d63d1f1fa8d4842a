/**
 * Puts messages into frames and frames onto one connection, and notices when the other side takes nothing any more.
 *
 * Frames are written in slices, a few at a time, each with its callback. Handing a frame over whole would do the same work,
 * but a TLS socket tells nothing of what became of a write before all of it has left: 30 MiB over a slow line and 30 MiB to
 * a host that has vanished would look alike. Slices also bound what lies encrypted in memory.
 */
import type { TLSSocket } from 'node:tls'
import { encodeFrame } from './frames.ts'
import type { TransportLimits } from './options.ts'

/** At this size and the default 10 s, a line of 105 kbit/s is still no stall. */
const SLICE_BYTES = 128 * 1024
/** Slices are handed over while less than this waits in the socket. */
const WINDOW_BYTES = 256 * 1024
/** Small messages of one turn share frames of about this size, so that the peer is not held up parsing one. */
const SHARED_FRAME_BYTES = 1024 * 1024
/** The brackets around a frame's messages. */
export const FRAME_OVERHEAD_BYTES = 2

export type SenderOptions = {
  limits: TransportLimits
  /** A frame was handed over. */
  onFrame(): void
  /** Too much waits, or nothing moved for too long. Nothing more is sent. */
  onStuck(reason: string): void
}

export class Sender {
  readonly #socket: TLSSocket
  readonly #options: SenderOptions
  /** Messages of this turn, not yet in a frame. */
  #texts: string[] = []
  #textBytes = 0
  #flushing: NodeJS.Immediate | undefined
  /** Frames not yet handed to the socket whole; of the first, what lies before `#offset` was. */
  #frames: Buffer[] = []
  #frameBytes = 0
  #offset = 0
  /** Slices handed to the socket and not yet taken by the kernel. */
  #slices = 0
  /** Slices that the kernel took, ever. */
  #taken = 0
  #stall: NodeJS.Timeout
  #isStopped = false
  #onFinished: (() => void) | undefined

  constructor(socket: TLSSocket, options: SenderOptions) {
    this.#socket = socket
    this.#options = options
    // Refreshed by every slice that starts or ends; after a pause it has run out once and a refresh starts it again.
    this.#stall = setTimeout(() => this.#onStall(), options.limits.stallMs)
  }

  /** All that was given and that the kernel has not taken. What the kernel holds is out of sight. */
  get bufferedBytes(): number {
    return this.#textBytes + this.#frameBytes - this.#offset + this.#socket.writableLength
  }

  /** Queues the JSON text of a message, of this size in UTF-8. False if it is not going to be sent. */
  push(text: string, sizeBytes: number): boolean {
    if (this.#isStopped) return false
    if (this.#textBytes > 0 && this.#textBytes + sizeBytes + FRAME_OVERHEAD_BYTES > SHARED_FRAME_BYTES)
      this.flush()
    this.#texts.push(text)
    this.#textBytes += sizeBytes + 1
    if (this.bufferedBytes > this.#options.limits.bufferedBytes) {
      this.#stick('leaves too much waiting')
      return false
    }
    this.#flushing ??= setImmediate(() => this.flush())
    return true
  }

  /** Makes a frame of what is queued and writes what the socket takes. */
  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#flushing = undefined
    if (this.#texts.length === 0 || this.#isStopped) return
    const frame = encodeFrame(this.#texts)
    this.#texts = []
    this.#textBytes = 0
    this.#frames.push(frame)
    this.#frameBytes += frame.length
    this.#options.onFrame()
    this.#pump()
  }

  /** Calls back once everything queued is with the kernel. Nothing may be pushed afterwards. */
  finish(onFinished: () => void): void {
    this.flush()
    this.#onFinished = onFinished
    this.#pump()
  }

  /** The connection is gone or given up: forgets everything. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#stall)
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#texts = []
    this.#frames = []
    this.#textBytes = 0
    this.#frameBytes = 0
    this.#offset = 0
  }

  #pump(): void {
    let [frame] = this.#frames
    while (frame !== undefined && this.#socket.writableLength < WINDOW_BYTES) {
      const slice = frame.subarray(this.#offset, this.#offset + SLICE_BYTES)
      this.#offset += slice.length
      if (this.#offset === frame.length) {
        this.#frames.shift()
        this.#frameBytes -= frame.length
        this.#offset = 0
        frame = this.#frames[0]
      }
      if (this.#slices === 0) this.#stall.refresh()
      this.#slices += 1
      this.#socket.write(slice, () => this.#onTaken())
    }
    if (frame === undefined && this.#slices === 0) this.#onFinished?.()
  }

  #onTaken(): void {
    this.#slices -= 1
    this.#taken += 1
    if (this.#isStopped) return
    this.#stall.refresh()
    this.#pump()
  }

  #onStall(): void {
    if (this.#slices === 0) return
    const taken = this.#taken
    // If this process itself was held up, the news of what was taken is still to be read.
    setImmediate(() => {
      if (this.#isStopped) return
      if (this.#taken === taken) this.#stick('takes nothing of what is sent')
    })
  }

  #stick(reason: string): void {
    const { bufferedBytes } = this
    this.stop()
    this.#options.onStuck(`${reason}; ${bufferedBytes} bytes wait`)
  }
}
