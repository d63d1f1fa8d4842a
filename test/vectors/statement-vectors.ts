/** Signed statements, alone and in batches (PROTOCOL SIG-3, ORD-1). */
import { base64UrlEncode, hexDecode, utf8 } from '../../src/crypto/bytes.ts'
import { signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { leafHash, nodeHash, rootOfInclusion } from '../../src/crypto/log.ts'
import { ed25519Sign, sha256 } from '../../src/crypto/provider.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, hashNamed } from './world.ts'

const contract = hashNamed('contract')
const context = (changes: object = {}) => ({
  contract,
  lineage: 0,
  epoch: 0,
  members: [alder, birch, cedar].map(({ party, keys }) => ({ party, vote: keys.vote.publicKey })),
  ...changes,
})

const at = { contract, lineage: 0, epoch: 0, view: 7 }
const vote = { type: 'VOTE', ...at, block: hashNamed('block') }
const finalize = { ...vote, type: 'FINALIZE' }
const skip = { type: 'SKIP', ...at }
const others = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...vote, view: 100 + index }))

/** Signed by Alder, behind and before as many other statements. */
function signed(statement: object, before = 0, after = 0, key = alder.keys.vote) {
  const statements = [...others(before), statement as never, ...others(after)]
  const signatures = signStatements(key.privateKey, statements)
  return { statement, party: alder.party, signature: signatures[before] as StatementSignature }
}
const batched = signed(vote, 2, 2) as ReturnType<typeof signed> & { signature: Required<StatementSignature> }
/** The vote in a batch of five, its place altered. */
const placed = (changes: object) => ({
  ...batched,
  signature: { ...batched.signature, batch: { ...batched.signature.batch, ...changes } },
})
const { path } = batched.signature.batch
const [, , , ofAnother] = signStatements(alder.keys.vote.privateKey, [...others(2), vote, ...others(2)])
const signedBytes = (message: Uint8Array) => ({
  ...signed(vote),
  signature: { signature: base64UrlEncode(ed25519Sign(alder.keys.vote.privateKey, message)) },
})

const VALID: [name: string, about: string, value: ReturnType<typeof signed>, changes?: object][] = [
  ['vote', 'A VOTE signed alone.', signed(vote)],
  ['finalize', 'A FINALIZE signed alone.', signed(finalize)],
  ['skip', 'A SKIP signed alone.', signed(skip)],
  ['first-of-two', 'The first of a batch of two.', signed(vote, 0, 1)],
  ['second-of-two', 'The second of a batch of two.', signed(skip, 1, 0)],
  ['third-of-three', 'The last of three: its path is shorter than the others’.', signed(finalize, 2, 0)],
  ['third-of-five', 'One in the middle of five.', batched],
  ['last-of-seven', 'The last of seven.', signed(vote, 6, 0)],
  ['one-of-a-thousand', 'Number 777 of a thousand.', signed(vote, 777, 222)],
  [
    'shown-at-another-place',
    'The last of five shown as the second of two: the path fits, and a place means nothing.',
    elsewhere(),
  ],
  [
    'of-a-later-lineage-and-epoch',
    'Lineage 2, epoch 3.',
    signed({ ...vote, lineage: 2, epoch: 3 }),
    { lineage: 2, epoch: 3 },
  ],
]

function elsewhere() {
  const last = signed(vote, 4, 0)
  const { batch } = last.signature
  return { ...last, signature: { ...last.signature, batch: { index: 1, size: 2, path: batch?.path ?? [] } } }
}

/** Of the right form, but not signed so. */
const UNSIGNED: [name: string, about: string, value: object, changes?: object][] = [
  ['bad-signature', 'Signed was another statement.', { ...signed(vote), signature: signed(skip).signature }],
  [
    'altered-block',
    'Another block than was signed.',
    { ...signed(vote), statement: { ...vote, block: hashNamed('b') } },
  ],
  ['altered-view', 'Another view than was signed.', { ...signed(vote), statement: { ...vote, view: 8 } }],
  ['altered-type', 'A FINALIZE where a VOTE was signed.', { ...signed(vote), statement: finalize }],
  [
    'of-another-contract',
    'It names another contract, rightly signed.',
    signed({ ...vote, contract: hashNamed('other') }),
  ],
  ['of-another-lineage', 'It names another lineage, rightly signed.', signed({ ...vote, lineage: 1 })],
  ['of-another-epoch', 'It names another epoch, rightly signed.', signed({ ...vote, epoch: 1 })],
  [
    'of-a-stranger',
    'Its party is not a member.',
    { ...signed(vote, 0, 0, douglas.keys.vote), party: douglas.party },
  ],
  ['of-another-member', 'Another member is said to have signed.', { ...signed(vote), party: birch.party }],
  ['signed-by-another-key', 'The author key has signed.', signed(vote, 0, 0, alder.keys.author)],
  ['signed-by-the-cosign-key', 'The cosign key has signed.', signed(vote, 0, 0, alder.keys.cosign)],
  [
    'signed-in-another-domain',
    'Signed in the domain request.',
    signedBytes(signingInput('request', hexDecode(leafHash(jcs(vote))))),
  ],
  [
    'signed-json',
    'Signed is the JSON in the domain, in place of a root.',
    signedBytes(signingInput('statements', jcs(vote))),
  ],
  [
    'signed-leaf-without-prefix',
    'Signed is the hash of the JSON without the leaf’s byte.',
    signedBytes(signingInput('statements', sha256(utf8(jcs(vote))))),
  ],
  [
    'signed-root-in-hex',
    'Signed is the root in hex.',
    signedBytes(signingInput('statements', leafHash(jcs(vote)))),
  ],
  [
    'batch-left-out',
    'The signature on the batch, without the path.',
    { ...batched, signature: { signature: batched.signature.signature } },
  ],
  ['batch-of-another', 'The path of another statement of the batch.', { ...batched, signature: ofAnother }],
  ['index-another', 'Another index than the path is for.', placed({ index: 3 })],
  ['size-another', 'Another size than the path is for.', placed({ size: 3 })],
  ['index-past-the-size', 'An index past the end.', placed({ index: 5 })],
  ['path-cut-off', 'A path without its last hash.', placed({ path: path.slice(0, -1) })],
  ['path-too-long', 'A path with a hash more.', placed({ path: [...path, path[0]] })],
  ['path-reversed', 'A path the other way round.', placed({ path: path.toReversed() })],
  ['path-altered', 'Another hash in the path.', placed({ path: [hashNamed('sibling'), ...path.slice(1)] })],
]

