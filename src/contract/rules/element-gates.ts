/** What rules have to say to an operation on elements before it is done (RUL-4, RUL-5), and what follows for what it takes away. */
import type { FieldType } from '../../ledger/element.ts'
import type {
  CreateOperation,
  DeleteOperation,
  ElementOperation,
  SetOperation,
} from '../../ledger/request.ts'
import { type ContractState, element } from '../elements.ts'
import { versionOf } from '../record.ts'
import { isWithinLimits } from './checks.ts'
import { holds } from './consequences.ts'
import {
  accessRefused,
  computedBy,
  holdsAnchor,
  inactiveRefusal,
  lockOver,
  lockWithin,
  over,
  type Refusal,
  readersRefusal,
  structureRefusal,
} from './gate.ts'
import { judgedOf, judgedValue } from './judging.ts'
import { lineOf, pathKey, stepsFrom } from './paths.ts'
import { type Asking, approvalsOver } from './proposals.ts'
import type { Work } from './work.ts'

/** Whether nothing at all stands around the elements: then nothing has to be asked. */
export function isUngoverned({ governance }: ContractState): boolean {
  return governance.recordCount === 0
}

/** Whether an element that has just been created may be there. `line`: in the state with it. */
export function createRefusal(work: Work, operation: CreateOperation): Refusal | undefined {
  const { state, context } = work
  const { uid, type, value, readers, typed } = operation
  if (typed !== undefined && typeMisfit(work, operation))
    return { code: 'limits-broken', rule: typed, element: uid }
  const line = lineOf(state, uid)
  const refused = structureRefusal(state, line, 'add', context) ?? kindRefusal(state, line, type ?? 'block')
  if (refused || value === undefined) return refused
  return valueRefusal(work, line) ?? readersRefusal(work, { uid, value, ...(readers && { readers }) })
}

/** Why a value may not be given to a new field: it is computed, others have to agree to it, or somebody else proposes it. */
function valueRefusal(work: Work, line: readonly string[]): Refusal | undefined {
  const { state, context } = work
  const element = line.at(-1) as string
  const computing = computedBy(state, line)
  if (computing) return { code: 'derived-field', rule: computing.uid, element }
  const [asking] = approvalsOver(state, line)
  if (asking) return { code: 'needs-approval', rule: asking.rule.uid, element }
  const access = accessRefused(state, line, 'propose', context.author, context.timeMs)
  return access && { code: 'access-denied', rule: access.uid, element }
}

/** Whether a field may be set; `asking`: it is proposed instead. */
export function setRefusal(work: Work, operation: SetOperation): { asking: Asking[] } | Refusal {
  const { state, context } = work
  const { uid, type, value, readers } = operation
  const line = lineOf(state, uid)
  const unread = readersRefusal(work, operation)
  if (line.length === 0 || isUngoverned(state)) return unread ?? { asking: [] }
  const lock = lockOver(state, line, context)
  if (lock) return { code: 'locked', rule: lock.uid, element: lock.lock.on }
  const access = accessRefused(state, line, 'propose', context.author, context.timeMs)
  if (access) return { code: 'access-denied', rule: access.uid, element: uid }
  const computing = computedBy(state, line)
  if (computing) return { code: 'derived-field', rule: computing.uid, element: uid }
  const refused =
    inactiveRefusal(state, line, uid) ?? kindRefusal(state, line, type) ?? holderRefusal(work, line)
  if (refused) return refused
  if (unread) return unread
  const { typed } = element(state, uid) ?? {}
  if (typed !== undefined && value !== undefined && typeMisfit(work, { ...operation, typed }))
    return { code: 'limits-broken', rule: typed, element: uid }
  const asking = approvalsOver(state, line)
  if (asking.length > 0 && value !== undefined && work.taken === undefined)
    // What could never be agreed to is not proposed.
    for (const { rule, behaviour, isSelf } of over(state, line, 'limits'))
      if (
        isSelf &&
        !holds(work, { rule: rule.uid, element: uid }, judgedValue(state, operation), () =>
          isWithinLimits(behaviour, type, work.valueOf({ value, readers }).value),
        )
      )
        return { code: 'limits-broken', rule: rule.uid, element: uid }
  return { asking }
}

