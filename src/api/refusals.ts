/** Why a request is not accepted: looked at before it is signed where that can be told, and said in words either way. */

import { runOperations } from '../contract/apply.ts'
import type { Edit } from '../contract/edit.ts'
import { Foresight } from '../contract/foresight.ts'
import { outcomeOf, typeCheck } from '../contract/outcome.ts'
import { isUngoverned } from '../contract/rules/element-gates.ts'
import type { Refusal } from '../contract/rules/operations.ts'
import type { LockRecord, RuleRecord } from '../contract/rules/records.ts'
import { ValueNotHeld } from '../contract/rules/work.ts'
import type { ContractState, OpeningSource } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { AnyOperation, Operation } from '../ledger/request.ts'
import { isRuleOperation } from '../ledger/rule-operation.ts'
import { commitmentOf } from '../ledger/value.ts'
import type { Context } from './context.ts'
import { isRuleCode, outcomeWords } from './outcome-words.ts'
import { nextTimeMs } from './private.ts'
import { namer, pathAmong, recordOf } from './rules/look.ts'
import type { RefusalView } from './rules/view-schemas.ts'
import { bodyOf, sentenceOf } from './rules/views.ts'

type About = { code: string; rule?: string; element?: string }

/**
 * What every node would come to by the state as it is here; undefined where the request may be accepted, or where that can't be
 * told: a value that a rule reads is not held, since it is private or did not come, or requests that are not ordered yet may
 * change it.
 */
export function foresee(
  context: Context,
  contract: string,
  { operations, openings }: Edit<Operation>,
): Refusal | undefined {
  const { state, height } = context.states.tentative(contract)
  if (isUngoverned(state) && !operations.some(isRuleOperation)) return undefined
  const { chain, self } = context.replica(contract)
  // What is waiting may change all that rules say, and then only a lock is told: under load nothing is executed for nothing.
  const mayBeLocked = state.governance.locks.size > 0 || operations.some(({ op }) => op === 'lock')
  if (chain.pool.size > 0 && !mayBeLocked) return undefined
  const timeMs = nextTimeMs(context, contract)
  const request = { id: UNSIGNED, author: self, height: height + 1, timeMs }
  const source = openingsOf(context, state, openings)
  try {
    const isOfType = typeCheck(source)
    const result = runOperations(state, operations, source, request, isOfType, undefined, new Foresight())
    if (result.code === undefined) return undefined
    const { position: _, ...refusal } = result
    // What is waiting to be ordered comes first; of a lock its holder alone disposes; a value must not go out to others than may
    // see it.
    const isSure = refusal.code === 'locked' || refusal.code === 'wrong-readers'
    return isSure || (isRuleCode(refusal.code) && chain.pool.size === 0) ? refusal : undefined
  } catch (error) {
    if (error instanceof ValueNotHeld) return undefined
    throw error
  }
}

/** Stands for the id of a request that is not made yet. */
export const UNSIGNED = '0'.repeat(64)

function openingsOf(context: Context, state: ContractState, openings: Edit['openings']): OpeningSource {
  const own = new Map(openings.map((opening) => [commitmentOf(opening), opening]))
  const { contract } = state
  const look = (commitment: string) => context.node.store.openings(contract, [commitment]).get(commitment)
  return {
    get: (commitment) => own.get(commitment) ?? context.states.read(contract, () => look(commitment)),
  }
}

