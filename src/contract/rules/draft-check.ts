/**
 * A rule looked at when it is drafted (RUL-2): its names are there, its expression is one and of the type that is asked for. What
 * its paths lead to is noted with it, and stays so from then on.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { Aggregate, Limits, Names, RuleBody } from '../../ledger/behaviour.ts'
import type { FieldType } from '../../ledger/element.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'
import { compilePattern } from '../feel/pattern.ts'
import { type Scope, type Type, typeName } from '../feel/types.ts'
import { isValueOfType } from '../outcome.ts'
import { blockAt, namesAt, programOf, typeOf } from './expressions.ts'
import { hereOf } from './law.ts'
import { elementsAt, lineOf, pathKey, stepsFrom } from './paths.ts'
import { isRuleStateRecord, type PathKind, READS_MAX, type ReadPath } from './records.ts'

/** What a rule needs of the tree, or why it does not work. */
export type Prepared = { reads: ReadPath[]; place: Names }

/**
 * @throws CountersignError `bad-rule` naming the path, `bad-expression`, `wrong-type` or `too-large` with the position
 */
export function prepareRule(state: ContractState, rule: RuleBody): Prepared {
  const anchor = element(state, rule.at)
  if (anchor === undefined || anchor.kind === 'field')
    throw new CountersignError('bad-rule', `there is no block ${rule.at} for the rule to stand at`)
  const tree = new TreeKinds(state, rule.at)
  const target = tree.note(rule.path)
  checkTarget(rule, target)
  const here = hereOf(rule, [[rule.path, target]])
  const program = programOf(rule, here, tree.scope)
  if (program) checkResult(rule, target, program.checked.type)
  const { behaviour } = rule
  if (behaviour.kind === 'unique') tree.note([...rule.path, ...behaviour.by])
  if (behaviour.kind === 'aggregate') checkAggregate(behaviour, target, tree.note(behaviour.over))
  if (behaviour.kind === 'limits') checkLimitsOf(behaviour, fieldTypeOf(target))
  if (behaviour.kind === 'trigger')
    for (const action of behaviour.actions) if (action.do === 'activate') tree.note(action.target)
  const [{ steps } = { steps: [] }] = [
    ...stepsFrom(state, lineOf(state, rule.at), (uid) => uid === state.rootUid),
  ]
  return { reads: tree.reads, place: steps.at(-1)?.names ?? [] }
}

/**
 * Looks at limits before any value is held against them: a pattern that is one, bounds and choices of the type.
 * @throws CountersignError `bad-expression` for the pattern, `bad-rule`
 */
export function checkLimitsOf(
  { pattern, min, max, oneOf = [] }: Pick<Limits, 'pattern' | 'min' | 'max' | 'oneOf'>,
  type: FieldType,
): void {
  if (pattern !== undefined) compilePattern(pattern)
  for (const bound of [min, max, ...oneOf])
    if (bound !== undefined && !isValueOfType(type, type === 'boolean' ? bound === 'true' : bound))
      throw new CountersignError('bad-rule', `a limit is no ${type}: write it as such a field would hold it`)
}

function fieldTypeOf(kind: PathKind): FieldType {
  const field = (kind.startsWith('list of ') ? kind.slice(8) : kind) as FieldType
  // Whole numbers are compared with any.
  return field === 'integer' ? 'decimal' : field
}

/** What lies at the paths below an anchor; what was asked for is noted. */
class TreeKinds {
  readonly #state: ContractState
  readonly #at: string
  readonly #noted = new Map<string, ReadPath>()
  readonly scope: Scope

  constructor(state: ContractState, at: string) {
    this.#state = state
    this.#at = at
    this.scope = {
      root: blockAt([]),
      here: blockAt([]),
      member: ({ id }, name) => {
        const names = [...namesAt(id), name]
        const kind = this.#kindAt(names)
        if (kind === undefined) return undefined
        this.#remember(names, kind)
        return typeOf(kind, names)
      },
      names: ({ id }) => this.#namesIn(namesAt(id)),
    }
  }

