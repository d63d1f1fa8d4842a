/** As a leader it proposes ledger blocks of which something is wrong, and all liars vote for them. */
import type { Header } from '../../../src/ledger/block.ts'
import { LIFETIME_MAX_MS } from '../../../src/ledger/request.ts'
import { type AnyLedgerBlock, entriesOf } from '../../../src/ledger/turn.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { anyHash, type Made, requestMessage, requestOf, revised, sign, voteFor } from './forge.ts'

type Propose = Extract<Message, { type: 'PROPOSE' }>
/** A block, and what is to be sent after it. */
type Bad = Made & { fault: Fault; after: object[] }

const FAULTS = [
  'state root',
  'log root',
  'entries root',
  'time ahead',
  'time before its parent',
  'wrong outcome',
  'left-out outcome',
  'left-out code',
  'badly signed request',
  'expired request',
  'request of too long a life',
  'replayed request',
  'request of nobody',
  'the same request twice',
  'height',
] as const
type Fault = (typeof FAULTS)[number]

export class BadProposer extends Adversary {
  readonly name = 'bad proposer'
  readonly kinds = FAULTS
  /** What is shown instead, by the hash of what the liar's node proposed. */
  private readonly bad = new Map<string, Bad>()
  private readonly faults = new Map<string, Fault>()
  private made = 0

  /** A run is too short for all of them: each begins elsewhere. */
  protected override begun(): void {
    this.made = this.random.integer(0, FAULTS.length - 1)
  }

  override outgoing(from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (message.type === 'PROPOSE') return this.worsened(from, message)
    if (message.type !== 'STATEMENT') return [message]
    const { statement, party } = message.signed
    if (statement.type === 'SKIP' || party !== from.party.id) return [message]
    const bad = this.bad.get(statement.block)
    return bad ? [{ ...message, signed: sign(from, { ...statement, block: bad.hash }) }] : [message]
  }

  private worsened(from: SimNode, message: Propose): unknown[] {
    const { vote } = message
    if (vote?.statement.type !== 'VOTE' || !this.isLiar(vote.party)) return [message]
    const leader = this.liars.find(({ party }) => party.id === vote.party) ?? from
    const { block: original } = vote.statement
    const bad = this.bad.get(original) ?? this.make(leader, message)
    if (!bad) return [message]
    this.bad.set(original, bad)
    this.faults.set(bad.hash, bad.fault)
    return [{ ...message, block: bad.block, vote: voteFor(leader, bad) }, ...bad.after]
  }

  private make(leader: SimNode, message: Propose): Bad | undefined {
    const replica = leader.engine?.replicas.get(message.contract)
    if (!replica) return undefined
    for (let tried = 0; tried < FAULTS.length; tried += 1) {
      const fault = FAULTS[this.made % FAULTS.length] as Fault
      this.made += 1
      const bad = this.withFault(fault, leader, replica, message)
      if (bad) return { fault, after: [], ...bad }
    }
    return undefined
  }

  /** Undefined where the block has nothing that can be wrong in this way. */
  private withFault(
    fault: Fault,
    leader: SimNode,
    replica: Replica,
    { block }: Propose,
  ): (Made & { after?: object[] }) | undefined {
    const { header } = block
    const entries = entriesOf(block)
    const [first] = entries
    const other = anyHash(this.random)
    switch (fault) {
      case 'state root':
        return revised(block, { stateRoot: other })
      case 'log root':
        return revised(block, { logRoot: other })
      case 'entries root':
        return revised(block, { entriesRoot: other })
      case 'time ahead':
        return revised(block, { timeMs: header.timeMs + 60_000 })
      case 'time before its parent':
        return revised(block, { timeMs: parentTimeMs(replica, header) })
      case 'height':
        return revised(block, { height: header.height + 1 })
      case 'wrong outcome':
        return first
          ? revised(block, { entriesRoot: other }, [
              { kind: 'request', request: first.request, outcome: 'conflicted', code: 'element-gone' },
              ...entries.slice(1),
            ])
          : undefined
      case 'left-out outcome':
        return first ? revised(block, {}, entries.slice(1)) : undefined
      case 'left-out code':
        return first
          ? revised(block, { entriesRoot: other }, [
              { kind: 'request', request: first.request, outcome: 'rejected' },
              ...entries.slice(1),
            ])
          : undefined
      case 'the same request twice':
        return first ? revised(block, { entriesRoot: other }, [first, ...entries]) : undefined
      case 'request of nobody':
        return this.naming(block, other)
      case 'replayed request': {
        const ordered = leader.disk.store
          .requests(replica.contract, { limit: 100 })
          .find(({ height }) => height !== undefined && height < header.height)
        return ordered ? this.naming(block, ordered.id) : undefined
      }
      case 'badly signed request': {
        const made = requestOf(leader, replica, this.random, {
          value: 'badly signed',
          notAfterMs: header.timeMs + 60_000,
        })
        const { request, signature, openings } = made
        const forged = {
          ...made,
          request: { ...request, notAfterMs: request.notAfterMs + 1 },
          signature,
          openings,
        }
        return { ...this.naming(block, made.id), after: [requestMessage(replica.contract, forged)] }
      }
      case 'expired request':
      case 'request of too long a life': {
        const notAfterMs =
          fault === 'expired request' ? header.timeMs - 1 : header.timeMs + LIFETIME_MAX_MS + 2000
        const made = requestOf(leader, replica, this.random, { value: fault, notAfterMs })
        return { ...this.naming(block, made.id), after: [requestMessage(replica.contract, made)] }
      }
    }
  }

  private naming(block: AnyLedgerBlock, request: string): Made {
    const entries = [...entriesOf(block), { kind: 'request', request, outcome: 'accepted' } as const]
    return revised(block, { entriesRoot: anyHash(this.random) }, entries)
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    this.arrivedShapeless(message)
  }

  override arrivedShapeless(shapeless: unknown): void {
    const message = shapeless as Partial<Message>
    if (message.type !== 'PROPOSE' || message.vote?.statement.type !== 'VOTE') return
    const fault = this.faults.get(message.vote.statement.block)
    if (fault !== undefined) this.count(fault)
  }

  override get hides() {
    return 'statements' as const
  }

  /** A quorum of liars can have anything committed; then honest members halt. */
  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}

/** As late as its parent is not late enough, and within what any clock allows. */
function parentTimeMs({ chain }: Replica, { parent, timeMs }: Header): number {
  return chain.executed.get(parent)?.block.header.timeMs ?? timeMs - 60_000
}
