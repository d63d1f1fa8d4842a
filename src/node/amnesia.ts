/** A node that may have forgotten what it signed: everybody is asked before it signs again (AMN-1, AMN-2). */
import { CountersignError } from '../crypto/errors.ts'
import type { Signer } from '../signer/signer.ts'
import type { Engine } from './engine.ts'
import type { RecalledMessage } from './messages.ts'
import { Floors, isOutOfDoubt, locksOf, provenOwn } from './recall.ts'
import type { Replica } from './replica.ts'
import type { Phase } from './replica-options.ts'
import { signaturesOf } from './serve.ts'

/**
 * Setting of a node that has lost its memory (AMN-2): `asking` until every contract has been told of, in however many
 * starts; then `told`, for good, since an invitation may be to a contract that was lost with the rest.
 */
const AMNESIA_SETTING = 'amnesia'

/** Of a contract that has yet to be told of, where the node as a whole asks no more: it has halted meanwhile. */
const askingSetting = (contract: string): string => `${AMNESIA_SETTING}/${contract}`

/** After this long it may be that whoever is waited for has left. */
const PATIENCE_MS = 15_000

export class Amnesia {
  private readonly engine: Engine
  private readonly signer: Signer
  /** By contract and lineage. */
  private readonly floors = new Floors()
  /** Peers that have said in this start what they share with this party. */
  private readonly told = new Set<string>()
  /** Peers that were asked. */
  private readonly asked = new Set<string>()
  /** Since when each contract waits for somebody, ms since 1970. */
  private readonly sinceMs = new Map<string, number>()

  constructor(engine: Engine, signer: Signer) {
    this.engine = engine
    this.signer = signer
  }

  /** The phase in which contracts start. agrees: the signer and the data count the same. */
  begin(restored: boolean, agrees: boolean): Phase {
    const { store } = this.engine
    const isAsking = store.setting(AMNESIA_SETTING) === 'asking'
    if (!restored && agrees && !isAsking) return 'starting'
    // On disk before anything else: a crash from here on must not end in a start that asks nobody.
    if (!isAsking) store.write([{ kind: 'setting', key: AMNESIA_SETTING, value: 'asking' }])
    this.engine.log('warn', 'recalling', {
      rule: 'AMN-2',
      reason: restored ? 'started --restored' : 'the signer and the data do not agree',
    })
    return 'recalling'
  }

  /** The phase in which a contract is opened. */
  phaseOf(contract: string, phase: Phase): Phase {
    return this.engine.store.setting(askingSetting(contract)) === 'asking' ? 'recalling' : phase
  }

  /** A contract that only a lost past of ours could know must be asked about before anything is signed in it. */
  get phaseOfNew(): Phase {
    return this.engine.store.setting(AMNESIA_SETTING) === undefined ? 'signing' : 'recalling'
  }

  take(replica: Replica, from: string, message: RecalledMessage & { epoch?: number }, nowMs: number): void {
    if (replica.phase !== 'recalling' || message.boot !== this.engine.boot) return
    // Signatures of an epoch that has not begun here can't be checked yet: once it has caught up, it asks again.
    if ((message.epoch ?? 0) > replica.epochs.number) {
      // What it has cosigned and frozen can, by its own keys: it may be what is to be read.
      const { cosignature, freeze } = message
      this.takeIn(replica, { statements: [], ...(cosignature && { cosignature }), ...(freeze && { freeze }) })
      replica.ownHistory.heed(nowMs)
      replica.sendStatus(from)
      return
    }
    this.takeIn(replica, message)
    replica.ownHistory.heed(nowMs)
    replica.answers.add(from)
    if (message.recalling) replica.forgetful.add(from)
    else replica.forgetful.delete(from)
    this.settle(replica, nowMs)
  }

  /** What was told becomes the signer's locks. @throws CountersignError as `Signer.recall` */
  private takeIn(replica: Replica, told: Parameters<typeof provenOwn>[1]): void {
    const { contract, lineage } = replica
    const { statements, cosignature, finalized, freeze } = provenOwn(replica, told, this.signer)
    const floor = this.floors.raise(`${contract}/${lineage.number}`, finalized)
    this.signer.recall(contract, lineage.number, statements, cosignature, floor, freeze)
  }

  /** Its own data tell as well: where the signer alone was put back, they may be all that holds what never reached another. */
  takeOwn(replica: Replica): boolean {
    try {
      this.takeIn(replica, signaturesOf(replica, replica.self))
      return true
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      const { code, message: reason } = error
      this.engine.log('error', 'not-recalled', { contract: replica.contract, code, reason })
      return false
    }
  }

