/** Writes a tree as the text of an expression, in the one way: reading it again gives the same tree. */
import { isPlainName, type Loop, type Test, type Tree, TWO_WORD_PROPERTIES } from './tree.ts'

/** How tightly the parts of a kind hold together, as in parser.ts; what is not listed needs no parentheses. */
const LEVELS: Readonly<Partial<Record<Tree['kind'], number>>> = {
  if: 0,
  for: 0,
  some: 0,
  every: 0,
  or: 1,
  and: 2,
  comparison: 3,
  between: 3,
  in: 3,
  negation: 7,
}
const ARITHMETIC = { '+': 4, '-': 4, '*': 5, '/': 5, '**': 6 } as const
const OVER_COMPARISON = 4
const TIGHTEST = 8

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u0085': '\\u0085',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** The canonical text of an expression. */
export function format(tree: Tree): string {
  return written(tree, 0)
}

function levelOf(tree: Tree): number {
  return tree.kind === 'arithmetic' ? ARITHMETIC[tree.sign] : (LEVELS[tree.kind] ?? TIGHTEST)
}

/** The text, in parentheses if the tree holds together less than `least` asks for. */
function written(tree: Tree, least: number): string {
  const text = bare(tree)
  return levelOf(tree) < least ? `(${text})` : text
}

function bare(tree: Tree): string {
  switch (tree.kind) {
    case 'number':
      return tree.text
    case 'text':
      return quotedText(tree.value)
    case 'boolean':
      return String(tree.value)
    case 'null':
      return 'null'
    case 'temporal':
      return `${tree.name}(${quotedText(tree.text)})`
    case 'name':
      return writtenName(tree.name)
    case 'root':
      return '_'
    case 'member':
      return `${written(tree.of, TIGHTEST)}.${TWO_WORD_PROPERTIES.has(tree.name) ? tree.name : writtenName(tree.name)}`
    case 'filter':
      return `${written(tree.of, TIGHTEST)}[${written(tree.by, 0)}]`
    case 'call':
      return `${tree.name}(${series(tree.arguments)})`
    case 'negation':
      return `-${written(tree.of, levelOf(tree))}`
    case 'arithmetic': {
      const level = ARITHMETIC[tree.sign]
      return `${written(tree.left, level)} ${tree.sign} ${written(tree.right, level + 1)}`
    }
    case 'comparison':
      return `${side(tree.left)} ${tree.sign} ${side(tree.right)}`
    case 'between':
      return `${side(tree.of)} between ${side(tree.low)} and ${side(tree.high)}`
    case 'in':
      return `${side(tree.of)} in ${tests(tree.tests)}`
    case 'and':
    case 'or':
      return tree.parts.map((part) => written(part, levelOf(tree) + 1)).join(` ${tree.kind} `)
    case 'if':
      return `if ${format(tree.condition)} then ${format(tree.whenTrue)} else ${format(tree.whenFalse)}`
    case 'for':
    case 'some':
    case 'every': {
      const word = tree.kind === 'for' ? 'return' : 'satisfies'
      return `${tree.kind} ${tree.loops.map(head).join(', ')} ${word} ${format(tree.body)}`
    }
    case 'list':
      return `[${series(tree.items)}]`
    case 'range': {
      const [open, close] = [tree.lowIncluded ? '[' : '(', tree.highIncluded ? ']' : ')']
      return `${open}${format(tree.low)}..${format(tree.high)}${close}`
    }
  }
}

function side(tree: Tree): string {
  return written(tree, OVER_COMPARISON)
}

function series(trees: readonly Tree[]): string {
  return trees.map(format).join(', ')
}

function head({ name, from, to }: Loop): string {
  return `${writtenName(name)} in ${side(from)}${to === undefined ? '' : `..${side(to)}`}`
}

function tests(all: readonly Test[]): string {
  const [first, ...others] = all
  if (first === undefined || others.length > 0) return `(${all.map((one) => test(one, 0)).join(', ')})`
  const text = test(first, OVER_COMPARISON)
  // After in, a parenthesis opens a series of tests.
  return first.kind !== 'range' && text.startsWith('(') ? `(${text})` : text
}

function test(one: Test, least: number): string {
  return one.kind === 'test' ? `${one.sign} ${side(one.value)}` : written(one, least)
}

/** An element's name as it stands in expressions: in backticks unless it is plain. */
function writtenName(name: string): string {
  return isPlainName(name) ? name : `\`${name.replaceAll('`', '``')}\``
}

function quotedText(text: string): string {
  return `"${text.replace(/["\\\n\r\t\u0085\u2028\u2029]/g, (sign) => ESCAPES[sign] as string)}"`
}
