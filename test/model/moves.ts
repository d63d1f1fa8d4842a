/** What can happen to one honest member, and what of it is possible once certain signatures exist. */
import type { Bounds } from './bounds.ts'
import { GENESIS, type Saying, type Universe } from './universe.ts'

/** Ledger blocks, statements and certificates by number. */
export type Move =
  /** Delivered one after the other. builds: if it can lead its view then, it has something to order. */
  | { type: 'certificates'; certificates: readonly number[]; builds: boolean }
  | { type: 'statement'; member: number; saying: number }
  /** signed: with its leader's VOTE. shown: the certificates that come along. */
  | { type: 'proposal'; block: number; signed: boolean; shown: readonly number[] }
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
    for (const parent of [...blocks]) {
      if (universe.block(parent).view >= view) continue
      const variants = bounds.siblings[parent === GENESIS ? 0 : 1]
      for (let variant = 0; variant < variants; variant += 1)
        blocks.add(universe.build(parent, view, variant).index)
    }
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
      for (const type of ['VOTE', 'FINALIZE'] as const) add(universe.about(type, block), liar)
    for (let view = 1; view <= bounds.views; view += 1) add(universe.saying('SKIP', view, -1), liar)
  }
  for (const [member, sayings] of said)
    for (const index of sayings) add(universe.sayings[index] as Saying, member)
  return { signers, blocks: [...blocks].sort((first, second) => first - second) }
}

export const isCertified = (universe: Universe, world: World, saying: Saying): boolean =>
  (world.signers.get(saying.index)?.length ?? 0) >= universe.quorum

/** Blocks with a COMMIT of their own. */
export function committedIn(universe: Universe, world: World): number[] {
  return world.blocks.filter((block) =>
    (['VOTE', 'FINALIZE'] as const).every((type) =>
      isCertified(universe, world, universe.about(type, block)),
    ),
  )
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
        this.#give([universe.certificate(saying, signers).index], true)
    }
    for (const block of this.#world.blocks) {
      this.#moves.push({ type: 'proposal', block, signed: true, shown: [] })
      this.#moves.push({ type: 'proposal', block, signed: false, shown: [] })
      const shown = this.#shownWith(block)
      if (shown.length > 0) this.#moves.push({ type: 'proposal', block, signed: true, shown })
    }
    this.#syncs()
    return this.#moves
  }

  /** Whatever one signature or one commit needs, in one piece. */
  inBundles(): Move[] {
    const universe = this.#universe
    for (let view = 1; view <= universe.bounds.views; view += 1)
      this.#giveAll([universe.saying('SKIP', view, -1)], false)
    for (const block of this.#world.blocks) {
      this.#moves.push({ type: 'proposal', block, signed: true, shown: this.#shownWith(block) })
      const notarization = universe.about('VOTE', block)
      this.#giveAll([notarization], false)
      if (universe.bounds.cosigning) this.#giveAll([notarization, universe.about('FINALIZE', block)], false)
    }
    this.#parents()
    this.#syncs()
    return this.#moves
  }

  #give(certificates: readonly number[], builds: boolean): void {
    this.#moves.push({ type: 'certificates', certificates, builds })
  }

  /** Where every one of these can be certified. */
  #giveAll(sayings: readonly Saying[], builds: boolean): void {
    const certificates = this.#certificatesOf(sayings)
    if (certificates.length === sayings.length) this.#give(certificates, builds)
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

  #shownWith(block: number): number[] {
    const { parent, view } = this.#universe.block(block)
    return this.#certificatesOf(this.#universe.restsOn(parent, view))
  }

  /** What an honest leader needs to build on each block that may be a parent. */
  #parents(): void {
    const universe = this.#universe
    for (let view = 1; view <= universe.bounds.views; view += 1) {
      if (universe.isLiar(universe.leaderOf(view))) continue
      for (const parent of [GENESIS, ...this.#world.blocks]) {
        if (universe.block(parent).view < view) this.#giveAll(universe.restsOn(parent, view), true)
      }
    }
  }

  #syncs(): void {
    const universe = this.#universe
    if (!universe.bounds.cosigning) return
    for (const block of this.#world.blocks) {
      const [notarization, finalization] = this.#certificatesOf([
        universe.about('VOTE', block),
        universe.about('FINALIZE', block),
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
      return `c${move.certificates.join(',')}${move.builds ? 'b' : ''}`
    case 'statement':
      return `s${move.member},${move.saying}`
    case 'proposal':
      return `p${move.block}${move.signed ? 's' : 'u'}${move.shown.join(',')}`
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
      if (move.certificates.length === 0) return 'has something to order'
      return `gets ${move.certificates.map(certificate).join(', then ')}`
    case 'statement':
      return `gets ${universe.sayings[move.saying]?.name} of member ${move.member}`
    case 'proposal': {
      const { name, view } = universe.block(move.block)
      const shown = move.shown.length === 0 ? '' : `, shown ${move.shown.map(certificate).join(', ')}`
      return move.signed
        ? `gets PROPOSE ${name} of member ${universe.leaderOf(view)}${shown}`
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
