/** Guards switched off one at a time, to see that the search finds what each keeps out. None needs a change of src/. */
import { type ConsensusState, type KnownBlock, leaderOf, viewRecord } from '../../src/consensus/state.ts'
import { step } from '../../src/consensus/step.ts'
import type { Certificate, Statement } from '../../src/ledger/certificate.ts'
import { type Lock, type Taken, takeStatement } from '../../src/signer/locks.ts'
import { type Guards, REAL } from './guards.ts'

/** The signer neither holds a new statement against these of its view, nor tells of them when the node starts again. */
function withoutLocks(
  name: string,
  ignored: (statement: Statement) => readonly ('vote' | 'finalize' | 'skip')[],
  forgotten: readonly Statement['type'][],
): Guards {
  const take = (lock: Lock, statement: Statement): Taken => {
    const rest = { ...lock }
    for (const part of ignored(statement)) delete rest[part]
    return takeStatement(rest, statement)
  }
  const remembered: Guards['remembered'] = (contract, lock) => {
    const { statements, ...at } = REAL.remembered(contract, lock)
    return { ...at, statements: statements.filter(({ type }) => !forgotten.includes(type)) }
  }
  return { ...REAL, name, takeStatement: take, remembered, mayBeRefused: true }
}

export const WITHOUT_FINALIZE_SKIP_LOCK = withoutLocks(
  'without the lock between FINALIZE and SKIP',
  ({ type }) => (type === 'SKIP' ? ['finalize'] : type === 'FINALIZE' ? ['skip'] : []),
  ['FINALIZE', 'SKIP'],
)

export const WITHOUT_VOTE_LOCK = withoutLocks(
  'without the lock between two VOTEs',
  ({ type }) => (type === 'VOTE' ? ['vote'] : []),
  ['VOTE'],
)

export const WITHOUT_FINALIZE_LOCK = withoutLocks(
  'without the lock between two FINALIZEs',
  ({ type }) => (type === 'FINALIZE' ? ['finalize'] : []),
  ['FINALIZE'],
)

/** The signer keeps the locks of its highest view only: it signs below that as if it had signed nothing there. */
export const WITHOUT_HIGHEST_VIEW: Guards = {
  ...REAL,
  name: 'without the lock on views below the highest',
  takeStatement: (lock, statement) =>
    statement.view < lock.view ? { result: 'new', lock } : takeStatement(lock, statement),
  remembered: () => ({ view: 0, statements: [] }),
  mayBeRefused: true,
}

/** Only `consensus` has forgotten: its signer still refuses. */
export const WITHOUT_MEMORY_AT_START: Guards = {
  ...REAL,
  name: 'without what the signer tells at a start',
  remembered: () => ({ view: 0, statements: [] }),
  mayBeRefused: true,
}

/** Has a parent's notarization where it is asked whether there is one, and nowhere else. */
class Pretending extends Map<string, Certificate> {
  override has(_hash: string): boolean {
    return true
  }
}

/** Whoever votes does not look for its parent's NOTARIZATION (ORD-3). */
export const WITHOUT_NOTARIZATION_CHECK: Guards = {
  ...REAL,
  name: "without the check of a parent's NOTARIZATION",
  step: (state, event) => {
    const effects = step(state, event)
    const parent = parentOfProposal(state)
    if (parent) effects.push(...withNotarization(state, parent.view, event.nowMs))
    return effects
  },
}

/** Settles once more, with a view in which it seems that whatever is asked about was notarised. */
function withNotarization(state: ConsensusState, view: number, nowMs: number): ReturnType<typeof step> {
  const wasThere = state.views.has(view)
  const record = viewRecord(state, view)
  const real = record.notarizations
  record.notarizations = new Pretending(real)
  const effects = step(state, { type: 'TICK', nowMs })
  record.notarizations = real
  if (!wasThere) state.views.delete(view)
  return effects
}

/** Whoever votes does not look for the SKIPCERTs of the views between (ORD-3). */
export const WITHOUT_SKIP_CHECK: Guards = {
  ...REAL,
  name: 'without the check of SKIPCERTs',
  step: (state, event) => {
    const effects = step(state, event)
    const parent = parentOfProposal(state)
    if (parent) effects.push(...withSkips(state, parent.view, event.nowMs))
    return effects
  },
}

