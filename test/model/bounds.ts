/** What a search is bounded by: who takes part, who lies, how far it goes, and what may happen to honest members. */
import { type Policy, quorumOf } from '../../src/ledger/genesis.ts'

export type Bounds = {
  members: number
  quorum: Policy['quorum']
  /** Members whose keys the adversary holds; the others are honest. */
  liars: readonly number[]
  /** Nothing is proposed or skipped in a later view. */
  views: number
  /**
   * whole: a member keeps all it was ever given, every statement is delivered by itself, and what differs in anything that
   * `step` reads is a state of its own. forgetful: a member is given what it needs, all at once, when it acts on it, and
   * keeps only what it has signed, its view and its committed tip (see memory.ts, which says why that misses nothing).
   */
  memory: 'whole' | 'forgetful'
  /** signatures: what is delivered is put off until it leads to a signature (see search.ts, which says why it may be). */
  order: 'every' | 'signatures'
  /** Ledger blocks a lying leader makes in one view on the genesis; and on every other block. */
  siblings: readonly [onGenesis: number, onOthers: number]
  /**
   * Views in which a block proposed on one that is not a turn may end the epoch; of members that keep all it does. The next
   * epoch is ordered by the same members, and none ends it.
   */
  turns?: readonly number[]
  /** Whether members commit, and cosign what they have committed. */
  cosigning: boolean
  /** Each honest member may be killed once, at any time, and comes back with what is on its disk. */
  restarts?: boolean
  /** CHECK and the signer answer some time later, after whatever else comes in. */
  late?: boolean
  /** Work comes and goes; otherwise there is always more of it. */
  idle?: boolean
  /** Connections come and go. */
  links?: boolean
  /** An honest member's clock may be wrong for a while. */
  clocks?: boolean
  /** Whether conflicting commits must prove who lied even where a quorum lies: they need not. */
  judgesProof?: boolean
  /** States after which it is given up. */
  statesMax: number
}

export const quorumIn = ({ members, quorum }: Pick<Bounds, 'members' | 'quorum'>): number =>
  quorumOf({ quorum } as Policy, members)

/** Liars that it takes to commit two conflicting ledger blocks: any two quorums have as many members in common. */
export const forkersIn = (bounds: Pick<Bounds, 'members' | 'quorum'>): number =>
  2 * quorumIn(bounds) - bounds.members

export const honestIn = ({ members, liars }: Pick<Bounds, 'members' | 'liars'>): number[] =>
  Array.from({ length: members }, (_, member) => member).filter((member) => !liars.includes(member))

/**
 * Whether the certificates members have held are told apart: where so many lie that two conflicting blocks can be committed,
 * and still so few that no certificate is made without an honest member, what is held must prove who lied.
 */
export const keepsCertificates = (bounds: Bounds): boolean =>
  bounds.liars.length >= forkersIn(bounds) &&
  (bounds.judgesProof === true || bounds.liars.length < quorumIn(bounds))

/** The bounds in one line. */
export function describeBounds(bounds: Bounds): string {
  const { members, quorum, liars, views, memory, order, turns } = bounds
  const extras = (['restarts', 'late', 'idle', 'links', 'clocks'] as const).filter((name) => bounds[name])
  const parts = [
    `n=${members} q=${quorumIn(bounds)} (${quorum})`,
    `liars ${liars.length === 0 ? 'none' : liars.join('+')}`,
    `views ${views}`,
    ...(turns ? [`turns in ${turns.join('+')}`] : []),
    memory,
    ...(order === 'every' ? ['every order of steps'] : []),
    ...(bounds.cosigning ? [] : ['no commits']),
    ...extras,
  ]
  return parts.join(', ')
}
