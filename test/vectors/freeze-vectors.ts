/** FREEZEs (PROTOCOL LIN-1). */
import { LogTree } from '../../src/crypto/log.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { evidenceId } from '../../src/ledger/evidence.ts'
import { type Freeze, freezeId, type SignedFreeze } from '../../src/ledger/freeze.ts'
import type { FrozenHistory } from '../../src/ledger/freeze-history.ts'
import { EpochLedger, elm, twoVotes } from './epoch-world.ts'
import { FAULTY_TURNS, MALFORMED_TURNS, VALID_TURNS } from './freeze-turn-vectors.ts'
import { freezeContext, freezeOf, historyOf, parted, signedFreeze } from './freeze-world.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, type Holder, hashNamed, type Ledger, type Step } from './world.ts'

const { left, right } = parted(2, 1)
const { contract } = left
const context = freezeContext(left)

/** Cosignatures of the left ledger: Alder's of all of it, the others' of so much. */
const own = left.cosignature(alder)
const of = (by: Holder, size: number, ledger: Ledger = left) =>
  left.cosignature(by, ledger.checkpoint(size - 1))
const usual = [own, of(birch, 3), of(cedar, 4)]
const twoCheckpoints: Evidence = {
  kind: 'two-checkpoints',
  party: cedar.party,
  contract,
  lineage: 0,
  first: of(cedar, 4),
  second: of(cedar, 4, right),
}
const votes = twoVotes(contract, cedar)
const birchVotes = twoVotes(contract, birch)
const byId = [votes, birchVotes].sort((a, b) => (evidenceId(a) < evidenceId(b) ? -1 : 1))

const genuine = freezeOf(left, alder, usual)
const { statement: said } = genuine
const late = historyOf(left, 2)
/** Alder's FREEZE saying otherwise, signed so. */
const saying = (changes: object) => signedFreeze(alder, { ...said, ...changes })
/** Alder's FREEZE showing something else, undefined for a key to be left out. */
const showing = (changes: object, cosignatures = usual, history: FrozenHistory = historyOf(left)) => {
  const shown = Object.entries({ ...history, ...changes }).filter(([, value]) => value !== undefined)
  return freezeOf(left, alder, cosignatures, [], Object.fromEntries(shown) as FrozenHistory)
}
const without = (key: string, value: object = said) => {
  const { [key]: _, ...rest } = value as Record<string, unknown>
  return rest
}
const holding = (...cosignatures: Cosignature[]) => freezeOf(left, alder, cosignatures)
const proving = (...evidence: Evidence[]) => freezeOf(left, alder, usual, evidence)

/** Lineage 1 of the contract, which began with the block at height 2 and has one more. */
const next = new EpochLedger('parted')
next.order([])
next.order([])
const nextBase = { size: 3, block: next.tip.hash }
next.lineage = 1
const began = historyOf(next, 2, 2, true)
const beganWith = next.checkpoint()
next.order([])
const inNext = (by: Holder) => next.cosignature(by, { ...beganWith, lineage: 1 })

/** A ledger that ends with a turn, committed in a later view. */
const turned = new EpochLedger('parted')
turned.turn(turned.turnEntry(turned.rekeyedBy('alder 2')), { certifiedView: 7 })

const VALID: [name: string, about: string, freeze: SignedFreeze, context?: object][] = [
  ['good', 'All of its history, and the last cosignature of each member.', genuine],
  [
    'from-what-is-final',
    'Its history from height 2 on, which all have cosigned.',
    showing({}, [own, of(birch, 3), of(cedar, 3)], late),
  ],
  ['without-cosignatures', 'Nobody has cosigned anything.', holding()],
  ['with-no-block-past-the-beginning', 'Block 0 takes no COMMIT.', showing({}, [], historyOf(left, 0, 0))],
  [
    'with-three-cosignatures-of-one',
    'One that counts, one beyond, and one of another history.',
    holding(
      own,
      of(cedar, 3),
      of(cedar, 4, right),
      left.cosignature(cedar, { ...left.checkpoint(), size: 6 }),
    ),
  ],
  ['with-evidence', 'Against Birch and Cedar, by id.', proving(votes, birchVotes)],
  ['with-evidence-of-two-checkpoints', 'Against Cedar.', proving(twoCheckpoints)],
  ['signed-in-a-batch', 'With another statement.', batched()],
  [
    'of-a-lineage-that-has-just-begun',
    'The block that it began with takes no COMMIT in it.',
    freezeOf(next, alder, [inNext(alder)], [], began),
    freezeContext(next, nextBase),
  ],
  [
    'of-a-later-lineage',
    'One block past its beginning.',
    freezeOf(next, alder, [next.cosignature(alder), inNext(birch)], [], historyOf(next, 2)),
    freezeContext(next, nextBase),
  ],
  [
    'of-a-turn-committed-in-a-later-view',
    'A COMMIT of a view after that of the header.',
    freezeOf(turned, birch),
    { ...freezeContext(turned), epoch: 0, members: context.members },
  ],
]

