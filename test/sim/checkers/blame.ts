/**
 * Honest members accuse liars only, and with evidence that holds, also as a file that anyone can check; and they halt only
 * where ledgers can have forked. Where they have forked, whoever signed on both sides is named.
 */
import type { Evidence } from '../../../src/ledger/evidence.ts'
import { knownCards } from '../../../src/node/known-cards.ts'
import type { StoreWrite } from '../../../src/store/store.ts'
import { type EvidenceFile, verifyEvidenceFile } from '../../../src/verify/evidence-file.ts'
import { forksFrom } from '../hostile/adversary.ts'
import { type Casting, canFork } from '../hostile/casting.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'
import { isOfFormerKey } from './evidence.ts'
import type { Fork, Histories } from './histories.ts'

/** Why an honest message may be refused: its time is over, or this node's disk refuses. */
const MAY_BE = new Set(['expired', 'disk-full', 'storage-failed'])
/**
 * Where parties come and go, who is behind lacks the keys that evidence, or a FREEZE, is to be checked by. What its sender
 * keeps is checked where it is kept.
 */
const MAY_BE_EARLY = new Set([...MAY_BE, 'bad-evidence'])

export class Blame implements Checker {
  readonly name = 'only liars are accused, and those that made a fork are'
  private readonly world: World
  private readonly casting: Casting
  private readonly histories: Histories
  private readonly honest: ReadonlySet<string>
  /** By node and contract. */
  private readonly kept = new Map<string, Set<string>>()
  private readonly events = new Map<string, number>()
  private evidence = 0
  private halts = 0
  private files = 0

  constructor(world: World, casting: Casting, histories: Histories) {
    this.world = world
    this.casting = casting
    this.histories = histories
    this.honest = new Set(world.honest.map(({ party }) => party.id))
  }

