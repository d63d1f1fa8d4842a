/** What `npm run model` searches, the cheap before the dear, and the guards it switches off. */
import type { Bounds } from './bounds.ts'
import type { Guards } from './guards.ts'
import {
  WITH_FINALITY_BY_QUORUM,
  WITHOUT_COMMITTED_TURN,
  WITHOUT_COMMITTED_TURN_JUDGED_LATER,
  WITHOUT_FINALIZE_LOCK,
  WITHOUT_FINALIZE_SKIP_LOCK,
  WITHOUT_HIGHEST_VIEW,
  WITHOUT_NOTARIZATION_CHECK,
  WITHOUT_NOTARIZATION_OF_TURN,
  WITHOUT_PROPOSING_AGAIN,
  WITHOUT_SKIP_CHECK,
  WITHOUT_SKIPS_SINCE_TURN,
  WITHOUT_STATUS,
  WITHOUT_VOTE_LOCK,
} from './guards-off.ts'
import type { Broken } from './properties.ts'

/**
 * progressEvery: from every how many states it is seen that work is ordered; absent: from none. isDear: it takes what time the
 * others leave.
 */
export type Configuration = { bounds: Bounds; progressEvery?: number; isDear?: boolean }

const STATES_MAX = 12_000_000

/** Two members of whom none lies, two views, all commits judged; `given` says what is different. */
export function boundsOf(given: Partial<Bounds> = {}): Bounds {
  return {
    members: 2,
    quorum: 'majority',
    liars: [],
    views: 2,
    memory: 'forgetful',
    order: 'signatures',
    siblings: [2, 1],
    cosigning: true,
    statesMax: STATES_MAX,
    ...given,
  }
}

/** Every set of liars that leaves somebody honest. */
export function liarsAmong(members: number): number[][] {
  const sets: number[][] = []
  for (let set = 0; set < 2 ** members - 1; set += 1)
    sets.push(Array.from({ length: members }, (_, member) => member).filter((member) => (set >> member) & 1))
  return sets.sort((first, second) => first.length - second.length)
}

/** Members that keep all they are given, and all that may happen to them besides. */
const WHOLE: Configuration[] = [
  { bounds: boundsOf({ memory: 'whole', order: 'every' }), progressEvery: 1 },
  { bounds: boundsOf({ memory: 'whole', late: true }) },
  { bounds: boundsOf({ memory: 'whole', idle: true }), progressEvery: 10 },
  { bounds: boundsOf({ memory: 'whole', links: true }), progressEvery: 10 },
  { bounds: boundsOf({ memory: 'whole', clocks: true }), progressEvery: 10 },
  { bounds: boundsOf({ memory: 'whole', order: 'every', restarts: true }), progressEvery: 50 },
  { bounds: boundsOf({ memory: 'whole', order: 'every', views: 3 }), progressEvery: 20 },
  { bounds: boundsOf({ memory: 'whole', liars: [1] }) },
  { bounds: boundsOf({ memory: 'whole', liars: [0] }) },
  { bounds: boundsOf({ memory: 'whole', members: 3, statesMax: 1_000_000 }), progressEvery: 50 },
  {
    bounds: boundsOf({ memory: 'whole', members: 3, quorum: 'unanimous', statesMax: 2_000_000 }),
    progressEvery: 100,
  },
]

const FORGETFUL: Configuration[] = [
  { bounds: boundsOf({ views: 4 }) },
  ...liarsAmong(2).map((liars) => ({ bounds: boundsOf({ liars, views: 3, restarts: true }) })),
  ...liarsAmong(3).map((liars) => ({ bounds: boundsOf({ members: 3, liars }) })),
  ...liarsAmong(3).map((liars) => ({
    bounds: boundsOf({ members: 3, quorum: 'unanimous', liars, views: 3, restarts: liars.length > 0 }),
  })),
]

/** A liar that makes one turn and one block in each view, where more would be too many to search. */
const ONE_OF_EACH = [1, 1] as const

/** Blocks that end the epoch, proposed again until they are committed, and the epoch after. */
const TURNS: Configuration[] = [
  { bounds: boundsOf({ memory: 'whole', order: 'every', turns: [1] }), progressEvery: 1 },
  { bounds: boundsOf({ memory: 'whole', turns: [1], late: true }), progressEvery: 20 },
  { bounds: boundsOf({ memory: 'whole', turns: [1], restarts: true }), progressEvery: 50 },
  { bounds: boundsOf({ memory: 'whole', turns: [1], liars: [1], siblings: ONE_OF_EACH }) },
  ...liarsAmong(2)
    .filter((liars) => liars.length > 0)
    .flatMap((liars) => [
      { bounds: boundsOf({ liars, views: 3, turns: [1, 2], restarts: true }) },
      { bounds: boundsOf({ liars, views: 4, turns: [1] }) },
    ]),
  ...liarsAmong(3)
    .filter((liars) => liars.length > 0)
    .map((liars) => ({
      bounds: boundsOf({ members: 3, quorum: 'unanimous', liars, views: 3, turns: [1, 2] }),
    })),
  ...liarsAmong(3)
    .filter((liars) => liars.length !== 1)
    .map((liars) => ({
      bounds: boundsOf({ members: 3, liars, turns: [1], siblings: ONE_OF_EACH }),
    })),
]

