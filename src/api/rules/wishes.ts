/** From what somebody wants of rules, votes, locks and places to the operation that is signed. */
import { moveOperation } from '../../contract/edit.ts'
import { compilePattern } from '../../contract/feel/pattern.ts'
import { prepareRule } from '../../contract/rules/draft-check.ts'
import { missingYes } from '../../contract/rules/drafts.ts'
import { kindAt, type Law, lawOf } from '../../contract/rules/law.ts'
import type { PathKind, RuleRecord } from '../../contract/rules/records.ts'
import { type ContractState, stateRoot } from '../../contract/state.ts'
import { existing, resolvePath } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { parsePath } from '../../document/path.ts'
import { parseTyped } from '../../document/types.ts'
import type { Behaviour, Names, RuleBody, Then } from '../../ledger/behaviour.ts'
import { FIELD_TYPES } from '../../ledger/request.ts'
import type { DraftAction, RuleOperation, TypeBody } from '../../ledger/rule-operation.ts'
import type { Context } from '../context.ts'
import { recordOf, typeRecords } from './look.ts'
import type { NewDraft, NewRule, NewThen, NewType, RuleWish } from './schemas.ts'

const UID = /^[0-9a-f]{32}$/
const ADMIT_DEFAULT_MS = 30 * 24 * 3600 * 1000

/** @throws CountersignError `unknown-path`, `not-found`, `bad-request` */
export function placeUid(state: ContractState, place: string): string {
  if (!UID.test(place)) return resolvePath(state, state.rootUid, rooted(place))
  existing(state, place)
  return place
}

