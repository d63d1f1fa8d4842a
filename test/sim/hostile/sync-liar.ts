/** Lies to members that catch up: says it has more than there is, and answers with what doesn't fit. */
import { commitmentsOf } from '../../../src/ledger/request.ts'
import { entriesOf } from '../../../src/ledger/turn.ts'
import type { LedgerMessage, Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { anyHash, requestOf, revised } from './forge.ts'

const LIES = [
  'more than there is',
  'shortened',
  'empty',
  'altered block',
  'altered outcome',
  'altered opening',
  'altered request',
  'left-out request',
  'exchanged certificates',
  'certificate of another block',
  'another range',
  'stale',
  'gigantic',
  'stuffed with expired requests',
  'stuffed with replays',
  'silence',
] as const
type Lie = (typeof LIES)[number]
const OF_NOTHING: readonly Lie[] = ['silence', 'empty', 'stale', 'gigantic']
const OF_BLOCKS = LIES.filter((lie) => lie !== 'more than there is' && lie !== 'silence' && lie !== 'empty')

/** What it claims to have more than it has, in ledger blocks. */
const CLAIM = 1000
const GIGANTIC_OPENINGS = 3000
const BOAST = 'boast'
const BOAST_MS = 800
const AWAY_MS = 2500
const EVERY_MS = 6000

export class SyncLiar extends Adversary {
  readonly name = 'liar in sync'
  readonly kinds = LIES
  private made = 0
  private nextMs = 0
  private boastMs = 0
  private isHealed = false
  private readonly lies = new Map<string, Lie>()

  /** A run is too short for all of them: each begins elsewhere. */
  protected override begun(): void {
    this.made = this.random.integer(0, LIES.length - 1)
  }

  /** Now and then one honest member is cut off, so that it has something to catch up with. */
  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    this.boast(nowMs)
    if (nowMs < this.nextMs || this.isHealed || !this.areEven) return
    this.nextMs = nowMs + EVERY_MS
    const { index } = this.random.pick(this.honest)
    const heal = this.stage.cut((from, to) => from === index || to === index)
    this.stage.schedule(AWAY_MS, heal)
  }

  /** Whoever believes it asks for what there is not. */
  private boast(nowMs: number): void {
    if (nowMs < this.boastMs) return
    this.boastMs = nowMs + BOAST_MS
    for (const liar of this.liars)
      for (const contract of this.contracts) {
        const replica = liar.engine?.replicas.get(contract)
        if (!replica) continue
        const { view } = replica.consensus
        const committedHeight = replica.chain.height + CLAIM
        const status = { type: 'STATUS', contract, view, committedHeight, cosignatures: [] }
        for (const to of this.honest) this.stage.send(liar, to, [{ ...status, boot: BOAST, answer: false }])
      }
  }

  /** Liars are too few to cut off one member while another has not caught up: that would be the network's doing. */
  private get areEven(): boolean {
    return this.contracts.every((contract) => {
      const heights = this.honest.map(({ engine }) => engine?.replicas.get(contract)?.chain.height ?? -1)
      return Math.max(...heights) - Math.min(...heights) <= 1
    })
  }

  override healed(): void {
    this.isHealed = true
  }

  override outgoing(from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (message.type === 'STATUS') return [{ ...message, committedHeight: message.committedHeight + CLAIM }]
    if (message.type !== 'LEDGER') return [message]
    const replica = from.engine?.replicas.get(message.contract)
    if (!replica) return [message]
    // Most questions are for what there is not: the few true answers are for the finer lies.
    const lies = message.blocks.length > 0 ? OF_BLOCKS : OF_NOTHING
    for (let tried = 0; tried < lies.length; tried += 1) {
      const lie = lies[this.made % lies.length] as Lie
      this.made += 1
      const made = this.lieOf(lie, from, replica, message)
      if (!made) continue
      if (lie === 'silence') this.count('silence')
      for (const one of made) this.lies.set(JSON.stringify(one), lie)
      return made
    }
    return [message]
  }

  /** Undefined where the answer has nothing to lie about in this way. */
  private lieOf(
    lie: Lie,
    liar: SimNode,
    replica: Replica,
    answer: LedgerMessage & { contract: string },
  ): unknown[] | undefined {
    const { blocks, requests, openings, notarization, finalization, fromHeight, contract } = answer
    const last = blocks.at(-1)
    if (lie === 'silence') return []
    if (lie === 'empty')
      return [{ type: 'LEDGER', contract, fromHeight, blocks: [], requests: [], openings: [] }]
    if (lie === 'stale') return this.stale(liar, answer)
    if (lie === 'gigantic') {
      const junk = Array.from({ length: GIGANTIC_OPENINGS }, (_, index) => ({
        salt: 'A'.repeat(22),
        value: `junk ${index}`,
      }))
      return [{ ...answer, openings: [...openings, ...junk] }]
    }
    if (!last || !notarization || !finalization) return undefined
    const entries = entriesOf(last)
    const [entry] = entries
    switch (lie) {
      case 'shortened':
        return blocks.length > 1 ? [{ ...answer, blocks: blocks.slice(0, -1) }] : undefined
      case 'altered block':
        return [
          {
            ...answer,
            blocks: [...blocks.slice(0, -1), revised(last, { stateRoot: anyHash(this.random) }).block],
          },
        ]
      case 'altered outcome': {
        if (!entry) return undefined
        const other = { kind: 'request', request: entry.request, outcome: 'rejected', code: 'uid-in-use' }
        return [
          { ...answer, blocks: [...blocks.slice(0, -1), { ...last, entries: [other, ...entries.slice(1)] }] },
        ]
      }
      case 'altered opening':
        return openings.length > 0
          ? [{ ...answer, openings: openings.map((one) => ({ ...one, value: 'forged' })) }]
          : undefined
      case 'altered request': {
        const [first, ...rest] = requests as { request: { notAfterMs: number } }[]
        if (!first) return undefined
        const { request } = first
        return [
          {
            ...answer,
            requests: [{ ...first, request: { ...request, notAfterMs: request.notAfterMs + 1 } }, ...rest],
          },
        ]
      }
      case 'left-out request':
        return requests.length > 0 ? [{ ...answer, requests: requests.slice(1) }] : undefined
      case 'exchanged certificates':
        return [{ ...answer, notarization: finalization, finalization: notarization }]
      case 'certificate of another block':
        return [{ ...answer, finalization: { ...finalization, block: anyHash(this.random) } }]
      case 'another range':
        return [{ ...answer, fromHeight: fromHeight + 1 }]
      case 'stuffed with expired requests': {
        const notAfterMs = last.header.timeMs - 60_000
        const made = requestOf(liar, replica, this.random, { value: 'stuffed', notAfterMs })
        return [
          { ...answer, requests: [...requests, signedIn(made)], openings: [...openings, ...made.openings] },
        ]
      }
      case 'stuffed with replays': {
        const old = liar.disk.store
          .requests(contract, { limit: 200 })
          .filter(({ height }) => height !== undefined && height < fromHeight)
          .slice(-20)
        if (old.length === 0) return undefined
        const values = old.flatMap(({ id }) => openingsOf(liar, contract, id))
        return [
          { ...answer, requests: [...requests, ...old.map(signedIn)], openings: [...openings, ...values] },
        ]
      }
      case 'more than there is':
        throw new Error('it is told beside all others')
    }
  }

  /** A range that it serves from the beginning, under the heights that were asked for. */
  private stale(liar: SimNode, answer: LedgerMessage & { contract: string }): unknown[] | undefined {
    const stored = liar.disk.store.blocks(answer.contract, 1, 1)[0]
    if (!stored?.commit || !stored.notarization || answer.fromHeight === 1) return undefined
    const { block, notarization, commit: finalization } = stored
    return [{ ...answer, blocks: [block], requests: [], openings: [], notarization, finalization }]
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type === 'STATUS' && message.boot === BOAST) this.count('more than there is')
    if (message.type !== 'LEDGER') return
    const lie = this.lies.get(JSON.stringify(message))
    if (lie !== undefined) this.count(lie)
  }

  override get hides() {
    return 'ledger' as const
  }

  /** Where liars can go on without the only honest member, nobody is left to tell it the truth. */
  outlook({ members, liars, quorum }: Cast): Outlook {
    return liars < quorum || liars <= members - 2 ? 'final' : 'safe'
  }
}

function signedIn({ request, signature }: { request: unknown; signature: string }): object {
  return { request, signature }
}

function openingsOf(liar: SimNode, contract: string, id: string): object[] {
  const record = liar.disk.store.request(contract, id)
  if (!record) return []
  const commitments = commitmentsOf(record.request.operations)
  return [...liar.disk.store.openings(contract, commitments).values()]
}
