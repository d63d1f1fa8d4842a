/** Who is in each contract, epoch by epoch, as the ledger blocks say that reach the nodes' disks: seen by one who sees everything. */

import { partyOf } from '../../src/identity/card.ts'
import { blockHash } from '../../src/ledger/block.ts'
import type { Policy } from '../../src/ledger/genesis.ts'
import { turnOf } from '../../src/ledger/turn.ts'
import type { Chain } from '../../src/node/chain.ts'
import type { StoreWrite } from '../../src/store/store.ts'

/** turn: hash of the ledger block before the epoch's first; absent for epoch 0. */
export type Seated = {
  firstHeight: number
  turn?: string
  members: readonly string[]
  observers: readonly string[]
  policy: Policy
}

export class Seats {
  private readonly epochs = new Map<string, Seated[]>()

  take(batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind === 'contract') this.begin(write.contract)
      if (write.kind !== 'committed') continue
      const turn = turnOf(write.block)
      if (turn === undefined) continue
      const { contract, hash } = write
      const list = this.epochs.get(contract) ?? []
      if (list.some((seated) => seated.turn === hash)) continue
      const observers = (turn.observers ?? []).map(([party]) => party)
      list.push({
        firstHeight: write.block.header.height + 1,
        turn: hash,
        members: turn.members,
        observers,
        policy: turn.policy,
      })
    }
  }

  private begin({ contract, genesis }: Extract<StoreWrite, { kind: 'contract' }>['contract']): void {
    if (this.epochs.has(contract)) return
    const members = genesis.members.map(({ card }) => partyOf(card))
    this.epochs.set(contract, [{ firstHeight: 0, members, observers: [], policy: genesis.policy }])
  }

  /** Every epoch that a ledger of the contract has come to, in the order they were seen. */
  all(contract: string): readonly Seated[] {
    return this.epochs.get(contract) ?? []
  }

  /** The epochs of a ledger, oldest first. */
  of(contract: string, chain: Chain): Seated[] {
    return (this.epochs.get(contract) ?? []).filter(({ turn, firstHeight }) => {
      if (turn === undefined) return true
      const header = chain.headerAt(firstHeight - 1)
      return header !== undefined && blockHash(header) === turn
    })
  }

  /** Of the last epoch that anybody has come to. */
  private last(contract: string): Seated | undefined {
    return this.epochs.get(contract)?.at(-1)
  }

  /** Turns that have come in all contracts. */
  get turns(): number {
    return [...this.epochs.values()].reduce((sum, list) => sum + list.length - 1, 0)
  }

  isMember(contract: string, party: string): boolean {
    return this.last(contract)?.members.includes(party) ?? false
  }

  /** Members and observers. */
  isIn(contract: string, party: string): boolean {
    return this.isMember(contract, party) || (this.last(contract)?.observers.includes(party) ?? false)
  }

  /** Whether it is or was in. */
  wasIn(contract: string, party: string): boolean {
    const seated = this.epochs.get(contract) ?? []
    return seated.some(({ members, observers }) => members.includes(party) || observers.includes(party))
  }

  /** Whether it is in now, and has been from the first. */
  hasStayed(contract: string, party: string): boolean {
    return (this.epochs.get(contract) ?? []).every(({ members }) => members.includes(party))
  }
}
