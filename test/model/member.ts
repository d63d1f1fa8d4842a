/**
 * One honest member: the real `step`, with what a node does around it. BUILD and CHECK are answered, what is to be signed
 * goes through the real locks of the signer in batches, as the engine does, and what is to be kept stands on its disk.
 */
import {
  type CommittedTip,
  type ConsensusState,
  type Effect,
  type Event,
  initialState,
  restoredState,
} from '../../src/consensus/state.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import { EMPTY_LOCK, type Taken } from '../../src/signer/locks.ts'
import { keepsCertificates } from './bounds.ts'
import type { Guards } from './guards.ts'
import { type Asked, cloneLocal, type Local } from './local.ts'
import { checkTreatment, forget, forgetStatements, NOW_MS, settleTimes } from './memory.ts'
import type { Move } from './moves.ts'
import { GENESIS, type KnownCertificate, type Saying, type Universe } from './universe.ts'

/** As a machine-readable event without its time. */
type Timeless = Event extends infer One ? (One extends { nowMs: number } ? Omit<One, 'nowMs'> : never) : never

export class Member {
  readonly self: number
  readonly #universe: Universe
  readonly #guards: Guards

  constructor(universe: Universe, guards: Guards, self: number) {
    this.#universe = universe
    this.#guards = guards
    this.self = self
  }

