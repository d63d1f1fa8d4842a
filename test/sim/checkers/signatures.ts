/**
 * All statements that ever left a signer, seen by one who sees everything: no two of one member contradict one another.
 *
 * A member whose signer was put back to an old copy may sign anew what nobody holds any more (AMN-2 asks all others, and
 * what a dead process held in memory is told by nobody). So across such a restore only what a living node still holds of the
 * statement before counts.
 */
import type { SignedStatement } from '../../../src/ledger/certificate.ts'
import { contradiction } from '../../../src/ledger/evidence.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

type Known = { signed: SignedStatement; restores: number; holders: { node: SimNode; life: number }[] }

export class Signatures implements Checker {
  readonly name = 'no member signs a contradiction'
  private readonly world: World
  private readonly byView = new Map<string, Known[]>()
  private readonly restores = new Map<string, number>()
  private distinct = 0

  constructor(world: World) {
    this.world = world
  }

  restored(node: SimNode, what: { data: boolean; signer: boolean }): void {
    if (what.signer) this.restores.set(node.party.id, (this.restores.get(node.party.id) ?? 0) + 1)
  }

  sent(node: SimNode, message: Message): void {
    const signed = ownStatement(message, node.party.id)
    if (signed) this.take(signed)
  }

  received(node: SimNode, from: SimNode, message: Message): void {
    const signed = ownStatement(message, from.party.id)
    if (!signed) return
    const known = this.take(signed)
    const { life } = node
    const { contract, epoch } = signed.statement
    // What is of an epoch that has not begun there, or is over, is not kept.
    if (node.engine?.replicas.get(contract)?.epochs.number !== epoch) return
    if (!known.holders.some((holder) => holder.node === node && holder.life === life))
      known.holders.push({ node, life })
  }

  private take(signed: SignedStatement): Known {
    const { statement, party } = signed
    const key = `${statement.contract} ${statement.lineage} ${party} ${statement.view}`
    const list = this.byView.get(key) ?? []
    this.byView.set(key, list)
    const restores = this.restores.get(party) ?? 0
    const text = JSON.stringify(statement)
    const same = list.find((known) => JSON.stringify(known.signed.statement) === text)
    if (same) return same
    for (const known of list) {
      const kind = contradiction(known.signed, signed)
      if (!kind) continue
      const isHeld = known.holders.some(
        ({ node, life }) => node.engine !== undefined && node.life === life && node.party.id !== party,
      )
      if (known.restores === restores || isHeld)
        throw new Violation(
          this.name,
          `${this.nameOf(party)} signed ${kind} in view ${statement.view}: ${JSON.stringify(known.signed.statement)} and ${text}`,
        )
    }
    const known: Known = { signed, restores, holders: [] }
    list.push(known)
    this.distinct += 1
    return known
  }

  private nameOf(party: string): string {
    return this.world.nodes[this.world.indexOf(party)]?.name ?? party
  }

  counts(): Record<string, number> {
    return { statements: this.distinct }
  }
}

function ownStatement(message: Message, party: string): SignedStatement | undefined {
  const signed =
    message.type === 'STATEMENT' ? message.signed : message.type === 'PROPOSE' ? message.vote : undefined
  return signed?.party === party ? signed : undefined
}
