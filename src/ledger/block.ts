/**
 * Ledger blocks: requests in order at a height (PROTOCOL BLK-1, BLK-2, BLK-4).
 */
import { hexDecode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import { leafHash, merkleRoot } from '../crypto/log.ts'
import * as shape from '../crypto/shape.ts'
import { type JudgedBy, judgementsShape } from './judgement.ts'

export type Header = {
  contract: string
  lineage: number
  epoch: number
  height: number
  view: number
  /** Hash of the ledger block before. */
  parent: string
  timeMs: number
  entriesRoot: string
  stateRoot: string
  /** Root of the log of all ledger blocks before this one. */
  logRoot: string
}

export type Outcome = 'accepted' | 'conflicted' | 'rejected'

/** UID and the element's new record hash, null where it is removed; by UID. */
export type Effect = [uid: string, recordHash: string | null]

/** What a rule came to at an element: a commitment, `time` in ms, whether it is so; null where it is nothing. */
export type RuleResult = [rule: string, element: string, result: string | boolean | null]

/**
 * code: stands with every outcome but accepted. rule, element: UIDs of what stands against it, and of what it is about. results:
 * what rules came to, where something follows from it, in the order in which it was computed. judgement: of the readers of private
 * values, whatever the outcome.
 */
export type Entry = {
  kind: 'request'
  request: string
  outcome: Outcome
  code?: string
  rule?: string
  element?: string
  results?: RuleResult[]
  judgement?: JudgedBy[]
}

export type LedgerBlock = { header: Header; entries: Entry[] }

export const ENTRIES_MAX = 1024
/** Of a block's requests with their openings (`requestSizeBytes`), so that a block fits into a frame and a bundle's line. */
export const BLOCK_MAX_BYTES = 16 * 1024 * 1024
export const NO_PARENT = '0'.repeat(64)

export const headerShape: shape.Check<Header> = shape.object({
  contract: shape.hash,
  lineage: shape.integer(0),
  epoch: shape.integer(0),
  height: shape.integer(0),
  view: shape.integer(0),
  parent: shape.hash,
  timeMs: shape.timeMs,
  entriesRoot: shape.hash,
  stateRoot: shape.hash,
  logRoot: shape.hash,
})
/** What an entry or an OBJECT says is wrong. */
export const codeShape: shape.Check<string> = shape.pattern(/^[a-z][a-z-]{1,39}$/, 'a code')

const RESULTS_MAX = 1_000_000
const ruleResult: shape.Check<RuleResult> = (value, where) => {
  const [rule, element, result] = shape.array<unknown>((one) => one, 3, 3)(value, where)
  shape.uid(rule, `${where}[0]`)
  shape.uid(element, `${where}[1]`)
  if (result !== null && typeof result !== 'boolean') resultText(result, `${where}[2]`)
  return value as RuleResult
}
const resultText = shape.pattern(/^([0-9a-f]{64}|0|[1-9][0-9]{0,14})$/, 'a commitment or a time')
export const ruleResultsShape: shape.Check<RuleResult[]> = shape.array(ruleResult, RESULTS_MAX, 1)

const entryFields = shape.object(
  {
    kind: shape.literal('request'),
    request: shape.hash,
    outcome: shape.literal('accepted', 'conflicted', 'rejected'),
  },
  {
    code: codeShape,
    rule: shape.uid,
    element: shape.uid,
    results: ruleResultsShape,
    judgement: judgementsShape,
  },
)
const entryShape: shape.Check<Entry> = (value, where) => {
  const entry = entryFields(value, where)
  if ((entry.outcome === 'accepted') !== (entry.code === undefined))
    throw new CountersignError('bad-format', `${where}.code: stands with every outcome but accepted`)
  const { outcome, rule, element, results } = entry
  if (outcome === 'accepted' ? rule !== undefined || element !== undefined : results !== undefined)
    throw new CountersignError(
      'bad-format',
      `${where}: results stand with what was accepted, a rule with what was not`,
    )
  return entry
}
const blockShape = shape.object({ header: headerShape, entries: shape.array(entryShape, ENTRIES_MAX) })

/** Checks the shape of a ledger block from outside. @throws CountersignError `bad-format` */
export function checkBlockShape(value: unknown): LedgerBlock {
  return blockShape(value, 'ledgerBlock') as LedgerBlock
}

export function blockHash(header: Header): string {
  return hashOf('ledger-block', jcs(header))
}

/** Leaf of a ledger block in the contract's log (LOG-1). */
export function logLeaf(hash: string): string {
  return leafHash(hexDecode(hash))
}

/** entriesRoot over entries with their effects (BLK-2); `effects[i]` belongs to `entries[i]`. */
export function entriesRoot<E extends { kind: string }>(
  entries: readonly E[],
  effects: readonly (readonly Effect[])[],
): string {
  return merkleRoot(entries.map((entry, index) => leafHash(jcs({ ...entry, effects: effects[index] ?? [] }))))
}
