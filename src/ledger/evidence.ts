/**
 * Evidence: two signatures that no honest member makes together (PROTOCOL EVI-1). It stands by itself: who holds the
 * party's card can check it.
 */
import { hashJson } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import * as shape from '../crypto/shape.ts'
import {
  checkStatementShape,
  type Electorate,
  type SignedStatement,
  statementVerifies,
} from './certificate.ts'
import {
  type Cosignature,
  checkCosignatureShape,
  cosignatureVerifies,
  cosignedCheckpoint,
  sameCheckpoint,
} from './checkpoint.ts'

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

const statementEvidence = shape.object({
  kind: shape.literal('two-votes', 'two-finalizes', 'finalize-and-skip'),
  party: shape.hash,
  first: checkStatementShape,
  second: checkStatementShape,
})
const checkpointEvidence = shape.object({
  kind: shape.literal('two-checkpoints'),
  party: shape.hash,
  contract: shape.hash,
  lineage: shape.integer(0),
  first: checkCosignatureShape,
  second: checkCosignatureShape,
})

/** Checks the shape of evidence from outside, not whether it holds. @throws CountersignError `bad-format` */
export function checkEvidenceShape(value: unknown): Evidence {
  return (value as { kind?: unknown } | null | undefined)?.kind === 'two-checkpoints'
    ? checkpointEvidence(value, 'evidence')
    : statementEvidence(value, 'evidence')
}

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

/**
 * True if the evidence holds: both signatures are the party's and no honest member makes both. electorate: of the contract,
 * lineage and epoch that it is about.
 */
export function evidenceHolds(
  evidence: Evidence,
  electorate: Electorate,
  cosignKeys: ReadonlyMap<string, string>,
): boolean {
  const { first, second, party } = evidence
  if (first.party !== party || second.party !== party) return false
  if (evidence.kind === 'two-checkpoints') {
    const { contract, lineage } = evidence
    const key = cosignKeys.get(party)
    if (key === undefined || contract !== electorate.contract || lineage !== electorate.lineage) return false
    if (evidence.first.size !== evidence.second.size || sameCheckpoint(evidence.first, evidence.second))
      return false
    return [evidence.first, evidence.second].every((one) => cosignatureVerifies(key, contract, lineage, one))
  }
  if (contradiction(evidence.first, evidence.second) !== evidence.kind) return false
  return statementVerifies(electorate, evidence.first) && statementVerifies(electorate, evidence.second)
}

/**
 * The same contradiction has the same id in whatever order it was found. Signatures are left out of it: one can be shown
 * at more than one place of a batch, and a cosigner can put any time on one.
 */
export function evidenceId(evidence: Evidence): string {
  const { kind, party } = evidence
  return hashJson('evidence', { kind, party, signed: signedOf(evidence) })
}

function signedOf(evidence: Evidence): unknown[] {
  if (evidence.kind !== 'two-checkpoints')
    return [evidence.first.statement, evidence.second.statement].sort(byText)
  const { contract, lineage, first, second } = evidence
  return [first, second].map((one) => cosignedCheckpoint(contract, lineage, one)).sort(byText)
}

function byText(first: unknown, second: unknown): number {
  return jcs(first) < jcs(second) ? -1 : 1
}
