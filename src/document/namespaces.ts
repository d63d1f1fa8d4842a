/** Namespace declarations while XML is written (Namespaces in XML 1.0). */
import { isNcName, legalCharacters, splitQualifiedName } from './names.ts'
import type { BlockNode, DocumentNode, FieldNode } from './tree.ts'

const XML_URI = 'http://www.w3.org/XML/1998/namespace'
const XMLNS_URI = 'http://www.w3.org/2000/xmlns/'
const DECLARATION = '@xmlns'

/** Prefixes in scope, '' being the default namespace; each level knows its own and looks further in its parent. */
export class NamespaceScope {
  private readonly parent: NamespaceScope | undefined
  private readonly own: ReadonlyMap<string, string>

  /** URIs are compared without white space around them, as many parsers do. */
  constructor(own: ReadonlyMap<string, string>, parent?: NamespaceScope) {
    this.own = new Map([...own].map(([prefix, uri]) => [prefix, uri.trim()]))
    this.parent = parent
  }

  /** The URI that a prefix stands for; '' for no namespace, undefined for a prefix that is not declared. */
  resolve(prefix: string): string | undefined {
    if (prefix === 'xml') return XML_URI
    if (prefix === 'xmlns') return undefined
    for (let scope: NamespaceScope | undefined = this; scope !== undefined; scope = scope.parent) {
      const uri = scope.own.get(prefix)
      if (uri !== undefined) return uri
    }
    return prefix === '' ? '' : undefined
  }

  /** True for a qualified name whose prefix, if any, is declared. */
  allowsElement(name: string): boolean {
    const parts = splitQualifiedName(name)
    return parts !== undefined && this.resolve(parts.prefix) !== undefined
  }

  /** An attribute's expanded name, `{uri}local`, or undefined if it cannot be written in this scope. */
  expandAttribute(name: string): string | undefined {
    const parts = splitQualifiedName(name)
    if (parts === undefined || name === 'xmlns') return undefined
    if (parts.prefix === '') return `{}${parts.local}`
    const uri = this.resolve(parts.prefix)
    return uri === undefined ? undefined : `{${uri}}${parts.local}`
  }
}

/** Prefix and URI that a node declares, or undefined if it is no field that validly does. */
export function declarationOf(node: DocumentNode): { prefix: string; uri: string } | undefined {
  if (node.kind !== 'field' || !node.name.startsWith(DECLARATION) || typeof node.value !== 'string')
    return undefined
  const rest = node.name.slice(DECLARATION.length)
  if (rest !== '' && rest[0] !== ':') return undefined
  const prefix = rest.slice(1)
  const uri = node.value
  return isDeclarable(rest === '' ? undefined : prefix, uri) ? { prefix, uri } : undefined
}

/** See Namespaces in XML 1.0 §3 for the reserved prefixes and URIs. */
function isDeclarable(prefix: string | undefined, uri: string): boolean {
  const trimmed = uri.trim()
  if (trimmed === XMLNS_URI || legalCharacters(uri) !== uri) return false
  if (prefix === undefined) return trimmed !== XML_URI
  if (!isNcName(prefix) || prefix === 'xmlns' || trimmed === '') return false
  return (prefix === 'xml') === (trimmed === XML_URI)
}

/** The declarations among a node's children: the first of each prefix, with the field that makes it. */
export function declarationsOf(
  children: readonly DocumentNode[],
): Map<string, { uri: string; node: FieldNode }> {
  const found = new Map<string, { uri: string; node: FieldNode }>()
  for (const child of children) {
    const declared = declarationOf(child)
    if (declared === undefined || found.has(declared.prefix)) continue
    found.set(declared.prefix, { uri: declared.uri, node: child as FieldNode })
  }
  return found
}

/**
 * The declarations in scope below `ancestors` (outermost first), by prefix, '' being the default namespace: what
 * `toXml` needs as `inScope` to write a sub-tree on its own. Only the ancestors' `@xmlns` fields are looked at.
 */
export function namespacesInScope(ancestors: readonly BlockNode[]): Record<string, string> {
  const scope: Record<string, string> = Object.create(null)
  for (const ancestor of ancestors) {
    for (const [prefix, { uri }] of declarationsOf(ancestor.children)) {
      if (uri === '') delete scope[prefix]
      else scope[prefix] = uri
    }
  }
  return scope
}
