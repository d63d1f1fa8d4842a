/** Statements of members, the certificates they make, and the views these lead into (ORD-1, ORD-2). */
import {
  type Certificate,
  certificateVerifies,
  type SignedStatement,
  type Statement,
  statementVerifies,
} from '../ledger/certificate.ts'
import { contradiction, contradictionsAmong, statementsOfCertificates } from '../ledger/evidence.ts'
import { learnPatience } from './patience.ts'
import { type ConsensusState, type Context, type ViewRecord, viewRecord } from './state.ts'

/** How far beyond our own view a message may be: more is taken from certificates only. */
export const VIEWS_AHEAD_MAX = 1000
/** Statements of one member, view and type that are kept: more than one is a liar's, who may sign any number. */
const STATEMENTS_MAX = 3

export function enterView(context: Context, view: number): void {
  const { state } = context
  if (view <= state.view) return
  const before = state.views.get(view - 1)
  const isSkipped = before !== undefined && before.notarizations.size === 0
  if (!isSkipped) learnPatience(context)
  state.skipsInARow = isSkipped ? state.skipsInARow + 1 : 0
  state.view = view
  state.enteredMs = context.nowMs
  state.busySinceMs = undefined
  state.deadlineMs = undefined
  state.late = false
}

/** Takes a certificate that has been checked (or was made here of checked statements). */
function acceptCertificate(context: Context, certificate: Certificate): void {
  const { state, effects } = context
  const { kind, view, block } = certificate
  if (view < state.committed.view) return
  const record = viewRecord(state, view)
  if (kind === 'skip') {
    if (record.skipCertificate) return
    record.skipCertificate = certificate
  } else {
    const held = kind === 'notarization' ? record.notarizations : record.finalizations
    if (held.has(block as string)) return
    held.set(block as string, certificate)
  }
  effects.push({ type: 'STORE_CERTIFICATE', certificate })
  expose(context, record)
  if (kind !== 'finalization') enterView(context, view + 1)
  const hash = kind === 'skip' ? undefined : block
  if (!hash || !record.notarizations.has(hash) || !record.finalizations.has(hash)) return
  if (view > state.committed.view) {
    if (!state.target || state.target.view < view) state.target = { hash, view }
  } else if (hash !== state.committed.hash) halt(context, `two ledger blocks were committed in view ${view}`)
}

function certificatesOf({ notarizations, finalizations, skipCertificate }: ViewRecord): Certificate[] {
  const named = [...notarizations.values(), ...finalizations.values()]
  return skipCertificate ? [...named, skipCertificate] : named
}

/** What signers of a view have signed against themselves, where its certificates contradict what else is held of it. */
function expose(context: Context, record: ViewRecord): void {
  const { notarizations, finalizations, skipCertificate, votes, finalizes, skips } = record
  const isSkipped = skipCertificate !== undefined || skips.size > 0
  const isFinalized = finalizations.size > 0 || finalizes.size > 0
  if (notarizations.size < 2 && finalizations.size < 2 && !(isSkipped && isFinalized)) return
  const certified = statementsOfCertificates(context.state.config.electorate, certificatesOf(record))
  const single = [...votes.values(), ...finalizes.values(), ...skips.values()]
  for (const evidence of contradictionsAmong([...single, ...certified]))
    context.effects.push({ type: 'EVIDENCE', evidence })
}

/** Nothing is signed here any more. */
export function halt(context: Context, reason: string): void {
  context.state.halted = true
  context.effects.push({ type: 'HALT', reason })
}

export function takeCertificate(context: Context, certificate: Certificate): boolean {
  const { state } = context
  if (certificate.view < state.committed.view) return true
  if (holds(state, certificate)) return true
  if (!certificateVerifies(state.config.electorate, certificate, state.config.cache)) return false
  acceptCertificate(context, certificate)
  return true
}

function holds(state: ConsensusState, { kind, view, block }: Certificate): boolean {
  const record = state.views.get(view)
  if (!record) return false
  if (kind === 'skip') return record.skipCertificate !== undefined
  return (kind === 'notarization' ? record.notarizations : record.finalizations).has(block as string)
}

