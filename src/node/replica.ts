/**
 * One contract at one node: takes messages and local requests, runs `consensus`, executes and commits ledger blocks,
 * cosigns, catches up. No I/O of its own: it reads the store and puts everything else into its outbox.
 */

import {
  type ConsensusState,
  doubt,
  type Event,
  type Locks,
  noteLocks,
  restoredState,
  wantedView,
} from '../consensus/state.ts'
import type { Certificate } from '../ledger/certificate.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { AnyRequest, OpenRequest } from '../ledger/request.ts'
import { requestIdsOf } from '../ledger/turn.ts'
import type { SignItem, SignResult } from '../signer/signer.ts'
import type { Basis, ContractStatus, Store } from '../store/store.ts'
import { Beginning } from './beginning.ts'
import { CatchingUp } from './catching-up.ts'
import type { Chain } from './chain.ts'
import { Cosigning } from './cosigning.ts'
import { Disputes } from './dispute.ts'
import { Epochs } from './epochs.ts'
import { EvidenceBook } from './evidence-book.ts'
import { Finality } from './finality.ts'
import { Freezing } from './freezing.ts'
import { Judging } from './judging.ts'
import type { Lineage } from './lineage.ts'
import type { Message, StatusMessage } from './messages.ts'
import { Older } from './older.ts'
import { Ordering } from './ordering.ts'
import { dropRequests, type Outbox } from './outbox.ts'
import { OwnHistory } from './own-history.ts'
import { OwnValues } from './own-values.ts'
import { isAnswer, receive } from './receive.ts'
import type { Phase, ReplicaOptions } from './replica-options.ts'
import { Resending } from './resending.ts'
import { dropUnopened, restoreChain } from './restore.ts'
import type { Roster } from './roster.ts'
import { sendInvitation, sendRequest } from './serve.ts'
import { takeSigned } from './signed.ts'
import { Sync } from './sync.ts'

export class Replica {
  readonly contract: string
  readonly genesis: Genesis
  readonly lineage: Lineage
  readonly roster: Roster
  readonly epochs: Epochs
  readonly chain: Chain
  readonly finality: Finality
  readonly sync = new Sync()
  readonly catchingUp = new CatchingUp(this)
  readonly evidence: EvidenceBook
  readonly disputes = new Disputes(this)
  readonly freezing: Freezing
  readonly cosigning: Cosigning
  readonly older: Older
  readonly beginning: Beginning
  readonly judging = new Judging(this)
  readonly ownValues = new OwnValues(this)
  readonly ownHistory = new OwnHistory(this)
  /** Where the ledger held here begins, if it isn’t held from its genesis on. */
  readonly basis: Basis | undefined
  readonly self: string
  status: ContractStatus
  haltReason: string | undefined
  phase: Phase
  /** Parties that are connected, whatever they are in this contract. */
  readonly up = new Set<string>()
  /** Who has objected to a block of ours: for people. */
  readonly objections: { party: string; view: number; block: string; code: string }[] = []
  consensus: ConsensusState
  readonly outbox: Outbox
  readonly store: Store
  private readonly boot: string
  private readonly invitedBy: string
  /** Members that have answered since we started (AMN-1), or told our signatures (AMN-2). */
  readonly answers = new Set<string>()
  /** Of those that have told, who may have forgotten as well (AMN-2). */
  readonly forgetful = new Set<string>()
  /** Peers that say they share this contract, while this node may have forgotten with whom it does. */
  readonly named = new Set<string>()
  /** Who has to tell this party what it signed before it signs again (AMN-2), as last looked at. */
  untold: readonly string[] = []
  /** AMN-2: until the views are over in which it may have signed more than it was told, and that is noted. */
  isInDoubt = false
  private reportedFinalSize = 0
  /** Of what is final here, what is on disk and may be shown. */
  shownFinalSize = 0
  readonly ordering: Ordering
  readonly resending = new Resending()
  /** Requests of committed blocks that are not final yet, by height. */
  private readonly unfinal = new Map<number, string[]>()

