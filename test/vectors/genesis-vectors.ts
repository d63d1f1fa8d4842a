/** Geneses with their openings (PROTOCOL GEN-1, GEN-2), and block 0, which each makes. */
import { epochUidOf, rootUidOf } from '../../src/contract/state.ts'
import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import { cardHash, type SignedCard, signCard } from '../../src/identity/card.ts'
import { GENESIS_ROOT, type Genesis, quorumOf } from '../../src/ledger/genesis.ts'
import type { CreateOperation, Operation } from '../../src/ledger/request.ts'
import type { Opening } from '../../src/ledger/value.ts'
import { type Input, json, repeating, type Vector, Vectors } from './vector.ts'
import {
  alder,
  birch,
  cedar,
  douglas,
  hashNamed,
  keysOf,
  Ledger,
  publicKeysOf,
  rekeyed,
  seeded,
  uidOf,
} from './world.ts'

const ledger = new Ledger('genesis')
const { genesis, genesisOpenings } = ledger
const sent = (changes: object, openings: unknown[] = genesisOpenings) =>
  json({ genesis: { ...genesis, ...changes }, openings })
const policy = (changes: object) => sent({ policy: { ...genesis.policy, ...changes } })
const second = rekeyed(alder, 'alder 2')

/** A first card of Birch with some of Alder's keys. */
const borrowing = signCard(birch.keys.root.privateKey, {
  ...birch.card.card,
  keys: { ...birch.card.card.keys, tls: alder.card.card.keys.tls },
})
const block = (label: string, parent: string): Operation => ({
  op: 'create',
  uid: uidOf(label),
  parent,
  name: label,
  kind: 'block',
  order: 'x',
})
/** Blocks within one another, the innermost this deep below the root. */
const chain = (depth: number): Operation[] =>
  Array.from({ length: depth }, (_, index) =>
    block(`level ${index}`, index === 0 ? GENESIS_ROOT : uidOf(`level ${index - 1}`)),
  )

const MALFORMED: [name: string, about: string, changes: object][] = [
  ['unknown-key', 'A key that no genesis has.', { note: '' }],
  ['version-2', 'A version that there is not.', { version: 2 }],
  ['execution-version-2', 'An execution that there is not.', { executionVersion: 2 }],
  ['name-missing', 'No name.', { name: undefined }],
  ['name-with-line-end', 'A line end in the name.', { name: 'Claim\n4711' }],
  ['name-with-trailing-space', 'A space at the end of the name.', { name: 'Claim 4711 ' }],
  ['nonce-of-15-bytes', 'One byte too few.', { nonce: base64UrlEncode(seeded('nonce', 15)) }],
  ['time-negative', 'A time before 1970.', { timeMs: -1 }],
  ['members-none', 'A contract of nobody.', { members: [] }],
  ['member-twice', 'One party twice with one card.', { members: [alder.card, birch.card, birch.card] }],
  [
    'member-twice-with-two-cards',
    'One party twice, with its first card and its second.',
    { members: [alder.card, second.card] },
  ],
  ['creator-not-a-member', 'Its creator is not among the members.', { creator: douglas.party }],
  ['operations-null', 'Null in place of the list.', { operations: null }],
  [
    'set-operation',
    'An operation that sets.',
    {
      operations: [
        { op: 'set', uid: uidOf('currency'), seen: hashNamed('s'), type: 'text', value: hashNamed('v') },
      ],
    },
  ],
  [
    'delete-operation',
    'An operation that deletes.',
    { operations: [{ op: 'delete', uid: uidOf('claim'), seen: hashNamed('s') }] },
  ],
]

const POLICIES: [name: string, about: string, changes: object][] = [
  ['policy-of-an-unknown-quorum', 'A quorum that there is not.', { quorum: 'two-thirds' }],
  ['policy-with-unknown-key', 'A key that no policy has.', { observers: [] }],
  ['policy-with-short-clock-bound', 'A bound of less than a second.', { clockBoundMs: 999 }],
  ['policy-with-long-clock-bound', 'A bound of more than a day.', { clockBoundMs: 86_400_001 }],
  ['policy-with-short-silence', 'A silence of less than a minute.', { silenceMs: 59_999 }],
  [
    'policy-of-an-unknown-admission',
    'An admission that there is not.',
    { admission: { invite: 'any', admit: 'majority' } },
  ],
]

