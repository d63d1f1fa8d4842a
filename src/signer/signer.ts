/**
 * The signer: owns a party's keys and the locks on what they have signed. It alone refuses what must never be signed
 * together (PROTOCOL SGN-1), and has each lock on disk before the signature that needs it is returned (SGN-2).
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import {
  BATCH_MAX_SIZE,
  SignatureCache,
  type StatementSignature,
  signStatements,
  verifyStatement,
} from '../crypto/statement.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import {
  type Checkpoint,
  type Cosignature,
  cosign,
  cosignatureVerifies,
  sameCheckpoint,
} from '../ledger/checkpoint.ts'
import { type Freeze, freezeVerifies, type SignedFreeze, signFreeze } from '../ledger/freeze.ts'
import { checkJudgement, type Judgement } from '../ledger/judgement.ts'
import { signReport } from '../ledger/report.ts'
import { type AnyRequest, epochOperationOf, type SignedRequest, signRequest } from '../ledger/request.ts'
import {
  cosignaturesOn,
  type Entry,
  emptyEntry,
  foldRecords,
  keyOf,
  type LockRecord,
  nameOf,
  signatureOn,
  statementsOf,
  type TimedSignature,
  timeShape,
  withLock,
} from './entry.ts'
import type { Journal } from './journal.ts'
import { KeyRing, type PublicKeys, type SignerKeys, type SignerUse } from './key-ring.ts'
import {
  type EpochView,
  importCosignature,
  importFreeze,
  importStatements,
  type Lock,
  raiseView,
  type Taken,
  takeCheckpoint,
  takeFreeze,
  takeLeave,
  takeStatement,
  VIEW_MAX,
} from './locks.ts'

/**
 * What to sign, and by which of the party's keys (CARD-2): voteKey and cosignKey are public keys, as in cards. consistency:
 * the RFC 6962 proof from the last cosigned checkpoint to this one; timeS: the clock in seconds, signed with the checkpoint.
 */
export type SignItem =
  | { kind: 'statement'; statement: Statement; voteKey: string }
  | { kind: 'checkpoint'; checkpoint: Checkpoint; cosignKey: string; consistency: string[]; timeS: number }
  | { kind: 'freeze'; statement: Freeze; cosignKey: string }
  | { kind: 'judgement'; statement: Judgement; voteKey: string }
type StatementItem = Extract<SignItem, { kind: 'statement' }>
type CheckpointItem = Extract<SignItem, { kind: 'checkpoint' }>
type FreezeItem = Extract<SignItem, { kind: 'freeze' }>
type JudgementItem = Extract<SignItem, { kind: 'judgement' }>

/** refused: why nothing was signed, for people. */
export type SignResult =
  | { signed: SignedStatement }
  | { cosignature: Cosignature }
  | { frozen: SignedFreeze }
  | { judged: StatementSignature }
  | { refused: string }

/** party: whose keys these are. former: public keys of its former cards, as far as the private ones may be lost. */
export type SignerOptions = { journal: Journal; keys: SignerKeys; party: string; former?: PublicKeys }

/** One contract's lineage in a batch: what was kept of it, the lock as it rises, and its cosignatures where one is new. */
type Rising = { held: Entry; lock: Lock; cosigned?: TimedSignature[]; frozen?: SignedFreeze }

const BY_ANOTHER_KEY: SignResult = {
  refused: 'this was signed by another key of the party, and is signed by one only',
}

/** Entries written after which the journal is compacted, and as many again as four for each there is, so that it pays. */
const COMPACT_AFTER = 20_000
const COMPACT_AFTER_EACH = 4

export class Signer {
  readonly #journal: Journal
  readonly #keys: KeyRing
  readonly #party: string
  readonly #entries: Map<string, Entry>
  #counter: number
  /** Entries in the journal since it was compacted. */
  #written = 0

  private constructor({ journal, keys, party, former = {} }: SignerOptions) {
    this.#journal = journal
    this.#keys = new KeyRing(keys, former)
    this.#party = party
    const records = journal.load()
    const { counter, entries } = foldRecords(records)
    this.#counter = counter
    this.#entries = entries
    if (records.length > 1) this.#compact()
  }

  /**
   * The journal is the signer's from here on, and closed where this throws.
   * @throws CountersignError `invariant-broken` where the journal holds what no signer writes (SGN-3)
   */
  static open(options: SignerOptions): Signer {
    try {
      return new Signer(options)
    } catch (error) {
      options.journal.close()
      throw error
    }
  }

  /** Whether one of the party's keys has made it in a contract's lineage. */
  madeCosignature(contract: string, lineage: number, cosignature: Cosignature): boolean {
    return this.#keys.findKey(contract, lineage, cosignature) !== undefined
  }

