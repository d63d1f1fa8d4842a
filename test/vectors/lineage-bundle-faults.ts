/** Bundles of ledgers of two lineages, with one fault each. */
import type { BundleLine, LineageLine } from '../../src/verify/bundle.ts'
import { altered, type BundleFault, blockAt, cosignatureOf, withoutLine } from './epoch-bundle-faults.ts'
import { goneOn, resolved } from './epoch-bundle-story.ts'
import type { EpochLedger } from './epoch-world.ts'
import { freezeOf } from './freeze-world.ts'
import { alder, birch, cedar, type Holder, hashNamed, type OrderOptions } from './world.ts'

/** Of `goneOn`: the height of what lineage 1 began with, and where its line stands. */
const BASE = 4
const lineageOf = (lines: BundleLine[]): LineageLine =>
  lines.find(({ type }) => type === 'lineage') as LineageLine
const inLineage = (alter: (line: LineageLine) => unknown) =>
  altered((lines) => alter(lineageOf(lines)), goneOn)
const moved = (by: number) => () => {
  const lines = goneOn().lines()
  const line = lineageOf(lines)
  const index = lines.indexOf(line)
  const rest = withoutLine(lines, line)
  rest.splice(index + by, 0, line)
  return rest
}
const withFreezes = (make: (ledger: EpochLedger, line: LineageLine) => LineageLine['freezes']) => () => {
  const ledger = goneOn()
  const lines = ledger.lines()
  const line = lineageOf(lines)
  line.freezes = make(ledger, line)
  return lines
}
/** The first block of lineage 1 made otherwise, and signed so. */
const beginning =
  (by: Holder, options: OrderOptions = {}, asks = false) =>
  () => {
    const ledger = resolved()
    ledger.order(asks ? [ledger.ask(ledger.newPolicy(by))] : [], options)
    ledger.cosign()
    return ledger.lines()
  }
const firstRequest = (lines: BundleLine[]) => {
  const [entry] = blockAt(lines, BASE + 1).block.entries as { request: string }[]
  return `request ${entry?.request} in ledger block ${BASE + 1}`
}

