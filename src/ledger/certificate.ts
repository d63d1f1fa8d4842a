/**
 * Statements members sign while ordering, and the certificates made of them (PROTOCOL SIG-3, ORD-1).
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import { type SignatureCache, type StatementSignature, verifyStatement } from '../crypto/statement.ts'

type Place = { contract: string; lineage: number; epoch: number; view: number }
export type Vote = Place & { type: 'VOTE'; block: string }
export type Finalize = Place & { type: 'FINALIZE'; block: string }
export type Skip = Place & { type: 'SKIP' }
export type Statement = Vote | Finalize | Skip

export type SignedStatement = { statement: Statement; party: string; signature: StatementSignature }

export type CertificateKind = 'notarization' | 'skip' | 'finalization'

/** At least q members' signatures on one statement of a view. `block` is absent for kind `skip`. */
export type Certificate = {
  kind: CertificateKind
  view: number
  block?: string
  signatures: [party: string, signature: StatementSignature][]
}

/** What a certificate or statement is checked against: one lineage and epoch of a contract. */
export type Electorate = {
  contract: string
  lineage: number
  epoch: number
  quorum: number
  /** Party id to vote key (base64url). */
  voteKeys: ReadonlyMap<string, string>
}

const batchShape = shape.object({
  index: shape.integer(0, 65535),
  size: shape.integer(2, 65536),
  path: shape.array(shape.hash, 16),
})
export const statementSignatureShape: shape.Check<StatementSignature> = shape.object(
  { signature: shape.signature },
  { batch: batchShape },
)

const place = {
  contract: shape.hash,
  lineage: shape.integer(0),
  epoch: shape.integer(0),
  view: shape.integer(1),
}
const named = shape.object({ ...place, type: shape.literal('VOTE', 'FINALIZE'), block: shape.hash })
const skip = shape.object({ ...place, type: shape.literal('SKIP') })
const statementShape: shape.Check<Statement> = (value, where) =>
  ((value as { type?: unknown } | null)?.type === 'SKIP'
    ? skip(value, where)
    : named(value, where)) as Statement
const signedStatementShape = shape.object({
  statement: statementShape,
  party: shape.hash,
  signature: statementSignatureShape,
})

/** Checks the shape of a signed statement from outside, not its signature. @throws CountersignError `bad-format` */
export function checkStatementShape(value: unknown): SignedStatement {
  return signedStatementShape(value, 'statement') as SignedStatement
}

const certificateShape = shape.object(
  {
    kind: shape.literal('notarization', 'skip', 'finalization'),
    view: shape.integer(1),
    signatures: shape.array(
      ((value: unknown, where: string) => {
        if (!Array.isArray(value) || value.length !== 2)
          throw new CountersignError('bad-format', `${where}: expected [party, signature]`)
        shape.hash(value[0], `${where}[0]`)
        statementSignatureShape(value[1], `${where}[1]`)
        return value
      }) as shape.Check<[string, StatementSignature]>,
      256,
      1,
    ),
  },
  { block: shape.hash },
)

/** Checks the shape of a certificate from outside, not its signatures. @throws CountersignError `bad-format` */
export function checkCertificateShape(value: unknown): Certificate {
  const certificate = certificateShape(value, 'certificate') as Certificate
  if ((certificate.kind === 'skip') !== (certificate.block === undefined))
    throw new CountersignError('bad-format', 'certificate.block: stands with every kind but skip')
  return certificate
}

/** The statement each signer of a certificate signed. */
export function certifiedStatement(electorate: Electorate, certificate: Certificate): Statement {
  const { contract, lineage, epoch } = electorate
  const at = { contract, lineage, epoch, view: certificate.view }
  if (certificate.kind === 'skip') return { ...at, type: 'SKIP' }
  return {
    ...at,
    type: certificate.kind === 'notarization' ? 'VOTE' : 'FINALIZE',
    block: certificate.block as string,
  }
}

/** True if this signature is the member's on the statement, and the statement is of this electorate. */
export function statementVerifies(
  electorate: Electorate,
  signed: SignedStatement,
  cache?: SignatureCache,
): boolean {
  const { statement } = signed
  const key = electorate.voteKeys.get(signed.party)
  if (key === undefined) return false
  if (statement.contract !== electorate.contract) return false
  if (statement.lineage !== electorate.lineage || statement.epoch !== electorate.epoch) return false
  return verifyStatement(key, statement, signed.signature, cache)
}

/** True if at least a quorum of distinct members signed what the certificate says, and no signature in it is bad. */
export function certificateVerifies(
  electorate: Electorate,
  certificate: Certificate,
  cache?: SignatureCache,
): boolean {
  const statement = certifiedStatement(electorate, certificate)
  const parties = new Set<string>()
  for (const [party, signature] of certificate.signatures) {
    if (parties.has(party)) return false
    parties.add(party)
    if (!statementVerifies(electorate, { statement, party, signature }, cache)) return false
  }
  return parties.size >= electorate.quorum
}
