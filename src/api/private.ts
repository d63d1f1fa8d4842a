/**
 * Private values (PROTOCOL VAL-4) at the door: made so where somebody writes, named with who may see them where they are read.
 * What this node holds it shows, for its party could see it when it was set; what it does not hold it says to be private.
 */
import type { Edit } from '../contract/edit.ts'
import { withReaders } from '../contract/privacy.ts'
import { readersAt } from '../contract/rules/gate.ts'
import { lineOf } from '../contract/rules/paths.ts'
import { type ContractState, element, subtreeUids } from '../contract/state.ts'
import { existing, pathOf } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { RuleBody } from '../ledger/behaviour.ts'
import type { Operation } from '../ledger/request.ts'
import type { DraftAction } from '../ledger/rule-operation.ts'
import type { Context } from './context.ts'
import { type Named, namer, recordOf } from './rules/look.ts'
import type { Values } from './values.ts'

/**
 * What is to be signed of an edit: values of fields that not everybody may see become private. Nothing that the API signs goes
 * another way.
 * @throws CountersignError `bad-request` where it can't be told yet for whom a value will be
 */
export function madePrivate(context: Context, contract: string, edit: Edit<Operation>): Edit<Operation> {
  const { state } = context.states.tentative(contract)
  refuseUndecided(state, edit.operations)
  return withReaders(state, edit, nextTimeMs(context, contract))
}

/** The time that the next ledger block will have at the least. */
export function nextTimeMs(context: Context, contract: string): number {
  return Math.max(context.node.now(), context.replica(contract).chain.tip.block.header.timeMs)
}

/** Who may see a value is said by the rules as they stand behind the operation before: a value must not go out before that is known. */
function refuseUndecided(state: ContractState, operations: readonly Operation[]): void {
  const isValue = ({ op, value }: { op: string; value?: unknown }): boolean =>
    (op === 'set' || op === 'create') && value !== undefined
  const turning = operations.findIndex(
    (one) =>
      (one.op === 'publish' &&
        (state.governance.law.hasPrivate || publishesPrivate(state, one.drafts, operations))) ||
      (one.op === 'phase' && state.governance.law.hasPrivate),
  )
  if (turning < 0 || !operations.slice(turning + 1).some(isValue)) return
  throw new CountersignError(
    'bad-request',
    'who may see a value is settled by the rules in force: publish, or move the phase, in a request of its own, and set values in the next',
  )
}

function publishesPrivate(
  state: ContractState,
  drafts: readonly string[],
  operations: readonly Operation[],
): boolean {
  return drafts.some((uid) => {
    const made = operations.find((one) => one.op === 'draft' && one.uid === uid)
    const action = recordOf(state, uid, 'draft')?.action ?? (made?.op === 'draft' ? made.action : undefined)
    return action?.do === 'switch' || isPrivacy(action && bodyIn(action))
  })
}

function bodyIn(action: DraftAction): RuleBody | undefined {
  if (action.do === 'add') return action.rule
  return action.do === 'replace' ? action.by : undefined
}

function isPrivacy(rule: RuleBody | undefined): boolean {
  return rule?.behaviour.kind === 'access' && rule.behaviour.actions.includes('see')
}

/** What a view says of a value that not everybody may see: who may, and whether it is not shown here. */
export type Privacy = { readers?: Named[]; notShown?: true }

export function privacyOf(
  context: Context,
  contract: string,
  readers: readonly string[] | undefined,
  isShown: boolean,
): Privacy {
  return {
    ...(readers && { readers: readers.map(namer(context, contract)) }),
    ...(!isShown && { notShown: true as const }),
  }
}

/** @throws CountersignError `private-value` where a field's value is private and not held here */
export function refuseHidden(context: Context, state: ContractState, uid: string, values: Values): void {
  const record = existing(state, uid)
  const { readers } = record
  if (readers === undefined || !values.isHidden(record)) return
  const people = readers.map(namer(context, state.contract))
  const path = pathOf(state, uid)
  const now = readersAt(state, lineOf(state, uid), nextTimeMs(context, state.contract)) ?? []
  const isReader = [...readers, ...now].includes(context.node.party)
  const who = people.map(({ name }) => name).join(', ') || 'nobody that is in the contract'
  throw new CountersignError(
    'private-value',
    `${path} is private: ${who} may see what is in it${isReader ? '; it has not come to this node' : ''}`,
    { path, readers: people },
  )
}

/** Fields that a header names at most. */
const NAMED_MAX = 32

/**
 * The private values that a document leaves out, for who reads it: nothing stands in their place that could be told from an empty
 * field. `/Bid;readers="Ada Ben"`, percent-encoded; undefined where there is none.
 */
export function leftOutHeader(
  context: Context,
  state: ContractState,
  uid: string,
  values: Values,
): string | undefined {
  if (state.privateCount === 0) return undefined
  const named = namer(context, state.contract)
  const found: string[] = []
  let count = 0
  for (const below of subtreeUids(state, uid)) {
    const record = element(state, below)
    if (record?.readers === undefined || !values.isHidden(record)) continue
    count += 1
    if (count > NAMED_MAX) continue
    const names = record.readers.map((party) => encodeURIComponent(named(party).name)).join(' ')
    const path = pathOf(state, below).split('/').map(encodeURIComponent).join('/')
    found.push(`${path};readers="${names}"`)
  }
  if (count > NAMED_MAX) found.push(`*;more=${count - NAMED_MAX}`)
  return count === 0 ? undefined : found.join(', ')
}
