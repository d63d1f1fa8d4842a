/**
 * A contract made of a template of `templates/`, played through: every request is executed as `Agreement` does, and it is counted for
 * each rule of the template how often it had an effect, and how often it stood against something. A scenario is complete once each has
 * done both.
 */
import { readFileSync } from 'node:fs'
import { createOperations } from '../../src/contract/edit.ts'
import { Agenda, addTouched } from '../../src/contract/rules/agenda.ts'
import { CHECKED_KINDS, isMissing } from '../../src/contract/rules/checks.ts'
import { evaluate } from '../../src/contract/rules/consequences.ts'
import { hasGrant, isInactive, rulesOver } from '../../src/contract/rules/gate.ts'
import type { LawRule } from '../../src/contract/rules/law.ts'
import { elementsAt, lineOf } from '../../src/contract/rules/paths.ts'
import type { RuleRecord } from '../../src/contract/rules/records.ts'
import { Work } from '../../src/contract/rules/work.ts'
import { type ContractState, childrenOf, element } from '../../src/contract/state.ts'
import { checkTemplate } from '../../src/contract/template/check.ts'
import { PHASES_RULE, parseTemplate, type Template } from '../../src/contract/template/format.ts'
import { instantiate, type NamedRule } from '../../src/contract/template/instantiate.ts'
import type { Cast } from '../../src/contract/template/roles.ts'
import { block, type DocumentNode, type FieldType, field } from '../../src/document/tree.ts'
import { type ProvenCard, partyOf } from '../../src/identity/card.ts'
import type { Operation } from '../../src/ledger/request.ts'
import { commitmentOf, type Value } from '../../src/ledger/value.ts'
import { Agreement, type Came } from './agreement.ts'
import { seededRandom } from './contract.ts'
import { fixtureParty, seededBytes } from './ledger-parties.ts'

export function templateFile(name: string): Template {
  const text = readFileSync(new URL(`../../templates/${name}.json`, import.meta.url), 'utf8')
  const template = parseTemplate(text)
  checkTemplate(template)
  return template
}

/** Whose role it is by the names of parties: `{broker: 'Acme', follower: ['Beta', 'Cove']}`. */
export type Roles = Record<string, string | readonly string[]>

export function cardOf(name: string): ProvenCard {
  return fixtureParty(name, seededBytes(name)).signedCard
}

export function castOf(roles: Roles): Cast {
  return Object.fromEntries(
    Object.entries(roles).map(([role, names]) => [
      role,
      [names].flat().map((name) => partyOf(cardOf(name as string).card)),
    ]),
  )
}

type Count = { done: number; refused: number }

export class Play extends Agreement {
  readonly template: Template
  readonly counts = new Map<string, Count>()
  readonly #rules: Map<string, string>

  private constructor(template: Template, members: readonly string[], roles: Roles) {
    const cards = new Map(
      Object.values(roles)
        .flat()
        .map((name) => [partyOf(cardOf(name).card), cardOf(name)]),
    )
    const casting = {
      cast: castOf(roles),
      cardOf: (party: string) => cards.get(party),
      timeMs: 1_700_000_000_000,
    }
    const made = instantiate(template, casting, seededRandom(template.name))
    super(members, '{}', [], { elements: made.operations, openings: made.openings })
    this.template = template
    this.#rules = new Map(made.rules.map(({ name, uid }: NamedRule) => [uid, name]))
    for (const { name } of template.rules) this.counts.set(name, { done: 0, refused: 0 })
    // What a trigger waits for was looked at, and is not so.
    for (const [uid, , result] of this.genesis.results ?? []) {
      const kind = this.state.governance.law.rules.get(uid)?.rule.behaviour.kind
      if (kind === 'trigger' && result === false) this.#count(uid, 'refused')
    }
    if (template.phases.length > 0) this.counts.set(PHASES_RULE, { done: 0, refused: 0 })
  }

  /** @param outside names in `roles` that are no members on the first day */
  static of(name: string, roles: Roles, outside: readonly string[] = []): Play {
    const names = [...new Set(Object.values(roles).flat())].filter((one) => !outside.includes(one))
    return new Play(templateFile(name), names, roles)
  }

  /** The rules that have not yet done both: `name: never …`. */
  unproven(): string[] {
    return [...this.counts].flatMap(([name, { done, refused }]) => [
      ...(done > 0 ? [] : [`${name}: never had an effect`]),
      ...(refused > 0 ? [] : [`${name}: never stood against anything`]),
    ])
  }

  override run(name: string, ...operations: Operation[]): Came {
    const before = this.state
    const came = super.run(name, ...operations)
    if (came.outcome === 'accepted') this.#note(before, this.state, operations, came)
    else this.#noteRefused(before, operations, came)
    return came
  }

  override tick(): void {
    const before = this.state
    super.tick()
    this.#noteTriggers(before, this.state, [])
  }

