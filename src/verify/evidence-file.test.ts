import { describe, expect, it } from 'vitest'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../../test/support/ledger-parties.ts'
import { LogTree } from '../crypto/log.ts'
import { type SignableStatement, type StatementSignature, signStatements } from '../crypto/statement.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, cosign } from '../ledger/checkpoint.ts'
import { type Evidence, evidenceHolds } from '../ledger/evidence.ts'
import { type EvidenceFile, isEvidenceFile, verifyEvidenceFile } from './evidence-file.ts'

const ledger = new LedgerFixture({ members: 3 })
const { contract, electorate, genesis } = ledger
const [alder, birch] = ledger.members as [FixtureParty, FixtureParty]
const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
const all = new Set(ledger.members.map(({ party }) => party))
const one = '11'.repeat(32)

function statement(by: FixtureParty, type: 'FINALIZE' | 'SKIP', view: number, place = {}): SignedStatement {
  const at = { contract, lineage: 0, epoch: 0, view, ...place }
  const made: Statement = type === 'SKIP' ? { ...at, type } : { ...at, type, block: one }
  const [signature] = signStatements(by.keys.vote.privateKey, [made as SignableStatement])
  return { statement: made, party: by.party, signature: signature as StatementSignature }
}

const skipped: Evidence = {
  kind: 'finalize-and-skip',
  party: birch.party,
  first: statement(birch, 'FINALIZE', 4),
  second: statement(birch, 'SKIP', 4),
}

/** Two logs that part at index 1. */
const leaves = (...names: string[]): LogTree => new LogTree(names.map((name) => name.repeat(32)))
const [left, right] = [leaves('aa', 'bb'), leaves('aa', 'cc', 'dd', 'ee')]
const checkpoint = (log: LogTree): Checkpoint => ({
  contract,
  lineage: 0,
  epoch: 0,
  size: log.size,
  root: log.root(),
  block: one,
  stateRoot: one,
})
const notExtended: Evidence = {
  kind: 'not-extended',
  party: alder.party,
  contract,
  lineage: 0,
  first: cosign(alder.keys.cosign.privateKey, alder.party, checkpoint(left), 1),
  second: cosign(alder.keys.cosign.privateKey, alder.party, checkpoint(right), 2),
  root: right.root(2),
  proof: right.consistencyProof(2, 4),
}

const file = (change: Partial<EvidenceFile> = {}): EvidenceFile => ({
  type: 'evidence',
  version: 1,
  contract,
  exporter: alder.party,
  genesis,
  evidence: [skipped, notExtended],
  ...change,
})
const check = (value: unknown, trusted: ReadonlySet<string> = all) =>
  verifyEvidenceFile(JSON.stringify(value), trusted)

