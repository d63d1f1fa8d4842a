/**
 * Expressions of rules, made ready to be evaluated on a contract's tree (feel/). What their names mean was settled when the rule was
 * drafted and is part of it: so every node makes the same of it, whatever the tree has become since.
 */

import type { Names, RuleBody } from '../../ledger/behaviour.ts'
import type { FieldType } from '../../ledger/element.ts'
import type { Value } from '../../ledger/value.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'
import { instantOf } from '../feel/calendar.ts'
import { type Checked, check } from '../feel/checker.ts'
import { evaluate } from '../feel/evaluate.ts'
import { toFieldValue, typeOfField } from '../feel/field-value.ts'
import { parse } from '../feel/parser.ts'
import { DEFAULT_BUDGET, type FieldContent, type Source } from '../feel/run.ts'
import type { BlockType, Input, Scope, Type } from '../feel/types.ts'
import type { Value as FeelValue } from '../feel/values.ts'
import { elementsAt, pathKey } from './paths.ts'
import type { PathKind, ReadPath } from './records.ts'
import type { Work } from './work.ts'

/** What an evaluation came to. salts: of the values it read, in the order in which it first did. */
export type Run =
  | { kind: 'over-budget' }
  | {
      kind: 'value'
      isTrue: boolean
      isFalse: boolean
      salts: string[]
      /** As a field of a type holds it; null where it is nothing, or nothing that such a field could hold. */
      toField(type: FieldType): Value
      /** A date, or date and time, in ms since 1970. */
      toTimeText(): string | undefined
    }

/** An expression with what it reads. place: UID of the block that bare names are looked up in. */
export type Program = {
  readonly inputs: readonly Input[]
  readonly checked: Checked
  run(work: Work, place: string): Run
}

/** The expression of a rule; undefined for one without. */
export function expressionOf({ behaviour }: RuleBody): string | undefined {
  if (behaviour.kind === 'trigger')
    return 'expression' in behaviour.when ? behaviour.when.expression : undefined
  return 'expression' in behaviour ? behaviour.expression : undefined
}

/** @throws CountersignError `bad-expression`, `wrong-type` or `too-large` with the position */
export function programOf(rule: RuleBody, here: Names, scope: Scope): Program | undefined {
  const text = expressionOf(rule)
  if (text === undefined) return undefined
  const checked = check(parse(text), { ...scope, here: blockAt(here) })
  return {
    inputs: checked.inputs,
    checked,
    run: (work, place) => runAt(checked, work, rule.at, place),
  }
}

/** Everything that an expression may read, and what that lies in, lists included, whether it then does or not. */
export function readBy(
  { state }: Pick<Work, 'state'>,
  program: Program,
  root: string,
  here: string,
): string[] {
  const read = new Set<string>()
  for (const { from, path } of program.inputs)
    for (let length = 1; length <= path.length; length += 1)
      for (const uid of elementsAt(state, from === 'root' ? root : here, path.slice(0, length), false))
        addItems(state, uid, read)
  return [...read]
}

/** An element, and a list's items with those of lists in it. */
function addItems(state: ContractState, uid: string, into: Set<string>): void {
  into.add(uid)
  if (element(state, uid)?.kind !== 'list') return
  for (const item of childrenOf(state, uid)) addItems(state, item, into)
}

/** The scope that a rule's recorded paths make. */
export function scopeOf(reads: readonly ReadPath[]): Scope {
  const kinds = new Map(reads.map(([names, kind]) => [pathKey('', names), kind]))
  return {
    root: blockAt([]),
    here: blockAt([]),
    member: ({ id }, name) => {
      const names = [...namesAt(id), name]
      const kind = kinds.get(pathKey('', names))
      return kind === undefined ? undefined : typeOf(kind, names)
    },
    names: () => [],
  }
}

/** A block's type: told from others by its path. */
export function blockAt(names: Names): BlockType {
  return { kind: 'block', id: JSON.stringify(names) }
}

/** The path of a block's type. */
export function namesAt(id: string): Names {
  return JSON.parse(id) as Names
}

export function typeOf(kind: PathKind, names: Names): Type {
  if (kind.startsWith('list of ')) return { kind: 'list', of: typeOf(kind.slice(8) as PathKind, names) }
  return kind === 'block' ? blockAt(names) : typeOfField(kind as FieldType)
}

function runAt(checked: Checked, work: Work, root: string, here: string): Run {
  const salts = new Map<string, string>()
  const source = sourceOf(work, root, here, salts)
  const { steps, memory } = DEFAULT_BUDGET
  const evaluation = evaluate(checked, source, { steps: Math.min(steps, work.stepsLeft), memory })
  work.stepsLeft -= evaluation.spent.steps
  if (evaluation.kind !== 'value') return { kind: 'over-budget' }
  const { value } = evaluation
  return {
    kind: 'value',
    isTrue: value === true,
    isFalse: value === false,
    salts: [...salts.values()],
    toField: (type) => toFieldValue(value, type) ?? null,
    toTimeText: () => timeTextOf(value),
  }
}

function timeTextOf(value: FeelValue): string | undefined {
  if (value === null || typeof value !== 'object' || !('kind' in value)) return undefined
  if (value.kind !== 'date' && value.kind !== 'date-time') return undefined
  const ms = instantOf(value) / 1_000_000n
  return ms >= 0n && ms <= 253402300799999n ? String(ms) : undefined
}

/** The tree as an evaluation sees it: what an activation rule has switched off is not there. */
function sourceOf(work: Work, root: string, here: string, salts: Map<string, string>): Source<string> {
  const { state } = work
  const isThere = (uid: string): boolean => element(state, uid)?.inactive !== true
  return {
    root,
    here,
    child: (block, name) => childNamed(state, block, name),
    items: (list) => itemsOf(state, list).filter(isThere),
    value: (uid): FieldContent | undefined => {
      // Where one was to be and several are, none is the one.
      if (uid.includes(GROUP)) return undefined
      const { type, value, readers } = element(state, uid) ?? {}
      if (type === undefined || value === undefined || !isThere(uid)) return undefined
      const opening = work.valueOf({ value, readers })
      salts.set(value, opening.salt)
      return { type, value: opening.value }
    },
  }
}

const GROUP = '/'

/** A child by its name; several of one name stand for a list of them, named by their parent and name. */
function childNamed(state: ContractState, block: string, name: string): string | undefined {
  const siblings = state.children.get(block)
  const first = siblings?.namedAt(name, 0)
  if (first === undefined) return undefined
  if (siblings?.namedAt(name, 1) !== undefined) return `${block}${GROUP}${name}`
  return element(state, first)?.inactive ? undefined : first
}

function itemsOf(state: ContractState, list: string): string[] {
  const slash = list.indexOf(GROUP)
  if (slash >= 0) {
    const siblings = state.children.get(list.slice(0, slash))
    const name = list.slice(slash + 1)
    const count = siblings?.countNamed(name) ?? 0
    return Array.from({ length: count }, (_, index) => siblings?.namedAt(name, index) as string)
  }
  if (element(state, list)?.kind !== 'list') return [list]
  return childrenOf(state, list).flatMap((item) => itemsOf(state, item))
}
