/**
 * FREEZE and RESOLVE (PROTOCOL LIN-1, LIN-2): how a contract with two committed histories goes on without who signed both.
 *
 * Each member signs one FREEZE, with every cosignature and all evidence it holds; after it, it cosigns nothing and reports no
 * new final in the lineage. A RESOLVE is no further signature: it is any set of FREEZEs that lacks only members whom the set
 * itself proves guilty. Where the next lineage starts is computed from it, the same by everybody. A final that an honest member
 * reported is never abandoned: every member's cosignature of it, its own among them, is in that member's FREEZE.
 */
import { CountersignError } from '../crypto/errors.ts'
import { hashJson } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import type { PrivateKey } from '../crypto/provider.ts'
import * as shape from '../crypto/shape.ts'
import { type StatementSignature, signStatements, verifyStatement } from '../crypto/statement.ts'
import { type Electorate, statementSignatureShape } from './certificate.ts'
import { type Cosignature, checkCosignatureShape, cosignatureVerifies } from './checkpoint.ts'
import { checkEvidenceShape, type Evidence, evidenceHolds, evidenceId } from './evidence.ts'

/** cosignatures: by their JCS text; evidence: by id. epoch and view: a FREEZE has none (SIG-3). */
export type Freeze = {
  type: 'FREEZE'
  contract: string
  lineage: number
  epoch: 0
  view: 0
  party: string
  cosignatures: Cosignature[]
  evidence: Evidence[]
}
export type SignedFreeze = { statement: Freeze; signature: StatementSignature }

/** Of each member at most one that counts, one beyond, and one of another history; some liars' more. */
const COSIGNATURES_MAX = 4096
const EVIDENCE_MAX = 4096

const freezeShape = shape.object({
  statement: shape.object({
    type: shape.literal('FREEZE'),
    contract: shape.hash,
    lineage: shape.integer(0),
    epoch: shape.integer(0, 0),
    view: shape.integer(0, 0),
    party: shape.hash,
    cosignatures: shape.array(checkCosignatureShape as shape.Check<Cosignature>, COSIGNATURES_MAX),
    evidence: shape.array(checkEvidenceShape as shape.Check<Evidence>, EVIDENCE_MAX),
  }),
  signature: statementSignatureShape,
})

/** Checks the shape of a FREEZE from outside, and its order. @throws CountersignError `bad-format` */
export function checkFreezeShape(value: unknown): SignedFreeze {
  const freeze = freezeShape(value, 'freeze') as SignedFreeze
  const { cosignatures, evidence } = freeze.statement
  if (!isRising(cosignatures.map((one) => jcs(one))) || !isRising(evidence.map(evidenceId)))
    throw new CountersignError(
      'bad-format',
      'freeze: its cosignatures and evidence stand in order, none twice; sort them',
    )
  return freeze
}

function isRising(texts: readonly string[]): boolean {
  return texts.every((text, index) => index === 0 || (texts[index - 1] as string) < text)
}

/** What a member freezes, in order and none twice. */
export function makeFreeze(
  contract: string,
  lineage: number,
  party: string,
  cosignatures: readonly Cosignature[],
  evidence: readonly Evidence[],
): Freeze {
  return {
    type: 'FREEZE',
    contract,
    lineage,
    epoch: 0,
    view: 0,
    party,
    cosignatures: inOrder(cosignatures, (one) => jcs(one)),
    evidence: inOrder(evidence, evidenceId),
  }
}

function inOrder<T>(list: readonly T[], nameOf: (one: T) => string): T[] {
  const byName = new Map(list.map((one) => [nameOf(one), one]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** By the party's cosign key. The signer does it once a lineage (SGN-1). */
export function signFreeze(cosignKey: PrivateKey, statement: Freeze): SignedFreeze {
  const [signature] = signStatements(cosignKey, [statement])
  return { statement, signature: signature as StatementSignature }
}

export function freezeId({ statement }: SignedFreeze): string {
  return hashJson('freeze', statement)
}

/** True if it is its party's, of this lineage, and everything in it is genuine. */
export function freezeHolds(
  { statement, signature }: SignedFreeze,
  electorate: Electorate,
  cosignKeys: ReadonlyMap<string, string>,
): boolean {
  const { contract, lineage, party, cosignatures, evidence } = statement
  const key = cosignKeys.get(party)
  if (key === undefined || contract !== electorate.contract || lineage !== electorate.lineage) return false
  if (!verifyStatement(key, statement, signature)) return false
  return (
    cosignatures.every((one) => {
      const itsKey = cosignKeys.get(one.party)
      return itsKey !== undefined && cosignatureVerifies(itsKey, contract, lineage, one)
    }) && evidence.every((one) => evidenceHolds(one, electorate, cosignKeys))
  )
}

/** A checkpoint as far as histories are compared: `block` names the whole history up to it. */
export type Top = Pick<Cosignature, 'size' | 'block'>

/** tip: the block the next lineage starts on; undefined where nobody has cosigned anything. guilty: left out, by party. */
export type Resolution = { tip: Top | undefined; guilty: string[] }

/**
 * What a set of FREEZEs comes to, or whose are missing. Every one must hold (`freezeHolds`).
 * @param isExtension whether the first history contains the second, or is it: a matter of hashes, not of opinion
 */
export function resolve(
  freezes: readonly SignedFreeze[],
  members: readonly string[],
  isExtension: (longer: Top, shorter: Top) => boolean,
): Resolution | { missing: string[] } {
  const statements = freezes.map(({ statement }) => statement)
  const union = statements.flatMap(({ cosignatures }) => cosignatures)
  const guilty = guiltyIn(freezes, union, isExtension)
  const frozen = new Set(statements.map(({ party }) => party))
  const missing = members.filter((party) => !guilty.has(party) && !frozen.has(party))
  if (missing.length > 0) return { missing }
  const tops = members.flatMap((party) => {
    if (guilty.has(party)) return []
    const own = union.filter((one) => one.party === party)
    return own.length === 0 ? [] : [own.reduce((a, b) => (b.size > a.size ? b : a))]
  })
  const support = (top: Top): number =>
    tops.filter((other) => isExtension(other, top) || isExtension(top, other)).length
  let tip: { top: Top; count: number } | undefined
  for (const top of tops) {
    const count = support(top)
    if (!tip || isBetter(top, count, tip)) tip = { top, count }
  }
  const chosen = tip && { size: tip.top.size, block: tip.top.block }
  return { tip: chosen, guilty: members.filter((party) => guilty.has(party)) }
}

/** Most members on its branch, then the longest, then the lowest hash. */
function isBetter(top: Top, count: number, than: { top: Top; count: number }): boolean {
  if (count !== than.count) return count > than.count
  if (top.size !== than.top.size) return top.size > than.top.size
  return top.block < than.top.block
}

/** Who has signed two FREEZEs, or is shown by the set to have cosigned or signed two histories. */
function guiltyIn(
  freezes: readonly SignedFreeze[],
  union: readonly Cosignature[],
  isExtension: (longer: Top, shorter: Top) => boolean,
): Set<string> {
  const guilty = new Set<string>()
  const ids = new Map<string, string>()
  for (const freeze of freezes) {
    const { party, evidence } = freeze.statement
    const id = freezeId(freeze)
    if (ids.has(party) && ids.get(party) !== id) guilty.add(party)
    ids.set(party, id)
    for (const one of evidence) guilty.add(one.party)
  }
  for (const one of union)
    for (const other of union)
      if (one.party === other.party && !isExtension(one, other) && !isExtension(other, one))
        guilty.add(one.party)
  return guilty
}
