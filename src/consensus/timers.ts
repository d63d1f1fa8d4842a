/** When something is due: timers run only while work is pending (ORD-6). */
import { wantBlocks } from './blocks.ts'
import { grown, viewTimeoutMs } from './patience.ts'
import type { ConsensusState, Context } from './state.ts'

/**
 * True while this view has to end: something waits to be ordered or committed, or another member has begun to end it. What
 * made that member do so may never reach us, and its quorum may need us.
 */
export function isBusy(state: ConsensusState, nowMs: number): boolean {
  if (state.view === 0 || state.halted) return false
  return state.work || wantsEmpty(state, nowMs) || hasBegun(state)
}

function hasBegun(state: ConsensusState): boolean {
  const record = state.views.get(state.view)
  if (!record) return false
  const { proposal, votes, skips, locks } = record
  if (locks.vote !== undefined || locks.finalize !== undefined || locks.skip) return true
  return proposal !== undefined || votes.size > 0 || skips.size > 0
}

/** True once a notarised block has waited long enough for its COMMIT: a block above it may bring it. */
export function wantsEmpty(state: ConsensusState, nowMs: number): boolean {
  return isUncommitted(state) && nowMs >= state.enteredMs + state.config.timing.emptyAfterMs
}

/** True while a notarised block waits for its COMMIT. */
export function isUncommitted(state: ConsensusState): boolean {
  if (state.target) return true
  for (const [view, record] of state.views)
    if (view > state.committed.view && record.notarizations.size > 0) return true
  return false
}

/** When `step` wants a TICK, in ms since 1970; undefined while idle. */
export function nextWakeMs(state: ConsensusState, nowMs: number): number | undefined {
  if (state.view === 0 || state.halted || state.ended) return undefined
  const times: number[] = []
  if (state.deadlineMs !== undefined) times.push(state.deadlineMs)
  if (state.resendAtMs !== undefined) times.push(state.resendAtMs)
  if (isUncommitted(state) && !wantsEmpty(state, nowMs))
    times.push(state.enteredMs + state.config.timing.emptyAfterMs)
  return times.length === 0 ? undefined : Math.min(...times)
}

export function setTimers(context: Context): void {
  const { state, nowMs } = context
  const { timing } = state.config
  const busy = isBusy(state, nowMs)
  if (!busy) {
    state.busySinceMs = undefined
    state.deadlineMs = undefined
    state.late = false
  } else if (!state.late && state.deadlineMs === undefined) {
    state.busySinceMs ??= nowMs
    state.deadlineMs = nowMs + viewTimeoutMs(state)
  } else if (state.deadlineMs !== undefined && nowMs >= state.deadlineMs) {
    state.late = true
    state.deadlineMs = undefined
  }
  if (!busy && !isUncommitted(state)) {
    state.resendAtMs = undefined
    state.resends = 0
    return
  }
  const progress = `${state.view} ${state.committed.height}`
  if (progress !== state.progress) {
    state.progress = progress
    state.resends = 0
    state.resendAtMs = undefined
  }
  // Connections lose nothing while they stand: what is late under load is on its way, and need not be sent again.
  const firstMs = Math.max(timing.resendMs, Math.floor((timing.resendMs * state.patienceMs) / timing.viewMs))
  if (state.resendAtMs === undefined) state.resendAtMs = nowMs + firstMs
  else if (nowMs >= state.resendAtMs) {
    state.resends += 1
    state.resendAtMs = nowMs + grown(firstMs, state.resends, timing.resendMaxMs)
    context.effects.push({ type: 'SEND_STATUS' })
    wantBlocks(context)
  }
}