function rooted(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`
}

/** @throws CountersignError `bad-request` for a path with an index */
export function namesOf(target: string | readonly string[]): Names {
  if (typeof target !== 'string') return [...target]
  return parsePath(rooted(target)).map(({ name, index }) => {
    if (index !== undefined)
      throw new CountersignError(
        'bad-request',
        `${target}: a rule is about every item of a list; leave out [${index}]`,
      )
    return name
  })
}

/**
 * @param state in which places and UIDs are looked up
 * @throws CountersignError `unknown-path`, `bad-request`, …; of a draft `bad-rule`, `bad-expression`, `wrong-type`, `too-large`
 * with the position, before anything is signed
 */
export function wishOperation(context: Context, state: ContractState, wish: RuleWish): RuleOperation {
  const newUid = (): string => Buffer.from(context.random(16)).toString('hex')
  if ('move' in wish) {
    const { before, after } = wish
    const beside = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
    return moveOperation(state, placeUid(state, wish.move), placeUid(state, wish.to), beside)
  }
  if ('rename' in wish) {
    const uid = placeUid(state, wish.rename)
    return { op: 'rename', uid, from: existing(state, uid).name, name: wish.name }
  }
  if ('describe' in wish) {
    const { describe, ...words } = wish
    return { op: 'describe', uid: placeUid(state, describe), ...words }
  }
  if ('define' in wish) return { op: 'define', uid: newUid(), type: typeBodyOf(state, wish.define) }
  if ('draft' in wish) return { op: 'draft', uid: newUid(), action: actionOf(context, state, wish.draft) }
  if ('vote' in wish) return { op: 'vote-on', uid: wish.vote, yes: wish.yes }
  if ('withdraw' in wish) return { op: 'withdraw', uid: wish.withdraw }
  if ('publish' in wish) {
    const drafts = wish.publish === 'agreed' ? agreedDrafts(state) : wish.publish
    return { op: 'publish', drafts }
  }
  if ('phase' in wish) return { op: 'phase', from: state.governance.workflow.phase, to: wish.phase }
  if ('lock' in wish)
    return { op: 'lock', uid: newUid(), on: placeUid(state, wish.lock), leaseMs: wish.leaseMs }
  if ('renew' in wish) {
    const lock = recordOf(state, wish.renew, 'lock')
    if (lock === undefined)
      throw new CountersignError(
        'conflicted',
        'the lock is lost: it ran out and was taken over, or was released',
        {
          code: 'lock-lost',
        },
      )
    return { op: 'lock', uid: wish.renew, on: lock.on, leaseMs: wish.leaseMs }
  }
  if ('unlock' in wish) return { op: 'unlock', uid: wish.unlock }
  const { settlement } = state.governance
  const record = wish.settle === 'current' ? (settlement?.record ?? stateRoot(state)) : wish.settle
  return { op: 'settle', record }
}

/** Drafts that every member has said yes to. @throws CountersignError `conflict` where there is none */
function agreedDrafts({ governance, epoch }: ContractState): string[] {
  const agreed = [...governance.drafts].filter(([, draft]) => missingYes(epoch.members, draft).length === 0)
  if (agreed.length === 0)
    throw new CountersignError('conflict', 'no draft has every member’s yes yet: there is nothing to publish')
  return agreed.map(([uid]) => uid)
}

function actionOf(context: Context, state: ContractState, draft: NewDraft): DraftAction {
  switch (draft.do) {
    case 'add': {
      const rule = ruleBodyOf(context, state, draft.rule)
      refuseUnworkable(state, rule, undefined)
      return { do: 'add', rule }
    }
    case 'replace': {
      const by = ruleBodyOf(context, state, draft.by)
      refuseUnworkable(state, by, draft.rule)
      return { do: 'replace', rule: draft.rule, by }
    }
    case 'repeal':
      return { do: 'repeal', rule: draft.rule }
    case 'switch':
      return { do: 'switch', set: draft.set, on: draft.on }
  }
}

function ruleBodyOf(
  context: Context,
  state: ContractState,
  { at = '/', path, set, behaviour }: NewRule,
): RuleBody {
  return {
    at: placeUid(state, at),
    path: namesOf(path),
    ...(set !== undefined && { set }),
    behaviour: behaviourOf(context, behaviour),
  }
}

function behaviourOf(context: Context, behaviour: NewRule['behaviour']): Behaviour {
  switch (behaviour.kind) {
    case 'unique':
      return { ...behaviour, by: namesOf(behaviour.by) }
    case 'aggregate':
      return { ...behaviour, over: namesOf(behaviour.over) }
    case 'trigger':
      return { ...behaviour, actions: behaviour.actions.map((one) => thenOf(context, one)) }
    default:
      return behaviour
  }
}

function thenOf({ node }: Context, then: NewThen): Then {
  if (then.do === 'activate') return { do: 'activate', target: namesOf(then.target) }
  if (then.do !== 'admit') return then
  const { party, older = false, forMs = ADMIT_DEFAULT_MS } = then
  return { do: 'admit', card: node.membership.pinnedCard(party), older, forMs }
}

/** Whether the rule works where it stands, and with those in force. @throws CountersignError */
function refuseUnworkable(state: ContractState, rule: RuleBody, replaced: string | undefined): void {
  const prepared = prepareRule(state, rule)
  const { behaviour } = rule
  if (behaviour.kind === 'limits') checkLimits(behaviour, kindAt(prepared.reads, rule.path))
  const records: [string, RuleRecord][] = []
  const { law }: { law: Law } = state.governance
  for (const uid of law.rules.keys()) {
    const record = recordOf(state, uid, 'rule')
    if (record !== undefined && uid !== replaced) records.push([uid, record])
  }
  records.push([DRAFTED, { kind: 'rule', owner: '', rule, ...prepared }])
  lawOf(records, law)
}

type Limits = { min?: string | undefined; max?: string | undefined; pattern?: string | undefined }

/** Whether limits can hold for values of a type. @throws CountersignError `bad-value`, `bad-expression` with the position */
function checkLimits({ min, max, pattern }: Limits, kind: PathKind | 'block' | undefined): void {
  const type = kind?.startsWith('list of ') ? kind.slice('list of '.length) : kind
  // A whole number may have to lie above 2.5.
  const bound = FIELD_TYPES.find((one) => one === (type === 'integer' ? 'decimal' : type))
  for (const limit of [min, max])
    if (limit !== undefined && bound && bound !== 'null') parseTyped(bound, limit)
  if (pattern !== undefined) compilePattern(pattern)
}

/** Stands for the rule that is being drafted. */
const DRAFTED = '0'.repeat(32)

/** The UID of a named type. @throws CountersignError `not-found`, `bad-request` where several have the name */
export function typeUid(state: ContractState, typed: string): string {
  if (UID.test(typed) && recordOf(state, typed, 'type') !== undefined) return typed
  const found = typeRecords(state).filter(([, { type }]) => type.name === typed)
  const [only, ...others] = found
  if (only === undefined)
    throw new CountersignError('not-found', `the contract has no named type ${JSON.stringify(typed)}`)
  if (others.length > 0)
    throw new CountersignError('bad-request', `${found.length} types are called ${typed}: give the UID`)
  return only[0]
}

function typeBodyOf(state: ContractState, { members, ...type }: NewType): TypeBody {
  checkLimits(type, type.base)
  if (members === undefined) return type
  return {
    ...type,
    members: members.map(({ typed, ...one }) => ({
      ...one,
      ...(typed !== undefined && { typed: typeUid(state, typed) }),
    })),
  }
}
