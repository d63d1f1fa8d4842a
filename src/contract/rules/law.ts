/**
 * The rules in force, made ready to be asked: which are about an element, which read it, and in which order what is computed is
 * (PROTOCOL RUL-3). It follows from the rule records and the tree they stand in, and is made anew when rules are published.
 */
import type { Behaviour, Names, RuleBody } from '../../ledger/behaviour.ts'
import { type Program, programOf, scopeOf } from './expressions.ts'
import { pathKey } from './paths.ts'
import { rankOf } from './rank.ts'
import type { PathKind, ReadPath, RuleRecord } from './records.ts'

/** A rule in force. program: of its expression, if it has one. */
export type LawRule = {
  readonly uid: string
  readonly owner: string
  readonly rule: RuleBody
  readonly reads: readonly ReadPath[]
  /** Names from the root of the contract to the anchor. */
  readonly place: Names
  /** Names from the anchor to the block it is looked at in. */
  readonly here: Names
  readonly program: Program | undefined
}

/** A rule that reads what lies at a path. here: names from the anchor to the block it is evaluated in, if it is read from there. */
export type Reader = { readonly rule: LawRule; readonly here: Names | undefined }

export type Law = {
  readonly rules: ReadonlyMap<string, LawRule>
  /** UIDs at which rules stand. */
  readonly anchors: ReadonlySet<string>
  /** By the path (`pathKey`) they are about. */
  readonly about: ReadonlyMap<string, readonly LawRule[]>
  /** By the path they read. */
  readonly reading: ReadonlyMap<string, readonly Reader[]>
  /** Paths whose names a rule needs: of its target and of what it reads, and all that lead there. */
  readonly named: ReadonlySet<string>
  /** What lies at a path that a rule needs, which stays so. */
  readonly kinds: ReadonlyMap<string, PathKind>
  /** Of what computes something: those first that others read. */
  readonly rank: ReadonlyMap<string, number>
  /** Triggers that wait for a date. */
  readonly dated: readonly LawRule[]
  /** After `edit`. */
  readonly phases: readonly string[]
  /** A rule says of something who may see it. */
  readonly hasPrivate: boolean
}

export const NO_LAW: Law = {
  rules: new Map(),
  anchors: new Set(),
  about: new Map(),
  reading: new Map(),
  named: new Set(),
  kinds: new Map(),
  rank: new Map(),
  dated: [],
  phases: [],
  hasPrivate: false,
}

/** Names from the anchor to where a rule is looked at: what it is about, or the block around that. */
export function hereOf({ path, behaviour: { kind } }: RuleBody, reads: readonly ReadPath[]): Names {
  const target = kindAt(reads, path)
  const isBlock = target === undefined || target === 'block' || target === 'list of block'
  const isAtTarget = (kind === 'constraint' || kind === 'trigger') && isBlock
  return isAtTarget ? path : path.slice(0, -1)
}

/** What stood at a path when a rule was drafted. */
export function kindAt(reads: readonly ReadPath[], path: Names): PathKind | undefined {
  const key = pathKey('', path)
  return reads.find(([names]) => pathKey('', names) === key)?.[1]
}

const ABOUT_ITEMS = new Set(['limits', 'constraint', 'assignment', 'aggregate', 'approval', 'transfer'])

/** Whether a list at the end of a rule's path stands for its items. */
export function isAboutItems({ kind }: Behaviour): boolean {
  return ABOUT_ITEMS.has(kind)
}

/** Kinds that look at what they are about, and again when it comes, goes or changes. */
const LOOKING = new Set([
  'limits',
  'required',
  'activation',
  'constraint',
  'assignment',
  'aggregate',
  'unique',
])

/** What a rule reads, from its anchor; here: it is read from where the rule is looked at. */
function readsOf({ rule, program, here }: LawRule): { names: Names; here: Names | undefined }[] {
  const reads = (program?.inputs ?? []).map(({ from, path }) =>
    from === 'root' ? { names: path, here: undefined } : { names: [...here, ...path], here },
  )
  const { behaviour, path } = rule
  if (LOOKING.has(behaviour.kind)) reads.push({ names: path, here })
  if (behaviour.kind === 'unique') reads.push({ names: [...path, ...behaviour.by], here })
  if (behaviour.kind === 'aggregate') reads.push({ names: behaviour.over, here: undefined })
  return reads as { names: Names; here: Names | undefined }[]
}

/**
 * Makes the law of these rules. It follows from them alone, in whatever order they come: what their paths lead to is part of them,
 * and of several that refuse the one with the first UID does, on a node that has read them from disk as on one that has not.
 * @throws CountersignError `bad-rule` naming the rule: its expression is none, or it goes round in a circle with others
 */
export function lawOf(
  records: Iterable<readonly [uid: string, record: RuleRecord]>,
  known: Law = NO_LAW,
): Law {
  const rules = new Map<string, LawRule>()
  for (const [uid, record] of [...records].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = known.rules.get(uid)
    rules.set(uid, before?.rule === record.rule ? before : lawRuleOf(uid, record))
  }
  const about = new Map<string, LawRule[]>()
  const reading = new Map<string, Reader[]>()
  const named = new Set<string>()
  const kinds = new Map<string, PathKind>()
  for (const one of rules.values()) {
    const { at, path } = one.rule
    push(about, pathKey(at, path), one)
    addPrefixes(named, at, path)
    for (const { names, here } of readsOf(one)) {
      push(reading, pathKey(at, names), { rule: one, here })
      addPrefixes(named, at, names)
    }
    for (const [names, is] of one.reads) kinds.set(pathKey(at, names), is)
  }
  const phases = [...rules.values()].flatMap(({ rule: { behaviour } }) =>
    behaviour.kind === 'phases' ? behaviour.names : [],
  )
  const anchors = new Set([...rules.values()].map(({ rule }) => rule.at))
  const rank = rankOf(rules.values())
  const dated = [...rules.values()].filter(isDated).sort((a, b) => (a.uid < b.uid ? -1 : 1))
  const hasPrivate = [...rules.values()].some(
    ({ rule: { behaviour } }) => behaviour.kind === 'access' && behaviour.actions.includes('see'),
  )
  return {
    rules,
    ...{ anchors, about, reading, named, kinds, rank, dated },
    phases: [...new Set(phases)],
    hasPrivate,
  }
}

function isDated({ rule: { behaviour } }: LawRule): boolean {
  return behaviour.kind === 'trigger' && behaviour.when.kind === 'date'
}

/** @throws CountersignError `bad-rule` */
export function lawRuleOf(uid: string, { owner, rule, reads, place }: Omit<RuleRecord, 'kind'>): LawRule {
  const here = hereOf(rule, reads)
  return { uid, owner, rule, reads, place, here, program: programOf(rule, here, scopeOf(reads)) }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function addPrefixes(named: Set<string>, at: string, names: Names): void {
  for (let length = 1; length <= names.length; length += 1) named.add(pathKey(at, names.slice(0, length)))
}
