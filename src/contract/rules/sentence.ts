/**
 * A rule in plain language, for the people who say yes to it (RUL-1): made of the rule itself, so that it can't say anything else.
 * "Only Acme Broking may change Premium › Rate."
 */
import {
  ACCESS_ACTIONS,
  type AccessAction,
  type Aggregate,
  type Behaviour,
  type Grant,
  type Names,
  RULE_PARTIES_MAX,
  type RuleBody,
  type Then,
  type When,
} from '../../ledger/behaviour.ts'
import type { DraftAction } from '../../ledger/rule-operation.ts'
import { parse } from '../feel/parser.ts'
import { sentence as spoken } from '../feel/sentence.ts'

/** What parties are called: by their id. */
export type NameOf = (party: string) => string

/** How paths and elements are called: labels where there are any, else names. */
export type PathOf = (names: Names) => string

/** A path as people read it: `Premium › Rate`. */
export function pathWords(names: Names, root = 'the contract'): string {
  return names.length === 0 ? root : names.join(' › ')
}

/** The sentence of a rule, with a full stop. */
export function ruleSentence(
  rule: RuleBody,
  nameOf: NameOf,
  pathOf: PathOf = (names) => pathWords(names),
): string {
  return `${withCapital(bodyOf(rule.behaviour, pathOf(rule.path), nameOf, pathOf))}.`
}

/** What a draft is for, in a sentence. */
export function draftSentence(
  action: DraftAction,
  nameOf: NameOf,
  ruleOf: (uid: string) => string,
  pathOf?: PathOf,
  placeOf: (block: string) => Names = () => [],
): string {
  switch (action.do) {
    case 'add':
      return ruleSentence(action.rule, nameOf, pathOf)
    case 'replace':
      return `${ruleSentence(action.by, nameOf, pathOf)} This takes the place of: ${ruleOf(action.rule)}`
    case 'repeal':
      return `This is to be no rule any more: ${ruleOf(action.rule)}`
    case 'switch':
      return `The rules of “${action.set}” are switched ${action.on ? 'on' : 'off'}.`
    case 'template':
      return (
        `${withCapital(pathWords(placeOf(action.on)))} is from now on of edition ${action.template.edition} of the template ` +
        `${action.template.hash.slice(0, 12)}${action.from === undefined ? '' : `, no more of ${action.from.slice(0, 12)}`}.`
      )
  }
}

function bodyOf(behaviour: Behaviour, target: string, nameOf: NameOf, pathOf: PathOf): string {
  switch (behaviour.kind) {
    case 'required':
      return behaviour.from === undefined
        ? `${target} is never left empty once it was given`
        : `${target} has to be there from the phase “${behaviour.from}” on`
    case 'limits':
      return `${target} ${and(limitWords(behaviour))}`
    case 'unique':
      return `no two of ${target} have the same ${behaviour.by.length === 0 ? 'value' : pathWords(behaviour.by)}`
    case 'constraint':
      return `in ${target}: ${expressionWords(behaviour.expression)} (${behaviour.message})`
    case 'access':
      return accessWords(behaviour.actions, behaviour.grants, target, nameOf)
    case 'ownership':
      return `only ${nameOf(behaviour.owner)} adds and removes in ${target}, without needing a lock`
    case 'assignment':
      return `${target} is computed and typed by nobody: it is ${expressionWords(behaviour.expression)}`
    case 'aggregate':
      return `${target} is ${AGGREGATES[behaviour.function]} ${pathOf(behaviour.over)}, computed by ${nameOf(behaviour.reader)}, who alone sees them all; everybody sees what it comes to, once at least ${behaviour.atLeast} others have given theirs`
    case 'activation':
      return `${target} is there only while ${expressionWords(behaviour.expression)}`
    case 'approval':
      return approvalWords(behaviour, target, nameOf)
    case 'transfer':
      return `${target} says who holds it, and only its holder passes it on`
    case 'phases': {
      const order = `the phases after “edit” are ${behaviour.names.map((name) => `“${name}”`).join(', ')}`
      return behaviour.by === undefined
        ? `${order}; every member may move the contract on`
        : `${order}; ${or(behaviour.by.map(nameOf))} may move the contract on`
    }
    case 'trigger':
      return `${whenWords(behaviour.when, nameOf)}, ${and(behaviour.actions.map((one) => thenWords(one, pathOf)))}`
  }
}

