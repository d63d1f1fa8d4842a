import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { generateSealingKeyPair, toPem } from '../crypto/keys.ts'
import { createKeys, KEY_USES, type KeyUse, loadKeys } from './keys.ts'

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
  mkdirSync(file('vote'))
  expect(() => loadKeys(directory)).toThrow(code('storage-failed'))
})

it('says so where the directory cannot be made', () => {
  writeFileSync(directory, 'a file')
  expect(() => createKeys(directory, random)).toThrow(code('storage-failed'))
})
