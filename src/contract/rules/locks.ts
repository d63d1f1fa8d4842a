/**
 * Locks (RUL-9): a record or sub-tree that one member alone changes for a while. The lease is in block time, so that every node
 * comes to the same end of it; the height since which it is held tells holders apart.
 */
import type { LockOperation, UnlockOperation } from '../../ledger/rule-operation.ts'
import { element, isTaken } from '../elements.ts'
import { lockOver, lockWithin, type Refusal } from './gate.ts'
import { countOf } from './governance.ts'
import { lineOf } from './paths.ts'
import type { Work } from './work.ts'

/** Locks of one party in a contract. One that has run out counts until it is given back or taken over. */
const LOCKS_MAX = 1000

/** Takes a lock, or renews one's own by the same UID: which fails where it was lost, and the whole request with it. */
export function lock(work: Work, { uid, on, leaseMs }: LockOperation): Refusal | undefined {
  const { state, context } = work
  const { author, timeMs, height } = context
  const expiresMs = timeMs + leaseMs
  const own = work.record(uid, 'lock')
  if (own !== undefined && own.on === on && own.by === author) {
    if (own.expiresMs < timeMs) return { code: 'lock-lost', element: on }
    work.put(uid, { ...own, expiresMs })
    return undefined
  }
  if (isTaken(state, uid)) return { code: 'lock-lost', element: on }
  if (element(state, on) === undefined) return { code: 'gone', element: on }
  const held = lockOver(state, lineOf(state, on), context) ?? lockWithin(work, on)
  if (held) return { code: 'locked', rule: held.uid, element: held.lock.on }
  const [before, stale] = state.governance.locks.get(on) ?? []
  if (before !== undefined && stale !== undefined) {
    // One of its own that has not run out is renewed by its UID, not taken twice.
    if (stale.by === author && timeMs <= stale.expiresMs) return { code: 'locked', rule: before, element: on }
    work.put(before, undefined)
  } else if (countOf(state.governance, 'lock', author) >= LOCKS_MAX) return { code: 'too-many' }
  work.put(uid, { kind: 'lock', by: author, on, height, expiresMs })
  return undefined
}

/** Gives a lock back. One that somebody else has taken over since is lost. */
export function unlock(work: Work, { uid }: UnlockOperation): Refusal | undefined {
  const held = work.record(uid, 'lock')
  if (held === undefined) return { code: 'lock-lost' }
  if (held.by !== work.context.author) return { code: 'not-yours', rule: uid, element: held.on }
  work.put(uid, undefined)
  return undefined
}

/** Locks on elements that are gone are gone too. */
export function dropLocks(work: Work, uids: readonly string[]): void {
  const { locks } = work.state.governance
  if (locks.size === 0) return
  for (const uid of uids) {
    const [lockUid] = locks.get(uid) ?? []
    if (lockUid !== undefined) work.put(lockUid, undefined)
  }
}
