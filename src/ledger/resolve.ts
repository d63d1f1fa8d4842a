/**
 * RESOLVE (PROTOCOL LIN-2): how a contract with two committed histories goes on without who signed both. It is no further
 * signature: it is any set of FREEZEs that lacks only members whom the set itself proves guilty. Where the next lineage
 * starts is computed from it, the same by everybody. A final that an honest member reported is never abandoned: every
 * member's cosignature of it, its own among them, is in that member's FREEZE.
 */
import { hashJson } from '../crypto/hash.ts'
import { type Cosignature, sameCheckpoint } from './checkpoint.ts'
import { freezeId, type SignedFreeze } from './freeze.ts'
import { Histories, History, type Top } from './freeze-history.ts'
import { frozenSize } from './freeze-statement.ts'

/**
 * What is known of the histories of cosigned checkpoints. shows: which one it is of; isExtension: whether the history of the
 * larger (or equal) contains that of the smaller, undefined where that is not known.
 */
export type Order = {
  shows(cosigned: Cosignature): boolean
  isExtension(longer: Cosignature, shorter: Cosignature): boolean | undefined
}

/** tip: the block the next lineage starts on; undefined where nobody has cosigned anything. guilty: left out, by party. */
export type Resolution = { tip: Top | undefined; guilty: string[] }

/** What a set of FREEZEs comes to, or whose are missing. Every one must hold (`freezeHolds`). */
export function resolve(
  freezes: readonly SignedFreeze[],
  members: readonly string[],
  order: Order,
): Resolution | { missing: string[] } {
  const union = unionOf(freezes)
  const guilty = guiltyIn(freezes, union, order)
  const frozen = new Set(freezes.map(({ statement }) => statement.party))
  const missing = members.filter((party) => !guilty.has(party) && !frozen.has(party))
  if (missing.length > 0) return { missing }
  const tops = members.flatMap((party) => {
    if (guilty.has(party)) return []
    const own = (union.get(party) ?? []).filter((one) => order.shows(one))
    return own.length === 0 ? [] : [own.reduce((a, b) => (b.size > a.size ? b : a))]
  })
  const isRelated = (one: Cosignature, other: Cosignature): boolean =>
    order.isExtension(...(one.size >= other.size ? ([one, other] as const) : ([other, one] as const))) ===
    true
  let tip: { top: Top; count: number } | undefined
  for (const top of tops) {
    const count = tops.filter((other) => isRelated(top, other)).length
    if (!tip || isBetter(top, count, tip)) tip = { top, count }
  }
  const chosen = tip && { size: tip.top.size, block: tip.top.block }
  return { tip: chosen, guilty: members.filter((party) => guilty.has(party)) }
}

/** Every cosignature in the set, by its party; the same checkpoint once. */
function unionOf(freezes: readonly SignedFreeze[]): Map<string, Cosignature[]> {
  const union = new Map<string, Cosignature[]>()
  for (const { statement } of freezes)
    for (const one of statement.cosignatures) {
      const held = union.get(one.party) ?? []
      union.set(one.party, held)
      if (!held.some((other) => sameCheckpoint(one, other))) held.push(one)
    }
  return union
}

/** Most members on its branch, then the longest, then the lowest hash. */
function isBetter(top: Top, count: number, than: { top: Top; count: number }): boolean {
  if (count !== than.count) return count > than.count
  if (top.size !== than.top.size) return top.size > than.top.size
  return top.block < than.top.block
}

/** Who has signed two FREEZEs, cosigned past its own, or is shown by the set to have cosigned or signed two histories. */
function guiltyIn(
  freezes: readonly SignedFreeze[],
  union: ReadonlyMap<string, readonly Cosignature[]>,
  order: Order,
): Set<string> {
  const guilty = new Set<string>()
  const ids = new Map<string, string>()
  for (const freeze of freezes) {
    const { party, evidence } = freeze.statement
    const id = freezeId(freeze)
    if (ids.has(party) && ids.get(party) !== id) guilty.add(party)
    ids.set(party, id)
    for (const one of evidence) guilty.add(one.party)
    if (union.get(party)?.some(({ size }) => size > frozenSize(freeze.statement))) guilty.add(party)
  }
  for (const [party, cosignatures] of union)
    if (cosignatures.some((one) => cosignatures.some((other) => isContradiction(one, other, order))))
      guilty.add(party)
  return guilty
}

/** Two different checkpoints of one size, or a larger one whose history does not contain the smaller. */
function isContradiction(one: Cosignature, other: Cosignature, order: Order): boolean {
  if (one.size < other.size) return false
  if (one.size === other.size) return !sameCheckpoint(one, other)
  return order.isExtension(one, other) === false
}

/** What the next lineage of a contract is made of (LIN-3). freezes: ids, in order; members: in the order they lead. */
export type LineageGenesis = {
  contract: string
  lineage: number
  tip: Top
  freezes: string[]
  members: string[]
}

/** path: hashes of the ledger blocks up to the tip, from the height `from` on. */
export type NextLineage = {
  genesis: LineageGenesis
  guilty: string[]
  path: { from: number; blocks: string[] }
}

/**
 * The lineage that a set of FREEZEs leads to, or whose are missing.
 * @param members of the lineage that is frozen, in the order they lead
 * @param base what that lineage began with
 */
export function nextLineage(
  freezes: readonly SignedFreeze[],
  members: readonly string[],
  base: Top,
): NextLineage | { missing: string[] } {
  const histories = new Histories(freezes.map(({ statement }) => new History(statement.history)))
  const resolution = resolve(freezes, members, histories)
  if ('missing' in resolution) return resolution
  const { guilty, tip = base } = resolution
  const [first] = freezes
  const path = histories.pathTo(tip) ?? { from: tip.size - 1, blocks: [tip.block] }
  const genesis: LineageGenesis = {
    contract: first?.statement.contract ?? '',
    lineage: (first?.statement.lineage ?? 0) + 1,
    tip: { size: tip.size, block: tip.block },
    freezes: [...new Set(freezes.map(freezeId))].sort(),
    members: members.filter((party) => !guilty.includes(party)),
  }
  return { genesis, guilty, path }
}

export function lineageId(genesis: LineageGenesis): string {
  return hashJson('lineage', genesis)
}