/** Who holds something passes it on; what nobody holds yet, anybody gives. */
function holderRefusal(work: Work, line: readonly string[]): Refusal | undefined {
  const uid = line.at(-1) as string
  const { value, readers } = element(work.state, uid) ?? {}
  if (value === undefined || work.taken !== undefined) return undefined
  for (const { rule, isSelf } of over(work.state, line, 'transfer'))
    if (
      isSelf &&
      !holds(
        work,
        { rule: rule.uid, element: uid },
        judgedOf(work.state, () => [uid]),
        () => {
          return work.valueOf({ value, readers }).value === work.context.author
        },
      )
    )
      return { code: 'not-holder', rule: rule.uid, element: uid }
  return undefined
}

/** Whether an element, with all below it, may be taken away. */
export function deleteRefusal(work: Work, { uid }: DeleteOperation): Refusal | undefined {
  const { state, context } = work
  if (isUngoverned(state)) return undefined
  const line = lineOf(state, uid)
  if (line.length === 0) return undefined
  const refused = structureRefusal(state, line, 'remove', context)
  if (refused) return refused
  const lock = lockWithin(work, uid)
  if (lock) return { code: 'locked', rule: lock.uid, element: lock.lock.on }
  return holdsAnchor(state, uid) ? { code: 'rule-refers', element: uid } : undefined
}

/** What rules need stays of its kind: a number a number, a single block single. @param line of the element, in a state with it */
export function kindRefusal(
  state: ContractState,
  line: readonly string[],
  type: FieldType | 'block',
): Refusal | undefined {
  const { law } = state.governance
  const uid = line.at(-1) as string
  const record = element(state, uid)
  if (law.kinds.size === 0 || type === 'null' || record === undefined) return undefined
  for (const { at, steps } of stepsFrom(state, line, (one) => law.anchors.has(one))) {
    const kind = steps.length > 1 ? law.kinds.get(pathKey(at, steps.at(-1)?.names ?? [])) : undefined
    if (kind === undefined) continue
    const isList = kind.startsWith('list of ')
    const isItem = element(state, record.parent)?.kind === 'list'
    const isAlone = state.children.get(record.parent)?.countNamed(record.name) === 1
    const fits =
      record.kind === 'list'
        ? isList && isAlone
        : isSameKind(type, isList ? kind.slice(8) : kind) && (isList || isAlone || isItem)
    if (!fits) return { code: 'type-fixed', element: uid }
  }
  return undefined
}

function isSameKind(type: string, kind: string): boolean {
  const isNumber = (one: string): boolean => one === 'integer' || one === 'decimal'
  return type === kind || kind === 'null' || (isNumber(type) && isNumber(kind))
}

/** Whether a value is none of a named type. */
function typeMisfit(
  work: Work,
  operation: Pick<CreateOperation, 'uid' | 'typed' | 'type' | 'value' | 'readers'>,
): boolean {
  const { uid, typed, type, value, readers } = operation
  const record = typed === undefined ? undefined : work.record(typed, 'type')
  if (record === undefined) return true
  const { base } = record.type
  if ((type ?? 'block') !== base && !(base === 'decimal' && type === 'integer')) return true
  if (value === undefined || type === undefined || work.taken !== undefined) return false
  return !holds(work, { rule: typed as string, element: uid }, judgedValue(work.state, operation), () =>
    isWithinLimits(record.type, type, work.valueOf({ value, readers }).value),
  )
}

/** The version that a proposal is made against must be the one that is there. */
export function isStale(work: Work, { uid, seen }: SetOperation): boolean {
  const record = element(work.state, uid)
  return record?.kind !== 'field' || versionOf(record) !== seen
}

export type { ElementOperation }
