/** The lineages of a ledger (PROTOCOL LIN-3): the FREEZEs that led to each are read, and what they lead to is computed again. */
import type { EpochElectorate } from '../contract/epoch.ts'
import { jcs } from '../crypto/jcs.ts'
import { quorumOf } from '../ledger/epoch.ts'
import { checkFreezeShape, inOrderOfKeys } from '../ledger/freeze.ts'
import type { Top } from '../ledger/freeze-history.ts'
import type { FreezeEpoch } from '../ledger/freeze-turn.ts'
import { nextLineage } from '../ledger/resolve.ts'
import type { ReadLineageLine } from './bundle.ts'
import { fail, under } from './finding.ts'
import type { AuthorKeyOf } from './request-audit.ts'

export class LineageAudit {
  /** Of the ledger block that comes next. */
  number = 0
  /** Parties that are proved guilty, in the order they were. */
  readonly leftOut: string[] = []
  /** With whom the lineage began, where it is not the first. */
  members: readonly string[] = []
  /** FREEZEs that were found good. */
  freezes = 0
  /** What the lineage began with. */
  #base: Top | undefined

  /** Block 0 is known. */
  begin(block: string): void {
    this.#base = { size: 1, block }
  }

  /** An electorate without who is left out. */
  remaining(electorate: EpochElectorate): EpochElectorate {
    if (this.number === 0) return electorate
    const isIn = (party: string): boolean => !this.leftOut.includes(party)
    const members = electorate.members.filter(isIn)
    const of = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([party]) => isIn(party)))
    return {
      ...electorate,
      lineage: this.number,
      quorum: quorumOf(electorate.policy, members.length),
      voteKeys: of(electorate.voteKeys),
      members,
      observers: electorate.observers.filter(isIn),
      cards: of(electorate.cards),
      cosignKeys: of(electorate.cosignKeys),
      everCosignKeys: of(electorate.everCosignKeys),
      everVoteKeys: of(electorate.everVoteKeys),
    }
  }

  /** Of who is left out nothing is ordered any more. */
  authors(keyOf: AuthorKeyOf): AuthorKeyOf {
    return (request) => (this.leftOut.includes(request.author) ? undefined : keyOf(request))
  }

  /**
   * Takes the line of the next lineage, which the ledger has come to the tip of.
   * @param epochs of the lineage that ends, up to that of the tip
   * @throws RuleBroken
   */
  take(line: ReadLineageLine, tip: Top, epochs: readonly FreezeEpoch[]): void {
    const place = `lineage ${this.number + 1}`
    const base = this.#base as Top
    const freezes = line.freezes.map((value) => under('LIN-1', place, () => checkFreezeShape(value)))
    const [other] = inOrderOfKeys(freezes, { epochs, base }).others
    if (other) fail('LIN-1', place, `the FREEZE of ${other.statement.party} does not hold`)
    const next = under('LIN-2', place, () => nextLineage(freezes, { epochs, base }))
    if ('missing' in next)
      fail('LIN-2', place, `the FREEZE is missing of ${next.missing.join(', ')}, whom nothing proves guilty`)
    if (jcs(next.genesis) !== under('LIN-3', place, () => jcs(line.lineage)))
      fail('LIN-3', place, 'it is not what its FREEZEs lead to')
    if (next.genesis.tip.block !== tip.block || next.genesis.tip.size !== tip.size)
      fail(
        'LIN-3',
        place,
        `it begins after ledger block ${next.genesis.tip.size - 1}, ${next.genesis.tip.block}`,
      )
    this.number += 1
    this.leftOut.push(...next.guilty)
    this.freezes += freezes.length
    this.#base = next.genesis.tip
    this.members = next.genesis.members
  }
}