  /** What came of a request: `accepted`, or the code with the name of the rule that stands against it. */
  said({ outcome, code, rule }: Came): string {
    if (outcome === 'accepted') return outcome
    const name = rule === undefined ? undefined : this.#rules.get(rule)
    return name === undefined ? `${code}` : `${code} ${name}`
  }

  /** Has a party set several fields in one request. */
  fill(name: string, values: Record<string, Value>): Came {
    return this.run(name, ...Object.entries(values).map(([path, value]) => this.setting(path, value)))
  }

  /** Has a party put a value forward for these alone, whatever the rules say of who may see it. */
  show(name: string, path: string, value: Value, to: readonly string[]): Came {
    const uid = this.at(path)
    const opening = { salt: Buffer.from(this.random(16)).toString('base64url'), value, of: uid }
    this.open([opening])
    const readers = to.map((one) => this.party(one)).sort()
    const plain = this.settingOf(uid, undefined) as Extract<Operation, { op: 'set' }>
    return this.run(name, { ...plain, value: commitmentOf(opening), readers })
  }

  /** What a party sees in a field; undefined where it sees nothing. */
  seen(name: string, path: string): Value | undefined {
    const { value } = element(this.state, this.at(path)) ?? {}
    return value === undefined ? undefined : this.viewOf(this.party(name)).get(value)?.value
  }

  /** Has a party add an item with the fields that the list's type has; what is not given is empty. */
  item(name: string, list: string, values: Record<string, Value>): Came {
    return this.run(name, ...this.itemOperations(list, values))
  }

  itemOperations(list: string, values: Record<string, Value>): Operation[] {
    const uid = this.at(list)
    const type = this.state.map.get(element(this.state, uid)?.typed ?? '') as {
      type: { base: string; members?: { name: string; kind: string; type?: FieldType }[] }
    }
    const members = type.type.members ?? []
    const nodes = members.map(({ name: one, kind, type: own }): DocumentNode => {
      if (kind !== 'field') return { kind, name: one, children: [] } as DocumentNode
      return field(one, own ?? 'text', values[one] ?? null)
    })
    const edit = createOperations(this.state, uid, 'item', block('item', nodes), this.random)
    this.open(edit.openings)
    return edit.operations
  }

  /** Has a party vote on the proposal that stands on a field. */
  answer(name: string, path: string, yes = true): Came {
    const [proposal] = this.state.governance.proposals.get(this.at(path)) ?? []
    return this.vote(name, proposal ?? this.at(path), yes)
  }

  /** Has a party answer the question of a trigger. */
  reply(name: string, rule: string, yes = true): Came {
    return this.vote(name, this.ruleUid(rule), yes)
  }

  ruleUid(name: string): string {
    for (const [uid, known] of this.#rules) if (known === name) return uid
    throw new Error(`there is no rule ${name}`)
  }

  phase(name: string, to: string): Came {
    return this.run(name, { op: 'phase', from: this.state.governance.workflow.phase, to })
  }

  get phaseNow(): string {
    return this.state.governance.workflow.phase
  }

  #count(uid: string | undefined, what: keyof Count): void {
    const name = uid === undefined ? undefined : this.#rules.get(uid)
    const count = name === undefined ? undefined : this.counts.get(name)
    if (count) count[what] += 1
  }

