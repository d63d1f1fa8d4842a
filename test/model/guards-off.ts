/** Guards switched off one at a time, to see that the search finds what each keeps out. None needs a change of src/. */
import { type ConsensusState, viewRecord } from '../../src/consensus/state.ts'
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
    if (!parent) return effects
    const wasThere = state.views.has(parent.view)
    const record = viewRecord(state, parent.view)
    const real = record.notarizations
    record.notarizations = new Pretending(real)
    effects.push(...step(state, { type: 'TICK', nowMs: event.nowMs }))
    record.notarizations = real
    if (!wasThere) state.views.delete(parent.view)
    return effects
  },
}

/** Whoever votes does not look for the SKIPCERTs of the views between (ORD-3). */
export const WITHOUT_SKIP_CHECK: Guards = {
  ...REAL,
  name: 'without the check of SKIPCERTs',
  step: (state, event) => {
    const effects = step(state, event)
    const parent = parentOfProposal(state)
    if (!parent) return effects
    const given: number[] = []
    for (let view = parent.view + 1; view < state.view; view += 1) {
      const record = viewRecord(state, view)
      if (record.skipCertificate) continue
      record.skipCertificate = { kind: 'skip', view, signatures: [] }
      given.push(view)
    }
    effects.push(...step(state, { type: 'TICK', nowMs: event.nowMs }))
    for (const view of given) {
      const record = state.views.get(view)
      if (record) record.skipCertificate = undefined
    }
    return effects
  },
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
