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
    .map((part) => ({ sign: '~', what: `${part}: ${quoted(from[part])} → ${quoted(to[part])}` }))
}

function lists(from: Template, to: Template): Difference[] {
  const parts = { movedBy: 'who moves it on', off: 'rule sets switched off at first' } as const
  return (Object.keys(parts) as (keyof typeof parts)[])
    .filter((part) => jcs(from[part] ?? []) !== jcs(to[part] ?? []))
    .map((part) => ({ sign: '~', what: `${parts[part]}: ${quoted(from[part])} → ${quoted(to[part])}` }))
}

function named(
  word: string,
  from: readonly { name: string }[],
  to: readonly { name: string }[],
): Difference[] {
  const before = new Map(from.map((one) => [one.name, one]))
  const found: Difference[] = []
  for (const one of to) {
    const was = before.get(one.name)
    before.delete(one.name)
    if (was === undefined) found.push({ sign: '+', what: `${word} ${one.name}` })
    else found.push(...changed(`${word} ${one.name}`, was, one))
  }
  return [...found, ...[...before.keys()].map((name): Difference => ({ sign: '-', what: `${word} ${name}` }))]
}

/** Which parts of something are others: one line for each. */
function changed(what: string, from: object, to: object): Difference[] {
  const [before, after] = [from as Record<string, unknown>, to as Record<string, unknown>]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys
    .filter((key) => jcs(before[key] ?? null) !== jcs(after[key] ?? null))
    .map((key) => ({ sign: '~', what: `${what}: ${key} ${quoted(before[key])} → ${quoted(after[key])}` }))
}

function elements(from: readonly Node[], to: readonly Node[]): Difference[] {
  const rows = (nodes: readonly Node[], above: string): [string, object][] =>
    nodes.flatMap(({ children, ...node }) => {
      // Items of a list have one name: whom they are for tells them apart.
      const path =
        node.each === undefined ? `${above}${node.name}` : `${above}${node.name} of each ${node.each}`
      return [[path, node] as [string, object], ...rows(children, `${path} › `)]
    })
  const before = new Map(rows(from, ''))
  const found: Difference[] = []
  for (const [path, node] of rows(to, '')) {
    const was = before.get(path)
    before.delete(path)
    if (was === undefined) found.push({ sign: '+', what: path })
    else found.push(...changed(path, was, node))
  }
  return [...found, ...[...before.keys()].map((path): Difference => ({ sign: '-', what: path }))]
}

const QUOTED_MAX = 200

function quoted(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? `“${value}”` : JSON.stringify(value)
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text
}
