/**
 * Whether somebody may do something to an element: access, ownership, locks, and what rules keep to themselves (RUL-4, RUL-5).
 */
import type { Access, AccessAction, Grant } from '../../ledger/behaviour.ts'
import { type ContractState, element, subtreeUids } from '../elements.ts'
import type { StateRecord } from '../record.ts'
import type { RuleCode } from './codes.ts'
import type { Law, LawRule } from './law.ts'
import { elementsAt, lineOf, pathKey, stepsFrom } from './paths.ts'
import type { LockRecord } from './records.ts'
import type { RequestContext, Work } from './work.ts'

/** Why a request is not accepted: by which rule, about which element. */
export type Refusal = { code: RuleCode; rule?: string; element?: string }

/** A rule that is about an element or something that it lies in; uid: what it is about. */
export type Over = { rule: LawRule; uid: string; isSelf: boolean }

/** Every rule in force that is about an element or one that it lies in, from the root down. line: of the element. */
export function* rulesOver(state: ContractState, line: readonly string[]): Generator<Over> {
  const { law } = state.governance
  if (law.rules.size === 0) return
  const self = line.at(-1)
  for (const { at, steps } of stepsFrom(state, line, (uid) => law.anchors.has(uid)))
    for (const { uid, names } of steps)
      for (const rule of law.about.get(pathKey(at, names)) ?? [])
        if (isOn(state, rule)) yield { rule, uid, isSelf: uid === self }
}

/** Whether a rule's set is switched on. */
export function isOn({ governance }: ContractState, { rule: { set } }: LawRule): boolean {
  return set === undefined || !governance.workflow.off?.includes(set)
}

/** The rules of one kind over an element. */
export function* over<K extends LawRule['rule']['behaviour']['kind']>(
  state: ContractState,
  line: readonly string[],
  kind: K,
): Generator<Over & { behaviour: Extract<LawRule['rule']['behaviour'], { kind: K }> }> {
  for (const one of rulesOver(state, line)) {
    const { behaviour } = one.rule.rule
    if (behaviour.kind === kind)
      yield { ...one, behaviour: behaviour as Extract<LawRule['rule']['behaviour'], { kind: K }> }
  }
}

/** The rule that computes a field's value, if one does: nobody types it. */
export function computedBy(state: ContractState, line: readonly string[]): LawRule | undefined {
  for (const { rule, isSelf } of rulesOver(state, line)) {
    const { kind } = rule.rule.behaviour
    if (isSelf && (kind === 'assignment' || kind === 'aggregate')) return rule
  }
  return undefined
}

/** How far the phases have come: 0 is `edit`. A phase that no rule names comes first. */
export function phaseIndex({ phases }: Law, phase: string): number {
  return phases.indexOf(phase) + 1
}

function isGranted(
  state: ContractState,
  { party, untilMs, untilPhase }: Grant,
  who: string,
  timeMs: number,
): boolean {
  if (party !== who || (untilMs !== undefined && timeMs >= untilMs)) return false
  if (untilPhase === undefined) return true
  const { law, workflow } = state.governance
  return phaseIndex(law, workflow.phase) < phaseIndex(law, untilPhase)
}

/** The rule by which a party may not do this to an element; undefined where it may. */
export function accessRefused(
  state: ContractState,
  line: readonly string[],
  action: AccessAction,
  who: string,
  timeMs: number,
): LawRule | undefined {
  for (const { rule, behaviour } of over(state, line, 'access'))
    if (behaviour.actions.includes(action) && !hasGrant(state, behaviour, who, timeMs)) return rule
  return undefined
}

/**
 * Who may see what a field holds: parties that are in the contract, in order; undefined for everybody. Several rules narrow one
 * another.
 */
export function readersAt(
  state: ContractState,
  line: readonly string[],
  timeMs: number,
): string[] | undefined {
  if (!state.governance.law.hasPrivate) return undefined
  let readers: string[] | undefined
  for (const { behaviour } of over(state, line, 'access')) {
    if (!behaviour.actions.includes('see')) continue
    readers ??= [...state.epoch.members, ...(state.epoch.observers ?? []).map(([party]) => party)]
    readers = readers.filter((party) => hasGrant(state, behaviour, party, timeMs))
  }
  return readers && [...new Set(readers)].sort()
}

/**
 * Whether a party may see the private value in a record, an element's or a proposal's: it could when it was set, or it may now.
 * @param uid of the record
 */
export function mayRead(
  state: ContractState,
  uid: string,
  record: StateRecord,
  party: string,
  timeMs: number,
): boolean {
  const readers = 'readers' in record ? record.readers : undefined
  if (readers === undefined || readers.includes(party)) return true
  const field = 'on' in record && typeof record.on === 'string' ? record.on : uid
  return readersAt(state, lineOf(state, field), timeMs)?.includes(party) ?? false
}

/** Whether a value is put forward for other readers than those who may see it. */
export function readersRefusal(
  { state, context }: Pick<Work, 'state' | 'context'>,
  { uid, value, readers }: { uid: string; value?: string; readers?: readonly string[] },
): Refusal | undefined {
  if (value === undefined) return undefined
  const due = context.isGenesis ? undefined : readersAt(state, lineOf(state, uid), context.timeMs)
  return due?.join() === readers?.join() ? undefined : { code: 'wrong-readers', element: uid }
}

