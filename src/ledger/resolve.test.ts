import { describe, expect, it } from 'vitest'
import { frozen, historyOf, parted } from '../../test/support/freezing.ts'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import { jcs } from '../crypto/jcs.ts'
import type { Cosignature } from './checkpoint.ts'
import type { Evidence } from './evidence.ts'
import { type FreezeContext, freezeId, makeFreeze, type SignedFreeze } from './freeze.ts'
import type { FrozenHistory, Top } from './freeze-history.ts'
import { lineageId, nextLineage, type Order, resolve } from './resolve.ts'

/** Two branches F and G from one root, two blocks each: by name. */
const PARENTS: Record<string, string> = { F2: 'F1', G2: 'G1', F1: '0', G1: '0' }
const extendsName = (name: string, other: string): boolean => {
  for (let at: string | undefined = name; at !== undefined; at = PARENTS[at]) if (at === other) return true
  return false
}
const order: Order = {
  shows: () => true,
  isExtension: (longer, shorter) => extendsName(longer.block, shorter.block),
}
const sign = (member: number, block: string) =>
  ({ party: String(member), block, size: Number(block[1]) }) as Cosignature
const freezeOf = (member: number, signatures: readonly Cosignature[]): SignedFreeze => ({
  statement: makeFreeze('', 0, String(member), {} as FrozenHistory, signatures, []),
  signature: { signature: '' },
})
const resolved = (freezes: readonly SignedFreeze[], count: number) => {
  const members = Array.from({ length: count }, (_, member) => String(member))
  const result = resolve(freezes, () => members, order)
  return 'missing' in result ? undefined : result
}

