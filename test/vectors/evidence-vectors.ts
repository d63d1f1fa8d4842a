/** Evidence of every kind: two signatures that no honest party makes together (PROTOCOL EVI-1, EVI-2). */
import { LogTree } from '../../src/crypto/log.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import { type Checkpoint, cosign } from '../../src/ledger/checkpoint.ts'
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, hashNamed } from './world.ts'

const contract = hashNamed('contract')
const context = (changes: object = {}) => ({
  contract,
  lineage: 0,
  epoch: 0,
  members: [alder, birch, cedar].map(({ party, keys }) => ({
    party,
    vote: keys.vote.publicKey,
    cosign: keys.cosign.publicKey,
  })),
  ...changes,
})

const at = { contract, lineage: 0, epoch: 0, view: 7 }
const [one, two] = ['one', 'two'].map(hashNamed) as [string, string]
const vote = (block: string, changes: object = {}) => ({ type: 'VOTE', ...at, block, ...changes })
const finalize = (block: string, changes: object = {}) => ({ type: 'FINALIZE', ...at, block, ...changes })
const skip = (changes: object = {}) => ({ type: 'SKIP', ...at, ...changes })

/** Statements signed by a party, each alone. */
const sign = (statement: object, by = birch, key = by.keys.vote) => ({
  statement,
  party: by.party,
  signature: signStatements(key.privateKey, [statement as never])[0] as StatementSignature,
})
/** Both in one batch. */
const together = (...statements: [object, object]) =>
  signStatements(birch.keys.vote.privateKey, statements as never).map((signature, index) => ({
    statement: statements[index],
    party: birch.party,
    signature,
  })) as [object, object]
const evidence = (kind: string, first: unknown, second: unknown, changes: object = {}) => ({
  kind,
  party: birch.party,
  first,
  second,
  ...changes,
})

const checkpoint: Checkpoint = {
  contract,
  lineage: 0,
  epoch: 0,
  size: 7,
  root: one,
  block: one,
  stateRoot: one,
}
const cosigned = (
  changes: Partial<Checkpoint> = {},
  timeS = 1_750_100_000,
  by = birch,
  key = by.keys.cosign,
) => cosign(key.privateKey, by.party, { ...checkpoint, ...changes }, timeS)
const checkpoints = (first: unknown, second: unknown, changes: object = {}) =>
  evidence('two-checkpoints', first, second, { contract, lineage: 0, ...changes })

/** Two histories that part after two blocks, as logs of their hashes. */
type Branch = { hashes: string[]; log: LogTree }
const [left, right] = ['left', 'right'].map((branch) => {
  const hashes = Array.from({ length: 9 }, (_, index) =>
    hashNamed(index < 2 ? `${index}` : `${branch} ${index}`),
  )
  return { hashes, log: new LogTree(hashes.map(logLeaf)) }
}) as [Branch, Branch]
const cosignedOf = ({ hashes, log }: Branch, size: number, by = birch, key = by.keys.cosign) =>
  cosigned({ size, root: log.root(size), block: hashes[size - 1] as string }, undefined, by, key)
const proofOf = (small: number, large: number) => right.log.consistencyProof(small, large)
/** That the right branch, cosigned at a size, does not extend the left one, cosigned at a smaller size. */
const notExtended = (small: number, large: number, changes: object = {}) =>
  evidence('not-extended', cosignedOf(left, small), cosignedOf(right, large), {
    contract,
    lineage: 0,
    root: right.log.root(small),
    proof: proofOf(small, large),
    ...changes,
  })

