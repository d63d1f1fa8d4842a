/**
 * As a leader it goes on with the next epoch before a turn, brings a turn a second time, or proposes the last turn anew
 * behind the ledger that has gone on since (EPO-11).
 */
import { type AnyLedgerBlock, type TurnBlock, turnOf } from '../../../src/ledger/turn.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { type Made, revised, sign, voteFor } from './forge.ts'

const KINDS = [
  'a block of the next epoch before its turn',
  'a turn again',
  'a turn behind what followed it',
] as const
type Kind = (typeof KINDS)[number]

export class TurnSplitter extends Adversary {
  readonly name = 'turn splitter'
  readonly kinds = KINDS
  private readonly others = new Map<string, Made>()
  private readonly shown = new Map<string, Kind>()
  private made = 0

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    // The others are shown what its node proposes: so that both are there.
    if (message.type === 'STATEMENT') {
      const { statement, party } = message.signed
      const other = statement.type === 'VOTE' ? this.others.get(statement.block) : undefined
      if (!other || statement.type !== 'VOTE' || party !== from.party.id || !this.isVictim(to))
        return [message]
      const { epoch } = other.block.header
      return [message, { ...message, epoch, signed: sign(from, { ...statement, epoch, block: other.hash }) }]
    }
    if (message.type !== 'PROPOSE' || !this.isVictim(to)) return [message]
    const { vote, contract, block } = message
    const leader = this.liars.find(({ party }) => party.id === vote?.party)
    if (vote?.statement.type !== 'VOTE' || !leader) return [message]
    const other = this.others.get(vote.statement.block) ?? this.make(leader, contract, block)
    if (!other) return [message]
    this.others.set(vote.statement.block, other)
    const { epoch } = other.block.header
    return [{ ...message, epoch, block: other.block, vote: voteFor(leader, other) }, message]
  }

  private make(leader: SimNode, contract: string, block: AnyLedgerBlock): Made | undefined {
    this.made += 1
    const last = lastTurn(leader, contract)
    const kind = last ? (KINDS[this.made % KINDS.length] as Kind) : KINDS[0]
    const { header } = block
    const made =
      kind === 'a block of the next epoch before its turn' || !last
        ? revised(block, { epoch: header.epoch + 1 })
        : kind === 'a turn again'
          ? revised(block, { entriesRoot: last.header.entriesRoot }, last.entries as never)
          : revised(
              { ...last, header: { ...last.header, view: header.view, timeMs: header.timeMs } },
              {},
              last.entries as never,
            )
    this.shown.set(made.hash, kind)
    return made
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'PROPOSE' || message.vote?.statement.type !== 'VOTE') return
    const kind = this.shown.get(message.vote.statement.block)
    if (kind !== undefined) this.count(kind)
  }

  override get hides() {
    return 'statements' as const
  }

  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}

/** The ledger block that ended the epoch before. */
function lastTurn({ engine, disk }: SimNode, contract: string): TurnBlock | undefined {
  const { firstHeight } = engine?.replicas.get(contract)?.roster.span ?? { firstHeight: 0 }
  const block = firstHeight > 0 ? disk.store.block(contract, firstHeight - 1)?.block : undefined
  return block && turnOf(block) ? (block as TurnBlock) : undefined
}
