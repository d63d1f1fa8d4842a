/**
 * A node: the engine with its sockets, its clock and its disk. Everything the doors (HTTP, command line) do goes through
 * this class.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as startTimer } from 'node:timers'
import { DEFAULT_TIMING, type Timing } from '../consensus/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { KeyPair } from '../crypto/keys.ts'
import {
  checkOfferedCard,
  checkSignedCard,
  type ProvenCard,
  partyOf,
  type SignedCard,
  successorsOf,
} from '../identity/card.ts'
import type { Policy } from '../ledger/genesis.ts'
import type { AnyOperation, Operation } from '../ledger/request.ts'
import type { Opening } from '../ledger/value.ts'
import type { Signer } from '../signer/signer.ts'
import type { Store, StoreWrite } from '../store/store.ts'
import { Engine } from './engine.ts'
import { DEFAULT_POLICY } from './engine-options.ts'
import { filesAt } from './files/at-node.ts'
import type { Files } from './files/files.ts'
import { Membership } from './membership.ts'
import type { LogLevel, Notice } from './outbox.ts'
import { keepCardsNew } from './own-card.ts'
import { type RequestStatus, requestStatus } from './request-status.ts'
import type { Submission } from './submissions.ts'
import { fetchCard } from './transport/fetch-card.ts'
import { Transport } from './transport/transport.ts'

export type NodeOptions = {
  store: Store
  signer: Signer
  tlsKey: KeyPair
  listen: { host: string; port: number }
  timing?: Partial<Timing>
  restored?: boolean
  log: (level: LogLevel, event: string, detail: Record<string, unknown>) => void
  /** The clock, ms since 1970; the machine's where absent. */
  now?: () => number
  /** Where files are kept that fields name; without it none are. */
  files?: string
}

/** Told a request’s id before anything is written; what it returns is written in the same transaction. */
export type Prepare = (id: string) => StoreWrite | undefined
type Done = Submission['done']

/** `name` and `setting` keys of the store that a node keeps its own card under. */
export const OWN_CARD_SETTING = 'own-card'

const STORAGE_RETRY_MS = 500

export class Node {
  readonly engine: Engine
  readonly store: Store
  readonly party: string
  card: SignedCard
  /** Who is in a contract, and is to be. */
  readonly membership = new Membership(this)
  private readonly options: NodeOptions
  /** Files that fields name, once the node is started with a place for them. */
  files: Files | undefined
  private transport: Transport | undefined
  private turnScheduled = false
  private wakeTimer: NodeJS.Timeout | undefined
  private wakeAtMs = Number.POSITIVE_INFINITY
  private notices: Notice[] = []
  private readonly listeners = new Set<(notice: Notice) => void>()
  private readonly waiters = new Map<string, Set<() => void>>()
  private closed = false
  /** Parties whose newest card is being asked for. */
  private readonly asking = new Set<string>()
  /** Turns taken since the start: for the operator's figures. */
  turns = 0
  /** Set when a broken invariant has stopped the node. */
  failure: Error | undefined
  /** Called once when it has. */
  onFailure: () => void = () => undefined

  private constructor(options: NodeOptions) {
    this.options = options
    this.store = options.store
    const own = this.store.setting(OWN_CARD_SETTING)
    if (!own)
      throw new CountersignError('not-found', 'this data directory has no card: run `countersign init` first')
    this.card = checkSignedCard(JSON.parse(own))
    this.party = partyOf(this.card.card)
    this.engine = new Engine(
      {
        party: this.party,
        store: this.store,
        signer: options.signer,
        timing: { ...DEFAULT_TIMING, ...options.timing },
        random: (sizeBytes) => randomBytes(sizeBytes),
        restored: options.restored ?? false,
        notify: (notice) => this.notices.push(notice),
        log: options.log,
        closeFormer: (party) => this.transport?.closeInbound(party, 'newest'),
      },
      this.now(),
    )
  }

