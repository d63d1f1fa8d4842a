/** What must hold in every state that can be reached. */

import type { Header } from '../../src/ledger/block.ts'
import { sameCheckpoint } from '../../src/ledger/checkpoint.ts'
import { contradiction } from '../../src/ledger/evidence.ts'
import type { Chain } from '../../src/node/chain.ts'
import { Finality } from '../../src/node/finality.ts'
import { forkersIn } from './bounds.ts'
import type { Guards } from './guards.ts'
import type { Local } from './local.ts'
import { choicesOf, committedIn, commitViewsOf, type World } from './moves.ts'
import { GENESIS, type Saying, type Universe } from './universe.ts'

export const PROPERTIES = {
  finals: 'no two honest members report conflicting finals',
  commits:
    'fewer than 2q-n liars never commit two conflicting ledger blocks, nor end an epoch on different turns',
  turns: 'nobody votes in an epoch for a block on the turn that ends it, and ordering ends with its COMMIT',
  innocence: 'no evidence names an honest member',
  proof: 'two conflicting commits name at least 2q-n liars by evidence that honest members hold',
  harmony: 'no member asks its signer for what that refuses, and none halts without two conflicting commits',
  progress: 'once faults end, and nobody lies, work is ordered',
} as const

/** Cosignatures of each liar that do not fit a member's ledger. */
const ASTRAY_MAX = 2

export type Broken = { property: keyof typeof PROPERTIES; detail: string }

/** How often something was there to be judged. */
export type Occasions = { commits: number; conflicts: number; finals: number }

export class Judge {
  readonly occasions: Occasions = { commits: 0, conflicts: 0, finals: 0 }
  readonly #universe: Universe
  readonly #guards: Guards
  readonly #finals = new Map<string, { size: number; broken?: Broken }>()

  constructor(universe: Universe, guards: Guards) {
    this.#universe = universe
    this.#guards = guards
  }

  /** What a member has done by itself. */
  member(member: number, local: Local): Broken | undefined {
    const broken = this.#innocence(member, local)
    if (broken) return broken
    const astray = this.#voteOnTurn(local)
    if (astray !== undefined)
      return {
        property: 'turns',
        detail: `member ${member} signs ${astray} in the epoch that its parent ends`,
      }
    if (local.fault !== undefined)
      return { property: local.fault.property, detail: `member ${member} ${local.fault.detail}` }
    const { bounds } = this.#universe
    if (local.halted !== undefined && bounds.liars.length < forkersIn(bounds))
      return { property: 'harmony', detail: `member ${member} halts: ${local.halted}` }
    return undefined
  }

