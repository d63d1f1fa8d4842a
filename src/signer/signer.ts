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
import { checkStatementShape, type SignedStatement, type Statement } from '../ledger/certificate.ts'
import {
  type Checkpoint,
  type Cosignature,
  checkCosignatureShape,
  cosign,
  cosignatureVerifies,
} from '../ledger/checkpoint.ts'
import {
  checkFreezeShape,
  type Freeze,
  freezeVerifies,
  type SignedFreeze,
  signFreeze,
} from '../ledger/freeze.ts'
import { type Request, type SignedRequest, signRequest } from '../ledger/request.ts'
import {
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
import type { Keys } from './keys.ts'
import {
  importCosignature,
  importFreeze,
  importStatements,
  type Lock,
  raiseView,
  type Taken,
  takeCheckpoint,
  takeFreeze,
  takeStatement,
  VIEW_MAX,
} from './locks.ts'

/**
 * What to sign. consistency: the RFC 6962 proof from the last cosigned checkpoint to this one; timeS: the clock in seconds,
 * signed with the checkpoint.
 */
export type SignItem =
  | { kind: 'statement'; statement: Statement }
  | { kind: 'checkpoint'; checkpoint: Checkpoint; consistency: string[]; timeS: number }
  | { kind: 'freeze'; statement: Freeze }

/** refused: why nothing was signed, for people. */
export type SignResult =
  | { signed: SignedStatement }
  | { cosignature: Cosignature }
  | { frozen: SignedFreeze }
  | { refused: string }

/** party: whose keys these are. */
export type SignerOptions = {
  journal: Journal
  keys: Pick<Keys, 'author' | 'vote' | 'cosign'>
  party: string
}

/** One contract's lineage in a batch: what was kept of it, the lock as it rises, and what was newly cosigned. */
type Rising = { held: Entry; lock: Lock; cosigned?: TimedSignature; frozen?: SignedFreeze }

/** Entries written after which the journal is compacted, and as many again as four for each there is, so that it pays. */
const COMPACT_AFTER = 20_000
const COMPACT_AFTER_EACH = 4

export class Signer {
  readonly #journal: Journal
  readonly #keys: SignerOptions['keys']
  readonly #party: string
  readonly #entries: Map<string, Entry>
  #counter: number
  /** Entries in the journal since it was compacted. */
  #written = 0

  private constructor({ journal, keys, party }: SignerOptions) {
    this.#journal = journal
    this.#keys = keys
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
   * disk, in one append, before anything is returned. New statements share one signature.
   * @throws CountersignError `disk-full`, `storage-failed`: nothing has left the signer, and no lock was taken
   */
  sign(items: readonly SignItem[]): SignResult[] {
    const rising = new Map<string, Rising>()
    const taken = items.map((item) => this.#take(item, rising))
    const isNew = (index: number): boolean => taken[index]?.result === 'new'
    const made = this.#signStatements(
      items.flatMap((item, index) => (item.kind === 'statement' && isNew(index) ? [item.statement] : [])),
    )
    const results = items.map((item, index): SignResult => {
      const answer = taken[index] as Taken
      if (answer.result === 'refused') return { refused: answer.reason }
      if (item.kind === 'statement') return { signed: this.#signed(item.statement, made) }
      if (item.kind === 'freeze') return { frozen: this.#frozen(item.statement, rising) }
      return { cosignature: this.#cosigned(item, rising, isNew(index)) }
    })
    const changed = [...rising.values()].filter(({ held, lock }) => lock !== held.lock)
    this.#record(
      changed.map(({ held, lock, cosigned, frozen }) => withLock(held, lock, made, cosigned, frozen)),
    )
    return results
  }

  /** Holds an item against the lock, with what the batch has taken so far. */
  #take(item: SignItem, rising: Map<string, Rising>): Taken {
    const place = item.kind === 'checkpoint' ? item.checkpoint : item.statement
    if (item.kind === 'freeze' && item.statement?.party !== this.#party)
      return { result: 'refused', reason: 'the FREEZE is another party’s' }
    const key = keyOf(place)
    const held = this.#entries.get(key) ?? emptyEntry(place)
    const one = rising.get(key) ?? { held, lock: held.lock }
    const taken = takeItem(one.lock, item)
    if (taken.result === 'new') rising.set(key, { ...one, lock: taken.lock })
    return taken
  }

  #signStatements(statements: readonly Statement[]): Map<string, StatementSignature> {
    const made = new Map<string, StatementSignature>()
    for (let from = 0; from < statements.length; from += BATCH_MAX_SIZE) {
      const batch = statements.slice(from, from + BATCH_MAX_SIZE)
      const signatures = signStatements(this.#keys.vote.privateKey, batch)
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
  #frozen(statement: Freeze, rising: ReadonlyMap<string, Rising>): SignedFreeze {
    const key = keyOf(statement)
    const one = rising.get(key)
    const kept = one?.frozen ?? this.#entries.get(key)?.signatures.frozen
    if (kept) return kept
    const made = signFreeze(this.#keys.cosign.privateKey, statement)
    if (one) one.frozen = made
    return made
  }

  /** A cosignature of a checkpoint that was taken: new, just made in this batch, or kept. */
  #cosigned(
    { checkpoint, timeS }: Extract<SignItem, { kind: 'checkpoint' }>,
    rising: ReadonlyMap<string, Rising>,
    isNew: boolean,
  ): Cosignature {
    const key = keyOf(checkpoint)
    const one = rising.get(key)
    const fresh = (): Cosignature => cosign(this.#keys.cosign.privateKey, this.#party, checkpoint, timeS)
    if (isNew) {
      const cosignature = fresh()
      if (one) one.cosigned = { timeS, signature: cosignature.signature }
      return cosignature
    }
    const kept = one?.cosigned ?? this.#entries.get(key)?.signatures.cosign
    if (!kept) throw new CountersignError('invariant-broken', 'a checkpoint was taken and not cosigned')
    const { epoch, size, root, block, stateRoot } = checkpoint
    return { party: this.#party, epoch, size, root, block, stateRoot, ...kept }
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

  /** The last cosignature in a lineage, as it was signed. */
  lastCosignature(contract: string, lineage: number): Cosignature | undefined {
    const entry = this.#entries.get(keyOf({ contract, lineage }))
    const { cosign: signed } = entry?.signatures ?? {}
    return entry?.lock.cosign && signed ? { party: this.#party, ...entry.lock.cosign, ...signed } : undefined
  }

  /** The statements of a lock's view, as they were signed. */
  reissue(contract: string, lineage: number): SignedStatement[] {
    const entry = this.#entries.get(keyOf({ contract, lineage }))
    return entry === undefined
      ? []
      : statementsOf(entry).map((statement) => this.#signed(statement, new Map()))
  }

  /**
   * Takes signatures of its own that others held as locks (AMN-2); locks only rise. floorView: a view that is known to be
   * over; nothing is signed any more in it or before.
   * @throws CountersignError `bad-format`, `bad-signature`, `wrong-contract` for what this signer's keys never signed here:
   *   nothing is taken; `disk-full`, `storage-failed`
   */
  recall(
    contract: string,
    lineage: number,
    statements: readonly SignedStatement[],
    cosignature?: Cosignature,
    floorView = 0,
    freeze?: SignedFreeze,
  ): void {
    // Else whoever is asked could lock this party out of its own contracts.
    const cache = new SignatureCache()
    for (const signed of statements) this.#checkOwn(contract, lineage, signed, cache)
    if (cosignature !== undefined) this.#checkOwnCosignature(contract, lineage, cosignature)
    if (freeze !== undefined) this.#checkOwnFreeze(contract, lineage, freeze)
    shape.integer(0, VIEW_MAX)(floorView, 'floorView')

    const held = this.#entries.get(keyOf({ contract, lineage })) ?? emptyEntry({ contract, lineage })
    let lock = importStatements(held.lock, statements)
    if (floorView > 0) lock = raiseView(lock, floorView + 1)
    const made = new Map(statements.map(({ statement, signature }) => [nameOf(statement), signature]))
    const before = lock
    if (cosignature !== undefined) lock = importCosignature(lock, cosignature)
    const cosigned =
      lock !== before && cosignature
        ? { timeS: cosignature.timeS, signature: cosignature.signature }
        : undefined
    if (freeze !== undefined) lock = importFreeze(lock, freeze.statement)
    if (lock !== held.lock) this.#record([withLock(held, lock, made, cosigned, freeze)])
  }

  #checkOwnFreeze(contract: string, lineage: number, freeze: SignedFreeze): void {
    const { statement } = checkFreezeShape(freeze)
    if (statement.contract !== contract || statement.lineage !== lineage)
      throw new CountersignError('wrong-contract', 'the FREEZE told is of another contract or lineage')
    if (statement.party !== this.#party || !freezeVerifies(this.#keys.cosign.publicKey, freeze))
      throw new CountersignError('bad-signature', 'the FREEZE told is not signed by this party')
  }

  #checkOwn(contract: string, lineage: number, signed: SignedStatement, cache: SignatureCache): void {
    const { statement, signature } = checkStatementShape(signed)
    if (statement.contract !== contract || statement.lineage !== lineage)
      throw new CountersignError('wrong-contract', 'a statement told is of another contract or lineage')
    if (!verifyStatement(this.#keys.vote.publicKey, statement, signature, cache))
      throw new CountersignError('bad-signature', 'a statement told is not signed by this party')
  }

  #checkOwnCosignature(contract: string, lineage: number, cosignature: Cosignature): void {
    const { publicKey } = this.#keys.cosign
    if (!cosignatureVerifies(publicKey, contract, lineage, checkCosignatureShape(cosignature)))
      throw new CountersignError('bad-signature', 'the cosignature told is not this party’s')
  }

  /** Signs a request of this party with its author key. No lock: requests contradict nothing. */
  signRequest(request: Request): SignedRequest & { id: string } {
    return signRequest(this.#keys.author.privateKey, request)
  }

  /** Gives the journal back; nothing can be signed any more. */
  close(): void {
    this.#journal.close()
  }
}

function takeItem(lock: Lock, item: SignItem): Taken {
  if (item.kind === 'statement') return takeStatement(lock, item.statement)
  if (item.kind === 'freeze') return takeFreeze(lock, item.statement)
  try {
    timeShape(item.timeS, 'timeS')
  } catch (error) {
    return { result: 'refused', reason: (error as Error).message }
  }
  return takeCheckpoint(lock, item.checkpoint, item.consistency)
}
