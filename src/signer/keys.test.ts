import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateSealingKeyPair, publicKeyFromPem, toPem } from '../crypto/keys.ts'
import type { Card, CardKeys } from '../identity/card.ts'
import { checkKeys, createKeys, KEY_USES, type Keys, type KeyUse, loadKeys } from './keys.ts'

let directory: string
let seeds = 0

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'countersign-keys-')), 'keys')
  seeds = 0
})
afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true })
})

const file = (use: KeyUse): string => join(directory, `${use}.pem`)

/** Bytes that differ from call to call. */
function random(sizeBytes: number): Uint8Array {
  seeds += 1
  return new Uint8Array(sizeBytes).fill(seeds)
}

const code = (expected: string) => expect.objectContaining({ code: expected })

it('makes a key of its own for each use, in files for their owner alone, and reads them back', () => {
  createKeys(directory, random)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(readdirSync(directory).sort()).toEqual(KEY_USES.map((use) => `${use}.pem`).sort())
  for (const use of KEY_USES) expect(statSync(file(use)).mode & 0o777).toBe(0o600)
  const keys = loadKeys(directory)
  expect(new Set(KEY_USES.map((use) => keys[use]?.publicKey)).size).toBe(KEY_USES.length)
  for (const use of KEY_USES)
    expect(keys[use]?.privateKey.algorithm).toBe(use === 'sealing' ? 'X25519' : 'Ed25519')
})

it('never overwrites a key, and then makes no other either', () => {
  createKeys(directory, random)
  rmSync(file('root'))
  rmSync(file('author'))
  const tls = readFileSync(file('tls'), 'utf8')
  expect(() => createKeys(directory, random)).toThrow(code('conflict'))
  expect(readFileSync(file('tls'), 'utf8')).toBe(tls)
  expect(readdirSync(directory)).not.toContain('root.pem')
})

it('reads keys without root.pem, which belongs offline', () => {
  createKeys(directory, random)
  rmSync(file('root'))
  expect(loadKeys(directory).root).toBeUndefined()
})

it.each(KEY_USES.filter((use) => use !== 'root'))('names %s.pem if it is missing', (use) => {
  createKeys(directory, random)
  rmSync(file(use))
  expect(() => loadKeys(directory)).toThrow(code('not-found'))
  expect(() => loadKeys(directory)).toThrow(`${use}.pem`)
})

it('refuses a file that is no key, or a key of another kind, and names it', () => {
  createKeys(directory, random)
  const vote = readFileSync(file('vote'), 'utf8')
  for (const text of [
    '',
    'no key',
    vote.slice(0, -30),
    toPem(generateSealingKeyPair(random(32)).privateKey),
  ]) {
    writeFileSync(file('vote'), text)
    expect(() => loadKeys(directory)).toThrow(code('bad-format'))
    expect(() => loadKeys(directory)).toThrow('vote.pem')
  }
})

it('says so where a key file cannot be read', () => {
  createKeys(directory, random)
  rmSync(file('vote'))
  mkdirSync(file('vote'), { mode: 0o700 })
  expect(() => loadKeys(directory)).toThrow(code('storage-failed'))
})

it('says so where the directory cannot be made', () => {
  writeFileSync(directory, 'a file')
  expect(() => createKeys(directory, random)).toThrow(code('storage-failed'))
})

it.each([0o644, 0o640, 0o602, 0o660, 0o601])('refuses a key file of mode %o, and says what to do', (mode) => {
  createKeys(directory, random)
  chmodSync(file('cosign'), mode)
  expect(() => loadKeys(directory)).toThrow(code('invariant-broken'))
  expect(() => loadKeys(directory)).toThrow(/cosign\.pem.*chmod 600/)
  expect(statSync(file('cosign')).mode & 0o777, 'it is left as it was').toBe(mode)
  chmodSync(file('cosign'), 0o400)
  expect(loadKeys(directory).cosign.publicKey).not.toBe('')
})

it('makes and reads keys that `openssl pkey` reads, with the same public key', (context) => {
  const version = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  if (version.error) return context.skip('no openssl on this machine')
  createKeys(directory, random)
  const keys = loadKeys(directory)
  for (const use of KEY_USES) {
    const { status, stdout, stderr } = spawnSync('openssl', ['pkey', '-in', file(use), '-pubout'], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(publicKeyFromPem(stdout, use === 'sealing' ? 'X25519' : 'Ed25519')).toBe(keys[use]?.publicKey)
  }
})

describe('comparing keys with the card', () => {
  /** The card's part that names these keys. */
  function cardOf(keys: Keys): Card {
    const named = Object.fromEntries(KEY_USES.map((use) => [use, keys[use]?.publicKey])) as CardKeys
    return { version: 1, sequence: 1, name: 'A', endpoints: [], keys: named, timeMs: 0 }
  }

  it('finds them the same, with root.pem and without', () => {
    createKeys(directory, random)
    const card = cardOf(loadKeys(directory))
    checkKeys(loadKeys(directory), card)
    rmSync(file('root'))
    checkKeys(loadKeys(directory), card)
  })

  it.each(KEY_USES)('notices another key in %s.pem', (use) => {
    createKeys(directory, random)
    const card = cardOf(loadKeys(directory))
    createKeys(join(directory, 'others'), random)
    copyFileSync(join(directory, 'others', `${use}.pem`), file(use))
    const check = () => checkKeys(loadKeys(directory), card)
    expect(check).toThrow(code('invariant-broken'))
    expect(check).toThrow(`${use}.pem: not the key`)
  })

  it('names all files that were exchanged', () => {
    createKeys(directory, random)
    const keys = loadKeys(directory)
    const exchanged = { ...keys, vote: keys.cosign, cosign: keys.vote }
    expect(() => checkKeys(exchanged, cardOf(keys))).toThrow('vote.pem, cosign.pem')
  })
})
