/** What is different between two templates, in lines that can be read. */
import { jcs } from '../../crypto/jcs.ts'
import type { Template } from './format.ts'
import { type Node, nodesOf } from './tree.ts'

export type Difference = { sign: '+' | '-' | '~'; what: string }

/** Every difference, from the roles down to the rules. @throws CountersignError `bad-template` as `nodesOf` */
export function differences(from: Template, to: Template): Difference[] {
  return [
    ...texts(from, to),
    ...named('role', from.roles, to.roles),
    ...named('type', from.types, to.types),
    ...elements(nodesOf(from), nodesOf(to)),
    ...named('phase', from.phases, to.phases),
    ...lists(from, to),
    ...named('rule', from.rules, to.rules),
  ]
}

function texts(from: Template, to: Template): Difference[] {
  const parts = ['name', 'title', 'help', 'firstPhase'] as const
  return parts
    .filter((part) => from[part] !== to[part])
    .map((part) => ({ sign: '~', what: `${part}: ${words(from[part])} → ${words(to[part])}` }))
}

function lists(from: Template, to: Template): Difference[] {
  const parts = { movedBy: 'who moves it on', off: 'rule sets switched off at first' } as const
  return (Object.keys(parts) as (keyof typeof parts)[])
    .filter((part) => jcs(from[part] ?? []) !== jcs(to[part] ?? []))
    .map((part) => ({ sign: '~', what: `${parts[part]}: ${words(from[part])} → ${words(to[part])}` }))
}

type Named = { name: string; help?: string; label?: string; title?: string }

function named(word: string, from: readonly Named[], to: readonly Named[]): Difference[] {
  const before = new Map(from.map((one) => [one.name, one]))
  const found: Difference[] = []
  for (const one of to) {
    const was = before.get(one.name)
    before.delete(one.name)
    if (was === undefined) found.push({ sign: '+', what: introduced(`${word} ${one.name}`, one) })
    else found.push(...changed(`${word} ${one.name}`, was, one))
  }
  return [
    ...found,
    ...[...before.values()].map(
      (one): Difference => ({ sign: '-', what: introduced(`${word} ${one.name}`, one) }),
    ),
  ]
}

/** With what it is for, which a name alone does not say. */
function introduced(what: string, { help, title, label }: Omit<Named, 'name'>): string {
  const about = help ?? title ?? label
  return about === undefined ? what : `${what}: ${about}`
}

/** What is said of a rule stands in its behaviour, which nobody calls so. */
const BEHAVIOUR = 'behaviour'

/** Which parts of something are others: one line for each. */
function changed(what: string, from: object, to: object): Difference[] {
  const [before, after] = [from as Record<string, unknown>, to as Record<string, unknown>]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys
    .filter((key) => jcs(before[key] ?? null) !== jcs(after[key] ?? null))
    .flatMap((key): Difference[] => {
      const [was, is] = [before[key], after[key]]
      if (key === BEHAVIOUR && isObject(was) && isObject(is) && was.kind === is.kind)
        return changed(what, was, is)
      const part = key === BEHAVIOUR ? '' : `${key} `
      if (key !== BEHAVIOUR && isObject(was) && isObject(is)) return changed(`${what}: ${key}`, was, is)
      if (isNamed(was) && isNamed(is)) return named(`${what}: ${key}`, was, is)
      return [{ sign: '~', what: `${what}: ${part}${words(was)} → ${words(is)}` }]
    })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamed(value: unknown): value is Named[] {
  return Array.isArray(value) && value.every((one) => isObject(one) && typeof one.name === 'string')
}

function elements(from: readonly Node[], to: readonly Node[]): Difference[] {
  const rows = (nodes: readonly Node[], above: string): [string, Omit<Node, 'children'>][] =>
    nodes.flatMap(({ children, ...node }) => {
      // Items of a list have one name: whom they are for tells them apart.
      const path =
        node.each === undefined ? `${above}${node.name}` : `${above}${node.name} of each ${node.each}`
      return [[path, node] as [string, Omit<Node, 'children'>], ...rows(children, `${path} › `)]
    })
  const before = new Map(rows(from, ''))
  const found: Difference[] = []
  for (const [path, node] of rows(to, '')) {
    const was = before.get(path)
    before.delete(path)
    if (was === undefined) found.push({ sign: '+', what: described(path, node) })
    else found.push(...changed(path, was, node))
  }
  const gone = [...before].map(([path, node]): Difference => ({ sign: '-', what: described(path, node) }))
  return [...found, ...gone]
}

function described(path: string, { name, kind, type, typed, label }: Omit<Node, 'children'>): string {
  const is = kind === 'list' ? `list of ${typed ?? 'anything'}` : (typed ?? type ?? kind)
  return `${path} (${is})${label === undefined || label === name ? '' : `: ${label}`}`
}

const QUOTED_MAX = 200

/** A value as people write it: texts in quotes, lists with commas, of an object what each of its parts is. */
function words(value: unknown): string {
  const text = said(value)
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text
}

function said(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (typeof value === 'string') return `“${value}”`
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    const isPath = value.every((one) => typeof one === 'string')
    return value.map(said).join(isPath ? ', ' : '; ')
  }
  if (!isObject(value)) return value === true ? 'yes' : value === false ? 'no' : String(value)
  return Object.entries(value)
    .map(([key, one]) => (one === true ? key : `${key} ${said(one)}`))
    .join(', ')
}
