/** Parties with transports on real sockets, and clients that keep to less than the protocol. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { JsonObject } from '../../src/crypto/json.ts'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { type Card, cardHash, partyOf, type SignedCard, signCard } from '../../src/identity/card.ts'
import { tlsOptions } from '../../src/node/transport/certificate.ts'
import type { Identity, TransportLimits } from '../../src/node/transport/options.ts'
import { Transport } from '../../src/node/transport/transport.ts'

export const HOST = '127.0.0.1'

export function newKey(): KeyPair {
  return generateKeyPair(randomBytes(32))
}

/** A party with its root and TLS keys and its newest card. */
export type Party = { id: string; name: string; root: KeyPair; tls: KeyPair; card: SignedCard }

export function newParty(name: string): Party {
  const root = newKey()
  const tls = newKey()
  const card: Card = {
    version: 1,
    sequence: 1,
    name,
    endpoints: [],
    keys: {
      root: root.publicKey,
      author: newKey().publicKey,
      vote: newKey().publicKey,
      cosign: newKey().publicKey,
      sealing: generateSealingKeyPair(randomBytes(32)).publicKey,
      tls: tls.publicKey,
    },
    timeMs: 1_790_000_000_000,
  }
  const signed = signCard(root.privateKey, card)
  return { id: partyOf(card), name, root, tls, card: signed }
}

/** The same party with a next card that has another TLS key. */
export function withNewTlsKey(party: Party): Party {
  const { card } = party.card
  const tls = newKey()
  const next: Card = {
    ...card,
    party: party.id,
    sequence: card.sequence + 1,
    previous: cardHash(card),
    keys: { ...card.keys, tls: tls.publicKey },
  }
  return { ...party, tls, card: signCard(party.root.privateKey, next) }
}

export type LogLine = { level: string; event: string; detail: Record<string, unknown> }

/** A node's transport with the contacts it has pinned and all that its transport told it. */
export class Station {
  transport!: Transport
  readonly contacts = new Map<string, Party>()
  /** TLS keys of cards that were replaced, by party. */
  /** Parties and endpoints that showed another key than expected. */
  readonly wrongKeys: string[] = []
  readonly superseded = new Map<string, string>()
  readonly endpoints = new Map<string, string[]>()
  readonly received: { party: string; message: JsonObject }[] = []
  readonly lines: LogLine[] = []
  readonly ups: string[] = []
  readonly downs: string[] = []
  /** Called for every onPeerUp, as by a caller that sends again what still matters. */
  onUp: (party: string) => void = () => {}

  static async start(
    self: Party,
    contacts: Party[],
    limits: Partial<TransportLimits> = {},
    port = 0,
  ): Promise<Station> {
    const station = new Station()
    for (const contact of contacts) station.contacts.set(contact.id, contact)
    station.transport = await Transport.start({
      party: self.id,
      tlsKey: self.tls,
      card: () => self.card,
      identify: (key) => station.identify(key),
      endpointsOf: (party) => station.endpoints.get(party) ?? [],
      tlsKeyOf: (party) => station.contacts.get(party)?.tls.publicKey,
      events: {
        onMessages: (party, messages) => {
          for (const message of messages) station.received.push({ party, message })
        },
        onPeerUp: (party) => {
          station.ups.push(party)
          station.onUp(party)
        },
        onPeerDown: (party) => station.downs.push(party),
        onWrongKey: (party, endpoint) => station.wrongKeys.push(`${party} ${endpoint}`),
        log: (level, event, detail) => station.lines.push({ level, event, detail }),
      },
      listen: { host: HOST, port },
      limits,
    })
    return station
  }

  get address(): string {
    return `${HOST}:${this.transport.port}`
  }

  identify(tlsKey: string): Identity {
    for (const contact of this.contacts.values())
      if (contact.tls.publicKey === tlsKey) return { party: contact.id }
    for (const [party, key] of this.superseded) if (key === tlsKey) return { refused: 'superseded', party }
    return { refused: 'stranger' }
  }

  /** Takes in a party's next card. */
  supersede(next: Party): void {
    const before = this.contacts.get(next.id)
    if (before !== undefined) this.superseded.set(next.id, before.tls.publicKey)
    this.contacts.set(next.id, next)
    this.transport.refresh()
  }

  /** Tells where others listen and dials them. */
  dial(others: readonly (readonly [Party, string])[]): void {
    for (const [party, address] of others) this.endpoints.set(party.id, [address])
    this.transport.setPeers(others.map(([party]) => party.id))
  }

  refused(reason: string): number {
    return this.transport.stats().refused[reason] ?? 0
  }

  events(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event)
  }

  /** The messages received from a party. */
  from(party: Party): JsonObject[] {
    return this.received.filter((one) => one.party === party.id).map(({ message }) => message)
  }
}

/** One frame of raw bytes behind the length given, by default the true one. */
export function rawFrame(body: Uint8Array | string, length = Buffer.byteLength(body)): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return Buffer.concat([header, typeof body === 'string' ? Buffer.from(body) : body])
}

/** A connection that remembers what it was sent, until it is closed. */
export type RawClient<S extends Socket = Socket> = { socket: S; received: Buffer[]; closed: Promise<Buffer> }

function remember<S extends Socket>(socket: S): RawClient<S> {
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise<Buffer>((resolve) =>
    socket.once('close', () => resolve(Buffer.concat(received))),
  )
  return { socket, received, closed }
}

/** TCP without TLS. */
export async function connectPlain(port: number): Promise<RawClient> {
  const client = remember(connect(port, HOST))
  await new Promise((resolve) => client.socket.once('connect', resolve))
  return client
}

/** A handshake by this key, with the options given in place of the protocol's; then whatever the test writes. */
export async function connectAs(
  key: KeyPair,
  port: number,
  options: ConnectionOptions = {},
): Promise<RawClient<TLSSocket>> {
  const client = remember(connectTls({ ...tlsOptions(key), host: HOST, port, ...options }))
  await new Promise((resolve) => {
    client.socket.once('secureConnect', resolve)
    client.socket.once('close', resolve)
  })
  return client
}