  constructor(options: ReplicaOptions) {
    const { contract, genesis, store, self, timing, nowMs } = options
    this.contract = contract
    this.genesis = genesis
    this.lineage = options.lineage
    this.haltReason = options.reason
    this.store = store
    this.outbox = options.outbox
    this.self = self
    this.status = options.status
    this.phase = options.phase
    this.boot = options.boot
    this.invitedBy = options.from
    this.cosigning = new Cosigning(this, options.cosignedSize)
    const { number, leftOut } = this.lineage
    const restored = restoreChain(contract, genesis, store, { lineage: number, leftOut })
    this.chain = restored.chain
    this.chain.lineageAt = (height) => this.lineage.at(height)
    this.chain.leftOutAt = (height) => this.lineage.leftOutAt(height)
    this.chain.whenUnjudged = (id, atMs) => this.judging.unjudged(id, atMs)
    this.chain.mayLack = () => this.epochs.mayLack
    this.roster = restored.roster
    this.epochs = new Epochs(this)
    dropUnopened(this.outbox, contract, restored.unopened, this.epochs.mayLack)
    this.basis = store.basis(contract)
    this.older = new Older(this)
    this.beginning = new Beginning(this)
    this.finality = new Finality(contract, this.lineage.number, this.roster)
    this.chain.certifiedBy = (party, key, minSize) => this.finality.certifying(party, key, minSize)
    this.evidence = new EvidenceBook(this)
    this.freezing = new Freezing(this)
    const config = {
      electorate: this.electorate,
      members: this.members,
      self,
      timing,
      cache: options.cache,
    }
    const { tip } = this.chain
    const isOwn = this.epochs.holds(tip.block.header)
    const { notarization, finalization } = isOwn ? restored : {}
    const at = { hash: tip.hash, block: tip.block, notarization, finalization }
    // Certificates of a lineage before say nothing in this one.
    const certificates = restored.certificates.filter(({ view }) => isOwn || view > tip.block.header.view)
    this.consensus = restoredState(config, at, restored.proposed, certificates, options.locks)
    this.ordering = new Ordering(this)
    for (const cosignature of restored.cosignatures) this.finality.restore(cosignature, this.chain)
    this.cosigning.restore()
    this.reportedFinalSize = this.finalSize
    this.shownFinalSize = this.finalSize
    for (const { block } of store.blocks(contract, this.reportedFinalSize, this.chain.height + 1))
      this.unfinal.set(block.header.height, requestIdsOf(block))
    if (this.status === 'halted') this.consensus.halted = true
    const isAlone = this.phase === 'starting' && this.others.length === 0
    if (this.phase === 'signing' || isAlone) this.maySign(nowMs)
    else this.poke(nowMs)
    if (this.status === 'halted') this.freezing.settle()
    this.judging.restart(nowMs)
    this.ownValues.look([], nowMs)
    this.settle(nowMs)
  }

  get electorate(): Roster['electorate'] {
    return this.roster.electorate
  }

  get members(): readonly string[] {
    return this.roster.members
  }

  get cosignKeys(): ReadonlyMap<string, string> {
    return this.electorate.cosignKeys
  }

  /** The first ledger block that is held with its requests; block 0 where all are. */
  get fromHeight(): number {
    return this.basis === undefined ? 0 : this.basis.height + 1
  }

  /** The other members. */
  get others(): string[] {
    return this.members.filter((party) => party !== this.self)
  }

  /** Everybody whom the ledger is told to: the other members, observers, and who has been let in. */
  get audience(): string[] {
    return this.roster.audience.filter((party) => party !== this.self)
  }

  /** This party has signed LEAVE, and may be out already. */
  get hasLeft(): boolean {
    return this.status === 'leaving' || this.status === 'left'
  }

