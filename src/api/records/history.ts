/** An element's versions, the oldest first: what it was from which ledger block on, and by whose request. */
import { isElement, isSameRecord, versionOf } from '../../contract/record.ts'
import { type ElementRecord, element, recordHash } from '../../contract/state.ts'
import { pathOf } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { AnyOperation, ElementOperation, Operation } from '../../ledger/request.ts'
import { entriesOf } from '../../ledger/turn.ts'
import type { Value } from '../../ledger/value.ts'
import type { ElementVersion } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { fieldOfProposal } from '../rules/look.ts'
import type { Shown } from '../shown.ts'

type Version = {
  height: number
  timeMs: number
  stage: 'final' | 'tentative'
  /** It was so before the checkpoint that the ledger begins with here. */
  sinceBefore?: true
  request?: string
  author?: string
  authorName?: string
  removed?: true
  type?: string
  value?: Value
  /** Its value is from before this party came in. */
  notShown?: true
  version?: string
  recordHash?: string
}

/**
 * @param uid may have been deleted
 * @param limit only so many, the newest
 * @throws CountersignError `not-found`; `invariant-broken`, and the contract is stopped, where a version on disk is not what
 * was signed
 */
export function historyOf(context: Context, { height, state }: Shown, uid: string, limit?: number) {
  const { contract } = state
  const { node, states } = context
  node.engine.flush()
  const found = states.read(contract, () => node.store.elementHistory(contract, uid)) ?? []
  const beginHeight = context.replica(contract).basis?.height ?? 0
  // Which of them were removed before the checkpoint that it begins with, is not held here.
  const versions = found.filter(
    (one) =>
      one.height <= height && one.height >= beginHeight && (one.height > beginHeight || one.record !== null),
  )
  const now = element(state, uid)
  const last = recordOf(versions.at(-1))
  if (now !== undefined || last !== undefined)
    if (!isSameRecord(now, last)) throw states.damaged(contract, notSigned(uid))
  if (versions.length === 0)
    throw new CountersignError('not-found', `the contract had no element ${uid} by then`)
  const chosen = limit === undefined ? versions : versions.slice(Math.max(0, versions.length - limit))
  return {
    contract,
    uid,
    ...(now && { path: pathOf(state, uid) }),
    total: versions.length,
    versions: chosen.map((one) => new Reading(context, contract, uid, one).version()),
  }
}

/** One version, compared with the request that made it. */
class Reading {
  private readonly context: Context
  private readonly contract: string
  private readonly uid: string
  private readonly found: ElementVersion

  constructor(context: Context, contract: string, uid: string, found: ElementVersion) {
    this.context = context
    this.contract = contract
    this.uid = uid
    this.found = found
  }

  version(): Version {
    const { context, contract, uid } = this
    const { states } = context
    const { height } = this.found
    const request = this.found.request ?? this.behind(height)
    const replica = context.replica(contract)
    const record = recordOf(this.found)
    if (replica.basis?.height === height) return this.taken(height, record)
    const made =
      request && states.read(contract, () => context.node.store.request(contract, request))?.request
    const operations = made ? made.operations : replica.genesis.operations
    const isExplained = record === undefined || isMadeBy(operations as readonly Operation[], uid, record)
    // What no operation says of it follows from rules or votes: then the signed state of that height says so.
    if ((height > 0 && !made) || !isExplained)
      if (!this.isSigned(height, record)) throw states.damaged(contract, notSigned(uid))
    return {
      height,
      timeMs: states.header(contract, height).timeMs,
      stage: height <= states.finalHeight(contract) ? 'final' : 'tentative',
      ...(made && {
        request,
        author: made.author,
        authorName: replica.roster.names.get(made.author) ?? made.author,
      }),
      ...(record ? this.contentOf(record) : { removed: true as const }),
    }
  }

  /** The request from which a version followed that none names: by rules, or since it was the last yes to a proposal. */
  private behind(height: number): string | undefined {
    const { context, contract, uid } = this
    if (height === 0) return undefined
    const accepted = entriesOf(context.states.block(contract, height).block).filter(
      ({ outcome }) => outcome === 'accepted',
    )
    const ruled = accepted.findLast(({ results = [] }) => results.some(([, element]) => element === uid))
    if (ruled) return ruled.request
    const ids = accepted.map(({ request }) => request)
    const requests = context.states.read(contract, () => context.node.store.requestsOf(contract, ids))
    return [...(requests ?? [])].findLast(([, { request }]) =>
      (request.operations as AnyOperation[]).some(
        (one) => one.op === 'vote-on' && fieldOfProposal(context, contract, one.uid) === uid,
      ),
    )?.[0]
  }

  /** Whether rules came to this in the ledger block of the height, or the state after it has it so. */
  private isSigned(height: number, record: ElementRecord | undefined): boolean {
    const { contract, uid } = this
    const { states } = this.context
    const came = entriesOf(states.block(contract, height).block).flatMap(({ results = [] }) => results)
    if (
      record?.value !== undefined &&
      came.some(([, element, result]) => element === uid && result === record.value)
    )
      return true
    return isSameRecord(record, element(states.at(contract, height), uid))
  }

  /** As it stood in the state of the checkpoint that the ledger begins with here: since when, and by whom, is not held. */
  private taken(height: number, record: ElementRecord | undefined): Version {
    const { states } = this.context
    const { contract, uid } = this
    if (!record || !isSameRecord(record, element(states.at(contract, height), uid)))
      throw states.damaged(contract, notSigned(uid))
    const { timeMs } = states.header(contract, height)
    return { height, timeMs, stage: 'final', sinceBefore: true, ...this.contentOf(record) }
  }

  private contentOf(record: ElementRecord): Partial<Version> {
    const { type, value } = record
    if (type === undefined) return { recordHash: recordHash(record) }
    const content = { type, version: versionOf(record), recordHash: recordHash(record) }
    if (value === undefined) return { ...content, value: null }
    const { state } = this.context.states.tentative(this.contract)
    try {
      return { ...content, value: this.context.values(state).get(value).value }
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'not-shown')
        return { ...content, notShown: true }
      throw error
    }
  }
}

function notSigned(uid: string): string {
  return `the versions of the element ${uid} on disk are not what was signed`
}

function recordOf(version: ElementVersion | undefined): ElementRecord | undefined {
  const record = version?.record as ElementRecord | null | undefined
  return record && isElement(record) ? record : undefined
}

/** Whether the last of these operations on an element leaves what the record holds; the root block is made by none. */
function isMadeBy(
  operations: readonly Operation[],
  uid: string,
  { kind, type, value }: ElementRecord,
): boolean {
  const operation = operations.findLast((one): one is ElementOperation =>
    'seen' in one || one.op === 'create' ? one.uid === uid : false,
  )
  if (operation === undefined) return kind === 'block'
  return operation.op !== 'delete' && operation.type === type && operation.value === value
}
