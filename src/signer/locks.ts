/**
 * The signer's locks: what it has signed and must never contradict (PROTOCOL SGN-1). Pure.
 *
 * One lock for each contract and lineage, whichever keys its party signs with. Epochs only rise, within an epoch views only
 * rise, and within a view what was signed stays; so the highest view of the last epoch is all that is needed. Views are
 * counted anew in each epoch, and nothing of one epoch contradicts anything of another (EVI-1). Cosigned checkpoints only
 * grow, so that the last is all that is needed.
 */
import { CountersignError } from '../crypto/errors.ts'
import { verifyConsistency } from '../crypto/log.ts'
import * as shape from '../crypto/shape.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, type Cosignature, type LedgerPoint, sameCheckpoint } from '../ledger/checkpoint.ts'
import { checkFreezeStatement, type Freeze, freezeStatementId } from '../ledger/freeze.ts'

/** A cosigned checkpoint, without contract and lineage. */
export type CosignedCheckpoint = Readonly<LedgerPoint>

/**
 * epoch: the last in which anything was signed, or before which nothing may be; view: the highest of that epoch, likewise.
 * vote and finalize: the block named by what was signed in that view; skip: SKIP was signed in it. cosign: the last
 * checkpoint; left: LEAVE was signed, and nothing larger is cosigned (EPO-12). frozen: the id of the FREEZE that was signed;
 * nothing else is signed in the lineage any more (LIN-1).
 */
export type Lock = Readonly<{
  view: number
  epoch: number
  vote?: string
  finalize?: string
  skip?: true
  cosign?: CosignedCheckpoint
  left?: true
  frozen?: string
}>

/** A view of an epoch. */
export type EpochView = { epoch: number; view: number }

/** new: may be signed once `lock` is on disk; same: was signed before and may be again. */
export type Taken = { result: 'new' | 'same'; lock: Lock } | { result: 'refused'; reason: string }

/** The highest view that may be signed in: the one above is still an exact integer. */
export const VIEW_MAX = Number.MAX_SAFE_INTEGER - 1

// The signer's own shapes: it signs only kinds of statement whose contradictions it knows, and not a word beside.
const place = {
  contract: shape.hash,
  lineage: shape.integer(0),
  epoch: shape.integer(0),
  view: shape.integer(1, VIEW_MAX),
}
const skipShape = shape.object({ ...place, type: shape.literal('SKIP') })
const namingShape = shape.object({ ...place, type: shape.literal('VOTE', 'FINALIZE'), block: shape.hash })
/** A cosigned checkpoint's parts. */
export const cosignedParts = {
  epoch: shape.integer(0),
  size: shape.integer(1),
  root: shape.hash,
  block: shape.hash,
  stateRoot: shape.hash,
}
const checkpointShape = shape.object({
  ...cosignedParts,
  contract: shape.hash,
  lineage: shape.integer(0),
})

/** Nothing signed yet. */
export const EMPTY_LOCK: Lock = { view: 0, epoch: 0 }

const refused = (reason: string): Taken => ({ result: 'refused', reason })

/** Why something has not this shape, if it has not. */
function faultOf(check: shape.Check<unknown>, value: unknown, where: string): string | undefined {
  try {
    check(value, where)
    return undefined
  } catch (error) {
    if (error instanceof CountersignError) return error.message
    throw error
  }
}

/** What was signed before a FREEZE may be given again; nothing new is signed after it. */
function unlessFrozen(lock: Lock, taken: Taken): Taken {
  return lock.frozen !== undefined && taken.result === 'new' ? refused('the lineage is frozen') : taken
}

/** Whether a statement may be signed, and the lock with it. What is malformed is refused like all else. */
export function takeStatement(lock: Lock, statement: Statement): Taken {
  return unlessFrozen(lock, takeUnfrozen(lock, statement))
}

function takeUnfrozen(lock: Lock, statement: Statement): Taken {
  const fault = faultOf(statement?.type === 'SKIP' ? skipShape : namingShape, statement, 'statement')
  if (fault !== undefined) return refused(fault)
  const { view, epoch } = statement
  if (epoch < lock.epoch) return refused(`epoch ${epoch} is before the last signed in, ${lock.epoch}`)
  if (epoch === lock.epoch && view < lock.view)
    return refused(`view ${view} is below the highest signed in epoch ${epoch}, ${lock.view}`)
  return take(raiseView(lock, statement), lock, statement)
}

function take(base: Lock, held: Lock, statement: Statement): Taken {
  const { view } = statement
  switch (statement.type) {
    case 'SKIP':
      if (base.finalize !== undefined) return refused(`FINALIZE was signed in view ${view}`)
      return base.skip ? { result: 'same', lock: held } : { result: 'new', lock: { ...base, skip: true } }
    case 'FINALIZE':
      if (base.skip) return refused(`SKIP was signed in view ${view}`)
      if (base.finalize === statement.block) return { result: 'same', lock: held }
      if (base.finalize !== undefined) return refused(`FINALIZE of another block was signed in view ${view}`)
      return { result: 'new', lock: { ...base, finalize: statement.block } }
    case 'VOTE':
      if (base.vote === statement.block) return { result: 'same', lock: held }
      if (base.vote !== undefined) return refused(`a VOTE for another block was signed in view ${view}`)
      return { result: 'new', lock: { ...base, vote: statement.block } }
  }
}

/**
 * Whether a checkpoint may be cosigned, and the lock with it. consistency: the RFC 6962 proof that its log extends the
 * last cosigned one; empty where nothing was cosigned or for the same checkpoint.
 */
