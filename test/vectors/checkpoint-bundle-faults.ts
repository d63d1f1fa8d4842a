/** Bundles that begin at a checkpoint, with one fault each. */
import type { BasisLine, BundleLine } from '../../src/verify/bundle.ts'
import { begunAt, inManyLines, SHORT_BASIS, short } from './checkpoint-bundle-story.ts'
import { type BundleFault, blockAt, cosignatureOf, withoutLine } from './epoch-bundle-faults.ts'
import { TURNS } from './epoch-bundle-story.ts'
import { type EpochLedger, elm } from './epoch-world.ts'
import { alder, birch, hashNamed, rekeyed } from './world.ts'

const HERE = `ledger block ${SHORT_BASIS}`

const basisIn = (lines: BundleLine[]): BasisLine => lines.find((line) => line.type === 'basis') as BasisLine
const lineOf = (type: BundleLine['type']) => (lines: BundleLine[]) =>
  `line ${lines.findIndex((line) => line.type === type) + 1}`

/** The lines altered by somebody who holds no keys. */
const altered = (alter: (basis: BasisLine, lines: BundleLine[]) => unknown) => (): BundleLine[] => {
  const lines = begunAt(short(), SHORT_BASIS, elm)
  alter(basisIn(lines), lines)
  return lines
}
/** Of a ledger that its members have signed so. */
const signed = (go: (ledger: EpochLedger) => unknown) => (): BundleLine[] => {
  const ledger = short()
  go(ledger)
  return begunAt(ledger, SHORT_BASIS, elm)
}
/** A part of a list left out: by default the last. */
const without = (name: 'headers' | 'records' | 'openings' | 'cards', index = -1) =>
  altered((basis) => basis[name].splice(index, 1))
const fieldIn = ({ records }: BasisLine) =>
  records.find(([, record]) => 'value' in record)?.[1] as { name: string }
const forged = rekeyed(rekeyed(alder, 'forger'), 'forger 2')

