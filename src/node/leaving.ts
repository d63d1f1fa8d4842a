/**
 * Parties that have signed LEAVE: nothing larger is cosigned any more, so it has to be ordered, whatever became of it on the way
 * to this node's disk (PROTOCOL EPO-12).
 */
import { departingFrom } from '../contract/epoch.ts'
import { CountersignError } from '../crypto/errors.ts'
import { epochOperationOf } from '../ledger/request.ts'
import type { Engine } from './engine.ts'
import type { Replica } from './replica.ts'

export class Leaving {
  private readonly engine: Engine
  /** With the id of the request, where this start has made one. */
  private readonly contracts = new Map<string, string | undefined>()

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** The signer had signed LEAVE there before this start. */
  add(contract: string): void {
    this.contracts.set(contract, undefined)
  }

  /** LEAVE has been signed: what was about to be cosigned is larger than what it leaves at. */
  begin(replica: Replica, request: string): void {
    this.engine.dropSigns(replica.contract, 'checkpoint')
    replica.cosigning.isPending = false
    this.contracts.set(replica.contract, request)
    if (replica.status !== 'leaving') replica.leave()
  }

  /** Asks anew where the request was lost: at a crash, or with a disk that refused. */
  take(nowMs: number): void {
    for (const [contract, request] of this.contracts) {
      const replica = this.engine.replicas.get(contract)
      // One that was ordered and had no effect would have none again: its author is the last member.
      const isOver = request !== undefined && replica?.chain.hasOrdered(request)
      if (replica === undefined || replica.status === 'left' || isOver) this.contracts.delete(contract)
      else if (replica.phase === 'signing' && replica.status !== 'halted' && !isUnderWay(replica))
        this.again(replica, nowMs)
    }
  }

  private again(replica: Replica, nowMs: number): void {
    try {
      this.engine.leave(replica.contract, nowMs)
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.contracts.delete(replica.contract)
      const { contract } = replica
      this.engine.log('warn', 'leave-refused', { contract, code: error.code, reason: error.message })
    }
  }
}

function isUnderWay({ self, chain }: Replica): boolean {
  if (departingFrom(chain.tip.state.epoch).has(self)) return true
  for (const { request } of chain.pool.values())
    if (request.author === self && epochOperationOf(request)?.op === 'leave') return true
  return false
}
