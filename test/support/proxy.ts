/**
 * A network that can be made to fail: a TCP proxy for each ordered pair of nodes, whose bytes are held back, slowed, lost or
 * cut off by the way they take. It counts what it does to them, for a fault that nobody met shows nothing.
 *
 * It deals in bytes, not packets. What TCP makes of a lost packet (everything behind it waits for a retransmission) is done
 * as such; that acknowledgements are lost as well, and keep-alive, are out of its reach.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../sim/random.ts'

const HOST = '127.0.0.1'
/** More than this, in the proxy, keeps the sender from sending on, as a full window does. */
const WINDOW_BYTES = 256 * 1024
/** RFC 6298: TCP's first retransmission comes after this long (Linux); each further one takes twice as long. */
const RETRANSMISSION_MS = 200
const RETRANSMISSIONS_MAX = 6

/** What happens on the way from one node to another. Nothing of all this where nothing is said. */
export type Fault = {
  latencyMs?: number
  /** At most this much on top, at random. */
  jitterMs?: number
  bytesPerSecond?: number
  /** Of packets, the share that is lost and sent again. */
  loss?: number
  /** Of packets, the share that ends the connection. */
  resets?: number
  /** Connections stay, and are made, and nothing comes through: it waits. */
  isBlocked?: boolean
  /** Connections are reset, and refused. */
  isCut?: boolean
}

/** What was met, since it was last counted anew. */
class Counts {
  /** Bytes that came out at the other end. */
  passedBytes = 0
  /** Bytes, and attempts to connect, that met a blocked way. */
  heldBytes = 0
  heldAttempts = 0
  /** Bytes that met latency or a limit of bytes a second. */
  delayedBytes = 0
  lostPackets = 0
  /** Connections that were reset, and attempts that were refused. */
  resets = 0
  refusals = 0
}

/** From one node to another, on whichever connection. */
export class Way {
  readonly from: number
  readonly to: number
  fault: Fault = {}
  counts = new Counts()
  readonly flows = new Set<Flow>()

  constructor(from: number, to: number) {
    this.from = from
    this.to = to
  }
}

type Packet = { bytes: Buffer; dueMs: number }

/** What flows on one connection in one direction. */
class Flow {
  private readonly way: Way
  private readonly source: Socket
  private readonly target: Socket
  private readonly random: Random
  private readonly reset: () => void
  private readonly queue: Packet[] = []
  private queuedBytes = 0
  /** Nothing is sent before: the connection is still being made. */
  private readonly firstMs: number
  /** Nothing comes out before: something ahead has not. */
  private lastMs = 0
  private isEnded = false
  private timer: NodeJS.Timeout | undefined

  constructor(way: Way, source: Socket, target: Socket, random: Random, firstMs: number, reset: () => void) {
    this.way = way
    this.source = source
    this.target = target
    this.random = random
    this.firstMs = firstMs
    this.reset = reset
    way.flows.add(this)
    source.on('data', (bytes: Buffer) => this.take(bytes))
    source.on('close', () => {
      this.isEnded = true
      this.pump()
    })
    target.on('drain', () => this.pump())
  }

  take(bytes: Buffer): void {
    const { way, random } = this
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond, loss = 0, resets = 0, isBlocked = false } = way.fault
    if (random.chance(resets)) {
      this.reset()
      return
    }
    if (isBlocked) way.counts.heldBytes += bytes.length
    if (latencyMs > 0 || bytesPerSecond !== undefined) way.counts.delayedBytes += bytes.length
    let delayMs = latencyMs + (jitterMs > 0 ? random.integer(0, jitterMs) : 0)
    for (let times = 0; times < RETRANSMISSIONS_MAX && random.chance(loss); times += 1) {
      way.counts.lostPackets += 1
      delayMs += RETRANSMISSION_MS * 2 ** times
    }
    const transferMs = bytesPerSecond === undefined ? 0 : (bytes.length / bytesPerSecond) * 1000
    this.lastMs = Math.max(this.lastMs, Math.max(this.firstMs, performance.now()) + delayMs) + transferMs
    this.queue.push({ bytes, dueMs: this.lastMs })
    this.queuedBytes += bytes.length
    if (this.queuedBytes > WINDOW_BYTES) this.source.pause()
    this.pump()
  }

  /** Hands on what is due. */
  pump(): void {
    clearTimeout(this.timer)
    if (this.way.fault.isBlocked) return
    for (let [packet] = this.queue; packet !== undefined; [packet] = this.queue) {
      if (this.target.writableNeedDrain) return
      const waitMs = packet.dueMs - performance.now()
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), Math.ceil(waitMs))
        return
      }
      this.queue.shift()
      this.queuedBytes -= packet.bytes.length
      this.way.counts.passedBytes += packet.bytes.length
      this.target.write(packet.bytes)
    }
    if (this.source.isPaused()) this.source.resume()
    if (!this.isEnded) return
    this.target.end()
    this.stop()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.way.flows.delete(this)
  }

  /** The connection ends here and now, on both sides. */
  cut(): void {
    this.reset()
  }
}

