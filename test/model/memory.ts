/**
 * Which states of a member are the same: what is put back to one value, since its value changes nothing that can happen
 * within the bounds, and a text of all the rest.
 *
 * Time. `step` only compares the clock with deadlines, and any time may pass between two events. So a deadline is either set
 * or not, and it may run out at any time (the move `deadline` sets the clock to it); where it lies is not told apart.
 * Nothing is told apart by how often STATUS goes out or what it is answered with, since the search lets every certificate,
 * block and statement that exists be delivered at any time anyway; and patience only sets deadlines.
 *
 * Forgetful memory. After each move a member forgets every certificate, statement and block but its committed tip; it keeps
 * its view, its tip, what it has signed, asked for and built. That misses no behaviour:
 *  - Every certificate, statement and block can be delivered again at any time: signatures are never taken back. So a
 *    member that has forgotten can always be given, before its next step, what it would have remembered.
 *  - What it is given just before a step it could have been given earlier; and holding more never lets a rule sign less,
 *    but for views entered (kept), statements signed (kept) and the preference of a newer notarised parent: there it may,
 *    once it has forgotten that, build on an older one, which only adds behaviour.
 *  - A turn that is notarised it proposes again at once, in a view of its own, if it has work: whoever is only given
 *    certificates has none just then, and so need not.
 *  - A statement by itself does nothing but count towards a certificate, which can be delivered as such.
 * So whatever signatures members that remember can make, members that forget can make. test/model/model.test.ts compares the
 * two where both can be searched to the end. What forgetful members may do and real ones can't is only a stricter test.
 */
import type { ConsensusState, KnownBlock, ViewRecord } from '../../src/consensus/state.ts'
import type { Certificate, SignedStatement } from '../../src/ledger/certificate.ts'
import type { Bounds } from './bounds.ts'
import type { Local } from './local.ts'
import type { Universe } from './universe.ts'

/** The clock between two moves: late enough for every block. */
export const NOW_MS = 2_000_000

/**
 * Each thing `step` knows, and whether it tells states apart. A new one must be added here, on purpose: `clock` is what is
 * put back by `settleTimes`, `same` never differs within the bounds or between states that are told apart anyway.
 */
type Treatment = 'told apart' | 'clock' | 'same'
const OF_STATE: Readonly<Record<keyof ConsensusState, Treatment>> = {
  config: 'same',
  view: 'told apart',
  enteredMs: 'clock',
  committed: 'told apart',
  target: 'told apart',
  blocks: 'told apart',
  views: 'told apart',
  wanted: 'told apart',
  down: 'told apart',
  work: 'told apart',
  maySign: 'same',
  halted: 'told apart',
  // Where it ends, the next epoch's state takes its place at once.
  ended: 'same',
  signedView: 'told apart',
  doubtfulView: 'same',
  // Views are hurried for two rotations of leaders: more than the bounds let be skipped (see `checkTreatment`).
  skipsInARow: 'same',
  patienceMs: 'clock',
  busySinceMs: 'clock',
  deadlineMs: 'told apart',
  late: 'told apart',
  resendAtMs: 'clock',
  resends: 'clock',
  progress: 'clock',
}
const OF_VIEW: Readonly<Record<keyof ViewRecord, Treatment>> = {
  view: 'told apart',
  proposal: 'told apart',
  votes: 'told apart',
  finalizes: 'told apart',
  skips: 'told apart',
  notarizations: 'told apart',
  finalizations: 'told apart',
  skipCertificate: 'told apart',
  mine: 'told apart',
  locks: 'told apart',
}
const OF_BLOCK: Readonly<Record<keyof KnownBlock, Treatment>> = {
  hash: 'told apart',
  block: 'same',
  status: 'told apart',
  timely: 'told apart',
  leaderVote: 'told apart',
}

/** @throws Error where states that are not told apart could behave differently */
export function checkTreatment({ members, views }: Bounds, state: ConsensusState): void {
  const held: [object, object][] = [
    [state, OF_STATE],
    ...[...state.views.values()].map((record): [object, object] => [record, OF_VIEW]),
    ...[...state.blocks.values()].map((known): [object, object] => [known, OF_BLOCK]),
  ]
  const unknown = held.flatMap(([one, treated]) =>
    Object.keys(one).filter((key) => !Object.hasOwn(treated, key)),
  )
  if (unknown.length > 0) throw new Error(`memory.ts does not say how to treat ${unknown.join(', ')}`)
  if (views > 2 * members) throw new Error('within these bounds members would stop hurrying')
}

