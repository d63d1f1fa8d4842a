/**
 * Who has which role in a contract that was made of a template. Nothing in the contract says so: it follows from whom the rules
 * belong to and name, where the template has roles, and from whose the items are that there is one of for each party of a role.
 */
import { jcs } from '../../crypto/jcs.ts'
import { partyOf } from '../../ledger/epoch.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'
import type { OpeningSource } from '../outcome.ts'
import type { LawRule } from '../rules/law.ts'
import { lineOf } from '../rules/paths.ts'
import { align } from './align.ts'
import { PHASES_RULE, type Template, type TemplateBehaviour, type TemplateGrant } from './format.ts'
import { groundOf } from './instantiate.ts'
import { type Cast, mapParties, partiesOf } from './roles.ts'
import { anchorsAt } from './rules.ts'
import { type Node, nodesOf } from './tree.ts'

/** Lists of parties, or of `@role` words, in the places where a rule has some, and what else the rule says. */
type Slotted = { mask: string; slots: string[][] }

/** What a rule of the template is in the contract, at one of the elements that its anchor leads to. */
type Match = { slots: string[][]; live: string[][]; own?: { role: string; party?: string } }

/**
 * Roles of a template with the parties that have them, as far as that can be told.
 * @param at the block that was made of the template; of a contract its root
 */
export function recast(
  state: ContractState,
  openings: OpeningSource,
  at: string,
  template: Template,
): Record<string, string[]> {
  const found = new Found(template)
  const nodes = nodesOf(template)
  const lists = listsOf(state, openings, at, nodes)
  // Each role that is found may tell of another: whose an item is says at which rules stand.
  for (let isNew = true; isNew; ) {
    isNew = lists.some((list) => fromList(list, found))
    const matches = matchesOf(state, openings, at, template, found.cast())
    while (matches.some((match) => unify(match, found))) isNew = true
  }
  fromFields(state, openings, at, nodes, found)
  return found.cast()
}

/** A list with an item for each party of some roles, and the parties whose items there are. */
type SharedList = { roles: string[]; parties: string[] }

class Found {
  readonly #roles: Template['roles']
  readonly #parties = new Map<string, Set<string>>()
  /** Roles whose parties are known from the items that are theirs. */
  readonly settled = new Set<string>()

  constructor({ roles }: Template) {
    this.#roles = roles
  }

