/**
 * Cards: a party's signed description of itself (PROTOCOL CARD-1 to CARD-3). The party id is the hash of its first card,
 * so whoever compares that one fingerprint has pinned the root key and, through it, every later card.
 */
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { hashOf, signingInput } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import type { PrivateKey } from '../crypto/keys.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/provider.ts'
import * as shape from '../crypto/shape.ts'

/** Public keys by use: raw 32 bytes, base64url. `sealing` is X25519, all others Ed25519. */
export type CardKeys = {
  root: string
  author: string
  vote: string
  cosign: string
  sealing: string
  tls: string
}

export type Card = {
  version: 1
  /** Party id; absent in the first card, whose hash it is. */
  party?: string
  sequence: number
  name: string
  /** Where its node listens for other nodes: `host:port`. */
  endpoints: string[]
  keys: CardKeys
  /** Hash of the card before. */
  previous?: string
  timeMs: number
  /** X.509 chain over the root key, PEM. */
  x509?: string[]
}

/** A card and its root key's signature (base64url) in domain `card`. */
export type SignedCard = { card: Card; signature: string }

/** A card with all cards before it, the first one first: it proves by itself whose it is. A first card has none before. */
export type ProvenCard = SignedCard & { earlier?: SignedCard[] }

/** Most cards that may stand before a proven one. */
export const EARLIER_MAX = 1024

const keysShape = shape.object({
  root: shape.publicKey,
  author: shape.publicKey,
  vote: shape.publicKey,
  cosign: shape.publicKey,
  sealing: shape.publicKey,
  tls: shape.publicKey,
})

const PORT = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'
const endpointShape = shape.pattern(
  new RegExp(`^(?:\\[[0-9a-fA-F:.]{2,45}\\]|[A-Za-z0-9.-]{1,253}):${PORT}$`),
  'host:port',
)