  /** Heights below this are final here: cosigned by all, and held. */
  get finalSize(): number {
    const size = Math.min(Math.max(this.finality.finalSize, this.lineage.finalSize), this.chain.height + 1)
    // EPO-12: who leaves reports nothing after its LEAVE as final. An observer's LEAVE is at no cosignature of its own.
    const isMember = this.hasLeft && this.roster.everMembers.includes(this.self)
    // What it was shown as final before it read that it had left, having forgotten, stays so.
    return isMember ? Math.max(Math.min(size, this.cosigning.knownSize), this.reportedFinalSize) : size
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A message of a member, its shape checked. @throws CountersignError where its content is refused */
  receive(from: string, message: Message, nowMs: number): void {
    receive(this, from, message, nowMs)
    this.settle(nowMs)
  }

  /** Takes a request made, signed and already written to disk at this node. */
  submit(entry: OpenRequest<AnyRequest>, nowMs: number): void {
    if (this.epochs.isTooLate(entry)) return
    this.outbox.notify({ contract: this.contract, type: 'received', request: entry.id })
    if (!this.judging.takes({ ...entry, receivedMs: nowMs }, nowMs)) {
      this.chain.add({ ...entry, receivedMs: nowMs, local: true })
      this.sendRequest(undefined, entry)
    }
    this.settle(nowMs)
  }

  peerUp(party: string, nowMs: number): void {
    this.up.add(party)
    this.freezing.tellMissing(party, nowMs)
    if (!this.isHeard(party)) return
    this.event({ type: 'PEER_UP', party, nowMs })
    for (const one of [this.judging, this.ownValues]) one.peerUp(nowMs)
    const isFounder = this.epochs.number === 0 && this.roster.isMember(party)
    if (isFounder && this.finality.sizeOf(party) === 0 && this.genesis.creator === this.self)
      sendInvitation(this, party)
    this.epochs.peerUp(party)
    if (this.phase === 'recalling') this.askForOwn(party)
    else if (this.isUnsettled() || this.consensus.work || this.epochs.tells(party)) this.sendStatus(party)
    for (const entry of this.chain.pool.values()) if (entry.local) this.sendRequest(party, entry)
    this.evidence.tellAll(party)
    this.freezing.tellAll(party)
    this.disputes.peerUp(party)
    this.settle(nowMs)
  }

  peerDown(party: string, nowMs: number): void {
    this.up.delete(party)
    this.event({ type: 'PEER_DOWN', party, nowMs })
    this.settle(nowMs)
  }

  /** Whether a party may speak here: who is in or let in; to a guest that has not come so far, also who invited it. */
  isHeard(party: string, type = ''): boolean {
    if (this.roster.isHeard(party) || isAnswer(this, party, type)) return true
    return this.epochs.part === 'out' && this.status === 'invited' && party === this.invitedBy
  }

  /** The signer's answer to an item of ours. */
  signedItem(item: SignItem, result: SignResult, nowMs: number): void {
    takeSigned(this, item, result, nowMs)
    this.settle(nowMs)
  }

  /** This node accepts the contract: it will cosign the checkpoint of size 1 (GEN-3). */
  accept(nowMs: number): void {
    if (this.status !== 'invited') return
    this.status = 'accepted'
    this.outbox.write({ kind: 'contract-status', contract: this.contract, status: 'accepted' })
    this.settle(nowMs)
    this.sendStatus(undefined)
  }

  tick(nowMs: number): void {
    const { blocks } = this.consensus
    const uncommitted = [...blocks.values()].flatMap(({ block, status }) =>
      status === 'invalid' ? [] : [block],
    )
    dropRequests(
      this.outbox,
      this.contract,
      this.chain.pool.expire(nowMs, this.chain.clockBoundMs, uncommitted),
    )
    const wake = this.epochs.orderingWakeMs(nowMs)
    if (wake !== undefined && wake <= nowMs) this.event({ type: 'TICK', nowMs })
    this.older.ask(nowMs)
    this.beginning.ask(nowMs)
    this.judging.tick(nowMs)
    this.ownValues.ask(nowMs)
    if (this.resending.isDue(nowMs, this.consensus.patienceMs)) {
      if (this.phase === 'recalling') this.askForOwn()
      else this.sendStatus(undefined)
      this.disputes.askAgain()
    }
    this.settle(nowMs)
  }

  /** When `tick` is wanted, ms since 1970; undefined while idle. */
  wakeMs(nowMs: number): number | undefined {
    const times = [
      ...[
        this.epochs.orderingWakeMs(nowMs),
        this.resending.atMs,
        this.chain.pool.expiryMs,
        this.judging.wakeMs(),
        this.ownValues.wakeMs(),
      ],
      ...[this.older.wakeMs(nowMs), this.beginning.wakeMs(nowMs)],
    ]
    const dueMs = this.epochs.part === 'out' ? undefined : this.chain.nextDueMs
    if (dueMs !== undefined && dueMs > nowMs) times.push(dueMs)
    if (this.reads) times.push(this.catchingUp.wakeMs(nowMs))
    const wanted = times.filter((time): time is number => time !== undefined)
    return wanted.length === 0 ? undefined : Math.min(...wanted)
  }

  sendRequest(party: string | undefined, entry: OpenRequest<AnyRequest>): void {
    sendRequest(this, party, entry)
  }

  // ── ordering ──────────────────────────────────────────────────────────────────────────────────────────────────────

  event(event: Event): void {
    this.ordering.event(event)
  }

  /** Blocks that consensus has committed, in order; the certificates are the last one's. */
  commit(
    hashes: readonly string[],
    notarization: Certificate | undefined,
    finalization: Certificate | undefined,
    nowMs: number,
  ): void {
    const { contract, outbox } = this
    const done = this.chain.commit(hashes)
    for (const [index, { hash, block, changes, openings }] of done.entries()) {
      const last = index === done.length - 1
      const { height } = block.header
      const requests = requestIdsOf(block)
      this.unfinal.set(height, requests)
      const certificates = last && notarization && finalization ? { notarization, commit: finalization } : {}
      if (openings.length > 0) outbox.write({ kind: 'openings', contract, openings })
      outbox.write({ kind: 'committed', contract, hash, block, changes, ...certificates })
      const uids = changes.map(([uid]) => uid)
      outbox.notify({ contract, type: 'tentative', height, requests, uids })
    }
    this.judging.committed(done, nowMs)
    for (const { changes } of done) this.ownValues.look(changes, nowMs)
    this.ordering.forgetWaiting()
    this.sync.progressed()
    this.epochs.moved(nowMs)
    this.poke(nowMs)
    const { confirmed, astray, evidence } = this.finality.advance(this.chain)
    for (const cosignature of confirmed) outbox.write({ kind: 'cosignature', contract, cosignature })
    for (const one of evidence) this.evidence.found(one)
    for (const one of astray) this.cosigning.strayed(one, nowMs)
  }

  /** A turn has come, and this party is in: ordering begins anew with those who are in now. */
  beginEpoch(nowMs: number): void {
    this.consensus = this.epochs.freshConsensus(this.consensus)
    this.ordering.restart()
    this.judging.restart(nowMs)
    for (const told of [this.answers, this.forgetful]) told.clear()
    if (this.phase === 'signing') this.maySign(nowMs)
    // Whoever is in now is asked at once: the last time may be long ago.
    else if (this.phase === 'recalling') this.askForOwn()
  }

  /** This party has said that it leaves: it goes on ordering up to its turn, since others may need its vote. */
  leave(): void {
    if (this.status !== 'accepted' && this.status !== 'invited') return
    this.status = 'leaving'
    this.outbox.write({ kind: 'contract-status', contract: this.contract, status: 'leaving' })
  }

  /** A turn has come, and this party is out; or the lineage goes on without it, for a reason that people are told. */
  left(reason?: string): void {
    const { contract, outbox } = this
    // Of one that has halted, and is read on (AMN-4), others' FREEZEs say how it goes on.
    if (this.status === 'halted' && reason === undefined) return
    this.status = 'left'
    this.haltReason = reason
    this.judging.restart(0)
    outbox.write({ kind: 'contract-status', contract, status: 'left', ...(reason && { reason }) })
    outbox.notify({ contract, type: 'left' })
  }

  halt(reason: string): void {
    if (this.status === 'halted') return
    this.status = 'halted'
    this.haltReason = reason
    this.consensus.halted = true
    this.outbox.write({ kind: 'contract-status', contract: this.contract, status: 'halted', reason })
    this.outbox.log('error', 'halted', { contract: this.contract, reason })
    this.outbox.notify({ contract: this.contract, type: 'halted', reason })
  }

  // ── finality ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private reportFinal(): void {
    const size = this.finalSize
    if (size <= this.reportedFinalSize) return
    const fromHeight = this.reportedFinalSize
    this.reportedFinalSize = size
    const { contract } = this
    if (fromHeight === 0) this.outbox.notify({ contract, type: 'active' })
    const requests: string[] = []
    for (let height = fromHeight; height < size; height += 1) {
      requests.push(...(this.unfinal.get(height) ?? []))
      this.unfinal.delete(height)
    }
    this.outbox.notify({ contract, type: 'final', fromHeight, toHeight: size - 1, requests })
    this.ordering.forgetSkips(size - 1)
  }

