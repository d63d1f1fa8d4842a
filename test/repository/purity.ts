/**
 * What the pure rooms may not touch: anything that can differ between two nodes that were given the same
 * input.
 */
import ts from 'typescript'
import { placeOf, type Source, walk } from './sources.ts'

/** Globals that do I/O, read a clock, draw randomness, or hold the state of the process. */
const GLOBALS = new Set([
  'Buffer',
  'FinalizationRegistry',
  'Function',
  'Intl',
  'WeakRef',
  'WebSocket',
  'XMLHttpRequest',
  'console',
  'crypto',
  'eval',
  'fetch',
  'global',
  'globalThis',
  'localStorage',
  'navigator',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'self',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'window',
])

/** The functions of Math with one exact answer; the others (log2, pow, sin …) may differ between engines. */
const EXACT_MATH = new Set([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
])

/** Members that answer by the machine's language or time zone. */
const LOCAL =
  /^(toLocale\w*|localeCompare|getTimezoneOffset|get(FullYear|Month|Date|Day|Hours|Minutes|Seconds))$/

/** Each use of the clock, of randomness, of I/O or of the surroundings, as `path:line message`. */
export function purityFaults(source: Source): string[] {
  const faults: string[] = []
  const declared = declaredNames(source.tree)
  const fault = (node: ts.Node, message: string) => faults.push(`${placeOf(source, node)} ${message}`)
  walk(source.tree, (node) => {
    // Types leave nothing behind at run time; but what a class extends is a value.
    if (ts.isTypeNode(node)) return ts.isExpressionWithTypeArguments(node)
    if (ts.isMetaProperty(node)) fault(node, 'uses import.meta')
    if (ts.isPropertyAccessExpression(node) && LOCAL.test(node.name.text)) {
      fault(node.name, `${node.name.text} depends on the machine’s language or time zone`)
    }
    if (ts.isIdentifier(node) && isReference(node) && !declared.has(node.text)) {
      if (GLOBALS.has(node.text)) fault(node, `uses the global ${node.text}`)
      if (node.text === 'Date' && !isPureDate(node)) fault(node, 'uses Date other than for a given time')
      if (node.text === 'Math' && !isExactMath(node))
        fault(node, 'uses Math other than for its exact functions')
    }
    return undefined
  })
  return faults
}

/**
 * `new Date(ms)`, `Date.UTC`, `Date.parse` and `instanceof Date` read no clock; several arguments read the
 * time zone.
 */
function isPureDate(name: ts.Identifier): boolean {
  const { parent } = name
  if (ts.isNewExpression(parent) && parent.expression === name) {
    const [first, ...others] = parent.arguments ?? []
    return first !== undefined && others.length === 0 && !ts.isSpreadElement(first)
  }
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === 'UTC' || parent.name.text === 'parse'
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword
}

function isExactMath(name: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(name.parent) && EXACT_MATH.has(name.parent.name.text)
}

/** Whether the identifier reads a name, rather than being a member's, a key's or a declaration's. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isExportSpecifier(parent)) return (parent.propertyName ?? parent.name) === node
  if (ts.isImportSpecifier(parent) || ts.isLabeledStatement(parent)) return false
  return !('name' in parent && parent.name === node)
}

/** The names that the file itself declares as values; one of them hides the global of the same name. */
function declaredNames(tree: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  walk(tree, (node) => {
    const isDeclaration =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isFunctionExpression(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportClause(node) ||
      ts.isImportSpecifier(node) ||
      ts.isNamespaceImport(node)
    if (isDeclaration && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text)
    return undefined
  })
  return names
}
