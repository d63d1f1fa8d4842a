/**
 * The audit of a block's requests and openings, and of a genesis's openings: ids, signatures, lifetimes, sizes, replays,
 * commitments. It remembers the ids of requests that could still be replayed.
 */
import type { IdentifiedRequest } from '../contract/apply.ts'
import type { CountersignError, ErrorCode } from '../crypto/errors.ts'
import { BLOCK_MAX_BYTES, type Entry, type Header, type LedgerBlock } from '../ledger/block.ts'
import { JUDGEMENTS_MAX_BYTES, judgementsSizeBytes, revealedIn } from '../ledger/judgement.ts'
import {
  type AnyOperation,
  type AnyRequest,
  checkAnyRequest,
  commitmentsOf,
  LIFETIME_MAX_MS,
  OPENINGS_MAX_BYTES,
  openingsSizeBytes,
  rememberedOpeningSizes,
  requestId,
  requestSizeBytes,
} from '../ledger/request.ts'
import { commitmentOf, type Opening, openingShape } from '../ledger/value.ts'
import type { ReadBlockLine } from './bundle.ts'
import { type Finding, fail, under } from './finding.ts'
import type { Membership } from './membership.ts'

/** Remembered ids are looked through for outlived ones when there are so many, and then at each doubling. */
const FORGET_AT = 1024

/** The rules that the errors of `checkAnyRequest` stand for; REQ-1 for others. */
const REQUEST_RULES: Partial<Record<ErrorCode, string>> = {
  'bad-card': 'CARD-2',
  'bad-signature': 'SIG-1',
  'too-large': 'REQ-2',
  'unknown-party': 'REQ-6',
}

/** Of a request the author key that it has to be signed with; undefined for one that may not stand in the ledger. */
export type AuthorKeyOf = (request: AnyRequest) => string | undefined

export class RequestAudit {
  /** The first opening that is missing, and the height of the last: whether they may be, the end shows (BUN-2). */
  firstMissing: Finding | undefined
  lastMissingHeight = -1
  /** Signed requests and openings that were found good. */
  requests = 0
  openings = 0
  readonly #membership: Membership
  /** Ids with their notAfterMs. */
  readonly #ordered = new Map<string, number>()
  #forgetAt = FORGET_AT

  constructor(membership: Membership) {
    this.#membership = membership
  }

  /** The ledger begins at a checkpoint: what had been ordered until then, and how many openings stand there. */
  begin(ordered: readonly (readonly [id: string, notAfterMs: number])[], openings: number): void {
    for (const [id, notAfterMs] of ordered) this.#ordered.set(id, notAfterMs)
    this.openings += openings
  }

  /** The openings of the genesis (GEN-1, VAL-1, VAL-2), by commitment. @throws RuleBroken */
  genesis(values: readonly unknown[]): Map<string, Opening> {
    const openings = this.#open(this.#membership.genesis.operations, values, 'genesis', 0)
    if (openingsSizeBytes([...openings.values()]) > OPENINGS_MAX_BYTES)
      fail('GEN-1', 'genesis', `its openings have more than ${OPENINGS_MAX_BYTES} bytes`)
    return openings
  }

  /**
   * The requests of a ledger block in the order of its entries, and their openings by commitment.
   * @param authorKeyOf in the block's epoch; by default that of the genesis
   * @throws RuleBroken
   */
  take(
    block: LedgerBlock,
    line: ReadBlockLine,
    place: string,
    authorKeyOf: AuthorKeyOf = ({ author }) => this.#membership.authorKeys.get(author),
  ): { requests: IdentifiedRequest<AnyRequest>[]; openings: Map<string, Opening> } {
    const requests = this.#checkRequests(block, line.requests, place, authorKeyOf)
    const operations = requests.flatMap(({ request }): readonly AnyOperation[] => request.operations)
    const openings = this.#open(operations, line.openings, place, block.header.height, block.entries)
    checkSizes(requests, block.entries, openings, place)
    return { requests, openings }
  }