// Ranges are written out: what Unicode property escapes match changes with the version of the runtime.
const LABEL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  /^[^\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+$/u
const OUTER_SPACE =
  /^[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]$/

/**
 * What a party or a contract is called: 1 to 256 UTF-16 units without anything that breaks lines, hides or turns text
 * around, and without spaces at its ends, so that two names that differ can be seen to. Letters of two scripts can still
 * look the same: a name identifies nobody.
 */
export const labelShape: shape.Check<string> = (value, where) => {
  const label = shape.string(256, 1)(value, where)
  if (!LABEL.test(label) || OUTER_SPACE.test(label))
    throw new CountersignError(
      'bad-format',
      `${where}: expected a name without control or invisible characters, and without spaces at its ends`,
    )
  return label
}

const pemShape: shape.Check<string> = (value, where) => {
  shape.string(16_384)(value, where)
  return shape.pattern(
    /^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/,
    'one certificate in PEM',
  )(value, where)
}

/** Checks the form of a card by itself. @throws CountersignError `bad-format` */
export const cardShape: shape.Check<Card> = shape.object(
  {
    version: shape.literal(1),
    sequence: shape.integer(1),
    name: labelShape,
    endpoints: shape.array(endpointShape, 8),
    keys: keysShape,
    timeMs: shape.timeMs,
  },
  { party: shape.hash, previous: shape.hash, x509: shape.array(pemShape, 8, 1) },
)

const signedCardShape = shape.object({ card: cardShape, signature: shape.signature })
const anything: shape.Check<unknown> = (value) => value
const provenCardShape = shape.object(
  { card: anything, signature: anything },
  { earlier: shape.array(anything, EARLIER_MAX, 1) },
)

/** The card's hash (64 hex digits); that of the first card is the party id. */
export function cardHash(card: Card): string {
  return hashOf('card', jcs(card))
}

/** The party a card speaks for. */
export function partyOf(card: Card): string {
  return card.party ?? cardHash(card)
}

export function signCard(rootKey: PrivateKey, card: Card): SignedCard {
  const signature = base64UrlEncode(ed25519Sign(rootKey, signingInput('card', jcs(card))))
  return { card, signature }
}

function signedBy(publicKey: string, { card, signature }: SignedCard): boolean {
  return ed25519Verify(publicKey, signingInput('card', jcs(card)), base64UrlDecode(signature))
}

/**
 * Checks the shape of a signed card and, for a first card, its signature by its own root key. A later card's signature
 * needs the card before: `checkSuccession`.
 * @throws CountersignError `bad-format`, `bad-card`
 */
export function checkSignedCard(value: unknown): SignedCard {
  const signed = signedCardShape(value, 'card') as SignedCard
  const { card } = signed
  const first = card.sequence === 1
  if (first !== (card.party === undefined) || first !== (card.previous === undefined))
    throw new CountersignError('bad-card', 'only a first card (sequence 1) has neither party nor previous')
  const keys = Object.values(card.keys)
  if (new Set(keys).size !== keys.length)
    throw new CountersignError('bad-card', `the card of "${card.name}" has one key for two uses`)
  if (first && !signedBy(card.keys.root, signed))
    throw new CountersignError('bad-card', `the card of "${card.name}" is not signed by its own root key`)
  return signed
}

/**
 * Checks that `next` follows `current` directly (CARD-2).
 * @throws CountersignError `bad-card`
 */
export function checkSuccession(current: SignedCard, next: SignedCard): void {
  const { card } = next
  if (card.party !== partyOf(current.card))
    throw new CountersignError('bad-card', 'the new card names another party')
  if (card.sequence !== current.card.sequence + 1)
    throw new CountersignError('bad-card', `expected card ${current.card.sequence + 1}, got ${card.sequence}`)
  if (card.previous !== cardHash(current.card))
    throw new CountersignError('bad-card', 'the new card does not name the hash of the one before it')
  if (!signedBy(current.card.keys.root, next))
    throw new CountersignError('bad-card', 'the new card is not signed by the root key of the card before it')
}

/**
 * Checks a card with all cards before it: the first card's own signature, and each succession (CARD-2).
 * @throws CountersignError `bad-format`, `bad-card`
 */
export function checkProvenCard(value: unknown): ProvenCard {
  const { card, signature, earlier = [] } = provenCardShape(value, 'card')
  const chain = [...earlier, { card, signature }].map(checkSignedCard)
  let before: SignedCard | undefined
  for (const next of chain) {
    if (before) checkSuccession(before, next)
    else if (next.card.sequence !== 1)
      throw new CountersignError('bad-card', 'a later card comes with all cards before it, from the first on')
    before = next
  }
  return value as ProvenCard
}

/**
 * Checks a card as it is handed out: proven, or a later card alone, which says nothing without those before it.
 * @throws CountersignError `bad-format`, `bad-card`
 */
export function checkOfferedCard(value: unknown): ProvenCard {
  return Object.hasOwn(Object(value), 'earlier') ? checkProvenCard(value) : checkSignedCard(value)
}

/**
 * The cards of an offered chain that follow on the one that is held, each checked against the one before it (CARD-2): proof
 * enough for whoever has pinned the party. Empty where the chain ends at that card or before it.
 * @throws CountersignError `bad-format`, `bad-card`
 */
export function successorsOf(held: SignedCard, offered: unknown): SignedCard[] {
  const { card, signature, earlier = [] } = provenCardShape(offered, 'card')
  const successors: SignedCard[] = []
  let before = held
  for (const next of [...earlier, { card, signature }].map(checkSignedCard)) {
    const { sequence } = next.card
    if (partyOf(next.card) !== partyOf(held.card))
      throw new CountersignError('bad-card', 'the card offered is another party’s')
    if (sequence === held.card.sequence && cardHash(next.card) !== cardHash(held.card))
      throw new CountersignError('bad-card', `another card ${sequence} of the party is held here`)
    if (sequence <= held.card.sequence) continue
    checkSuccession(before, next)
    successors.push(next)
    before = next
  }
  return successors
}

/** The fingerprint as shown to people: the party id in groups of eight. */
export function formatFingerprint(party: string): string {
  return (party.match(/.{8}/g) ?? [party]).join(' ')
}

/** Accepts a fingerprint as typed or pasted (spaces, colons, capitals). @throws CountersignError `bad-format` */
export function parseFingerprint(text: string): string {
  return shape.hash(text.replace(/[\s:]/g, '').toLowerCase(), 'fingerprint')
}
