/**
 * A whole network in one process from one seed: nodes with the real engine, store and signer; connections, clocks and faults
 * that are made up; and checkers that look at every event.
 */
import { importOperations } from '../../src/contract/edit.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import { block, text } from '../../src/document/tree.ts'
import { partyOf } from '../../src/identity/card.ts'
import { GENESIS_ROOT, type Policy } from '../../src/ledger/genesis.ts'
import type { Engine } from '../../src/node/engine.ts'
import type { Message } from '../../src/node/messages.ts'
import type { Notice } from '../../src/node/outbox.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { Acknowledged } from './checkers/acknowledged.ts'
import { type Checker, Violation, type World } from './checkers/checker.ts'
import { Cosignatures } from './checkers/cosignatures.ts'
import { Evidence } from './checkers/evidence.ts'
import { Finals } from './checkers/finals.ts'
import { NoFork } from './checkers/no-fork.ts'
import { type Goal, IDLE_MS, Progress, WIND_DOWN_MS } from './checkers/progress.ts'
import { Secrets } from './checkers/secrets.ts'
import { Signatures } from './checkers/signatures.ts'
import { StateRoots } from './checkers/state-roots.ts'
import { Told } from './checkers/told.ts'
import { Versions } from './checkers/versions.ts'
import { Faults, isRecalling } from './faults.ts'
import { Network } from './network.ts'
import { OUTSIDERS, type SimOptions } from './options.ts'
import { makeParty } from './party.ts'
import type { Guards, Parts, Plot, Stage } from './plot.ts'
import { EventQueue, type Scheduled } from './queue.ts'
import { Random } from './random.ts'
import { Seats } from './seats.ts'
import { SECRETS, secretRules } from './secrets.ts'
import { SimNode } from './sim-node.ts'
import { Trace } from './trace.ts'
import { Turnover } from './turnover.ts'
import { Workload } from './workload.ts'

/** Virtual time 0 in ms since 1970. */
const START_MS = 1_750_000_000_000
const CLOCK_BOUND_MS = 5000
/** Clocks differ from virtual time by this much at most: less than half the bound, since blocks travel meanwhile. */
const SKEW_MS = 1500
/** All faults end at this share of the steps; clients go on a little longer. */
const HEAL_AT = 0.8
const LAST_REQUEST_AT = 0.85
/** How long a node takes to start anew with other keys. */
const RESTART_MS = 200
/** An attack begins within so many steps. */
const PEACE_STEPS = 10_000
/** From so many steps on, every kind of fault asked for must come true, and not just one of each sort. */
const EACH_KIND_STEPS = 20_000

export type Report = {
  /** Broken invariant and what broke it; absent where all held. */
  violation?: { invariant: string; message: string }
  recent: readonly string[]
  checked: Record<string, Record<string, number>>
  delivered: Record<string, number>
  /** Fault kinds asked for that never came true. */
  missing: string[]
  steps: number
  virtualMs: number
  digest: string
}

export class Simulation implements World {
  readonly options: SimOptions
  readonly nodes: SimNode[]
  readonly honest: SimNode[]
  readonly contracts: string[] = []
  readonly seats = new Seats()
  private readonly queue = new EventQueue()
  private readonly trace: Trace
  private readonly network: Network
  private readonly faults: Faults
  private readonly workload: Workload
  private readonly turnover: Turnover | undefined
  private readonly random: Random
  /** Of its own, so that nothing else of a run is drawn otherwise. */
  private readonly vouched: Random
  /** Who has tried, by contract: once. */
  private readonly hasBegun = new Set<string>()
  private readonly byParty: Map<string, number>
  private readonly guards: Guards
  private readonly plot: Plot | undefined
  private readonly goal: Goal
  private readonly checkers: readonly Checker[]
  private readonly counts = {
    messages: 0,
    recalls: 0,
    recalled: 0,
    syncs: 0,
    skips: 0,
    starts: 0,
    begun: 0,
  }
  private clockMs = 0
  private steps = 0
  private lastSentMs = 0