export const LINEAGE_BUNDLE_FAULTS: BundleFault[] = [
  [
    'lineage-line-missing',
    'Nothing says why a lineage begins.',
    'BLK-1',
    `ledger block ${BASE + 1}`,
    () => {
      const lines = goneOn().lines()
      return withoutLine(lines, lineageOf(lines))
    },
  ],
  [
    'lineage-line-twice',
    'Its FREEZEs are of the lineage before.',
    'LIN-1',
    'lineage 2',
    altered((lines) => lines.splice(lines.indexOf(lineageOf(lines)), 0, lineageOf(lines)), goneOn),
  ],
  ['lineage-line-a-block-early', 'The ledger has not come to its tip.', 'LIN-3', 'lineage 1', moved(-1)],
  [
    'lineage-line-a-block-late',
    'The lineage has begun before it.',
    'BLK-1',
    `ledger block ${BASE + 1}`,
    moved(1),
  ],
  [
    'lineage-line-with-unknown-key',
    'A key that no such line has.',
    'BUN-1',
    'line 9',
    inLineage((line) => Object.assign(line, { note: '' })),
  ],
  [
    'lineage-line-of-no-freezes',
    'A list of nothing.',
    'BUN-1',
    'line 9',
    inLineage((line) => line.freezes.splice(0)),
  ],
  [
    'lineage-with-another-tip',
    'It says another block.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => Object.assign(lineage.tip, { block: hashNamed('tip') })),
  ],
  [
    'lineage-with-a-smaller-tip',
    'It says another size.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => Object.assign(lineage.tip, { size: lineage.tip.size - 1 })),
  ],
  [
    'lineage-of-another-number',
    'It says another number.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => Object.assign(lineage, { lineage: 2 })),
  ],
  [
    'lineage-with-the-guilty',
    'It lets in whom its FREEZEs prove guilty.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => lineage.members.push(cedar.party)),
  ],
  [
    'lineage-with-its-members-in-another-order',
    'They lead in the order of before.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => lineage.members.reverse()),
  ],
  [
    'lineage-of-other-freezes',
    'It names one that is not there.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) =>
      Object.assign(lineage, { freezes: [...lineage.freezes.slice(1), 'f'.repeat(64)] }),
    ),
  ],
  [
    'lineage-with-unknown-key',
    'A key that no lineage has.',
    'LIN-3',
    'lineage 1',
    inLineage(({ lineage }) => Object.assign(lineage, { guilty: [cedar.party] })),
  ],
  [
    'lineage-without-a-freeze-that-it-needs',
    'That of Birch is missing.',
    'LIN-2',
    'lineage 1',
    withFreezes((_, { freezes }) => freezes.slice(0, 1)),
  ],
  [
    'lineage-with-a-freeze-more',
    'One of Cedar, that it does not name.',
    'LIN-3',
    'lineage 1',
    withFreezes((_, { freezes }) => {
      const frozen = resolved()
      frozen.lineage = 0
      return [...freezes, freezeOf(frozen, cedar)]
    }),
  ],
  [
    'lineage-with-a-freeze-that-proves-nothing',
    'Alder’s does not hold Cedar’s cosignature.',
    'LIN-2',
    'lineage 1',
    withFreezes((_, { freezes }) => {
      const ledger = resolved()
      ledger.lineage = 0
      ledger.lineageLines.clear()
      return [freezeOf(ledger, alder, [ledger.cosignature(alder)]), ...freezes.slice(1)]
    }),
  ],
  [
    'lineage-with-a-freeze-altered',
    'A cosignature is taken out of one.',
    'LIN-1',
    'lineage 1',
    inLineage(({ freezes }) => freezes[0]?.statement.cosignatures.pop()),
  ],
  [
    'lineage-with-a-freeze-with-bad-signature',
    'One has the signature of another.',
    'LIN-1',
    'lineage 1',
    inLineage(({ freezes }) => Object.assign(freezes[0] as object, { signature: freezes[1]?.signature })),
  ],
  [
    'lineage-with-a-freeze-malformed',
    'A word in place of a FREEZE.',
    'LIN-1',
    'lineage 1',
    inLineage(({ freezes }) => freezes.splice(0, 1, 'FREEZE' as never)),
  ],

  [
    'lineage-in-a-header-that-does-not-go-on',
    'A block of lineage 0 behind the line of lineage 1.',
    'BLK-1',
    `ledger block ${BASE + 1}`,
    beginning(alder, { header: (right) => ({ ...right, lineage: 0 }) }),
  ],
  [
    'lineage-with-its-first-view-not-later',
    'Its view is that of the block it began with.',
    'BLK-4',
    `ledger block ${BASE + 1}`,
    beginning(alder, { view: BASE }),
  ],
  [
    'lineage-with-a-request-of-who-is-left-out',
    'Nothing of it is ordered any more.',
    'REQ-6',
    firstRequest,
    beginning(cedar, {}, true),
  ],
  [
    'lineage-committed-by-who-is-left-out',
    'Cedar is no member of it.',
    'ORD-1',
    `ledger block ${BASE + 1}`,
    beginning(alder, { signers: [alder, cedar] }),
  ],
  [
    'lineage-committed-by-one',
    'A majority of two is two.',
    'ORD-1',
    `ledger block ${BASE + 1}`,
    beginning(alder, { signers: [alder] }),
  ],

  [
    'lineage-cosigned-by-who-is-left-out',
    'Cedar has cosigned in it.',
    'CHK-2',
    `cosignature of ${cedar.party}`,
    () => {
      const ledger = goneOn()
      ledger.cosign(ledger.height, [cedar])
      return ledger.lines()
    },
  ],
  [
    'lineage-not-cosigned-by-a-member',
    'Birch has signed nothing in it.',
    'COS-3',
    `cosignature of ${birch.party}`,
    () => {
      const lines = goneOn().lines()
      return withoutLine(lines, cosignatureOf(lines, birch))
    },
  ],
  [
    'lineage-cosigned-in-the-one-before',
    'The cosignatures are all of lineage 0.',
    'BUN-1',
    (lines) => `line ${lines.length}`,
    () => {
      const ledger = goneOn()
      const cosignatures = [alder, birch, cedar].map((one) =>
        ledger.cosignature(one, { ...ledger.checkpoint(1), lineage: 0 }),
      )
      const lines = ledger.lines().filter(({ type }) => type !== 'cosignature')
      lines.splice(2, 0, ...cosignatures.map((one) => ({ type: 'cosignature' as const, ...one })))
      return lines
    },
  ],
  [
    'lineage-cosigned-below-its-beginning',
    'A size that the ledger had in the lineage before.',
    'BUN-2',
    `cosignature of ${birch.party}`,
    () => {
      const ledger = goneOn()
      ledger.cosignatures.set(birch.party, ledger.cosignature(birch, { ...ledger.checkpoint(1), lineage: 1 }))
      return ledger.lines()
    },
  ],
  [
    'lineage-cosigned-by-a-bad-signature',
    'Birch’s cosignature was signed for lineage 0.',
    'CHK-2',
    `cosignature of ${birch.party}`,
    () => {
      const ledger = goneOn()
      ledger.cosignatures.set(birch.party, ledger.cosignature(birch, { ...ledger.checkpoint(), lineage: 0 }))
      return ledger.lines()
    },
  ],
  [
    'lineage-with-an-uncommitted-tail',
    'Nobody has committed its last block.',
    'ORD-7',
    `ledger block ${BASE + 4}`,
    () => {
      const ledger = goneOn()
      ledger.order([], { certify: ['notarization'] })
      return ledger.lines()
    },
  ],
]