export function genesisVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (
    name: string,
    about: string,
    { genesis, genesisOpenings, contract, steps, members }: Ledger,
  ) => {
    const [{ hash, root, block }] = steps as [Ledger['tip']]
    vectors.valid(name, about, {}, json({ genesis, openings: genesisOpenings }), {
      contract,
      members: members.map(({ party }) => party),
      quorum: quorumOf(genesis.policy, members.length),
      rootUid: rootUidOf(contract),
      epochUid: epochUidOf(contract),
      stateRoot: block.header.stateRoot,
      block: hash,
      logRoot: root,
    })
  }
  const made = (label: string, changes: Partial<Genesis>, members = [alder, birch]) =>
    new Ledger(label, { members, genesis: changes })
  take('three-members', 'A block, a field in it, and a list.', ledger)
  take('one-member', 'A contract of one.', new Ledger('one', { members: [alder] }))
  take(
    'bft-of-four',
    'Quorum of ⌊8/3⌋ + 1.',
    new Ledger('bft', { members: [alder, birch, cedar, douglas], quorum: 'bft' }),
  )
  take(
    'majority-of-four',
    'Quorum of ⌊4/2⌋ + 1.',
    new Ledger('majority', { members: [douglas, cedar, birch, alder] }),
  )
  take('unanimous', 'Quorum of all.', new Ledger('unanimous', { quorum: 'unanimous' }))
  take(
    'member-with-later-card',
    'A member stands there with its second card.',
    made('later', { creator: birch.party }, [second, birch]),
  )
  take(
    'empty-field',
    'A field without a value, and no opening.',
    made('without-value', {
      operations: [{ ...block('due', GENESIS_ROOT), kind: 'field', type: 'date' } as CreateOperation],
    }),
  )
  take('no-operations', 'An empty document.', made('empty', { operations: [] }))
  take(
    'nested-64-deep',
    'Blocks within one another as deep as they may be.',
    made('deep', { operations: chain(64) }),
  )
  const bounds = { clockBoundMs: 86_400_000, silenceMs: 60_000 }
  take(
    'policy-at-its-bounds',
    'The longest clock bound and the shortest silence.',
    made('bounds', { policy: { ...genesis.policy, ...bounds } }),
  )

  for (const [name, about, changes] of MALFORMED)
    vectors.invalid(name, about, {}, sent(changes), 'GEN-1', 'bad-format')
  for (const [name, about, changes] of POLICIES)
    vectors.invalid(name, about, {}, policy(changes), 'GEN-1', 'bad-format')
  vectors.invalid(
    'one-key-for-two-members',
    'A TLS key stands in the cards of two.',
    {},
    sent({ members: [alder.card, borrowing] }),
    'GEN-1',
    'bad-card',
  )

  const unsigned = { ...birch.card, signature: cedar.card.signature }
  vectors.invalid(
    'card-with-bad-signature',
    'A member’s card has the signature of another.',
    {},
    sent({ members: [alder.card, unsigned] }),
    'CARD-1',
    'bad-card',
  )
  const { earlier: _, ...alone } = second.card
  vectors.invalid(
    'later-card-alone',
    'A member’s second card without the first.',
    {},
    sent({ members: [alone, birch.card] }),
    'CARD-2',
    'bad-card',
  )
  const zeros = { ...block('zeros', GENESIS_ROOT), uid: '0'.repeat(32) }
  vectors.invalid(
    'uid-of-zeros',
    'No element has a UID of zeros.',
    {},
    sent({ operations: [zeros] }, []),
    'ELE-1',
    'bad-format',
  )

  const failing = (name: string, about: string, operations: Operation[], openings: Opening[] = []) =>
    vectors.invalid(name, about, {}, sent({ operations }, openings), 'GEN-2')
  failing('parent-that-is-not-there', 'A block below nothing.', [block('lost', uidOf('nowhere'))])
  failing('parent-that-comes-later', 'A block before the one it is in.', chain(2).reverse())
  failing('uid-twice', 'Two elements of one UID.', [...chain(1), ...chain(1)])
  failing('nested-65-deep', 'Blocks within one another, one deeper than they may be.', chain(65))
  const other = new Ledger('typed')
  const field = other.field('number', 'Number', 'integer', 'seven', GENESIS_ROOT)
  failing('value-of-another-type', 'A text that is no integer.', [field], other.openingsFor([field]))
  const parent = other.field('parent', 'Parent', 'null', null, GENESIS_ROOT)
  failing(
    'field-as-parent',
    'A block below a field.',
    [parent, block('child', uidOf('parent'))],
    other.openingsFor([parent]),
  )

  vectors.invalid(
    'too-large',
    'A genesis of more than 8 MiB: 65 cards with chains of eight certificates.',
    {},
    tooLarge(),
    'GEN-1',
    'too-large',
  )
  vectors.invalid(
    'openings-too-large',
    'Eight texts of 1 MiB: openings of more than 8 MiB.',
    {},
    tooLong(),
    'GEN-1',
  )
  const opened = (name: string, about: string, openings: unknown[], rule = 'VAL-2', code?: string) =>
    vectors.invalid(name, about, {}, sent({}, openings), rule, code)
  const [opening] = genesisOpenings as [Opening]
  opened('opening-missing', 'No opening came with it.', [])
  opened('opening-altered', 'Another value than was committed to.', [{ ...opening, value: 'USD' }])
  opened('opening-twice', 'The opening stands there twice.', [opening, opening])
  opened('opening-of-something-else', 'An opening that nothing here commits to.', [
    opening,
    ...other.openingsFor([field]),
  ])
  opened(
    'opening-malformed',
    'A salt that is too short.',
    [{ ...opening, salt: 'AAAA' }],
    'VAL-1',
    'bad-format',
  )
  return vectors.all
}

/** The longest certificates, as far as their form is looked at. */
function tooLarge(): Input {
  const certificate = `-----BEGIN CERTIFICATE-----\n${`${'A'.repeat(64)}\n`.repeat(251)}-----END CERTIFICATE-----\n`
  const members = Array.from({ length: 65 }, (_, index) => {
    const keys = keysOf(`member ${index}`)
    const card = { ...alder.card.card, keys: publicKeysOf(keys), x509: Array(8).fill(certificate) }
    return signCard(keys.root.privateKey, card)
  })
  const creator = cardHash((members[0] as SignedCard).card)
  return repeating(
    { genesis: { ...genesis, creator, members }, openings: genesisOpenings },
    `${'A'.repeat(64)}\\n`,
  )
}

/** Openings that are more than 8 MiB, though each is a text that may be. */
function tooLong(): Input {
  const large = new Ledger('large')
  const text = 'x'.repeat(1_048_576)
  const operations = Array.from({ length: 8 }, (_, index) =>
    large.field(`${index}`, 'Text', 'text', text, GENESIS_ROOT),
  )
  return repeating({ genesis: { ...genesis, operations }, openings: large.openingsFor(operations) }, 'x')
}
