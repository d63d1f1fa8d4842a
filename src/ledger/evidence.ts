/**
 * Evidence: two signatures that no honest member makes together (PROTOCOL EVI-1). It stands by itself: who holds the
 * party's card can check it.
 */
import { hashJson } from '../crypto/hash.ts'
import type { Electorate, SignedStatement } from './certificate.ts'
import { statementVerifies } from './certificate.ts'
import { type Cosignature, cosignatureVerifies } from './checkpoint.ts'

export type StatementEvidence = {
  kind: 'two-votes' | 'two-finalizes' | 'finalize-and-skip'
  party: string
  first: SignedStatement
  second: SignedStatement
}
export type CheckpointEvidence = {
  kind: 'two-checkpoints'
  party: string
  contract: string
  lineage: number
  first: Cosignature
  second: Cosignature
}
export type Evidence = StatementEvidence | CheckpointEvidence

/** What kind of evidence two statements of one member make, or undefined. Signatures are not looked at. */
export function contradiction(
  first: SignedStatement,
  second: SignedStatement,
): StatementEvidence['kind'] | undefined {
  const a = first.statement
  const b = second.statement
  if (first.party !== second.party || a.contract !== b.contract) return undefined
  if (a.lineage !== b.lineage || a.epoch !== b.epoch || a.view !== b.view) return undefined
  if (a.type === 'VOTE' && b.type === 'VOTE' && a.block !== b.block) return 'two-votes'
  if (a.type === 'FINALIZE' && b.type === 'FINALIZE' && a.block !== b.block) return 'two-finalizes'
  const types = `${a.type} ${b.type}`
  if (types === 'FINALIZE SKIP' || types === 'SKIP FINALIZE') return 'finalize-and-skip'
  return undefined
}

/** True if the evidence holds: both signatures are the party's and no honest member makes both. */
export function evidenceHolds(
  evidence: Evidence,
  electorate: Electorate,
  cosignKeys: ReadonlyMap<string, string>,
): boolean {
  if (evidence.kind === 'two-checkpoints') {
    const { contract, lineage, first, second, party } = evidence
    const key = cosignKeys.get(party)
    if (key === undefined || first.size !== second.size || first.root === second.root) return false
    return [first, second].every(
      (one) => one.party === party && cosignatureVerifies(key, contract, lineage, one),
    )
  }
  if (contradiction(evidence.first, evidence.second) !== evidence.kind) return false
  if (evidence.first.party !== evidence.party) return false
  return statementVerifies(electorate, evidence.first) && statementVerifies(electorate, evidence.second)
}

/** The same evidence has the same id whatever the order it was found in. */
export function evidenceId(evidence: Evidence): string {
  const sides = [hashJson('evidence', evidence.first), hashJson('evidence', evidence.second)].sort()
  return hashJson('evidence', { kind: evidence.kind, party: evidence.party, sides })
}
