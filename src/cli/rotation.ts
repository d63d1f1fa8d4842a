/**
 * A party's next card: keys made anew, signed by the root key. The new keys are on disk before the card is, and the card
 * before anybody can see it. The node is not running meanwhile: it would go on with the card and the keys that it knows.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { CountersignError } from '../crypto/errors.ts'
import type { KeyPair } from '../crypto/keys.ts'
import {
  type Card,
  cardHash,
  cardShape,
  checkSuccession,
  type SignedCard,
  signCard,
} from '../identity/card.ts'
import { claimDirectory } from '../signer/claim.ts'
import {
  deleteKeys,
  exportKey,
  KEY_USES,
  type KeyUse,
  keyFiles,
  makeNextKeys,
  readKey,
  type StoredKey,
  storedKeys,
} from '../signer/keys.ts'
import { type OwnCards, openStore, ownCardWrites, paths, readKeys, readOwnCard } from './directory.ts'

/** Where a key stands: in the cards of these sequences. file: undefined where it is not on this machine. */
export type KeyView = {
  use: KeyUse
  publicKey: string
  fromCard: number
  toCard: number
  inForce: boolean
  file?: string
}

/** Every key of every card, by use and from the first on. */
export function keyViews(directory: string, { cards }: OwnCards): KeyView[] {
  const stored = storedKeys(paths(directory).keys, cards.length)
  const views: KeyView[] = []
  for (const use of KEY_USES)
    for (const { card } of cards) {
      const publicKey = card.keys[use]
      const inForce = card.sequence === cards.length
      const last = views.at(-1)
      if (last?.use === use && last.publicKey === publicKey) {
        last.toCard = card.sequence
        last.inForce = inForce
        continue
      }
      const file = stored.find((one) => one.use === use && one.pair.publicKey === publicKey)?.file
      const at = { fromCard: card.sequence, toCard: card.sequence, inForce }
      views.push({ use, publicKey, ...at, ...(file !== undefined && { file }) })
    }
  return views
}

/** leftOver: key files of this card were there already, of an attempt that never came to a card. */
export type Rotation = { card: SignedCard; leftOver: boolean }

/** What the next card says otherwise than the one before, beside its keys. */
export type CardChange = Partial<Pick<Card, 'name' | 'endpoints'>>

/**
 * Makes new keys for these uses and the next card with them.
 * @param rootFile the root key in force, where it is kept offline
 * @throws CountersignError `conflict` while the node runs; `not-found` where the root key is nowhere; `bad-request` where it is
 *   another; `bad-format` for a change that no card may have; as `readKeys`. Nothing has changed then; what fails later may
 *   be tried again
 */
export function rotate(
  directory: string,
  uses: readonly KeyUse[],
  rootFile?: string,
  change: CardChange = {},
): Rotation {
  const at = paths(directory)
  const own = readOwnCard(directory)
  const release = claim(at.signer)
  try {
    readKeys(directory, own)
    const { card: current } = own.cards.at(-1) as SignedCard
    const sequence = current.sequence + 1
    const root = rootKey(directory, own, rootFile)
    cardShape({ ...current, ...change }, 'card')
    const leftOver = keyFiles(at.keys).some((one) => one.sequence >= sequence)
    const made = makeNextKeys(at.keys, uses, sequence, (sizeBytes) => randomBytes(sizeBytes))
    const signed = signCard(root.privateKey, { ...nextCard(own, made), ...change })
    checkSuccession(own.cards.at(-1) as SignedCard, signed)
    const store = openStore(directory)
    try {
      store.write(ownCardWrites([...own.cards, signed]))
    } finally {
      store.close()
    }
    return { card: signed, leftOver }
  } finally {
    release()
  }
}

function claim(signer: string): () => void {
  try {
    return claimDirectory(signer)
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'conflict') throw error
    throw new CountersignError(
      'conflict',
      'the node is running with its present keys: stop it, run this again, and start it',
      undefined,
      { cause: error },
    )
  }
}

function nextCard({ party, cards }: OwnCards, made: readonly StoredKey[]): Card {
  const { card: current } = cards.at(-1) as SignedCard
  const keys = { ...current.keys }
  for (const { use, pair } of made) keys[use] = pair.publicKey
  const { x509, ...rest } = current
  // A chain is over the root key: with another one it says nothing.
  const keepsChain = x509 !== undefined && keys.root === current.keys.root
  return {
    ...rest,
    party,
    sequence: current.sequence + 1,
    keys,
    previous: cardHash(current),
    timeMs: Date.now(),
    ...(keepsChain && { x509 }),
  }
}

function rootKey(directory: string, { cards }: OwnCards, rootFile: string | undefined): KeyPair {
  const { card } = cards.at(-1) as SignedCard
  if (rootFile === undefined) {
    const here = storedRoots(directory, cards.length).find(({ pair }) => pair.publicKey === card.keys.root)
    if (here) return here.pair
    throw new CountersignError(
      'not-found',
      'the root key is not on this machine: bring it and name its file with --root FILE',
    )
  }
  if (!existsSync(rootFile)) throw new CountersignError('not-found', `there is no file ${rootFile}`)
  const pair = readKey(rootFile, 'root', true)
  if (pair.publicKey === card.keys.root) return pair
  throw new CountersignError(
    'bad-request',
    `${rootFile} holds another key than the root key of card ${card.sequence}, ${card.keys.root}`,
  )
}

function storedRoots(directory: string, sequence: number): StoredKey[] {
  return storedKeys(paths(directory).keys, sequence).filter(({ use }) => use === 'root')
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [statSync(one), statSync(other)]
  return first.dev === second.dev && first.ino === second.ino
}

/** Copies the root key in force out. @throws CountersignError `not-found` where it is not here, `conflict` where the file exists */
export function exportRoot(directory: string, target: string): void {
  const { cards } = readOwnCard(directory)
  const { card } = cards.at(-1) as SignedCard
  const here = storedRoots(directory, cards.length).find(({ pair }) => pair.publicKey === card.keys.root)
  if (!here) throw new CountersignError('not-found', 'the root key is not on this machine any more')
  exportKey(here.file, target)
}

/**
 * Deletes all root keys of the directory, once it is seen that a file elsewhere holds the one in force. Former ones go too:
 * nothing needs them, and they could sign a rival of a card. Returns how many.
 * @throws CountersignError `not-found`, `bad-request` where the file holds another key
 */
export function removeRoot(directory: string, copy: string): number {
  const { cards, ...own } = readOwnCard(directory)
  const files = storedRoots(directory, cards.length).map(({ file }) => file)
  if (files.length === 0) throw new CountersignError('not-found', 'no root key is on this machine any more')
  rootKey(directory, { cards, ...own }, copy)
  if (files.some((file) => isSameFile(file, copy)))
    throw new CountersignError('bad-request', `${copy} is the very file that would be deleted`)
  deleteKeys(paths(directory).keys, files)
  return files.length
}