/** Whether a party may do, now, what an access rule is about. */
export function hasGrant(state: ContractState, { grants }: Access, who: string, timeMs: number): boolean {
  return grants.some((grant) => isGranted(state, grant, who, timeMs))
}

/** A lock that somebody else holds on an element or something that it lies in. */
export function lockOver(
  state: ContractState,
  line: readonly string[],
  { author, timeMs }: RequestContext,
): { uid: string; lock: LockRecord } | undefined {
  const { locks } = state.governance
  if (locks.size === 0) return undefined
  for (const one of line) {
    const [uid, lock] = locks.get(one) ?? []
    if (uid !== undefined && lock !== undefined && lock.by !== author && timeMs <= lock.expiresMs)
      return { uid, lock }
  }
  return undefined
}

/** Likewise on an element or anything below it; `above` says what the locked elements lie in. */
export function lockWithin(
  { state, context, lockedBelow }: Pick<Work, 'state' | 'context' | 'lockedBelow'>,
  uid: string,
): { uid: string; lock: LockRecord } | undefined {
  if (state.governance.locks.size === 0) return undefined
  return lockedBelow
    .of(state)
    .get(uid)
    ?.find(({ lock }) => lock.by !== context.author && context.timeMs <= lock.expiresMs)
}

/** Which locks lie at or below an element: found once as long as neither locks nor places change. */
export class LockedBelow {
  #locks: unknown
  #moves = -1
  #found = new Map<string, { uid: string; lock: LockRecord }[]>()
  /** How often an element was moved since. */
  moves = 0

  of(state: ContractState): ReadonlyMap<string, { uid: string; lock: LockRecord }[]> {
    const { locks } = state.governance
    if (this.#locks === locks && this.#moves === this.moves) return this.#found
    this.#locks = locks
    this.#moves = this.moves
    this.#found = new Map()
    for (const [on, [uid, lock]] of locks)
      for (const above of lineOf(state, on)) {
        const known = this.#found.get(above)
        if (known === undefined) this.#found.set(above, [{ uid, lock }])
        else known.push({ uid, lock })
      }
    return this.#found
  }
}

/** Whether an element, or what it lies in, is switched off by an activation rule. */
export function isInactive(state: ContractState, line: readonly string[]): boolean {
  return line.some((uid) => element(state, uid)?.inactive === true)
}

/** Why nothing is done in a block that is switched off: by which rule, as long as one is behind it. */
export function inactiveRefusal(
  state: ContractState,
  line: readonly string[],
  uid: string,
): Refusal | undefined {
  const block = line.find((one) => element(state, one)?.inactive === true)
  if (block === undefined) return undefined
  const rule = switchOf(state, block)
  return { code: 'not-active', ...(rule !== undefined && { rule }), element: uid }
}

/** The rule that a block's being there depends on: of activation, or a trigger that is to bring it in. */
function switchOf(state: ContractState, block: string): string | undefined {
  for (const { rule, isSelf } of over(state, lineOf(state, block), 'activation')) if (isSelf) return rule.uid
  const rules = [...state.governance.law.rules.values()].filter(({ rule: { at, behaviour } }) => {
    if (behaviour.kind !== 'trigger') return false
    return behaviour.actions.some(
      (one) => one.do === 'activate' && elementsAt(state, at, one.target, false).includes(block),
    )
  })
  // Whatever order the rules are held in.
  return rules.map(({ uid }) => uid).sort()[0]
}

/** Why an author may not add or remove here; `line` is that of the element that comes or goes. */
export function structureRefusal(
  state: ContractState,
  line: readonly string[],
  action: 'add' | 'remove',
  context: RequestContext,
): Refusal | undefined {
  const uid = line.at(-1) as string
  const above = line.slice(0, -1)
  const { author, timeMs } = context
  let isOwner = false
  for (const { rule, behaviour } of over(state, above, 'ownership')) {
    if (behaviour.owner !== author) return { code: 'not-owner', rule: rule.uid, element: uid }
    isOwner = true
  }
  const access = accessRefused(state, line, action, author, timeMs)
  if (access) return { code: 'access-denied', rule: access.uid, element: uid }
  const lock = isOwner ? undefined : lockOver(state, above, context)
  if (lock) return { code: 'locked', rule: lock.uid, element: lock.lock.on }
  return inactiveRefusal(state, above, uid)
}

/** Whether a rule stands at an element or below it. */
export function holdsAnchor(state: ContractState, uid: string): boolean {
  const { anchors } = state.governance.law
  if (anchors.size === 0) return false
  if (anchors.size < 64)
    return [...anchors].some((anchor) => anchor !== state.rootUid && lineOf(state, anchor).includes(uid))
  return subtreeUids(state, uid).some((below) => anchors.has(below))
}

/** Whether a rule needs the name that an element has, or its place. */
export function isNamed(state: ContractState, line: readonly string[]): boolean {
  const { law } = state.governance
  for (const { at, steps } of stepsFrom(state, line, (uid) => law.anchors.has(uid)))
    if (steps.length > 1 && law.named.has(pathKey(at, steps.at(-1)?.names ?? []))) return true
  return false
}
