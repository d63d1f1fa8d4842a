/**
 * A party's key files: PEM (PKCS#8) that `openssl pkey` reads, readable by their owner alone. `vote.pem` is the vote key of its
 * first card, `vote-3.pem` the one that its third card brought. Former ones stay, since a contract goes by the card that it
 * has taken in; which is in force where, the cards say.
 *
 * Root keys sign cards and nothing else. Keep them offline, and bring the one in force back to sign the next card: a node
 * starts without.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { CountersignError } from '../crypto/errors.ts'
import { fromPem, generateKeyPair, generateSealingKeyPair, type KeyPair, toPem } from '../crypto/keys.ts'
import type { Card } from '../identity/card.ts'
import { syncDirectory, translated, writePrivately } from './files.ts'
import type { SignerKeys } from './key-ring.ts'

/** What a party's keys are for. `sealing` is X25519, all others Ed25519. */
export const KEY_USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
export type KeyUse = (typeof KEY_USES)[number]

/** A party's key pairs by use. */
export type Keys = { root?: KeyPair } & Record<Exclude<KeyUse, 'root'>, KeyPair>

/** A key file: sequence is that of the card that brought the key. */
export type KeyFile = { use: KeyUse; sequence: number; file: string }
export type StoredKey = KeyFile & { pair: KeyPair }

/** That many secret random bytes. */
type Random = (sizeBytes: number) => Uint8Array

const OTHERS = 0o077
const NAME = new RegExp(`^(${KEY_USES.join('|')})(?:-([2-9]|[1-9][0-9]{1,8}))?\\.pem$`)

const nameOf = (use: KeyUse, sequence: number): string =>
  sequence === 1 ? `${use}.pem` : `${use}-${sequence}.pem`

/** The key files of a directory, by use and then from the first on. @throws CountersignError `storage-failed` */
export function keyFiles(directory: string): KeyFile[] {
  return translated(`the keys in ${directory} could not be read`, () =>
    readdirSync(directory)
      .flatMap((name): KeyFile[] => {
        const [, use, sequence = '1'] = NAME.exec(name) ?? []
        if (use === undefined) return []
        return [{ use: use as KeyUse, sequence: Number(sequence), file: join(directory, name) }]
      })
      .sort((a, b) => KEY_USES.indexOf(a.use) - KEY_USES.indexOf(b.use) || a.sequence - b.sequence),
  )
}

/**
 * Makes all keys of a party, on disk on return.
 * @throws CountersignError `conflict` where one exists: keys are never overwritten; `storage-failed`, `disk-full`
 */
export function createKeys(directory: string, random: Random): void {
  // All are looked for before any is made, so that a refusal leaves everything as it was.
  const existing = KEY_USES.map((use) => join(directory, nameOf(use, 1))).find((file) => existsSync(file))
  if (existing !== undefined)
    throw new CountersignError('conflict', `${existing} exists already; keys are never overwritten`)
  translated(`the keys could not be written to ${directory}`, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const use of KEY_USES) makeKey(join(directory, nameOf(use, 1)), use, random)
    syncDirectory(directory)
    syncDirectory(dirname(directory))
  })
}

function makeKey(file: string, use: KeyUse, random: Random): KeyPair {
  const pair = use === 'sealing' ? generateSealingKeyPair(random(32)) : generateKeyPair(random(32))
  writePrivately(file, new TextEncoder().encode(toPem(pair.privateKey)))
  return pair
}

/**
 * Makes the keys that a party's next card brings, on disk on return: before that card is. What an attempt left that never
 * came to a card is used if it is whole; else it is put aside as `….unused`, where nothing reads it.
 * @throws CountersignError `storage-failed`, `disk-full`; may be tried again
 */
export function makeNextKeys(
  directory: string,
  uses: readonly KeyUse[],
  sequence: number,
  random: Random,
): StoredKey[] {
  return translated(`the keys could not be written to ${directory}`, () => {
    const left = keyFiles(directory).filter((one) => one.sequence >= sequence)
    const made = uses.map((use): StoredKey => {
      const file = join(directory, nameOf(use, sequence))
      const kept = left.some((one) => one.file === file) ? wholeKey(file, use) : undefined
      if (kept) return { use, sequence, file, pair: kept }
      if (existsSync(file)) putAside(file)
      return { use, sequence, file, pair: makeKey(file, use, random) }
    })
    for (const { file } of left) if (!made.some((one) => one.file === file)) putAside(file)
    syncDirectory(directory)
    return made
  })
}

function wholeKey(file: string, use: KeyUse): KeyPair | undefined {
  try {
    return readKey(file, use)
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'bad-format') return undefined
    throw error
  }
}

function putAside(file: string): void {
  for (let count = 0; ; count += 1) {
    const aside = `${file}.unused${count === 0 ? '' : `-${count}`}`
    if (existsSync(aside)) continue
    renameSync(file, aside)
    return
  }
}