  // ── standing, repair, catching up ─────────────────────────────────────────────────────────────────────────────────

  /** Something is not final, or we are not yet allowed to sign: peers are asked from time to time. */
  private isUnsettled(): boolean {
    if (this.status === 'left') return false
    // One that has halted has to be told what it signed, and to hold it, before it can freeze.
    if (this.status === 'halted') return this.phase === 'recalling' || this.ownHistory.isWanted
    return this.phase !== 'signing' || this.finalSize < this.chain.height + 1 || this.epochs.isOpen
  }

  /** Ranges of the ledger are asked for. */
  private get reads(): boolean {
    return this.status === 'halted' ? this.ownHistory.isWanted : this.status !== 'left'
  }

  /** Something moved: repair starts its back-off anew. */
  poke(nowMs: number): void {
    this.resending.restart(nowMs, this.consensus.patienceMs, this.phase === 'signing')
  }

  /** Applies every rule that has become applicable after a change. */
  private settle(nowMs: number): void {
    if (this.status !== 'halted' && this.status !== 'left') {
      if (this.consensus.view === 0 && this.finalSize >= 1) this.event({ type: 'START', nowMs })
      this.ordering.updateWork(nowMs)
      this.cosigning.tryTip(nowMs)
    } else this.freezing.startIfAutomatic()
    if (this.reads) this.catchingUp.ask(nowMs)
    this.reportFinal()
    if (!this.isUnsettled()) this.resending.stop()
    else if (this.resending.atMs === undefined) this.poke(nowMs)
  }

