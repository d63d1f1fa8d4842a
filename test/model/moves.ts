/** What can happen to one honest member, and what of it is possible once certain signatures exist. */
import type { Bounds } from './bounds.ts'
import { GENESIS, type Made, type Saying, type Universe } from './universe.ts'

/** Ledger blocks, statements and certificates by number. */
export type Move =
  /** Delivered one after the other. builds: what it has to order, if it can lead its view then. */
  | { type: 'certificates'; certificates: readonly number[]; builds?: Builds }
  | { type: 'statement'; member: number; saying: number }
  /**
   * view: in which it is proposed, later than the block's own where it is proposed again. signed: with its leader's VOTE. shown:
   * the certificates that come along.
   */
  | { type: 'proposal'; block: number; view: number; signed: boolean; shown: readonly number[] }
  /** A peer serves the ledger up to a committed block. */
  | { type: 'sync'; block: number; notarization: number; finalization: number }
  /** The view's time runs out. */
  | { type: 'deadline' }
  /** A notarised block has waited long enough for its COMMIT. */
  | { type: 'empty' }
  | { type: 'work'; work: boolean }
  | { type: 'link'; member: number; up: boolean }
  | { type: 'clock'; off: boolean }
  /** Killed, and started again with what is on disk. */
  | { type: 'restart' }
  | { type: 'checked'; block: number }
  | { type: 'signed' }

export type Builds = 'block' | 'turn'

/** Who has signed what: for each statement by number the honest members that have; and who can still make which blocks. */
export type World = {
  /** For each statement by number, how many have signed it or can. */
  signers: ReadonlyMap<number, readonly number[]>
  /** Ledger blocks that exist: their leader has signed them, or can. */
  blocks: readonly number[]
}

/**
 * The world that honest members' signatures make: `said` by member. The adversary's own are all there from the start, for
 * every block that exists; and a lying leader's blocks exist as soon as what they stand on does.
 */
export function worldOf(universe: Universe, said: ReadonlyMap<number, readonly number[]>): World {
  const { bounds } = universe
  const blocks = new Set<number>([GENESIS])
  for (const [member, sayings] of said)
    for (const index of sayings) {
      const { type, view, block } = universe.sayings[index] as Saying
      if (type === 'VOTE' && universe.leaderOf(view) === member) blocks.add(block)
    }
  for (let view = 1; view <= bounds.views; view += 1) {
    if (!universe.isLiar(universe.leaderOf(view))) continue
    for (const parent of [...blocks])
      if (universe.block(parent).view < view)
        for (const made of madeByLiars(universe, parent, view))
          blocks.add(universe.build(parent, view, made).index)
  }
  blocks.delete(GENESIS)
  const signers = new Map<number, number[]>()
  const add = (saying: Saying, member: number): void => {
    const held = signers.get(saying.index)
    if (held) held.push(member)
    else signers.set(saying.index, [member])
  }
  for (const liar of bounds.liars) {
    for (const block of blocks)
      for (const view of universe.viewsOf(block))
        for (const type of ['VOTE', 'FINALIZE'] as const) add(universe.about(type, block, view), liar)
    for (const epoch of universe.epochs)
      for (let view = 1; view <= bounds.views; view += 1) add(universe.skip(view, epoch), liar)
  }
  for (const [member, sayings] of said)
    for (const index of sayings) add(universe.sayings[index] as Saying, member)
  return { signers, blocks: [...blocks].sort((first, second) => first - second) }
}

/**
 * What a lying leader makes on a parent. Where a turn may be, its siblings are turns, and one is none; on a turn it also makes a
 * block of the epoch that this ends.
 */
function madeByLiars(universe: Universe, parent: number, view: number): Made[] {
  const { siblings } = universe.bounds
  const count = siblings[parent === GENESIS ? 0 : 1]
  const plain = Array.from({ length: count }, (_, variant): Made => ({ variant }))
  if (universe.mayEndEpoch(parent, view))
    return [...plain.map(({ variant }) => ({ variant, endsEpoch: true })), { variant: 0 }]
  const { endsEpoch, epoch } = universe.block(parent)
  return endsEpoch ? [...plain, { variant: 0, epoch }] : plain
}

export const isCertified = (universe: Universe, world: World, saying: Saying): boolean =>
  (world.signers.get(saying.index)?.length ?? 0) >= universe.quorum

/** Blocks with a COMMIT of their own. */
export function committedIn(universe: Universe, world: World): number[] {
  return world.blocks.filter((block) => commitViewsOf(universe, world, block).length > 0)
}

/** The views in which a block has a COMMIT: more than one only of a turn. */
export function commitViewsOf(universe: Universe, world: World, block: number): number[] {
  const isWith = (type: 'VOTE' | 'FINALIZE', view: number): boolean =>
    isCertified(universe, world, universe.about(type, block, view))
  return universe.viewsOf(block).filter((view) => isWith('VOTE', view) && isWith('FINALIZE', view))
}

