/**
 * Who a ledger's signers are: the members of its genesis with their keys, and the checks of one signature or certificate
 * against them.
 */
import type { SignatureCache } from '../crypto/statement.ts'
import { checkProvenCard, partyOf, type SignedCard } from '../identity/card.ts'
import {
  type Certificate,
  certificateVerifies,
  checkCertificateShape,
  type Electorate,
} from '../ledger/certificate.ts'
import { type Cosignature, checkCosignatureShape, cosignatureVerifies } from '../ledger/checkpoint.ts'
import { checkGenesis, contractId, type Genesis, MEMBERS_MAX, quorumOf } from '../ledger/genesis.ts'
import { fail, under } from './finding.ts'

/** name: what the member's card says. */
export type Member = { party: string; name: string }

export type Membership = {
  contract: string
  genesis: Genesis
  members: readonly Member[]
  electorate: Electorate
  /** Keys by party, base64url. */
  authorKeys: ReadonlyMap<string, string>
  cosignKeys: ReadonlyMap<string, string>
}

/** Reads a genesis from outside and checks that it is this contract's (GEN-1, CARD-1, CARD-2). @throws RuleBroken */
export function readMembership(contract: string, value: unknown): Membership {
  const cards = (value as { members?: unknown } | null)?.members
  if (Array.isArray(cards))
    for (const [index, card] of cards.slice(0, MEMBERS_MAX).entries()) checkCard(card, `member ${index + 1}`)
  const genesis = under('GEN-1', 'genesis', () => checkGenesis(value))
  const id = contractId(genesis)
  if (id !== contract)
    fail('GEN-1', 'genesis', `its hash is ${id}: it is not the genesis of contract ${contract}`)
  const members = genesis.members.map(({ card }): Member => ({ party: partyOf(card), name: card.name }))
  const keysOf = (use: keyof SignedCard['card']['keys']) =>
    new Map(genesis.members.map(({ card }) => [partyOf(card), card.keys[use]]))
  const electorate = {
    contract,
    lineage: 0,
    epoch: 0,
    quorum: quorumOf(genesis.policy, members.length),
    voteKeys: keysOf('vote'),
  }
  return {
    contract,
    genesis,
    members,
    electorate,
    authorKeys: keysOf('author'),
    cosignKeys: keysOf('cosign'),
  }
}

/** CARD-1 for a first card by itself, CARD-2 for one that is to follow from others. */
function checkCard(value: unknown, place: string): void {
  const { card, earlier } = (value ?? {}) as { card?: { sequence?: unknown } | null; earlier?: unknown }
  const isFirst = card?.sequence === 1 && !('party' in card) && !('previous' in card) && earlier === undefined
  under(isFirst ? 'CARD-1' : 'CARD-2', place, () => checkProvenCard(value))
}

/**
 * Reads a cosignature, and checks it by itself (CHK-2) where its signer's key is known: in epoch 0 of the first lineage. Later
 * ones wait for their epoch and lineage.
 * @throws RuleBroken
 */
export function readAnyCosignature(
  membership: Membership,
  value: unknown,
  lineage = 0,
): { cosignature: Cosignature; isVerified: boolean } {
  const { epoch } = Object(value) as { epoch?: unknown }
  if (lineage === 0 && (!Number.isSafeInteger(epoch) || (epoch as number) < 1))
    return { cosignature: readCosignature(membership, value), isVerified: true }
  const cosignature = under('CHK-2', cosignaturePlace(value), () => checkCosignatureShape(value))
  return { cosignature, isVerified: false }
}

/** Where a cosignature from outside stands, by the party that it names. */
export function cosignaturePlace(value: unknown): string {
  const { party } = Object(value) as { party?: unknown }
  return `cosignature of ${typeof party === 'string' ? party.slice(0, 64) : 'nobody'}`
}

/** Checks a member's cosignature by itself (CHK-2), not yet what it is on. @throws RuleBroken */
export function readCosignature({ contract, cosignKeys }: Membership, value: unknown): Cosignature {
  const place = cosignaturePlace(value)
  const cosignature = under('CHK-2', place, () => checkCosignatureShape(value))
  const key = cosignKeys.get(cosignature.party)
  if (key === undefined) fail('CHK-2', place, 'its party is not a member of the contract')
  if (!cosignatureVerifies(key, contract, 0, cosignature))
    fail('CHK-2', place, 'its signature does not verify by the cosign key of the member’s card')
  return cosignature
}

/**
 * Checks that a certificate is one of this kind on this very block, by a quorum (ORD-1).
 * @param block isTurn: it may have been proposed again in a later view (EPO-11)
 * @throws RuleBroken
 */
export function checkCertificate(
  { electorate }: { electorate: Electorate },
  kind: 'notarization' | 'finalization',
  value: unknown,
  block: { hash: string; view: number; isTurn?: boolean },
  place: string,
  cache: SignatureCache,
): Certificate {
  const wrong = (what: string): never => fail('ORD-1', place, `its ${kind} ${what}`)
  const certificate = under('ORD-1', place, () => checkCertificateShape(value))
  if (certificate.kind !== kind) wrong(`is of kind ${certificate.kind}`)
  if (certificate.block !== block.hash) wrong(`is for another ledger block, ${certificate.block}`)
  if (certificate.view !== block.view && !(block.isTurn && certificate.view > block.view))
    wrong(`is of view ${certificate.view}, the block of view ${block.view}`)
  const signers = certificate.signatures.map(([party]) => party)
  const stranger = signers.find((party) => !electorate.voteKeys.has(party))
  if (stranger !== undefined) wrong(`is signed by ${stranger}, who is not a member`)
  if (new Set(signers).size !== signers.length) wrong('counts a member twice')
  if (signers.length < electorate.quorum)
    wrong(`has ${signers.length} signatures; the quorum is ${electorate.quorum}`)
  if (!certificateVerifies(electorate, certificate, cache)) wrong('holds a signature that does not verify')
  return certificate
}
