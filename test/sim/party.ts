/** A party of the simulation: keys and card from the seed. */
import { generateKeyPair, generateSealingKeyPair } from '../../src/crypto/keys.ts'
import { partyOf, type SignedCard, signCard } from '../../src/identity/card.ts'
import type { Keys } from '../../src/signer/keys.ts'
import type { Random } from './random.ts'

export type Party = { id: string; name: string; keys: Keys; card: SignedCard }

export function makeParty(name: string, port: number, timeMs: number, random: Random): Party {
  const root = generateKeyPair(random.bytes(32))
  const keys = {
    root,
    author: generateKeyPair(random.bytes(32)),
    vote: generateKeyPair(random.bytes(32)),
    cosign: generateKeyPair(random.bytes(32)),
    sealing: generateSealingKeyPair(random.bytes(32)),
    tls: generateKeyPair(random.bytes(32)),
  }
  const card = signCard(root.privateKey, {
    version: 1,
    sequence: 1,
    name,
    endpoints: [`127.0.0.1:${port}`],
    keys: {
      root: root.publicKey,
      author: keys.author.publicKey,
      vote: keys.vote.publicKey,
      cosign: keys.cosign.publicKey,
      sealing: keys.sealing.publicKey,
      tls: keys.tls.publicKey,
    },
    timeMs,
  })
  return { id: partyOf(card.card), name, keys, card }
}
