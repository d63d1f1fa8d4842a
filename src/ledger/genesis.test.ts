import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../../test/support/ledger-parties.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { type CardKeys, cardHash, partyOf, type SignedCard, signCard } from '../identity/card.ts'
import {
  checkGenesis,
  contractId,
  epochShape,
  firstEpoch,
  GENESIS_MAX_BYTES,
  GENESIS_ROOT,
  type Genesis,
  MEMBERS_MAX,
  type Policy,
  quorumOf,
} from './genesis.ts'
import type { CreateOperation } from './request.ts'

const random = seededBytes('genesis')
const [alder, birch] = ['Alder Insurance', 'Birch Shipping'].map((name) => fixtureParty(name, random)) as [
  FixtureParty,
  FixtureParty,
]
const { genesis } = new LedgerFixture({ members: [alder, birch] })
const bad = (code: string) => expect.objectContaining({ code })
const withMembers = (...members: unknown[]) => ({ ...genesis, members })

/** A party that puts keys of others into its own card. */
function borrowing(keys: Partial<CardKeys>): SignedCard {
  const { signedCard, keys: own } = fixtureParty('Cedar Bank', random)
  return signCard(own.root.privateKey, { ...signedCard.card, keys: { ...signedCard.card.keys, ...keys } })
}

describe('a genesis', () => {
  it('[GEN-1] is taken as it is, and its hash is the contract’s id', () => {
    expect(checkGenesis(genesis)).toBe(genesis)
    const bytes = `countersign/v1/contract\n${jcs(genesis)}`
    expect(contractId(genesis)).toBe(createHash('sha256').update(bytes).digest('hex'))
    const shuffled = Object.fromEntries(Object.entries(genesis).reverse())
    expect(contractId(checkGenesis(shuffled))).toBe(contractId(genesis))
  })

  it('[GEN-1] is another contract for another order of members, name, policy or nonce', () => {
    const others: Genesis[] = [
      { ...genesis, members: genesis.members.toReversed() },
      { ...genesis, name: 'Claim 4712' },
      { ...genesis, policy: { ...genesis.policy, quorum: 'bft' } },
      { ...genesis, policy: { ...genesis.policy, silenceMs: 60_000 } },
      { ...genesis, nonce: 'AAECAwQFBgcICQoLDA0ODw' },
      { ...genesis, operations: [] },
    ]
    for (const other of others) expect(checkGenesis(other)).toBe(other)
    expect(new Set([genesis, ...others].map(contractId)).size).toBe(others.length + 1)
  })

  it('[GEN-1] has no member twice, by whatever card', () => {
    expect(() => checkGenesis(withMembers(alder.signedCard, birch.signedCard, alder.signedCard))).toThrow(
      bad('bad-format'),
    )
    const later = rekeyed(alder, random).signedCard
    expect(() => checkGenesis(withMembers(alder.signedCard, birch.signedCard, later))).toThrow(
      bad('bad-format'),
    )
  })

  it('[GEN-1] has no key in the cards of two members, for the same use or another', () => {
    const { vote, cosign, author } = birch.signedCard.card.keys
    for (const keys of [
      { vote },
      { cosign },
      { author },
      { vote: cosign },
      { tls: vote },
      { cosign: author },
    ]) {
      const members = [alder.signedCard, birch.signedCard, borrowing(keys)]
      expect(() => checkGenesis(withMembers(...members))).toThrow(bad('bad-card'))
    }
    const { signedCard } = fixtureParty('Cedar Bank', random)
    expect(checkGenesis(withMembers(alder.signedCard, birch.signedCard, signedCard))).toBeDefined()
  })

  it('[GEN-1] holds a later card only with all cards before it', () => {
    const later = rekeyed(rekeyed(alder, random), random)
    const { card, signature, earlier } = later.signedCard
    const proven = withMembers(later.signedCard, birch.signedCard) as Genesis
    expect(checkGenesis(proven).creator).toBe(later.party)
    expect(firstEpoch(proven)).toMatchObject({
      members: [alder.party, birch.party],
      cards: [cardHash(card), cardHash(birch.signedCard.card)],
    })
    for (const forged of [
      { card, signature },
      { card, signature, earlier: earlier?.slice(1) },
    ])
      expect(() => checkGenesis(withMembers(forged, birch.signedCard))).toThrow(bad('bad-card'))
    // Anybody can write that its own keys are the second card of a party.
    const claim = { sequence: 2, party: alder.party, previous: alder.party }
    const stranger = fixtureParty('Alder Insurance', random)
    const forged = signCard(stranger.keys.root.privateKey, { ...stranger.signedCard.card, ...claim })
    for (const one of [forged, { ...forged, earlier: [alder.signedCard] }])
      expect(() => checkGenesis(withMembers(one, birch.signedCard))).toThrow(bad('bad-card'))
  })

  it('[GEN-1] has its creator among its members', () => {
    const { party } = fixtureParty('Cedar Bank', random)
    expect(() => checkGenesis({ ...genesis, creator: party })).toThrow(bad('bad-format'))
    expect(() => checkGenesis(withMembers(birch.signedCard))).toThrow(bad('bad-format'))
  })

  it('[GEN-1] has 1 to 256 members', () => {
    expect(MEMBERS_MAX).toBe(256)
    expect(checkGenesis(withMembers(alder.signedCard))).toBeDefined()
    expect(() => checkGenesis(withMembers())).toThrow(bad('bad-format'))
    expect(() => checkGenesis(withMembers(...Array(257).fill(alder.signedCard)))).toThrow(bad('bad-format'))
  })

  it('[GEN-1] creates only, and nothing of 32 zeros', () => {
    const [field] = genesis.operations as [CreateOperation]
    const { uid } = field
    const seen = '0'.repeat(64)
    for (const operation of [
      { op: 'delete', uid, seen },
      { op: 'set', uid, seen, type: 'text', value: seen },
      { ...field, uid: GENESIS_ROOT },
    ])
      expect(() => checkGenesis({ ...genesis, operations: [operation] })).toThrow(bad('bad-format'))
    expect(checkGenesis({ ...genesis, operations: [] })).toBeDefined()
  })

  it.each([
    ['another quorum', { quorum: 'one' }],
    ['a quorum by number', { quorum: 2 }],
    ['a clock bound below a second', { clockBoundMs: 999 }],
    ['a clock bound over a day', { clockBoundMs: 86_400_001 }],
    ['no clock bound', { clockBoundMs: null }],
    ['silence below a minute', { silenceMs: 59_999 }],
    ['no word on silence', { silenceMs: undefined }],
    ['another admission', { admission: { invite: 'creator', admit: 'every' } }],
    ['more in its admission', { admission: { invite: 'any', admit: 'every', x: 1 } }],
    ['something more', { fee: 1 }],
  ])('[GEN-1] has no policy with %s', (_, change) => {
    const policy = JSON.parse(JSON.stringify({ ...genesis.policy, ...change }))
    expect(() => checkGenesis({ ...genesis, policy })).toThrow(bad('bad-format'))
  })

  it.each([
    ['another version', { version: 2 }],
    ['another execution version', { executionVersion: 2 }],
    ['a name that hides something', { name: 'Claim\u202e4711' }],
    ['a time before 1970', { timeMs: -1 }],
    ['a nonce with stray bits', { nonce: `${'A'.repeat(21)}B` }],
    ['a lineage', { lineage: 0 }],
  ])('[GEN-1] has not %s', (_, change) => {
    expect(() => checkGenesis({ ...genesis, ...change })).toThrow(bad('bad-format'))
  })

  it('[GEN-1] has 8 MiB at most, and is refused by that before anyone looks at what is in it', () => {
    expect(GENESIS_MAX_BYTES).toBe(8 * 1024 * 1024)
    expect(() => checkGenesis('x'.repeat(GENESIS_MAX_BYTES))).toThrow(bad('too-large'))
    expect(() => checkGenesis('x'.repeat(GENESIS_MAX_BYTES - 2))).toThrow(bad('bad-format'))
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    const later = withMembers(alder.signedCard, rekeyed(birch, random).signedCard)
    for (const one of [genesis, later]) expectStrict(checkGenesis, one, contractId, 500)
  })
})

