/**
 * How far elements are in each tier: signed by all (1), agreed by all who are asked (2), confirmed by all as part of one record (3);
 * and who is missing for it.
 */
import { lineOf } from '../../contract/rules/paths.ts'
import { elementStatus } from '../../contract/rules/status.ts'
import { type ContractState, childrenOf } from '../../contract/state.ts'
import { existing, pathOf } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { AnyOperation } from '../../ledger/request.ts'
import type { Context } from '../context.ts'
import { judgedView } from '../judging.ts'
import type { JudgedView } from '../schemas.ts'
import { membersOf } from '../views.ts'
import { type Named, namer } from './look.ts'
import type { ElementStatus } from './view-schemas.ts'
import { settlementView } from './views.ts'

/** An element and what lies below it, in the order of the document, after one of them. @throws CountersignError `bad-request` */
export function* elementsFrom(
  state: ContractState,
  top: string,
  after: string | undefined,
): Generator<string> {
  let here: string | undefined = top
  if (after !== undefined) {
    if (!lineOf(state, after).includes(top))
      throw new CountersignError('bad-request', 'cursor: the element is gone, or lies elsewhere; begin again')
    here = nextOf(state, top, after)
  }
  for (; here !== undefined; here = nextOf(state, top, here)) yield here
}

function nextOf(state: ContractState, top: string, uid: string): string | undefined {
  const [first] = childrenOf(state, uid, 0, 1)
  if (first !== undefined) return first
  for (let here = uid; here !== top; ) {
    const { parent, name, order } = existing(state, here)
    const siblings = state.children.get(parent)
    const next = siblings?.at(siblings.indexOf({ uid: here, name, order }) + 1)
    if (next !== undefined) return next
    here = parent
  }
  return undefined
}

export class Tiers {
  private readonly context: Context
  private readonly state: ContractState
  private readonly waiting: ReadonlyMap<string, string>
  private readonly settlement: ElementStatus['settlement']
  private readonly finalHeight: number

  /** @param state the tentative one: the last change of an element counts */
  constructor(context: Context, state: ContractState) {
    const { contract } = state
    this.context = context
    this.state = state
    this.waiting = waitingOn(context, contract)
    this.finalHeight = context.states.finalHeight(contract)
    const final = context.states.final(contract)
    const { settled } = final ? settlementView(context, final.state) : { settled: false }
    const now = settlementView(context, state)
    this.settlement = { reached: settled && now.settled, missing: now.missing }
    context.node.engine.flush()
  }

  of(uid: string): ElementStatus {
    const { state } = this
    const transport = this.transportOf(uid)
    const agreement = this.agreementOf(uid)
    const reached = [transport.reached, agreement.reached, this.settlement.reached]
    const first = reached.indexOf(false)
    return {
      uid,
      path: pathOf(state, uid),
      kind: existing(state, uid).kind,
      tier: first < 0 ? reached.length : first,
      transport,
      agreement,
      settlement: this.settlement,
    }
  }

  private transportOf(uid: string): ElementStatus['transport'] {
    const { context, state } = this
    const replica = context.replica(state.contract)
    const height = context.node.store.lastChange(state.contract, uid) ?? 0
    const request = this.waiting.get(uid)
    const judged = request === undefined ? undefined : judgedView(context, state.contract, request)
    if (request !== undefined && judged !== undefined)
      return { stage: 'received', request, judging: judged, reached: false, missing: peopleIn(judged) }
    if (request !== undefined) {
      const absent = membersOf(replica).filter(
        ({ party }) => party !== replica.self && !replica.up.has(party),
      )
      return { stage: 'received', request, reached: false, missing: absent }
    }
    if (height <= this.finalHeight) return { stage: 'final', height, reached: true, missing: [] }
    const missing = membersOf(replica).filter(({ party }) => replica.finality.sizeOf(party) <= height)
    return { stage: 'tentative', height, reached: false, missing }
  }

  private agreementOf(uid: string): ElementStatus['agreement'] {
    const { agreed, proposals } = elementStatus(this.state, uid) as NonNullable<
      ReturnType<typeof elementStatus>
    >
    if (agreed !== false) return { how: agreed, reached: true, missing: [] }
    const missing = new Set(proposals.flatMap((one) => one.missing))
    return {
      how: 'open',
      proposals: proposals.map((one) => one.uid),
      reached: false,
      missing: [...missing].map(namer(this.context, this.state.contract)),
    }
  }
}

function peopleIn({ waitingFor }: JudgedView): Named[] {
  return waitingFor.map(({ party, name }) => ({ party, name }))
}

/** Elements that requests are about which are not ordered yet, with the last such request. */
function waitingOn(context: Context, contract: string): ReadonlyMap<string, string> {
  const waiting = new Map<string, string>()
  const note = (id: string, operations: readonly AnyOperation[]): void => {
    for (const operation of operations) if ('uid' in operation) waiting.set(operation.uid, id)
  }
  const replica = context.replica(contract)
  const { node, states } = context
  for (const [id, { request }] of replica.chain.pool) note(id, request.operations)
  for (const { request: id } of replica.judging.all()) {
    const record = states.read(contract, () => node.store.request(contract, id))
    if (record !== undefined) note(id, record.request.operations)
  }
  return waiting
}
