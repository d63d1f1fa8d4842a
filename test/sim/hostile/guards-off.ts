/**
 * Guards of honest members switched off one at a time, to see that a checker notices what each keeps out. They are exchanged
 * from outside, on the objects of a running node: no option of src/ does it, so that nobody can switch one off there. What
 * can't be had in this way (the locks of VOTE, FINALIZE and SKIP, and the highest view) is switched off in test/model.
 */
import { viewRecord } from '../../../src/consensus/state.ts'
import { executeBlock } from '../../../src/contract/apply.ts'
import { appendLeaf } from '../../../src/crypto/log.ts'
import { logLeaf } from '../../../src/ledger/block.ts'
import type { Certificate } from '../../../src/ledger/certificate.ts'
import { cosign, type LedgerPoint } from '../../../src/ledger/checkpoint.ts'
import { commitmentsOf, epochOperationOf, type Request, requestId } from '../../../src/ledger/request.ts'
import { type AnyLedgerBlock, requestIdsOf } from '../../../src/ledger/turn.ts'
import { commitmentOf, type Opening } from '../../../src/ledger/value.ts'
import type { Chain, CheckResult, Executed } from '../../../src/node/chain.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { Signer } from '../../../src/signer/signer.ts'
import type { Parts } from '../plot.ts'
import type { SimNode } from '../sim-node.ts'

/** Whoever votes does not mind that it computes something else, where that is what a block is refused for (ORD-4). */
export function withoutCheck(code: string): Parts {
  return {
    replica: (_, { chain }) => {
      const check = chain.check.bind(chain)
      chain.check = (hash, block) => {
        const result = check(hash, block)
        return result.status === 'invalid' && result.code === code ? executed(chain, hash, block) : result
      }
    },
  }
}

function executed(chain: Chain, hash: string, block: AnyLedgerBlock): CheckResult {
  const parent = chain.executed.get(block.header.parent)
  const ids = requestIdsOf(block)
  const requests = ids.flatMap((id) => chain.pool.get(id) ?? [])
  if (!parent || requests.length < ids.length) return { status: 'invalid', code: 'missing' }
  const openings = new Map<string, Opening>()
  for (const entry of requests)
    for (const [index, commitment] of commitmentsOf(entry.request.operations).entries())
      openings.set(commitment, entry.openings[index] as Opening)
  const { state, changes } = executeBlock(parent.state, requests, openings, block.header)
  const made = {
    hash,
    block,
    state,
    changes,
    openings: [],
    frontier: appendLeaf(parent.frontier, logLeaf(hash)),
  }
  chain.executed.set(hash, made)
  return { status: 'valid', executed: made }
}

/** Whoever votes does not look at its clock (ORD-8). */
export const WITHOUT_CLOCK: Parts = {
  replica: (_, { ordering }) => {
    const event = ordering.event.bind(ordering)
    ordering.event = (given) => event(given.type === 'CHECKED' ? { ...given, timely: true } : given)
  },
}

/** Openings are taken as they come, whatever they open (VAL-2). */
export const WITHOUT_OPENINGS_CHECK: Parts = {
  messages: (node, messages) => messages.filter((message) => !tookUnopened(node, message)),
}

function tookUnopened(node: SimNode, message: Message): boolean {
  if (message.type !== 'REQUEST') return false
  const replica = node.engine?.replicas.get(message.contract)
  const signed = message.request as { request: Request; signature: string }
  const commitments = commitmentsOf(signed.request.operations)
  const { openings } = message
  const isTrue = openings.every((opening) => commitments.includes(commitmentOf(opening)))
  if (!replica || isTrue || openings.length !== commitments.length) return false
  const id = requestId(signed.request)
  if (replica.chain.pool.has(id) || replica.chain.hasOrdered(id)) return true
  const { contract } = message
  const receivedMs = node.nowMs
  replica.outbox.write({ kind: 'request', contract, request: { id, ...signed }, receivedMs, local: false })
  replica.outbox.write({ kind: 'openings', contract, openings })
  replica.chain.add({ id, ...signed, openings, receivedMs, local: false })
  replica.ordering.retryWaiting(receivedMs)
  return true
}

/** Who has certificates for each view that it is asked of, where a vote depends on it, and nowhere else (ORD-3). */
export const WITHOUT_PARENT_CHECK: Parts = {
  replica: (_, replica) => {
    const { ordering } = replica
    const event = ordering.event.bind(ordering)
    let isInside = false
    ordering.event = (given) => {
      event(given)
      if (isInside) return
      isInside = true
      const restore = pretendCertificates(replica)
      event({ type: 'TICK', nowMs: given.nowMs })
      restore()
      isInside = false
    }
  },
}

