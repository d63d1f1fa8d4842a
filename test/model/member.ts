/** One honest member, and what becomes of it in each move: the real `step`, with what a node does around it (turn.ts). */
import { type CommittedTip, initialState, restoredState } from '../../src/consensus/state.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import { EMPTY_LOCK } from '../../src/signer/locks.ts'
import type { Guards } from './guards.ts'
import { cloneLocal, type Local } from './local.ts'
import { checkTreatment, NOW_MS } from './memory.ts'
import type { Move } from './moves.ts'
import { type Timeless, Turn } from './turn.ts'
import { GENESIS, type KnownCertificate, type Saying, type Universe } from './universe.ts'

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
      state: initialState(this.#universe.configOf(this.self, 0), genesis),
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
    if (before.state.halted || !this.#isOfNow(before, move)) return undefined
    const local = cloneLocal(before)
    const turn = new Turn(this.#universe, this.#guards, this.self, local)
    const { state } = local
    switch (move.type) {
      case 'certificates':
        turn.builds ??= move.builds
        return turn.builds
          ? turn.run(NOW_MS, this.#delivered(move.certificates))
          : turn.idle(NOW_MS, this.#delivered(move.certificates))
      case 'statement': {
        const signed = this.#universe.signed(move.member, this.#universe.sayings[move.saying] as Saying)
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

  /** What is said in another epoch is not looked at; only one that keeps all it is given is tried with it. */
  #isOfNow({ state }: Local, move: Move): boolean {
    const universe = this.#universe
    const { epoch } = state.config.electorate
    if (universe.bounds.memory === 'whole') return true
    if (move.type === 'proposal') return universe.block(move.block).epoch === epoch
    if (move.type !== 'certificates') return true
    return move.certificates.every((index) => {
      const { saying } = universe.certificates[index] as KnownCertificate
      return universe.sayings[saying]?.epoch === epoch
    })
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

  #proposal({ block, view, signed, shown }: Extract<Move, { type: 'proposal' }>): Timeless {
    const universe = this.#universe
    const known = universe.block(block)
    const leader = universe.leaderOf(view)
    const certificates = shown.map((index) => this.#certificate(index))
    const notarization = certificates.find(({ kind }) => kind === 'notarization')
    return {
      type: 'PROPOSE',
      from: this.#other,
      hash: known.hash,
      proposal: {
        block: known.block,
        skipCertificates: certificates.filter(({ kind }) => kind === 'skip'),
        ...(signed ? { vote: universe.signed(leader, universe.about('VOTE', block, view)) } : {}),
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
    const path: number[] = []
    for (let at = block; at !== tip; at = universe.block(at).parent) path.push(at)
    const isExecuted = (at: number): boolean =>
      universe.isValid(universe.block(at)) && !universe.isStale(universe.block(at))
    if (!path.every(isExecuted)) return undefined
    const ending = path.find((at) => universe.block(at).endsEpoch)
    if (ending !== undefined) turn.beginEpoch(ending)
    // With a block that ends an epoch ordering has begun anew on it.
    if (ending === block) return turn.run(NOW_MS, [])
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
    const { contract, epoch } = local.state.config.electorate
    const stored = local.certificates.map((index) => this.#certificate(index)).sort(byPlaceOnDisk)
    const { committed, views } = local.state
    const record = views.get(committed.view)
    const tip: CommittedTip = {
      ...onDisk(universe.indexOf(committed.hash)),
      notarization: record?.notarizations.get(committed.hash),
      finalization: record?.finalizations.get(committed.hash),
    }
    const state = restoredState(
      universe.configOf(this.self, epoch),
      tip,
      local.blocks.map(onDisk),
      stored,
      this.#guards.remembered(contract, local.lock),
    )
    const restarted: Local = { ...local, state, checking: [], asked: [], restarts: local.restarts + 1 }
    return new Turn(universe, this.#guards, this.self, restarted).run(NOW_MS, this.#beginning())
  }
}

/** The order in which the store gives certificates back. */
function byPlaceOnDisk(first: Certificate, second: Certificate): number {
  const place = ({ kind, block }: Certificate): string => `${kind} ${block ?? ''}`
  return first.view - second.view || (place(first) < place(second) ? -1 : 1)
}
