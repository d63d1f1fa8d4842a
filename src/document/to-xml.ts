/** A document tree, or a part of one, to XML. */
import { CountersignError } from '../crypto/errors.ts'
import { isIndentRule, spaceAt } from './indent.ts'
import { isNcName, legalCharacters } from './names.ts'
import { declarationsOf, NamespaceScope } from './namespaces.ts'
import {
  type DocumentNode,
  type FieldNode,
  type FieldValue,
  INDENT,
  MAX_WRITE_DEPTH,
  SPACE,
  TEXT,
  text,
  VALUE,
} from './tree.ts'

/** How to write XML. */
export interface XmlWriteOptions {
  /** Namespaces declared above the node, by prefix ('' for the default): written on the outermost element. */
  inScope?: Readonly<Record<string, string>>
  /** The `#indent` rule that the node inherits from above; none if left out. */
  indent?: string
  /** Whether to begin with the XML declaration; true if left out. */
  declaration?: boolean
}

/** The element that holds what is not one element. */
const WRAPPER = 'contract'
/** The element that stands for a name that XML cannot spell, its `name` attribute saying which. */
const NAMELESS = 'element'
const NAME_ATTRIBUTE = 'name'

/**
 * Writes a document in UTF-8 XML 1.0. The result is always well-formed and always read by `fromXml` if it is within its
 * limits; for a tree that came from XML it equals the original after canonicalisation (C14N 1.0, without comments).
 *
 * The node is a root (a block named ''), or any node below one, which then becomes the document element; give
 * `inScope` in that case. What XML cannot express is mapped, one way:
 * - not exactly one element at the top: all of it inside an element `contract`
 * - a name that is no XML name, or has a prefix that is not declared: `<element name="…">`, attributes included
 * - a list: its items as repeated elements of the list's name, a list within as `<item>`s; an empty list as nothing
 * - null as empty, types as nothing; a character that XML forbids as U+FFFD
 *
 * @throws CountersignError `too-large` for a tree over 512 levels deep
 */
export function toXml(node: DocumentNode, options: XmlWriteOptions = {}): string {
  const writer = new XmlWriter()
  if (options.declaration !== false) writer.put('<?xml version="1.0" encoding="UTF-8"?>\n')
  const nodes = node.kind === 'block' && node.name === '' ? node.children : [node]
  const indent = indentOf(nodes) ?? options.indent ?? ''
  writer.document(nodes, validDeclarations(options.inScope ?? {}), isIndentRule(indent) ? indent : '')
  return writer.finish()
}

/** What an element is written within. */
interface Surroundings {
  scope: NamespaceScope
  indent: string
  depth: number
}

class XmlWriter {
  private readonly parts: string[] = []

  finish(): string {
    return this.parts.join('')
  }

  /** Adds to the output; leaves out what is empty, so that "nothing added" can be seen. */
  put(...parts: string[]): void {
    for (const part of parts) if (part !== '') this.parts.push(part)
  }

  document(nodes: readonly DocumentNode[], inScope: ReadonlyMap<string, string>, indent: string): void {
    const top: Surroundings = { scope: new NamespaceScope(new Map()), indent, depth: 0 }
    const visible = nodes.filter((node) => !isField(node, INDENT) && !isField(node, SPACE))
    const elements = visible.filter((node) => !isInstruction(node))
    const only = elements.length === 1 ? (elements[0] as DocumentNode) : undefined
    if (only !== undefined && isDocumentElement(only, inScope)) {
      for (const node of visible) {
        if (isInstruction(node)) this.instruction(node)
        else this.element(only.name, contentOf(only), top, inScope)
        this.put('\n')
      }
      return
    }
    const first = visible.findIndex((node) => !isInstruction(node))
    const prolog = (first === -1 ? visible : visible.slice(0, first)).filter(isInstruction)
    for (const node of prolog) {
      this.instruction(node)
      this.put('\n')
    }
    this.element(WRAPPER, visible.slice(prolog.length).flatMap(unwrapValue), top, inScope)
    this.put('\n')
  }

  /** `inherited` are the declarations that nothing above has written: those of the outermost element. */
  private element(
    name: string,
    children: readonly DocumentNode[],
    around: Surroundings,
    inherited?: ReadonlyMap<string, string>,
  ): void {
    if (around.depth > MAX_WRITE_DEPTH) {
      throw new CountersignError('too-large', `Blocks nested over ${MAX_WRITE_DEPTH} deep cannot be written.`)
    }
    const declared = declarationsOf(children)
    const scope = scopeOf(declared, inherited, around.scope)
    const legal = scope.allowsElement(name)
    const tag = legal ? name : NAMELESS
    this.put('<', tag)
    if (!legal) this.attribute(NAME_ATTRIBUTE, name)
    for (const [prefix, uri] of inherited ?? []) {
      if (!declared.has(prefix)) this.attribute(prefix === '' ? 'xmlns' : `xmlns:${prefix}`, uri)
    }
    const written = new Set<string>(legal ? [] : [`{}${NAME_ATTRIBUTE}`])
    const content = children.filter(
      (child) => !isField(child, INDENT) && !this.writtenAsAttribute(child, declared, scope, written),
    )
    this.put('>')
    const start = this.parts.length
    this.content(content, { scope, indent: indentOf(children) ?? around.indent, depth: around.depth })
    if (this.parts.length === start) this.parts[start - 1] = '/>'
    else this.put('</', tag, '>')
  }

