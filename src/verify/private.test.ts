/** Ledgers with private values: what an audit finds with them at hand, and without; and whatever is wrong with what was judged. */
import { describe, expect, it } from 'vitest'
import { audit, otherHash, Parts } from '../../test/support/audit.ts'
import { PrivateLedger, privateStory } from '../../test/support/private-ledger.ts'
import type { Entry } from '../ledger/block.ts'
import type { JudgedBy } from '../ledger/judgement.ts'
import type { Opening } from '../ledger/value.ts'
import type { BasisLine, BlockLine } from './bundle.ts'
import { BundleVerifier, type Report } from './verifier.ts'

const ledger = privateStory()
/** Heights of what the story does, behind the blocks that bring the rules. */
const [FLOOR, BID, HIGHER, FIRST_COST, SECOND_COST, LOWER] = [7, 8, 9, 10, 11, 12] as const

function auditOf(one: PrivateLedger, withPrivate: boolean, alter: (parts: Parts) => void = () => {}): Report {
  const parts = new Parts(one.linesFor(withPrivate))
  alter(parts)
  return audit(parts.lines, one.parties)
}

function findingOn(alter: (parts: Parts) => void, withPrivate = false, one = ledger): string {
  const { verdict, finding } = auditOf(one, withPrivate, alter)
  return verdict === 'invalid' ? `${finding?.rule} ${finding?.place}` : `the bundle is ${verdict}`
}

const entryIn = (line: BlockLine): Entry => line.block.entries[0] as Entry
const requestAt = (height: number, one = ledger): string =>
  `request ${entryIn(one.blockLine(height)).request} in ledger block ${height}`
const judgementIn = (parts: Parts, height: number): JudgedBy[] =>
  entryIn(parts.block(height)).judgement as JudgedBy[]

describe('a ledger with private values', () => {
  it('[BUN-2] [JUD-2] is valid without them: what was judged is taken on the signatures of its readers', () => {
    const { verdict, finding, recomputed, counts } = auditOf(ledger, false)
    expect([verdict, finding]).toEqual(['valid', undefined])
    expect(recomputed).toMatchObject({ judgedResults: 0, takenOutcomes: 0 })
    expect(recomputed.takenJudgedResults).toBeGreaterThan(6)
    expect(recomputed.outcomes).toBe(counts.requests)
  })

  it('[BUN-2] [JUD-3] is valid with them: what was judged is computed again', () => {
    const { verdict, finding, recomputed } = auditOf(ledger, true)
    expect([verdict, finding]).toEqual(['valid', undefined])
    const without = auditOf(ledger, false).recomputed
    expect(recomputed).toMatchObject({ takenJudgedResults: 0, judgedResults: without.takenJudgedResults })
  })

  it('[BUN-2] holds some of them: of the rest it is said that they are taken on signatures', () => {
    const { verdict, recomputed } = auditOf(ledger, true, (parts) => {
      const line = parts.block(SECOND_COST)
      line.openings = line.openings.filter(({ of }) => of === undefined)
    })
    expect(verdict).toBe('valid')
    expect(recomputed.judgedResults).toBeGreaterThan(0)
    // Whether it is of its type, and the sum that it goes into.
    expect(recomputed.takenJudgedResults).toBe(2)
  })

  it('[RUL-12] shows a sum of values of which it shows none', () => {
    expect(ledger.valueAt('Total')).toBe('30')
    const opened = new Parts(ledger.linesFor(false)).block(SECOND_COST).openings
    expect(opened.map(({ value }) => value)).toEqual(['30'])
  })

  it('holds what was refused, too, with what its readers said', () => {
    expect(entryIn(new Parts(ledger.linesFor(false)).block(LOWER))).toMatchObject({
      code: 'constraint-broken',
    })
  })
})

