import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../../test/support/ledger-parties.ts'
import { base64UrlDecode, utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { type KeyPair, publicKeyToPem } from '../crypto/keys.ts'
import { sha256Hex } from '../crypto/provider.ts'
import {
  type Card,
  cardHash,
  checkOfferedCard,
  checkProvenCard,
  checkSignedCard,
  checkSuccession,
  formatFingerprint,
  labelShape,
  parseFingerprint,
  partyOf,
  type SignedCard,
  signCard,
} from './card.ts'

const random = seededBytes('cards')
const party = fixtureParty('Alder Insurance', random)
const stranger = fixtureParty('Birch Shipping', random)
const { signedCard, keys } = party
const second = rekeyed(party, random)
const third = rekeyed(second, random)

const bad = (code: string) => expect.objectContaining({ code })
const resigned = (change: Partial<Card>, root: KeyPair = keys.root): SignedCard =>
  signCard(root.privateKey, { ...signedCard.card, ...change })
/** The next card of a party, with anything in it. */
const next = (change: Partial<Card> = {}, root: KeyPair = keys.root): SignedCard =>
  resigned({ sequence: 2, party: party.party, previous: party.party, ...change }, root)
const bare = ({ signedCard: { card, signature } }: FixtureParty): SignedCard => ({ card, signature })

describe('a card', () => {
  it('[CARD-1] is taken with its root key’s signature over its canonical JSON in domain card', () => {
    expect(checkSignedCard(signedCard)).toBe(signedCard)
    const shuffled = JSON.parse(
      JSON.stringify(signedCard.card, Object.keys(signedCard.card).reverse().concat(Object.keys(keys))),
    )
    expect(checkSignedCard({ signature: signedCard.signature, card: shuffled }).card).toEqual(signedCard.card)
  })

  it('[SIG-1] is verified by openssl pkeyutl -verify -rawin over its bytes in the domain', (context) => {
    if (spawnSync('openssl', ['version']).status !== 0) context.skip('openssl is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'countersign-card-'))
    afterAll(() => rmSync(folder, { recursive: true }))
    const file = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const verify = (message: string) =>
      spawnSync('openssl', [
        ...[
          'pkeyutl',
          '-verify',
          '-rawin',
          '-pubin',
          '-inkey',
          file('key', publicKeyToPem(keys.root.publicKey)),
        ],
        ...['-sigfile', file('signature', base64UrlDecode(signedCard.signature)), '-in', file('in', message)],
      ])
    expect(verify(`countersign/v1/card\n${jcs(signedCard.card)}`).status).toBe(0)
    expect(verify(`countersign/v1/request\n${jcs(signedCard.card)}`).status).not.toBe(0)
  })

  it('[SIG-1] is not taken with a signature of another domain, key or card', () => {
    const card = { ...signedCard.card }
    const other = signCard(stranger.keys.root.privateKey, card).signature
    const vote = signCard(keys.vote.privateKey, card).signature
    for (const signature of [other, vote, resigned({ timeMs: 1 }).signature, second.signedCard.signature])
      expect(() => checkSignedCard({ card, signature })).toThrow(bad('bad-card'))
  })

  it('[CARD-1] has exactly the keys of its format, each once', () => {
    for (const change of [
      { version: 2 },
      { sequence: 0 },
      { sequence: 1.5 },
      { endpoints: undefined },
      { note: 'x' },
      { timeMs: -1 },
      { keys: { ...signedCard.card.keys, root: undefined } },
      { keys: { ...signedCard.card.keys, extra: signedCard.card.keys.root } },
    ] as never[]) {
      const card = JSON.parse(JSON.stringify({ ...signedCard.card, ...(change as object) }))
      expect(() => checkSignedCard({ card, signature: signedCard.signature })).toThrow(bad('bad-format'))
    }
    expect(() => checkSignedCard({ ...signedCard, extra: 1 })).toThrow(bad('bad-format'))
    const { card, signature } = signedCard
    expect(() =>
      checkSignedCard(JSON.parse(`{"card":${jcs(card)},"__proto__":1,"signature":"${signature}"}`)),
    ).toThrow(bad('bad-format'))
  })

  it('[CARD-1] has a key of its own for each use', () => {
    const { author, vote } = signedCard.card.keys
    for (const change of [
      { vote: author },
      { tls: vote },
      { sealing: vote },
      { cosign: signedCard.card.keys.root },
    ])
      expect(() => checkSignedCard(resigned({ keys: { ...signedCard.card.keys, ...change } }))).toThrow(
        bad('bad-card'),
      )
  })

  it('[CARD-1] spells keys and signature in base64url without padding and without stray bits', () => {
    const { root } = signedCard.card.keys
    const stray = root.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))
    for (const spelt of [`${root}=`, stray, root.slice(0, 42), `${root}\n`, 'A'.repeat(44), ''])
      expect(() => checkSignedCard(resigned({ keys: { ...signedCard.card.keys, vote: spelt } }))).toThrow(
        bad('bad-format'),
      )
    for (const signature of [
      `${signedCard.signature}==`,
      signedCard.signature.slice(1),
      'A'.repeat(85).concat('B'),
    ])
      expect(() => checkSignedCard({ ...signedCard, signature })).toThrow(bad('bad-format'))
  })

  it.each(['node.example:7400', '192.0.2.1:1', '[2001:db8::1]:65535', '[::ffff:192.0.2.1]:443'])(
    '[CARD-1] is reached at %s',
    (endpoint) => {
      expect(checkSignedCard(resigned({ endpoints: [endpoint] })).card.endpoints).toEqual([endpoint])
    },
  )

  it.each([
    'node.example',
    'node.example:0',
    'node.example:65536',
    'node.example:080',
    'node.example:1\n',
    'https://node.example:1',
    'a b:1',
    '2001:db8::1:1',
    '[node]:1',
    ':1',
    `${'a'.repeat(254)}:1`,
  ])('[CARD-1] is not reached at %j', (endpoint) => {
    expect(() => checkSignedCard(resigned({ endpoints: [endpoint] }))).toThrow(bad('bad-format'))
  })

  it('[CARD-1] has at most 8 endpoints', () => {
    const endpoints = Array.from({ length: 8 }, (_, index) => `node.example:${index + 1}`)
    expect(checkSignedCard(resigned({ endpoints }))).toBeDefined()
    expect(() => checkSignedCard(resigned({ endpoints: [...endpoints, 'node.example:9'] }))).toThrow(
      bad('bad-format'),
    )
  })

  it('[CARD-1] carries certificates in PEM only, few and short', () => {
    const pem = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\nAA==\n-----END CERTIFICATE-----\n`
    expect(checkSignedCard(resigned({ x509: [pem, pem] }))).toBeDefined()
    const long = pem.replace('AA==', `${`${'A'.repeat(64)}\n`.repeat(300)}AA==`)
    for (const x509 of [[], [''], [`${pem}x`], [pem.replaceAll('\n', '\r\n')], [long], Array(9).fill(pem)])
      expect(() => checkSignedCard(resigned({ x509 }))).toThrow(bad('bad-format'))
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    expectStrict(checkSignedCard, signedCard, ({ card }) => cardHash(card))
    expectStrict(checkSignedCard, bare(second), jcs)
  })
})

describe('the name of a party or a contract', () => {
  it.each([
    'A',
    'Alder Insurance (Münster) GmbH & Co. KG',
    'Überweisung №1',
    'شركة المثال',
    'می‌خواهم',
    '株式会社 例',
    '👩‍⚖️ Law',
    'a'.repeat(256),
  ])('[CARD-1] can be %j', (name) => {
    expect(labelShape(name, 'name')).toBe(name)
  })

  it.each([
    ['nothing', ''],
    ['a newline', 'Alder\nInsurance'],
    ['a control character of a terminal', 'Alder\u001b[2K'],
    ['a C1 control character', 'Alder\u009b2K'],
    ['text turned around', 'Alder \u202ecnI'],
    ['an isolate', 'Alder \u2066Inc'],
    ['a mark of direction', 'Alder\u200f'],
    ['an invisible space', 'Al\u200bder'],
    ['a word joiner', 'Al\u2060der'],
    ['a byte order mark', '\ufeffAlder'],
    ['a line separator', 'Alder\u2028Inc'],
    ['a space before it', ' Alder'],
    ['a space behind it', 'Alder '],
    ['another space behind it', 'Alder\u3000'],
    ['a no-break space before it', '\u00a0Alder'],
    ['half a character', 'Alder\ud800'],
    ['too much', 'a'.repeat(257)],
    ['too many characters of two units', '😀'.repeat(129)],
  ])('[CARD-1] is not %s', (_, name) => {
    expect(() => labelShape(name, 'name')).toThrow(bad('bad-format'))
    expect(() => checkSignedCard(resigned({ name }))).toThrow(CountersignError)
  })
})

describe('succession', () => {
  it('[CARD-2] begins with the card whose hash is the party id', () => {
    expect(party.party).toBe(sha256Hex(`countersign/v1/card\n${jcs(signedCard.card)}`))
    expect(partyOf(second.signedCard.card)).toBe(party.party)
  })

  it('[CARD-2] goes on by the root key of the card before, also to another root key', () => {
    expect(() => checkSuccession(signedCard, bare(second))).not.toThrow()
    expect(() => checkSuccession(bare(second), bare(third))).not.toThrow()
  })

  it.each([
    ['another party', next({ party: stranger.party })],
    ['a sequence left out', next({ sequence: 3 })],
    ['the same sequence', signedCard],
    ['another card before it', next({ previous: stranger.party })],
    ['its own new root key alone', next({ keys: second.signedCard.card.keys }, second.keys.root)],
    ['the vote key of the card before', next({}, keys.vote)],
    ['the root key of a party unconcerned', next({}, stranger.keys.root)],
  ])('[CARD-2] is not by %s', (_, card) => {
    expect(() => checkSuccession(signedCard, card)).toThrow(bad('bad-card'))
  })

  it('[CARD-2] is not from the card before last, however well signed', () => {
    const skipping = next({ sequence: 3, previous: cardHash(second.signedCard.card) })
    expect(() => checkSuccession(bare(second), skipping)).toThrow(bad('bad-card'))
  })

  it('[CARD-2] has both or none of party and previous, by its sequence', () => {
    const { party: id } = party
    const cards = [
      { party: id, previous: id },
      { party: id },
      { previous: id },
      { sequence: 2 },
      { sequence: 2, party: id },
    ]
    for (const change of cards) expect(() => checkSignedCard(resigned(change))).toThrow(bad('bad-card'))
  })
})

describe('a proven card', () => {
  it('[CARD-2] is a first card alone, or a later one with all before it', () => {
    for (const one of [party, second, third]) expect(checkProvenCard(one.signedCard)).toBe(one.signedCard)
  })

  it('[CARD-2] is not a later card alone, though it names whose it is', () => {
    const forged = { sequence: 2, party: party.party, previous: party.party }
    const forger = signCard(stranger.keys.root.privateKey, { ...stranger.signedCard.card, ...forged })
    expect(checkSignedCard(forger)).toBe(forger)
    expect(() => checkProvenCard(forger)).toThrow(bad('bad-card'))
    expect(() => checkProvenCard(bare(second))).toThrow(bad('bad-card'))
    expect(() => checkProvenCard({ ...forger, earlier: [signedCard] })).toThrow(bad('bad-card'))
    expect(() => checkProvenCard({ ...forger, earlier: [bare(stranger)] })).toThrow(bad('bad-card'))
  })

  it('[CARD-2] does not hold cards out of order, twice, too few or too many', () => {
    const [one, two, three] = [party, second, third].map(bare) as [SignedCard, SignedCard, SignedCard]
    for (const earlier of [[two, one], [one], [two], [one, one, two], [one, two, three], []])
      expect(() => checkProvenCard({ ...three, earlier })).toThrow(CountersignError)
    expect(() => checkProvenCard({ ...one, earlier: [] })).toThrow(bad('bad-format'))
    expect(() => checkProvenCard({ ...one, earlier: [one] })).toThrow(bad('bad-card'))
    expect(() => checkProvenCard({ ...two, earlier: Array(1025).fill(one) })).toThrow(bad('bad-format'))
  })

  it('[CARD-2] does not nest: the cards before it stand in one list', () => {
    const { card, signature } = third.signedCard
    expect(() => checkProvenCard({ card, signature, earlier: [signedCard, second.signedCard] })).toThrow(
      bad('bad-format'),
    )
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    expectStrict(checkProvenCard, third.signedCard, jcs)
    expectStrict(checkOfferedCard, third.signedCard, jcs, 200)
    expectStrict(checkOfferedCard, bare(second), jcs, 200)
  })
})

describe('a fingerprint', () => {
  it('[CARD-3] is the party id, in groups for people, and is read as people type it', () => {
    const shown = formatFingerprint(party.party)
    expect(shown).toMatch(/^([0-9a-f]{8} ){7}[0-9a-f]{8}$/)
    expect(parseFingerprint(shown)).toBe(party.party)
    expect(parseFingerprint(`${party.party.toUpperCase().replace(/(..)(?=.)/g, '$1:')}\n`)).toBe(party.party)
  })

  it('[CARD-3] is not read from a part of it, or with other characters in it', () => {
    for (const text of [
      '',
      party.party.slice(1),
      `${party.party}0`,
      party.party.replace(/^./, 'g'),
      'О'.repeat(64),
    ])
      expect(() => parseFingerprint(text)).toThrow(bad('bad-format'))
    expect(utf8(formatFingerprint(party.party)).length).toBe(71)
  })
})