export function takeCheckpoint(lock: Lock, checkpoint: Checkpoint, consistency: readonly string[]): Taken {
  return unlessFrozen(lock, takeExtension(lock, checkpoint, consistency))
}

function takeExtension(lock: Lock, checkpoint: Checkpoint, consistency: readonly string[]): Taken {
  const fault = faultOf(checkpointShape, checkpoint, 'checkpoint')
  if (fault !== undefined) return refused(fault)
  const { epoch, size, root, block, stateRoot } = checkpoint
  const cosign: CosignedCheckpoint = { epoch, size, root, block, stateRoot }
  const held = lock.cosign
  if (held === undefined)
    return lock.left
      ? refused('LEAVE was signed: nothing is cosigned in this lineage')
      : { result: 'new', lock: { ...lock, cosign } }
  if (isSame(held, cosign)) return { result: 'same', lock }
  if (size < held.size) return refused(`size ${size} is below the cosigned ${held.size}`)
  if (size === held.size) return refused(`another checkpoint of size ${size} was cosigned`)
  if (lock.left)
    return refused(`LEAVE was signed at size ${held.size}: nothing larger is cosigned in this lineage`)
  if (epoch < held.epoch) return refused(`epoch ${epoch} is before the last cosigned in, ${held.epoch}`)
  if (!verifyConsistency(held.size, size, held.root, root, consistency))
    return refused(
      `the checkpoint of size ${size} is not proved to extend the cosigned one of size ${held.size}`,
    )
  return { result: 'new', lock: { ...lock, cosign } }
}

function isSame(first: LedgerPoint, second: LedgerPoint): boolean {
  const anywhere = { contract: '', lineage: 0 }
  return sameCheckpoint({ ...first, ...anywhere }, { ...second, ...anywhere })
}

/**
 * Whether a FREEZE may be signed, and the lock with it: one a lineage, and only with this party's last cosignature in it,
 * so that nobody can show one that it leaves out.
 */
export function takeFreeze(lock: Lock, statement: Freeze): Taken {
  const fault = faultOf(checkFreezeStatement, statement, 'freeze')
  if (fault !== undefined) return refused(fault)
  const id = freezeStatementId(statement)
  if (lock.frozen === id) return { result: 'same', lock }
  if (lock.frozen !== undefined) return refused('another FREEZE of the lineage was signed')
  const own = statement.cosignatures.filter(({ party }) => party === statement.party)
  const last = own.reduce<Cosignature | undefined>((a, b) => (a && a.size > b.size ? a : b), undefined)
  const isWhole = lock.cosign === undefined ? last === undefined : last && isSame(lock.cosign, last)
  if (!isWhole) return refused('the FREEZE does not hold what was cosigned last')
  return { result: 'new', lock: { ...lock, frozen: id } }
}

/** The lock with a FREEZE of its owner that others held (AMN-2). The first stands. */
export function importFreeze(lock: Lock, statement: Freeze): Lock {
  return lock.frozen === undefined ? { ...lock, frozen: freezeStatementId(statement) } : lock
}

/**
 * Whether LEAVE may be signed, and the lock with it: it names the last checkpoint that was cosigned, so that every ledger
 * that lets its author go has all that the author made final (EPO-12). isObserver: it may have cosigned nothing.
 */
export function takeLeave(lock: Lock, checkpoint: LedgerPoint, isObserver = false): Taken {
  const held = lock.cosign
  if (held === undefined && !isObserver)
    return refused('nothing was cosigned here, so there is no checkpoint to leave at')
  if (held !== undefined && !isSame(held, checkpoint))
    return refused(
      `LEAVE names the last cosigned checkpoint, here that of size ${held.size}, and in every line of it`,
    )
  return lock.left
    ? { result: 'same', lock }
    : unlessFrozen(lock, { result: 'new', lock: { ...lock, left: true } })
}

/** The lock with its view raised, if it is below: what was signed below can't be signed any more. */
export function raiseView(lock: Lock, { epoch, view }: EpochView): Lock {
  if (epoch < lock.epoch || (epoch === lock.epoch && view <= lock.view)) return lock
  const { cosign, left, frozen } = lock
  return {
    view,
    epoch,
    ...(cosign && { cosign }),
    ...(left && { left }),
    ...(frozen !== undefined && { frozen }),
  }
}

/**
 * The lock with statements of its owner that others held (AMN-2). It only rises: what lies below it, and what contradicts
 * it, changes nothing.
 */
export function importStatements(lock: Lock, statements: readonly SignedStatement[]): Lock {
  const inOrder = statements
    .map(({ statement }) => statement)
    .sort((first, second) => first.epoch - second.epoch || first.view - second.view)
  let imported = lock
  for (const statement of inOrder) {
    const taken = takeStatement(imported, statement)
    if (taken.result === 'new') imported = taken.lock
    // What no signer of this version signs still ends the views before it.
    else if (taken.result === 'refused') imported = raiseView(imported, statement)
  }
  return imported
}

/** The lock with a cosignature of its owner that others held (AMN-2), if that is on a larger checkpoint. */
export function importCosignature(lock: Lock, cosignature: Cosignature): Lock {
  const { epoch, size, root, block, stateRoot } = cosignature
  if (lock.cosign !== undefined && size <= lock.cosign.size) return lock
  return { ...lock, cosign: { epoch, size, root, block, stateRoot } }
}
