/** One attempt to reach a node: TCP, TLS 1.3, and the key that the other side proved to hold. */
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { peerTlsKey } from './certificate.ts'
import type { Endpoint } from './endpoint.ts'

/** A connection under way or up. */
export type Dialled = {
  /** The TCP connection, whose bytes count. */
  raw: Socket
  /** Ends it in whatever state it is; `onClose` follows. */
  destroy(error?: Error): void
  /** Ends it once everything written has left. */
  end(): void
}

export type DialOptions = {
  endpoint: Endpoint
  /** `tlsOptions` of our key. */
  tls: ConnectionOptions
  /** Until the handshake is done. */
  timeoutMs: number
  keepAliveMs: number
  /** The handshake is done. The key is undefined if the other side is no node of this protocol. */
  onSecure(socket: TLSSocket, tlsKey: string | undefined): void
  /** Called once, when the connection is gone, with the error that ended it if there was one. */
  onClose(error: Error | undefined): void
}

/** Starts dialling. Nothing is called back before this returns. */
export function dial(options: DialOptions): Dialled {
  const { endpoint, timeoutMs, keepAliveMs } = options
  const raw = connect({ ...endpoint, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs })
  let socket: TLSSocket | undefined
  let failure: Error | undefined
  const fail = (error: Error): void => {
    failure ??= error
  }
  const destroy = (error?: Error): void => {
    if (error !== undefined) fail(error)
    socket?.destroy()
    raw.destroy()
  }
  const timer = setTimeout(() => destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
  raw.on('error', fail)
  // TLS begins on the connected socket: while Node still tries a name's addresses, it changes the handle underneath.
  raw.once('connect', () => {
    // No server name: it would tell a watcher whom we look for, and identity does not rest on names.
    const secured = connectTls({ ...options.tls, socket: raw, servername: '' })
    socket = secured
    secured.on('error', fail)
    secured.once('secureConnect', () => {
      clearTimeout(timer)
      options.onSecure(secured, peerTlsKey(secured))
    })
    secured.once('close', () => raw.destroy())
  })
  raw.once('close', () => {
    clearTimeout(timer)
    socket?.destroy()
    options.onClose(failure)
  })
  return { raw, destroy, end: () => (socket ?? raw).destroySoon() }
}
