/**
 * A node without its sockets and its clock: the replicas of all contracts over one store and one signer. Time, messages
 * and connections are handed in; what goes out is handed back. The simulator runs this very class.
 *
 * One turn: take everything that came in → write it in one transaction → sign in one batch → send. So a signature never
 * leaves before what it rests on, and its lock, are on disk (ORD-5, SGN-2), and fsyncs are shared by all contracts.
 */
import { genesisState } from '../contract/state.ts'
import { base64UrlEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { SignatureCache } from '../crypto/statement.ts'
import { partyOf, type SignedCard } from '../identity/card.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { contractId, type Genesis, type Policy } from '../ledger/genesis.ts'
import type { AnyOperation, Operation } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Signer, SignItem } from '../signer/signer.ts'
import type { Store, StoredContract, StoreWrite } from '../store/store.ts'
import { Amnesia } from './amnesia.ts'
import { DEFAULT_LIFETIME_MS, type EngineOptions, type Envelope } from './engine-options.ts'
import { genesisBlock } from './genesis-block.ts'
import { checkOpen, heldOf, madePrivate, pickOpenings, takeFormer } from './intake.ts'
import { checkInvitation, Invitations, newGenesis } from './invite.ts'
import { Leaving } from './leaving.ts'
import { Lineage } from './lineage.ts'
import { checkMessage, type Message, type Outgoing, type RecoveryMessage } from './messages.ts'
import { MissingKeys } from './missing-keys.ts'
import { type LogLevel, type Notice, type Outbox, SentCounts } from './outbox.ts'
import { locksOf } from './recall.ts'
import { RECOVERY_SETTING, Recovery } from './recovery.ts'
import { Renewals } from './renewals.ts'
import { Replica } from './replica.ts'
import type { Phase } from './replica-options.ts'
import { sendInvitation } from './serve.ts'
import { type Submission, Submissions } from './submissions.ts'
import { Wakes } from './wakes.ts'
import { WriteQueue } from './write-queue.ts'

export class Engine implements Outbox {
  readonly replicas = new Map<string, Replica>()
  /** Contracts this node refuses to run, with the reason: their data on disk is not what was signed. */
  readonly damaged = new Map<string, string>()
  /** Messages refused since the start, by code. */
  readonly refused = new Map<string, number>()
  /** Messages of contracts sent since the start, by type, counted once for each receiver. */
  readonly sent = new SentCounts()
  readonly boot: string
  readonly party: string
  readonly store: Store
  /** Set while the disk refuses writes: nothing is taken, signed or sent until it recovers. */
  storageError: CountersignError | undefined
  private readonly options: EngineOptions
  private readonly signer: Signer
  private readonly phaseAtStart: Phase
  readonly writes: WriteQueue
  private readonly wakes = new Wakes()
  private readonly cache = new SignatureCache()
  private signs: { contract: string; item: SignItem }[] = []
  private sends: Envelope[] = []
  private readonly submissions = new Submissions()
  private readonly up = new Set<string>()
  private readonly renewals = new Renewals(this)
  private readonly leaving = new Leaving(this)
  readonly amnesia: Amnesia
  private readonly invitations = new Invitations()
  private readonly missingKeys: MissingKeys
  private counterWritten: number
  readonly recovery: Recovery

  constructor(options: EngineOptions, nowMs: number) {
    this.options = options
    this.party = options.party
    this.store = options.store
    this.writes = new WriteQueue(options.store, this.replicas)
    this.signer = options.signer
    this.missingKeys = new MissingKeys(this.signer, options.log)
    this.amnesia = new Amnesia(this, options.signer)
    this.recovery = new Recovery(this.store.setting(RECOVERY_SETTING) === 'running')
    this.boot = base64UrlEncode(options.random(12))
    this.counterWritten = this.store.signerCounter()
    const agrees = this.counterWritten === this.signer.counter
    this.phaseAtStart = this.amnesia.begin(options.restored, agrees)
    for (const stored of this.store.contracts()) this.open(stored, this.phaseAtStart, nowMs)
    this.amnesia.check()
  }

