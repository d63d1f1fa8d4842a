/**
 * Evidence as one self-contained file (PROTOCOL EVI-5): the contract's genesis, which names the members and their keys, and
 * pairs of signatures that no honest member makes. Checked with no node running.
 */
import { type JsonValue, parseJson } from '../crypto/json.ts'
import * as shape from '../crypto/shape.ts'
import { partyOf } from '../identity/card.ts'
import type { Electorate } from '../ledger/certificate.ts'
import {
  checkEvidenceShape,
  type Evidence,
  evidenceHolds,
  evidenceId,
  evidenceLineage,
  evidenceText,
} from '../ledger/evidence.ts'
import { checkGenesis, contractId, type Genesis, quorumOf } from '../ledger/genesis.ts'
import { type Finding, fail, RuleBroken, under } from './finding.ts'
import type { Verdict } from './verifier.ts'

/** exporter: the party that says it wrote the file; nothing proves it. */
export type EvidenceFile = {
  type: 'evidence'
  version: 1
  contract: string
  exporter: string
  genesis: unknown
  evidence: unknown[]
}

export type Accused = {
  party: string
  name: string
  identified: boolean
  evidence: { id: string; kind: Evidence['kind']; text: string }[]
}

/** accused: by party; of an invalid file those before the finding. */
export type EvidenceReport = {
  verdict: Verdict
  contract?: string
  name?: string
  exporter?: string
  accused: Accused[]
  finding?: Finding
}

/** The largest file that is read. */
export const EVIDENCE_FILE_MAX_BYTES = 64 * 1024 * 1024
const EVIDENCE_MAX = 65_536

const fileShape = shape.object({
  type: shape.literal('evidence'),
  version: shape.literal(1),
  contract: shape.hash,
  exporter: shape.hash,
  genesis: ((value: unknown) => value) as shape.Check<unknown>,
  evidence: shape.array(((value: unknown) => value) as shape.Check<unknown>, EVIDENCE_MAX, 1),
})

/** Whether a text begins as such a file does. */
export function isEvidenceFile(start: string): boolean {
  return /^\s*\{\s*"type"\s*:\s*"evidence"/.test(start)
}

/** Never throws. @param trusted ids of the parties that the caller knows */
export function verifyEvidenceFile(text: string, trusted: ReadonlySet<string>): EvidenceReport {
  const report: EvidenceReport = { verdict: 'unreadable', accused: [] }
  try {
    const file = under('EVI-5', 'file', () => readFile(text))
    report.contract = file.contract
    report.exporter = file.exporter
    report.verdict = 'invalid'
    const genesis = under('GEN-1', 'genesis', () => checkGenesis(file.genesis))
    if (contractId(genesis) !== file.contract)
      fail('GEN-1', 'genesis', 'it is of another contract than the file says')
    report.name = genesis.name
    for (const [index, value] of file.evidence.entries())
      take(report, file.contract, genesis, value, `evidence ${index + 1}`, trusted)
    const isIdentified = report.accused.every(({ identified }) => identified)
    report.verdict = isIdentified ? 'valid' : 'unidentified'
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error
    report.finding = error.finding
  }
  return report
}

function readFile(text: string): EvidenceFile {
  const value: JsonValue = parseJson(text, { sizeBytes: EVIDENCE_FILE_MAX_BYTES })
  return fileShape(value, 'file') as EvidenceFile
}

function take(
  report: EvidenceReport,
  contract: string,
  genesis: Genesis,
  value: unknown,
  place: string,
  trusted: ReadonlySet<string>,
): void {
  const evidence = under('EVI-1', place, () => checkEvidenceShape(value))
  const { party } = evidence
  const member = genesis.members.find(({ card }) => partyOf(card) === party)
  if (!member) fail('EVI-1', place, `${party} is no member of the contract`)
  if (
    !evidenceHolds(
      evidence,
      electorateOf(contract, genesis, evidenceLineage(evidence)),
      cosignKeysOf(genesis),
    )
  )
    fail('EVI-1', place, `it does not show that ${party} contradicts itself`)
  let accused = report.accused.find((one) => one.party === party)
  if (!accused) {
    accused = { party, name: member.card.name, identified: trusted.has(party), evidence: [] }
    report.accused.push(accused)
  }
  accused.evidence.push({ id: evidenceId(evidence), kind: evidence.kind, text: evidenceText(evidence) })
}

function cosignKeysOf({ members }: Genesis): Map<string, string> {
  return new Map(members.map(({ card }) => [partyOf(card), card.keys.cosign]))
}

/** The keys of the first epoch, which lineages keep: evidence of another epoch does not hold by them. */
function electorateOf(contract: string, genesis: Genesis, lineage: number): Electorate {
  return {
    contract,
    lineage,
    epoch: 0,
    quorum: quorumOf(genesis.policy, genesis.members.length),
    voteKeys: new Map(genesis.members.map(({ card }) => [partyOf(card), card.keys.vote])),
  }
}
