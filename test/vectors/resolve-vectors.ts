/** Sets of FREEZEs, and the lineage that each leads to (PROTOCOL LIN-2, LIN-3). */
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { freezeId, type SignedFreeze } from '../../src/ledger/freeze.ts'
import type { FrozenHistory } from '../../src/ledger/freeze-history.ts'
import { lineageId, nextLineage } from '../../src/ledger/resolve.ts'
import { EpochLedger, twoVotes } from './epoch-world.ts'
import { INVALID_TURNS_RESOLVED, VALID_TURNS_RESOLVED } from './freeze-turn-vectors.ts'
import { freezeContext, freezeOf, historyOf, parted } from './freeze-world.ts'
import { freezeContextOf } from './judge-context.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, type Holder, hashNamed, type Ledger } from './world.ts'

const { left, right } = parted(2, 1)
const { contract } = left
const context = freezeContext(left)
const of = (by: Holder, ledger: Ledger, size = ledger.height + 1) =>
  ledger.cosignature(by, ledger.checkpoint(size - 1))

/** FREEZEs of Alder, Birch and Cedar: Alder shows the left ledger, Birch the right, Cedar by default the left. */
const byAlder = (cosignatures: Cosignature[], evidence: Evidence[] = [], history?: FrozenHistory) =>
  freezeOf(left, alder, cosignatures, evidence, history)
const byBirch = (cosignatures: Cosignature[], evidence: Evidence[] = [], history?: FrozenHistory) =>
  freezeOf(right, birch, cosignatures, evidence, history)
const byCedar = (cosignatures: Cosignature[], ledger: Ledger = left, history?: FrozenHistory) =>
  freezeOf(ledger, cedar, cosignatures, [], history)

const alders = of(alder, left)
const birchs = of(birch, right)
/** What all cosigned before the histories part. */
const common = [alder, birch, cedar].map((by) => of(by, left, 3)) as [Cosignature, Cosignature, Cosignature]
const votes = twoVotes(contract, cedar)

/** Of a contract whose histories part right at its beginning, by Cedar and one other each. */
const side = (by: Holder, stepMs: number, blocks: number) => {
  const ledger = new EpochLedger('parted')
  for (let count = 0; count < blocks; count += 1)
    ledger.order([], { timeMs: ledger.tip.block.header.timeMs + stepMs, signers: [by, cedar] })
  return ledger
}
const [one, other] = [side(alder, 1000, 1), side(birch, 2000, 1)]
const long = side(alder, 1000, 3)

/** Lineage 1 of the contract, with a block of its own. */
const next = new EpochLedger('parted')
next.order([])
const nextBase = { size: 2, block: next.tip.hash }
next.lineage = 1
const began = { ...next.checkpoint(), lineage: 1 }
next.order([])
const nextContext = freezeContext(next, nextBase)