  open(stored: StoredContract, phase: Phase, nowMs: number): Replica | undefined {
    const { contract, status } = stored
    try {
      const lineage = new Lineage(this.store, contract)
      const lock = this.signer.lock(contract, lineage.number)
      const replica = new Replica({
        ...stored,
        lineage,
        // A crash may have come between the signer's note that it left and ours.
        status: lock?.left && status === 'accepted' ? 'leaving' : status,
        self: this.party,
        timing: this.options.timing,
        store: this.store,
        outbox: this,
        phase: this.amnesia.phaseOf(contract, phase),
        boot: this.boot,
        cache: this.cache,
        locks: locksOf(this.signer, contract, lineage.number),
        cosignedSize: lock?.cosign?.size ?? 0,
        nowMs,
      })
      this.replicas.set(contract, replica)
      if (lock?.left) this.leaving.add(contract)
      const frozen = this.signer.freeze(contract, lineage.number)
      if (frozen) replica.freezing.resume(frozen)
      this.wakes.touch(replica)
      for (const party of this.up) replica.peerUp(party, nowMs)
      return replica
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.damage(contract, error.message)
      return undefined
    }
  }

  /** Stops a contract whose data here is not what was signed: loudly, and before anything more is signed on it. */
  damage(contract: string, reason: string): void {
    const replica = this.replicas.get(contract)
    if (replica) this.wakes.touch(replica)
    this.replicas.delete(contract)
    this.damaged.set(contract, reason)
    this.log('error', 'damaged', { contract, reason })
    this.options.notify({ contract, type: 'halted', reason })
  }

  /** @throws CountersignError `unknown-contract`, `invariant-broken` */
  replica(contract: string): Replica {
    const replica = this.replicas.get(contract)
    if (replica) return replica
    const reason = this.damaged.get(contract)
    if (reason) throw new CountersignError('invariant-broken', reason)
    throw new CountersignError('unknown-contract', `this node holds no contract ${contract}`)
  }

  // ── what people do ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Makes a contract of these members (this party among them) and its first document (parent GENESIS_ROOT at the top), accepts it,
   * and invites the others. What `prepare` gives, told its id, is written with it. @throws CountersignError `bad-format`, `disk-full`
   */
  create(
    name: string,
    members: readonly SignedCard[],
    document: { operations: Operation[]; openings: Opening[] },
    policy: Policy,
    nowMs: number,
    prepare: (contract: string) => StoreWrite | undefined = () => undefined,
  ): string {
    this.refuseWhenFull()
    const checked = newGenesis(
      this.party,
      name,
      members,
      document,
      policy,
      base64UrlEncode(this.options.random(16)),
      nowMs,
    )
    const contract = contractId(checked)
    const more = prepare(contract)
    this.add(contract, checked, document.openings, 'accepted', this.party, 'signing', nowMs, more)
    const replica = this.replica(contract)
    for (const party of replica.others) sendInvitation(replica, party)
    this.notify({ contract, type: 'created' })
    return contract
  }

  private add(
    contract: string,
    genesis: Genesis,
    openings: readonly Opening[],
    status: 'invited' | 'accepted',
    from: string,
    phase: Phase,
    nowMs: number,
    more?: StoreWrite,
  ): void {
    const byCommitment = new Map(openings.map((opening) => [commitmentOf(opening), opening]))
    const mayLack = !genesis.members.some(({ card }) => partyOf(card) === this.party)
    const { state, changes, openings: derived } = genesisState(contract, genesis, byCommitment, mayLack)
    const needed = mayLack ? heldOf(genesis, byCommitment) : pickOpenings(genesis.operations, openings)
    const { hash, block } = genesisBlock(contract, state, changes, genesis.timeMs)
    const stored: StoredContract = { contract, genesis, status, receivedMs: nowMs, from }
    this.store.write([
      { kind: 'contract', contract: stored },
      { kind: 'openings', contract, openings: [...needed, ...derived] },
      { kind: 'committed', contract, hash, block, changes },
      ...(more ? [more] : []),
    ])
    this.open(stored, phase, nowMs)
  }

