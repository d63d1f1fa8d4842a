/** What two honest nodes get from the transport, on real TLS sockets. */
import { createServer } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fetchCard } from '../../src/node/transport/fetch-card.ts'
import type { TransportLimits } from '../../src/node/transport/options.ts'
import { Transport } from '../../src/node/transport/transport.ts'
import { connectAs, HOST, newParty, type Party, Station, withNewTlsKey } from './transport-parties.ts'

const stations: Station[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(stations.splice(0).map(({ transport }) => transport.close()))
})

async function start(
  self: Party,
  contacts: Party[],
  limits: Partial<TransportLimits> = {},
  port = 0,
): Promise<Station> {
  const station = await Station.start(self, contacts, limits, port)
  stations.push(station)
  return station
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 })

const A = newParty('A')
const B = newParty('B')

/** Two nodes connected both ways. */
async function pair(limits: Partial<TransportLimits> = {}): Promise<{ a: Station; b: Station }> {
  const a = await start(A, [B], limits)
  const b = await start(B, [A], limits)
  a.dial([[B, b.address]])
  b.dial([[A, a.address]])
  const connected = { inbound: 1, outbound: 1, strangers: 0 }
  await until(() => {
    for (const { transport } of [a, b]) expect(transport.stats().connections).toEqual(connected)
    expect([a.transport.isUp(B.id), b.transport.isUp(A.id)]).toEqual([true, true])
  })
  return { a, b }
}

