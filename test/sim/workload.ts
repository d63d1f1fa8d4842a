/**
 * Clients: they create, set and delete elements at random members, now and then the same field at two members at once, now
 * and then with a request that soon expires.
 */
import { createOperations, deleteOperations, type Edit, setOperations } from '../../src/contract/edit.ts'
import {
  type ContractState,
  childrenOf,
  element,
  elementCount,
  subtreeUids,
} from '../../src/contract/state.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import { block, type DocumentNode, text } from '../../src/document/tree.ts'
import type { Random } from './random.ts'
import type { SimNode } from './sim-node.ts'

/** More elements than this, and clients delete rather than create. */
const ELEMENTS_MAX = 60
const SHORT_LIFE_MS = { low: 2000, high: 15_000 } as const
const LONG_LIFE_MS = 24 * 3600 * 1000

/** A request that a client was told is received. `batches`: what the node's store had written by then. */
export type Submitted = { id: string; contract: string; node: SimNode; notAfterMs: number; batches: number }

export class Workload {
  readonly submitted: Submitted[] = []
  readonly counts = {
    submitted: 0,
    creates: 0,
    sets: 0,
    deletes: 0,
    concurrent: 0,
    shortLived: 0,
    refused: 0,
  }
  private readonly random: Random
  private readonly nodes: readonly SimNode[]
  private values = 0

  constructor(nodes: readonly SimNode[], random: Random) {
    this.nodes = nodes
    this.random = random
  }

  /** One thing that clients do. */
  act(contract: string): void {
    const able = this.nodes.filter((node) => this.stateAt(node, contract) !== undefined)
    if (able.length === 0) return
    const [first, second] = this.random.shuffled(able) as [SimNode, SimNode | undefined]
    if (second && this.random.chance(0.15)) {
      const uid = this.pickField(this.stateAt(first, contract) as ContractState)
      if (uid !== undefined) {
        this.counts.concurrent += 1
        this.set(first, contract, uid)
        if (element(this.stateAt(second, contract) as ContractState, uid)) this.set(second, contract, uid)
        return
      }
    }
    const state = this.stateAt(first, contract) as ContractState
    const roll = this.random.integer(0, 99)
    if (roll < 45) {
      const uid = this.pickField(state)
      if (uid !== undefined) {
        this.set(first, contract, uid)
        return
      }
    }
    const uids = this.uids(state)
    if (uids.length > 0 && (roll > 85 || elementCount(state) > ELEMENTS_MAX))
      this.delete(first, contract, uids)
    else this.create(first, contract, state)
  }

  private stateAt(node: SimNode, contract: string): ContractState | undefined {
    const replica = node.engine?.replicas.get(contract)
    const isIn = replica?.status === 'accepted' && replica.epochs.part === 'member'
    return isIn ? replica.chain.tip.state : undefined
  }

  private uids(state: ContractState): string[] {
    return subtreeUids(state, state.rootUid).filter((uid) => uid !== state.rootUid)
  }

  private pickField(state: ContractState): string | undefined {
    const all = this.uids(state).filter((uid) => element(state, uid)?.kind === 'field')
    const secret = state.governance.law.hasPrivate && this.random.chance(0.3)
    const fields = secret ? all.filter((uid) => element(state, uid)?.name.startsWith('Secret')) : all
    return fields.length === 0 ? undefined : this.random.pick(fields)
  }

  private create(node: SimNode, contract: string, state: ContractState): void {
    const blocks = [state.rootUid, ...this.uids(state).filter((uid) => element(state, uid)?.kind === 'block')]
    const parent = this.random.pick(blocks)
    const made: DocumentNode = this.random.chance(0.2)
      ? block('Block', [text('A', this.value()), text('B', this.value())])
      : text('Field', this.value())
    const siblings = childrenOf(state, parent)
    const before = siblings.length > 0 && this.random.chance(0.3) ? this.random.pick(siblings) : undefined
    this.counts.creates += 1
    this.submit(node, contract, () =>
      createOperations(state, parent, made.name, made, this.bytes, before === undefined ? {} : { before }),
    )
  }

  private set(node: SimNode, contract: string, uid: string): void {
    const state = this.stateAt(node, contract) as ContractState
    this.counts.sets += 1
    this.submit(node, contract, () =>
      setOperations(state, new Map(), uid, undefined, this.value(), this.bytes),
    )
  }

  private delete(node: SimNode, contract: string, uids: readonly string[]): void {
    const state = this.stateAt(node, contract) as ContractState
    this.counts.deletes += 1
    this.submit(node, contract, () => deleteOperations(state, this.random.pick(uids)))
  }

  private value(): string {
    this.values += 1
    return `value ${this.values}`
  }

  private readonly bytes = (sizeBytes: number): Uint8Array => this.random.bytes(sizeBytes)

  private submit(node: SimNode, contract: string, makeEdit: () => Edit): void {
    const isShort = this.random.chance(0.05)
    const { low, high } = SHORT_LIFE_MS
    const lifeMs = isShort ? this.random.integer(low, high) : LONG_LIFE_MS
    if (isShort) this.counts.shortLived += 1
    node.act((engine) => {
      try {
        const { operations, openings } = makeEdit()
        const notAfterMs = node.nowMs + lifeMs
        const id: string = engine.submit(
          contract,
          operations,
          openings,
          node.nowMs,
          (error) => {
            if (error) {
              this.counts.refused += 1
              return
            }
            this.counts.submitted += 1
            this.submitted.push({ id, contract, node, notAfterMs, batches: node.disk.copy().batches })
          },
          notAfterMs,
        )
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        this.counts.refused += 1
      }
    })
  }

  /** A node's data was put back to a copy: what it alone had been told since may be gone. */
  forgotten(node: SimNode, batches: number): void {
    for (let index = this.submitted.length - 1; index >= 0; index -= 1) {
      const one = this.submitted[index] as Submitted
      if (one.node === node && one.batches > batches) this.submitted.splice(index, 1)
    }
  }
}
