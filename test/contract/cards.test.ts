/** A real node, the cards it takes of others, and contracts that name other cards than those it holds. */
import { afterEach, describe, expect, it } from 'vitest'
import { cardHash, type ProvenCard, type SignedCard, signCard } from '../../src/identity/card.ts'
import { contractId, type Genesis } from '../../src/ledger/genesis.ts'
import { DEFAULT_POLICY } from '../../src/node/engine-options.ts'
import { Node, OWN_CARD_SETTING } from '../../src/node/node.ts'
import { fetchCard } from '../../src/node/transport/fetch-card.ts'
import { Signer } from '../../src/signer/signer.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../support/ledger-parties.ts'

const random = seededBytes('accept')
const alder = rekeyed(fixtureParty('Alder Insurance', random), random)
const birch = fixtureParty('Birch Shipping', random)
const newBirch = rekeyed(birch, random)
const bad = (code: string) => expect.objectContaining({ code })
const bare = ({ card, signature }: ProvenCard): SignedCard => ({ card, signature })

const nodes: Node[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

/** A node of a party that has taken these cards of others, in this order. */
async function nodeOf({ party, keys, signedCard }: FixtureParty, cards: ProvenCard[]): Promise<Node> {
  const store = openSqliteStore(':memory:')
  const { earlier = [] } = signedCard
  store.write([
    { kind: 'setting', key: OWN_CARD_SETTING, value: JSON.stringify(bare(signedCard)) },
    ...earlier.map((card) => ({ kind: 'peer-card', card }) as const),
  ])
  const journal = {
    append: () => undefined,
    load: () => [],
    rewrite: () => undefined,
    close: () => undefined,
  }
  const node = await Node.start({
    store,
    signer: Signer.open({ journal, keys, party }),
    tlsKey: keys.tls,
    listen: { host: '127.0.0.1', port: 0 },
    log: () => undefined,
  })
  nodes.push(node)
  for (const card of cards) node.pin(card)
  return node
}

/** An invitation of Birch's, with these cards in it; returns the contract. */
function invite(node: Node, ...members: ProvenCard[]): string {
  const genesis: Genesis = {
    version: 1,
    name: 'Charter party',
    creator: birch.party,
    nonce: Buffer.from(random(16)).toString('base64url'),
    timeMs: node.now(),
    members,
    policy: DEFAULT_POLICY,
    executionVersion: 1,
    operations: [],
  }
  const contract = contractId(genesis)
  node.engine.deliver(birch.party, [{ type: 'INVITE', contract, genesis, openings: [] }], node.now())
  return contract
}

describe('a node', () => {
  it('[CARD-3] accepts a contract whose cards are those it holds, its own included', async () => {
    const before = await nodeOf(alder, [birch.signedCard])
    const contract = invite(before, birch.signedCard, alder.signedCard)
    before.accept(contract)
    expect(before.engine.replica(contract).status).toBe('accepted')
    const after = await nodeOf(alder, [birch.signedCard, bare(newBirch.signedCard)])
    after.accept(invite(after, newBirch.signedCard, alder.signedCard))
  })

  it('[CARD-3] accepts none with a card that it knows to be replaced: its keys may be in other hands', async () => {
    const node = await nodeOf(alder, [birch.signedCard, bare(newBirch.signedCard)])
    const contract = invite(node, birch.signedCard, alder.signedCard)
    expect(() => node.accept(contract)).toThrow(bad('superseded-card'))
    expect(node.engine.replica(contract).status).toBe('invited')
  })

  it('[CARD-3] accepts none with a newer card before it has taken it, nor with another of the same number', async () => {
    const node = await nodeOf(alder, [birch.signedCard])
    expect(() => node.accept(invite(node, newBirch.signedCard, alder.signedCard))).toThrow(
      bad('superseded-card'),
    )
    node.pin(bare(newBirch.signedCard))
    const fork = rekeyed(birch, random)
    expect(() => node.accept(invite(node, fork.signedCard, alder.signedCard))).toThrow(bad('superseded-card'))
    node.accept(invite(node, newBirch.signedCard, alder.signedCard))
  })

  it('[CARD-3] accepts none with an old card of its own', async () => {
    const node = await nodeOf(alder, [birch.signedCard])
    const [first] = alder.signedCard.earlier as [SignedCard]
    expect(() => node.accept(invite(node, birch.signedCard, first))).toThrow(bad('superseded-card'))
  })

  it('[CARD-3] accepts none with a party it has not pinned', async () => {
    const node = await nodeOf(alder, [birch.signedCard])
    const cedar = fixtureParty('Cedar Bank', random)
    const contract = invite(node, birch.signedCard, alder.signedCard, cedar.signedCard)
    expect(() => node.accept(contract)).toThrow(bad('unknown-party'))
    node.pin(cedar.signedCard)
    node.accept(contract)
  })

  it('[CARD-2] is told of no contract with a later card that nothing proves', async () => {
    const node = await nodeOf(alder, [birch.signedCard, bare(newBirch.signedCard)])
    const contract = invite(node, bare(newBirch.signedCard), alder.signedCard)
    expect(() => node.engine.replica(contract)).toThrow(bad('unknown-contract'))
    expect(node.engine.refused.get('bad-card')).toBe(1)
  })

  it('[GEN-1] makes a contract with all cards of its members before those in force', async () => {
    const node = await nodeOf(alder, [birch.signedCard, bare(newBirch.signedCard)])
    const contract = node.createContract('Charter party', [birch.party], { operations: [], openings: [] })
    const { members } = node.engine.replica(contract).genesis
    expect(
      members.map(({ card, earlier }) => [cardHash(card), earlier?.map((one) => cardHash(one.card))]),
    ).toEqual([
      [cardHash(alder.signedCard.card), [alder.party]],
      [cardHash(newBirch.signedCard.card), [birch.party]],
    ])
  })
})

describe('a party', () => {
  const heldBy = (node: Node) => node.store.cardHistory(birch.party).map(({ card }) => card.sequence)
  const newest = rekeyed(newBirch, random)

  it('[CARD-3] is pinned by its first card, or by a later one with all before it', async () => {
    const node = await nodeOf(alder, [])
    expect(node.pin(newest.signedCard)).toBe(birch.party)
    expect(heldBy(node)).toEqual([1, 2, 3])
    expect(node.store.peer(birch.party)).toMatchObject({ pinned: true, card: bare(newest.signedCard) })
  })

  it('[CARD-3] is not pinned by a later card alone', async () => {
    const node = await nodeOf(alder, [])
    expect(() => node.pin(bare(newBirch.signedCard))).toThrow(bad('bad-card'))
    const forger = fixtureParty('Birch Shipping', random)
    const claim = { sequence: 2, party: birch.party, previous: birch.party }
    const forged = signCard(forger.keys.root.privateKey, { ...forger.signedCard.card, ...claim })
    expect(() => node.pin(forged)).toThrow(bad('bad-card'))
    expect(() => node.pin({ ...forged, earlier: [birch.signedCard] })).toThrow(bad('bad-card'))
    expect(node.store.peer(birch.party)).toBeUndefined()
  })

  it('[CARD-2] that is known is followed from the card that is held, over any number of cards', async () => {
    const jumping = await nodeOf(alder, [birch.signedCard])
    // The second time changes nothing.
    for (const next of [newest.signedCard, newest.signedCard]) {
      jumping.pin(next)
      expect(heldBy(jumping)).toEqual([1, 2, 3])
    }
    const node = await nodeOf(alder, [birch.signedCard])
    expect(() => node.pin(bare(newest.signedCard))).toThrow(bad('bad-card'))
    node.pin(bare(newBirch.signedCard))
    node.pin(bare(newest.signedCard))
    expect(heldBy(node)).toEqual([1, 2, 3])
  })

  it('[CARD-2] that is known does not go back, nor over to another card of the same number', async () => {
    const node = await nodeOf(alder, [birch.signedCard, bare(newBirch.signedCard)])
    expect(() => node.pin(birch.signedCard)).toThrow(bad('superseded-card'))
    const fork = rekeyed(birch, random)
    expect(() => node.pin(fork.signedCard)).toThrow(bad('bad-card'))
    expect(() => node.pin(bare(fork.signedCard))).toThrow(bad('bad-card'))
    expect(() => node.pin(rekeyed(fork, random).signedCard)).toThrow(bad('bad-card'))
    expect(node.store.peer(birch.party)?.card).toEqual(bare(newBirch.signedCard))
  })

  it('[CARD-3] with a key of another known party, or of this one, is refused', async () => {
    const node = await nodeOf(alder, [birch.signedCard])
    const { keys, signedCard } = fixtureParty('Cedar Bank', random)
    const borrowing = (borrowed: object) =>
      signCard(keys.root.privateKey, { ...signedCard.card, keys: { ...signedCard.card.keys, ...borrowed } })
    const [theirs, ours] = [birch.signedCard.card.keys, alder.signedCard.card.keys]
    for (const borrowed of [
      { tls: theirs.tls },
      { vote: theirs.tls },
      { tls: ours.tls },
      { cosign: ours.vote },
    ])
      expect(() => node.pin(borrowing(borrowed))).toThrow(bad('bad-card'))
    expect(() => node.pin(alder.signedCard)).toThrow(bad('bad-card'))
    node.pin(signedCard)
  })

  it('[NET-2] shows strangers its card with all cards before it', async () => {
    const node = await nodeOf(alder, [])
    const { card, tlsKey } = await fetchCard(`127.0.0.1:${node.port}`, 10_000)
    expect(card).toEqual(alder.signedCard)
    expect(tlsKey).toBe(alder.keys.tls.publicKey)
    const other = await nodeOf(birch, [card])
    expect(other.store.peer(alder.party)?.card).toEqual(bare(alder.signedCard))
  })
})
