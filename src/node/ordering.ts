/**
 * What `consensus` asks for, done: blocks built, executed and checked, statements signed and sent, commits handed on.
 */
import { type Effect, type Event, leaderOf, parentFor } from '../consensus/state.ts'
import { step } from '../consensus/step.ts'
import type { Statement } from '../ledger/certificate.ts'
import { type AnyLedgerBlock, requestIdsOf, turnOf } from '../ledger/turn.ts'
import type { Replica } from './replica.ts'

/** Waiting requests passed on when a view is skipped (ORD-9). */
const FORWARD_MAX = 256

export class Ordering {
  private readonly replica: Replica
  /** Blocks that can't be executed yet: requests of them are missing here. */
  private readonly waiting = new Map<string, AnyLedgerBlock>()
  /** Skip certificates may be on disk: they show who has signed on both sides of a fork, until the ledger is final beyond. */
  private hasSkips = true
  /** The one being taken comes first. */
  private readonly events: Event[] = []
  private lastWork = false

  constructor(replica: Replica) {
    this.replica = replica
  }

  /** Takes an event. What its effects lead to is taken after them, so that effects are performed in the order they arose. */
  event(event: Event): void {
    this.events.push(event)
    if (this.events.length > 1) return
    try {
      for (let next = this.events[0]; next; next = this.events[0]) {
        for (const effect of step(this.replica.consensus, next)) this.perform(effect, next.nowMs)
        this.events.shift()
      }
    } finally {
      this.events.length = 0
    }
  }

  /** The epoch has ended: what was still to be taken in it, but for the event in hand, is nothing to the next one's state. */
  restart(): void {
    this.events.length = Math.min(1, this.events.length)
    this.waiting.clear()
    this.hasSkips = true
    this.lastWork = false
  }

  /** Whether there is something to order may have changed. */
  updateWork(nowMs: number): void {
    const { consensus, chain } = this.replica
    const parent = parentFor(consensus, consensus.view)
    const work = chain.hasWork(parent ?? chain.tip.hash, nowMs)
    if (work === consensus.work && work === this.lastWork) return
    this.lastWork = work
    this.event({ type: 'WORK', work, nowMs })
  }

  private perform(effect: Effect, nowMs: number): void {
    const { replica } = this
    const { contract, outbox } = replica
    switch (effect.type) {
      case 'SIGN':
        this.sign(effect.statement)
        break
      case 'SEND':
        this.replica.send(effect.to, effect.message)
        if (effect.message.type === 'STATEMENT' && effect.message.signed.statement.type === 'SKIP')
          this.forward()
        break
      case 'SEND_STATUS':
        this.replica.sendStatus(undefined)
        for (const [hash, block] of this.waiting) this.fetchMissing(hash, block, undefined)
        break
      case 'CHECK':
        this.check(effect.hash, effect.block, nowMs)
        break
      case 'BUILD':
        this.build(effect.view, effect.parent, effect.evenEmpty, nowMs)
        break
      case 'STORE_BLOCK':
        outbox.write({ kind: 'proposed', contract, hash: effect.hash, block: effect.block })
        break
      case 'STORE_CERTIFICATE':
        if (effect.certificate.kind === 'skip') this.hasSkips = true
        outbox.write({ kind: 'certificate', contract, certificate: effect.certificate })
        break
      case 'COMMIT':
        if (!this.replica.ownHistory.stops(effect.hashes))
          this.replica.commit(effect.hashes, effect.notarization, effect.finalization, nowMs)
        break
      case 'FETCH_BLOCK':
        this.replica.send(effect.from, { type: 'FETCH', blocks: [effect.hash] })
        break
      case 'EVIDENCE':
        this.replica.evidence.found(effect.evidence)
        break
      case 'HALT':
        this.replica.halt(effect.reason)
        break
    }
  }

  private sign(statement: Statement): void {
    const { contract, outbox, electorate, self } = this.replica
    const voteKey = electorate.voteKeys.get(self)
    if (voteKey !== undefined) outbox.sign(contract, { kind: 'statement', statement, voteKey })
  }

