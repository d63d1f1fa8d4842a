/** Checks names, dots and brackets: what they mean in the contract's tree. */
import { toInteger } from './decimal.ts'
import { isList } from './functions-list.ts'
import { faultAt } from './lexer.ts'
import { nearest } from './nearest.ts'
import { type Bindings, type Checking, LIST_GUESS, type Part, plainPart } from './parts.ts'
import { propertyNames, propertyOf } from './properties.ts'
import type { Cell, Run, Unread } from './run.ts'
import type { Tree } from './tree.ts'
import { type BlockType, NULL, type Type, typeName } from './types.ts'

/** `_`. */
export function rootPart({ scope }: Checking): Part {
  return {
    ...plainPart(scope.root, 1, (run) => ({ kind: 'block', reference: run.source.root })),
    origins: [{ from: 'root', path: [] }],
  }
}

/** A bare name: the innermost binding, or a member of the current block. */
export function namePart(
  checking: Checking,
  { name, at }: Extract<Tree, { kind: 'name' }>,
  bindings: Bindings | undefined,
): Part {
  const { scope } = checking
  for (let one = bindings; one !== undefined; one = one.outer) {
    if (one.name === name) return boundPart(one)
    if (one.name !== undefined) continue
    const { type } = one.part
    if (type.kind === 'block' && scope.member(type, name) !== undefined)
      return memberPart(checking, boundPart(one), name, at)
    if (name === 'item') return boundPart(one)
  }
  if (scope.member(scope.here, name) === undefined) throw unknownName(checking, name, at, bindings)
  const here: Part = {
    ...plainPart(scope.here, 0, (run) => ({ kind: 'block', reference: run.source.here })),
    origins: [{ from: 'here', path: [] }],
  }
  return memberPart(checking, here, name, at)
}

function boundPart(binding: Bindings): Part {
  binding.used = true
  const { slot } = binding
  return { ...binding.part, cost: 1, code: (run) => run.slots[slot] ?? null }
}

function unknownName({ scope }: Checking, name: string, at: number, bindings: Bindings | undefined) {
  const names: string[] = []
  for (let one = bindings; one !== undefined; one = one.outer) {
    if (one.name !== undefined) names.push(one.name)
    else if (one.part.type.kind === 'block') names.push('item', ...scope.names(one.part.type))
    else names.push('item')
  }
  names.push(...scope.names(scope.here))
  const quoted = `“${name.slice(0, 60)}”`
  const near = nearest(name, names)
  if (near !== undefined) return faultAt(at, `There is no ${quoted} here; did you mean ${near}?`)
  if (scope.member(scope.root, name) !== undefined)
    return faultAt(at, `There is no ${quoted} in this block; write _.${name} for the one at the root.`)
  return faultAt(
    at,
    `There is no ${quoted} here; write the name of an element of this block, or a path from _.`,
  )
}

/** `of.name`: a block's member or a value's property; over a list, that of each item. */
export function memberPart(checking: Checking, of: Part, name: string, at: number): Part {
  const access = accessTo(checking, of.type, name, at)
  const origins = access.isMember
    ? of.origins.map(({ from, path }) => ({ from, path: [...path, name] }))
    : of.origins
  if (access.isMember) for (const origin of origins) checking.reads(origin)
  const isMapped = of.type.kind === 'list'
  const isList = access.gives.kind === 'list'
  return {
    type: access.gives,
    origins,
    cost: of.cost + 1 + (isMapped ? of.items : 0),
    items: isMapped ? of.items : isList ? LIST_GUESS : 1,
    code: (run) => run.read(access.run(run, of.code(run), false)),
  }
}

interface Access {
  readonly gives: Type
  readonly isMember: boolean
  /** `isLate`: a field may wait until it is read. */
  run(run: Run, of: Cell, isLate: boolean): Cell | Unread
}

