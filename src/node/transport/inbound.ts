/**
 * Connections that others opened. They are received from only, with one exception: who asks for the card gets it, and the
 * connection ends (PROTOCOL NET-2).
 *
 *   TCP ──▶ pending: handshake ──▶ key of a pinned party's newest card ──▶ peer: frames go to onMessages
 *              │                └▶ any other key ──▶ pending: stranger ──▶ {"type":"CARD?"} answered, all else cut
 *              └── all of pending together: limited in number, in bytes and by one clock from TCP to end
 */
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import {
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls'
import { CountersignError } from '../../crypto/errors.ts'
import type { JsonObject } from '../../crypto/json.ts'
import { peerTlsKey } from './certificate.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import type { Meter, RefusalReason } from './meter.ts'
import type { TransportLimits, TransportOptions } from './options.ts'

export type InboundContext = {
  options: TransportOptions
  limits: TransportLimits
  tls: TlsOptions
  meter: Meter
  /** A pinned party has just connected: it can be reached. */
  onArrival(party: string): void
  /** TCP found that the host of a pinned party no longer answers. */
  onVanished(party: string): void
}

/** In the handshake or a stranger's. `address` is the IP address, without the port. */
type Pending = {
  raw: Socket
  address: string
  timer: NodeJS.Timeout
  /** `handshake` until it is done; then what kind of stranger it is. */
  state: 'handshake' | 'stranger' | 'superseded'
  party?: string
  /** Why the handshake failed. */
  failure?: string
}
type Peer = { socket: TLSSocket; tlsKey: string }

const CARD_REQUEST = 'CARD?'

/** The one thing that everyone may ask. */
function isCardRequest(message: JsonObject): boolean {
  return message.type === CARD_REQUEST && Object.keys(message).length === 1
}

/** Names one TCP connection; both the plain and the TLS socket over it can tell. */
function connectionId(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

export class Inbound {
  readonly #context: InboundContext
  readonly #tcp: TcpServer
  readonly #tls: TlsServer
  /** Oldest first. */
  readonly #pending = new Map<string, Pending>()
  /** By party; oldest first, none empty. */
  readonly #peers = new Map<string, Peer[]>()
  #isClosed = false

  constructor(context: InboundContext) {
    this.#context = context
    const { keepAliveMs } = context.limits
    this.#tls = createTlsServer({ ...context.tls, requestCert: true })
    this.#tls.on('secureConnection', (socket) => this.#onSecure(socket))
    this.#tls.on('tlsClientError', (error, socket) => {
      const pending = this.#pending.get(connectionId(socket))
      if (pending !== undefined) pending.failure = error.message
      socket.destroy()
    })
    // The TCP server is our own, so that a flood is turned away before it costs a TLS state.
    const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
    this.#tcp = createTcpServer(tcpOptions, (raw) => this.#onTcp(raw))
  }

  /** Starts listening and answers with the port. @throws CountersignError `unavailable` */
  listen(): Promise<number> {
    const { host, port } = this.#context.options.listen
    return new Promise((resolve, reject) => {
      this.#tcp.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          new CountersignError(
            'unavailable',
            cannotListen(host, port, error),
            { host, port },
            { cause: error },
          ),
        )
      })
      this.#tcp.listen({ host, port }, () => {
        this.#tcp.removeAllListeners('error')
        // Such as running out of file descriptors for one connection; the next may fare better.
        this.#tcp.on('error', (error) =>
          this.#context.meter.log('warn', 'accept-failed', { reason: error.message }),
        )
        const address = this.#tcp.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  get peerConnections(): number {
    let count = 0
    for (const peers of this.#peers.values()) count += peers.length
    return count
  }

  get pendingConnections(): number {
    return this.#pending.size
  }

  /** Closes a party's connections; with `newest` all but the one it opened last. */
  closeParty(party: string, except?: 'newest'): void {
    const open = (this.#peers.get(party) ?? []).filter(({ socket }) => !socket.destroyed)
    for (const { socket } of except === 'newest' ? open.slice(0, -1) : open) socket.destroy()
  }

  /** Closes every connection whose key is no longer that of its party's newest card. */
  refresh(): void {
    for (const [party, peers] of [...this.#peers]) {
      for (const { socket, tlsKey } of [...peers]) {
        const identity = this.#context.options.identify(tlsKey)
        if (!('refused' in identity) && identity.party === party) continue
        const reason = 'refused' in identity ? identity.refused : 'superseded'
        this.#refuse(reason, { party, address: socket.remoteAddress })
        socket.destroy()
      }
    }
  }

  /** Takes no more connections and closes all. Resolves when all are closed. */
  close(): Promise<void> {
    this.#isClosed = true
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()))
    for (const { raw, timer } of this.#pending.values()) {
      clearTimeout(timer)
      raw.destroy()
    }
    for (const peers of this.#peers.values()) for (const { socket } of peers) socket.destroy()
    return closed
  }

  #onTcp(raw: Socket): void {
    raw.on('error', () => {})
    const { remoteAddress: address } = raw
    if (address === undefined || this.#isClosed) {
      raw.destroy()
      return
    }
    this.#context.meter.track(raw)
    if (this.#pending.size >= this.#context.limits.strangerConnections) this.#evict()
    const id = connectionId(raw)
    const timer = setTimeout(() => this.#onTimeout(id), this.#context.limits.strangerMs)
    const pending: Pending = { raw, address, timer, state: 'handshake' }
    this.#pending.set(id, pending)
    raw.once('close', () => {
      if (this.#pending.get(id) !== pending) return
      this.#release(id)
      if (pending.state === 'handshake')
        this.#refuse('handshake', { address, reason: pending.failure ?? 'cut off' })
    })
    this.#tls.emit('connection', raw)
  }

  #onTimeout(id: string): void {
    const pending = this.#release(id)
    if (pending === undefined) return
    const { raw, address, state, party } = pending
    this.#refuse('silent', { address, state, party })
    raw.destroy()
  }

  /** Makes room: of the address with the most, the oldest goes. So one address can't keep the others out. */
  #evict(): void {
    const counts = new Map<string, number>()
    for (const { address } of this.#pending.values()) counts.set(address, (counts.get(address) ?? 0) + 1)
    const most = Math.max(...counts.values())
    for (const [id, { raw, address }] of this.#pending) {
      if (counts.get(address) !== most) continue
      this.#release(id)
      this.#refuse('flood', { address, connections: most })
      raw.destroy()
      return
    }
  }

  #release(id: string): Pending | undefined {
    const pending = this.#pending.get(id)
    clearTimeout(pending?.timer)
    this.#pending.delete(id)
    return pending
  }

  #onSecure(socket: TLSSocket): void {
    const { options, meter } = this.#context
    socket.on('error', (error) => meter.log('debug', 'connection-error', { reason: error.message }))
    const id = connectionId(socket)
    const pending = this.#pending.get(id)
    if (pending === undefined || this.#isClosed) {
      socket.destroy()
      return
    }
    const tlsKey = peerTlsKey(socket)
    if (tlsKey === undefined) {
      this.#release(id)
      this.#refuse('no-certificate', { address: pending.address })
      socket.destroy()
      return
    }
    const identity = options.identify(tlsKey)
    if ('refused' in identity) {
      pending.state = identity.refused
      if (identity.party !== undefined) pending.party = identity.party
      this.#hearStranger(socket, pending, identity.refused)
    } else {
      this.#release(id)
      this.#admit(socket, identity.party, tlsKey)
    }
  }

  /** One frame with the question for the card is answered. Whatever else comes first ends the connection. */
  #hearStranger(socket: TLSSocket, { address, party }: Pending, refused: 'stranger' | 'superseded'): void {
    const reader = new FrameReader(this.#context.limits.strangerFrameBytes)
    socket.on('data', (chunk: Buffer) => {
      const { messages, frames, fault } = reader.push(chunk)
      if (fault === undefined && frames === 0) return
      socket.removeAllListeners('data')
      const [question] = messages
      if (fault === undefined && messages.length === 1 && question !== undefined && isCardRequest(question)) {
        this.#answer(socket)
        return
      }
      this.#refuse(refused, { address, party, sent: fault?.message ?? question?.type })
      socket.destroy()
    })
  }

  #admit(socket: TLSSocket, party: string, tlsKey: string): void {
    const { limits, meter, onArrival, onVanished } = this.#context
    const peers = this.#peers.get(party) ?? []
    this.#peers.set(party, peers)
    const peer: Peer = { socket, tlsKey }
    peers.push(peer)
    for (const extra of peers.slice(0, -limits.connectionsPerParty)) {
      if (extra.socket.destroyed) continue
      this.#refuse('extra-connection', { party, connections: peers.length })
      extra.socket.destroy()
    }
    let error: NodeJS.ErrnoException | undefined
    socket.on('error', (thrown) => {
      error = thrown
    })
    socket.once('close', () => {
      peers.splice(peers.indexOf(peer), 1)
      if (peers.length === 0 && this.#peers.get(party) === peers) this.#peers.delete(party)
      meter.log('debug', 'inbound-closed', { party, reason: error?.message })
      if (error?.code === 'ETIMEDOUT' && !this.#isClosed) onVanished(party)
    })
    const reader = new FrameReader(limits.frameBytes)
    socket.setTimeout(limits.stallMs)
    socket.on('timeout', () => {
      if (!reader.isPartial) return
      this.#refuse('half-frame', { party })
      socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => this.#receive(socket, party, reader.push(chunk)))
    meter.log('debug', 'inbound-open', { party, address: socket.remoteAddress })
    onArrival(party)
  }

  #receive(socket: TLSSocket, party: string, received: ReturnType<FrameReader['push']>): void {
    const { options, meter } = this.#context
    const { frames, fault } = received
    meter.framesReceived += frames
    const question = received.messages.findIndex(isCardRequest)
    const messages = question === -1 ? received.messages : received.messages.slice(0, question)
    if (messages.length > 0) options.events.onMessages(party, messages)
    if (question !== -1 && !socket.destroyed) {
      socket.removeAllListeners('data')
      this.#answer(socket)
    } else if (fault !== undefined) {
      this.#refuse(fault.code === 'too-large' ? 'too-large' : 'malformed', { party, reason: fault.message })
      socket.destroy()
    }
  }

  #answer(socket: TLSSocket): void {
    const { options, meter } = this.#context
    meter.framesSent += 1
    // Whatever else comes is thrown away, so that closing does not cut off the answer.
    socket.resume()
    socket.write(encodeFrame([JSON.stringify({ type: 'CARD', card: options.card() })]))
    socket.destroySoon()
  }

  #refuse(reason: RefusalReason, detail: Record<string, unknown>): void {
    this.#context.meter.refuse(reason, detail)
  }
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): string {
  const where = `${host}:${port}`
  if (error.code === 'EADDRINUSE')
    return `${where} is in use by another program; stop that one or let the node listen on another port`
  if (error.code === 'EADDRNOTAVAIL')
    return `this machine has no address ${host}; listen on one of its own or on 0.0.0.0`
  if (error.code === 'EACCES') return `the node may not listen on ${where}; choose a port above 1023`
  return `the node cannot listen on ${where}: ${error.message}`
}
