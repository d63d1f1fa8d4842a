/**
 * A template looked at as a whole (PROTOCOL TPL-1): what its rules name is there, their expressions are of the type that is asked
 * for, nothing goes round in a circle, and a contract made of it begins without breaking its own rules. Parties that nobody has
 * stand in for the roles.
 */
import { CountersignError } from '../../crypto/errors.ts'
import { hashOf } from '../../crypto/hash.ts'
import { checkValue } from '../../document/types.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { ProvenCard } from '../../ledger/epoch.ts'
import { contractId, GENESIS_ROOT, type Genesis } from '../../ledger/genesis.ts'
import type { Operation } from '../../ledger/request.ts'
import { commitmentOf, type Opening } from '../../ledger/value.ts'
import type { ContractState } from '../elements.ts'
import { compilePattern } from '../feel/pattern.ts'
import type { Random } from '../place.ts'
import { isWithinLimits } from '../rules/checks.ts'
import { prepareRule } from '../rules/draft-check.ts'
import { genesisResults, genesisState } from '../state.ts'
import { checkPrivate } from './check-private.ts'
import { badTemplate, type Template, type TemplateElement } from './format.ts'
import { type Instance, instantiate } from './instantiate.ts'
import type { Cast, Casting } from './roles.ts'
import { type Node, nodesOf, typesOf } from './tree.ts'

/** @throws CountersignError `bad-template`, `bad-format`, `bad-value`, `too-large`; `bad-rule`, `bad-expression`, `wrong-type` with the rule and position */
export function checkTemplate(template: Template): void {
  checkNames(template)
  for (const node of nodesOf(template)) checkNode(template, node, 'tree')
  const casting = trialCasting(template)
  const instance = instantiate(template, casting, counted())
  const { withoutRules, whole } = genesesOf(template, instance, membersOf(template, casting))
  const openings = new Map(instance.openings.map((one): [string, Opening] => [commitmentOf(one), one]))
  const { state } = genesisState(contractId(withoutRules), withoutRules, openings)
  for (const operation of instance.operations) checkDraft(state, instance, operation)
  try {
    genesisResults(whole, openings)
  } catch (error) {
    throw named(error, instance, whole)
  }
  checkPrivate(template, instance, state)
}

/** A party that nobody has, in the place of one that has a role; two for a role that several may have. */
function trialCasting({ roles }: Template): Casting {
  const cast: Cast = Object.fromEntries(
    roles.map(({ name, repeated }) => {
      const count = repeated ? 2 : 1
      return [name, Array.from({ length: count }, (_, index) => hashOf('template-role', `${name} ${index}`))]
    }),
  )
  return { cast, timeMs: 0 }
}

/** Cards of nobody: execution asks for no more of them than whose they are. */
function membersOf({ roles }: Template, { cast }: Casting): ProvenCard[] {
  const parties = roles.filter(({ observer }) => !observer).flatMap(({ name }) => cast[name] ?? [])
  return parties.map((party) => ({ card: { party }, signature: '' }) as unknown as ProvenCard)
}

/** Bytes that nobody has to guess: what is made of them is thrown away. */
function counted(): Random {
  let count = 0
  return (sizeBytes) => {
    count += 1
    const bytes = new Uint8Array(sizeBytes)
    new DataView(bytes.buffer).setUint32(sizeBytes - 4, count)
    return bytes
  }
}

function genesesOf(
  template: Template,
  { operations }: Instance,
  members: ProvenCard[],
): Record<'withoutRules' | 'whole', Genesis> {
  const base: Omit<Genesis, 'operations'> = {
    version: 1,
    name: template.name,
    creator: '0'.repeat(64),
    nonce: 'A'.repeat(22),
    timeMs: 0,
    members,
    policy: {
      quorum: 'majority',
      clockBoundMs: 60_000,
      silenceMs: null,
      admission: { invite: 'any', admit: 'every' },
    },
    executionVersion: 1,
  }
  const elements = operations.filter(({ op }) => op === 'create' || op === 'define')
  return { withoutRules: { ...base, operations: elements }, whole: { ...base, operations } }
}

