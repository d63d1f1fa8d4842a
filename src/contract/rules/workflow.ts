/** Phases and rule sets: what moves them on, and what is looked at anew then (RUL-8). */
import type { Agenda } from './agenda.ts'
import { isDue } from './checks.ts'
import { phaseIndex, type Refusal } from './gate.ts'
import type { WorkflowRecord } from './records.ts'
import { fireWhere } from './triggers.ts'
import type { Work } from './work.ts'

/** Before rules are published for the first time, where a contract begins with it; and the phase after it where none is named. */
export const EDIT = 'edit'
export const LIVE = 'live'

/** Moves the contract to a phase. What is required from there on is looked at, and what waits for it happens. */
export function setPhase(work: Work, agenda: Agenda, phase: string): void {
  const { workflow } = work.state.governance
  if (workflow.phase === phase) return
  work.put(work.state.workflowUid, { ...workflow, phase })
  for (const rule of work.state.governance.law.rules.values())
    if (isDue(work.state, rule)) agenda.addAll(work.state, rule)
  fireWhere(work, agenda, (when) => when.kind === 'phase' && when.phase === phase)
}

/** Switches a rule set on or off. What its rules say is looked at as if they were new. */
export function switchSet(work: Work, agenda: Agenda, set: string, on: boolean): void {
  const { workflow, law } = work.state.governance
  const off = new Set(workflow.off)
  if (on === !off.has(set)) return
  if (on) off.delete(set)
  else off.add(set)
  const { off: _, ...rest } = workflow
  const next: WorkflowRecord = off.size === 0 ? rest : { ...rest, off: [...off].sort() }
  work.put(work.state.workflowUid, next)
  if (!on) return
  for (const rule of law.rules.values()) if (rule.rule.set === set) agenda.addAll(work.state, rule)
}

/** Why a member may not move the contract from one phase to another by itself. */
export function phaseRefusal(work: Work, from: string, to: string): Refusal | undefined {
  const { law, workflow } = work.state.governance
  if (workflow.phase !== from) return { code: 'wrong-phase' }
  if (phaseIndex(law, to) === 0) return { code: 'wrong-phase' }
  for (const { uid, rule } of law.rules.values())
    if (rule.behaviour.kind === 'phases' && rule.behaviour.by?.includes(work.context.author) === false)
      return { code: 'access-denied', rule: uid }
  return undefined
}
