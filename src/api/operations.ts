/** Several wishes as one edit, each seeing what those before it do. */
import type { z } from 'zod'
import type { Edit } from '../contract/edit.ts'
import { step, type TypeCheck, typeCheck } from '../contract/outcome.ts'
import type { ContractState, OpeningSource } from '../contract/state.ts'
import { existing, resolvePath } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { fromJson } from '../document/from-json.ts'
import { fromXml } from '../document/from-xml.ts'
import { type DocumentNode, type FieldNode, type FieldType, field, ITEM, VALUE } from '../document/tree.ts'
import type { ElementOperation } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Context } from './context.ts'
import { RawJson } from './json-body.ts'
import { nodeOf } from './records/documents.ts'
import { Editor, typed } from './records/edits.ts'
import type { newRequest } from './schemas.ts'

type Wish = z.infer<typeof newRequest>['operations'][number]

/**
 * @param state of which the first wish is meant
 * @throws CountersignError `bad-request`, `unknown-path`, … naming the operation, counted from 0
 */
export function composeEdit(
  context: Context,
  state: ContractState,
  wishes: readonly Wish[],
): Edit<ElementOperation> {
  const operations: ElementOperation[] = []
  const openings: Opening[] = []
  const values = context.values(state)
  const opened = new Map<string, Opening>()
  const source: OpeningSource = { get: (commitment) => opened.get(commitment) ?? values.get(commitment) }
  let current = state
  for (const [index, wish] of wishes.entries()) {
    try {
      const edit = editOf(new Editor(context, current, undefined, source), wish)
      for (const opening of edit.openings) opened.set(commitmentOf(opening), opening)
      // What rules say is looked at once all operations are there: one may make good what another breaks.
      for (const operation of edit.operations) current = stepped(current, operation, typeCheck(source))
      operations.push(...asSeen(edit.operations, wish))
      openings.push(...edit.openings)
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      throw new CountersignError(error.code, `operations[${index}]: ${error.message}`, error.detail)
    }
  }
  return { operations, openings }
}

function stepped(state: ContractState, operation: ElementOperation, isOfType: TypeCheck): ContractState {
  const result = step(state, operation, isOfType)
  if ('code' in result)
    throw new CountersignError('rejected', `it could never be accepted: ${result.code}`, {
      code: result.code,
    })
  return result.state
}

function editOf(editor: Editor, wish: Wish): Edit<ElementOperation> {
  const { state } = editor
  if ('delete' in wish) return editor.delete(state.rootUid, wish.delete).edit
  if ('set' in wish) {
    const uid = resolvePath(state, state.rootUid, wish.set)
    const { type, value } = wish
    if (type === undefined) return editor.replace(uid, fromJson(textOf(value)), 'json').edit
    return editor.setTyped(uid, value === undefined ? empty(type) : typed(nodeFrom(value), type)).edit
  }
  const { parent: path, name, value, type, xml, before, after } = wish.create
  if (
    [value, xml].filter((one) => one !== undefined).length !== 1 &&
    (type === undefined || xml !== undefined)
  )
    throw new CountersignError('bad-request', 'give either `value` or `xml`, or a `type` for an empty field')
  const parent = resolvePath(state, state.rootUid, path)
  const form = xml === undefined ? 'json' : 'xml'
  const root = xml !== undefined ? fromXml(xml) : value !== undefined ? fromJson(textOf(value)) : undefined
  const node = root === undefined ? empty(type as FieldType) : typed(editor.newNode(parent, root, form), type)
  const isList = existing(state, parent).kind === 'list'
  if (isList && name !== undefined)
    throw new CountersignError('bad-request', 'items of a list have no name of their own: leave out `name`')
  const chosen = isList ? ITEM : (name ?? (form === 'xml' ? node.name : undefined))
  if (chosen === undefined)
    throw new CountersignError('bad-request', 'say what the new element is called: `name`')
  const place = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
  return editor.create(parent, chosen, node, place).edit
}

/** A field of a type, without a value. */
function empty(type: FieldType): FieldNode {
  return field(VALUE, type, null)
}

function nodeFrom(value: unknown): DocumentNode {
  return nodeOf(fromJson(textOf(value)), 'json')
}

function textOf(value: unknown): string {
  if (value instanceof RawJson) return value.text
  throw new CountersignError('bad-request', '`value` is missing')
}

/** With the version that the author saw, where a single element is meant. */
function asSeen(operations: readonly ElementOperation[], wish: Wish): ElementOperation[] {
  const seen = 'create' in wish ? undefined : wish.seen
  if (seen === undefined) return [...operations]
  const [only, ...others] = operations
  if (only === undefined || others.length > 0 || only.op === 'create')
    throw new CountersignError(
      'bad-request',
      '`seen` goes with setting a field or deleting, not with replacing a block',
    )
  return [{ ...only, seen }]
}