const later = { lineage: 2, epoch: 3 }
const VALID: [name: string, about: string, value: object, changes?: object][] = [
  ['two-votes', 'VOTEs for two blocks in one view.', evidence('two-votes', sign(vote(one)), sign(vote(two)))],
  [
    'two-votes-the-other-way-round',
    'The same: it has the same id.',
    evidence('two-votes', sign(vote(two)), sign(vote(one))),
  ],
  [
    'two-votes-in-one-batch',
    'The same once more, signed at once: it has the same id.',
    evidence('two-votes', ...together(vote(one), vote(two))),
  ],
  [
    'two-votes-in-a-later-lineage-and-epoch',
    'Lineage 2, epoch 3.',
    evidence('two-votes', sign(vote(one, later)), sign(vote(two, later))),
    later,
  ],
  [
    'two-finalizes',
    'FINALIZEs for two blocks in one view.',
    evidence('two-finalizes', sign(finalize(one)), sign(finalize(two))),
  ],
  [
    'finalize-and-skip',
    'FINALIZE and SKIP of one view.',
    evidence('finalize-and-skip', sign(finalize(one)), sign(skip())),
  ],
  [
    'skip-and-finalize',
    'The same: it has the same id.',
    evidence('finalize-and-skip', sign(skip()), sign(finalize(one))),
  ],
  ['two-checkpoints', 'Two roots at one size.', checkpoints(cosigned(), cosigned({ root: two }))],
  [
    'two-checkpoints-the-other-way-round',
    'The same, at other times: it has the same id.',
    checkpoints(cosigned({ root: two }, 1), cosigned({}, 2)),
  ],
  [
    'two-checkpoints-of-two-blocks',
    'One root and size, two blocks.',
    checkpoints(cosigned(), cosigned({ block: two })),
  ],
  [
    'two-checkpoints-of-two-states',
    'One root and size, two states.',
    checkpoints(cosigned(), cosigned({ stateRoot: two })),
  ],
  [
    'two-checkpoints-of-two-epochs',
    'One root and size, two epochs.',
    checkpoints(cosigned(), cosigned({ epoch: 1 })),
  ],
  ['not-extended', 'Seven blocks that do not extend five.', notExtended(5, 7)],
  [
    'not-extended-from-a-whole-subtree',
    'Nine blocks that do not extend four, whose root is not in the proof.',
    notExtended(4, 9),
  ],
  ['not-extended-by-one-block', 'Eight blocks that do not extend seven.', notExtended(7, 8)],
]

