/**
 * Contracts that are opened anew over another ledger, on disk first: whose FREEZEs have led to the next lineage (LIN-3), that
 * begin at a checkpoint (EPO-15), or that had gone on another way than this party has cosigned (AMN-4).
 */
import type { StoreWrite } from '../store/store.ts'
import { besideWrite } from './cosigning.ts'
import type { Engine } from './engine.ts'
import { finalSetting, lineageStart } from './lineage.ts'
import type { Return } from './own-history.ts'
import type { Replica } from './replica.ts'

export class Renewals {
  private readonly engine: Engine
  private readonly contracts = new Set<string>()

  constructor(engine: Engine) {
    this.engine = engine
  }

  add(contract: string): void {
    this.contracts.add(contract)
  }

  /** @throws CountersignError `disk-full`, `storage-failed`: they wait for the next turn */
  take(nowMs: number): void {
    for (const contract of [...this.contracts]) {
      // What is opened anew may ask for more.
      this.contracts.delete(contract)
      try {
        const replica = this.engine.replicas.get(contract)
        if (replica) this.renew(replica, nowMs)
      } catch (error) {
        this.contracts.add(contract)
        throw error
      }
    }
  }

  private renew(replica: Replica, nowMs: number): void {
    const { freezing, status, beginning } = replica
    const isFrozen = freezing.outcome !== undefined && !('missing' in freezing.outcome)
    // Of a contract that halts, or goes on in another lineage, everybody reads all.
    if (isFrozen || status !== 'invited') beginning.stop()
    const { due } = beginning
    const back = replica.ownHistory.due
    if (due) this.beginAt(replica, due, nowMs)
    else if (back && !isFrozen) this.goBack(replica, back, nowMs)
    else this.begin(replica, nowMs)
  }

  private begin(replica: Replica, nowMs: number): void {
    const { engine } = this
    const { contract, chain, finalSize, freezing } = replica
    const next = freezing.outcome
    if (next === undefined || 'missing' in next) return
    engine.flush()
    const hashes = engine.store.load(contract).blockHashes
    const hashAt = (height: number): string | undefined => hashes[height]
    const opened = this.reopened(
      replica,
      [lineageStart(contract, next, hashAt, chain.height, finalSize, nowMs)],
      nowMs,
    )
    if (!opened) return
    this.opened(opened)
    // It came in by a history that is given up, or has left by the one that goes on.
    const wasIn = replica.roster.lastSpanOf(replica.self) !== undefined
    const isMember = next.genesis.members.includes(replica.self)
    if (wasIn && !isMember && opened.epochs.part === 'out')
      opened.left(`the contract goes on in lineage ${next.genesis.lineage}, in which this party is not in`)
    else opened.sendStatus(undefined)
  }

  private beginAt(replica: Replica, writes: readonly StoreWrite[], nowMs: number): void {
    const opened = this.reopened(replica, writes, nowMs)
    if (opened?.basis === undefined) return
    const { contract, basis } = opened
    const { height, voucher } = basis
    this.engine.log('info', 'begun', { rule: 'EPO-15', contract, height, voucher })
    this.engine.notify({ contract, type: 'begun', height, voucher })
    opened.sendStatus(undefined)
  }

  private goBack(replica: Replica, back: Return, nowMs: number): void {
    const { engine } = this
    const { contract, phase, status, isInDoubt, chain, lineage, finalSize, finality } = replica
    // What goes may hold signatures of this party that nobody else does.
    if (phase === 'recalling' && !engine.amnesia.takeOwn(replica)) {
      engine.renew(contract)
      return
    }
    const { cosignature, from } = back
    // More may have become final since it was asked for.
    const keepHeight = Math.max(back.keepHeight, finalSize - 1)
    const isOver = keepHeight === chain.height
    const key = finalSetting(contract, lineage.number)
    const final = { kind: 'setting', key, value: String(finalSize) } as const
    const returned = { kind: 'returned', contract, keepHeight } as const
    const kept = finality
      .past(keepHeight + 1)
      .flatMap((one) => (one.party === replica.self ? [] : [besideWrite(replica, one)]))
    // What it may have signed in views that go on is asked for anew.
    const next = isInDoubt && status !== 'halted' ? 'recalling' : phase
    const opened = this.reopened(replica, [final, returned, ...kept], nowMs, next)
    if (!opened) return
    opened.sync.takeOver(replica.sync)
    if (from !== undefined) opened.sync.returnedFor(from, nowMs)
    opened.cosigning.take(cosignature, nowMs, true)
    if (!isOver) {
      const { size } = cosignature
      engine.log('warn', 'returned', { rule: 'AMN-4', contract, height: keepHeight, cosignedSize: size })
      engine.notify({ contract, type: 'returned', height: keepHeight })
    }
    opened.sendStatus(undefined)
  }

  private reopened(
    { contract, phase: phaseNow }: Replica,
    writes: readonly StoreWrite[],
    nowMs: number,
    phase = phaseNow,
  ): Replica | undefined {
    const { engine } = this
    engine.flush()
    engine.writes.flush(...writes)
    engine.dropSigns(contract)
    engine.replicas.delete(contract)
    const stored = engine.store.contract(contract)
    return stored && engine.open(stored, phase, nowMs)
  }

  private opened(replica: Replica): void {
    const { engine } = this
    const { contract } = replica
    const { number: lineage, base, leftOut } = replica.lineage
    // Of who is no member any more nothing is ordered.
    for (const id of replica.chain.pool.dropOf(leftOut)) {
      engine.write({ kind: 'request-dropped', contract, id })
      engine.notify({ contract, type: 'expired', request: id })
    }
    const guilty = [...leftOut]
    engine.log('warn', 'lineage', { rule: 'LIN-3', contract, lineage, size: base.size, leftOut: guilty })
    engine.notify({ contract, type: 'lineage', lineage, height: base.size - 1, leftOut: guilty })
  }
}
