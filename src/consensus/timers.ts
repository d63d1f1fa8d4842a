/** When something is due: timers run only while work is pending (ORD-6). */
import { wantBlock } from './blocks.ts'
import type { ConsensusState, Context } from './state.ts'

/** True while something waits to be ordered or committed: only then do timers run (ORD-6). */
export function needsBlock(state: ConsensusState, nowMs: number): boolean {
  if (state.view === 0 || state.halted) return false
  return state.work || wantsEmpty(state, nowMs)
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
  if (state.view === 0 || state.halted) return undefined
  const times: number[] = []
  if (state.deadlineMs !== undefined) times.push(state.deadlineMs)
  if (state.resendAtMs !== undefined) times.push(state.resendAtMs)
  if (!state.work && isUncommitted(state) && !needsBlock(state, nowMs))
    times.push(state.enteredMs + state.config.timing.emptyAfterMs)
  return times.length === 0 ? undefined : Math.min(...times)
}

export function setTimers(context: Context): void {
  const { state, nowMs } = context
  const { timing } = state.config
  const needs = needsBlock(state, nowMs)
  if (!needs) {
    state.deadlineMs = undefined
    state.late = false
  } else if (!state.late && state.deadlineMs === undefined) {
    const growth = 1.5 ** Math.min(state.skipsInARow, 30)
    state.deadlineMs = nowMs + Math.min(timing.viewMaxMs, timing.viewMs * growth)
  } else if (state.deadlineMs !== undefined && nowMs >= state.deadlineMs) {
    state.late = true
    state.deadlineMs = undefined
  }
  if (!needs && !isUncommitted(state)) {
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
  if (state.resendAtMs === undefined) state.resendAtMs = nowMs + timing.resendMs
  else if (nowMs >= state.resendAtMs) {
    state.resends += 1
    state.resendAtMs = nowMs + Math.min(timing.resendMaxMs, timing.resendMs * 1.5 ** state.resends)
    context.effects.push({ type: 'SEND_STATUS' })
    for (const hash of [...state.wanted.keys()]) if (!state.blocks.has(hash)) wantBlock(context, hash)
  }
}
