/** Contracts whose FREEZEs have led to the next lineage: it begins, on disk first, and they are opened in it (LIN-3). */
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
    for (const contract of this.contracts) {
      const replica = this.engine.replicas.get(contract)
      if (replica) this.begin(replica, nowMs)
      this.contracts.delete(contract)
    }
  }

  private begin(replica: Replica, nowMs: number): void {
    const { engine } = this
    const { contract, chain, finalSize, freezing, phase } = replica
    const next = freezing.outcome
    if (next === undefined || 'missing' in next) return
    engine.flush()
    const hashes = engine.store.load(contract).blockHashes
    const hashAt = (height: number): string | undefined => hashes[height]
    engine.writes.flush(lineageStart(contract, next, hashAt, chain.height, finalSize, nowMs))
    engine.dropSigns(contract)
    engine.replicas.delete(contract)
    const stored = engine.store.contract(contract)
    const opened = stored && engine.open(stored, phase, nowMs)
    if (opened) this.opened(opened)
  }

  private opened(replica: Replica): void {
    const { engine } = this
    const { contract } = replica
    const { number: lineage, base, leftOut } = replica.lineage
    // Of who is no member any more nothing is ordered.
    for (const id of replica.chain.dropOf(leftOut)) {
      engine.write({ kind: 'request-dropped', contract, id })
      engine.notify({ contract, type: 'expired', request: id })
    }
    const guilty = [...leftOut]
    engine.log('warn', 'lineage', { rule: 'LIN-3', contract, lineage, size: base.size, leftOut: guilty })
    engine.notify({ contract, type: 'lineage', lineage, height: base.size - 1, leftOut: guilty })
    replica.sendStatus(undefined)
  }
}
