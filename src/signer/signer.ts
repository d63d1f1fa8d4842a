/**
 * The signer: owns a party's keys and the locks on what they have signed. It alone refuses what must never be signed
 * together (PROTOCOL SGN-1), and has each lock on disk before the signature that needs it is returned (SGN-2).
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { signStatements, verifyStatement } from '../crypto/statement.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, type Cosignature, cosign, cosignatureVerifies } from '../ledger/checkpoint.ts'
import { type Request, type SignedRequest, signRequest } from '../ledger/request.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import {
  EMPTY_LOCK,
  importCosignature,
  importStatements,
  type Lock,
  raiseView,
  takeCheckpoint,
  takeStatement,
} from './locks.ts'

/**
 * What to sign. consistency: the RFC 6962 proof from the last cosigned checkpoint to this one; timeS: the clock in seconds,
 * signed with the checkpoint.
 */
export type SignItem =
  | { kind: 'statement'; statement: Statement }
  | { kind: 'checkpoint'; checkpoint: Checkpoint; consistency: string[]; timeS: number }

/** refused: why nothing was signed, for people. */
export type SignResult = { signed: SignedStatement } | { cosignature: Cosignature } | { refused: string }

/** party: whose keys these are. */
export type SignerOptions = {
  journal: Journal
  keys: Pick<Keys, 'author' | 'vote' | 'cosign'>
  party: string
}

/** The locks that one batch took, and the counter it raised. */
type LockRecord = { counter: number; locks: LockOf[] }
type LockOf = { contract: string; lineage: number; lock: Lock }

/** Records after which the journal is compacted; as many again for each lock there is, so that it pays. */
const COMPACT_AFTER = 50_000

const keyOf = (contract: string, lineage: number): string => `${contract}/${lineage}`

export class Signer {
  readonly #journal: Journal
  readonly #keys: SignerOptions['keys']
  readonly #party: string
  readonly #locks = new Map<string, LockOf>()
  #counter = 0
  /** Records in the journal, as far as they count towards compacting it. */
  #records = 0

