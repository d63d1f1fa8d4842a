/**
 * From a template and its parties to what makes a contract (PROTOCOL TPL-2), or a part of one: the elements at once, the rules as
 * drafts for every member to say yes to.
 */
import { hexEncode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { GENESIS_ROOT } from '../../ledger/genesis.ts'
import type { Operation } from '../../ledger/request.ts'
import type { DraftAction } from '../../ledger/rule-operation.ts'
import type { Opening } from '../../ledger/value.ts'
import type { ContractState } from '../elements.ts'
import { orderSpread } from '../order.ts'
import type { Random } from '../place.ts'
import { existing } from '../view.ts'
import { PHASES_RULE, type Template, templateHash } from './format.ts'
import { type Casting, completeCast } from './roles.ts'
import { type MadeRule, rulesOf } from './rules.ts'
import { defineTypes, type Made, type Making, makeAll, nodesOf } from './tree.ts'

/** A rule of a template under the UID that it has, or will have once it is published, in the contract. */
export type NamedRule = { name: string; uid: string; own?: string }

/** Operations with the openings of the values in them; rules: in the order of their drafts. */
export type Instance = { operations: Operation[]; openings: Opening[]; rules: NamedRule[] }

/** What makes a contract of a template: operations of a genesis. @throws CountersignError as `rulesOf`, `bad-template` */
export function instantiate(template: Template, given: Casting, random: Random): Instance {
  const casting = { ...given, cast: completeCast(template, given.cast) }
  const making: Making = { operations: [], openings: [] }
  const types = defineTypes(making, template.types, random)
  const children = makeAll(making, { casting, types, random }, nodesOf(template), GENESIS_ROOT)
  const ground = { uid: GENESIS_ROOT, children, set: (name: string) => name }
  const drafts = draftsOf(rulesOf(template, casting, ground), random)
  const draftOf = (action: DraftAction): Operation => ({ op: 'draft', uid: hexEncode(random(16)), action })
  const first = template.firstPhase ?? template.phases[0]?.name
  const operations: Operation[] = [
    ...making.operations,
    // First, so that their rules are not looked at before they are asked for.
    ...(template.off ?? []).map((set) => draftOf(switchedOff(set))),
    ...drafts.operations,
    draftOf(marked(template, GENESIS_ROOT)),
    ...(first === undefined ? [] : [{ op: 'phase', from: 'live', to: first } as const]),
  ]
  return { operations, openings: making.openings, rules: drafts.rules }
}

function switchedOff(set: string): DraftAction {
  return { do: 'switch', set, on: false }
}

function marked(template: Template, on: string, from?: string): DraftAction {
  const mark = { hash: templateHash(template), edition: template.edition }
  return { do: 'template', on, ...(from !== undefined && { from }), template: mark }
}

/** Drafts that bring rules in. */
export function draftsOf(
  rules: readonly MadeRule[],
  random: Random,
): { operations: Operation[]; rules: NamedRule[] } {
  const named = rules.map(({ name, own }): NamedRule => {
    const uid = hexEncode(random(16))
    return { name, uid, ...(own !== undefined && { own }) }
  })
  const operations = rules.map(
    ({ owner, body }, index): Operation => ({
      op: 'draft',
      uid: (named[index] as NamedRule).uid,
      action: { do: 'add', rule: body },
      owner,
    }),
  )
  return { operations, rules: named }
}

/**
 * Operations of one request that puts a template into a contract; block: the UID of the block that it is then; drafts: what every
 * member has to say yes to, and one publishes.
 */
export type Inclusion = Instance & { block: string; drafts: string[] }

/** Where a template is included, and as what. */
export type InclusionPlace = { parent: string; name: string }

/**
 * What puts a template into a contract as a block of its own, last in its parent. Its rules stand at that block, so that `_` is
 * the block. Phases are the contract's: a template that has some fits one that has none or the same ones.
 * @throws CountersignError as `rulesOf`, `not-found`, `bad-request`, `order-exhausted`
 */
export function include(
  state: ContractState,
  template: Template,
  { parent, name }: InclusionPlace,
  given: Casting,
  random: Random,
): Inclusion {
  const casting = { ...given, cast: completeCast(template, given.cast) }
  existing(state, parent)
  const siblings = state.children.get(parent)
  if (siblings === undefined)
    throw new CountersignError('bad-request', 'A field holds nothing below it; choose a block.')
  const last = siblings.at(siblings.size - 1)
  const left = last === undefined ? undefined : existing(state, last).order
  const order = orderSpread(left, undefined, 1)?.[0]
  if (order === undefined)
    throw new CountersignError('order-exhausted', `No place is left behind the element ${last}.`)
  const block = hexEncode(random(16))
  const making: Making = { operations: [], openings: [] }
  const types = defineTypes(making, template.types, random)
  const { title, help } = template
  making.operations.push({ op: 'create', uid: block, parent, name, kind: 'block', order, label: title, help })
  const children = makeAll(making, { casting, types, random }, nodesOf(template), block)
  const ground = groundOf(block, children)
  const rules = rulesOf(template, casting, ground).filter(({ name }) =>
    name === PHASES_RULE ? mayBringPhases(state, template) : true,
  )
  const drafts = draftsOf(rules, random)
  const more = [...(template.off ?? []).map((set) => switchedOff(ground.set(set))), marked(template, block)]
  const others = more.map((action): Operation => ({ op: 'draft', uid: hexEncode(random(16)), action }))
  const all = [...drafts.operations, ...others]
  return {
    operations: [...making.operations, ...all],
    openings: making.openings,
    rules: drafts.rules,
    block,
    drafts: all.flatMap((one) => (one.op === 'draft' ? [one.uid] : [])),
  }
}

/** Rule sets are named over the whole contract: those of a part of it bear its block's name too. */
export function groundOf(
  block: string,
  children: readonly Made[],
  rootUid?: string,
): { uid: string; children: readonly Made[]; set: (name: string) => string } {
  const set = (name: string): string => (block === rootUid ? name : `${name} ${block.slice(0, 8)}`)
  return { uid: block, children, set }
}

/** Whether a template's phases come with it: not where the contract has them already. @throws CountersignError `bad-request` */
export function mayBringPhases({ governance: { law } }: ContractState, { phases, name }: Template): boolean {
  if (law.phases.length === 0) return true
  const missing = phases.find((phase) => !law.phases.includes(phase.name))
  if (missing === undefined) return false
  throw new CountersignError(
    'bad-request',
    `The contract has phases of its own, and ${missing.name} of the template ${name} is none of them.`,
  )
}

/** The draft by which a block says that it is now of another edition. */
export function remarked(template: Template, on: string, from: string | undefined): DraftAction {
  return marked(template, on, from)
}