  #innocence(member: number, { said, cosigned }: Local): Broken | undefined {
    const universe = this.#universe
    const blame = (kind: string, what: string): Broken => ({
      property: 'innocence',
      detail: `${kind} names honest member ${member}: ${what}`,
    })
    const signed = said.map((index) => universe.signed(member, universe.sayings[index] as Saying))
    for (const [at, first] of signed.entries())
      for (const second of signed.slice(at + 1)) {
        const kind = contradiction(first, second)
        const names = [first, second].map(({ statement }) => universe.sayingOf(statement).name)
        if (kind) return blame(kind, names.join(' and '))
      }
    for (const [at, first] of cosigned.entries())
      for (const second of cosigned.slice(at + 1)) {
        const [one, other] = [first, second].map((block) => universe.cosignature(member, block))
        if (!one || !other) continue
        const names = [first, second].map((block) => universe.block(block).name).join(' and ')
        if (one.size === other.size && !sameCheckpoint(one, other)) return blame('two-checkpoints', names)
        if (!universe.extends(second, first))
          return { property: 'finals', detail: `member ${member} cosigns ${names}: they do not extend` }
      }
    return undefined
  }

  #voteOnTurn({ said }: Local): string | undefined {
    if (this.#guards.mayVoteOnTurns) return undefined
    const universe = this.#universe
    const sayings = said.map((index) => universe.sayings[index] as Saying)
    return sayings.find(({ type, block }) => type === 'VOTE' && universe.isStale(universe.block(block)))?.name
  }

  /** What all signatures together make. cosigned: of each honest member. */
  world(world: World, cosigned: ReadonlyMap<number, readonly number[]>): Broken | undefined {
    const universe = this.#universe
    const committed = committedIn(universe, world)
    if (committed.length > 0) this.occasions.commits += 1
    const conflict = conflictsAmong(universe, committed)[0]
    if (conflict) {
      this.occasions.conflicts += 1
      const names = conflict.map((block) => universe.block(block).name).join(' and ')
      const { bounds } = universe
      if (bounds.liars.length < forkersIn(bounds))
        return { property: 'commits', detail: `${names} are both committed` }
    }
    return this.#finality(cosigned)
  }

  #finality(cosigned: ReadonlyMap<number, readonly number[]>): Broken | undefined {
    const key = [...cosigned.values()].map((blocks) => blocks.join(',')).join('|')
    let held = this.#finals.get(key)
    if (!held) {
      held = this.#judgeFinality(cosigned)
      this.#finals.set(key, held)
    }
    if (held.size > 1) this.occasions.finals += 1
    return held.broken
  }

  #judgeFinality(cosigned: ReadonlyMap<number, readonly number[]>): { size: number; broken?: Broken } {
    const universe = this.#universe
    const reports = [...cosigned.keys()].map((member) => this.#report(member, cosigned))
    const size = Math.max(...reports.map((report) => report.size))
    const unjust = reports.find(({ blamed }) => blamed !== undefined)
    if (unjust) {
      const detail = `member ${unjust.member} finds evidence in what honest member ${unjust.blamed} cosigned`
      return { size, broken: { property: 'innocence', detail } }
    }
    const fork = conflictsAmong(
      universe,
      reports.map(({ tip }) => tip),
    )[0]
    if (fork && universe.bounds.liars.length < forkersIn(universe.bounds)) {
      const detail = `honest members commit ${fork.map((block) => universe.block(block).name).join(' and ')}`
      return { size, broken: { property: 'commits', detail } }
    }
    for (const first of reports)
      for (const second of reports) {
        const common = Math.min(first.size, second.size)
        if (common === 0) continue
        const roots = [first, second].map(({ tip }) => universe.block(tip).log.root(common))
        if (roots[0] === roots[1]) continue
        const names = [first, second].map(({ tip }) => universe.block(tip).name)
        return {
          size,
          broken: {
            property: 'finals',
            detail: `members ${first.member} and ${second.member} report ${common} blocks up to ${names.join(' and ')} as final`,
          },
        }
      }
    return { size }
  }

  /**
   * How much a member can be made to report as final: it is given every cosignature of honest members, and of each liar
   * some on blocks in conflict with its ledger, then one on just what it has committed.
   */
  #report(member: number, cosigned: ReadonlyMap<number, readonly number[]>): FinalReport {
    const universe = this.#universe
    const tip = cosigned.get(member)?.at(-1) ?? GENESIS
    const finality = new Finality(universe.electorateOf(0).contract, 0, universe.cosignersOf(tip))
    const chain = chainTo(universe, tip)
    const astray = [...universe.blocks.keys()].filter((block) => universe.conflict(block, tip))
    const byLiars = [...astray.slice(0, ASTRAY_MAX), tip]
    for (const [cosigner] of universe.parties.entries()) {
      const isLiar = universe.isLiar(cosigner)
      for (const block of isLiar ? byLiars : (cosigned.get(cosigner) ?? [])) {
        const taken = finality.take(universe.cosignature(cosigner, block), chain, 0)
        if ('evidence' in taken && taken.evidence && !isLiar)
          return { member, tip, size: 0, blamed: cosigner }
      }
    }
    return { member, tip, size: this.#guards.finalSize(finality) }
  }

  /** What is held where: by honest members all together. */
  holdings(world: World, locals: readonly Local[]): Broken | undefined {
    const universe = this.#universe
    const conflicts = conflictsAmong(universe, committedIn(universe, world))
    if (conflicts.length === 0) return undefined
    const held = new Set(locals.flatMap(({ proofs }) => proofs))
    for (const [first, second] of conflicts) {
      const named = Math.min(
        ...waysToShow(universe, world, [first, second]).map((shown) => {
          return this.#named(world, [...new Set([...held, ...shown])])
        }),
      )
      if (named >= forkersIn(universe.bounds)) continue
      const names = [first, second].map((block) => universe.block(block).name).join(' and ')
      return {
        property: 'proof',
        detail: `${names} are both committed, and what is held names ${named} liars`,
      }
    }
    return undefined
  }

  /** The most members named by certificates of two of these statements, whichever signatures the adversary put into them. */
  #named(world: World, sayings: readonly number[]): number {
    const universe = this.#universe
    let most = 0
    for (const [at, first] of sayings.entries())
      for (const second of sayings.slice(at + 1)) {
        const [one, other] = [first, second].map((index) => universe.sayings[index] as Saying)
        if (!one || !other || one.view !== other.view || one.epoch !== other.epoch) continue
        const fewest = Math.min(
          ...choicesOf(world.signers.get(first) ?? [], universe.quorum).flatMap((signersOfOne) =>
            choicesOf(world.signers.get(second) ?? [], universe.quorum).map(
              (signersOfOther) => this.#blamed(one, signersOfOne, other, signersOfOther).length,
            ),
          ),
        )
        if (Number.isFinite(fewest)) most = Math.max(most, fewest)
      }
    return most
  }

  #blamed(
    one: Saying,
    signersOfOne: readonly number[],
    other: Saying,
    signersOfOther: readonly number[],
  ): number[] {
    const universe = this.#universe
    return signersOfOne.filter(
      (member) =>
        signersOfOther.includes(member) &&
        contradiction(universe.signed(member, one), universe.signed(member, other)) !== undefined,
    )
  }
}

/** tip: its last cosigned block; size: of the final ledger; blamed: an honest member it would give evidence against. */
type FinalReport = { member: number; tip: number; size: number; blamed?: number }

/** A ledger as far as `Finality` looks at it. */
function chainTo(universe: Universe, tip: number): Chain {
  const { height, log } = universe.block(tip)
  const headers: Header[] = []
  for (let at = tip; at >= GENESIS; at = universe.block(at).parent)
    headers.unshift(universe.block(at).block.header)
  return { height, log, headerAt: (at: number) => headers[at] } as unknown as Chain
}

/**
 * The statements that the COMMITs of two ledgers name: of these blocks, and of the turns below them. Of a turn that has more
 * than one it may be any of them.
 */
function waysToShow(universe: Universe, world: World, blocks: readonly number[]): number[][] {
  const shown = new Set(blocks.flatMap((block) => [...universe.turnsUpTo(block), block]))
  let ways: number[][] = [[]]
  for (const block of shown) {
    const views = commitViewsOf(universe, world, block)
    const named = views.map((view) => [
      universe.about('VOTE', block, view).index,
      universe.about('FINALIZE', block, view).index,
    ])
    if (named.length > 0) ways = ways.flatMap((way) => named.map((more) => [...way, ...more]))
  }
  return ways
}

function conflictsAmong(universe: Universe, committed: readonly number[]): [number, number][] {
  return committed.flatMap((first, at) =>
    committed
      .slice(at + 1)
      .filter((second) => universe.conflict(first, second))
      .map((second): [number, number] => [first, second]),
  )
}
