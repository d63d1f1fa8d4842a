/** Bundles of ledgers of many epochs, with one fault each. */
import type { TurnEntry } from '../../src/ledger/turn.ts'
import type { BlockLine, BundleLine, CosignatureLine } from '../../src/verify/bundle.ts'
import { alder2, club, TURNS, withoutValues } from './epoch-bundle-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import { alder, birch, cedar, DAY_MS, type Holder, hashNamed, type Step } from './world.ts'

export type BundleFault = [
  name: string,
  about: string,
  rule: string,
  place: string | ((lines: BundleLine[]) => string),
  make: () => BundleLine[],
]

export const blockAt = (lines: BundleLine[], height: number): BlockLine =>
  lines.find((line) => line.type === 'ledger-block' && line.block.header.height === height) as BlockLine
export const cosignatureOf = (lines: BundleLine[], { party }: Holder): CosignatureLine =>
  lines.find((line) => line.type === 'cosignature' && line.party === party) as CosignatureLine
export const withoutLine = (lines: BundleLine[], gone: BundleLine) => lines.filter((line) => line !== gone)
const turnAt = (lines: BundleLine[], height: number): TurnEntry => {
  const [entry] = blockAt(lines, height).block.entries
  return entry as TurnEntry
}

/** The lines of a ledger, altered by somebody who holds no keys. */
export const altered =
  (alter: (lines: BundleLine[]) => unknown, make: () => EpochLedger = club) =>
  (): BundleLine[] => {
    const lines = make().lines()
    alter(lines)
    return lines
  }
/** A ledger that goes on from there in a way that its members have signed. */
const goingOn = (go: (ledger: EpochLedger) => unknown, upTo?: number) => (): BundleLine[] => {
  const ledger = club({ upTo })
  go(ledger)
  for (const one of [alder, birch, cedar]) if (!ledger.cosignatures.has(one.party)) ledger.cosign(0, [one])
  return ledger.lines()
}
const cosigned = (go: (ledger: EpochLedger) => unknown) => () => {
  const ledger = club()
  go(ledger)
  return ledger.lines()
}
/** Certificates of the block at a height made anew by others, or in another view. */
const certified = (height: number, signers: readonly Holder[], view?: number) => () => {
  const ledger = club()
  const step = ledger.steps[height] as Step
  step.notarization = ledger.certificate('notarization', step, signers, view)
  return ledger.lines()
}
const requestIn = (height: number) => (lines: BundleLine[]) => {
  const [entry] = blockAt(lines, height).block.entries as { request: string }[]
  return `request ${entry?.request} in ledger block ${height}`
}
const byFormerKey = { ...alder, party: alder2.party }

