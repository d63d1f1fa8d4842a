/** Proven cards (PROTOCOL CARD-1, CARD-2): a party's card, with those before it where it is a later one. */
import { base64UrlDecode, base64UrlEncode, utf8 } from '../../src/crypto/bytes.ts'
import { signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { type Card, cardHash, type ProvenCard, type SignedCard, signCard } from '../../src/identity/card.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, DAY_MS, hashNamed, rekeyed } from './world.ts'

const { card: first, signature } = alder.card
const second = rekeyed(alder, 'alder 2')
const third = rekeyed(second, 'alder 3')
const [, secondSigned] = third.card.earlier as [SignedCard, SignedCard]

/** A card with changes, undefined for a key to be left out. */
const altered = (card: Card, changes: object): Card =>
  Object.fromEntries(Object.entries({ ...card, ...changes }).filter(([, one]) => one !== undefined)) as Card
/** Alder's first card with changes, signed anew. */
const changed = (changes: object, key: KeyPair = alder.keys.root): SignedCard =>
  signCard(key.privateKey, altered(first, changes))
/** Alder's second card with changes, behind its first. */
const following = (changes: object, key: KeyPair = alder.keys.root): ProvenCard => ({
  ...signCard(key.privateKey, altered(second.card.card, changes)),
  earlier: [alder.card],
})
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${'MIIB'.repeat(16)}\nAA==\n-----END CERTIFICATE-----\n`

const VALID: [name: string, about: string, card: ProvenCard][] = [
  ['first', 'A first card.', alder.card],
  ['second', 'A second card with other keys, signed by the root key of the first.', second.card],
  ['third', 'A third card, with the two before it.', third.card],
  ['no-endpoints', 'A party that others cannot dial.', changed({ endpoints: [] })],
  [
    'endpoints-of-all-kinds',
    'As many endpoints as there may be: host names, IPv4 and IPv6 addresses, the lowest and the highest port.',
    changed({
      endpoints: [
        'a:1',
        'node.example:65535',
        '192.0.2.1:7400',
        '[::1]:7400',
        '[2001:DB8::192.0.2.1]:80',
        'A-1.example.:9',
        'b:59999',
        'c:65499',
      ],
    }),
  ],
  [
    'name-of-256-units',
    'A name of 256 UTF-16 units, half as many characters.',
    changed({ name: '\u{1f332}'.repeat(128) }),
  ],
  ['name-with-other-scripts', 'A name in Greek, Hebrew and Han.', changed({ name: 'Σκλήθρα ארון 榿木' })],
  [
    'x509-chain',
    'A chain of two certificates; it is not looked into.',
    changed({ x509: [CERTIFICATE, CERTIFICATE] }),
  ],
  ['time-of-the-year-9999', 'The last time there is.', changed({ timeMs: 253_402_300_799_999 })],
]

/** Cards that are not of the form that CARD-1 gives them, all well signed. */
const MALFORMED: [name: string, about: string, changes: object][] = [
  ['unknown-key', 'A key that no card has.', { note: '' }],
  ['version-2', 'A version that there is not.', { version: 2 }],
  ['sequence-0', 'Sequences begin with 1.', { sequence: 0 }],
  ['sequence-as-text', 'A number written as a string.', { sequence: '1' }],
  ['null-in-place-of-a-key-left-out', 'A key without a value stands there with null.', { x509: null }],
  ['time-negative', 'A time before 1970.', { timeMs: -1 }],
  ['time-past-the-year-9999', 'A time past the last one.', { timeMs: 253_402_300_800_000 }],
  ['name-empty', 'A name of nothing.', { name: '' }],
  [
    'name-of-257-units',
    'One UTF-16 unit too long, though half as many characters.',
    { name: `${'\u{1f332}'.repeat(128)}x` },
  ],
  ['name-with-control-character', 'A line end in a name.', { name: 'Alder\nInsurance' }],
  ['name-with-c1-control-character', 'U+0085, a line end to some.', { name: 'Alder\u0085Insurance' }],
  ['name-with-invisible-character', 'U+200B, which shows as nothing.', { name: 'Alder\u200bInsurance' }],
  ['name-turned-around', 'U+202E, which turns around what follows.', { name: 'Alder\u202eInsurance' }],
  ['name-with-word-joiner', 'U+2060, the first of a range.', { name: 'Alder\u2060Insurance' }],
  ['name-with-leading-space', 'A space in front.', { name: ' Alder' }],
  ['name-with-trailing-wide-space', 'U+3000 at the end.', { name: 'Alder\u3000' }],
  ['nine-endpoints', 'One endpoint more than there may be.', { endpoints: Array(9).fill('a:1') }],
  ['endpoint-without-port', 'A host alone.', { endpoints: ['alder.example'] }],
  ['endpoint-with-port-0', 'Ports begin with 1.', { endpoints: ['alder.example:0'] }],
  ['endpoint-with-port-65536', 'Ports end with 65,535.', { endpoints: ['alder.example:65536'] }],
  ['endpoint-with-leading-zero', 'A port with a zero in front.', { endpoints: ['alder.example:080'] }],
  [
    'endpoint-ipv6-without-brackets',
    'An IPv6 address stands in brackets.',
    { endpoints: ['2001:db8::1:7400'] },
  ],
  ['endpoint-with-scheme', 'An endpoint is no URL.', { endpoints: ['https://alder.example:7400'] }],
  ['endpoint-with-line-end', 'Something behind the port.', { endpoints: ['alder.example:7400\n'] }],
  ['x509-empty', 'A chain of nothing.', { x509: [] }],
  ['x509-of-nine', 'One certificate more than there may be.', { x509: Array(9).fill(CERTIFICATE) }],
  ['x509-with-crlf', 'Lines ended by CR LF.', { x509: [CERTIFICATE.replaceAll('\n', '\r\n')] }],
  ['x509-with-text-before', 'Something in front of the first line.', { x509: [`Alder\n${CERTIFICATE}`] }],
]

const keyed = (changes: object) => ({ keys: { ...first.keys, ...changes } })

const KEYS: [name: string, about: string, changes: object][] = [
  ['key-missing', 'No vote key.', { keys: altered(first.keys as never, { vote: undefined }) }],
  [
    'key-of-an-unknown-use',
    'A key for something that there is not.',
    keyed({ other: birch.keys.tls.publicKey }),
  ],
  ['key-of-31-bytes', 'A key of 31 bytes.', keyed({ tls: base64UrlEncode(new Uint8Array(31).fill(7)) })],
  ['key-with-padding', 'Base64 with padding.', keyed({ tls: `${first.keys.tls}=` })],
  [
    'key-in-the-other-base64',
    'The alphabet with + and /.',
    keyed({ tls: Buffer.from(new Uint8Array(32).fill(0xff)).toString('base64').replace('=', '') }),
  ],
  [
    'key-with-stray-bits',
    'The last digit has bits that stand for nothing.',
    keyed({ tls: `${base64UrlEncode(new Uint8Array(32)).slice(0, 42)}B` }),
  ],
  [
    'key-in-hex',
    'A key in hex.',
    keyed({ tls: Buffer.from(base64UrlDecode(first.keys.tls)).toString('hex') }),
  ],
]

const SUCCESSION: [name: string, about: string, card: unknown][] = [
  ['first-with-party', 'A first card that names a party.', changed({ party: alder.party })],
  ['first-with-previous', 'A first card that names one before it.', changed({ previous: hashNamed('card') })],
  ['second-without-party', 'A second card that names no party.', following({ party: undefined })],
  ['second-without-previous', 'A second card that names none before it.', following({ previous: undefined })],
  [
    'second-alone',
    'A second card without the first.',
    signCard(alder.keys.root.privateKey, second.card.card),
  ],
  ['second-of-another-party', 'The party it names is another.', following({ party: birch.party })],
  [
    'second-behind-another-card',
    'It names a card before it that is not there.',
    following({ previous: hashNamed('card') }),
  ],
  [
    'second-behind-the-card-of-another',
    'It stands behind the first card of another party.',
    { ...second.card, earlier: [birch.card] },
  ],
  ['sequence-with-a-gap', 'A third card follows the first.', following({ sequence: 3 })],
  [
    'sequence-not-raised',
    'A second first card.',
    { ...changed({ timeMs: first.timeMs + DAY_MS }), earlier: [alder.card] },
  ],
  [
    'second-signed-by-its-own-root-key',
    'The new root key has signed, not the old one.',
    following({}, second.keys.root),
  ],
  ['second-signed-by-another-key', 'The author key has signed.', following({}, alder.keys.author)],
  ['one-left-out', 'A third card behind the first alone.', { ...third.card, earlier: [alder.card] }],
  [
    'earlier-in-wrong-order',
    'The cards before it, the newest first.',
    { ...third.card, earlier: [secondSigned, alder.card] },
  ],
  [
    'earlier-twice',
    'The first card stands there twice.',
    { ...second.card, earlier: [alder.card, alder.card] },
  ],
  [
    'earlier-with-bad-signature',
    'The first card, before it, is not signed.',
    { ...second.card, earlier: [{ card: first, signature: birch.card.signature }] },
  ],
]

export function cardVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, card] of VALID) {
    const { party = cardHash(card.card) } = card.card
    vectors.valid(name, about, {}, json(card), { party, hash: cardHash(card.card) })
  }
  const reversed = JSON.stringify(reverse(alder.card), null, 2)
  const own = { party: alder.party, hash: alder.party }
  vectors.valid(
    'keys-in-another-order',
    'Keys in reverse, and white space: the same card.',
    {},
    { text: reversed },
    own,
  )

  for (const [name, about, changes] of [...MALFORMED, ...KEYS])
    vectors.invalid(name, about, {}, json(changed(changes)), 'CARD-1', 'bad-format')
  for (const [name, about, card] of SUCCESSION)
    vectors.invalid(name, about, {}, json(card), 'CARD-2', 'bad-card')
  const empty = json({ ...alder.card, earlier: [] })
  vectors.invalid(
    'earlier-empty',
    'Where there are none before it, the key is left out.',
    {},
    empty,
    'CARD-2',
    'bad-format',
  )

  const text = JSON.stringify(alder.card)
  const rewritten = (name: string, about: string, from: string | RegExp, to: string, code: string) =>
    vectors.invalid(name, about, {}, { text: text.replace(from, to) }, 'ENC-1', code)
  rewritten(
    'duplicate-key',
    'The version stands there twice.',
    '"card":{',
    '"card":{"version":1,',
    'bad-json',
  )
  rewritten('unpaired-surrogate', 'Half a character in the name.', 'Alder I', 'Alder \\ud83cI', 'bad-json')
  rewritten('number-with-fraction', 'A sequence between two.', '"sequence":1', '"sequence":1.5', 'bad-format')
  rewritten(
    'integer-of-2-to-the-53',
    'A time too large.',
    /"timeMs":\d+/,
    '"timeMs":9007199254740992',
    'bad-format',
  )

  const malformed = (name: string, about: string, card: unknown) =>
    vectors.invalid(name, about, {}, json(card), 'CARD-1', 'bad-format')
  const capitals = following({ party: alder.party.toUpperCase() })
  malformed('party-in-capitals', 'A party id in capitals.', capitals)
  malformed('not-an-object', 'A list with a card in it.', [alder.card])
  malformed('signature-missing', 'The card alone.', { card: first })
  malformed('signature-with-padding', 'Base64 with padding.', { card: first, signature: `${signature}==` })

  const refuse = (name: string, about: string, card: unknown) =>
    vectors.invalid(name, about, {}, json(card), 'CARD-1', 'bad-card')
  const { privateKey } = alder.keys.root
  const signed = (message: Uint8Array) => ({
    card: first,
    signature: base64UrlEncode(ed25519Sign(privateKey, message)),
  })
  const other = { card: first, signature: changed({ timeMs: 1 }).signature }
  refuse('bad-signature', 'Signed was another card of this party.', other)
  refuse('signed-by-another-key', 'The author key has signed.', changed({}, alder.keys.author))
  refuse('signed-by-another-party', 'Another party’s root key has signed.', changed({}, birch.keys.root))
  refuse('signed-in-another-domain', 'Signed as a request.', signed(signingInput('request', jcs(first))))
  refuse('signed-without-domain', 'Signed is the JSON alone.', signed(utf8(jcs(first))))
  refuse('one-key-for-two-uses', 'The vote key is the TLS key.', changed(keyed({ vote: first.keys.tls })))
  refuse(
    'sealing-key-as-author-key',
    'The author key is the sealing key.',
    changed(keyed({ author: first.keys.sealing })),
  )
  // The neutral element as a key, and as R with S = 0: the equation holds for whatever is signed.
  const neutral = Uint8Array.from({ length: 64 }, (_, index) => (index === 0 ? 1 : 0))
  const root = base64UrlEncode(neutral.slice(0, 32))
  const anybody = { card: { ...first, ...keyed({ root }) }, signature: base64UrlEncode(neutral) }
  refuse('root-key-of-small-order', 'A root key for which anybody can sign (SIG-2).', anybody)
  return vectors.all
}

function reverse(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const members = Object.entries(value).reverse()
  return Object.fromEntries(members.map(([key, one]) => [key, reverse(one)]))
}
