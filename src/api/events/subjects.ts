/** What a ledger block changed, as the addresses of records. */

import type { ElementRecord } from '../../contract/state.ts'
import { type ContractState, element } from '../../contract/state.ts'
import { pathOf } from '../../contract/view.ts'
import { formatPath } from '../../document/path.ts'
import { ITEM } from '../../document/tree.ts'
import type { AnyOperation } from '../../ledger/request.ts'
import { isRuleOperation, type RuleOperation } from '../../ledger/rule-operation.ts'
import { entriesOf, tickOf, turnOf } from '../../ledger/turn.ts'
import type { Context } from '../context.ts'
import { fieldOfProposal } from '../rules/look.ts'

/** subject: the record's address, or that of the members; request: the one that changed it last, if one did. */
export type Change = { subject: string; uid: string; request?: string }

/** Blocks whose changes are remembered. */
const REMEMBERED = 1024
/** More changes than this are told as one of the whole contract. */
const CHANGES_MAX = 500

export class Subjects {
  private readonly context: Context
  private readonly known = new Map<string, Change[]>()

  constructor(context: Context) {
    this.context = context
  }

  /** The highest elements that a ledger block changed: what lies below a new one is not listed. */
  of(contract: string, height: number): Change[] {
    const key = `${contract}:${height}`
    const known = this.known.get(key)
    if (known) return known
    const changes = this.read(contract, height)
    this.known.set(key, changes)
    for (const old of this.known.keys()) {
      if (this.known.size <= REMEMBERED) break
      this.known.delete(old)
    }
    return changes
  }

  /** Ledger blocks above this height were given up. */
  forget(contract: string, height: number): void {
    for (const key of this.known.keys()) {
      const [of, at] = key.split(':')
      if (of === contract && Number(at) > height) this.known.delete(key)
    }
  }

  private read(contract: string, height: number): Change[] {
    const { states, node } = this.context
    if (height === 0) return []
    const { block } = states.block(contract, height)
    const { epochUid, workflowUid } = states.tentative(contract).state
    const turn = turnOf(block)
    if (turn !== undefined)
      return [{ subject: membersOf(contract), uid: epochUid, ...(turn.change && { request: turn.change }) }]
    const ids = entriesOf(block)
      .filter(({ outcome }) => outcome === 'accepted')
      .map(({ request }) => request)
    const requests = states.read(contract, () => node.store.requestsOf(contract, ids)) ?? new Map()
    const created = new Set<string>()
    const changed = new Map<string, string | undefined>()
    const surrounding = new Map<string, Change>()
    let onMembers: string | undefined
    for (const [id, { request }] of requests)
      for (const operation of request.operations as AnyOperation[]) {
        if (isRuleOperation(operation)) {
          const subject = `/api/contracts/${contract}/${LISTS[operation.op] ?? ''}`
          if (operation.op in LISTS)
            surrounding.set(subject, {
              subject,
              uid: 'uid' in operation ? operation.uid : workflowUid,
              request: id,
            })
          const on = this.elementOf(contract, operation)
          if (on !== undefined) changed.set(on, id)
          continue
        }
        if (!('uid' in operation)) {
          onMembers = id
          continue
        }
        if (operation.op === 'create') created.add(operation.uid)
        if (operation.op === 'create' && created.has(operation.parent)) continue
        changed.set(operation.uid, id)
      }
    // What rules came to: of these, those that are otherwise than before.
    for (const { request, results = [] } of entriesOf(block))
      for (const [, uid] of results)
        if (!created.has(uid) && this.isChangedAt(contract, uid, height)) changed.set(uid, request)
    for (const [, uid] of tickOf(block)?.results ?? [])
      if (this.isChangedAt(contract, uid, height)) changed.set(uid, undefined)
    const members: Change[] = [...surrounding.values()]
    if (onMembers !== undefined)
      members.push({ subject: membersOf(contract), uid: epochUid, request: onMembers })
    if (changed.size === 0) return members
    const [last] = [...changed.values()].slice(-1)
    const { state } = states.tentative(contract)
    if (changed.size > CHANGES_MAX)
      return [
        ...members,
        { subject: addressOf(contract, '/'), uid: state.rootUid, ...(last && { request: last }) },
      ]
    const onElements = [...changed].map(([uid, request]) => ({
      subject: addressOf(contract, this.pathOf(state, uid)),
      uid,
      ...(request !== undefined && { request }),
    }))
    return [...members, ...onElements]
  }

  /** The element that an operation on what surrounds the values has changed; undefined where there is none. */
  private elementOf(contract: string, operation: RuleOperation): string | undefined {
    if (operation.op === 'move' || operation.op === 'rename' || operation.op === 'describe')
      return operation.uid
    if (operation.op !== 'vote-on') return undefined
    // A proposal that was agreed is gone, and stands in its field.
    return fieldOfProposal(this.context, contract, operation.uid)
  }

  private isChangedAt(contract: string, uid: string, height: number): boolean {
    return this.context.node.store.countVersions(contract, uid, height, height) > 0
  }

  /** Where an element is, or was before it was deleted. */
  private pathOf(state: ContractState, uid: string): string {
    if (element(state, uid) !== undefined) return pathOf(state, uid)
    const range = { newest: true, limit: 2 }
    const versions = this.context.node.store.elementHistory(state.contract, uid, range)
    const last = versions.findLast(({ record }) => record !== null)?.record as ElementRecord | undefined
    if (last === undefined) return '/'
    const above = this.pathOf(state, last.parent)
    // An item that is gone has no place in its list any more.
    return last.name === ITEM ? above : `${above === '/' ? '' : above}${formatPath([{ name: last.name }])}`
  }
}

/** Where what an operation changes is listed. */
const LISTS: { readonly [Op in RuleOperation['op']]?: string } = {
  define: 'types',
  draft: 'drafts',
  'vote-on': 'votes',
  withdraw: 'votes',
  publish: 'rules',
  phase: 'phase',
  lock: 'locks',
  unlock: 'locks',
  settle: 'settle',
}

function membersOf(contract: string): string {
  return `/api/contracts/${contract}/members`
}

/** The address of a record. */
export function addressOf(contract: string, path: string): string {
  const encoded = path
    .split('/')
    .map((segment) => encodeURI(segment).replace(/[?#]/g, encodeURIComponent))
    .join('/')
  return `/records/${contract}${encoded === '/' ? '' : encoded}`
}
