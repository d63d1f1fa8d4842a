/**
 * What an honest member does at one time: BUILD and CHECK are answered, what is to be signed goes through the real locks of
 * the signer in batches, as the engine does, and what is to be kept stands on its disk.
 */
import { type ConsensusState, type Effect, type Event, initialState } from '../../src/consensus/state.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import type { Taken } from '../../src/signer/locks.ts'
import { keepsCertificates } from './bounds.ts'
import type { Guards } from './guards.ts'
import type { Asked, Fault, Local } from './local.ts'
import { forget, forgetStatements, NOW_MS, settleTimes } from './memory.ts'
import type { Builds } from './moves.ts'
import type { Saying, Universe } from './universe.ts'

/** An event but for its time. */
export type Timeless = Event extends infer One
  ? One extends { nowMs: number }
    ? Omit<One, 'nowMs'>
    : never
  : never

/** From the first event to the last that follows of it. */
export class Turn {
  readonly #universe: Universe
  readonly #guards: Guards
  readonly #self: number
  readonly #local: Local
  /** What there is to order, where it is to lead; undefined where there is nothing. */
  builds: Builds | undefined
  /** What follows of the event being taken: it comes before the next from outside. */
  readonly #following: Timeless[] = []
  #nowMs = NOW_MS

  constructor(universe: Universe, guards: Guards, self: number, local: Local) {
    this.#universe = universe
    this.#guards = guards
    this.#self = self
    this.#local = local
    this.builds = universe.bounds.memory === 'whole' ? 'turn' : undefined
  }