describe('what was judged', () => {
  it('[JUD-2] taken out', () => {
    for (const height of [BID, HIGHER, FIRST_COST])
      expect(findingOn((parts) => Reflect.deleteProperty(entryIn(parts.block(height)), 'judgement'))).toBe(
        `JUD-2 ${requestAt(height)}`,
      )
  })

  it('[JUD-2] of one reader taken out', () => {
    for (const withPrivate of [false, true])
      for (const height of [BID, HIGHER])
        for (const index of [0, 1])
          expect(findingOn((parts) => judgementIn(parts, height).splice(index, 1), withPrivate)).toBe(
            `JUD-2 ${requestAt(height)}`,
          )
  })

  it('[JUD-1] one result turned round', () => {
    const alter = (parts: Parts) => {
      const [first] = judgementIn(parts, HIGHER) as [JudgedBy]
      first.items = first.items.map(([rule, uid, inputs, result]) => [rule, uid, inputs, !result])
    }
    expect(findingOn(alter)).toBe(`JUD-1 ${requestAt(HIGHER)}`)
  })

  it('[JUD-1] signed by another reader, for another request, or by nobody who is in', () => {
    const swap = (parts: Parts) => {
      const [first, second] = judgementIn(parts, BID) as [JudgedBy, JudgedBy]
      first.signature = second.signature
    }
    expect(findingOn(swap)).toBe(`JUD-1 ${requestAt(BID)}`)
    const replay = (parts: Parts) => {
      entryIn(parts.block(HIGHER)).judgement = structuredClone(judgementIn(parts, BID))
    }
    expect(findingOn(replay)).toBe(`JUD-1 ${requestAt(HIGHER)}`)
    const stranger = (parts: Parts) => {
      const judgement = judgementIn(parts, BID)
      judgement.push({ ...(judgement[0] as JudgedBy), party: 'f'.repeat(64) })
    }
    expect(findingOn(stranger)).toBe(`JUD-1 ${requestAt(BID)}`)
  })

  it('[JUD-1] without what it reveals, or revealing more', () => {
    const revealing = (parts: Parts) =>
      judgementIn(parts, SECOND_COST).find(({ reveals }) => reveals !== undefined) as JudgedBy
    const strip = (parts: Parts) => {
      Reflect.deleteProperty(revealing(parts), 'reveals')
      parts.block(SECOND_COST).openings = []
    }
    expect(findingOn(strip)).toBe(`JUD-1 ${requestAt(SECOND_COST)}`)
    const more = (parts: Parts) => {
      const [first] = parts.block(SECOND_COST).openings
      const one = judgementIn(parts, BID)[0] as JudgedBy
      one.reveals = [...(revealing(parts).reveals ?? [])]
      parts.block(BID).openings.push(structuredClone(first) as never)
    }
    expect(findingOn(more)).toBe(`JUD-1 ${requestAt(BID)}`)
  })

  it('[JUD-1] of the same parties out of order, or twice', () => {
    expect(findingOn((parts) => judgementIn(parts, BID).reverse())).toBe(`BLK-1 ledger block ${BID}`)
    expect(findingOn((parts) => judgementIn(parts, BID).push(judgementIn(parts, BID)[0] as JudgedBy))).toBe(
      `BLK-1 ledger block ${BID}`,
    )
  })

  it('[BLK-2] put beside what nobody had to judge, signed as it should be', () => {
    const alter = (parts: Parts) => {
      const entry = entryIn(parts.block(FLOOR))
      entry.judgement = [ledger.signedBy(ledger.parties[0] as string, entry.request, { items: [] })]
    }
    expect(findingOn(alter)).toBe(`BLK-2 ledger block ${FLOOR}`)
  })

  it('[JUD-3] with an answer to what nobody asked, signed: conflicted, and not what the block says', () => {
    const alter = (parts: Parts) => {
      const entry = entryIn(parts.block(HIGHER))
      entry.judgement = judgementIn(parts, HIGHER).map(({ party, items }) =>
        ledger.signedBy(party, entry.request, {
          items: [...items, [ledger.rules.floor, ledger.at('Total'), 'a'.repeat(64), true]],
        }),
      )
    }
    expect(findingOn(alter)).toBe(`REQ-4 ${requestAt(HIGHER)}`)
  })
})

