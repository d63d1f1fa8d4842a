/**
 * A node's directory on disk:
 *
 *   config.json     name, ports
 *   token           bearer token of its HTTP API (0600)
 *   signer/         keys and locks: the signer's own, never part of a backup of data/ (AMN-1)
 *   data/           the database; files/ that fields name
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import {
  type Card,
  labelShape,
  type ProvenCard,
  partyOf,
  type SignedCard,
  signCard,
} from '../identity/card.ts'
import { OWN_CARD_SETTING } from '../node/node.ts'
import { RECOVERY_SETTING } from '../node/recovery.ts'
import type { SignerUse } from '../signer/key-ring.ts'
import { createKeys, type Keys, keysOfCard, loadKeys, signerKeys, storedKeys } from '../signer/keys.ts'
import type { SignerOptions } from '../signer/signer.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store, StoreWrite } from '../store/store.ts'

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
  files: string
} {
  const root = resolve(directory)
  return {
    config: join(root, 'config.json'),
    token: join(root, 'token'),
    signer: join(root, 'signer'),
    keys: join(root, 'signer', 'keys'),
    data: join(root, 'data'),
    database: join(root, 'data', 'countersign.db'),
    files: join(root, 'data', 'files'),
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
  furnish(directory, config, [signed], {})
  return signed
}

/**
 * Makes the directory of a node that has lost its own, of its keys and its card: its data are to be rebuilt (AMN-3).
 * keys: a folder with the backup of `signer/keys`; root keys may stay offline, and former ones with them where no contract goes
 * by them any more.
 * @throws CountersignError `conflict` where a node stands there; `not-found`, `invariant-broken` for keys that are not the card's
 */
export function reinitialise(directory: string, config: Config, keys: string, card: ProvenCard): void {
  const at = paths(directory)
  if (existsSync(at.config) || existsSync(at.database) || existsSync(at.keys))
    throw new CountersignError('conflict', `${resolve(directory)} already holds a node; nothing was changed`)
  const { earlier = [], ...newest } = card
  const cards = [...earlier, newest]
  const stored = storedKeys(keys, cards.length)
  keysOfCard(keys, stored, bodies(cards))
  for (const folder of [resolve(directory), at.data, at.signer, at.keys])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const { file } of stored) {
    const copy = join(at.keys, basename(file))
    copyFileSync(file, copy)
    chmodSync(copy, 0o600)
  }
  furnish(directory, config, cards, { [RECOVERY_SETTING]: 'running' })
}

/** Cards and settings, token, and last the configuration: a directory without it is not a node's. */
function furnish(
  directory: string,
  config: Config,
  cards: readonly SignedCard[],
  settings: Record<string, string>,
): void {
  const at = paths(directory)
  const store = openStore(directory)
  store.write([
    ...Object.entries(settings).map(([key, value]) => ({ kind: 'setting', key, value }) as const),
    ...ownCardWrites(cards),
  ])
  store.close()
  writeFileSync(at.token, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
  chmodSync(at.token, 0o600)
  // Init may be run again after a crash before this.
  writeFileSync(at.config, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}

/** What makes the last of these a node's own card, and keeps those before it. */
export function ownCardWrites(cards: readonly SignedCard[]): StoreWrite[] {
  return [
    ...cards.slice(0, -1).map((card): StoreWrite => ({ kind: 'peer-card', card })),
    { kind: 'setting', key: OWN_CARD_SETTING, value: JSON.stringify(cards.at(-1)) },
  ]
}

const bodies = (cards: readonly SignedCard[]): Card[] => cards.map(({ card }) => card)

/** cards: all of the party's, from the first on; card: the newest, as it proves itself to others. */
export type OwnCards = { party: string; cards: SignedCard[]; card: ProvenCard }

/** The node's own cards, without the node running. @throws CountersignError `not-found`, `invariant-broken` */
export function readOwnCard(directory: string): OwnCards {
  readConfig(directory)
  const store = openStore(directory)
  try {
    const text = store.setting(OWN_CARD_SETTING)
    if (!text)
      throw new CountersignError('not-found', `${resolve(directory)} has no card: its database is incomplete`)
    const newest = JSON.parse(text) as SignedCard
    const party = partyOf(newest.card)
    const earlier = store.cardHistory(party).filter(({ card }) => card.sequence < newest.card.sequence)
    if (earlier.length !== newest.card.sequence - 1)
      throw new CountersignError(
        'invariant-broken',
        `${resolve(directory)} does not hold all of its party’s cards: its database is incomplete`,
      )
    const card = earlier.length === 0 ? newest : { ...newest, earlier }
    return { party, cards: [...earlier, newest], card }
  } finally {
    store.close()
  }
}

/**
 * What a node runs with, of its directory: the keys of its newest card, and what its signer is opened with beside a journal.
 * @throws CountersignError `not-found`, `bad-format`, `invariant-broken` where the key files are not those that the cards name
 */
export function readKeys(
  directory: string,
  { party, cards }: OwnCards,
): { keys: Keys; signer: Omit<SignerOptions, 'journal'> } {
  const at = paths(directory)
  const stored = storedKeys(at.keys, cards.length)
  const of = (use: SignerUse): string[] => cards.map(({ card }) => card.keys[use])
  const former = { author: of('author'), vote: of('vote'), cosign: of('cosign') }
  return {
    keys: keysOfCard(at.keys, stored, bodies(cards)),
    signer: { keys: signerKeys(stored), party, former },
  }
}
