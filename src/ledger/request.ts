/**
 * Requests: signed sets of operations, all or nothing (PROTOCOL REQ-1 to REQ-3).
 */
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { hashOf, signingInput } from '../crypto/hash.ts'
import { jcs, jcsBytes } from '../crypto/jcs.ts'
import type { PrivateKey } from '../crypto/keys.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/provider.ts'
import * as shape from '../crypto/shape.ts'
import { checkProvenCard } from '../identity/card.ts'
import {
  type ElementKind,
  type FieldType,
  nameShape,
  newUidShape,
  orderShape,
  readersShape,
  typeShape,
} from './element.ts'
import { type EpochOperation, epochOperationShape, isEpochOperation } from './epoch-operation.ts'
import type { JudgedBy } from './judgement.ts'
import {
  HELP_MAX_LENGTH,
  isRuleOperation,
  LABEL_MAX_LENGTH,
  type RuleOperation,
  ruleOperationShape,
} from './rule-operation.ts'
import type { Opening } from './value.ts'

export { type ElementKind, FIELD_TYPES, type FieldType, nameShape, orderShape } from './element.ts'

/** uid, parent: element UIDs (32 hex). value, seen: commitments (64 hex). A field without `value` is empty. */
export type CreateOperation = {
  op: 'create'
  uid: string
  parent: string
  name: string
  kind: ElementKind
  order: string
  type?: FieldType
  value?: string
  /** Who may see the value, where that is not everybody: party ids in order. */
  readers?: string[]
  /** UID of a named type. */
  typed?: string
  label?: string
  help?: string
}
/** Without `value` it empties the field. readers: as in `create`. */
export type SetOperation = {
  op: 'set'
  uid: string
  seen: string
  type: FieldType
  value?: string
  readers?: string[]
}
export type DeleteOperation = { op: 'delete'; uid: string; seen: string }
/** An operation on elements. */
export type ElementOperation = CreateOperation | SetOperation | DeleteOperation
/** An operation on elements or on what surrounds their values. */
export type Operation = ElementOperation | RuleOperation
export type AnyOperation = Operation | EpochOperation

export type Request<Op extends AnyOperation = Operation> = {
  contract: string
  /** Party id. */
  author: string
  /** The author key of its card, base64url. */
  authorKey: string
  /** 16 random bytes, base64url. */
  nonce: string
  /** Last block time at which it may be ordered, ms since 1970. */
  notAfterMs: number
  /** When its author says that it was made, ms since 1970: nobody has checked it, unlike the time of its block. */
  claimedMs?: number
  operations: Op[]
}
/** A request on elements, or one of a single operation on the epoch. */
export type AnyRequest = Request<AnyOperation>

export type SignedRequest<R extends AnyRequest = Request> = { request: R; signature: string }

/**
 * A request as it travels and is stored: with its id, what its judges say, and the openings of what it commits to and of what they
 * reveal, as far as they are held.
 */
export type OpenRequest<R extends AnyRequest = Request> = SignedRequest<R> & {
  id: string
  openings: Opening[]
  judgement?: JudgedBy[]
}

/** Of a request's body in JCS. */
export const REQUEST_MAX_BYTES = 8 * 1024 * 1024
/** Of all openings of a request, or of a genesis, in JCS. */
export const OPENINGS_MAX_BYTES = 8 * 1024 * 1024
export const OPERATIONS_MAX = 100_000
export const LIFETIME_MAX_MS = 30 * 24 * 3600 * 1000

const words = {
  typed: shape.uid,
  label: shape.string(LABEL_MAX_LENGTH, 1),
  help: shape.string(HELP_MAX_LENGTH, 1),
}
const created = {
  op: shape.literal('create'),
  uid: newUidShape,
  parent: shape.uid,
  name: nameShape,
  order: orderShape,
}
const createBlock = shape.object({ ...created, kind: shape.literal('block', 'list') }, words)
const createField = shape.object(
  { ...created, kind: shape.literal('field'), type: typeShape },
  { ...words, value: shape.hash, readers: readersShape },
)
const setField = shape.object(
  { op: shape.literal('set'), uid: shape.uid, seen: shape.hash, type: typeShape },
  { value: shape.hash, readers: readersShape },
)
const deleteElement = shape.object({ op: shape.literal('delete'), uid: shape.uid, seen: shape.hash })