  written(node: SimNode, batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind === 'evidence') this.take(node, write.contract, write.evidence)
      if (write.kind === 'contract-status' && write.status === 'halted') {
        this.halts += 1
        if (!canFork(this.casting, write.contract))
          throw new Violation(this.name, `${node.name} has halted: ${write.reason}`)
      }
    }
  }

  private take(node: SimNode, contract: string, evidence: Evidence): void {
    const { party, kind } = evidence
    this.evidence += 1
    if (this.honest.has(party))
      throw new Violation(this.name, `${node.name} holds ${kind} of ${this.nameOf(party)}`)
    const { engine } = node
    const replica = engine?.replicas.get(contract)
    const known = engine && replica && knownCards(engine.store, contract, replica.freezing.all, party)
    if (replica && !replica.roster.proves(evidence, known))
      throw new Violation(this.name, `${node.name} holds ${kind} of ${this.nameOf(party)} that does not hold`)
    const key = keyOf(node, contract)
    this.kept.set(key, (this.kept.get(key) ?? new Set()).add(party))
  }

  logged(node: SimNode, level: string, event: string, detail: Record<string, unknown>): void {
    const isOfHonest = this.honest.has(String(detail.party))
    const { hasForked } = this.histories
    if (level === 'warn' || level === 'error') {
      const code = event === 'message-refused' ? `${event} ${String(detail.code)}` : event
      this.events.set(code, (this.events.get(code) ?? 0) + 1)
    }
    const isWrong =
      event === 'damaged' ||
      // Whose data was put back may have followed the other side since: its signer knows better.
      (event === 'signer-refused' && !hasForked) ||
      (event === 'evidence' && isOfHonest) ||
      // Who was put back to an old copy has less than it said.
      (event === 'history-refused' && isOfHonest && !hasForked && !this.world.options.restores) ||
      (event === 'message-refused' &&
        isOfHonest &&
        !(this.world.options.epochs ? MAY_BE_EARLY : MAY_BE).has(String(detail.code)) &&
        !isOfFormerKey(this.world.options, detail))
    if (isWrong) throw new Violation(this.name, `${node.name} says ${event}: ${JSON.stringify(detail)}`)
  }

  private nameOf(party: string): string {
    return this.world.nodes[this.world.indexOf(party)]?.name ?? party
  }

  /** Parties that some honest member keeps evidence of. */
  get named(): ReadonlySet<string> {
    return new Set([...this.kept.values()].flatMap((parties) => [...parties]))
  }

  /** Whether an honest member can name all liars that have been members: then the honest go on without them. */
  canNameAll(node: SimNode, contract: string): boolean {
    const { nodes, seats } = this.world
    const named = this.namedBy(node, contract)
    return nodes.every(
      ({ party: { id } }) => this.honest.has(id) || !seats.wasMember(contract, id) || named.has(id),
    )
  }

  private namedBy(node: SimNode, contract: string): ReadonlySet<string> {
    return this.kept.get(keyOf(node, contract)) ?? new Set()
  }

  /**
   * Who of a fork is to learn of it. What EVI-3 asks for is certificates of the epoch in which both sides still are: of one
   * that ended since on one side the other can prove nothing. And who comes in, or has left, deals with some members only.
   */
  private toldOf({ contract, height, first, second }: Fork): SimNode[] {
    const { seats } = this.world
    const hasTurned = seats.all(contract).some(({ firstHeight }) => firstHeight > height)
    const nodes = [first, second]
    return !hasTurned && nodes.every(({ party }) => seats.hasStayed(contract, party.id)) ? nodes : []
  }

  /** What forks ask for and is not there, in words. */
  get missing(): string | undefined {
    if (this.histories.forks.length === 0) return undefined
    for (const fork of this.histories.forks)
      for (const node of this.toldOf(fork))
        if (!hasHalted(node, fork.contract)) return `ledgers have forked, and ${node.name} has not halted`
    for (const fork of this.histories.forks)
      for (const node of this.toldOf(fork)) {
        const { cast } = fork
        // A quorum of liars alone needs no certificate to build on, and contradicts nothing that it has signed.
        if (!cast || cast.liars >= cast.quorum) continue
        const wanted = forksFrom(cast)
        const named = this.namedBy(node, fork.contract).size
        if (named < wanted)
          return `ledgers have forked, and ${node.name} can name ${named} of at least ${wanted} liars`
      }
    return undefined
  }

  /** EVI-5: what each of them keeps, exported, is good for anyone who knows the parties. */
  ended(): void {
    const trusted = new Set(this.world.nodes.map(({ party }) => party.id))
    for (const node of this.world.honest)
      for (const { contract, genesis } of node.disk.store.contracts()) {
        const evidence = node.disk.store.evidence(contract).map((one) => one.evidence)
        if (evidence.length === 0) continue
        const exporter = node.party.id
        const cards = this.cardsOf(new Set(evidence.map(({ party }) => party)))
        const file: EvidenceFile = {
          ...{ type: 'evidence', version: 1, contract, exporter, genesis, evidence },
          ...(cards.length > 0 && { cards }),
        }
        const report = verifyEvidenceFile(JSON.stringify(file), trusted)
        const accused = new Set(report.accused.map(({ party }) => party))
        const wanted = new Set(evidence.map(({ party }) => party))
        if (report.verdict !== 'valid' || accused.size !== wanted.size)
          throw new Violation(
            this.name,
            `the evidence that ${node.name} exports is ${report.verdict}: ${JSON.stringify(report.finding)}`,
          )
        for (const party of accused)
          if (this.honest.has(party) || !wanted.has(party))
            throw new Violation(
              this.name,
              `the evidence that ${node.name} exports names ${this.nameOf(party)}`,
            )
        this.files += 1
      }
  }

  /** As a node that has them pinned exports them: those that the genesis may lack. */
  private cardsOf(parties: ReadonlySet<string>): unknown[] {
    if (!this.world.options.epochs) return []
    return this.world.nodes.filter(({ party }) => parties.has(party.id)).map(({ party }) => party.card)
  }

  counts(): Record<string, number> {
    return {
      evidence: this.evidence,
      evidenceFiles: this.files,
      halts: this.halts,
      ...Object.fromEntries([...this.events].map(([event, count]) => [`said ${event}`, count])),
    }
  }
}

const keyOf = ({ index }: SimNode, contract: string): string => `${index} ${contract}`

/** It stands still, or has gone on in a lineage without who is guilty. */
function hasHalted({ engine }: SimNode, contract: string): boolean {
  const replica = engine?.replicas.get(contract)
  return replica !== undefined && (replica.status === 'halted' || replica.lineage.number > 0)
}
