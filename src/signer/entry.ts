/**
 * What the signer remembers of one contract's lineage, and the journal's records of it. Pure.
 *
 * Signatures are kept with their lock. A statement's signature shows its place among those it was signed with (SIG-3), so
 * only what was kept is the same signature again (SGN-1); and it is still that when the key has been replaced.
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import type { StatementSignature } from '../crypto/statement.ts'
import { type Statement, statementSignatureShape } from '../ledger/certificate.ts'
import { checkFreezeShape, type SignedFreeze } from '../ledger/freeze.ts'
import { cosignedParts, EMPTY_LOCK, type Lock } from './locks.ts'

/** A cosignature's own part: timeS in seconds since 1970, signature in base64url. */
export type TimedSignature = Readonly<{ timeS: number; signature: string }>

/**
 * One signature for each of these that the lock holds. cosignMore: on the same checkpoint, by other keys of the same party;
 * which by which, verifying them tells.
 */
export type Signatures = Readonly<{
  vote?: StatementSignature
  finalize?: StatementSignature
  skip?: StatementSignature
  cosign?: TimedSignature
  /** With its statement: it is nowhere else where the data were lost. */
  frozen?: SignedFreeze
  cosignMore?: readonly TimedSignature[]
}>
export type Entry = Readonly<{ contract: string; lineage: number; lock: Lock; signatures: Signatures }>

/** batch: what one batch of signatures changed; all: everything, with which a compacted journal begins. */
export type LockRecord = Readonly<{ kind: 'batch' | 'all'; counter: number; entries: readonly Entry[] }>

const USES = ['vote', 'finalize', 'skip', 'cosign', 'frozen'] as const
const USE_OF = { VOTE: 'vote', FINALIZE: 'finalize', SKIP: 'skip' } as const

/** When something was cosigned, seconds since 1970: up to the end of the year 9999. */
export const timeShape = shape.integer(0, 253402300799)

const lockShape = shape.object(
  { view: shape.integer(0), epoch: shape.integer(0) },
  {
    vote: shape.hash,
    finalize: shape.hash,
    skip: shape.literal(true),
    cosign: shape.object(cosignedParts),
    frozen: shape.hash,
    left: shape.literal(true),
  },
)
const timedShape: shape.Check<TimedSignature> = shape.object({ timeS: timeShape, signature: shape.signature })
const signaturesShape = shape.object(
  {},
  {
    vote: statementSignatureShape,
    finalize: statementSignatureShape,
    skip: statementSignatureShape,
    cosign: timedShape,
    cosignMore: shape.array(timedShape, Number.MAX_SAFE_INTEGER, 1),
    frozen: checkFreezeShape as shape.Check<SignedFreeze>,
  },
)
const recordShape = shape.object({
  kind: shape.literal('batch', 'all'),
  counter: shape.integer(0),
  entries: shape.array(
    shape.object({
      contract: shape.hash,
      lineage: shape.integer(0),
      lock: lockShape,
      signatures: signaturesShape,
    }),
    Number.MAX_SAFE_INTEGER,
  ),
})

/** What names a contract's lineage. */
export function keyOf({ contract, lineage }: { contract: string; lineage: number }): string {
  return `${contract}/${lineage}`
}

/** What names a statement: all of it, in one line. */
export function nameOf(statement: Statement): string {
  const { epoch, view, type } = statement
  return [keyOf(statement), epoch, view, type, type === 'SKIP' ? '' : statement.block].join('/')
}

/** What is remembered of a lineage in which nothing was signed. */
export function emptyEntry({ contract, lineage }: { contract: string; lineage: number }): Entry {
  return { contract, lineage, lock: EMPTY_LOCK, signatures: {} }
}

/** The statements of a lock's view. */
export function statementsOf({
  contract,
  lineage,
  lock,
}: Pick<Entry, 'contract' | 'lineage' | 'lock'>): Statement[] {
  const at = { contract, lineage, epoch: lock.epoch, view: lock.view }
  const statements: Statement[] = []
  if (lock.vote !== undefined) statements.push({ ...at, type: 'VOTE', block: lock.vote })
  if (lock.finalize !== undefined) statements.push({ ...at, type: 'FINALIZE', block: lock.finalize })
  if (lock.skip === true) statements.push({ ...at, type: 'SKIP' })
  return statements
}

