/** Between an element and its text: JSON, XML within the namespaces around it, plain text. */
import {
  type ContractState,
  childrenOf,
  type ElementRecord,
  type OpeningSource,
} from '../../contract/state.ts'
import { existing, exportTree } from '../../contract/view.ts'
import { fromUtf8 } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { fromJson } from '../../document/from-json.ts'
import { fromXml } from '../../document/from-xml.ts'
import { toJson } from '../../document/to-json.ts'
import { toXml } from '../../document/to-xml.ts'
import { type BlockNode, type DocumentNode, field, INDENT, TEXT, text, VALUE } from '../../document/tree.ts'
import type { Form } from './media.ts'

/** The field whose value is an element's text: itself, or the one `#text` of a block. */
export function textUidOf(state: ContractState, uid: string): string | undefined {
  const siblings = state.children.get(uid)
  if (siblings === undefined) return uid
  return siblings.countNamed(TEXT) === 1 ? siblings.namedAt(TEXT, 0) : undefined
}

/** A field's value as plain text: '' while it is empty, and where it is not held here. */
function plainText({ value }: ElementRecord, values: OpeningSource): string {
  const opening = value === undefined ? undefined : values.get(value)
  return opening === undefined ? '' : String(opening.value)
}

/** An element in one of its forms. @throws CountersignError `invariant-broken`, `too-large` */
export function writeElement(state: ContractState, uid: string, form: Form, values: OpeningSource): string {
  if (form === 'text') return plainText(existing(state, textUidOf(state, uid) ?? uid), values)
  const tree = exportTree(state, uid, values)
  if (form === 'json') return toJson(tree)
  if (uid === state.rootUid) return toXml(tree)
  return toXml(tree, surroundings(state, uid, values))
}

/** A body as a root block. @throws CountersignError `bad-json`, `bad-xml`, `bad-name`, `bad-value`, `too-large` */
export function readRoot(form: Form, body: Uint8Array): BlockNode {
  if (form === 'json') return fromJson(body)
  if (form === 'xml') return fromXml(body)
  return { kind: 'block', name: '', children: [text(VALUE, readText(body))] }
}

/** @throws CountersignError `bad-request` */
export function readText(body: Uint8Array): string {
  try {
    return fromUtf8(body)
  } catch {
    throw new CountersignError('bad-request', 'the body is not UTF-8 text')
  }
}

/** Namespaces declared above an element by prefix, and the `#indent` rule that holds there. */
export type Surroundings = { inScope: Record<string, string>; indent?: string }

/**
 * The one node that a root stands for: the document element of XML; of JSON the value itself, its name of no meaning.
 * @param around what an XML element will lie in: declarations that it only repeats are left out, and white space that is
 * otherwise than there becomes its own
 */
export function nodeOf(root: BlockNode, form: Form, around?: Surroundings): DocumentNode {
  const [only, ...others] = root.children
  if (form !== 'xml') return only?.name === VALUE && others.length === 0 ? only : root
  const found = root.children.find(({ name }) => !/^[#?]/.test(name)) as DocumentNode
  if (found.kind === 'field') return found
  const own = found.children.filter((child) => !isRepeated(child, around?.inScope))
  const [text] = own
  // Without its declarations it may be an element of nothing but text, which is a field.
  if (text === undefined) return field(found.name, 'text', '')
  if (own.length === 1 && text.kind === 'field' && text.name === TEXT) return { ...text, name: found.name }
  const rule = root.children.find(({ name }) => name === INDENT)
  const indent = rule?.kind === 'field' ? String(rule.value) : ''
  const start = own.findIndex(({ name }) => !name.startsWith('@'))
  const hasRule = own.some(({ name }) => name === INDENT || name === TEXT)
  if (indent !== (around?.indent ?? '') && start >= 0 && !hasRule)
    own.splice(start, 0, field(INDENT, 'text', indent))
  return { ...found, children: own }
}

function isRepeated(node: DocumentNode, inScope: Record<string, string> = {}): boolean {
  const prefix = node.kind === 'field' ? prefixOf(node.name) : undefined
  return prefix !== undefined && node.kind === 'field' && inScope[prefix] === node.value
}

/** The prefix that an attribute declares, '' for the default namespace; undefined for other attributes. */
function prefixOf(name: string): string | undefined {
  if (name === '@xmlns') return ''
  return name.startsWith('@xmlns:') ? name.slice('@xmlns:'.length) : undefined
}

/** What an element lies in. */
export function surroundings(state: ContractState, uid: string, values: OpeningSource): Surroundings {
  // Without a prototype: a prefix may be called __proto__.
  const inScope: Record<string, string> = Object.create(null)
  let indent: string | undefined
  for (let above = uid; above !== state.rootUid; ) {
    above = existing(state, above).parent
    for (const [prefix, uri] of declarationsOf(state, above, values)) inScope[prefix] ??= uri
    indent ??= indentOf(state, above, values)
  }
  for (const [prefix, uri] of Object.entries(inScope)) if (uri === '') delete inScope[prefix]
  return indent === undefined ? { inScope } : { inScope, indent }
}

/** The white space rule that a block sets itself. */
export function indentOf(state: ContractState, uid: string, values: OpeningSource): string | undefined {
  const rule = state.children.get(uid)?.namedAt(INDENT, 0)
  return rule === undefined ? undefined : plainText(existing(state, rule), values)
}

/** Prefixes that an element declares itself. */
export function declarationsOf(
  state: ContractState,
  uid: string,
  values: OpeningSource,
): Map<string, string> {
  const declared = new Map<string, string>()
  for (const child of childrenOf(state, uid)) {
    const record: ElementRecord = existing(state, child)
    const prefix = record.kind === 'field' ? prefixOf(record.name) : undefined
    if (prefix !== undefined && !declared.has(prefix)) declared.set(prefix, plainText(record, values))
  }
  return declared
}