/** Of the right form, but of nothing that an honest party would not do, or not signed so. */
const UNFOUNDED: [name: string, about: string, value: object][] = [
  [
    'vote-and-skip',
    'VOTE and then SKIP is allowed.',
    evidence('finalize-and-skip', sign(vote(one)), sign(skip())),
  ],
  [
    'vote-and-finalize',
    'VOTE for one block and FINALIZE of another is no contradiction.',
    evidence('two-votes', sign(vote(one)), sign(finalize(two))),
  ],
  ['one-vote-twice', 'One VOTE is not two.', evidence('two-votes', sign(vote(one)), sign(vote(one)))],
  [
    'one-vote-alone-and-in-a-batch',
    'One VOTE signed in two ways is not two.',
    evidence('two-votes', sign(vote(one)), together(skip(), vote(one))[1]),
  ],
  [
    'one-finalize-twice',
    'One FINALIZE is not two.',
    evidence('two-finalizes', sign(finalize(one)), sign(finalize(one))),
  ],
  ['two-skips', 'One SKIP is not two.', evidence('finalize-and-skip', sign(skip()), sign(skip()))],
  [
    'votes-in-two-views',
    'VOTEs for two blocks in two views.',
    evidence('two-votes', sign(vote(one)), sign(vote(two, { view: 8 }))),
  ],
  [
    'votes-in-two-epochs',
    'VOTEs for two blocks in two epochs.',
    evidence('two-votes', sign(vote(one)), sign(vote(two, { epoch: 1 }))),
  ],
  [
    'votes-in-two-lineages',
    'VOTEs for two blocks in two lineages.',
    evidence('two-votes', sign(vote(one)), sign(vote(two, { lineage: 1 }))),
  ],
  [
    'votes-in-two-contracts',
    'VOTEs for two blocks in two contracts.',
    evidence('two-votes', sign(vote(one)), sign(vote(two, { contract: two }))),
  ],
  [
    'finalize-and-skip-in-two-views',
    'FINALIZE of one view and SKIP of the next.',
    evidence('finalize-and-skip', sign(finalize(one)), sign(skip({ view: 8 }))),
  ],
  [
    'votes-of-two-parties',
    'Two parties have voted for two blocks.',
    evidence('two-votes', sign(vote(one)), sign(vote(two), cedar)),
  ],
  [
    'party-another',
    'It names another party than the one that signed.',
    evidence('two-votes', sign(vote(one)), sign(vote(two)), { party: cedar.party }),
  ],
  [
    'party-a-stranger',
    'Its party is not a member.',
    evidence('two-votes', sign(vote(one), douglas), sign(vote(two), douglas), { party: douglas.party }),
  ],
  [
    'kind-another',
    'Two VOTEs said to be FINALIZEs.',
    evidence('two-finalizes', sign(vote(one)), sign(vote(two))),
  ],
  [
    'of-another-contract',
    'It is about another contract.',
    evidence('two-votes', sign(vote(one, { contract: two })), sign(vote(two, { contract: two }))),
  ],
  [
    'of-another-lineage',
    'It is about another lineage.',
    evidence('two-votes', sign(vote(one, { lineage: 1 })), sign(vote(two, { lineage: 1 }))),
  ],
  [
    'of-another-epoch',
    'It is about another epoch.',
    evidence('two-votes', sign(vote(one, { epoch: 1 })), sign(vote(two, { epoch: 1 }))),
  ],
  [
    'bad-signature',
    'The second has the signature of the first.',
    evidence('two-votes', sign(vote(one)), { ...sign(vote(two)), signature: sign(vote(one)).signature }),
  ],
  [
    'signed-by-another-party',
    'Another party has signed the second.',
    evidence('two-votes', sign(vote(one)), sign(vote(two), birch, cedar.keys.vote)),
  ],
  [
    'signed-by-another-key',
    'The author key has signed the first.',
    evidence('two-finalizes', sign(finalize(one), birch, birch.keys.author), sign(finalize(two))),
  ],
  [
    'one-checkpoint-at-two-times',
    'One checkpoint cosigned twice.',
    checkpoints(cosigned(), cosigned({}, 1_750_200_000)),
  ],
  [
    'checkpoints-of-two-sizes',
    'Two sizes: the one may extend the other.',
    checkpoints(cosigned(), cosigned({ size: 8, root: two })),
  ],
  [
    'checkpoints-of-two-parties',
    'Two parties have cosigned two roots.',
    checkpoints(cosigned(), cosigned({ root: two }, 1, cedar)),
  ],
  [
    'checkpoints-of-another-contract',
    'They are of another contract.',
    checkpoints(cosigned({ contract: two }), cosigned({ contract: two, root: two }), { contract: two }),
  ],
  [
    'checkpoints-of-another-lineage',
    'They are of another lineage.',
    checkpoints(cosigned({ lineage: 1 }), cosigned({ lineage: 1, root: two }), { lineage: 1 }),
  ],
  [
    'checkpoints-of-two-contracts',
    'One of them was signed for another contract.',
    checkpoints(cosigned(), cosigned({ contract: two, root: two })),
  ],
  [
    'checkpoint-with-bad-signature',
    'One has the signature of the other.',
    checkpoints(cosigned(), { ...cosigned({ root: two }), signature: cosigned().signature }),
  ],
  [
    'checkpoint-signed-by-another-key',
    'The vote key has signed one of them.',
    checkpoints(cosigned(), cosigned({ root: two }, 1, birch, birch.keys.vote)),
  ],
]

