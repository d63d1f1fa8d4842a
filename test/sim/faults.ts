/**
 * What goes wrong, in turns, so that a run delivers every kind it was asked for: crashes at rest and at every kind of write,
 * refusing disks, partitions that heal, old backups put back. All ends when `heal` is called.
 */
import type { Replica } from '../../src/node/replica.ts'
import { type Copy, TRAPS, type Trap } from './disk.ts'
import type { Network } from './network.ts'
import type { SimOptions } from './options.ts'
import type { Scheduled } from './queue.ts'
import type { Random } from './random.ts'
import type { Seats } from './seats.ts'
import type { SimNode } from './sim-node.ts'

export type FaultHooks = {
  schedule(delayMs: number, label: string, run: () => void): Scheduled
  crash(node: SimNode): void
  start(node: SimNode, restored: boolean): void
  restored(node: SimNode, what: { data: boolean; signer: boolean }, copy: Copy): void
}

const CUTS = ['half', 'one-way', 'single'] as const
const RESTORES = ['data', 'signer', 'both'] as const
const REFUSALS = ['failed', 'failed-but-stood'] as const

type Kind =
  | 'crash at rest'
  | `crash ${Trap['when']} ${Trap['where']}`
  | `disk ${(typeof REFUSALS)[number]}`
  | `partition ${(typeof CUTS)[number]}`
  | `restore ${(typeof RESTORES)[number]}`

type Range = { readonly low: number; readonly high: number }
/** How far a node is in a contract. */
type Standing = { height: number; epoch: number; view: number }
const BEGINNING: Standing = { height: 0, epoch: 0, view: 0 }

const DOWN_MS = { low: 50, high: 8000 } as const
const RESTORE_MS = { low: 50, high: 2000 } as const
const CUT_MS = { low: 500, high: 20_000 } as const
const DISK_FULL_MS = { low: 100, high: 3000 } as const

export class Faults {
  /** How often each kind asked for came true. */
  readonly delivered = new Map<Kind, number>()
  private readonly nodes: readonly SimNode[]
  private readonly network: Network
  private readonly random: Random
  private readonly seats: Seats
  private readonly hooks: FaultHooks
  private readonly cuts = new Set<() => void>()
  private readonly down = new Map<SimNode, Scheduled>()
  private readonly copies = new Map<SimNode, Copy[]>()
  /**
   * The node that was put back last. Until it has been told its past and has caught up, no other is: between them they could
   * lose the only copies of what a quorum has signed, and nothing brings that back.
   */
  private amnesiac: { node: SimNode; goals: Map<string, Standing> } | undefined
  private readonly standings = new Map<SimNode, Map<string, Standing>>()
  private healed = false

  constructor(
    nodes: readonly SimNode[],
    options: SimOptions,
    network: Network,
    random: Random,
    seats: Seats,
    hooks: FaultHooks,
  ) {
    this.nodes = nodes
    this.network = network
    this.random = random
    this.seats = seats
    this.hooks = hooks
    const kinds: Kind[] = []
    if (options.crashes) {
      kinds.push('crash at rest')
      for (const { when, where } of TRAPS) kinds.push(`crash ${when} ${where}`)
      for (const refusal of REFUSALS) kinds.push(`disk ${refusal}`)
    }
    if (options.partitions && nodes.length > 1) for (const cut of CUTS) kinds.push(`partition ${cut}`)
    if (options.restores && nodes.length > 1) for (const what of RESTORES) kinds.push(`restore ${what}`)
    for (const kind of kinds) this.delivered.set(kind, 0)
  }

  get wanted(): boolean {
    return this.delivered.size > 0
  }

  /** What was asked for and never came true: of each sort (crash, partition, restore) any kind, or `each` of them. */
  missing(each: boolean): string[] {
    if (each) return [...this.delivered].filter(([, count]) => count === 0).map(([kind]) => kind)
    const sorts = new Map<string, number>()
    for (const [kind, count] of this.delivered) {
      const sort = (kind.split(' ', 1)[0] as string).replace('disk', 'crash')
      sorts.set(sort, (sorts.get(sort) ?? 0) + count)
    }
    return [...sorts].filter(([, count]) => count === 0).map(([sort]) => sort)
  }

  /** Something goes wrong: of the kinds that came true least often, one that can be had now. */
  strike(): void {
    if (this.healed || !this.wanted) return
    this.backUp()
    const kinds = this.random.shuffled([...this.delivered.keys()])
    const times = (kind: Kind): number => this.delivered.get(kind) ?? 0
    kinds.sort((a, b) => times(a) - times(b))
    // Where an old copy is next in turn, what was put back last is given some peace to catch up.
    const isNext = kinds[0]?.startsWith('restore') && this.amnesiac && !this.hasCaughtUp(this.amnesiac)
    if (isNext && this.random.chance(0.7)) return
    for (const kind of kinds)
      for (const node of this.random.shuffled(this.nodes)) if (this.tryStrike(kind, node)) return
  }

