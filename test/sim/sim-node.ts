/**
 * One node of the simulation: the real engine and signer over its disk, with the clock and the turns that `node.ts` gives
 * them. A crash drops engine and signer; what is on the disk stays.
 */
import { DEFAULT_TIMING } from '../../src/consensus/state.ts'
import { Engine } from '../../src/node/engine.ts'
import type { Notice } from '../../src/node/outbox.ts'
import type { Replica } from '../../src/node/replica.ts'
import { Signer } from '../../src/signer/signer.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { CrashNow, Disk } from './disk.ts'
import type { Party } from './party.ts'
import type { Scheduled } from './queue.ts'
import type { Random } from './random.ts'

export type NodeHooks = {
  nowMs(): number
  schedule(delayMs: number, label: string, run: () => void): Scheduled
  send(node: SimNode, to: string, texts: string[]): void
  notice(node: SimNode, notice: Notice): void
  log(node: SimNode, level: string, event: string, detail: Record<string, unknown>): void
  written(node: SimNode, batch: readonly StoreWrite[]): void
  closeFormer(node: SimNode, party: string): void
  /** Something has happened at the node. */
  touched(node: SimNode): void
  /** The node has died of a trap. */
  died(node: SimNode): void
  /** The signer that the node gets. */
  signer(node: SimNode, signer: Signer): Signer
  /** A contract has been opened. */
  replica(node: SimNode, replica: Replica): void
}

/** As in node.ts. */
const STORAGE_RETRY_MS = 500
/** Ticks of one node within one virtual second: more is a timer that never lets go. */
const TICKS_PER_SECOND_MAX = 500

export class SimNode {
  readonly index: number
  /** Changes where it replaces its keys. */
  party: Party
  readonly disk: Disk
  /** Its clock's offset from virtual time, ms. */
  skewMs: number
  /** Counts its starts. */
  life = 0
  engine: Engine | undefined
  readonly counts = { turns: 0, ticks: 0 }
  private readonly random: Random
  private readonly hooks: NodeHooks
  private notices: Notice[] = []
  private readonly shown = new WeakSet<Replica>()
  private timer: Scheduled | undefined
  private turn: Scheduled | undefined
  private second = 0
  private ticksInSecond = 0

  constructor(index: number, party: Party, skewMs: number, random: Random, hooks: NodeHooks) {
    this.index = index
    this.party = party
    this.skewMs = skewMs
    this.random = random
    this.hooks = hooks
    this.disk = new Disk((batch) => hooks.written(this, batch))
  }

  get name(): string {
    return this.party.name
  }

  /** What the node's own clock shows. */
  get nowMs(): number {
    return this.hooks.nowMs() + this.skewMs
  }

  start(restored: boolean): void {
    this.life += 1
    this.notices = []
    this.alive(() => {
      this.engine = new Engine(
        {
          party: this.party.id,
          store: this.disk.nodeStore(),
          signer: this.hooks.signer(
            this,
            Signer.open({ journal: this.disk.journal(), keys: this.party.ring, party: this.party.id }),
          ),
          timing: DEFAULT_TIMING,
          random: (sizeBytes) => this.random.bytes(sizeBytes),
          restored,
          notify: (notice) => this.notices.push(notice),
          log: (level, event, detail) => this.hooks.log(this, level, event, detail),
          closeFormer: (party) => this.hooks.closeFormer(this, party),
        },
        this.nowMs,
      )
    })
    this.showReplicas()
    this.scheduleTurn()
  }

  private showReplicas(): void {
    for (const replica of this.engine?.replicas.values() ?? [])
      if (!this.shown.has(replica)) {
        this.shown.add(replica)
        this.hooks.replica(this, replica)
      }
  }

  /** The process is gone at once, whatever it was doing. */
  crash(): void {
    this.engine = undefined
    this.notices = []
    if (this.timer) this.timer.cancelled = true
    if (this.turn) this.turn.cancelled = true
    this.timer = undefined
    this.turn = undefined
    this.disk.clearTrap()
    this.disk.refuse('none')
  }

  /** Does something with the engine, if it runs; a turn follows. */
  act(work: (engine: Engine) => void): void {
    if (!this.engine) return
    this.alive(() => work(this.engine as Engine))
    if (!this.engine) return
    this.showReplicas()
    this.scheduleTurn()
    this.hooks.touched(this)
  }

  private alive(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof CrashNow)) throw error
      this.crash()
      this.hooks.died(this)
    }
  }

  private scheduleTurn(): void {
    if (this.turn || !this.engine) return
    this.turn = this.hooks.schedule(this.random.integer(0, 2), `turn ${this.name}`, () => {
      this.turn = undefined
      this.takeTurn()
    })
  }

  /** Has on disk what it holds in memory: nothing will happen any more. */
  rest(): void {
    this.takeTurn()
    this.engine?.flush()
  }

  private takeTurn(): void {
    if (!this.engine) return
    this.counts.turns += 1
    this.alive(() => {
      const { engine } = this
      if (!engine) return
      const envelopes = engine.turn(this.nowMs)
      const frames = new Map<string, string[]>()
      for (const { to, text } of envelopes) {
        const frame = frames.get(to)
        // Now and then a peer reads before all of a turn has come.
        if (frame && !this.random.chance(0.1)) frame.push(text)
        else {
          if (frame) this.hooks.send(this, to, frame)
          frames.set(to, [text])
        }
      }
      for (const [to, frame] of frames) this.hooks.send(this, to, frame)
      if (!engine.storageError) {
        const { notices } = this
        this.notices = []
        for (const notice of notices) this.hooks.notice(this, notice)
      }
    })
    this.setTimer()
    if (this.engine) this.hooks.touched(this)
  }

  private setTimer(): void {
    if (this.timer) this.timer.cancelled = true
    this.timer = undefined
    const { engine } = this
    if (!engine) return
    const { nowMs } = this
    const wakeMs = engine.storageError ? nowMs + STORAGE_RETRY_MS : engine.wakeMs(nowMs)
    if (wakeMs === undefined) return
    this.timer = this.hooks.schedule(Math.max(1, Math.ceil(wakeMs - nowMs)), `tick ${this.name}`, () => {
      this.timer = undefined
      this.countTick()
      this.act((running) => running.tick(this.nowMs))
    })
  }

  private countTick(): void {
    this.counts.ticks += 1
    const second = Math.floor(this.hooks.nowMs() / 1000)
    if (second !== this.second) {
      this.second = second
      this.ticksInSecond = 0
    }
    this.ticksInSecond += 1
    if (this.ticksInSecond > TICKS_PER_SECOND_MAX)
      throw new Error(
        `${this.name} asks for a tick again and again: ${TICKS_PER_SECOND_MAX} in one virtual second`,
      )
  }
}
