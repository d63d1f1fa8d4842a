/** What all routes work with: the node, the states it shows, the writes that wait, the keys that were used. */
import { randomBytes } from 'node:crypto'
import type { ContractState } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { FinalView } from '../node/final-view.ts'
import type { Node } from '../node/node.ts'
import type { Replica } from '../node/replica.ts'
import { ReportSchedules } from '../node/report-schedules.ts'
import { Differences } from './difference.ts'
import { Idempotency } from './idempotency.ts'
import { Values } from './values.ts'
import { Waiting } from './waiting.ts'

export type ApiOptions = {
  /** The bearer token that every route but /healthz asks for. */
  token: string
  host: string
  /** 0 for any free one. */
  port: number
  /** Of the program, as people see it. */
  version: string
}

export class Context {
  readonly node: Node
  readonly version: string
  readonly states: FinalView
  readonly waiting: Waiting
  readonly idempotency: Idempotency
  readonly differences = new Differences()
  readonly schedules: ReportSchedules

  constructor(node: Node, options: ApiOptions) {
    this.node = node
    this.version = options.version
    // First: whoever is woken by a notice finds the states moved already.
    this.states = new FinalView(node)
    this.waiting = new Waiting(node)
    this.idempotency = new Idempotency(node.store, () => node.now())
    this.schedules = new ReportSchedules(node, this.states)
  }

  async close(): Promise<void> {
    this.waiting.close()
    await this.schedules.close()
    this.states.close()
  }

  /** @throws CountersignError `unknown-contract`, `invariant-broken` for one that is damaged, or once the node has stopped */
  replica(contract: string): Replica {
    if (this.node.failure)
      throw new CountersignError('invariant-broken', `the node has stopped: ${this.node.failure.message}`)
    return this.node.engine.replica(contract)
  }

  /** The values of the fields of a state, or of several of one contract. */
  values(state: ContractState, ...others: ContractState[]): Values {
    const lacksOlder = this.node.engine.replicas.get(state.contract)?.epochs.lacksOlder ?? false
    return new Values([state, ...others], this.node.store, this.states, lacksOlder)
  }

  readonly random = (sizeBytes: number): Uint8Array => randomBytes(sizeBytes)
}