  private constructor({ journal, keys, party }: SignerOptions) {
    this.#journal = journal
    this.#keys = keys
    this.#party = party
    for (const found of journal.load()) {
      const record = checkRecord(found)
      this.#counter = record.counter
      for (const one of record.locks) this.#locks.set(keyOf(one.contract, one.lineage), one)
      this.#records += 1
    }
    if (this.#records > 1) this.#compact()
  }

  /** @throws CountersignError `invariant-broken` where the journal holds what no signer writes (SGN-3) */
  static open(options: SignerOptions): Signer {
    return new Signer(options)
  }

  /** Batches that have taken a new lock, ever (AMN-1). */
  get counter(): number {
    return this.#counter
  }

  /** What is locked in a contract's lineage; undefined if nothing was ever signed in it. */
  lock(contract: string, lineage: number): Lock | undefined {
    return this.#locks.get(keyOf(contract, lineage))?.lock
  }

  /**
   * Signs what the locks allow, item by item in order; a refusal stands in its item's place and keeps nothing else from
   * being signed. All new locks are on disk, in one append, before anything is signed. The statements share one signature.
   * @throws CountersignError `disk-full`, `storage-failed`: nothing was signed, and no lock taken
   */
  sign(items: readonly SignItem[]): SignResult[] {
    const changed = new Map<string, LockOf>()
    const refusals = items.map((item) => this.#take(item, changed))
    this.#record(changed)
    const statements = items.flatMap((item, index) =>
      item.kind === 'statement' && refusals[index] === undefined ? [item.statement] : [],
    )
    const signed = this.#signed(statements)[Symbol.iterator]()
    return items.map((item, index): SignResult => {
      const reason = refusals[index]
      if (reason !== undefined) return { refused: reason }
      if (item.kind === 'statement') return { signed: signed.next().value as SignedStatement }
      return { cosignature: cosign(this.#keys.cosign.privateKey, this.#party, item.checkpoint, item.timeS) }
    })
  }

  /** Takes an item's lock into `changed`; returns why not, if not. */
  #take(item: SignItem, changed: Map<string, LockOf>): string | undefined {
    const { contract, lineage } = item.kind === 'statement' ? item.statement : item.checkpoint
    const key = keyOf(contract, lineage)
    const { lock } = changed.get(key) ?? this.#locks.get(key) ?? { lock: EMPTY_LOCK }
    const taken =
      item.kind === 'statement'
        ? takeStatement(lock, item.statement)
        : takeCheckpoint(lock, item.checkpoint, item.consistency)
    if (taken.result === 'refused') return taken.reason
    if (taken.result === 'new') changed.set(key, { contract, lineage, lock: taken.lock })
    return undefined
  }

  #record(changed: ReadonlyMap<string, LockOf>): void {
    if (changed.size === 0) return
    const record: LockRecord = { counter: this.#counter + 1, locks: [...changed.values()] }
    this.#journal.append([record])
    this.#counter = record.counter
    for (const [key, one] of changed) this.#locks.set(key, one)
    this.#records += 1
    if (this.#records > COMPACT_AFTER + this.#locks.size) this.#compact()
  }

  /** Leaves each lock once in the journal. */
  #compact(): void {
    this.#records = 0
    try {
      const record: LockRecord = { counter: this.#counter, locks: [...this.#locks.values()] }
      this.#journal.compact?.([record])
    } catch (error) {
      // A full disk: the long journal is as good, and is tried again after as many records more.
      if (!(error instanceof CountersignError) || error.code !== 'disk-full') throw error
    }
  }

  #signed(statements: readonly Statement[]): SignedStatement[] {
    if (statements.length === 0) return []
    const signatures = signStatements(this.#keys.vote.privateKey, statements)
    return statements.flatMap((statement, index) => {
      const signature = signatures[index]
      return signature === undefined ? [] : [{ statement, party: this.#party, signature }]
    })
  }

  /** The statements of a lock's view, signed again; the same each time. */
  reissue(contract: string, lineage: number): SignedStatement[] {
    const lock = this.lock(contract, lineage)
    if (lock === undefined) return []
    const at = { contract, lineage, epoch: lock.epoch, view: lock.view }
    const statements: Statement[] = []
    if (lock.vote !== undefined) statements.push({ ...at, type: 'VOTE', block: lock.vote })
    if (lock.finalize !== undefined) statements.push({ ...at, type: 'FINALIZE', block: lock.finalize })
    if (lock.skip === true) statements.push({ ...at, type: 'SKIP' })
    return this.#signed(statements)
  }

  /**
   * Takes signatures of its own that others held as locks (AMN-2); locks only rise. floorView: a view that is known to be
   * over; nothing is signed any more in it or before.
   * @throws CountersignError `bad-signature`, `wrong-contract` for what this signer's keys never signed here: nothing is taken;
   *   `disk-full`, `storage-failed`
   */
  recall(
    contract: string,
    lineage: number,
    statements: readonly SignedStatement[],
    cosignature?: Cosignature,
    floorView = 0,
  ): void {
    // Else whoever is asked could lock this party out of its own contracts.
    for (const signed of statements) this.#checkOwn(contract, lineage, signed)
    const { publicKey } = this.#keys.cosign
    if (cosignature !== undefined && !cosignatureVerifies(publicKey, contract, lineage, cosignature))
      throw new CountersignError('bad-signature', 'the cosignature told is not this party’s')
    const held = this.lock(contract, lineage) ?? EMPTY_LOCK
    let lock = importStatements(held, statements)
    if (floorView > 0) lock = raiseView(lock, floorView + 1)
    if (cosignature !== undefined) lock = importCosignature(lock, cosignature)
    if (lock !== held) this.#record(new Map([[keyOf(contract, lineage), { contract, lineage, lock }]]))
  }

  #checkOwn(contract: string, lineage: number, { statement, signature }: SignedStatement): void {
    if (statement.contract !== contract || statement.lineage !== lineage)
      throw new CountersignError('wrong-contract', 'a statement told is of another contract or lineage')
    if (!verifyStatement(this.#keys.vote.publicKey, statement, signature))
      throw new CountersignError('bad-signature', 'a statement told is not signed by this party')
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

const checkLock = shape.object(
  { view: shape.integer(0), epoch: shape.integer(0) },
  {
    vote: shape.hash,
    finalize: shape.hash,
    skip: shape.literal(true),
    cosign: shape.object({
      epoch: shape.integer(0),
      size: shape.integer(1),
      root: shape.hash,
      block: shape.hash,
      stateRoot: shape.hash,
    }),
  },
)
const recordShape = shape.object({
  counter: shape.integer(0),
  locks: shape.array(
    shape.object({ contract: shape.hash, lineage: shape.integer(0), lock: checkLock }),
    1_000_000,
  ),
})

function checkRecord(value: unknown): LockRecord {
  try {
    return recordShape(value, 'record') as LockRecord
  } catch (error) {
    throw new CountersignError(
      'invariant-broken',
      `the lock journal holds what no signer writes (${(error as Error).message}); put back an intact copy and start with --restored`,
    )
  }
}
