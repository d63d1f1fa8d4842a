/**
 * Contracts that are opened anew over another ledger, on disk first: whose FREEZEs have led to the next lineage (LIN-3), or that
 * begin at a checkpoint (EPO-15).
 */
import type { StoreWrite } from '../store/store.ts'
import type { Engine } from './engine.ts'
import { lineageStart } from './lineage.ts'
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
    if (due) this.beginAt(replica, due, nowMs)
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

  private reopened(
    { contract, phase }: Replica,
    writes: readonly StoreWrite[],
    nowMs: number,
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
