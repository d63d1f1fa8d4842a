/**
 * The ledger of each honest member by itself: blocks stay where they were committed, requests are ordered once, and what it
 * holds as state is what the headers say. Those of different members are compared: they may part only where so many lie that
 * two quorums can do without an honest member of both.
 */

import { stateRoot } from '../../../src/contract/state.ts'
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from '../../../src/crypto/log.ts'
import { type Header, logLeaf } from '../../../src/ledger/block.ts'
import { requestIdsOf } from '../../../src/ledger/turn.ts'
import type { StoreWrite } from '../../../src/store/store.ts'
import { type Cast, forksFrom } from '../hostile/adversary.ts'
import { type Casting, canFork } from '../hostile/casting.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

type Ledger = { hashes: string[]; heights: Map<string, number>; frontier: Frontier; timeMs: number }
type Start = { guilty: readonly string[]; finalSize: number }
const NO_LEDGER = { frontier: emptyFrontier, timeMs: 0 }
/** How far a voter's clock may be ahead of a committer's, beside what the policy allows: see simulation.ts. */
const CLOCKS_APART_MS = 2 * 1500

/** Two honest members have committed different blocks at this height. cast: of the epoch in which they part, where that is known. */
export type Fork = {
  contract: string
  height: number
  first: SimNode
  second: SimNode
  cast: Cast | undefined
}

export class Histories implements Checker {
  readonly name = 'ledgers only grow, fork only among enough liars, and hold each request once'
  private readonly world: World
  private readonly casting: Casting
  private readonly ledgers = new Map<string, Ledger>()
  /** Whoever has committed it, by contract, height and hash. */
  private readonly committers = new Map<string, Map<string, Set<SimNode>>>()
  private readonly seen = new Map<SimNode, Map<string, string>>()
  /** Those of which both sides still have what they committed. */
  forks: Fork[] = []
  hasForked = false
  private commits = 0
  private lineages = 0
  /** AMN-4 */
  private returns = 0
  private states = 0

  constructor(world: World, casting: Casting) {
    this.world = world
    this.casting = casting
  }

  private ledger(node: SimNode, contract: string): Ledger {
    const key = `${node.index} ${contract}`
    const held = this.ledgers.get(key) ?? { hashes: [], heights: new Map(), ...NO_LEDGER }
    this.ledgers.set(key, held)
    return held
  }

