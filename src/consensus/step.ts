/**
 * The rules of ordering (PROTOCOL §7): `step` takes one event, changes the state in place and returns what to do about it.
 * The caller writes STORE_… effects to disk before it hands a later SIGN to the signer (ORD-5), and feeds results back.
 */
import { requestChecks, takeCheck, takeProposal, takeSynced, tryCommit } from './blocks.ts'
import { enterView, takeCertificate, takeStatement } from './certificates.ts'
import { helpPeer } from './repair.ts'
import { takeBuilt, takeOwn, tryFinalize, tryPropose, trySkip, tryVote } from './rules.ts'
import {
  type ConsensusState,
  type Context,
  type Effect,
  type Event,
  restartResending,
  viewRecord,
} from './state.ts'
import { setTimers } from './timers.ts'

export function step(state: ConsensusState, event: Event): Effect[] {
  const context: Context = { state, effects: [], nowMs: event.nowMs }
  if (state.halted || state.ended) return context.effects
  switch (event.type) {
    case 'START':
      if (state.view === 0) enterView(context, 1)
      break
    case 'MAY_SIGN':
      state.maySign = true
      break
    case 'WORK':
      state.work = event.work
      break
    case 'TICK':
      break
    case 'PEER_UP':
      state.down.delete(event.party)
      restartResending(state)
      break
    case 'PEER_DOWN':
      state.down.add(event.party)
      break
    case 'PROPOSE':
      takeProposal(context, event.hash, event.proposal)
      break
    case 'STATEMENT':
      takeStatement(context, event.signed)
      break
    case 'CERTIFICATE':
      takeCertificate(context, event.certificate)
      break
    case 'STATUS':
      helpPeer(context, event.from, event.view)
      break
    case 'CHECKED':
      takeCheck(context, event.hash, event.valid, event.timely)
      break
    case 'BUILT':
      takeBuilt(context, event.view, event.hash, event.block)
      break
    case 'NOT_BUILT':
      // It had heard of work that is done by now: it may still propose in this view. Anything else is not tried again.
      if (state.work) viewRecord(state, event.view).mine.built = false
      state.work = false
      break
    case 'SIGNED':
      takeOwn(context, event.signed)
      break
    case 'REFUSED':
      break
    case 'SYNCED':
      takeSynced(context, event)
      break
  }
  settle(context)
  return context.effects
}

/** Applies every rule that has become applicable. Each is idempotent, so their order decides only what goes out first. */
function settle(context: Context): void {
  const { state } = context
  tryCommit(context)
  if (state.halted || state.ended) return
  requestChecks(context)
  if (state.view > 0 && state.maySign) {
    tryFinalize(context, state.view - 1)
    tryVote(context)
    tryPropose(context)
    trySkip(context)
  }
  setTimers(context)
}
