/** From a method and a body to the edit that is to be signed. */
import {
  createOperations,
  deleteOperations,
  type Edit,
  mergeOperations,
  replaceOperations,
  setOperations,
} from '../../contract/edit.ts'
import { typedValue } from '../../contract/fields.ts'
import { type ContractState, element, type OpeningSource, seenOf } from '../../contract/state.ts'
import { existing, matchPath, resolvePath } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { formatPath, parsePath } from '../../document/path.ts'
import {
  type BlockNode,
  type DocumentNode,
  type FieldNode,
  type FieldType,
  type FieldValue,
  field,
  ITEM,
} from '../../document/tree.ts'
import { parseTyped } from '../../document/types.ts'
import type { ElementOperation } from '../../ledger/request.ts'
import type { Context } from '../context.ts'
import type { Write as AnyWrite } from '../write.ts'
import { declarationsOf, indentOf, nodeOf, readRoot, readText, surroundings, textUidOf } from './documents.ts'
import { type Match, seenIn } from './match.ts'
import type { Form } from './media.ts'

/** An edit of elements alone. */
type Write = AnyWrite<ElementOperation>

export type Body = { form: Form; bytes: Uint8Array }
export type Place = { before?: string; after?: string; name?: string; type?: FieldType | undefined }
/** onlyNew: only where there is nothing yet. type: that a field gets. */
export type Put = { onlyNew?: boolean; type?: FieldType | undefined }

/** Edits of one contract as it stands, tentative changes included. */
export class Editor {
  readonly state: ContractState
  private readonly context: Context
  private readonly values: OpeningSource
  private readonly match: Match

  /** `values`: those of the state's fields. */
  constructor(
    context: Context,
    state: ContractState,
    match: Match,
    values: OpeningSource = context.values(state),
  ) {
    this.context = context
    this.state = state
    this.values = values
    this.match = match
  }

  /** Sets a leaf, replaces a block, or creates what the last part of the path names; with `onlyNew` nothing but the last. */
  put(start: string, path: string, body: Body, { onlyNew = false, type }: Put = {}): Write {
    const [found, ...others] = matchPath(this.state, start, path)
    const created = found === undefined ? this.putNew(start, path, body, type) : undefined
    if (created) return created
    const uid = found === undefined || others.length > 0 ? resolvePath(this.state, start, path) : found
    if (onlyNew) throw changed('there is an element at this path already', seenOf(this.state, uid))
    if (type !== undefined) return this.setTyped(uid, typed(this.nodeIn(body), type))
    if (body.form === 'text') return this.setText(uid, readText(body.bytes))
    return this.replace(uid, readRoot(body.form, body.bytes), body.form)
  }

  /** A child that the path names though there is none; undefined where it can't be made so. */
  private putNew(start: string, path: string, body: Body, type?: FieldType): Write | undefined {
    const segments = parsePath(path)
    const last = segments.pop()
    if (last === undefined || last.index !== undefined) return undefined
    const parent = resolvePath(this.state, start, formatPath(segments))
    if (existing(this.state, parent).kind !== 'block') return undefined
    if (this.match !== undefined)
      throw changed('there is nothing at this path, and so no version of it', undefined)
    const node = this.newNode(parent, readRoot(body.form, body.bytes), body.form)
    if (body.form === 'xml' && node.name !== last.name)
      throw new CountersignError(
        'bad-request',
        `the path ends in ${last.name}, the XML element is ${node.name}`,
      )
    return this.create(parent, last.name, typed(node, type), {})
  }

  /** Adds a child to a block or list. */
  post(start: string, path: string, body: Body, { name, type, ...place }: Place): Write {
    const parent = resolvePath(this.state, start, path)
    const { kind } = existing(this.state, parent)
    this.requireMatch(parent)
    const node = typed(this.newNode(parent, readRoot(body.form, body.bytes), body.form), type)
    if (kind === 'list') {
      if (name !== undefined)
        throw new CountersignError(
          'bad-request',
          'items of a list have no name of their own: leave out ?name=',
        )
      return this.create(parent, ITEM, node, place)
    }
    const chosen = name ?? (body.form === 'xml' ? node.name : undefined)
    if (chosen === undefined)
      throw new CountersignError('bad-request', 'say what the new element is called: ?name=…')
    return this.create(parent, chosen, node, place)
  }

  patch(start: string, path: string, body: Body): Write {
    if (body.form !== 'json')
      throw new CountersignError('unsupported-media-type', 'PATCH takes application/merge-patch+json')
    const uid = resolvePath(this.state, start, path)
    this.requireMatch(uid)
    const root = readRoot('json', body.bytes)
    return { edit: mergeOperations(this.state, this.values, uid, root, this.context.random), uid }
  }

  delete(start: string, path: string): Write {
    const uid = resolvePath(this.state, start, path)
    return { edit: this.asSeen(uid, deleteOperations(this.state, uid)), uid }
  }

