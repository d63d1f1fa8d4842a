/**
 * The difference of two states of a contract: which elements one has and the other hasn't, and what is not the same of those
 * that both have. Found by the two Merkle maps, of which only what differs is walked; k differences of n elements cost
 * O(k log n).
 */
import { mapChanges } from '../crypto/merkle-map.ts'
import type { Opening, Value } from '../ledger/value.ts'
import { type ContractState, element } from './elements.ts'
import type { OpeningSource } from './outcome.ts'
import { type ElementRecord, isElement, isSameRecord } from './record.ts'
import { pathOf } from './view.ts'

/** An element that is not the same in both states, with its record in each where it is there. */
export type ChangedElement = { uid: string; before?: ElementRecord; after?: ElementRecord }

/**
 * What became of an element. moved: it has another parent, or another place among its siblings; retyped: it is of another kind
 * or type; changed: it has another value, or one that can't be compared because it is not held; restated: the same value was
 * written again. Several may hold of one; created and removed stand alone.
 */
export type Alteration =
  | 'created'
  | 'removed'
  | 'moved'
  | 'renamed'
  | 'retyped'
  | 'changed'
  | 'restated'
  | 'described'
  | 'switched'

/** A value as it stood. version: its commitment; held: false where it was erased or never shown here, and `value` is missing; readers: who may see it, where that is not everybody. */
export type ValueThen = {
  type: string
  version: string
  held: boolean
  value?: Value
  readers?: readonly string[]
}

/**
 * One element in a difference. path: in the later state, or in the earlier one if it is gone; oldPath: where it was, if that is
 * another. old, new: of a field.
 */
export type ElementDifference = {
  uid: string
  what: Alteration[]
  kind: ElementRecord['kind']
  path: string
  oldPath?: string
  old?: ValueThen
  new?: ValueThen
}

/**
 * The elements that differ, in document order: parents before what is below them, siblings in their order; what was removed
 * stands where it was. The epoch record is not an element.
 */
export function changedElements(before: ContractState, after: ContractState): ChangedElement[] {
  const changed: ChangedElement[] = []
  for (const [uid, first, second] of mapChanges(before.map, after.map)) {
    if (isSameRecord(first, second)) continue
    const one: ChangedElement = { uid }
    if (isElement(first)) one.before = first
    if (isElement(second)) one.after = second
    if (one.before !== undefined || one.after !== undefined) changed.push(one)
  }
  const order = new DocumentOrder(before, after)
  const places = new Map(changed.map(({ uid }) => [uid, order.placeOf(uid)]))
  return changed.sort((first, second) =>
    (places.get(first.uid) as string) < (places.get(second.uid) as string) ? -1 : 1,
  )
}

/**
 * What differs of one element, with its paths and values.
 * @param openings of the values; where one is missing, the value is said not to be held
 */
export function differenceOf(
  before: ContractState,
  after: ContractState,
  { uid, before: first, after: second }: ChangedElement,
  openings: OpeningSource,
): ElementDifference {
  const record = (second ?? first) as ElementRecord
  const old = first && valueThen(first, openings)
  const now = second && valueThen(second, openings)
  const path = pathOf(second === undefined ? before : after, uid)
  const oldPath = first !== undefined && second !== undefined ? pathOf(before, uid) : path
  return {
    uid,
    what: alterationsOf(first, second, old, now),
    kind: record.kind,
    path,
    ...(oldPath !== path && { oldPath }),
    ...(old && { old }),
    ...(now && { new: now }),
  }
}

/** What became of an element between two of its records. old, now: their values, where they are fields. */
export function alterationsOf(
  first: ElementRecord | undefined,
  second: ElementRecord | undefined,
  old: ValueThen | undefined,
  now: ValueThen | undefined,
): Alteration[] {
  if (first === undefined || second === undefined) return [first === undefined ? 'created' : 'removed']
  const what: Alteration[] = []
  if (first.parent !== second.parent || first.order !== second.order) what.push('moved')
  if (first.name !== second.name) what.push('renamed')
  if (first.kind !== second.kind || first.type !== second.type) what.push('retyped')
  if (first.value !== second.value) {
    const isSame = old?.held && now?.held && old.value === now.value
    if (!isSame) what.push('changed')
    else if (first.type === second.type) what.push('restated')
  }
  if (first.label !== second.label || first.help !== second.help || first.typed !== second.typed)
    what.push('described')
  if (first.inactive !== second.inactive) what.push('switched')
  return what
}

/** A field's value as far as it is held; undefined for a block or list. */
export function valueThen(
  { type, value, readers }: ElementRecord,
  openings: OpeningSource,
): ValueThen | undefined {
  if (type === undefined || value === undefined) return undefined
  const opening: Opening | undefined = openings.get(value)
  return {
    ...{ type, version: value, held: opening !== undefined },
    ...(opening && { value: opening.value }),
    ...(readers && { readers }),
  }
}

/** Parties that have come in as members or observers, and that are in no more. policy: whether it is another. */
export type EpochDifference = { came: string[]; left: string[]; policy: boolean }

/** What differs of who is in and how it is ordered; undefined if nothing does. */
export function epochDifference(before: ContractState, after: ContractState): EpochDifference | undefined {
  if (before.epoch === after.epoch) return undefined
  const [first, second] = [partiesOf(before), partiesOf(after)]
  const came = [...second].filter((party) => !first.has(party))
  const left = [...first].filter((party) => !second.has(party))
  const policy = JSON.stringify(before.epoch.policy) !== JSON.stringify(after.epoch.policy)
  return came.length + left.length > 0 || policy ? { came, left, policy } : undefined
}

function partiesOf({ epoch: { members, observers = [] } }: ContractState): Set<string> {
  return new Set([...members, ...observers.map(([party]) => party)])
}

/**
 * Places of elements of either state as texts that sort as a document is read. What stands in the later state has its place
 * there; what is gone has the one that it had, below a parent that may still be there.
 */
class DocumentOrder {
  private readonly before: ContractState
  private readonly after: ContractState
  private readonly known = new Map<string, string>()

  constructor(before: ContractState, after: ContractState) {
    this.before = before
    this.after = after
  }

  placeOf(uid: string): string {
    const above: { uid: string; order: string }[] = []
    let place: string | undefined
    let here = uid
    for (;;) {
      place = this.known.get(here)
      if (place !== undefined) break
      const record = element(this.after, here) ?? element(this.before, here)
      if (record === undefined) break
      above.push({ uid: here, order: record.order })
      here = record.parent
    }
    let found = place ?? ''
    // U+0001 and U+0002 come before every character of an order key, and a parent's place begins those below it.
    for (const { uid: below, order } of above.reverse()) {
      found = `${found}\u0002${order}\u0001${below}`
      this.known.set(below, found)
    }
    return found
  }
}
