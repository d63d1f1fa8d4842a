/**
 * Keeps a turn that is decided from coming, until every honest member has cosigned enough for it. Then it plays to two sides
 * that don't hear one another, and lets the turn come on one of them, or later on the other, too: what both commit parts
 * there, in two epochs (LIN-1 to LIN-3).
 */
import { turnsAt } from '../../../src/contract/turn.ts'
import { CountersignError } from '../../../src/crypto/errors.ts'
import type { Cosignature } from '../../../src/ledger/checkpoint.ts'
import type { EpochOperation } from '../../../src/ledger/epoch-operation.ts'
import type { Policy } from '../../../src/ledger/genesis.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import { areParted } from '../checkers/progress.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'

const WITHHELD = 'cosignature withheld'
const ONE_TURNED = 'a fork that one side turned across'
const BOTH_TURNED = 'a fork that both sides turned across'
const EVERY_MS = 800
const EXPIRES_MS = 3_600_000
/** How much later the other side's turn comes, where it comes. */
const LATER_MS = { low: 500, high: 8000 } as const

type CertifiedBy = Replica['chain']['certifiedBy']

export class TurnForker extends Adversary {
  readonly name = 'turn forker'
  readonly kinds = [WITHHELD, ONE_TURNED, BOTH_TURNED]
  /** Honest members, by side; none before they are parted. */
  private sides: readonly (readonly SimNode[])[] = []
  private heal: (() => void) | undefined
  private isOver = false
  private nextMs = 0
  /** Sides whose turn may come. */
  private readonly turning = new Set<number>()
  private laterMs = Number.POSITIVE_INFINITY
  /** What the liars' own nodes would do, had they not been told to do without turns. */
  private readonly own = new WeakMap<Replica['chain'], CertifiedBy>()
  /** Epochs in which they were parted, by contract. */
  private readonly epochs = new Map<string, number>()

  override turn(): void {
    if (this.sides.length === 0 && !this.isOver) {
      this.decide()
      this.look()
    } else if (this.sides.length > 0 && this.stage.world.nowMs() >= this.laterMs && !this.turning.has(1))
      this.letTurn(1)
    this.hold()
  }

  /** Nodes of liars order as if nothing were decided, where no turn is to come. */
  private hold(): void {
    const bodies = this.sides.length === 0 ? [this.liars] : [this.bodiesOf(0), this.bodiesOf(1)]
    for (const [side, nodes] of bodies.entries())
      for (const { engine } of nodes)
        for (const { chain } of engine?.replicas.values() ?? []) {
          const own = this.own.get(chain) ?? chain.certifiedBy
          this.own.set(chain, own)
          chain.certifiedBy = this.turning.has(side) ? own : () => undefined
        }
  }

  private bodiesOf(side: number): readonly SimNode[] {
    return this.bodies?.of(side) ?? []
  }

  /** Members are brought to want something, and to say yes to it, as they would to what nobody lies about. */
  private decide(): void {
    const nowMs = this.stage.world.nowMs()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    for (const contract of this.contracts) {
      const members = this.stage.world.nodes.filter((node) => isMember(node, contract))
      const [first] = members
      const { epoch } = first?.engine?.replicas.get(contract)?.chain.tip.state ?? {}
      if (first === undefined || epoch === undefined) continue
      const open = (epoch.changes ?? []).find((change) => 'yes' in change && change.decided === undefined)
      if (open === undefined) this.ask(first, contract, this.wanted(first, contract, epoch.policy))
      else
        for (const node of members)
          if ('yes' in open && !open.yes.includes(node.party.id))
            this.ask(node, contract, { op: 'vote', change: open.change, yes: true })
    }
  }

  private wanted({ nowMs }: SimNode, contract: string, policy: Policy): EpochOperation {
    const { nodes, seats } = this.stage.world
    const expiresMs = nowMs + EXPIRES_MS
    const guest = nodes.find(({ party }) => !seats.wasIn(contract, party.id))
    if (guest && this.random.chance(0.5))
      return {
        op: 'invite',
        card: guest.party.card,
        role: 'member',
        older: this.random.chance(0.5),
        expiresMs,
      }
    return { op: 'policy', policy: { ...policy, clockBoundMs: policy.clockBoundMs + 1 }, expiresMs }
  }

  private ask(node: SimNode, contract: string, operation: EpochOperation): void {
    node.act((engine) => {
      try {
        if (!engine.storageError) engine.submit(contract, [operation], [], node.nowMs, () => undefined)
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
      }
    })
  }

  /** Whether it is time to part them. */
  private look(): void {
    for (const contract of this.contracts) {
      const members = this.honest.filter((node) => isMember(node, contract, ['accepted', 'leaving']))
      if (members.length < 2 || !members.every((node) => this.isDue(node, contract))) continue
      this.part(members, contract)
      return
    }
  }

