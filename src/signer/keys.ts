/**
 * A party's key files: PEM (PKCS#8) that `openssl pkey` reads, one a use, readable by their owner alone.
 *
 * root.pem signs cards and nothing else. Move it offline once the first card is signed, and bring it back to sign the
 * next: a node starts without it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import { fromPem, generateKeyPair, generateSealingKeyPair, type KeyPair, toPem } from '../crypto/keys.ts'

/** What a party's keys are for; each has its own file. `sealing` is X25519, all others Ed25519. */
export const KEY_USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
export type KeyUse = (typeof KEY_USES)[number]

/** A party's key pairs by use. */
export type Keys = { root?: KeyPair } & Record<Exclude<KeyUse, 'root'>, KeyPair>

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
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const use of KEY_USES) {
      const pair = use === 'sealing' ? generateSealingKeyPair(random(32)) : generateKeyPair(random(32))
      writePrivately(fileOf(use), toPem(pair.privateKey))
    }
    const descriptor = openSync(directory, constants.O_RDONLY)
    fsyncSync(descriptor)
    closeSync(descriptor)
  } catch (error) {
    throw fileError(`the keys could not be written to ${directory}`, error)
  }
}

function writePrivately(file: string, text: string): void {
  const descriptor = openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Reads a party's keys; root.pem may be missing.
 * @throws CountersignError `not-found` for any other file that is missing, `bad-format`, `storage-failed`
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

function readKeyFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw fileError(`the key file ${file} could not be read`, error)
  }
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

function fileError(what: string, error: unknown): CountersignError {
  if (error instanceof CountersignError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new CountersignError(isFull ? 'disk-full' : 'storage-failed', `${what}: ${message}`, undefined, {
    cause: error,
  })
}
