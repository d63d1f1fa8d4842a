/** The signer's locks: what must never be signed together (SGN-1). Pure. */
import { verifyConsistency } from '../crypto/log.ts'
import type { Statement } from '../ledger/certificate.ts'
import type { Checkpoint } from '../ledger/checkpoint.ts'

export type Lock = {
  view: number
  vote?: string
  finalize?: string
  skip?: true
  cosign?: { size: number; root: string }
}
export type Taken = { result: 'new' | 'same'; lock: Lock } | { result: 'refused'; reason: string }

export const EMPTY_LOCK: Lock = { view: 0 }

export function takeStatement(lock: Lock, statement: Statement): Taken {
  const { view, type } = statement
  if (view < lock.view) return { result: 'refused', reason: `view ${view} is below the highest signed, ${lock.view}` }
  const base: Lock = view > lock.view ? { view, ...(lock.cosign ? { cosign: lock.cosign } : {}) } : lock
  if (type === 'SKIP') {
    if (base.finalize) return { result: 'refused', reason: `FINALIZE was signed in view ${view}` }
    return base.skip ? { result: 'same', lock } : { result: 'new', lock: { ...base, skip: true } }
  }
  if (type === 'FINALIZE') {
    if (base.skip) return { result: 'refused', reason: `SKIP was signed in view ${view}` }
    if (base.finalize === statement.block) return { result: 'same', lock }
    if (base.finalize) return { result: 'refused', reason: `FINALIZE of another block was signed in view ${view}` }
    return { result: 'new', lock: { ...base, finalize: statement.block } }
  }
  if (base.vote === statement.block) return { result: 'same', lock }
  if (base.vote) return { result: 'refused', reason: `a VOTE for another block was signed in view ${view}` }
  return { result: 'new', lock: { ...base, vote: statement.block } }
}

export function takeCheckpoint(lock: Lock, checkpoint: Checkpoint, consistency: readonly string[]): Taken {
  const { size, root } = checkpoint
  const held = lock.cosign
  if (held) {
    if (size === held.size && root === held.root) return { result: 'same', lock }
    if (size <= held.size || !verifyConsistency(held.size, size, held.root, root, [...consistency]))
      return { result: 'refused', reason: `the checkpoint of size ${size} does not extend the one of size ${held.size}` }
  }
  return { result: 'new', lock: { ...lock, cosign: { size, root } } }
}

/** A lock on a later view, with nothing signed in it: what was signed below stays unsignable. */
export function raiseView(lock: Lock, view: number): Lock {
  return { view, ...(lock.cosign ? { cosign: lock.cosign } : {}) }
}
