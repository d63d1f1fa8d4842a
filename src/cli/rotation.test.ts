import {
  copyFileSync,
  existsSync,
  linkSync,
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
import type { KeyPair } from '../crypto/keys.ts'
import { cardHash, checkProvenCard, type SignedCard, signCard } from '../identity/card.ts'
import { claimDirectory } from '../signer/claim.ts'
import { KEY_USES, type KeyUse, keyFiles, makeNextKeys } from '../signer/keys.ts'
import {
  initialise,
  openStore,
  ownCardWrites,
  paths,
  readKeys,
  readOwnCard,
  reinitialise,
} from './directory.ts'
import { exportRoot, keyViews, removeRoot, rotate } from './rotation.ts'

let root: string
let directory: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'countersign-rotation-'))
  directory = join(root, 'acme')
  initialise(directory, CONFIG)
})
afterEach(() => rmSync(root, { recursive: true }))

const CONFIG = {
  version: 1,
  name: 'Acme',
  host: '127.0.0.1',
  port: 7400,
  apiHost: '127.0.0.1',
  apiPort: 7401,
} as const
const WORKING = KEY_USES.filter((use) => use !== 'root')
const code = (expected: string) => expect.objectContaining({ code: expected })
const offline = (): string => join(root, 'offline.pem')
const files = (): string[] => readdirSync(paths(directory).keys).sort()

/** What a node would run with; throws where keys and cards don't fit. */
const sequence = (): number => {
  const own = readOwnCard(directory)
  readKeys(directory, own)
  expect(own.cards).toHaveLength(own.card.card.sequence)
  return own.card.card.sequence
}

describe('a new card', () => {
  it('[CARD-2] follows on the one before, with new keys for the uses named and no others', () => {
    const before = readOwnCard(directory)
    const { card, leftOver } = rotate(directory, ['vote', 'tls'])
    expect(leftOver).toBe(false)
    const own = readOwnCard(directory)
    expect(own.card).toEqual({ ...card, earlier: before.cards })
    checkProvenCard(own.card)
    expect(own.party).toBe(before.party)
    expect(card.card).toMatchObject({
      sequence: 2,
      name: 'Acme',
      party: before.party,
      previous: cardHash(before.card.card),
      endpoints: before.card.card.endpoints,
    })
    const changed = KEY_USES.filter((use) => card.card.keys[use] !== before.card.card.keys[use])
    expect(changed).toEqual(['vote', 'tls'])
    const { keys, signer } = readKeys(directory, own)
    expect(keys.tls.publicKey).toBe(card.card.keys.tls)
    expect([signer.keys.vote].flat().map(({ publicKey }) => publicKey)).toEqual([
      before.card.card.keys.vote,
      card.card.keys.vote,
    ])
  })

  it('[CARD-2] may follow any number of times, by a new root key too', () => {
    rotate(directory, WORKING)
    rotate(directory, ['root'])
    rotate(directory, KEY_USES)
    rotate(directory, [])
    expect(sequence()).toBe(5)
    const own = readOwnCard(directory)
    checkProvenCard(own.card)
    const keysOf = (use: KeyUse) => new Set(own.cards.map(({ card }) => card.keys[use])).size
    expect(KEY_USES.map(keysOf)).toEqual([3, 3, 3, 3, 3, 3])
  })

  it('is refused while the node runs, and changes nothing', () => {
    const before = files()
    const release = claimDirectory(paths(directory).signer)
    expect(() => rotate(directory, WORKING)).toThrow(code('conflict'))
    release()
    expect([sequence(), files().length]).toEqual([1, before.length])
    rotate(directory, WORKING)
    expect(sequence()).toBe(2)
  })

  it('[CARD-1] may say another name and other endpoints, if a card may', () => {
    const change = { name: 'Acme Broking', endpoints: ['acme.example:7400', '[2001:db8::1]:7400'] }
    const before = readOwnCard(directory)
    expect(rotate(directory, [], undefined, change).card.card).toMatchObject({
      ...change,
      sequence: 2,
      keys: before.card.card.keys,
    })
    for (const bad of [
      { name: '' },
      { name: 'a\u202eb' },
      { endpoints: ['acme.example'] },
      { endpoints: ['a:0'] },
    ])
      expect(() => rotate(directory, WORKING, undefined, bad)).toThrow(code('bad-format'))
    expect(sequence()).toBe(2)
    expect(
      files().some((name) => name.includes('-3')),
      'no keys are made for it',
    ).toBe(false)
  })

  it('[CARD-1] keeps an X.509 chain for as long as the root key that it is over', () => {
    const { cards } = readOwnCard(directory)
    const { root: key } = readKeys(directory, readOwnCard(directory)).keys
    const x509 = ['-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n']
    const { card } = cards[0] as SignedCard
    const second = { ...card, party: cardHash(card), sequence: 2, previous: cardHash(card), x509 }
    const store = openStore(directory)
    store.write(ownCardWrites([...cards, signCard((key as KeyPair).privateKey, second)]))
    store.close()
    expect(rotate(directory, WORKING).card.card.x509).toEqual(x509)
    expect(rotate(directory, ['root']).card.card.x509).toBeUndefined()
    checkProvenCard(readOwnCard(directory).card)
    expect(sequence()).toBe(4)
  })

  it('is made with the keys that an attempt left which was cut off before its card', () => {
    const { keys } = paths(directory)
    const random = (sizeBytes: number) => new Uint8Array(sizeBytes).fill(7)
    const [made] = makeNextKeys(keys, ['vote'], 2, random)
    expect(sequence(), 'a start meanwhile goes on with the card that there is').toBe(1)
    const { card, leftOver } = rotate(directory, ['vote', 'cosign'])
    expect(leftOver).toBe(true)
    expect(card.card.keys.vote).toBe(made?.pair.publicKey)
    expect(sequence()).toBe(2)
  })

  it('needs the root key in force, here or in a file', () => {
    exportRoot(directory, offline())
    removeRoot(directory, offline())
    expect(() => rotate(directory, WORKING)).toThrow(code('not-found'))
    expect(() => rotate(directory, WORKING, join(root, 'nowhere.pem'))).toThrow(code('not-found'))
    const vote = join(paths(directory).keys, 'vote.pem')
    expect(() => rotate(directory, WORKING, vote)).toThrow(code('bad-request'))
    expect(sequence()).toBe(1)
    expect(files().some((name) => name.includes('-2'))).toBe(false)
    rotate(directory, KEY_USES, offline())
    expect(sequence()).toBe(2)
    expect(() => rotate(directory, WORKING, offline()), 'the former root key').toThrow(code('bad-request'))
    rotate(directory, WORKING)
    expect(sequence()).toBe(3)
  })
})

