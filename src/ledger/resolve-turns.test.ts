/** RESOLVE where one history, or each, has had a turn of the epoch: over random sets of FREEZEs, with liars among them. */
import { describe, expect, it } from 'vitest'
import { jcs } from '../crypto/jcs.ts'
import type { Cosignature } from './checkpoint.ts'
import type { Evidence } from './evidence.ts'
import { makeFreeze, type SignedFreeze } from './freeze.ts'
import type { Cosigned, FrozenHistory } from './freeze-history.ts'
import { type Order, type Outline, type Resolution, resolve, type Turned } from './resolve.ts'

/** C is common; on F the third block, on G the fourth is a turn, where there is one. */
const PARENTS: Record<string, string> = {
  C: '0',
  F2: 'C',
  F3: 'F2',
  F4: 'F3',
  F5: 'F4',
  G2: 'C',
  G3: 'G2',
  G4: 'G3',
  G5: 'G4',
}
const BLOCKS = Object.keys(PARENTS)
const TURNS = { F: 'F3', G: 'G4' }
const sizeOf = (block: string): number => (block === 'C' ? 1 : Number(block[1]))
const contains = (block: string, other: string): boolean => {
  for (let at: string | undefined = block; at !== undefined; at = PARENTS[at]) if (at === other) return true
  return false
}
const order: Order = {
  shows: () => true,
  isExtension: (longer: Cosigned, shorter: Cosigned) => contains(longer.block, shorter.block),
}

/** Random numbers of a seed. */
function draws(seed: number): <T>(items: readonly T[]) => T {
  let state = seed
  return (items) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return items[Math.floor((state / 2 ** 32) * items.length)] as (typeof items)[number]
  }
}

type Branch = 'F' | 'G'
/** Of each history with a turn who is in behind it, and who has left by it. */
type World = {
  members: string[]
  liars: Set<string>
  after: Partial<Record<Branch, string[]>>
  leaver: string | undefined
}
/** What somebody freezes: evidence names the accused. */
type Told = { party: string; tip: string; from: 0 | 1; signed: Cosignature[]; accused: string[] }

function worldOf(pick: ReturnType<typeof draws>): World {
  const members = ['a', 'b', 'c', 'd'].slice(0, pick([2, 3, 4]))
  // The first stays, and is honest: without such a one nobody can tell what another epoch's members were told.
  const liars = new Set(members.slice(1).filter(() => pick([true, true, false])))
  const leaver = pick([undefined, ...members.slice(1)])
  const after: World['after'] = {}
  for (const branch of ['F', 'G'] as const) {
    if (branch === 'G' && pick([true, false])) continue
    const kind = pick(branch === 'F' ? ['policy', 'join', 'leave'] : ['policy', 'join'])
    const staying = members.filter((party) => kind !== 'leave' || party !== leaver)
    after[branch] = [...staying, ...(kind === 'join' ? [`n${branch}`] : [])]
    if (kind === 'join' && pick([true, false])) liars.add(`n${branch}`)
  }
  return {
    members,
    liars,
    after,
    leaver: after.F && leaver && !after.F.includes(leaver) ? leaver : undefined,
  }
}

const turnOn = ({ after, leaver }: World, branch: Branch): Turned | undefined => {
  const members = after[branch]
  const block = TURNS[branch]
  const left = branch === 'F' && leaver ? [{ party: leaver, size: 1, epoch: 0 }] : []
  return members && { size: sizeOf(block), block, root: block, epoch: 0, members, left }
}
const epochOf = ({ after }: World, block: string): number => {
  const branch = block[0] as Branch
  return after[branch] && block !== TURNS[branch] && contains(block, TURNS[branch]) ? 1 : 0
}
const sign = (world: World, party: string, block: string): Cosignature =>
  ({ party, block, root: block, size: sizeOf(block), epoch: epochOf(world, block) }) as Cosignature