export const EPOCH_BUNDLE_FAULTS: BundleFault[] = [
  [
    'turn-without-a-cosignature',
    'A member’s is missing in its certificate.',
    'EPO-9',
    `ledger block ${TURNS.elm}`,
    altered((lines) => turnAt(lines, TURNS.elm).certificate.splice(1, 1)),
  ],
  [
    'turn-of-other-members',
    'It leaves out a member that stays.',
    'EPO-8',
    `ledger block ${TURNS.elm}`,
    altered((lines) => turnAt(lines, TURNS.elm).members.shift()),
  ],
  [
    'turn-of-another-change',
    'It names a change that there is not.',
    'EPO-7',
    `ledger block ${TURNS.elm}`,
    altered((lines) => Object.assign(turnAt(lines, TURNS.elm), { change: hashNamed('change') })),
  ],
  [
    'turn-left-out',
    'The block that ended an epoch is missing.',
    'BLK-1',
    `ledger block ${TURNS.elm + 1}`,
    () => {
      const lines = club().lines()
      return withoutLine(lines, blockAt(lines, TURNS.elm))
    },
  ],
  [
    'turn-without-notarization',
    'Half of its COMMIT is missing.',
    'EPO-11',
    `ledger block ${TURNS.elm + 1}`,
    altered((lines) => Reflect.deleteProperty(blockAt(lines, TURNS.elm), 'notarization')),
  ],
  [
    'turn-without-commit',
    'A COMMIT of a later block does not do.',
    'EPO-11',
    `ledger block ${TURNS.elm + 1}`,
    altered((lines) => {
      Reflect.deleteProperty(blockAt(lines, TURNS.elm), 'notarization')
      Reflect.deleteProperty(blockAt(lines, TURNS.elm), 'finalization')
    }),
  ],
  [
    'turn-committed-in-two-views',
    'Notarised in one view, finalised in another.',
    'ORD-1',
    `ledger block ${TURNS.elm}`,
    certified(TURNS.elm, [alder, birch, cedar], 40),
  ],
  [
    'turn-committed-in-an-earlier-view',
    'Before that of its header.',
    'ORD-1',
    `ledger block ${TURNS.elm}`,
    certified(TURNS.elm, [alder, birch, cedar], 1),
  ],
  [
    'turn-committed-by-who-comes-in',
    'Who comes in is no member yet.',
    'ORD-1',
    `ledger block ${TURNS.elm}`,
    certified(TURNS.elm, [alder, birch, elm]),
  ],
  [
    'after-a-turn-committed-below-its-quorum',
    'Two of three were enough; of four they are not.',
    'ORD-1',
    `ledger block ${TURNS.elm + 1}`,
    certified(TURNS.elm + 1, [alder, birch]),
  ],
  [
    'after-a-turn-committed-by-a-former-key',
    'The vote key of a card that was replaced.',
    'ORD-1',
    `ledger block ${TURNS.alder + 1}`,
    certified(TURNS.alder + 1, [byFormerKey, birch, cedar]),
  ],
  [
    'after-a-turn-committed-by-who-left',
    'It was a member.',
    'ORD-1',
    `ledger block ${TURNS.cedar + 1}`,
    certified(TURNS.cedar + 1, [birch, cedar]),
  ],
  [
    'after-a-turn-committed-in-the-epoch-before',
    'VOTEs that name the epoch that has ended.',
    'ORD-1',
    `ledger block ${TURNS.elm + 1}`,
    () => {
      const ledger = club()
      const step = ledger.steps[TURNS.elm + 1] as Step
      const { header } = step.block
      const before = { ...step, block: { ...step.block, header: { ...header, epoch: 0 } } }
      step.notarization = ledger.certificate('notarization', before, [alder, birch, cedar, elm])
      return ledger.lines()
    },
  ],
  [
    'block-of-a-later-view-than-its-header',
    'Only a turn may be committed in a later view.',
    'ORD-1',
    'ledger block 2',
    certified(2, [alder, birch, cedar], 40),
  ],

  [
    'request-by-a-former-key-that-all-signed',
    'A key of a card that was replaced.',
    'REQ-1',
    requestIn(9),
    goingOn((l) => {
      l.order([l.ask(l.newPolicy(alder))])
      l.order([])
    }, TURNS.alder),
  ],
  [
    'request-of-who-has-left-that-all-signed',
    'It was a member.',
    'REQ-6',
    requestIn(12),
    goingOn((l) => l.order([l.ask(l.newPolicy(cedar))]), TURNS.cedar),
  ],
  [
    'request-of-an-observer-that-all-signed',
    'It may not.',
    'EPO-2',
    requestIn(16),
    goingOn((l) => l.order([l.ask(l.newPolicy(fir))]), TURNS.fir),
  ],
  [
    'tick-that-all-signed',
    'Nothing has lapsed yet.',
    'EPO-14',
    'ledger block 18',
    goingOn((l) => l.unchanged([{ kind: 'tick' }]), 17),
  ],
  [
    'tick-without-effect-that-all-signed',
    'What has lapsed stays.',
    'STA-1',
    'ledger block 18',
    goingOn((l) => {
      const { stateRoot } = l.tip.block.header
      l.tick({ timeMs: l.timeMs + 2 * DAY_MS, header: (right) => ({ ...right, stateRoot }) })
    }, 17),
  ],
  [
    'tick-left-out',
    'The next block does not follow.',
    'BLK-4',
    'ledger block 19',
    () => {
      const lines = club().lines()
      return withoutLine(lines, blockAt(lines, 18))
    },
  ],

  [
    'cosignature-by-a-former-key',
    'The cosign key of a card that was replaced before that height.',
    'CHK-2',
    `cosignature of ${alder.party}`,
    cosigned((l) => l.cosign(l.height, [alder])),
  ],
  [
    'cosignature-by-a-key-to-come',
    'The cosign key of a card before its turn.',
    'CHK-2',
    `cosignature of ${alder.party}`,
    cosigned((l) => l.cosign(TURNS.alder, [alder2])),
  ],
  [
    'cosignature-of-who-came-in-before-it-did',
    'Of the turn that brings it.',
    'CHK-2',
    `cosignature of ${elm.party}`,
    cosigned((l) => l.cosign(TURNS.elm, [elm])),
  ],
  [
    'cosignature-of-who-left-after-it-did',
    'It is no member any more.',
    'CHK-2',
    `cosignature of ${cedar.party}`,
    cosigned((l) => l.cosign(TURNS.cedar + 1, [cedar])),
  ],
  [
    'cosignature-of-an-observer-with-bad-signature',
    'It is never counted, and checked all the same.',
    'CHK-2',
    `cosignature of ${fir.party}`,
    altered((lines) =>
      Object.assign(cosignatureOf(lines, fir), { signature: cosignatureOf(lines, elm).signature }),
    ),
  ],
  [
    'cosignature-of-who-came-in-on-another-history',
    'It has cosigned another root.',
    'COS-2',
    'ledger block 19',
    cosigned((l) =>
      l.cosignatures.set(elm.party, l.cosignature(elm, { ...l.checkpoint(), root: hashNamed('root') })),
    ),
  ],
  [
    'cosignature-of-who-came-in-in-another-epoch',
    'It has cosigned a checkpoint of another epoch.',
    'CHK-1',
    'ledger block 19',
    cosigned((l) => l.cosignatures.set(elm.party, l.cosignature(elm, { ...l.checkpoint(), epoch: 1 }))),
  ],
  [
    'cosignature-of-who-came-in-past-the-end',
    'It has cosigned more than the file holds.',
    'BUN-2',
    `cosignature of ${elm.party}`,
    cosigned((l) => l.cosignatures.set(elm.party, l.cosignature(elm, { ...l.checkpoint(), size: 21 }))),
  ],
  [
    'cosignature-of-who-came-in-twice',
    'Once is enough.',
    'BUN-1',
    `cosignature of ${elm.party}`,
    altered((lines) => lines.splice(2, 0, cosignatureOf(lines, elm))),
  ],
  [
    'cosignature-of-who-left-missing',
    'It was a member of the genesis.',
    'COS-3',
    `cosignature of ${cedar.party}`,
    () => {
      const lines = club().lines()
      return withoutLine(lines, cosignatureOf(lines, cedar))
    },
  ],
  [
    'committed-by-an-observer-alone',
    'Its cosignature commits nothing.',
    'ORD-7',
    'ledger block 20',
    cosigned((l) => {
      l.order([], { certify: [] })
      l.cosign(l.height, [fir])
    }),
  ],

  [
    'opening-from-after-its-turn-missing',
    'Who came in is given all from the block after its turn on.',
    'VAL-2',
    'genesis',
    () => withoutValues(club(), elm, TURNS.elm + 1),
  ],
  [
    'opening-missing-of-who-was-given-all',
    'Its invitation had older true.',
    'VAL-2',
    'genesis',
    () => withoutValues(club({ older: true }), elm, TURNS.elm),
  ],
  [
    'opening-missing-of-a-founder',
    'A member of the genesis has been given all.',
    'VAL-2',
    'genesis',
    () => withoutValues(club(), birch, 1),
  ],
  [
    'outcome-that-cannot-be-though-not-opened',
    'What is not opened is computed as far as it can be.',
    'REQ-4',
    (lines) => {
      const [, entry] = blockAt(lines, 2).block.entries as { request: string }[]
      return `request ${entry?.request} in ledger block 2`
    },
    () => {
      const lines = withoutValues(club(), elm, TURNS.elm)
      blockAt(lines, 2).block.entries[1] = {
        kind: 'request',
        request: (blockAt(lines, 2).block.entries[1] as { request: string }).request,
        outcome: 'accepted',
      }
      return lines
    },
  ],
  [
    'lineage-of-cosignatures-that-there-is-not',
    'All are said to be of lineage 1.',
    'BUN-1',
    (lines) => `line ${lines.length}`,
    altered((lines) => {
      for (const line of lines) if (line.type === 'cosignature') line.lineage = 1
    }),
  ],
  [
    'lineage-of-one-cosignature',
    'One is said to be of lineage 1.',
    'BUN-1',
    `cosignature of ${fir.party}`,
    altered((lines) => Object.assign(cosignatureOf(lines, fir), { lineage: 1 })),
  ],
]
