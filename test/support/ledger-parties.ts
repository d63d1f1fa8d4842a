/** Parties of a seed: keys and first cards that are the same in every run. */
import { createHash } from 'node:crypto'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import {
  type Card,
  type CardKeys,
  cardHash,
  type ProvenCard,
  partyOf,
  signCard,
} from '../../src/identity/card.ts'

export const CARD_TIME_MS = 1_750_000_000_000

export type FixtureParty = { party: string; signedCard: ProvenCard; keys: Record<keyof CardKeys, KeyPair> }

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(seed: string): (sizeBytes: number) => Uint8Array {
  let count = 0
  return (sizeBytes) => {
    count += 1
    return new Uint8Array(createHash('sha256').update(`${seed} ${count}`).digest().subarray(0, sizeBytes))
  }
}

/** A party with its keys and its first card. */
export function fixtureParty(name: string, random: (sizeBytes: number) => Uint8Array): FixtureParty {
  const keys = newKeys(random)
  const card = newCard(name, keys)
  return { party: partyOf(card), signedCard: signCard(keys.root.privateKey, card), keys }
}

/** The same party with all its keys replaced: its next card, and those before it. `signedWith` in place of its root key. */
export function rekeyed(
  { party, signedCard, keys: before }: FixtureParty,
  random: (sizeBytes: number) => Uint8Array,
  signedWith: KeyPair = before.root,
): FixtureParty {
  const { earlier = [], ...last } = signedCard
  const keys = newKeys(random)
  const sequence = last.card.sequence + 1
  const card = { ...newCard(last.card.name, keys), sequence, party, previous: cardHash(last.card) }
  return {
    party,
    signedCard: { ...signCard(signedWith.privateKey, card), earlier: [...earlier, last] },
    keys,
  }
}

/** The party with another key in its card, which its root key has signed. */
export function withKey(
  owner: FixtureParty,
  use: 'cosign' | 'tls',
  publicKey: string,
  root: KeyPair = owner.keys.root,
): FixtureParty {
  const { card, earlier } = owner.signedCard
  const signed = signCard(root.privateKey, { ...card, keys: { ...card.keys, [use]: publicKey } })
  return { ...owner, signedCard: earlier === undefined ? signed : { ...signed, earlier } }
}

function newKeys(random: (sizeBytes: number) => Uint8Array): FixtureParty['keys'] {
  const pair = () => generateKeyPair(random(32))
  const sealing = generateSealingKeyPair(random(32))
  return { root: pair(), author: pair(), vote: pair(), cosign: pair(), sealing, tls: pair() }
}

function newCard(name: string, keys: FixtureParty['keys']): Card {
  const publicKeys = Object.fromEntries(
    Object.entries(keys).map(([use, { publicKey }]) => [use, publicKey]),
  ) as CardKeys
  return {
    version: 1,
    sequence: 1,
    name,
    endpoints: ['node.example:4040'],
    keys: publicKeys,
    timeMs: CARD_TIME_MS,
  }
}