/** Every way to choose `size` of these. */
export function choicesOf(members: readonly number[], size: number): number[][] {
  if (size === 0) return [[]]
  return members.flatMap((member, at) =>
    choicesOf(members.slice(at + 1), size - 1).map((rest) => [member, ...rest]),
  )
}

/** All that can be delivered to anybody in this world. What comes of a member's own accord is `ownMoves`. */
export function deliveries(universe: Universe, world: World): Move[] {
  const hand = new Hand(universe, world)
  return universe.bounds.memory === 'whole' ? hand.inPieces() : hand.inBundles()
}

/** What the adversary can deliver in one world. */
class Hand {
  readonly #universe: Universe
  readonly #world: World
  readonly #moves: Move[] = []

  constructor(universe: Universe, world: World) {
    this.#universe = universe
    this.#world = world
  }

  /** Each statement, certificate and block by itself, and blocks with all that they rest on. */
  inPieces(): Move[] {
    const universe = this.#universe
    for (const [saying, members] of this.#world.signers) {
      for (const member of members) this.#moves.push({ type: 'statement', member, saying })
      for (const signers of choicesOf(members, universe.quorum))
        this.#give([universe.certificate(saying, signers).index], 'block')
    }
    for (const block of this.#world.blocks) {
      const { view } = universe.block(block)
      this.#moves.push({ type: 'proposal', block, view, signed: false, shown: [] })
      for (const view of this.#proposedIn(block)) {
        this.#moves.push({ type: 'proposal', block, view, signed: true, shown: [] })
        for (const shown of this.#shownWith(block, view))
          if (shown.length > 0) this.#moves.push({ type: 'proposal', block, view, signed: true, shown })
      }
    }
    this.#syncs()
    return this.#moves
  }

  /** Whatever one signature or one commit needs, in one piece. */
  inBundles(): Move[] {
    const universe = this.#universe
    for (const epoch of universe.epochs)
      for (let view = 1; view <= universe.bounds.views; view += 1) this.#giveAll([universe.skip(view, epoch)])
    for (const block of this.#world.blocks) {
      for (const view of this.#proposedIn(block))
        for (const shown of this.#shownWith(block, view))
          this.#moves.push({ type: 'proposal', block, view, signed: true, shown })
      for (const view of universe.viewsOf(block)) {
        const notarization = universe.about('VOTE', block, view)
        this.#giveAll([notarization])
        if (universe.bounds.cosigning) this.#giveAll([notarization, universe.about('FINALIZE', block, view)])
      }
    }
    this.#parents()
    this.#syncs()
    return this.#moves
  }

  #give(certificates: readonly number[], builds?: Builds): void {
    this.#moves.push({ type: 'certificates', certificates, ...(builds ? { builds } : {}) })
  }

  /** Where every one of these can be certified. */
  #giveAll(sayings: readonly Saying[], ...builds: readonly Builds[]): void {
    const certificates = this.#certificatesOf(sayings)
    if (certificates.length !== sayings.length) return
    if (builds.length === 0) this.#give(certificates)
    for (const one of builds) this.#give(certificates, one)
  }

  /** Certificates of those that can be certified, each of one choice of its signers: whose they are changes no signature. */
  #certificatesOf(sayings: readonly Saying[]): number[] {
    const { quorum } = this.#universe
    return sayings.flatMap(({ index }) => {
      const signers = this.#world.signers.get(index) ?? []
      return signers.length < quorum
        ? []
        : [this.#universe.certificate(index, signers.slice(0, quorum)).index]
    })
  }

  /** The views whose leader has proposed it. */
  #proposedIn(block: number): number[] {
    const universe = this.#universe
    return universe.viewsOf(block).filter((view) => {
      const { index } = universe.about('VOTE', block, view)
      return this.#world.signers.get(index)?.includes(universe.leaderOf(view))
    })
  }

