/**
 * The connection that this node sends to one peer on. It dials until it is up, again when it was lost, and sends only.
 *
 *   waiting ──timer, hurry──▶ dialling ──key is the card's──▶ up
 *      ▲                          │                           │
 *      └──────── back-off ────────┴── lost, refused, stalled ─┘         close() leaves every state for good
 */
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { CountersignError } from '../../crypto/errors.ts'
import type { JsonObject } from '../../crypto/json.ts'
import { type Dialled, dial } from './dial.ts'
import { parseEndpoint } from './endpoint.ts'
import { encodeFrame } from './frames.ts'
import type { Meter, RefusalReason } from './meter.ts'
import type { TransportLimits, TransportOptions } from './options.ts'

export type OutboundContext = {
  options: TransportOptions
  limits: TransportLimits
  tls: ConnectionOptions
  meter: Meter
  now: () => number
}

/** A connection that lived this long shows that the peer takes us; before, back-off goes on growing. */
const STEADY_MS = 1_000
/** Between attempts, however often the peer connects to us. */
const HURRIED_REDIAL_MS = 100
/** An attempt this old is given up for a new one when the peer has just shown that it can be reached. */
const STALE_DIAL_MS = 500
/** Small messages of one tick share frames of about this size, so that the peer is not held up parsing one. */
const SHARED_FRAME_BYTES = 1024 * 1024

export class Outbound {
  readonly party: string
  readonly #context: OutboundContext
  #connection: Dialled | undefined
  /** Set while up, and while what was queued goes out after close(). */
  #socket: TLSSocket | undefined
  /** The key that the connection under way or up must have. */
  #expectedKey: string | undefined
  #isUp = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined
  #startedMs = 0
  #upMs = 0
  #attempts = 0
  #failures = 0
  #queue: string[] = []
  #queuedBytes = 0
  #flushing: NodeJS.Immediate | undefined

