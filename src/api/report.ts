/** Reports: what the contracts of this node held at a time, page by page. */
import type { z } from 'zod'
import { type ElementRecord, stateRoot } from '../contract/state.ts'
import { existing } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { NO_VALUE } from '../ledger/value.ts'
import { checkFieldPaths, contractsIn, fieldsIn, type Reported, type ReportWish } from '../node/report.ts'
import type { Context } from './context.ts'
import { encodeCursor, numbersInCursor } from './page-cursor.ts'
import { privacyOf } from './private.ts'
import type { ReportedContract, reportPage } from './schemas-time.ts'
import { readTime } from './shown.ts'
import type { Values } from './values.ts'

/** As queries have it. */
export type ReportQuery = {
  at?: string | undefined
  contract?: string[] | undefined
  fields?: string | undefined
}

/** A page is not begun another contract on once it holds so many fields. */
const PAGE_FIELDS = 20_000

/** @throws CountersignError `bad-request`, also for a time that is yet to come */
export function reportWish(context: Context, { at, contract, fields }: ReportQuery): ReportWish {
  const nowMs = context.node.now()
  const atMs = at === undefined ? nowMs : readTime(at)
  if (atMs > nowMs)
    throw new CountersignError(
      'bad-request',
      `at: ${at} is yet to come; nobody knows what the contracts will hold then`,
    )
  return {
    atMs,
    ...(contract && { contracts: contract }),
    ...(fields !== undefined && { fields: checkFieldPaths(fields.split(',')) }),
  }
}

/** @throws CountersignError `bad-request`, `unknown-contract`, `invariant-broken` as reading any state */
export function reportView(
  context: Context,
  query: ReportQuery & {
    status?: 'final' | 'tentative' | undefined
    cursor?: string | undefined
    limit: number
  },
): z.infer<typeof reportPage> {
  const { cursor, limit, status, ...rest } = query
  const [atMs, from = 0] = cursor === undefined ? [] : numbersInCursor(cursor, 2)
  const asked = reportWish(context, rest)
  // A page goes on at the time of the first: without `at` that was the moment it was asked for.
  const wish = { ...asked, atMs: atMs ?? asked.atMs }
  const isTentative = status === 'tentative'
  const { reported, leftOut } = contractsIn({ node: context.node, states: context.states }, wish, isTentative)
  const contracts: ReportedContract[] = []
  let fields = 0
  let index = Math.max(0, from)
  for (; index < reported.length && contracts.length < limit && fields < PAGE_FIELDS; index += 1) {
    const one = contractView(context, reported[index] as Reported, wish.fields)
    contracts.push(one)
    fields += one.fields.length
  }
  return {
    atMs: wish.atMs,
    madeMs: context.node.now(),
    total: reported.length,
    leftOut,
    contracts,
    ...(index < reported.length && { nextCursor: encodeCursor(wish.atMs, index) }),
  }
}

function contractView(
  context: Context,
  { contract, height, tentative }: Reported,
  paths: readonly string[] | undefined,
): ReportedContract {
  const { states } = context
  const replica = context.replica(contract)
  const state = states.at(contract, height)
  const values = context.values(state)
  const { fields, missing } = fieldsIn(state, paths)
  const { names } = replica.roster
  return {
    contract,
    name: replica.genesis.name,
    status: replica.status,
    height,
    timeMs: states.header(contract, height).timeMs,
    stage: height <= states.finalHeight(contract) ? 'final' : 'tentative',
    recordHash: stateRoot(state),
    tentative,
    members: state.epoch.members.map((party) => ({ party, name: names.get(party) ?? party })),
    fields: fields.map(({ uid, path }) => fieldView(context, existing(state, uid), { path, uid }, values)),
    missing,
  }
}

function fieldView(
  context: Context,
  { type = 'null', value: version, readers }: ElementRecord,
  place: { path: string; uid: string },
  values: Values,
): ReportedContract['fields'][number] {
  if (version === undefined) return { ...place, type, version: NO_VALUE, value: null }
  const opening = values.shown(version, readers)
  return {
    ...place,
    type,
    version,
    ...(opening && { value: opening.value }),
    ...privacyOf(context, values.contract, readers, opening !== undefined),
  }
}
