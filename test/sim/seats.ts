/** Who is in each contract, epoch by epoch, as the ledger blocks say that reach the nodes' disks: seen by one who sees everything. */

import { partyOf } from '../../src/identity/card.ts'
import { blockHash } from '../../src/ledger/block.ts'
import type { Policy } from '../../src/ledger/genesis.ts'
import { turnOf } from '../../src/ledger/turn.ts'
import type { Chain } from '../../src/node/chain.ts'
import type { StoreWrite } from '../../src/store/store.ts'

/**
 * turn: hash of the ledger block before the epoch's first; absent for epoch 0. isGivenUp: every honest node that had it goes on in
 * a lineage that does not rest on it.
 */
export type Seated = {
  firstHeight: number
  turn?: string
  members: readonly string[]
  observers: readonly string[]
  policy: Policy
  isGivenUp?: boolean
}

export class Seats {
  private readonly epochs = new Map<string, Seated[]>()
  /** Indices of the honest nodes that have come to an epoch. */
  private readonly holders = new Map<Seated, Set<number>>()

  /** @param honest index of the node that writes, unless it lies */
  take(batch: readonly StoreWrite[], honest: number | undefined): void {
    for (const write of batch) {
      if (write.kind === 'contract') this.begin(write.contract)
      if ((write.kind === 'lineage' || write.kind === 'returned') && honest !== undefined)
        this.giveUp(write.contract, write.keepHeight, honest)
      if (write.kind !== 'committed') continue
      const turn = turnOf(write.block)
      if (turn === undefined) continue
      const { contract, hash } = write
      const list = this.epochs.get(contract) ?? []
      const known = list.find((one) => one.turn === hash)
      const observers = (turn.observers ?? []).map(([party]) => party)
      const { members, policy } = turn
      const seated = known ?? {
        firstHeight: write.block.header.height + 1,
        turn: hash,
        members,
        observers,
        policy,
      }
      if (!known) list.push(seated)
      if (honest === undefined) continue
      this.holders.set(seated, (this.holders.get(seated) ?? new Set()).add(honest))
      seated.isGivenUp = false
    }
  }

  private giveUp(contract: string, keepHeight: number, honest: number): void {
    for (const seated of this.epochs.get(contract) ?? []) {
      const holders = this.holders.get(seated)
      if (seated.firstHeight - 1 <= keepHeight || !holders?.delete(honest)) continue
      seated.isGivenUp = holders.size === 0
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

  /** Of the last epoch that anybody has come to and that stands. */
  private last(contract: string): Seated | undefined {
    return this.standing(contract).at(-1)
  }

  private standing(contract: string): Seated[] {
    return this.all(contract).filter(({ isGivenUp }) => !isGivenUp)
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

  /** Whether it has come in by a history that was given up: it is out again until it is let in anew. */
  wasOutAgain(contract: string, party: string): boolean {
    const came = this.all(contract).some(({ isGivenUp, members }) => isGivenUp && members.includes(party))
    return came && !this.hasStayed(contract, party)
  }

  /** Whether it is or was a member. */
  wasMember(contract: string, party: string): boolean {
    return this.all(contract).some(({ members }) => members.includes(party))
  }

  /** Whether it is or was in. */
  wasIn(contract: string, party: string): boolean {
    const seated = this.epochs.get(contract) ?? []
    return seated.some(({ members, observers }) => members.includes(party) || observers.includes(party))
  }

  /** Whether it is in now, and has been from the first. */
  hasStayed(contract: string, party: string): boolean {
    return this.standing(contract).every(({ members }) => members.includes(party))
  }
}
