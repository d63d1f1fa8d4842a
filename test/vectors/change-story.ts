/** What vectors of requests on the epoch are made of. */
import type { Evidence } from '../../src/ledger/evidence.ts'
import { EpochLedger, elm } from './epoch-world.ts'
import { alder, birch, cedar, DAY_MS, type Holder, hashNamed, holder, rekeyed } from './world.ts'

export const alder2 = rekeyed(alder, 'alder 2')
export const alder3 = rekeyed(alder2, 'alder 3')
export const birch2 = rekeyed(birch, 'birch 2')
export const gale = holder('gale', 'Gale Freight')
export const LIFETIME_MS = 180 * DAY_MS

export type Make = (ledger: EpochLedger) => unknown
/** policy: what is not as usual in the genesis. */
export type Row = [name: string, about: string, make: Make, policy?: object, members?: readonly Holder[]]

export const fresh = (
  policy: object = {},
  members: readonly Holder[] = [alder, birch, cedar],
): EpochLedger => {
  const usual = new EpochLedger('epochs', { members }).genesis.policy
  return new EpochLedger('epochs', { members, genesis: { policy: { ...usual, ...policy } } })
}

export const admission = (admit: unknown, invite: unknown = 'any') => ({ admission: { invite, admit } })
export const inviting = (ledger: EpochLedger, more: object = {}) =>
  ledger.done(ledger.invite(alder, elm, more))
/** An invitation that lapses in a day, and a block after it. */
export const lapsing = (ledger: EpochLedger) => {
  const change = inviting(ledger, { expiresMs: ledger.timeMs + DAY_MS })
  ledger.order([], { timeMs: ledger.timeMs + 2 * DAY_MS })
  return change
}
export const evidenceOf = (ledger: EpochLedger, by: Holder): Evidence => {
  const { contract } = ledger
  const first = ledger.cosignature(by)
  const second = ledger.cosignature(by, { ...ledger.checkpoint(), stateRoot: hashNamed('state') })
  return { kind: 'two-checkpoints', party: by.party, contract, lineage: 0, first, second }
}

/** Elm comes in without Birch, that has been silent for so long. */
export function silent(ledger: EpochLedger, afterMs: number): void {
  const change = ledger.decide(elm)
  const timeMs = ledger.tip.block.header.timeMs + afterMs
  const entry = ledger.turnEntry(change, ledger.height, timeMs)
  const certificate = entry.certificate.filter(({ party }) => party !== birch.party)
  ledger.turn(entry, { timeMs }, { ...entry, certificate })
}
