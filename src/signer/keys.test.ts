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
import { generateSealingKeyPair, type KeyPair, publicKeyFromPem, toPem } from '../crypto/keys.ts'
import type { Card, CardKeys } from '../identity/card.ts'
import {
  createKeys,
  KEY_USES,
  type Keys,
  type KeyUse,
  keysOfCard,
  loadKeys,
  makeNextKeys,
  type StoredKey,
  signerKeys,
  storedKeys,
} from './keys.ts'

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

/** The party's card of this sequence that names these keys. */
function cardOf(keys: Partial<Record<KeyUse, KeyPair>>, sequence = 1): Card {
  const named = Object.fromEntries(KEY_USES.map((use) => [use, keys[use]?.publicKey])) as CardKeys
  return { version: 1, sequence, name: 'A', endpoints: [], keys: named, timeMs: 0 }
}

/** The keys of the newest of these cards, as they are on disk. */
const inForce = (...cards: Card[]): Keys => keysOfCard(directory, storedKeys(directory, cards.length), cards)

describe('comparing keys with the card', () => {
  it('finds them the same, with root.pem and without', () => {
    createKeys(directory, random)
    const keys = loadKeys(directory)
    expect(inForce(cardOf(keys))).toEqual(keys)
    rmSync(file('root'))
    expect(inForce(cardOf(keys))).toEqual({ ...keys, root: undefined })
  })

  it.each(KEY_USES)('notices another key in %s.pem', (use) => {
    createKeys(directory, random)
    const card = cardOf(loadKeys(directory))
    createKeys(join(directory, 'others'), random)
    copyFileSync(join(directory, 'others', `${use}.pem`), file(use))
    expect(() => inForce(card)).toThrow(code('invariant-broken'))
    expect(() => inForce(card)).toThrow(`${use}.pem: not the key`)
  })

  it('names all files that were exchanged', () => {
    createKeys(directory, random)
    const keys = loadKeys(directory)
    const exchanged = { ...keys, vote: keys.cosign, cosign: keys.vote }
    expect(() => inForce(cardOf(exchanged))).toThrow('vote.pem, cosign.pem')
  })
})

describe('the keys of the next card', () => {
  /** The first card's keys, and those that the second brought for these uses. */
  function renewed(...uses: KeyUse[]): { first: Keys; next: Keys; cards: [Card, Card] } {
    createKeys(directory, random)
    const first = loadKeys(directory)
    const next = { ...first }
    for (const { use, pair } of makeNextKeys(directory, uses, 2, random)) next[use] = pair
    return { first, next, cards: [cardOf(first), cardOf(next, 2)] }
  }

  it('stand beside the former ones, in files for their owner alone', () => {
    const { first, next, cards } = renewed('vote', 'tls')
    expect(readdirSync(directory).sort()).toEqual(
      [...KEY_USES.map((use) => `${use}.pem`), 'tls-2.pem', 'vote-2.pem'].sort(),
    )
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600)
    expect(inForce(...cards)).toEqual(next)
    expect(inForce(cards[0]), 'before the card is made').toEqual(first)
    const signing = signerKeys(storedKeys(directory, 2))
    expect(signing).toEqual({
      author: [first.author],
      vote: [first.vote, next.vote],
      cosign: [first.cosign],
    })
    expect(signerKeys(storedKeys(directory, 1)).vote).toEqual([first.vote])
  })

  it('may be renewed again and again, ten cards and more', () => {
    createKeys(directory, random)
    const cards = [cardOf(loadKeys(directory))]
    const votes = [loadKeys(directory).vote]
    for (let sequence = 2; sequence <= 12; sequence += 1) {
      const [made] = makeNextKeys(directory, ['vote'], sequence, random) as [StoredKey]
      votes.push(made.pair)
      cards.push(cardOf({ ...loadKeys(directory), vote: made.pair }, sequence))
    }
    expect(inForce(...cards).vote).toEqual(votes.at(-1))
    expect(signerKeys(storedKeys(directory, 12)).vote).toEqual(votes)
  })

  it('are not made twice where an attempt was cut off before its card; a torn file is put aside', () => {
    const { next, cards } = renewed('vote', 'cosign', 'tls')
    const path = (name: string) => join(directory, name)
    writeFileSync(path('tls-2.pem'), '-----BEGIN PRIV', { mode: 0o600 })
    const made = makeNextKeys(directory, ['vote', 'tls'], 2, random)
    expect(made.map(({ use }) => use)).toEqual(['vote', 'tls'])
    expect(made[0]?.pair).toEqual(next.vote)
    expect(made[1]?.pair.publicKey).not.toBe(next.tls.publicKey)
    const aside = readdirSync(directory).filter((name) => name.includes('unused'))
    expect(aside.sort()).toEqual(['cosign-2.pem.unused', 'tls-2.pem.unused'])
    const [first] = cards
    const second = cardOf({ ...inForce(first), vote: next.vote, tls: made[1]?.pair as KeyPair }, 2)
    expect(inForce(first, second).cosign).toEqual(loadKeys(directory).cosign)
  })

  it('are missed if they are missing, and held against the card that brought them', () => {
    const { cards } = renewed('vote', 'tls')
    const exchange = (name: string, by: string): void =>
      copyFileSync(join(directory, by), join(directory, name))
    const kept = readFileSync(join(directory, 'vote-2.pem'))
    exchange('vote-2.pem', 'vote.pem')
    expect(() => inForce(...cards)).toThrow('vote-2.pem: not the key')
    rmSync(join(directory, 'vote-2.pem'))
    expect(() => inForce(...cards)).toThrow(code('not-found'))
    expect(() => inForce(...cards)).toThrow('vote-2.pem is missing')
    writeFileSync(join(directory, 'vote-2.pem'), kept, { mode: 0o600 })
    rmSync(join(directory, 'vote.pem'))
    expect(inForce(...cards).vote.publicKey, 'a former one may be gone').toBe(cards[1].keys.vote)
    exchange('author.pem', 'cosign.pem')
    expect(() => inForce(...cards)).toThrow('author.pem: not the key')
  })
})
