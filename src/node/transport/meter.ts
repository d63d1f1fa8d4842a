/** Counts of what went over the wire and of what was turned away, and a log that a flood can't fill. */
import type { Socket } from 'node:net'
import type { LogLevel, TransportEvents } from './options.ts'

/**
 * Why a connection was refused or cut. `handshake`: not TLS 1.3 with our protocol's keys; `no-certificate`: the handshake
 * showed no Ed25519 key, or not our protocol; `stranger` and `superseded`: more than the card was asked for; `flood`: too
 * many strangers at once; `silent`: too slow in the handshake, or a stranger that asked nothing; `malformed` and `too-large`:
 * a frame; `half-frame`: begun and not ended; `answered`: sent on a connection that is ours to send on; `extra-connection`:
 * more than one party may have; `wrong-key`: another key at a pinned party's endpoint; `too-slow`: took too little of what
 * we sent. Others come from `Transport.refuse`.
 */
export type RefusalReason =
  | 'handshake'
  | 'no-certificate'
  | 'stranger'
  | 'superseded'
  | 'flood'
  | 'silent'
  | 'malformed'
  | 'too-large'
  | 'half-frame'
  | 'answered'
  | 'extra-connection'
  | 'wrong-key'
  | 'too-slow'

const LEVELS: Readonly<Record<RefusalReason, LogLevel>> = {
  handshake: 'info',
  'no-certificate': 'info',
  stranger: 'info',
  superseded: 'info',
  flood: 'warn',
  silent: 'info',
  malformed: 'warn',
  'too-large': 'warn',
  'half-frame': 'warn',
  answered: 'warn',
  'extra-connection': 'warn',
  'wrong-key': 'warn',
  'too-slow': 'warn',
}

/** Bytes are those of the TCP connections, TLS included. */
export type TransportStats = {
  bytesSent: number
  bytesReceived: number
  framesSent: number
  framesReceived: number
  refused: Record<string, number>
  /** Open ones. `strangers` are those in the handshake too. */
  connections: { inbound: number; outbound: number; strangers: number }
}

const LINES_AT_ONCE = 10
const WINDOW_MS = 10_000

export class Meter {
  readonly #now: () => number
  readonly #log: TransportEvents['log']
  readonly #open = new Set<Socket>()
  readonly #refused = new Map<string, number>()
  readonly #windows = new Map<string, { startMs: number; lines: number; suppressed: number }>()
  #closedSent = 0
  #closedReceived = 0
  framesSent = 0
  framesReceived = 0

  constructor(now: () => number, log: TransportEvents['log']) {
    this.#now = now
    this.#log = log
  }

  /** Counts the bytes of a TCP connection from now until it is closed. */
  track(raw: Socket): void {
    this.#open.add(raw)
    raw.once('close', () => {
      this.#open.delete(raw)
      this.#closedSent += raw.bytesWritten
      this.#closedReceived += raw.bytesRead
    })
  }

  /** Counts and logs a refusal. */
  refuse(reason: RefusalReason, detail: Record<string, unknown>): void {
    this.count(reason)
    this.log(LEVELS[reason], `refused-${reason}`, detail)
  }

  count(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  /** Logs at most ten lines of one event in ten seconds; the next one after that tells how many were left out. */
  log(level: LogLevel, event: string, detail: Record<string, unknown>): void {
    const nowMs = this.#now()
    let window = this.#windows.get(event)
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS) {
      const suppressed = window?.suppressed ?? 0
      window = { startMs: nowMs, lines: 0, suppressed: 0 }
      this.#windows.set(event, window)
      if (suppressed > 0) detail = { ...detail, suppressed }
    }
    if (window.lines >= LINES_AT_ONCE) {
      window.suppressed += 1
      return
    }
    window.lines += 1
    this.#log(level, event, detail)
  }

  stats(connections: TransportStats['connections']): TransportStats {
    let bytesSent = this.#closedSent
    let bytesReceived = this.#closedReceived
    for (const raw of this.#open) {
      bytesSent += raw.bytesWritten
      bytesReceived += raw.bytesRead
    }
    const { framesSent, framesReceived } = this
    const refused = Object.fromEntries([...this.#refused].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { bytesSent, bytesReceived, framesSent, framesReceived, refused, connections }
  }
}