/** @param operations of the request, which may be about what they would create */
export function refusalView(
  context: Context,
  state: ContractState,
  { code, rule, element }: About,
  operations: readonly AnyOperation[],
): RefusalView {
  const path = element === undefined ? undefined : pathAmong(state, element, operations)
  const lock = code === 'locked' || code === 'pending' ? lockOf(context, state, rule) : undefined
  const record = rule === undefined ? undefined : ruleAt(state, rule)
  const behaviour = record?.rule.behaviour
  const isOwn = lock !== undefined && lock.by === context.node.party
  const words =
    (code === 'wrong-phase' ? phaseWords(state, operations) : undefined) ??
    (isOwn && code === 'locked' ? OWN_LOCK : undefined) ??
    outcomeWords(code) ??
    code
  return {
    code,
    words: behaviour?.kind === 'constraint' ? `${behaviour.message}: ${words}` : words,
    ...(rule !== undefined && { rule }),
    ...(record && { sentence: sentenceOf(context, state, record) }),
    ...(element !== undefined && { element }),
    ...(path !== undefined && { path }),
    ...(lock && { holder: namer(context, state.contract)(lock.by), expiresMs: lock.expiresMs }),
    ...(isOwn && { own: true as const }),
  }
}

const OWN_LOCK = 'this party holds it itself: renew that lock by its own id instead of taking another'

/** What is wrong with moving to a phase; undefined where it is not so any more. */
function phaseWords({ governance }: ContractState, operations: readonly AnyOperation[]): string | undefined {
  const wanted = operations.find((one) => one.op === 'phase')
  if (wanted?.op !== 'phase') return undefined
  const { law, workflow } = governance
  const quoted = (phase: string): string => `“${phase}”`
  if (law.phases.length === 0)
    return `the contract has no phases, so none called ${quoted(wanted.to)}: draft a rule that names them first`
  if (!law.phases.includes(wanted.to))
    return `the contract has no phase ${quoted(wanted.to)}: its phases are ${law.phases.map(quoted).join(', ')}`
  if (workflow.phase === wanted.from) return undefined
  return `the contract is in the phase ${quoted(workflow.phase)}, no more in ${quoted(wanted.from)}: read it again and decide again`
}

/** A rule, or the one that is drafted: what is published may break at once. */
function ruleAt(state: ContractState, uid: string): Pick<RuleRecord, 'rule' | 'place'> | undefined {
  const rule = recordOf(state, uid, 'rule')
  if (rule) return rule
  const draft = recordOf(state, uid, 'draft')
  const body = draft && bodyOf(draft.action)
  return draft && body && { rule: body, place: draft.place }
}

/** A lock that is there, or was when somebody met it. */
function lockOf(context: Context, state: ContractState, uid: string | undefined): LockRecord | undefined {
  if (uid === undefined) return undefined
  const held = recordOf(state, uid, 'lock')
  if (held) return held
  const versions = context.node.store.elementHistory(state.contract, uid, { newest: true, limit: 2 })
  const last = versions.findLast(({ record }) => record !== null)?.record as LockRecord | undefined
  return last?.kind === 'lock' ? last : undefined
}

/** What is answered to a request that is not accepted. */
export function refusalError(
  context: Context,
  refusal: RefusalView,
  more: Readonly<Record<string, unknown>> = {},
): CountersignError {
  const { code, words, path, holder, expiresMs, sentence } = refusal
  const detail = { ...refusal, ...more }
  if (code === 'locked') {
    const leftS = expiresMs === undefined ? 1 : Math.ceil((expiresMs - context.node.now()) / 1000)
    return new CountersignError('locked', lockText(refusal), { ...detail, retryAfterS: Math.max(1, leftS) })
  }
  const said = sentence === undefined ? '' : `; the rule: ${sentence}`
  const text = `${words}${path === undefined ? '' : `; at ${path}`}${holder ? `, held by ${holder.name}` : ''} (${code})${said}`
  return new CountersignError(outcomeOf(code as never), text, detail)
}

function lockText({ holder, path, element, expiresMs, own, rule }: RefusalView): string {
  const where = path ?? (element === undefined ? 'the element' : `the element ${element}`)
  const until = expiresMs === undefined ? '' : ` until ${new Date(expiresMs).toISOString()}`
  const more = own
    ? `, which is this party itself: renew the lock ${rule?.slice(0, 12)} instead of taking another`
    : ''
  return `${where} is locked by ${holder?.name ?? 'another party'}${until}${more}`
}
