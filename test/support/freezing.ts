/** FREEZEs of ledgers of the fixture: two of one seed are one contract, and may part. */
import { LogTree } from '../../src/crypto/log.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { makeFreeze, type SignedFreeze, signFreeze } from '../../src/ledger/freeze.ts'
import type { FrozenHistory } from '../../src/ledger/freeze-history.ts'
import type { FixtureBlock, LedgerFixture } from './ledger-fixture.ts'
import type { FixtureParty } from './ledger-parties.ts'

/** The ledger as it is shown from a height on. */
export function historyOf({ blocks }: LedgerFixture, from = 0, height = blocks.length - 1): FrozenHistory {
  const hashes = blocks.slice(0, height + 1).map(({ hash }) => hash)
  const log = new LogTree(hashes.map(logLeaf))
  const { block, notarization, finalization } = blocks[height] as FixtureBlock
  return {
    from,
    peaks: [...log.frontier(from).hashes],
    blocks: hashes.slice(from),
    header: block.header,
    ...(notarization && { notarization }),
    ...(finalization && { finalization }),
  }
}

/** Two ledgers of one contract that are the same up to a height and have so many blocks each after it. */
export function parted(
  make: () => LedgerFixture,
  common: number,
  left: number,
  right: number,
): [LedgerFixture, LedgerFixture] {
  return [
    [left, 'left'],
    [right, 'right'],
  ].map(([count, side]) => {
    const ledger = make()
    for (let height = 1; height <= common; height += 1)
      ledger.order([ledger.set(0, ledger.field, `${height}`)])
    for (let height = 0; height < (count as number); height += 1)
      ledger.order([ledger.set(0, ledger.field, `${side} ${height}`)])
    return ledger
  }) as [LedgerFixture, LedgerFixture]
}

/** A member's FREEZE. */
export function frozen(
  ledger: LedgerFixture,
  member: number,
  cosignatures: readonly Cosignature[],
  { evidence = [], history = historyOf(ledger) }: { evidence?: Evidence[]; history?: FrozenHistory } = {},
): SignedFreeze {
  const { party, keys } = ledger.members[member] as FixtureParty
  return signFreeze(
    keys.cosign.privateKey,
    makeFreeze(ledger.contract, 0, party, history, cosignatures, evidence),
  )
}
