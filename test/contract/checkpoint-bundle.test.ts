/** The export of a ledger that was begun at a checkpoint (BUN-4): what it shows, and what is found in one that was altered. */
import { beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/node/bundle.ts'
import { BundleVerifier, type Report } from '../../src/verify/verifier.ts'
import { begunWorld, type VouchedWorld } from '../support/vouched.ts'

type Line = Record<string, unknown> & { type: string }

describe('a bundle that begins at a checkpoint', () => {
  let made: VouchedWorld
  let lines: Line[]

  beforeAll(() => {
    made = begunWorld()
    const { contract, fourth } = made
    lines = [...exportBundle(fourth.store, contract, fourth.party)].map((line) => JSON.parse(line) as Line)
  })

  function verdictOf(given: readonly Line[], fromCheckpoint = true): Report {
    const trusted = new Set(made.engines.members.map(({ party }) => party))
    const verifier = new BundleVerifier({ trusted, fromCheckpoint })
    for (const line of given) verifier.line(JSON.stringify(line))
    return verifier.end()
  }

  it('[BUN-4] shows the ledger from there on, and says that it does', () => {
    const { contract, fourth, replicaOf } = made
    const { basis, chain } = replicaOf(fourth)
    const report = verdictOf(lines)
    expect(report.finding).toBeUndefined()
    expect(report).toMatchObject({
      verdict: 'valid',
      contract,
      basisHeight: basis?.height,
      tentativeHeights: 0,
    })
    expect(report.height).toBe(chain.height)
    expect(report.counts.ledgerBlocks).toBe(chain.height - (basis?.height ?? 0))
    expect(report.members.map(({ party }) => party).sort()).toEqual(
      made.engines.members.map(({ party }) => party).sort(),
    )
    expect(report.stateRoot).toBe(chain.tip.block.header.stateRoot)
  })

  it('[BUN-4] is not taken for the whole ledger unless the caller says that it will do', () => {
    const report = verdictOf(lines, false)
    expect(report).toMatchObject({ verdict: 'unidentified', finding: { rule: 'BUN-4' } })
    expect(
      verdictOf(
        [...exportBundle(made.first.store, made.contract, made.first.party)].map((line) => JSON.parse(line)),
        false,
      ).verdict,
    ).toBe('valid')
  })

  const basis = (change: (line: Line) => Line | undefined) => (given: readonly Line[]) =>
    given.flatMap((line) => (line.type === 'basis' ? (change(line) ?? []) : line))
  const list = (line: Line, key: string) => line[key] as unknown[]
  const without = (key: string) => basis((line) => ({ ...line, [key]: list(line, key).slice(0, -1) }))
  const faults: readonly [fault: string, rule: string, change: (given: readonly Line[]) => Line[]][] = [
    ['a header is missing', 'BUN-4', without('headers')],
    ['a record is missing', 'STA-1', without('records')],
    ['an opening is missing', 'VAL-2', without('openings')],
    [
      'an opening is of nothing there',
      'VAL-2',
      basis((line) => ({
        ...line,
        openings: [...list(line, 'openings'), { salt: 'A'.repeat(22), value: '' }],
      })),
    ],
    [
      'a header is malformed',
      'BLK-1',
      basis((line) => ({ ...line, headers: list(line, 'headers').map(() => ({})) })),
    ],
    ['a card is not proved', 'CARD-2', without('cards')],
    [
      'a header is altered',
      'BLK-4',
      basis((line) => ({
        ...line,
        headers: list(line, 'headers').map((one, index) =>
          index === 1 ? { ...(one as object), timeMs: 1 } : one,
        ),
      })),
    ],
    [
      'a line names another height',
      'BUN-4',
      (given) =>
        given.map((line, index) =>
          line.type === 'basis' && given[index + 1]?.type !== 'basis' ? { ...line, height: 3 } : line,
        ),
    ],
    ['what was ordered is malformed', 'BUN-4', basis((line) => ({ ...line, ordered: [['x', 1]] }))],
    [
      'the first block after it is missing',
      'BLK-4',
      (given) =>
        given.filter((line, index) => !(line.type === 'ledger-block' && given[index - 1]?.type === 'basis')),
    ],
    [
      'a request of before is ordered again',
      'REQ-5',
      (given) => {
        const block = given.find(({ type }) => type === 'ledger-block' && (given as never)) as Line
        const entries = given.flatMap((line) =>
          line.type === 'ledger-block' ? (line.block as { entries: { request?: string }[] }).entries : [],
        )
        const id = entries.find(({ request }) => request !== undefined)?.request
        expect(block).toBeDefined()
        return basis((line) =>
          list(line, 'ordered').length > 0
            ? { ...line, ordered: [...list(line, 'ordered'), [id, 4e12]] }
            : line,
        )(given)
      },
    ],
    [
      'a member there has signed nothing',
      'COS-3',
      (given) => given.filter(({ type, party }) => !(type === 'cosignature' && party === made.second.party)),
    ],
  ]

  it.each(faults)('[BUN-4] is refused where %s: [%s]', (_, rule, change) => {
    const report = verdictOf(change(lines))
    expect([report.verdict, report.finding?.rule]).toEqual(['invalid', rule])
  })
})
