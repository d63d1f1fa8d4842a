/** Certificates: a quorum's signatures on one statement (PROTOCOL ORD-1). */
import type { StatementSignature } from '../../src/crypto/statement.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, type Holder, hashNamed } from './world.ts'

const contract = hashNamed('contract')
const block = hashNamed('block')
const members = [alder, birch, cedar]
const four = [...members, douglas]
const context = (quorum = 2, of: readonly Holder[] = members) => ({
  contract,
  lineage: 0,
  epoch: 0,
  quorum,
  members: of.map(({ party, keys }) => ({ party, vote: keys.vote.publicKey })),
})

const at = { contract, lineage: 0, epoch: 0, view: 7 }
const STATEMENTS = {
  notarization: { type: 'VOTE', ...at, block },
  finalization: { type: 'FINALIZE', ...at, block },
  skip: { type: 'SKIP', ...at },
} as const
type Kind = keyof typeof STATEMENTS

type Signed = [party: string, signature: StatementSignature]
/** A holder's signature; every second one in a batch with a statement of no concern here. */
function sign(statement: object, by: Holder, place = 0, party = by.party): Signed {
  const others = place % 2 === 0 ? [] : [{ ...statement, contract: hashNamed('another') }]
  return [
    party,
    signStatements(by.keys.vote.privateKey, [...others, statement as never]).at(-1) as StatementSignature,
  ]
}
const signedBy = (kind: Kind, by: readonly Holder[], changes: object = {}): Signed[] =>
  by.map((holder, place) => sign({ ...STATEMENTS[kind], ...changes }, holder, place))
const certificate = (kind: Kind, signatures: unknown[], changes: object = {}) => ({
  kind,
  view: 7,
  ...(kind !== 'skip' && { block }),
  signatures,
  ...changes,
})
const voted = signedBy('notarization', [alder, birch]) as [Signed, Signed]

/** Of the right form, but not what a quorum signed. */
const UNSIGNED: [name: string, about: string, value: object, context?: object][] = [
  ['below-quorum', 'One signature where two are needed.', certificate('notarization', voted.slice(0, 1))],
  [
    'below-quorum-of-bft',
    'Two of four signatures where ⌊8/3⌋ + 1 are needed.',
    certificate('finalization', signedBy('finalization', [alder, birch])),
    context(3, four),
  ],
  [
    'below-quorum-of-half',
    'Two of four signatures where a majority is needed.',
    certificate('skip', signedBy('skip', [alder, birch])),
    context(3, four),
  ],
  [
    'below-quorum-of-all',
    'Two of three signatures where all are needed.',
    certificate('notarization', voted),
    context(3),
  ],
  [
    'one-party-twice',
    'The quorum counts one party twice.',
    certificate('notarization', [voted[0], voted[0]]),
  ],
  [
    'one-party-twice-in-two-ways',
    'One party alone and in a batch.',
    certificate('notarization', [
      sign(STATEMENTS.notarization, alder),
      sign(STATEMENTS.notarization, alder, 1),
    ]),
  ],
  [
    'one-party-twice-beside-a-quorum',
    'Two parties, one of them twice.',
    certificate('notarization', [...voted, voted[0]]),
  ],
  [
    'stranger',
    'One of two signers is not a member.',
    certificate('notarization', signedBy('notarization', [alder, douglas])),
  ],
  [
    'stranger-beside-a-quorum',
    'A quorum of members, and a stranger.',
    certificate('notarization', signedBy('notarization', [alder, birch, douglas])),
  ],
  [
    'stranger-in-a-members-name',
    'A stranger has signed under a member’s name.',
    certificate('notarization', [voted[0], sign(STATEMENTS.notarization, douglas, 0, birch.party)]),
  ],
  [
    'bad-signature-beside-a-quorum',
    'Two good signatures, and a third of another view.',
    certificate('notarization', [...voted, ...signedBy('notarization', [cedar], { view: 8 })]),
  ],
  [
    'signatures-swapped',
    'Each signature stands under the other’s name.',
    certificate('notarization', [
      [voted[0][0], voted[1][1]],
      [voted[1][0], voted[0][1]],
    ]),
  ],
  ['votes-as-finalization', 'Votes are no finalization.', certificate('finalization', voted)],
  [
    'finalizes-as-notarization',
    'FINALIZEs are no notarization.',
    certificate('notarization', signedBy('finalization', members)),
  ],
  ['votes-as-skip', 'Votes are no skip.', certificate('skip', voted)],
  [
    'of-another-view',
    'Signed was another view.',
    certificate('notarization', signedBy('notarization', members, { view: 8 })),
  ],
  [
    'of-another-block',
    'Signed was another block.',
    certificate('notarization', signedBy('notarization', members, { block: hashNamed('b') })),
  ],
  [
    'of-another-contract',
    'Signed was another contract.',
    certificate('skip', signedBy('skip', members, { contract: hashNamed('c') })),
  ],
  [
    'of-another-lineage',
    'Signed was another lineage.',
    certificate('skip', signedBy('skip', members, { lineage: 1 })),
  ],
  [
    'of-another-epoch',
    'Signed was another epoch.',
    certificate('finalization', signedBy('finalization', members, { epoch: 1 })),
  ],
  [
    'batch-left-out',
    'A signature on a batch without its path.',
    certificate('notarization', [voted[0], [voted[1][0], { signature: voted[1][1].signature }]]),
  ],
]