  static async start(options: NodeOptions): Promise<Node> {
    const node = new Node(options)
    node.transport = await Transport.start({
      party: node.party,
      tlsKey: options.tlsKey,
      card: () => node.proven(node.party, node.card),
      identify: (key) => node.identify(key),
      endpointsOf: (party) => node.store.peer(party)?.card.card.endpoints ?? [],
      tlsKeyOf: (party) => node.store.peer(party)?.card.card.keys.tls,
      listen: options.listen,
      events: {
        onMessages: (party, messages) => {
          for (const { type, card } of messages) if (type === 'CARD') node.takeCard(party, card)
          const rest = messages.filter(({ type }) => type !== 'CARD')
          const others = node.files?.take(party, rest) ?? rest
          if (others.length === 0) return
          node.engine.deliver(party, others, node.now())
          node.scheduleTurn()
        },
        onWrongKey: (party, endpoint) => void node.askForCard(party, endpoint),
        onPeerUp: (party) => {
          node.tellCard(party)
          node.engine.peerUp(party, node.now())
          node.files?.peerUp(party)
          node.scheduleTurn()
        },
        onPeerDown: (party) => {
          node.engine.peerDown(party, node.now())
          node.files?.peerDown(party)
          node.scheduleTurn()
        },
        log: options.log,
      },
    })
    node.files = filesAt(node, node.transport, options.log, options.files)
    node.dial()
    keepCardsNew(node, () => node.proven(node.party, node.card))
    node.scheduleTurn()
    return node
  }

  now(): number {
    return this.options.now?.() ?? Date.now()
  }

  get port(): number {
    return this.transport?.port ?? 0
  }