  sendStatus(to: string | undefined, answerTo?: string): void {
    this.send(to, {
      type: 'STATUS',
      view: wantedView(this.consensus),
      committedHeight: this.chain.height,
      cosignatures: this.finality.all(),
      boot: answerTo ?? this.boot,
      answer: answerTo !== undefined,
      ...(this.fromHeight > 0 && { fromHeight: this.fromHeight }),
    })
  }

  takeStatus(from: string, status: StatusMessage & { epoch?: number }, nowMs: number): void {
    for (const cosignature of status.cosignatures) this.cosigning.take(cosignature, nowMs)
    this.sync.told(from, status.committedHeight, status.fromHeight)
    if ((status.epoch ?? 0) === this.epochs.number)
      this.event({ type: 'STATUS', from, view: status.view, committedHeight: status.committedHeight, nowMs })
    if (!status.answer) this.sendStatus(from, status.boot)
    else if (status.boot === this.boot && this.phase === 'starting') {
      this.answers.add(from)
      if (this.answers.size >= this.electorate.quorum - 1) this.maySign(nowMs)
    }
    this.catchingUp.ask(nowMs, this.phase !== 'signing')
  }

  // ── start and amnesia ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing that it has forgotten keeps this party from signing any more. */
  maySign(nowMs: number): void {
    this.phase = 'signing'
    this.ownHistory.heed(nowMs)
    // Below what the lineage began with there is nothing to sign in it.
    const isBegun = this.chain.height + 1 >= this.lineage.base.size
    if (isBegun && this.roster.isMember(this.self)) this.event({ type: 'MAY_SIGN', nowMs })
  }

  /** AMN-2: whoever may hold signatures of this party that it has forgotten is asked. */
  askForOwn(party?: string): void {
    this.send(party, { type: 'RECALL', boot: this.boot })
  }

  /** AMN-2: all others have told, and the signer has taken it in: these are its locks now. */
  recalled(locks: Locks, cosignedSize: number, nowMs: number): void {
    this.cosigning.hasCosigned(cosignedSize)
    noteLocks(this.consensus, locks)
    doubt(this.consensus)
    this.isInDoubt = true
    this.maySign(nowMs)
    // An old copy of the data does not know that it is behind: the answers say so.
    this.sendStatus(undefined)
    this.settle(nowMs)
  }

  send(to: string | undefined, message: Parameters<Outbox['send']>[2]): void {
    const epoch = this.epochs.number
    this.outbox.send(this.contract, to, epoch === 0 ? message : { ...message, epoch })
  }
}