  cast(): Record<string, string[]> {
    return Object.fromEntries([...this.#parties].map(([role, parties]) => [role, [...parties]]))
  }

  of(role: string): ReadonlySet<string> | undefined {
    return this.#parties.get(role)
  }

  /** One party has it, and no more can. */
  isKnown(role: string): boolean {
    return this.#parties.has(role) && !this.isRepeated(role)
  }

  isRepeated(role: string): boolean {
    return this.#roles.find(({ name }) => name === role)?.repeated === true
  }

  /** Whether this says anything new. */
  add(role: string, party: string): boolean {
    const known = this.#parties.get(role)
    if (!this.#roles.some(({ name }) => name === role) || known?.has(party)) return false
    if (known !== undefined && !this.isRepeated(role)) return false
    this.#parties.set(role, (known ?? new Set()).add(party))
    return true
  }
}

/** Parties at whose items rules stand; where there are none of these, all that stand in such a list. */
function listsOf(
  state: ContractState,
  openings: OpeningSource,
  parent: string,
  nodes: readonly Node[],
): SharedList[] {
  const { anchors } = state.governance.law
  const governed = new Set([...anchors].flatMap((anchor) => lineOf(state, anchor)))
  return nodes.flatMap((node): SharedList[] => {
    const uid = state.children.get(parent)?.namedAt(node.name, 0)
    if (uid === undefined || element(state, uid)?.kind !== node.kind) return []
    if (node.kind === 'block') return listsOf(state, openings, uid, node.children)
    if (node.kind !== 'list') return []
    const items = childrenOf(state, uid)
    const isGoverned = items.some((item) => governed.has(item))
    const meant = isGoverned ? items.filter((item) => governed.has(item)) : items
    // Items of several roles that say in one field whose they are can't be told apart by it.
    const byField = new Map<string, SharedList>()
    for (const { each, children } of node.children) {
      const field = children.find(({ type, value }) => type === 'party' && value === `@${each}`)
      if (each === undefined || field === undefined) continue
      const parties = meant.flatMap((item) => partyIn(state, openings, item, field.name) ?? [])
      const { roles } = byField.get(field.name) ?? { roles: [] }
      byField.set(field.name, { roles: [...roles, each], parties })
    }
    return [...byField.values()]
  })
}

/** The one role of a list that is not known yet has the parties that no other role has. Whether that was anything. */
function fromList({ roles, parties }: SharedList, found: Found): boolean {
  const [role, ...others] = roles.filter((one) => !found.settled.has(one) && !found.isKnown(one))
  if (role === undefined || others.length > 0) return false
  const known = new Set(roles.flatMap((one) => (one === role ? [] : [...(found.of(one) ?? [])])))
  const left = parties.filter((party) => !known.has(party))
  found.settled.add(role)
  for (const party of left) found.add(role, party)
  return left.length > 0
}

/** A field of type party begins with who has a role: what stands in it now says it where no rule does. */
function fromFields(
  state: ContractState,
  openings: OpeningSource,
  parent: string,
  nodes: readonly Node[],
  found: Found,
): void {
  for (const { name, kind, type, value, children } of nodes) {
    const uid = state.children.get(parent)?.namedAt(name, 0)
    if (uid === undefined) continue
    if (kind === 'block') fromFields(state, openings, uid, children, found)
    if (type !== 'party' || typeof value !== 'string') continue
    const role = value.slice(1)
    const party = partyIn(state, openings, parent, name)
    if (party !== undefined && found.of(role) === undefined) found.add(role, party)
  }
}

function partyIn(
  state: ContractState,
  openings: OpeningSource,
  parent: string,
  name: string,
): string | undefined {
  const uid = state.children.get(parent)?.namedAt(name, 0)
  const { type, value } = (uid === undefined ? undefined : element(state, uid)) ?? {}
  const held = type === 'party' && value !== undefined ? openings.get(value)?.value : undefined
  return typeof held === 'string' ? held : undefined
}

/** Every rule of the template that one in force can be, and no other one. */
function matchesOf(
  state: ContractState,
  openings: OpeningSource,
  at: string,
  template: Template,
  known: Cast,
): Match[] {
  const cast = Object.fromEntries(template.roles.map(({ name }) => [name, partiesOf(known, name) ?? []]))
  const maker = { casting: { cast, timeMs: 0 }, types: new Map(), random: () => new Uint8Array(16) }
  const { children, set } = groundOf(at, align(state, openings, maker, nodesOf(template), at), state.rootUid)
  const live = new Map<string, string[][][]>()
  for (const rule of state.governance.law.rules.values()) {
    const { mask, slots } = slotsOfLive(rule)
    const key = keyOf(rule.rule.at, rule.rule.path, rule.rule.set, mask)
    live.set(key, [...(live.get(key) ?? []), slots])
  }
  const found = new Map<string, Match[]>()
  const note = (key: string, slots: string[][], own?: Match['own']): void => {
    const all = (live.get(key) ?? []).map((one): Match => ({ slots, live: one, ...(own && { own }) }))
    found.set(key, [...(found.get(key) ?? []), ...all])
  }
  for (const rule of template.rules) {
    const { mask, slots } = slotsOf(rule.behaviour, `@${rule.owner}`)
    for (const { uid, own } of anchorsAt(rule, at, children)) {
      const key = keyOf(uid, rule.path, rule.set === undefined ? undefined : set(rule.set), mask)
      note(key, slots, rule.each === undefined ? undefined : (own ?? { role: rule.each }))
    }
  }
  const phases = phasesSlots(template)
  if (phases) note(keyOf(at, [], undefined, phases.mask), phases.slots)
  // Where two rules look alike, which is which can't be told; those that there are for each party are told by their party.
  return [...found.values()].flatMap((all) =>
    all.length === 1 || all.every(({ own }) => own !== undefined) ? all : [],
  )
}

function keyOf(at: string, path: readonly string[], set: string | undefined, mask: string): string {
  return jcs([at, [...path], set ?? null, mask])
}

function phasesSlots({ phases, movedBy, roles }: Template): Slotted | undefined {
  const [first] = roles
  if (phases.length === 0 || first === undefined) return undefined
  const names = phases.map(({ name }) => name)
  return { mask: maskOf({ kind: PHASES_RULE, names }), slots: [[`@${first.name}`], movedBy ?? []] }
}

function slotsOfLive({ owner, rule: { behaviour } }: LawRule): Slotted {
  const word = (party: string): string => `@${party}`
  if (behaviour.kind === PHASES_RULE) {
    const { by = [], kind, names } = behaviour
    return { mask: maskOf({ kind, names }), slots: [[word(owner)], by.map(word)] }
  }
  const plain = mapParties(behaviour, word, ({ card }) => word(partyOf(card)))
  return slotsOf(plain, word(owner))
}

const WORD_TEXT = /"(@[a-z0-9-]+)"/g

/** A rule with its parties taken out, and these. */
function slotsOf(behaviour: TemplateBehaviour, owner: string): Slotted {
  const slots: string[][] = [[owner]]
  const texts = (expression: string): string =>
    expression.replace(WORD_TEXT, (_, word: string) => {
      slots.push([word])
      return '"@"'
    })
  const plain = (): unknown => {
    switch (behaviour.kind) {
      case 'access': {
        const kinds = new Map<string, string[]>()
        for (const grant of behaviour.grants) {
          const { party, key } = grantOf(grant)
          kinds.set(key, [...(kinds.get(key) ?? []), party])
        }
        const sorted = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))
        slots.push(...sorted.map(([, parties]) => parties))
        return { ...behaviour, grants: sorted.map(([key]) => key) }
      }
      case 'ownership':
        slots.push([behaviour.owner])
        return { kind: behaviour.kind }
      case 'approval': {
        const { parties, ...rest } = behaviour
        if (parties !== undefined) slots.push([...parties])
        return { ...rest, parties: parties !== undefined }
      }
      case 'constraint':
      case 'assignment':
      case 'activation':
        return { ...behaviour, expression: texts(behaviour.expression) }
      case 'trigger': {
        const { when } = behaviour
        if (when.kind === 'question') slots.push([...when.parties])
        const asked =
          when.kind === 'question'
            ? { ...when, parties: true }
            : when.kind === 'phase'
              ? when
              : { ...when, expression: texts(when.expression) }
        const actions = behaviour.actions.map((one) => {
          if (one.do !== 'admit') return one.do === 'switch' ? { do: one.do, on: one.on } : one
          slots.push([one.card])
          return { ...one, card: '@' }
        })
        return { ...behaviour, when: asked, actions }
      }
      default:
        return behaviour
    }
  }
  return { mask: maskOf(plain()), slots }
}

function grantOf({ party, forDays, ...rest }: TemplateGrant): { party: string; key: string } {
  return { party, key: jcs({ ...rest, ends: forDays !== undefined }) }
}

function maskOf(value: unknown): string {
  return jcs(value)
}

/** Takes from a rule what it says of roles that are not known yet. Whether that was anything. */
function unify({ slots, live, own }: Match, found: Found): boolean {
  const bound = new Map<string, string>()
  if (own?.party !== undefined) bound.set(`@${own.role}`, own.party)
  let isNew = false
  for (const [index, words] of slots.entries()) {
    const parties = (live[index] ?? []).map((word) => word.slice(1))
    const left = new Set(parties)
    const open: string[] = []
    for (const word of words) {
      const role = word.slice(1)
      const known = bound.get(word) ?? (found.isRepeated(role) ? undefined : [...(found.of(role) ?? [])][0])
      if (known === undefined) open.push(role)
      else left.delete(known)
    }
    const [role, ...others] = open
    if (role === undefined || others.length > 0 || left.size === 0) continue
    const isOwn = own?.role === role
    if (found.settled.has(role) || ((isOwn || !found.isRepeated(role)) && left.size > 1)) continue
    for (const party of left) isNew = found.add(role, party) || isNew
    if (isOwn && left.size === 1) bound.set(`@${role}`, [...left][0] as string)
  }
  return isNew
}