  constructor(party: string, context: OutboundContext) {
    this.party = party
    this.#context = context
    this.#dial()
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  /** What waits here, in Node's buffers included; what the kernel took is gone from view. */
  get bufferedBytes(): number {
    return this.#queuedBytes + (this.#socket?.writableLength ?? 0)
  }

  /** See Transport.send. */
  send(message: JsonObject | string): boolean {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const sizeBytes = Buffer.byteLength(text)
    const { frameBytes, bufferedBytes } = this.#context.limits
    if (sizeBytes + 2 > frameBytes)
      throw new CountersignError(
        'too-large',
        `a message of ${sizeBytes} bytes; a frame holds ${frameBytes - 2}`,
      )
    if (!this.#isUp) return false
    if (this.#queuedBytes > 0 && this.#queuedBytes + sizeBytes + 2 > SHARED_FRAME_BYTES) this.flush()
    this.#queue.push(text)
    this.#queuedBytes += sizeBytes + 1
    if (this.bufferedBytes > bufferedBytes) {
      this.#cut('too-slow', { bufferedBytes: this.bufferedBytes })
      return false
    }
    this.#flushing ??= setImmediate(() => this.flush())
    return true
  }

  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#flushing = undefined
    if (this.#queue.length === 0 || this.#socket === undefined) return
    const frame = encodeFrame(this.#queue)
    this.#queue = []
    this.#queuedBytes = 0
    this.#socket.write(frame)
    this.#context.meter.framesSent += 1
  }

  /** Dials at once, or nearly: the peer can be reached, as its own connection to us has just shown. */
  hurry(): void {
    if (this.#isUp || this.#isClosed) return
    const sinceMs = this.#context.now() - this.#startedMs
    if (this.#connection !== undefined) {
      if (sinceMs < STALE_DIAL_MS) return
      this.#failures = 0
      this.#connection.destroy()
    } else {
      this.#wait(Math.max(0, HURRIED_REDIAL_MS - sinceMs))
    }
  }

  /** Lets go of a connection that is up and looks dead, and dials again. */
  recycle(reason: string): void {
    if (!this.#isUp) return
    this.#context.meter.log('info', 'peer-recycled', { party: this.party, reason })
    this.#down()
    this.#failures = 0
  }

  /** After a change of cards: drops a connection by another key than the newest card's and dials by the new one. */
  refresh(): void {
    if (this.#isClosed) return
    if (this.#connection === undefined) {
      this.hurry()
    } else if (this.#expectedKey !== this.#context.options.tlsKeyOf(this.party)) {
      this.#context.meter.log('info', 'peer-key-replaced', { party: this.party })
      this.#failures = 0
      this.#down()
    }
  }

  /** Sends what is queued, says goodbye, and is done; resolves when the connection is gone. */
  close(graceMs: number): Promise<void> {
    this.flush()
    this.#isClosed = true
    clearTimeout(this.#timer)
    const connection = this.#connection
    if (connection === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => connection.destroy(), graceMs)
      connection.raw.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      if (this.#isUp) this.#socket?.destroySoon()
      else connection.destroy()
      this.#isUp = false
    })
  }

  #dial(): void {
    clearTimeout(this.#timer)
    const { options, limits, tls, meter, now } = this.#context
    this.#startedMs = now()
    const endpoints = options.endpointsOf(this.party)
    const address = endpoints[this.#attempts % Math.max(1, endpoints.length)]
    this.#expectedKey = options.tlsKeyOf(this.party)
    this.#attempts += 1
    if (address === undefined || this.#expectedKey === undefined) {
      this.#backOff('no endpoint or key', address)
      return
    }
    try {
      const connection = dial({
        endpoint: parseEndpoint(address),
        tls,
        timeoutMs: limits.dialMs,
        keepAliveMs: limits.keepAliveMs,
        onSecure: (socket, tlsKey) => {
          if (tlsKey === this.#expectedKey) this.#up(socket, address)
          else {
            meter.refuse('wrong-key', { party: this.party, endpoint: address, tlsKey })
            connection.destroy()
          }
        },
        onClose: (error) => this.#onClose(address, error),
      })
      this.#connection = connection
      meter.track(connection.raw)
    } catch (error) {
      this.#backOff((error as Error).message, address)
    }
  }

  #up(socket: TLSSocket, endpoint: string): void {
    const { options, limits, meter, now } = this.#context
    this.#socket = socket
    this.#isUp = true
    this.#upMs = now()
    socket.on('data', () => this.#cut('answered', {}))
    // Node restarts this timer whenever bytes move; silence with nothing to send is what an idle contract sounds like.
    socket.setTimeout(limits.stallMs, () => {
      if (socket.writableLength > 0) this.#cut('too-slow', { bufferedBytes: this.bufferedBytes })
    })
    meter.log('info', 'peer-up', { party: this.party, endpoint })
    options.events.onPeerUp(this.party)
  }

  #cut(reason: RefusalReason, detail: Record<string, unknown>): void {
    if (!this.#isUp) return
    this.#context.meter.refuse(reason, { party: this.party, ...detail })
    this.#down()
  }

  /** From here on nothing is sent; onPeerDown follows when the socket is closed. */
  #down(): void {
    this.#isUp = false
    this.#dropQueue()
    this.#connection?.destroy()
  }

  #dropQueue(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#flushing = undefined
    this.#queue = []
    this.#queuedBytes = 0
  }

  #onClose(endpoint: string, error: Error | undefined): void {
    const { options, meter, now } = this.#context
    this.#connection = undefined
    this.#socket = undefined
    this.#isUp = false
    this.#dropQueue()
    if (this.#isClosed) return
    const wasUp = this.#upMs > 0
    const lived = wasUp ? now() - this.#upMs : 0
    this.#upMs = 0
    if (lived >= STEADY_MS) this.#failures = 0
    this.#backOff(error?.message ?? 'closed by the peer', endpoint)
    if (wasUp) {
      meter.log('info', 'peer-down', {
        party: this.party,
        reason: error?.message,
        livedMs: Math.round(lived),
      })
      options.events.onPeerDown(this.party)
    }
  }

  #backOff(reason: string, endpoint: string | undefined): void {
    const { first, longest } = this.#context.limits.redialMs
    const delayMs = Math.min(longest, first * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    this.#context.meter.log('debug', 'dial-failed', { party: this.party, endpoint, reason })
    this.#wait(delayMs * (0.5 + Math.random() / 2))
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#dial(), delayMs)
  }
}