const MALFORMED: [name: string, about: string, value: unknown][] = [
  ['kind-unknown', 'A kind that there is not.', certificate('notarization', voted, { kind: 'commit' })],
  [
    'view-0',
    'Views count from 1.',
    certificate('notarization', signedBy('notarization', members, { view: 0 }), { view: 0 }),
  ],
  [
    'notarization-without-block',
    'A notarization of nothing.',
    { kind: 'notarization', view: 7, signatures: voted },
  ],
  ['skip-with-block', 'A skip of a block.', certificate('skip', signedBy('skip', members), { block })],
  ['signatures-none', 'Nobody has signed.', certificate('skip', [])],
  [
    'signatures-by-name',
    'An object in place of a list of pairs.',
    certificate('notarization', voted, { signatures: Object.fromEntries(voted) }),
  ],
  [
    'signature-a-triple',
    'Three in place of a pair.',
    certificate('notarization', [voted[0], [...voted[1], 1]]),
  ],
  [
    'signature-a-text',
    'A signature by itself in place of one with its place.',
    certificate('notarization', [voted[0], [voted[1][0], voted[0][1].signature]]),
  ],
  [
    'party-in-capitals',
    'A party id in capitals.',
    certificate('notarization', [voted[0], [birch.party.toUpperCase(), voted[1][1]]]),
  ],
  ['unknown-key', 'A key that no certificate has.', certificate('notarization', voted, { height: 7 })],
  ['not-an-object', 'The signatures alone.', voted],
]

export function certificateVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (name: string, about: string, kind: Kind, by: readonly Holder[], where = context()) =>
    vectors.valid(name, about, where, json(certificate(kind, signedBy(kind, by))), {
      statement: STATEMENTS[kind],
    })
  take('notarization', 'VOTEs of a quorum, one alone and one in a batch.', 'notarization', [alder, birch])
  take('finalization', 'FINALIZEs of all.', 'finalization', members)
  take('skip', 'SKIPs of a quorum.', 'skip', [cedar, birch])
  take('signers-in-any-order', 'Signers in another order than that of the members.', 'notarization', [
    cedar,
    birch,
    alder,
  ])
  take('bft-of-four', 'Three of four.', 'finalization', [alder, birch, douglas], context(3, four))
  take('one-member', 'A contract of one.', 'notarization', [alder], context(1, [alder]))
  for (const [name, about, value, where = context()] of UNSIGNED)
    vectors.invalid(name, about, where, json(value), 'ORD-1')
  for (const [name, about, value] of MALFORMED)
    vectors.invalid(name, about, context(), json(value), 'ORD-1', 'bad-format')
  const text = JSON.stringify(certificate('notarization', voted))
  const twice = { text: text.replace('"view":7', '"view":7,"view":7') }
  vectors.invalid('duplicate-key', 'The view stands there twice.', context(), twice, 'ENC-1', 'bad-json')
  return vectors.all
}
