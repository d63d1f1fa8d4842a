/** A template's elements with what their types say of them, and as the operations that create them. */
import { hexEncode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { FieldType } from '../../ledger/element.ts'
import { type CreateOperation, OPERATIONS_MAX } from '../../ledger/request.ts'
import type { DefineOperation, TypeBody } from '../../ledger/rule-operation.ts'
import type { Opening, Value } from '../../ledger/value.ts'
import { committed } from '../creation.ts'
import { type ContractState, DEPTH_MAX, element, subtreeUids } from '../elements.ts'
import { orderSequence } from '../order.ts'
import type { Random } from '../place.ts'
import { isRuleStateRecord } from '../rules/records.ts'
import { badTemplate, type Template, type TemplateElement, type TemplateType } from './format.ts'
import { Casted, type Casting, partiesOf } from './roles.ts'

/** An element of a template, with what its type says; own: the party that an item is for. */
export type Node = {
  name: string
  kind: 'block' | 'list' | 'field'
  label?: string
  help?: string
  type?: FieldType
  typed?: string
  value?: Value
  each?: string
  children: Node[]
}

/** Types by their names. */
export function typesOf({ types }: Template): Map<string, TemplateType> {
  return new Map(types.map((type) => [type.name, type]))
}

/**
 * The elements of a template in full: blocks of a type with all that the type says they consist of.
 * @throws CountersignError `bad-template` for a type that there is not, that is of another kind, or that holds itself; `too-large`
 */
export function nodesOf(template: Template): Node[] {
  const types = typesOf(template)
  let count = 0
  const expand = (
    element: TemplateElement,
    place: string,
    depth: number,
    within: readonly string[],
  ): Node => {
    count += 1
    if (count > OPERATIONS_MAX)
      throw new CountersignError('too-large', `a template makes at most ${OPERATIONS_MAX} elements`)
    if (depth > DEPTH_MAX)
      throw new CountersignError('too-large', `elements lie at most ${DEPTH_MAX} levels deep`)
    const { name, kind, typed, type, children = [] } = element
    const here = `${place} › ${name}`
    const named = typed === undefined ? undefined : types.get(typed)
    if (typed !== undefined && named === undefined) return badTemplate(here, `there is no type ${typed}`)
    const words = {
      ...(element.label !== undefined && { label: element.label }),
      ...(element.help !== undefined && { help: element.help }),
      ...(typed !== undefined && { typed }),
      ...(element.each !== undefined && { each: element.each }),
    }
    if (kind === 'field') {
      if (named?.base === 'block')
        return badTemplate(here, `a field can’t be of the type ${typed}, a block’s`)
      const own = type ?? (named?.base as FieldType | undefined)
      if (own === undefined) return badTemplate(here, 'a field has a type')
      const value = element.value === undefined ? {} : { value: element.value }
      return { name, kind, type: own, ...words, ...value, children: [] }
    }
    if (kind === 'block' && named !== undefined && named.base !== 'block')
      return badTemplate(here, `a block can’t be of the type ${typed}, a field’s`)
    if (kind === 'block' && typed !== undefined && within.includes(typed))
      return badTemplate(here, `the type ${typed} holds itself`)
    const inner = kind === 'block' && typed !== undefined ? [...within, typed] : within
    const given = new Map(children.map((child) => [child.name, child]))
    const own: TemplateElement[] = []
    if (kind === 'block')
      for (const member of named?.members ?? []) {
        own.push({ ...member, ...given.get(member.name) })
        given.delete(member.name)
      }
    const all = kind === 'list' ? children : [...own, ...given.values()]
    if (kind === 'block' && children.length !== new Set(children.map((child) => child.name)).size)
      return badTemplate(here, 'two elements have the same name; use a list')
    return {
      name,
      kind,
      ...words,
      children: all.map((child) => expand(child, here, depth + 1, inner)),
    }
  }
  if (template.tree.length !== new Set(template.tree.map(({ name }) => name)).size)
    badTemplate('tree', 'two elements have the same name; use a list')
  return template.tree.map((element) => expand(element, 'tree', 1, []))
}

/** An element that was made, or is there. own: the party that it, or an item it lies in, is for. */
export type Made = { uid: string; node: Node; own?: { role: string; party: string }; children: Made[] }

/** Operations that make something, with the openings of the values in them. */
export type Making = { operations: (DefineOperation | CreateOperation)[]; openings: Opening[] }

/** Adds what defines types that the contract does not have yet, and gives the UIDs of all by their names. */
export function defineTypes(
  into: Making,
  types: readonly TemplateType[],
  random: Random,
  known: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const uids = new Map(types.map(({ name }) => [name, known.get(name) ?? hexEncode(random(16))]))
  for (const type of types) {
    if (known.has(type.name)) continue
    const members = type.members?.map(({ typed, ...member }) => ({
      ...member,
      ...(typed !== undefined && { typed: uids.get(typed) ?? badTemplate(type.name, `no type ${typed}`) }),
    }))
    const body = { ...type, ...(members !== undefined && { members }) }
    into.operations.push({ op: 'define', uid: uids.get(type.name) as string, type: body })
  }
  return uids
}

/** How elements are made: by whom roles are had, what types have become, where chance comes from. */
export type Maker = { casting: Casting; types: ReadonlyMap<string, string>; random: Random }

/**
 * Adds what creates these elements, with all below them, in a block that has none of their names.
 * @throws CountersignError `bad-template`, `bad-request`, `bad-value`
 */
export function makeAll(
  into: Making,
  maker: Maker,
  nodes: readonly Node[],
  parent: string,
  own?: Made['own'],
): Made[] {
  const wanted = nodes.flatMap((node) => eachOf(maker, node).map((party) => ({ node, own: party ?? own })))
  return orderSequence(wanted.length).map((order, index) => {
    const one = wanted[index] as (typeof wanted)[0]
    return makeOne(into, maker, one.node, { parent, order, uid: hexEncode(maker.random(16)) }, one.own)
  })
}

/** The parties that there is an item for; one undefined where it is for nobody in particular. */
export function eachOf({ casting }: Maker, { each, name }: Node): Made['own'][] {
  if (each === undefined) return [undefined]
  const parties = partiesOf(casting.cast, each)
  if (parties === undefined) return badTemplate(`tree › ${name}`, `there is no role ${each}`)
  return parties.map((party) => ({ role: each, party }))
}

/** Adds what creates one element, with all below it, in its place. @throws CountersignError as `makeAll` */
export function makeOne(
  into: Making,
  maker: Maker,
  node: Node,
  place: { parent: string; order: string; uid: string },
  own?: Made['own'],
): Made {
  const { name, kind, label, help, typed, type, value } = node
  const { uid, parent, order } = place
  const words = {
    ...(typed !== undefined && { typed: maker.types.get(typed) as string }),
    ...(label !== undefined && { label }),
    ...(help !== undefined && { help }),
  }
  const head = { op: 'create', uid, parent, name, order, ...words } as const
  if (kind === 'field' && type !== undefined) {
    const filled = heldBy(maker.casting, type, value, name, own)
    into.operations.push({ ...head, kind, type, ...committed(type, filled, maker.random, into.openings) })
  } else into.operations.push({ ...head, kind })
  const children = makeAll(into, maker, node.children, uid, own)
  return { uid, node, ...(own !== undefined && { own }), children }
}

/** What a field of a template holds: `@role` is a party. */
export function heldBy(
  casting: Casting,
  type: FieldType,
  value: Value | undefined,
  name: string,
  own?: Made['own'],
): Value {
  if (value === undefined) return null
  if (type !== 'party' || typeof value !== 'string') return value
  return new Casted(casting, `tree › ${name}`, own).one(value)
}

/** The named types that elements at or below one have, and those that these consist of, by UID. */
export function typesBelow(state: ContractState, uid: string): Map<string, TypeBody> {
  const found = new Map<string, TypeBody>()
  const waiting = subtreeUids(state, uid).flatMap((below) => element(state, below)?.typed ?? [])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const record = state.map.get(next)
    if (found.has(next) || !isRuleStateRecord(record) || record.kind !== 'type') continue
    found.set(next, record.type)
    waiting.push(...(record.type.members ?? []).flatMap(({ typed }) => typed ?? []))
  }
  return found
}