  /** plot: makes it a run with liars; without one all members are honest. */
  constructor(options: SimOptions, guards: Guards = { flagRestored: true }, plot?: Plot) {
    this.options = options
    this.guards = guards
    this.plot = plot
    this.trace = new Trace(options.last)
    const { seed, members } = options
    this.random = new Random(seed)
    this.vouched = new Random(seed, 8)
    const keys = new Random(seed, 1)
    const count = members + (options.epochs ? OUTSIDERS : 0)
    const parties = Array.from({ length: count }, (_, index) =>
      makeParty(String.fromCharCode(65 + index), 7000 + index, START_MS, keys),
    )
    this.byParty = new Map(parties.map(({ id }, index) => [id, index]))
    this.network = new Network(count, new Random(seed, 2), {
      nowMs: () => this.clockMs,
      schedule: (delayMs, label, run) => this.schedule(delayMs, label, run),
      isRunning: (index) => this.node(index).engine !== undefined,
      onUp: (from, to) => this.connection(from, to, 'up'),
      onDown: (from, to) => this.connection(from, to, 'down'),
      onFrame: (from, to, texts) => this.arrive(from, to, texts),
    })
    this.nodes = parties.map((party, index) => this.makeNode(party, index))
    // Everybody has pinned everybody.
    const pins = parties.map(({ card }): StoreWrite => ({ kind: 'peer-card', card, pinnedMs: START_MS }))
    for (const { disk } of this.nodes) disk.begin(pins)
    this.honest = this.nodes.filter(({ index }) => !plot?.liars.has(index))
    this.faults = new Faults(this.honest, options, this.network, new Random(seed, 3), this.seats, {
      schedule: (delayMs, label, run) => this.schedule(delayMs, label, run),
      crash: (node) => this.crash(node),
      start: (node, restored) => this.start(node, restored && guards.flagRestored),
      restored: (node, what, copy) => {
        this.note(
          `restore ${node.name} ${Object.keys(what)
            .filter((key) => what[key as 'data'])
            .join('+')}`,
        )
        if (what.data) this.workload.forgotten(node, copy.batches)
        for (const checker of this.checkers) checker.restored?.(node, what)
      },
    })
    this.workload = new Workload(this.honest, new Random(seed, 4))
    if (options.epochs)
      this.turnover = new Turnover(this.nodes, this.honest[0] as SimNode, new Random(seed, 7), {
        mayRestart: ({ index }) => !(plot?.playsToSides && plot.liars.has(index)),
        restart: (node) => {
          this.crash(node)
          this.schedule(RESTART_MS, `start ${node.name}`, () => {
            if (!node.engine) this.start(node, false)
          })
        },
      })
    const { goal, checkers } = plot?.checkers(this) ?? this.checkersOfTheHonest()
    this.goal = goal
    this.checkers = checkers
  }

  private checkersOfTheHonest(): ReturnType<Plot['checkers']> {
    const chain = new NoFork()
    const goal = new Progress(this, chain)
    const checkers = [
      chain,
      new StateRoots(),
      new Finals(this),
      new Acknowledged(this, chain),
      new Evidence(this),
      new Signatures(this),
      new Cosignatures(this),
      new Versions(this),
      new Secrets(this),
      new Told(),
      goal,
    ]
    return { goal, checkers }
  }

  /** Nothing is asked of liars. */
  private watching(node: SimNode): readonly Checker[] {
    return this.plot?.liars.has(node.index) ? [] : this.checkers
  }

  private makeNode(party: SimNode['party'], index: number): SimNode {
    const random = new Random(this.options.seed, 100 + index)
    const skewMs = START_MS + random.integer(-SKEW_MS, SKEW_MS)
    return new SimNode(index, party, skewMs, random, {
      nowMs: () => this.clockMs,
      schedule: (delayMs, label, run) => this.schedule(delayMs, label, run),
      send: (node, to, texts) => this.send(node, to, texts),
      notice: (node, notice) => this.notice(node, notice),
      log: (node, level, event, detail) => {
        if (event === 'recalled') this.counts.recalled += 1
        for (const checker of this.watching(node)) checker.logged?.(node, level, event, detail)
      },
      written: (node, batch) => this.written(node, batch),
      closeFormer: (node, party_) => this.network.closeFormer(node.index, this.indexOf(party_)),
      touched: (node) => {
        for (const checker of this.watching(node)) checker.touched?.(node)
      },
      signer: (node, signer) => this.partsOf(node)?.signer?.(node, signer) ?? signer,
      replica: (node, replica) => this.partsOf(node)?.replica?.(node, replica),
      died: (node) => {
        this.note(`died ${node.name}`)
        this.network.crashed(node.index)
        this.faults.died(node)
      },
    })
  }