  written(node: SimNode, batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind === 'lineage') this.goBack(node, write.contract, write.keepHeight, write.start)
      if (write.kind === 'returned') {
        const finalSize = node.engine?.replicas.get(write.contract)?.finalSize ?? 0
        this.returns += 1
        this.giveUp(node, write.contract, write.keepHeight, finalSize)
      }
      if (write.kind !== 'committed') continue
      const { contract, hash, block } = write
      const { height, parent } = block.header
      const ledger = this.ledger(node, contract)
      const { hashes, heights } = ledger
      this.commits += 1
      const held = hashes[height]
      if (held !== undefined && held !== hash)
        throw new Violation(this.name, `${node.name} had ${held} at height ${height}, and now ${hash}`)
      if (held !== undefined) continue
      if (height > 0 && hashes[height - 1] !== parent)
        throw new Violation(this.name, `${node.name} committed ${hash} at height ${height} on another parent`)
      hashes[height] = hash
      this.checkHeader(node, block.header, ledger)
      append(ledger, hash, block.header)
      for (const request of requestIdsOf(block)) {
        const before = heights.get(request)
        if (before !== undefined)
          throw new Violation(this.name, `request ${request} stands at heights ${before} and ${height}`)
        heights.set(request, height)
      }
      this.compare(node, contract, height, hash)
    }
  }

  /** BLK-4, ORD-8: what replay does not look at. */
  private checkHeader(node: SimNode, { height, timeMs, logRoot, contract }: Header, ledger: Ledger): void {
    const wrong = (what: string): Violation =>
      new Violation(this.name, `${node.name} committed ledger block ${height} with ${what}`)
    if (height > 0 && logRoot !== frontierRoot(ledger.frontier)) throw wrong('another log before it')
    if (timeMs <= ledger.timeMs) throw wrong('a time before its parent')
    const boundMs = node.disk.store.contract(contract)?.genesis.policy.clockBoundMs ?? 0
    // A quorum of liars needs nobody's clock, what was committed is taken whatever the clock (ORD-8), and what follows is later.
    const hadQuorum = this.casting.of(contract).some(({ liars, quorum }) => liars >= quorum)
    if (!hadQuorum && timeMs > node.nowMs + boundMs + CLOCKS_APART_MS) throw wrong('a time to come')
  }

  private compare(node: SimNode, contract: string, height: number, hash: string): void {
    const place = `${contract} ${height}`
    const committers = this.committers.get(place) ?? new Map<string, Set<SimNode>>()
    this.committers.set(place, committers)
    const same = committers.get(hash) ?? new Set()
    committers.set(hash, same.add(node))
    for (const [held, others] of committers) {
      const [other] = others
      if (held === hash || !other || same.size > 1) continue
      const cast = this.castAt(node, other, contract, height)
      const mayPart = cast ? cast.liars >= forksFrom(cast) : canFork(this.casting, contract)
      if (!mayPart)
        throw new Violation(
          this.name,
          `${node.name} and ${other.name} committed different blocks at height ${height}, with too few liars`,
        )
      this.hasForked = true
      this.forks.push({ contract, height, first: other, second: node, cast })
    }
  }

  /** Of the epoch in which their ledgers part: in this height's, or, if that is below, in one that is not looked for again. */
  private castAt(node: SimNode, other: SimNode, contract: string, height: number): Cast | undefined {
    const [own, others] = [this.ledger(node, contract).hashes, this.ledger(other, contract).hashes]
    const isOneEpoch = this.casting.of(contract).length === 1
    if (own[height - 1] !== others[height - 1] && !isOneEpoch) return undefined
    return this.casting.at(contract, height, (at) => own[at])
  }

  touched(node: SimNode): void {
    const seen = this.seen.get(node) ?? new Map<string, string>()
    this.seen.set(node, seen)
    for (const [contract, { chain }] of node.engine?.replicas ?? []) {
      const { hash, state, block } = chain.tip
      if (seen.get(contract) === hash) continue
      seen.set(contract, hash)
      this.states += 1
      if (stateRoot(state) !== block.header.stateRoot)
        throw new Violation(
          this.name,
          `${node.name} has another state than ledger block ${chain.height} says`,
        )
    }
  }

  restored(node: SimNode, { data }: { data: boolean }): void {
    if (!data) return
    for (const contract of this.world.contracts) this.ledgers.delete(`${node.index} ${contract}`)
    this.seen.delete(node)
    for (const hashes of this.committers.values()) for (const nodes of hashes.values()) nodes.delete(node)
    this.forks = this.forks.filter(({ first, second }) => first !== node && second !== node)
    for (const { contract } of node.disk.store.contracts()) this.readAnew(node, contract)
  }

  private readAnew(node: SimNode, contract: string): void {
    this.ledgers.delete(`${node.index} ${contract}`)
    const ledger = this.ledger(node, contract)
    for (const { hash, block } of node.disk.store.blocks(contract, 0, Number.MAX_SAFE_INTEGER)) {
      ledger.hashes[block.header.height] = hash
      append(ledger, hash, block.header)
      for (const request of requestIdsOf(block)) ledger.heights.set(request, block.header.height)
    }
  }

  /** LIN-3: the next lineage begins, and what it doesn't rest on is given up; nothing of it was final. */
  private goBack(node: SimNode, contract: string, keepHeight: number, { guilty, finalSize }: Start): void {
    this.lineages += 1
    const honest = this.world.honest.find(({ party }) => guilty.includes(party.id))
    if (honest) throw new Violation(this.name, `${node.name} goes on without ${honest.name}, who is honest`)
    this.giveUp(node, contract, keepHeight, finalSize)
  }

  private giveUp(node: SimNode, contract: string, keepHeight: number, finalSize: number): void {
    if (finalSize > keepHeight + 1)
      throw new Violation(this.name, `${node.name} gives up what was final, above height ${keepHeight}`)
    const { hashes } = this.ledger(node, contract)
    for (let height = keepHeight + 1; height < hashes.length; height += 1)
      this.committers
        .get(`${contract} ${height}`)
        ?.get(hashes[height] as string)
        ?.delete(node)
    this.readAnew(node, contract)
  }

  /** Height at which a member has ordered a request. */
  heightAt(node: SimNode, contract: string, request: string): number | undefined {
    return this.ledger(node, contract).heights.get(request)
  }

  counts(): Record<string, number> {
    return {
      commits: this.commits,
      states: this.states,
      forks: this.forks.length,
      lineages: this.lineages,
      returns: this.returns,
    }
  }
}

function append(ledger: Ledger, hash: string, { timeMs }: Header): void {
  ledger.frontier = appendLeaf(ledger.frontier, logLeaf(hash))
  ledger.timeMs = timeMs
}