describe('a file of evidence', () => {
  it('[EVI-5] [EVI-1] holds by itself and names the accused', () => {
    expect(isEvidenceFile(JSON.stringify(file()))).toBe(true)
    const report = check(file())
    expect(report).toMatchObject({ verdict: 'valid', contract, name: genesis.name, exporter: alder.party })
    expect(
      report.accused.map(({ party, identified, evidence }) => [party, identified, evidence[0]?.text]),
    ).toEqual([
      [birch.party, true, 'signed both FINALIZE and SKIP in view 4'],
      [alder.party, true, 'cosigned a history of size 2 and one of size 4 that does not extend it'],
    ])
    expect(check(file(), new Set([alder.party])).verdict).toBe('unidentified')
    expect(check(file(), new Set()).accused.map(({ identified }) => identified)).toEqual([false, false])
  })

  it('[EVI-5] [LIN-3] holds in every lineage, and in every epoch, by the keys of the genesis', () => {
    const inPlace = (place: object): Evidence => ({
      kind: 'finalize-and-skip',
      party: birch.party,
      first: statement(birch, 'FINALIZE', 9, place),
      second: statement(birch, 'SKIP', 9, place),
    })
    expect(check(file({ evidence: [skipped, inPlace({ lineage: 2 })] })).verdict).toBe('valid')
    expect(check(file({ evidence: [inPlace({ epoch: 1 })] })).verdict).toBe('valid')
    const mixed = { ...inPlace({ epoch: 1 }), second: inPlace({ epoch: 2 }).second } as Evidence
    expect(check(file({ evidence: [mixed] })).verdict).toBe('invalid')
  })

  it('[EVI-5] [CARD-2] of who came later, or has replaced its keys, holds by its proven cards', () => {
    const random = seededBytes('later')
    const cedar = fixtureParty('Cedar Bank', random)
    const newer = rekeyed(birch, random)
    const pair = (by: FixtureParty): Evidence => ({
      kind: 'finalize-and-skip',
      party: by.party,
      first: statement(by, 'FINALIZE', 4, { epoch: 3 }),
      second: statement(by, 'SKIP', 4, { epoch: 3 }),
    })
    const evidence = [pair(cedar), pair(newer), pair(birch)]
    const cards = [cedar.signedCard, newer.signedCard]
    const known = new Set([cedar.party, birch.party])
    const report = check(file({ evidence, cards }), known)
    expect(report).toMatchObject({
      verdict: 'valid',
      accused: [{ name: 'Cedar Bank' }, { party: birch.party }],
    })
    expect(check(file({ evidence }), known)).toMatchObject({ verdict: 'invalid', finding: { rule: 'EVI-1' } })
    const forged = { ...cedar.signedCard, signature: newer.signedCard.signature }
    expect(check(file({ evidence, cards: [forged] }), known)).toMatchObject({
      verdict: 'invalid',
      finding: { rule: 'CARD-2' },
    })
  })

  it.each<[string, () => unknown, string, string]>([
    ['no object', () => null, 'unreadable', 'EVI-5'],
    ['another version', () => file({ version: 2 as never }), 'unreadable', 'EVI-5'],
    ['no evidence', () => file({ evidence: [] }), 'unreadable', 'EVI-5'],
    ['something beside', () => ({ ...file(), more: 1 }), 'unreadable', 'EVI-5'],
    ['another contract', () => file({ contract: one }), 'invalid', 'GEN-1'],
    ['an altered genesis', () => file({ genesis: { ...genesis, name: 'Other' } }), 'invalid', 'GEN-1'],
    ['no genesis', () => file({ genesis: 7 }), 'invalid', 'GEN-1'],
    ['a stranger', () => file({ evidence: [{ ...skipped, party: one }] }), 'invalid', 'EVI-1'],
    [
      'another’s signatures',
      () => file({ evidence: [{ ...skipped, party: alder.party }] }),
      'invalid',
      'EVI-1',
    ],
    [
      'two views',
      () => file({ evidence: [{ ...skipped, second: statement(birch, 'SKIP', 5) }] }),
      'invalid',
      'EVI-1',
    ],
    ['something else', () => file({ evidence: [skipped, { kind: 'rumour' }] }), 'invalid', 'EVI-1'],
  ])('[EVI-5] with %s proves nothing', (_, make, verdict, rule) => {
    const report = check(make())
    expect(report).toMatchObject({ verdict, finding: { rule } })
  })
})

describe('a checkpoint that is not extended', () => {
  const holds = (change: object): boolean =>
    evidenceHolds({ ...notExtended, ...change } as Evidence, electorate, cosignKeys)

  it('[EVI-2] is evidence where the consistency proof shows another root at the smaller size', () => {
    expect(holds({})).toBe(true)
    const grown = leaves('aa', 'bb', 'cc')
    const second = cosign(alder.keys.cosign.privateKey, alder.party, checkpoint(grown), 2)
    const proof = grown.consistencyProof(2, 3)
    expect(holds({ second, root: grown.root(2), proof }), 'an honest member extends').toBe(false)
    expect(holds({ second, root: right.root(2), proof }), 'a root that is not shown').toBe(false)
    expect(holds({ root: left.root() })).toBe(false)
    expect(holds({ proof: [] })).toBe(false)
    expect(holds({ first: notExtended.second, second: notExtended.first })).toBe(false)
    const other = cosign(birch.keys.cosign.privateKey, alder.party, checkpoint(right), 2)
    expect(holds({ second: other }), 'another’s key').toBe(false)
    expect(holds({ contract: one })).toBe(false)
    expect(holds({ lineage: 1 })).toBe(false)
  })
})
