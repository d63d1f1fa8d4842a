import { describe, expect, it } from 'vitest'
import { audit } from '../../test/support/audit.ts'
import { Club } from '../../test/support/epoch-club.ts'
import { DAY_MS, type EpochLedger } from '../../test/support/epoch-ledger.ts'
import { executeTick } from '../contract/tick.ts'

/** Of a bundle: tests alter any part of them. */
type Lines = ReturnType<EpochLedger['lines']>

const findingOn = (ledger: EpochLedger, alter: (lines: Lines) => unknown = () => undefined) => {
  const lines = ledger.lines()
  alter(lines)
  const { verdict, finding } = audit(lines, [...ledger.known.keys()])
  return verdict === 'invalid' ? `${finding?.rule} ${finding?.place}` : verdict
}
const blockLine = (lines: Lines, height: number) =>
  lines.find((line) => line.type === 'ledger-block' && line.block.header.height === height)

describe('a TICK', () => {
  const lapsing = () => {
    const club = new Club()
    const expiresMs = club.timeMs + DAY_MS
    club.done(club.invite(club.alder, club.elm, { expiresMs }))
    return { club, dueMs: expiresMs + 1 }
  }

  it('[EPO-14] stands alone, and no sooner than something is due', () => {
    const { club, dueMs } = lapsing()
    club.tick({ timeMs: dueMs })
    club.order()
    club.cosign()
    expect(findingOn(club)).toBe('valid')
    for (const key of ['requests', 'openings'])
      expect(findingOn(club, (lines) => blockLine(lines, 2)[key].push({}))).toBe('EPO-14 ledger block 2')
    for (const alter of [
      (entries: Lines) => entries.push({ kind: 'tick' }),
      (entries: Lines) => Object.assign(entries[0], { effects: [] }),
    ])
      expect(findingOn(club, (lines) => alter(blockLine(lines, 2).block.entries))).toBe(
        'BLK-1 ledger block 2',
      )
    const early = lapsing()
    const roots = executeTick(early.club.state, { height: 1, timeMs: early.dueMs }, new Map())
    early.club.tick({ timeMs: early.dueMs - 1 }, roots)
    early.club.cosign()
    expect(findingOn(early.club)).toBe('EPO-14 ledger block 2')
  })
})
