/** A template's rules as those of a contract: each at the elements that its anchor leads to, with parties in the place of roles. */
import { CountersignError } from '../../crypto/errors.ts'
import { type RuleBody, ruleBodyShape } from '../../ledger/behaviour.ts'
import { badTemplate, PHASES_RULE, type Template, type TemplateRule } from './format.ts'
import { Casted, type Casting, partiesOf } from './roles.ts'
import type { Made } from './tree.ts'

/** A rule of a template as it stands in a contract. own: the party that it is there for, among those of a role. */
export type MadeRule = { name: string; owner: string; own?: string; body: RuleBody }

/**
 * Where a template lies in a contract. set: what a rule set of its is called there. isPartial: blocks may be gone, and the rules at
 * them with them.
 */
export type Ground = {
  uid: string
  children: readonly Made[]
  set: (name: string) => string
  isPartial?: true
}

/**
 * Every rule of a template, and that of its phases.
 * @throws CountersignError `bad-template`, `bad-format`, `bad-request`, `unknown-party`
 */
export function rulesOf(template: Template, casting: Casting, ground: Ground): MadeRule[] {
  const made = template.rules.flatMap((rule) => ruleOf(template, rule, casting, ground))
  const phases = phasesOf(template, casting, ground)
  return phases === undefined ? made : [phases, ...made]
}

/** The rule of a template's phases, which stands at its root. */
function phasesOf(template: Template, casting: Casting, ground: Ground): MadeRule | undefined {
  const names = template.phases.map(({ name }) => name)
  if (names.length === 0) return undefined
  const casted = new Casted(casting, PHASES_RULE)
  const by = template.movedBy?.flatMap((role) => casted.all(role))
  const behaviour = { kind: 'phases' as const, names, ...(by !== undefined && { by: [...new Set(by)] }) }
  const owner = firstParty(template, casting)
  const body = checkedBody(`rule ${PHASES_RULE}`, { at: ground.uid, path: [], behaviour })
  return { name: PHASES_RULE, owner, body }
}

/** Whom the rule of the phases belongs to: who has the first role. */
export function firstParty({ roles }: Template, { cast }: Casting): string {
  for (const { name } of roles) {
    const [party] = partiesOf(cast, name) ?? []
    if (party !== undefined) return party
  }
  throw new CountersignError('bad-request', 'Nobody has a role of the template.')
}

function ruleOf(
  template: Template,
  rule: TemplateRule,
  casting: Casting,
  { uid, children, set, isPartial }: Ground,
): MadeRule[] {
  const place = `rule ${rule.name}`
  if ((rule.behaviour.kind as string) === PHASES_RULE)
    return badTemplate(place, 'phases stand beside the rules, as the template’s phases')
  const parties = rule.each === undefined ? [undefined] : partiesOf(casting.cast, rule.each)
  if (parties === undefined) return badTemplate(place, `there is no role ${rule.each}`)
  const anchors = anchorsAt(rule, uid, children)
  if (anchors.length === 0 && !isPartial)
    badTemplate(place, `there is no block ${rule.anchor.join(' › ')} for it to stand at`)
  return parties.flatMap((party) => {
    const own = party === undefined ? undefined : { role: rule.each as string, party }
    const casted = new Casted(casting, place, own)
    const owner = casted.one(`@${rule.owner}`)
    const behaviour = casted.behaviour(rule.behaviour)
    return anchors
      .filter(
        (anchor) =>
          own === undefined ||
          anchor.own === undefined ||
          (anchor.own.role === own.role && anchor.own.party === party),
      )
      .map((anchor): MadeRule => {
        const plain: RuleBody = { at: anchor.uid, path: rule.path, behaviour }
        const checked = checkedBody(place, plain)
        named(template, checked.behaviour, place)
        const body: RuleBody = {
          ...plain,
          ...(rule.set !== undefined && { set: set(rule.set) }),
          behaviour: renameSets(behaviour, set),
        }
        return { name: rule.name, owner, ...(party !== undefined && { own: party }), body }
      })
  })
}

/** Every element that an anchor leads to: one, or the items that there are for each party of a role. */
export function anchorsAt({ anchor, each }: TemplateRule, root: string, children: readonly Made[]): Place[] {
  let here: Place[] = [{ uid: root, children, isList: false }]
  for (const part of anchor)
    here = here
      .flatMap(throughItems)
      .flatMap((one) => one.children)
      .filter(({ node }) => node.name === part)
      .map(placeOf)
  return each === undefined ? here : here.flatMap(throughItems)
}

export type Place = { uid: string; own?: Made['own']; children: readonly Made[]; isList: boolean }

const placeOf = ({ uid, own, children, node }: Made): Place => ({
  uid,
  ...(own !== undefined && { own }),
  children,
  isList: node.kind === 'list',
})

/** A list with items stands for these. */
function throughItems(place: Place): Place[] {
  if (!place.isList || place.children.length === 0) return [place]
  return place.children.flatMap((item) => throughItems(placeOf(item)))
}

/** What a rule names of the template itself is there. */
function named(template: Template, behaviour: RuleBody['behaviour'], place: string): void {
  const phases = new Set(template.phases.map(({ name }) => name))
  const needPhase = (phase: string | undefined): void => {
    if (phase !== undefined && phase !== 'edit' && phase !== 'live' && !phases.has(phase))
      badTemplate(place, `there is no phase ${phase}`)
  }
  if (behaviour.kind === 'required') needPhase(behaviour.from)
  if (behaviour.kind === 'access') for (const { untilPhase } of behaviour.grants) needPhase(untilPhase)
  if (behaviour.kind !== 'trigger') return
  if (behaviour.when.kind === 'phase') needPhase(behaviour.when.phase)
  const sets = new Set(template.rules.map(({ set }) => set))
  for (const then of behaviour.actions) {
    if (then.do === 'phase') needPhase(then.to)
    if (then.do === 'switch' && !sets.has(then.set)) badTemplate(place, `there is no rule set ${then.set}`)
  }
}

function renameSets(behaviour: RuleBody['behaviour'], set: (name: string) => string): RuleBody['behaviour'] {
  if (behaviour.kind !== 'trigger') return behaviour
  const actions = behaviour.actions.map((one) => (one.do === 'switch' ? { ...one, set: set(one.set) } : one))
  return { ...behaviour, actions }
}

function checkedBody(place: string, body: RuleBody): RuleBody {
  return ruleBodyShape(body, place)
}
