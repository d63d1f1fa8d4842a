/**
 * Plays to as many sides as there can be, with nodes of its own for each (see bodies.ts): it votes, finalizes, skips, proposes
 * and cosigns on every side as if there were no other. With `cuts` honest members of different sides don't hear one another
 * until all heals, so that each side goes a long way by itself.
 */

import type { SignedStatement } from '../../../src/ledger/certificate.ts'
import type { Cosignature } from '../../../src/ledger/checkpoint.ts'
import { contradiction } from '../../../src/ledger/evidence.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { ownStatement } from './double-voter.ts'

export class Forker extends Adversary {
  readonly name = 'forker'
  readonly kinds: readonly string[] = [
    'two sides',
    'two-votes',
    'two-finalizes',
    'finalize-and-skip',
    'two-checkpoints',
  ]
  private readonly cuts: boolean
  private sides: readonly (readonly SimNode[])[] = []
  private heal: (() => void) | undefined
  /** Honest members that deal with a second node of each liar, or a third. */
  private others: ReadonlySet<SimNode> = new Set()
  private readonly said = new Map<string, SignedStatement[]>()
  private readonly cosigned = new Map<string, Cosignature[]>()

  constructor(cuts: boolean) {
    super()
    this.cuts = cuts
  }

  protected override begun(): void {
    const groups = this.groups()
    this.sides = groups
    this.bodies?.split(groups)
    this.others = new Set(groups.slice(1).flat())
    if (!this.cuts) return
    const sides = new Map(groups.flatMap((group, side) => group.map(({ index }) => [index, side])))
    this.heal = this.stage.cut((from, to) => {
      const [first, second] = [sides.get(from), sides.get(to)]
      return first !== undefined && second !== undefined && first !== second
    })
  }

  /** Honest members of one side, as they were drawn. */
  protected sideOf(side: number): readonly SimNode[] {
    return this.sides[side] ?? []
  }

  /** As many groups of honest members as make a quorum with the liars; two in any case. A single one hears both sides. */
  private groups(): SimNode[][] {
    const { quorum, liars } = this.cast
    const [only] = this.honest
    if (only && this.honest.length === 1) return [[only], [only]]
    const shuffled = this.random.shuffled(this.honest)
    const size = Math.max(1, quorum - liars)
    const count = Math.min(shuffled.length, Math.max(2, Math.floor(shuffled.length / size)))
    const groups: SimNode[][] = Array.from({ length: count }, () => [])
    for (const [place, node] of shuffled.entries()) {
      // Where there are not enough for two, one side gets what it needs and the other the rest.
      const side = count * size <= shuffled.length ? place % count : place < size ? 0 : 1
      groups[Math.min(side, count - 1)]?.push(node)
    }
    return groups.filter((group) => group.length > 0)
  }

  override healed(): void {
    this.heal?.()
    this.heal = undefined
  }

  override arrived(at: SimNode, from: SimNode, message: Message): void {
    const own = ownStatement(message, from)
    if (own && this.others.has(at)) this.count('two sides')
    if (own) this.takeStatement(own)
    if (message.type === 'COSIGN' && message.cosignature.party === from.party.id)
      this.takeCosignature(message.contract, message.cosignature)
  }

  private takeStatement(signed: SignedStatement): void {
    const { contract, view } = signed.statement
    const place = `${contract} ${signed.party} ${view}`
    const before = this.said.get(place) ?? []
    for (const other of before) {
      const kind = contradiction(other, signed)
      if (kind) this.count(kind)
    }
    this.said.set(place, [...before, signed])
  }

  private takeCosignature(contract: string, cosignature: Cosignature): void {
    const place = `${contract} ${cosignature.party} ${cosignature.size}`
    const before = this.cosigned.get(place) ?? []
    if (before.some((other) => other.root !== cosignature.root)) this.count('two-checkpoints')
    this.cosigned.set(place, [...before, cosignature])
  }

  outlook(): Outlook {
    return 'safe'
  }
}
