/**
 * One operation of a request where rules, votes and locks stand around the elements (PROTOCOL REQ-8): whether it may be done, and
 * what it does at once. What follows from the request as a whole comes after its last (consequences.ts).
 */

import { CountersignError } from '../../crypto/errors.ts'
import type { CreateOperation, Operation, SetOperation } from '../../ledger/request.ts'
import type {
  DefineOperation,
  DescribeOperation,
  MoveOperation,
  RenameOperation,
} from '../../ledger/rule-operation.ts'
import {
  type ContractState,
  DEPTH_MAX,
  element,
  heightOf,
  isTaken,
  subtreeUids,
  withMoved,
} from '../elements.ts'
import { isValueOfType, type OutcomeCode, step, type TypeCheck } from '../outcome.ts'
import type { Agenda } from './agenda.ts'
import { holds } from './consequences.ts'
import { checkLimitsOf } from './draft-check.ts'
import { draft, publish, voteOnDraft } from './drafts.ts'
import {
  createRefusal,
  deleteRefusal,
  isStale,
  isUngoverned,
  kindRefusal,
  setRefusal,
} from './element-gates.ts'
import {
  holdsAnchor,
  isNamed,
  lockWithin,
  type Refusal as RuleRefusal,
  readersRefusal,
  structureRefusal,
} from './gate.ts'
import { judgedValue } from './judging.ts'
import { dropLocks, lock, unlock } from './locks.ts'
import { lineOf } from './paths.ts'
import { dropProposals, propose, voteOnProposal, withVote } from './proposals.ts'
import { settle } from './settle.ts'
import { answer } from './triggers.ts'
import type { Work } from './work.ts'
import { phaseRefusal, setPhase } from './workflow.ts'

/** Why a request is not accepted: by which rule, draft, proposal or lock, and about which element, if it is about one. */
export type Refusal = Omit<RuleRefusal, 'code'> & { code: OutcomeCode }

/** Does one operation. `position`: in its request. */
export function runOperation(
  work: Work,
  agenda: Agenda,
  operation: Operation,
  position: number,
  isOfType: TypeCheck,
): Refusal | undefined {
  switch (operation.op) {
    case 'create': {
      const refused = take(work, step(work.state, operation, typeCheckOf(work, operation, isOfType)))
      if (refused) return refused
      return isUngoverned(work.state) ? readersRefusal(work, operation) : createRefusal(work, operation)
    }
    case 'set': {
      const gate = setRefusal(work, operation)
      const stepped = step(work.state, operation, typeCheckOf(work, operation, isOfType))
      if ('code' in stepped) return stepped
      if ('code' in gate) return gate
      if (gate.asking.length === 0) return take(work, stepped)
      return propose(work, gate.asking, operation, position)
    }
    case 'delete': {
      const refused = deleteRefusal(work, operation)
      const stepped = step(work.state, operation, isOfType)
      if ('code' in stepped) return stepped
      if (refused) return refused
      const gone = subtreeUids(work.state, operation.uid)
      take(work, stepped)
      dropProposals(work, gone)
      dropLocks(work, gone)
      return undefined
    }
    case 'move':
      return move(work, operation)
    case 'rename':
      return rename(work, operation)
    case 'describe':
      return describe(work, operation)
    case 'define':
      return define(work, operation)
    case 'draft':
      return draft(work, operation)
    case 'vote-on':
      return voteOn(work, agenda, operation.uid, operation.yes)
    case 'withdraw':
      return withdraw(work, operation.uid)
    case 'publish':
      return publish(work, agenda, operation)
    case 'phase': {
      // A genesis says where the contract begins.
      const refused = work.context.isGenesis ? undefined : phaseRefusal(work, operation.from, operation.to)
      if (refused) return refused
      setPhase(work, agenda, operation.to)
      return undefined
    }
    case 'lock':
      return lock(work, operation)
    case 'unlock':
      return unlock(work, operation)
    case 'settle':
      return settle(work, operation)
  }
}

/** Of a private value its readers say whether it is of its type, and that it is this field's own. */
function typeCheckOf(work: Work, operation: CreateOperation | SetOperation, isOfType: TypeCheck): TypeCheck {
  const judged = judgedValue(work.state, operation)
  if (judged === undefined || work.taken !== undefined) return isOfType
  const { uid, readers } = operation
  return (type, value) =>
    holds(work, { rule: uid, element: uid }, judged, () => {
      const opening = work.valueOf({ value, readers })
      return opening.of === uid && isValueOfType(type, opening.value)
    })
}

function take(work: Work, stepped: ReturnType<typeof step>): Refusal | undefined {
  if ('code' in stepped) return stepped
  work.move(stepped.state, stepped.touched)
  return undefined
}