  /** Everybody is connected, the genesis is final, and there is work. */
  start(): Local {
    const { hash, block } = this.#universe.block(GENESIS)
    const genesis: CommittedTip = { hash, block }
    const local: Local = {
      state: initialState(this.#universe.configOf(this.self), genesis),
      lock: EMPTY_LOCK,
      said: [],
      cosigned: [GENESIS],
      blocks: [],
      certificates: [],
      proofs: [],
      checking: [],
      asked: [],
      restarts: 0,
      clockIsOff: false,
    }
    local.lock = { ...EMPTY_LOCK, cosign: this.#universe.checkpoint(GENESIS) }
    const turn = new Turn(this.#universe, this.#guards, this.self, local)
    const started = turn.run(NOW_MS, this.#beginning())
    checkTreatment(this.#universe.bounds, started.state)
    return started
  }

  #beginning(): Timeless[] {
    const others = this.#universe.parties.filter((_, member) => member !== this.self)
    return [
      ...others.map((party): Timeless => ({ type: 'PEER_UP', party })),
      { type: 'MAY_SIGN' },
      { type: 'START' },
      { type: 'WORK', work: this.#universe.bounds.idle !== true },
    ]
  }

  /** What becomes of it; undefined where this can't happen to it now. */
  take(before: Local, move: Move): Local | undefined {
    const local = cloneLocal(before)
    const turn = new Turn(this.#universe, this.#guards, this.self, local)
    if (local.state.halted) return undefined
    const { state } = local
    switch (move.type) {
      case 'certificates':
        turn.builds ||= move.builds
        return turn.run(NOW_MS, this.#delivered(move.certificates))
      case 'statement': {
        const { signed } = this.#statement(move.member, move.saying)
        return turn.run(NOW_MS, [{ type: 'STATEMENT', from: signed.party, signed }])
      }
      case 'proposal':
        return turn.run(NOW_MS, [this.#proposal(move)])
      case 'sync':
        return this.#sync(local, turn, move)
      case 'deadline':
        if (state.deadlineMs === undefined || state.view > this.#universe.bounds.views) return undefined
        return turn.run(state.deadlineMs, [{ type: 'TICK' }])
      case 'empty':
        return turn.run(NOW_MS + state.config.timing.emptyAfterMs, [{ type: 'TICK' }])
      case 'work':
        return state.work === move.work ? undefined : turn.run(NOW_MS, [{ type: 'WORK', work: move.work }])
      case 'link': {
        const party = this.#universe.party(move.member)
        if (move.member === this.self || state.down.has(party) === !move.up) return undefined
        return turn.run(NOW_MS, [{ type: move.up ? 'PEER_UP' : 'PEER_DOWN', party }])
      }
      case 'clock':
        if (local.clockIsOff === move.off) return undefined
        local.clockIsOff = move.off
        return turn.run(NOW_MS, [])
      case 'restart':
        return this.#restart(local)
      case 'checked':
        if (!local.checking.includes(move.block)) return undefined
        local.checking = local.checking.filter((block) => block !== move.block)
        return turn.run(NOW_MS, [turn.check(move.block)])
      case 'signed':
        return local.asked.length === 0 ? undefined : turn.answerSigner()
    }
  }

  #delivered(certificates: readonly number[]): Timeless[] {
    if (certificates.length === 0) return [{ type: 'TICK' }]
    return certificates.map((index) => ({
      type: 'CERTIFICATE',
      from: this.#other,
      certificate: this.#certificate(index),
    }))
  }

  get #other(): string {
    return this.#universe.party(this.self === 0 ? 1 : 0)
  }

  #certificate(index: number): Certificate {
    return (this.#universe.certificates[index] as KnownCertificate).certificate
  }

  #statement(member: number, saying: number) {
    return { signed: this.#universe.signed(member, this.#universe.sayings[saying] as Saying) }
  }

  #proposal({ block, signed, shown }: Extract<Move, { type: 'proposal' }>): Timeless {
    const universe = this.#universe
    const known = universe.block(block)
    const leader = universe.leaderOf(known.view)
    const certificates = shown.map((index) => this.#certificate(index))
    const notarization = certificates.find(({ kind }) => kind === 'notarization')
    return {
      type: 'PROPOSE',
      from: this.#other,
      hash: known.hash,
      proposal: {
        block: known.block,
        skipCertificates: certificates.filter(({ kind }) => kind === 'skip'),
        ...(signed ? { vote: universe.signed(leader, universe.about('VOTE', block)) } : {}),
        ...(notarization ? { notarization } : {}),
      },
    }
  }

  /** SYN-1: a range is taken only where it follows the tip, block by block, and every block executes. */
  #sync(local: Local, turn: Turn, move: Extract<Move, { type: 'sync' }>): Local | undefined {
    const { block } = move
    const universe = this.#universe
    const { state } = local
    const tip = universe.indexOf(state.committed.hash)
    if (block === tip || !universe.extends(block, tip)) return undefined
    for (let at = block; at !== tip; at = universe.block(at).parent)
      if (!universe.isValid(universe.block(at))) return undefined
    const { hash, block: made } = universe.block(block)
    const notarization = this.#certificate(move.notarization)
    const finalization = this.#certificate(move.finalization)
    return turn.run(NOW_MS, [{ type: 'SYNCED', hash, block: made, notarization, finalization }])
  }

  #restart(local: Local): Local | undefined {
    if (local.restarts > 0) return undefined
    const universe = this.#universe
    const onDisk = (index: number) => {
      const { hash, block } = universe.block(index)
      return { hash, block }
    }
    const { contract } = universe.electorate
    const stored = local.certificates.map((index) => this.#certificate(index)).sort(byPlaceOnDisk)
    const { committed, views } = local.state
    const record = views.get(committed.view)
    const tip: CommittedTip = {
      ...onDisk(universe.indexOf(committed.hash)),
      notarization: record?.notarizations.get(committed.hash),
      finalization: record?.finalizations.get(committed.hash),
    }
    const state = restoredState(
      universe.configOf(this.self),
      tip,
      local.blocks.map(onDisk),
      stored,
      this.#guards.remembered(contract, local.lock),
    )
    const restarted: Local = { ...local, state, checking: [], asked: [], restarts: local.restarts + 1 }
    return new Turn(universe, this.#guards, this.self, restarted).run(NOW_MS, this.#beginning())
  }
}

/** What a member does at one time, from one event to the last that follows of it. */
class Turn {
  readonly #universe: Universe
  readonly #guards: Guards
  readonly #self: number
  readonly #local: Local
  readonly #state: ConsensusState
  /** Whether there is something to order, where it is to lead. */
  builds: boolean
  /** What follows of the event being taken: it comes before the next from outside. */
  readonly #following: Timeless[] = []
  #nowMs = NOW_MS

  constructor(universe: Universe, guards: Guards, self: number, local: Local) {
    this.#universe = universe
    this.#guards = guards
    this.#self = self
    this.#local = local
    this.#state = local.state
    this.builds = universe.bounds.memory === 'whole'
  }

  run(nowMs: number, events: readonly Timeless[]): Local {
    this.#nowMs = nowMs
    for (const event of events) this.#take(event)
    const { late } = this.#universe.bounds
    for (;;) {
      this.#askForCheckpoint()
      if (late || this.#local.asked.length === 0 || this.#state.halted) break
      this.#sign()
    }
    return this.#end()
  }

  /** The signer has answered what it was asked for so far. */
  answerSigner(): Local {
    this.#sign()
    this.#askForCheckpoint()
    return this.#end()
  }

  #take(first: Timeless): void {
    this.#following.push(first)
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
        if (!universe.isLiar(universe.memberOf(effect.evidence.party)))
          local.fault ??= `reports ${effect.evidence.kind} of honest member ${universe.memberOf(effect.evidence.party)}`
        break
      case 'HALT':
        local.halted = effect.reason
        break
      case 'COMMIT':
      case 'SEND':
      case 'SEND_STATUS':
        break
    }
  }

  #store(certificate: Certificate): void {
    const { bounds } = this.#universe
    const local = this.#local
    const { index, saying } = this.#universe.knownCertificate(certificate)
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
    if (view > universe.bounds.views || !this.builds) return
    if (!this.#state.work && !evenEmpty) {
      this.#following.push({ type: 'NOT_BUILT', view })
      return
    }
    // What a leader that was killed builds again is not what it built before: other requests wait by then.
    const variant = this.#local.restarts
    const { hash, block } = universe.build(universe.indexOf(parent), view, variant)
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
    if (!this.#guards.mayBeRefused) this.#local.fault ??= `asks its signer for what that refuses: ${reason}`
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

/** The order in which the store gives certificates back. */
function byPlaceOnDisk(first: Certificate, second: Certificate): number {
  const place = ({ kind, block }: Certificate): string => `${kind} ${block ?? ''}`
  return first.view - second.view || (place(first) < place(second) ? -1 : 1)
}

/** The ascending list with one more, if it lacks it. */
function with_(list: readonly number[], one: number): readonly number[] {
  return list.includes(one) ? list : [...list, one].sort((first, second) => first - second)
}
