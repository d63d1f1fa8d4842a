/**
 * A party's key files: PEM (PKCS#8) that `openssl pkey` reads, one a use, readable by their owner alone.
 *
 * root.pem signs cards and nothing else. Move it offline once the first card is signed, and bring it back to sign the
 * next: a node starts without it.
 */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { CountersignError } from '../crypto/errors.ts'
import { fromPem, generateKeyPair, generateSealingKeyPair, type KeyPair, toPem } from '../crypto/keys.ts'
import type { Card } from '../identity/card.ts'
import { syncDirectory, translated, writePrivately } from './files.ts'

/** What a party's keys are for; each has its own file. `sealing` is X25519, all others Ed25519. */
export const KEY_USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
export type KeyUse = (typeof KEY_USES)[number]

/** A party's key pairs by use. */
export type Keys = { root?: KeyPair } & Record<Exclude<KeyUse, 'root'>, KeyPair>

const OTHERS = 0o077

/**
 * Makes all keys of a party, on disk on return. random: that many secret random bytes.
 * @throws CountersignError `conflict` where one exists: keys are never overwritten; `storage-failed`, `disk-full`
 */
export function createKeys(directory: string, random: (sizeBytes: number) => Uint8Array): void {
  const fileOf = (use: KeyUse): string => join(directory, `${use}.pem`)
  // All are looked for before any is made, so that a refusal leaves everything as it was.
  const existing = KEY_USES.map(fileOf).find((file) => existsSync(file))
  if (existing !== undefined)
    throw new CountersignError('conflict', `${existing} exists already; keys are never overwritten`)
  translated(`the keys could not be written to ${directory}`, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const use of KEY_USES) {
      const pair = use === 'sealing' ? generateSealingKeyPair(random(32)) : generateKeyPair(random(32))
      writePrivately(fileOf(use), new TextEncoder().encode(toPem(pair.privateKey)))
    }
    syncDirectory(directory)
    syncDirectory(dirname(directory))
  })
}

/**
 * Reads a party's keys; root.pem may be missing. A key file that others than its owner may read or change is refused, not
 * put right: whether somebody has read it, only its owner can say.
 * @throws CountersignError `not-found` for any other file that is missing, `bad-format`, `invariant-broken` for a file open
 *   to others, `storage-failed`
 */
export function loadKeys(directory: string): Keys {
  const keys: Partial<Record<KeyUse, KeyPair>> = {}
  for (const use of KEY_USES) {
    const file = join(directory, `${use}.pem`)
    const pem = readKeyFile(file)
    if (pem !== undefined) keys[use] = keyOf(file, use, pem)
    else if (use !== 'root')
      throw new CountersignError(
        'not-found',
        `the key file ${file} is missing: restore it from your backup of keys`,
      )
  }
  return keys as Keys
}

/**
 * Compares a party's keys with its card, so that a file put in another's place is noticed before anything is signed that
 * nobody could verify. root.pem is compared if it is there.
 * @throws CountersignError `invariant-broken` naming the files that hold another key than the card
 */
export function checkKeys(keys: Keys, card: Card): void {
  const wrong = KEY_USES.filter((use) => keys[use] !== undefined && keys[use].publicKey !== card.keys[use])
  if (wrong.length > 0)
    throw new CountersignError(
      'invariant-broken',
      `${wrong.map((use) => `${use}.pem`).join(', ')}: not the key that this party’s card names; put the right key file ` +
        'back, or make a new card with this key by the root key',
    )
}

function readKeyFile(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  return translated(`the key file ${file} could not be read`, () => {
    if (process.platform !== 'win32' && (statSync(file).mode & OTHERS) !== 0)
      throw new CountersignError(
        'invariant-broken',
        `others than its owner may use the key file ${file}: chmod 600 it, and replace the key if somebody may have read it`,
      )
    return readFileSync(file, 'latin1')
  })
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