  /** REQ-1, REQ-2, REQ-5, REQ-6, SIG-1: each entry has its request, by a member, in time, and for the first time. */
  #checkRequests(
    { header, entries }: LedgerBlock,
    values: readonly unknown[],
    place: string,
    authorKeyOf: AuthorKeyOf,
  ): IdentifiedRequest<AnyRequest>[] {
    const taken = new Set<string>()
    const requests = entries.map(({ request: id }, index): IdentifiedRequest<AnyRequest> => {
      const where = `request ${id} in ${place}`
      if (taken.has(id) || this.#ordered.has(id)) fail('REQ-5', where, 'it has been ordered before')
      taken.add(id)
      const { request } = this.#checkRequest(id, values[index], where, authorKeyOf)
      if (request.notAfterMs < header.timeMs)
        fail('REQ-5', where, `it expired at ${request.notAfterMs}, before the block’s time, ${header.timeMs}`)
      if (request.notAfterMs > header.timeMs + LIFETIME_MAX_MS)
        fail('REQ-2', where, 'it would not expire for more than 30 days')
      return { id, request }
    })
    if (values.length > entries.length)
      fail('BLK-2', place, `${values.length} requests stand beside its ${entries.length} entries`)
    return requests
  }

  #checkRequest(
    id: string,
    value: unknown,
    where: string,
    authorKeyOf: AuthorKeyOf,
  ): IdentifiedRequest<AnyRequest> {
    if (value === undefined) fail('REQ-1', where, 'it is missing')
    const { request } = (value ?? {}) as { request?: unknown }
    const found = under('REQ-1', where, () => requestId(request as AnyRequest))
    if (found !== id) fail('REQ-1', where, `what stands in its place has the id ${found}`)
    const keyOf = (own: AnyRequest): string | undefined => {
      const key = authorKeyOf(own)
      if (key !== undefined && key !== own.authorKey)
        fail('REQ-1', where, 'it names another key than that of its author’s card')
      return key
    }
    const ruleOf = ({ code }: CountersignError) => REQUEST_RULES[code] ?? 'REQ-1'
    const checked = under(ruleOf, where, () => checkAnyRequest(value, this.#membership.contract, keyOf))
    this.requests += 1
    return checked
  }

  /**
   * VAL-1, VAL-2, VAL-4: nothing is opened twice, or that nothing commits to, and a private value only as its own field's. What
   * everybody is due and is missing is noted; private values may be missing always.
   */
  #open(
    operations: readonly AnyOperation[],
    values: readonly unknown[],
    place: string,
    height: number,
    entries: readonly Entry[] = [],
  ): Map<string, Opening> {
    const needed = new Set(commitmentsOf(operations))
    for (const { judgement } of entries)
      for (const commitment of revealedIn(judgement)) needed.add(commitment)
    const own = privateFields(operations, entries)
    const openings = new Map<string, Opening>()
    for (const [index, value] of values.entries()) {
      const opening = under('VAL-1', place, () => openingShape(value, `openings[${index}]`))
      const commitment = commitmentOf(opening)
      if (!needed.has(commitment) && !own.isOf(commitment, opening.of)) {
        if (!own.commitments.has(commitment))
          fail('VAL-2', place, `openings[${index}] opens ${commitment}, which nothing here commits to`)
        fail('VAL-4', place, `openings[${index}] is not of the field that its value stands in here`)
      }
      if (openings.has(commitment)) fail('VAL-2', place, `openings[${index}] stands there twice`)
      openings.set(commitment, opening)
    }
    for (const commitment of needed) {
      if (openings.has(commitment)) continue
      this.firstMissing ??= { rule: 'VAL-2', place, message: `the opening of ${commitment} is missing` }
      this.lastMissingHeight = height
    }
    this.openings += openings.size
    return openings
  }

  /** These have been ordered. What can still be replayed is remembered: what has expired in block time can't (REQ-5). */
  ordered(requests: readonly IdentifiedRequest<AnyRequest>[], { timeMs }: Pick<Header, 'timeMs'>): void {
    for (const { id, request } of requests) this.#ordered.set(id, request.notAfterMs)
    if (this.#ordered.size < this.#forgetAt) return
    for (const [id, notAfterMs] of this.#ordered) if (notAfterMs < timeMs) this.#ordered.delete(id)
    this.#forgetAt = Math.max(FORGET_AT, 2 * this.#ordered.size)
  }
}

/** Private values that requests put forward, or that rules made, and which fields they are for. */
function privateFields(operations: readonly AnyOperation[], entries: readonly Entry[]) {
  const commitments = new Set<string>()
  const pairs = new Set<string>()
  for (const operation of operations)
    if ((operation.op === 'create' || operation.op === 'set') && operation.readers !== undefined) {
      commitments.add(operation.value as string)
      pairs.add(`${operation.value} ${operation.uid}`)
    }
  for (const { results = [] } of entries) for (const [, uid, result] of results) pairs.add(`${result} ${uid}`)
  return { commitments, isOf: (commitment: string, uid = '') => pairs.has(`${commitment} ${uid}`) }
}

/** REQ-2, BLK-2: neither the openings of a request, nor all requests together, nor what was judged of them take more room than they may. */
function checkSizes(
  requests: readonly IdentifiedRequest<AnyRequest>[],
  entries: readonly Entry[],
  openings: ReadonlyMap<string, Opening>,
  place: string,
): void {
  let blockBytes = 0
  const sizeOf = rememberedOpeningSizes()
  for (const [index, { id, request }] of requests.entries()) {
    const revealed = revealedIn((entries[index] as Entry).judgement)
    const own = heldOf(new Set([...commitmentsOf(request.operations), ...revealed]), openings)
    const sizeBytes = requestSizeBytes(request, own, sizeOf)
    if (sizeBytes > OPENINGS_MAX_BYTES && openingsSizeBytes(own, sizeOf) > OPENINGS_MAX_BYTES)
      fail('REQ-2', `request ${id} in ${place}`, `its openings have more than ${OPENINGS_MAX_BYTES} bytes`)
    blockBytes += sizeBytes
  }
  if (blockBytes > BLOCK_MAX_BYTES)
    fail('BLK-2', place, `its requests and openings have more than ${BLOCK_MAX_BYTES} bytes`)
  if (judgementsSizeBytes(entries) > JUDGEMENTS_MAX_BYTES)
    fail('BLK-2', place, `its judgements have more than ${JUDGEMENTS_MAX_BYTES} bytes`)
}

function heldOf(commitments: Iterable<string>, openings: ReadonlyMap<string, Opening>): Opening[] {
  return [...commitments].flatMap((commitment) => openings.get(commitment) ?? [])
}
