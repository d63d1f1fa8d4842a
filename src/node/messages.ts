/**
 * Messages between nodes (PROTOCOL §10) and the check of their shape: everything here came from another party.
 */

import type { Proposal } from '../consensus/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { codeShape, type Header, headerShape } from '../ledger/block.ts'
import {
  type Certificate,
  checkCertificateShape,
  checkStatementShape,
  type SignedStatement,
} from '../ledger/certificate.ts'
import { type Cosignature, checkCosignatureShape } from '../ledger/checkpoint.ts'
import { checkEvidenceShape, type Evidence } from '../ledger/evidence.ts'
import { checkFreezeShape, type SignedFreeze } from '../ledger/freeze.ts'
import { type JudgedBy, judgedByShape, judgementsShape } from '../ledger/judgement.ts'
import { type AnyLedgerBlock, checkAnyBlockShape } from '../ledger/turn.ts'
import { type Opening, openingShape } from '../ledger/value.ts'

/** Messages that are of no contract: from a node that has lost its data, and the answer (AMN-3). */
export type RecoveryMessage = { type: 'LOST' } | { type: 'HELD'; contracts: string[] }

/**
 * lineage, epoch: that its sender is in, where it is not the first. Requests and genesis are passed on unchecked: their own
 * checks (signature, id) need the contract.
 */
export type Message = { contract: string; lineage?: number; epoch?: number } & (
  | { type: 'INVITE'; genesis: unknown; openings: Opening[] }
  | { type: 'REQUEST'; request: unknown; openings: Opening[]; judgement?: JudgedBy[] }
  | JudgeMessage
  | JudgedMessage
  | ({ type: 'PROPOSE' } & Proposal)
  | { type: 'STATEMENT'; signed: SignedStatement }
  | { type: 'CERTIFICATE'; certificate: Certificate }
  | { type: 'COSIGN'; cosignature: Cosignature }
  | StatusMessage
  | { type: 'FETCH'; requests?: string[]; blocks?: string[] }
  | { type: 'SYNC'; fromHeight: number; toHeight: number }
  | LedgerMessage
  | { type: 'RECALL'; boot: string }
  | RecalledMessage
  | { type: 'OBJECT'; view: number; block: string; code: string }
  | { type: 'UNKNOWN' }
  | { type: 'EVIDENCE'; evidence: Evidence }
  | { type: 'PROVE'; fromHeight: number }
  | ProofMessage
  | { type: 'FREEZE'; freeze: SignedFreeze }
  | VouchMessage
  | VouchedMessage
)

export type StatusMessage = {
  type: 'STATUS'
  view: number
  /** -1 before block 0 is held. */
  committedHeight: number
  /** The highest of each member its sender holds. */
  cosignatures: Cosignature[]
  /** Random, one a start of its sender; in an answer: that of the asker. */
  boot: string
  answer: boolean
  /** The first ledger block that its sender holds with its requests, where that isn't block 0 (EPO-15). */
  fromHeight?: number
}

/** Asks a party that sees private values what it judges of a request; judgement: what others have signed so far. */
export type JudgeMessage = { type: 'JUDGE'; request: unknown; openings: Opening[]; judgement?: JudgedBy[] }
/**
 * What its sender judges of the request of this id; openings: of what it reveals. waits: it goes this far, until others have said
 * what its sender can't see.
 */
export type JudgedMessage = {
  type: 'JUDGED'
  request: string
  judged: JudgedBy
  openings: Opening[]
  waits?: true
}

/** Ledger blocks from fromHeight on, without a gap; the last one's COMMIT is the two certificates. */
export type LedgerMessage = {
  type: 'LEDGER'
  fromHeight: number
  blocks: AnyLedgerBlock[]
  requests: unknown[]
  openings: Opening[]
  notarization?: Certificate
  finalization?: Certificate
}

/** Headers from a height on, and every certificate held of their views: what shows that a history was committed. */
export type ProofMessage = {
  type: 'PROOF'
  fromHeight: number
  headers: Header[]
  certificates: Certificate[]
}

/** The asker's own signatures that the sender holds, and the COMMIT that says below which view it keeps none. */
export type RecalledMessage = {
  type: 'RECALLED'
  boot: string
  finalization?: Certificate
  statements: SignedStatement[]
  cosignature?: Cosignature
  freeze?: SignedFreeze
  /** Its sender may have forgotten too, and waits to be told. */
  recalling?: true
}

/**
 * Asks for a final checkpoint to begin at; with `height`, for a part of what stands behind it: headers from one on, records after
 * a UID, or ordered requests after an id.
 */
export type VouchMessage = {
  type: 'VOUCH'
  height?: number
  headers?: number
  records?: string
  ordered?: string
}

/** One part. height: of the checkpoint's ledger block; cards: proven, that its state holds and the genesis doesn't; openings: of the values in the records; isLast: nothing of it follows. */
export type VouchedMessage = {
  type: 'VOUCHED'
  height: number
  cosignatures?: Cosignature[]
  cards?: unknown[]
  headers?: Header[]
  records?: [uid: string, record: { readonly [key: string]: unknown }][]
  openings?: Opening[]
  ordered?: [id: string, notAfterMs: number][]
  isLast?: boolean
}

/** A message before its contract and lineage are added. */
export type Outgoing = Message extends infer M
  ? M extends unknown
    ? Omit<M, 'contract' | 'lineage'>
    : never
  : never

