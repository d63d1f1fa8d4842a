/**
 * Bundles: a contract's whole ledger as one file of JSON lines (PROTOCOL BUN-1), which anyone can check without a node.
 *
 *   {"type":"bundle", …}          version, contract, who exported it, height of the last ledger block in it
 *   {"type":"genesis", …}         the genesis with its members' cards, the openings of its values
 *   {"type":"cosignature", …}     one for each member: its largest
 *   {"type":"basis", …}           where it begins at a checkpoint instead: headers, state, values, in as many lines as it takes
 *   {"type":"ledger-block", …}    from height 1, or behind that, on, each with its requests, openings and certificates
 *   {"type":"lineage", …}         behind the ledger block that a lineage began with: the FREEZEs that led to it
 *   {"type":"end", …}             the height again: without this line the file is cut off
 */
import { utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { parseJson } from '../crypto/json.ts'
import * as shape from '../crypto/shape.ts'
import type { ProvenCard } from '../identity/card.ts'
import { ENTRIES_MAX, type Header } from '../ledger/block.ts'
import type { Certificate } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { AnyRequest, SignedRequest } from '../ledger/request.ts'
import type { LineageGenesis } from '../ledger/resolve.ts'
import type { AnyLedgerBlock } from '../ledger/turn.ts'
import type { Opening } from '../ledger/value.ts'

export const BUNDLE_VERSION = 1
/** Longest line in UTF-8, its newline not counted. */
export const LINE_MAX_BYTES = 32 * 1024 * 1024
/** JSON values in a line; one of the longest has two million at most. */
const LINE_MAX_NODES = 4_000_000

/** The first line. exporter: the party that says it wrote the file; nothing proves it. */
export type HeadLine = { type: 'bundle'; version: 1; contract: string; exporter: string; height: number }
export type GenesisLine = { type: 'genesis'; genesis: Genesis; openings: Opening[] }
/** lineage: of all that stand there, where it is not the first. */
export type CosignatureLine = { type: 'cosignature'; lineage?: number } & Cosignature
/** How a lineage after the first was computed (LIN-3). */
export type LineageLine = { type: 'lineage'; lineage: LineageGenesis; freezes: SignedFreeze[] }
/** requests: in the order of the block's entries; openings: of all that these requests commit to, each once. */
export type BlockLine = {
  type: 'ledger-block'
  block: AnyLedgerBlock
  requests: SignedRequest<AnyRequest>[]
  openings: Opening[]
  notarization?: Certificate
  finalization?: Certificate
}
/** Parts of what a ledger begins with that isn't held from its genesis on (BUN-4). height: of its block, in each. */
export type BasisLine = {
  type: 'basis'
  height: number
  headers: Header[]
  records: [uid: string, record: object][]
  openings: Opening[]
  ordered: [id: string, notAfterMs: number][]
  cards: ProvenCard[]
}
export type EndLine = { type: 'end'; height: number }
export type BundleLine =
  | HeadLine
  | GenesisLine
  | CosignatureLine
  | BasisLine
  | BlockLine
  | LineageLine
  | EndLine

/** A line as it was read: its own keys are checked, what stands under `unknown` ones isn't. */
export type ReadLine =
  | HeadLine
  | { type: 'genesis'; genesis: unknown; openings: unknown[] }
  | { type: 'cosignature'; lineage: number; cosignature: unknown }
  | ReadLineageLine
  | ReadBasisLine
  | ReadBlockLine
  | EndLine

export type ReadLineageLine = { type: 'lineage'; lineage: unknown; freezes: unknown[] }

export type ReadBasisLine = {
  type: 'basis'
  height: number
  headers: unknown[]
  records: unknown[]
  openings: unknown[]
  ordered: unknown[]
  cards: unknown[]
}

export type ReadBlockLine = {
  type: 'ledger-block'
  block: unknown
  requests: unknown[]
  openings: unknown[]
  notarization?: unknown
  finalization?: unknown
}

const anything: shape.Check<unknown> = (value) => value
const openings = shape.array(anything, LINE_MAX_NODES)

const HEAD = shape.object({
  type: shape.literal('bundle'),
  version: shape.literal(BUNDLE_VERSION),
  contract: shape.hash,
  exporter: shape.hash,
  height: shape.integer(0),
})
const GENESIS = shape.object({ type: shape.literal('genesis'), genesis: anything, openings })
const BLOCK = shape.object(
  {
    type: shape.literal('ledger-block'),
    block: anything,
    requests: shape.array(anything, ENTRIES_MAX),
    openings,
  },
  { notarization: anything, finalization: anything },
)
const LINEAGE = shape.object({
  type: shape.literal('lineage'),
  lineage: anything,
  freezes: shape.array(anything, 512, 1),
})
const many = shape.array(anything, LINE_MAX_NODES)
const BASIS = shape.object({
  type: shape.literal('basis'),
  height: shape.integer(1),
  headers: many,
  records: many,
  openings,
  ordered: many,
  cards: many,
})
const laterLineage = shape.integer(1)
const END = shape.object({ type: shape.literal('end'), height: shape.integer(0) })

/** Reads one line, without its newline. @throws CountersignError `bad-json`, `too-large`, `bad-format` */
export function parseLine(text: string): ReadLine {
  const value = parseJson(text, { sizeBytes: LINE_MAX_BYTES, nodes: LINE_MAX_NODES })
  const type = typeof value === 'object' && value !== null && !Array.isArray(value) ? value.type : undefined
  switch (type) {
    case 'bundle':
      return HEAD(value, 'line')
    case 'genesis':
      return GENESIS(value, 'line') as ReadLine
    case 'cosignature': {
      const { type: _, lineage, ...cosignature } = value as { [key: string]: unknown }
      return { type, lineage: lineage === undefined ? 0 : laterLineage(lineage, 'line.lineage'), cosignature }
    }
    case 'ledger-block':
      return BLOCK(value, 'line') as ReadBlockLine
    case 'basis':
      return BASIS(value, 'line')
    case 'lineage':
      return LINEAGE(value, 'line') as ReadLineageLine
    case 'end':
      return END(value, 'line')
    default:
      throw new CountersignError('bad-format', 'it is no line of a bundle: its type is none of those')
  }
}

/** A line as it stands in the file, newline included. @throws CountersignError `too-large` */
export function formatLine(line: BundleLine): string {
  const text = JSON.stringify(line)
  // Three bytes of UTF-8 at most for each unit: only what is near the limit needs to be counted.
  if (text.length * 3 > LINE_MAX_BYTES && utf8(text).length > LINE_MAX_BYTES)
    throw new CountersignError('too-large', `a line of a bundle is at most ${LINE_MAX_BYTES} bytes`)
  return `${text}\n`
}
