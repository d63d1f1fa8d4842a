/**
 * As a leader it builds on the block before the last notarised one, and shows no certificate for the view between (ORD-3).
 * With `cuts` it picks the moment: one honest member hears all and is heard by nobody, so that it alone has committed what
 * the others are to pass over.
 */
import { entriesRoot } from '../../../src/ledger/block.ts'
import type { AnyLedgerBlock } from '../../../src/ledger/turn.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { type Made, revised, sign, voteFor } from './forge.ts'

type Propose = Extract<Message, { type: 'PROPOSE' }>

const CUT_MS = 9000
const EVERY_MS = 14_000

export class Skipper extends Adversary {
  readonly name = 'skipper'
  readonly kinds = ['a block passed over']
  private readonly cuts: boolean
  /** What is shown instead, by the hash of what the liar's node proposed. */
  private readonly others = new Map<string, Made>()
  private nextMs = 0
  private heal: (() => void) | undefined
  /** Who alone is to commit, while links are cut. */
  private loner: SimNode | undefined

  constructor(cuts = false) {
    super()
    this.cuts = cuts
  }

  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    if (!this.cuts || this.heal || nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    const loner = this.random.pick(this.honest)
    this.loner = loner
    const { index } = loner
    const heal = this.stage.cut((from, to) => from === index && !this.liars.some((one) => one.index === to))
    this.heal = heal
    this.stage.schedule(CUT_MS, () => this.end(heal))
  }

  private end(heal: () => void): void {
    if (this.heal !== heal) return
    heal()
    this.heal = undefined
    this.loner = undefined
  }

  override healed(): void {
    if (this.heal) this.end(this.heal)
    this.nextMs = Number.POSITIVE_INFINITY
  }

  override outgoing(from: SimNode, to: SimNode, message: Message): unknown[] {
    if (message.type === 'PROPOSE') {
      const made = this.made(from, message)
      return made ? [made] : [message]
    }
    if (message.type === 'STATEMENT' && message.signed.party === from.party.id) {
      const { statement } = message.signed
      const other = statement.type === 'SKIP' ? undefined : this.others.get(statement.block)
      if (other && statement.type !== 'SKIP')
        return [{ ...message, signed: sign(from, { ...statement, block: other.hash }) }]
    }
    return this.isKeptFrom(to, message) ? [] : [message]
  }

  /** Only the loner learns that the block which is to be passed over can be committed. */
  private isKeptFrom(to: SimNode, message: Message): boolean {
    if (!this.loner || to === this.loner) return false
    if (message.type === 'STATEMENT') return message.signed.statement.type === 'FINALIZE'
    if (message.type === 'CERTIFICATE') return message.certificate.kind === 'finalization'
    return message.type === 'LEDGER' || message.type === 'STATUS' || message.type === 'COSIGN'
  }

  private made(from: SimNode, message: Propose): object | undefined {
    const { vote } = message
    if (vote?.statement.type !== 'VOTE' || !this.isLiar(vote.party)) return undefined
    const leader = this.liars.find(({ party }) => party.id === vote.party) ?? from
    const original = vote.statement.block
    const other = this.others.get(original) ?? this.passOver(leader, message)
    if (!other) return undefined
    this.others.set(original, other)
    const { contract, epoch } = message
    return {
      ...{ type: 'PROPOSE', contract, ...(epoch !== undefined && { epoch }) },
      block: other.block,
      vote: voteFor(leader, other),
      skipCertificates: [],
    }
  }

  /** An empty block beside the parent of this one, on what that was built on. */
  private passOver(leader: SimNode, { contract, block }: Propose): Made | undefined {
    const passed = blockOf(leader, contract, block.header.parent)
    const below = passed && blockOf(leader, contract, passed.header.parent)
    if (!below) return undefined
    const { height, parent, logRoot } = passed.header
    const { stateRoot } = below.header
    return revised(block, { height, parent, logRoot, stateRoot, entriesRoot: entriesRoot([], []) }, [])
  }

  override arrived(at: SimNode, _from: SimNode, message: Message): void {
    if (message.type !== 'PROPOSE' || message.vote?.statement.type !== 'VOTE') return
    const { header } = message.block
    const isOther = [...this.others.values()].some(({ block }) => block.header.view === header.view)
    if (!isOther) return
    const height = at.engine?.replicas.get(message.contract)?.chain.height ?? 0
    this.count(height < header.height ? 'a block passed over' : 'a committed block passed over')
  }

  override get hides() {
    return 'statements' as const
  }

  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}

function blockOf({ engine, disk }: SimNode, contract: string, hash: string): AnyLedgerBlock | undefined {
  const known = engine?.replicas.get(contract)?.consensus.blocks.get(hash)
  return known?.block ?? disk.store.blockByHash(contract, hash)?.block
}