const VALID: [name: string, about: string, freezes: SignedFreeze[], context?: object][] = [
  [
    'by-two-cosignatures-of-one-size',
    'Cedar has cosigned both histories, as two FREEZEs show together; the longer one goes on.',
    [byAlder([alders, of(cedar, left, 4)]), byBirch([birchs, of(cedar, right, 4)])],
  ],
  [
    'by-cosignatures-of-two-sizes',
    'The larger that Cedar has cosigned does not contain the smaller.',
    [byAlder([alders, of(cedar, left, 5)]), byBirch([birchs, of(cedar, right, 4)])],
  ],
  [
    'by-evidence',
    'Evidence against Cedar is in one of them.',
    [byAlder([alders], [votes]), byBirch([birchs])],
  ],
  [
    'by-two-freezes',
    'Cedar has signed two.',
    [byAlder([alders]), byBirch([birchs]), byCedar([]), byCedar([common[2]])],
  ],
  [
    'by-a-cosignature-past-a-freeze',
    'Birch holds a larger cosignature of Cedar than Cedar says was its last.',
    [byAlder([alders]), byBirch([birchs, of(cedar, right, 4)]), byCedar([common[2]])],
  ],
  [
    'by-a-cosignature-past-a-freeze-without-any',
    'Cedar says that it has cosigned nothing.',
    [byAlder([alders, common[2]]), byBirch([birchs]), byCedar([])],
  ],
  [
    'of-two-states-at-one-size',
    'Cedar has cosigned one block with two states.',
    [
      byAlder([alders, of(cedar, left, 4)]),
      byBirch([birchs, left.cosignature(cedar, { ...left.checkpoint(3), stateRoot: hashNamed('state') })]),
    ],
  ],
  [
    'with-nobody-guilty',
    'All three have frozen, and nothing proves anybody guilty: all go on, from where the histories part, since all tops are on a branch with that.',
    [byAlder([alders]), byBirch([birchs]), byCedar([common[2]])],
  ],
  [
    'with-all-their-cosignatures',
    'Each holds what the others cosigned before the histories parted; Cedar’s FREEZE stands beside what proves it guilty.',
    [
      byAlder([alders, common[1], of(cedar, left, 4)], [], historyOf(left, 2)),
      byBirch([birchs, common[0], of(cedar, right, 4)], [], historyOf(right, 2)),
      byCedar([of(cedar, left)]),
    ],
  ],
  [
    'where-histories-part',
    'Cedar stands on block 0, which is on the branch of every top.',
    [
      freezeOf(long, alder, [of(alder, long)]),
      freezeOf(other, birch, [of(birch, other)]),
      freezeOf(other, cedar, [of(cedar, other, 1)]),
    ],
  ],
  [
    'where-most-stand-and-not-the-longest',
    'Two tops on the shorter branch.',
    [
      freezeOf(long, alder, [of(alder, long)]),
      freezeOf(other, birch, [of(birch, other)]),
      freezeOf(other, cedar, [of(cedar, other)]),
    ],
  ],
  [
    'at-the-lowest-hash',
    'As many stand on either branch, and both are of one length.',
    [
      freezeOf(one, alder, [of(alder, one)]),
      freezeOf(other, birch, [of(birch, other)]),
      freezeOf(one, cedar),
    ],
  ],
  [
    'at-the-beginning',
    'Nobody has cosigned anything.',
    [freezeOf(left, alder), freezeOf(right, birch), freezeOf(left, cedar)],
  ],
  [
    'below-a-committed-block',
    'What was committed and cosigned by nobody is not gone on from.',
    [byAlder([common[0]]), byBirch([common[1]]), byCedar([common[2]])],
  ],
  [
    'by-a-cosignature-of-a-history-that-nobody-shows',
    'The larger of Cedar’s is of a history that is shown, and does not contain the smaller.',
    [
      byAlder([alders, left.cosignature(cedar, { ...left.checkpoint(1), root: hashNamed('root') })]),
      byBirch([birchs]),
      byCedar([common[2]]),
    ],
  ],
  [
    'with-a-cosignature-below-what-is-shown',
    'Whether Cedar’s larger contains its smaller, no history reaches down far enough to tell.',
    [
      byAlder(
        [
          alders,
          common[1],
          common[2],
          left.cosignature(cedar, { ...left.checkpoint(0), root: hashNamed('root') }),
        ],
        [],
        historyOf(left, 2),
      ),
      byBirch([birchs, common[0], common[2]], [], historyOf(right, 2)),
      byCedar([common[0], common[1], common[2]], left, historyOf(left, 2)),
    ],
  ],
  [
    'with-histories-shown-from-different-heights',
    'Alder shows its own from height 2 on, which all have cosigned past.',
    [
      byAlder([alders, common[1], common[2]], [], historyOf(left, 2)),
      byBirch([birchs]),
      byCedar([common[2]]),
    ],
  ],
  [
    'in-another-order',
    'The same as of evidence, the other way round.',
    [byBirch([birchs]), byAlder([alders], [votes])],
  ],
  [
    'one-twice',
    'A set has each but once.',
    [byAlder([alders], [votes]), byBirch([birchs]), byBirch([birchs])],
  ],
  [
    'of-a-later-lineage',
    'Lineage 2 begins where lineage 1 is.',
    [
      freezeOf(next, alder, [next.cosignature(alder)], [twoVotes(contract, cedar, 0, 1)], historyOf(next, 1)),
      freezeOf(next, birch, [next.cosignature(birch, began)], [], historyOf(next, 1)),
    ],
    nextContext,
  ],
  [
    'of-a-later-lineage-at-its-beginning',
    'Nobody has cosigned anything in it.',
    [
      freezeOf(next, alder, [], [twoVotes(contract, cedar, 0, 1)], historyOf(next, 1)),
      freezeOf(next, birch, [], [], historyOf(next, 1)),
    ],
    nextContext,
  ],
]

const INVALID: [name: string, about: string, rule: string, freezes: SignedFreeze[]][] = [
  ['without-a-member', 'Nothing proves Cedar guilty.', 'LIN-2', [byAlder([alders]), byBirch([birchs])]],
  ['of-none', 'Nobody has frozen.', 'LIN-2', []],
  [
    'without-a-member-that-cosigned-one-history',
    'Two sizes of one history prove nothing.',
    'LIN-2',
    [byAlder([alders, of(cedar, left, 4)]), byBirch([birchs, common[2]])],
  ],
  [
    'without-a-member-whose-other-history-nobody-shows',
    'A larger cosignature of a history that is not shown may contain the smaller.',
    'LIN-2',
    [
      byAlder([alders, of(cedar, left, 4)]),
      byBirch([birchs, left.cosignature(cedar, { ...left.checkpoint(4), size: 6, root: hashNamed('root') })]),
    ],
  ],
  [
    'with-one-twice-in-place-of-another',
    'One FREEZE twice is not two, nor that of another.',
    'LIN-2',
    [byAlder([alders]), byAlder([alders]), byBirch([birchs])],
  ],
  ['without-the-innocent', 'Cedar’s guilt does not do for Birch.', 'LIN-2', [byAlder([alders], [votes])]],
  [
    'with-one-that-does-not-hold',
    'Alder’s has the signature of Birch’s.',
    'LIN-1',
    [{ ...byAlder([alders], [votes]), signature: byBirch([birchs]).signature }, byBirch([birchs])],
  ],
  [
    'with-one-of-another-lineage',
    'Birch’s is of lineage 1.',
    'LIN-1',
    [byAlder([alders], [votes]), freezeOf(next, birch)],
  ],
]

export function resolveVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, freezes, place = context] of [...VALID, ...VALID_TURNS_RESOLVED])
    vectors.valid(name, about, place, json(freezes), outputsOf(freezes, place as typeof context))
  for (const [name, about, rule, freezes] of INVALID)
    vectors.invalid(name, about, context, json(freezes), rule)
  for (const [name, about, freezes, place, rule] of INVALID_TURNS_RESOLVED)
    vectors.invalid(name, about, place, json(freezes), rule)
  return vectors.all
}

function outputsOf(freezes: readonly SignedFreeze[], place: typeof context) {
  const found = nextLineage(freezes, freezeContextOf(place))
  if ('missing' in found)
    throw new Error(`missing: ${found.missing.join()} of ${freezes.map(freezeId).join()}`)
  return { id: lineageId(found.genesis), guilty: found.guilty, lineage: found.genesis }
}
