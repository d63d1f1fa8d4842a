/** Roles and parties: `@role` in the behaviours of a template's rules becomes the party that has it, and the other way round. */
import { CountersignError } from '../../crypto/errors.ts'
import { type Behaviour, type Grant, RULE_PARTIES_MAX, type Then } from '../../ledger/behaviour.ts'
import type { ProvenCard } from '../../ledger/epoch.ts'
import { badTemplate, type Template, type TemplateBehaviour, type TemplateGrant } from './format.ts'

export const DAY_MS = 24 * 3600 * 1000

/** The parties of each role, by its name. */
export type Cast = Readonly<Record<string, readonly string[]>>

/** cardOf: undefined where cards are not looked at. timeMs: when the contract was made. */
export type Casting = { cast: Cast; cardOf?: (party: string) => ProvenCard | undefined; timeMs: number }

const ROLE_TEXT = /"@([a-z][a-z0-9-]*)"/g
const PARTY_TEXT = /"([0-9a-f]{64})"/g

/** The parties of a role; undefined where there is none of the name. */
export function partiesOf(cast: Cast, role: string): readonly string[] | undefined {
  return Object.hasOwn(cast, role) ? cast[role] : undefined
}

/**
 * Who has every role: one party, or where it may be repeated several; of an observer's role perhaps nobody yet.
 * @throws CountersignError `bad-request`
 */
export function completeCast({ roles }: Template, cast: Cast): Cast {
  for (const name of Object.keys(cast))
    if (!roles.some((role) => role.name === name))
      throw new CountersignError(
        'bad-request',
        `The template has no role ${name}; its roles are ${roles.map((role) => role.name).join(', ')}.`,
      )
  for (const { name, repeated, observer } of roles) {
    const parties = partiesOf(cast, name) ?? []
    if (parties.length === 0 && !observer)
      throw new CountersignError('bad-request', `Say which party is the ${name}.`)
    if (parties.length > 1 && !repeated)
      throw new CountersignError('bad-request', `Only one party can be the ${name}.`)
    if (new Set(parties).size !== parties.length)
      throw new CountersignError('bad-request', `A party is named twice as ${name}.`)
  }
  return Object.fromEntries(roles.map(({ name }) => [name, partiesOf(cast, name) ?? []]))
}

/** Puts parties in the place of roles in what one rule of a template says. place: of the rule, for messages. */
export class Casted {
  readonly #casting: Casting
  readonly #own: { role: string; party: string } | undefined
  readonly #place: string

  /** @param own the party that `@role` stands for, of a role that a rule or item is there for each party of */
  constructor(casting: Casting, place: string, own?: { role: string; party: string }) {
    this.#casting = casting
    this.#place = place
    this.#own = own
  }