/** Puts back what the clock has set. */
export function settleTimes(state: ConsensusState, nowMs: number, isIdleToldApart: boolean): void {
  const { timing } = state.config
  const hasWaited = isIdleToldApart && nowMs >= state.enteredMs + timing.emptyAfterMs
  state.enteredMs = hasWaited ? NOW_MS - timing.emptyAfterMs : NOW_MS
  if (state.deadlineMs !== undefined) state.deadlineMs = NOW_MS + timing.viewMs
  state.patienceMs = timing.viewMs
  state.busySinceMs = undefined
  state.resendAtMs = undefined
  state.resends = 0
  state.progress = ''
  for (const hash of state.wanted.keys()) state.wanted.set(hash, NOW_MS)
}

/** Forgets what can be given again. */
export function forget(local: Local): void {
  const { state } = local
  state.blocks = new Map([...state.blocks].filter(([hash]) => hash === state.committed.hash))
  state.wanted.clear()
  state.target = undefined
  state.late = false
  if (!state.halted) state.deadlineMs = NOW_MS + state.config.timing.viewMs
  for (const [view, record] of state.views) {
    const { mine, locks } = record
    // It had nothing to order then; it may have later.
    if (mine.vote === undefined) delete mine.built
    // Below the highest view signed in, nothing is signed whatever was.
    const isPast = view < state.signedView
    const isEmpty = Object.keys(mine).length === 0 && Object.keys(locks).length === 0
    if (isPast || isEmpty) {
      state.views.delete(view)
      continue
    }
    record.proposal = undefined
    record.skipCertificate = undefined
    record.notarizations.clear()
    record.finalizations.clear()
  }
  forgetStatements(state)
  local.blocks = []
}

/**
 * Before the signer's answer already: what it signs then makes no certificate at once, as where its answer takes so long
 * that other things happen before.
 */
export function forgetStatements(state: ConsensusState): void {
  for (const { votes, finalizes, skips } of state.views.values())
    for (const heard of [votes, finalizes, skips]) heard.clear()
}

/** Every word that tells one state of a member from another. */
export function textOf(universe: Universe, local: Local): string {
  const { state, lock } = local
  const { bounds } = universe
  const number = (hash: string | undefined): string =>
    hash === undefined ? '' : universe.indexOf(hash).toString(36)
  const parts: string[] = [
    state.view.toString(36),
    number(state.committed.hash),
    state.target ? number(state.target.hash) : '',
    state.signedView.toString(36),
    flags(
      state.work,
      state.halted,
      state.late,
      state.deadlineMs !== undefined,
      state.enteredMs < NOW_MS,
      local.clockIsOff,
    ),
    [...state.blocks.values()]
      .map((known) => blockText(number(known.hash), known))
      .sort()
      .join(','),
    [...state.wanted.keys()].map(number).sort().join(','),
    [...state.views.values()]
      .sort((first, second) => first.view - second.view)
      .map((record) => viewText(universe, number, record, state.config.electorate.epoch))
      .join(';'),
    `${lock.epoch}.${lock.view}${number(lock.vote)}.${number(lock.finalize)}.${lock.skip ? 's' : ''}`,
    local.said.join(','),
    local.cosigned.join(','),
    local.blocks.join(','),
    local.certificates.join(','),
    local.proofs.join(','),
    local.checking.join(','),
    local.asked.map((one) => ('saying' in one ? one.saying : `c${one.checkpoint}`)).join(','),
    local.restarts.toString(36),
    local.fault?.detail ?? '',
  ]
  if (bounds.links)
    parts.push(
      [...state.down]
        .map((party) => universe.memberOf(party))
        .sort()
        .join(''),
    )
  return parts.join('|')
}

const flags = (...given: boolean[]): string => given.map((one) => (one ? '1' : '0')).join('')

function blockText(number: string, { status, timely, leaderVote }: KnownBlock): string {
  return `${number}${status.slice(0, 3)}${timely ? 't' : ''}${leaderVote ? 'v' : ''}`
}

function viewText(
  universe: Universe,
  number: (hash: string | undefined) => string,
  record: ViewRecord,
  epoch: number,
): string {
  const { mine, locks } = record
  // Whose signatures it shows changes what `step` can prove, nothing else.
  const certificate = (held: Certificate): number => universe.knownCertificate(held, epoch).index
  const heard = (held: ReadonlyMap<string, SignedStatement>): string =>
    [...held.values()]
      .map(({ party, statement }) => `${universe.memberOf(party)}${universe.sayingOf(statement).index}`)
      .sort()
      .join(',')
  return [
    record.view,
    number(record.proposal),
    heard(record.votes),
    heard(record.finalizes),
    heard(record.skips),
    // In the order they came: that is the order they are looked at.
    [...record.notarizations.values()].map(certificate).join(','),
    [...record.finalizations.values()].map(certificate).sort().join(','),
    record.skipCertificate ? certificate(record.skipCertificate) : '',
    number(mine.vote),
    number(mine.finalize),
    flags(mine.skip === true, mine.built === true, locks.skip === true),
    number(locks.vote),
    number(locks.finalize),
  ].join('.')
}
