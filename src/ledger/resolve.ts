/**
 * RESOLVE (PROTOCOL LIN-2): how a contract with two committed histories goes on without who signed both. It is no further
 * signature: it is any set of FREEZEs that lacks only members whom the set itself proves guilty. Where the next lineage
 * starts is computed from it, the same by everybody. A final that an honest member reported is never abandoned: every
 * member's cosignature of it, its own among them, is in that member's FREEZE.
 *
 * Where one history has had a turn of the epoch that another has not, it is decided epoch by epoch:
 *
 *              ┌── t ─────── tip       epoch e: its members choose between t and the other branch, whatever stands behind t;
 *   ── common ─┤                       if that is t, epoch e + 1: its members choose how far it goes on
 *              └──── tip
 */
import { hashJson } from '../crypto/hash.ts'
import { type Cosignature, sameCheckpoint } from './checkpoint.ts'
import { type FreezeContext, freezeId, type SignedFreeze } from './freeze.ts'
import { type Cosigned, Histories, History, type Top } from './freeze-history.ts'
import { frozenSize } from './freeze-statement.ts'
import { type Left, leftAt } from './freeze-turn.ts'

/**
 * What is known of the histories of cosigned checkpoints. shows: which one it is of; isExtension: whether the history of the
 * larger (or equal) contains that of the smaller, undefined where that is not known.
 */
export type Order = {
  shows(cosigned: Cosignature): boolean
  isExtension(longer: Cosigned, shorter: Cosigned): boolean | undefined
}

/**
 * A turn that a FREEZE shows, as a checkpoint. epoch: the one that it ends; members: of the next; left: who went by its own
 * signature.
 */
export type Turned = Cosigned & {
  epoch: number
  members: readonly string[]
  left: readonly Left[]
}

/** The epoch that the history in a FREEZE begins in, and the turns it shows, in order. */
export type Outline = { epoch: number; turns: readonly Turned[] }

/**
 * tip: the block the next lineage starts on; undefined where nobody has cosigned anything. guilty: of all who are heard, those that
 * are left out; members: those that it begins with, in the order they lead.
 */
export type Resolution = { tip: Top | undefined; guilty: string[]; members: string[] }

/**
 * What a set of FREEZEs comes to, or whose are missing. Every one must hold (`freezeHolds`).
 * @param membersOf an epoch that a history begins in; of the one that goes on where there is no FREEZE at all
 */
export function resolve(
  freezes: readonly SignedFreeze[],
  membersOf: (epoch: number | undefined) => readonly string[],
  order: Order,
  outlineOf: (freeze: SignedFreeze) => Outline = () => ({ epoch: 0, turns: [] }),
): Resolution | { missing: string[] } {
  const union = unionOf(freezes)
  const outlines = new Map(freezes.map((freeze) => [freeze, outlineOf(freeze)]))
  const guilty = guiltyIn(freezes, union, order, [...outlines.values()])
  const unproven = freezes.filter(({ statement }) => !guilty.has(statement.party))
  // Where one begins, all members of that epoch have cosigned what goes before: nobody honest parts from it earlier.
  const begins = (unproven.length > 0 ? unproven : freezes).map((one) => outlines.get(one)?.epoch ?? 0)
  const first = begins.length === 0 ? undefined : Math.max(...begins)
  const { heard, turns } = heardIn(unproven, first, membersOf, outlines)
  const frozen = new Set(freezes.map(({ statement }) => statement.party))
  const missing = [...heard].filter((party) => !guilty.has(party) && !frozen.has(party))
  if (missing.length > 0) return { missing }
  const tops = new Map<string, Cosignature>()
  for (const party of heard) {
    const own = guilty.has(party) ? [] : (union.get(party) ?? []).filter((one) => order.shows(one))
    if (own.length > 0)
      tops.set(
        party,
        own.reduce((a, b) => (b.size > a.size ? b : a)),
      )
  }
  const come = [...heard].filter((party) => !membersOf(first).includes(party))
  const { tip, members } = chosen(tops, turns, { epoch: first ?? 0, members: membersOf(first) }, order)
  return {
    tip: tip && { size: tip.size, block: tip.block },
    guilty: [...membersOf(first), ...come.sort()].filter((party) => guilty.has(party)),
    members: members.filter((party) => !guilty.has(party)),
  }
}

/**
 * Whose FREEZEs it takes: of the members of the epoch that is decided first, and of all who came in since by what those show. A
 * newcomer may be the only one to know what was final. What only the guilty show counts for nothing.
 */
function heardIn(
  unproven: readonly SignedFreeze[],
  first: number | undefined,
  membersOf: (epoch: number | undefined) => readonly string[],
  outlines: ReadonlyMap<SignedFreeze, Outline>,
): { heard: Set<string>; turns: Turned[] } {
  const heard = new Set(membersOf(first))
  const turns = new Map<string, Turned>()
  for (let before = -1; before < heard.size; ) {
    before = heard.size
    for (const freeze of unproven)
      if (heard.has(freeze.statement.party))
        for (const turn of outlines.get(freeze)?.turns ?? []) {
          if (turn.epoch < (first ?? 0)) continue
          turns.set(turn.block, turn)
          for (const party of turn.members) heard.add(party)
        }
  }
  return { heard, turns: [...turns.values()] }
}

/**
 * Epoch by epoch: whatever stands behind a turn counts for the turn. Only the epoch's members count; where one that came in later
 * stands may be chosen by them as well, since a final of the later epoch is on their branch.
 */
