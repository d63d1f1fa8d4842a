/** Ledgers of many epochs and lineages, as bundles, and what the report on each says. */

import { checkpointNote } from '../../src/ledger/checkpoint.ts'
import type { BundleLine } from '../../src/verify/bundle.ts'
import { gale } from './change-story.ts'
import { EpochLedger, elm, fir } from './epoch-world.ts'
import { freezeOf, historyOf } from './freeze-world.ts'
import {
  alder,
  birch,
  cedar,
  DAY_MS,
  douglas,
  type Holder,
  type LedgerOptions,
  rekeyed,
  type Step,
  uidOf,
} from './world.ts'

const currency = uidOf('currency')
export const alder2 = rekeyed(alder, 'alder 2')

/** Heights of the turns of `club`. */
export const TURNS = { elm: 5, alder: 8, cedar: 11, fir: 15 } as const

/**
 * Values set; Elm comes in (turn at 5); Alder replaces its card (8); Cedar cosigns a last time and leaves (11); Fir comes in as
 * observer (15); an invitation of Gale lapses, and a TICK takes it out (18). older: whether Elm is given former values.
 */
export function club({ older = false, upTo = 19 } = {}): EpochLedger {
  const ledger = new EpochLedger('club')
  const set = (by: Holder, value: string) =>
    ledger.request(by, [ledger.set(currency, value)], { notAfterMs: ledger.timeMs + DAY_MS })
  const steps: (() => unknown)[] = [
    () => ledger.order([set(alder, 'GBP')]),
    () => ledger.order([set(cedar, 'USD'), set(birch, 'CHF')]),
    () => ledger.admit(elm, { older }),
    () => ledger.order([set(elm, 'SEK')]),
    () => ledger.rekey(alder2),
    () => ledger.turn(ledger.turnEntry(ledger.tip.requests[0]?.id)),
    () => ledger.order([set(alder2, 'DKK')]),
    () => {
      ledger.cosign(ledger.height, [cedar])
      ledger.do(ledger.leave(cedar))
    },
    () => ledger.turn(ledger.turnEntry()),
    () => ledger.order([]),
    () => ledger.admit(fir, { role: 'observer' }),
    () => ledger.order([set(birch, 'NOK')]),
    () => ledger.done(ledger.invite(birch, gale, { expiresMs: ledger.timeMs + DAY_MS })),
    () => ledger.tick({ timeMs: ledger.timeMs + 2 * DAY_MS }),
    () => ledger.order([set(elm, 'EUR')]),
  ]
  for (const step of steps) if (ledger.height < upTo) step()
  if (upTo >= 19) ledger.cosign(ledger.height, [...ledger.seated, fir])
  return ledger
}

/** Two ledgers of one contract that Cedar, whose last member is to be left out, has signed both of; the left one goes on. */
export function resolved(options: LedgerOptions & { common?: number; guilty?: Holder } = {}): EpochLedger {
  const { common = 2, guilty = cedar } = options
  const side = (stepMs: number, blocks: number, but: Holder): EpochLedger => {
    const ledger = new EpochLedger('lineages', options)
    const set = () => ledger.request(alder, [ledger.set(currency, `${ledger.height}`)])
    for (let height = 0; height < common; height += 1) ledger.order([set()])
    for (let count = 0; count < blocks; count += 1) {
      const timeMs = ledger.tip.block.header.timeMs + stepMs
      ledger.order([set()], { timeMs, signers: ledger.seated.filter((one) => one !== but) })
    }
    return ledger
  }
  const [left, right] = [side(1000, 2, birch), side(2000, 1, alder)]
  const freezes = left.seated
    .filter((one) => one !== guilty)
    .map((one) => {
      const ledger = one === birch ? right : left
      return freezeOf(
        ledger,
        one,
        [ledger.cosignature(one), ledger.cosignature(guilty)],
        [],
        historyOf(ledger),
      )
    })
  left.begin(freezes)
  return left
}

/** Lineage 1 with three blocks of its own, to the end of which its members have cosigned. */
export function goneOn(options: LedgerOptions = {}): EpochLedger {
  const ledger = resolved(options)
  ledger.order([])
  ledger.order([ledger.request(birch, [ledger.set(currency, 'GBP')])])
  ledger.order([])
  ledger.cosign()
  return ledger
}

/** Lineage 2 of four: Douglas was left out of lineage 1, Cedar of this one. */
export function twiceResolved(): EpochLedger {
  const ledger = resolved({ members: [alder, birch, cedar, douglas], guilty: douglas })
  const base = { size: ledger.height + 1, block: ledger.tip.hash }
  ledger.order([])
  const history = historyOf(ledger, base.size - 1)
  const evidence = [ledger.twoVotes(cedar)]
  const freezes = [alder, birch].map((one) =>
    freezeOf(ledger, one, [ledger.cosignature(one)], evidence, history),
  )
  ledger.begin(freezes, base)
  ledger.order([])
  ledger.cosign()
  return ledger
}

/** What the report on a ledger’s bundle says that is final up to this size, in the epoch of the block after `inEpochOf`. */
export function outputsOf(
  ledger: EpochLedger,
  finalSize: number,
  trusted: readonly string[],
  last: Step = ledger.steps.at(-2) as Step,
) {
  const ever = [...new Set(ledger.steps.flatMap(({ state }) => state.epoch.members))]
  const { block } = ledger.steps[finalSize - 1] as Step
  const voting = last.state.epoch.members.filter((party) => !ledger.leftOut.has(party))
  const cosignatures = [...ledger.cosignatures.values()].filter(({ party }) => voting.includes(party))
  const keys = new Map(voting.map((party) => [party, ledger.holderOf(party).keys.cosign.publicKey]))
  const isOfAll =
    cosignatures.length === voting.length && cosignatures.every(({ size }) => size === finalSize)
  const identified = (party: string) => trusted.includes(party)
  return {
    verdict: ever.every(identified) ? 'valid' : 'unidentified',
    contract: ledger.contract,
    height: finalSize - 1,
    tentativeHeights: ledger.height - finalSize + 1,
    stateRoot: block.header.stateRoot,
    ...(isOfAll && { checkpoint: checkpointNote(ledger.checkpoint(finalSize - 1), cosignatures, keys) }),
    ...(ledger.lineage > 0 && { lineage: ledger.lineage, leftOut: [...ledger.leftOut] }),
    members: ever.map((party) => ({
      party,
      cosignedSize: ledger.cosignatures.get(party)?.size ?? 0,
      identified: identified(party),
    })),
  }
}

/** The openings of ledger blocks up to this height left out, in the name of this exporter. */
export function withoutValues(ledger: EpochLedger, exporter: Holder, height: number): BundleLine[] {
  return ledger.lines().map((line): BundleLine => {
    if (line.type === 'bundle') return { ...line, exporter: exporter.party }
    if (line.type === 'genesis') return { ...line, openings: [] }
    return line.type === 'ledger-block' && line.block.header.height <= height
      ? { ...line, openings: [] }
      : line
  })
}
