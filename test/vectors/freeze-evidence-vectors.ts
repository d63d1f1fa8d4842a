/** Evidence of FREEZEs: two of one lineage, or a cosignature past one (PROTOCOL EVI-4). */
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import type { SignedFreeze } from '../../src/ledger/freeze.ts'
import { EpochLedger } from './epoch-world.ts'
import { freezeContext, freezeOf, parted, signedFreeze } from './freeze-world.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { birch, cedar, douglas, type Holder, hashNamed, type Ledger } from './world.ts'

const { left, right } = parted(2, 1)
const { contract } = left
const context = (changes: object = {}) => {
  const { contract, lineage, epoch, members } = freezeContext(left)
  return { contract, lineage, epoch, members, ...changes }
}
const evidence = (kind: string, first: unknown, second: unknown, changes: object = {}) => ({
  kind,
  party: cedar.party,
  contract,
  lineage: 0,
  first,
  second,
  ...changes,
})
const of = (size: number, by: Holder = cedar, ledger: Ledger = left) =>
  ledger.cosignature(by, ledger.checkpoint(size - 1))
const [none, three, both] = [
  freezeOf(left, cedar),
  freezeOf(left, cedar, [of(3)]),
  freezeOf(right, cedar, [of(4, cedar, right), of(5, birch)]),
] as [SignedFreeze, SignedFreeze, SignedFreeze]
/** What else it says does not matter. */
const strange = signedFreeze(cedar, { ...three.statement, history: null, evidence: ['nothing'] })
const later = new EpochLedger('parted')
later.lineage = 2
const freezes = (first: unknown, second: unknown, changes: object = {}) =>
  evidence('two-freezes', first, second, changes)
const past = (first: unknown, second: unknown, changes: object = {}) =>
  evidence('cosigned-past-freeze', first, second, changes)

const VALID: [name: string, about: string, value: object, changes?: object][] = [
  ['two-freezes', 'Of two histories.', freezes(three, both)],
  ['two-freezes-the-other-way-round', 'The same: it has the same id.', freezes(both, three)],
  ['two-freezes-of-one-history', 'They differ in a cosignature.', freezes(none, three)],
  [
    'two-freezes-one-of-which-would-not-hold',
    'What history and evidence say does not matter.',
    freezes(three, strange),
  ],
  [
    'two-freezes-of-a-later-lineage',
    'Lineage 2.',
    freezes(freezeOf(later, cedar), freezeOf(later, cedar, [of(3)]), { lineage: 2 }),
    { lineage: 2 },
  ],
  ['cosigned-past-freeze', 'One block more than it says was the last.', past(three, of(4))],
  ['cosigned-past-freeze-of-nothing', 'It says that it cosigned nothing.', past(none, of(1))],
  [
    'cosigned-past-freeze-on-another-history',
    'Of whichever history it is.',
    past(three, of(4, cedar, right)),
  ],
  [
    'cosigned-past-freeze-that-would-not-hold',
    'What history and evidence say does not matter.',
    past(strange, of(5)),
  ],
  [
    'cosigned-past-freeze-with-that-of-another',
    'Another’s cosignature in it is as large.',
    past(both, of(5)),
  ],
  [
    'cosigned-past-freeze-in-a-later-epoch',
    'Whichever epoch the checkpoint is of.',
    past(three, left.cosignature(cedar, { ...left.checkpoint(4), epoch: 2 })),
  ],
]

const UNFOUNDED: [name: string, about: string, value: object][] = [
  ['one-freeze-twice', 'One FREEZE is not two.', freezes(three, three)],
  ['freezes-of-two-parties', 'Two parties have signed one each.', freezes(three, freezeOf(left, birch))],
  ['freezes-of-two-lineages', 'One a lineage is as it should be.', freezes(three, freezeOf(later, cedar))],
  [
    'freezes-of-another-lineage',
    'They are of another lineage than it says.',
    freezes(freezeOf(later, cedar), freezeOf(later, cedar, [of(3)])),
  ],
  [
    'freezes-about-another-lineage',
    'It is about another lineage.',
    freezes(freezeOf(later, cedar), freezeOf(later, cedar, [of(3)]), { lineage: 2 }),
  ],
  [
    'freezes-of-another-contract',
    'It is about another contract.',
    freezes(three, none, { contract: hashNamed('contract') }),
  ],
  [
    'freezes-of-another-party',
    'It names another party than the one that signed.',
    freezes(three, none, { party: birch.party }),
  ],
  [
    'freezes-of-a-stranger',
    'Its party is not a member.',
    freezes(freezeOf(left, douglas), freezeOf(right, douglas), { party: douglas.party }),
  ],
  [
    'freeze-with-bad-signature',
    'The second has the signature of the first.',
    freezes(three, { ...none, signature: three.signature }),
  ],
  [
    'freeze-signed-by-another-key',
    'The vote key has signed the first.',
    freezes(signedFreeze(cedar, three.statement, cedar.keys.vote), none),
  ],
  ['cosigned-up-to-freeze', 'The last that it says it cosigned.', past(three, of(3))],
  ['cosigned-below-freeze', 'Less than it says it cosigned.', past(three, of(2))],
  ['cosigned-past-freeze-by-another', 'Another has cosigned.', past(three, of(4, birch))],
  ['cosigned-past-freeze-of-another', 'Another has frozen.', past(freezeOf(left, birch), of(4))],
  [
    'cosigned-past-freeze-with-bad-signature',
    'The cosignature has that of another size.',
    past(three, { ...of(4), signature: of(5).signature }),
  ],
  [
    'cosigned-past-freeze-by-another-key',
    'The vote key has cosigned.',
    past(three, of(4, { ...cedar, keys: { ...cedar.keys, cosign: cedar.keys.vote } })),
  ],
  [
    'cosigned-past-freeze-in-another-lineage',
    'It cosigned in the lineage after.',
    past(three, left.cosignature(cedar, { ...left.checkpoint(4), lineage: 1 })),
  ],
]

const malformed = (changes: object) => signedFreeze(cedar, { ...three.statement, ...changes })
const MALFORMED: [name: string, about: string, rule: string, value: object][] = [
  ['freezes-without-lineage', 'A key is missing.', 'EVI-1', freezes(three, none, { lineage: null })],
  ['freezes-with-unknown-key', 'A key that no evidence has.', 'EVI-1', freezes(three, none, { view: 0 })],
  ['freeze-and-cosignature-as-two-freezes', 'The second is no FREEZE.', 'LIN-1', freezes(three, of(4))],
  ['freezes-as-cosigned-past-freeze', 'The second is no cosignature.', 'CHK-2', past(three, none)],
  ['freeze-with-unknown-key', 'A key that no FREEZE has.', 'LIN-1', freezes(three, malformed({ note: '' }))],
  ['freeze-in-an-epoch', 'A FREEZE is of no epoch.', 'LIN-1', freezes(three, malformed({ epoch: 1 }))],
  [
    'freeze-of-another-type',
    'A statement of another type.',
    'LIN-1',
    freezes(malformed({ type: 'SKIP' }), none),
  ],
]

export function freezeEvidenceVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, value, changes] of VALID)
    vectors.valid(name, about, context(changes), json(value), { id: evidenceId(value as Evidence) })
  for (const [name, about, value] of UNFOUNDED) vectors.invalid(name, about, context(), json(value), 'EVI-4')
  for (const [name, about, rule, value] of MALFORMED)
    vectors.invalid(name, about, context(), json(value), rule, 'bad-format')
  return vectors.all
}
