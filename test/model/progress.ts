/**
 * From any state: all faults end. Whatever was under way is lost, everybody connects, messages arrive in order and at once,
 * and timers run out when they are due. Then a new ledger block must be committed by all before long.
 */
import { proposalMessages } from '../../src/consensus/repair.ts'
import {
  type Effect,
  type Event,
  initialState,
  type OrderingMessage,
  wantedView,
} from '../../src/consensus/state.ts'
import { nextWakeMs } from '../../src/consensus/timers.ts'
import { blockHash } from '../../src/ledger/block.ts'
import type { Statement } from '../../src/ledger/certificate.ts'
import type { Guards } from './guards.ts'
import { cloneLocal, type Local } from './local.ts'
import { NOW_MS } from './memory.ts'
import type { Timeless } from './turn.ts'
import type { Universe } from './universe.ts'

/** Far more than is ever needed: each rotation of leaders costs a member some tens of events. */
const EVENTS_MAX = 3000
/** Blocks built from here on differ from all that were built before. */
const VARIANT = 20

/** An event on its way to a member; epoch: of its sender; wantsAnswer: a STATUS that is to be answered. */
type Delivery = { to: number; event: Timeless; epoch?: number; wantsAnswer?: boolean }

/** Why no work is ordered any more from this state of all members, or undefined where it is. */
export function stuckFrom(universe: Universe, guards: Guards, locals: readonly Local[]): string | undefined {
  return new Healed(universe, guards, locals).run()
}

class Healed {
  readonly #universe: Universe
  readonly #guards: Guards
  readonly #locals: readonly Local[]
  readonly #queue: Delivery[] = []
  #nowMs = NOW_MS
  #taken = 0
  #halted: string | undefined

  constructor(universe: Universe, guards: Guards, locals: readonly Local[]) {
    this.#universe = universe
    this.#guards = guards
    this.#locals = locals.map(cloneLocal)
  }

  run(): string | undefined {
    const heights = (): number[] => this.#locals.map(({ state }) => state.committed.height)
    const before = Math.max(...heights())
    this.#answerSigners()
    this.#connect()
    while (this.#taken < EVENTS_MAX) {
      const next = this.#queue.shift()
      if (next) this.#deliver(next)
      else if (!this.#wait()) return 'nobody waits for anything'
      if (this.#halted !== undefined) return this.#halted
      if (Math.min(...heights()) > before) return undefined
    }
    const views = this.#locals.map(({ state }) => state.view).join(', ')
    return `nothing is committed above height ${before}, though views ${views} are reached`
  }

  /** What lies beyond the bound of views was asked of a signer, and the search went no further: a real one answers. */
  #answerSigners(): void {
    for (const [member, { state }] of this.#locals.entries()) {
      const { self, electorate } = state.config
      const { contract, lineage, epoch } = electorate
      for (const [view, { mine, votes, finalizes, skips }] of [...state.views]) {
        if (view <= this.#universe.bounds.views) continue
        const at = { contract, lineage, epoch, view }
        const asked: Statement[] = []
        if (mine.vote && !votes.has(self)) asked.push({ ...at, type: 'VOTE', block: mine.vote })
        if (mine.finalize && !finalizes.has(self))
          asked.push({ ...at, type: 'FINALIZE', block: mine.finalize })
        if (mine.skip && !skips.has(self)) asked.push({ ...at, type: 'SKIP' })
        for (const statement of asked) this.#take(member, this.#sign(member, statement))
      }
    }
  }

  #connect(): void {
    for (const [to, { state }] of this.#locals.entries()) {
      this.#queue.push({ to, event: { type: 'WORK', work: true } })
      for (const [from, party] of this.#universe.parties.entries()) {
        if (from === to) continue
        if (!state.down.has(party)) this.#queue.push({ to, event: { type: 'PEER_DOWN', party } })
        this.#queue.push({ to, event: { type: 'PEER_UP', party } })
      }
    }
    for (const from of this.#locals.keys()) this.#tell(from, true)
  }

  /** STATUS to everybody. */
  #tell(from: number, wantsAnswer: boolean): void {
    for (const to of this.#locals.keys()) if (to !== from) this.#tellOne(from, to, wantsAnswer)
  }

  #tellOne(from: number, to: number, wantsAnswer: boolean): void {
    this.#queue.push({ to, event: this.#status(from), epoch: this.#epochOf(from), wantsAnswer })
  }

  #epochOf(member: number): number {
    return (this.#locals[member] as Local).state.config.electorate.epoch
  }

  #status(from: number): Timeless {
    const { state } = this.#locals[from] as Local
    const committedHeight = state.committed.height
    return { type: 'STATUS', from: this.#universe.party(from), view: wantedView(state), committedHeight }
  }

  #deliver({ to, event, epoch, wantsAnswer }: Delivery): void {
    const isOfNow = epoch === undefined || epoch === this.#epochOf(to)
    if (isOfNow) this.#take(to, event)
    const from = 'from' in event ? this.#universe.memberOf(event.from) : -1
    // Who speaks in another epoch is told where this member stands, and tells it.
    if (!isOfNow && event.type !== 'STATUS') this.#tellOne(to, from, true)
    if (event.type !== 'STATUS') return
    if (wantsAnswer) this.#tellOne(to, from, false)
    this.#catchUp(to, from)
  }