function outlineOf(world: World, { tip, from }: Told): Outline {
  const turn = tip === '0' || tip === 'C' ? undefined : turnOn(world, tip[0] as Branch)
  if (turn === undefined || !contains(tip, turn.block)) return { epoch: 0, turns: [] }
  return from === 1 ? { epoch: 1, turns: [] } : { epoch: 0, turns: [turn] }
}

/** Whether a FREEZE holds that begins behind the turn: all members have cosigned that, as it shows. */
const mayBegin = (world: World, tip: string, signed: readonly Cosignature[]): boolean =>
  epochOf(world, tip) === 1 &&
  (world.after[tip[0] as Branch] ?? []).every((party) =>
    signed.some((one) => one.party === party && epochOf(world, one.block) === 1 && one.block[0] === tip[0]),
  )

/** Where a party may honestly stand. */
function standsOf(world: World, party: string): string[] {
  const { members, after, leaver } = world
  if (party === leaver) return ['C']
  const branches = (['F', 'G'] as const).filter((branch) => (after[branch] ?? members).includes(party))
  const own = BLOCKS.filter((block) => block !== 'C' && branches.includes(block[0] as Branch))
  return members.includes(party)
    ? ['0', 'C', ...own]
    : // Who was let in on one may have followed the other, and has cosigned that to come in.
      [...BLOCKS.filter((block) => epochOf(world, block) === 0), ...own]
}

type Drawn = { world: World; honest: Told[]; lies: Told[]; finals: string[] }

function draw(seed: number): Drawn {
  const pick = draws(seed)
  const world = worldOf(pick)
  const everybody = [...new Set([...world.members, ...Object.values(world.after).flat()])]
  const signed = new Map<string, Cosignature[]>()
  for (const party of everybody) {
    const stands = standsOf(world, party)
    const places = world.members.includes(party) ? BLOCKS : stands
    const blocks = world.liars.has(party) ? [pick(places), pick(places), pick(places)] : [pick(stands)]
    signed.set(
      party,
      blocks.filter((block) => block !== '0').map((block) => sign(world, party, block)),
    )
  }
  const all = [...signed.values()].flat()
  const told = (party: string, own: Cosignature | undefined): Told => {
    const tip = own?.block ?? '0'
    const shown = turnOn(world, tip[0] as Branch)
    const seated = shown && contains(tip, shown.block) ? shown.members : []
    // Of whom it does not show who came in, nobody could check anything.
    const known = all.filter(
      (one) =>
        one.party !== party &&
        (world.members.includes(one.party) || seated.includes(one.party)) &&
        pick([true, true, false]),
    )
    const signedByAll = [...known, ...(own ? [own] : [])]
    const from = mayBegin(world, tip, signedByAll) && pick([true, false]) ? 1 : 0
    return { party, tip, from, signed: signedByAll, accused: [] }
  }
  const honest = everybody
    .filter((party) => !world.liars.has(party))
    .map((party) => told(party, signed.get(party)?.[0]))
  const lies = everybody
    .filter((party) => world.liars.has(party))
    .flatMap((party) => {
      const own = signed.get(party) ?? []
      return pick([0, 1, 1, 2]) === 0
        ? []
        : [told(party, pick(own)), told(party, pick(own))].slice(0, pick([1, 1, 2]))
    })
  // What an honest party has seen cosigned by all members of an epoch, itself in it and not gone, it has reported.
  const finals = honest.flatMap((one) =>
    BLOCKS.filter((block) => {
      if (!contains(one.tip, block) || (one.party === world.leaver && block !== 'C')) return false
      const isBy = (members: readonly string[], least: string): boolean =>
        members.includes(one.party) &&
        members.every((party) =>
          one.signed.some(
            (by) => by.party === party && contains(by.block, block) && contains(by.block, least),
          ),
        )
      const later = world.after[one.tip[0] as Branch]
      const first = block[0] === 'F' ? 'F4' : 'G5'
      return (
        (isBy(world.members, block) && epochOf(world, block) === 0) ||
        (later !== undefined && isBy(later, first))
      )
    }),
  )
  return { world, honest, lies, finals }
}

