/**
 * What surrounds the elements of a state, at hand: which rules are in force, what stands proposed, drafted and locked. It follows
 * from the records alone (records.ts); a change of it shares what it can with the one before.
 */
import { emptyTrie, type Trie } from '../../crypto/trie.ts'
import { type Law, lawOf, NO_LAW } from './law.ts'
import type {
  DraftRecord,
  LockRecord,
  RuleRecord,
  RuleStateRecord,
  SettlementRecord,
  WorkflowRecord,
} from './records.ts'

/** See the head of this file. */
export type Governance = {
  readonly law: Law
  /** How many records surround the elements. */
  readonly recordCount: number
  readonly workflow: WorkflowRecord
  /** By UID. */
  readonly drafts: Trie<DraftRecord>
  /** UIDs of the open proposals, by that of their field. */
  readonly proposals: Trie<readonly string[]>
  /** How many proposals are open. */
  readonly proposalCount: number
  /** By the UID of the element that is locked. */
  readonly locks: Trie<readonly [uid: string, lock: LockRecord]>
  readonly settlement: SettlementRecord | undefined
  /** How many drafts, proposals and locks are a party's, by kind and party: nobody takes the room of the others. */
  readonly counts: ReadonlyMap<string, number>
}

/** The phase of a contract whose genesis says nothing of it. */
const FIRST_WORKFLOW: WorkflowRecord = { kind: 'workflow', phase: 'live', publication: 0 }

export function emptyGovernance(law: Law = NO_LAW): Governance {
  return {
    law,
    recordCount: 0,
    workflow: FIRST_WORKFLOW,
    drafts: emptyTrie(),
    proposals: emptyTrie(),
    proposalCount: 0,
    locks: emptyTrie(),
    settlement: undefined,
    counts: new Map(),
  }
}

/** How many records of a kind a party has. */
export function countOf({ counts }: Governance, kind: Counted, party: string): number {
  return counts.get(`${kind} ${party}`) ?? 0
}

type Counted = 'draft' | 'proposal' | 'lock'

function counted(
  counts: ReadonlyMap<string, number>,
  record: RuleStateRecord | undefined,
  by: 1 | -1,
): ReadonlyMap<string, number> {
  if (record?.kind !== 'draft' && record?.kind !== 'proposal' && record?.kind !== 'lock') return counts
  const key = `${record.kind} ${record.by}`
  const count = (counts.get(key) ?? 0) + by
  const next = new Map(counts)
  if (count === 0) next.delete(key)
  else next.set(key, count)
  return next
}

/** The governance after one record was put in the place of another; the law is none of it. */
export function withRuleRecord(
  governance: Governance,
  uid: string,
  before: RuleStateRecord | undefined,
  after: RuleStateRecord | undefined,
): Governance {
  const recordCount = governance.recordCount + (after ? 1 : 0) - (before ? 1 : 0)
  const counts = counted(counted(governance.counts, before, -1), after, 1)
  return { ...add(remove(governance, uid, before), uid, after), recordCount, counts }
}

function remove(governance: Governance, uid: string, record: RuleStateRecord | undefined): Governance {
  switch (record?.kind) {
    case 'draft':
      return { ...governance, drafts: governance.drafts.delete(uid) }
    case 'proposal': {
      const others = (governance.proposals.get(record.on) ?? []).filter((one) => one !== uid)
      const { proposals } = governance
      return {
        ...governance,
        proposals: others.length === 0 ? proposals.delete(record.on) : proposals.set(record.on, others),
        proposalCount: governance.proposalCount - 1,
      }
    }
    case 'lock':
      return { ...governance, locks: governance.locks.delete(record.on) }
    case 'workflow':
      return { ...governance, workflow: FIRST_WORKFLOW }
    case 'settlement':
      return { ...governance, settlement: undefined }
    default:
      return governance
  }
}

function add(governance: Governance, uid: string, record: RuleStateRecord | undefined): Governance {
  switch (record?.kind) {
    case 'draft':
      return { ...governance, drafts: governance.drafts.set(uid, record) }
    case 'proposal': {
      const { proposals } = governance
      const all = [...(proposals.get(record.on) ?? []), uid].sort()
      return {
        ...governance,
        proposals: proposals.set(record.on, all),
        proposalCount: governance.proposalCount + 1,
      }
    }
    case 'lock':
      return { ...governance, locks: governance.locks.set(record.on, [uid, record]) }
    case 'workflow':
      return { ...governance, workflow: record }
    case 'settlement':
      return { ...governance, settlement: record }
    default:
      return governance
  }
}

/** What these records say. @throws CountersignError `bad-rule` */
export function governanceOf(records: Iterable<readonly [uid: string, record: RuleStateRecord]>): Governance {
  const rules: [string, RuleRecord][] = []
  let governance = emptyGovernance()
  for (const [uid, record] of records) {
    if (record.kind === 'rule') rules.push([uid, record])
    governance = withRuleRecord(governance, uid, undefined, record)
  }
  return { ...governance, law: lawOf(rules) }
}
