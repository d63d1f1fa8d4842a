import { describe, expect, it } from 'vitest'
import { storyLedger } from '../../test/support/ledger-fixture.ts'
import { privateStory } from '../../test/support/private-ledger.ts'
import {
  auditReport,
  contractIn,
  elementsIn,
  linesOf,
  reportOf,
  sealBy,
  sealed,
} from '../../test/support/reports.ts'
import { ReportVerifier } from './report-verifier.ts'

describe('a signed report', () => {
  const ledger = storyLedger(4, { seed: 'report', members: 3 })
  const everybody = ledger.parties
  const sign = sealBy(ledger.members[0] as never)

  it.each([true, false])('[RPT-1] [RPT-5] is valid, its bytes cut anywhere (whole: %s)', (isWhole) => {
    const text = reportOf(ledger, isWhole)
    const whole = auditReport(text, everybody)
    expect(whole.finding).toBeUndefined()
    expect(whole).toMatchObject({ verdict: 'valid', contracts: [{ height: 4, whole: isWhole }] })
    for (const size of [1, 7, 1000]) {
      const verifier = new ReportVerifier(new Set(everybody))
      const bytes = Buffer.from(text)
      for (let from = 0; from < bytes.length; from += size) verifier.bytes(bytes.subarray(from, from + size))
      expect(verifier.end()).toEqual(whole)
    }
  })

  it('[RPT-4] is of what is final: a cosignature that does not cover the ledger block is refused', () => {
    const lines = linesOf(reportOf(ledger))
    const early = ledger.cosignature(1, ledger.checkpoint(2))
    contractIn(lines).cosignatures[1] = early
    const { verdict, finding } = auditReport(sealed(lines, sign), everybody)
    expect([verdict, finding?.rule, finding?.place]).toEqual([
      'invalid',
      'RPT-4',
      `cosignature of ${early.party}`,
    ])
    expect(finding?.message).toContain('does not cover ledger block 4')
  })

  it('[RPT-4] is refused where members have cosigned two histories of one size', () => {
    const lines = linesOf(reportOf(ledger))
    const other = { ...ledger.checkpoint(), root: '0'.repeat(64) }
    contractIn(lines).cosignatures[1] = ledger.cosignature(1, other)
    const { finding } = auditReport(sealed(lines, sign), everybody)
    expect(finding?.message).toContain('another history of this size')
  })

  it('[RPT-6] is not proved of a later lineage, who is left out of which it does not show', () => {
    const lines = linesOf(reportOf(ledger))
    const line = contractIn(lines)
    const [, , third] = ledger.members
    line.lineage = 1
    line.leftOut = [third?.party as string]
    line.cosignatures = [0, 1].map((member) =>
      ledger.cosignature(member, { ...ledger.checkpoint(), lineage: 1 }),
    )
    const { verdict, finding, contracts } = auditReport(sealed(lines, sign), everybody)
    expect([verdict, finding?.rule]).toEqual(['unidentified', 'RPT-6'])
    expect(contracts[0]?.excluded).toMatchObject([{ party: third?.party }])
  })

  it('[RPT-2] is signed by the author key, not by another of the card', () => {
    const lines = linesOf(reportOf(ledger))
    const [first] = ledger.members as [(typeof ledger.members)[0]]
    const byVote = sealBy({ ...first, keys: { ...first.keys, author: first.keys.vote } })
    expect(auditReport(sealed(lines, byVote), everybody).finding?.rule).toBe('RPT-2')
  })
})

describe('a signed report of a contract with private values', () => {
  const ledger = privateStory()
  const sign = sealBy(ledger.members[0] as never)

  it('[RPT-5] leaves them out, and says how many', () => {
    for (const isWhole of [true, false]) {
      const { verdict, contracts } = auditReport(reportOf(ledger, isWhole), ledger.parties)
      // The bid, twice the bid, and two costs.
      expect([verdict, contracts[0]]).toMatchObject(['valid', { fields: 7, notHeld: 4, withheld: 4 }])
    }
  })

  it('[RPT-5] [VAL-4] proves one that it shows, as that of its field and of no other', () => {
    const text = reportOf(ledger, true, true)
    expect(auditReport(text, ledger.parties)).toMatchObject({ verdict: 'valid', contracts: [{ notHeld: 0 }] })
    const lines = linesOf(text)
    const bid = elementsIn(lines).find(({ uid }) => uid === ledger.at('Bid')) as { of?: string }
    expect(bid.of).toBe(ledger.at('Bid'))
    bid.of = ledger.at('Floor')
    expect(auditReport(sealed(lines, sign), ledger.parties).finding?.rule).toBe('VAL-4')
    delete bid.of
    expect(auditReport(sealed(lines, sign), ledger.parties).finding?.rule).toBe('VAL-2')
    Object.assign(bid, { of: ledger.at('Bid'), value: '13' })
    expect(auditReport(sealed(lines, sign), ledger.parties).finding?.rule).toBe('VAL-2')
  })
})
