/** What liars make with their private keys: well signed, and nothing that a signer with locks would sign. */
import { base64UrlEncode } from '../../../src/crypto/bytes.ts'
import type { KeyPair } from '../../../src/crypto/keys.ts'
import { signStatements } from '../../../src/crypto/statement.ts'
import { blockHash, type Entry, type Header, type LedgerBlock } from '../../../src/ledger/block.ts'
import type { SignedStatement, Statement } from '../../../src/ledger/certificate.ts'
import { type Checkpoint, type Cosignature, cosign } from '../../../src/ledger/checkpoint.ts'
import type { EpochOperation } from '../../../src/ledger/epoch-operation.ts'
import { type OpenRequest, type Operation, signRequest } from '../../../src/ledger/request.ts'
import { type AnyLedgerBlock, entriesOf } from '../../../src/ledger/turn.ts'
import { commitmentOf, type Opening } from '../../../src/ledger/value.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { SignerUse } from '../../../src/signer/key-ring.ts'
import type { Random } from '../random.ts'
import type { SimNode } from '../sim-node.ts'

export type Made = { hash: string; block: LedgerBlock }

/** What its card in force in a contract goes by; of who is not in, what its newest card does. */
export function keyOf({ party, engine }: SimNode, contract: string, use: SignerUse): KeyPair {
  const pairs = [party.ring[use]].flat()
  const { keys } = engine?.replicas.get(contract)?.roster.electorate.cards.get(party.id) ?? party.card.card
  return pairs.find(({ publicKey }) => publicKey === keys[use]) ?? party.keys[use]
}

/** Signs whatever it is. */
export function sign(liar: SimNode, statement: Statement): SignedStatement {
  const [signature] = signStatements(keyOf(liar, statement.contract, 'vote').privateKey, [statement])
  if (!signature) throw new Error('nothing was signed')
  return { statement, party: liar.party.id, signature }
}

export function voteFor(liar: SimNode, { hash, block }: Made): SignedStatement {
  const { contract, lineage, epoch, view } = block.header
  return sign(liar, { contract, lineage, epoch, view, type: 'VOTE', block: hash })
}

/** The ledger block with another header, or other entries. */
export function revised(
  block: AnyLedgerBlock,
  header: Partial<Header>,
  entries: Entry[] = entriesOf(block),
): Made {
  const changed = { ...block.header, ...header }
  return { hash: blockHash(changed), block: { header: changed, entries } }
}

export function cosigned(
  liar: SimNode,
  contract: string,
  { epoch, size, root, block, stateRoot, timeS }: Omit<Cosignature, 'party' | 'signature'>,
): Cosignature {
  const lineage = liar.engine?.replicas.get(contract)?.lineage.number ?? 0
  const checkpoint: Checkpoint = { contract, lineage, epoch, size, root, block, stateRoot }
  return cosign(keyOf(liar, contract, 'cosign').privateKey, liar.party.id, checkpoint, timeS)
}

/** 64 hex digits that nothing has hashed to. */
export function anyHash(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('hex')
}

/** A request of a liar that creates one field with this value. */
export function requestOf(
  liar: SimNode,
  replica: Replica,
  random: Random,
  { value, notAfterMs }: { value: string; notAfterMs: number },
  author: KeyPair = keyOf(liar, replica.contract, 'author'),
): OpenRequest {
  const opening: Opening = { salt: base64UrlEncode(random.bytes(16)), value }
  const operation: Operation = {
    op: 'create',
    uid: Buffer.from(random.bytes(16)).toString('hex'),
    parent: replica.chain.tip.state.rootUid,
    name: 'Forged',
    kind: 'field',
    order: `5${Buffer.from(random.bytes(6)).toString('hex')}`,
    type: 'text',
    value: commitmentOf(opening),
  }
  const signed = signRequest(author.privateKey, {
    contract: replica.contract,
    author: liar.party.id,
    authorKey: author.publicKey,
    nonce: base64UrlEncode(random.bytes(16)),
    notAfterMs,
    operations: [operation],
  })
  return { ...signed, openings: [opening] }
}

const LIFE_MS = 60_000

/** A request of a liar for something about who is in, as it travels; by the key of its newest card, where it is not in. */
export function epochRequest(
  liar: SimNode,
  { contract }: Replica,
  random: Random,
  operation: EpochOperation,
): object {
  const author = keyOf(liar, contract, 'author')
  const { request, signature } = signRequest(author.privateKey, {
    contract,
    author: liar.party.id,
    authorKey: author.publicKey,
    nonce: base64UrlEncode(random.bytes(16)),
    notAfterMs: liar.nowMs + LIFE_MS,
    operations: [operation],
  })
  return { type: 'REQUEST', contract, request: { request, signature }, openings: [] }
}

/** As it travels. */
export function requestMessage(contract: string, { request, signature, openings }: OpenRequest): object {
  return { type: 'REQUEST', contract, request: { request, signature }, openings }
}