function chosen(
  tops: ReadonlyMap<string, Cosigned>,
  turns: readonly Turned[],
  first: { epoch: number; members: readonly string[] },
  order: Order,
): { tip: Cosigned | undefined; members: readonly string[] } {
  const contains = (longer: Cosigned, shorter: Cosigned): boolean =>
    longer.size >= shorter.size && order.isExtension(longer, shorter) === true
  let { epoch, members } = first
  let begun: Turned | undefined
  let tip: Cosigned | undefined
  for (; ; epoch += 1) {
    const since = begun
    const next = turns.filter(
      (turn) => turn.epoch === epoch && (since === undefined || contains(turn, since)),
    )
    const standing = new Map<string, Cosigned>()
    for (const [party, top] of tops)
      if (since === undefined || (top.size > since.size && contains(top, since)))
        standing.set(party, next.find((turn) => contains(top, turn)) ?? top)
    tip = mostOn(standing, members, contains) ?? tip
    begun = next.find(({ block }) => block === tip?.block)
    if (begun === undefined) return { tip, members }
    members = begun.members
  }
}

/** Most members on its branch, then the longest, then the lowest hash. */
function mostOn(
  standing: ReadonlyMap<string, Cosigned>,
  members: readonly string[],
  contains: (longer: Cosigned, shorter: Cosigned) => boolean,
): Cosigned | undefined {
  const counting = members.flatMap((party) => standing.get(party) ?? [])
  let best: { top: Cosigned; count: number } | undefined
  for (const top of standing.values()) {
    const count = counting.filter((other) => contains(top, other) || contains(other, top)).length
    if (!best || isBetter(top, count, best)) best = { top, count }
  }
  return best?.top
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

function isBetter(top: Top, count: number, than: { top: Top; count: number }): boolean {
  if (count !== than.count) return count > than.count
  if (top.size !== than.top.size) return top.size > than.top.size
  return top.block < than.top.block
}

/**
 * Who has signed two FREEZEs, cosigned past its own or past its LEAVE, or is shown by the set to have cosigned or signed two
 * histories.
 */
function guiltyIn(
  freezes: readonly SignedFreeze[],
  union: ReadonlyMap<string, readonly Cosignature[]>,
  order: Order,
  outlines: readonly Outline[],
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
  const turns = outlines.flatMap((one) => one.turns)
  for (const left of turns.flatMap((turn) => turn.left))
    if (union.get(left.party)?.some((one) => isPastLeave(one, left, turns, order))) guilty.add(left.party)
  for (const [party, cosignatures] of union)
    if (cosignatures.some((one) => cosignatures.some((other) => isContradiction(one, other, order))))
      guilty.add(party)
  return guilty
}

/**
 * After its LEAVE an honest member cosigns no more of the ledger, unless it was out by then and has come in anew: not where every
 * turn since, on that history, is shown to keep it.
 */
function isPastLeave(one: Cosignature, left: Left, turns: readonly Turned[], order: Order): boolean {
  if (one.size <= left.size) return false
  for (let { epoch } = left; epoch < one.epoch; epoch += 1) {
    const kept = turns.some(
      (turn) =>
        turn.epoch === epoch && turn.members.includes(left.party) && order.isExtension(one, turn) === true,
    )
    if (!kept) return false
  }
  return true
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
 * @param context what each of them was checked against
 */
export function nextLineage(
  freezes: readonly SignedFreeze[],
  context: FreezeContext,
): NextLineage | { missing: string[] } {
  const { epochs, base } = context
  const histories = new Histories(freezes.map(({ statement }) => new History(statement.history)))
  const latest = epochs.at(-1)?.members ?? []
  const resolution = resolve(
    freezes,
    (epoch) => epochs.find(({ electorate }) => electorate.epoch === epoch)?.members ?? latest,
    histories,
    (freeze) => outlineOf(freeze, context),
  )
  if ('missing' in resolution) return resolution
  const { guilty, members, tip = base } = resolution
  const [first] = freezes
  const path = histories.pathTo(tip) ?? { from: tip.size - 1, blocks: [tip.block] }
  const genesis: LineageGenesis = {
    contract: first?.statement.contract ?? '',
    lineage: (first?.statement.lineage ?? 0) + 1,
    tip: { size: tip.size, block: tip.block },
    freezes: [...new Set(freezes.map(freezeId))].sort(),
    members,
  }
  return { genesis, guilty, path }
}

function outlineOf({ statement }: SignedFreeze, { epochs: known, base }: FreezeContext): Outline {
  const history = new History(statement.history)
  const epochs = history.epochsIn(known, base) ?? []
  const turns = (statement.history.turns ?? []).map((shown, index): Turned => {
    const size = shown.block.header.height + 1
    const [block, root] = [history.blockAt(size) as string, history.rootAt(size) as string]
    const { members = [] } = epochs[index + 1] ?? {}
    // A LEAVE that names no more than the lineage began with may have been made in the one before.
    const left = leftAt(shown).filter((one) => statement.lineage === 0 || one.size > base.size)
    return { size, block, root, epoch: shown.block.header.epoch, members, left }
  })
  return { epoch: epochs[0]?.electorate.epoch ?? 0, turns }
}

export function lineageId(genesis: LineageGenesis): string {
  return hashJson('lineage', genesis)
}
