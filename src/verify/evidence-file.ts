/**
 * Evidence as one self-contained file (PROTOCOL EVI-5): the contract's genesis, which names the first members and their keys, the cards of
 * who is accused and came or changed them later, and pairs of signatures that no honest member makes. Checked with no node running.
 */
import { type JsonValue, parseJson } from '../crypto/json.ts'
import * as shape from '../crypto/shape.ts'
import { type Card, checkProvenCard, partyOf } from '../identity/card.ts'
import {
  checkEvidenceShape,
  type Evidence,
  evidenceHolds,
  evidenceId,
  evidenceLineage,
  evidenceText,
} from '../ledger/evidence.ts'
import { checkGenesis, contractId, type Genesis, MEMBERS_MAX } from '../ledger/genesis.ts'
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
  /** Proven cards that the genesis lacks, of whom it accuses. */
  cards?: unknown[]
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

const anything: shape.Check<unknown> = (value) => value
const fileShape = shape.object(
  {
    type: shape.literal('evidence'),
    version: shape.literal(1),
    contract: shape.hash,
    exporter: shape.hash,
    genesis: anything,
    evidence: shape.array(anything, EVIDENCE_MAX, 1),
  },
  { cards: shape.array(anything, MEMBERS_MAX, 1) },
)

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
    const cards = cardsByParty(genesis, file.cards ?? [])
    for (const [index, value] of file.evidence.entries())
      take(report, file.contract, cards, value, `evidence ${index + 1}`, trusted)
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
  cards: ReadonlyMap<string, Card[]>,
  value: unknown,
  place: string,
  trusted: ReadonlySet<string>,
): void {
  const evidence = under('EVI-1', place, () => checkEvidenceShape(value))
  const { party } = evidence
  const own = cards.get(party)
  if (!own) fail('EVI-1', place, `the file holds no card of ${party}`)
  if (!holdsBy(contract, evidence, own))
    fail('EVI-1', place, `it does not show that ${party} contradicts itself`)
  let accused = report.accused.find((one) => one.party === party)
  if (!accused) {
    accused = { party, name: own.at(-1)?.name ?? party, identified: trusted.has(party), evidence: [] }
    report.accused.push(accused)
  }
  accused.evidence.push({ id: evidenceId(evidence), kind: evidence.kind, text: evidenceText(evidence) })
}

/** Every card of a party that the file holds, by party: those of the genesis, and what came later. */
function cardsByParty(genesis: Genesis, later: readonly unknown[]): Map<string, Card[]> {
  const cards = new Map<string, Card[]>()
  const proven = later.map((value, index) =>
    under('CARD-2', `card ${index + 1}`, () => checkProvenCard(value)),
  )
  for (const { card, earlier = [] } of [...genesis.members, ...proven]) {
    const party = partyOf(card)
    const own = [...earlier.map((one) => one.card), card]
    cards.set(party, [...(cards.get(party) ?? []), ...own])
  }
  return cards
}

/** Whether it holds by the keys of its party's cards, whichever epoch it is of. */
function holdsBy(contract: string, evidence: Evidence, cards: readonly Card[]): boolean {
  const { party } = evidence
  const epoch = 'lineage' in evidence ? 0 : evidence.first.statement.epoch
  const cosignKeys = new Map([[party, cards.map(({ keys }) => keys.cosign)]])
  return cards.some(({ keys }) => {
    const voteKeys = new Map([[party, keys.vote]])
    const electorate = { contract, lineage: evidenceLineage(evidence), epoch, quorum: 1, voteKeys }
    return evidenceHolds(evidence, electorate, cosignKeys)
  })
}
