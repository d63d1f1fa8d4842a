/**
 * The signer's locks: what it has signed and must never contradict (PROTOCOL SGN-1). Pure.
 *
 * One lock for each contract and lineage. Views only rise, and within a view what was signed stays; so the highest view is
 * all that is needed. Cosigned checkpoints only grow, so that the last is all that is needed.
 */
import { CountersignError } from '../crypto/errors.ts'
import { verifyConsistency } from '../crypto/log.ts'
import * as shape from '../crypto/shape.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, type Cosignature, sameCheckpoint } from '../ledger/checkpoint.ts'
import { checkFreezeStatement, type Freeze, freezeStatementId } from '../ledger/freeze.ts'

/** A cosigned checkpoint, without contract and lineage. */
export type CosignedCheckpoint = Readonly<Omit<Checkpoint, 'contract' | 'lineage'>>

/**
 * view: the highest in which anything was signed, or below which nothing may be; epoch: the one it was signed in. vote and
 * finalize: the block named by what was signed in that view; skip: SKIP was signed in it. cosign: the last checkpoint.
 * frozen: the id of the FREEZE that was signed; nothing else is signed in the lineage any more (LIN-1).
 */
export type Lock = Readonly<{
  view: number
  epoch: number
  vote?: string
  finalize?: string
  skip?: true
  cosign?: CosignedCheckpoint
  frozen?: string
}>

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
  if (view < lock.view) return refused(`view ${view} is below the highest signed, ${lock.view}`)
  if (epoch < lock.epoch) return refused(`epoch ${epoch} is before the last signed in, ${lock.epoch}`)
  const base = view > lock.view ? raiseView(lock, view, epoch) : lock
  if (epoch !== base.epoch) {
    if (hasStatement(base)) return refused(`view ${view} was signed in epoch ${base.epoch}`)
    return take({ ...base, epoch }, lock, statement)
  }
  return take(base, lock, statement)
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

function hasStatement(lock: Lock): boolean {
  return lock.vote !== undefined || lock.finalize !== undefined || lock.skip === true
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
  if (held === undefined) return { result: 'new', lock: { ...lock, cosign } }
  if (isSame(held, cosign)) return { result: 'same', lock }
  if (size < held.size) return refused(`size ${size} is below the cosigned ${held.size}`)
  if (size === held.size) return refused(`another checkpoint of size ${size} was cosigned`)
  if (epoch < held.epoch) return refused(`epoch ${epoch} is before the last cosigned in, ${held.epoch}`)
  if (!verifyConsistency(held.size, size, held.root, root, consistency))
    return refused(
      `the checkpoint of size ${size} is not proved to extend the cosigned one of size ${held.size}`,
    )
  return { result: 'new', lock: { ...lock, cosign } }
}

function isSame(first: CosignedCheckpoint, second: CosignedCheckpoint): boolean {
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

/** The lock with its view raised, if it is below: what was signed below can't be signed any more. */
export function raiseView(lock: Lock, view: number, epoch: number = lock.epoch): Lock {
  if (view <= lock.view) return lock
  const { cosign, frozen } = lock
  return {
    view,
    epoch: Math.max(epoch, lock.epoch),
    ...(cosign && { cosign }),
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
    .sort((first, second) => first.view - second.view || first.epoch - second.epoch)
  let imported = lock
  for (const statement of inOrder) {
    const taken = takeStatement(imported, statement)
    if (taken.result === 'new') imported = taken.lock
    // What was signed without regard to the order of epochs still ends the views before it.
    else if (taken.result === 'refused') imported = raiseView(imported, statement.view)
  }
  return imported
}

/** The lock with a cosignature of its owner that others held (AMN-2), if that is on a larger checkpoint. */
export function importCosignature(lock: Lock, cosignature: Cosignature): Lock {
  const { epoch, size, root, block, stateRoot } = cosignature
  if (lock.cosign !== undefined && size <= lock.cosign.size) return lock
  return { ...lock, cosign: { epoch, size, root, block, stateRoot } }
}