  /** SYN-1: whoever hears of a longer ledger is served it, and begins the epochs that its turns end. */
  #catchUp(behind: number, from: number): void {
    const universe = this.#universe
    const [own, other] = [this.#locals[behind] as Local, this.#locals[from] as Local]
    const { committed, views } = other.state
    if (committed.height <= own.state.committed.height) return
    const tip = universe.indexOf(committed.hash)
    const turns = universe
      .turnsUpTo(tip)
      .filter((turn) => universe.block(turn).height > own.state.committed.height)
    for (const turn of turns) this.#begin(behind, turn)
    if (turns.includes(tip)) return
    const record = views.get(committed.view)
    const notarization = record?.notarizations.get(committed.hash)
    const finalization = record?.finalizations.get(committed.hash)
    const block = other.state.blocks.get(committed.hash)?.block
    if (!notarization || !finalization || !block) throw new Error('a committed tip has lost its certificates')
    this.#take(behind, { type: 'SYNCED', hash: committed.hash, block, notarization, finalization })
  }

  /** The next epoch, on what ended the one before. */
  #begin(member: number, turn: number): void {
    const universe = this.#universe
    const local = this.#locals[member] as Local
    const { hash, block } = universe.block(turn)
    const { down } = local.state
    local.state = initialState(universe.configOf(member, this.#epochOf(member) + 1), { hash, block })
    local.state.down = down
    this.#queue.push(
      { to: member, event: { type: 'MAY_SIGN' } },
      { to: member, event: { type: 'WORK', work: true } },
    )
  }

  /** Until the next timer; false where there is none. */
  #wait(): boolean {
    const wakes = this.#locals.map(({ state }) => nextWakeMs(state, this.#nowMs))
    const due = wakes.filter((wake): wake is number => wake !== undefined)
    if (due.length === 0) return false
    this.#nowMs = Math.max(this.#nowMs, Math.min(...due))
    for (const [to, wake] of wakes.entries())
      if (wake !== undefined && wake <= this.#nowMs) this.#queue.push({ to, event: { type: 'TICK' } })
    return true
  }

  /** One turn of a member's: the event, what follows of it, and then what is to be signed. */
  #take(member: number, event: Timeless): void {
    const following = [event]
    const asked: Statement[] = []
    for (let next = following.shift(); next; next = following.shift()) {
      this.#taken += 1
      const { state } = this.#locals[member] as Local
      for (const effect of this.#guards.step(state, { ...next, nowMs: this.#nowMs } as Event)) {
        if (effect.type === 'SIGN') asked.push(effect.statement)
        else following.push(...this.#perform(member, effect))
      }
      // What was still to be taken is nothing to the next epoch.
      if ((this.#locals[member] as Local).state !== state) following.length = 0
      if (following.length === 0) following.push(...asked.splice(0).map((one) => this.#sign(member, one)))
    }
  }

  #sign(member: number, statement: Statement): Timeless {
    const local = this.#locals[member] as Local
    const taken = this.#guards.takeStatement(local.lock, statement)
    if (taken.result === 'refused') return { type: 'REFUSED', statement }
    local.lock = taken.lock
    const universe = this.#universe
    return { type: 'SIGNED', signed: universe.signed(member, universe.sayingOf(statement)) }
  }

  #perform(member: number, effect: Effect): Timeless[] {
    const universe = this.#universe
    const { state } = this.#locals[member] as Local
    switch (effect.type) {
      case 'CHECK': {
        const valid = universe.isValid(universe.block(universe.indexOf(effect.hash)))
        return [{ type: 'CHECKED', hash: effect.hash, valid, timely: true }]
      }
      case 'BUILD': {
        const { epoch } = state.config.electorate
        const made = universe.build(universe.indexOf(effect.parent), effect.view, { variant: VARIANT, epoch })
        return [{ type: 'BUILT', view: effect.view, hash: made.hash, block: made.block }]
      }
      case 'SEND':
        for (const to of this.#locals.keys())
          if (to !== member && (effect.to === undefined || effect.to === universe.party(to)))
            this.#send(member, to, effect.message)
        return []
      case 'SEND_STATUS':
        this.#tell(member, true)
        return []
      case 'FETCH_BLOCK':
        for (const [holder, { state }] of this.#locals.entries()) {
          if (holder === member || (effect.from !== undefined && effect.from !== universe.party(holder)))
            continue
          for (const message of proposalMessages(state, effect.hash)) this.#send(holder, member, message)
        }
        return []
      case 'COMMIT':
        if (state.ended) this.#begin(member, universe.indexOf(effect.hashes.at(-1) as string))
        return []
      case 'HALT':
        this.#halted = `member ${member} halts: ${effect.reason}`
        return []
      default:
        return []
    }
  }

  #send(from: number, to: number, message: OrderingMessage): void {
    this.#queue.push({ to, event: this.#eventOf(from, message), epoch: this.#epochOf(from) })
  }

  #eventOf(member: number, message: OrderingMessage): Timeless {
    const from = this.#universe.party(member)
    switch (message.type) {
      case 'PROPOSE':
        return { type: 'PROPOSE', from, hash: blockHash(message.block.header), proposal: message }
      case 'STATEMENT':
        return { type: 'STATEMENT', from, signed: message.signed }
      case 'CERTIFICATE':
        return { type: 'CERTIFICATE', from, certificate: message.certificate }
    }
  }
}