describe('the first epoch', () => {
  it('[STA-2] is made of the genesis, its members in their order', () => {
    const epoch = firstEpoch(genesis)
    expect(epoch).toEqual({
      epoch: 0,
      members: [alder.party, birch.party],
      cards: [cardHash(alder.signedCard.card), cardHash(birch.signedCard.card)],
      policy: genesis.policy,
      executionVersion: 1,
    })
    expect(epoch.members).toEqual(genesis.members.map(({ card }) => partyOf(card)))
    expectStrict((value) => epochShape(value, 'epoch'), epoch, jcs, 300)
    expect(() => epochShape({ ...epoch, executionVersion: 2 }, 'epoch')).toThrow(CountersignError)
  })
})

describe('a quorum', () => {
  const of = (quorum: Policy['quorum'], n: number) => quorumOf({ ...genesis.policy, quorum }, n)

  it('[ORD-1] is more than half, more than two thirds, or everybody', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 10, 256]
    expect(sizes.map((n) => of('majority', n))).toEqual([1, 2, 2, 3, 3, 4, 4, 6, 129])
    expect(sizes.map((n) => of('bft', n))).toEqual([1, 2, 3, 3, 4, 5, 5, 7, 171])
    expect(sizes.map((n) => of('unanimous', n))).toEqual(sizes)
  })

  it('[ORD-1] shares a member with every other, under bft an honest one while less than a third lie', () => {
    for (let n = 1; n <= MEMBERS_MAX; n += 1) {
      expect(2 * of('majority', n) - n).toBeGreaterThanOrEqual(1)
      const liars = Math.ceil(n / 3) - 1
      expect(2 * of('bft', n) - n).toBeGreaterThan(liars)
      expect(of('bft', n)).toBeLessThanOrEqual(n)
    }
  })
})
