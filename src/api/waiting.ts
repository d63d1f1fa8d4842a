/**
 * Writes that wait for their answer. It follows the node's notices, so that a waiting write costs no reading of the store:
 * the status of a final request is made of what the notices told.
 */
import { CountersignError } from '../crypto/errors.ts'
import type { Outcome } from '../ledger/block.ts'
import { entriesOf } from '../ledger/turn.ts'
import type { Node } from '../node/node.ts'
import type { Notice } from '../node/outbox.ts'
import type { Replica } from '../node/replica.ts'
import type { Dialogue, RequestStatus } from '../node/request-status.ts'
import { membersOf } from './views.ts'

export type Until = 'final' | 'tentative'

/** A request that somebody waits for, with what has been told of it since. */
export type Expected = {
  contract: string
  id: string
  until: Until
  done: boolean
  wake: (() => void) | undefined
  receivedMs?: number
  notAfterMs?: number
  height?: number
  outcome?: Outcome
  code?: string
  rule?: string
  element?: string
  isFinal?: boolean
}

export class Waiting {
  private readonly node: Node
  private readonly expected = new Map<string, Expected[]>()
  /** What nearly every final status of an epoch says: all its members, received and accepted. */
  private readonly everyone = new WeakMap<readonly string[], Dialogue[]>()
  private readonly stop: () => void

  constructor(node: Node) {
    this.node = node
    this.stop = node.subscribe((notice) => this.take(notice))
  }

  /** Answers everybody with what there is by now. */
  close(): void {
    this.stop()
    for (const list of [...this.expected.values()]) for (const one of [...list]) this.finish(one)
  }

  /** Begins to follow a request; to be called before it can be ordered. */
  expect(contract: string, id: string, until: Until): Expected {
    const expected: Expected = { contract, id, until, done: false, wake: undefined }
    const list = this.expected.get(id)
    if (list) list.push(expected)
    else this.expected.set(id, [expected])
    return expected
  }

  /** Ends following a request that came to nothing. */
  drop(expected: Expected): void {
    this.finish(expected)
  }

  /**
   * The status once it is what is waited for, or after timeoutMs; of a request that was made before, too.
   * @throws CountersignError `unknown-contract`, `not-found`, `invariant-broken`
   */
  async statusOf(expected: Expected, timeoutMs: number): Promise<RequestStatus> {
    if (!expected.done && timeoutMs > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.finish(expected), timeoutMs)
        expected.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    this.finish(expected)
    return this.told(expected) ?? this.read(expected.contract, expected.id)
  }

  /** As `statusOf`, for a request that may have got there already. @throws as `statusOf` */
  async statusWhen(contract: string, id: string, until: Until, timeoutMs: number): Promise<RequestStatus> {
    const expected = this.expect(contract, id, until)
    try {
      const status = this.read(contract, id)
      if (isReached(status, until) || this.node.engine.replica(contract).status === 'left') return status
      return await this.statusOf(expected, timeoutMs)
    } finally {
      this.drop(expected)
    }
  }

  /** As the store has it. @throws CountersignError `unknown-contract`, `not-found`, `invariant-broken` */
  read(contract: string, id: string): RequestStatus {
    try {
      this.node.engine.flush()
    } catch (error) {
      // The disk refuses: what it took so far is what can be told.
      if (!(error instanceof CountersignError)) throw error
    }
    return this.node.requestStatus(contract, id)
  }

  private told(expected: Expected): RequestStatus | undefined {
    const { contract, id, height, outcome, code, rule, element } = expected
    const { receivedMs, notAfterMs, isFinal } = expected
    const replica = this.node.engine.replicas.get(contract)
    if (!replica || !isFinal || height === undefined || outcome === undefined) return undefined
    if (receivedMs === undefined || notAfterMs === undefined) return undefined
    return {
      id,
      contract,
      author: this.node.party,
      stage: 'final',
      outcome,
      ...(code !== undefined && { code }),
      ...(rule !== undefined && { rule }),
      ...(element !== undefined && { element }),
      height,
      receivedMs,
      notAfterMs,
      dialogues: this.dialoguesOf(replica, height),
      waitingFor: [],
    }
  }

  private dialoguesOf(replica: Replica, height: number): Dialogue[] {
    const { members, finality } = replica
    // The first final blocks of an epoch, and the last of the one before, may be final without all who are in now.
    const hasAccepted = (party: string): boolean => finality.sizeOf(party) > height
    if (!members.every(hasAccepted))
      return membersOf(replica).map((one) => {
        const accepted = hasAccepted(one.party)
        return { ...one, received: accepted, accepted }
      })
    const known = this.everyone.get(members)
    if (known) return known
    const dialogues = membersOf(replica).map((one) => ({ ...one, received: true, accepted: true }))
    this.everyone.set(members, dialogues)
    return dialogues
  }

  private finish(expected: Expected): void {
    expected.done = true
    const list = this.expected.get(expected.id)
    const index = list?.indexOf(expected) ?? -1
    if (list && index >= 0) {
      if (list.length === 1) this.expected.delete(expected.id)
      else list.splice(index, 1)
    }
    const { wake } = expected
    expected.wake = undefined
    wake?.()
  }

  private take(notice: Notice): void {
    if (this.expected.size === 0) return
    switch (notice.type) {
      case 'received':
        this.takeReceived(notice.contract, notice.request)
        break
      case 'tentative':
        this.takeTentative(notice.contract, notice.height, notice.requests)
        break
      case 'final':
        for (const id of notice.requests)
          for (const expected of [...(this.expected.get(id) ?? [])]) {
            expected.isFinal = true
            this.finish(expected)
          }
        break
      case 'expired':
        for (const expected of [...(this.expected.get(notice.request) ?? [])]) this.finish(expected)
        break
      case 'halted':
      // EPO-12: who is out reports nothing more as final.
      case 'left':
        for (const list of [...this.expected.values()])
          for (const expected of [...list]) if (expected.contract === notice.contract) this.finish(expected)
    }
  }

  private takeReceived(contract: string, id: string): void {
    const list = this.expected.get(id)
    const entry = list && this.node.engine.replicas.get(contract)?.chain.pool.get(id)
    if (!entry) return
    for (const expected of list) {
      expected.receivedMs = entry.receivedMs
      expected.notAfterMs = entry.request.notAfterMs
    }
  }

  private takeTentative(contract: string, height: number, ids: readonly string[]): void {
    const tip = this.node.engine.replicas.get(contract)?.chain.tip.block
    for (const [index, id] of ids.entries()) {
      const list = this.expected.get(id)
      if (!list) continue
      const entry = tip?.header.height === height ? entriesOf(tip)[index] : undefined
      for (const expected of [...list]) {
        expected.height = height
        if (entry?.request === id) {
          expected.outcome = entry.outcome
          expected.code = entry.code
          expected.rule = entry.rule
          expected.element = entry.element
        }
        if (expected.until === 'tentative') this.finish(expected)
      }
    }
  }
}

/** Whether a status is as far as somebody waits for; an expired request goes no further. */
export function isReached({ stage }: RequestStatus, until: Until): boolean {
  return stage === 'final' || stage === 'expired' || (until === 'tentative' && stage === 'tentative')
}
