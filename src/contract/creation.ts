/** What edits are made of: commitments to values, and the creation of nodes with all below them. */
import { base64UrlEncode, hexEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { checkName } from '../document/names.ts'
import { type DocumentNode, isEmpty } from '../document/tree.ts'
import { checkValue } from '../document/types.ts'
import type { CreateOperation, ElementOperation, FieldType, Operation } from '../ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../ledger/value.ts'
import { DEPTH_MAX } from './elements.ts'
import { orderSequence } from './order.ts'
import type { Place, Random } from './place.ts'

/** Operations in the order in which they are to be applied, and the openings of all commitments in them. */
export type Edit<Op extends Operation = ElementOperation> = { operations: Op[]; openings: Opening[] }

/** Adds `openings` the one of a value, with a new salt, and returns its commitment. @throws CountersignError `bad-value` */
function commit(type: FieldType, value: Value, random: Random, openings: Opening[]): string {
  checkValue(type, value)
  const opening = { salt: base64UrlEncode(random(16)), value }
  openings.push(opening)
  return commitmentOf(opening)
}

/** The `value` of an operation: none where the field is to be empty. @throws CountersignError `bad-value` */
export function committed(
  type: FieldType,
  value: Value,
  random: Random,
  openings: Opening[],
): { value?: string } {
  return isEmpty({ type, value }) ? {} : { value: commit(type, value, random, openings) }
}

/** What creations are added to. */
export type Creations = { operations: { push(operation: CreateOperation): unknown }; openings: Opening[] }

/**
 * Adds to an edit what creates a node and all below it.
 * @param depth of the new element
 * @throws CountersignError `too-large` past DEPTH_MAX, `bad-name`, `bad-value`
 */
export function addCreations(
  into: Creations,
  node: DocumentNode,
  parent: string,
  { uid, order }: Place,
  depth: number,
  random: Random,
): void {
  if (depth > DEPTH_MAX)
    throw new CountersignError(
      'too-large',
      `Elements lie at most ${DEPTH_MAX} levels deep; this would go deeper.`,
    )
  const { kind, name } = node
  checkName(name)
  if (kind === 'field') {
    const { type } = node
    into.operations.push({
      ...{ op: 'create', uid, parent, name, kind, order, type },
      ...committed(type, node.value, random, into.openings),
    })
    return
  }
  into.operations.push({ op: 'create', uid, parent, name, kind, order })
  addChildren(into, node.children, uid, depth, random)
}

/** Adds to an edit what creates the children of an element at `depth` that has none yet. @throws as `addCreations` */
export function addChildren(
  into: Creations,
  nodes: readonly DocumentNode[],
  parent: string,
  depth: number,
  random: Random,
): void {
  for (const [index, order] of orderSequence(nodes.length).entries()) {
    const place = { uid: hexEncode(random(16)), order }
    addCreations(into, nodes[index] as DocumentNode, parent, place, depth + 1, random)
  }
}
