/** Says an expression in plain English, for the people who vote on a rule without having written it. */
import { parseDuration, partsOfMonths, partsOfNanoseconds } from './durations.ts'
import type { ComparisonSign, Loop, Test, Tree } from './tree.ts'

const COMPARISONS: Readonly<Record<ComparisonSign, string>> = {
  '=': 'is',
  '!=': 'is not',
  '<': 'is less than',
  '<=': 'is at most',
  '>': 'is greater than',
  '>=': 'is at least',
}
/** The same of dates. */
const IN_TIME: Readonly<Record<ComparisonSign, string>> = {
  '=': 'is',
  '!=': 'is not',
  '<': 'is before',
  '<=': 'is on or before',
  '>': 'is after',
  '>=': 'is on or after',
}
const ARITHMETIC = {
  '+': 'plus',
  '-': 'minus',
  '*': 'times',
  '/': 'divided by',
  '**': 'to the power of',
} as const
const STRENGTH = { '+': 1, '-': 1, '*': 2, '/': 2, '**': 3 } as const

/** How calls are said; `#1` is the first thing given, `#…` all. Other functions are said by their names. */
const CALLS: ReadonlyMap<string, string> = new Map([
  ['abs', 'the absolute value of #1'],
  ['all', 'all of #… are true'],
  ['any', 'at least one of #… is true'],
  ['contains', '#1 contains #2'],
  ['count', 'the number of #1'],
  ['decimal', '#1 rounded half to even to #2 digits'],
  ['distinct values', 'the different values of #1'],
  ['ends with', '#1 ends with #2'],
  ['get or else', '#1, or #2 if that is empty,'],
  ['list contains', '#1 holds #2'],
  ['lower case', '#1 in lower case'],
  ['matches', '#1 matches the pattern #2'],
  ['max', 'the largest of #…'],
  ['mean', 'the mean of #…'],
  ['median', 'the median of #…'],
  ['min', 'the smallest of #…'],
  ['money', '#1 in the currency #2'],
  ['not', 'it is not so that #1'],
  ['product', 'the product of #…'],
  ['round down', '#1 rounded towards zero to #2 digits'],
  ['round half down', '#1 rounded half towards zero to #2 digits'],
  ['round half up', '#1 rounded half away from zero to #2 digits'],
  ['round up', '#1 rounded away from zero to #2 digits'],
  ['starts with', '#1 starts with #2'],
  ['string', '#1 as text'],
  ['string length', 'the length of #1'],
  ['sum', 'the sum of #…'],
  ['upper case', '#1 in upper case'],
  ['years and months duration', 'the time in years and months from #1 to #2'],
])
/** Those that say that something is so, and need brackets within a value. */
const STATEMENTS: ReadonlySet<string> = new Set([
  'all',
  'any',
  'contains',
  'ends with',
  'even',
  'list contains',
  'matches',
  'not',
  'odd',
  'starts with',
])

/** An expression in English, without a full stop. Parentheses stand where the words alone could be read in two ways. */
export function sentence(tree: Tree): string {
  switch (tree.kind) {
    case 'number':
      return tree.text
    case 'text':
      return `“${tree.value}”`
    case 'boolean':
      return String(tree.value)
    case 'null':
      return 'nothing'
    case 'temporal':
      return tree.name === 'duration' ? durationInWords(tree.text) : tree.text
    case 'name':
      return tree.name
    case 'root':
      return 'the contract'
    case 'member':
      return tree.of.kind === 'root' ? tree.name : `${tree.name} of ${value(tree.of)}`
    case 'filter':
      return picked(tree)
    case 'call':
      return called(tree)
    case 'negation':
      return tree.of.kind === 'number' ? `−${tree.of.text}` : `minus ${value(tree.of)}`
    case 'arithmetic':
      return calculated(tree)
    case 'comparison':
      return compared(tree)
    case 'between':
      return `${operand(tree.of)} is from ${operand(tree.low)} to ${operand(tree.high)}`
    case 'in':
      return tested(tree)
    case 'and':
    case 'or':
      return tree.parts.map(clause).join(` ${tree.kind} `)
    case 'if':
      return `if ${sentence(tree.condition)}, then ${branch(tree.whenTrue)}, otherwise ${branch(tree.whenFalse)}`
    case 'for':
      return `${operand(tree.body)} for each ${tree.loops.map(each).join(' and each ')}`
    case 'some':
      return `for at least one ${tree.loops.map(each).join(' and one ')}, ${branch(tree.body)}`
    case 'every':
      return `for every ${tree.loops.map(each).join(' and every ')}, ${branch(tree.body)}`
    case 'list':
      return tree.items.length === 0 ? 'an empty list' : joined(tree.items.map(value), 'and')
    case 'range':
      return `${tree.lowIncluded ? 'from' : 'above'} ${operand(tree.low)} ${tree.highIncluded ? 'to' : 'and below'} ${operand(tree.high)}`
  }
}

/** Whether the words of a tree hold together as one value. */
function isValue(tree: Tree): boolean {
  switch (tree.kind) {
    case 'call':
      return !STATEMENTS.has(tree.name)
    case 'filter':
      return positionIn(tree.by) !== undefined
    case 'list':
      return tree.items.length < 2
    default:
      return ['number', 'text', 'boolean', 'null', 'temporal', 'name', 'root', 'member', 'negation'].includes(
        tree.kind,
      )
  }
}

