/** Several wishes as one edit, each seeing what those before it do. */
import type { Edit } from '../contract/edit.ts'
import { Foresight } from '../contract/foresight.ts'
import { isValueOfType, step, type TypeCheck, typeCheck } from '../contract/outcome.ts'
import { withReaders } from '../contract/privacy.ts'
import { Agenda } from '../contract/rules/agenda.ts'
import { Refused } from '../contract/rules/judging.ts'
import { runOperation } from '../contract/rules/operations.ts'
import { ValueNotHeld, Work } from '../contract/rules/work.ts'
import type { ContractState, OpeningSource } from '../contract/state.ts'
import { existing, resolvePath } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { fromJson } from '../document/from-json.ts'
import { fromXml } from '../document/from-xml.ts'
import { type DocumentNode, type FieldNode, type FieldType, field, ITEM, VALUE } from '../document/tree.ts'
import type { ElementOperation, Operation } from '../ledger/request.ts'
import type { RuleOperation } from '../ledger/rule-operation.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Context } from './context.ts'
import { RawJson } from './json-body.ts'
import { nextTimeMs } from './private.ts'
import { nodeOf } from './records/documents.ts'
import { Editor, typed } from './records/edits.ts'
import { UNSIGNED } from './refusals.ts'
import type { ElementWish, Wish } from './request-schemas.ts'
import { recordOf } from './rules/look.ts'
import type { RuleWish } from './rules/schemas.ts'
import { typeUid, wishOperation } from './rules/wishes.ts'

/**
 * @param state of which the first wish is meant
 * @throws CountersignError `bad-request`, `unknown-path`, … naming the operation, counted from 0, where there are several
 */
export function composeEdit(
  context: Context,
  state: ContractState,
  wishes: readonly Wish[],
): Edit<Operation> {
  const operations: Operation[] = []
  const openings: Opening[] = []
  const values = context.values(state)
  const opened = new Map<string, Opening>()
  const source: OpeningSource = { get: (commitment) => opened.get(commitment) ?? values.get(commitment) }
  let current = state
  for (const [index, wish] of wishes.entries()) {
    try {
      if (isRuleWish(wish)) {
        const operation = wishOperation(context, current, wish)
        operations.push(operation)
        if (wishes.length > 1) current = ruled(context, current, operation, source)
        continue
      }
      const wanted = editOf(new Editor(context, current, undefined, source), wish)
      // Now: what a later wish says to have seen is the commitment that is signed.
      const edit = withReaders(current, wanted, nextTimeMs(context, state.contract))
      for (const opening of edit.openings) opened.set(commitmentOf(opening), opening)
      // What rules say is looked at once all operations are there: one may make good what another breaks.
      for (const operation of edit.operations) current = stepped(current, operation, ofType(source))
      operations.push(...asSeen(edit.operations, wish))
      openings.push(...edit.openings)
    } catch (error) {
      if (!(error instanceof CountersignError) || wishes.length === 1) throw error
      throw new CountersignError(error.code, `operations[${index}]: ${error.message}`, error.detail)
    }
  }
  return { operations, openings }
}

function isRuleWish(wish: Wish): wish is RuleWish {
  return !('set' in wish || 'create' in wish || 'delete' in wish)
}

/** The state that later wishes are meant of; as it was where the operation is refused, which is told once it is whole. */
function ruled(
  context: Context,
  state: ContractState,
  operation: RuleOperation,
  source: OpeningSource,
): ContractState {
  const { chain, self } = context.replica(state.contract)
  const { height } = chain.tip.block.header
  const timeMs = nextTimeMs(context, state.contract)
  const at = { id: UNSIGNED, author: self, height: height + 1, timeMs }
  const work = new Work(state, at, source, undefined, new Foresight())
  try {
    const refused = runOperation(work, new Agenda(), operation, 0, typeCheck(source))
    return refused ? state : work.state
  } catch (error) {
    // What is for others to judge is left as it is here.
    if (error instanceof Refused || error instanceof ValueNotHeld) return state
    throw error
  }
}

/** Whoever writes a value can see what it is, private or not. */
function ofType(source: OpeningSource): TypeCheck {
  return (type, commitment) => {
    const opening = source.get(commitment)
    return opening !== undefined && isValueOfType(type, opening.value)
  }
}

function stepped(state: ContractState, operation: ElementOperation, isOfType: TypeCheck): ContractState {
  const result = step(state, operation, isOfType)
  if ('code' in result)
    throw new CountersignError('rejected', `it could never be accepted: ${result.code}`, {
      code: result.code,
    })
  return result.state
}

function editOf(editor: Editor, wish: ElementWish): Edit<ElementOperation> {
  const { state } = editor
  if ('delete' in wish) return editor.delete(state.rootUid, wish.delete).edit
  if ('set' in wish) {
    const uid = resolvePath(state, state.rootUid, wish.set)
    const { type, value } = wish
    if (type === undefined) return editor.replace(uid, fromJson(textOf(value)), 'json').edit
    return editor.setTyped(uid, value === undefined ? empty(type) : typed(nodeFrom(value), type)).edit
  }
  const { parent: path, name, value, xml, before, after, label, help } = wish.create
  const named = wish.create.typed === undefined ? undefined : typeUid(state, wish.create.typed)
  const type = wish.create.type ?? baseOf(state, named)
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
  const { edit } = editor.create(parent, chosen, node, place)
  const words = {
    ...(named !== undefined && { typed: named }),
    ...(label !== undefined && { label }),
    ...(help !== undefined && { help }),
  }
  const [first, ...below] = edit.operations
  return first === undefined ? edit : { ...edit, operations: [{ ...first, ...words }, ...below] }
}

/** The type that a field of a named type has. */
function baseOf(state: ContractState, typed: string | undefined): FieldType | undefined {
  const base = typed === undefined ? undefined : recordOf(state, typed, 'type')?.type.base
  return base === 'block' ? undefined : base
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
function asSeen(operations: readonly ElementOperation[], wish: ElementWish): ElementOperation[] {
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