  /** Whether a peer was asked what it shares with this party, which it may have lost: it may invite it anew. */
  hasAsked(party: string): boolean {
    return this.engine.recovery.isRunning || this.asked.has(party)
  }

  /** A peer says which contracts it shares with this party: it may know more of them than is held here. */
  held(from: string, contracts: readonly string[]): void {
    if (!this.asked.has(from)) return
    this.told.add(from)
    for (const contract of contracts) {
      const replica = this.engine.replicas.get(contract)
      if (replica?.phase !== 'recalling' || replica.named.has(from)) continue
      replica.named.add(from)
      replica.askForOwn(from)
    }
  }

  /** Whether the node may sign again in a contract; who is still to be asked is. */
  settle(replica: Replica, nowMs: number): void {
    if (replica.phase !== 'recalling') {
      if (!isOutOfDoubt(replica)) return
      replica.isInDoubt = false
      this.check()
      return
    }
    replica.untold = this.untoldOf(replica, nowMs)
    if (replica.untold.length > 0 || !this.takeOwn(replica)) return
    const { contract, lineage } = replica
    const lock = this.signer.lock(contract, lineage.number)
    // In a later lineage it asks anew.
    this.sinceMs.delete(contract)
    if (this.engine.store.setting(askingSetting(contract)) === 'asking')
      this.engine.write({ kind: 'setting', key: askingSetting(contract), value: 'told' })
    replica.recalled(locksOf(this.signer, contract, lineage.number), lock?.cosign?.size ?? 0, nowMs)
    // Its own cosignature shows that this party had accepted the contract.
    if (lock?.cosign) replica.accept(nowMs)
    this.engine.log('info', 'recalled', { contract, view: lock?.view ?? 0 })
    this.check()
  }

  /**
   * Who has to tell before anything is signed; observers for a while only. Members that have not forgotten know who else is in;
   * where there are none such, whoever is pinned may have come in since, and is asked.
   */
  private untoldOf(replica: Replica, nowMs: number): string[] {
    const { contract, others, forgetful, answers, named, roster } = replica
    const { store, party: self } = this.engine
    const silent = others.filter((party) => !answers.has(party))
    const sinceMs = this.sinceMs.get(contract) ?? nowMs
    this.sinceMs.set(contract, sinceMs)
    // A statement may have reached nobody but an observer, which need not be there.
    const { observers } = replica.electorate
    const waitedFor = [...silent, ...observers.filter((party) => party !== self && !answers.has(party))]
    // Who is silent may have left long ago: others know.
    if (waitedFor.length > 0 && nowMs < sinceMs + PATIENCE_MS) return waitedFor
    if (silent.length === 0 && others.length > 0 && !others.some((party) => forgetful.has(party))) return []
    const pinned = store.peers().flatMap((peer) => (peer.pinned && peer.party !== self ? peer.party : []))
    const unasked = pinned.filter((party) => !this.told.has(party))
    for (const party of unasked) if (this.engine.isUp(party)) this.ask(party)
    // Who has left, by what is held here, has been told nothing since.
    const isOut = (party: string): boolean => !roster.isHeard(party) && roster.lastSpanOf(party) !== undefined
    const untold = [...named].filter((party) => !answers.has(party) && !isOut(party))
    for (const party of untold) replica.askForOwn(party)
    return silent.length > 0 ? silent : [...unasked, ...untold]
  }

  private ask(party: string): void {
    this.asked.add(party)
    this.engine.askWhatIsShared(party)
  }

  /** Once nothing is to be asked any more, the next start is like any other. */
  check(): void {
    const { store, replicas } = this.engine
    if (store.setting(AMNESIA_SETTING) !== 'asking') return
    for (const replica of replicas.values()) {
      const { phase, status, isInDoubt, epochs } = replica
      if (status === 'halted' || status === 'left') continue
      // Whoever dies before the views are over in which it may have signed more than it was told asks again.
      if (phase === 'recalling' || (epochs.part === 'member' && isInDoubt && !isOutOfDoubt(replica))) return
    }
    // Nothing is frozen before it is told, in however many starts.
    for (const { contract, phase, status } of replicas.values())
      if (phase === 'recalling' && status === 'halted')
        this.engine.write({ kind: 'setting', key: askingSetting(contract), value: 'asking' })
    this.engine.write({ kind: 'setting', key: AMNESIA_SETTING, value: 'told' })
  }
}
