/** What the transport is given and what it tells back. */
import type { JsonObject } from '../../crypto/json.ts'
import type { KeyPair } from '../../crypto/keys.ts'
import type { SignedCard } from '../../identity/card.ts'

export type LogLevel = 'debug' | 'info' | 'warn'

/** Called by the transport. None of them may throw: what one throws ends the process as any uncaught error does. */
export type TransportEvents = {
  /** All messages of all frames that one read brought from a pinned party: strictly parsed, in the order of sending. */
  onMessages(party: string, messages: JsonObject[]): void
  /** Our outbound connection to a peer is established and its key is the one of its newest card. */
  onPeerUp(party: string): void
  /** An outbound connection that was up is gone; what was queued on it may or may not have arrived. */
  onPeerDown(party: string): void
  /** A peer dialled at this endpoint (`host:port`) showed another key than its newest card's; its card may have been replaced. */
  onWrongKey(party: string, endpoint: string): void
  log(level: LogLevel, event: string, detail: Record<string, unknown>): void
}

/** Who a TLS key belongs to: the newest card of a pinned party, a card that a newer one replaced, or nobody known. */
export type Identity = { party: string } | { refused: 'stranger' | 'superseded'; party?: string }

/** Bounds on what others can make this node hold and on how long it waits. */
export type TransportLimits = {
  /** A frame without its length field, both ways. */
  frameBytes: number
  /** A frame from someone who is not pinned. */
  strangerFrameBytes: number
  /** From the TCP connection to the end of a handshake, and of everything a stranger may do. */
  strangerMs: number
  /** Connections in the handshake or of strangers, all together; one more evicts one. */
  strangerConnections: number
  /** Inbound connections of one pinned party; one more closes its oldest. */
  connectionsPerParty: number
  /** Waiting to be sent to one peer; more drops the connection. */
  bufferedBytes: number
  /** How long a peer may take nothing of what is being sent, or leave a frame half sent. */
  stallMs: number
  /** From the start of dialling to the end of the handshake. */
  dialMs: number
  /** Waiting time before dialling again: the first, and the longest, before jitter. */
  redialMs: { first: number; longest: number }
  /** Idle time before TCP keep-alive starts asking. */
  keepAliveMs: number
}

export const DEFAULT_LIMITS: Readonly<TransportLimits> = {
  frameBytes: 32 * 1024 * 1024,
  strangerFrameBytes: 4 * 1024,
  strangerMs: 15_000,
  strangerConnections: 128,
  connectionsPerParty: 4,
  bufferedBytes: 64 * 1024 * 1024,
  stallMs: 10_000,
  dialMs: 15_000,
  redialMs: { first: 100, longest: 5_000 },
  keepAliveMs: 5_000,
}

export type TransportOptions = {
  /** Our own party id. */
  party: string
  /** Our card's TLS key. */
  tlsKey: KeyPair
  /** Our newest card; anyone may have it. */
  card: () => SignedCard
  /** Asked once for each inbound connection and again by `refresh()`. The key is base64url. */
  identify: (tlsPublicKey: string) => Identity
  /** `host:port`, in the order to try. */
  endpointsOf: (party: string) => string[]
  /** The TLS key (base64url) of the newest card we hold of a party; undefined if it is not pinned. */
  tlsKeyOf: (party: string) => string | undefined
  events: TransportEvents
  /** Port 0 takes a free one. */
  listen: { host: string; port: number }
  limits?: Partial<TransportLimits>
  /** A clock that never goes back, in ms from any origin. */
  now?: () => number
}
