import { describe, expect, it } from 'vitest'
import { audit } from '../../test/support/audit.ts'
import { bundleText, LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'
import { privateStory } from '../../test/support/private-ledger.ts'
import type { CountersignError } from '../crypto/errors.ts'
import { openSqliteStore, type SqliteStore } from '../store/sqlite.ts'
import { type ExportOptions, exportBundle } from './bundle.ts'

function storeOf(...ledgers: LedgerFixture[]): SqliteStore {
  const store = openSqliteStore(':memory:')
  for (const ledger of ledgers) store.write(ledger.writes())
  return store
}

function exported(ledger: LedgerFixture, options?: ExportOptions, store = storeOf(ledger)): string[] {
  return [...exportBundle(store, ledger.contract, ledger.parties[0] as string, options)]
}

const report = (ledger: LedgerFixture, lines: readonly string[]) => audit(lines as never, ledger.parties)

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as CountersignError).code
  }
  return 'nothing thrown'
}

describe('a contract exported from a store', () => {
  it('[BUN-1] has the lines of its ledger, each with a newline', () => {
    // More blocks than are read at a time.
    const ledger = storyLedger(70)
    const lines = exported(ledger)
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(lines.map((line) => JSON.parse(line))).toEqual(ledger.lines())
    expect(report(ledger, lines)).toMatchObject({ verdict: 'valid', height: 69 + 1, tentativeHeights: 0 })
  })

  it('[BUN-1] of block 0 only', () => {
    const ledger = storyLedger(0)
    const lines = exported(ledger)
    expect(lines.join('')).toBe(bundleText(ledger.lines()))
    expect(report(ledger, lines)).toMatchObject({ verdict: 'valid', height: 0 })
  })

  it('[BUN-2] ends where the last cosignature does, which shows what is final', () => {
    const ledger = storyLedger(9)
    ledger.cosign(3, [0])
    ledger.cosign(6, [1])
    ledger.cosign(5, [2])
    expect(report(ledger, exported(ledger))).toMatchObject({
      verdict: 'valid',
      height: 3,
      tentativeHeights: 3,
    })
    const all = report(ledger, exported(ledger, { tentative: true }))
    expect(all).toMatchObject({ verdict: 'valid', height: 3, tentativeHeights: 6 })
    expect(all.stateRoot).toBe(ledger.blocks[3]?.block.header.stateRoot)
  })

  it('[BUN-1] is not disturbed by what is committed while it is read', () => {
    const ledger = storyLedger(40)
    const store = storeOf(ledger)
    const before = ledger.lines()
    const lines: string[] = []
    for (const line of exportBundle(store, ledger.contract, ledger.parties[0] as string)) {
      lines.push(line)
      if (lines.length > 3) continue
      ledger.order([ledger.create(1, `Item of line ${lines.length}`, '1')])
      ledger.cosign()
      store.write(ledger.writes())
    }
    expect(lines.map((line) => JSON.parse(line))).toEqual(before)
  })

  it('[BUN-1] holds private values only where they are asked for, and what was revealed always', () => {
    const ledger = privateStory()
    const store = storeOf(ledger)
    // Openings as they were written: private ones with their field.
    store.openings = (_, commitments) =>
      new Map(commitments.flatMap((one) => [[one, ledger.openings.get(one)] as never]))
    const sorted = (lines: readonly object[]) =>
      lines.map((line) =>
        'openings' in line
          ? { ...line, openings: (line.openings as { salt: string }[]).map(({ salt }) => salt).sort() }
          : line,
      )
    for (const isPrivate of [false, true]) {
      const lines = exported(ledger, { private: isPrivate }, store)
      expect(sorted(lines.map((line) => JSON.parse(line)))).toEqual(sorted(ledger.linesFor(isPrivate)))
      expect(lines.join('').includes('"of":')).toBe(isPrivate)
      expect(report(ledger, lines).verdict).toBe('valid')
    }
  })

  it('[BUN-1] holds nothing of another contract in the same store', () => {
    const [ledger, other] = [storyLedger(8), storyLedger(8, { seed: 'other' })]
    const lines = exported(ledger, {}, storeOf(other, ledger))
    expect(lines.map((line) => JSON.parse(line))).toEqual(ledger.lines())
  })

  it('[VAL-2] opens a commitment that two requests of a block share once', () => {
    const ledger = new LedgerFixture()
    const first = ledger.create(0, 'Amount', '100')
    const { operations, ...rest } = first.request
    const copied = operations.map((operation) => ({ ...operation, uid: ledger.uid() }))
    const block = ledger.order([
      first,
      ledger.request(1, copied, first.openings, { notAfterMs: rest.notAfterMs }),
    ])
    block.requests[1] = { ...(block.requests[1] as typeof first), openings: [] }
    ledger.cosign()
    const lines = exported(ledger)
    expect(JSON.parse(lines[5] as string).openings).toHaveLength(1)
    expect(report(ledger, lines)).toMatchObject({ verdict: 'valid', height: 1 })
  })
})

describe('a contract that cannot be exported', () => {
  it('[GEN-3] while a member has not accepted it', () => {
    const ledger = storyLedger(0)
    ledger.cosignatures.delete(ledger.parties[2] as string)
    expect(codeOf(() => exported(ledger))).toBe('unavailable')
  })

  it('[BUN-2] while this node lags behind what a member has cosigned', () => {
    const ledger = storyLedger(3)
    ledger.cosignatures.set(ledger.parties[1] as string, storyLedger(5).cosignature(1))
    expect(codeOf(() => exported(ledger))).toBe('unavailable')
  })

  it('[BUN-1] because it is not there', () => {
    expect(codeOf(() => exported(storyLedger(0), {}, storeOf()))).toBe('unknown-contract')
  })

  it('[BUN-1] because something of it is missing', () => {
    const ledger = storyLedger(3)
    const store = openSqliteStore(':memory:')
    store.write(ledger.writes().filter(({ kind }) => kind !== 'openings'))
    expect(() => exported(ledger, {}, store)).toThrowError(/opening of [0-9a-f]{64} is not in the store/)
    expect(codeOf(() => exported(ledger, {}, store))).toBe('invariant-broken')
  })
})
