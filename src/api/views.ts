/** Contracts, requests and parties as people and programs see them. */
import { rootUidOf, stateRoot } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { formatFingerprint, partyOf } from '../identity/card.ts'
import { evidenceText } from '../ledger/evidence.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { knownChain } from '../node/known-cards.ts'
import { lapseOf } from '../node/lapse.ts'
import type { Replica } from '../node/replica.ts'
import { namesOf, type Stage } from '../node/request-status.ts'
import type { RequestRecord, Store, StoredPeer } from '../store/store.ts'
import type { EvidenceFile } from '../verify/evidence-file.ts'
import type { Context } from './context.ts'
import { haltView } from './halt.ts'
import { judgedViews } from './judging.ts'
import { changeViews, standingOf } from './members.ts'
import { codeWithWords } from './outcome-words.ts'
import type { ContractDetails, ContractView, PeerView, RequestSummary } from './schemas.ts'

type Awaited = ContractView['waitingFor'][number]

/** Members in the order in which they lead. */
export function membersOf({ members, roster }: Replica): { party: string; name: string }[] {
  const { names } = roster
  return members.map((party) => ({ party, name: names.get(party) ?? party }))
}

/** Every contract held, those that are damaged last. */
export function contractIds({ node: { engine } }: Context): string[] {
  return [...engine.replicas.keys(), ...[...engine.damaged.keys()].filter((id) => !engine.replicas.has(id))]
}

/** @throws CountersignError `unknown-contract` */
export function contractView(context: Context, id: string): ContractView {
  const { engine, store } = context.node
  const replica = engine.replicas.get(id)
  if (!replica) return damagedView(context, id)
  const { genesis, status, finality } = replica
  const { height, state } = context.states.tentative(id)
  const finalHeight = context.states.finalHeight(id)
  const names = namesOf(replica)
  const nameOf = (party: string): string => names.get(party) ?? party
  const halt = haltView(replica, (party) => isConnected(context, party), nameOf)
  const isOver = status === 'halted' || status === 'left'
  const reason = isOver ? (replica.haltReason ?? store.contract(id)?.reason) : undefined
  return {
    id,
    name: genesis.name,
    creator: genesis.creator,
    createdMs: genesis.timeMs,
    status,
    ...(reason !== undefined && { reason }),
    lineage: replica.lineage.number,
    leftOut: [...replica.lineage.leftOut].map((party) => ({ party, name: nameOf(party) })),
    ...(halt && { halt }),
    height,
    finalHeight,
    recordHash:
      finalHeight === height || finalHeight < 0
        ? stateRoot(state)
        : context.states.header(id, finalHeight).stateRoot,
    members: membersOf(replica).map((one) => {
      const sinceMs = finality.movedMs.get(one.party)
      return {
        ...one,
        connected: isConnected(context, one.party),
        cosignedSize: finality.sizeOf(one.party),
        ...(sinceMs !== undefined && { sinceMs }),
      }
    }),
    epoch: replica.epochs.number,
    part: replica.epochs.part,
    standing: standingOf(replica),
    observers: replica.electorate.observers.map((party) => ({ party, name: nameOf(party) })),
    ...lapseView(replica),
    waitingFor: waitingFor(context, replica, height),
    waitingRequests: replica.chain.pool.size + replica.judging.all().length,
    ...beginningView(replica),
  }
}

/** A ledger that is not held from its first block on, or is not to be (EPO-15). */
function beginningView({ basis, beginning, roster }: Replica): Pick<ContractView, 'basis' | 'beginning'> {
  const named = (party: string) => ({ party, name: roster.names.get(party) ?? party })
  if (basis !== undefined) return { basis: { height: basis.height, voucher: named(basis.voucher) } }
  const { voucher, fault, received } = beginning
  if (voucher === undefined && fault === undefined) return {}
  return { beginning: { ...received, ...(voucher && { voucher: named(voucher) }), ...(fault && { fault }) } }
}

/** Up to where the contract is accepted by lapse. */
function lapseView(replica: Replica): Pick<ContractView, 'lapse'> {
  const lapse = lapseOf(replica)
  if (lapse === undefined) return {}
  const { names } = replica.roster
  const without = lapse.without.map((party) => ({ party, name: names.get(party) ?? party }))
  return { lapse: { height: lapse.height, without } }
}

function damagedView(context: Context, id: string): ContractView {
  const { engine, store } = context.node
  const reason = engine.damaged.get(id)
  if (reason === undefined)
    throw new CountersignError('unknown-contract', `this node holds no contract ${id}`)
  const { name, creator, timeMs, members } = genesisOf(store, id)
  return {
    id,
    name,
    creator,
    createdMs: timeMs,
    status: 'damaged',
    reason,
    lineage: 0,
    leftOut: [],
    height: -1,
    finalHeight: -1,
    recordHash: '',
    members: members.map(({ card }) => {
      const party = partyOf(card)
      return { party, name: card.name, connected: isConnected(context, party), cosignedSize: 0 }
    }),
    epoch: 0,
    part: 'out',
    standing: 'damaged',
    observers: [],
    waitingFor: [],
    waitingRequests: 0,
  }
}

