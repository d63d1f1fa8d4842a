/**
 * A node's directory on disk:
 *
 *   config.json     name, ports
 *   token           bearer token of its HTTP API (0600)
 *   signer/         keys and locks: the signer's own, never part of a backup of data/ (AMN-1)
 *   data/           the database
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import { type Card, labelShape, partyOf, type SignedCard, signCard } from '../identity/card.ts'
import { OWN_CARD_SETTING } from '../node/node.ts'
import { RECOVERY_SETTING } from '../node/recovery.ts'
import { checkKeys, createKeys, KEY_USES, loadKeys } from '../signer/keys.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'

export type Config = {
  version: 1
  name: string
  /** Where other nodes reach this one. */
  host: string
  port: number
  /** Where its people and programs reach it; loopback unless changed here. */
  apiHost: string
  apiPort: number
}

export const DEFAULT_PORT = 7400

/** Where the parts of a node's directory are. */
export function paths(directory: string): {
  config: string
  token: string
  signer: string
  keys: string
  data: string
  database: string
} {
  const root = resolve(directory)
  return {
    config: join(root, 'config.json'),
    token: join(root, 'token'),
    signer: join(root, 'signer'),
    keys: join(root, 'signer', 'keys'),
    data: join(root, 'data'),
    database: join(root, 'data', 'countersign.db'),
  }
}

/** @throws CountersignError `not-found` */
export function readConfig(directory: string): Config {
  const { config } = paths(directory)
  if (!existsSync(config))
    throw new CountersignError(
      'not-found',
      `${resolve(directory)} is not a node’s directory: make one with \`countersign init --data ${directory} --name NAME\``,
    )
  return JSON.parse(readFileSync(config, 'utf8')) as Config
}

export function readToken(directory: string): string {
  return readFileSync(paths(directory).token, 'utf8').trim()
}

export function openStore(directory: string): Store {
  return openSqliteStore(paths(directory).database)
}

/** Makes a node's directory: keys, first card, database, token. @throws CountersignError `conflict` where one exists */
export function initialise(directory: string, config: Config): SignedCard {
  labelShape(config.name, '--name')
  const at = paths(directory)
  if (existsSync(at.config) || existsSync(at.database))
    throw new CountersignError('conflict', `${resolve(directory)} already holds a node; nothing was changed`)
  for (const folder of [resolve(directory), at.data, at.signer])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  createKeys(at.keys, (sizeBytes) => randomBytes(sizeBytes))
  const keys = loadKeys(at.keys)
  if (!keys.root) throw new CountersignError('internal', 'the root key was not created')
  const card: Card = {
    version: 1,
    sequence: 1,
    name: config.name,
    endpoints: [`${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`],
    keys: {
      root: keys.root.publicKey,
      author: keys.author.publicKey,
      vote: keys.vote.publicKey,
      cosign: keys.cosign.publicKey,
      sealing: keys.sealing.publicKey,
      tls: keys.tls.publicKey,
    },
    timeMs: Date.now(),
  }
  const signed = signCard(keys.root.privateKey, card)
  furnish(directory, config, signed, {})
  return signed
}

/**
 * Makes the directory of a node that has lost its own, of its keys and its card: its data are to be rebuilt (AMN-3).
 * keys: a folder with the backup of `signer/keys`; root.pem may stay offline.
 * @throws CountersignError `conflict` where a node stands there; `not-found`, `invariant-broken` for keys that are not the card's
 */
export function reinitialise(directory: string, config: Config, keys: string, card: SignedCard): void {
  const at = paths(directory)
  if (existsSync(at.config) || existsSync(at.database) || existsSync(at.keys))
    throw new CountersignError('conflict', `${resolve(directory)} already holds a node; nothing was changed`)
  checkKeys(loadKeys(keys), card.card)
  for (const folder of [resolve(directory), at.data, at.signer, at.keys])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const use of KEY_USES.filter((one) => existsSync(join(keys, `${one}.pem`)))) {
    copyFileSync(join(keys, `${use}.pem`), join(at.keys, `${use}.pem`))
    chmodSync(join(at.keys, `${use}.pem`), 0o600)
  }
  furnish(directory, config, card, { [RECOVERY_SETTING]: 'running' })
}

/** Card and settings, token, and last the configuration: a directory without it is not a node's. */
function furnish(
  directory: string,
  config: Config,
  card: SignedCard,
  settings: Record<string, string>,
): void {
  const at = paths(directory)
  const store = openStore(directory)
  const all = { ...settings, [OWN_CARD_SETTING]: JSON.stringify(card) }
  store.write(Object.entries(all).map(([key, value]) => ({ kind: 'setting', key, value })))
  store.close()
  writeFileSync(at.token, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
  chmodSync(at.token, 0o600)
  // Init may be run again after a crash before this.
  writeFileSync(at.config, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}

/** The node's own card, without the node running. */
export function readOwnCard(directory: string): { card: SignedCard; party: string } {
  readConfig(directory)
  const store = openStore(directory)
  const text = store.setting(OWN_CARD_SETTING)
  store.close()
  if (!text)
    throw new CountersignError('not-found', `${resolve(directory)} has no card: its database is incomplete`)
  const card = JSON.parse(text) as SignedCard
  return { card, party: partyOf(card.card) }
}
