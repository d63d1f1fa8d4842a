/**
 * The lineage a contract is in (PROTOCOL LIN-3), as the store has it: what it began with, who is left out, and which ledger
 * block belongs to which lineage. A new one is opened from here when a set of FREEZEs leads to it.
 */
import { CountersignError } from '../crypto/errors.ts'
import type { Top } from '../ledger/freeze-history.ts'
import type { NextLineage } from '../ledger/resolve.ts'
import type { Store, StoredLineage, StoreWrite } from '../store/store.ts'

/** Setting of a contract whose ledger has gone back in a lineage: what was final then stays so, whoever shows it no more. */
export const finalSetting = (contract: string, lineage: number): string => `final/${contract}/${lineage}`

export class Lineage {
  readonly number: number
  /** What it began with: block 0, or the tip that the FREEZEs of the one before led to. */
  readonly base: Top
  /** How much of the ledger was final here when it began, or when it was gone back in (AMN-4). */
  readonly finalSize: number
  /** Members of lineages before that are proved guilty. */
  readonly leftOut: ReadonlySet<string>
  private readonly starts: readonly StoredLineage[]

  constructor(store: Store, contract: string) {
    const starts = store.lineages(contract)
    const last = starts.at(-1)
    this.starts = starts
    this.number = starts.length
    this.base = last?.genesis.tip ?? { size: 1, block: store.block(contract, 0)?.hash ?? '' }
    const kept = store.setting(finalSetting(contract, this.number))
    if (kept !== undefined && !/^[0-9]{1,15}$/.test(kept))
      throw new CountersignError(
        'invariant-broken',
        `contract ${contract}: how much of it was final when it went back was altered`,
      )
    this.finalSize = Math.max(last?.finalSize ?? 0, Number(kept ?? 0))
    this.leftOut = new Set(starts.flatMap(({ guilty }) => guilty))
  }

  /** What a lineage up to this one began with, and who had been left out of it. */
  before(number: number): { base: Top | undefined; leftOut: ReadonlySet<string> } {
    const starts = this.starts.slice(0, number)
    return {
      base: starts.at(-1)?.genesis.tip,
      leftOut: new Set(starts.flatMap(({ guilty }) => guilty)),
    }
  }

  /** How a lineage up to this one, after the first, was computed. */
  start(number: number): StoredLineage | undefined {
    return this.starts[number - 1]
  }

  /** Lineage of the ledger block at a height. */
  at(height: number): number {
    let number = 0
    for (const { genesis } of this.starts) if (genesis.tip.size <= height) number = genesis.lineage
    return number
  }

  /** Who was left out when the ledger block of this height was ordered. */
  leftOutAt(height: number): ReadonlySet<string> {
    const number = this.at(height)
    return number === this.number ? this.leftOut : this.before(number).leftOut
  }

  /** Hash of the ledger block at a height of the lineages before, where a FREEZE has shown it. */
  hashAt(height: number): string | undefined {
    for (const { path } of this.starts) {
      const hash = path.blocks[height - path.from]
      if (hash !== undefined) return hash
    }
    return undefined
  }
}

/**
 * The ledger goes back to the last block that it has in common with the way to the next lineage's tip, and that begins.
 * @param hashAt of the ledger as it is held here, undefined past its tip
 * @throws CountersignError `invariant-broken` where they have nothing in common
 */
export function lineageStart(
  contract: string,
  next: NextLineage,
  hashAt: (height: number) => string | undefined,
  height: number,
  finalSize: number,
  nowMs: number,
): Extract<StoreWrite, { kind: 'lineage' }> {
  const { path } = next
  let keepHeight = Math.min(height, next.genesis.tip.size - 1)
  while (keepHeight >= path.from && hashAt(keepHeight) !== path.blocks[keepHeight - path.from])
    keepHeight -= 1
  // Whoever stands below what is shown has yet to catch up.
  if (keepHeight < path.from && keepHeight < height)
    throw new CountersignError(
      'invariant-broken',
      `contract ${contract}: the ledger here has no block in common with lineage ${next.genesis.lineage}`,
    )
  const start = { ...next, finalSize: Math.min(finalSize, keepHeight + 1), startedMs: nowMs }
  return { kind: 'lineage', contract, start, keepHeight }
}
