/**
 * Key files of a party: PEM (PKCS#8) that `openssl pkey` reads, one a use, mode 0600. root.pem should be moved offline once
 * the first card is signed; nothing else here needs it.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import { fromPem, generateKeyPair, generateSealingKeyPair, type KeyPair, toPem } from '../crypto/keys.ts'

export const KEY_USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
export type KeyUse = (typeof KEY_USES)[number]
export type Keys = { root?: KeyPair } & Record<Exclude<KeyUse, 'root'>, KeyPair>

/** Makes all keys. @throws CountersignError `conflict` where one exists already */
export function createKeys(directory: string, random: (sizeBytes: number) => Uint8Array): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const use of KEY_USES) {
    const file = join(directory, `${use}.pem`)
    if (existsSync(file)) throw new CountersignError('conflict', `${file} exists already; keys are never overwritten`)
    const pair = use === 'sealing' ? generateSealingKeyPair(random(32)) : generateKeyPair(random(32))
    writeFileSync(file, toPem(pair.privateKey), { mode: 0o600, flag: 'wx' })
    chmodSync(file, 0o600)
  }
}

/** @throws CountersignError `not-found`, `bad-format` */
export function loadKeys(directory: string): Keys {
  const keys: Partial<Record<KeyUse, KeyPair>> = {}
  for (const use of KEY_USES) {
    const file = join(directory, `${use}.pem`)
    if (!existsSync(file)) {
      if (use === 'root') continue
      throw new CountersignError('not-found', `the key file ${file} is missing: restore it from your backup of keys`)
    }
    keys[use] = fromPem(readFileSync(file, 'utf8'))
  }
  return keys as Keys
}
