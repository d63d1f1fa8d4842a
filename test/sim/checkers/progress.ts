/**
 * Once nothing goes wrong any more, all that was submitted and has not expired becomes final at every node, within a bounded
 * time; and then nobody sends anything (ORD-6).
 */
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { openTurn } from '../turnover.ts'
import type { Submitted } from '../workload.ts'
import { type Checker, Violation, type World } from './checker.ts'
import type { NoFork } from './no-fork.ts'

/** Virtual time from the last fault and the last request until everything is final, at most. */
const PROGRESS_MS = 120_000
/** After that, what is still under way may come to its end. */
export const WIND_DOWN_MS = 30_000
/** How long a network at rest is watched. */
export const IDLE_MS = 60_000

/** What a run comes to once nothing goes wrong any more. */
export interface Goal {
  /** Virtual time that it may take. */
  readonly patienceMs: number
  /** What is still missing, in words; undefined once the run may end. */
  missing(submitted: readonly Submitted[]): string | undefined
  settled(submitted: readonly Submitted[], afterMs: number): void
  /** @throws Violation with where the nodes stand */
  fail(message: string): never
}

export class Progress implements Checker, Goal {
  readonly name = 'progress after healing, then silence'
  readonly patienceMs = PROGRESS_MS
  private readonly world: World
  private readonly chain: NoFork
  private settledAfterMs = 0
  private ordered = 0
  private expired = 0

  constructor(world: World, chain: NoFork) {
    this.world = world
    this.chain = chain
  }

  /** What is not final everywhere, in words; undefined once all is. */
  missing(submitted: readonly Submitted[]): string | undefined {
    for (const contract of this.world.contracts) {
      const heights = new Set<number>()
      for (const node of this.world.nodes) {
        if (isUnaware(this.world, node, contract)) return `${node.name} has not heard that it is out`
        if (!this.isIn(node, contract)) continue
        const what = this.missingAt(node, contract)
        if (what !== undefined) return what
        heights.add(node.engine?.replicas.get(contract)?.chain.height ?? -1)
      }
      if (heights.size > 1) return `nodes stand at heights ${[...heights].join(', ')}`
    }
    for (const { id, contract, node, notAfterMs } of submitted)
      if (
        this.chain.heightOf(id) === undefined &&
        notAfterMs > node.nowMs &&
        isHeldTo(this.world, node, contract)
      )
        return `request ${id.slice(0, 12)}… of ${node.name} is not ordered`
    return undefined
  }

  private isIn({ party }: SimNode, contract: string): boolean {
    return this.world.seats.isIn(contract, party.id)
  }

  private missingAt(node: SimNode, contract: string): string | undefined {
    const replica = node.engine?.replicas.get(contract)
    if (!replica) return `${node.name} does not run contract ${contract.slice(0, 12)}…`
    const { chain, finalSize, phase, consensus } = replica
    const at = `${node.name} (view ${consensus.view}, height ${chain.height}, final ${finalSize}, ${phase})`
    if (phase !== 'signing') return `${at} may not sign yet`
    if (finalSize < chain.height + 1) return `${at} waits for cosignatures`
    if (chain.pool.size > 0) return `${at} has ${chain.pool.size} requests waiting`
    const open = openTurn(replica, node.nowMs, WIND_DOWN_MS + 2 * IDLE_MS)
    return open === undefined ? undefined : `${at}: ${open}`
  }

  settled(submitted: readonly Submitted[], afterMs: number): void {
    this.settledAfterMs = afterMs
    for (const { id } of submitted)
      if (this.chain.heightOf(id) === undefined) this.expired += 1
      else this.ordered += 1
  }

  fail(message: string): never {
    throw new Violation(this.name, [message, ...standings(this.world)].join('\n  '))
  }

  counts(): Record<string, number> {
    return {
      settledAfterMs: this.settledAfterMs,
      submittedOrdered: this.ordered,
      submittedExpired: this.expired,
    }
  }
}

/** Whether they have committed different ledger blocks at one height. */
export function areParted({ chain }: Replica, { chain: other }: Replica): boolean {
  const size = Math.min(chain.log.size, other.log.size)
  return chain.log.root(size) !== other.log.root(size)
}

/** What waits of who has left, or was signed by a key that has been replaced, is dropped (EPO-2). */
export function isHeldTo({ seats }: World, { party }: SimNode, contract: string): boolean {
  if (seats.wasOutAgain(contract, party.id)) return false
  return seats.isMember(contract, party.id) && party.card.card.sequence === 1
}

/** Who is out, and is in by all that it holds: it is to be told, and sent the ledger up to there (EPO-11). */
export function isUnaware({ seats }: World, { engine, party }: SimNode, contract: string): boolean {
  const replica = engine?.replicas.get(contract)
  if (!replica || replica.status === 'halted' || seats.isIn(contract, party.id)) return false
  return replica.roster.isIn(party.id)
}

/** Where the honest nodes stand. */
export function standings({ honest, contracts }: World): string[] {
  return honest.flatMap((node) => contracts.map((contract) => standingOf(node, contract)))
}

/** Where a node stands in a contract, for whoever looks for what it waits for. */
function standingOf(node: SimNode, contract: string): string {
  const replica = node.engine?.replicas.get(contract)
  if (!replica) return `${node.name} does not run ${contract.slice(0, 8)}`
  const { consensus, chain, phase, finality, up } = replica
  const { view, signedView, work, maySign, late, skipsInARow, target } = consensus
  const names = (keys: Iterable<string>): string =>
    [...keys].map((key) => replica.members.indexOf(key.slice(0, 64))).join('')
  const near = [...consensus.views.values()]
    .filter((record) => Math.abs(record.view - view) <= 1)
    .map(
      (record) =>
        `view ${record.view}: proposal ${record.proposal?.slice(0, 6)} (${consensus.blocks.get(record.proposal ?? '')?.status}),` +
        ` votes ${names(record.votes.keys())}, skips ${names(record.skips.keys())}, finalizes ${names(record.finalizes.keys())},` +
        ` notarized ${[...record.notarizations.keys()].map((hash) => hash.slice(0, 6))}, skipped ${record.skipCertificate !== undefined},` +
        ` mine ${JSON.stringify(record.mine)}, locks ${JSON.stringify(record.locks)}`,
    )
  const cosigned = replica.members.map((party) => finality.sizeOf(party)).join(' ')
  return [
    `${node.name} (member ${replica.members.indexOf(node.party.id)}, ${phase}, reaches ${names(up)}) at view ${view}, height ${chain.height},`,
    `cosigned ${cosigned}, signed ${signedView}, ${JSON.stringify({ work, maySign, late, skipsInARow, target, waiting: chain.pool.size })}`,
    ...near.map((line) => `\n      ${line}`),
  ].join(' ')
}