  /** @throws CountersignError `disk-full`, `unknown-contract`, `unavailable`; with a voucher as `Beginning.start` */
  accept(contract: string, nowMs: number, voucher?: string): void {
    this.refuseWhenFull()
    const replica = this.replica(contract)
    this.wakes.touch(replica)
    if (voucher === undefined) replica.beginning.stop()
    else replica.beginning.start(voucher)
    const joining = voucher === undefined ? replica.epochs.joining() : undefined
    if (voucher === undefined) replica.accept(nowMs)
    if (joining) this.submit(contract, [joining], [], nowMs, () => undefined)
  }

  /** This party leaves (EPO-12). @throws CountersignError `disk-full`, `unknown-contract`, `conflict` */
  leave(contract: string, nowMs: number, done: Submission['done'] = () => undefined): string {
    const replica = this.replica(contract)
    this.wakes.touch(replica)
    const id = this.submit(contract, [replica.epochs.leaving()], [], nowMs, done)
    this.leaving.begin(replica, id)
    return id
  }

  /**
   * LIN-1: signs this party's FREEZE of a halted contract; nothing happens where it was signed.
   * @throws CountersignError `unknown-contract`; `conflict` where there is nothing to freeze; `unavailable`, `too-large`
   */
  freeze(contract: string): void {
    this.refuseWhenFull()
    const replica = this.replica(contract)
    this.wakes.touch(replica)
    replica.freezing.start()
  }

  /** Signs a request and queues it; `done` is told when it is on disk, or failed. @throws CountersignError at once */
  submit(
    contract: string,
    wished: AnyOperation[],
    given: readonly Opening[],
    nowMs: number,
    done: Submission['done'],
    notAfterMs = nowMs + DEFAULT_LIFETIME_MS,
  ): string {
    this.refuseWhenFull()
    const replica = this.replica(contract)
    checkOpen(replica, wished)
    const { operations, openings } = madePrivate(replica, wished, given, nowMs)
    const request = {
      contract,
      author: this.party,
      authorKey: replica.epochs.ownAuthorKey,
      nonce: base64UrlEncode(this.options.random(16)),
      notAfterMs,
      claimedMs: nowMs,
      operations,
    }
    const signed = this.signer.signRequest(request, replica.epochs.leavingFrom)
    const entry = { ...signed, openings: pickOpenings(operations, openings) }
    this.submissions.add({ contract, entry, done })
    return signed.id
  }

  private refuseWhenFull(): void {
    if (this.storageError) throw this.storageError
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Messages of an authenticated, pinned party. Never throws. */
  deliver(from: string, messages: readonly unknown[], nowMs: number): void {
    // While the disk is full nothing is taken: peers send again once we ask.
    if (this.storageError) return
    for (const value of messages) {
      try {
        this.take(from, checkMessage(value), nowMs)
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1)
        this.log('warn', 'message-refused', { party: from, code: error.code, reason: error.message })
      }
    }
  }

