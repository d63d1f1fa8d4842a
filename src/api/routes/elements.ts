/** A contract's elements: the whole tree, and one block's children page by page. */
import { versionOf } from '../../contract/record.ts'
import {
  type ContractState,
  childCount,
  childrenOf,
  type ElementRecord,
  stateRoot,
} from '../../contract/state.ts'
import { existing, pathOf } from '../../contract/view.ts'
import { base64UrlDecode, base64UrlEncode, fromUtf8, utf8 } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { type ChildView, type ElementView, elementPage, fullView } from '../element-schemas.ts'
import { fileView } from '../files.ts'
import { contractParams, elementsQuery, stateQuerySchema } from '../schemas.ts'
import { type Shown, shownState } from '../shown.ts'
import { inSlices } from '../slices.ts'
import type { Values } from '../values.ts'

export function elementRoutes(app: App, context: Context): void {
  app.get(
    '/api/contracts/:contract/full',
    {
      schema: {
        summary: 'The whole tree with UIDs and its record hash',
        tags: ['contracts'],
        params: contractParams,
        querystring: stateQuerySchema,
        response: { 200: fullView },
      },
    },
    async (request, reply) => {
      const { contract } = request.params
      const shown = shownState(context, contract, request.query, true)
      const { state } = shown
      const parts = [JSON.stringify(headOf(context, shown)).slice(0, -1), ',"root":']
      const pieces = elementPieces(context, state, state.rootUid, context.values(state))
      await inSlices(pieces, (piece) => parts.push(piece))
      reply.type('application/json')
      return reply.serializer(String).send(`${parts.join('')}}` as never)
    },
  )
  app.get(
    '/api/contracts/:contract/elements',
    {
      schema: {
        summary: 'The children of a block or list, in order',
        tags: ['contracts'],
        params: contractParams,
        querystring: elementsQuery,
        response: { 200: elementPage },
      },
    },
    async (request) => {
      const { parent, cursor, limit, ...wanted } = request.query
      const shown = shownState(context, request.params.contract, wanted, true)
      const { state } = shown
      const above = parent ?? state.rootUid
      existing(state, above)
      const start = cursor === undefined ? 0 : positionAfter(state, above, cursor)
      const uids = childrenOf(state, above, start, start + limit)
      const values = context.values(state)
      const last = uids.at(-1)
      const more = last !== undefined && start + uids.length < childCount(state, above)
      return {
        ...headOf(context, shown),
        elements: uids.map((uid) => childView(context, state, uid, values)),
        ...(more && { nextCursor: cursorOf(existing(state, last), last) }),
      }
    },
  )
}

function headOf(context: Context, { height, state, stage }: Shown) {
  const { contract } = state
  return {
    id: contract,
    name: context.replica(contract).genesis.name,
    height,
    stage,
    recordHash: stateRoot(state),
    timeMs: context.states.header(contract, height).timeMs,
  }
}

/** An element with all below it as JSON, an element at a time: a large tree is made beside the node's other work. */
function* elementPieces(
  context: Context,
  state: ContractState,
  uid: string,
  values: Values,
): Generator<string, void, void> {
  const view: ElementView = fieldsOf(context, state, uid, values)
  const text = JSON.stringify(view)
  if (view.kind === 'field') {
    yield text
    return
  }
  yield `${text.slice(0, -1)},"children":[`
  for (const [index, child] of childrenOf(state, uid).entries()) {
    if (index > 0) yield ','
    yield* elementPieces(context, state, child, values)
  }
  yield ']}'
}

function childView(context: Context, state: ContractState, uid: string, values: Values): ChildView {
  const record = existing(state, uid)
  return {
    ...fieldsOf(context, state, uid, values),
    parent: record.parent,
    ...(record.kind !== 'field' && { childCount: childCount(state, uid) }),
  }
}

function fieldsOf(context: Context, state: ContractState, uid: string, values: Values) {
  const record = existing(state, uid)
  const { name, kind, type, typed, label, help, inactive, readers } = record
  const isHidden = values.isHidden(record)
  const value = type === undefined ? undefined : (values.of(record)?.value ?? null)
  const file = type === undefined ? undefined : fileView(context, state.contract, type, value)
  return {
    uid,
    name,
    kind,
    ...(type !== undefined && { type, ...(!isHidden && { value }), version: versionOf(record) }),
    ...(readers && { readers }),
    ...(isHidden && { notShown: true as const }),
    ...(file && { file }),
    ...(typed !== undefined && { typed }),
    ...(label !== undefined && { label }),
    ...(help !== undefined && { help }),
    ...(inactive && { inactive }),
    path: pathOf(state, uid),
  }
}

/** The place of an element among its siblings, which stays what it is when others come and go. */
function cursorOf({ order }: ElementRecord, uid: string): string {
  return base64UrlEncode(utf8(`${order} ${uid}`))
}

function positionAfter(state: ContractState, parent: string, cursor: string): number {
  const siblings = state.children.get(parent)
  const [, order, uid] = /^([0-9A-Za-z]{1,64}) ([0-9a-f]{32})$/.exec(decodeCursor(cursor)) ?? []
  if (order === undefined || uid === undefined)
    throw new CountersignError(
      'bad-request',
      'querystring/cursor: take it from nextCursor of the page before',
    )
  if (siblings === undefined) return 0
  const position = siblings.indexOf({ uid, name: '', order })
  return siblings.at(position) === uid ? position + 1 : position
}

function decodeCursor(cursor: string): string {
  try {
    return fromUtf8(base64UrlDecode(cursor))
  } catch {
    return ''
  }
}