  private writtenAsAttribute(
    child: DocumentNode,
    declared: ReadonlyMap<string, { node: FieldNode }>,
    scope: NamespaceScope,
    written: Set<string>,
  ): boolean {
    if (child.kind !== 'field' || child.name[0] !== '@') return false
    const name = child.name.slice(1)
    if (name === 'xmlns' || name.startsWith('xmlns:')) {
      if (declared.get(name.slice('xmlns:'.length))?.node !== child) return false
    } else {
      const expanded = scope.expandAttribute(name)
      if (expanded === undefined || written.has(expanded)) return false
      written.add(expanded)
    }
    this.attribute(name, valueText(child.value))
    return true
  }

  private content(nodes: readonly DocumentNode[], around: Surroundings): void {
    const items = nodes.flatMap(repeatItems)
    const rule = items.some((node) => isField(node, TEXT)) ? '' : around.indent
    let space: string | undefined
    let children = 0
    const gap = (depth: number) => {
      this.put(space === undefined ? spaceAt(rule, depth) : escapeText(space))
      space = undefined
    }
    for (const node of items) {
      if (isField(node, SPACE)) {
        space = (space ?? '') + valueText(node.value)
        continue
      }
      if (isField(node, TEXT)) {
        this.put(escapeText((space ?? '') + valueText(node.value)))
        space = undefined
        continue
      }
      gap(around.depth + 1)
      if (isInstruction(node)) this.instruction(node)
      else this.element(node.name, contentOf(node), { ...around, depth: around.depth + 1 })
      children++
    }
    if (children > 0) gap(around.depth)
    else if (space !== undefined) this.put(escapeText(space))
  }

  private instruction(node: FieldNode): void {
    const body = legalCharacters(valueText(node.value))
    this.put('<?', node.name.slice(1), body === '' ? '' : ' ', body, '?>')
  }

  private attribute(name: string, value: string): void {
    this.put(' ', name, '="', escapeAttribute(value), '"')
  }
}

function validDeclarations(inScope: Readonly<Record<string, string>>): Map<string, string> {
  const fields = Object.keys(inScope).map((prefix) =>
    text(prefix === '' ? '@xmlns' : `@xmlns:${prefix}`, inScope[prefix] as string),
  )
  return new Map([...declarationsOf(fields)].map(([prefix, { uri }]) => [prefix, uri]))
}

function scopeOf(
  declared: ReadonlyMap<string, { uri: string }>,
  inherited: ReadonlyMap<string, string> | undefined,
  parent: NamespaceScope,
): NamespaceScope {
  if (declared.size === 0 && inherited === undefined) return parent
  const own = new Map(inherited)
  for (const [prefix, { uri }] of declared) own.set(prefix, uri)
  return new NamespaceScope(own, parent)
}

function isField<Name extends string>(node: DocumentNode, name: Name): node is FieldNode & { name: Name } {
  return node.kind === 'field' && node.name === name
}

function isInstruction(node: DocumentNode): node is FieldNode & { name: `?${string}` } {
  if (node.kind !== 'field' || node.name[0] !== '?' || typeof node.value !== 'string') return false
  const target = node.name.slice(1)
  // A leading "?" is refused by the reader.
  return isNcName(target) && target.toLowerCase() !== 'xml' && !/^[ \t\r\n]*\?|\?>/.test(node.value)
}

function isDocumentElement(node: DocumentNode, inScope: ReadonlyMap<string, string>): boolean {
  if (node.kind === 'list') return false
  const scope = scopeOf(declarationsOf(contentOf(node)), inScope, new NamespaceScope(new Map()))
  return scope.allowsElement(node.name)
}

/** A block's or list's children; a field's value as text. */
function contentOf(node: DocumentNode): readonly DocumentNode[] {
  if (node.kind !== 'field') return node.children
  const value = valueText(node.value)
  return value === '' ? [] : [text(TEXT, value)]
}

/** A list stands for its items, each under the list's name. */
function repeatItems(node: DocumentNode): readonly DocumentNode[] {
  return node.kind === 'list' ? node.children.map((item) => ({ ...item, name: node.name })) : [node]
}

/** A top-level JSON array or scalar stands directly in the wrapper. */
function unwrapValue(node: DocumentNode): readonly DocumentNode[] {
  return node.name === VALUE && node.kind !== 'block' ? contentOf(node) : [node]
}

function indentOf(nodes: readonly DocumentNode[]): string | undefined {
  const found = nodes.find((node) => isField(node, INDENT))
  const value = found?.kind === 'field' ? found.value : undefined
  return typeof value === 'string' && isIndentRule(value) ? value : undefined
}

function valueText(value: FieldValue): string {
  return value === null ? '' : String(value)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

function escapeText(value: string): string {
  return legalCharacters(value).replace(/[&<>\r]/g, (character) => ESCAPES[character] as string)
}

function escapeAttribute(value: string): string {
  return legalCharacters(value).replace(/[&<"\t\n\r]/g, (character) => ESCAPES[character] as string)
}