  /** Whether a turn lacks nothing at an honest member but cosignatures of liars. */
  private isDue({ engine, nowMs }: SimNode, contract: string): boolean {
    const replica = engine?.replicas.get(contract)
    if (!replica) return false
    const { chain, finality } = replica
    return turnsAt(chain.tip.state, nowMs).some(({ signers }) =>
      signers.every(
        ({ party, cosignKey, minSize }) =>
          this.isLiar(party) || finality.certifying(party, cosignKey, minSize) !== undefined,
      ),
    )
  }

  private part(members: readonly SimNode[], contract: string): void {
    const shuffled = this.random.shuffled(members)
    const others = this.honest.filter((node) => !members.includes(node))
    const [first] = members as [SimNode]
    const { quorum, members: all } = electorateOf(first, contract)
    const least = Math.max(1, quorum - this.liarsIn(all))
    const size = Math.min(shuffled.length - 1, Math.max(least, this.random.integer(1, shuffled.length - 1)))
    const sides = [shuffled.slice(0, size), shuffled.slice(size)]
    // Who is not in yet hears of one side.
    for (const node of others) sides[this.random.integer(0, 1)]?.push(node)
    this.sides = sides
    for (const one of this.contracts) {
      const epoch = first.engine?.replicas.get(one)?.electorate.epoch
      if (epoch !== undefined) this.epochs.set(one, epoch)
    }
    this.bodies?.split(sides)
    const sideOf = new Map(sides.flatMap((group, side) => group.map(({ index }) => [index, side])))
    this.heal = this.stage.cut((from, to) => {
      const [one, other] = [sideOf.get(from), sideOf.get(to)]
      return one !== undefined && other !== undefined && one !== other
    })
    this.letTurn(0)
    const { low, high } = LATER_MS
    if (this.random.chance(0.5)) this.laterMs = this.stage.world.nowMs() + this.random.integer(low, high)
  }

  private liarsIn(members: readonly string[]): number {
    return members.filter((party) => this.isLiar(party)).length
  }

  /** A side is shown what it lacks for its turn. */
  private letTurn(side: number): void {
    this.turning.add(side)
    for (const body of this.bodiesOf(side))
      for (const [contract, { finality, epochs }] of body.engine?.replicas ?? []) {
        const cosignature = finality.cosignatures.get(body.party.id)
        if (!cosignature) continue
        const epoch = epochs.number > 0 ? { epoch: epochs.number } : {}
        for (const to of this.sides[side] ?? [])
          this.stage.send(body, to, [{ type: 'COSIGN', contract, ...epoch, cosignature }])
      }
  }

  override outgoing(_from: SimNode, to: SimNode, message: Message): unknown[] {
    const side = this.sides.findIndex((nodes) => nodes.includes(to))
    if (this.turning.has(side)) return [message]
    const isTold = ({ party }: Cosignature): boolean => !this.isLiar(party)
    if (message.type === 'STATUS') return [{ ...message, cosignatures: message.cosignatures.filter(isTold) }]
    if (message.type !== 'COSIGN' || isTold(message.cosignature)) return [message]
    this.count(WITHHELD)
    return []
  }

  override healed(): void {
    this.isOver = true
    for (const contract of this.epochs.keys()) this.countFork(contract)
    this.heal?.()
    this.heal = undefined
  }

  private countFork(contract: string): void {
    const [left = [], right = []] = this.sides.map((nodes) =>
      nodes.flatMap(({ engine }) => engine?.replicas.get(contract) ?? []),
    )
    const parted = left.flatMap((one) =>
      right.filter((other) => areParted(one, other)).map((other) => [one, other]),
    )
    const hasTurned = ({ electorate }: Replica): boolean =>
      electorate.epoch > (this.epochs.get(contract) as number)
    const turned = parted.map((two) => two.filter(hasTurned).length)
    if (turned.includes(1)) this.count(ONE_TURNED)
    if (turned.includes(2)) this.count(BOTH_TURNED)
  }

  outlook(): Outlook {
    return 'safe'
  }
}

function electorateOf({ engine }: SimNode, contract: string): Replica['electorate'] {
  const replica = engine?.replicas.get(contract)
  if (!replica) throw new Error('no member of the contract')
  return replica.electorate
}

function isMember(
  { engine }: SimNode,
  contract: string,
  statuses: readonly Replica['status'][] = ['accepted'],
): boolean {
  const replica = engine?.replicas.get(contract)
  return replica !== undefined && statuses.includes(replica.status) && replica.epochs.part === 'member'
}
