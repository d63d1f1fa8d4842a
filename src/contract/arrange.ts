/** Places for the new among children that stay, and the making anew of a child where there is no room beside it. */
import { CountersignError } from '../crypto/errors.ts'
import type { DocumentNode } from '../document/tree.ts'
import { type Place, placesBetween, type Random } from './place.ts'

/** A child to be: one that stays (`uid`), equal to `node` if that is given, or a new one (`node` alone). */
export type Item = {
  uid?: string
  node?: DocumentNode
  /** It is equal to `node` already. */
  isSame?: boolean
  /** `node` is a merge patch. */
  isMerge?: boolean
}

/** An item; with a place if it has to be created there. */
export type Arranged = { item: Item; place?: Place }

/** What is known of the children that stay. `nodeOf` gives what one is made anew from, if its item doesn't say. */
export type Staying = { orderOf: (uid: string) => string; nodeOf: (uid: string) => DocumentNode }

/** A child that stays, and the new ones after it; the first segment begins with none. */
type Segment = { left?: Item; run: Item[]; places: Place[] }

/**
 * Finds places for all new items in this order. Where those between two that stay find no room, the one after them (at the end,
 * the one before) is made anew among them.
 * @throws CountersignError `order-exhausted`, also what `nodeOf` throws
 */
export function arrange(items: readonly Item[], random: Random, staying: Staying): Arranged[] {
  const placeOf = ({ uid }: Item = {}): Place | undefined =>
    uid === undefined ? undefined : { uid, order: staying.orderOf(uid) }
  const segments: Segment[] = []
  let current: Segment = { run: [], places: [] }
  for (const item of items) {
    if (item.uid === undefined) {
      current.run.push(item)
      continue
    }
    const places = placesBetween(placeOf(current.left), placeOf(item), current.run.length, random)
    if (places === undefined) current.run.push(anew(item, staying))
    else {
      segments.push({ ...current, places })
      current = { left: item, run: [], places: [] }
    }
  }
  for (;;) {
    const places = placesBetween(placeOf(current.left), undefined, current.run.length, random)
    if (places !== undefined) {
      segments.push({ ...current, places })
      break
    }
    const before = segments.pop()
    if (before === undefined || current.left === undefined)
      throw new CountersignError('order-exhausted', 'There are more new elements than there are places.')
    current = { ...before, run: [...before.run, anew(current.left, staying), ...current.run] }
  }
  return segments.flatMap(({ left, run, places }) => [
    ...(left === undefined ? [] : [{ item: left }]),
    ...run.map((item, index) => ({ item, place: places[index] })),
  ])
}

function anew({ uid, node, isMerge }: Item, { nodeOf }: Staying): Item {
  if (isMerge === true)
    throw new CountersignError(
      'order-exhausted',
      `No place is left next to the element ${uid}; replace the whole block.`,
    )
  return { node: node ?? nodeOf(uid as string) }
}
