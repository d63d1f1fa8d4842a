/**
 * Private values that this party may see and that are not here: its disk was lost, whoever served the ledger may not see them, or a
 * rule lets it see them since. They are asked of those who hold them, the current ones (PROTOCOL VAL-4, EPO-13).
 */
import { commitmentIn, type StateRecord } from '../contract/record.ts'
import { mayRead } from '../contract/rules/gate.ts'
import type { ContractState } from '../contract/state.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { ElementChange } from '../store/store.ts'
import type { Replica } from './replica.ts'

const ASK_FIRST_MS = 1000
/** Each holder is asked a few times; then whoever comes, or a new value, begins anew. */
const TIMES_MAX = 12
const REQUESTS_MAX = 256

export class OwnValues {
  readonly #replica: Replica
  /** By commitment: the requests that may bring it, and who holds it. */
  readonly #wanted = new Map<string, { requests: string[]; holders: readonly string[] }>()
  #law: unknown
  #askAtMs = 0
  #times = 0

  constructor(replica: Replica) {
    this.#replica = replica
  }

  /** Every private value of the state, after a start and where rules have changed; otherwise those that have changed. */
  look(changes: readonly ElementChange[], nowMs: number): void {
    const { state } = this.#replica.chain.tip
    if (state.privateCount === 0 && state.governance.proposalCount === 0) return
    const isOtherLaw = state.governance.law !== this.#law
    this.#law = state.governance.law
    const records: Iterable<readonly [string, unknown]> = isOtherLaw ? state.map.entries() : changes
    for (const [uid, record] of records) this.#lookAt(state, uid, record as StateRecord | null, nowMs)
  }

  #lookAt(state: ContractState, uid: string, record: StateRecord | null, nowMs: number): void {
    const commitment = commitmentIn(record)
    const readers = record !== null && 'readers' in record ? record.readers : undefined
    if (commitment === undefined || readers === undefined || this.#wanted.has(commitment)) return
    const { self, contract, store, outbox } = this.#replica
    if (!mayRead(state, uid, record as StateRecord, self, nowMs)) return
    if (store.openings(contract, [commitment]).size > 0) return
    outbox.flush()
    if (store.openings(contract, [commitment]).size > 0) return
    const requests: string[] = []
    for (const version of [...store.elementHistory(contract, uid)].reverse()) {
      if (commitmentIn(version.record as StateRecord | null) !== commitment) break
      requests.push(...(version.requests ?? (version.request === undefined ? [] : [version.request])))
    }
    if (requests.length === 0) return
    this.#wanted.set(commitment, { requests, holders: readers.filter((party) => party !== self) })
    this.#times = 0
    this.#askAtMs = nowMs
  }

  /** When to ask next, ms since 1970; undefined while nothing is missing. */
  wakeMs(): number | undefined {
    return this.#isAsking ? this.#askAtMs : undefined
  }

  get #isAsking(): boolean {
    const { status, epochs } = this.#replica
    const isIn = status === 'accepted' && epochs.part !== 'out'
    return isIn && this.#wanted.size > 0 && this.#times < TIMES_MAX
  }

  /** One after the other of those who hold them and are connected is asked. */
  ask(nowMs: number): void {
    if (!this.#isAsking || nowMs < this.#askAtMs) return
    const turn = this.#times
    this.#askAtMs = nowMs + ASK_FIRST_MS * 2 ** Math.floor(turn / 2)
    this.#times += 1
    const asked = new Map<string, Set<string>>()
    for (const { requests, holders } of this.#wanted.values()) {
      const up = holders.filter((party) => this.#replica.up.has(party))
      const party = up[turn % Math.max(1, up.length)]
      if (party === undefined) continue
      const ids = asked.get(party) ?? new Set()
      for (const id of requests) if (ids.size < REQUESTS_MAX) ids.add(id)
      asked.set(party, ids)
    }
    for (const [party, ids] of asked) this.#replica.send(party, { type: 'FETCH', requests: [...ids] })
  }

  /** Takes openings that were missing. */
  take(openings: readonly Opening[]): void {
    if (this.#wanted.size === 0) return
    const { contract, outbox } = this.#replica
    const brought = openings.filter(
      (opening) => opening.of !== undefined && this.#wanted.delete(commitmentOf(opening)),
    )
    if (brought.length === 0) return
    outbox.write({ kind: 'openings', contract, openings: brought })
    outbox.notify({ contract, type: 'opened', uids: brought.flatMap(({ of }) => of ?? []) })
  }

  /** Somebody who may hold them is connected. */
  peerUp(nowMs: number): void {
    this.#times = 0
    this.#askAtMs = nowMs
  }
}
