/**
 * Between rows and what they stand for. A row that isn't of the right shape is an error here. Whether a value, a request or a
 * ledger block is the one that was signed is for those who rely on it to say, by its hash: an export must show what is on
 * disk, altered or not, so that an auditor sees where.
 */
import { Buffer } from 'node:buffer'
import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import type { Outcome } from '../ledger/block.ts'
import { type Certificate, checkCertificateShape } from '../ledger/certificate.ts'
import { type Cosignature, checkCosignatureShape } from '../ledger/checkpoint.ts'
import { type Evidence, evidenceId } from '../ledger/evidence.ts'
import { freezeId, type SignedFreeze } from '../ledger/freeze.ts'
import { contractId, type Genesis } from '../ledger/genesis.ts'
import { type JudgedBy, judgementsShape } from '../ledger/judgement.ts'
import { type AnyRequest, anyRequestShape } from '../ledger/request.ts'
import { type AnyLedgerBlock, checkAnyBlockShape } from '../ledger/turn.ts'
import { type Opening, type Value, valueShape } from '../ledger/value.ts'
import type {
  Basis,
  ContractStatus,
  RequestRecord,
  SignedCard,
  StateRecord,
  StoredContract,
  StoredLineage,
} from './store.ts'

/** A hash, id or UID as the bytes it is stored as. */
export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}

/** Stored bytes as lowercase hex. */
export function hexOf(bytes: Uint8Array): string {
  return view(bytes).toString('hex')
}

/** base64url as the bytes it is stored as. */
export function bytesOf64(text: string): Uint8Array {
  return Buffer.from(text, 'base64url')
}

function text64Of(bytes: Uint8Array): string {
  return view(bytes).toString('base64url')
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The value of a JSON column that `isRight` accepts. @throws CountersignError `storage-failed` naming table and key */
function readJson<T>(table: string, key: string, text: string, isRight: (value: T) => boolean): T {
  let cause: unknown
  try {
    const value = JSON.parse(text) as T
    if (isRight(value)) return value
  } catch (error) {
    cause = error
  }
  throw new CountersignError(
    'storage-failed',
    `the database is damaged: table ${table}, row ${key}: its content does not fit its key; restore a backup`,
    { table, key },
    { cause },
  )
}

export type ContractRow = {
  id: number
  hash: Uint8Array
  genesis: string
  status: ContractStatus
  reason: string | null
  received_ms: number
  sender: Uint8Array
}

export function readContract(row: ContractRow): StoredContract {
  const contract = hexOf(row.hash)
  const genesis = readJson<Genesis>(
    'contract',
    contract,
    row.genesis,
    (value) => contractId(value) === contract,
  )
  const { status, received_ms: receivedMs } = row
  const stored: StoredContract = { contract, genesis, status, receivedMs, from: hexOf(row.sender) }
  if (row.reason !== null) stored.reason = row.reason
  return stored
}

/** A row of `request` with what it came to in `request_outcome`, if anything yet. */
export type RequestRow = {
  id: number
  hash: Uint8Array
  body: string
  signature: Uint8Array
  received_ms: number
  local: number
  height: number | null
  place: number | null
  outcome: Outcome | 'expired' | null
  code: string | null
  judgement: string | null
}

export function readRequest(row: RequestRow): RequestRecord {
  const id = hexOf(row.hash)
  const request = readJson<AnyRequest>(
    'request',
    id,
    row.body,
    (value) => anyRequestShape(value, 'request') !== undefined,
  )
  const record: RequestRecord = {
    id,
    request,
    signature: text64Of(row.signature),
    receivedMs: row.received_ms,
    local: row.local === 1,
  }
  if (row.judgement !== null)
    record.judgement = readJson<JudgedBy[]>(
      'request',
      id,
      row.judgement,
      (value) => judgementsShape(value, 'judgement') !== undefined,
    )
  if (row.outcome === 'expired') record.code = 'expired'
  else if (row.outcome !== null) {
    record.height = row.height as number
    record.index = row.place as number
    record.outcome = row.outcome
    if (row.code !== null) record.code = row.code
  }
  return record
}

/** body: null where the row that another refers to is missing. */
export function readBlock(hash: string, body: string | null): AnyLedgerBlock {
  return readJson<AnyLedgerBlock>(
    'block',
    hash,
    body ?? '',
    (value) => checkAnyBlockShape(value) !== undefined,
  )
}

export type CertificateRow = { view: number; kind: string; block: Uint8Array; body: string }

export function readCertificate(row: CertificateRow): Certificate {
  const block = hexOf(row.block)
  const key = `${row.kind} of view ${row.view}`
  return readJson<Certificate>('certificate', key, row.body, (value) => {
    const certificate = checkCertificateShape(value)
    return (
      certificate.kind === row.kind && certificate.view === row.view && (certificate.block ?? '') === block
    )
  })
}

export function readCosignature(party: string, body: string): Cosignature {
  return readJson<Cosignature>(
    'cosignature',
    party,
    body,
    (value) => checkCosignatureShape(value).party === party,
  )
}

export function readEvidence(id: string, body: string): Evidence {
  return readJson<Evidence>('evidence', id, body, (value) => evidenceId(value) === id)
}

export function readFreeze(id: string, body: string): SignedFreeze {
  return readJson<SignedFreeze>('freeze', id, body, (value) => freezeId(value) === id)
}

/** Whether it is what its FREEZEs come to, who relies on it computes again. */
export function readLineage(lineage: number, body: string): StoredLineage {
  return readJson<StoredLineage>(
    'lineage',
    String(lineage),
    body,
    ({ genesis, guilty, path, finalSize }) =>
      genesis.lineage === lineage && Array.isArray(guilty) && Array.isArray(path.blocks) && finalSize >= 0,
  )
}

export function readBasis(body: string): Basis {
  return readJson<Basis>(
    'basis',
    'of the contract',
    body,
    ({ height, voucher, ordered, epochStarts }) =>
      Number.isSafeInteger(height) &&
      typeof voucher === 'string' &&
      Array.isArray(ordered) &&
      Array.isArray(epochStarts),
  )
}

/** uid: of the private field that it is of, otherwise null. */
export type OpeningRow = { salt: Uint8Array; value: string; uid: Uint8Array | null }

export function readOpening(commitment: string, { salt, value: body, uid }: OpeningRow): Opening {
  const saltText = text64Of(salt)
  const value = readJson<Value>(
    'opening',
    commitment,
    body,
    (found) => valueShape(found, 'value') !== undefined,
  )
  return { salt: saltText, value, ...(uid !== null && { of: hexOf(uid) }) }
}

export function readRecord(uid: string, body: string): StateRecord {
  return readJson<StateRecord>(
    'element_version',
    uid,
    body,
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  )
}

/** Hash of a card, and the party it speaks for (CARD-2). */
export function cardIds({ card }: SignedCard): { hash: string; party: string } {
  const hash = hashOf('card', jcs(card))
  return { hash, party: card.party ?? hash }
}

export function readCard(party: string, hash: string, body: string): SignedCard {
  return readJson<SignedCard>('card', party, body, (value) => {
    const ids = cardIds(value)
    return ids.hash === hash && ids.party === party
  })
}