function resolved({ world }: Drawn, set: readonly Told[]): Resolution | undefined {
  const freezes = new Map<SignedFreeze, Told>()
  for (const one of set) {
    const statement = makeFreeze(
      '',
      0,
      one.party,
      { from: one.from, blocks: [one.tip] } as FrozenHistory,
      one.signed,
      [],
    )
    statement.evidence.push(...one.accused.map((party) => ({ party }) as Evidence))
    freezes.set({ statement, signature: { signature: '' } }, one)
  }
  // Who begins behind a turn is checked by whoever has had it: on one branch only, since honest members have cosigned it.
  const branch = (set.find(({ from }) => from === 1)?.tip[0] ?? 'F') as Branch
  const result = resolve(
    [...freezes.keys()],
    (epoch) => (epoch === 1 ? (world.after[branch] ?? []) : world.members),
    order,
    (freeze) => outlineOf(world, freezes.get(freeze) as Told),
  )
  return 'missing' in result ? undefined : result
}

const SEEDS = Array.from({ length: 40_000 }, (_, index) => index * 7919 + 1)

describe('a RESOLVE over a turn', () => {
  it('[LIN-2] never abandons a final that an honest member has reported, and names no honest one', () => {
    let [complete, reported, behind] = [0, 0, 0]
    for (const seed of SEEDS) {
      const drawn = draw(seed)
      const { honest, lies, finals, world } = drawn
      const result = resolved(drawn, [...honest, ...lies])
      if (result === undefined) continue
      complete += 1
      for (const block of finals) {
        reported += 1
        behind += epochOf(world, block)
        if (!contains(result.tip?.block ?? '0', block))
          throw new Error(`${block} was final: ${seed} ${show(drawn)} ${jcs(result as never)}`)
      }
      const named = result.guilty.filter((party) => !world.liars.has(party))
      if (named.length > 0) throw new Error(`honest and guilty: ${seed} ${named} ${show(drawn)}`)
    }
    expect(complete).toBeGreaterThan(5000)
    expect(reported).toBeGreaterThan(1000)
    expect(behind, 'finals of the later epoch were at stake').toBeGreaterThan(100)
  })

  it('[LIN-2] of two sets leads to one tip, unless both together prove somebody guilty whom one does not', () => {
    let [compared, parted] = [0, 0]
    for (const seed of SEEDS) {
      const drawn = draw(seed)
      const { honest, lies } = drawn
      const pick = draws(seed + 1)
      const some = () => [...honest, ...lies].filter(() => pick([true, true, true, false]))
      const [one, other] = [some(), some()] as [Told[], Told[]]
      const [first, second] = [resolved(drawn, one), resolved(drawn, other)]
      if (!first || !second) continue
      compared += 1
      if (jcs(withoutGuilty(first)) === jcs(withoutGuilty(second))) continue
      parted += 1
      const both = resolved(drawn, [...one, ...other])
      const unproven = (party: string) => !first.guilty.includes(party) || !second.guilty.includes(party)
      if (!both?.guilty.some(unproven))
        throw new Error(
          `two tips: ${seed} ${jcs([first, second, both] as never)} ${show(drawn)} ${one.map(({ party }) => party)} ${other.map(({ party }) => party)}`,
        )
    }
    expect(compared).toBeGreaterThan(2000)
    expect(parted, 'some did part').toBeGreaterThan(10)
  })
})

const withoutGuilty = ({ tip, members }: Resolution) => ({ members, tip: tip ?? null })
const show = ({ world, honest, lies }: Drawn): string =>
  JSON.stringify({
    ...world,
    liars: [...world.liars],
    told: [...honest, ...lies].map(({ party, tip, from, signed }) => [
      party,
      tip,
      from,
      signed.map((s) => s.party + s.block),
    ]),
  })
