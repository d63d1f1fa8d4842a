/**
 * The search: breadth first through every state that honest members and the adversary can reach together.
 *
 * A state is what each honest member has and knows. What the network holds follows from it: all that was ever signed, which
 * the adversary may deliver to anybody at any time, in any order, again and again, or never. What a member does with a
 * message depends on itself alone, so each pair of a member's state and a move goes through the real `step` once; the
 * states of all are then combined.
 *
 * Order of steps. Signatures are never taken back: what can happen to a member can still happen after any step of another's,
 * and neither changes what the other leads to. So in any run, whatever a member was given without signing anything can be put
 * off until just before its next signature, and every state in which somebody has just signed is still reached. What is
 * judged depends on signatures, and on certificates held only in so far as fewer may be held; so a state that breaks a
 * property is still found (`order: 'signatures'`). `order: 'every'` does without this.
 */
import { type Bounds, honestIn, keepsCertificates } from './bounds.ts'
import type { Guards } from './guards.ts'
import type { Local } from './local.ts'
import { Member } from './member.ts'
import { textOf } from './memory.ts'
import { deliveries, keyOf, type Move, ownMoves, type World, worldOf } from './moves.ts'
import { type Broken, Judge, type Occasions } from './properties.ts'
import { StateTable } from './state-table.ts'
import { traceOf } from './trace.ts'
import { Universe } from './universe.ts'

export type Report = {
  bounds: Bounds
  guards: string
  states: number
  transitions: number
  /** Most steps from the start to a state. */
  depth: number
  /** False where the search ended before it had been through every state. */
  isExhausted: boolean
  /** States of single members, and pairs of one and a move that went through `step`. */
  members: number
  steps: number
  occasions: Occasions
  broken?: Broken
  /** The shortest way to what is broken. */
  trace: string[]
}

/** What can be delivered to anybody; in many worlds it is the same. */
export type Possible = { index: number; moves: readonly number[] }
/** world: where it is needed again to judge what members hold. */
type KnownWorld = { possible: Possible; broken?: Broken; world?: World }

const STATES_BETWEEN_LOOKS_AT_THE_CLOCK = 256
const UNKNOWN = -2
const NOTHING = -1

/** All states of one member that were found. */
export class Locals {
  readonly member: Member
  readonly list: Local[] = []
  /** What it has signed in each state, by number: states with the same signatures have the same. */
  readonly signatures: number[] = []
  readonly #search: Search
  readonly #indices = new Map<string, number>()
  readonly #signatureIndices = new Map<string, number>()
  readonly #next: Int32Array[] = []
  readonly #successors = new Map<number, Int32Array>()

  constructor(search: Search, member: Member) {
    this.#search = search
    this.member = member
  }

  add(local: Local): number {
    const text = textOf(this.#search.universe, local)
    const held = this.#indices.get(text)
    if (held !== undefined) return held
    const index = this.list.length
    this.list.push(local)
    this.#indices.set(text, index)
    this.#next.push(new Int32Array(0))
    // A fault is visible as well: it must not be put off.
    const signature = `${local.said.join(',')}|${local.cosigned.join(',')}|${local.fault?.detail ?? ''}|${local.halted ?? ''}`
    const number = this.#signatureIndices.get(signature) ?? this.#signatureIndices.size
    this.#signatureIndices.set(signature, number)
    this.signatures.push(number)
    this.#search.judgeMember(this, index)
    return index
  }

  /** The state a move leads to; negative where it leads nowhere else. */
  next(index: number, move: number): number {
    let row = this.#next[index] as Int32Array
    if (row.length <= move) {
      const longer = new Int32Array(Math.max(64, move + 32)).fill(UNKNOWN)
      longer.set(row)
      row = longer
      this.#next[index] = row
    }
    const known = row[move] as number
    if (known !== UNKNOWN) return known
    this.#search.steps += 1
    const after = this.member.take(this.list[index] as Local, this.#search.moves[move] as Move)
    const found = after === undefined ? index : this.add(after)
    const next = found === index ? NOTHING : found
    row[move] = next
    return next
  }

  /** The states one step leads to where these moves are possible. */
  successors(index: number, { index: movesIndex, moves }: Possible): Int32Array {
    const key = index * 2 ** 24 + movesIndex
    const held = this.#successors.get(key)
    if (held) return held
    const found =
      this.#search.bounds.order === 'every' ? this.#direct(index, moves) : this.#signing(index, moves)
    const made = Int32Array.from(found)
    this.#successors.set(key, made)
    return made
  }

  #direct(index: number, moves: readonly number[]): Set<number> {
    const found = new Set<number>()
    for (const move of moves) {
      const next = this.next(index, move)
      if (next >= 0) found.add(next)
    }
    return found
  }

  /** Through any number of states in which nothing was signed. */
  #signing(index: number, moves: readonly number[]): Set<number> {
    const found = new Set<number>()
    const silent = [index]
    const seen = new Set(silent)
    for (const at of silent)
      for (const move of moves) {
        const next = this.next(at, move)
        if (next < 0 || seen.has(next)) continue
        seen.add(next)
        if (this.signatures[next] === this.signatures[index]) silent.push(next)
        else found.add(next)
      }
    return found
  }
}