  /** Every party that `@role` stands for. @throws CountersignError `bad-template`, `bad-request` */
  all(text: string): readonly string[] {
    const name = text.startsWith('@') ? text.slice(1) : undefined
    if (name === undefined) return badTemplate(this.#place, `“${text.slice(0, 60)}” is no role; write @role`)
    if (this.#own?.role === name) return [this.#own.party]
    const parties = partiesOf(this.#casting.cast, name)
    if (parties === undefined) return badTemplate(this.#place, `there is no role ${name}`)
    if (parties.length === 0)
      throw new CountersignError('bad-request', `Say which party is the ${name}: a rule names it.`)
    return parties
  }

  /** The one party that `@role` stands for. @throws CountersignError `bad-template`, `bad-request` */
  one(text: string): string {
    const parties = this.all(text)
    if (parties.length > 1)
      return badTemplate(this.#place, `several parties have the role ${text}, and one is meant; use each`)
    return parties[0] as string
  }

  /** An expression with parties in the place of the texts `"@role"`. */
  expression(text: string): string {
    return text.replace(ROLE_TEXT, (_, role: string) => `"${this.one(`@${role}`)}"`)
  }

  behaviour(behaviour: TemplateBehaviour): Behaviour {
    switch (behaviour.kind) {
      case 'access':
        return { ...behaviour, grants: this.#list(behaviour.grants).flatMap((grant) => this.#grants(grant)) }
      case 'ownership':
        return { ...behaviour, owner: this.one(textOf(behaviour.owner)) }
      case 'approval': {
        const { parties, count } = behaviour
        return {
          ...behaviour,
          count: count === 'all' ? RULE_PARTIES_MAX : count,
          ...(parties !== undefined && { parties: this.#many(parties) }),
        }
      }
      case 'constraint':
      case 'assignment':
      case 'activation':
        return { ...behaviour, expression: this.expression(textOf(behaviour.expression)) }
      case 'aggregate':
        return { ...behaviour, reader: this.one(textOf(behaviour.reader)) }
      case 'trigger': {
        const { when } = behaviour
        const casted =
          when?.kind === 'question'
            ? { ...when, parties: this.#many(when.parties) }
            : when?.kind === 'phase'
              ? when
              : { ...when, expression: this.expression(textOf(when?.expression)) }
        return {
          ...behaviour,
          when: casted,
          actions: this.#list(behaviour.actions).map((then) => this.#then(then)),
        }
      }
      default:
        return behaviour
    }
  }

  #list<T>(value: readonly T[]): readonly T[] {
    return Array.isArray(value) ? value : badTemplate(this.#place, 'a list is missing')
  }

  #many(parties: readonly string[]): string[] {
    return [...new Set(this.#list(parties).flatMap((one) => this.all(textOf(one))))]
  }

  #grants(grant: TemplateGrant): Grant[] {
    const { party, forDays, ...rest } = Object(grant) as TemplateGrant
    if (forDays !== undefined && !(Number.isSafeInteger(forDays) && forDays >= 1 && forDays <= 36_500))
      return badTemplate(this.#place, 'forDays is a number of days from 1 to 36500')
    const until = forDays === undefined ? {} : { untilMs: this.#casting.timeMs + forDays * DAY_MS }
    return this.all(textOf(party)).map((one) => ({ ...rest, ...until, party: one }))
  }

  #then(then: Extract<TemplateBehaviour, { kind: 'trigger' }>['actions'][number]): Then {
    if (then?.do !== 'admit') return then
    const { cardOf } = this.#casting
    const party = this.one(textOf(then.card))
    // Where no cards are looked at, something that needs none stands in its place.
    if (cardOf === undefined) {
      checkAdmission(this.#place, then)
      return { do: 'phase', to: 'live' }
    }
    const card = cardOf(party)
    if (card === undefined)
      throw new CountersignError(
        'unknown-party',
        `The card of ${then.card} is not here: a rule of the template lets it in; pin it first.`,
      )
    return { ...then, card }
  }
}

function checkAdmission(place: string, { older, forMs, ...rest }: { older: unknown; forMs: unknown }): void {
  const isLong = Number.isSafeInteger(forMs) && (forMs as number) >= 60_000
  if (typeof older !== 'boolean' || !isLong || (forMs as number) > 180 * DAY_MS)
    badTemplate(place, 'an admission says older (true or false) and forMs, from a minute to 180 days')
  if (Object.keys(rest).sort().join() !== 'card,do')
    badTemplate(place, 'an admission says do, card, older and forMs')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Every party that a rule's behaviour names. */
export function partiesIn(behaviour: Behaviour): string[] {
  const found: string[] = []
  mapParties(behaviour, (party) => {
    found.push(party)
    return party
  })
  return [...new Set(found)]
}

/**
 * A behaviour with other words in the place of its parties, each word once in a list of them.
 * @param timeMs when the contract was made: a grant that ends at a time ends so many days after that
 */
export function mapParties(
  behaviour: Behaviour,
  word: (party: string) => string,
  cardWord: (card: ProvenCard) => string = () => '',
  timeMs = 0,
): TemplateBehaviour {
  const many = (parties: readonly string[]): string[] => [...new Set(parties.map(word))]
  const text = (expression: string): string =>
    expression.replace(PARTY_TEXT, (_, party: string) => `"${word(party)}"`)
  switch (behaviour.kind) {
    case 'access': {
      const grants = behaviour.grants.map(({ untilMs, ...grant }): TemplateGrant => {
        const days = untilMs === undefined ? undefined : Math.max(1, Math.ceil((untilMs - timeMs) / DAY_MS))
        return { ...grant, party: word(grant.party), ...(days !== undefined && { forDays: days }) }
      })
      const distinct = new Map(grants.map((grant) => [JSON.stringify(grant), grant]))
      return { ...behaviour, grants: [...distinct.values()] }
    }
    case 'ownership':
      return { ...behaviour, owner: word(behaviour.owner) }
    case 'approval': {
      const { parties, count } = behaviour
      return {
        ...behaviour,
        count: count === RULE_PARTIES_MAX ? 'all' : count,
        ...(parties !== undefined && { parties: many(parties) }),
      }
    }
    case 'constraint':
    case 'assignment':
    case 'activation':
      return { ...behaviour, expression: text(behaviour.expression) }
    case 'aggregate':
      return { ...behaviour, reader: word(behaviour.reader) }
    case 'trigger': {
      const { when } = behaviour
      return {
        ...behaviour,
        when:
          when.kind === 'question'
            ? { ...when, parties: many(when.parties) }
            : when.kind === 'phase'
              ? when
              : { ...when, expression: text(when.expression) },
        actions: behaviour.actions.map((then) =>
          then.do === 'admit' ? { ...then, card: cardWord(then.card) } : then,
        ),
      }
    }
    case 'phases':
      throw new CountersignError('internal', 'phases are no rule of a template')
    default:
      return behaviour
  }
}