describe('the root key', () => {
  it('is copied out whole, for its owner alone, over nothing that is there', () => {
    exportRoot(directory, offline())
    expect(statSync(offline()).mode & 0o777).toBe(0o600)
    expect(readFileSync(offline())).toEqual(readFileSync(join(paths(directory).keys, 'root.pem')))
    writeFileSync(offline(), 'precious')
    expect(() => exportRoot(directory, offline())).toThrow(code('conflict'))
    expect(readFileSync(offline(), 'utf8')).toBe('precious')
  })

  it('is deleted here only once another file holds it', () => {
    const own = join(paths(directory).keys, 'root.pem')
    expect(() => removeRoot(directory, offline())).toThrow(code('not-found'))
    copyFileSync(join(paths(directory).keys, 'author.pem'), offline())
    expect(() => removeRoot(directory, offline())).toThrow(code('bad-request'))
    writeFileSync(offline(), 'no key')
    expect(() => removeRoot(directory, offline())).toThrow(code('bad-format'))
    rmSync(offline())
    linkSync(own, offline())
    for (const same of [own, offline()])
      expect(() => removeRoot(directory, same)).toThrow(code('bad-request'))
    expect(existsSync(own)).toBe(true)
    rmSync(offline())
    exportRoot(directory, offline())
    expect(removeRoot(directory, offline())).toBe(1)
    expect(existsSync(own)).toBe(false)
    expect(sequence(), 'the node starts without it').toBe(1)
    expect(() => removeRoot(directory, offline())).toThrow(code('not-found'))
    expect(() => exportRoot(directory, join(root, 'again.pem'))).toThrow(code('not-found'))
  })

  it('takes its former ones with it: they could sign a rival of a card', () => {
    rotate(directory, ['root'])
    exportRoot(directory, offline())
    expect(removeRoot(directory, offline())).toBe(2)
    expect(files().filter((name) => name.startsWith('root'))).toEqual([])
    rotate(directory, WORKING, offline())
    expect(sequence()).toBe(3)
  })
})

it('lists every key with the cards it stands in, and where it is', () => {
  rotate(directory, ['vote'])
  rotate(directory, ['vote', 'root'])
  exportRoot(directory, offline())
  removeRoot(directory, offline())
  rmSync(join(paths(directory).keys, 'vote.pem'))
  const own = readOwnCard(directory)
  const views = keyViews(directory, own).map(({ use, fromCard, toCard, inForce, file }) => [
    use,
    `${fromCard}-${toCard}`,
    inForce,
    file?.split('/').at(-1),
  ])
  expect(views).toEqual([
    ['root', '1-2', false, undefined],
    ['root', '3-3', true, undefined],
    ['author', '1-3', true, 'author.pem'],
    ['vote', '1-1', false, undefined],
    ['vote', '2-2', false, 'vote-2.pem'],
    ['vote', '3-3', true, 'vote-3.pem'],
    ['cosign', '1-3', true, 'cosign.pem'],
    ['sealing', '1-3', true, 'sealing.pem'],
    ['tls', '1-3', true, 'tls.pem'],
  ])
  for (const { use, publicKey, toCard } of keyViews(directory, own))
    expect(own.cards[toCard - 1]?.card.keys[use]).toBe(publicKey)
})

describe('a directory made anew of its keys', () => {
  it('[AMN-3] has all generations of them, and all cards', () => {
    rotate(directory, WORKING)
    rotate(directory, ['vote'])
    const own = readOwnCard(directory)
    const backup = join(root, 'backup')
    const again = join(root, 'again')
    const { keys } = paths(directory)
    expect(() => reinitialise(directory, CONFIG, keys, own.card)).toThrow(code('conflict'))
    reinitialise(again, CONFIG, keys, own.card)
    expect(readOwnCard(again)).toEqual(own)
    expect(readKeys(again, own)).toEqual(readKeys(directory, own))
    for (const { file } of keyFiles(paths(again).keys)) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(existsSync(backup)).toBe(false)
  })

  it('[AMN-3] is not made without a key of its newest card', () => {
    rotate(directory, ['vote'])
    const { card } = readOwnCard(directory)
    const { keys } = paths(directory)
    rmSync(join(keys, 'vote-2.pem'))
    const again = join(root, 'again')
    expect(() => reinitialise(again, CONFIG, keys, card)).toThrow(code('not-found'))
    expect(existsSync(again)).toBe(false)
  })
})