  private take(from: string, message: Message | RecoveryMessage, nowMs: number): void {
    if (message.type === 'LOST') {
      const send = (held: object): void => this.queue(from, JSON.stringify(held))
      this.recovery.answer(from, this.replicas.values(), nowMs, send)
      return
    }
    if (message.type === 'HELD') {
      if (this.recovery.isRunning) this.recovery.held.set(from, message.contracts)
      this.amnesia.held(from, message.contracts)
      return
    }
    if (message.type === 'INVITE') {
      this.takeInvite(from, message, nowMs)
      return
    }
    if (message.type === 'UNKNOWN') {
      const known = this.replicas.get(message.contract)
      if (known) this.wakes.touch(known)
      if (known) this.invitations.again(known, from, nowMs)
      return
    }
    const replica = this.replicas.get(message.contract)
    if (replica?.lineage.leftOut.has(from)) {
      // It has been a member: that it is none any more is its to know.
      replica.freezing.tellFormer(from, message.lineage ?? 0, nowMs)
      return
    }
    if (replica?.epochs.former.hears(from, message, nowMs)) return
    if (!replica?.isHeard(from, message.type)) {
      // NET-3: the same bytes whether the contract exists or not.
      this.queue(from, JSON.stringify({ type: 'UNKNOWN', contract: message.contract }))
      return
    }
    this.wakes.touch(replica)
    if (replica.freezing.isElsewhere(from, message, nowMs)) return
    if (message.type === 'RECALL') this.options.closeFormer(from)
    if (message.type === 'RECALLED') this.amnesia.take(replica, from, message, nowMs)
    else replica.receive(from, message, nowMs)
  }

  private takeInvite(from: string, message: Extract<Message, { type: 'INVITE' }>, nowMs: number): void {
    const held = this.store.contract(message.contract)
    if (held) {
      // The disk may have failed after it had taken the contract in.
      const { contract } = message
      // A later invitation may bring values that an earlier one did not.
      if (this.replicas.get(contract)?.epochs.mayLack)
        takeFormer(this, contract, held.genesis.operations, message.openings)
      if (this.replicas.has(contract) || this.damaged.has(contract)) return
      this.open(held, this.amnesia.phaseOfNew, nowMs)
      this.notify({ contract, type: 'invited' })
      return
    }
    const genesis = checkInvitation(message, from, this.party, this.amnesia.hasAsked(from))
    const { contract } = message
    this.add(contract, genesis, message.openings, 'invited', from, this.amnesia.phaseOfNew, nowMs)
    this.notify({ contract, type: 'invited' })
  }

  peerUp(party: string, nowMs: number): void {
    this.up.add(party)
    if (this.recovery.isRunning) this.askWhatIsShared(party)
    for (const replica of this.replicas.values()) {
      this.wakes.touch(replica)
      replica.peerUp(party, nowMs)
    }
  }

  peerDown(party: string, nowMs: number): void {
    this.up.delete(party)
    for (const replica of this.replicas.values()) {
      this.wakes.touch(replica)
      replica.peerDown(party, nowMs)
    }
  }

  readonly isUp = (party: string): boolean => this.up.has(party)

  /** Asks those who have not told what they hold. */
  askForLost(): void {
    for (const party of this.up) if (!this.recovery.held.has(party)) this.askWhatIsShared(party)
  }
  readonly askWhatIsShared = (party: string): void => this.queue(party, '{"type":"LOST"}')

  /** The data are rebuilt. */
  finishRecovery(): void {
    this.recovery.isRunning = false
    this.write({ kind: 'setting', key: RECOVERY_SETTING, value: 'done' })
  }

  private readonly isOpen = (replica: Replica): boolean => this.replicas.get(replica.contract) === replica
  tick(nowMs: number): void {
    for (const replica of this.wakes.due(nowMs, this.isOpen)) {
      this.wakes.touch(replica)
      replica.tick(nowMs)
      this.amnesia.settle(replica, nowMs)
    }
  }

  /** When `tick` is wanted, ms since 1970; undefined while every contract is idle. */
  wakeMs(nowMs: number): number | undefined {
    const wakeMs = this.wakes.earliest(nowMs, this.isOpen)
    const { byMs } = this.writes
    return wakeMs === undefined || byMs === undefined ? (wakeMs ?? byMs) : Math.min(wakeMs, byMs)
  }

  // ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────────

  write(write: StoreWrite): void {
    this.writes.add(write)
  }

  /** Brings everything to disk now: before the store is read as a whole. @throws CountersignError `disk-full`, … */
  readonly flush = (): void => this.writes.flush()

