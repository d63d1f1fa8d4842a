/** What putting a template into a contract, or taking a part of one to the next edition, comes to: looked at before it is signed. */
import { runOperations } from '../../contract/apply.ts'
import type { Edit } from '../../contract/edit.ts'

import { conflictsOf } from '../../contract/rules/conflicts.ts'
import { type ContractState, element } from '../../contract/state.ts'
import { checkTemplate } from '../../contract/template/check.ts'
import { parseTemplate, type Template, templateHash } from '../../contract/template/format.ts'
import { include, type NamedRule } from '../../contract/template/instantiate.ts'
import { recast } from '../../contract/template/recast.ts'
import type { Cast } from '../../contract/template/roles.ts'
import { upgrade } from '../../contract/template/upgrade.ts'
import { pathOf } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { checkName } from '../../document/names.ts'
import { ITEM } from '../../document/tree.ts'
import type { ProvenCard } from '../../identity/card.ts'
import type { Operation } from '../../ledger/request.ts'
import { commitmentOf, type Opening } from '../../ledger/value.ts'
import type { Context } from '../context.ts'
import { RawJson } from '../json-body.ts'
import { refusalError, refusalView, UNSIGNED } from '../refusals.ts'
import { namer, recordOf } from '../rules/look.ts'
import { draftView } from '../rules/views.ts'
import { placeUid } from '../rules/wishes.ts'
import type { NewInclusion, NewUpgrade, PlanView } from './schemas.ts'

/** One request, and what it is about. */
export type Plan = {
  edit: Edit<Operation>
  block: string
  template: Template
  from?: Template
  cast: Cast
  rules: readonly NamedRule[]
  left: readonly string[]
}

/** Elements that are shown of those that are new. */
const SHOWN_MAX = 1000

/** A template out of a body, checked. @throws CountersignError `bad-request`; as `parseTemplate`, `checkTemplate` */
export function templateIn(document: unknown, where: string): Template {
  if (!(document instanceof RawJson))
    throw new CountersignError('bad-request', `body: give the template as \`${where}\``)
  const template = parseTemplate(document.text)
  checkTemplate(template)
  return template
}

/** A card that may be let in: of a pinned party. */
export function cardOf({ node }: Context, party: string): ProvenCard | undefined {
  if (party === node.party) return node.proven(node.party, node.card)
  const peer = node.store.peer(party)
  return peer?.pinned ? node.proven(party, peer.card) : undefined
}

/** @throws CountersignError `unknown-path`, `not-found`, `bad-request`, `bad-name`, `conflict`; of the template, as `templateIn` */
export function planInclusion(context: Context, contract: string, body: NewInclusion): Plan {
  const { state } = context.states.tentative(contract)
  const template = templateIn(body.document, 'document')
  const parent = placeUid(state, body.in ?? '/')
  const isList = element(state, parent)?.kind === 'list'
  if (isList && body.name !== undefined)
    throw new CountersignError('bad-request', 'items of a list have no name of their own: leave out `name`')
  const name = isList ? ITEM : (body.name ?? template.title)
  checkName(name)
  if (!isList && (state.children.get(parent)?.countNamed(name) ?? 0) > 0)
    throw new CountersignError(
      'conflict',
      `${wordsOf(state, parent)} has an element ${JSON.stringify(name)} already: include the template under another name`,
    )
  requireMembers(context, state, template, body.roles)
  const casting = {
    cast: body.roles,
    cardOf: (party: string) => cardOf(context, party),
    timeMs: context.node.now(),
  }
  const made = include(state, template, { parent, name }, casting, context.random)
  const { operations, openings, block, rules } = made
  return { edit: { operations, openings }, block, template, cast: body.roles, rules, left: [] }
}

/** @throws CountersignError as `planInclusion` */
export function planUpgrade(context: Context, contract: string, body: NewUpgrade): Plan {
  const { state } = context.states.tentative(contract)
  const from = templateIn(body.from.document, 'from.document')
  const to = templateIn(body.to.document, 'to.document')
  const block = placeUid(state, body.on ?? '/')
  refuseSecond(context, state, block)
  const values = context.values(state)
  const before = { ...recast(state, values, block, from), ...rolesOf(from, body.roles) }
  const cast = { ...rolesOf(to, before), ...body.roles }
  requireMembers(context, state, to, cast)
  const casting = {
    cast,
    before,
    cardOf: (party: string) => cardOf(context, party),
    timeMs: madeMs(context, state, block),
  }
  const made = upgrade(state, values, block, from, to, casting, context.random)
  const { operations, openings, rules, left } = made
  return { edit: { operations, openings }, block, template: to, from, cast, rules, left }
}

/** Those of a cast whose roles a template has. */
function rolesOf({ roles }: Template, cast: Cast = {}): Record<string, readonly string[]> {
  return Object.fromEntries(
    roles.flatMap(({ name }) => {
      const parties = Object.hasOwn(cast, name) ? cast[name] : undefined
      return parties === undefined ? [] : [[name, parties]]
    }),
  )
}

/** Rules belong to members: a role goes to nobody else. */
function requireMembers(context: Context, state: ContractState, { roles }: Template, cast: Cast): void {
  const named = namer(context, state.contract)
  const { members } = state.epoch
  for (const { name, observer } of roles)
    for (const party of (observer ? undefined : cast[name]) ?? [])
      if (!members.includes(party))
        throw new CountersignError(
          'bad-request',
          `${nameOf(context, named(party))} is to be the ${name} and is no member of this contract: invite it first ` +
            '(countersign member invite), or give the role to a member',
        )
}