/** What takes long: the last of all. */
const DEAR: Configuration[] = [
  { bounds: boundsOf({ views: 3, turns: [1, 2], restarts: true }) },
  { bounds: boundsOf({ memory: 'whole', views: 3, turns: [1] }), progressEvery: 500 },
  ...[0, 1, 2].map((liar) => ({
    bounds: boundsOf({ members: 3, liars: [liar], turns: [1], siblings: ONE_OF_EACH }),
  })),
  { bounds: boundsOf({ members: 3, quorum: 'unanimous', views: 3, turns: [1] }) },
  { bounds: boundsOf({ members: 3, liars: [1, 2], views: 3 }) },
  ...[0, 1, 2].map((liar) => ({
    bounds: boundsOf({ members: 3, liars: [liar], views: 3, cosigning: false }),
  })),
  { bounds: boundsOf({ members: 3, views: 3 }) },
]

export const CONFIGURATIONS: readonly Configuration[] = [
  ...[...WHOLE, ...FORGETFUL, ...TURNS],
  ...DEAR.map((one) => ({ ...one, isDear: true })),
]

/** Members that keep all they are given, to compare forgetful ones with. */
export const COMPARED: readonly Bounds[] = [
  ...[{}, { late: true }, { idle: true }, { links: true }, { clocks: true }, { restarts: true }],
  ...[{ liars: [0] }, { liars: [1] }, { views: 3 }],
  ...[{}, { late: true }, { idle: true }, { restarts: true }].map((given) => ({ ...given, turns: [1] })),
  { liars: [1], turns: [1], siblings: ONE_OF_EACH },
].map((given) => boundsOf({ ...given, memory: 'whole' }))

/** A guard switched off, and a search that must find what it kept out. */
export type SwitchedOff = Configuration & { guards: Guards; breaks: Broken['property'] }

export const SWITCHED_OFF: readonly SwitchedOff[] = [
  { guards: WITHOUT_FINALIZE_SKIP_LOCK, bounds: boundsOf({ restarts: true }), breaks: 'innocence' },
  { guards: WITHOUT_VOTE_LOCK, bounds: boundsOf({ restarts: true }), breaks: 'innocence' },
  {
    guards: WITHOUT_FINALIZE_LOCK,
    bounds: boundsOf({ restarts: true, members: 3, liars: [1] }),
    breaks: 'innocence',
  },
  { guards: WITHOUT_HIGHEST_VIEW, bounds: boundsOf({ restarts: true }), breaks: 'innocence' },
  {
    guards: WITHOUT_NOTARIZATION_CHECK,
    bounds: boundsOf({ members: 3, quorum: 'unanimous', liars: [1, 2] }),
    breaks: 'commits',
  },
  { guards: WITHOUT_SKIP_CHECK, bounds: boundsOf({ liars: [0] }), breaks: 'commits' },
  { guards: WITHOUT_SKIP_CHECK, bounds: boundsOf({ members: 3, liars: [2] }), breaks: 'proof' },
  { guards: WITH_FINALITY_BY_QUORUM(2), bounds: boundsOf({ members: 3, liars: [1] }), breaks: 'finals' },
  { guards: WITHOUT_STATUS, bounds: boundsOf({ memory: 'whole' }), progressEvery: 1, breaks: 'progress' },
  {
    guards: WITHOUT_NOTARIZATION_OF_TURN,
    bounds: boundsOf({ liars: [1], views: 3, turns: [1] }),
    breaks: 'commits',
  },
  {
    guards: WITHOUT_NOTARIZATION_OF_TURN,
    bounds: boundsOf({ members: 3, quorum: 'unanimous', liars: [1, 2], turns: [1] }),
    breaks: 'commits',
  },
  {
    guards: WITHOUT_SKIPS_SINCE_TURN,
    bounds: boundsOf({ liars: [1], views: 3, turns: [1] }),
    breaks: 'commits',
  },
  { guards: WITHOUT_COMMITTED_TURN, bounds: boundsOf({ turns: [1] }), breaks: 'turns' },
  {
    guards: WITHOUT_COMMITTED_TURN_JUDGED_LATER,
    bounds: boundsOf({ views: 3, turns: [1] }),
    breaks: 'commits',
  },
  {
    guards: WITHOUT_COMMITTED_TURN_JUDGED_LATER,
    bounds: boundsOf({ liars: [0], views: 3, turns: [1] }),
    breaks: 'commits',
  },
  {
    guards: WITHOUT_PROPOSING_AGAIN,
    bounds: boundsOf({ memory: 'whole', order: 'every', turns: [1] }),
    progressEvery: 1,
    breaks: 'progress',
  },
]
