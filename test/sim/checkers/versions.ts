/**
 * What the store says the elements were at a height is what replaying the ledger up to there gives; and a store with the
 * same writes in it, opened anew, gives the state root of the tip.
 */
import { replay } from '../../../src/contract/replay.ts'
import { type OpeningSource, restoreState, type StateRecord, stateRoot } from '../../../src/contract/state.ts'
import { commitmentsOf } from '../../../src/ledger/request.ts'
import { type AnyLedgerBlock, entriesOf, isTick, requestIdsOf, turnOf } from '../../../src/ledger/turn.ts'
import { checkIntegrity } from '../../../src/node/integrity.ts'
import { restoreChain } from '../../../src/node/restore.ts'
import type { Store, StoredBlock, StoredContract } from '../../../src/store/store.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

/** Heights looked at for each node and contract, beside the first and the last. */
const SAMPLES = 4

/** A ledger block that no request makes. */
const isByItself = (block: AnyLedgerBlock): boolean => turnOf(block) !== undefined || isTick(block)

export class Versions implements Checker {
  readonly name = 'the store by version equals replay, and opens to the same state root'
  private readonly world: World
  private heights = 0
  private reopened = 0

  constructor(world: World) {
    this.world = world
  }

  ended(): void {
    for (const node of this.world.honest)
      for (const stored of node.disk.store.contracts()) {
        this.compare(node, stored)
        this.reopen(node, stored)
      }
  }

  private compare(node: SimNode, { contract, genesis }: StoredContract): void {
    const { store } = node.disk
    const blocks = store.blocks(contract, store.basis(contract)?.height ?? 1, Number.MAX_SAFE_INTEGER)
    if (this.world.options.epochs) {
      this.compareEpochs(node, contract, blocks)
      return
    }
    const openings: OpeningSource = {
      get: (commitment) => store.openings(contract, [commitment]).get(commitment),
    }
    const requestsOf = (block: AnyLedgerBlock) => {
      const held = store.requestsOf(contract, requestIdsOf(block))
      return entriesOf(block).map(({ request: id, judgement }) => {
        const record = held.get(id)
        if (!record) throw new Violation(this.name, `${node.name} lacks the ordered request ${id}`)
        return { id, request: record.request, ...(judgement !== undefined && { judgement }) }
      })
    }
    const wanted = new Set([0, blocks.length])
    for (let sample = 1; sample <= SAMPLES; sample += 1)
      wanted.add(Math.floor((blocks.length * sample) / (SAMPLES + 1)))
    const history = blocks.map(({ block }) => ({
      header: block.header,
      requests: requestsOf(block),
    }))
    for (const { height, state, executed } of replay(contract, genesis, history, openings)) {
      const header = height === 0 ? store.block(contract, 0)?.block.header : blocks[height - 1]?.block.header
      if (executed && executed.entriesRoot !== header?.entriesRoot)
        throw new Violation(this.name, `replay at ${node.name} gives other outcomes at height ${height}`)
      if (stateRoot(state) !== header?.stateRoot)
        throw new Violation(this.name, `replay at ${node.name} gives another state root at height ${height}`)
      if (!wanted.has(height)) continue
      this.heights += 1
      const versions = store.elements(contract, height) as Iterable<[string, StateRecord]>
      if (stateRoot(restoreState(contract, versions)) !== header?.stateRoot)
        throw new Violation(this.name, `the store of ${node.name} has another state at height ${height}`)
    }
    this.openingsHeld(node.name, contract, store)
  }

  /** A ledger with turns is replayed by the node's own check; here what it says of each version is compared. */
  private compareEpochs(
    { name, disk, party }: SimNode,
    contract: string,
    blocks: readonly StoredBlock[],
  ): void {
    const { seats } = this.world
    // Who never came in may lack any value.
    const { finding } = seats.wasIn(contract, party.id)
      ? checkIntegrity(disk.store, contract, party.id)
      : { finding: undefined }
    // A liar that showed it the ledger may have kept values back that it was to be given, and nobody brings them later.
    const isShownLess =
      this.world.honest.length < this.world.nodes.length && !seats.hasStayed(contract, party.id)
    const isExcused = isShownLess && finding?.rule === 'VAL-2' && / is missing$/.test(finding.message)
    if (finding !== undefined && !isExcused)
      throw new Violation(this.name, `the store of ${name} is not whole: ${JSON.stringify(finding)}`)
    const every = Math.ceil(blocks.length / SAMPLES)
    for (const { block } of blocks) {
      const { height, stateRoot: wanted } = block.header
      if (height % every !== 0 && !isByItself(block)) continue
      this.heights += 1
      const versions = disk.store.elements(contract, height) as Iterable<[string, StateRecord]>
      if (stateRoot(restoreState(contract, versions)) !== wanted)
        throw new Violation(this.name, `the store of ${name} has another state at height ${height}`)
    }
    if (seats.hasStayed(contract, party.id)) this.openingsHeld(name, contract, disk.store)
  }

  private openingsHeld(name: string, contract: string, store: Store): void {
    for (const { request } of store.requests(contract, { limit: 1000 })) {
      const commitments = commitmentsOf(request.operations)
      if (store.openings(contract, commitments).size !== new Set(commitments).size)
        throw new Violation(this.name, `${name} lacks openings of a request it holds`)
    }
  }

  private reopen(node: SimNode, { contract, genesis }: StoredContract): void {
    const copy = node.disk.duplicate()
    try {
      const { chain } = restoreChain(contract, genesis, copy)
      const tip = node.engine?.replicas.get(contract)?.chain.tip
      this.reopened += 1
      if (tip && tip.hash !== chain.tip.hash)
        throw new Violation(this.name, `the store of ${node.name} opens to another tip`)
    } finally {
      copy.close()
    }
  }

  counts(): Record<string, number> {
    return { heightsReplayed: this.heights, storesReopened: this.reopened }
  }
}
