import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { base64Encode, base64UrlDecode, hexDecode } from './bytes.ts'
import { signingInput } from './hash.ts'
import {
  fromPem,
  generateKeyPair,
  generateSealingKeyPair,
  publicKeyFromPem,
  publicKeyToPem,
  toPem,
} from './keys.ts'
import { ed25519Sign, ed25519Verify, privateKeyBytes } from './provider.ts'

const badFormat = expect.objectContaining({ code: 'bad-format' })
const seed = Uint8Array.from({ length: 32 }, (_, index) => index * 5)
const signing = generateKeyPair(seed)
const sealing = generateSealingKeyPair(seed)
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('key pairs', () => {
  it('are functions of their seed', () => {
    expect(generateKeyPair(seed).publicKey).toBe(signing.publicKey)
    expect(signing.publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(sealing.publicKey).not.toBe(signing.publicKey)
    expect([signing.privateKey.algorithm, sealing.privateKey.algorithm]).toEqual(['Ed25519', 'X25519'])
    expect(() => generateKeyPair(new Uint8Array(16))).toThrow(badFormat)
  })

  it('go to PEM and back', () => {
    for (const pair of [signing, sealing]) {
      const { publicKey, privateKey } = fromPem(toPem(pair.privateKey))
      expect(publicKey).toBe(pair.publicKey)
      expect(privateKey.algorithm).toBe(pair.privateKey.algorithm)
      expect(privateKeyBytes(privateKey)).toEqual(seed)
      const { algorithm } = privateKey
      expect(publicKeyFromPem(publicKeyToPem(publicKey, algorithm), algorithm)).toBe(publicKey)
      expect(createPrivateKey(toPem(privateKey)).export({ format: 'jwk' }).x).toBe(publicKey)
      expect(createPublicKey(publicKeyToPem(publicKey, algorithm)).export({ format: 'jwk' }).x).toBe(
        publicKey,
      )
    }
  })
})

describe('PEM from elsewhere', () => {
  const pem = toPem(signing.privateKey)
  const wrap = (hex: string, label = 'PRIVATE KEY') =>
    `-----BEGIN ${label}-----\n${base64Encode(hexDecode(hex))}\n-----END ${label}-----\n`
  const secret = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const itsPublic = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

  it('is read as Node writes it', () => {
    for (const type of ['ed25519', 'x25519'] as const) {
      const { privateKey, publicKey } = generateKeyPairSync(type as 'ed25519')
      const pair = fromPem(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())
      expect(pair.publicKey).toBe(publicKey.export({ format: 'jwk' }).x)
      const spki = publicKey.export({ format: 'pem', type: 'spki' }).toString()
      expect(publicKeyFromPem(spki, pair.privateKey.algorithm)).toBe(pair.publicKey)
    }
  })

  it('may have Windows line ends, blanks around, and the public key behind', () => {
    expect(fromPem(`\r\n${pem.replaceAll('\n', '\r\n')}  \n`).publicKey).toBe(signing.publicKey)
    for (const body of [
      `302e020100300506032b657004220420${secret}`,
      `3051020101300506032b657004220420${secret}812100${itsPublic}`,
      `3053020101300506032b657004220420${secret}a123032100${itsPublic}`,
    ])
      expect(base64UrlDecode(fromPem(wrap(body)).publicKey)).toEqual(hexDecode(itsPublic))
  })

  it.each([
    ['nothing', ''],
    ['a public key', publicKeyToPem(signing.publicKey)],
    ['two blocks', pem + pem],
    ['a comment before', `# my key\n${pem}`],
    ['an encrypted key', pem.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE')],
    ['a cut file', pem.slice(0, 80)],
    ['a P-256 key', wrap('304102010030')],
    ['another curve', wrap(`302e020100300506032b657104220420${secret}`)],
    ['a byte more', wrap(`302e020100300506032b657004220420${secret}00`)],
    ['a wrong length', wrap(`302f020100300506032b657004220420${secret}`)],
    ['version 2 without a public key', wrap(`3051020101300506032b657004220420${secret}`)],
    ['version 1 with a public key', wrap(`302e020100300506032b657004220420${secret}812100${itsPublic}`)],
    ['a public key that is not its own', wrap(`3051020101300506032b657004220420${secret}812100${secret}`)],
    ['padding in the middle', pem.replace('MC4C', 'MC==')],
    ['a very long file', pem + ' '.repeat(20_000)],
  ])('is refused: %s', (_, text) => {
    expect(() => fromPem(text)).toThrow(badFormat)
  })

  it('of a public key is refused for another algorithm or length', () => {
    expect(() => publicKeyFromPem(publicKeyToPem(sealing.publicKey, 'X25519'))).toThrow(badFormat)
    expect(() => publicKeyFromPem(pem)).toThrow(badFormat)
    expect(() => publicKeyFromPem(wrap(`302a300506032b6570032100${itsPublic}00`, 'PUBLIC KEY'))).toThrow(
      badFormat,
    )
    expect(() => publicKeyToPem('AAAA')).toThrow(badFormat)
  })
})

describe.skipIf(!hasOpenssl)('the openssl command (left out where it is not installed)', () => {
  let folder = ''
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8' })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('reads the keys and derives the same public keys', () => {
    for (const { publicKey, privateKey } of [signing, sealing]) {
      const path = file('private.pem', toPem(privateKey))
      expect(openssl('pkey', '-in', path)).toBe(toPem(privateKey))
      expect(openssl('pkey', '-in', path, '-pubout')).toBe(publicKeyToPem(publicKey, privateKey.algorithm))
    }
  })

  it('makes keys that are read', () => {
    for (const algorithm of ['Ed25519', 'X25519'] as const) {
      const path = file('made.pem', openssl('genpkey', '-algorithm', algorithm))
      const pair = fromPem(openssl('pkey', '-in', path))
      expect(pair.privateKey.algorithm).toBe(algorithm)
      expect(publicKeyFromPem(openssl('pkey', '-in', path, '-pubout'), algorithm)).toBe(pair.publicKey)
    }
  })

  it('[SIG-1] checks a signature made in a domain, and makes one that checks', () => {
    const message = signingInput('card', '{"name":"Acme"}')
    const key = file('key.pem', toPem(signing.privateKey))
    const publicKey = file('public.pem', publicKeyToPem(signing.publicKey))
    const data = file('message', message)
    const good = file('signature', ed25519Sign(signing.privateKey, message))
    const check = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', publicKey, '-sigfile', good]
    expect(openssl(...check, '-in', data)).toContain('Verified Successfully')
    expect(spawnSync('openssl', [...check, '-in', file('other', '{"name":"Acme"}')]).status).not.toBe(0)
    const theirs = execFileSync('openssl', ['pkeyutl', '-sign', '-rawin', '-inkey', key, '-in', data])
    expect(ed25519Verify(signing.publicKey, message, theirs)).toBe(true)
  })
})
