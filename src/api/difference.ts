/** What differs between two heights or times of a contract, page by page, with who is behind each change. */

import type { z } from 'zod'
import {
  type ChangedElement,
  changedElements,
  differenceOf,
  epochDifference,
  type ValueThen,
} from '../contract/difference.ts'
import { isElement, isSameRecord } from '../contract/record.ts'
import { type ContractState, type OpeningSource, stateRoot } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { Context } from './context.ts'
import { encodeCursor, numbersInCursor } from './page-cursor.ts'
import { privacyOf } from './private.ts'
import type { DifferenceView, differencePage } from './schemas-time.ts'
import { type Shown, shownState } from './shown.ts'

/** As the query has it. */
export type DifferenceWish = {
  from: string
  to?: string | undefined
  status?: 'final' | 'tentative' | undefined
  cursor?: string | undefined
  limit: number
}

/** Most elements that one difference tells of; of more, the whole documents say it better. */
const DIFFERENCES_MAX = 200_000
/** Differences that are kept for the pages to come. */
const KEPT_MAX = 2

/** Differences by the record hashes of their states: what they are follows from these. */
export class Differences {
  private readonly kept = new Map<string, ChangedElement[]>()

  between(before: ContractState, after: ContractState): ChangedElement[] {
    const key = `${before.contract} ${stateRoot(before)} ${stateRoot(after)}`
    const changes = this.kept.get(key) ?? changedElements(before, after)
    this.kept.delete(key)
    this.kept.set(key, changes)
    for (const one of this.kept.keys()) if (this.kept.size > KEPT_MAX) this.kept.delete(one)
    return changes
  }
}

/**
 * @throws CountersignError `not-found` where there is no such state, `bad-request` for a malformed height, time or cursor;
 * `too-large`; `invariant-broken`, and the contract is stopped, where what is on disk is not what was signed
 */
export function differenceView(
  context: Context,
  contract: string,
  { from, to = 'final', status, cursor, limit }: DifferenceWish,
): z.infer<typeof differencePage> {
  const at = (point: string, name: string) => shownAt(context, contract, point, name, status)
  // A page goes on between the heights where it began, whatever has become final since.
  const [fromHeight, toHeight, start = 0] = cursor === undefined ? [] : numbersInCursor(cursor, 3)
  const before = at(fromHeight === undefined ? from : `${fromHeight}`, 'from')
  const after = at(toHeight === undefined ? to : `${toHeight}`, 'to')
  const changes = context.differences.between(before.state, after.state)
  if (changes.length > DIFFERENCES_MAX)
    throw new CountersignError(
      'too-large',
      `${changes.length} elements differ; a difference tells of ${DIFFERENCES_MAX} at most: ask for heights that lie closer together`,
    )
  const values = context.values(after.state, before.state)
  const openings: OpeningSource = { get: (commitment) => values.shown(commitment) }
  const page = changes.slice(Math.max(0, start), Math.max(0, start) + limit)
  const end = Math.max(0, start) + page.length
  const parties = partiesBetween(context, before.state, after.state)
  context.node.engine.flush()
  return {
    contract,
    name: context.replica(contract).genesis.name,
    from: headOf(context, before),
    to: headOf(context, after),
    ...(parties && { parties }),
    total: changes.length,
    elements: page.map((changed) => elementView(context, before, after, changed, openings)),
    ...(end < changes.length && { nextCursor: encodeCursor(before.height, after.height, end) }),
  }
}

const HEIGHT = /^[0-9]{1,15}$/

/** The state that a point in time means; `name` is the parameter's. */
function shownAt(
  context: Context,
  contract: string,
  point: string,
  name: string,
  status: 'final' | 'tentative' | undefined,
): Shown {
  const wanted = status === undefined ? {} : { status }
  if (HEIGHT.test(point)) return shownState(context, contract, { ...wanted, height: Number(point) })
  if (point !== 'final') return shownState(context, contract, { ...wanted, at: point }, false, name)
  const height = context.states.finalHeight(contract)
  return shownState(context, contract, height < 0 ? {} : { height })
}

function headOf(context: Context, { height, state, stage }: Shown) {
  const { timeMs } = context.states.header(state.contract, height)
  return { height, timeMs, stage, recordHash: stateRoot(state) }
}

function partiesBetween(context: Context, before: ContractState, after: ContractState) {
  const epoch = epochDifference(before, after)
  if (epoch === undefined) return undefined
  const { names } = context.replica(after.contract).roster
  const named = (parties: readonly string[]) =>
    parties.map((party) => ({ party, name: names.get(party) ?? party }))
  return { came: named(epoch.came), left: named(epoch.left), policy: epoch.policy }
}

function elementView(
  context: Context,
  before: Shown,
  after: Shown,
  changed: ChangedElement,
  openings: OpeningSource,
): DifferenceView {
  const { old, new: now, ...told } = differenceOf(before.state, after.state, changed, openings)
  return {
    ...told,
    ...(old && { old: valueView(context, after.state.contract, old) }),
    ...(now && { new: valueView(context, after.state.contract, now) }),
    change: originOf(context, before, after, changed),
  }
}

function valueView(context: Context, contract: string, { held, readers, ...rest }: ValueThen) {
  return { ...rest, ...privacyOf(context, contract, readers, held) }
}

/** The last request that changed an element up to the later of two heights. */
function originOf(context: Context, before: Shown, after: Shown, { uid, ...records }: ChangedElement) {
  const { node, states } = context
  const { contract } = after.state
  const [toHeight, record] =
    after.height >= before.height ? [after.height, records.after] : [before.height, records.before]
  const range = { toHeight, limit: 1, newest: true }
  const version = states.read(contract, () => node.store.elementHistory(contract, uid, range))?.at(-1)
  const found = version?.record as Parameters<typeof isElement>[0] | null
  if (
    version === undefined ||
    !isSameRecord(record, isElement(found ?? undefined) ? (found ?? undefined) : undefined)
  )
    throw states.damaged(contract, `the versions of the element ${uid} on disk are not what was signed`)
  const { height, request: id } = version
  const made = id === undefined ? undefined : states.read(contract, () => node.store.request(contract, id))
  const { names } = context.replica(contract).roster
  return {
    height,
    timeMs: states.header(contract, height).timeMs,
    stage: height <= states.finalHeight(contract) ? ('final' as const) : ('tentative' as const),
    ...(made && {
      request: made.id,
      author: made.request.author,
      authorName: names.get(made.request.author) ?? made.request.author,
      ...(made.request.claimedMs !== undefined && { claimedMs: made.request.claimedMs }),
    }),
  }
}