const anything: shape.Check<unknown> = (value) => value
const as =
  <T>(check: (value: unknown) => T): shape.Check<T> =>
  (value) =>
    check(value)

const pair =
  <A, B>(first: shape.Check<A>, second: shape.Check<B>): shape.Check<[A, B]> =>
  (value, where) => {
    if (!Array.isArray(value) || value.length !== 2)
      throw new CountersignError('bad-format', `${where}: expected a pair`)
    return [first(value[0], `${where}[0]`), second(value[1], `${where}[1]`)]
  }
/** Whether it is a record, the state says that is made of it. */
const record: shape.Check<object> = (value, where) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CountersignError('bad-format', `${where}: expected an object`)
  return value
}

const contract = shape.hash
const openings = shape.array(openingShape, 200_000)
const certificate = as(checkCertificateShape)
const block = as(checkAnyBlockShape)
const boot = shape.pattern(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, - and _')
const height = shape.integer(-1)

/** Of a contract's message: these parts, and in every one the epoch. */
const message = (
  parts: Record<string, shape.Check<unknown>>,
  more: Record<string, shape.Check<unknown>> = {},
): shape.Check<unknown> =>
  shape.object({ type: anything, contract, ...parts }, { epoch: shape.integer(1), ...more })

const SHAPES: Record<(Message | RecoveryMessage)['type'], shape.Check<unknown>> = {
  LOST: shape.object({ type: anything }),
  HELD: shape.object({ type: anything, contracts: shape.array(contract, 100_000) }),
  INVITE: message({ genesis: anything, openings }),
  REQUEST: message({ request: anything, openings }, { judgement: judgementsShape }),
  JUDGE: message({ request: anything, openings }, { judgement: judgementsShape }),
  JUDGED: message({ request: shape.hash, judged: judgedByShape, openings }, { waits: shape.literal(true) }),
  PROPOSE: message(
    { block, skipCertificates: shape.array(certificate, 1024) },
    { vote: as(checkStatementShape), notarization: certificate },
  ),
  STATEMENT: message({ signed: as(checkStatementShape) }),
  CERTIFICATE: message({ certificate }),
  COSIGN: message({ cosignature: as(checkCosignatureShape) }),
  STATUS: message(
    {
      view: shape.integer(0),
      committedHeight: height,
      // Of each member and observer one that counts, one beyond, one of another history, and one for a turn.
      cosignatures: shape.array(as(checkCosignatureShape), 4 * 512),
      boot,
      answer: shape.boolean,
    },
    { fromHeight: shape.integer(1) },
  ),
  FETCH: message({}, { requests: shape.array(shape.hash, 1024, 1), blocks: shape.array(shape.hash, 64, 1) }),
  SYNC: message({ fromHeight: height, toHeight: height }),
  LEDGER: message(
    {
      fromHeight: height,
      blocks: shape.array(block, 4096),
      requests: shape.array(anything, 200_000),
      openings,
    },
    { notarization: certificate, finalization: certificate },
  ),
  RECALL: message({ boot }),
  RECALLED: message(
    {
      boot,
      statements: shape.array(as(checkStatementShape), 4096),
    },
    {
      cosignature: as(checkCosignatureShape),
      finalization: certificate,
      freeze: as(checkFreezeShape),
      recalling: shape.literal(true),
    },
  ),
  OBJECT: message({
    view: shape.integer(0),
    block: shape.hash,
    code: codeShape,
  }),
  UNKNOWN: message({}),
  EVIDENCE: message({ evidence: as(checkEvidenceShape) }),
  FREEZE: message({ freeze: as(checkFreezeShape) }),
  PROVE: message({ fromHeight: height }),
  PROOF: message({
    fromHeight: height,
    headers: shape.array(headerShape, 2048),
    certificates: shape.array(certificate, 8192),
  }),
  VOUCH: message(
    {},
    { height: shape.integer(1), headers: shape.integer(1), records: shape.uid, ordered: shape.hash },
  ),
  VOUCHED: message(
    { height: shape.integer(1) },
    {
      cosignatures: shape.array(as(checkCosignatureShape), 256),
      // Their own check needs their order.
      cards: shape.array(anything, 2048),
      headers: shape.array(headerShape, 4096),
      records: shape.array(pair(shape.uid, record), 10_000),
      openings,
      ordered: shape.array(pair(shape.hash, shape.timeMs), 20_000),
      isLast: shape.boolean,
    },
  ),
}

/** Every type of message there is. */
export const MESSAGE_TYPES: readonly string[] = Object.keys(SHAPES)

/** Checks the shape of a message from a peer. @throws CountersignError `bad-format` */
export function checkMessage(value: unknown): Message | RecoveryMessage {
  const type = (value as { type?: unknown } | null)?.type
  if (typeof type !== 'string' || !Object.hasOwn(SHAPES, type))
    throw new CountersignError('bad-format', 'message.type: is none of this version’s')
  if (!Object.hasOwn(value as object, 'lineage') || type === 'LOST' || type === 'HELD')
    return SHAPES[type as Message['type']](value, type) as Message | RecoveryMessage
  const { lineage: found, ...rest } = value as { lineage: unknown }
  const lineage = shape.integer(1)(found, `${type}.lineage`)
  return { ...(SHAPES[type as Message['type']](rest, type) as Message), lineage }
}