function checkNames(template: Template): void {
  const { roles, types, rules, phases, firstPhase, movedBy = [], off = [] } = template
  const once = (what: string, names: readonly string[]): void => {
    const seen = new Set<string>()
    for (const name of names) {
      if (seen.has(name)) badTemplate(what, `${name} stands there twice`)
      seen.add(name)
    }
  }
  once(
    'roles',
    roles.map(({ name }) => name),
  )
  once(
    'types',
    types.map(({ name }) => name),
  )
  once(
    'rules',
    rules.map(({ name }) => name),
  )
  once(
    'phases',
    phases.map(({ name }) => name),
  )
  if (template.edition > 1 && template.ancestor === undefined)
    badTemplate(
      'ancestor',
      `edition ${template.edition} says as ancestor the hash of the edition before, which a check of that prints`,
    )
  if (template.edition === 1 && template.ancestor !== undefined)
    badTemplate('edition', 'the first edition has no ancestor; count it up where it comes after another')
  for (const { name, members = [] } of types)
    once(
      `type ${name}`,
      members.map((member) => member.name),
    )
  const typeNames = new Set(types.map(({ name }) => name))
  for (const { name, members = [] } of types)
    for (const { typed } of members)
      if (typed !== undefined && !typeNames.has(typed))
        badTemplate(`type ${name}`, `there is no type ${typed}`)
  for (const type of types) if (type.pattern !== undefined) compilePattern(type.pattern)
  const known = new Set(['edit', 'live', ...phases.map(({ name }) => name)])
  if (firstPhase !== undefined && !known.has(firstPhase))
    badTemplate('firstPhase', `there is no phase ${firstPhase}`)
  for (const word of movedBy)
    if (!roles.some(({ name }) => word === `@${name}`)) badTemplate('movedBy', `there is no role ${word}`)
  for (const { name, owner, each } of rules)
    for (const role of [owner, ...(each === undefined ? [] : [each])])
      if (!roles.some((one) => one.name === role)) badTemplate(`rule ${name}`, `there is no role ${role}`)
  for (const { name, owner } of rules)
    if (roles.find((role) => role.name === owner)?.observer)
      badTemplate(`rule ${name}`, `an observer owns no rules; ${owner} is one`)
  for (const set of off)
    if (!rules.some((rule) => rule.set === set)) badTemplate('off', `there is no rule set ${set}`)
}

function checkNode(template: Template, node: Node, place: string, isItem = false): void {
  const here = `${place} › ${node.name}`
  const { each, type, typed, value, children } = node
  if (each !== undefined) {
    const role = template.roles.find(({ name }) => name === each)
    if (role === undefined) badTemplate(here, `there is no role ${each}`)
    if (!isItem) badTemplate(here, 'what there is for each party of a role is an item of a list')
    if (!children.some((child) => child.type === 'party' && child.value === `@${each}`))
      badTemplate(here, `one of its fields, of type party, has to say whose it is: “@${each}”`)
  }
  if (type !== undefined && value !== undefined) {
    if (type === 'party') checkPartyValue(template, value, here)
    else {
      checkValue(type, value)
      const limits = typed === undefined ? undefined : typesOf(template).get(typed)
      if (limits !== undefined && !isWithinLimits(limits, type, value))
        badTemplate(here, `its value is none of the type ${typed}`)
    }
  }
  for (const child of children) checkNode(template, child, here, node.kind === 'list')
}

function checkPartyValue({ roles }: Template, value: TemplateElement['value'], here: string): void {
  if (!roles.some(({ name }) => value === `@${name}`))
    badTemplate(here, 'a field of type party holds @role, or nothing')
}

/** A rule by itself, on the elements that the template begins with. */
function checkDraft(state: ContractState, instance: Instance, operation: Operation): void {
  if (operation.op !== 'draft' || operation.action.do !== 'add') return
  const { rule } = operation.action
  const body: RuleBody = rule.at === GENESIS_ROOT ? { ...rule, at: state.rootUid } : rule
  try {
    prepareRule(state, body)
  } catch (error) {
    throw about(error, nameOf(instance, operation.uid))
  }
}

function nameOf({ rules }: Instance, uid: string): string {
  return rules.find((rule) => rule.uid === uid)?.name ?? 'of the template'
}

function about(error: unknown, rule: string): unknown {
  if (!(error instanceof CountersignError)) return error
  return new CountersignError(error.code, `rule ${rule}: ${error.message}`, { ...error.detail, rule })
}

/** What stands against the first state of a contract, with the names that rules have in the template. */
function named(error: unknown, instance: Instance, { operations }: Genesis): unknown {
  if (!(error instanceof CountersignError)) return error
  const { code, position, rule: uid } = error.detail ?? {}
  if (code === undefined) return error
  const operation = operations[position as number]
  const broken = instance.rules.find((rule) => rule.uid === uid)?.name
  const rule = operation?.op === 'draft' ? nameOf(instance, operation.uid) : broken
  if (code === 'bad-rule' && rule !== undefined)
    return new CountersignError(
      'bad-rule',
      `rule ${rule}: it computes from what it is itself computed from, in a circle with rules before it`,
      { rule },
    )
  const where = rule === undefined ? 'template' : `rule ${rule}`
  return new CountersignError(
    'bad-template',
    `${where}: a contract made of it breaks its own rules from the beginning (${String(code)})`,
    { place: where, code },
  )
}