const AGGREGATES: Record<Aggregate['function'], string> = {
  sum: 'the sum of all',
  count: 'the number of all',
  min: 'the least of all',
  max: 'the greatest of all',
}

const ACTIONS: Record<AccessAction, string> = {
  see: 'see what is in',
  propose: 'change',
  add: 'add to',
  remove: 'remove from',
  approve: 'vote on',
}

/** “change or add to Notes”; “see what is in Bid, change it or vote on it”. */
function actionWords(actions: readonly AccessAction[], target: string): string {
  if (!actions.includes('see')) return `${or(actions.map((action) => ACTIONS[action]))} ${target}`
  const others = ACCESS_ACTIONS.filter((action) => action !== 'see' && actions.includes(action))
  return or([`${ACTIONS.see} ${target}`, ...others.map((action) => `${ACTIONS[action]} it`)])
}

function accessWords(
  actions: readonly AccessAction[],
  grants: readonly Grant[],
  target: string,
  nameOf: NameOf,
): string {
  const may = actionWords(actions, target)
  if (grants.length === 0) return `nobody may ${may}`
  return `only ${and(grants.map((grant) => grantWords(grant, nameOf)))} may ${may}`
}

function grantWords({ party, untilMs, untilPhase }: Grant, nameOf: NameOf): string {
  const ends = [
    ...(untilMs === undefined ? [] : [`until ${timeWords(untilMs)}`]),
    ...(untilPhase === undefined ? [] : [`until the phase “${untilPhase}”`]),
  ]
  return ends.length === 0 ? nameOf(party) : `${nameOf(party)} (${and(ends)})`
}

function timeWords(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function limitWords(limits: Extract<Behaviour, { kind: 'limits' }>): string[] {
  const { type, min, max, minLength, maxLength, pattern, oneOf } = limits
  const words: string[] = []
  if (type !== undefined) words.push(`is of type ${type}`)
  if (min !== undefined && max !== undefined) words.push(`lies from ${min} to ${max}`)
  else if (min !== undefined) words.push(`is at least ${min}`)
  else if (max !== undefined) words.push(`is at most ${max}`)
  if (minLength !== undefined && maxLength !== undefined)
    words.push(`has ${minLength} to ${maxLength} characters`)
  else if (minLength !== undefined) words.push(`has at least ${minLength} characters`)
  else if (maxLength !== undefined) words.push(`has at most ${maxLength} characters`)
  if (pattern !== undefined) words.push(`is written as the pattern ${pattern}`)
  if (oneOf !== undefined) words.push(`is one of ${or(oneOf.map((one) => `“${one}”`))}`)
  return words.length === 0 ? ['may be anything'] : words
}

function approvalWords(
  { parties, count, several }: Extract<Behaviour, { kind: 'approval' }>,
  target: string,
  nameOf: NameOf,
): string {
  const isEvery = parties === undefined && count >= RULE_PARTIES_MAX
  const asked = isEvery
    ? 'every member'
    : parties === undefined
      ? `${count} of the members`
      : count >= parties.length
        ? and(parties.map(nameOf))
        : `${count} of ${and(parties.map(nameOf))}`
  const verb = isEvery || parties?.length === 1 ? 'has' : 'have'
  const more = several === true ? '; several proposals may stand side by side' : ''
  return `${target} is agreed once ${asked} ${verb} said yes${more}`
}

function whenWords(when: When, nameOf: NameOf): string {
  switch (when.kind) {
    case 'expression':
      return `once ${expressionWords(when.expression)}`
    case 'phase':
      return `when the phase “${when.phase}” begins`
    case 'date':
      return `on ${expressionWords(when.expression)}`
    case 'question':
      return `once ${when.count} of ${and(when.parties.map(nameOf))} have said yes to “${when.text}”`
  }
}

function thenWords(action: Then, pathOf: PathOf): string {
  switch (action.do) {
    case 'switch':
      return `the rules of “${action.set}” are switched ${action.on ? 'on' : 'off'}`
    case 'phase':
      return `the phase “${action.to}” begins`
    case 'activate':
      return `${pathOf(action.target)} comes in`
    case 'admit':
      return `${action.card.card.name} is let in as an observer`
  }
}

function expressionWords(expression: string): string {
  return spoken(parse(expression))
}

function and(words: readonly string[]): string {
  return joined(words, 'and')
}

function or(words: readonly string[]): string {
  return joined(words, 'or')
}

function joined(words: readonly string[], last: string): string {
  if (words.length <= 1) return words[0] ?? ''
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

function withCapital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
