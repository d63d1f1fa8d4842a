/** Signed requests with their openings (PROTOCOL REQ-1 to REQ-3, REQ-5, REQ-6, VAL-2, and the forms of their operations). */
import { base64UrlEncode, utf8 } from '../../src/crypto/bytes.ts'
import { signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import {
  commitmentsOf,
  LIFETIME_MAX_MS,
  type OpenRequest,
  type Operation,
  REQUEST_MAX_BYTES,
  requestId,
} from '../../src/ledger/request.ts'
import type { Opening } from '../../src/ledger/value.ts'
import { type Input, json, repeating, type Vector, Vectors } from './vector.ts'
import { alder, birch, douglas, hashNamed, Ledger, seeded, uidOf } from './world.ts'

const ledger = new Ledger('requests')
const currency = uidOf('currency')
const blockTimeMs = ledger.tip.block.header.timeMs + 1000

/** What a request is checked against: the block it stands in, and the ids that its chain holds already. */
const context = (ordered: string[] = []) => ({
  contract: ledger.contract,
  members: ledger.members.map(({ party, keys }) => ({ party, author: keys.author.publicKey })),
  timeMs: blockTimeMs,
  ordered,
})

type Sent = { request: { request: unknown; signature: string }; openings: unknown[] }
const sent = ({ request, signature, openings }: OpenRequest, changes: Partial<Sent> = {}): Sent => ({
  request: { request, signature },
  openings,
  ...changes,
})

/** A body signed as it is, whatever it is, with no openings. */
function signed(
  body: object,
  key: KeyPair = alder.keys.author,
  message = signingInput('request', jcs(body)),
) {
  return {
    request: { request: body, signature: base64UrlEncode(ed25519Sign(key.privateKey, message)) },
    openings: [],
  }
}

const create = (changes: object = {}): object => ({
  op: 'create',
  uid: uidOf('new'),
  parent: uidOf('claim'),
  name: 'Item',
  kind: 'block',
  order: 'n',
  ...changes,
})
const remove: Operation = { op: 'delete', uid: uidOf('goods'), seen: hashNamed('subtree') }
const plain = ledger.request(alder, [remove])
const body = plain.request
/** A body like that of `plain` with changes, undefined for a key to be left out, signed. */
const changed = (changes: object, key?: KeyPair) =>
  signed(
    Object.fromEntries(Object.entries({ ...body, ...changes }).filter(([, one]) => one !== undefined)),
    key,
  )
const operating = (...operations: unknown[]) => changed({ operations })

const setting = ledger.request(alder, [ledger.set(currency, 'GBP')])
const [pounds] = setting.openings as [Opening]
const creating = ledger.request(birch, [
  create() as Operation,
  ledger.field('amount', 'Amount', 'decimal', '1200.50', uidOf('new')),
  ledger.field('insured', 'Insured', 'boolean', true, uidOf('new')),
  ledger.field('due', 'Due', 'null', null, uidOf('new')),
])
const sharedValue = ledger.commit('the same text')
const sharing = ledger.request(
  alder,
  ['one', 'two'].map((label) => ({
    op: 'set',
    uid: uidOf(label),
    seen: hashNamed(label),
    type: 'text',
    value: sharedValue,
  })),
)

const MALFORMED: [name: string, about: string, value: unknown][] = [
  ['unknown-key', 'A key that no body has.', changed({ note: '' })],
  [
    'unknown-key-beside-the-body',
    'A key that no signed request has.',
    { ...sent(plain), request: { ...sent(plain).request, id: plain.id } },
  ],
  ['nonce-missing', 'No nonce.', changed({ nonce: undefined })],
  ['nonce-of-15-bytes', 'One byte too few.', changed({ nonce: base64UrlEncode(seeded('nonce', 15)) })],
  ['nonce-in-hex', 'A nonce in hex.', changed({ nonce: '0'.repeat(32) })],
  ['not-after-negative', 'A time before 1970.', changed({ notAfterMs: -1 })],
  ['not-after-as-text', 'A time written as a string.', changed({ notAfterMs: `${body.notAfterMs}` })],
  ['author-key-with-padding', 'Base64 with padding.', changed({ authorKey: `${body.authorKey}=` })],
  ['operations-missing', 'No list of operations.', changed({ operations: undefined })],
  ['operations-null', 'Null in place of the list.', changed({ operations: null })],
  ['not-an-object', 'A text in place of a signed request.', { request: 'request', openings: [] }],
]

const OPERATIONS: [name: string, about: string, rule: string, operation: object][] = [
  [
    'operation-unknown',
    'An operation that there is not.',
    'REQ-3',
    { op: 'move', uid: currency, parent: uidOf('goods') },
  ],
  ['operation-without-op', 'No word says what it is.', 'REQ-3', { uid: currency, seen: hashNamed('s') }],
  ['operation-with-unknown-key', 'A key that no delete has.', 'REQ-3', { ...remove, value: hashNamed('v') }],
  [
    'set-without-seen',
    'It does not say what its author saw.',
    'REQ-3',
    { op: 'set', uid: currency, type: 'text', value: hashNamed('v') },
  ],
  [
    'set-with-a-value-in-the-clear',
    'A value in place of its commitment.',
    'REQ-3',
    { op: 'set', uid: currency, seen: hashNamed('s'), type: 'text', value: 'GBP' },
  ],
  ['create-of-an-unknown-kind', 'A kind that there is not.', 'REQ-3', create({ kind: 'table' })],
  [
    'create-of-a-block-with-value',
    'Only fields have type and value.',
    'REQ-3',
    create({ type: 'text', value: hashNamed('v') }),
  ],
  ['create-of-a-field-without-type', 'Fields have a type.', 'REQ-3', create({ kind: 'field' })],
  [
    'set-without-type',
    'Without a value too it says the type.',
    'REQ-3',
    { op: 'set', uid: currency, seen: hashNamed('s') },
  ],
  [
    'set-to-nothing-as-null',
    'Null in place of no value.',
    'REQ-3',
    { op: 'set', uid: currency, seen: hashNamed('s'), type: 'text', value: null },
  ],
  [
    'create-of-a-field-of-unknown-type',
    'A type that there is not.',
    'REQ-3',
    create({ kind: 'field', type: 'colour', value: hashNamed('v') }),
  ],
  ['uid-in-capitals', 'A UID in capitals.', 'ELE-1', create({ uid: 'AB'.repeat(16) })],
  [
    'set-of-a-uid-in-capitals',
    'A UID in capitals.',
    'ELE-1',
    { op: 'set', uid: 'AB'.repeat(16), seen: hashNamed('s'), type: 'text', value: hashNamed('v') },
  ],
  ['seen-in-capitals', 'A hash in capitals.', 'REQ-3', { ...remove, seen: 'AB'.repeat(32) }],
  ['uid-too-short', 'A UID of 15 bytes.', 'ELE-1', create({ uid: 'ab'.repeat(15) })],
  ['uid-of-zeros', 'No element has a UID of zeros.', 'ELE-1', create({ uid: '0'.repeat(32) })],
  ['parent-not-a-uid', 'A path in place of the parent’s UID.', 'ELE-1', create({ parent: '/Claim' })],
  ['order-empty', 'An order of nothing.', 'ELE-2', create({ order: '' })],
  ['order-of-65-characters', 'One character too many.', 'ELE-2', create({ order: 'a'.repeat(65) })],
  ['order-with-other-characters', 'A hyphen in an order.', 'ELE-2', create({ order: 'a-b' })],
  ['order-a-number', 'A number in place of an order.', 'ELE-2', create({ order: 1 })],
  ['name-empty', 'A name of nothing.', 'ELE-3', create({ name: '' })],
  ['name-of-257-units', 'One UTF-16 unit too many.', 'ELE-3', create({ name: 'a'.repeat(257) })],
  ['name-with-control-character', 'A tab in a name.', 'ELE-3', create({ name: 'Item\t1' })],
  ['name-with-delete-character', 'U+007F in a name.', 'ELE-3', create({ name: 'Item\u007f' })],
]

export function requestVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (name: string, about: string, one: OpenRequest, input: Input = json(sent(one))) => {
    const outputs = { id: one.id, commitments: commitmentsOf(one.request.operations).sort() }
    vectors.valid(name, about, context(), input, outputs)
  }
  take('set', 'One field set.', setting)
  take('delete', 'A deletion, which needs no opening.', plain)
  take('create', 'A block with a field of each of three types in it.', creating)
  const backwards = creating.openings.toReversed()
  take(
    'openings-in-another-order',
    'The same, its openings the other way round.',
    creating,
    json(sent(creating, { openings: backwards })),
  )
  take('one-commitment-twice', 'Two operations name one commitment: it is opened once.', sharing)
  take('keys-in-another-order', 'Other order and white space: the same request.', setting, {
    text: JSON.stringify(
      {
        openings: setting.openings,
        request: {
          signature: setting.signature,
          request: Object.fromEntries(Object.entries(setting.request).reverse()),
        },
      },
      null,
      1,
    ),
  })
  const names = ['a'.repeat(256), '😀'.repeat(128), ' @x/[1]~#\u202e '].map((name, index) =>
    create({ name, uid: uidOf(`${index}`), order: 'zZ09'.repeat(16) }),
  )
  take(
    'names-and-orders-of-all-kinds',
    'The longest names and order; characters that a label must not have.',
    ledger.request(alder, names as Operation[]),
  )
  const lasting = (notAfterMs: number) => ledger.request(alder, [remove], { notAfterMs })
  take('not-after-the-time-of-the-block', 'It expires in this very millisecond.', lasting(blockTimeMs))
  take('not-after-30-days', 'It lives as long as it may.', lasting(blockTimeMs + LIFETIME_MAX_MS))

  const refuse = (
    name: string,
    about: string,
    value: unknown,
    rule: string,
    code?: string,
    ordered?: string[],
  ) => vectors.invalid(name, about, context(ordered), json(value), rule, code)
  for (const [name, about, value] of MALFORMED) refuse(name, about, value, 'REQ-1', 'bad-format')
  for (const [name, about, rule, operation] of OPERATIONS)
    refuse(name, about, operating(operation), rule, 'bad-format')
  refuse('operation-a-text', 'A word in place of an operation.', operating('delete'), 'REQ-3', 'bad-format')
  refuse('no-operations', 'A request for nothing.', operating(), 'REQ-2', 'bad-format')

  const bad = (name: string, about: string, value: unknown) =>
    refuse(name, about, value, 'SIG-1', 'bad-signature')
  bad('bad-signature', 'Signed was another request.', {
    ...sent(plain),
    request: { request: body, signature: setting.signature },
  })
  bad('altered-operation', 'Another deletion than was signed.', {
    ...sent(plain),
    request: { request: { ...body, operations: [{ ...remove, uid: currency }] }, signature: plain.signature },
  })
  bad('signed-by-another-key', 'The vote key has signed.', signed(body, alder.keys.vote))
  bad('signed-by-another-member', 'Another member has signed.', signed(body, birch.keys.author))
  bad(
    'signed-in-another-domain',
    'Signed as a card.',
    signed(body, undefined, signingInput('card', jcs(body))),
  )
  bad('signed-without-domain', 'Signed is the JSON alone.', signed(body, undefined, utf8(jcs(body))))
  bad('signed-hash', 'Signed is the id.', signed(body, undefined, signingInput('request', requestId(body))))
  const { author, vote } = alder.keys
  refuse(
    'key-of-another-use',
    'It names its author’s vote key, which has signed.',
    changed({ authorKey: vote.publicKey }, vote),
    'REQ-1',
    'bad-signature',
  )
  refuse(
    'key-of-another-member',
    'It names another member’s author key, which has signed.',
    changed({ authorKey: birch.keys.author.publicKey }, birch.keys.author),
    'REQ-1',
    'bad-signature',
  )
  const stranger = { author: douglas.party, authorKey: douglas.keys.author.publicKey }
  refuse(
    'author-not-a-member',
    'Well signed by a party that is not a member.',
    changed(stranger, douglas.keys.author),
    'REQ-6',
    'unknown-party',
  )
  refuse(
    'another-contract',
    'It is for another contract.',
    changed({ contract: hashNamed('contract') }, author),
    'REQ-1',
    'wrong-contract',
  )

  const text = JSON.stringify(sent(setting))
  const rewritten = (name: string, about: string, from: string | RegExp, to: string, code: string) =>
    vectors.invalid(name, about, context(), { text: text.replace(from, to) }, 'ENC-1', code)
  rewritten('duplicate-key', 'The nonce stands there twice.', '"nonce":', '"nonce":"","nonce":', 'bad-json')
  rewritten(
    'duplicate-key-in-operation',
    'What its author saw stands there twice.',
    '"seen":',
    '"seen":"","seen":',
    'bad-json',
  )
  rewritten('unpaired-surrogate', 'Half a character in the value.', '"GBP"', '"\\udc00"', 'bad-json')
  rewritten(
    'number-with-fraction',
    'A time between two milliseconds.',
    /"notAfterMs":\d+/,
    '$&.5',
    'bad-format',
  )

  refuse(
    'expired',
    'It expired a millisecond before the block’s time.',
    sent(lasting(blockTimeMs - 1)),
    'REQ-5',
  )
  refuse(
    'expires-too-late',
    'It would live a millisecond longer than 30 days.',
    sent(lasting(blockTimeMs + LIFETIME_MAX_MS + 1)),
    'REQ-2',
  )
  refuse('replayed', 'It stands in an earlier block.', sent(plain), 'REQ-5', undefined, [
    setting.id,
    plain.id,
  ])

  const opened = (name: string, about: string, openings: unknown[], rule = 'VAL-2', code?: string) =>
    refuse(name, about, sent(setting, { openings }), rule, code)
  take(
    'without-values',
    'A field created without a value, and one emptied: nothing to open.',
    ledger.request(birch, [
      create({ kind: 'field', type: 'date' }) as Operation,
      { op: 'set', uid: currency, seen: hashNamed('s'), type: 'money' },
    ]),
  )
  opened('opening-missing', 'No opening came with it.', [])
  opened('opening-altered', 'Another value than was committed to.', [{ ...pounds, value: 'USD' }])
  opened('opening-twice', 'The opening stands there twice.', [pounds, pounds])
  opened('opening-of-something-else', 'An opening that nothing here commits to.', [
    pounds,
    ...creating.openings.slice(0, 1),
  ])
  opened(
    'opening-malformed',
    'A number in place of a value.',
    [{ ...pounds, value: 1 }],
    'VAL-1',
    'bad-format',
  )

  vectors.invalid(
    'body-too-large',
    'A body of more than 8 MiB: one creation, many times.',
    context(),
    tooLarge(),
    'REQ-2',
    'too-large',
  )
  vectors.invalid(
    'openings-too-large',
    'Eight texts of 1 MiB: openings of more than 8 MiB.',
    context(),
    tooLong(),
    'REQ-2',
  )
  return vectors.all
}

/** A request of more than 8 MiB, rightly signed. */
function tooLarge(): Input {
  const one = create({ name: '漢'.repeat(256) })
  const times = Math.ceil(REQUEST_MAX_BYTES / (utf8(jcs(one)).length + 1))
  return repeating(signed({ ...body, operations: Array(times).fill(one) }), `${JSON.stringify(one)},`)
}

/** A request whose openings are more than 8 MiB, though each is a text that may be. */
function tooLong(): Input {
  const large = new Ledger('large')
  const operations = Array.from({ length: 8 }, (_, index) =>
    large.field(`text ${index}`, 'Text', 'text', 'x'.repeat(1_048_576)),
  )
  return repeating({ ...signed({ ...body, operations }), openings: large.openingsFor(operations) }, 'x')
}
