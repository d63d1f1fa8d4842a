/**
 * A FREEZE (LIN-1) as far as it matters that two of one party differ: its place, its party, and that the party signed it.
 * What else it says is freeze.ts's to check.
 */
import { hashJson } from '../crypto/hash.ts'
import * as shape from '../crypto/shape.ts'
import { type StatementSignature, verifyStatement, verifyStatementByAny } from '../crypto/statement.ts'
import { statementSignatureShape } from './certificate.ts'
import { type Cosignature, checkCosignatureShape } from './checkpoint.ts'

export type AnyFreeze = {
  type: 'FREEZE'
  contract: string
  lineage: number
  epoch: 0
  view: 0
  party: string
  history: unknown
  cosignatures: Cosignature[]
  evidence: unknown[]
}
export type AnySignedFreeze = { statement: AnyFreeze; signature: StatementSignature }

const anything: shape.Check<unknown> = (value) => value

/** Checks a FREEZE as far as it is evidence. */
export const anyFreezeShape: shape.Check<AnySignedFreeze> = shape.object({
  statement: shape.object({
    type: shape.literal('FREEZE'),
    contract: shape.hash,
    lineage: shape.integer(0),
    epoch: shape.integer(0, 0),
    view: shape.integer(0, 0),
    party: shape.hash,
    history: anything,
    cosignatures: shape.array(checkCosignatureShape as shape.Check<Cosignature>, 4096),
    evidence: shape.array(anything, 4096),
  }),
  signature: statementSignatureShape,
}) as shape.Check<AnySignedFreeze>

export function freezeStatementId(statement: AnyFreeze): string {
  return hashJson('freeze', statement)
}

/** True if the FREEZE is by this cosign key (base64url). */
export function freezeVerifies(cosignKey: string, { statement, signature }: AnySignedFreeze): boolean {
  return verifyStatement(cosignKey, statement, signature)
}

/** True if the FREEZE is by one of these cosign keys. */
export function freezeVerifiesByAny(
  cosignKeys: readonly string[],
  { statement, signature }: AnySignedFreeze,
): boolean {
  return verifyStatementByAny(cosignKeys, statement, signature)
}

/** Size of the largest ledger that its own party has cosigned by it, 0 for none. */
export function frozenSize({ party, cosignatures }: AnyFreeze): number {
  return Math.max(0, ...cosignatures.filter((one) => one.party === party).map(({ size }) => size))
}
