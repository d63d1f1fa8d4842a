/**
 * Members that come and go: parties are invited, let in, accept, leave, observe, replace their keys; policies change; and what
 * nobody goes on with lapses. What each does is drawn from the seed.
 */
import { changeOf, isLapsed } from '../../src/contract/epoch.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import type { Change } from '../../src/ledger/epoch.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import { isCardDue } from '../../src/node/own-card.ts'
import type { Replica } from '../../src/node/replica.ts'
import { renew } from './party.ts'
import type { Random } from './random.ts'
import type { SimNode } from './sim-node.ts'

const LONG_MS = 24 * 3600 * 1000
/** Of changes that lapse within a run. */
const SHORT_MS = { low: 1000, high: 20_000 } as const
const QUORUMS = ['majority', 'bft', 'unanimous'] as const
const USES = [['author'], ['vote'], ['cosign'], ['author', 'vote', 'cosign']] as const
/** Fewer members than this are left by none. */
const MEMBERS_MIN = 2

type Place = { node: SimNode; contract: string; replica: Replica }

export type TurnoverHooks = {
  mayRestart(node: SimNode): boolean
  /** The node is to start anew, with the keys that its party has now. */
  restart(node: SimNode): void
}

export class Turnover {
  readonly counts = {
    invited: 0,
    invitedAtOnce: 0,
    observersInvited: 0,
    yeses: 0,
    noes: 0,
    accepts: 0,
    leaves: 0,
    policies: 0,
    keysReplaced: 0,
    cards: 0,
    shortLived: 0,
    turnoverRefused: 0,
  }
  private readonly nodes: readonly SimNode[]
  private readonly staying: SimNode
  private readonly random: Random
  private readonly hooks: TurnoverHooks

  /** @param staying leaves nothing: it is honest */
  constructor(nodes: readonly SimNode[], staying: SimNode, random: Random, hooks: TurnoverHooks) {
    this.nodes = nodes
    this.staying = staying
    this.random = random
    this.hooks = hooks
  }

  /** One thing that somebody does about who is in. */
  act(contract: string): void {
    const places = this.nodes.flatMap((node): Place[] => {
      const replica = node.engine?.replicas.get(contract)
      return replica ? [{ node, contract, replica }] : []
    })
    const members = places.filter(
      ({ replica }) => replica.status === 'accepted' && replica.epochs.part === 'member',
    )
    if (members.length === 0) return
    const place = this.random.pick(members)
    const roll = this.random.integer(0, 99)
    if (roll < 22) this.invite(members, place)
    else if (roll < 70) this.vote(place)
    else if (roll < 80) this.accept(places)
    else if (roll < 86) this.leave(places, place)
    else if (roll < 91) this.policy(place)
    else if (roll < 95) this.replaceKeys(place)
    else this.takeCards(places)
  }

  private expiryAt({ node }: Place): number {
    const isShort = this.random.chance(0.15)
    if (isShort) this.counts.shortLived += 1
    return node.nowMs + (isShort ? this.random.integer(SHORT_MS.low, SHORT_MS.high) : LONG_MS)
  }

  private invite(members: readonly Place[], place: Place): void {
    const { state } = place.replica.chain.tip
    const isOpen = (party: string): boolean =>
      (state.epoch.changes ?? []).some((change) => change.op === 'invite' && change.party === party)
    const strangers = this.nodes.filter(
      ({ party }) =>
        !place.replica.roster.isIn(party.id) && !isOpen(party.id) && !this.hasLeft(place.contract, party.id),
    )
    if (strangers.length === 0) return
    const [first, second] = this.random.shuffled(strangers) as [SimNode, SimNode | undefined]
    this.inviteOne(place, first)
    if (!second || !this.random.chance(0.4)) return
    this.counts.invitedAtOnce += 1
    this.inviteOne(this.random.pick(members), second)
  }

  /** Who has left a contract does not come back into it at the same node. */
  private hasLeft(contract: string, party: string): boolean {
    const node = this.nodes.find((one) => one.party.id === party)
    const status = node?.engine?.replicas.get(contract)?.status
    return node?.engine === undefined || status === 'left' || status === 'leaving'
  }