  /** Of a turn that is proposed again, by each NOTARIZATION that it may have. */
  #shownWith(block: number, view: number): number[][] {
    const universe = this.#universe
    const { parent, epoch, view: own } = universe.block(block)
    if (view === own) return [this.#certificatesOf(universe.restsOn(parent, view, epoch))]
    const before = universe.viewsOf(block).filter((base) => base < view)
    return before.map((base) => this.#certificatesOf(universe.restsOn(block, view, epoch, base)))
  }

  /** What an honest leader needs to build on each block that may be a parent, or to propose it again. */
  #parents(): void {
    const universe = this.#universe
    for (let view = 1; view <= universe.bounds.views; view += 1) {
      if (universe.isLiar(universe.leaderOf(view))) continue
      for (const parent of [GENESIS, ...this.#world.blocks]) {
        const { view: own, epoch, endsEpoch } = universe.block(parent)
        if (own >= view) continue
        const builds: Builds[] = universe.mayEndEpoch(parent, view) ? ['block', 'turn'] : ['block']
        for (const base of universe.viewsOf(parent))
          if (base < view) this.#giveAll(universe.restsOn(parent, view, epoch, base), ...builds)
        if (endsEpoch) this.#giveAll(universe.restsOn(parent, view, epoch + 1), ...builds)
      }
    }
  }

  #syncs(): void {
    const universe = this.#universe
    if (!universe.bounds.cosigning) return
    for (const block of this.#world.blocks) {
      // A ledger shows the COMMIT of each turn in it.
      const shown = [...new Set([...universe.turnsUpTo(block), block])]
      const views = shown.map((one) => commitViewsOf(universe, this.#world, one)[0])
      if (views.includes(undefined)) continue
      const [notarization, finalization] = this.#certificatesOf([
        universe.about('VOTE', block, views.at(-1)),
        universe.about('FINALIZE', block, views.at(-1)),
      ])
      if (notarization === undefined || finalization === undefined) continue
      this.#moves.push({ type: 'sync', block, notarization, finalization })
    }
  }
}

/** What may happen to a member whatever the others do, as far as the bounds allow it at all. */
export function ownMoves(bounds: Bounds): Move[] {
  const moves: Move[] = [{ type: 'deadline' }]
  if (bounds.restarts) moves.push({ type: 'restart' })
  if (bounds.late) moves.push({ type: 'signed' })
  if (bounds.idle) moves.push({ type: 'empty' }, { type: 'work', work: true }, { type: 'work', work: false })
  if (bounds.clocks) moves.push({ type: 'clock', off: true }, { type: 'clock', off: false })
  if (bounds.links)
    for (let member = 0; member < bounds.members; member += 1)
      for (const up of [true, false]) moves.push({ type: 'link', member, up })
  return moves
}

/** A short name that no other move has. */
export function keyOf(move: Move): string {
  switch (move.type) {
    case 'certificates':
      return `c${move.certificates.join(',')}${move.builds ?? ''}`
    case 'statement':
      return `s${move.member},${move.saying}`
    case 'proposal':
      return `p${move.block},${move.view}${move.signed ? 's' : 'u'}${move.shown.join(',')}`
    case 'sync':
      return `y${move.block},${move.notarization},${move.finalization}`
    case 'checked':
      return `e${move.block}`
    case 'work':
      return `${move.type}${move.work}`
    case 'link':
      return `${move.type}${move.member}${move.up}`
    case 'clock':
      return `${move.type}${move.off}`
    default:
      return move.type
  }
}

/** A move in words. */
export function describeMove(universe: Universe, move: Move): string {
  const certificate = (index: number): string => {
    const { type, name } = universe.sayings[universe.certificates[index]?.saying ?? -1] as Saying
    const kind = type === 'VOTE' ? 'NOTARIZATION' : type === 'SKIP' ? 'SKIPCERT' : 'FINALIZE certificate'
    return `${kind} ${name.slice(name.indexOf(' ') + 1)}`
  }
  switch (move.type) {
    case 'certificates':
      if (move.certificates.length === 0)
        return `has ${move.builds === 'turn' ? 'a turn' : 'something'} to order`
      return `gets ${move.certificates.map(certificate).join(', then ')}${move.builds === 'turn' ? ', and has a turn to order' : ''}`
    case 'statement':
      return `gets ${universe.sayings[move.saying]?.name} of member ${move.member}`
    case 'proposal': {
      const { name, view } = universe.block(move.block)
      const again = move.view === view ? '' : ` again in view ${move.view}`
      const shown = move.shown.length === 0 ? '' : `, shown ${move.shown.map(certificate).join(', ')}`
      return move.signed
        ? `gets PROPOSE ${name}${again} of member ${universe.leaderOf(move.view)}${shown}`
        : `gets block ${name} without a VOTE${shown}`
    }
    case 'sync':
      return `is served the ledger up to ${universe.block(move.block).name}`
    case 'deadline':
      return "its view's time runs out"
    case 'empty':
      return 'has waited for a COMMIT'
    case 'work':
      return move.work ? 'has work' : 'has no work'
    case 'link':
      return `is ${move.up ? 'connected to' : 'cut off from'} member ${move.member}`
    case 'clock':
      return `has a clock that is ${move.off ? 'wrong' : 'right'}`
    case 'restart':
      return 'is killed and starts again'
    case 'checked':
      return `has executed block ${universe.block(move.block).name}`
    case 'signed':
      return 'gets what it asked its signer for'
  }
}