  /** What a field or the text of a block is set to, in the form of its type. */
  setText(uid: string, text: string): Write {
    const target = textUidOf(this.state, uid) ?? uid
    const { type } = existing(this.state, target)
    const value = type === undefined || type === 'null' ? text : readTyped(type, text)
    const edit = setOperations(this.state, this.values, target, undefined, value, this.context.random)
    return { edit: this.asSeen(target, edit), uid: target }
  }

  /** What a field, or the text of a block, is set to with a type of its own. */
  setTyped(uid: string, { type, value }: FieldNode): Write {
    const target = textUidOf(this.state, uid) ?? uid
    const edit = setOperations(this.state, this.values, target, type, value, this.context.random)
    return { edit: this.asSeen(target, edit), uid: target }
  }

  private nodeIn({ form, bytes }: Body): DocumentNode {
    return nodeOf(readRoot(form, bytes), form)
  }

  /** Makes an element equal to a document. */
  replace(uid: string, root: BlockNode, form: Form): Write {
    const { state, values } = this
    const { random } = this.context
    const record = existing(state, uid)
    if (uid === state.rootUid) {
      this.requireMatch(uid)
      const from = form === 'xml' ? 'xml' : 'json'
      return { edit: replaceOperations(state, values, uid, root, random, { from }), uid }
    }
    if (form === 'xml') return this.replaceXml(uid, root)
    const node = nodeOf(root, form)
    if (record.kind === 'field' && node.kind === 'field') {
      const [type, value] = typedValue(record, node, 'json')
      return { edit: this.asSeen(uid, setOperations(state, values, uid, type, value, random)), uid }
    }
    this.requireMatch(uid)
    return { edit: replaceOperations(state, values, uid, node, random, { from: 'json' }), uid }
  }

  private replaceXml(uid: string, root: BlockNode): Write {
    const { state, values } = this
    const { kind, name, parent } = existing(state, uid)
    if (kind === 'list')
      throw new CountersignError(
        'bad-request',
        'a list is written as JSON, or item by item: it is no XML element',
      )
    this.requireMatch(uid)
    // What it declares itself stays; what it only repeats of those above does not become its own.
    const around = surroundings(state, uid, values)
    for (const prefix of declarationsOf(state, uid, values).keys()) delete around.inScope[prefix]
    const node = nodeOf(root, 'xml', around)
    if (node.name !== name && existing(state, parent).kind !== 'list')
      throw new CountersignError(
        'bad-request',
        `the XML element is ${node.name}, the one to replace is ${name}`,
      )
    return { edit: replaceOperations(state, values, uid, node, this.context.random, { from: 'xml' }), uid }
  }

  /** A node to create in a block or list. */
  newNode(parent: string, root: BlockNode, form: Form): DocumentNode {
    if (form !== 'xml') return nodeOf(root, form)
    const around = surroundings(this.state, parent, this.values)
    for (const [prefix, uri] of declarationsOf(this.state, parent, this.values)) around.inScope[prefix] = uri
    const indent = indentOf(this.state, parent, this.values)
    return nodeOf(root, form, indent === undefined ? around : { ...around, indent })
  }

  create(
    parent: string,
    name: string,
    node: DocumentNode,
    place: { before?: string; after?: string },
  ): Write {
    const edit = createOperations(this.state, parent, name, node, this.context.random, place)
    const created = edit.operations[0]?.uid
    return { edit, ...(created !== undefined && { created }) }
  }

  /** The one operation of an edit with the version that its author saw, for the ledger to judge. */
  private asSeen(uid: string, edit: Edit): Edit {
    if (this.match === undefined || this.match === '*') return edit
    const seen = seenIn(this.match, seenOf(this.state, uid))
    if (seen === undefined) return edit
    return {
      ...edit,
      operations: edit.operations.map((one) => (one.op === 'create' ? one : { ...one, seen })),
    }
  }

  /** For edits of many operations, each of which carries the version of what it changes itself. */
  private requireMatch(uid: string): void {
    if (this.match === undefined || this.match === '*') return
    const current = element(this.state, uid) === undefined ? undefined : seenOf(this.state, uid)
    if (current === undefined || !this.match.includes(current))
      throw changed('the element is not of the version that If-Match names', current)
  }
}

/**
 * A node as a field of a type: an empty text is no value where the type has no such, nor is JSON's null.
 * @throws CountersignError `bad-request` for a block or list, `bad-value`
 */
export function typed(node: DocumentNode, type: FieldType): FieldNode
export function typed(node: DocumentNode, type: FieldType | undefined): DocumentNode
export function typed(node: DocumentNode, type: FieldType | undefined): DocumentNode {
  if (type === undefined) return node
  if (node.kind !== 'field')
    throw new CountersignError('bad-request', 'a type goes with a single value, as JSON or plain text')
  const { name, value } = node
  return field(name, type, typeof value === 'string' ? readTyped(type, value) : value)
}

function readTyped(type: FieldType, text: string): FieldValue {
  return text === '' && type !== 'text' ? null : parseTyped(type, text)
}

function changed(message: string, version: string | undefined): CountersignError {
  return new CountersignError('conflicted', message, version === undefined ? undefined : { version })
}