  sign(contract: string, item: SignItem): boolean {
    if (this.missingKeys.lacks(contract, item)) return false
    this.signs.push({ contract, item })
    return true
  }

  /** Nothing that waits to be signed in a contract is signed; nothing of this kind. */
  dropSigns(contract: string, kind?: SignItem['kind']): void {
    this.signs = this.signs.filter(
      (one) => one.contract !== contract || (kind ?? one.item.kind) !== one.item.kind,
    )
  }

  lastCosignature(contract: string, lineage: number, cosignKey: string | undefined): Cosignature | undefined {
    return this.signer.lastCosignature(contract, lineage, cosignKey)
  }

  renew(contract: string): void {
    this.renewals.add(contract)
  }

  send(contract: string, to: string | undefined, message: Outgoing): void {
    const lineage = this.replicas.get(contract)?.lineage.number ?? 0
    const text = JSON.stringify({ ...message, contract, ...(lineage > 0 && { lineage }) })
    const parties = to === undefined ? (this.replicas.get(contract)?.audience ?? []) : [to]
    for (const party of parties) this.queue(party, text)
    this.sent.add(message.type, parties.length, text.length)
  }

  private readonly queue = (to: string, text: string): void =>
    void (to !== this.party && this.sends.push({ to, text }))

  notify(notice: Notice): void {
    this.writes.hurryFor(notice)
    this.options.notify(notice)
  }

  log(level: LogLevel, event: string, detail: Record<string, unknown>): void {
    this.options.log(level, event, detail)
  }

  /**
   * Ends a turn: writes, signs, and returns what may now be sent. While the disk refuses, everything stays queued and
   * `storageError` is set; call again later.
   */
  turn(nowMs: number): Envelope[] {
    this.leaving.take(nowMs)
    if (!this.takeSubmissions(nowMs)) return []
    try {
      // A disk that refused is asked with something small whether it takes writes again.
      if (this.storageError && this.writes.isEmpty)
        this.write({ kind: 'signer-counter', counter: this.counterWritten })
      this.renewals.take(nowMs)
      while (this.signs.length > 0) {
        const batch = this.signs
        const expected = this.signer.counter + 1
        this.writes.flush({ kind: 'signer-counter', counter: expected })
        this.counterWritten = expected
        // Where the signer's disk refuses, the batch stays for the next turn.
        const results = this.signer.sign(batch.map(({ item }) => item))
        this.signs = []
        for (const [index, { contract, item }] of batch.entries()) {
          const result = results[index]
          const replica = this.replicas.get(contract)
          if (!result || !replica) continue
          this.wakes.touch(replica)
          replica.signedItem(item, result, nowMs)
        }
      }
      this.renewals.take(nowMs)
      if (this.signer.counter !== this.counterWritten) {
        this.counterWritten = this.signer.counter
        this.write({ kind: 'signer-counter', counter: this.counterWritten })
      }
      this.writes.settle(nowMs, this.storageError !== undefined)
      this.storageError = undefined
    } catch (error) {
      if (
        !(error instanceof CountersignError) ||
        (error.code !== 'disk-full' && error.code !== 'storage-failed')
      )
        throw error
      if (!this.storageError) this.log('error', 'storage', { code: error.code, reason: error.message })
      this.storageError = error
      return []
    }
    const { sends } = this
    this.sends = []
    return sends
  }

  /** Requests made here go to disk before anything else happens to them; false where that fails. */
  private takeSubmissions(nowMs: number): boolean {
    const { written, error } = this.submissions.take(this.writes, nowMs, this.storageError)
    if (error && !this.storageError) this.log('error', 'storage', { code: error.code, reason: error.message })
    this.storageError = error ?? this.storageError
    for (const { contract, entry, done } of written) {
      const replica = this.replicas.get(contract)
      if (replica) this.wakes.touch(replica)
      replica?.submit(entry, nowMs)
      done(undefined)
    }
    return error === undefined
  }
}
