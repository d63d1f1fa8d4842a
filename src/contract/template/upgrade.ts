/**
 * A contract, or a part of one, that was made of a template taken to its next edition (PROTOCOL TPL-4): elements that are new are
 * created at once; rules that are new, others or gone are drafts for every member to say yes to, and one publishes.
 */
import { hexEncode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { jcs } from '../../crypto/jcs.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { Operation } from '../../ledger/request.ts'
import type { DraftAction } from '../../ledger/rule-operation.ts'
import type { Opening } from '../../ledger/value.ts'
import { type ContractState, element } from '../elements.ts'
import type { OpeningSource } from '../outcome.ts'
import type { Random } from '../place.ts'
import { type Aligning, align } from './align.ts'
import { PHASES_RULE, type Template, type TemplateType, templateHash } from './format.ts'
import { groundOf, mayBringPhases, type NamedRule, remarked } from './instantiate.ts'
import { type Cast, type Casting, completeCast } from './roles.ts'
import { type MadeRule, rulesOf } from './rules.ts'
import { defineTypes, nodesOf, typesBelow, typesOf } from './tree.ts'

/**
 * One request; drafts: those in it; rules: which of them is about which rule of the template; left: in words, what has to be decided
 * by hand.
 */
export type Upgrade = {
  operations: Operation[]
  openings: Opening[]
  drafts: string[]
  rules: NamedRule[]
  left: string[]
}

/** before: who had the roles of the edition that the contract is of, where these are others. timeMs: when it was made. */
export type UpgradeCasting = Casting & { before?: Cast }

/**
 * @param at the block that was made of the template; of a contract its root
 * @throws CountersignError `bad-request` where the block is not of this edition, or the other is not the next one; as `rulesOf`
 */
export function upgrade(
  state: ContractState,
  openings: OpeningSource,
  at: string,
  from: Template,
  to: Template,
  given: UpgradeCasting,
  random: Random,
): Upgrade {
  checkEditions(state, at, from, to)
  const casting = { ...given, cast: completeCast(to, given.cast) }
  // Roles that the next edition has no more are still named by the rules that are to go.
  const earlier = { ...casting, cast: { ...noRoles(from), ...casting.cast, ...given.before } }
  const aligning: Aligning = { making: { operations: [], openings: [] }, describing: [], left: [] }
  const { making, describing, left } = aligning
  const before = rulesOf(from, earlier, {
    ...groundOf(
      at,
      align(state, openings, { casting: earlier, types: new Map(), random }, nodesOf(from), at),
      state.rootUid,
    ),
    isPartial: true,
  })
  const types = defineTypes(making, to.types, random, typesThere(state, at, from, to))
  const children = align(state, openings, { casting, types, random }, nodesOf(to), at, aligning)
  const ground = groundOf(at, children, state.rootUid)
  const hadPhases = before.some(({ name }) => name === PHASES_RULE)
  const after = rulesOf(to, casting, ground).filter(
    // A part of a contract that has phases brings none of its own.
    ({ name }) => name !== PHASES_RULE || hadPhases || mayBringPhases(state, to),
  )
  const actions: Change[] = [...changes(state, before, after, left), ...switches(from, to, ground.set)]
  actions.push({ action: remarked(to, at, templateHash(from)) })
  gone(from, to, left)
  lostPhase(state, from, to, left)
  const rules: NamedRule[] = []
  const drafts = actions.map(({ action, owner, name }): Extract<Operation, { op: 'draft' }> => {
    const uid = hexEncode(random(16))
    if (name !== undefined) rules.push({ name, uid })
    return { op: 'draft', uid, action, ...(owner !== undefined && { owner }) }
  })
  return {
    operations: [...making.operations, ...describing, ...drafts],
    openings: making.openings,
    drafts: drafts.map(({ uid }) => uid),
    rules,
    left,
  }
}

/** @throws CountersignError `bad-request` */
function checkEditions(state: ContractState, at: string, from: Template, to: Template): void {
  if (element(state, at)?.template?.hash === templateHash(to))
    throw new CountersignError('bad-request', `The block is of edition ${to.edition} of ${to.name} already.`)
  requireMadeOf(state, at, from)
  const hash = templateHash(from)
  if (to.ancestor !== hash)
    throw new CountersignError(
      'bad-request',
      `Edition ${to.edition} of ${to.name} does not come next: its ancestor is ${to.ancestor ?? 'nothing'}, and edition ` +
        `${from.edition} of ${from.name} has the hash ${hash}.`,
    )
}

/** A block was made of this edition of this template. @throws CountersignError `bad-request` */
export function requireMadeOf(state: ContractState, at: string, template: Template): void {
  const mark = element(state, at)?.template
  const hash = templateHash(template)
  if (mark?.hash === hash) return
  throw new CountersignError(
    'bad-request',
    mark === undefined
      ? 'The block was not made of a template; name one that was.'
      : `The block was not made of edition ${template.edition} of ${template.name}, whose hash is ${hash}: it was made of ` +
          `edition ${mark.edition} of the template with the hash ${mark.hash}.`,
  )
}

/** A phase that the next edition has no more comes before all others: that has to be known. */
function lostPhase({ governance }: ContractState, from: Template, to: Template, left: string[]): void {
  const { phase } = governance.workflow
  const has = ({ phases }: Template): boolean => phases.some(({ name }) => name === phase)
  if (has(from) && !has(to))
    left.push(
      `phase ${phase}: the contract is in it, and the template has it no more; move on before, or after`,
    )
}

const noRoles = ({ roles }: Template) => Object.fromEntries(roles.map(({ name }) => [name, []]))

/** name: of the rule that it is about, in the template. */
type Change = { action: DraftAction; owner?: string; name?: string }

/** Drafts for every rule that is not as it was. A rule that the members have changed themselves stays as they have it. */
function changes(
  state: ContractState,
  before: readonly MadeRule[],
  after: readonly MadeRule[],
  left: string[],
): Change[] {
  const live = new Map<string, string[]>()
  for (const [uid, { rule }] of state.governance.law.rules) {
    const key = keyOf(rule)
    live.set(key, [...(live.get(key) ?? []), uid])
  }
  const take = ({ body }: MadeRule): string | undefined => live.get(keyOf(body))?.shift()
  const earlier = new Map(before.map((rule) => [placeOf(rule), rule]))
  const made: Change[] = []
  for (const rule of after) {
    const { name, owner, body } = rule
    const was = earlier.get(placeOf(rule))
    earlier.delete(placeOf(rule))
    if (was !== undefined && isSame(was, rule)) continue
    const uid = was && take(was)
    if (uid !== undefined) made.push({ action: { do: 'replace', rule: uid, by: body }, owner, name })
    // Members may have brought in themselves what the next edition says.
    else if (take(rule) !== undefined) continue
    else if (was === undefined) made.push({ action: { do: 'add', rule: body }, owner, name })
    else left.push(`rule ${name}: it was changed here, and stays; compare it by hand`)
  }
  for (const rule of earlier.values()) {
    const uid = take(rule)
    if (uid !== undefined) made.push({ action: { do: 'repeal', rule: uid }, name: rule.name })
  }
  return made
}

function isSame(one: MadeRule, other: MadeRule): boolean {
  return one.owner === other.owner && jcs(one.body) === jcs(other.body)
}

const placeOf = ({ name, own, body }: MadeRule): string => `${name} ${own ?? ''} ${body.at}`

/** A rule's body but for when its grants end, which follows from when it was made: so it is found again. */
function keyOf(body: RuleBody): string {
  if (body.behaviour.kind !== 'access') return jcs(body)
  const grants = body.behaviour.grants.map(({ untilMs, ...grant }) => ({
    ...grant,
    ends: untilMs !== undefined,
  }))
  return jcs({ ...body, behaviour: { ...body.behaviour, grants } })
}

function switches(from: Template, to: Template, set: (name: string) => string): Change[] {
  const fresh = (to.off ?? []).filter((name) => !from.off?.includes(name))
  return fresh.map((name) => ({ action: { do: 'switch', set: set(name), on: false } }))
}

/** Types that are in the contract as the next edition has them: a named type never changes. */
function typesThere(state: ContractState, at: string, from: Template, to: Template): Map<string, string> {
  const [old, next] = [typesOf(from), typesOf(to)]
  const isSame = (name: string, within: readonly string[] = []): boolean => {
    if (within.includes(name)) return true
    const [first, second] = [old.get(name), next.get(name)]
    if (first === undefined || second === undefined || jcs(first) !== jcs(second)) return false
    return typesIn(second).every((one) => isSame(one, [...within, name]))
  }
  const there = new Map<string, string>()
  for (const [uid, { name }] of typesBelow(state, at))
    if (isSame(name) && !there.has(name)) there.set(name, uid)
  return there
}

function typesIn({ members = [] }: TemplateType): string[] {
  return members.flatMap(({ typed }) => (typed === undefined ? [] : [typed]))
}

/** Elements that the next edition has no more stay, with what is in them. */
function gone(from: Template, to: Template, left: string[]): void {
  const pathsOf = (nodes: ReturnType<typeof nodesOf>, above = ''): string[] =>
    nodes.flatMap(({ name, children }) => [`${above}${name}`, ...pathsOf(children, `${above}${name} › `)])
  const kept = new Set(pathsOf(nodesOf(to)))
  for (const path of pathsOf(nodesOf(from)))
    if (!kept.has(path)) left.push(`${path}: the template has it no more; delete it if nobody needs it`)
}
