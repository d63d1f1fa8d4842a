/**
 * The signer: owns a party's keys and the locks on what they have signed. It alone refuses what must never be signed
 * together (SGN-1), and has each lock on disk before the signature is returned (SGN-2).
 */
import { CountersignError } from '../crypto/errors.ts'
import { signStatements } from '../crypto/statement.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, type Cosignature, cosign } from '../ledger/checkpoint.ts'
import { type Request, type SignedRequest, signRequest } from '../ledger/request.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import { EMPTY_LOCK, type Lock, raiseView, takeCheckpoint, takeStatement } from './locks.ts'

export type SignItem =
  | { kind: 'statement'; statement: Statement }
  | { kind: 'checkpoint'; checkpoint: Checkpoint; consistency: string[]; timeS: number }
export type SignResult = { signed: SignedStatement } | { cosignature: Cosignature } | { refused: string }

type Entry = { contract: string; lineage: number; epoch: number; lock: Lock }
type JournalRecord = { counter: number; entries: Entry[] }

const keyOf = (contract: string, lineage: number): string => `${contract}/${lineage}`

export class Signer {
  private readonly entries = new Map<string, Entry>()
  private readonly journal: Journal
  private readonly keys: Keys
  private readonly party: string
  private current = 0

  private constructor(options: { journal: Journal; keys: Keys; party: string }) {
    this.journal = options.journal
    this.keys = options.keys
    this.party = options.party
    for (const record of this.journal.load() as JournalRecord[]) {
      this.current = record.counter
      for (const entry of record.entries) this.entries.set(keyOf(entry.contract, entry.lineage), entry)
    }
  }

  /** @throws CountersignError `invariant-broken` where the journal is damaged (SGN-3) */
  static open(options: { journal: Journal; keys: Keys; party: string }): Signer {
    return new Signer(options)
  }

  /** Batches that have taken a lock, ever. */
  get counter(): number {
    return this.current
  }

  lock(contract: string, lineage: number): Lock | undefined {
    return this.entries.get(keyOf(contract, lineage))?.lock
  }

  /** Locks, then signs; refusals stand in their item's place. One journal record, one fsync, one statement signature. */
  sign(items: readonly SignItem[]): SignResult[] {
    const changed = new Map<string, Entry>()
    const refusals = items.map((item) => {
      const place = item.kind === 'statement' ? item.statement : item.checkpoint
      const key = keyOf(place.contract, place.lineage)
      const held = changed.get(key) ?? this.entries.get(key)
      const lock = held?.lock ?? EMPTY_LOCK
      const taken =
        item.kind === 'statement'
          ? takeStatement(lock, item.statement)
          : takeCheckpoint(lock, item.checkpoint, item.consistency)
      if (taken.result === 'refused') return taken.reason
      if (taken.result === 'new')
        changed.set(key, { contract: place.contract, lineage: place.lineage, epoch: place.epoch, lock: taken.lock })
      return undefined
    })
    this.record(changed)
    const statements = items.flatMap((item, index) =>
      item.kind === 'statement' && refusals[index] === undefined ? [item.statement] : [],
    )
    const signatures = statements.length === 0 ? [] : signStatements(this.keys.vote.privateKey, statements)
    let next = 0
    return items.map((item, index): SignResult => {
      const refused = refusals[index]
      if (refused !== undefined) return { refused }
      if (item.kind === 'checkpoint')
        return { cosignature: cosign(this.keys.cosign.privateKey, this.party, item.checkpoint, item.timeS) }
      const signature = signatures[next]
      next += 1
      if (!signature) throw new CountersignError('invariant-broken', 'a statement was not signed')
      return { signed: { statement: item.statement, party: this.party, signature } }
    })
  }

  private record(changed: ReadonlyMap<string, Entry>): void {
    if (changed.size === 0) return
    const record: JournalRecord = { counter: this.current + 1, entries: [...changed.values()] }
    this.journal.append([record])
    this.current = record.counter
    for (const [key, entry] of changed) this.entries.set(key, entry)
  }

  /** The statements of the lock's view, signed again: Ed25519 gives the same signature each time. */
  reissue(contract: string, lineage: number): SignedStatement[] {
    const entry = this.entries.get(keyOf(contract, lineage))
    if (!entry || entry.lock.view === 0) return []
    const { lock, epoch } = entry
    const at = { contract, lineage, epoch, view: lock.view }
    const statements: Statement[] = []
    if (lock.vote) statements.push({ ...at, type: 'VOTE', block: lock.vote })
    if (lock.finalize) statements.push({ ...at, type: 'FINALIZE', block: lock.finalize })
    if (lock.skip) statements.push({ ...at, type: 'SKIP' })
    if (statements.length === 0) return []
    const signatures = signStatements(this.keys.vote.privateKey, statements)
    return statements.flatMap((statement, index) => {
      const signature = signatures[index]
      return signature ? [{ statement, party: this.party, signature }] : []
    })
  }

  /**
   * AMN-2: takes own signatures that others held as locks; locks only rise. `floor`: nothing is signed up to this view.
   */
  recall(
    contract: string,
    lineage: number,
    statements: readonly SignedStatement[],
    cosignature: Cosignature | undefined,
    floor: number,
  ): void {
    const key = keyOf(contract, lineage)
    const held = this.entries.get(key)
    let lock = held?.lock ?? EMPTY_LOCK
    let epoch = held?.epoch ?? 0
    const sorted = [...statements].sort((a, b) => a.statement.view - b.statement.view)
    for (const { statement } of sorted) {
      const taken = takeStatement(lock, statement)
      if (taken.result === 'new') lock = taken.lock
      epoch = Math.max(epoch, statement.epoch)
    }
    if (floor >= lock.view) lock = raiseView(lock, floor + 1)
    if (cosignature && cosignature.size > (lock.cosign?.size ?? 0)) {
      lock = { ...lock, cosign: { size: cosignature.size, root: cosignature.root } }
      epoch = Math.max(epoch, cosignature.epoch)
    }
    if (lock !== held?.lock) this.record(new Map([[key, { contract, lineage, epoch, lock }]]))
  }

  signRequest(request: Request): SignedRequest & { id: string } {
    return signRequest(this.keys.author.privateKey, request)
  }

  close(): void {
    this.journal.close()
  }
}