/** Of a damaged contract not even the genesis may be readable. */
function genesisOf(store: Store, id: string): Pick<Genesis, 'name' | 'creator' | 'timeMs' | 'members'> {
  try {
    const stored = store.contract(id)
    if (stored) return stored.genesis
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
  }
  return { name: id.slice(0, 16), creator: '0'.repeat(64), timeMs: 0, members: [] }
}

function isConnected({ node: { engine } }: Context, party: string): boolean {
  return party === engine.party || engine.isUp(party)
}

/** Whose cosignature is missing for what is tentative, and who is away while requests wait to be ordered. */
function waitingFor(context: Context, replica: Replica, height: number): Awaited[] {
  const { contract, finality, chain, self, up } = replica
  const oldest = chain.pool.values().next().value
  const waiting: Awaited[] = []
  for (const { party, name } of membersOf(replica)) {
    const connected = party === self || up.has(party)
    const size = finality.sizeOf(party)
    const isBehind = size <= height
    if (!isBehind && (connected || oldest === undefined)) continue
    // It is waited for since the first ledger block that it has not cosigned.
    const sinceMs = isBehind
      ? Math.max(context.states.header(contract, size).timeMs, finality.movedMs.get(party) ?? 0)
      : (oldest?.receivedMs ?? 0)
    waiting.push({ party, name, sinceMs, connected })
  }
  return waiting
}

/** What is held against members of a contract, as a file that anyone can check. @throws CountersignError `not-found` */
export function evidenceFile(context: Context, id: string): EvidenceFile {
  const { store, party } = context.node
  const evidence = store.evidence(id).map((one) => one.evidence)
  const genesis = store.contract(id)?.genesis
  if (!genesis) throw new CountersignError('unknown-contract', `this node holds no contract ${id}`)
  if (evidence.length === 0)
    throw new CountersignError('not-found', 'no evidence against any member is held of this contract')
  const freezes = store.freezes(id)
  const accused = new Set(evidence.map((one) => one.party))
  const cards = [...accused].flatMap((party) => {
    const first = genesis.members.find(({ card }) => partyOf(card) === party)?.card.sequence ?? 0
    const chain = knownChain(store, id, freezes, party)
    return chain && chain.card.sequence > first ? [chain] : []
  })
  const file = {
    type: 'evidence' as const,
    version: 1 as const,
    contract: id,
    exporter: party,
    genesis,
    evidence,
  }
  return cards.length === 0 ? file : { ...file, cards }
}

/** @throws CountersignError `unknown-contract` */
export function contractDetails(context: Context, id: string): ContractDetails {
  const view = contractView(context, id)
  const replica = context.node.engine.replicas.get(id)
  const names = new Map([...view.members, ...view.leftOut].map(({ party, name }) => [party, name]))
  for (const [party, name] of replica ? namesOf(replica) : []) names.set(party, name)
  const nameOf = (party: string): string => names.get(party) ?? party
  return {
    ...view,
    ...(replica && { policy: { ...replica.electorate.policy }, phase: replica.phase }),
    changes: replica ? changeViews(context, replica) : [],
    judging: replica ? judgedViews(context, replica) : [],
    rootUid: rootUidOf(id),
    objections: [...(replica?.objections ?? [])],
    refusedHistories: [...(replica?.sync.refused ?? [])].map(([party, reason]) => ({
      party,
      name: nameOf(party),
      reason,
    })),
    evidence: context.node.store.evidence(id).map(({ id: evidence, evidence: one }) => ({
      id: evidence,
      kind: one.kind,
      party: one.party,
      name: nameOf(one.party),
      text: evidenceText(one),
    })),
  }
}

export function requestSummary(replica: Replica, record: RequestRecord): RequestSummary {
  const { id, request, outcome, code, height, receivedMs } = record
  return {
    id,
    author: request.author,
    authorName: namesOf(replica).get(request.author) ?? request.author,
    stage: stageOf(replica, record),
    ...(outcome !== undefined && { outcome }),
    ...codeWithWords(code),
    ...(height !== undefined && { height }),
    receivedMs,
    operations: request.operations.length,
  }
}

function stageOf(replica: Replica, { id, height }: RequestRecord): Stage {
  if (height === undefined) return replica.judging.isAwaited(id) ? 'received' : 'expired'
  return replica.shownFinalSize > height ? 'final' : 'tentative'
}

export function peerView(context: Context, peer: StoredPeer): PeerView {
  const { party, card, pinned, pinnedMs } = peer
  return {
    party,
    name: card.card.name,
    fingerprint: formatFingerprint(party),
    endpoints: card.card.endpoints,
    sequence: card.card.sequence,
    pinned,
    ...(pinnedMs !== undefined && { pinnedMs }),
    connected: context.node.engine.isUp(party),
  }
}
