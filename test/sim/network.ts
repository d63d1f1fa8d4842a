/**
 * Connections as the transport makes them: each node dials each peer and sends on that connection only; what one connection
 * carries arrives in order, once, or not at all. The sender learns of an end late, and dials again until it is through.
 */

import type { Scheduled } from './queue.ts'
import type { Random } from './random.ts'

/** One connection: `open` as long as it carries frames, `known` as long as its sender takes it for open. */
type Connection = {
  open: boolean
  lastArrivalMs: number
  inFlight: Set<Scheduled>
}

type Link = {
  from: number
  to: number
  /** As the sender sees it. */
  current: Connection | undefined
  /** Ended, with frames that still arrive: what the kernels hold of a process that died. */
  draining: Set<Connection>
  /** Partitions in force that cut it. */
  cuts: number
  dialling: Scheduled | undefined
}

export type NetworkHooks = {
  nowMs(): number
  schedule(delayMs: number, label: string, run: () => void): Scheduled
  isRunning(node: number): boolean
  onUp(from: number, to: number): void
  onDown(from: number, to: number): void
  onFrame(from: number, to: number, texts: readonly string[]): void
}

export type NetworkFaults = { loss: number; duplicates: boolean; reorder: boolean }

const LATENCY_MS = { low: 1, high: 50 } as const
const DIAL_MS = { low: 20, high: 1000 } as const
/** How long an end stays unnoticed by the sender. */
const NOTICE_MS = { low: 0, high: 300 } as const
/** Across a cut nothing tells the sender but its own patience. */
const CUT_NOTICE_MS = { low: 0, high: 5000 } as const

export class Network {
  readonly counts = {
    frames: 0,
    lost: 0,
    resets: 0,
    duplicated: 0,
    overtaken: 0,
    drained: 0,
    closedFormer: 0,
  }
  faults: NetworkFaults = { loss: 0, duplicates: false, reorder: false }
  private readonly links: Link[][]
  private readonly random: Random
  private readonly hooks: NetworkHooks

  constructor(nodes: number, random: Random, hooks: NetworkHooks) {
    this.random = random
    this.hooks = hooks
    this.links = Array.from({ length: nodes }, (_, from) =>
      Array.from({ length: nodes }, (__, to) => ({
        from,
        to,
        current: undefined,
        draining: new Set(),
        cuts: 0,
        dialling: undefined,
      })),
    )
  }

  private all(): Link[] {
    return this.links.flat().filter(({ from, to }) => from !== to)
  }

  private link(from: number, to: number): Link {
    return (this.links[from] as Link[])[to] as Link
  }

  /** A node has started: it dials everybody, and those who wait for it are dialled back. */
  started(node: number): void {
    for (const link of this.all()) if (link.from === node || link.to === node) this.dial(link)
  }

  private dial(link: Link): void {
    if (link.dialling || link.current || !this.hooks.isRunning(link.from)) return
    const { low, high } = DIAL_MS
    link.dialling = this.hooks.schedule(this.random.integer(low, high), '', () => {
      link.dialling = undefined
      if (link.current || !this.hooks.isRunning(link.from)) return
      // It is dialled again when the cut heals, or the peer starts.
      if (link.cuts > 0 || !this.hooks.isRunning(link.to)) return
      link.current = { open: true, lastArrivalMs: 0, inFlight: new Set() }
      this.hooks.onUp(link.from, link.to)
    })
  }

  /** Sends one frame. What is sent on a connection that has ended unnoticed is lost. */
  send(from: number, to: number, texts: readonly string[]): void {
    const link = this.link(from, to)
    const connection = link.current
    if (!connection) return
    this.counts.frames += 1
    if (!connection.open) {
      this.counts.lost += 1
      return
    }
    if (this.faults.loss > 0 && this.random.chance(this.faults.loss)) {
      this.counts.lost += 1
      this.reset(from, to)
      if (this.random.chance(0.5)) this.reset(to, from)
      return
    }
    this.carry(link, connection, texts)
    if (this.faults.duplicates && this.random.chance(0.05)) {
      this.counts.duplicated += 1
      this.carry(link, connection, texts)
    }
  }