/** Has a parent's notarization where it is asked whether there is one. */
class Pretending extends Map<string, Certificate> {
  override has(_hash: string): boolean {
    return true
  }
}

function pretendCertificates({ consensus, self }: Replica): () => void {
  const { view, members } = { view: consensus.view, members: consensus.config.members }
  const record = consensus.views.get(view)
  const known = consensus.blocks.get(record?.proposal ?? '')
  const parent = consensus.blocks.get(known?.block.header.parent ?? '')?.block.header
  const undo: (() => void)[] = []
  // A leader would build on what it can't show.
  if (!record || !known || !parent || record.mine.vote || members[view % members.length] === self)
    return () => undefined
  const before = viewRecord(consensus, parent.view)
  const real = before.notarizations
  before.notarizations = new Pretending(real)
  undo.push(() => {
    before.notarizations = real
  })
  for (let between = parent.view + 1; between < view; between += 1) {
    const skipped = viewRecord(consensus, between)
    if (skipped.skipCertificate) continue
    skipped.skipCertificate = { kind: 'skip', view: between, signatures: [] }
    undo.push(() => {
      delete skipped.skipCertificate
    })
  }
  return () => {
    for (const one of undo) one()
  }
}

/** The signer cosigns whatever it is asked for (COS-2, SGN-1). */
export const WITHOUT_COSIGN_LOCK: Parts = {
  // It would not come to the other history, either (AMN-4).
  replica: (_, { ownHistory }) => {
    for (const [name, value] of [
      ['leadsAway', () => false],
      ['heed', () => undefined],
      ['goBack', () => false],
    ] as const)
      Object.defineProperty(ownHistory, name, { value })
  },
  signer: (node, signer) => {
    const sign: Signer['sign'] = (items) =>
      signer.sign(items).map((result, index) => {
        const item = items[index]
        if (!('refused' in result) || item?.kind !== 'checkpoint') return result
        const { privateKey } = node.party.keys.cosign
        return { cosignature: cosign(privateKey, node.party.id, item.checkpoint, item.timeS) }
      })
    // A signer's fields are its own: what is not exchanged must still be called on it.
    return new Proxy(signer, {
      get(target, name) {
        if (name === 'sign') return sign
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  },
}

/** A LEAVE has effect in any ledger, also in one that never had the checkpoint it names (EPO-4 `other-history`, EPO-12). */
export const WITHOUT_LEAVE_CHECK: Parts = {
  replica: (_, { chain }) => {
    const inner = chain as unknown as { holdsOn(parent: Executed): (point: LedgerPoint) => boolean }
    const holdsOn = inner.holdsOn.bind(chain)
    const isLeftAt = (point: LedgerPoint): boolean =>
      [...chain.pool.values()].some(({ request }) => {
        const operation = epochOperationOf(request)
        return operation?.op === 'leave' && operation.checkpoint.root === point.root
      })
    inner.holdsOn = (parent) => {
      const holds = holdsOn(parent)
      return (point) => holds(point) || isLeftAt(point)
    }
  },
}

/** A quorum's cosignatures are taken for finality, instead of every member's (COS-3). */
export const WITH_FINALITY_BY_QUORUM: Parts = {
  replica: (_, { finality, electorate }) => {
    Object.defineProperty(finality, 'finalSize', {
      get: () => {
        const sizes = [...finality.cosignatures.values()].map(({ size }) => size)
        return sizes.sort((first, second) => second - first)[electorate.quorum - 1] ?? 0
      },
    })
  },
}

/** A cosignature counts, whatever history it is of (COS-4). */
export const WITH_COSIGNATURES_OF_ANY_HISTORY: Parts = {
  replica: (_, { finality }) => {
    Object.defineProperty(finality, 'fits', {
      value: ({ size }: { size: number }, chain: Chain) => (size > chain.height + 1 ? undefined : true),
    })
  },
}

/** Nobody hears what the other side can prove (EVI-3). */
export const WITHOUT_PROOF: Parts = {
  messages: (_, messages) => messages.filter(({ type }) => type !== 'PROOF'),
}

/** What a member has signed against itself is not kept (EVI-1). */
export const WITHOUT_EVIDENCE: Parts = {
  replica: (_, { evidence }) => {
    evidence.found = () => undefined
    evidence.told = () => undefined
  },
}
