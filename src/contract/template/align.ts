/** A template's elements found again in a contract that was made of it, and what creates those that are not there. */
import { hexEncode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { DescribeOperation } from '../../ledger/rule-operation.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'
import { orderSpread } from '../order.ts'
import type { OpeningSource } from '../outcome.ts'
import { existing } from '../view.ts'
import { eachOf, type Made, type Maker, type Making, makeOne, type Node } from './tree.ts'

/** What brings elements to what a template says; left: in words, what it can't. */
export type Aligning = {
  making: Making
  describing: DescribeOperation[]
  left: string[]
}

/**
 * The elements of a template that there are below a block.
 * @param into where what is missing, or has other words, is added; left out: it is not looked for
 */
export function align(
  state: ContractState,
  openings: OpeningSource,
  maker: Maker,
  nodes: readonly Node[],
  parent: string,
  into?: Aligning,
  place = '',
  own?: Made['own'],
): Made[] {
  const found: Made[] = []
  const missing: { node: Node; own: Made['own'] }[] = []
  const isList = element(state, parent)?.kind === 'list'
  for (const node of nodes)
    for (const party of eachOf(maker, node)) {
      // Items that are there for nobody in particular come and go.
      if (isList && party === undefined) continue
      const whose = party ?? own
      const uid = isList ? itemOf(state, openings, parent, party?.party) : namedChild(state, parent, node)
      if (uid === undefined) missing.push({ node, own: whose })
      else {
        const here = place === '' ? node.name : `${place} › ${node.name}`
        if (into) compare(state, maker, node, uid, into, here)
        const children = align(state, openings, maker, node.children, uid, into, here, whose)
        found.push({ uid, node, ...(whose !== undefined && { own: whose }), children })
      }
    }
  if (into === undefined || missing.length === 0) return found
  return [...found, ...makeMissing(state, maker, missing, parent, into.making)]
}

function makeMissing(
  state: ContractState,
  maker: Maker,
  missing: readonly { node: Node; own: Made['own'] }[],
  parent: string,
  making: Making,
): Made[] {
  const last = childrenOf(state, parent).at(-1)
  const left = last === undefined ? undefined : existing(state, last).order
  const orders = orderSpread(left, undefined, missing.length)
  if (orders === undefined)
    throw new CountersignError('order-exhausted', `No place is left behind the element ${last}.`)
  return missing.map(({ node, own }, index) => {
    const uid = hexEncode(maker.random(16))
    return makeOne(making, maker, node, { parent, order: orders[index] as string, uid }, own)
  })
}

function namedChild(state: ContractState, parent: string, { name, kind }: Node): string | undefined {
  const uid = state.children.get(parent)?.namedAt(name, 0)
  return uid !== undefined && element(state, uid)?.kind === kind ? uid : undefined
}

/** The item that one of its fields says is a party's. */
function itemOf(
  state: ContractState,
  openings: OpeningSource,
  list: string,
  party: string | undefined,
): string | undefined {
  return childrenOf(state, list).find((item) => partyOfItem(state, openings, item).includes(party ?? ''))
}

/** The parties that stand in the fields of an item. */
export function partyOfItem(state: ContractState, openings: OpeningSource, item: string): string[] {
  return childrenOf(state, item).flatMap((uid) => {
    const { type, value } = element(state, uid) ?? {}
    const held = type === 'party' && value !== undefined ? openings.get(value)?.value : undefined
    return typeof held === 'string' ? [held] : []
  })
}

/** What is there and is other than the template says: words are changed, types told of. */
function compare(
  state: ContractState,
  maker: Maker,
  node: Node,
  uid: string,
  { describing, left }: Aligning,
  place: string,
): void {
  const record = existing(state, uid)
  const { label, help, type, typed } = node
  if (record.label !== label || record.help !== help)
    describing.push({
      op: 'describe',
      uid,
      ...(label !== undefined && { label }),
      ...(help !== undefined && { help }),
    })
  if (type !== undefined && record.type !== type)
    left.push(`${place}: its type is ${record.type}, and ${type} in the template; set it anew`)
  const wanted = typed === undefined ? undefined : maker.types.get(typed)
  if (record.typed !== wanted)
    left.push(`${place}: it stays of the named type that it has; make it anew for ${typed ?? 'none'}`)
}