const MALFORMED: [name: string, about: string, rule: string, value: object][] = [
  [
    'batch-of-one',
    'A batch of one is signed without one.',
    'SIG-3',
    { ...signed(vote), signature: { ...signed(vote).signature, batch: { index: 0, size: 1, path: [] } } },
  ],
  ['batch-of-65537', 'A batch too large.', 'SIG-3', placed({ size: 65_537 })],
  [
    'batch-null',
    'Null in place of a batch left out.',
    'SIG-3',
    { ...signed(vote), signature: { ...signed(vote).signature, batch: null } },
  ],
  ['index-negative', 'An index before the first.', 'SIG-3', placed({ index: -1 })],
  [
    'path-in-capitals',
    'A hash in capitals.',
    'SIG-3',
    placed({ path: path.map((one) => one.toUpperCase()) }),
  ],
  [
    'signature-with-padding',
    'Base64 with padding.',
    'SIG-3',
    { ...signed(vote), signature: { signature: `${signed(vote).signature.signature}==` } },
  ],
  [
    'party-missing',
    'Nobody is said to have signed.',
    'SIG-3',
    { statement: vote, signature: signed(vote).signature },
  ],
  ['vote-without-block', 'A VOTE for nothing.', 'ORD-1', signed({ ...at, type: 'VOTE' })],
  ['finalize-without-block', 'A FINALIZE of nothing.', 'ORD-1', signed({ ...at, type: 'FINALIZE' })],
  ['skip-with-block', 'A SKIP of a block.', 'ORD-1', signed({ ...vote, type: 'SKIP' })],
  ['type-unknown', 'A type that there is not.', 'ORD-1', signed({ ...vote, type: 'PROPOSE' })],
  ['type-in-small-letters', 'Types are in capitals.', 'ORD-1', signed({ ...vote, type: 'vote' })],
  [
    'type-of-the-cosign-key',
    'A FREEZE is none of ordering’s statements.',
    'ORD-1',
    signed({ ...at, type: 'FREEZE', view: 0, party: alder.party, cosignatures: [], evidence: [] }),
  ],
  ['view-0', 'Views count from 1.', 'ORD-1', signed({ ...vote, view: 0 })],
  ['unknown-key', 'A key that no VOTE has.', 'ORD-1', signed({ ...vote, height: 7 })],
  ['block-in-capitals', 'A hash in capitals.', 'ORD-1', signed({ ...vote, block: 'AB'.repeat(32) })],
  [
    'contract-in-capitals',
    'A contract id in capitals.',
    'ORD-1',
    signed({ ...vote, contract: contract.toUpperCase() }),
  ],
  ['lineage-negative', 'Lineages count from 0.', 'ORD-1', signed({ ...vote, lineage: -1 })],
  ['statement-a-text', 'A word in place of a statement.', 'ORD-1', { ...signed(skip), statement: 'SKIP' }],
  [
    'party-in-capitals',
    'A party id in capitals.',
    'SIG-3',
    { ...signed(vote), party: alder.party.toUpperCase() },
  ],
  ['epoch-missing', 'No epoch.', 'ORD-1', signed({ type: 'SKIP', contract, lineage: 0, view: 7 })],
]

export function statementVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, value, changes] of VALID) {
    const {
      statement,
      signature: { batch },
    } = value
    const leaf = leafHash(jcs(statement))
    const root = batch === undefined ? leaf : rootOfInclusion(leaf, batch.index, batch.size, batch.path)
    vectors.valid(name, about, context(changes), json(value), { leaf, root })
  }
  for (const [name, about, value, changes] of UNSIGNED)
    vectors.invalid(name, about, context(changes), json(value), 'SIG-3')
  for (const [name, about, rule, value] of MALFORMED)
    vectors.invalid(name, about, context(), json(value), rule, 'bad-format')
  // A node of the tree has another prefix than a leaf: what stands above two leaves is no leaf itself.
  const leaves = [leafHash(jcs(vote)), leafHash(jcs(skip))] as const
  const inner = {
    ...signed(vote, 0, 0),
    signature: {
      signature: signStatements(alder.keys.vote.privateKey, [vote, skip])[0]?.signature,
      batch: { index: 0, size: 2, path: [nodeHash(...leaves)] },
    },
  }
  vectors.invalid(
    'path-of-the-root-itself',
    'The root in place of the other leaf.',
    context(),
    json(inner),
    'SIG-3',
  )
  const twice = { text: JSON.stringify(signed(vote)).replace('"view":7', '"view":8,"view":7') }
  vectors.invalid('duplicate-key', 'The view stands there twice.', context(), twice, 'ENC-1', 'bad-json')
  return vectors.all
}
