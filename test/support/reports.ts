/** Signed reports for tests: made of a ledger without a node, taken apart, altered, and sealed anew by a reporter that lies. */

import { pathOf } from '../../src/contract/view.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { LogTree, leafHash, merkleRoot } from '../../src/crypto/log.ts'
import { mapProof } from '../../src/crypto/merkle-map.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import { signReport } from '../../src/ledger/report.ts'
import type {
  ContractLine,
  ElementsLine,
  ReportedElement,
  ReportHead,
  ReportLine,
  SignatureLine,
} from '../../src/verify/report.ts'
import { type ReportAudit, ReportVerifier } from '../../src/verify/report-verifier.ts'
import type { LedgerFixture } from './ledger-fixture.ts'
import type { FixtureParty } from './ledger-parties.ts'

export type ReportLines = ReportLine[]

export const linesOf = (text: string): ReportLines =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ReportLine)

export const textOf = (lines: ReportLines): string => lines.map((line) => `${jcs(line)}\n`).join('')

/** The text with a signature that is right for what the lines say now. */
export function sealed(lines: ReportLines, sign: (lines: number, root: string) => string): string {
  const body = lines.slice(0, -1).map((line) => jcs(line))
  const last = lines.at(-1) as SignatureLine
  const signature = sign(body.length, merkleRoot(body.map((line) => leafHash(line))))
  return [...body, jcs({ ...last, signature })].map((line) => `${line}\n`).join('')
}

export function auditReport(text: string | Uint8Array, trusted: Iterable<string>): ReportAudit {
  const verifier = new ReportVerifier(new Set(trusted))
  verifier.bytes(typeof text === 'string' ? Buffer.from(text) : text)
  return verifier.end()
}

export const headIn = (lines: ReportLines): ReportHead => lines[0] as ReportHead
export const contractIn = (lines: ReportLines, index = 0): ContractLine =>
  lines.filter(({ type }) => type === 'contract')[index] as ContractLine
export const elementsIn = (lines: ReportLines): ElementsLine['elements'] =>
  lines.flatMap((line) => (line.type === 'elements' ? line.elements : []))

/** A report of the tip of a ledger, whole or of some of its elements, by its first member; as nodes make it, without private values. */
export function reportOf(ledger: LedgerFixture, isWhole = true, withPrivate = false): string {
  const { contract, genesis, height } = ledger
  const { block, state } = ledger.tip
  const [reporter] = ledger.members as [FixtureParty]
  const log = new LogTree(ledger.blocks.map((one) => logLeaf(one.hash)))
  const uids = [...state.map].map(([uid]) => uid).filter((uid) => isWhole || uid !== state.epochUid)
  const elements = uids.map((uid): ReportedElement => {
    const record = state.map.get(uid) as object
    const { kind, value = '', readers } = record as { kind?: string; value?: string; readers?: string[] }
    const isShown = kind === 'field' && (readers === undefined || withPrivate)
    return {
      uid,
      record,
      ...(kind === 'field' && { path: pathOf(state, uid) }),
      ...(isShown && ledger.openings.get(value)),
      ...(!isWhole && { proof: mapProof(state.map, uid) }),
    }
  })
  const contractLine: ContractLine = {
    type: 'contract',
    contract,
    genesis,
    header: block.header,
    paths: [{ size: height + 1, path: log.inclusionProof(height, height + 1) }],
    lineage: 0,
    epoch: { record: state.epoch, proof: mapProof(state.map, state.epochUid) },
    cards: [],
    cosignatures: [...ledger.cosignatures.values()],
    elements: elements.length,
    whole: isWhole,
    tentative: 0,
  }
  const head: ReportHead = {
    type: 'report',
    version: 1,
    reporter: reporter.party,
    atMs: block.header.timeMs,
    madeMs: block.header.timeMs,
    contracts: 1,
    leftOut: { notYet: 0, notFinal: 0, notHeld: 0, damaged: 0 },
    ...(!isWhole && { fields: ['/'] }),
  }
  const last: SignatureLine = { type: 'signature', card: reporter.signedCard, signature: '' }
  return sealed([head, contractLine, { type: 'elements', elements }, last], sealBy(reporter))
}

/** Signs lines as a party does. */
export function sealBy({ party, keys: { author } }: FixtureParty) {
  return (lines: number, root: string): string =>
    signReport(author.privateKey, { party, authorKey: author.publicKey, lines, root })
}
