import { describe, expect, it } from 'vitest'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { jcs } from '../crypto/jcs.ts'
import { type Cosignature, cosign } from './checkpoint.ts'
import type { Evidence } from './evidence.ts'
import {
  checkFreezeShape,
  type Freeze,
  freezeHolds,
  freezeId,
  makeFreeze,
  resolve,
  type SignedFreeze,
  signFreeze,
  type Top,
} from './freeze.ts'

const ledger = new LedgerFixture({ members: 3 })
const { contract, electorate } = ledger
const [alder, birch, cedar] = ledger.members as [FixtureParty, FixtureParty, FixtureParty]
const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
const hash = (digit: string): string => digit.repeat(64)
const cosigned = (by: FixtureParty, size: number, block: string): Cosignature =>
  cosign(
    by.keys.cosign.privateKey,
    by.party,
    { contract, lineage: 0, epoch: 0, size, root: block, block, stateRoot: block },
    size,
  )
const frozen = (by: FixtureParty, cosignatures: Cosignature[], evidence: Evidence[] = []): SignedFreeze =>
  signFreeze(by.keys.cosign.privateKey, makeFreeze(contract, 0, by.party, cosignatures, evidence))

const [a1, b1, b2, c2] = [
  cosigned(alder, 1, hash('1')),
  cosigned(birch, 1, hash('1')),
  cosigned(birch, 2, hash('2')),
  cosigned(cedar, 2, hash('3')),
]
const proof: Evidence = {
  kind: 'two-checkpoints',
  party: cedar.party,
  contract,
  lineage: 0,
  first: c2,
  second: cosigned(cedar, 2, hash('4')),
}

describe('a FREEZE', () => {
  it('[LIN-1] holds if its party signed it and everything in it is genuine', () => {
    const freeze = frozen(alder, [b2, a1, b1, a1], [proof])
    expect(freeze.statement.cosignatures, 'in order, none twice').toHaveLength(3)
    expect(checkFreezeShape(JSON.parse(jcs(freeze)))).toEqual(freeze)
    expect(freezeHolds(freeze, electorate, cosignKeys)).toBe(true)
    expect(freezeId(freeze)).toBe(freezeId(frozen(alder, [a1, b1, b2], [proof])))
    const altered = (change: Partial<Freeze>): SignedFreeze => ({
      ...freeze,
      statement: { ...freeze.statement, ...change },
    })
    for (const change of [
      { party: birch.party },
      { lineage: 1 },
      { contract: hash('9') },
      { cosignatures: [] },
      { evidence: [] },
    ])
      expect(freezeHolds(altered(change), electorate, cosignKeys), JSON.stringify(change)).toBe(false)
    const forged = { ...b2, party: alder.party }
    expect(freezeHolds(frozen(birch, [forged]), electorate, cosignKeys), 'forged inside').toBe(false)
    const rumour: Evidence = { ...proof, second: c2 }
    expect(freezeHolds(frozen(birch, [], [rumour]), electorate, cosignKeys), 'no evidence').toBe(false)
    expect(freezeHolds(freeze, electorate, new Map()), 'no member').toBe(false)
  })

  it('[LIN-1] has one form: what stands out of order or twice is refused', () => {
    const { statement, signature } = frozen(alder, [a1, b1])
    const [first, second] = statement.cosignatures as [Cosignature, Cosignature]
    for (const cosignatures of [
      [second, first],
      [first, first],
    ])
      expect(() => checkFreezeShape({ signature, statement: { ...statement, cosignatures } })).toThrow(
        expect.objectContaining({ code: 'bad-format' }),
      )
    for (const value of [
      undefined,
      {},
      { statement, signature, more: 1 },
      { statement: { ...statement, view: 1 }, signature },
    ])
      expect(() => checkFreezeShape(value)).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })
})

/** Two branches F and G from one root, two blocks each: by name. */
const PARENTS: Record<string, string> = { F2: 'F1', G2: 'G1', F1: '0', G1: '0' }
const extendsName = (name: string, other: string): boolean => {
  for (let at: string | undefined = name; at !== undefined; at = PARENTS[at]) if (at === other) return true
  return false
}
const isExtension = (longer: Top, shorter: Top): boolean => extendsName(longer.block, shorter.block)
const sign = (member: number, block: string) =>
  ({ party: String(member), block, size: Number(block[1]) }) as Cosignature
const freezeOf = (member: number, signatures: readonly Cosignature[]): SignedFreeze => ({
  statement: makeFreeze('', 0, String(member), signatures, []),
  signature: { signature: '' },
})
const resolved = (freezes: readonly SignedFreeze[], count: number) => {
  const members = Array.from({ length: count }, (_, member) => String(member))
  const result = resolve(freezes, members, isExtension)
  return 'missing' in result ? undefined : result
}