  nowMs(): number {
    return this.clockMs
  }

  indexOf(party: string): number {
    return this.byParty.get(party) ?? -1
  }

  private node(index: number): SimNode {
    return this.nodes[index] as SimNode
  }

  private partsOf(node: SimNode): Parts | undefined {
    return this.plot?.liars.has(node.index) ? undefined : this.guards.parts
  }

  private schedule(delayMs: number, label: string, run: () => void): Scheduled {
    return this.queue.add(this.clockMs + delayMs, label, run)
  }

  private note(textOf: string, detail = ''): void {
    this.trace.add(this.clockMs, textOf, detail)
  }

  // ── what nodes do ─────────────────────────────────────────────────────────────────────────────────────────────────

  private send(node: SimNode, to: string, texts: readonly string[]): void {
    const index = this.indexOf(to)
    if (this.plot?.liars.has(node.index)) {
      this.plot.sent(node, this.node(index), texts.map(parsed))
      return
    }
    for (const message of texts.map(parsed)) {
      this.counts.messages += 1
      if (message.type === 'RECALL') this.counts.recalls += 1
      if (message.type === 'LEDGER' && message.blocks.length > 0) this.counts.syncs += 1
      if (message.type === 'STATEMENT' && message.signed.statement.type === 'SKIP') this.counts.skips += 1
      for (const checker of this.checkers) checker.sent?.(node, message)
    }
    this.lastSentMs = this.clockMs
    this.carry(node, this.node(index), texts)
  }

  private carry(from: SimNode, to: SimNode, texts: readonly string[]): void {
    this.note(`send ${from.name}→${to.name} ${texts.map(typeOf).join(' ')}`, texts.join('\n'))
    this.network.send(from.index, to.index, texts)
  }

  private arrive(from: number, to: number, texts: readonly string[]): void {
    const node = this.node(to)
    if (!node.engine) return
    this.steps += 1
    const sender = this.node(from)
    this.note(`${sender.name}→${node.name} ${texts.map(typeOf).join(' ')}`)
    const messages = texts.map(parsed)
    if (this.plot?.liars.has(to)) {
      this.plot.arrived(node, sender, messages)
      return
    }
    // While its disk refuses, a node takes nothing.
    if (this.plot?.liars.has(from)) {
      if (!node.engine.storageError) this.plot.reached(node, sender, messages)
    } else if (!node.engine.storageError)
      for (const message of messages)
        for (const checker of this.checkers) checker.received?.(node, sender, message)
    const taken = this.guards.parts?.messages?.(node, messages) ?? messages
    node.act((engine) => engine.deliver(sender.party.id, taken, node.nowMs))
  }

  private connection(from: number, to: number, what: 'up' | 'down'): void {
    const node = this.node(from)
    const peer = this.node(to).party.id
    this.steps += 1
    this.note(`${node.name} sees ${this.node(to).name} ${what}`)
    if (this.plot?.liars.has(from)) this.plot.connected(node, this.node(to), what)
    else
      node.act((engine) =>
        what === 'up' ? engine.peerUp(peer, node.nowMs) : engine.peerDown(peer, node.nowMs),
      )
  }

  private written(node: SimNode, batch: readonly StoreWrite[]): void {
    this.note(`write ${node.name} ${batch.map(({ kind }) => kind).join(' ')}`)
    this.seats.take(batch, this.plot?.liars.has(node.index) ? undefined : node.index)
    for (const checker of this.watching(node)) checker.written?.(node, batch)
  }

