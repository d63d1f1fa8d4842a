/** Signed reports for tests: taken apart, altered, and sealed anew by a reporter that lies. */
import { jcs } from '../../src/crypto/jcs.ts'
import { leafHash, merkleRoot } from '../../src/crypto/log.ts'
import type {
  ContractLine,
  ElementsLine,
  ReportHead,
  ReportLine,
  SignatureLine,
} from '../../src/verify/report.ts'
import { type ReportAudit, ReportVerifier } from '../../src/verify/report-verifier.ts'

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
