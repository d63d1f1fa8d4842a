/** Who plays in each epoch: how many members it has, what its quorum is, and how many of them lie. */
import { quorumOf } from '../../../src/ledger/genesis.ts'
import type { World } from '../checkers/checker.ts'
import type { Seated } from '../seats.ts'
import { type Cast, forksFrom } from './adversary.ts'

export interface Casting {
  /** Of every epoch that the contract has come to. */
  of(contract: string): readonly Cast[]
  /** Of the epoch that the ledger block of a height is of, in the ledger with these hashes. */
  at(contract: string, height: number, hashAt: (height: number) => string | undefined): Cast
}

/** One for all contracts, whatever becomes of them. */
export const always = (cast: Cast): Casting => ({ of: () => [cast], at: () => cast })

export class Casts implements Casting {
  private readonly world: Pick<World, 'seats' | 'honest'>

  constructor(world: Pick<World, 'seats' | 'honest'>) {
    this.world = world
  }

  of(contract: string): readonly Cast[] {
    return this.world.seats.all(contract).map((seated) => this.castOf(seated))
  }

  at(contract: string, height: number, hashAt: (height: number) => string | undefined): Cast {
    const seated = this.world.seats
      .all(contract)
      .filter(({ turn, firstHeight }) => turn === undefined || turn === hashAt(firstHeight - 1))
      .findLast(({ firstHeight }) => firstHeight <= height)
    return this.castOf(seated as Seated)
  }

  private castOf({ members, policy }: Seated): Cast {
    const honest = new Set(this.world.honest.map(({ party }) => party.id))
    const liars = members.filter((party) => !honest.has(party)).length
    return { members: members.length, quorum: quorumOf(policy, members.length), liars }
  }
}

/** Whether so many lie in some epoch of a contract that its ledger can fork. */
export function canFork(casting: Casting, contract: string): boolean {
  return casting.of(contract).some((cast) => cast.liars >= forksFrom(cast))
}