/** Who is no member may be a peer. */
function nameOf({ node }: Context, { party, name }: { party: string; name: string }): string {
  return name !== party ? name : (node.store.peer(party)?.card.card.name ?? `the party ${party}`)
}

/** Two upgrades of one block can't both be published: the second would be drafted for nothing. */
function refuseSecond(context: Context, state: ContractState, block: string): void {
  for (const [, { by, action }] of state.governance.drafts)
    if (action.do === 'template' && action.on === block)
      throw new CountersignError(
        'conflict',
        `${namer(context, state.contract)(by).name} has drafted already that ${pathOf(state, block)} is to be of edition ` +
          `${action.template.edition} of the template ${action.template.hash.slice(0, 12)}: vote on that ` +
          '(countersign rule list), or have it withdrawn',
      )
}

function wordsOf(state: ContractState, block: string): string {
  return block === state.rootUid ? 'the contract' : pathOf(state, block)
}

/** When a contract, or a block in it, was made: from then on the days are counted that grants are for. */
export function madeMs(context: Context, state: ContractState, block: string): number {
  const { contract } = state
  if (block === state.rootUid) return context.replica(contract).genesis.timeMs
  const [first] = context.node.store.elementHistory(contract, block)
  return first === undefined
    ? context.replica(contract).genesis.timeMs
    : context.states.header(contract, first.height).timeMs
}

/**
 * What is shown of a plan.
 * @throws CountersignError as the request would be refused with, were it sent now
 */
export function viewOf(context: Context, contract: string, plan: Plan): PlanView {
  const { state: before } = context.states.tentative(contract)
  const { edit, block, template, from, cast, rules, left } = plan
  const after = afterwards(context, before, plan)
  const named = namer(context, contract)
  const ruleNames = new Map(rules.map(({ uid, name }) => [uid, name]))
  const creates = edit.operations.flatMap((one) => (one.op === 'create' ? [one] : []))
  return {
    template: editionOf(template),
    ...(from && { from: editionOf(from) }),
    block: { uid: block, path: pathOf(after, block) },
    roles: template.roles.map(({ name, title }) => ({
      name,
      title,
      parties: (cast[name] ?? []).map((party) => ({ party, name: nameOf(context, named(party)) })),
    })),
    created: {
      count: creates.length,
      elements: creates
        .slice(0, SHOWN_MAX)
        .map(({ uid, kind, type }) => ({ path: pathOf(after, uid), kind: type ?? kind })),
    },
    described: edit.operations.flatMap((one) => (one.op === 'describe' ? [pathOf(before, one.uid)] : [])),
    drafts: edit.operations.flatMap((one) => {
      const record = one.op === 'draft' ? recordOf(after, one.uid, 'draft') : undefined
      if (one.op !== 'draft' || record === undefined) return []
      const { uid, sentence, do: what } = draftView(context, after, one.uid, record)
      const name = ruleNames.get(one.uid)
      return [{ uid, sentence, do: what, ...(name !== undefined && { name }) }]
    }),
    left: [...left, ...breaking(context, after, plan)],
    operations: edit.operations.length,
  }
}

/** Values that stand there and break a rule that is to come: it can't be published before they are others. */
function breaking(context: Context, after: ContractState, { edit, rules }: Plan): string[] {
  const own = new Map(edit.openings.map((opening): [string, Opening] => [commitmentOf(opening), opening]))
  const values = context.values(after)
  const source = { get: (commitment: string) => own.get(commitment) ?? values.get(commitment) }
  const names = new Map(rules.map(({ uid, name }) => [uid, name]))
  return conflictsOf(after, source, context.node.now()).flatMap(({ kind, records, elements }) => {
    const name = kind === 'values-break-draft' ? names.get(records[0] ?? '') : undefined
    if (name === undefined) return []
    const paths = elements.map((uid) => pathOf(after, uid)).join(', ')
    return [`rule ${name}: what stands at ${paths} breaks it; set it before the rule is published`]
  })
}

function editionOf(template: Template) {
  const { name, title, edition } = template
  return { name, title, edition, hash: templateHash(template) }
}

/** The state that the request would lead to. */
function afterwards(context: Context, state: ContractState, { edit, rules }: Plan): ContractState {
  const { chain, self } = context.replica(state.contract)
  const own = new Map(edit.openings.map((opening): [string, Opening] => [commitmentOf(opening), opening]))
  const values = context.values(state)
  const { height, timeMs } = chain.tip.block.header
  const at = {
    id: UNSIGNED,
    author: self,
    height: height + 1,
    timeMs: Math.max(timeMs, context.node.now()),
  }
  const source = { get: (commitment: string) => own.get(commitment) ?? values.get(commitment) }
  const came = runOperations(state, edit.operations, source, at)
  if (came.code === undefined) return came.state
  const { position, ...refusal } = came
  const operation = edit.operations[position]
  const name = operation?.op === 'draft' ? rules.find(({ uid }) => uid === operation.uid)?.name : undefined
  const error = refusalError(context, refusalView(context, state, refusal, edit.operations))
  throw name === undefined
    ? error
    : new CountersignError(error.code, `rule ${name} of the template: ${error.message}`, error.detail)
}
