/**
 * A contract, or a part of one, as a template (PROTOCOL TPL-5): elements with their words, the rules that stand at or below it, and
 * roles in the place of parties. No values, unless they are asked for.
 */
import { CountersignError } from '../../crypto/errors.ts'
import { jcs } from '../../crypto/jcs.ts'
import { type ProvenCard, partyOf } from '../../ledger/epoch.ts'
import { HELP_MAX_LENGTH } from '../../ledger/rule-operation.ts'
import type { Value } from '../../ledger/value.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'
import type { OpeningSource } from '../outcome.ts'
import { computedBy } from '../rules/gate.ts'
import type { LawRule } from '../rules/law.ts'
import { lineOf, namesFrom } from '../rules/paths.ts'
import { pathWords, ruleSentence } from '../rules/sentence.ts'
import { existing } from '../view.ts'
import { partyOfItem } from './align.ts'
import {
  type Template,
  type TemplateBehaviour,
  type TemplateElement,
  type TemplateRole,
  type TemplateRule,
  type TemplateType,
  templateHash,
} from './format.ts'
import { mapParties, partiesIn } from './roles.ts'
import { typesBelow } from './tree.ts'

/** A role with who has it in the contract. */
export type ExportRole = TemplateRole & { parties: readonly string[] }

/**
 * at: the block; of a contract its root. timeMs: when the contract was made. like: the template that it was made of, whose words for
 * rules are taken where these are the same, and whose next edition it is then.
 */
export type ExportOptions = {
  at: string
  name: string
  title: string
  help: string
  roles: readonly ExportRole[]
  timeMs: number
  values?: boolean
  like?: Template
}

/** left: in words, what has no place in the template. */
export type Exported = { template: Template; left: string[] }

/** @throws CountersignError `not-found`, `bad-request` */
export function exportTemplate(
  state: ContractState,
  openings: OpeningSource,
  options: ExportOptions,
): Exported {
  const { at, name, title, help, like } = options
  if (existing(state, at).kind !== 'block')
    throw new CountersignError('bad-request', 'A template is made of a block; name one.')
  const exporting = new Exporting(state, openings, options)
  const tree = exporting.elementsIn(at)
  const rules = exporting.rules()
  const phases = exporting.phases(rules)
  const template: Template = {
    type: 'template',
    version: 1,
    name,
    edition: (like?.edition ?? 0) + 1,
    title,
    help,
    ...(like !== undefined && { ancestor: templateHash(like) }),
    roles: exporting.roles(),
    types: exporting.types(),
    tree,
    rules,
    ...phases,
  }
  return { template, left: exporting.left }
}

/** A rule of a template but for its name and words. */
type RuleInside = Omit<TemplateRule, 'name' | 'help'>

function insideOf({ name: _, help: __, ...inside }: TemplateRule): RuleInside {
  return inside
}

class Exporting {
  readonly left: string[] = []
  readonly #state: ContractState
  readonly #openings: OpeningSource
  readonly #options: ExportOptions
  readonly #typeNames = new Map<string, string>()
  readonly #types: TemplateType[] = []
  /** By party. */
  readonly #roleOf = new Map<string, ExportRole>()
  readonly #roles: ExportRole[]
  readonly #suffix: string
  /** By what a rule says. */
  readonly #sentences = new Map<string, string>()

  constructor(state: ContractState, openings: OpeningSource, options: ExportOptions) {
    this.#state = state
    this.#openings = openings
    this.#options = options
    this.#suffix = options.at === state.rootUid ? '' : ` ${options.at.slice(0, 8)}`
    this.#roles = [...options.roles]
    for (const role of options.roles) for (const party of role.parties) this.#roleOf.set(party, role)
    this.#nameTypes()
  }

  roles(): TemplateRole[] {
    return this.#roles.map(({ parties: _, ...role }) => role)
  }

  types(): TemplateType[] {
    return this.#types
  }

