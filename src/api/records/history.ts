/**
 * An element's history: every request that changed it, in ledger order, with who made it, when, and what it was before and
 * after; if asked for, those that named it and were refused.
 */
import { isElement, isSameRecord } from '../../contract/record.ts'
import { type ElementRecord, element, recordHash } from '../../contract/state.ts'
import { pathOf } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { Operation } from '../../ledger/request.ts'
import { entriesOf } from '../../ledger/turn.ts'
import { NO_VALUE } from '../../ledger/value.ts'
import type { ElementVersion, RequestRecord } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { codeWithWords } from '../outcome-words.ts'
import { privacyOf } from '../private.ts'
import { fieldOfProposal } from '../rules/look.ts'
import type { HistoryChange, HistoryView } from '../schemas-time.ts'
import type { Shown } from '../shown.ts'
import { type Attempt, isMadeBy, refusedAttempt, stepsOf, whatBetween } from './steps.ts'

/**
 * Which part of a history. Without `after` the newest ones, all where `limit` is missing; otherwise those behind that place,
 * the oldest first. refused: those that had no effect as well.
 */
export type HistoryPage = { limit?: number; after?: Place; refused?: boolean }

/** Where in the ledger: a height, and a place in its block. */
export type Place = { height: number; place: number }

type Placed = Place & { change: HistoryChange }

/** The beginning: nothing stands before it. */
export const FIRST: Place = { height: 0, place: -1 }

/**
 * @param uid may have been deleted
 * @throws CountersignError `not-found`; `invariant-broken`, and the contract is stopped, where a version on disk is not what
 * was signed
 */
export function historyOf(context: Context, shown: Shown, uid: string, page: HistoryPage = {}): HistoryView {
  const { state, height: toHeight } = shown
  const { contract } = state
  const { node, states } = context
  node.engine.flush()
  // Which of them were removed before the checkpoint that it begins with, is not held here.
  const fromHeight = context.replica(contract).basis?.height ?? 0
  const within = (range: object) =>
    states.read(contract, () => node.store.elementHistory(contract, uid, { toHeight, ...range })) ?? []
  const isHeld = (one: ElementVersion) => one.height > fromHeight || one.record !== null
  const now = element(state, uid)
  const last = recordOf(within({ fromHeight, newest: true, limit: 1 }).at(-1))
  if (now !== undefined || last !== undefined)
    if (!isSameRecord(now, last)) throw states.damaged(contract, notSigned(uid))
  const begins = within({ fromHeight, toHeight: fromHeight }).some(isHeld) ? 1 : 0
  const total = begins + node.store.countVersions(contract, uid, fromHeight + 1, toHeight)
  const { limit, after, refused = false } = page
  // One more tells whether there are more; another may be of the height, and before the place, where the page begins.
  const start = { newest: after === undefined, ...(limit !== undefined && { limit: limit + 2 }) }
  const rangeFrom = Math.max(fromHeight, after?.height ?? 0)
  const versions = within({ fromHeight: rangeFrom, ...start }).filter(isHeld)
  const before =
    versions[0] && within({ fromHeight, toHeight: versions[0].height - 1, newest: true, limit: 1 }).at(-1)
  const fromPlace = after !== undefined && after.height >= fromHeight ? { afterPlace: after.place } : {}
  const refusals = refused
    ? node.store.refusedRequests(contract, uid, { fromHeight: rangeFrom, toHeight, ...start, ...fromPlace })
    : []
  if (total === 0 && refusals.length === 0)
    throw new CountersignError('not-found', `the contract had no element ${uid} by then`)
  const reading = new Reading(context, contract, uid)
  const placed = [
    ...versions.flatMap((one, index) => reading.changes(one, versions[index - 1] ?? before)),
    ...refusals.flatMap((record) => reading.refusal(record)),
  ].sort((one, other) => one.height - other.height || one.place - other.place)
  const chosen = choose(placed, page)
  const end = chosen.at(-1)
  return {
    contract,
    uid,
    ...(now && { path: pathOf(state, uid) }),
    total,
    versions: chosen.map(({ change }) => change),
    ...(after !== undefined &&
      end !== placed.at(-1) &&
      end && { next: { height: end.height, place: end.place } }),
  }
}

function choose(placed: readonly Placed[], { limit, after }: HistoryPage): Placed[] {
  if (after === undefined) return placed.slice(limit === undefined ? 0 : Math.max(0, placed.length - limit))
  const behind = placed.filter(
    ({ height, place }) => height > after.height || (height === after.height && place > after.place),
  )
  return behind.slice(0, limit ?? behind.length)
}

/** Versions, compared with the requests that made them. */
class Reading {
  private readonly context: Context
  private readonly contract: string
  private readonly uid: string

  constructor(context: Context, contract: string, uid: string) {
    this.context = context
    this.contract = contract
    this.uid = uid
  }

