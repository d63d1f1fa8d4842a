/** What strangers, replaced keys and hostile peers get from the transport: nothing, and they are counted. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { type ConnectionOptions, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { tlsOptions } from '../../src/node/transport/certificate.ts'
import { fetchCard } from '../../src/node/transport/fetch-card.ts'
import type { TransportLimits } from '../../src/node/transport/options.ts'
import {
  connectAs,
  connectPlain,
  HOST,
  newKey,
  newParty,
  type Party,
  rawFrame,
  Station,
} from './transport-parties.ts'
import { connectWithProof, honestProof, type Proof, proofInput } from './transport-tls-client.ts'

const stations: Station[] = []
const servers: Server[] = []
const accepted: Socket[] = []
afterEach(async () => {
  await Promise.all(stations.splice(0).map(({ transport }) => transport.close()))
  for (const socket of accepted.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

async function start(
  self: Party,
  contacts: Party[],
  limits: Partial<TransportLimits> = {},
): Promise<Station> {
  const station = await Station.start(self, contacts, limits)
  stations.push(station)
  return station
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 })

const A = newParty('A')
const B = newParty('B')
const MESSAGE = '[{"type":"TEST"}]'
const QUESTION = '[{"type":"CARD?"}]'

describe('[NET-2] a stranger', () => {
  it.each([
    ['a message', rawFrame(MESSAGE)],
    ['a message about a contract', rawFrame(`[{"type":"STATUS","contract":"${'00'.repeat(32)}"}]`)],
    ['the question and more in one frame', rawFrame('[{"type":"CARD?"},{"type":"TEST"}]')],
    ['the question twice', Buffer.concat([rawFrame(QUESTION), rawFrame(QUESTION)])],
    ['the question with an unknown key', rawFrame('[{"type":"CARD?","x":1}]')],
    ['the question without a list', rawFrame('{"type":"CARD?"}')],
    ['another case', rawFrame('[{"type":"card?"}]')],
    ['a frame of nothing', rawFrame('')],
    ['an empty list', rawFrame('[]')],
    ['a frame announced longer than 4 KiB', rawFrame('[', 4097)],
    ['the question in a frame longer than 4 KiB', rawFrame(QUESTION.padEnd(4097))],
    ['bytes that are not UTF-8', rawFrame(Buffer.from('5b22ff225d', 'hex'))],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('gets no answer to %s', async (_, bytes) => {
    const a = await start(A, [B])
    const client = await connectAs(newKey(), a.transport.port)
    client.socket.write(bytes)
    expect(await client.closed).toEqual(Buffer.alloc(0))
    await until(() => expect(a.transport.stats().refused).toEqual({ stranger: 1 }))
    expect(a.events('refused-stranger').length).toBe(1)
    expect(a.received).toEqual([])
    expect(a.transport.stats().framesSent).toBe(0)
  })

  it('gets the card for the question, byte by byte, and then the end', async () => {
    const a = await start(A, [B])
    const client = await connectAs(newKey(), a.transport.port)
    for (const byte of rawFrame(QUESTION)) {
      client.socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await client.closed).toEqual(rawFrame(JSON.stringify([{ type: 'CARD', card: A.card }])))
    expect(a.transport.stats().refused).toEqual({})
  })

  it('that keeps silent or sends half a frame is cut off in time', async () => {
    const a = await start(A, [B], { strangerMs: 200 })
    const silent = await connectAs(newKey(), a.transport.port)
    const half = await connectAs(newKey(), a.transport.port)
    half.socket.write(rawFrame(QUESTION).subarray(0, 9))
    expect(await silent.closed).toEqual(Buffer.alloc(0))
    expect(await half.closed).toEqual(Buffer.alloc(0))
    expect(a.transport.stats().refused).toEqual({ silent: 2 })
  })

  it('whose handshake stops or crawls is cut off in time', async () => {
    const a = await start(A, [B], { strangerMs: 300 })
    const stopped = await connectPlain(a.transport.port)
    const crawling = await connectPlain(a.transport.port)
    // The head of a record that announces 512 bytes of ClientHello, then one byte at a time.
    crawling.socket.write(Buffer.from('1603010200010001fc0303', 'hex'))
    const timer = setInterval(() => crawling.socket.write(Buffer.of(0)), 20)
    expect(await stopped.closed).toEqual(Buffer.alloc(0))
    expect(await crawling.closed).toEqual(Buffer.alloc(0))
    clearInterval(timer)
    expect(a.transport.stats().refused).toEqual({ silent: 2 })
    expect(a.transport.stats().connections.strangers).toBe(0)
  })

  it('that does not speak TLS gets at most an alert', async () => {
    const a = await start(A, [B])
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), rawFrame(QUESTION), randomBytes(1000)]) {
      const client = await connectPlain(a.transport.port)
      client.socket.write(bytes)
      expect((await client.closed).length).toBeLessThanOrEqual(7)
    }
    await until(() => expect(a.transport.stats().refused).toEqual({ handshake: 3 }))
    expect(a.events('refused-handshake')[0]?.detail.reason).toMatch(/ssl|http/i)
  })

  it('floods in vain: old ones make room, and pinned parties still get in', async () => {
    const a = await start(A, [B], { strangerConnections: 8 })
    const flood = await Promise.all(Array.from({ length: 100 }, () => connectPlain(a.transport.port)))
    expect(a.transport.stats().connections.strangers).toBeLessThanOrEqual(8)
    const b = await start(B, [A])
    b.onUp = () => b.transport.send(A.id, { type: 'TEST' })
    b.dial([[A, a.address]])
    await until(() => expect(a.received).toEqual([{ party: B.id, message: { type: 'TEST' } }]))
    expect((await fetchCard(a.address, 10_000)).card).toEqual(A.card)
    expect(a.refused('flood')).toBeGreaterThanOrEqual(92)
    // And the log does not flood either.
    expect(a.events('refused-flood').length).toBeLessThan(50)
    for (const { socket } of flood) socket.destroy()
    await until(() =>
      expect(a.transport.stats().connections).toEqual({ inbound: 1, outbound: 0, strangers: 0 }),
    )
  })
})

describe('[NET-1] the handshake', () => {
  const handshakes: [string, ConnectionOptions, string][] = [
    ['TLS 1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }, 'handshake'],
    ['another protocol', { ALPNProtocols: ['h2'] }, 'handshake'],
    ['no protocol', { ALPNProtocols: [] }, 'no-certificate'],
    ['no certificate', { key: undefined, cert: undefined }, 'no-certificate'],
  ]
  it.each(handshakes)('refuses %s', async (_, options, reason) => {
    const a = await start(A, [B])
    const client = await connectAs(B.tls, a.transport.port, options)
    client.socket.write(rawFrame(QUESTION))
    expect(await client.closed).toEqual(Buffer.alloc(0))
    await until(() => expect(a.transport.stats().refused).toEqual({ [reason]: 1 }))
    expect(a.received).toEqual([])
  })

  it('is gone through in full every time: no session is resumed', async () => {
    const a = await start(A, [B])
    const first = await connectAs(B.tls, a.transport.port)
    let session: Buffer | undefined
    first.socket.on('session', (given: Buffer) => {
      session = given
    })
    await until(() => expect(session).toBeDefined())
    first.socket.destroy()
    const second = await connectAs(B.tls, a.transport.port, { session: session as Buffer })
    expect(second.socket.isSessionReused()).toBe(false)
    second.socket.destroy()
  })

  const impostor = newKey()
  const attempts: [string, Proof][] = [
    ['no signature', () => undefined],
    ['an empty signature', () => Buffer.alloc(0)],
    ['zeros for a signature', () => Buffer.alloc(64)],
    ['a signature by another key', honestProof(impostor)],
    ['a signature of another handshake', () => honestProof(B.tls)(Buffer.alloc(32, 7))],
    ['a signature in the server’s name', (hash) => ed25519Sign(B.tls.privateKey, proofInput('server', hash))],
  ]
  it.each(attempts)('does not take a pinned party’s certificate with %s', async (_, proof) => {
    const a = await start(A, [B])
    const client = await connectWithProof(a.transport.port, B.tls, proof, rawFrame(MESSAGE))
    await client.closed
    await until(() => expect(a.transport.stats().refused).toEqual({ handshake: 1 }))
    expect(a.received).toEqual([])
    expect(a.events('inbound-open')).toEqual([])
  })

  it('takes the same certificate from the same client with a true signature', async () => {
    const a = await start(A, [B])
    const client = await connectWithProof(a.transport.port, B.tls, honestProof(B.tls), rawFrame(MESSAGE))
    await until(() => expect(a.received).toEqual([{ party: B.id, message: { type: 'TEST' } }]))
    client.socket.destroy()
  })
})

describe('[NET-4] a pinned peer', () => {
  const deep = `[{"type":"TEST","x":${'['.repeat(100)}${']'.repeat(100)}}]`
  it.each([
    ['a frame of nothing', rawFrame(''), 'malformed'],
    ['a frame announced longer than 32 MiB', rawFrame('[', 32 * 1024 * 1024 + 1), 'too-large'],
    ['a frame announced longer than memory', rawFrame('[', 0xffffffff), 'too-large'],
    ['garbage', rawFrame('}{'), 'malformed'],
    ['bytes that are not UTF-8', rawFrame(Buffer.from('5b7b2274797065223a22ff227d5d', 'hex')), 'malformed'],
    ['a byte order mark', rawFrame(`\ufeff${MESSAGE}`), 'malformed'],
    ['deep JSON', rawFrame(deep), 'too-large'],
    [
      'more values than messages have',
      rawFrame(`[{"type":"TEST","x":[${'{},'.repeat(500_000)}{}]}]`),
      'too-large',
    ],
    ['a key twice', rawFrame('[{"type":"TEST","type":"CARD?"}]'), 'malformed'],
    ['a number no double holds', rawFrame('[{"type":"TEST","x":12345678901234567890}]'), 'malformed'],
    ['an unpaired surrogate', rawFrame('[{"type":"TEST","x":"\\ud800"}]'), 'malformed'],
    ['an object', rawFrame('{"type":"TEST"}'), 'malformed'],
    ['an empty list', rawFrame('[]'), 'malformed'],
    ['a list of lists', rawFrame('[["type","TEST"]]'), 'malformed'],
    ['null', rawFrame('[null]'), 'malformed'],
    ['a message without type', rawFrame('[{"type":"TEST"},{"x":1}]'), 'malformed'],
    ['a type that is no text', rawFrame('[{"type":1}]'), 'malformed'],
    ['an inherited type', rawFrame('[{"__proto__":{"type":"TEST"}}]'), 'malformed'],
  ])('is cut off for %s, after what came whole before', async (_, bytes, reason) => {
    const a = await start(A, [B])
    const client = await connectAs(B.tls, a.transport.port)
    client.socket.write(Buffer.concat([rawFrame('[{"type":"FIRST"}]'), bytes, rawFrame(MESSAGE)]))
    expect(await client.closed).toEqual(Buffer.alloc(0))
    await until(() => expect(a.transport.stats().refused).toEqual({ [reason]: 1 }))
    expect(a.received).toEqual([{ party: B.id, message: { type: 'FIRST' } }])
    expect(a.events(`refused-${reason}`)[0]?.detail).toMatchObject({ party: B.id })
  })

  it('is cut off for a half frame and silence, not for silence between frames', async () => {
    const a = await start(A, [B], { stallMs: 200, connectionsPerParty: 2 })
    const whole = await connectAs(B.tls, a.transport.port)
    whole.socket.write(rawFrame(MESSAGE))
    await until(() => expect(a.received.length).toBe(1))
    for (const part of [rawFrame(MESSAGE).subarray(0, 2), rawFrame(MESSAGE).subarray(0, 12)]) {
      const half = await connectAs(B.tls, a.transport.port)
      half.socket.write(part)
      await half.closed
    }
    await until(() => expect(a.transport.stats().refused).toEqual({ 'half-frame': 2 }))
    whole.socket.write(Buffer.concat([rawFrame(MESSAGE), rawFrame(MESSAGE).subarray(0, 5)]))
    await whole.closed
    expect(a.received.length).toBe(2)
    expect(a.refused('half-frame')).toBe(3)
  })

  it('that asks for the card gets it after what came before, and the connection ends', async () => {
    const a = await start(A, [B])
    const client = await connectAs(B.tls, a.transport.port)
    const almost = rawFrame('[{"type":"CARD?","x":1}]')
    client.socket.write(Buffer.concat([rawFrame(MESSAGE), almost, rawFrame(QUESTION), rawFrame(MESSAGE)]))
    expect(await client.closed).toEqual(rawFrame(JSON.stringify([{ type: 'CARD', card: A.card }])))
    // What is not quite the question is a message like any other: for the caller to refuse.
    expect(a.from(B)).toEqual([{ type: 'TEST' }, { type: 'CARD?', x: 1 }])
  })
})

/** A listener with this party's TLS key that does with connections what it likes. */
async function listenAs(party: Party, onConnection: (socket: TLSSocket) => void): Promise<string> {
  const server = createTlsServer({ ...tlsOptions(party.tls), requestCert: true }, (socket) => {
    accepted.push(socket.on('error', () => {}))
    onConnection(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  return `${HOST}:${(server.address() as { port: number }).port}`
}

describe('a listener at a pinned party’s endpoint', () => {
  it('[NET-1] with another key is refused, logged, and told nothing', async () => {
    const a = await start(A, [B], { redialMs: { first: 5, longest: 20 } })
    const other = await start(newParty('M'), [A])
    a.onUp = () => a.transport.send(B.id, { type: 'SECRET' })
    a.dial([[B, other.address]])
    await until(() => expect(a.refused('wrong-key')).toBeGreaterThan(3))
    expect(a.events('refused-wrong-key')[0]).toMatchObject({
      level: 'warn',
      detail: { party: B.id, endpoint: other.address },
    })
    expect([a.ups, a.transport.isUp(B.id), other.received]).toEqual([[], false, []])
    expect(a.transport.stats().framesSent).toBe(0)
    expect(new Set(a.wrongKeys), 'whoever holds cards is told').toEqual(new Set([`${B.id} ${other.address}`]))
    // The endpoint is tried for ever, so the right node is found when it is back.
    const b = await start(B, [A])
    a.endpoints.set(B.id, [b.address])
    await until(() => expect(b.received.length).toBe(1))
  })

  it('[NET-1] that answers on our connection is cut off', async () => {
    const a = await start(A, [B])
    a.dial([[B, await listenAs(B, (socket) => socket.write(rawFrame(MESSAGE)))]])
    await until(() => expect(a.refused('answered')).toBeGreaterThan(0))
    await until(() => expect(a.downs.length).toBeGreaterThan(0))
    expect(a.received).toEqual([])
    a.transport.setPeers([])
  })

  it('that takes nothing is dropped when too much waits for it', async () => {
    const a = await start(A, [B], { bufferedBytes: 4 * 1024 * 1024 })
    a.dial([[B, await listenAs(B, (socket) => socket.pause())]])
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
    const message = JSON.stringify({ type: 'TEST', text: 'x'.repeat(1024 * 1024) })
    let sent = 0
    while (a.transport.send(B.id, message)) {
      sent += 1
      a.transport.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent).toBeGreaterThanOrEqual(3)
    expect(a.refused('too-slow')).toBe(1)
    expect(a.transport.isUp(B.id)).toBe(false)
    await until(() => expect(a.downs).toEqual([B.id]))
    a.transport.setPeers([])
  })

  it('that stops taking is dropped when nothing moves any more', async () => {
    const a = await start(A, [B], { stallMs: 300 })
    a.dial([[B, await listenAs(B, (socket) => socket.pause())]])
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
    // Idle for longer than the limit first: the timer must start again with the next write.
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(a.refused('too-slow')).toBe(0)
    a.transport.send(B.id, { type: 'TEST', text: 'x'.repeat(20 * 1024 * 1024) })
    await until(() => expect(a.refused('too-slow')).toBe(1))
    await until(() => expect(a.downs).toEqual([B.id]))
    a.transport.setPeers([])
  })
})

describe('a peer on a slow line', () => {
  it('is not dropped while bytes move, however long one message takes', async () => {
    const a = await start(A, [B], { stallMs: 1_000 })
    const address = await listenAs(B, (socket) => {
      const timer = setInterval(() => socket.read(), 10)
      socket.once('close', () => clearInterval(timer))
    })
    a.dial([[B, address]])
    await until(() => expect(a.transport.isUp(B.id)).toBe(true))
    // Slower than stallMs as a whole on any machine whose kernel does not hold most of it.
    a.transport.send(B.id, { type: 'TEST', text: 'x'.repeat(12 * 1024 * 1024) })
    await until(() => expect(a.transport.bufferedBytes(B.id)).toBe(0))
    expect([a.refused('too-slow'), a.downs]).toEqual([0, []])
  })
})

describe('asking for a card', () => {
  it('fails for an address that is none', async () => {
    for (const url of ['', 'host', 'host:0', 'host:65536', 'http://host:1', 'host:1/path', 'a b:1'])
      await expect(fetchCard(url, 1000)).rejects.toMatchObject({ code: 'bad-format' })
  })

  it('fails where nothing listens, where nothing answers, and where no node answers', async () => {
    await expect(fetchCard(`${HOST}:1`, 10_000)).rejects.toMatchObject({ code: 'unavailable' })
    const mute = createServer((socket) => accepted.push(socket.on('error', () => {})))
    servers.push(mute)
    await new Promise<void>((resolve) => mute.listen(0, HOST, resolve))
    const { port } = mute.address() as { port: number }
    await expect(fetchCard(`${HOST}:${port}`, 100)).rejects.toMatchObject({ code: 'unavailable' })
    const web = createTlsServer({ ...tlsOptions(B.tls), ALPNProtocols: ['h2'] }).on(
      'tlsClientError',
      () => {},
    )
    servers.push(web)
    await new Promise<void>((resolve) => web.listen(0, HOST, resolve))
    const address = web.address() as { port: number }
    await expect(fetchCard(`${HOST}:${address.port}`, 10_000)).rejects.toMatchObject({ code: 'unavailable' })
    const silent = await listenAs(B, (socket) => socket.resume())
    await expect(fetchCard(silent, 100)).rejects.toMatchObject({ code: 'unavailable' })
    const closing = await listenAs(B, (socket) => socket.destroy())
    await expect(fetchCard(closing, 10_000)).rejects.toMatchObject({ code: 'unavailable' })
  })

  const withName = { ...A.card, card: { ...A.card.card, name: 'Another' } }
  it.each([
    ['another party’s card', [{ type: 'CARD', card: B.card }], 'bad-card'],
    ['a card with a broken signature', [{ type: 'CARD', card: withName }], 'bad-card'],
    ['no card', [{ type: 'CARD', card: {} }], 'bad-format'],
    ['something else', [{ type: 'TEST' }], 'bad-format'],
    ['more than the card', [{ type: 'CARD', card: A.card }, { type: 'TEST' }], 'bad-format'],
    ['a card with a note', [{ type: 'CARD', card: A.card, note: '' }], 'bad-format'],
  ])('fails for a node that shows %s', async (_, answer, code) => {
    const address = await listenAs(A, (socket) => socket.write(rawFrame(JSON.stringify(answer))))
    await expect(fetchCard(address, 10_000)).rejects.toMatchObject({ code })
  })
})
