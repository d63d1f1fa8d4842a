/** What is promised in spite of the liars comes true once nothing but they is at fault. */
import { departingFrom } from '../../../src/contract/epoch.ts'
import type { Replica } from '../../../src/node/replica.ts'
import { requestStatus } from '../../../src/node/request-status.ts'
import { isRecalling } from '../faults.ts'
import type { Outlook } from '../hostile/adversary.ts'
import type { SimNode } from '../sim-node.ts'
import { openTurn } from '../turnover.ts'
import type { Submitted } from '../workload.ts'
import type { Blame } from './blame.ts'
import { type Checker, Violation, type World } from './checker.ts'
import type { Histories } from './histories.ts'
import { areParted, type Goal, isHeldTo, isUnaware, standings } from './progress.ts'

/** How long honest members talk where nothing is promised but safety. */
const TALK_MS = 45_000

/** What the liars are up to. */
type Attack = { outlook: Outlook; named: ReadonlySet<string>; undelivered(): string[] }

export class InSpite implements Checker, Goal {
  readonly name = 'progress in spite of the liars'
  readonly patienceMs = 900_000
  private readonly world: World
  private readonly plot: Attack
  private readonly histories: Histories
  private readonly blame: Blame
  private startedMs: number | undefined
  private settledAfterMs = 0
  private ordered = 0
  private expired = 0
  private waitedFor = 0

  constructor(world: World, plot: Attack, histories: Histories, blame: Blame) {
    this.world = world
    this.plot = plot
    this.histories = histories
    this.blame = blame
  }

  missing(submitted: readonly Submitted[]): string | undefined {
    this.startedMs ??= this.world.nowMs()
    const isOver = this.world.nowMs() >= this.startedMs + TALK_MS
    if (this.plot.outlook === 'safe' && !isOver) return 'they have not talked long enough'
    if (this.plot.outlook === 'safe') return this.missingOf(submitted, this.rid)
    if (!isOver && this.plot.undelivered().length > 0) return 'nothing has come of the attack'
    const unnamed = [...this.plot.named].filter((party) => !this.blame.named.has(party))
    const standing = this.missingOf(submitted)
    if (standing !== undefined) return standing
    if (unnamed.length > 0) return `no evidence names ${this.namesOf(unnamed)}`
    return this.blame.missing
  }

  /** LIN-2: contracts that have forked, and of which every honest member can name every liar: they go on as if nobody lied. */
  private get rid(): string[] {
    const { forks } = this.histories
    // What is missing there is said at the end, without waiting for it.
    if (this.blame.missing !== undefined) return []
    const forked = new Set(forks.map(({ contract }) => contract))
    return this.world.contracts.filter(
      (contract) =>
        (forked.has(contract) || this.haveGoneOn(contract)) &&
        this.world.honest.every((node) => this.canGoOn(node, contract)),
    )
  }

  private haveGoneOn(contract: string): boolean {
    return this.world.honest.some(({ engine }) => (engine?.replicas.get(contract)?.lineage.number ?? 0) > 0)
  }

  private canGoOn(node: SimNode, contract: string): boolean {
    const replica = node.engine?.replicas.get(contract)
    if (!replica || !this.world.seats.wasMember(contract, node.party.id)) return true
    // Who has lost its memory freezes only once every other member has told it its past, and liars need not (AMN-2).
    if (isRecalling(node)) return false
    return !replica.roster.isMember(node.party.id) || this.blame.canNameAll(node, contract)
  }

  /**
   * Who is out by what the others go on with, and was led along another history: nothing that it holds leads to theirs (ADR 10).
   */
  private isStranded({ engine, party }: SimNode, contract: string): boolean {
    const own = engine?.replicas.get(contract)
    if (!own || this.world.seats.isIn(contract, party.id)) return false
    return this.world.honest.some((node) => {
      const other = node.engine?.replicas.get(contract)
      return other !== undefined && other.lineage.number > own.lineage.number && areParted(own, other)
    })
  }