describe('a RESOLVE', () => {
  it('[LIN-2] needs the FREEZE of every member whom it does not prove guilty', () => {
    const [left, right, both] = [sign(0, 'F1'), sign(1, 'G1'), [sign(2, 'F1'), sign(2, 'G1')]]
    const members = ['0', '1', '2']
    expect(resolve([freezeOf(0, [left])], members, isExtension)).toEqual({ missing: ['1', '2'] })
    const unproven = [freezeOf(0, [left, both[0] as Cosignature]), freezeOf(1, [right])]
    expect(resolve(unproven, members, isExtension)).toEqual({ missing: ['2'] })
    const proven = [freezeOf(0, [left, both[0] as Cosignature]), freezeOf(1, [right, both[1] as Cosignature])]
    expect(resolve(proven, members, isExtension)).toEqual({ tip: { size: 1, block: 'F1' }, guilty: ['2'] })
    const accused = { ...freezeOf(0, [left]) }
    accused.statement.evidence.push({ party: '2' } as Evidence)
    const told = resolve([accused, freezeOf(1, [right, sign(1, 'G2')])], members, isExtension)
    expect(told, 'evidence of other kinds proves as much').toEqual({
      tip: { size: 2, block: 'G2' },
      guilty: ['2'],
    })
  })

  it('[LIN-2] starts where most stand, then on the longest, then on the lowest hash; descendants count', () => {
    const tip = (...tops: string[]) =>
      resolved(
        tops.map((top, member) => freezeOf(member, top === '' ? [] : [sign(member, top)])),
        tops.length,
      )?.tip?.block
    expect(tip('F1', 'G1', 'G2')).toBe('G2')
    expect(tip('F2', 'F1', 'G1', 'G2')).toBe('F2')
    expect(tip('F1', 'G1')).toBe('F1')
    expect(tip('F1', 'G2')).toBe('G2')
    expect(tip('', 'G1')).toBe('G1')
    expect(tip('', '')).toBeUndefined()
  })

  /**
   * Every lock that honest members can have, every set of signatures of liars, everything an honest member can know when it
   * freezes, every FREEZE (or two) of a liar: as the models that the rule was found with enumerate them.
   */
  it.each([2, 3])(
    '[LIN-2] of %i members never abandons a final that an honest member has reported',
    (count) => {
      let complete = 0
      let reported = 0
      for (let liars = 1; liars < count; liars += 1) {
        const honest = Array.from({ length: count - liars }, (_, member) => member)
        const lying = Array.from({ length: liars }, (_, index) => count - liars + index)
        for (const locks of combinations(['0', 'F1', 'F2', 'G1'], honest.length))
          for (const lies of combinations(LIES, liars)) {
            const own = honest.flatMap((member) =>
              locks[member] === '0' ? [] : [sign(member, locks[member] as string)],
            )
            const false_ = lying.flatMap((member, index) =>
              (lies[index] as string[]).map((block) => sign(member, block)),
            )
            const knowledge = honest.map((member) =>
              subsets([...own, ...false_].filter(({ party }) => party !== String(member))).map((known) => [
                ...known,
                ...own.filter(({ party }) => party === String(member)),
              ]),
            )
            const freezesOfLiars = lying.map((member, index) => {
              const blocks = lies[index] as string[]
              const each = blocks.map((block) => [freezeOf(member, [sign(member, block)])])
              const two =
                blocks.length > 1 ? [blocks.map((block) => freezeOf(member, [sign(member, block)]))] : []
              return [[], [freezeOf(member, [])], ...each, ...two]
            })
            for (const knows of product(knowledge)) {
              const finals = ['F1', 'F2', 'G1', 'G2'].filter((block) =>
                knows.some((known) =>
                  Array.from({ length: count }, (_, member) => String(member)).every((party) =>
                    known.some((one) => one.party === party && extendsName(one.block, block)),
                  ),
                ),
              )
              const frozenOfHonest = honest.map((member) => freezeOf(member, knows[member] as Cosignature[]))
              for (const others of product(freezesOfLiars)) {
                const result = resolved([...frozenOfHonest, ...others.flat()], count)
                if (!result) continue
                complete += 1
                for (const block of finals) {
                  reported += 1
                  if (!extendsName(result.tip?.block ?? '0', block))
                    throw new Error(
                      `${block} was final: ${jcs({ locks, lies, knows, tip: result.tip ?? null })}`,
                    )
                }
                if (result.guilty.some((party) => honest.includes(Number(party))))
                  throw new Error(`an honest member is called guilty: ${jcs({ locks, lies, knows })}`)
              }
            }
          }
      }
      expect(complete).toBeGreaterThan(count === 2 ? 100 : 10_000)
      expect(reported, 'finals were at stake').toBeGreaterThan(10)
    },
  )
})

const LIES = [['F1'], ['F2'], ['G1'], ['F1', 'G1'], ['F1', 'G2'], ['F2', 'G2']]

/** Lists of this length with repetition, in order. */
function combinations<T>(items: readonly T[], length: number): T[][] {
  if (length === 0) return [[]]
  return items.flatMap((item, index) =>
    combinations(items.slice(index), length - 1).map((rest) => [item, ...rest]),
  )
}

function subsets<T>(items: readonly T[]): T[][] {
  const all: T[][] = [[]]
  for (const item of items) all.push(...all.map((one) => [...one, item]))
  return all
}

function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((all, list) => all.flatMap((one) => list.map((item) => [...one, item])), [[]])
}
