/**
 * The transmitter and receiver between nodes (PROTOCOL section 9): mutual TLS 1.3 where identity is the card's TLS key, one
 * outbound connection to each peer to send on, inbound ones to receive from.
 *
 * Delivery: what one outbound connection carries arrives in order, once, or not at all; nothing is kept when it is lost.
 * So `onPeerUp` is where a caller sends again what still matters.
 */
import type { JsonObject } from '../../crypto/json.ts'
import { tlsOptions } from './certificate.ts'
import { Inbound } from './inbound.ts'
import { Meter, type TransportStats } from './meter.ts'
import {
  DEFAULT_LIMITS,
  type TransportEvents,
  type TransportLimits,
  type TransportOptions,
} from './options.ts'
import { Outbound, type OutboundContext } from './outbound.ts'

export { fetchCard } from './fetch-card.ts'
export type { TransportStats } from './meter.ts'
export type { Identity, TransportEvents, TransportLimits, TransportOptions } from './options.ts'
export { DEFAULT_LIMITS } from './options.ts'

/** How long connections that are up may take to send what is left when the transport closes. */
const GRACE_MS = 1_000

export class Transport {
  readonly #options: TransportOptions
  readonly #meter: Meter
  readonly #inbound: Inbound
  readonly #outbound = new Map<string, Outbound>()
  readonly #outboundContext: OutboundContext
  #port = 0
  #isClosed = false

  private constructor(given: TransportOptions) {
    const options = { ...given, events: this.#untilClosed(given.events) }
    const now = options.now ?? (() => performance.now())
    const limits: TransportLimits = { ...DEFAULT_LIMITS, ...options.limits }
    const tls = tlsOptions(options.tlsKey)
    this.#options = options
    this.#meter = new Meter(now, options.events.log)
    this.#outboundContext = { options, limits, tls, meter: this.#meter, now }
    this.#inbound = new Inbound({
      options,
      limits,
      tls,
      meter: this.#meter,
      onArrival: (party) => this.#outbound.get(party)?.hurry(),
      onVanished: (party) => this.#outbound.get(party)?.recycle('its connection to us timed out'),
    })
  }

  /** The events, until close(). */
  #untilClosed(events: TransportEvents): TransportEvents {
    return {
      onMessages: (party, messages) => {
        if (!this.#isClosed) events.onMessages(party, messages)
      },
      onPeerUp: (party) => {
        if (!this.#isClosed) events.onPeerUp(party)
      },
      onPeerDown: (party) => {
        if (!this.#isClosed) events.onPeerDown(party)
      },
      onWrongKey: (party, endpoint) => {
        if (!this.#isClosed) events.onWrongKey(party, endpoint)
      },
      log: (level, event, detail) => {
        if (!this.#isClosed) events.log(level, event, detail)
      },
    }
  }

  /** Listens; dials nobody before `setPeers`. @throws CountersignError `unavailable` if the address can't be listened on */
  static async start(options: TransportOptions): Promise<Transport> {
    const transport = new Transport(options)
    transport.#port = await transport.#inbound.listen()
    return transport
  }

  /** The port listened on. */
  get port(): number {
    return this.#port
  }

  /**
   * The parties to be connected to. Each is dialled until it is up, with growing pauses, and at once when it connects to us.
   * Those left out are let go after what is queued for them, without onPeerDown.
   */
  setPeers(parties: string[]): void {
    if (this.#isClosed) return
    const wanted = new Set(parties)
    wanted.delete(this.#options.party)
    for (const [party, outbound] of this.#outbound) {
      if (wanted.has(party)) continue
      this.#outbound.delete(party)
      outbound.close(GRACE_MS)
    }
    for (const party of wanted) {
      if (!this.#outbound.has(party)) this.#outbound.set(party, new Outbound(party, this.#outboundContext))
    }
  }

  /**
   * Queues a message (an object, or the JSON text of one) for a peer. All that is queued in one turn of the event loop goes
   * out together. False, and nothing is queued, if the peer is not connected or takes too little; its connection is then
   * closed. @throws CountersignError `too-large` if no frame holds it
   */
  send(party: string, message: JsonObject | string): boolean {
    return this.#outbound.get(party)?.send(message) ?? false
  }

  /** Writes what is queued without waiting for the end of this turn. */
  flush(): void {
    for (const outbound of this.#outbound.values()) outbound.flush()
  }

  /** Bytes not yet handed to the kernel: callers with much to send pace themselves by it. */
  bufferedBytes(party: string): number {
    return this.#outbound.get(party)?.bufferedBytes ?? 0
  }

  isUp(party: string): boolean {
    return this.#outbound.get(party)?.isUp ?? false
  }

  /** Closes a party's connections to us (AMN-2); with `newest` all but the one it opened last. */
  closeInbound(party: string, except?: 'newest'): void {
    this.#inbound.closeParty(party, except)
  }

  /** For a message that the transport can't judge, such as one of an unknown type (NET-4): counts it, closes as above. */
  refuse(party: string, reason: string, detail: Record<string, unknown> = {}): void {
    this.#meter.count(reason)
    this.#meter.log('warn', `refused-${reason}`, { party, ...detail })
    this.closeInbound(party)
  }

  /** To be called after a card was pinned or replaced: closes connections by keys that no longer count, dials by new ones. */
  refresh(): void {
    if (this.#isClosed) return
    this.#inbound.refresh()
    for (const outbound of this.#outbound.values()) outbound.refresh()
  }

  stats(): TransportStats {
    let outbound = 0
    for (const { isOpen } of this.#outbound.values()) if (isOpen) outbound += 1
    const { peerConnections: inbound, pendingConnections: strangers } = this.#inbound
    return this.#meter.stats({ inbound, outbound, strangers })
  }

  /** Sends what is queued, closes everything. No event is called after this. */
  async close(): Promise<void> {
    this.#isClosed = true
    const closing = [...this.#outbound.values()].map((outbound) => outbound.close(GRACE_MS))
    this.#outbound.clear()
    await Promise.all([this.#inbound.close(), ...closing])
  }
}