  private inviteOne(place: Place, guest: SimNode): void {
    const isObserver = this.random.chance(0.2)
    if (isObserver) this.counts.observersInvited += 1
    this.counts.invited += 1
    this.submit(place, {
      op: 'invite',
      card: guest.party.card,
      role: isObserver ? 'observer' : 'member',
      older: this.random.chance(0.6),
      expiresMs: this.expiryAt(place),
    })
  }

  private vote(place: Place): void {
    const { chain, self } = place.replica
    const { epoch } = chain.tip.state
    const open = (epoch.changes ?? []).filter(
      (change) =>
        'yes' in change &&
        change.decided === undefined &&
        !change.yes.includes(self) &&
        !isLapsed(change, place.node.nowMs),
    )
    for (const { change } of open) {
      const yes = this.random.chance(0.95)
      if (yes) this.counts.yeses += 1
      else this.counts.noes += 1
      this.submit(place, { op: 'vote', change, yes })
    }
  }

  /** Whoever has accepted before, and was invited anew. */
  private accept(places: readonly Place[]): void {
    for (const { node, contract, replica } of places)
      if (replica.epochs.part === 'guest' && replica.status === 'accepted')
        this.tried(node, () => {
          this.counts.accepts += 1
          node.engine?.accept(contract, node.nowMs)
        })
  }

  private leave(places: readonly Place[], place: Place): void {
    const observers = places.filter(
      ({ replica }) => replica.epochs.part === 'observer' && replica.status === 'accepted',
    )
    const { node, contract, replica } =
      observers.length > 0 && this.random.chance(0.4) ? this.random.pick(observers) : place
    const { changes = [], members } = replica.chain.tip.state.epoch
    const leaving = changes.filter((change: Change) => change.op === 'leave')
    // Were all to leave at once, nobody could go on, and nobody get out.
    if (node === this.staying) return
    if (replica.epochs.part === 'member' && members.length - leaving.length <= MEMBERS_MIN) return
    this.tried(node, () => {
      node.engine?.leave(contract, node.nowMs)
      this.counts.leaves += 1
    })
  }

  private policy(place: Place): void {
    const { policy } = place.replica.electorate
    this.counts.policies += 1
    this.submit(place, {
      op: 'policy',
      policy: { ...policy, quorum: this.random.pick(QUORUMS) },
      expiresMs: this.expiryAt(place),
    })
  }

  private replaceKeys({ node }: Place): void {
    if (node.disk.isTrapped || !this.hooks.mayRestart(node)) return
    this.counts.keysReplaced += 1
    node.party = renew(node.party, this.random.pick(USES), this.random)
    this.hooks.restart(node)
  }

  /** As `keepCardsNew` does for a node: a party's next card is taken into its contracts. */
  private takeCards(places: readonly Place[]): void {
    for (const place of places) {
      const { card } = place.node.party
      if (!isCardDue(place.replica, { ...card }, place.node.nowMs)) continue
      this.counts.cards += 1
      this.submit(place, { op: 'card', card, expiresMs: this.expiryAt(place) })
    }
  }

  private submit({ node, contract }: Place, operation: EpochOperation): void {
    this.tried(node, () => node.engine?.submit(contract, [operation], [], node.nowMs, () => undefined))
  }

  private tried(node: SimNode, work: () => void): void {
    node.act(() => {
      try {
        work()
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        this.counts.turnoverRefused += 1
      }
    })
  }
}

/**
 * What of a contract's changes has to happen by itself before it can come to rest, in words.
 * @param excused parties whose own coming, leaving and cards nobody waits for
 */
export function openTurn(
  { chain }: Replica,
  nowMs: number,
  withinMs: number,
  excused: ReadonlySet<string> = new Set(),
): string | undefined {
  const { epoch } = chain.tip.state
  for (const { change, op, ...rest } of epoch.changes ?? []) {
    if ('party' in rest && excused.has(rest.party)) continue
    const one = changeOf(epoch, change) as Change
    if ('expiresMs' in one && one.expiresMs <= nowMs + withinMs) return `a change (${op}) is to lapse`
    if (one.decided !== undefined) return `a change (${op}) is decided, and no turn has brought it`
  }
  return undefined
}