const numbers = (station: Station, party: Party): unknown[] => station.from(party).map(({ n }) => n)
const countTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('two nodes', () => {
  it('[NET-1] send messages both ways, each on the connection it opened', async () => {
    const { a, b } = await pair()
    expect(a.transport.send(B.id, { type: 'TEST', text: 'from A: é 😀 \u2028' })).toBe(true)
    expect(b.transport.send(A.id, '{"type":"TEST","text":"from B"}')).toBe(true)
    await until(() => {
      expect(b.received).toEqual([{ party: A.id, message: { type: 'TEST', text: 'from A: é 😀 \u2028' } }])
      expect(a.received).toEqual([{ party: B.id, message: { type: 'TEST', text: 'from B' } }])
    })
    expect(a.transport.stats()).toMatchObject({
      framesSent: 1,
      framesReceived: 1,
      refused: {},
      connections: { inbound: 1, outbound: 1, strangers: 0 },
    })
    expect(a.ups).toEqual([B.id])
    expect(a.downs).toEqual([])
  })

  it('[NET-1] get 10,000 messages once each and in order, many to a frame', async () => {
    const { a, b } = await pair()
    for (const n of countTo(10_000)) {
      a.transport.send(B.id, n % 2 === 0 ? { type: 'TEST', n } : `{"type":"TEST","n":${n}}`)
      if (n % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => expect(b.received.length).toBe(10_000))
    expect(numbers(b, A)).toEqual(countTo(10_000))
    expect(a.transport.stats().framesSent).toBeLessThanOrEqual(101)
    expect(b.transport.stats().framesReceived).toBe(a.transport.stats().framesSent)
  })

  it('[NET-1] put what is queued in one turn into one frame, and flush at once when told', async () => {
    const { a, b } = await pair()
    for (const n of [0, 1, 2]) a.transport.send(B.id, { type: 'TEST', n })
    expect(a.transport.stats().framesSent).toBe(0)
    expect(a.transport.bufferedBytes(B.id)).toBeGreaterThan(0)
    a.transport.flush()
    expect(a.transport.stats().framesSent).toBe(1)
    a.transport.send(B.id, { type: 'TEST', n: 3 })
    await until(() => expect(numbers(b, A)).toEqual([0, 1, 2, 3]))
    expect(a.transport.stats().framesSent).toBe(2)
  })

  it('[NET-1] get a message of 30 MiB, and refuse to send one that no frame holds', async () => {
    const { a, b } = await pair()
    const text = 'x'.repeat(30 * 1024 * 1024)
    a.transport.send(B.id, { type: 'TEST', n: 0 })
    a.transport.send(B.id, { type: 'TEST', n: 1, text })
    a.transport.send(B.id, { type: 'TEST', n: 2 })
    await until(() => expect(numbers(b, A)).toEqual([0, 1, 2]))
    expect(b.from(A)[1]?.text === text).toBe(true)
    const longer = { type: 'TEST', text: `${text}${'x'.repeat(2 * 1024 * 1024)}` }
    expect(() => a.transport.send(B.id, longer)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(a.transport.isUp(B.id)).toBe(true)
  })

  it('[NET-1] send nothing when there is nothing to send, and stay connected', async () => {
    const { a, b } = await pair({ stallMs: 100 })
    a.transport.send(B.id, { type: 'TEST' })
    b.transport.send(A.id, { type: 'TEST' })
    await until(() => expect([a.received.length, b.received.length]).toEqual([1, 1]))
    const before = a.transport.stats()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(a.transport.stats()).toEqual(before)
    expect([a.downs, b.downs]).toEqual([[], []])
    a.transport.send(B.id, { type: 'TEST' })
    await until(() => expect(b.received.length).toBe(2))
  })

  it('count the bytes on the wire, TLS included', async () => {
    const { a, b } = await pair()
    const before = a.transport.stats().bytesSent
    a.transport.send(B.id, { type: 'TEST', text: 'x'.repeat(100_000) })
    await until(() => expect(b.received.length).toBe(1))
    expect(a.transport.stats().bytesSent - before).toBeGreaterThan(100_000)
    expect(b.transport.stats().bytesReceived).toBeGreaterThan(100_000)
    expect(a.transport.stats().bytesSent - before).toBeLessThan(102_000)
    const { bytesSent } = a.transport.stats()
    a.transport.setPeers([])
    await until(() => expect(a.transport.stats().connections.outbound).toBe(0))
    await until(() => expect(b.transport.stats().connections.inbound).toBe(0))
    expect(a.transport.stats().bytesSent).toBeGreaterThanOrEqual(bytesSent)
  })
})

describe('a connection that is lost', () => {
  it('[NET-5] is opened again when the peer is back, and onPeerUp is where to send again', async () => {
    const { a, b } = await pair()
    const { port } = b.transport
    stations.splice(stations.indexOf(b), 1)
    await b.transport.close()
    await until(() => expect(a.downs).toEqual([B.id]))
    expect(a.transport.isUp(B.id)).toBe(false)
    expect(a.transport.send(B.id, { type: 'TEST', n: 0 })).toBe(false)

    a.onUp = () => a.transport.send(B.id, { type: 'TEST', n: 1 })
    const again = await start(B, [A], {}, port)
    again.dial([[A, a.address]])
    await until(() => expect(numbers(again, A)).toEqual([1]))
    again.transport.send(A.id, { type: 'TEST', n: 2 })
    await until(() => expect(numbers(a, B)).toEqual([2]))
    expect(a.ups).toEqual([B.id, B.id])
    expect(a.downs).toEqual([B.id])
  })

  it('[NET-5] is opened again at once when the peer connects to us, however long the pause had become', async () => {
    const a = await start(A, [B], { redialMs: { first: 600_000, longest: 600_000 } })
    a.dial([[B, `${HOST}:1`]])
    await until(() => expect(a.events('dial-failed').length).toBe(1))
    const b = await start(B, [A])
    a.endpoints.set(B.id, [b.address])
    b.dial([[A, a.address]])
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
    expect(a.events('dial-failed').length).toBe(1)
  })

  it('tries the endpoints of a card in turn', async () => {
    const a = await start(A, [B], { redialMs: { first: 5, longest: 5 } })
    const b = await start(B, [A])
    a.endpoints.set(B.id, [`${HOST}:1`, 'not an endpoint', b.address])
    a.transport.setPeers([B.id])
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
    expect(a.events('dial-failed').map(({ detail }) => detail.endpoint)).toEqual([
      `${HOST}:1`,
      'not an endpoint',
    ])
  })

  it('is suspected when TCP finds the peer’s host gone on its own connection to us', async () => {
    // A host that vanishes shows as ETIMEDOUT on the connection that only receives, for keep-alive asks on that one.
    const emit = vi.spyOn(TlsServer.prototype, 'emit')
    const { a } = await pair()
    const calls: unknown[][] = emit.mock.calls
    const sockets = calls
      .filter(([event]) => event === 'secureConnection')
      .map((call) => call[1] as TLSSocket)
    const fromB = sockets.find((socket) => socket.localPort === a.transport.port)
    fromB?.destroy(Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' }))
    await until(() => expect([a.ups, a.downs]).toEqual([[B.id, B.id], [B.id]]))
    expect(a.events('peer-recycled').length).toBe(1)
  })

  it('is let go of by setPeers, without a word', async () => {
    const { a, b } = await pair()
    a.transport.send(B.id, { type: 'TEST', n: 7 })
    a.transport.setPeers([])
    await until(() => expect(numbers(b, A)).toEqual([7]))
    await until(() => expect(b.transport.stats().connections.inbound).toBe(0))
    expect([a.transport.isUp(B.id), a.downs]).toEqual([false, []])
    a.transport.setPeers([A.id, B.id])
    await until(() => expect(a.ups).toEqual([B.id, B.id]))
  })
})

describe('identity', () => {
  it('[CARD-3] a newly pinned party counts at once', async () => {
    const a = await start(A, [])
    const b = await start(B, [A], { redialMs: { first: 5, longest: 20 } })
    b.onUp = () => b.transport.send(A.id, { type: 'TEST', n: 1 })
    b.dial([[A, a.address]])
    await until(() => expect(a.refused('stranger')).toBeGreaterThan(0))
    expect(a.received).toEqual([])
    a.contacts.set(B.id, B)
    await until(() => expect(numbers(a, B)).toEqual([1]))
  })

  it('[NET-2] a key that a newer card replaced is a stranger’s, on connections that stand as on new ones', async () => {
    const { a, b } = await pair({ redialMs: { first: 5, longest: 20 } })
    const newB = withNewTlsKey(B)
    b.onUp = () => b.transport.send(A.id, { type: 'TEST', n: 1 })
    a.supersede(newB)
    expect(a.transport.isUp(B.id)).toBe(false)
    // The old key: its connection was closed, and what it sends on new ones is refused.
    await until(() => expect(b.downs.length).toBeGreaterThan(0))
    await until(() => expect(a.refused('superseded')).toBeGreaterThan(1))
    expect(a.received).toEqual([])
    // Nor does A speak to it any more.
    await until(() => expect(a.refused('wrong-key')).toBeGreaterThan(0))
    expect(a.ups).toEqual([B.id])
    // The new key is taken, both ways.
    const next = await start(newB, [A])
    next.dial([[A, a.address]])
    a.endpoints.set(B.id, [next.address])
    next.onUp = () => next.transport.send(A.id, { type: 'TEST', n: 2 })
    await until(() => expect(numbers(a, B)).toEqual([2]))
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
  })

  it('[NET-2] whoever asks gets the card: a stranger, a replaced key, a pinned party', async () => {
    const { a } = await pair()
    const { card, tlsKey } = await fetchCard(a.address, 10_000)
    expect(card).toEqual(A.card)
    expect(tlsKey).toBe(A.tls.publicKey)
    expect(await fetchCard(`https://${a.address}/`, 10_000)).toEqual({ card, tlsKey })
    a.supersede(withNewTlsKey(B))
    for (const key of [B.tls, [...a.contacts.values()][0]!.tls]) {
      const client = await connectAs(key, a.transport.port)
      client.socket.write(Buffer.from('\0\0\0\x12[{"type":"CARD?"}]'))
      const answer = await client.closed
      expect(JSON.parse(answer.subarray(4).toString())).toEqual([{ type: 'CARD', card: A.card }])
    }
    expect(a.refused('stranger') + a.refused('superseded')).toBe(1)
  })

  it('[AMN-2] a party’s former connections can be closed, all or all but the newest', async () => {
    const a = await start(A, [B], { connectionsPerParty: 3 })
    const connect = async (inbound: number) => {
      const client = await connectAs(B.tls, a.transport.port)
      await until(() => expect(a.events('inbound-open').length).toBe(inbound))
      return client
    }
    const [first, second, third] = [await connect(1), await connect(2), await connect(3)]
    const fourth = await connect(4)
    await first.closed
    expect(a.refused('extra-connection')).toBe(1)
    a.transport.closeInbound(B.id, 'newest')
    await Promise.all([second.closed, third.closed])
    await until(() => expect(a.transport.stats().connections.inbound).toBe(1))
    fourth.socket.write(Buffer.from('\0\0\0\x11[{"type":"TEST"}]'))
    await until(() => expect(a.received.length).toBe(1))
    a.transport.closeInbound(B.id)
    await fourth.closed
    await until(() => expect(a.transport.stats().connections.inbound).toBe(0))
  })

  it('[NET-4] a message that only the caller can judge is refused through the transport', async () => {
    const { a, b } = await pair()
    a.transport.refuse(B.id, 'future', { type: 'NEWER' })
    await until(() => expect(b.downs).toEqual([A.id]))
    expect(a.refused('future')).toBe(1)
    expect(a.events('refused-future')[0]?.detail).toEqual({ party: B.id, type: 'NEWER' })
  })
})

describe('starting and closing', () => {
  it('a port in use is reported as unavailable', async () => {
    const a = await start(A, [])
    await expect(start(B, [], {}, a.transport.port)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`${a.address} is in use`),
    })
  })

  it('an address that is not this machine’s is reported as unavailable', async () => {
    const options = {
      party: A.id,
      tlsKey: A.tls,
      card: () => A.card,
      identify: () => ({ refused: 'stranger' }) as const,
      endpointsOf: () => [],
      tlsKeyOf: () => undefined,
      events: {
        onMessages: () => {},
        onPeerUp: () => {},
        onPeerDown: () => {},
        onWrongKey: () => {},
        log: () => {},
      },
    }
    const starting = Transport.start({ ...options, listen: { host: '192.0.2.1', port: 0 } })
    await expect(starting).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('closing sends what is queued, frees the port, and calls nothing back', async () => {
    const { a, b } = await pair()
    stations.splice(0)
    const { port } = a.transport
    for (const n of countTo(100)) a.transport.send(B.id, { type: 'TEST', n })
    const lines = a.lines.length
    await a.transport.close()
    await until(() => expect(numbers(b, A)).toEqual(countTo(100)))
    expect([a.downs, a.lines.length]).toEqual([[], lines])
    expect(a.transport.stats().connections).toEqual({ inbound: 0, outbound: 0, strangers: 0 })
    const server = createServer().listen(port, HOST)
    await new Promise((resolve) => server.once('listening', resolve))
    await new Promise((resolve) => server.close(resolve))
    await b.transport.close()
    await b.transport.close()
  })
})