export const CHECKPOINT_BUNDLE_FAULTS: BundleFault[] = [
  [
    'header-altered',
    'The next does not follow it.',
    'BLK-4',
    'ledger block 5',
    altered(({ headers }) => Object.assign(headers[3] as object, { stateRoot: hashNamed('state') })),
  ],
  ['header-missing', 'One in the middle.', 'BLK-4', 'ledger block 4', without('headers', 3)],
  [
    'header-malformed',
    'A key that no header has.',
    'BLK-1',
    'ledger block 4',
    altered(({ headers }) => Object.assign(headers[3] as object, { note: '' })),
  ],
  ['last-header-missing', 'They end before the block it begins with.', 'BUN-4', HERE, without('headers')],
  [
    'last-header-altered',
    'The records are not of its state.',
    'STA-1',
    HERE,
    altered(({ headers }) => Object.assign(headers.at(-1) as object, { stateRoot: hashNamed('state') })),
  ],
  [
    'header-past-it',
    'They go on behind the block it begins with.',
    'BUN-4',
    HERE,
    altered(({ headers }, lines) => headers.push(blockAt(lines, SHORT_BASIS + 1).block.header)),
  ],
  ['record-missing', 'One of its state.', 'STA-1', HERE, without('records')],
  [
    'record-altered',
    'A field of another name.',
    'STA-1',
    HERE,
    altered((basis) => Object.assign(fieldIn(basis), { name: 'Money' })),
  ],
  [
    'record-twice',
    'One of its state stands there again.',
    'STA-1',
    HERE,
    altered(({ records }) => records.push(...records.slice(-1))),
  ],
  [
    'record-without-uid',
    'No pair.',
    'BUN-4',
    HERE,
    altered(({ records }) => (records[0] as unknown[]).shift()),
  ],
  ['opening-missing', 'Of a value that is current there.', 'VAL-2', HERE, without('openings')],
  [
    'opening-of-nothing',
    'One more, that no field has.',
    'VAL-2',
    HERE,
    altered(({ openings }) => openings.push({ salt: 'AAAAAAAAAAAAAAAAAAAAAA', value: 'GBP' })),
  ],
  [
    'card-not-proved',
    'That of who came in is missing.',
    'CARD-2',
    HERE,
    altered((basis) => {
      basis.cards = basis.cards.filter(({ earlier }) => earlier !== undefined)
    }),
  ],
  [
    'card-of-a-forger',
    'In place of who replaced its own, by a key that its first card does not name.',
    'CARD-2',
    HERE,
    altered((basis) => {
      const { card, signature } = forged.card
      basis.cards = basis.cards.map((one) => (one.earlier ? { ...one, card, signature } : one))
    }),
  ],
  [
    'another-height',
    'A later line says another than the first.',
    'BUN-4',
    HERE,
    () => {
      const lines = inManyLines(begunAt(short(), SHORT_BASIS, elm))
      const last = lines.findLast((line) => line.type === 'basis') as BasisLine
      last.height += 1
      return lines
    },
  ],
  [
    'ordered-malformed',
    'An id without its time.',
    'BUN-4',
    HERE,
    altered(({ ordered }) => (ordered[0] as unknown[]).pop()),
  ],
  [
    'turn',
    'It begins with a block that ends an epoch.',
    'BUN-4',
    `ledger block ${TURNS.alder}`,
    () => begunAt(short(), TURNS.alder, elm),
  ],

  [
    'request-again-that-all-signed',
    'It was ordered before.',
    'REQ-5',
    (lines) => {
      const [entry] = blockAt(lines, SHORT_BASIS + 2).block.entries as { request: string }[]
      return `request ${entry?.request} in ledger block ${SHORT_BASIS + 2}`
    },
    signed((l) => l.order(l.steps[SHORT_BASIS]?.requests ?? [])),
  ],
  [
    'block-missing',
    'The first behind it.',
    'BLK-4',
    `ledger block ${SHORT_BASIS + 2}`,
    () => {
      const ledger = short()
      ledger.order([])
      const lines = begunAt(ledger, SHORT_BASIS, elm)
      return withoutLine(lines, blockAt(lines, SHORT_BASIS + 1))
    },
  ],
  [
    'opening-missing-behind-it',
    'Its exporter was in, so it was given that.',
    'VAL-2',
    'genesis',
    altered((_, lines) => blockAt(lines, SHORT_BASIS + 1).openings.pop()),
  ],

  [
    'cosignature-missing',
    'A member there that came in has signed nothing.',
    'COS-3',
    `cosignature of ${elm.party}`,
    () => {
      const lines = begunAt(short(), SHORT_BASIS, elm)
      return withoutLine(lines, cosignatureOf(lines, elm))
    },
  ],
  [
    'cosignature-from-before',
    'A member there has cosigned the block before, and nothing later.',
    'BUN-4',
    `cosignature of ${birch.party}`,
    signed((l) => l.cosign(SHORT_BASIS - 1, [birch])),
  ],
  [
    'cosignature-of-another-history',
    'A member there has cosigned other blocks before it.',
    'COS-2',
    HERE,
    signed((l) => {
      const other = { ...l.checkpoint(SHORT_BASIS), root: hashNamed('root') }
      l.cosignatures.set(birch.party, l.cosignature(birch, other))
    }),
  ],
  [
    'cosignature-by-a-former-key',
    'The cosign key of a card that had been replaced.',
    'CHK-2',
    `cosignature of ${alder.party}`,
    signed((l) => l.cosign(l.height, [alder])),
  ],

  [
    'behind-a-block',
    'A part of it stands behind the first block.',
    'BUN-1',
    (lines) => `line ${lines.length - 1}`,
    altered((basis, lines) => lines.splice(-1, 0, { ...basis, headers: [], records: [], openings: [] })),
  ],
  [
    'before-a-cosignature',
    'It stands behind the last.',
    'BUN-1',
    (lines) => `line ${lines.findIndex(({ type }) => type === 'basis') + 2}`,
    altered((basis, lines) => {
      const at = lines.indexOf(basis)
      lines.splice(at - 1, 2, basis, lines[at - 1] as BundleLine)
    }),
  ],
  [
    'line-without-cards',
    'Every list stands there, be it empty.',
    'BUN-1',
    lineOf('basis'),
    altered((basis) => Reflect.deleteProperty(basis, 'cards')),
  ],
  [
    'block-0',
    'A ledger is begun with its genesis, or with a later block.',
    'BUN-1',
    lineOf('basis'),
    altered((basis) => Object.assign(basis, { height: 0 })),
  ],
]
