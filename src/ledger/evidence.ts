/**
 * Evidence: two signatures that no honest member makes together (PROTOCOL EVI-1). It stands by itself: who holds the
 * party's card can check it.
 */
import { hashJson } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import { verifyConsistency } from '../crypto/log.ts'
import * as shape from '../crypto/shape.ts'
import {
  type Certificate,
  certifiedStatement,
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
import {
  type AnySignedFreeze,
  anyFreezeShape,
  freezeStatementId,
  freezeVerifies,
  frozenSize,
} from './freeze-statement.ts'

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
/**
 * Two cosigned checkpoints of different sizes of which the larger does not extend the smaller: `root`, other than the
 * first's, is the root at the first's size of the log that the second is of, as the RFC 6962 consistency proof shows.
 */
export type ExtensionEvidence = Omit<CheckpointEvidence, 'kind'> & {
  kind: 'not-extended'
  root: string
  proof: string[]
}
/** Two different FREEZEs of a lineage (EVI-4). */
export type FreezeEvidence = {
  kind: 'two-freezes'
  party: string
  contract: string
  lineage: number
  first: AnySignedFreeze
  second: AnySignedFreeze
}
/** A FREEZE, and a cosignature of its party of a larger ledger than it says was the last (EVI-4). */
export type PastFreezeEvidence = Omit<FreezeEvidence, 'kind' | 'second'> & {
  kind: 'cosigned-past-freeze'
  second: Cosignature
}
export type Evidence =
  | StatementEvidence
  | CheckpointEvidence
  | ExtensionEvidence
  | FreezeEvidence
  | PastFreezeEvidence

const statementEvidence = shape.object({
  kind: shape.literal('two-votes', 'two-finalizes', 'finalize-and-skip'),
  party: shape.hash,
  first: checkStatementShape,
  second: checkStatementShape,
})
const cosigned = {
  party: shape.hash,
  contract: shape.hash,
  lineage: shape.integer(0),
  first: checkCosignatureShape,
  second: checkCosignatureShape,
}
const checkpointEvidence = shape.object({ ...cosigned, kind: shape.literal('two-checkpoints') })
/** A consistency proof has at most about two hashes for each doubling of the size. */
const PROOF_MAX = 128
const extensionEvidence = shape.object({
  ...cosigned,
  kind: shape.literal('not-extended'),
  root: shape.hash,
  proof: shape.array(shape.hash, PROOF_MAX),
})

const frozen = { party: shape.hash, contract: shape.hash, lineage: shape.integer(0), first: anyFreezeShape }
const freezeEvidence = shape.object({
  ...frozen,
  kind: shape.literal('two-freezes'),
  second: anyFreezeShape,
})
const pastFreezeEvidence = shape.object({
  ...frozen,
  kind: shape.literal('cosigned-past-freeze'),
  second: checkCosignatureShape,
})

/** Checks the shape of evidence from outside, not whether it holds. @throws CountersignError `bad-format` */
export function checkEvidenceShape(value: unknown): Evidence {
  const kind = (value as { kind?: unknown } | null | undefined)?.kind
  if (kind === 'two-checkpoints') return checkpointEvidence(value, 'evidence') as Evidence
  if (kind === 'not-extended') return extensionEvidence(value, 'evidence') as Evidence
  if (kind === 'two-freezes') return freezeEvidence(value, 'evidence') as Evidence
  if (kind === 'cosigned-past-freeze') return pastFreezeEvidence(value, 'evidence') as Evidence
  return statementEvidence(value, 'evidence') as Evidence
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

/** By party its cosign key, or all that it has had: whoever lies across a change of keys has signed by two of them. */
export type CosignKeys = ReadonlyMap<string, string | readonly string[]>

/**
 * True if the evidence holds: both signatures are the party's and no honest member makes both. electorate: of the contract,
 * lineage and epoch that it is about.
 */
export function evidenceHolds(evidence: Evidence, electorate: Electorate, cosignKeys: CosignKeys): boolean {
  const { party } = evidence
  const keys = [cosignKeys.get(party) ?? []].flat()
  if (evidence.kind === 'two-freezes' || evidence.kind === 'cosigned-past-freeze')
    return isOf(evidence, electorate) && freezeContradicted(evidence, keys)
  const { first, second } = evidence
  if (first.party !== party || second.party !== party) return false
  if (evidence.kind === 'two-checkpoints' || evidence.kind === 'not-extended') {
    const { contract, lineage } = evidence
    if (!isOf(evidence, electorate) || !contradicts(evidence)) return false
    return [evidence.first, evidence.second].every((one) =>
      keys.some((key) => cosignatureVerifies(key, contract, lineage, one)),
    )
  }
  if (contradiction(evidence.first, evidence.second) !== evidence.kind) return false
  return statementVerifies(electorate, evidence.first) && statementVerifies(electorate, evidence.second)
}

/**
 * Whether evidence holds by keys that its party has had, whichever epoch it is of: what an honest member signs in an epoch
 * contradicts itself by none of them. So it can be checked by whoever knows the party, and not the epoch.
 * @param place contract, and the lineage that it has to be about
 */
export function evidenceHeldBy(
  evidence: Evidence,
  place: { contract: string; lineage: number },
  keys: { vote: readonly string[]; cosign: readonly string[] },
): boolean {
  const { party } = evidence
  const epoch = 'lineage' in evidence ? 0 : evidence.first.statement.epoch
  const cosignKeys = new Map([[party, keys.cosign]])
  const isHeld = (voteKeys: ReadonlyMap<string, string>): boolean =>
    evidenceHolds(evidence, { ...place, epoch, quorum: 1, voteKeys }, cosignKeys)
  return 'lineage' in evidence
    ? isHeld(new Map())
    : keys.vote.some((vote) => isHeld(new Map([[party, vote]])))
}

function isOf(place: { contract: string; lineage: number }, electorate: Electorate): boolean {
  return place.contract === electorate.contract && place.lineage === electorate.lineage
}

/** Whether both are the party's, by one of these cosign keys each, and the FREEZE is contradicted. */
function freezeContradicted(evidence: FreezeEvidence | PastFreezeEvidence, keys: readonly string[]): boolean {
  const { party, contract, lineage, first } = evidence
  const isOwn = ({ statement }: AnySignedFreeze): boolean =>
    statement.party === party && statement.contract === contract && statement.lineage === lineage
  const verifies = (freeze: AnySignedFreeze): boolean => keys.some((key) => freezeVerifies(key, freeze))
  if (!isOwn(first) || !verifies(first)) return false
  if (evidence.kind === 'cosigned-past-freeze') {
    const { second } = evidence
    if (second.party !== party || second.size <= frozenSize(first.statement)) return false
    return keys.some((key) => cosignatureVerifies(key, contract, lineage, second))
  }
  const { second } = evidence
  if (freezeStatementId(first.statement) === freezeStatementId(second.statement)) return false
  return isOwn(second) && verifies(second)
}

/** Whether two cosigned checkpoints can't both be of one history. Signatures are not looked at. */
function contradicts(evidence: CheckpointEvidence | ExtensionEvidence): boolean {
  const { first, second } = evidence
  if (evidence.kind === 'two-checkpoints') return first.size === second.size && !sameCheckpoint(first, second)
  const { root, proof } = evidence
  if (first.size >= second.size || root === first.root) return false
  return verifyConsistency(first.size, second.size, root, second.root, proof)
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
  if (evidence.kind === 'two-freezes')
    return [evidence.first, evidence.second].map(({ statement }) => freezeStatementId(statement)).sort()
  if (evidence.kind === 'cosigned-past-freeze')
    return [
      freezeStatementId(evidence.first.statement),
      cosignedCheckpoint(evidence.contract, evidence.lineage, evidence.second),
    ]
  if (evidence.kind !== 'two-checkpoints' && evidence.kind !== 'not-extended')
    return [evidence.first.statement, evidence.second.statement].sort(byText)
  const { contract, lineage, first, second } = evidence
  return [first, second].map((one) => cosignedCheckpoint(contract, lineage, one)).sort(byText)
}

function byText(first: unknown, second: unknown): number {
  return jcs(first) < jcs(second) ? -1 : 1
}

/** What the signers of certificates have signed. */
export function statementsOfCertificates(
  electorate: Electorate,
  certificates: Iterable<Certificate>,
): SignedStatement[] {
  const statements: SignedStatement[] = []
  for (const certificate of certificates) {
    const statement = certifiedStatement(electorate, certificate)
    for (const [party, signature] of certificate.signatures) statements.push({ statement, party, signature })
  }
  return statements
}

/** Lineage that evidence is about. */
export function evidenceLineage(evidence: Evidence): number {
  return 'lineage' in evidence ? evidence.lineage : evidence.first.statement.lineage
}

/** Every contradiction among statements whose signatures were checked, one for each party and kind of it in a view. */
export function contradictionsAmong(statements: Iterable<SignedStatement>): StatementEvidence[] {
  const byPlace = new Map<string, SignedStatement[]>()
  const found = new Map<string, StatementEvidence>()
  for (const signed of statements) {
    const { lineage, epoch, view } = signed.statement
    const place = `${signed.party} ${lineage} ${epoch} ${view}`
    const others = byPlace.get(place) ?? []
    byPlace.set(place, others)
    for (const other of others) {
      const kind = contradiction(other, signed)
      if (kind && !found.has(`${place} ${kind}`))
        found.set(`${place} ${kind}`, { kind, party: signed.party, first: other, second: signed })
    }
    others.push(signed)
  }
  return [...found.values()]
}

/** What a piece of evidence says its party has done, for people. */
export function evidenceText(evidence: Evidence): string {
  if (evidence.kind === 'two-checkpoints') return `cosigned two histories of size ${evidence.first.size}`
  if (evidence.kind === 'not-extended')
    return `cosigned a history of size ${evidence.first.size} and one of size ${evidence.second.size} that does not extend it`
  if (evidence.kind === 'two-freezes') return `signed two FREEZEs of lineage ${evidence.lineage}`
  if (evidence.kind === 'cosigned-past-freeze')
    return `cosigned a ledger of size ${evidence.second.size} that its FREEZE of lineage ${evidence.lineage} leaves out`
  const { view } = evidence.first.statement
  if (evidence.kind === 'finalize-and-skip') return `signed both FINALIZE and SKIP in view ${view}`
  return `signed ${evidence.kind === 'two-votes' ? 'VOTE' : 'FINALIZE'} for two ledger blocks in view ${view}`
}