/**
 * The keys that a party's first card was made of; root.pem may be missing. A key file that others than its owner may read
 * or change is refused, not put right: whether somebody has read it, only its owner can say.
 * @throws CountersignError `not-found` for any other file that is missing, `bad-format`, `invariant-broken` for a file open
 *   to others, `storage-failed`
 */
export function loadKeys(directory: string): Keys {
  const keys: Partial<Record<KeyUse, KeyPair>> = {}
  for (const use of KEY_USES) {
    const file = join(directory, nameOf(use, 1))
    if (existsSync(file)) keys[use] = readKey(file, use)
    else if (use !== 'root') throw missing(file)
  }
  return keys as Keys
}

/** All keys of a directory that a card up to this one brought. @throws CountersignError as `loadKeys` does for a file */
export function storedKeys(directory: string, sequence: number): StoredKey[] {
  return keyFiles(directory)
    .filter((one) => one.sequence <= sequence)
    .map((one) => ({ ...one, pair: readKey(one.file, one.use) }))
}

/**
 * The keys of the newest of a party's cards. All files are held against the cards that brought them, so that one put in
 * another's place is noticed before anything is signed that nobody could verify. The root key may be elsewhere.
 * @param cards all of the party's, from the first on
 * @throws CountersignError `invariant-broken` naming the files that hold another key than the card, `not-found`
 */
export function keysOfCard(directory: string, stored: readonly StoredKey[], cards: readonly Card[]): Keys {
  const wrong = stored.filter(({ use, sequence, pair }) => cards[sequence - 1]?.keys[use] !== pair.publicKey)
  if (wrong.length > 0)
    throw new CountersignError(
      'invariant-broken',
      `${wrong.map(({ use, sequence }) => nameOf(use, sequence)).join(', ')}: not the key that this party’s card names; put the ` +
        'right key file back, or make a new card with this key by the root key',
    )
  const keys: Partial<Record<KeyUse, KeyPair>> = {}
  for (const use of KEY_USES) {
    const named = cards.at(-1)?.keys[use]
    const found = stored.find((one) => one.use === use && one.pair.publicKey === named)
    if (found) keys[use] = found.pair
    else if (use !== 'root') {
      const broughtBy = cards.findIndex((card) => card.keys[use] === named) + 1
      throw missing(join(directory, nameOf(use, broughtBy)))
    }
  }
  return keys as Keys
}

/** All keys that the signer may be asked to sign with. */
export function signerKeys(stored: readonly StoredKey[]): SignerKeys {
  const of = (wanted: KeyUse): KeyPair[] => stored.flatMap(({ use, pair }) => (use === wanted ? [pair] : []))
  return { author: of('author'), vote: of('vote'), cosign: of('cosign') }
}

/** Copies a key file out; on disk on return. @throws CountersignError `conflict` where the target exists, `storage-failed` */
export function exportKey(file: string, target: string): void {
  if (existsSync(target))
    throw new CountersignError('conflict', `${target} exists already; nothing was written`)
  translated(`the key could not be written to ${target}`, () => {
    writePrivately(target, readFileSync(file))
    syncDirectory(dirname(target))
  })
}

/** Deletes key files; gone from the disk's directory on return. @throws CountersignError `storage-failed` */
export function deleteKeys(directory: string, files: readonly string[]): void {
  translated('the key could not be deleted', () => {
    for (const file of files) unlinkSync(file)
    syncDirectory(directory)
  })
}

function missing(file: string): CountersignError {
  return new CountersignError(
    'not-found',
    `the key file ${file} is missing: restore it from your backup of keys`,
  )
}

/**
 * The key in a file, for a use. A file open to others is refused unless it is on a medium of its own (`isElsewhere`), which
 * may know no modes.
 * @throws CountersignError `bad-format`, `invariant-broken`, `storage-failed`
 */
export function readKey(file: string, use: KeyUse, isElsewhere = false): KeyPair {
  const pem = translated(`the key file ${file} could not be read`, () => {
    if (!isElsewhere && process.platform !== 'win32' && (statSync(file).mode & OTHERS) !== 0)
      throw new CountersignError(
        'invariant-broken',
        `others than its owner may use the key file ${file}: chmod 600 it, and replace the key if somebody may have read it`,
      )
    return readFileSync(file, 'latin1')
  })
  return keyOf(file, use, pem)
}

function keyOf(file: string, use: KeyUse, pem: string): KeyPair {
  let pair: KeyPair
  try {
    pair = fromPem(pem)
  } catch (error) {
    const reason = error instanceof CountersignError ? error.message : 'it is not a key'
    throw new CountersignError('bad-format', `${file}: ${reason}`)
  }
  const wanted = use === 'sealing' ? 'X25519' : 'Ed25519'
  if (pair.privateKey.algorithm !== wanted)
    throw new CountersignError(
      'bad-format',
      `${file} holds an ${pair.privateKey.algorithm} key; expected ${wanted}`,
    )
  return pair
}