export class Search {
  readonly bounds: Bounds
  readonly universe: Universe
  readonly honest: readonly number[]
  readonly locals: readonly Locals[]
  readonly moves: Move[] = []
  readonly table: StateTable
  steps = 0
  readonly #judge: Judge
  readonly #guards: Guards
  readonly #moveIndices = new Map<string, number>()
  readonly #worlds = new Map<string, KnownWorld>()
  readonly #possible = new Map<string, Possible>()
  readonly #own: readonly number[]
  /** Faults of single members, by member and state. */
  readonly #faults = new Map<Locals, Map<number, Broken>>()

  constructor(bounds: Bounds, guards: Guards) {
    this.bounds = bounds
    this.#guards = guards
    this.universe = new Universe(bounds)
    this.honest = honestIn(bounds)
    this.#judge = new Judge(this.universe, guards)
    this.locals = this.honest.map((member) => new Locals(this, new Member(this.universe, guards, member)))
    this.table = new StateTable(this.honest.length)
    this.#own = ownMoves(bounds).map((move) => this.#moveIndex(move))
  }

  /** @param isTimeUp asked from time to time: where it is, the search ends as it is */
  run(isTimeUp: () => boolean = () => false): Report {
    const tuple = new Int32Array(this.honest.length)
    for (const [at, locals] of this.locals.entries()) tuple[at] = locals.add(locals.member.start())
    this.table.add(tuple, -1)
    let transitions = 0
    let depth = 0
    let levelEnd = 1
    let broken: { what: Broken; at: number } | undefined
    let index = 0
    for (; index < this.table.size && !broken; index += 1) {
      if (index === levelEnd) {
        depth += 1
        levelEnd = this.table.size
      }
      this.table.read(index, tuple)
      const what = this.#judgeState(tuple)
      if (what) {
        broken = { what, at: index }
        break
      }
      if (this.table.size > this.bounds.statesMax) break
      if (index % STATES_BETWEEN_LOOKS_AT_THE_CLOCK === 0 && isTimeUp()) break
      const { possible } = this.#worldAt(tuple)
      for (const [at, locals] of this.locals.entries()) {
        const own = tuple[at] as number
        const successors = locals.successors(own, possible)
        transitions += successors.length
        for (const next of successors) {
          tuple[at] = next
          this.table.add(tuple, index)
        }
        tuple[at] = own
      }
    }
    return {
      bounds: this.bounds,
      guards: this.#guards.name,
      states: this.table.size,
      transitions,
      depth,
      isExhausted: !broken && index === this.table.size,
      members: this.locals.reduce((sum, { list }) => sum + list.length, 0),
      steps: this.steps,
      occasions: this.#judge.occasions,
      ...(broken ? { broken: broken.what } : {}),
      trace: broken ? traceOf(this, broken.at) : [],
    }
  }