  #noteRefused(before: ContractState, operations: readonly Operation[], came: Came): void {
    this.#count(came.rule, 'refused')
    const by = before.governance.law.rules.get(came.rule ?? '')?.rule.behaviour
    // Who grants nobody anything has no other effect.
    if (by?.kind === 'access' && by.grants.length === 0) this.#count(came.rule, 'done')
    if (came.code === 'wrong-readers') this.#noteKeptFrom(before, operations, came.element)
    if (came.code === 'wrong-phase' && operations.some(({ op }) => op === 'phase'))
      for (const rule of before.governance.law.rules.values())
        if (rule.rule.behaviour.kind === 'phases') this.#count(rule.uid, 'refused')
  }

  /** Each rule by which one of those whom a value was put forward for may not see it. */
  #noteKeptFrom(before: ContractState, operations: readonly Operation[], refused: string | undefined): void {
    for (const operation of operations) {
      if (operation.op !== 'set' || operation.uid !== refused) continue
      for (const { rule } of rulesOver(before, lineOf(before, operation.uid))) {
        const { behaviour } = rule.rule
        if (behaviour.kind !== 'access' || !behaviour.actions.includes('see')) continue
        const isKept = operation.readers?.some((party) => !hasGrant(before, behaviour, party, this.timeMs))
        if (isKept) this.#count(rule.uid, 'refused')
      }
    }
  }

  #note(before: ContractState, after: ContractState, operations: readonly Operation[], came: Came): void {
    for (const operation of operations) this.#noteOperation(before, after, operation)
    for (const [uid, , result] of came.results ?? []) {
      const kind = after.governance.law.rules.get(uid)?.rule.behaviour.kind
      if ((kind === 'assignment' || kind === 'aggregate') && typeof result === 'string')
        this.#count(uid, 'done')
      if (kind === 'activation' && result === true) this.#count(uid, 'done')
    }
    if (before.governance.workflow.phase !== after.governance.workflow.phase)
      for (const rule of after.governance.law.rules.values())
        if (rule.rule.behaviour.kind === 'phases') this.#count(rule.uid, 'done')
    this.#noteTriggers(before, after, came.results ?? [])
    const agenda = new Agenda()
    addTouched(agenda, before, after, this.last?.changes.map(([uid]) => uid) ?? [])
    const work = new Work(after, { id: '', author: '', height: 0, timeMs: 0 }, this.openings)
    for (const { rule, places } of agenda.take(CHECKED_KINDS))
      for (const place of places) if (holds(work, rule, place)) this.#count(rule.uid, 'done')
  }

  /** A trigger that was looked at and did not fire has held back what it is for. */
  #noteTriggers(before: ContractState, after: ContractState, results: NonNullable<Came['results']>): void {
    for (const { uid, rule } of after.governance.law.rules.values()) {
      const { behaviour } = rule
      if (behaviour.kind !== 'trigger') continue
      const [was, is] = [before, after].map((state) => state.map.get(uid) as RuleRecord | undefined)
      if (is?.fired && !was?.fired) this.#count(uid, 'done')
      else if (results.some(([one, , result]) => one === uid && result === false)) this.#count(uid, 'refused')
      else if (behaviour.when.kind === 'date' && is?.dueMs !== undefined) this.#count(uid, 'refused')
      else if (
        behaviour.when.kind === 'phase' &&
        before.governance.workflow.phase !== after.governance.workflow.phase
      )
        this.#count(uid, 'refused')
    }
  }

  #noteOperation(before: ContractState, after: ContractState, operation: Operation): void {
    if (operation.op === 'vote-on') this.#noteVote(before, after, operation.uid)
    if (operation.op !== 'create' && operation.op !== 'set' && operation.op !== 'delete') return
    const state = operation.op === 'create' ? after : before
    const actions: string[] = [{ create: 'add', set: 'propose', delete: 'remove' }[operation.op]]
    if (operation.op === 'create' && operation.value !== undefined) actions.push('propose')
    for (const { rule, isSelf } of rulesOver(state, lineOf(state, operation.uid))) {
      const { behaviour } = rule.rule
      if (behaviour.kind === 'access' && behaviour.actions.some((one) => actions.includes(one)))
        this.#count(rule.uid, 'done')
      if (behaviour.kind === 'access' && behaviour.actions.includes('see'))
        if (element(after, operation.uid)?.readers !== undefined) this.#count(rule.uid, 'done')
      if (behaviour.kind === 'ownership' && !isSelf && operation.op !== 'set') this.#count(rule.uid, 'done')
      if (behaviour.kind === 'transfer' && isSelf && operation.op === 'set') this.#count(rule.uid, 'done')
      if (behaviour.kind === 'approval' && isSelf && operation.op === 'set')
        this.#count(rule.uid, isSameValue(before, after, operation.uid) ? 'refused' : 'done')
    }
  }

  #noteVote(before: ContractState, after: ContractState, uid: string): void {
    const proposal = before.map.get(uid) as { kind: string; on: string } | undefined
    if (proposal?.kind !== 'proposal') return
    for (const { rule, isSelf } of rulesOver(after, lineOf(after, proposal.on))) {
      const { behaviour } = rule.rule
      if (behaviour.kind === 'approval' && isSelf && !isSameValue(before, after, proposal.on))
        this.#count(rule.uid, 'done')
      if (behaviour.kind === 'access' && behaviour.actions.includes('approve')) this.#count(rule.uid, 'done')
    }
  }
}

function isSameValue(before: ContractState, after: ContractState, uid: string): boolean {
  return element(before, uid)?.value === element(after, uid)?.value
}

/** Whether a rule that only checks had something to hold, and it does. */
function holds(work: Work, rule: LawRule, place: string): boolean {
  const { state } = work
  if (element(state, place) === undefined || isInactive(state, lineOf(state, place))) return false
  const { behaviour, path } = rule.rule
  const targets = elementsAt(state, place, path.slice(rule.here.length), true)
  switch (behaviour.kind) {
    case 'constraint': {
      const run = work.privately(() => evaluate(work, rule, place))
      return run.kind === 'value' && run.isTrue
    }
    case 'required':
      return !isMissing(state, rule, place)
    case 'unique':
      return targets.length > 1
    default:
      return targets.some(
        (uid) => element(state, uid)?.value !== undefined || childrenOf(state, uid).length > 0,
      )
  }
}