  private carry(link: Link, connection: Connection, texts: readonly string[]): void {
    const nowMs = this.hooks.nowMs()
    const { low, high } = LATENCY_MS
    let arrivalMs = nowMs + this.random.integer(low, high)
    if (arrivalMs < connection.lastArrivalMs) {
      if (this.faults.reorder && this.random.chance(0.3)) this.counts.overtaken += 1
      else arrivalMs = connection.lastArrivalMs
    }
    connection.lastArrivalMs = Math.max(connection.lastArrivalMs, arrivalMs)
    const frame = this.hooks.schedule(arrivalMs - nowMs, '', () => {
      connection.inFlight.delete(frame)
      if (link.draining.has(connection)) this.counts.drained += 1
      if (connection.inFlight.size === 0) link.draining.delete(connection)
      this.hooks.onFrame(link.from, link.to, texts)
    })
    connection.inFlight.add(frame)
  }

  /** A connection ends: what is in flight is lost, and its sender learns of it later. */
  reset(from: number, to: number): void {
    const link = this.link(from, to)
    const connection = link.current
    if (!connection?.open) return
    this.counts.resets += 1
    this.end(link, connection, link.cuts > 0 ? CUT_NOTICE_MS : NOTICE_MS)
  }

  private end(link: Link, connection: Connection, notice: { low: number; high: number }): void {
    connection.open = false
    this.counts.lost += connection.inFlight.size
    for (const frame of connection.inFlight) frame.cancelled = true
    connection.inFlight.clear()
    this.hooks.schedule(this.random.integer(notice.low, notice.high), '', () => {
      if (link.current !== connection) return
      link.current = undefined
      if (this.hooks.isRunning(link.from)) this.hooks.onDown(link.from, link.to)
      this.dial(link)
    })
  }

  /** A node has died. What it sent may still arrive, even while its next life has begun. */
  crashed(node: number): void {
    for (const link of this.all()) {
      if (link.to === node) for (const connection of [...link.draining]) this.drop(link, connection)
      const connection = link.current
      if (!connection) continue
      if (link.to === node) {
        if (connection.open) this.end(link, connection, NOTICE_MS)
      } else if (link.from === node) {
        link.current = undefined
        if (connection.open && connection.inFlight.size > 0 && this.random.chance(0.5))
          link.draining.add(connection)
        else this.drop(link, connection)
      }
    }
  }

  private drop(link: Link, connection: Connection): void {
    link.draining.delete(connection)
    connection.open = false
    this.counts.lost += connection.inFlight.size
    for (const frame of connection.inFlight) frame.cancelled = true
    connection.inFlight.clear()
  }

  /** What `closeFormer` of an engine asks: nothing from earlier connections of a peer arrives any more. */
  closeFormer(node: number, from: number): void {
    const link = this.link(from, node)
    for (const connection of [...link.draining]) {
      this.counts.closedFormer += 1
      this.drop(link, connection)
    }
  }

  /** Cuts links; returns how to heal them. */
  cut(isCut: (from: number, to: number) => boolean): () => void {
    const links = this.all().filter(({ from, to }) => isCut(from, to))
    for (const link of links) {
      link.cuts += 1
      if (link.current?.open) this.end(link, link.current, CUT_NOTICE_MS)
    }
    return () => {
      for (const link of links) {
        link.cuts -= 1
        if (link.cuts === 0) this.dial(link)
      }
    }
  }

  /** True once every node is connected with every other and nothing is on its way. */
  get isWhole(): boolean {
    return this.all().every(({ current }) => current?.open === true)
  }

  get inFlight(): number {
    let count = 0
    for (const { current, draining } of this.all()) {
      count += current?.inFlight.size ?? 0
      for (const { inFlight } of draining) count += inFlight.size
    }
    return count
  }
}