  private build(view: number, parent: string, evenEmpty: boolean, nowMs: number): void {
    const built = this.replica.chain.build(parent, view, nowMs, evenEmpty)
    if (built) this.event({ type: 'BUILT', view, hash: built.hash, block: built.block, nowMs })
    else this.event({ type: 'NOT_BUILT', view, nowMs })
  }

  private check(hash: string, block: AnyLedgerBlock, nowMs: number): void {
    // The tip may have moved past it since its check was asked for.
    if (!this.replica.consensus.blocks.has(hash)) return
    const result = this.replica.chain.check(hash, block, nowMs)
    if (result.status === 'missing') {
      if (!this.waiting.has(hash))
        this.fetchMissing(hash, block, leaderOf(this.replica.consensus.config, block.header.view))
      this.waiting.set(hash, block)
      return
    }
    this.waiting.delete(hash)
    const offMs = block.header.timeMs - nowMs
    const timely = Math.abs(offMs) <= this.replica.electorate.policy.clockBoundMs && !this.leavesOut(block)
    if (result.status === 'invalid') this.object(block, hash, result.code)
    else if (!timely) this.object(block, hash, this.leavesOut(block) ? 'left-out' : 'clock')
    this.event({ type: 'CHECKED', hash, valid: result.status === 'valid', timely, nowMs })
  }

  /** EPO-10: a turn goes without a member that was not silent, as far as is known here. */
  private leavesOut(block: AnyLedgerBlock): boolean {
    const turn = turnOf(block)
    if (turn === undefined) return false
    const { finality, roster } = this.replica
    const next = roster.turns.find(({ entry }) => entry.change === turn.change)
    const named = new Set(turn.certificate.map(({ party }) => party))
    return (next?.signers ?? []).some(
      ({ party, cosignKey, minSize }) =>
        !named.has(party) && finality.certifying(party, cosignKey, minSize) !== undefined,
    )
  }

  private object(block: AnyLedgerBlock, hash: string, code: string): void {
    const { view } = block.header
    const leader = leaderOf(this.replica.consensus.config, view)
    this.replica.outbox.log('warn', 'block-refused', { contract: this.replica.contract, view, leader, code })
    this.replica.send(leader, { type: 'OBJECT', view, block: hash, code })
  }

  private fetchMissing(hash: string, block: AnyLedgerBlock, from: string | undefined): void {
    if (!this.replica.consensus.blocks.has(hash)) {
      this.waiting.delete(hash)
      return
    }
    const requests = requestIdsOf(block).filter((id) => !this.replica.chain.pool.has(id))
    if (requests.length > 0) this.replica.send(from, { type: 'FETCH', requests: requests.slice(0, 1024) })
  }

  /** ORD-9: on skipping a view, what waits is passed on to whoever leads next. */
  private forward(): void {
    const next = leaderOf(this.replica.consensus.config, this.replica.consensus.view + 1)
    if (next === this.replica.self) return
    let count = 0
    for (const entry of this.replica.chain.pool.values()) {
      this.replica.sendRequest(next, entry)
      count += 1
      if (count >= FORWARD_MAX) break
    }
  }

  /** The ledger is final up to this height. */
  forgetSkips(finalHeight: number): void {
    const { contract, outbox, chain, store } = this.replica
    if (!this.hasSkips) return
    const { header } =
      finalHeight === chain.height ? chain.tip.block : (store.block(contract, finalHeight)?.block ?? {})
    if (header === undefined) return
    outbox.write({ kind: 'skips-dropped', contract, toView: header.view })
    this.hasSkips = finalHeight < chain.height
  }

  /** True if a block waits for some request. */
  get lacksAny(): boolean {
    return this.waiting.size > 0
  }

  /** True if a block waits for this request. */
  lacks(id: string): boolean {
    for (const block of this.waiting.values()) if (requestIdsOf(block).includes(id)) return true
    return false
  }

  /** A request has come: executes blocks that waited for it. */
  retryWaiting(nowMs: number): void {
    for (const [hash, block] of this.waiting)
      if (requestIdsOf(block).every((id) => this.replica.chain.pool.has(id))) this.check(hash, block, nowMs)
  }

  /** The tip has moved: what waited below it waits no more. */
  forgetWaiting(): void {
    for (const hash of this.waiting.keys())
      if (!this.replica.consensus.blocks.has(hash)) this.waiting.delete(hash)
  }
}
