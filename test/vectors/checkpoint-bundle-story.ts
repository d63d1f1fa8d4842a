/** Bundles that begin at a checkpoint (PROTOCOL BUN-4), made of ledgers that their makers hold whole. */
import { cardsToProve } from '../../src/contract/basis.ts'
import { isElement, type StateRecord } from '../../src/contract/record.ts'
import { cardHash } from '../../src/identity/card.ts'
import type { Opening } from '../../src/ledger/value.ts'
import type { BasisLine, BundleLine } from '../../src/verify/bundle.ts'
import { gale } from './change-story.ts'
import { alder2, club, TURNS } from './epoch-bundle-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import { freezeOf, historyOf } from './freeze-world.ts'
import { cedar, DAY_MS, type Holder, type Step, uidOf } from './world.ts'

/** Height of the block that `short` is begun with: in epoch 2, with a card replaced and a member that came in. */
export const SHORT_BASIS = 9

/** The club up to there, and one block more that all have cosigned. */
export function short({ olderOfElm = false } = {}): EpochLedger {
  const ledger = club({ upTo: SHORT_BASIS, older: olderOfElm })
  const lasting = { notAfterMs: ledger.timeMs + DAY_MS }
  ledger.order([ledger.request(elm, [ledger.set(uidOf('currency'), 'NOK')], lasting)])
  ledger.cosign()
  return ledger
}

/** Lineage 1, which goes on without Cedar behind the turn that brought Elm. */
export function parted(): EpochLedger {
  const ledger = club({ upTo: TURNS.elm + 1 })
  const evidence = [ledger.twoVotes(cedar)]
  const staying = ledger.seated.filter((one) => one !== cedar)
  const all = ledger.seated.map((one) => ledger.cosignature(one))
  const history = historyOf(ledger, ledger.height)
  ledger.begin(staying.map((one) => freezeOf(ledger, one, all, evidence, history)))
  ledger.order([])
  ledger.cosign()
  return ledger
}

/** The bundle of a ledger as who has begun it with the block of this height exports it. */
export function begunAt(ledger: EpochLedger, height: number, exporter: Holder): BundleLine[] {
  const { members } = (ledger.steps[height] as Step).state.epoch
  const lines = ledger.lines().flatMap((line): BundleLine[] => {
    if (line.type === 'bundle') return [{ ...line, exporter: exporter.party }]
    // What was replaced before it was never shown.
    if (line.type === 'genesis') return [{ ...line, openings: [] }]
    if (line.type === 'cosignature') return members.includes(line.party) || line.size > height ? [line] : []
    return line.type === 'ledger-block' && line.block.header.height <= height ? [] : [line]
  })
  const behind = lines.findLastIndex(({ type }) => type === 'cosignature') + 1
  lines.splice(behind, 0, basisOf(ledger, height))
  return structuredClone(lines)
}

/** What the ledger is begun with, in one line. */
export function basisOf(ledger: EpochLedger, height: number): BasisLine {
  const { block, state } = ledger.steps[height] as Step
  const before = ledger.steps.slice(0, height + 1)
  const records = ([...state.map] as [string, StateRecord][]).sort(([one], [other]) => (one < other ? -1 : 1))
  const values = records.flatMap(([, record]) => (isElement(record) && record.value) || [])
  const ordered = before
    .flatMap(({ requests }) => requests)
    .map(({ id, request }): [string, number] => [id, request.notAfterMs])
    .filter(([, notAfterMs]) => notAfterMs >= block.header.timeMs)
  const hashes = cardsToProve(state.epoch).map(cardHash)
  return {
    type: 'basis',
    height,
    headers: before.slice(1).map((step) => step.block.header),
    records,
    openings: values.map((value) => ledger.openings.get(value) as Opening),
    ordered: ordered.sort(([one], [other]) => (one < other ? -1 : 1)),
    cards: [alder2, elm, fir, gale]
      .map(({ card }) => card)
      .filter(({ card }) => hashes.includes(cardHash(card))),
  }
}

const LISTS = ['headers', 'records', 'openings', 'ordered', 'cards'] as const

/** The basis over many lines, none of which holds more than two of anything, and the last nothing at all. */
export function inManyLines(lines: readonly BundleLine[]): BundleLine[] {
  return lines.flatMap((line): BundleLine[] => {
    if (line.type !== 'basis') return [line]
    const count = Math.ceil(Math.max(...LISTS.map((name) => line[name].length)) / 2) + 1
    return Array.from({ length: count }, (_, index): BasisLine => {
      const parts = LISTS.map((name) => [name, line[name].slice(2 * index, 2 * index + 2)])
      return { type: 'basis', height: line.height, ...Object.fromEntries(parts) }
    })
  })
}