/** All ways between some nodes, and a port for each node to dial each other one by. */
export class Network {
  readonly ways: Way[] = []
  private readonly random: Random
  private readonly servers = new Map<string, Server>()
  private readonly sockets = new Set<Socket>()
  /** Attempts that wait for a blocked way: how each goes on. */
  private readonly held = new Map<Socket, () => void>()

  constructor(random: Random) {
    this.random = random
  }

  /** Opens a route from every node to every other one. @param ports where each node listens */
  async open(ports: readonly number[]): Promise<void> {
    for (const from of ports.keys())
      for (const to of ports.keys()) if (from !== to) this.ways.push(new Way(from, to))
    await Promise.all(
      this.ways.map(async ({ from, to }) => {
        const server = createServer((dialled) => this.join(dialled, from, to, ports[to] as number))
        this.servers.set(`${from} ${to}`, server)
        await new Promise<void>((listening) => server.listen(0, HOST, listening))
      }),
    )
  }

  /** The port by which a node reaches another. */
  port(from: number, to: number): number {
    const server = this.servers.get(`${from} ${to}`) as Server
    return (server.address() as { port: number }).port
  }

  way(from: number, to: number): Way {
    return this.ways.find((one) => one.from === from && one.to === to) as Way
  }

  /** Ways between the nodes of two groups, in both directions. */
  between(some: readonly number[], others: readonly number[]): Way[] {
    return [...this.from(some, others), ...this.from(others, some)]
  }

  /** Ways from the nodes of a group to those of another. */
  from(some: readonly number[], others: readonly number[]): Way[] {
    return this.ways.filter(({ from, to }) => some.includes(from) && others.includes(to))
  }

  /** From now on this happens on these ways, and nothing else. What waited for a block to end goes on. */
  set(ways: readonly Way[], fault: Fault): void {
    for (const way of ways) {
      way.fault = fault
      for (const flow of [...way.flows])
        if (fault.isCut) flow.cut()
        else flow.pump()
    }
    for (const goOn of [...this.held.values()]) goOn()
  }

  /** Begins to count anew. */
  recount(): void {
    for (const way of this.ways) way.counts = new Counts()
  }

  /** Nothing happens on any way any more. */
  heal(): void {
    this.set(this.ways, {})
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(
      [...this.servers.values()].map((server) => new Promise((closed) => server.close(closed))),
    )
  }

  /** A node dials another. */
  private join(dialled: Socket, from: number, to: number, port: number): void {
    this.sockets.add(dialled)
    dialled.on('error', () => undefined)
    dialled.on('close', () => {
      this.sockets.delete(dialled)
      this.held.delete(dialled)
    })
    const there = this.way(from, to)
    const back = this.way(to, from)
    // Nobody hears of who gives up before the way is open.
    const early: Buffer[] = []
    const wait = (bytes: Buffer): void => {
      early.push(bytes)
    }
    const giveUp = (): void => {
      dialled.destroy()
    }
    const goOn = (): void => {
      if (there.fault.isCut || back.fault.isCut) {
        there.counts.refusals += 1
        dialled.resetAndDestroy()
      } else if (!there.fault.isBlocked && !back.fault.isBlocked) {
        this.held.delete(dialled)
        dialled.off('data', wait).off('end', giveUp)
        this.connect(dialled, early, there, back, port)
      } else if (!this.held.has(dialled)) {
        there.counts.heldAttempts += 1
        this.held.set(dialled, goOn)
        dialled.on('data', wait).on('end', giveUp)
      }
    }
    goOn()
  }

  private connect(dialled: Socket, early: readonly Buffer[], there: Way, back: Way, port: number): void {
    const reached = connect({ host: HOST, port, noDelay: true })
    dialled.setNoDelay(true)
    this.sockets.add(reached)
    reached.on('error', () => undefined)
    reached.on('close', () => this.sockets.delete(reached))
    const reset = (): void => {
      there.counts.resets += 1
      for (const flow of flows) flow.stop()
      dialled.resetAndDestroy()
      reached.resetAndDestroy()
    }
    // TCP's own handshake takes a round trip before the first byte.
    const firstMs = performance.now() + (there.fault.latencyMs ?? 0) + (back.fault.latencyMs ?? 0)
    const first = new Flow(there, dialled, reached, this.random, firstMs, reset)
    const flows = [first, new Flow(back, reached, dialled, this.random, 0, reset)]
    for (const bytes of early) first.take(bytes)
  }
}
