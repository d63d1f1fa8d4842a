/**
 * Signed reports: what contracts held at a time, as one file of JSON lines (PROTOCOL RPT-1) that proves itself.
 *
 *   {"atMs":…,"type":"report", …}       as of when, by whom, of how many contracts
 *   {"contract":…,"type":"contract"}    for each: genesis, ledger block, who was in, their cosignatures with proofs
 *   {"elements":[…],"type":"elements"}  behind it, in as many lines as it takes: records, values, proofs
 *   {"card":…,"type":"signature"}       the reporter's card, and its signature over all lines before
 *
 * Every line is the canonical JSON of its object: no byte of the file can be another without a rule being broken.
 */
import { utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { parseJson } from '../crypto/json.ts'
import type { MapProof } from '../crypto/merkle-map.ts'
import * as shape from '../crypto/shape.ts'
import { EARLIER_MAX, type ProvenCard } from '../identity/card.ts'
import type { Header } from '../ledger/block.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { type Genesis, MEMBERS_MAX } from '../ledger/genesis.ts'
import { LINE_MAX_BYTES } from './bundle.ts'

export const REPORT_VERSION = 1
/** Elements in a line. */
export const ELEMENTS_MAX = 1000
const CONTRACTS_MAX = 1_000_000
/** Paths that a report may be asked for. */
export const FIELD_PATHS_MAX = 1000
const LINE_MAX_NODES = 4_000_000

/** Contracts that a report leaves out, counted: nothing but the reporter's word says so. */
export type LeftOut = {
  /** They did not exist yet. */
  notYet: number
  /** Nothing in them is final. */
  notFinal: number
  /** The reporter does not hold their ledger as of then. */
  notHeld: number
  /** Its data of them are damaged. */
  damaged: number
}
/** contracts: how many lines of that type there are; fields: the paths that were asked for, all leaves where missing. */
export type ReportHead = {
  type: 'report'
  version: 1
  reporter: string
  atMs: number
  madeMs: number
  contracts: number
  leftOut: LeftOut
  fields?: string[]
}
/** The way of a ledger block into the log of a size that members have cosigned. */
export type InclusionPath = { size: number; path: string[] }
/** The ledger block in whose state the epoch record stands by which it is final, where that is another. */
export type Witness = { header: Header; paths: InclusionPath[] }
/**
 * lineage: of the cosignatures; leftOut: who is left out of it; epoch: the record of the epoch by whose members the block is
 * final, proved in its state or the witness's; cards: of members, as far as the genesis lacks them; whole: all elements are
 * there, otherwise some, each with a proof; tentative: ledger blocks of up to then that are not final yet.
 */
export type ContractLine = {
  type: 'contract'
  contract: string
  genesis: Genesis
  header: Header
  paths: InclusionPath[]
  witness?: Witness
  lineage: number
  leftOut?: string[]
  epoch: { record: object; proof: MapProof }
  cards: ProvenCard[]
  cosignatures: Cosignature[]
  elements: number
  whole: boolean
  tentative: number
}
/** path: of a field; salt, value, of: its opening, where it is held and shown; proof: where the contract is not reported whole. */
export type ReportedElement = {
  uid: string
  record: object
  path?: string
  salt?: string
  value?: string | boolean | null
  of?: string
  proof?: MapProof
}
export type ElementsLine = { type: 'elements'; elements: ReportedElement[] }
export type SignatureLine = { type: 'signature'; card: ProvenCard; signature: string }
export type ReportLine = ReportHead | ContractLine | ElementsLine | SignatureLine

/** A line as it was read: its own keys are checked, what stands under `unknown` ones isn't. */
export type ReadContractLine = Omit<
  ContractLine,
  'genesis' | 'header' | 'witness' | 'epoch' | 'cards' | 'cosignatures'
> & {
  genesis: unknown
  header: unknown
  witness?: { header: unknown; paths: InclusionPath[] }
  epoch: { record: unknown; proof: MapProof }
  cards: unknown[]
  cosignatures: unknown[]
}
export type ReadElement = Omit<ReportedElement, 'record' | 'value' | 'proof'> & {
  record: unknown
  value?: unknown
  proof?: unknown
}
export type ReadReportLine =
  | ReportHead
  | ReadContractLine
  | { type: 'elements'; elements: ReadElement[] }
  | { type: 'signature'; card: unknown; signature: string }

const anything: shape.Check<unknown> = (value) => value
const count = shape.integer(0, CONTRACTS_MAX)
const pathText = shape.string(65_536, 1)

const HEAD = shape.object(
  {
    type: shape.literal('report'),
    version: shape.literal(REPORT_VERSION),
    reporter: shape.hash,
    atMs: shape.timeMs,
    madeMs: shape.timeMs,
    contracts: count,
    leftOut: shape.object({ notYet: count, notFinal: count, notHeld: count, damaged: count }),
  },
  { fields: shape.array(pathText, FIELD_PATHS_MAX, 1) },
)
const paths = shape.array(
  shape.object({ size: shape.integer(1), path: shape.array(shape.hash, 64) }),
  MEMBERS_MAX,
)
const CONTRACT = shape.object(
  {
    type: shape.literal('contract'),
    contract: shape.hash,
    genesis: anything,
    header: anything,
    paths,
    lineage: shape.integer(0),
    epoch: shape.object({ record: anything, proof: anything }),
    cards: shape.array(anything, EARLIER_MAX),
    cosignatures: shape.array(anything, MEMBERS_MAX),
    elements: shape.integer(0),
    whole: shape.boolean,
    tentative: shape.integer(0),
  },
  {
    witness: shape.object({ header: anything, paths }),
    leftOut: shape.array(shape.hash, MEMBERS_MAX, 1),
  },
)
const ELEMENTS = shape.object({
  type: shape.literal('elements'),
  elements: shape.array(
    shape.object(
      { uid: shape.uid, record: anything },
      { path: pathText, salt: shape.base64url(16), value: anything, of: shape.uid, proof: anything },
    ),
    ELEMENTS_MAX,
    1,
  ),
})
const SIGNATURE = shape.object({
  type: shape.literal('signature'),
  card: anything,
  signature: shape.signature,
})

/** Whether a text begins as such a file does. */
export function isReportFile(start: string): boolean {
  return /^\s*\{\s*"atMs"/.test(start)
}

/**
 * Reads one line, without its newline.
 * @throws CountersignError `bad-json`, `too-large`, `bad-format`, also where it is not the canonical form of what it says
 */
export function parseReportLine(text: string): ReadReportLine {
  const value = parseJson(text, { sizeBytes: LINE_MAX_BYTES, nodes: LINE_MAX_NODES })
  const line = readLine(value)
  if (jcs(value) !== text)
    throw new CountersignError('bad-format', 'the line is not in canonical form: it was written anew')
  return line
}

function readLine(value: ReturnType<typeof parseJson>): ReadReportLine {
  const type = typeof value === 'object' && value !== null && !Array.isArray(value) ? value.type : undefined
  switch (type) {
    case 'report':
      return HEAD(value, 'line') as ReportHead
    case 'contract':
      return CONTRACT(value, 'line') as ReadContractLine
    case 'elements':
      return ELEMENTS(value, 'line') as ReadReportLine
    case 'signature':
      return SIGNATURE(value, 'line')
    default:
      throw new CountersignError('bad-format', 'it is no line of a report: its type is none of those')
  }
}

/** A line as it stands in the file, without its newline. @throws CountersignError `too-large` */
export function formatReportLine(line: ReportLine): string {
  const text = jcs(line)
  if (text.length * 3 > LINE_MAX_BYTES && utf8(text).length > LINE_MAX_BYTES)
    throw new CountersignError('too-large', `a line of a report is at most ${LINE_MAX_BYTES} bytes`)
  return text
}