  /** Whether one of the party's keys has made it in a contract's lineage. */
  madeFreeze(contract: string, lineage: number, freeze: SignedFreeze): boolean {
    return this.#keys.madeFreeze(contract, lineage, this.#party, freeze)
  }

  /** Whether it has the private key to this public key. */
  holds(use: SignerUse, publicKey: string): boolean {
    return this.#keys.holds(use, publicKey)
  }

  /** Batches that have taken a new lock, ever (AMN-1). */
  get counter(): number {
    return this.#counter
  }

  /** What is locked in a contract's lineage; undefined if nothing was ever signed in it. */
  lock(contract: string, lineage: number): Lock | undefined {
    return this.#entries.get(keyOf({ contract, lineage }))?.lock
  }

  /**
   * Signs what the locks allow, item by item in order; a refusal stands in its item's place and keeps nothing else from
   * being signed. What was signed before comes as it was then, a cosignature with its former time. All new locks are on
   * disk, in one append, before anything is returned. New statements share one signature for each key. The same checkpoint
   * may be cosigned by several keys; a statement is signed by one.
   * @throws CountersignError `disk-full`, `storage-failed`: nothing has left the signer, and no lock was taken
   */
  sign(items: readonly SignItem[]): SignResult[] {
    const rising = new Map<string, Rising>()
    const taken = items.map((item) => this.#take(item, rising))
    const isNew = (index: number): boolean => taken[index]?.result === 'new'
    const made = this.#signStatements(
      items.flatMap((item, index) => (item.kind === 'statement' && isNew(index) ? [item] : [])),
    )
    const results = items.map((item, index): SignResult => {
      const answer = taken[index] as Taken
      if (answer.result === 'refused') return { refused: answer.reason }
      if (item.kind === 'freeze') return this.#frozen(item, rising)
      if (item.kind === 'judgement') return this.#judged(item)
      if (item.kind === 'checkpoint') return this.#cosigned(item, rising, isNew(index))
      const signed = this.#signed(item.statement, made)
      const isByKey = isNew(index) || verifyStatement(item.voteKey, item.statement, signed.signature)
      return isByKey ? { signed } : BY_ANOTHER_KEY
    })
    const changed = [...rising.values()].filter(
      ({ held, lock, cosigned }) => lock !== held.lock || cosigned !== undefined,
    )
    this.#record(
      changed.map(({ held, lock, cosigned, frozen }) => withLock(held, lock, made, cosigned, frozen)),
    )
    return results
  }

  /** Holds an item against the lock, with what the batch has taken so far. */
  #take(item: SignItem, rising: Map<string, Rising>): Taken {
    const place = item.kind === 'checkpoint' ? item.checkpoint : item.statement
    const [use, publicKey] = keyToSign(item)
    if (!this.#keys.holds(use, publicKey))
      return { result: 'refused', reason: `this node does not have the ${use} key ${publicKey}` }
    if (item.kind === 'freeze' && item.statement?.party !== this.#party)
      return { result: 'refused', reason: 'the FREEZE is another party’s' }
    const one = this.#rising(place, rising)
    const taken = takeItem(one.lock, item)
    if (taken.result === 'new') rising.set(keyOf(place), { ...one, lock: taken.lock })
    return taken
  }

  #rising(place: { contract: string; lineage: number }, rising: ReadonlyMap<string, Rising>): Rising {
    const key = keyOf(place)
    const held = this.#entries.get(key) ?? emptyEntry(place)
    return rising.get(key) ?? { held, lock: held.lock }
  }

  /** Nothing contradicts it: other values are judged anew. So it takes no lock. */
  #judged({ statement, voteKey }: JudgementItem): SignResult {
    const [judged] = signStatements(this.#keys.pair('vote', voteKey).privateKey, [statement])
    return { judged: judged as StatementSignature }
  }

  #signStatements(items: readonly StatementItem[]): Map<string, StatementSignature> {
    const byKey = new Map<string, Statement[]>()
    for (const { statement, voteKey } of items) {
      const statements = byKey.get(voteKey)
      if (statements) statements.push(statement)
      else byKey.set(voteKey, [statement])
    }
    const made = new Map<string, StatementSignature>()
    for (const [voteKey, statements] of byKey)
      for (let from = 0; from < statements.length; from += BATCH_MAX_SIZE) {
        const batch = statements.slice(from, from + BATCH_MAX_SIZE)
        const signatures = signStatements(this.#keys.pair('vote', voteKey).privateKey, batch)
        for (const [index, statement] of batch.entries())
          made.set(nameOf(statement), signatures[index] as StatementSignature)
      }
    return made
  }

  /** A statement with the signature just made, or else kept. */
  #signed(statement: Statement, made: ReadonlyMap<string, StatementSignature>): SignedStatement {
    const held = this.#entries.get(keyOf(statement))
    const signature = made.get(nameOf(statement)) ?? (held && signatureOn(held, statement))
    if (!signature) throw new CountersignError('invariant-broken', 'a statement was taken and not signed')
    return { statement, party: this.#party, signature }
  }

  /** The FREEZE just made in this batch, or else kept. */
  #frozen({ statement, cosignKey }: FreezeItem, rising: Map<string, Rising>): SignResult {
    const one = this.#rising(statement, rising)
    const kept = one.frozen ?? one.held.signatures.frozen
    if (kept) return freezeVerifies(cosignKey, kept) ? { frozen: kept } : BY_ANOTHER_KEY
    const made = signFreeze(this.#keys.pair('cosign', cosignKey).privateKey, statement)
    rising.set(keyOf(statement), { ...one, frozen: made })
    return { frozen: made }
  }

  /** A cosignature of a checkpoint that was taken: kept, just made in this batch, or new, be it by another key. */
  #cosigned(
    { checkpoint, cosignKey, timeS }: CheckpointItem,
    rising: Map<string, Rising>,
    isNew: boolean,
  ): SignResult {
    const one = this.#rising(checkpoint, rising)
    const kept = isNew ? [] : (one.cosigned ?? cosignaturesOn(one.held))
    const { epoch, size, root, block, stateRoot } = checkpoint
    for (const timed of kept) {
      const cosignature = { party: this.#party, epoch, size, root, block, stateRoot, ...timed }
      if (cosignatureVerifies(cosignKey, checkpoint.contract, checkpoint.lineage, cosignature))
        return { cosignature }
    }
    if (one.held.lock.frozen !== undefined) return { refused: 'the lineage is frozen' }
    const { privateKey } = this.#keys.pair('cosign', cosignKey)
    const cosignature = cosign(privateKey, this.#party, checkpoint, timeS)
    rising.set(keyOf(checkpoint), {
      ...one,
      cosigned: [...kept, { timeS, signature: cosignature.signature }],
    })
    return { cosignature }
  }

  /** On disk first: where that fails, nothing has changed here. */
  #record(changed: readonly Entry[]): void {
    if (changed.length === 0) return
    const record: LockRecord = { kind: 'batch', counter: this.#counter + 1, entries: changed }
    this.#journal.append([record])
    this.#counter = record.counter
    for (const entry of changed) this.#entries.set(keyOf(entry), entry)
    this.#written += changed.length
    if (this.#written > COMPACT_AFTER + COMPACT_AFTER_EACH * this.#entries.size) this.#compact()
  }

  /** Leaves each lock once in the journal. */
  #compact(): void {
    this.#written = 0
    const record: LockRecord = { kind: 'all', counter: this.#counter, entries: [...this.#entries.values()] }
    try {
      this.#journal.compact?.([record])
    } catch (error) {
      // The long journal is as good. If the disk has failed for good, the next lock will say so before it is relied on.
      if (!(error instanceof CountersignError)) throw error
    }
  }

  /** The FREEZE of a lineage, if it was signed. */
  freeze(contract: string, lineage: number): SignedFreeze | undefined {
    return this.#entries.get(keyOf({ contract, lineage }))?.signatures.frozen
  }

  /** The last cosignature in a lineage, as it was signed; by this key, if that has signed it too. */
  lastCosignature(contract: string, lineage: number, cosignKey?: string): Cosignature | undefined {
    const entry = this.#entries.get(keyOf({ contract, lineage }))
    const point = entry?.lock.cosign
    if (!entry || !point) return undefined
    const all = cosignaturesOn(entry).map((timed) => ({ party: this.#party, ...point, ...timed }))
    const isByKey = (one: Cosignature): boolean =>
      cosignKey !== undefined && cosignatureVerifies(cosignKey, contract, lineage, one)
    return all.find(isByKey) ?? all[0]
  }

  /** The statements of a lock's view, as they were signed. */
  reissue(contract: string, lineage: number): SignedStatement[] {
    const entry = this.#entries.get(keyOf({ contract, lineage }))
    return entry === undefined
      ? []
      : statementsOf(entry).map((statement) => this.#signed(statement, new Map()))
  }

  /**
   * Takes signatures of its own that others held as locks (AMN-2), by whichever of its keys; locks only rise. floor: a view
   * that is known to be over; nothing is signed any more in it or before.
   * @throws CountersignError `bad-format`, `bad-signature`, `wrong-contract` for what this signer's keys never signed here:
   *   nothing is taken; `disk-full`, `storage-failed`
   */
  recall(
    contract: string,
    lineage: number,
    statements: readonly SignedStatement[],
    cosignature?: Cosignature,
    floor?: EpochView,
    freeze?: SignedFreeze,
  ): void {
    // Else whoever is asked could lock this party out of its own contracts.
    const cache = new SignatureCache()
    for (const signed of statements) this.#keys.checkStatement(contract, lineage, signed, cache)
    const cosignKey = cosignature && this.#keys.keyOf(contract, lineage, cosignature)
    if (freeze !== undefined) this.#keys.checkFreeze(contract, lineage, this.#party, freeze)
    if (floor !== undefined) floorShape(floor, 'floor')

    const held = this.#entries.get(keyOf({ contract, lineage })) ?? emptyEntry({ contract, lineage })
    let lock = importStatements(held.lock, statements)
    if (floor !== undefined) lock = raiseView(lock, { epoch: floor.epoch, view: floor.view + 1 })
    const made = new Map(statements.map(({ statement, signature }) => [nameOf(statement), signature]))
    if (cosignature !== undefined) lock = importCosignature(lock, cosignature)
    const cosigned =
      cosignature !== undefined && cosignKey !== undefined
        ? withTold(held, lock, cosignature, cosignKey)
        : undefined
    if (freeze !== undefined) lock = importFreeze(lock, freeze.statement)
    if (lock !== held.lock || cosigned) this.#record([withLock(held, lock, made, cosigned, freeze)])
  }

  /**
   * Signs a request of this party with the author key that it names. Requests contradict nothing and take no lock, but for
   * LEAVE: it names the last checkpoint cosigned in the lineage, and has on disk before it is returned that nothing larger
   * is cosigned there any more (EPO-12), which raises the counter. leaving: from which lineage a LEAVE is, and whether as an
   * observer, who may have cosigned nothing.
   * @throws CountersignError `key-missing`; `signer-refused` for a LEAVE at any other checkpoint; `too-large`;
   *   `disk-full`, `storage-failed`
   */
  signRequest<R extends AnyRequest>(
    request: R,
    leaving: { lineage: number; isObserver: boolean } = { lineage: 0, isObserver: false },
  ): SignedRequest<R> & { id: string } {
    const signed = signRequest(this.#keys.pair('author', request.authorKey).privateKey, request)
    const operation = epochOperationOf(request)
    if (operation?.op === 'leave') {
      const place = { contract: request.contract, lineage: leaving.lineage }
      const held = this.#entries.get(keyOf(place)) ?? emptyEntry(place)
      const taken = takeLeave(held.lock, operation.checkpoint, leaving.isObserver)
      if (taken.result === 'refused') throw new CountersignError('signer-refused', taken.reason)
      if (taken.result === 'new') this.#record([withLock(held, taken.lock, new Map(), undefined)])
    }
    return signed
  }

  /**
   * Signs a report of this party (RPT-2) with one of its author keys. Like requests, reports contradict nothing and take no lock.
   * @throws CountersignError `key-missing`
   */
  signReport(authorKey: string, lines: number, root: string): string {
    const { privateKey } = this.#keys.pair('author', authorKey)
    return signReport(privateKey, { party: this.#party, authorKey, lines, root })
  }

  /** Gives the journal back; nothing can be signed any more. */
  close(): void {
    this.#journal.close()
  }
}

const floorShape: shape.Check<EpochView> = shape.object({
  epoch: shape.integer(0),
  view: shape.integer(0, VIEW_MAX),
})

/** The key that an item is to be signed by. */
export function keyToSign(item: SignItem): [use: SignerUse, publicKey: string] {
  return 'voteKey' in item ? ['vote', item.voteKey] : ['cosign', item.cosignKey]
}

function takeItem(lock: Lock, item: SignItem): Taken {
  if (item.kind === 'statement') return takeStatement(lock, item.statement)
  if (item.kind === 'freeze') return takeFreeze(lock, item.statement)
  if (item.kind === 'judgement' && lock.frozen !== undefined)
    return { result: 'refused', reason: 'the lineage is frozen' }
  try {
    if (item.kind === 'judgement') {
      checkJudgement(item.statement)
      return { result: 'same', lock }
    }
    timeShape(item.timeS, 'timeS')
  } catch (error) {
    return { result: 'refused', reason: (error as Error).message }
  }
  return takeCheckpoint(lock, item.checkpoint, item.consistency)
}

/** The cosignatures of the lock's checkpoint with one told, by this key; undefined where that adds none. */
function withTold(
  held: Entry,
  lock: Lock,
  told: Cosignature,
  cosignKey: string,
): TimedSignature[] | undefined {
  const { contract, lineage } = held
  const checkpoint = lock.cosign && { contract, lineage, ...lock.cosign }
  if (checkpoint === undefined || !sameCheckpoint(checkpoint, told)) return undefined
  const { timeS, signature } = told
  if (held.lock.cosign !== lock.cosign) return [{ timeS, signature }]
  const kept = cosignaturesOn(held)
  const isKept = kept.some((timed) =>
    cosignatureVerifies(cosignKey, contract, lineage, { ...told, ...timed }),
  )
  return isKept ? undefined : [...kept, { timeS, signature }]
}
