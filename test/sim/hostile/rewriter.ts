/**
 * Waits until the only honest member has signed LEAVE, and writes the ledger anew from before what that member has called
 * final: takes it out by its own LEAVE there, brings in an honest party that has never heard of it, and finalises with that
 * (EPO-12). The liars need nobody: each runs a second node, with its memory put back and no guard.
 */
import { epochOperationOf } from '../../../src/ledger/request.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Copy } from '../disk.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { WITHOUT_LEAVE_CHECK } from './guards-off.ts'

/** Ledger blocks that are final beyond what the liars go back to. */
const BLOCKS_LOST = 3
const EXPIRES_MS = 3_600_000
const OTHER_SIDE = 1

export class Rewriter extends Adversary {
  readonly name = 'rewriter'
  readonly kinds = ['a ledger without the leaver']
  private copies = new Map<SimNode, Copy>()
  private sizeBefore = 0
  private hasAskedToLeave = false
  private isInvited = false
  private leave: Message | undefined
  private heal: (() => void) | undefined

  override get isQuiet(): boolean {
    return true
  }

  protected override begun(): void {
    this.copies = new Map(this.liars.map((liar) => [liar, liar.disk.copy()]))
    this.sizeBefore = (this.leaver.engine?.replicas.get(this.contract)?.chain.height ?? 0) + 1
  }

  private get contract(): string {
    return this.contracts[0] as string
  }

  /** The only honest member; the others come later. */
  private get leaver(): SimNode {
    return this.honest[0] as SimNode
  }

  override turn(): void {
    const { leaver, contract } = this
    const replica = leaver.engine?.replicas.get(contract)
    if (!this.hasAskedToLeave && (replica?.finalSize ?? 0) >= this.sizeBefore + BLOCKS_LOST) {
      this.hasAskedToLeave = true
      leaver.act((engine) => engine.leave(contract, leaver.nowMs))
    }
    if (this.leave) this.invite(this.leave)
  }

  override incoming(_at: SimNode, from: SimNode, message: Message): void {
    if (this.leave || from !== this.leaver || message.type !== 'REQUEST') return
    const { request } = message.request as { request: Parameters<typeof epochOperationOf>[0] }
    if (epochOperationOf(request)?.op !== 'leave') return
    this.leave = message
    const { index } = this.leaver
    this.heal = this.stage.cut((one, other) => one === index || other === index)
    const strangers = this.honest.slice(1)
    this.bodies?.split([[this.leaver], strangers], { copies: this.copies, parts: WITHOUT_LEAVE_CHECK })
    this.bodies?.tell(OTHER_SIDE, this.leaver, [message])
  }

  /** Once the leaver is out there, one of the liars invites, and the others say yes. */
  private invite(leave: Message): void {
    const { contract } = this
    for (const body of this.bodies?.of(OTHER_SIDE) ?? []) {
      const replica = body.engine?.replicas.get(contract)
      if (!replica) continue
      const { changes = [] } = replica.chain.tip.state.epoch
      const { party } = this.honest.at(-1) as SimNode
      const open = changes.find((one) => one.op === 'invite' && one.party === party.id)
      if (replica.roster.isMember(this.leaver.party.id)) {
        this.bodies?.tell(OTHER_SIDE, this.leaver, [leave])
        continue
      }
      if (replica.roster.isIn(party.id)) continue
      if (!open && !this.isInvited) {
        this.isInvited = true
        const expiresMs = body.nowMs + EXPIRES_MS
        const operation = { op: 'invite', card: party.card, role: 'member', older: true, expiresMs } as const
        body.act((engine) => engine.submit(contract, [operation], [], body.nowMs, () => undefined))
      } else if (open && 'yes' in open && !open.yes.includes(body.party.id) && replica.chain.pool.size === 0)
        body.act((engine) =>
          engine.submit(
            contract,
            [{ op: 'vote', change: open.change, yes: true }],
            [],
            body.nowMs,
            () => undefined,
          ),
        )
    }
  }

  override healed(): void {
    this.heal?.()
    this.heal = undefined
  }

  override arrived(at: SimNode, _from: SimNode, message: Message): void {
    if (at !== this.leaver && message.type === 'LEDGER' && message.blocks.length > 0)
      this.count('a ledger without the leaver')
  }

  outlook(): Outlook {
    return 'safe'
  }
}
