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
import type { Meter, RefusalReason } from './meter.ts'
import type { TransportLimits, TransportOptions } from './options.ts'
import { FRAME_OVERHEAD_BYTES, Sender } from './sender.ts'

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

export class Outbound {
  readonly party: string
  readonly #context: OutboundContext
  #connection: Dialled | undefined
  /** Set while up. */
  #sender: Sender | undefined
  /** The key that the connection under way or up must have. */
  #expectedKey: string | undefined
  #isClosed = false
  #timer: NodeJS.Timeout | undefined
  #startedMs = 0
  #upMs: number | undefined
  #attempts = 0
  #failures = 0

  constructor(party: string, context: OutboundContext) {
    this.party = party
    this.#context = context
    this.#dial()
  }

  get isUp(): boolean {
    return this.#sender !== undefined
  }

  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  get bufferedBytes(): number {
    return this.#sender?.bufferedBytes ?? 0
  }

  /** See Transport.send. */
  send(message: JsonObject | string): boolean {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const sizeBytes = Buffer.byteLength(text)
    const longest = this.#context.limits.frameBytes - FRAME_OVERHEAD_BYTES
    if (sizeBytes > longest)
      throw new CountersignError('too-large', `a message of ${sizeBytes} bytes; a frame holds ${longest}`)
    return this.#sender?.push(text, sizeBytes) ?? false
  }

  flush(): void {
    this.#sender?.flush()
  }

  /** Dials at once, or nearly: the peer can be reached, as its own connection to us has just shown. */
  hurry(): void {
    if (this.isUp || this.#isClosed) return
    const sinceMs = this.#context.now() - this.#startedMs
    if (this.#connection !== undefined) {
      if (sinceMs < STALE_DIAL_MS) return
      this.#failures = 0
      this.#connection.destroy(new Error('given up for a new attempt'))
    } else {
      this.#wait(Math.max(0, HURRIED_REDIAL_MS - sinceMs))
    }
  }

  /** Lets go of a connection that is up and looks dead, and dials again. */
  recycle(reason: string): void {
    if (!this.isUp) return
    this.#context.meter.log('info', 'peer-recycled', { party: this.party, reason })
    this.#failures = 0
    this.#down(reason)
  }

  /** After a change of cards: drops a connection by another key than the newest card's and dials by the new one. */
  refresh(): void {
    if (this.#isClosed) return
    if (this.#connection === undefined) {
      this.hurry()
    } else if (this.#expectedKey !== this.#context.options.tlsKeyOf(this.party)) {
      this.#context.meter.log('info', 'peer-key-replaced', { party: this.party })
      this.#failures = 0
      this.#down('the peer’s card has another key now')
    }
  }

  /** Sends what is queued, says goodbye, and is done; resolves when the connection is gone. */
  close(graceMs: number): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const connection = this.#connection
    const sender = this.#sender
    this.#sender = undefined
    if (connection === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => connection.destroy(), graceMs)
      connection.raw.once('close', () => {
        clearTimeout(timer)
        sender?.stop()
        resolve()
      })
      if (sender === undefined) connection.destroy()
      else sender.finish(() => connection.end())
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
      this.#failed('its card names no endpoint, or it is not pinned', address)
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
            connection.destroy(new Error('another key than the card’s'))
            options.events.onWrongKey(this.party, address)
          }
        },
        onClose: (error) => this.#onClose(address, error),
      })
      this.#connection = connection
      meter.track(connection.raw)
    } catch (error) {
      this.#failed((error as Error).message, address)
    }
  }

  #up(socket: TLSSocket, endpoint: string): void {
    const { options, limits, meter, now } = this.#context
    this.#upMs = now()
    this.#sender = new Sender(socket, {
      limits,
      onFrame: () => {
        meter.framesSent += 1
      },
      onStuck: (reason) => this.#cut('too-slow', { reason }),
    })
    socket.on('data', () => this.#cut('answered', {}))
    meter.log('info', 'peer-up', { party: this.party, endpoint })
    options.events.onPeerUp(this.party)
  }

  #cut(reason: RefusalReason, detail: Record<string, unknown>): void {
    if (!this.isUp) return
    this.#context.meter.refuse(reason, { party: this.party, ...detail })
    this.#down(reason)
  }

  /** From here on nothing is sent; onPeerDown follows when the socket is closed. */
  #down(reason: string): void {
    this.#sender?.stop()
    this.#sender = undefined
    this.#connection?.destroy(new Error(reason))
  }

  #onClose(endpoint: string, error: Error | undefined): void {
    const { options, meter, now } = this.#context
    this.#connection = undefined
    this.#sender?.stop()
    this.#sender = undefined
    if (this.#isClosed) return
    const reason = error?.message ?? 'closed by the peer'
    if (this.#upMs === undefined) {
      this.#failed(reason, endpoint)
      return
    }
    const livedMs = Math.round(now() - this.#upMs)
    this.#upMs = undefined
    if (livedMs >= STEADY_MS) {
      this.#failures = 0
      // What worked is tried first.
      this.#attempts -= 1
    }
    this.#backOff()
    meter.log('info', 'peer-down', { party: this.party, reason, livedMs })
    options.events.onPeerDown(this.party)
  }

  #failed(reason: string, endpoint: string | undefined): void {
    const level = this.#failures === 0 ? 'info' : 'debug'
    this.#context.meter.log(level, 'dial-failed', { party: this.party, endpoint, reason })
    this.#backOff()
  }

  #backOff(): void {
    const { first, longest } = this.#context.limits.redialMs
    const delayMs = Math.min(longest, first * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    this.#wait(delayMs * (0.5 + Math.random() / 2))
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#dial(), delayMs)
  }
}
