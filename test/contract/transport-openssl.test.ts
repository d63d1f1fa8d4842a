/** A stock client against a node: what `openssl s_client`, which knows nothing of us, sees of the protocol. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest'
import { type KeyPair, publicKeyToPem, toPem } from '../../src/crypto/keys.ts'
import { selfSignedCertificate } from '../../src/node/transport/certificate.ts'
import { newKey, newParty, rawFrame, Station } from './transport-parties.ts'

const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? 'no openssl'
const needOpenssl = (context: TestContext): void => {
  if (!/^OpenSSL [3-9]\./.test(version)) context.skip(`needs OpenSSL 3 on the PATH; found ${version.trim()}`)
}

const A = newParty('A')
const B = newParty('B')
const QUESTION = rawFrame('[{"type":"CARD?"}]')
const children = new Set<ChildProcess>()
let directory: string
let node: Station

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-openssl-'))
  node = await Station.start(A, [B])
})
afterAll(async () => {
  for (const child of children) child.kill()
  await node.transport.close()
  rmSync(directory, { recursive: true })
})

/** The files of a key and its certificate, as options of s_client. */
function withKey(name: string, pair: KeyPair): string[] {
  const key = join(directory, `${name}.key`)
  const certificate = join(directory, `${name}.crt`)
  writeFileSync(key, toPem(pair.privateKey))
  writeFileSync(certificate, selfSignedCertificate(pair))
  return ['-key', key, '-cert', certificate]
}

/** Connects, sends these bytes once the handshake is done, and waits for the node to close. */
async function client(
  options: string[],
  sent: Buffer,
): Promise<{ output: Buffer; log: string; status: number | null }> {
  const { port } = node.transport
  // Quiet, it writes to its output only what the node sent as application data.
  const child = spawn('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-quiet',
    '-ign_eof',
    '-state',
    ...options,
  ])
  children.add(child)
  const output: Buffer[] = []
  let log = ''
  let isWritten = false
  child.stdin.on('error', () => {})
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
    if (isWritten || !log.includes('SSLv3/TLS write finished')) return
    isWritten = true
    child.stdin.write(sent)
  })
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  children.delete(child)
  return { output: Buffer.concat(output), log, status }
}

const refused = (reason: string): number => node.refused(reason)
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 })

describe('openssl s_client', () => {
  it('[NET-1] finds TLS 1.3 and our protocol, and the node’s key in its certificate', async (context) => {
    needOpenssl(context)
    const { port } = node.transport
    const options = ['-connect', `127.0.0.1:${port}`, '-alpn', 'countersign/1', '-showcerts']
    const output = await run(['s_client', ...options])
    expect(output).toContain('TLSv1.3')
    expect(output).toContain('ALPN protocol: countersign/1')
    const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(output)?.[0] ?? ''
    expect(await run(['x509', '-noout', '-pubkey'], certificate)).toBe(publicKeyToPem(A.tls.publicKey))
  })

  it('[NET-2] gets the card as a stranger with a key of its own', async (context) => {
    needOpenssl(context)
    const { output } = await client(['-alpn', 'countersign/1', ...withKey('stranger', newKey())], QUESTION)
    expect(output).toEqual(rawFrame(JSON.stringify([{ type: 'CARD', card: A.card }])))
  })

  it('[NET-2] is cut off without an answer for anything else', async (context) => {
    needOpenssl(context)
    const before = refused('stranger')
    const message = rawFrame(`[{"type":"STATUS","contract":"${'00'.repeat(32)}"}]`)
    const { output } = await client(['-alpn', 'countersign/1', ...withKey('stranger', newKey())], message)
    expect(output).toEqual(Buffer.alloc(0))
    await until(() => expect(refused('stranger')).toBe(before + 1))
  })

  it('[NET-1] is cut off without an answer when it shows no certificate, or names no protocol', async (context) => {
    needOpenssl(context)
    const before = refused('no-certificate')
    for (const options of [['-alpn', 'countersign/1'], withKey('stranger', newKey())])
      expect((await client(options, QUESTION)).output).toEqual(Buffer.alloc(0))
    await until(() => expect(refused('no-certificate')).toBe(before + 2))
  })

  it('[NET-1] gets no handshake with TLS 1.2, another protocol, or a key that is not Ed25519', async (context) => {
    needOpenssl(context)
    const before = refused('handshake')
    const rsa = [join(directory, 'rsa.key'), join(directory, 'rsa.crt')] as const
    const subject = ['-nodes', '-subj', '/CN=x', '-keyout', rsa[0], '-out', rsa[1]]
    await run(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...subject])
    const stranger = withKey('stranger', newKey())
    const attempts = [
      ['-tls1_2', '-alpn', 'countersign/1', ...stranger],
      ['-alpn', 'h2', ...stranger],
    ]
    for (const options of attempts) {
      const { output, status } = await client(options, QUESTION)
      expect(output).toEqual(Buffer.alloc(0))
      expect(status).not.toBe(0)
    }
    await until(() => expect(refused('handshake')).toBe(before + 2))
    // Told which signatures count, OpenSSL keeps a key of another kind to itself.
    const keyless = refused('no-certificate')
    const { output } = await client(['-alpn', 'countersign/1', '-key', rsa[0], '-cert', rsa[1]], QUESTION)
    expect(output).toEqual(Buffer.alloc(0))
    await until(() => expect(refused('handshake') + refused('no-certificate')).toBe(before + 2 + keyless + 1))
  })

  it('[NET-1] is heard with a pinned party’s key', async (context) => {
    needOpenssl(context)
    const sent = Buffer.concat([rawFrame('[{"type":"TEST","n":1}]'), QUESTION])
    await client(['-alpn', 'countersign/1', ...withKey('pinned', B.tls)], sent)
    expect(node.from(B)).toEqual([{ type: 'TEST', n: 1 }])
  })
})

/** What openssl writes with this input. */
async function run(options: string[], input = ''): Promise<string> {
  const child = spawn('openssl', options)
  children.add(child)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  // It may have given up before it has read all of it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  await new Promise((resolve) => child.once('close', resolve))
  children.delete(child)
  return output
}