describe('a judged block of whose line', () => {
  /** Every text and boolean below a value, with what puts another in its place. */
  function* leavesIn(value: object): Generator<{ of: string; alter: () => void }> {
    for (const [key, one] of Object.entries(value) as [never, unknown][])
      if (typeof one === 'object' && one !== null) yield* leavesIn(one)
      else if (typeof one === 'string' || typeof one === 'boolean')
        yield {
          of: `${key}: ${one}`,
          alter: () => Object.assign(value, { [key]: typeof one === 'string' ? otherHash(one) : !one }),
        }
  }

  it.each([
    ['judgement', SECOND_COST],
    ['judgement', HIGHER],
    ['openings', SECOND_COST],
  ] as const)('[BUN-2] the %s is altered is refused, whatever it is (ledger block %i)', (part, height) => {
    const partOf = (line: BlockLine) =>
      part === 'openings' ? line.openings : (entryIn(line).judgement ?? [])
    const count = [...leavesIn(partOf(ledger.blockLine(height)))].length
    expect(count).toBeGreaterThan(part === 'openings' ? 4 : 11)
    for (let index = 0; index < count; index += 1) {
      let altered = ''
      const { verdict, finding } = auditOf(ledger, true, (parts) => {
        const { of, alter } = [...leavesIn(partOf(parts.block(height)))][index] as {
          of: string
          alter(): void
        }
        altered = of
        alter()
      })
      expect(verdict, altered).toBe('invalid')
      expect(finding?.rule, altered).toMatch(/^(BLK-1|JUD-1|JUD-2|VAL-1|VAL-2|VAL-4)$/)
    }
  })
})

describe('openings', () => {
  it('[VAL-4] a private value shown as that of another field', () => {
    const alter = (parts: Parts) => {
      const line = parts.block(BID)
      const bid = line.openings.find(({ of }) => of === ledger.at('Bid'))
      Object.assign(bid as object, { of: ledger.at('Floor') })
    }
    expect(findingOn(alter, true)).toBe(`VAL-2 ledger block ${BID}`)
  })

  it('[VAL-4] another field’s private value, put into one’s own, is shown where it belongs and nowhere else', () => {
    const one = new PrivateLedger({ seed: 'copied' })
    one.put(1, 'Costs/item[1]/Cost', '10')
    const shown = one.blocks.at(-1)?.requests[0]?.openings[0]
    const { value, readers } = one.tip.state.map.get(one.at('Costs/item[1]/Cost')) as never as {
      value: string
      readers: string[]
    }
    const copy = { ...one.setting('Bid', '1'), value, readers }
    expect(one.send(0, [copy as never])).toBe('wrong-type')
    one.cosign()
    expect(auditOf(one, true)).toMatchObject({ verdict: 'valid' })
    const alter = (parts: Parts) => {
      parts.block(one.height).openings = [structuredClone(shown) as never]
    }
    expect(findingOn(alter, true, one)).toBe(`VAL-4 ledger block ${one.height}`)
  })

  it('[VAL-2] what was revealed to everybody is missing', () => {
    const alter = (parts: Parts) => {
      parts.block(SECOND_COST).openings = []
    }
    expect(findingOn(alter)).toBe(`VAL-2 ledger block ${SECOND_COST}`)
  })

  it('[VAL-2] [BUN-1] what is of nothing there', () => {
    const alter = (parts: Parts) => parts.block(FLOOR).openings.push({ salt: 'A'.repeat(22), value: 'x' })
    expect(findingOn(alter)).toBe(`VAL-2 ledger block ${FLOOR}`)
  })
})