  private notice(node: SimNode, notice: Notice): void {
    this.note(`notice ${node.name} ${notice.type}`, JSON.stringify(notice))
    for (const checker of this.watching(node)) checker.notice?.(node, notice)
    if (notice.type === 'invited') this.acceptLater(node, notice.contract)
    if (notice.type === 'halted' || notice.type === 'frozen') this.freezeLater(node, notice.contract)
    if (notice.type === 'begun') this.counts.begun += 1
  }

  private acceptLater(node: SimNode, contract: string): void {
    this.schedule(this.random.integer(10, 2000), `accept ${node.name}`, () => {
      if (!node.engine?.replicas.has(contract)) this.acceptLater(node, contract)
      else if (node.engine.replicas.get(contract)?.status === 'invited')
        node.act((engine) => {
          const isUnderWay = engine.storageError || this.beginsElsewhere(node, engine, contract)
          if (isUnderWay || !accepted(engine, contract, node.nowMs)) this.acceptLater(node, contract)
        })
    })
  }

  /** Whether it is on its way to a checkpoint that some other node is to vouch for; now and then it sets out. */
  private beginsElsewhere({ party, nowMs }: SimNode, engine: Engine, contract: string): boolean {
    if (!this.options.checkpoints) return false
    const { basis, beginning, epochs, status } = engine.replica(contract)
    if (beginning.voucher !== undefined) return true
    const key = `${contract} ${party.id}`
    const mayBegin = !basis && !epochs.isFounder && status === 'invited' && !this.hasBegun.has(key)
    if (!mayBegin || !this.vouched.chance(0.5)) return false
    const others = this.nodes.filter((other) => other.party.id !== party.id && engine.isUp(other.party.id))
    if (others.length === 0) return false
    this.hasBegun.add(key)
    const voucher = this.vouched.pick(others)
    // Nodes tell one another their cards (CARD-3) where there are sockets.
    const cards = this.nodes.flatMap((one) => [...(one.party.card.earlier ?? []), one.party.card])
    voucher.act((other) => {
      for (const card of cards) other.write({ kind: 'peer-card', card })
    })
    try {
      engine.accept(contract, nowMs, voucher.party.id)
      return true
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      return false
    }
  }

  /**
   * Who keeps a contract that has halted, or that another member has frozen, which may be all that it ever sees of a second
   * history: sooner or later it looks at it and freezes it, if there is reason to (LIN-1).
   */
  private freezeLater(node: SimNode, contract: string): void {
    if (this.plot?.liars.has(node.index)) return
    this.schedule(this.random.integer(500, 5000), `freeze ${node.name}`, () => {
      node.act((engine) => {
        const freezing = engine.replicas.get(contract)?.freezing
        try {
          if (freezing?.isCalledFor && !freezing.own) engine.freeze(contract)
        } catch (error) {
          if (!(error instanceof CountersignError)) throw error
        }
      })
      const replica = node.engine?.replicas.get(contract)
      if (!replica || (replica.status === 'halted' && !replica.freezing.own)) this.freezeLater(node, contract)
    })
  }

  private crash(node: SimNode): void {
    this.note(`crash ${node.name}`)
    node.crash()
    this.network.crashed(node.index)
  }

  private start(node: SimNode, restored: boolean): void {
    this.counts.starts += 1
    node.start(restored)
    if (!node.engine) return
    this.network.started(node.index)
    // Whoever was asked to accept, and died before, is asked again.
    for (const [contract, { status }] of node.engine.replicas)
      if (status === 'invited') this.acceptLater(node, contract)
  }

  // ── the course of a run ───────────────────────────────────────────────────────────────────────────────────────────

  run(): Report {
    let violation: Report['violation']
    try {
      this.course()
      for (const checker of this.checkers) checker.ended?.()
    } catch (error) {
      const invariant = error instanceof Violation ? error.invariant : 'no node fails'
      violation = { invariant, message: (error as Error).message }
      if (!(error instanceof Violation)) violation.message += `\n${(error as Error).stack}`
    }
    return this.report(violation)
  }