  /** What led from one version to the next: one change for each request that took part. */
  changes(found: ElementVersion, before: ElementVersion | undefined): Placed[] {
    const { context, contract, uid } = this
    const { states } = context
    const { height, request } = found
    const replica = context.replica(contract)
    const record = recordOf(found)
    if (replica.basis?.height === height) return [{ height, place: 0, change: this.taken(height, record) }]
    const made = request === undefined ? undefined : this.request(request)
    const operations = made ? made.request.operations : replica.genesis.operations
    const isMade =
      (height === 0 || made) && record && isMadeBy(operations as readonly Operation[], uid, record)
    // What no operation says of it, rules made of it, or the members' yeses: the state of that height tells.
    if (!isMade && !isSameRecord(record, element(states.at(contract, height), uid)))
      throw states.damaged(contract, notSigned(uid))
    if (made === undefined) {
      const cause = this.causeAt(height)
      const place = cause?.index ?? 0
      return [{ height, place, change: this.change(height, cause, recordOf(before), record) }]
    }
    const requests = (found.requests ?? [made.id]).flatMap((id) => this.request(id) ?? [])
    return stepsOf(uid, recordOf(before), requests, record).map((step) => ({
      height,
      place: step.request.index ?? 0,
      change: this.change(height, step.request, step.before, step.after),
    }))
  }

  /** What a refused request would have done. */
  refusal(record: RequestRecord): Placed[] {
    const { height, index: place = 0, outcome, code } = record
    const attempt = refusedAttempt(record.request.operations, this.uid)
    if (height === undefined || outcome === undefined || attempt === undefined) return []
    const change: HistoryChange = {
      ...this.headOf(height, record),
      outcome,
      ...codeWithWords(code),
      what: attempt.what,
      ...this.wantedOf(attempt),
    }
    return [{ height, place, change }]
  }

  private request(id: string): RequestRecord | undefined {
    const { context, contract } = this
    return context.states.read(contract, () => context.node.store.request(contract, id))
  }

  /** The request from which a version followed that none names: by rules, or since it was the last yes to a proposal. */
  private causeAt(height: number): RequestRecord | undefined {
    const { context, contract, uid } = this
    if (height === 0) return undefined
    const accepted = entriesOf(context.states.block(contract, height).block).filter(
      ({ outcome }) => outcome === 'accepted',
    )
    const ruled = accepted.findLast(({ results = [] }) => results.some(([, element]) => element === uid))
    if (ruled) return this.request(ruled.request)
    const ids = accepted.map(({ request }) => request)
    const requests = context.states.read(contract, () => context.node.store.requestsOf(contract, ids))
    return [...(requests?.values() ?? [])].findLast(({ request }) =>
      request.operations.some(
        (one) => one.op === 'vote-on' && fieldOfProposal(context, contract, one.uid) === uid,
      ),
    )
  }

  /** As it stood in the state of the checkpoint that the ledger begins with here: since when, and by whom, is not held. */
  private taken(height: number, record: ElementRecord | undefined): HistoryChange {
    const { states } = this.context
    const { contract, uid } = this
    if (!record || !isSameRecord(record, element(states.at(contract, height), uid)))
      throw states.damaged(contract, notSigned(uid))
    return { ...this.headOf(height), stage: 'final', sinceBefore: true, what: [], ...this.contentOf(record) }
  }

  private change(
    height: number,
    made: RequestRecord | undefined,
    before: ElementRecord | undefined,
    after: ElementRecord | undefined,
  ): HistoryChange {
    const what = whatBetween(before, after)
    return {
      ...this.headOf(height, made),
      outcome: 'accepted',
      what,
      ...(after ? this.contentOf(after) : { removed: true as const }),
      ...(before?.value !== undefined && before.value !== after?.value && { old: this.valueOf(before) }),
      ...(before && after && before.name !== after.name && { oldName: before.name }),
    }
  }

  private headOf(height: number, made?: RequestRecord) {
    const { context, contract } = this
    const { states } = context
    const { names } = context.replica(contract).roster
    return {
      height,
      timeMs: states.header(contract, height).timeMs,
      stage: height <= states.finalHeight(contract) ? ('final' as const) : ('tentative' as const),
      outcome: 'accepted' as const,
      ...(made && {
        request: made.id,
        author: made.request.author,
        authorName: names.get(made.request.author) ?? made.request.author,
        ...(made.request.claimedMs !== undefined && { claimedMs: made.request.claimedMs }),
      }),
    }
  }

  private contentOf(record: ElementRecord): Partial<HistoryChange> {
    const { name } = record
    const { type, value } = record
    // An empty field keeps its type.
    const empty = type === undefined ? {} : { type, version: NO_VALUE, value: null }
    return { name, ...(value === undefined ? empty : this.valueOf(record)), recordHash: recordHash(record) }
  }

  private wantedOf({ type, version, readers }: Attempt) {
    if (type === undefined || version === undefined) return {}
    return this.valueOf({ type, value: version, ...(readers && { readers }) })
  }

  private valueOf({
    type,
    value: version,
    readers,
  }: Partial<Pick<ElementRecord, 'value' | 'readers'>> & { type?: string }) {
    const { context, contract } = this
    const content = { type: type as string, version: version as string }
    const { state } = context.states.tentative(contract)
    const opening = context.values(state).shown(content.version, readers)
    return {
      ...content,
      ...(opening && { value: opening.value }),
      ...privacyOf(context, contract, readers, opening !== undefined),
    }
  }
}

function notSigned(uid: string): string {
  return `the versions of the element ${uid} on disk are not what was signed`
}

function recordOf(version: ElementVersion | undefined): ElementRecord | undefined {
  const record = version?.record as ElementRecord | null | undefined
  return record && isElement(record) ? record : undefined
}