/** Said to be of two histories, but not shown to be, or not signed so. */
const EXTENDED: [name: string, about: string, value: object][] = [
  [
    'extended-after-all',
    'The larger extends the smaller.',
    notExtended(5, 7, { first: cosignedOf(right, 5) }),
  ],
  ['extension-by-another-root', 'A root that the proof does not lead to.', notExtended(5, 7, { root: one })],
  [
    'extension-with-altered-proof',
    'Another hash in the proof.',
    notExtended(5, 7, { proof: [one, ...proofOf(5, 7).slice(1)] }),
  ],
  [
    'extension-with-proof-cut-off',
    'A proof without its last hash.',
    notExtended(5, 7, { proof: proofOf(5, 7).slice(0, -1) }),
  ],
  [
    'extension-with-proof-too-long',
    'A proof with a hash more.',
    notExtended(5, 7, { proof: [...proofOf(5, 7), one] }),
  ],
  ['extension-with-proof-of-nothing', 'No proof.', notExtended(5, 7, { proof: [] })],
  [
    'extension-with-proof-for-another-size',
    'A proof for another size.',
    notExtended(5, 7, { proof: proofOf(6, 7) }),
  ],
  [
    'extension-of-one-size',
    'Two sizes that are one.',
    notExtended(5, 7, { second: cosignedOf(right, 5), proof: [] }),
  ],
  [
    'extension-the-other-way-round',
    'The larger stands first.',
    notExtended(5, 7, { first: cosignedOf(right, 7), second: cosignedOf(left, 5) }),
  ],
  [
    'extension-of-two-parties',
    'Two parties have cosigned.',
    notExtended(5, 7, { first: cosignedOf(left, 5, cedar) }),
  ],
  [
    'extension-signed-by-another-key',
    'The vote key has signed one of them.',
    notExtended(5, 7, { first: cosignedOf(left, 5, birch, birch.keys.vote) }),
  ],
  [
    'extension-in-another-contract',
    'It is said to be about another contract.',
    notExtended(5, 7, { contract: two }),
  ],
]

const MALFORMED: [name: string, about: string, value: unknown, rule?: string][] = [
  ['kind-unknown', 'A kind that there is not.', evidence('two-proposals', sign(vote(one)), sign(vote(two)))],
  ['kind-reserved', 'A kind whose format is reserved.', evidence('two-freezes', {}, {})],
  [
    'second-missing',
    'One signature is no evidence.',
    { kind: 'two-votes', party: birch.party, first: sign(vote(one)) },
  ],
  [
    'unknown-key',
    'A key that no evidence has.',
    evidence('two-votes', sign(vote(one)), sign(vote(two)), { contract }),
  ],
  [
    'checkpoints-without-contract',
    'It does not say of which contract they are.',
    evidence('two-checkpoints', cosigned(), cosigned({ root: two }), { lineage: 0 }),
  ],
  ['extension-without-proof', 'Null in place of a proof.', notExtended(5, 7, { proof: null }), 'EVI-2'],
  [
    'extension-with-root-in-capitals',
    'A hash in capitals.',
    notExtended(5, 7, { root: 'AB'.repeat(32) }),
    'EVI-2',
  ],
  [
    'party-missing',
    'It names nobody.',
    { kind: 'two-votes', first: sign(vote(one)), second: sign(vote(two)) },
  ],
  ['not-an-object', 'The two signatures in a list.', [sign(vote(one)), sign(vote(two))]],
]

export function evidenceVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, value, changes] of VALID)
    vectors.valid(name, about, context(changes), json(value), { id: evidenceId(value as Evidence) })
  for (const [name, about, value] of UNFOUNDED) vectors.invalid(name, about, context(), json(value), 'EVI-1')
  for (const [name, about, value] of EXTENDED) vectors.invalid(name, about, context(), json(value), 'EVI-2')
  for (const [name, about, value, rule = 'EVI-1'] of MALFORMED)
    vectors.invalid(name, about, context(), json(value), rule, 'bad-format')
  const text = JSON.stringify(evidence('two-votes', sign(vote(one)), sign(vote(two))))
  const twice = { text: text.replace('"party":', '"party":"","party":') }
  vectors.invalid('duplicate-key', 'The party stands there twice.', context(), twice, 'ENC-1', 'bad-json')
  return vectors.all
}
