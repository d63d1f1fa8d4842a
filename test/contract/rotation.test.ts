/** Parties that replace their keys, at real nodes: how those who pinned them learn it, and what becomes of their contracts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { initialise, paths, readConfig, readKeys, readOwnCard } from '../../src/cli/directory.ts'
import { rotate } from '../../src/cli/rotation.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { type Card, type ProvenCard, type SignedCard, signCard } from '../../src/identity/card.ts'
import { cosignatureVerifies } from '../../src/ledger/checkpoint.ts'
import { encodeFrame } from '../../src/node/transport/frames.ts'
import { KEY_USES, type KeyUse, loadKeys } from '../../src/signer/keys.ts'
import { freePorts, RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'
import { connectAs } from './transport-parties.ts'

let nodes: RunningNodes
const others: RunningNode[] = []
afterEach(async () => {
  for (const one of others.splice(0)) {
    await one.stop()
    rmSync(one.directory, { recursive: true, force: true })
  }
  await nodes.close()
})

const WORKING = KEY_USES.filter((use) => use !== 'root')
const cardHeld = (at: RunningNode, of: RunningNode): number | undefined =>
  at.node.store.peer(of.party)?.card.card.sequence
const cardInForce = (at: RunningNode, contract: string, of: RunningNode): number | undefined =>
  at.node.engine.replica(contract).roster.electorate.cards.get(of.party)?.sequence
const events = (at: RunningNode, event: string) => at.lines.filter((line) => line.event === event)
const areConnected = (a: RunningNode, b: RunningNode): boolean =>
  a.node.engine.isUp(b.party) && b.node.engine.isUp(a.party)

/** Stopped, its keys replaced, started; returns its former TLS key. */
async function renew(one: RunningNode, uses: readonly KeyUse[]) {
  await one.stop()
  const { keys } = readKeys(one.directory, readOwnCard(one.directory))
  rotate(one.directory, uses)
  await one.start()
  return keys.tls
}

describe('the next card of a pinned party', () => {
  it('[CARD-3] [NET-2] is taken by itself, whatever keys it replaces; the former TLS key is refused; contracts go on', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    const contract = await nodes.contract('Slip', '{"Premium":"10"}')
    const formerTls = await renew(b, WORKING)
    await until(() => cardHeld(a, b) === 2 && areConnected(a, b))
    expect(events(a, 'card-taken').map(({ level, detail }) => [level, detail])).toEqual([
      ['info', { party: b.party, name: 'Party 2', sequence: 2, before: 1 }],
    ])

    // The contract goes by the cards that it holds until a turn, which b's node asks for, brings the new one.
    expect((await a.put(`/records/${contract}/Premium`, '11')).status).toBe(200)
    const newer = readOwnCard(b.directory).card.card.keys.cosign
    const replica = a.node.engine.replica(contract)
    await until(() => replica.electorate.cosignKeys.get(b.party) === newer)
    expect((await b.put(`/records/${contract}/Premium`, '12')).status).toBe(200)
    const cosignature = replica.finality.cosignatures.get(b.party)
    expect(cosignature?.epoch).toBe(1)
    expect(cosignature && cosignatureVerifies(newer, contract, 0, cosignature)).toBe(true)

    // A new one goes by the new keys from the first.
    const second = await nodes.contract('Order', '{"Price":"1"}')
    expect((await b.put(`/records/${second}/Price`, '2')).status).toBe(200)
    const own = a.node.engine
      .replica(second)
      .finality.all()
      .find(({ party }) => party === b.party)
    expect(own && cosignatureVerifies(newer, second, 0, own)).toBe(true)

    const thief = await connectAs(formerTls, a.node.port)
    thief.socket.write(encodeFrame([JSON.stringify({ type: 'STATUS', contract })]))
    await thief.closed
    expect(a.node.transportStats()?.refused.superseded).toBe(1)
  })

  it('[CARD-3] is told on the connection where the TLS key stays', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    await renew(b, ['vote', 'cosign', 'root'])
    await until(() => cardHeld(a, b) === 2 && areConnected(a, b))
    expect(a.node.transportStats()?.refused['wrong-key']).toBeUndefined()
    await renew(a, ['author'])
    await until(() => cardHeld(b, a) === 2 && areConnected(a, b))
  })

  it('[CARD-3] is taken after both have replaced all keys, several times, while they were apart', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    const contract = await nodes.contract('Slip', '{"Premium":"10"}')
    await a.stop()
    await b.stop()
    for (const { directory } of [a, b]) for (let times = 0; times < 3; times += 1) rotate(directory, KEY_USES)
    await a.start()
    await b.start()
    await until(() => cardHeld(a, b) === 4 && cardHeld(b, a) === 4 && areConnected(a, b))
    // A write on its way while a turn brings its author's next card would not be ordered.
    for (const at of [a, b]) for (const of of [a, b]) await until(() => cardInForce(at, contract, of) === 4)
    expect((await a.put(`/records/${contract}/Premium`, '11')).status).toBe(200)
    await a.stop()
    await a.start()
    await until(() => areConnected(a, b))
    expect((await b.put(`/records/${contract}/Premium`, '12')).status).toBe(200)
  })

  it('[CARD-3] leads to where the party has moved', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    await b.stop()
    const [port] = (await freePorts(1)) as [number]
    rotate(b.directory, ['vote'], undefined, { endpoints: [`127.0.0.1:${port}`] })
    const config = { ...readConfig(b.directory), port }
    writeFileSync(paths(b.directory).config, JSON.stringify(config))
    await b.start()
    await until(() => cardHeld(a, b) === 2 && areConnected(a, b))
    expect(b.node.port).toBe(port)
  })

  it('[CARD-3] needs no fingerprint at the interface either', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    await b.stop()
    rotate(b.directory, WORKING)
    const { card } = readOwnCard(b.directory)
    const answer = await a.send('POST', '/api/peers', { card })
    expect([answer.status, answer.json()]).toMatchObject([
      200,
      { pinned: true, peer: { party: b.party, sequence: 2, pinned: true } },
    ])
    await b.start()
    await until(() => areConnected(a, b))
  })
})