  private course(): void {
    for (const node of this.nodes) this.start(node, false)
    this.createContracts()
    this.plot?.begin(this.stage())
    this.clients()
    if (this.turnover && !this.plot?.isQuiet) this.turnovers()
    while (this.plot && !this.plot.isOn && this.steps < PEACE_STEPS) this.next()
    const healStep = this.steps + Math.floor(this.options.steps * HEAL_AT)
    const lastStep = this.steps + Math.floor(this.options.steps * LAST_REQUEST_AT)
    const { loss, duplicates, reorder } = this.options
    this.network.faults = { loss, duplicates, reorder }
    const faultEvery = Math.max(20, Math.min(250, Math.floor((healStep - this.steps) / 80)))
    let nextFault = this.steps + faultEvery
    while (this.steps < healStep) {
      this.next()
      if (this.steps < nextFault) continue
      nextFault = this.steps + this.random.integer(faultEvery >> 1, faultEvery * 2)
      this.faults.strike()
    }
    this.network.faults = { loss: 0, duplicates: false, reorder: false }
    this.note('heal')
    this.faults.heal()
    this.plot?.healed()
    while (this.steps < lastStep) this.next()
    this.clientsStop = true
    this.settle()
    // Liars may talk for ever.
    if (!this.plot) this.beIdle()
    else for (const node of this.honest) node.rest()
  }

  /** What liars can do to the world. */
  private stage(): Stage {
    return {
      world: this,
      schedule: (delayMs, run) => this.schedule(delayMs, '', run),
      send: (from, to, messages) =>
        this.carry(
          from,
          to,
          messages.map((message) => JSON.stringify(message)),
        ),
      cut: (isCut) => this.network.cut(isCut),
      crash: (node, downMs) => {
        if (!node.engine) return
        this.crash(node)
        this.schedule(downMs, `start ${node.name}`, () => {
          if (!node.engine) this.start(node, false)
        })
      },
      restore: (node, copy) => {
        this.crash(node)
        node.disk.restore(copy)
        const what = { data: copy.batches !== undefined, signer: copy.records !== undefined }
        if (copy.batches !== undefined) this.workload.forgotten(node, copy.batches)
        for (const checker of this.watching(node)) checker.restored?.(node, what)
        this.start(node, false)
      },
    }
  }

  private clientsStop = false

  private clients(): void {
    this.schedule(this.random.integer(5, 600), 'client', () => {
      if (this.clientsStop) return
      this.steps += 1
      const burst = this.random.chance(0.1) ? this.random.integer(2, 8) : 1
      if (this.contracts.length > 0)
        for (let count = 0; count < burst; count += 1) this.workload.act(this.random.pick(this.contracts))
      this.clients()
    })
  }

  /** Members come and go beside what clients write. */
  private turnovers(): void {
    this.schedule(this.random.integer(50, 800), 'turnover', () => {
      if (this.clientsStop) return
      const hasBegun = this.contracts.length > 0 && (this.plot?.isOn ?? true)
      if (hasBegun) this.turnover?.act(this.random.pick(this.contracts))
      this.turnovers()
    })
  }

  private createContracts(): void {
    const { members, quorum, contracts } = this.options
    const policy: Policy = {
      quorum,
      clockBoundMs: CLOCK_BOUND_MS,
      silenceMs: null,
      admission: { invite: 'any', admit: 'every' },
    }
    for (let number = 0; number < contracts; number += 1) {
      const creator = this.random.pick(this.honest.filter(({ index }) => index < members))
      const others = this.nodes.slice(0, members).filter((node) => node !== creator)
      const cards = this.random.shuffled([creator, ...others]).map(({ party }) => party.card)
      const secrets = this.options.secrets ? SECRETS.map((name) => text(name, 'nothing yet')) : []
      const part = block('Part', [text('Note', 'first')])
      const tree = block('', [text('Title', `Contract ${number}`), part, ...secrets])
      creator.act((engine) => {
        const bytes = (size: number): Uint8Array => this.random.bytes(size)
        const { operations, openings } = importOperations(tree, GENESIS_ROOT, bytes)
        const rules = this.options.secrets
          ? secretRules(
              cards.map(({ card }) => partyOf(card)),
              this.random,
            )
          : []
        const contract = engine.create(
          `Contract ${number}`,
          cards,
          { operations: [...operations, ...rules], openings },
          policy,
          creator.nowMs,
        )
        this.contracts.push(contract)
        this.note(`create ${contract}`)
      })
    }
  }