function accessTo(checking: Checking, type: Type, name: string, at: number): Access {
  if (type.kind === 'list') {
    const inner = accessTo(checking, type.of, name, at)
    return {
      gives: { kind: 'list', of: inner.gives },
      isMember: inner.isMember,
      run: (run, list) => {
        if (!isList(list)) return null
        run.step(list.length)
        run.grow(list.length)
        return list.map((item) => inner.run(run, run.read(item), true))
      },
    }
  }
  if (type.kind === 'block') {
    const gives = checking.scope.member(type, name)
    if (gives === undefined) throw unknownMember(checking, type, name, at)
    return {
      gives,
      isMember: true,
      run: (run, block, isLate) =>
        isLate ? run.lateMember(block, name, gives) : run.member(block, name, gives),
    }
  }
  const property = propertyOf(type, name)
  if (property === undefined) throw unknownProperty(type, name, at)
  return {
    gives: property.gives,
    isMember: false,
    run: (run, value) => {
      run.step()
      return property.of(value)
    },
  }
}

function unknownMember({ scope }: Checking, block: BlockType, name: string, at: number) {
  const near = nearest(name, scope.names(block))
  const advice = near === undefined ? 'look up the names that the block holds' : `did you mean ${near}`
  return faultAt(at, `The block has no “${name.slice(0, 60)}”; ${advice}${near === undefined ? '.' : '?'}`)
}

function unknownProperty(type: Type, name: string, at: number) {
  const names = propertyNames(type)
  const advice = names.length === 0 ? 'leave out the dot and the name' : `write ${names.join(', ')}`
  return faultAt(
    at,
    `This is ${typeName(type)}, which has no “${name.slice(0, 60)}”; ${advice}.`,
    'wrong-type',
  )
}

/** `of[by]`: the item at a position, or those for which a condition is true. A single value counts as a list of it. */
export function filterPart(
  checking: Checking,
  tree: Extract<Tree, { kind: 'filter' }>,
  bindings: Bindings | undefined,
): Part {
  const of = asList(checking.part(tree.of, bindings))
  const item = of.type.kind === 'list' ? of.type.of : NULL
  const slot = checking.newSlot()
  const inner: Bindings = {
    outer: bindings,
    name: undefined,
    slot,
    part: { type: item, origins: of.origins, items: item.kind === 'list' ? LIST_GUESS : 1 },
    used: false,
  }
  const by = checking.part(tree.by, inner)
  if (by.type.kind === 'number') {
    if (inner.used)
      throw faultAt(tree.by.at, 'A position can’t depend on the items; write a condition, as in [item > 1].')
    return {
      type: item,
      origins: of.origins,
      cost: of.cost + by.cost + 1,
      items: item.kind === 'list' ? LIST_GUESS : 1,
      code: (run) => itemAt(run, of.code(run), by.code),
    }
  }
  if (by.type.kind !== 'boolean')
    throw faultAt(
      tree.by.at,
      `In [ ] stands a position or a condition, but this is ${typeName(by.type)}; compare it with something.`,
      'wrong-type',
    )
  return {
    type: of.type,
    origins: of.origins,
    cost: of.cost + of.items * (by.cost + 1),
    items: of.items,
    code: (run) => {
      const list = of.code(run)
      if (!isList(list)) return null
      const kept = list.filter((one) => {
        run.step()
        // What the condition doesn't look at is not read.
        run.slots[slot] = inner.used ? run.read(one) : null
        return by.code(run) === true
      })
      run.grow(kept.length)
      return kept
    },
  }
}

/** A part as the list that it is, or the list of it. */
export function asList(of: Part): Part {
  if (of.type.kind === 'list' || of.type.kind === 'null') return of
  return {
    ...of,
    type: { kind: 'list', of: of.type },
    items: 1,
    code: (run) => {
      const value = of.code(run)
      return value === null ? null : [value]
    },
  }
}

function itemAt(run: Run, list: Cell, by: (run: Run) => Cell): Cell {
  run.step()
  const position = by(run)
  if (!isList(list) || position === null || typeof position !== 'object') return null
  if (!('kind' in position) || position.kind !== 'number') return null
  const place = toInteger(position)
  if (place === undefined || place === 0 || Math.abs(place) > list.length) return null
  return run.read(list[place > 0 ? place - 1 : list.length + place] ?? null)
}