describe('a RESOLVE', () => {
  it('[LIN-2] needs the FREEZE of every member whom it does not prove guilty', () => {
    const [left, right, both] = [sign(0, 'F1'), sign(1, 'G1'), [sign(2, 'F1'), sign(2, 'G1')]]
    const members = () => ['0', '1', '2']
    expect(resolve([freezeOf(0, [left])], members, order)).toEqual({ missing: ['1', '2'] })
    const unproven = [freezeOf(0, [left, both[0] as Cosignature]), freezeOf(1, [right])]
    expect(resolve(unproven, members, order)).toEqual({ missing: ['2'] })
    const proven = [freezeOf(0, [left, both[0] as Cosignature]), freezeOf(1, [right, both[1] as Cosignature])]
    expect(resolve(proven, members, order)).toMatchObject({ tip: { size: 1, block: 'F1' }, guilty: ['2'] })
    const accused = { ...freezeOf(0, [left]) }
    accused.statement.evidence.push({ party: '2' } as Evidence)
    const told = resolve([accused, freezeOf(1, [right, sign(1, 'G2')])], members, order)
    expect(told, 'evidence of other kinds proves as much').toEqual({
      tip: { size: 2, block: 'G2' },
      guilty: ['2'],
      members: ['0', '1'],
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

/** What all members know: the keys of the one epoch. */
const contextOf = ({ electorate, members, parties }: LedgerFixture, base: Top): FreezeContext => {
  const cosignKeys = new Map(members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
  return { epochs: [{ electorate, members: parties, cosignKeys }], base }
}

/** Three members of whom the last has cosigned both sides; the first two each stand on one. */
function partedByCedar(left = 2, right = 1) {
  const [one, other] = parted(() => new LedgerFixture({ members: 3 }), 2, left, right)
  const [alder, birch, cedar] = one.parties as [string, string, string]
  const cosigned = [0, 1, 2].map((member) => one.cosignature(member, one.checkpoint(2)))
  const lies = [one.cosignature(2), other.cosignature(2)] as [Cosignature, Cosignature]
  const own = [one.cosignature(0), other.cosignature(1)] as [Cosignature, Cosignature]
  const base: Top = { size: 1, block: one.blocks[0]?.hash as string }
  return { one, other, alder, birch, cedar, cosigned, lies, own, base }
}

describe('the next lineage', () => {
  it('[LIN-3] is computed from FREEZEs alone, whatever their order: its tip, its members, the way there', () => {
    const { one, other, alder, birch, cedar, cosigned, lies, own, base } = partedByCedar()
    const left = frozen(one, 0, [own[0], cosigned[1] as Cosignature, lies[0]], { history: historyOf(one, 2) })
    const right = frozen(other, 1, [own[1], cosigned[0] as Cosignature, lies[1]], {
      history: historyOf(other, 2),
    })
    const next = nextLineage([left, right], contextOf(one, base))
    if ('missing' in next) throw new Error('it should resolve')
    expect(next.guilty).toEqual([cedar])
    expect(next.genesis).toEqual({
      contract: one.contract,
      lineage: 1,
      tip: { size: 5, block: one.tip.hash },
      freezes: [freezeId(left), freezeId(right)].sort(),
      members: [alder, birch],
    })
    expect(next.path).toEqual({ from: 2, blocks: one.blocks.slice(2).map(({ hash }) => hash) })
    const again = nextLineage([right, left], contextOf(one, base))
    expect('genesis' in again && lineageId(again.genesis)).toBe(lineageId(next.genesis))
    const twice = nextLineage([left, right, left], contextOf(one, base))
    expect('genesis' in twice && twice.genesis, 'a set has each but once').toEqual(next.genesis)
  })

  it('[LIN-2] lacks the FREEZE of a member that nothing proves guilty', () => {
    const { one, own, cedar, birch, base } = partedByCedar()
    expect(nextLineage([frozen(one, 0, [own[0]])], contextOf(one, base))).toEqual({ missing: [birch, cedar] })
  })

  it('[LIN-2] begins where the lineage did if nobody has cosigned anything in it', () => {
    const { one, base } = partedByCedar()
    const history = historyOf(one, 0, 0)
    const next = nextLineage(
      [0, 1, 2].map((member) => frozen(one, member, [], { history })),
      contextOf(one, base),
    )
    expect(next).toMatchObject({
      genesis: { tip: base },
      guilty: [],
      path: { from: 0, blocks: [base.block] },
    })
  })

  it('[LIN-2] a cosignature of a history that no FREEZE shows leads nowhere', () => {
    const { one, other, cosigned, base, cedar } = partedByCedar()
    const beyond = other.cosignature(2)
    const freezes = [0, 1].map((member) => frozen(one, member, [one.cosignature(member), beyond]))
    const whole = [...freezes, frozen(one, 2, [cosigned[2] as Cosignature])]
    const next = nextLineage(whole, contextOf(one, base))
    // What it cosigned is larger than what its FREEZE says was its last.
    expect(next).toMatchObject({ genesis: { tip: { block: one.tip.hash } }, guilty: [cedar] })
  })

  it('[LIN-2] begins on no cosignature, not even its party’s own, of a history that is not shown', () => {
    const { one, other, base } = partedByCedar(1, 2)
    const freezes = [
      frozen(one, 0, [one.cosignature(0)]),
      frozen(one, 1, []),
      frozen(one, 2, [other.cosignature(2)]),
    ]
    expect(nextLineage(freezes, contextOf(one, base))).toMatchObject({
      genesis: { tip: { size: 4, block: one.tip.hash } },
      guilty: [],
    })
  })

  it('[LIN-2] an old cosignature below what another member shows accuses nobody', () => {
    const { one, cosigned, base } = partedByCedar()
    const all = [0, 1, 2].map((member) => one.cosignature(member, one.checkpoint(4)))
    const late = historyOf(one, 4)
    const freezes = [
      frozen(one, 0, [...all, one.cosignature(0)].slice(1), { history: late }),
      frozen(one, 1, [all[1] as Cosignature, cosigned[2] as Cosignature]),
      frozen(one, 2, [all[2] as Cosignature, cosigned[1] as Cosignature]),
    ]
    expect(nextLineage(freezes, contextOf(one, base))).toMatchObject({ guilty: [] })
  })

  it('[EVI-4] two sets that lead to two tips have a liar in them that both together prove', () => {
    const { one, other, cosigned, lies, own, base, birch, cedar } = partedByCedar(1, 2)
    // Birch has cosigned the other side too, says nothing of it, and Cedar knows.
    const hidden = other.cosignature(1)
    const honest = frozen(one, 0, [own[0], lies[0], other.cosignature(2, other.checkpoint(3))])
    const silent = frozen(one, 1, [one.cosignature(1)])
    const told = frozen(other, 2, [lies[1], hidden, cosigned[0] as Cosignature])
    const first = nextLineage([honest, silent], contextOf(one, base))
    expect(first).toMatchObject({ guilty: [cedar], genesis: { tip: { block: one.tip.hash } } })
    const both = nextLineage([honest, silent, told], contextOf(one, base))
    expect(both).toMatchObject({ guilty: [birch, cedar] })
  })
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