  private missingOf(
    submitted: readonly Submitted[],
    contracts: readonly string[] = this.world.contracts,
  ): string | undefined {
    for (const contract of contracts) {
      const heights = new Set<number>()
      const stranded = this.world.honest.filter((node) => this.isStranded(node, contract))
      for (const node of this.world.honest) {
        if (stranded.includes(node)) continue
        if (isUnaware(this.world, node, contract)) return `${node.name} has not heard that it is out`
        if (!this.world.seats.isIn(contract, node.party.id)) continue
        const replica = node.engine?.replicas.get(contract)
        if (!replica) return `${node.name} does not run contract ${contract.slice(0, 12)}…`
        const what = this.missingAt(replica, new Set(stranded.map(({ party }) => party.id)))
        if (what !== undefined) return `${node.name} ${what}`
        heights.add(replica.chain.height)
      }
      if (heights.size > 1) return `they stand at heights ${[...heights].join(', ')}`
    }
    for (const { id, contract, node, notAfterMs } of submitted)
      if (
        contracts.includes(contract) &&
        this.histories.heightAt(node, contract, id) === undefined &&
        notAfterMs > node.nowMs &&
        isHeldTo(this.world, node, contract)
      )
        return `request ${id.slice(0, 12)}… of ${node.name} is not ordered`
    return undefined
  }

  private missingAt(replica: Replica, stranded: ReadonlySet<string>): string | undefined {
    const { phase, status, chain, finality, finalSize, roster } = replica
    if (status === 'halted') return 'has halted'
    if (phase !== 'signing') return 'may not sign yet'
    if (this.plot.outlook !== 'tentative') {
      if (finalSize < chain.height + 1) return 'waits for cosignatures'
      // Of whoever lies nobody knows whether it comes, or goes.
      return openTurn(replica, this.world.nowMs(), 0, new Set([...this.liars, ...stranded]))
    }
    const departing = departingFrom(chain.tip.state.epoch)
    for (const { party, name } of this.world.honest)
      if (roster.isMember(party.id) && !departing.has(party.id))
        if (finality.sizeOf(party.id) < chain.height + 1) return `waits for the cosignature of ${name}`
    return undefined
  }

  settled(submitted: readonly Submitted[], afterMs: number): void {
    this.settledAfterMs = afterMs
    for (const { id, contract, node } of submitted)
      if (this.histories.heightAt(node, contract, id) === undefined) this.expired += 1
      else this.ordered += 1
  }

  ended(): void {
    const unnamed = [...this.plot.named].filter((party) => !this.blame.named.has(party))
    if (unnamed.length > 0) this.fail(`no evidence names ${this.namesOf(unnamed)}`)
    const { missing } = this.blame
    if (missing !== undefined) this.fail(missing)
    if (this.plot.outlook === 'tentative')
      for (const node of this.world.honest)
        for (const contract of this.world.contracts)
          if (this.world.seats.isIn(contract, node.party.id)) this.checkWaiting(node, contract)
  }

  /** COS-5: a tentative request waits for the liars, for every one of them and for nobody else, and says so. */
  private checkWaiting(node: SimNode, contract: string): void {
    const replica = node.engine?.replicas.get(contract)
    if (!replica) return
    const departing = departingFrom(replica.chain.tip.state.epoch)
    const liars = replica.members.filter((party) => this.liars.has(party))
    const cosigned = Math.max(...liars.map((party) => replica.finality.knownSizeOf(party)))
    // What a turn left is final by those who are in since, and waits for whoever goes, honest or not.
    if (this.world.seats.all(contract).length > 1 || departing.size > 0) return
    for (const record of node.disk.store.requests(contract, { limit: 1000 })) {
      if (record.height === undefined || record.height < cosigned) continue
      const { stage, waitingFor } = requestStatus(replica, record, false)
      const waited = waitingFor.map(({ party }) => party).sort()
      const wanted = [...liars].sort()
      if (stage !== 'tentative' || waited.join() !== wanted.join())
        this.fail(
          `${node.name} calls a request ${stage} that waits for ${this.namesOf(wanted)}, and names ${this.namesOf(waited)}`,
        )
      this.waitedFor += 1
    }
  }

  private get liars(): ReadonlySet<string> {
    const { nodes, honest } = this.world
    return new Set(nodes.filter((one) => !honest.includes(one)).map(({ party }) => party.id))
  }

  private namesOf(parties: readonly string[]): string {
    return parties.map((party) => this.world.nodes[this.world.indexOf(party)]?.name ?? party).join(', ')
  }

  fail(message: string): never {
    throw new Violation(this.name, [message, ...standings(this.world)].join('\n  '))
  }

  counts(): Record<string, number> {
    return {
      settledAfterMs: this.settledAfterMs,
      submittedOrdered: this.ordered,
      submittedExpired: this.expired,
      saidToWaitForLiars: this.waitedFor,
    }
  }
}