function value(tree: Tree): string {
  return isValue(tree) ? sentence(tree) : `(${sentence(tree)})`
}

/** A side of a comparison. */
function operand(tree: Tree): string {
  return tree.kind === 'arithmetic' ? sentence(tree) : value(tree)
}

/** A part of a series joined by and, or. */
function clause(tree: Tree): string {
  return ['and', 'or', 'if', 'for', 'some', 'every'].includes(tree.kind)
    ? `(${sentence(tree)})`
    : sentence(tree)
}

/** What stands after a comma. */
function branch(tree: Tree): string {
  return ['if', 'for'].includes(tree.kind) ? `(${sentence(tree)})` : sentence(tree)
}

function joined(parts: readonly string[], word: 'and' | 'or'): string {
  if (parts.length < 2) return parts.join()
  return `${parts.slice(0, -1).join(', ')} ${word} ${parts.at(-1)}`
}

function each({ name, from, to }: Loop): string {
  return to === undefined ? `${name} of ${operand(from)}` : `${name} from ${operand(from)} to ${operand(to)}`
}

/** The number that a tree writes out; undefined if it is no such. */
function positionIn(tree: Tree): number | undefined {
  if (tree.kind === 'number') return Number(tree.text)
  return tree.kind === 'negation' && tree.of.kind === 'number' ? -Number(tree.of.text) : undefined
}

function picked({ of, by }: Extract<Tree, { kind: 'filter' }>): string {
  const position = positionIn(by)
  if (position === 1) return `the first of ${value(of)}`
  if (position === -1) return `the last of ${value(of)}`
  if (position !== undefined)
    return `number ${Math.abs(position)} of ${value(of)}${position < 0 ? ' from the end' : ''}`
  const isCondition = ['comparison', 'between', 'in', 'and', 'or', 'some', 'every', 'call'].includes(by.kind)
  return isCondition ? `${value(of)} where ${sentence(by)}` : `${value(of)} picked by ${operand(by)}`
}

function called({ name, arguments: given }: Extract<Tree, { kind: 'call' }>): string {
  const parts = given.map(value)
  const pattern = CALLS.get(name)
  if (pattern === undefined || parts.length === 0)
    return parts.length === 0 ? name : `${name} of ${joined(parts, 'and')}`
  const first = given[0]
  const all = parts.length === 1 && first?.kind === 'list' ? sentence(first) : joined(parts, 'and')
  if (name === 'not' && first !== undefined) return pattern.replace('#1', () => clause(first))
  return pattern.replace(/#(…|[0-9])/g, (_, which) =>
    which === '…' ? all : (parts[Number(which) - 1] ?? ''),
  )
}

function calculated({ sign, left, right }: Extract<Tree, { kind: 'arithmetic' }>): string {
  const strength = STRENGTH[sign]
  const first = left.kind === 'arithmetic' && STRENGTH[left.sign] >= strength ? sentence(left) : value(left)
  const second =
    right.kind === 'arithmetic' && STRENGTH[right.sign] > strength ? sentence(right) : value(right)
  return `${first} ${ARITHMETIC[sign]} ${second}`
}

function compared({ sign, left, right }: Extract<Tree, { kind: 'comparison' }>): string {
  if (right.kind === 'null' && (sign === '=' || sign === '!='))
    return `${operand(left)} ${COMPARISONS[sign]} empty`
  return `${operand(left)} ${verb(sign, right)} ${operand(right)}`
}

function verb(sign: ComparisonSign, right: Tree): string {
  return (right.kind === 'temporal' && right.name !== 'duration' ? IN_TIME : COMPARISONS)[sign]
}

function tested({ of, tests }: Extract<Tree, { kind: 'in' }>): string {
  const [only, ...others] = tests
  if (others.length === 0 && only?.kind === 'list' && only.items.length > 0)
    return `${operand(of)} is ${oneOf(only.items)}`
  if (others.length > 0 && tests.every((test) => test.kind !== 'test' && test.kind !== 'range'))
    return `${operand(of)} is ${oneOf(tests as readonly Tree[])}`
  return `${operand(of)} ${tests.map(testInWords).join(' or ')}`
}

function oneOf(items: readonly Tree[]): string {
  return items.length === 1 ? sentence(items[0] as Tree) : `one of ${joined(items.map(value), 'or')}`
}

function testInWords(test: Test): string {
  if (test.kind === 'test') return `${verb(test.sign, test.value)} ${operand(test.value)}`
  if (test.kind === 'range') return `is ${sentence(test)}`
  return isValue(test) && test.kind !== 'member' && test.kind !== 'name' && test.kind !== 'call'
    ? `is ${sentence(test)}`
    : `is in ${operand(test)}`
}

function durationInWords(text: string): string {
  const duration = parseDuration(text)
  if (duration === undefined) return text
  const parts =
    duration.kind === 'years-months'
      ? partsOfMonths(duration.months)
      : partsOfNanoseconds(duration.nanoseconds)
  const words = Object.entries(parts)
    .map(([unit, amount]) => [unit, Math.abs(Number(amount))] as const)
    .filter(([, amount]) => amount > 0)
    .map(([unit, amount]) => `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`)
  if (words.length === 0) return 'no time'
  return `${text.startsWith('-') ? 'minus ' : ''}${joined(words, 'and')}`
}
