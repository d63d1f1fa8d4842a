/**
 * FREEZE (PROTOCOL LIN-1): the last thing a member signs in a lineage with two committed histories. It shows the history
 * committed at the member and holds every cosignature and one piece of evidence against each member, as far as it holds any;
 * after it, the member cosigns nothing and reports no new final in the lineage. What a set of them comes to: resolve.ts.
 */
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import type { PrivateKey } from '../crypto/provider.ts'
import * as shape from '../crypto/shape.ts'
import { type StatementSignature, signStatements } from '../crypto/statement.ts'
import { partyOf } from '../identity/card.ts'
import { statementSignatureShape } from './certificate.ts'
import { type Cosignature, checkCosignatureShape, cosignatureVerifies } from './checkpoint.ts'
import { type CosignKeys, checkEvidenceShape, type Evidence, evidenceHeldBy, evidenceId } from './evidence.ts'
import { type FrozenHistory, History, historyShape, type Top } from './freeze-history.ts'
import { type AnyFreeze, freezeStatementId, freezeVerifiesByAny } from './freeze-statement.ts'
import { type FreezeEpoch, keysOf, turnHolds } from './freeze-turn.ts'

export { freezeStatementId, freezeVerifies } from './freeze-statement.ts'

/** cosignatures: by their JCS text; evidence: by id. epoch and view: a FREEZE has none (SIG-3). */
export type Freeze = Omit<AnyFreeze, 'history' | 'evidence'> & {
  history: FrozenHistory
  cosignatures: Cosignature[]
  evidence: Evidence[]
}
export type SignedFreeze = { statement: Freeze; signature: StatementSignature }

/** Of each member one that counts, one beyond, and one of another history. */
export const COSIGNATURES_OF_MEMBER = 3
const MEMBERS_MAX = 256

const statementShape = shape.object({
  type: shape.literal('FREEZE'),
  contract: shape.hash,
  lineage: shape.integer(0),
  epoch: shape.integer(0, 0),
  view: shape.integer(0, 0),
  party: shape.hash,
  history: historyShape,
  cosignatures: shape.array(
    checkCosignatureShape as shape.Check<Cosignature>,
    COSIGNATURES_OF_MEMBER * MEMBERS_MAX,
  ),
  evidence: shape.array(checkEvidenceShape as shape.Check<Evidence>, MEMBERS_MAX),
})
const freezeShape = shape.object({ statement: checkFreezeStatement, signature: statementSignatureShape })

/** Checks the shape of what a FREEZE says, and its order. @throws CountersignError `bad-format` */
export function checkFreezeStatement(value: unknown): Freeze {
  const statement = statementShape(value, 'freeze') as Freeze
  const { cosignatures, evidence } = statement
  if (!isRising(cosignatures.map((one) => jcs(one))) || !isRising(evidence.map(evidenceId)))
    throw new CountersignError(
      'bad-format',
      'freeze: its cosignatures and evidence stand in order, none twice; sort them',
    )
  if (isCrowded(cosignatures, COSIGNATURES_OF_MEMBER) || isCrowded(evidence, 1))
    throw new CountersignError('bad-format', 'freeze: it holds more of one member than it may')
  // A FREEZE inside of evidence would hold others in turn: it stands beside this one, not in it.
  if (evidence.some(({ kind }) => kind === 'two-freezes' || kind === 'cosigned-past-freeze'))
    throw new CountersignError('bad-format', 'freeze: evidence of another FREEZE does not stand in one')
  return statement
}

/** Checks the shape of a FREEZE from outside, and its order. @throws CountersignError `bad-format` */
export function checkFreezeShape(value: unknown): SignedFreeze {
  return freezeShape(value, 'freeze') as SignedFreeze
}

function isRising(texts: readonly string[]): boolean {
  return texts.every((text, index) => index === 0 || (texts[index - 1] as string) < text)
}

function isCrowded(list: readonly { party: string }[], most: number): boolean {
  const counts = new Map<string, number>()
  for (const { party } of list) counts.set(party, (counts.get(party) ?? 0) + 1)
  return [...counts.values()].some((count) => count > most)
}