describe('a bundle that begins at a checkpoint', () => {
  function fromCheckpoint(height: number, withPrivate: boolean, alter: (line: BasisLine) => void = () => {}) {
    const { state } = ledger.blocks[height] as (typeof ledger.blocks)[0]
    const [head, genesis, ...others] = ledger.linesFor(withPrivate)
    const records = [...state.map]
    const openings = records.flatMap(([, record]): Opening[] => {
      const { value = '', readers } = record as { value?: string; readers?: string[] }
      const opening = readers === undefined || withPrivate ? ledger.openings.get(value) : undefined
      return opening === undefined ? [] : [opening]
    })
    const before = ledger.blocks.slice(1, height + 1)
    const line: BasisLine = {
      type: 'basis',
      height,
      headers: before.map(({ block }) => block.header),
      records,
      openings: [...new Set(openings)],
      ordered: before.flatMap(({ requests }) =>
        requests.map(({ id, request }): [string, number] => [id, request.notAfterMs]),
      ),
      cards: [],
    }
    const copy = structuredClone(line)
    alter(copy)
    const verifier = new BundleVerifier({ trusted: new Set(ledger.parties), fromCheckpoint: true })
    const lines = [
      head,
      genesis,
      ...others.filter(({ type }) => type === 'cosignature'),
      copy,
      ...others.filter((one) => one.type === 'ledger-block' && one.block.header.height > height),
      others.at(-1),
    ]
    for (const one of lines) verifier.line(JSON.stringify(one))
    const { verdict, finding, recomputed } = verifier.end()
    return { verdict, place: finding && `${finding.rule} ${finding.place}`, recomputed }
  }

  it('[BUN-4] may lack what not everybody may see, and computes what is judged where it does not', () => {
    expect(fromCheckpoint(HIGHER, false)).toMatchObject({
      verdict: 'valid',
      recomputed: { judgedResults: 0 },
    })
    expect(fromCheckpoint(HIGHER, true)).toMatchObject({
      verdict: 'valid',
      recomputed: { takenJudgedResults: 0 },
    })
  })

  it('[BUN-4] [VAL-2] has every value that everybody may see, and each as its own field’s', () => {
    const floor = (line: BasisLine) => line.openings.findIndex(({ value }) => value === '11')
    expect(fromCheckpoint(HIGHER, false, (line) => line.openings.splice(floor(line), 1)).place).toBe(
      `VAL-2 ledger block ${HIGHER}`,
    )
    const other = (line: BasisLine) =>
      Object.assign(line.openings.find(({ of }) => of === ledger.at('Bid')) as Opening, {
        of: ledger.at('Floor'),
      })
    expect(fromCheckpoint(HIGHER, true, other).place).toBe(`VAL-2 ledger block ${HIGHER}`)
  })
})

describe('what all who judge it have signed, and is false', () => {
  /** The constraint is said to hold of a bid that is too low. */
  const lying = new PrivateLedger({ seed: 'lying' })
  lying.put(2, 'Floor', '10')
  const outcome = lying.put(0, 'Bid', '9', (judgement, request) =>
    judgement.map(({ party, items }) =>
      lying.signedBy(party, request, {
        items: items.map(([rule, uid, inputs, result]) => [
          rule,
          uid,
          inputs,
          result === false ? true : result,
        ]),
      }),
    ),
  )
  lying.cosign()

  it('[JUD-3] is found where the values are at hand, and its signers are named', () => {
    expect(outcome).toBe('accepted')
    const { verdict, finding } = auditOf(lying, true)
    expect([verdict, finding?.rule, finding?.place]).toEqual([
      'invalid',
      'JUD-3',
      requestAt(lying.height, lying),
    ])
    for (const party of lying.parties.slice(0, 2)) expect(finding?.message).toContain(party)
    expect(finding?.message).toContain(`rule ${lying.rules.floor}`)
  })

  it('[JUD-3] is taken on their signatures where they are not', () => {
    expect(auditOf(lying, false)).toMatchObject({ verdict: 'valid', recomputed: { judgedResults: 0 } })
  })

  it('[JUD-3] is found in a sum, too, by whoever holds what was added', () => {
    const one = new PrivateLedger({ seed: 'wrong sum' })
    const hub = one.parties[0] as string
    one.put(1, 'Costs/item[1]/Cost', '10')
    const { opening, commitment } = one.commit('31')
    const [request] = [
      one.judgedRequest(2, [one.setting('Costs/item[2]/Cost', '20')], (judgement, id) =>
        judgement.map((judged) => {
          if (judged.party !== hub || judged.reveals === undefined) return judged
          const items = judged.items.map((item): typeof item =>
            item[3] === judged.reveals?.[0] ? [item[0], item[1], item[2], commitment] : item,
          )
          return one.signedBy(hub, id, { items, reveals: [commitment] })
        }),
      ),
    ]
    const openings = request?.openings.map((each) => (each.value === '30' ? opening : each)) ?? []
    one.order([{ ...(request as NonNullable<typeof request>), openings }])
    one.cosign()
    expect(one.valueAt('Total')).toBe('31')
    expect(auditOf(one, false).verdict).toBe('valid')
    expect(findingOn(() => {}, true, one)).toBe(`JUD-3 ${requestAt(one.height, one)}`)
  })
})