  /** What each honest member has signed in the states found, in words: to compare searches by. */
  signatureTexts(): Set<string> {
    const texts = new Set<string>()
    const seen = new Set<string>()
    const tuple = new Int32Array(this.honest.length)
    for (let index = 0; index < this.table.size; index += 1) {
      this.table.read(index, tuple)
      const numbers = this.locals.map(({ signatures }, at) => signatures[tuple[at] as number]).join(' ')
      if (seen.has(numbers)) continue
      seen.add(numbers)
      texts.add(
        this.locals.map((locals, at) => this.#signedText(locals.list[tuple[at] as number])).join(' | '),
      )
    }
    return texts
  }

  #signedText(local: Local | undefined): string {
    const said = local?.said.map((index) => this.universe.sayings[index]?.name) ?? []
    const cosigned = local?.cosigned.map((block) => `COSIGN ${this.universe.block(block).name}`) ?? []
    return [...said.sort(), ...cosigned].join(', ')
  }

  judgeMember(locals: Locals, index: number): void {
    const broken = this.#judge.member(locals.member.self, locals.list[index] as Local)
    if (!broken) return
    const faults = this.#faults.get(locals) ?? new Map<number, Broken>()
    faults.set(index, broken)
    this.#faults.set(locals, faults)
  }

  #judgeState(tuple: Int32Array): Broken | undefined {
    for (const [at, locals] of this.locals.entries()) {
      const broken = this.#faults.get(locals)?.get(tuple[at] as number)
      if (broken) return broken
    }
    const { world, broken } = this.#worldAt(tuple)
    return broken ?? (world && this.#judge.holdings(world, this.#localsAt(tuple)))
  }

  /** The states of all honest members together, one after another. */
  *states(): Generator<[index: number, locals: readonly Local[]]> {
    const tuple = new Int32Array(this.honest.length)
    for (let index = 0; index < this.table.size; index += 1) {
      this.table.read(index, tuple)
      yield [index, this.#localsAt(tuple)]
    }
  }

  #localsAt(tuple: Int32Array): Local[] {
    return this.locals.map(({ list }, at) => list[tuple[at] as number] as Local)
  }

  /** What can be delivered in this state. */
  possibleAt(tuple: Int32Array): readonly number[] {
    return this.#worldAt(tuple).possible.moves
  }

  #worldAt(tuple: Int32Array): KnownWorld {
    let key = ''
    for (const [at, { signatures }] of this.locals.entries()) key += `${signatures[tuple[at] as number]} `
    const held = this.#worlds.get(key)
    if (held) return held
    const locals = this.#localsAt(tuple)
    const said = new Map(this.honest.map((member, at) => [member, locals[at]?.said ?? []]))
    const cosigned = new Map(this.honest.map((member, at) => [member, locals[at]?.cosigned ?? []]))
    const world = worldOf(this.universe, said)
    const known: KnownWorld = {
      possible: this.#possibleIn(world),
      broken: this.#judge.world(world, cosigned),
      ...(keepsCertificates(this.bounds) ? { world } : {}),
    }
    this.#worlds.set(key, known)
    return known
  }

  #possibleIn(world: World): Possible {
    const given = [...deliveries(this.universe, world), ...this.#answers(world)]
    const moves = [...given.map((move) => this.#moveIndex(move)), ...this.#own]
    const text = moves.join(' ')
    const possible = this.#possible.get(text) ?? { index: this.#possible.size, moves }
    this.#possible.set(text, possible)
    return possible
  }

  #answers({ blocks }: World): Move[] {
    return this.bounds.late ? blocks.map((block) => ({ type: 'checked', block })) : []
  }

  #moveIndex(move: Move): number {
    const text = keyOf(move)
    const held = this.#moveIndices.get(text)
    if (held !== undefined) return held
    this.moves.push(move)
    this.#moveIndices.set(text, this.moves.length - 1)
    return this.moves.length - 1
  }
}