function move(work: Work, { uid, from, parent, order }: MoveOperation): Refusal | undefined {
  const { state, context } = work
  const record = element(state, uid)
  if (uid === state.rootUid) return { code: 'root-undeletable' }
  if (record === undefined) return { code: 'element-gone' }
  if (record.parent !== from) return { code: 'stale-place', element: uid }
  if (!state.map.has(parent)) return { code: 'parent-gone' }
  const siblings = state.children.get(parent)
  if (siblings === undefined) return { code: 'not-a-block' }
  const target = lineOf(state, parent)
  // Nothing lies in itself.
  if (target.includes(uid)) return { code: 'not-a-block' }
  if (siblings.depth + 1 + heightOf(state, uid) > DEPTH_MAX) return { code: 'too-deep' }
  const line = lineOf(state, uid)
  if (parent !== from) {
    const refused =
      placeRefusal(work, uid, line) ??
      structureRefusal(state, line, 'remove', context) ??
      structureRefusal(state, [...target, uid], 'add', context)
    if (refused) return refused
  } else {
    const refused = structureRefusal(state, line, 'add', context)
    if (refused) return refused
  }
  const moved = withMoved(state, uid, { parent, order, name: record.name })
  const below = subtreeUids(moved, uid)
  if (parent !== from && state.governance.law.kinds.size > 0)
    for (const one of below) {
      const refused = kindRefusal(moved, lineOf(moved, one), element(moved, one)?.type ?? 'block')
      if (refused) return refused
    }
  work.lockedBelow.moves += 1
  work.move(moved, below)
  return undefined
}

function rename(work: Work, { uid, from, name }: RenameOperation): Refusal | undefined {
  const { state, context } = work
  const record = element(state, uid)
  if (uid === state.rootUid) return { code: 'root-undeletable' }
  if (record === undefined) return { code: 'element-gone' }
  if (record.name !== from) return { code: 'stale-place', element: uid }
  const line = lineOf(state, uid)
  const refused = placeRefusal(work, uid, line) ?? structureRefusal(state, line, 'add', context)
  if (refused) return refused
  const moved = withMoved(state, uid, { parent: record.parent, order: record.order, name })
  if (isNamed(moved, line)) return { code: 'rule-refers', element: uid }
  work.move(moved, subtreeUids(state, uid))
  return undefined
}

/** Rules go by names, and stand where they do: neither changes under their hands. */
function placeRefusal(work: Work, uid: string, line: readonly string[]): Refusal | undefined {
  const { state } = work
  if (isUngoverned(state)) return undefined
  if (isNamed(state, line) || holdsAnchor(state, uid)) return { code: 'rule-refers', element: uid }
  const held = lockWithin(work, uid)
  return held && { code: 'locked', rule: held.uid, element: held.lock.on }
}

function describe(work: Work, { uid, label, help }: DescribeOperation): Refusal | undefined {
  const { state, context } = work
  const record = element(state, uid)
  if (record === undefined) return { code: 'element-gone' }
  const line = lineOf(state, uid)
  const refused = structureRefusal(state, line, 'add', context)
  if (refused) return refused
  const { label: _label, help: _help, ...rest } = record
  work.setElement(uid, {
    ...rest,
    ...(label !== undefined && { label }),
    ...(help !== undefined && { help }),
  })
  return undefined
}

/** A type whose limits no value could be held against is refused: it would be found out by whoever uses it. */
function define(work: Work, { uid, type }: DefineOperation): Refusal | undefined {
  if (isTaken(work.state, uid)) return { code: 'uid-in-use' }
  try {
    checkLimitsOf(type, type.base === 'block' ? 'text' : type.base === 'integer' ? 'decimal' : type.base)
  } catch (error) {
    if (error instanceof CountersignError) return { code: 'bad-rule', rule: uid }
    throw error
  }
  work.put(uid, { kind: 'type', by: work.context.author, type })
  return undefined
}

function voteOn(work: Work, agenda: Agenda, uid: string, yes: boolean): Refusal | undefined {
  const proposal = work.record(uid, 'proposal')
  if (proposal) return voteOnProposal(work, uid, proposal, yes)
  const draftRecord = work.record(uid, 'draft')
  if (draftRecord) return voteOnDraft(work, uid, draftRecord, yes)
  const rule = work.record(uid, 'rule')
  return rule
    ? answer(work, agenda, uid, withVote({ ...rule, yes: rule.yes ?? [] }, work.context.author, yes))
    : { code: 'gone', rule: uid }
}

function withdraw(work: Work, uid: string): Refusal | undefined {
  const record = work.record(uid, 'proposal') ?? work.record(uid, 'draft')
  if (record === undefined) return { code: 'gone', rule: uid }
  if (record.by !== work.context.author) return { code: 'not-yours', rule: uid }
  work.put(uid, undefined)
  return undefined
}

export type { ContractState }
export { isStale }
