/** Places for new elements among the siblings that stay where they are. */
import { hexEncode } from '../crypto/bytes.ts'
import { orderSpread } from './order.ts'

/** So many random bytes. */
export type Random = (sizeBytes: number) => Uint8Array

/** What decides where an element stands among its siblings (ELE-2). */
export type Place = { order: string; uid: string }

const UIDS = 1n << 128n
/** UIDs that must be left for each new one when it has to fall between two others: it stays unguessable. */
const ROOM = 1n << 64n

/**
 * Places for `count` new elements after `left` and before `right`; undefined at either end. By order key where one fits.
 * Where none does (siblings that two parties appended at the same time share one) the new element takes a neighbour's key
 * and a random UID on the right side of the neighbour's. Undefined if there is no room for that either.
 */
export function placesBetween(
  left: Place | undefined,
  right: Place | undefined,
  count: number,
  random: Random,
): Place[] | undefined {
  if (count === 0) return []
  const fits = left === undefined || right === undefined || left.order < right.order
  const orders = fits ? orderSpread(left?.order, right?.order, count) : undefined
  if (orders !== undefined) return orders.map((order) => ({ order, uid: hexEncode(random(16)) }))
  const isTie = left?.order === right?.order
  const afterLeft = left && uidsBetween(left.uid, isTie ? right?.uid : undefined, count, random)
  if (left !== undefined && afterLeft !== undefined)
    return afterLeft.map((uid) => ({ order: left.order, uid }))
  const beforeRight = right && !isTie ? uidsBetween(undefined, right.uid, count, random) : undefined
  return right && beforeRight?.map((uid) => ({ order: right.order, uid }))
}

/** Random UIDs strictly between two, ascending, one in each of as many equal parts. */
function uidsBetween(
  low: string | undefined,
  high: string | undefined,
  count: number,
  random: Random,
): string[] | undefined {
  const start = low === undefined ? 0n : BigInt(`0x${low}`) + 1n
  const end = high === undefined ? UIDS : BigInt(`0x${high}`)
  const part = (end - start) / BigInt(count)
  if (part < ROOM) return undefined
  return Array.from({ length: count }, (_, index) => {
    const value = start + part * BigInt(index) + (BigInt(`0x${hexEncode(random(16))}`) % part)
    return value.toString(16).padStart(32, '0')
  })
}
