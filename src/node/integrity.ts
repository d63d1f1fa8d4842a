/**
 * Whether a node's database still holds what was signed. An operator, a disk or a program that alters rows leaves traces in
 * one of three places:
 *
 *   the ledger      exported as a bundle and audited: ids, signatures, openings, roots, certificates, cosignatures
 *   the elements    the stored versions give the state root of the tip, and of heights before it
 *   the other rows  what people and peers are served from, and what a restart goes on from, says what the ledger says
 */
import { type EpochRecord, epochUidOf } from '../contract/record.ts'
import { CountersignError } from '../crypto/errors.ts'
import { firstEpoch } from '../ledger/genesis.ts'
import type { Store } from '../store/store.ts'
import { RuleBroken } from '../verify/finding.ts'
import { BundleVerifier, type Finding, type Report } from '../verify/verifier.ts'
import { bundleLines, type OpenLedger, openLedger } from './bundle.ts'
import { checkStoredElements } from './stored-elements.ts'
import { checkStoredRows } from './stored-rows.ts'

/** height: up to which the ledger was found good, -1 for none; finding: the first thing that is wrong. */
export type Integrity = { ok: boolean; height: number; finding?: Finding }

/**
 * Checks everything a store holds of a contract; takes as long as replaying it. Cosignatures may be outstanding, and of a
 * size that has not arrived: then they are checked by themselves. Throws nothing, whatever the rows hold.
 * @param party id of this node's party
 */
export function checkIntegrity(store: Store, contract: string, party: string): Integrity {
  let height = -1
  try {
    const ledger = openLedger(store, contract)
    const { report, finding } = auditOwn(store, ledger, party)
    height = report.height + report.tentativeHeights
    if (finding !== undefined) return { ok: false, height, finding }
    checkStoredElements(store, contract, ledger.height)
    checkStoredRows(store, ledger)
    return { ok: true, height }
  } catch (error) {
    return { ok: false, height, finding: findingOf(error) }
  }
}

function auditOwn(
  store: Store,
  ledger: OpenLedger,
  party: string,
): { report: Report; finding: Finding | undefined } {
  const trusted = new Set(everMembers(store, ledger))
  const verifier = new BundleVerifier({ trusted, fromCheckpoint: true, unfinished: true })
  let unreadable: Finding | undefined
  try {
    for (const line of bundleLines(store, ledger, party, ledger.height, true)) {
      verifier.line(line.slice(0, -1))
      if (verifier.isOver) break
    }
  } catch (error) {
    unreadable = findingOf(error)
  }
  const report = verifier.end()
  return { report, finding: unreadable ?? report.finding }
}

/** Whoever is or was a member, by the versions of the epoch record; those of the genesis where these can't be read. */
function everMembers(store: Store, { contract, genesis }: OpenLedger): string[] {
  const { members } = firstEpoch(genesis)
  try {
    const versions = store.elementHistory(contract, epochUidOf(contract))
    return versions.flatMap(({ record }) => (record as EpochRecord | null)?.members ?? []).concat(members)
  } catch {
    return members
  }
}

/** What a table is the keeper of. */
const TABLE_RULES: Readonly<Record<string, string>> = {
  block: 'BLK-1',
  certificate: 'ORD-1',
  contract: 'GEN-1',
  cosignature: 'CHK-2',
  element_version: 'ELE-2',
  evidence: 'EVI-1',
  opening: 'VAL-2',
  request: 'REQ-1',
}

function findingOf(error: unknown): Finding {
  if (error instanceof RuleBroken) return error.finding
  if (!(error instanceof CountersignError))
    return { rule: 'ORD-5', place: 'store', message: `what it holds can’t be processed: ${String(error)}` }
  const { code, message, detail } = error
  if (code === 'unknown-contract') return { rule: 'GEN-1', place: 'genesis', message }
  if (typeof detail?.table !== 'string') return { rule: 'ORD-5', place: 'store', message }
  return {
    rule: TABLE_RULES[detail.table] ?? 'ORD-5',
    place: `table ${detail.table}, row ${detail.key}`,
    message,
  }
}