function batched(): SignedFreeze {
  const other = { type: 'SKIP', contract, lineage: 0, epoch: 0, view: 7 }
  const [, signature] = signStatements(alder.keys.cosign.privateKey, [other as never, said as never])
  return { statement: said, signature: signature as SignedFreeze['signature'] }
}

const reversed = <T>(list: readonly T[]): T[] => list.toReversed()
const MALFORMED: [name: string, about: string, freeze: unknown][] = [
  ['type-another', 'A statement of another type.', saying({ type: 'FINALIZE' })],
  ['with-unknown-key', 'A key that no FREEZE has.', saying({ note: '' })],
  ['without-evidence', 'A key is missing.', signedFreeze(alder, without('evidence'))],
  ['in-an-epoch', 'A FREEZE is of no epoch.', saying({ epoch: 1 })],
  ['in-a-view', 'Nor of a view.', saying({ view: 1 })],
  ['party-in-capitals', 'A party id in capitals.', saying({ party: alder.party.toUpperCase() })],
  ['unsigned', 'No signature.', { statement: said }],
  ['history-without-header', 'A key is missing.', saying({ history: without('header', said.history) })],
  ['history-of-no-blocks', 'It shows none.', saying({ history: { ...said.history, blocks: [] } })],
  [
    'history-from-a-negative-height',
    'No height is below 0.',
    saying({ history: { ...said.history, from: -1 } }),
  ],
  [
    'history-with-finalization-null',
    'Null in place of a key left out.',
    saying({ history: { ...said.history, finalization: null } }),
  ],
  [
    'cosignatures-in-another-order',
    'They stand by their JCS text.',
    saying({ cosignatures: reversed(said.cosignatures) }),
  ],
  [
    'cosignature-twice',
    'One stands there twice.',
    saying({ cosignatures: said.cosignatures.flatMap((one, index) => (index === 0 ? [one, one] : [one])) }),
  ],
  [
    'four-cosignatures-of-one',
    'Three at most.',
    holding(own, ...[1, 2, 3, 4].map((size) => of(cedar, size))),
  ],
  ['evidence-in-another-order', 'It stands by id.', saying({ evidence: reversed(byId) })],
  [
    'two-pieces-of-evidence-against-one',
    'One is enough.',
    saying({ evidence: [votes, twoCheckpoints].sort((a, b) => (evidenceId(a) < evidenceId(b) ? -1 : 1)) }),
  ],
  [
    'evidence-of-freezes',
    'Evidence of FREEZEs stands beside them, not in one.',
    saying({
      evidence: [
        {
          kind: 'two-freezes',
          party: cedar.party,
          contract,
          lineage: 0,
          first: freezeOf(left, cedar),
          second: freezeOf(left, cedar, [of(birch, 3)]),
        },
      ],
    }),
  ],
]

const { notarization, finalization } = left.tip as Required<Step>
const cut = (certificate: Certificate): Certificate => ({
  ...certificate,
  signatures: certificate.signatures.slice(0, 1),
})
const before = left.steps[3] as Required<Step>
const unsigned = (signatureOf: SignedFreeze) => ({ ...genuine, signature: signatureOf.signature })
const peaksOf = (size: number) => [
  ...new LogTree(left.steps.map(({ hash }) => logLeaf(hash))).frontier(size).hashes,
]

