/**
 * A TLS 1.3 client by hand (RFC 8446), just enough to send what no library can be made to: a certificate without a proof
 * that its key is held, or with a wrong one. X25519, AES-128-GCM, SHA-256, one client flight, then application data.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { selfSignedCertificate } from '../../src/node/transport/certificate.ts'
import { connectPlain, type RawClient } from './transport-parties.ts'

const HANDSHAKE = 22
const APPLICATION_DATA = 23
const SERVER_HELLO = 2
const CERTIFICATE = 11
const CERTIFICATE_VERIFY = 15
const FINISHED = 20
const NO_BYTES = Buffer.alloc(0)

const number = (value: number, sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes)
  bytes.writeUIntBE(value, 0, sizeBytes)
  return bytes
}
/** Bytes behind their length. */
const vector = (lengthBytes: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([number(content.length, lengthBytes), content])
}
const handshake = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(type), vector(3, content)])
const record = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(type, 3, 3), vector(2, content)])
const extension = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([number(type, 2), vector(2, content)])
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest()

function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, sizeBytes: number): Buffer {
  const info = Buffer.concat([
    number(sizeBytes, 2),
    vector(1, Buffer.from(`tls13 ${label}`)),
    vector(1, context),
  ])
  return hmac(secret, Buffer.concat([info, Buffer.of(1)])).subarray(0, sizeBytes)
}

/** One direction's keys; the nonce counts records. */
class Protection {
  readonly #key: Buffer
  readonly #iv: Buffer
  #sequence = 0