  private next(): void {
    const event = this.queue.next()
    if (!event) throw new Violation('events go on', 'no event is left, though clients are at work')
    this.clockMs = event.atMs
    if (event.label !== '') {
      this.note(event.label)
      if (/^(turn|tick)/.test(event.label)) this.steps += 1
    }
    event.run()
  }

  /** Runs until everything is final everywhere, or its time is up. */
  private settle(): void {
    const startMs = this.clockMs
    for (;;) {
      const missing = this.network.isWhole
        ? this.goal.missing(this.workload.submitted)
        : 'not all are connected'
      if (missing === undefined) break
      const { nextMs } = this.queue
      if (nextMs === undefined) this.goal.fail(`all are silent, but ${missing}`)
      if (nextMs > startMs + this.goal.patienceMs)
        this.goal.fail(`after ${this.goal.patienceMs / 1000} s without faults ${missing}`)
      this.next()
    }
    this.goal.settled(this.workload.submitted, this.clockMs - startMs)
  }

  /** What is under way may end; then nobody sends anything. */
  private beIdle(): void {
    const settledMs = this.clockMs
    const watchFromMs = settledMs + WIND_DOWN_MS
    while (this.queue.nextMs !== undefined && this.queue.nextMs <= watchFromMs + IDLE_MS) {
      this.next()
      if (this.lastSentMs > watchFromMs)
        this.goal.fail(`a node sends ${this.lastSentMs - settledMs} ms after all was final`)
    }
    this.clockMs = watchFromMs + IDLE_MS
  }

  private report(violation: Report['violation']): Report {
    const checked: Record<string, Record<string, number>> = {}
    for (const { name, counts } of this.checkers.map((checker) => ({
      name: checker.name,
      counts: checker.counts(),
    })))
      checked[name] = counts
    const delivered: Record<string, number> = { ...this.counts, ...this.network.counts }
    for (const [kind, count] of this.faults.delivered) delivered[kind] = count
    Object.assign(delivered, this.workload.counts, this.plot?.delivered())
    if (this.turnover) Object.assign(delivered, { turns: this.seats.turns, ...this.turnover.counts })
    const result: Report = {
      recent: this.trace.recent,
      checked,
      delivered,
      missing: this.missing(),
      steps: this.steps,
      virtualMs: this.clockMs,
      digest: this.trace.digest(),
    }
    if (violation) result.violation = violation
    return result
  }

  /** What was asked for and never happened: a run without it shows nothing. */
  private missing(): string[] {
    const { loss, duplicates, reorder, restores, members } = this.options
    const isLong = this.options.steps >= EACH_KIND_STEPS
    const missing = [...this.faults.missing(isLong), ...(this.plot?.undelivered() ?? [])]
    // Liars may keep every turn from coming.
    if (this.turnover && !this.plot && this.seats.turns === 0) missing.push('turn')
    if (members === 1) return missing
    const { lost, duplicated, overtaken } = this.network.counts
    if (loss > 0 && lost === 0) missing.push('loss')
    if (duplicates && duplicated === 0) missing.push('duplicate')
    if (reorder && overtaken === 0) missing.push('reorder')
    if (restores && isLong && this.counts.recalls === 0) missing.push('recall')
    // Liars need not tell anybody its past, and a contract that has halted asks for none.
    if (!this.plot && this.nodes.some((node) => isRecalling(node, this.seats)))
      missing.push('end of a recall')
    return missing
  }
}

/** False while the node has not read enough of the ledger to say what it would come into. */
function accepted(engine: Engine, contract: string, nowMs: number): boolean {
  try {
    engine.accept(contract, nowMs)
    return true
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'unavailable') return false
    throw error
  }
}

const parsed = (text: string): Message => JSON.parse(text) as Message

const TYPE = /"type":"([A-Z]+)"/

function typeOf(message: string): string {
  return TYPE.exec(message)?.[1] ?? '?'
}