/** Another party that calls itself the same, perhaps at the same port. */
function namesake(one: RunningNode, port: number): RunningNode {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-namesake-'))
  initialise(directory, { ...readConfig(one.directory), port })
  return new RunningNode(directory)
}

describe('what is no next card of a pinned party', () => {
  /** Tells a node a card, on a connection of this party’s. */
  async function tell(to: RunningNode, from: RunningNode, card: unknown): Promise<void> {
    const { tls } = loadKeys(paths(from.directory).keys)
    const client = await connectAs(tls, to.node.port)
    const before = to.lines.length
    client.socket.write(encodeFrame([JSON.stringify({ type: 'CARD', card }), '{"type":"CARD?"}']))
    await client.closed
    const told = to.lines.slice(before).filter(({ event }) => event === 'card-refused')
    expect(told.map(({ level, detail }) => [level, detail.party])).toEqual([['warn', from.party]])
  }

  it('[CARD-3] changes nothing and is logged: another’s, one that nothing proves, with another’s key, a rival, nonsense', async () => {
    nodes = await startNodes(3)
    const [a, b, c] = [nodes.at(0), nodes.at(1), nodes.at(2)]
    for (const one of [b, c]) {
      await one.stop()
      rotate(one.directory, ['vote'])
    }
    const next = readOwnCard(b.directory).card
    const { root } = loadKeys(paths(b.directory).keys)
    const byRoot = (change: Partial<Card>): ProvenCard => ({
      ...signCard((root as KeyPair).privateKey, { ...next.card, ...change }),
      earlier: next.earlier as SignedCard[],
    })
    const foreign = readOwnCard(a.directory).card.card.keys.vote
    const refused: unknown[] = [
      readOwnCard(c.directory).card,
      { ...next, signature: readOwnCard(c.directory).card.signature },
      { ...byRoot({ sequence: 3 }), earlier: undefined },
      byRoot({ keys: { ...next.card.keys, vote: foreign } }),
      'nonsense',
      undefined,
    ]
    for (const one of refused) await tell(a, b, one)
    expect([cardHeld(a, b), cardHeld(a, c)]).toEqual([1, 1])
    // Its true next card is taken after all that; then another of the same number is a rival.
    await b.start()
    await until(() => cardHeld(a, b) === 2)
    await tell(a, b, byRoot({ timeMs: 1 }))
    expect(a.node.store.peer(b.party)?.card.signature).toBe(next.signature)
  })

  it('[CARD-3] [NET-1] whoever stands at its endpoint: no card of theirs is taken for its', async () => {
    nodes = await startNodes(2)
    const [a, b] = [nodes.at(0), nodes.at(1)]
    await b.stop()
    const { port } = readConfig(b.directory)
    const squatter = namesake(b, port)
    others.push(squatter)
    await squatter.start()
    // It has been asked for its card, and has answered.
    await until(() => (squatter.node.transportStats()?.framesSent ?? 0) > 0)
    await until(() => (a.node.transportStats()?.refused['wrong-key'] ?? 0) > 1)
    expect(cardHeld(a, b)).toBe(1)
    expect(a.node.store.peer(squatter.party)).toBeUndefined()
    await squatter.stop()
    await b.start()
    await until(() => areConnected(a, b))
  })
})