  /** Of the epoch that goes on. */
  get #state(): ConsensusState {
    return this.#local.state
  }

  run(nowMs: number, events: readonly Timeless[]): Local {
    this.#nowMs = nowMs
    this.#drain()
    for (const event of events) this.#take(event)
    const { late } = this.#universe.bounds
    for (;;) {
      this.#askForCheckpoint()
      if (late || this.#local.asked.length === 0 || this.#state.halted) break
      this.#sign()
    }
    return this.#end()
  }

  /** As `run` where nothing is to be ordered just then: so that what it could propose again it need not. */
  idle(nowMs: number, events: readonly Timeless[]): Local {
    const { work } = this.#state
    this.#state.work = false
    const local = this.run(nowMs, events)
    local.state.work = work
    return local
  }

  /** The signer has answered what it was asked for so far. */
  answerSigner(): Local {
    this.#sign()
    this.#askForCheckpoint()
    return this.#end()
  }

  #take(first: Timeless): void {
    this.#following.push(first)
    this.#drain()
  }

  #drain(): void {
    for (let event = this.#following.shift(); event; event = this.#following.shift())
      for (const effect of this.#guards.step(this.#state, { ...event, nowMs: this.#nowMs } as Event))
        this.#perform(effect)
  }

  #end(): Local {
    const local = this.#local
    const { bounds } = this.#universe
    if (this.#state.halted) {
      local.asked = []
      local.checking = []
    }
    const { height } = this.#state.committed
    local.blocks = bounds.restarts
      ? local.blocks.filter((block) => this.#universe.block(block).height > height)
      : []
    settleTimes(this.#state, this.#nowMs, bounds.idle === true)
    if (bounds.memory === 'forgetful') forget(local)
    return local
  }

  #perform(effect: Effect): void {
    const local = this.#local
    const universe = this.#universe
    switch (effect.type) {
      case 'SIGN':
        if (effect.statement.view > universe.bounds.views) break
        local.asked = [...local.asked, { saying: universe.sayingOf(effect.statement).index }]
        break
      case 'CHECK': {
        const block = universe.indexOf(effect.hash)
        if (universe.bounds.late) local.checking = with_(local.checking, block)
        else this.#following.push(this.check(block))
        break
      }
      case 'BUILD':
        this.#build(effect)
        break
      case 'FETCH_BLOCK':
        if (universe.bounds.memory === 'forgetful') this.#fetch(effect.hash)
        break
      case 'STORE_BLOCK':
        local.blocks = with_(local.blocks, universe.indexOf(effect.hash))
        break
      case 'STORE_CERTIFICATE':
        this.#store(effect.certificate)
        break
      case 'EVIDENCE':
        this.#report(effect.evidence.kind, universe.memberOf(effect.evidence.party))
        break
      case 'HALT':
        local.halted = effect.reason
        break
      case 'COMMIT':
        this.#commit(effect.hashes)
        break
      case 'SEND':
      case 'SEND_STATUS':
        break
    }
  }

  #fault(property: Fault['property'], detail: string): void {
    this.#local.fault ??= { property, detail }
  }

  #report(kind: string, member: number): void {
    if (!this.#universe.isLiar(member)) this.#fault('innocence', `reports ${kind} of honest member ${member}`)
  }

  /** EPO-11: a turn is the last block of its epoch, and ordering ends with it. */
  #commit(hashes: readonly string[]): void {
    const universe = this.#universe
    const blocks = hashes.map((hash) => universe.block(universe.indexOf(hash)))
    const ending = blocks.findIndex(({ endsEpoch }) => endsEpoch)
    const isLast = ending >= 0 && ending === blocks.length - 1
    const names = blocks.map(({ name }) => name).join(', ')
    // A quorum of liars commits what it likes; here that is executed (see `isValid`).
    const isKept = universe.bounds.liars.length < universe.quorum && !this.#guards.mayVoteOnTurns
    if (ending >= 0 && !isLast && isKept) this.#fault('turns', `commits ${names} in one epoch`)
    if (this.#state.ended !== isLast)
      this.#fault('turns', `${isLast ? 'goes on ordering in' : 'ends'} the epoch with ${names}`)
    if (this.#state.ended) this.beginEpoch(blocks.at(-1)?.index as number)
  }

  /** As `freshConsensus` of src/node/epochs.ts does, on what ended the epoch. */
  beginEpoch(ending: number): void {
    const universe = this.#universe
    const local = this.#local
    const { config, down, work, patienceMs } = local.state
    const { epoch } = config.electorate
    const { hash, block } = universe.block(ending)
    local.state = initialState(universe.configOf(this.#self, epoch + 1), { hash, block })
    local.state.down = new Set(down)
    local.state.patienceMs = patienceMs
    // What was still to be taken is nothing to the next epoch; nor is what lay on disk, which the store drops.
    this.#following.length = 0
    local.checking = []
    local.blocks = []
    local.certificates = []
    this.#following.push({ type: 'MAY_SIGN' }, { type: 'WORK', work })
  }

  #store(certificate: Certificate): void {
    const { bounds } = this.#universe
    const local = this.#local
    const { epoch } = this.#state.config.electorate
    const { index, saying } = this.#universe.knownCertificate(certificate, epoch)
    if (bounds.restarts && bounds.memory === 'whole') local.certificates = with_(local.certificates, index)
    if (keepsCertificates(bounds) && certificate.kind !== 'finalization')
      local.proofs = with_(local.proofs, saying)
  }

  check(block: number): Timeless {
    const universe = this.#universe
    const known = universe.block(block)
    return {
      type: 'CHECKED',
      hash: known.hash,
      valid: universe.isValid(known),
      timely: !this.#local.clockIsOff,
    }
  }

  #build({ view, parent, evenEmpty }: Extract<Effect, { type: 'BUILD' }>): void {
    const universe = this.#universe
    if (view > universe.bounds.views || this.builds === undefined) return
    if (!this.#state.work && !evenEmpty) {
      this.#following.push({ type: 'NOT_BUILT', view })
      return
    }
    // What a leader that was killed builds again is not what it built before: other requests wait by then.
    const variant = this.#local.restarts
    const { epoch } = this.#state.config.electorate
    const on = universe.indexOf(parent)
    const endsEpoch = this.builds === 'turn' && universe.mayEndEpoch(on, view)
    const { hash, block } = universe.build(on, view, { variant, endsEpoch, epoch })
    this.#following.push({ type: 'BUILT', view, hash, block })
  }

  #fetch(hash: string): void {
    const { block } = this.#universe.block(this.#universe.indexOf(hash))
    const from = this.#universe.party(this.#universe.leaderOf(block.header.view))
    this.#following.push({ type: 'PROPOSE', from, hash, proposal: { block, skipCertificates: [] } })
  }

  /** COS-1: the committed tip, once it has moved. */
  #askForCheckpoint(): void {
    const local = this.#local
    if (this.#state.halted || !this.#universe.bounds.cosigning) return
    if (local.asked.some((one) => 'checkpoint' in one)) return
    const tip = this.#universe.indexOf(this.#state.committed.hash)
    if (this.#universe.block(tip).height < (local.lock.cosign?.size ?? 0)) return
    local.asked = [...local.asked, { checkpoint: tip }]
  }

  /** One batch of the signer (SGN-1). */
  #sign(): void {
    const local = this.#local
    const batch = local.asked
    local.asked = []
    const answers: Timeless[] = []
    for (const one of batch) {
      const taken = this.#takeLock(one)
      if (taken.result !== 'refused') local.lock = taken.lock
      const answer = taken.result === 'refused' ? this.#refused(one, taken.reason) : this.#signed(one)
      if (answer) answers.push(answer)
    }
    for (const answer of answers) {
      if (this.#universe.bounds.memory === 'forgetful') forgetStatements(this.#state)
      this.#take(answer)
    }
  }

  #takeLock(one: Asked): Taken {
    const universe = this.#universe
    const { lock } = this.#local
    if ('saying' in one)
      return this.#guards.takeStatement(lock, universe.statement(universe.sayings[one.saying] as Saying))
    const checkpoint = universe.checkpoint(one.checkpoint)
    const oldSize = lock.cosign?.size ?? 0
    const proof = universe.block(one.checkpoint).log.consistencyProof(oldSize)
    return this.#guards.takeCheckpoint(lock, checkpoint, proof)
  }

  #refused(one: Asked, reason: string): Timeless | undefined {
    if (!this.#guards.mayBeRefused) this.#fault('harmony', `asks its signer for what that refuses: ${reason}`)
    if ('saying' in one) {
      const statement = this.#universe.statement(this.#universe.sayings[one.saying] as Saying)
      return { type: 'REFUSED', statement }
    }
    this.#state.halted = true
    return undefined
  }

  #signed(one: Asked): Timeless | undefined {
    const local = this.#local
    if ('checkpoint' in one) {
      if (!local.cosigned.includes(one.checkpoint)) local.cosigned = [...local.cosigned, one.checkpoint]
      return undefined
    }
    const saying = this.#universe.sayings[one.saying] as Saying
    local.said = with_(local.said, saying.index)
    return { type: 'SIGNED', signed: this.#universe.signed(this.#self, saying) }
  }
}

/** The ascending list with one more, if it lacks it. */
function with_(list: readonly number[], one: number): readonly number[] {
  return list.includes(one) ? list : [...list, one].sort((first, second) => first - second)
}
