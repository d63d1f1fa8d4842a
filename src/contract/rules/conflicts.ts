/**
 * What stands against one another in a contract (RUL-11): never only an error to whoever came second, but something that is there
 * for all to see, with its parties and the ways out of it. It follows from the state alone.
 */
import { CountersignError } from '../../crypto/errors.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { DraftAction } from '../../ledger/rule-operation.ts'
import { type ContractState, element } from '../elements.ts'
import { Foresight } from '../foresight.ts'
import { isRuleRecord, versionOf } from '../record.ts'
import { checkRule } from './checks.ts'
import { missingYes } from './drafts.ts'
import { Refused } from './judging.ts'
import { lawRuleOf } from './law.ts'
import { elementsAt } from './paths.ts'
import type { DraftRecord, ProposalRecord } from './records.ts'
import { type OpeningSource, ValueNotHeld, Work } from './work.ts'

/** A way out of a conflict: who can take it, and how. */
export type WayOut = { do: 'vote' | 'withdraw' | 'set' | 'amend' | 'propose'; by: string[]; on: string }

/**
 * - `competing-proposals`: several values are proposed for one field
 * - `outdated-proposal`: the field has become another since it was made
 * - `values-break-draft`: values that stand there break a rule that is drafted
 * - `competing-drafts`: several drafts change one rule
 * - `failed-trigger`: what it was to do at its date broke a rule
 */
export type ConflictKind =
  | 'competing-proposals'
  | 'outdated-proposal'
  | 'values-break-draft'
  | 'competing-drafts'
  | 'failed-trigger'

/** elements: UIDs it is about; records: of the proposals, drafts or rules. */
export type Conflict = {
  kind: ConflictKind
  elements: string[]
  records: string[]
  parties: string[]
  ways: WayOut[]
}

/** Elements that one conflict names at most. */
const ELEMENTS_MAX = 100

/**
 * Every conflict in a state, in the order of the kinds above.
 * @param openings of its values; what breaks a draft is looked for as far as they are held
 * @param timeMs block time of the state
 */
export function conflictsOf(state: ContractState, openings: OpeningSource, timeMs: number): Conflict[] {
  return [
    ...competingProposals(state),
    ...outdatedProposals(state),
    ...brokenDrafts(state, openings, timeMs),
    ...competingDrafts(state),
    ...failedTriggers(state),
  ]
}

function* proposalsOn(state: ContractState): Generator<[field: string, [uid: string, ProposalRecord][]]> {
  for (const [field, uids] of state.governance.proposals) {
    const open = uids.flatMap((uid): [string, ProposalRecord][] => {
      const record = state.map.get(uid)
      return isRuleRecord(record) && record.kind === 'proposal' ? [[uid, record]] : []
    })
    yield [field, open]
  }
}

function* competingProposals(state: ContractState): Generator<Conflict> {
  for (const [field, open] of proposalsOn(state)) {
    if (open.length < 2) continue
    yield {
      kind: 'competing-proposals',
      elements: [field],
      records: open.map(([uid]) => uid),
      parties: open.map(([, { by }]) => by),
      ways: open.flatMap(([uid, { by, yes }]): WayOut[] => [
        { do: 'vote', by: missingYes(state.epoch.members, { yes }), on: uid },
        { do: 'withdraw', by: [by], on: uid },
      ]),
    }
  }
}

function* outdatedProposals(state: ContractState): Generator<Conflict> {
  for (const [field, open] of proposalsOn(state)) {
    const record = element(state, field)
    const version = record && versionOf(record)
    for (const [uid, { by, seen }] of open)
      if (seen !== version)
        yield {
          kind: 'outdated-proposal',
          elements: [field],
          records: [uid],
          parties: [by],
          ways: [
            { do: 'propose', by: [by], on: field },
            { do: 'withdraw', by: [by], on: uid },
          ],
        }
  }
}

function* brokenDrafts(state: ContractState, openings: OpeningSource, timeMs: number): Generator<Conflict> {
  for (const [uid, draft] of state.governance.drafts) {
    const rule = ruleOf(draft.action)
    const elements = rule ? breaking(state, openings, timeMs, uid, draft, rule) : []
    if (elements.length === 0) continue
    const { members } = state.epoch
    yield {
      kind: 'values-break-draft',
      elements,
      records: [uid],
      parties: [draft.by],
      ways: [
        ...elements.map((on): WayOut => ({ do: 'set', by: members, on })),
        { do: 'amend', by: [draft.by], on: uid },
        { do: 'vote', by: missingYes(members, draft), on: uid },
      ],
    }
  }
}

function ruleOf(action: DraftAction): RuleBody | undefined {
  if (action.do === 'add') return action.rule
  return action.do === 'replace' ? action.by : undefined
}

/** The elements that would break a drafted rule if it were in force. */
function breaking(
  state: ContractState,
  openings: OpeningSource,
  timeMs: number,
  uid: string,
  { by, reads, place }: DraftRecord,
  rule: RuleBody,
): string[] {
  const found: string[] = []
  try {
    const drafted = lawRuleOf(uid, { owner: by, rule, reads, place })
    const at = { id: '', author: by, height: 0, timeMs }
    const work = new Work(state, at, openings, undefined, new Foresight(false))
    for (const at of elementsAt(state, rule.at, drafted.here, true)) {
      const refused = checkRule(work, drafted, at)
      if (refused?.element !== undefined) found.push(refused.element)
      if (found.length >= ELEMENTS_MAX) break
    }
  } catch (error) {
    const isUntold = error instanceof ValueNotHeld || error instanceof Refused
    if (!(isUntold || error instanceof CountersignError)) throw error
  }
  return found
}

function* competingDrafts(state: ContractState): Generator<Conflict> {
  const onRule = new Map<string, [string, DraftRecord][]>()
  for (const [uid, draft] of state.governance.drafts) {
    const { action } = draft
    const target = targetOf(action)
    if (target !== undefined) onRule.set(target, [...(onRule.get(target) ?? []), [uid, draft]])
  }
  for (const drafts of onRule.values())
    if (drafts.length > 1)
      yield {
        kind: 'competing-drafts',
        elements: [],
        records: drafts.map(([uid]) => uid),
        parties: drafts.map(([, { by }]) => by),
        ways: drafts.map(([uid, { by }]): WayOut => ({ do: 'withdraw', by: [by], on: uid })),
      }
}

/** What only one of several drafts can do something about. */
function targetOf(action: DraftRecord['action']): string | undefined {
  switch (action.do) {
    case 'add':
      return undefined
    case 'switch':
      return `set ${action.set}`
    case 'template':
      return `template ${action.on}`
    default:
      return action.rule
  }
}

function* failedTriggers(state: ContractState): Generator<Conflict> {
  for (const { uid, owner, rule } of state.governance.law.rules.values()) {
    const record = state.map.get(uid)
    if (!isRuleRecord(record) || record.kind !== 'rule' || record.failed !== true) continue
    yield {
      kind: 'failed-trigger',
      elements: [rule.at],
      records: [uid],
      parties: [owner],
      ways: [{ do: 'amend', by: [owner], on: uid }],
    }
  }
}