function privateOrNot<T extends { value?: string; readers?: string[] }>(operation: T, where: string): T {
  if (operation.readers !== undefined && operation.value === undefined)
    throw new CountersignError('bad-format', `${where}.readers: stands with a value`)
  return operation
}

export const operationShape: shape.Check<Operation> = (value, where) => {
  const { op, kind } = (value ?? {}) as { op?: unknown; kind?: unknown }
  if (op === 'create')
    return (
      kind === 'field' ? privateOrNot(createField(value, where), where) : createBlock(value, where)
    ) as Operation
  if (op === 'set') return privateOrNot(setField(value, where), where) as Operation
  if (op === 'delete') return deleteElement(value, where)
  if (isRuleOperation(value)) return ruleOperationShape(value, where)
  throw new CountersignError('bad-format', `${where}.op: there is no such operation`)
}

const requestShapeWith = <Op extends AnyOperation>(operations: shape.Check<Op[]>): shape.Check<Request<Op>> =>
  shape.object(
    {
      contract: shape.hash,
      author: shape.hash,
      authorKey: shape.publicKey,
      nonce: shape.base64url(16),
      notAfterMs: shape.timeMs,
      operations,
    },
    { claimedMs: shape.timeMs },
  )
const elementOperations = shape.array(operationShape, OPERATIONS_MAX, 1)
const requestShape = requestShapeWith(elementOperations)
const epochOperation = shape.array(epochOperationShape, 1, 1)
/** Checks the form of a request on elements or on the epoch. @throws CountersignError `bad-format` */
export const anyRequestShape = requestShapeWith<AnyOperation>((value, where) =>
  Array.isArray(value) && value.some(isEpochOperation)
    ? epochOperation(value, where)
    : elementOperations(value, where),
)
const anything: shape.Check<unknown> = (value) => value
const signedRequestShape = shape.object({ request: anything, signature: shape.signature })

/** The exact bytes that are hashed for the id and signed: what `openssl pkeyutl -verify -rawin` takes. */
export function requestSigningInput(request: AnyRequest): Uint8Array {
  return signingInput('request', jcs(request))
}

export function requestId(request: AnyRequest): string {
  return hashOf('request', jcs(request))
}

/** @throws CountersignError `too-large` for a request that nobody would take */
export function signRequest<R extends AnyRequest>(
  authorKey: PrivateKey,
  request: R,
): SignedRequest<R> & { id: string } {
  const body = jcsBytes(request)
  refuseTooLarge(body)
  const signature = base64UrlEncode(ed25519Sign(authorKey, signingInput('request', body)))
  return { request, signature, id: hashOf('request', body) }
}

function refuseTooLarge(body: Uint8Array): void {
  if (body.length > REQUEST_MAX_BYTES)
    throw new CountersignError(
      'too-large',
      `the request has ${body.length} bytes, at most ${REQUEST_MAX_BYTES} are taken; make several of it`,
    )
}

const openingSizeBytes = (opening: Opening): number => jcsBytes(opening).length

/** Size of openings as a JSON array in JCS, without making it; `sizeOf` says that of one. */
export function openingsSizeBytes(openings: readonly Opening[], sizeOf = openingSizeBytes): number {
  let sizeBytes = Math.max(2, openings.length + 1)
  for (const opening of openings) sizeBytes += sizeOf(opening)
  return sizeBytes
}

/** What a request takes of the room in a ledger block (BLK-2): its body and its openings in JCS, in bytes. */
export function requestSizeBytes(
  request: AnyRequest,
  openings: readonly Opening[],
  sizeOf = openingSizeBytes,
): number {
  return jcsBytes(request).length + openingsSizeBytes(openings, sizeOf)
}

/** Says the size of each opening, as `openingsSizeBytes` takes it, and looks at each once: many requests may share one. */
export function rememberedOpeningSizes(): (opening: Opening) => number {
  const sizes = new Map<Opening, number>()
  return (opening) => {
    const sizeBytes = sizes.get(opening) ?? openingSizeBytes(opening)
    sizes.set(opening, sizeBytes)
    return sizeBytes
  }
}

