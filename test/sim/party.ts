/** A party of the simulation: keys and card from the seed. */
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { cardHash, type ProvenCard, partyOf, signCard } from '../../src/identity/card.ts'
import type { SignerKeys, SignerUse } from '../../src/signer/key-ring.ts'
import type { Keys } from '../../src/signer/keys.ts'
import type { Random } from './random.ts'

/** keys: the first ones; ring: what its signer holds; card: its newest. */
export type Party = { id: string; name: string; keys: Keys; ring: SignerKeys; card: ProvenCard }

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
  const { author, vote, cosign } = keys
  return { id: partyOf(card.card), name, keys, ring: { author, vote, cosign }, card }
}

/** The party with its next card, that has new keys of these uses; its signer holds the former ones too. */
export function renew(party: Party, uses: readonly SignerUse[], random: Random): Party {
  const { earlier = [], ...last } = party.card
  let { ring } = party
  const keys = { ...last.card.keys }
  for (const use of uses) {
    const pair = generateKeyPair(random.bytes(32))
    ring = { ...ring, [use]: [ring[use], pair].flat() }
    keys[use] = pair.publicKey
  }
  const signed = signCard((party.keys.root as KeyPair).privateKey, {
    ...last.card,
    ...{ party: party.id, sequence: last.card.sequence + 1, previous: cardHash(last.card), keys },
  })
  return { ...party, ring, card: { ...signed, earlier: [...earlier, last] } }
}