const FAULTY: [name: string, about: string, freeze: unknown, context?: object][] = [
  ['bad-signature', 'It has the signature of another FREEZE.', unsigned(holding(own))],
  ['signed-by-another-key', 'The vote key has signed.', signedFreeze(alder, said, alder.keys.vote)],
  ['signed-by-another-party', 'Another member has signed.', signedFreeze(birch, said)],
  ['of-a-stranger', 'Its party is not a member.', freezeOf(left, elm)],
  ['of-another-contract', 'It names another contract.', saying({ contract: hashNamed('contract') })],
  ['of-another-lineage', 'It names another lineage.', saying({ lineage: 1 })],

  [
    'own-cosignature-of-another-history',
    'What it cosigned is not what it shows.',
    holding(of(alder, 4, right), of(birch, 3)),
  ],
  [
    'own-cosignature-of-more-than-it-shows',
    'It shows one block less than it cosigned.',
    showing({}, usual, historyOf(left, 0, 3)),
  ],
  ['two-cosignatures-of-its-own', 'Of its own the last and no other.', holding(own, of(alder, 3))],
  [
    'forged-cosignature',
    'A member’s cosignature has the signature of another.',
    holding(own, { ...of(birch, 3), signature: of(cedar, 3).signature }),
  ],
  [
    'cosignature-of-a-stranger',
    'A cosignature of a party that is not a member.',
    holding(own, left.cosignature(elm)),
  ],
  [
    'cosignature-of-another-lineage',
    'Signed for another lineage.',
    holding(own, left.cosignature(birch, { ...left.checkpoint(2), lineage: 1 })),
  ],
  [
    'evidence-of-nothing',
    'One VOTE twice.',
    proving({ ...votes, second: (votes as { first: object }).first } as Evidence),
  ],
  [
    'evidence-of-another-contract',
    'It is about another contract.',
    proving(twoVotes(hashNamed('contract'), cedar)),
  ],
  ['evidence-of-another-lineage', 'It is about another lineage.', proving(twoVotes(contract, cedar, 0, 1))],

  [
    'without-commit',
    'Nothing shows that its tip was committed.',
    showing({ notarization: undefined, finalization: undefined }),
  ],
  ['without-finalization', 'Half of a COMMIT.', showing({ finalization: undefined })],
  ['commit-below-quorum', 'A FINALIZE of one of three.', showing({ finalization: cut(finalization) })],
  [
    'commit-of-another-block',
    'The COMMIT of the block before.',
    showing({ notarization: before.notarization, finalization: before.finalization }),
  ],
  [
    'commit-of-votes-alone',
    'A notarization in the place of the finalization.',
    showing({ finalization: notarization }),
  ],
  [
    'commit-of-two-views',
    'Notarised in one view, finalised in another.',
    showing({ finalization: left.certificate('finalization', left.tip, [alder, cedar], 9) }),
  ],
  [
    'commit-of-an-earlier-view',
    'Before the view in its header.',
    showing({
      notarization: left.certificate('notarization', left.tip, [alder, cedar], 1),
      finalization: left.certificate('finalization', left.tip, [alder, cedar], 1),
    }),
  ],
  [
    'commit-of-the-beginning',
    'What the lineage began with was committed in the one before.',
    freezeOf(next, alder, [inNext(alder)], [], historyOf(next, 2, 2)),
    freezeContext(next, nextBase),
  ],
  [
    'header-of-another-block',
    'The header of the block before its tip.',
    showing({ header: before.block.header }),
  ],
  [
    'header-altered',
    'A header with another time.',
    showing({ header: { ...left.tip.block.header, timeMs: 1 } }),
  ],
  [
    'block-altered',
    'Another hash in the middle.',
    showing({ blocks: said.history.blocks.with(2, hashNamed('block')) }),
  ],
  ['block-left-out', 'A hash is missing.', showing({ blocks: said.history.blocks.toSpliced(2, 1) })],

  [
    'peaks-altered',
    'Another root of what goes before.',
    showing({ peaks: [hashNamed('peak')] }, [own, of(birch, 3), of(cedar, 3)], late),
  ],
  [
    'peaks-missing',
    'None, where two blocks go before.',
    showing({ peaks: [] }, [own, of(birch, 3), of(cedar, 3)], late),
  ],
  [
    'peaks-of-another-size',
    'Of three blocks, where two go before.',
    showing({ peaks: peaksOf(3) }, [own, of(birch, 3), of(cedar, 3)], late),
  ],
  [
    'from-a-height-less',
    'It says that one block less goes before.',
    showing({ from: 1 }, [own, of(birch, 3), of(cedar, 3)], late),
  ],
  [
    'from-past-what-is-final',
    'A member has cosigned no more than goes before.',
    showing({}, [own, of(birch, 2), of(cedar, 3)], late),
  ],
  [
    'from-where-one-has-not-cosigned',
    'No cosignature of a member is in it.',
    showing({}, [own, of(cedar, 3)], late),
  ],
  [
    'from-where-one-has-cosigned-another-history',
    'The other members have cosigned past it.',
    showing({}, [own, of(birch, 4, right), of(cedar, 3)], late),
  ],
  [
    'from-before-the-beginning',
    'The lineage began with height 2.',
    freezeOf(next, alder, [next.cosignature(alder), inNext(birch), inNext(cedar)], [], historyOf(next, 1)),
    freezeContext(next, nextBase),
  ],
  [
    'tip-of-the-lineage-before',
    'A block that the lineage does not go on from.',
    freezeOf(next, alder, [], [], historyOf(next, 1, 1)),
    freezeContext(next, nextBase),
  ],
]

export function freezeVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, freeze, place = context] of [...VALID, ...VALID_TURNS])
    vectors.valid(name, about, place, json(freeze), outputsOf(freeze))
  for (const [name, about, freeze] of [...MALFORMED, ...MALFORMED_TURNS])
    vectors.invalid(name, about, context, json(freeze), 'LIN-1', 'bad-format')
  for (const [name, about, freeze, place = context] of [...FAULTY, ...FAULTY_TURNS])
    vectors.invalid(name, about, place, json(freeze), 'LIN-1')
  const text = JSON.stringify(genuine).replace('"party":', '"party":"","party":')
  vectors.invalid('duplicate-key', 'The party stands there twice.', context, { text }, 'ENC-1', 'bad-json')
  return vectors.all
}

function outputsOf(freeze: SignedFreeze) {
  const { from, blocks } = (freeze.statement as Freeze).history
  return { id: freezeId(freeze), tip: { size: from + blocks.length, block: blocks.at(-1) } }
}
