/** Parties of a seed: keys and first cards that are the same in every run. */
import { createHash } from 'node:crypto'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { type Card, type CardKeys, partyOf, type SignedCard, signCard } from '../../src/identity/card.ts'

export const CARD_TIME_MS = 1_750_000_000_000

export type FixtureParty = { party: string; signedCard: SignedCard; keys: Record<keyof CardKeys, KeyPair> }

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
  const pair = () => generateKeyPair(random(32))
  const keys = {
    root: pair(),
    author: pair(),
    vote: pair(),
    cosign: pair(),
    sealing: generateSealingKeyPair(random(32)),
    tls: pair(),
  }
  const publicKeys = Object.fromEntries(
    Object.entries(keys).map(([use, { publicKey }]) => [use, publicKey]),
  ) as CardKeys
  const card: Card = {
    version: 1,
    sequence: 1,
    name,
    endpoints: ['node.example:4040'],
    keys: publicKeys,
    timeMs: CARD_TIME_MS,
  }
  const signedCard = signCard(keys.root.privateKey, card)
  return { party: partyOf(card), signedCard, keys }
}
