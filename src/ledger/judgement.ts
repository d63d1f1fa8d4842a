/**
 * What the readers of private values say that rules come to (PROTOCOL JUD-1, JUD-2): not every member can compute it, so every
 * reader signs it, and `apply` takes it as input. It is a reader's receipt, too: it holds the values that it judges.
 */
import { CountersignError } from '../crypto/errors.ts'
import { hashJson } from '../crypto/hash.ts'
import { jcsBytes } from '../crypto/jcs.ts'
import * as shape from '../crypto/shape.ts'
import { type SignatureCache, type StatementSignature, verifyStatement } from '../crypto/statement.ts'
import { statementSignatureShape } from './certificate.ts'

/** What a rule came to: a commitment, a time in ms, whether it is so; null where it is nothing. */
export type JudgedResult = string | boolean | null

/**
 * rule, element: UIDs, as in an entry's results; of whether a value is of its field's type, both are the field's. inputs: hash
 * (64 hex) of the records that the rule reads, so that it holds for no others.
 */
export type JudgedItem = [rule: string, element: string, inputs: string, result: JudgedResult]

/** reveals: commitments among the results whose openings everybody gets: what an aggregate makes public. */
export type Judgement = {
  type: 'JUDGEMENT'
  contract: string
  lineage: number
  epoch: number
  view: 0
  request: string
  items: JudgedItem[]
  reveals?: string[]
}

/** A party's JUDGEMENT as it stands in an entry, which says the rest of it. */
export type JudgedBy = {
  party: string
  items: JudgedItem[]
  reveals?: string[]
  signature: StatementSignature
}

/** Where a JUDGEMENT holds. */
export type JudgementPlace = Pick<Judgement, 'contract' | 'lineage' | 'epoch' | 'request'>

export const ITEMS_MAX = 100_000
export const READERS_MAX = 256

const RESULT = shape.pattern(/^([0-9a-f]{64}|0|[1-9][0-9]{0,14})$/, 'a commitment or a time')
const item: shape.Check<JudgedItem> = (value, where) => {
  const [rule, element, inputs, result] = shape.array<unknown>((one) => one, 4, 4)(value, where)
  shape.uid(rule, `${where}[0]`)
  shape.uid(element, `${where}[1]`)
  shape.hash(inputs, `${where}[2]`)
  if (result !== null && typeof result !== 'boolean') RESULT(result, `${where}[3]`)
  return value as JudgedItem
}
const items = shape.array(item, ITEMS_MAX)
const reveals = shape.array(shape.hash, ITEMS_MAX, 1)
export const judgedByShape: shape.Check<JudgedBy> = shape.object(
  { party: shape.hash, items, signature: statementSignatureShape },
  { reveals },
) as shape.Check<JudgedBy>

/** The judgements of one request, by party, each party once. */
export const judgementsShape: shape.Check<JudgedBy[]> = (value, where) => {
  const list = shape.array(judgedByShape, READERS_MAX, 1)(value, where)
  for (const [index, { party }] of list.entries())
    if (index > 0 && (list[index - 1] as JudgedBy).party >= party)
      throw new CountersignError('bad-format', `${where}: expected parties in order, each once`)
  return list
}

const judgementShape = shape.object(
  {
    type: shape.literal('JUDGEMENT'),
    contract: shape.hash,
    lineage: shape.integer(0),
    epoch: shape.integer(0),
    view: shape.integer(0, 0),
    request: shape.hash,
    items,
  },
  { reveals },
)

/** Checks what a signer is to sign. @throws CountersignError `bad-format` */
export function checkJudgement(value: unknown): Judgement {
  return judgementShape(value, 'judgement') as Judgement
}

/** What a party signed. */
export function judgementAt(
  { contract, lineage, epoch, request }: JudgementPlace,
  judged: Pick<JudgedBy, 'items' | 'reveals'>,
): Judgement {
  const { items: found, reveals: revealed } = judged
  const said = { items: found, ...(revealed !== undefined && { reveals: revealed }) }
  return { type: 'JUDGEMENT', contract, lineage, epoch, view: 0, request, ...said }
}

/** True if it is this vote key's (base64url), at this place. */
export function judgementVerifies(
  voteKey: string,
  place: JudgementPlace,
  judged: JudgedBy,
  cache?: SignatureCache,
): boolean {
  return verifyStatement(voteKey, judgementAt(place, judged), judged.signature, cache)
}

/** The commitments whose openings come with a request for everybody, beside its own. */
export function revealedIn(judgement: readonly JudgedBy[] = []): string[] {
  return [...new Set(judgement.flatMap(({ reveals: revealed = [] }) => revealed))]
}

/** Hash of what a rule reads: UIDs in order, with the hashes of their records. */
export function inputsHash(read: readonly (readonly [uid: string, record: string])[]): string {
  return hashJson('judged', read)
}

/** Of all judgements in a ledger block, in JCS: so that a block fits into a frame. */
export const JUDGEMENTS_MAX_BYTES = 4 * 1024 * 1024

export function judgementsSizeBytes(entries: readonly { judgement?: readonly JudgedBy[] }[]): number {
  let sizeBytes = 0
  for (const { judgement } of entries) if (judgement !== undefined) sizeBytes += jcsBytes(judgement).length
  return sizeBytes
}