  get reads(): ReadPath[] {
    return [...this.#noted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, read]) => read)
  }

  /** @throws CountersignError `bad-rule` */
  note(names: Names): PathKind {
    const kind = names.length === 0 ? 'block' : this.#kindAt(names)
    if (kind === undefined)
      throw new CountersignError(
        'bad-rule',
        `there is nothing at ${names.join(' › ')} for the rule to be about`,
      )
    if (names.length > 0) this.#remember(names, kind)
    return kind
  }

  #remember(names: Names, kind: PathKind): void {
    this.#noted.set(pathKey('', names), [names, kind])
    if (this.#noted.size > READS_MAX)
      throw new CountersignError(
        'bad-rule',
        `the rule needs more than ${READS_MAX} paths; make several of it`,
      )
  }

  /** By the elements that are there; below a list, which may be empty, by the type of its items too. */
  #kindAt(names: Names): PathKind | undefined {
    const found = elementsAt(this.#state, this.#at, names, false)
    const [first] = found
    if (first === undefined) return this.#kindByType(names)
    const record = element(this.#state, first)
    if (record === undefined) return undefined
    if (record.kind === 'list') {
      const [item] = elementsAt(this.#state, this.#at, names, true)
      const inside = item === undefined ? undefined : element(this.#state, item)
      if (inside === undefined) return this.#itemKindByType(first)
      return inside.kind === 'field' ? `list of ${inside.type ?? 'null'}` : 'list of block'
    }
    const kind: FieldType | 'block' = record.kind === 'field' ? (record.type ?? 'null') : 'block'
    // Siblings of one name are a list of them; below a list each block has its own.
    const isRepeated = (this.#state.children.get(record.parent)?.countNamed(record.name) ?? 1) > 1
    return isRepeated ? `list of ${kind}` : kind
  }

  #itemKindByType(list: string): PathKind {
    const { typed } = element(this.#state, list) ?? {}
    const type = this.#typeRecord(typed)
    return type === undefined || type.base === 'block' ? 'list of block' : `list of ${type.base}`
  }

  /** What a block type says of a member that no block has yet. */
  #kindByType(names: Names): PathKind | undefined {
    for (let length = names.length - 1; length >= 0; length -= 1) {
      const [above] = elementsAt(this.#state, this.#at, names.slice(0, length), false)
      if (above === undefined) continue
      return this.#memberKind(element(this.#state, above)?.typed, names.slice(length))
    }
    return undefined
  }

  #memberKind(typed: string | undefined, names: Names): PathKind | undefined {
    const [name, ...rest] = names
    const member = this.#typeRecord(typed)?.members?.find((one) => one.name === name)
    if (member === undefined) return undefined
    if (rest.length > 0) return this.#memberKind(member.typed, rest)
    const base = this.#typeRecord(member.typed)?.base ?? member.type ?? 'block'
    return member.kind === 'list' ? `list of ${base}` : base
  }

  #typeRecord(uid: string | undefined) {
    const record = uid === undefined ? undefined : this.#state.map.get(uid)
    return record !== undefined && isRuleStateRecord(record) && record.kind === 'type'
      ? record.type
      : undefined
  }

  #namesIn(names: Names): string[] {
    const [block] = elementsAt(this.#state, this.#at, names, true)
    if (block === undefined) return []
    return [...new Set(childrenOf(this.#state, block).map((uid) => element(this.#state, uid)?.name ?? ''))]
  }
}

const ABOUT_FIELDS = new Set(['limits', 'assignment', 'aggregate', 'approval', 'transfer'])
const ABOUT_BLOCKS = new Set(['ownership', 'activation', 'phases', 'trigger'])

function checkTarget({ behaviour: { kind }, path }: RuleBody, target: PathKind): void {
  const isBlock = target === 'block' || target === 'list of block'
  if (ABOUT_FIELDS.has(kind) && isBlock)
    throw new CountersignError(
      'bad-rule',
      `a rule of kind ${kind} is about a field, and ${path.join(' › ')} is none`,
    )
  if (ABOUT_BLOCKS.has(kind) && !isBlock)
    throw new CountersignError(
      'bad-rule',
      `a rule of kind ${kind} is about a block, and ${path.join(' › ')} is none`,
    )
  if (kind === 'transfer' && target !== 'party')
    throw new CountersignError('bad-rule', 'what is passed on is a field of type party: who holds it')
  if (kind === 'unique' && !target.startsWith('list of '))
    throw new CountersignError(
      'bad-rule',
      `${path.join(' › ')} is no list: there is nothing to be unique among`,
    )
}

/** @throws CountersignError `bad-rule` where a field of the target's type can't hold what comes out */
function checkAggregate({ function: name, over }: Aggregate, target: PathKind, source: PathKind): void {
  const from = source.startsWith('list of ') ? source.slice(8) : source
  const path = over.join(' › ')
  if (from === 'block')
    throw new CountersignError('bad-rule', `${path} is no field: there are no values to put together`)
  const given = name === 'count' ? 'decimal' : from
  const isSummable = given === 'decimal' || given === 'integer' || given === 'money'
  if (name === 'sum' && !isSummable)
    throw new CountersignError('bad-rule', `${path} holds no numbers or money to add up`)
  if (!fitsField(typeOf(given as PathKind, []), target))
    throw new CountersignError(
      'bad-rule',
      `the ${name} of ${path} gives ${given}, and the field is ${target}`,
    )
}

function checkResult({ behaviour }: RuleBody, target: PathKind, type: Type): void {
  const isDate = behaviour.kind === 'trigger' && behaviour.when.kind === 'date'
  const fits =
    type.kind === 'null' ||
    (behaviour.kind === 'assignment'
      ? fitsField(type, target)
      : isDate
        ? type.kind === 'date' || type.kind === 'date-time'
        : type.kind === 'boolean')
  if (fits) return
  const wanted =
    behaviour.kind === 'assignment'
      ? `a value of the field’s type, ${target}`
      : isDate
        ? 'a date'
        : 'true or false'
  throw new CountersignError('bad-rule', `the expression gives ${typeName(type)}; it has to give ${wanted}`)
}

function fitsField(type: Type, target: PathKind): boolean {
  const field = (target.startsWith('list of ') ? target.slice(8) : target) as FieldType
  return typeOf(field, []).kind === type.kind
}