/** What a member freezes, in order and none twice; of the evidence against a member the first is enough. */
export function makeFreeze(
  contract: string,
  lineage: number,
  party: string,
  history: FrozenHistory,
  cosignatures: readonly Cosignature[],
  evidence: readonly Evidence[],
): Freeze {
  const own = evidence.filter(({ kind }) => kind !== 'two-freezes' && kind !== 'cosigned-past-freeze')
  const first = new Map(own.toReversed().map((one) => [one.party, one]))
  return {
    type: 'FREEZE',
    contract,
    lineage,
    epoch: 0,
    view: 0,
    party,
    history,
    cosignatures: inOrder(cosignatures, (one) => jcs(one)),
    evidence: inOrder([...first.values()], evidenceId),
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
  return freezeStatementId(statement)
}

/**
 * What a FREEZE is checked against: the epochs up to the one that goes on, as far as they are known; a history is of that which it
 * begins in, and of those whose turns it shows. base: what the lineage began with; for lineage 0 block 0. brought: cosign keys of
 * the cards that turns in other FREEZEs of the set brought (`broughtBy`).
 */
export type FreezeContext = { epochs: readonly FreezeEpoch[]; base: Top; brought?: CosignKeys }

/** Cosign keys that turns in these FREEZEs brought, by party. Who came in by one history may have followed another. */
export function broughtBy(freezes: readonly SignedFreeze[]): CosignKeys {
  const brought = new Map<string, string[]>()
  for (const { statement } of freezes)
    for (const { card } of statement.history.turns ?? []) {
      if (card === undefined) continue
      const [party, key] = [partyOf(card.card), card.card.keys.cosign]
      const keys = brought.get(party) ?? []
      if (!keys.includes(key)) brought.set(party, [...keys, key])
    }
  return brought
}

/**
 * Puts a set of FREEZEs in an order in which each holds by what those before it bring. held: those; others: none of these holds.
 */
export function inOrderOfKeys(
  freezes: readonly SignedFreeze[],
  context: FreezeContext,
): { held: SignedFreeze[]; others: SignedFreeze[] } {
  const held: SignedFreeze[] = []
  let others = [...freezes]
  for (let before = -1; before < held.length && others.length > 0; ) {
    before = held.length
    const known = { ...context, brought: broughtBy(held) }
    const now = others.filter((freeze) => freezeHolds(freeze, known))
    held.push(...now)
    others = others.filter((freeze) => !now.includes(freeze))
  }
  return { held, others }
}

/**
 * What of all that a member holds stands in its FREEZE: what is genuine by keys that whoever is in the epochs shown has had.
 * @param last of them: it knows those of the epochs before
 */
export function freezable<T extends Cosignature | Evidence>(held: readonly T[], last: FreezeEpoch): T[] {
  return held.filter((one) => ('kind' in one ? isProven(one, last) : isGenuine(one, last)))
}

/** Of who has another key since, or is out, the last is by a former key. */
function isGenuine(one: Cosignature, { electorate, cosignKeys }: FreezeEpoch): boolean {
  const { contract, lineage } = electorate
  return keysOf(cosignKeys, one.party).some((key) => cosignatureVerifies(key, contract, lineage, one))
}

/** By keys alone, which all who know the epoch know: not by what a node has seen of the epoch that the evidence is of. */
function isProven(one: Evidence, { electorate, cosignKeys, voteKeys }: FreezeEpoch): boolean {
  const { contract, lineage } = electorate
  const keys = {
    vote: keysOf(voteKeys ?? electorate.voteKeys, one.party),
    cosign: keysOf(cosignKeys, one.party),
  }
  return evidenceHeldBy(one, { contract, lineage }, keys)
}

/**
 * True if it is its party's, of this lineage, everything in it is genuine, the history it shows was committed, its party's
 * own cosignature is of that history, and everybody's is of what the history does not show: so that any two histories that
 * honest members show can be compared.
 */
export function freezeHolds(
  freeze: SignedFreeze,
  { epochs: known, base, brought = new Map() }: FreezeContext,
): boolean {
  const { contract, lineage, party, cosignatures, evidence } = freeze.statement
  const history = new History(freeze.statement.history)
  const epochs = history.epochsIn(known, base)
  const [first, last] = [epochs?.[0], epochs?.at(-1)]
  if (epochs === undefined || first === undefined || last === undefined) return false
  if (contract !== first.electorate.contract || lineage !== first.electorate.lineage) return false
  const ownKeys = [...keysOf(last.cosignKeys, party), ...keysOf(brought, party)]
  if (!freezeVerifiesByAny(ownKeys, freeze)) return false
  const { from, header, turns = [] } = history.shown
  if (!turns.every((turn, index) => turnHolds(epochs[index] as FreezeEpoch, turn))) return false
  // A block that ended an epoch was committed by who was in before it.
  const endsEpoch = turns.at(-1)?.block.header.height === header.height
  const { electorate } = endsEpoch ? (epochs.at(-2) as FreezeEpoch) : last
  if (!history.isCommitted(electorate, base)) return false
  const own = cosignatures.filter((one) => one.party === party)
  if (own.length > 1 || !own.every((one) => history.holds(one))) return false
  const isSeen = (member: string): boolean =>
    cosignatures.some((one) => one.party === member && one.size > from && history.holds(one))
  if (!history.isFromBase(base) && !(from >= base.size && first.members.every(isSeen))) return false
  const isOwn = (one: Cosignature): boolean =>
    one.party === party && ownKeys.some((key) => cosignatureVerifies(key, contract, lineage, one))
  return (
    cosignatures.every((one) => isOwn(one) || isGenuine(one, last)) &&
    evidence.every((one) => isProven(one, last))
  )
}