export const setsOf = (record: ViewRecord, type: Statement['type']): Map<string, SignedStatement> =>
  type === 'VOTE' ? record.votes : type === 'FINALIZE' ? record.finalizes : record.skips

export function takeStatement(context: Context, signed: SignedStatement): void {
  const { state } = context
  const { statement } = signed
  if (statement.view < state.committed.view || statement.view > state.view + VIEWS_AHEAD_MAX) return
  const record = viewRecord(state, statement.view)
  if (isKnown(record, signed)) return
  if (isSettled(record, statement) && !suspicious(state, record, signed)) return
  if (!statementVerifies(state.config.electorate, signed, state.config.cache)) return
  recordStatement(context, record, signed)
}

/** A further signature on what a quorum has signed already changes nothing: no need to spend a verification on it. */
function isSettled(record: ViewRecord, statement: Statement): boolean {
  if (statement.type === 'SKIP') return record.skipCertificate !== undefined
  return (statement.type === 'VOTE' ? record.notarizations : record.finalizations).has(statement.block)
}

function blockOf({ statement }: SignedStatement): string | undefined {
  return statement.type === 'SKIP' ? undefined : statement.block
}

/** A liar's further statements stand under their block beside its first: they count towards that block's certificate. */
function heldOf(record: ViewRecord, party: string): SignedStatement[] {
  const held: SignedStatement[] = []
  for (const set of [record.votes, record.finalizes, record.skips])
    for (const signed of set.values()) if (signed.party === party) held.push(signed)
  return held
}

/** True if the statement is held, or its member has said too much already. */
export function isKnown(record: ViewRecord, signed: SignedStatement): boolean {
  const held = heldOf(record, signed.party).filter((one) => one.statement.type === signed.statement.type)
  return held.some((one) => blockOf(one) === blockOf(signed)) || held.length >= STATEMENTS_MAX
}

/** What a member has signed in a view, by itself or in a certificate. */
function saidBy({ config }: ConsensusState, record: ViewRecord, party: string): SignedStatement[] {
  const certified = statementsOfCertificates(config.electorate, certificatesOf(record))
  return [...heldOf(record, party), ...certified.filter((signed) => signed.party === party)]
}

function suspicious(state: ConsensusState, record: ViewRecord, signed: SignedStatement): boolean {
  return saidBy(state, record, signed.party).some((other) => contradiction(other, signed) !== undefined)
}

export function recordStatement(context: Context, record: ViewRecord, signed: SignedStatement): void {
  const { statement, party } = signed
  const set = setsOf(record, statement.type)
  for (const other of saidBy(context.state, record, party)) {
    const kind = contradiction(other, signed)
    if (kind)
      context.effects.push({ type: 'EVIDENCE', evidence: { kind, party, first: other, second: signed } })
  }
  set.set(set.has(party) && statement.type !== 'SKIP' ? `${party} ${statement.block}` : party, signed)
  if (statement.type === 'SKIP') {
    if (!record.skipCertificate) certify(context, 'skip', record.view, undefined, [...set.values()])
    return
  }
  const kind = statement.type === 'VOTE' ? 'notarization' : 'finalization'
  const held = kind === 'notarization' ? record.notarizations : record.finalizations
  if (held.has(statement.block)) return
  const same = [...set.values()].filter(
    (one) => one.statement.type === statement.type && one.statement.block === statement.block,
  )
  certify(context, kind, record.view, statement.block, same)
}

function certify(
  context: Context,
  kind: Certificate['kind'],
  view: number,
  block: string | undefined,
  signed: readonly SignedStatement[],
): void {
  const { quorum } = context.state.config.electorate
  if (signed.length < quorum) return
  const signatures = signed
    .slice(0, quorum)
    .map((one): Certificate['signatures'][number] => [one.party, one.signature])
  acceptCertificate(
    context,
    block === undefined ? { kind, view, signatures } : { kind, view, block, signatures },
  )
}