  /** False where this can't go wrong at this node now. */
  private tryStrike(kind: Kind, node: SimNode): boolean {
    if (!node.engine || node.disk.isTrapped) return false
    const [what, first, second] = kind.split(' ') as [string, string, string]
    if (what === 'partition') return this.cut(first as (typeof CUTS)[number], kind)
    if (what === 'restore') return this.restore(node, first as (typeof RESTORES)[number], kind)
    if (what === 'disk') return this.refuse(node, first as (typeof REFUSALS)[number], kind)
    if (kind === 'crash at rest') return this.crash(node, kind)
    return this.trap(node, { when: first, where: second } as Trap, kind)
  }

  private count(kind: Kind): void {
    this.delivered.set(kind, (this.delivered.get(kind) ?? 0) + 1)
  }

  // ── crashes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private crash(node: SimNode, kind: Kind): true {
    this.count(kind)
    this.hooks.crash(node)
    this.startLater(node, false)
    return true
  }

  private trap(node: SimNode, trap: Trap, kind: Kind): true {
    node.disk.setTrap(trap, this.random.integer(1, 6), () => this.count(kind))
    return true
  }

  /** A trap has sprung: the node is dead already. */
  died(node: SimNode): void {
    this.startLater(node, false)
  }

  private startLater(node: SimNode, restored: boolean, { low, high } = DOWN_MS as Range): void {
    const delayMs = this.healed ? low : this.random.integer(low, high)
    const start = this.hooks.schedule(delayMs, `start ${node.name}${restored ? ' restored' : ''}`, () => {
      this.down.delete(node)
      this.hooks.start(node, restored)
    })
    this.down.set(node, start)
  }

  private refuse(node: SimNode, refusal: (typeof REFUSALS)[number], kind: Kind): true {
    const before = node.disk.refused.failed + node.disk.refused.stood
    node.disk.refuse(refusal)
    const { low, high } = DISK_FULL_MS
    this.hooks.schedule(this.random.integer(low, high), `disk ${node.name}`, () => {
      node.disk.refuse('none')
      if (node.disk.refused.failed + node.disk.refused.stood > before) this.count(kind)
    })
    return true
  }

  // ── partitions ────────────────────────────────────────────────────────────────────────────────────────────────────

  private cut(shape: (typeof CUTS)[number], kind: Kind): boolean {
    if (this.cuts.size >= 2) return false
    const shuffled = this.random.shuffled(this.nodes.map(({ index }) => index))
    const size = shape === 'half' ? Math.ceil(shuffled.length / 2) : 1
    const side = new Set(
      shuffled.slice(0, shape === 'one-way' ? this.random.integer(1, shuffled.length - 1) : size),
    )
    const isCut =
      shape === 'one-way'
        ? (from: number, to: number) => side.has(from) && !side.has(to)
        : (from: number, to: number) => side.has(from) !== side.has(to)
    this.count(kind)
    const heal = this.network.cut(isCut)
    this.cuts.add(heal)
    const { low, high } = CUT_MS
    this.hooks.schedule(this.random.integer(low, high), 'heal', () => {
      if (this.cuts.delete(heal)) heal()
    })
    return true
  }

  // ── backups ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Looks at every node, and copies some. */
  private backUp(): void {
    for (const node of this.nodes) {
      if (!node.engine) continue
      const standings = new Map<string, Standing>()
      for (const [contract, replica] of node.engine.replicas) standings.set(contract, standingOf(replica))
      this.standings.set(node, standings)
      if (!this.random.chance(0.4)) continue
      const list = this.copies.get(node) ?? []
      list.push(node.disk.copy())
      if (list.length > 4) list.shift()
      this.copies.set(node, list)
    }
  }

  private restore(node: SimNode, what: (typeof RESTORES)[number], kind: Kind): boolean {
    if (this.amnesiac && !this.hasCaughtUp(this.amnesiac)) return false
    if (what !== 'signer' && (this.holdsAlone(node) || this.isOnlyHolder(node))) return false
    const now = node.disk.copy()
    const data = what !== 'signer'
    const signer = what !== 'data'
    // A copy that nothing was added to since is no old copy.
    const copies = (this.copies.get(node) ?? []).filter(
      ({ batches, records }) => !(data && batches === now.batches) && !(signer && records === now.records),
    )
    if (copies.length === 0) return false
    const copy = this.random.pick(copies)
    this.count(kind)
    // Put back before, with old data, and not told of its past since: with older data beside it, its count agrees again.
    const isOldStill = isRecalling(node)
    this.amnesiac = { node, goals: this.goalsFor(node) }
    this.hooks.crash(node)
    node.disk.restore({
      ...(data ? { batches: copy.batches } : {}),
      ...(signer ? { records: copy.records } : {}),
    })
    const kept = node.disk.copy()
    this.copies.set(
      node,
      copies.filter(({ batches, records }) => batches <= kept.batches && records <= kept.records),
    )
    this.hooks.restored(node, { data, signer }, kept)
    // Where one of the two is new, their counters tell; where both are old, only whoever put them back can.
    this.startLater(node, (data && signer) || isOldStill, RESTORE_MS)
    return true
  }

  /** How far the others were when it was put back is how far it must come, and hold what a quorum has voted for. */
  private hasCaughtUp({ node, goals }: { node: SimNode; goals: Map<string, Standing> }): boolean {
    if (!node.engine || isRecalling(node, this.seats)) return false
    for (const [contract, goal] of goals) {
      if (!this.seats.isMember(contract, node.party.id)) continue
      const replica = node.engine.replicas.get(contract)
      if (!replica || replica.chain.height < goal.height || isFurther(goal, standingOf(replica))) return false
      const { views, blocks, committed } = replica.consensus
      for (const record of views.values())
        for (const hash of record.view > committed.view ? record.notarizations.keys() : [])
          if (blocks.get(hash)?.status !== 'valid') return false
    }
    return true
  }

  /** How far anybody but this node was when last looked at. */
  private goalsFor(node: SimNode): Map<string, Standing> {
    const goals = new Map<string, Standing>()
    for (const [other, standings] of this.standings)
      for (const [contract, standing] of other === node ? [] : standings) {
        const goal = goals.get(contract) ?? BEGINNING
        const { epoch, view } = isFurther(standing, goal) ? standing : goal
        goals.set(contract, { height: Math.max(goal.height, standing.height), epoch, view })
      }
    return goals
  }

  /**
   * True if no quorum is without this node, and it has signed in a view that nobody else has a certificate into. Its signer
   * signs nothing below that view any more: were the certificate lost, nothing would ever be ordered again. So it is with one
   * that has come to an epoch alone.
   */
  private holdsAlone(node: SimNode): boolean {
    const goals = this.goalsFor(node)
    for (const [contract, { electorate, consensus, members }] of node.engine?.replicas ?? []) {
      const { epoch, view } = goals.get(contract) ?? BEGINNING
      if (electorate.epoch > epoch) return true
      if (electorate.epoch < epoch) continue
      // By itself a member commits in the very view in which the others know it to be.
      const known = members.length > 1 ? view : view - 1
      if (electorate.quorum > members.length - 1 && consensus.signedView > known) return true
    }
    return false
  }

  /**
   * True if of the honest parties that are in none but this node holds all values that it holds, or, of two histories that were
   * committed, the one that it has cosigned, or that its lineage began with: nobody need give them back to it.
   */
  private isOnlyHolder(node: SimNode): boolean {
    const self = node.party.id
    for (const [contract, replica] of node.engine?.replicas ?? []) {
      const { roster, chain, finality, lineage } = replica
      const others = this.nodes.filter(
        ({ party }) => party.id !== self && this.seats.isIn(contract, party.id),
      )
      if (others.length === 0 || !roster.isIn(self)) continue
      const fromHeight = roster.valuesFrom(self)
      if (others.every(({ party }) => roster.valuesFrom(party.id) > fromHeight)) return true
      const size = chain.height + 1
      const ledgers = others.flatMap(({ engine }) => engine?.replicas.get(contract)?.chain ?? [])
      const holds = (wanted: number): boolean =>
        wanted > size ||
        ledgers.some(({ height, log }) => height + 1 >= wanted && log.root(wanted) === chain.log.root(wanted))
      const hasParted = ledgers.some(({ height, log }) => {
        const shared = Math.min(size, height + 1)
        return log.root(shared) !== chain.log.root(shared)
      })
      if (hasParted && !holds(finality.sizeOf(self))) return true
      if (lineage.number > 0 && !holds(lineage.base.size)) return true
    }
    return false
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything heals, and nothing goes wrong any more. */
  heal(): void {
    this.healed = true
    for (const heal of this.cuts) heal()
    this.cuts.clear()
    for (const node of this.nodes) {
      node.disk.clearTrap()
      node.disk.refuse('none')
    }
  }
}

function standingOf({ chain, electorate, consensus }: Replica): Standing {
  return { height: chain.height, epoch: electorate.epoch, view: consensus.view }
}

/** Views are counted anew in each epoch. */
function isFurther(one: Standing, other: Standing): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.view > other.view)
}

/** True while a node still asks for its own past. */
export function isRecalling(node: SimNode, seats?: Seats): boolean {
  for (const [contract, { phase }] of node.engine?.replicas ?? [])
    if (phase === 'recalling' && (seats?.isMember(contract, node.party.id) ?? true)) return true
  return false
}