  /** A party that has no role gets one. */
  #role(party: string): ExportRole {
    const known = this.#roleOf.get(party)
    if (known !== undefined) return known
    const number = this.#roles.length + 1
    const role = {
      name: `party-${number}`,
      title: `Party ${number}`,
      help: 'Say here what this party does.',
      parties: [party],
    }
    this.#roles.push(role)
    this.#roleOf.set(party, role)
    return role
  }

  #nameTypes(): void {
    const taken = new Set<string>()
    const below = typesBelow(this.#state, this.#options.at)
    for (const [uid, { name }] of below) {
      let free = name
      for (let count = 2; taken.has(free); count += 1) free = `${name} ${count}`
      taken.add(free)
      this.#typeNames.set(uid, free)
    }
    for (const [uid, type] of below) {
      const { members, ...rest } = type
      const named = members?.map(({ typed, ...member }) => ({
        ...member,
        ...(typed !== undefined && { typed: this.#typeNames.get(typed) as string }),
      }))
      const body = { ...rest, name: this.#typeNames.get(uid) as string }
      this.#types.push({ ...body, ...(named !== undefined && { members: named }) })
    }
    this.#types.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  elementsIn(uid: string): TemplateElement[] {
    const seen = new Set<string>()
    return childrenOf(this.#state, uid).flatMap((child) => {
      const { name } = existing(this.#state, child)
      if (seen.has(name)) {
        this.left.push(`${this.#path(child)}: one of several of this name; a template has one, or a list`)
        return []
      }
      seen.add(name)
      return [this.#element(child)]
    })
  }

  #element(uid: string, own?: { role: string; party: string }): TemplateElement {
    const { kind, name, label, help, type, typed } = existing(this.#state, uid)
    const named = typed === undefined ? undefined : this.#typeNames.get(typed)
    const head = {
      name,
      kind,
      ...(label !== undefined && { label }),
      ...(help !== undefined && { help }),
      ...(named !== undefined && { typed: named }),
    }
    if (kind === 'field') {
      const value = this.#value(uid, own)
      return { ...head, ...(type !== undefined && { type }), ...(value !== undefined && { value }) }
    }
    if (kind === 'list') return this.#list(uid, head)
    const children = own === undefined ? this.elementsIn(uid) : this.#childrenOf(uid, own)
    const other = children.filter((child) => !this.#isMember(named, child))
    return other.length === 0 && named !== undefined ? head : { ...head, children: other }
  }

  #childrenOf(uid: string, own: { role: string; party: string }): TemplateElement[] {
    return childrenOf(this.#state, uid).map((child) => this.#element(child, own))
  }

  /** Whether a child of a block is what the block's type says of it. */
  #isMember(type: string | undefined, child: TemplateElement): boolean {
    const members = this.#types.find(({ name }) => name === type)?.members ?? []
    const member = members.find(({ name }) => name === child.name)
    return member !== undefined && jcs({ type: this.#baseOf(member.typed), ...member }) === jcs({ ...child })
  }

  #baseOf(typed: string | undefined): string {
    return this.#types.find(({ name }) => name === typed)?.base ?? 'null'
  }

  /** Items at which rules stand are there for parties; of others only the type is left. */
  #list(uid: string, head: Omit<TemplateElement, 'children'>): TemplateElement {
    const { governance } = this.#state
    const items = childrenOf(this.#state, uid)
    const made = new Map<string, TemplateElement>()
    for (const item of items) {
      const isGoverned = [...governance.law.anchors].some((anchor) =>
        lineOf(this.#state, anchor).includes(item),
      )
      if (!isGoverned) continue
      const party = partyOfItem(this.#state, this.#openings, item)[0]
      if (party === undefined) {
        this.left.push(`${this.#path(item)}: rules stand at it, and none of its fields says whose it is`)
        continue
      }
      const { name: role } = this.#role(party)
      if (!made.has(role)) made.set(role, { ...this.#element(item, { role, party }), each: role })
    }
    const [first] = items
    const typed = head.typed ?? (first === undefined ? undefined : this.#itemType(first, head.name))
    return {
      ...head,
      ...(typed !== undefined && { typed }),
      ...(made.size > 0 && { children: [...made.values()] }),
    }
  }

  /** A type is made of what the first item consists of. */
  #itemType(item: string, list: string): string | undefined {
    const record = existing(this.#state, item)
    if (record.kind === 'list') return undefined
    const known = record.typed === undefined ? undefined : this.#typeNames.get(record.typed)
    if (known !== undefined) return known
    let name = `Item of ${list}`
    for (let count = 2; this.#types.some((type) => type.name === name); count += 1)
      name = `Item of ${list} ${count}`
    if (record.kind === 'field') {
      this.#types.push({ name, base: record.type ?? 'text' })
      return name
    }
    const members = childrenOf(this.#state, item).map((uid) => {
      const { kind, name: member, type, typed } = existing(this.#state, uid)
      const named = typed === undefined ? undefined : this.#typeNames.get(typed)
      return { kind, name: member, ...(type && { type }), ...(named !== undefined && { typed: named }) }
    })
    this.#types.push({ name, base: 'block', ...(members.length > 0 && { members }) })
    return name
  }

  #value(uid: string, own?: { role: string; party: string }): Value | undefined {
    const { type, value, readers } = existing(this.#state, uid)
    // A template is for everybody: what not everybody may see has no place in it.
    if (readers !== undefined) return undefined
    const held = value === undefined ? undefined : this.#openings.get(value)?.value
    if (held === undefined || held === null || this.#isComputed(uid)) return undefined
    if (type === 'party' && typeof held === 'string') {
      if (own?.party === held) return `@${own.role}`
      const role = this.#options.values ? this.#role(held) : undefined
      return role === undefined || role.parties.length > 1 ? undefined : `@${role.name}`
    }
    return this.#options.values ? held : undefined
  }

  #isComputed(uid: string): boolean {
    return computedBy(this.#state, lineOf(this.#state, uid)) !== undefined
  }

  #path(uid: string): string {
    return lineOf(this.#state, uid)
      .slice(1)
      .map((one) => element(this.#state, one)?.name)
      .join(' › ')
  }

  rules(): TemplateRule[] {
    const { law } = this.#state.governance
    const made = new Map<string, RuleInside>()
    for (const rule of [...law.rules.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1))) {
      if (rule.rule.behaviour.kind === 'phases') continue
      const line = lineOf(this.#state, rule.rule.at)
      if (!line.includes(this.#options.at)) {
        if (lineOf(this.#state, this.#options.at).includes(rule.rule.at))
          this.left.push(`rule ${rule.uid}: it stands above what is exported`)
        continue
      }
      const body = this.#rule(rule)
      if (body === undefined) continue
      made.set(jcs(body), body)
      this.#sentences.set(jcs(body), this.#sentence(rule, body))
    }
    return this.#named([...made.values()])
  }

  #rule({ uid, owner, rule }: LawRule): RuleInside | undefined {
    const anchor = namesFrom(this.#state, this.#options.at, rule.at) ?? []
    const parties = [...new Set([...partiesIn(rule.behaviour), ...cardsIn(rule.behaviour), owner])]
    const item = this.#ownerOfItem(rule.at)
    const each = this.#eachOf(parties, item)
    if (each === null) {
      this.left.push(`rule ${uid}: it names some of the parties of a role, and a template names one or all`)
      return undefined
    }
    const word = (party: string): string => `@${this.#role(party).name}`
    const card = (one: ProvenCard): string => word(partyOf(one.card))
    const behaviour = this.#unsuffixed(mapParties(rule.behaviour, word, card, this.#options.timeMs))
    return {
      owner: this.#role(owner).name,
      anchor,
      path: rule.path,
      ...(rule.set !== undefined && { set: this.#setName(rule.set) }),
      ...(each !== undefined && { each }),
      behaviour,
    }
  }

  /** What a rule is for, as far as it says so without naming a party. */
  #sentence({ rule: { path, behaviour } }: LawRule, { anchor }: RuleInside): string {
    if (behaviour.kind === 'constraint') return behaviour.message
    const plain = `A rule of kind ${behaviour.kind} about ${[...anchor, ...path].join(' › ') || 'the whole'}.`
    if (cardsIn(behaviour).length > 0) return plain
    const forever =
      behaviour.kind === 'access'
        ? { ...behaviour, grants: behaviour.grants.map(({ untilMs: _, ...grant }) => grant) }
        : behaviour
    const said = ruleSentence(
      { at: '', path, behaviour: forever },
      (party) => this.#role(party).title,
      (names) => pathWords([...anchor, ...names], 'the whole'),
    )
    const named = this.#suffix === '' ? said : said.replaceAll(this.#suffix, '')
    return named.length > HELP_MAX_LENGTH || /[0-9a-f]{64}/.test(named) ? plain : named
  }

  /** The party whose item of a list an element lies in. */
  #ownerOfItem(uid: string): string | undefined {
    for (const one of lineOf(this.#state, uid)) {
      const parent = element(this.#state, one)?.parent ?? ''
      if (element(this.#state, parent)?.kind !== 'list') continue
      const [party] = partyOfItem(this.#state, this.#openings, one)
      if (party !== undefined) return party
    }
    return undefined
  }

  /** The role that there is such a rule for each party of; null where a template can't say whom the rule names. */
  #eachOf(parties: readonly string[], item: string | undefined): string | undefined | null {
    if (item !== undefined) return this.#role(item).name
    for (const role of this.#roles) {
      if (!role.repeated || role.parties.length < 2) continue
      const count = role.parties.filter((party) => parties.includes(party)).length
      if (count === 0 || count === role.parties.length) continue
      return count === 1 ? role.name : null
    }
    return undefined
  }

  #setName(set: string): string {
    return this.#suffix !== '' && set.endsWith(this.#suffix) ? set.slice(0, -this.#suffix.length) : set
  }

  #unsuffixed(behaviour: TemplateBehaviour): TemplateBehaviour {
    if (behaviour.kind !== 'trigger') return behaviour
    const actions = behaviour.actions.map((one) =>
      one.do === 'switch' ? { ...one, set: this.#setName(one.set) } : one,
    )
    return { ...behaviour, actions }
  }

  /**
   * Rules have no names in a contract. One that the template has, too, has its name and words there; so has one that took the place
   * of it, where there is no other that could have. Others get new ones.
   */
  #named(bodies: readonly RuleInside[]): TemplateRule[] {
    const known = this.#options.like?.rules ?? []
    const rest = new Map(known.map((rule, order) => [jcs(insideOf(rule)), { rule, order }]))
    const same = bodies.map((body) => {
      const found = rest.get(jcs(body))
      rest.delete(jcs(body))
      return found
    })
    const alike = (one: RuleInside): string =>
      jcs([one.behaviour.kind, one.anchor, one.path, one.each ?? null])
    const open = (like: string): number =>
      bodies.filter((body, index) => same[index] === undefined && alike(body) === like).length
    const taken = new Set<string>(known.map(({ name }) => name))
    const named = bodies.map((body, index): [number, TemplateRule] => {
      const kept = same[index]
      if (kept !== undefined) return [kept.order, kept.rule]
      const like = alike(body)
      const [changed, ...others] = [...rest.values()].filter(({ rule }) => alike(rule) === like)
      if (changed !== undefined && others.length === 0 && open(like) === 1) {
        const { name, help } = changed.rule
        return [changed.order, { name, help, ...body }]
      }
      const where = [...body.anchor, ...body.path]
      const base = slug(`${body.behaviour.kind} ${where.at(-1) ?? ''}`)
      let name = base
      for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`
      taken.add(name)
      const help = this.#sentences.get(jcs(body)) ?? ''
      return [known.length, { name, help, ...body }]
    })
    return named.sort(([a], [b]) => a - b).map(([, rule]) => rule)
  }

  phases(rules: readonly TemplateRule[]): Pick<Template, 'phases' | 'firstPhase' | 'movedBy' | 'off'> {
    const { law, workflow } = this.#state.governance
    const rule = [...law.rules.values()].find(({ rule: { behaviour } }) => behaviour.kind === 'phases')
    const by = rule?.rule.behaviour.kind === 'phases' ? rule.rule.behaviour.by : undefined
    const { like } = this.#options
    const isNeeded =
      this.#suffix === '' ||
      rules.some(({ behaviour }) => phasesIn(behaviour)) ||
      (rule !== undefined && lineOf(this.#state, rule.rule.at).includes(this.#options.at))
    if (!isNeeded) return { phases: [] }
    const phases = law.phases.map(
      (name) => like?.phases.find((one) => one.name === name) ?? { name, title: name, help: name },
    )
    const isMoved = by !== undefined && [...new Set(by.map((party) => this.#role(party).name))]
    const off = like?.off ?? (workflow.off ?? []).map((set) => this.#setName(set))
    const begun = off.filter((set) => rules.some((one) => one.set === set))
    return {
      phases,
      ...(like?.firstPhase !== undefined && { firstPhase: like.firstPhase }),
      ...(isMoved && { movedBy: isMoved.map((name) => `@${name}`) }),
      ...(begun.length > 0 && { off: begun }),
    }
  }
}

function cardsIn(behaviour: LawRule['rule']['behaviour']): string[] {
  if (behaviour.kind !== 'trigger') return []
  return behaviour.actions.flatMap((one) => (one.do === 'admit' ? [partyOf(one.card.card)] : []))
}

/** Whether a behaviour has to do with phases. */
function phasesIn(behaviour: TemplateBehaviour): boolean {
  switch (behaviour.kind) {
    case 'required':
      return behaviour.from !== undefined
    case 'access':
      return behaviour.grants.some(({ untilPhase }) => untilPhase !== undefined)
    case 'trigger':
      return behaviour.when.kind === 'phase' || behaviour.actions.some((one) => one.do === 'phase')
    default:
      return false
  }
}

/** The name of a template with this title. */
export function keyOf(title: string): string {
  const plain = slug(title, 'template')
  return /^[a-z]/.test(plain) ? plain : 'template'
}

function slug(text: string, otherwise = 'rule'): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return plain.slice(0, 48) || otherwise
}