/** Settles once more, with a SKIPCERT of every view after this one. */
function withSkips(state: ConsensusState, since: number, nowMs: number): ReturnType<typeof step> {
  const given: number[] = []
  for (let view = since + 1; view < state.view; view += 1) {
    const record = viewRecord(state, view)
    if (record.skipCertificate) continue
    record.skipCertificate = { kind: 'skip', view, signatures: [] }
    given.push(view)
  }
  const effects = step(state, { type: 'TICK', nowMs })
  for (const view of given) {
    const record = state.views.get(view)
    if (record) record.skipCertificate = undefined
  }
  return effects
}

/** Header of the parent of what this view's leader has proposed, where that is held and not voted for yet. */
function parentOfProposal(state: ConsensusState): { view: number } | undefined {
  const record = state.views.get(state.view)
  if (!record?.proposal || record.mine.vote !== undefined) return undefined
  const known = state.blocks.get(record.proposal)
  return known && state.blocks.get(known.block.header.parent)?.block.header
}

/** A quorum's cosignatures are taken for finality, instead of every member's. */
export const WITH_FINALITY_BY_QUORUM = (quorum: number): Guards => ({
  ...REAL,
  name: 'with finality by a quorum',
  finalSize: (finality) => {
    const sizes = [...finality.cosignatures.values()].map(({ size }) => size)
    return sizes.sort((first, second) => second - first)[quorum - 1] ?? 0
  },
})

/** Nobody is told what it has missed (ORD-10). */
export const WITHOUT_STATUS: Guards = {
  ...REAL,
  name: 'without answers to STATUS',
  step: (state, event) => (event.type === 'STATUS' ? [] : step(state, event)),
}

// ── turns ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whoever votes for a turn that is proposed again does not look for its own NOTARIZATION (EPO-11). */
export const WITHOUT_NOTARIZATION_OF_TURN: Guards = {
  ...REAL,
  name: 'without the check that a turn proposed again is notarised',
  step: (state, event) => {
    const effects = step(state, event)
    const turn = turnProposedAgain(state)
    if (turn) effects.push(...withNotarization(state, turn.block.header.view, event.nowMs))
    return effects
  },
}

/** ... nor for the SKIPCERTs of the views since. */
export const WITHOUT_SKIPS_SINCE_TURN: Guards = {
  ...REAL,
  name: 'without the check of SKIPCERTs since a turn proposed again',
  step: (state, event) => {
    const effects = step(state, event)
    const turn = turnProposedAgain(state)
    if (turn) effects.push(...withSkips(state, turn.block.header.view, event.nowMs))
    return effects
  },
}

/** What this view's leader has proposed again, where that is not voted for yet. */
function turnProposedAgain(state: ConsensusState): KnownBlock | undefined {
  const record = state.views.get(state.view)
  if (!record?.proposal || record.mine.vote !== undefined) return undefined
  const known = state.blocks.get(record.proposal)
  return known && known.block.header.view < state.view ? known : undefined
}

/** Whoever proposes or votes takes a turn that is not committed for any other block: something is built on it, in its epoch. */
const withBlocksOnTurns = (given: Partial<Guards>): Guards => ({
  ...REAL,
  name: 'without the wait for the COMMIT of a turn',
  step: (state, event) => {
    const maySign = state.maySign || event.type === 'MAY_SIGN'
    state.maySign = false
    const effects = event.type === 'MAY_SIGN' ? [] : step(state, event)
    state.maySign = maySign
    const real = new Map(state.blocks)
    for (const [hash, known] of real)
      state.blocks.set(hash, { ...known, block: { ...known.block, entries: [] } })
    effects.push(...step(state, { type: 'TICK', nowMs: event.nowMs }))
    for (const [hash, known] of real) if (state.blocks.has(hash)) state.blocks.set(hash, known)
    return effects
  },
  ...given,
})

export const WITHOUT_COMMITTED_TURN = withBlocksOnTurns({})

/** ... and what comes of it is judged. */
export const WITHOUT_COMMITTED_TURN_JUDGED_LATER = withBlocksOnTurns({ mayVoteOnTurns: true })

/** A leader that holds a turn which is notarised keeps it to itself, instead of proposing it again (EPO-11). */
export const WITHOUT_PROPOSING_AGAIN: Guards = {
  ...REAL,
  name: 'without proposing a turn again',
  step: (state, event) =>
    step(state, event).filter((effect) => {
      if (effect.type !== 'SIGN' || effect.statement.type !== 'VOTE') return true
      const { block, view } = effect.statement
      const isOwn = leaderOf(state.config, view) === state.config.self
      return !isOwn || state.blocks.get(block)?.block.header.view === view
    }),
}