  constructor(secret: Buffer) {
    this.#key = expandLabel(secret, 'key', NO_BYTES, 16)
    this.#iv = expandLabel(secret, 'iv', NO_BYTES, 12)
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8)
    this.#sequence += 1
    return nonce
  }

  seal(type: number, content: Uint8Array): Buffer {
    const header = Buffer.concat([Buffer.of(APPLICATION_DATA, 3, 3), number(content.length + 17, 2)])
    const cipher = createCipheriv('aes-128-gcm', this.#key, this.#nonce()).setAAD(header)
    const sealed = Buffer.concat([cipher.update(content), cipher.update(Buffer.of(type)), cipher.final()])
    return Buffer.concat([header, sealed, cipher.getAuthTag()])
  }

  open(header: Buffer, sealed: Buffer): Buffer {
    const decipher = createDecipheriv('aes-128-gcm', this.#key, this.#nonce()).setAAD(header)
    decipher.setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  }
}

/** The bytes a client signs to prove its key (RFC 8446 section 4.4.3). */
export function proofInput(side: 'client' | 'server', transcriptHash: Uint8Array): Buffer {
  const context = `TLS 1.3, ${side} CertificateVerify`
  return Buffer.concat([Buffer.alloc(64, ' '), Buffer.from(context), Buffer.of(0), transcriptHash])
}

/** Makes the signature of CertificateVerify from the transcript's hash; undefined leaves the whole message out. */
export type Proof = (transcriptHash: Buffer) => Uint8Array | undefined

/** As a holder of the key would. */
export const honestProof =
  (pair: KeyPair): Proof =>
  (transcriptHash) =>
    ed25519Sign(pair.privateKey, proofInput('client', transcriptHash))

/** Connects, shows the certificate of `shown` with this proof, and sends application data without waiting. */
export async function connectWithProof(
  port: number,
  shown: KeyPair,
  proof: Proof,
  applicationData: Buffer,
): Promise<RawClient> {
  const client = await connectPlain(port)
  const { socket } = client
  const share = generateKeyPairSync('x25519')
  const clientHello = hello(Buffer.from(share.publicKey.export({ format: 'jwk' }).x as string, 'base64url'))
  socket.write(record(HANDSHAKE, clientHello))

  const records = readRecords(client)
  const serverHello = (await records.next()).content
  const x = serverShare(serverHello).toString('base64url')
  const shared = diffieHellman({
    privateKey: share.privateKey,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' }),
  })
  const nothing = sha256()
  const early = hmac(Buffer.alloc(32), Buffer.alloc(32))
  const secret = hmac(expandLabel(early, 'derived', nothing, 32), shared)
  const untilHello = sha256(clientHello, serverHello)
  const clientSecret = expandLabel(secret, 'c hs traffic', untilHello, 32)
  const reading = new Protection(expandLabel(secret, 's hs traffic', untilHello, 32))
  const writing = new Protection(clientSecret)

  let flight: Buffer = NO_BYTES
  while (!hasFinished(flight)) {
    const { header, content } = await records.next()
    // The last byte is the record's inner type; OpenSSL does not pad.
    flight = Buffer.concat([flight, reading.open(header, content).subarray(0, -1)])
  }
  const master = hmac(expandLabel(secret, 'derived', nothing, 32), Buffer.alloc(32))
  const untilFinished = Buffer.concat([clientHello, serverHello, flight])
  const data = new Protection(expandLabel(master, 'c ap traffic', sha256(untilFinished), 32))

  const certificate = handshake(
    CERTIFICATE,
    Buffer.concat([vector(1), vector(3, vector(3, derOf(shown)), vector(2))]),
  )
  const signature = proof(sha256(untilFinished, certificate))
  const verify =
    signature === undefined
      ? NO_BYTES
      : handshake(CERTIFICATE_VERIFY, Buffer.concat([number(0x0807, 2), vector(2, signature)]))
  const finishedKey = expandLabel(clientSecret, 'finished', NO_BYTES, 32)
  const finished = handshake(FINISHED, hmac(finishedKey, sha256(untilFinished, certificate, verify)))
  for (const message of [certificate, verify, finished])
    if (message.length > 0) socket.write(writing.seal(HANDSHAKE, message))
  socket.write(data.seal(APPLICATION_DATA, applicationData))
  return client
}

function hello(share: Buffer): Buffer {
  const extensions = [
    extension(43, vector(1, number(0x0304, 2))),
    extension(10, vector(2, number(0x001d, 2))),
    extension(13, vector(2, number(0x0807, 2))),
    extension(51, vector(2, number(0x001d, 2), vector(2, share))),
    extension(16, vector(2, vector(1, Buffer.from('countersign/1')))),
  ]
  const suites = vector(2, number(0x1301, 2))
  const compression = vector(1, Buffer.of(0))
  const content = [
    number(0x0303, 2),
    randomBytes(32),
    vector(1),
    suites,
    compression,
    vector(2, ...extensions),
  ]
  return handshake(1, Buffer.concat(content))
}

/** The server's X25519 key, which OpenSSL sends as the last 32 bytes behind its extension's head. */
function serverShare(serverHello: Buffer): Buffer {
  const head = Buffer.from('00330024001d0020', 'hex')
  const at = serverHello.indexOf(head)
  if (serverHello[0] !== SERVER_HELLO || at === -1) throw new Error('no server hello with an X25519 key')
  return serverHello.subarray(at + head.length, at + head.length + 32)
}

function hasFinished(flight: Buffer): boolean {
  for (let at = 0; at + 4 <= flight.length; at += 4 + flight.readUIntBE(at + 1, 3))
    if (flight[at] === FINISHED) return at + 4 + flight.readUIntBE(at + 1, 3) <= flight.length
  return false
}

function derOf(pair: KeyPair): Buffer {
  return Buffer.from(selfSignedCertificate(pair).replace(/-----[A-Z ]+-----/g, ''), 'base64')
}

/** The records a client receives, but for the change_cipher_spec that TLS 1.3 keeps for appearance. */
function readRecords({ socket, received }: RawClient): {
  next(): Promise<{ header: Buffer; content: Buffer }>
} {
  let taken = 0
  const take = (): { header: Buffer; content: Buffer } | undefined => {
    const bytes = Buffer.concat(received).subarray(taken)
    if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) return undefined
    const end = 5 + bytes.readUInt16BE(3)
    taken += end
    const header = bytes.subarray(0, 5)
    return header[0] === 20 ? take() : { header, content: bytes.subarray(5, end) }
  }
  const next = async (): Promise<{ header: Buffer; content: Buffer }> => {
    for (;;) {
      const found = take()
      if (found !== undefined) return found
      if (socket.destroyed) throw new Error('closed before the handshake was done')
      await new Promise((resolve) => {
        socket.once('data', resolve)
        socket.once('close', resolve)
      })
    }
  }
  return { next }
}