  transportStats(): ReturnType<Transport['stats']> | undefined {
    return this.transport?.stats()
  }

  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.wakeTimer)
    await this.files?.close()
    await this.transport?.close()
    try {
      if (!this.failure) this.engine.flush()
    } catch (error) {
      // What no signature rests on is asked of the peers again.
      this.options.log('warn', 'storage', { reason: (error as Error).message })
    }
    this.store.close()
    this.options.signer.close()
  }

  // ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  private scheduleTurn(): void {
    if (this.turnScheduled || this.closed) return
    this.turnScheduled = true
    setImmediate(() => this.turn())
  }

  private turn(): void {
    this.turnScheduled = false
    if (this.closed || this.failure) return
    this.turns += 1
    try {
      const envelopes = this.engine.turn(this.now())
      for (const { to, text } of envelopes) this.transport?.send(to, text)
      this.transport?.flush()
    } catch (error) {
      this.fail(error as Error)
      return
    }
    if (!this.engine.storageError) this.tell()
    this.setWake()
  }

  /** A broken invariant: stop before bad data is signed, and say so (the process decides what then). */
  private fail(error: Error): void {
    this.failure = error
    this.options.log('error', 'stopped', { reason: error.message, stack: error.stack })
    for (const [, waiting] of this.waiters) for (const wake of waiting) wake()
    void this.transport?.close()
    this.onFailure()
  }

  private setWake(): void {
    const nowMs = this.now()
    const wakeMs = this.engine.storageError ? nowMs + STORAGE_RETRY_MS : this.engine.wakeMs(nowMs)
    if (wakeMs === this.wakeAtMs && this.wakeTimer) return
    clearTimeout(this.wakeTimer)
    this.wakeTimer = undefined
    this.wakeAtMs = wakeMs ?? Number.POSITIVE_INFINITY
    if (wakeMs === undefined) return
    this.wakeTimer = startTimer(
      () => {
        this.wakeTimer = undefined
        if (this.closed || this.failure) return
        this.engine.tick(this.now())
        this.scheduleTurn()
      },
      Math.min(Math.max(1, wakeMs - nowMs), 60_000),
    )
  }

  private tell(): void {
    const { notices } = this
    this.notices = []
    for (const notice of notices) {
      for (const listener of this.listeners) listener(notice)
      const requests =
        notice.type === 'final' || notice.type === 'tentative'
          ? notice.requests
          : notice.type === 'expired'
            ? [notice.request]
            : []
      for (const id of requests) for (const wake of this.waiters.get(id) ?? []) wake()
    }
  }

  /** Every change, after it is on disk. Returns how to stop. */
  subscribe(listener: (notice: Notice) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  // ── peers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  private identify(
    tlsKey: string,
  ): { party: string } | { refused: 'stranger' | 'superseded'; party?: string } {
    for (const { party, card, pinned } of this.store.peers())
      if (pinned && card.card.keys.tls === tlsKey) return { party }
    for (const { party } of this.store.peers())
      if (this.store.cardHistory(party).some(({ card }) => card.keys.tls === tlsKey))
        return { refused: 'superseded', party }
    return { refused: 'stranger' }
  }

  /** Who pinned this party by a former card learns of the newer ones. */
  private tellCard(party: string): void {
    if (this.card.card.sequence === 1) return
    try {
      this.transport?.send(party, JSON.stringify({ type: 'CARD', card: this.proven(this.party, this.card) }))
    } catch (error) {
      // A frame holds hundreds of cards, but not a thousand with long X.509 chains.
      this.options.log('warn', 'card-not-told', { party, reason: (error as Error).message })
    }
  }

  private dial(): void {
    const pinned = this.store.peers().filter((peer) => peer.pinned && peer.party !== this.party)
    this.transport?.setPeers(pinned.map(({ party }) => party))
    this.transport?.refresh()
  }

  /** Fetches the card served at a URL; nothing is pinned by it. */
  fetchCard(url: string, timeoutMs = 5000): Promise<{ card: ProvenCard; tlsKey: string }> {
    return fetchCard(url, timeoutMs)
  }

  /**
   * Pins a party by its proven card, or takes newer cards of one that is held.
   * @throws CountersignError `bad-card`, `superseded-card`
   */
  pin(offered: ProvenCard): string {
    const { earlier = [], ...newest } = checkOfferedCard(offered)
    const party = partyOf(newest.card)
    const { sequence } = newest.card
    if (party === this.party) throw new CountersignError('bad-card', 'this is the node’s own card')
    this.refuseSharedKeys(party, newest)
    const held = this.store.peer(party)?.card
    if (!held && sequence !== 1 && earlier.length === 0)
      throw new CountersignError(
        'bad-card',
        'a later card proves nothing alone; ask the party for all its cards',
      )
    if (held && sequence < held.card.sequence)
      throw new CountersignError(
        'superseded-card',
        `card ${held.card.sequence} of the party is held here already`,
      )
    if (held) successorsOf(held, offered)
    const pinnedMs = this.now()
    this.store.write([...earlier, newest].map((card) => ({ kind: 'peer-card', card, pinnedMs }) as const))
    this.dial()
    return party
  }

  /**
   * A newer card of a pinned party, as the party tells it or its node serves it: the root key of the card held has signed it,
   * so there is no fingerprint to compare anew (CARD-3).
   */
  private takeCard(party: string, offered: unknown): void {
    const held = this.store.peer(party)
    if (!held?.pinned || this.closed) return
    try {
      const newer = successorsOf(held.card, offered)
      const newest = newer.at(-1)
      if (!newest) return
      this.refuseSharedKeys(party, newest)
      this.store.write(newer.map((card) => ({ kind: 'peer-card', card }) as const))
      const { name, sequence } = newest.card
      this.options.log('info', 'card-taken', { party, name, sequence, before: held.card.card.sequence })
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.options.log('warn', 'card-refused', { party, code: error.code, reason: error.message })
      return
    }
    this.dial()
  }

  /** A party's node shows another TLS key than its card's: a newer card may have replaced it. */
  private async askForCard(party: string, endpoint: string): Promise<void> {
    if (this.asking.has(party)) return
    this.asking.add(party)
    try {
      const { card } = await this.fetchCard(endpoint)
      if (partyOf(card.card) === party) this.takeCard(party, card)
    } catch (error) {
      this.options.log('debug', 'no-card', { party, endpoint, reason: (error as Error).message })
    } finally {
      this.asking.delete(party)
    }
  }

  /** A key names one party: whoever put another’s into its card would be taken for it, or it for them. */
  private refuseSharedKeys(party: string, { card }: SignedCard): void {
    const keys = new Set(Object.values(card.keys))
    for (const other of [{ party: this.party, card: this.card }, ...this.store.peers()])
      if (other.party !== party && Object.values(other.card.card.keys).some((key) => keys.has(key)))
        throw new CountersignError(
          'bad-card',
          `the card has a key of “${other.card.card.name}” (${other.party})`,
        )
  }

  /** While its data are being rebuilt: asks peers again for what they hold. */
  askForLost(): void {
    this.engine.askForLost()
    this.scheduleTurn()
  }

  // ── contracts ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Makes a contract with pinned parties.
   * @param prepare told its id before anything is written; what it returns is written in the same transaction
   * @throws CountersignError `unknown-party`, `bad-format`
   */
  createContract(
    name: string,
    withParties: readonly string[],
    document: { operations: Operation[]; openings: Opening[] },
    policy: Partial<Policy> = {},
    prepare?: (contract: string) => StoreWrite | undefined,
  ): string {
    const cards = withParties
      .filter((party) => party !== this.party)
      .map((party) => this.membership.pinnedCard(party))
    const members = [this.proven(this.party, this.card), ...cards]
    const agreed = { ...DEFAULT_POLICY, ...policy }
    const contract = this.engine.create(name, members, document, agreed, this.now(), prepare)
    this.scheduleTurn()
    return contract
  }

  /** A party’s card as a genesis or an invitation holds it: with the cards before it. */
  proven(party: string, card: SignedCard): ProvenCard {
    const earlier = this.store.cardHistory(party).filter((one) => one.card.sequence < card.card.sequence)
    return earlier.length === 0 ? card : { ...card, earlier }
  }

  /**
   * @param voucher begin at the final checkpoint that this pinned member vouches for; accept again once it is here
   * @throws CountersignError as `Membership.checkAccept` and `Engine.accept`
   */
  accept(contract: string, voucher?: string): void {
    if (voucher === undefined) this.membership.checkAccept(contract)
    else this.membership.pinnedCard(voucher)
    this.engine.accept(contract, this.now(), voucher)
    this.scheduleTurn()
  }

  /**
   * Signs this party's FREEZE of a halted contract (LIN-1). Resolves once it is signed, on disk and on its way.
   * @throws CountersignError as `Engine.freeze`
   */
  async freeze(contract: string): Promise<void> {
    const { freezing } = this.engine.replica(contract)
    this.engine.freeze(contract)
    this.scheduleTurn()
    // The turn comes in between.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    if (!freezing.own)
      throw new CountersignError(
        'unavailable',
        'the FREEZE is not signed yet: see the node’s log, and say it again',
      )
  }

  /**
   * Signs operations as this party's request. Resolves with its id once it is on disk.
   * @param prepare told the id before anything is written; what it returns is written in the same transaction
   * @throws CountersignError `disk-full`, `halted`, `unknown-contract`, …
   */
  submit(
    contract: string,
    operations: AnyOperation[],
    openings: readonly Opening[],
    prepare?: Prepare,
  ): Promise<string> {
    const sign = (done: Done) => this.engine.submit(contract, operations, openings, this.now(), done)
    return this.queued(sign, prepare)
  }

  /** The signature under a report of so many lines with this root, by the author key of the newest card. @throws as `Signer.signReport` */
  signReport(lines: number, root: string): string {
    return this.options.signer.signReport(this.card.card.keys.author, lines, root)
  }

  /** This party leaves (EPO-12); as `submit`. @throws CountersignError as `Engine.leave` */
  leave(contract: string, prepare?: Prepare): Promise<string> {
    return this.queued((done) => this.engine.leave(contract, this.now(), done), prepare)
  }

  private queued(sign: (done: Done) => string, prepare?: Prepare): Promise<string> {
    return new Promise((resolve, reject) => {
      const id = sign((error) => (error ? reject(error) : resolve(id)))
      const write = prepare?.(id)
      if (write) this.engine.write(write)
      this.scheduleTurn()
    })
  }

  /** @throws CountersignError `unknown-contract`, `not-found` */
  requestStatus(contract: string, id: string): RequestStatus {
    const replica = this.engine.replica(contract)
    const record = this.store.request(contract, id)
    if (!record) throw new CountersignError('not-found', `contract ${contract} has no request ${id}`)
    const expired = record.height === undefined && !replica.judging.isAwaited(id)
    return requestStatus(replica, record, expired)
  }

  /** Waits until a request is final (or tentative, or expired), at most timeoutMs; the status tells which. */
  async waitFor(
    contract: string,
    id: string,
    until: 'final' | 'tentative',
    timeoutMs: number,
  ): Promise<RequestStatus> {
    const reached = ({ stage }: RequestStatus): boolean =>
      stage === 'final' || stage === 'expired' || (until === 'tentative' && stage === 'tentative')
    const first = this.requestStatus(contract, id)
    if (reached(first) || timeoutMs <= 0) return first
    return new Promise((resolve, reject) => {
      const waiting = this.waiters.get(id) ?? new Set()
      this.waiters.set(id, waiting)
      const finish = (): void => {
        waiting.delete(wake)
        if (waiting.size === 0) this.waiters.delete(id)
        clearTimeout(timer)
        try {
          resolve(this.requestStatus(contract, id))
        } catch (error) {
          reject(error as Error)
        }
      }
      const wake = (): void => {
        if (this.failure || reached(this.requestStatus(contract, id))) finish()
      }
      const timer = startTimer(finish, timeoutMs)
      waiting.add(wake)
    })
  }
}