/** The operation on the epoch that a request consists of; undefined for one on elements. */
export function epochOperationOf({ operations }: AnyRequest): EpochOperation | undefined {
  const [first] = operations
  return isEpochOperation(first) ? first : undefined
}

/**
 * Checks size, shape and signature of a request on elements from outside, and returns it with its id.
 * @param authorKeyOf the author key (base64url) of a member of the contract, or undefined for anybody else
 * @throws CountersignError `bad-format`, `bad-json`, `too-large`, `wrong-contract`, `unknown-party`, `bad-signature`
 */
export function checkRequest(
  value: unknown,
  contract: string,
  authorKeyOf: (party: string) => string | undefined,
): SignedRequest & { id: string } {
  return checkSigned(value, contract, requestShape, ({ author }) => authorKeyOf(author))
}

/**
 * As `checkRequest`, for requests on the epoch too, and with the cards in them proven.
 * @param authorKeyOf the author key of whoever may make this very request (EPO-2), or undefined
 * @throws CountersignError as `checkRequest`, and `bad-card`
 */
export function checkAnyRequest(
  value: unknown,
  contract: string,
  authorKeyOf: (request: AnyRequest) => string | undefined,
): SignedRequest<AnyRequest> & { id: string } {
  const checked = checkSigned(value, contract, anyRequestShape, authorKeyOf)
  const operation = epochOperationOf(checked.request)
  // Last: it costs a signature for each card, and its author is known by now.
  if (operation !== undefined && 'card' in operation) checkProvenCard(operation.card)
  return checked
}

function checkSigned<R extends AnyRequest>(
  value: unknown,
  contract: string,
  check: shape.Check<R>,
  authorKeyOf: (request: R) => string | undefined,
): SignedRequest<R> & { id: string } {
  const { request: content, signature } = signedRequestShape(value, 'signedRequest')
  const body = jcsBytes(content)
  refuseTooLarge(body)
  const request = check(content, 'request')
  if (request.contract !== contract)
    throw new CountersignError('wrong-contract', `the request is for contract ${request.contract}`)
  const authorKey = authorKeyOf(request)
  if (authorKey === undefined)
    throw new CountersignError('unknown-party', `${request.author} is not a member`)
  if (authorKey !== request.authorKey)
    throw new CountersignError('bad-signature', 'the request names a key that is not its author’s')
  if (!ed25519Verify(authorKey, signingInput('request', body), base64UrlDecode(signature)))
    throw new CountersignError('bad-signature', 'the request’s signature does not verify')
  return { request, signature, id: hashOf('request', body) }
}

/** What of a request's values is read by whom: each commitment once; `readers` undefined for everybody. */
export type Committed = { commitment: string; readers?: readonly string[] }

/** The commitments of a request, each once: any number of operations may name the same. */
export function committedIn(operations: readonly AnyOperation[]): Committed[] {
  const found = new Map<string, Committed>()
  for (const operation of operations)
    if ((operation.op === 'create' || operation.op === 'set') && operation.value !== undefined) {
      const { value: commitment, readers } = operation
      const known = found.get(commitment)
      if (known === undefined)
        found.set(commitment, { commitment, ...(readers !== undefined && { readers }) })
      // Named twice for different readers: for all of them; once for everybody: for everybody.
      else if (readers === undefined || known.readers === undefined) found.set(commitment, { commitment })
      else found.set(commitment, { commitment, readers: [...new Set([...known.readers, ...readers])].sort() })
    }
  return [...found.values()]
}

/** The commitments that everybody needs openings for: those of values that are not private. */
export function commitmentsOf(operations: readonly AnyOperation[]): string[] {
  return committedIn(operations).flatMap(({ commitment, readers }) => (readers ? [] : [commitment]))
}

/** Everybody who is to see a private value of this request; empty where it has none. */
export function readersIn(operations: readonly AnyOperation[]): Set<string> {
  return new Set(committedIn(operations).flatMap(({ readers = [] }) => readers))
}