/** The signature kept on a statement that stands in the entry's lock. */
export function signatureOn(entry: Entry, { type }: Statement): StatementSignature | undefined {
  return entry.signatures[USE_OF[type]]
}

/** The cosignatures kept of the lock's checkpoint, each by another key of the party. */
export function cosignaturesOn({ signatures: { cosign, cosignMore = [] } }: Entry): TimedSignature[] {
  return cosign === undefined ? [] : [cosign, ...cosignMore]
}

/**
 * The entry with a lock that has risen from its own. made: signatures it may not have yet, by statement; cosigned: all
 * cosignatures of the lock's checkpoint, where one of them is new; frozen: the FREEZE, where that is.
 * @throws CountersignError `invariant-broken` where a signature is missing
 */
export function withLock(
  held: Entry,
  lock: Lock,
  made: ReadonlyMap<string, StatementSignature>,
  cosigned: readonly TimedSignature[] | undefined,
  frozen?: SignedFreeze,
): Entry {
  const { contract, lineage } = held
  const isSameView = lock.view === held.lock.view && lock.epoch === held.lock.epoch
  const signatures: { -readonly [Use in keyof Signatures]: Signatures[Use] } = {}
  for (const statement of statementsOf({ contract, lineage, lock })) {
    const kept = isSameView ? signatureOn(held, statement) : undefined
    const signature = kept ?? made.get(nameOf(statement))
    if (signature !== undefined) signatures[USE_OF[statement.type]] = signature
  }
  const [cosignature, ...more] = cosigned ?? cosignaturesOn(held)
  if (cosignature !== undefined) signatures.cosign = cosignature
  if (more.length > 0) signatures.cosignMore = more
  const freeze = held.signatures.frozen ?? frozen
  if (freeze !== undefined) signatures.frozen = freeze
  const entry = { contract, lineage, lock, signatures }
  const missing = missingOf(entry)
  if (missing) throw new CountersignError('invariant-broken', `the lock on ${missing} has no signature`)
  return entry
}

/** For which of its locks an entry has no signature, or the other way round. */
function missingOf({ lock, signatures }: Pick<Entry, 'lock' | 'signatures'>): string | undefined {
  return USES.find((use) => (lock[use] === undefined) !== (signatures[use] === undefined))
}

/**
 * What the records of a journal add up to. The counter rises by one from record to record.
 * @throws CountersignError `invariant-broken` for what no signer writes (SGN-3)
 */
export function foldRecords(records: Iterable<object>): { counter: number; entries: Map<string, Entry> } {
  const entries = new Map<string, Entry>()
  let counter = 0
  let isFirst = true
  for (const found of records) {
    const record = checkRecord(found)
    if (record.kind === 'all' ? !isFirst : record.counter !== counter + 1)
      throw notOurs(`its batch ${record.counter} follows on batch ${counter}`)
    isFirst = false
    counter = record.counter
    for (const entry of record.entries) entries.set(keyOf(entry), entry)
  }
  return { counter, entries }
}

function checkRecord(found: object): LockRecord {
  try {
    const record: LockRecord = recordShape(found, 'record')
    for (const entry of record.entries) {
      const missing = missingOf(entry)
      if (missing) throw notOurs(`lock and signature of ${missing} do not stand together`)
      const { lock, signatures } = entry
      if (lock.cosign === undefined && signatures.cosignMore)
        throw notOurs('no checkpoint was cosigned, and yet it was cosigned again')
    }
    return record
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'bad-format') throw notOurs(error.message)
    throw error
  }
}

function notOurs(what: string): CountersignError {
  return new CountersignError(
    'invariant-broken',
    `the lock journal holds what no signer has written like this (${what}): move it aside and start with --restored`,
  )
}
