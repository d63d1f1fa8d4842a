/** Who is in a contract and what is to be otherwise, in words for people. */
import { isBehindSigner } from '../consensus/state.ts'
import { departingFrom, isDeparture, isLapsed, lackingYes } from '../contract/epoch.ts'
import type { Change, Policy } from '../ledger/epoch.ts'
import type { Replica } from '../node/replica.ts'
import type { Context } from './context.ts'
import type { ChangeView, MembersView } from './schemas.ts'

type Named = { party: string; name: string }
type NameOf = (party: string) => string
type Asked = { context: Context; replica: Replica; nameOf: NameOf }

/** What this party is in a contract, and what it can do about it. */
export function standingOf(replica: Replica): string {
  const { status, epochs, roster, self } = replica
  const { part } = epochs
  if (status === 'halted') return 'halted'
  if (status === 'left') return 'left: reads what it has'
  if (status === 'leaving') return 'leaving: out with the next turn, and signs nothing more'
  if (status === 'invited' && part === 'member') return 'invited: accept it'
  if (part === 'guest' && status === 'invited') return 'let in: accept it'
  if (part === 'guest' && roster.guests.get(self)?.accepted) return 'accepted: comes in with the next turn'
  if (part === 'guest') return 'let in: accepting'
  if (part === 'out') return outsideOf(replica)
  if (replica.phase === 'recalling') return recallOf(replica)
  if (part === 'member' && isLost(replica)) return LOST
  return replica.ownHistory.isWanted ? BEHIND : part
}

const BEHIND = 'reads what it has cosigned: its data are an older copy, or of another history'
const LOST = 'cannot go on: its data are older than its signer; put newer data back'

/** Its only member was put back: what it alone had ordered is lost, and nothing can be built on that (AMN-2). */
function isLost({ others, phase, consensus }: Replica): boolean {
  return others.length === 0 && phase === 'signing' && isBehindSigner(consensus)
}

/** AMN-2: who is waited for. */
function recallOf({ untold, roster }: Replica): string {
  const names = untold.map((party) => roster.names.get(party) ?? party.slice(0, 16))
  return `signs nothing until it is told what it may have forgotten to have signed${names.length > 0 ? `, by ${names.join(', ')}` : ''}`
}

/** An invited party that is not let in, as far as it has read. */
function outsideOf({ status, chain, roster, self }: Replica): string {
  const { epoch } = chain.tip.state
  const own = epoch.changes?.find((one) => one.op === 'invite' && one.party === self)
  if (own?.op === 'invite' && !isLapsed(own, chain.tip.block.header.timeMs)) {
    // Who has come in since has to say yes as well.
    const lacking = lackingYes(epoch, own).map((party) => roster.names.get(party) ?? party)
    if (lacking.length > 0) return `invited: waiting for the yes of ${lacking.join(', ')}`
  }
  return status === 'invited' ? 'invited: reading the ledger' : 'not let in: the invitation is open no more'
}

/** @throws CountersignError `unknown-contract` */
export function membersView(context: Context, id: string): MembersView {
  const replica = context.replica(id)
  const { roster, self, chain, up } = replica
  const { names, electorate, span } = roster
  const { epoch } = chain.tip.state
  const { store } = context.node
  const leaving = departingFrom(epoch)
  const arrived = new Map(
    (epoch.arrived ?? []).map(([party, since, older]) => [party, { since, older }] as const),
  )
  const seat = (party: string) => {
    const came = arrived.get(party)
    return {
      party,
      name: names.get(party) ?? party,
      card: electorate.cards.get(party)?.sequence ?? 0,
      sinceEpoch: came?.since ?? 0,
      olderValues: came?.older ?? true,
      pinned: party === self || store.peer(party)?.pinned === true,
      connected: party === self || up.has(party),
      leaving: leaving.has(party),
    }
  }
  return {
    contract: id,
    epoch: electorate.epoch,
    sinceHeight: span.firstHeight,
    standing: standingOf(replica),
    quorum: electorate.quorum,
    policy: { ...electorate.policy },
    members: electorate.members.map(seat),
    observers: electorate.observers.map(seat),
    guests: [...roster.guests.values()].map(({ change, party, card, role, accepted }) => ({
      party,
      name: card.name,
      role,
      change,
      accepted: accepted === true,
    })),
    changes: changeViews(context, replica),
  }
}

/** Open changes, in ledger order. */
export function changeViews(context: Context, replica: Replica): ChangeView[] {
  const { names } = replica.roster
  for (const one of replica.chain.tip.state.epoch.changes ?? [])
    if (one.op === 'invite') names.set(one.party, one.card.name)
  const asked: Asked = { context, replica, nameOf: (party) => names.get(party) ?? party }
  const { changes = [] } = replica.chain.tip.state.epoch
  const { timeMs } = replica.chain.tip.block.header
  return changes.filter((one) => !isLapsed(one, timeMs)).map((one) => changeView(asked, one))
}

function changeView(asked: Asked, change: Change): ChangeView {
  const { context, replica, nameOf } = asked
  const named = (party: string): Named => ({ party, name: nameOf(party) })
  const proposedMs = proposedAt(context, replica, change.change)
  const [stage, awaited] = standsAt(asked, change)
  const sinceMs = ('decided' in change ? change.decided?.timeMs : undefined) ?? proposedMs
  return {
    change: change.change,
    op: change.op,
    by: named(change.by),
    text: textOf(replica, change, nameOf),
    ...('party' in change && { party: change.party, name: nameOf(change.party) }),
    ...(change.op === 'invite' && { role: change.role, olderValues: change.older }),
    ...(change.op === 'policy' && { policy: { ...change.policy } }),
    ...('card' in change && { card: change.card.sequence }),
    stage,
    proposedMs,
    ...('expiresMs' in change && { expiresMs: change.expiresMs }),
    yes: 'yes' in change ? change.yes.map(named) : [],
    waitingFor: awaited.map((party) => ({
      ...named(party),
      sinceMs,
      connected: party === replica.self || replica.up.has(party),
    })),
  }
}

/** How far a change is, and whom it waits for. */
function standsAt({ context, replica }: Asked, change: Change): [ChangeView['stage'], string[]] {
  const { roster, finality, chain } = replica
  if (isLapsed(change, context.node.now())) return ['lapsed', []]
  if (change.decided === undefined && 'yes' in change) {
    const lacking = lackingYes(chain.tip.state.epoch, change)
    if (lacking.length > 0 || change.op === 'policy') return ['voting', lacking]
    return ['accepting', [change.party]]
  }
  // Where parties leave, the turn that takes them out names no change and goes before all others.
  const turn = roster.turns.find(({ entry }) =>
    isDeparture(change) ? entry.change === undefined : entry.change === change.change,
  )
  const lacking = (turn?.signers ?? []).filter(
    (one) => !one.mayLack && !finality.certifying(one.party, one.cosignKey, one.minSize),
  )
  return ['decided', lacking.map(({ party }) => party)]
}

function textOf({ electorate }: Replica, change: Change, nameOf: NameOf): string {
  const by = nameOf(change.by)
  switch (change.op) {
    case 'invite': {
      const values = change.older ? 'with the former values too' : 'with the values current when it comes in'
      return `${by} invites ${nameOf(change.party)} as ${change.role === 'member' ? 'a member' : 'an observer'}, ${values}`
    }
    case 'policy':
      return `${by} asks for another policy: ${differences(electorate.policy, change.policy, nameOf).join('; ')}`
    case 'card':
      return `${nameOf(change.party)} goes on with its card ${change.card.sequence}`
    case 'leave':
      return `${nameOf(change.party)} leaves`
    case 'remove':
      return `${by} has ${nameOf(change.party)} removed, by evidence that it signed against itself`
  }
}

const PARTS: { [Part in string]: (policy: Policy, nameOf: NameOf) => string } = {
  quorum: ({ quorum }) => `quorum ${quorum}`,
  invite: ({ admission: { invite } }, nameOf) =>
    invite === 'any' ? PARTIES.any : `invited by ${invite.map(nameOf).join(', ')}`,
  admit: ({ admission: { admit } }, nameOf) =>
    typeof admit === 'string' ? PARTIES[admit] : `let in by ${admit.map(nameOf).join(', ')}`,
  silenceMs: ({ silenceMs }) =>
    silenceMs === null ? 'no lapse by silence' : `lapse after ${silenceMs / 1000} s of silence`,
  clockBoundMs: ({ clockBoundMs }) => `clocks at most ${clockBoundMs / 1000} s apart`,
  freeze: ({ freeze }) => (freeze ? 'freezes by itself' : 'freezes by an act of each member'),
}

const PARTIES = {
  any: 'any member invites',
  every: 'every member lets in',
  quorum: 'a quorum lets in',
} as const

function differences(before: Policy, after: Policy, nameOf: NameOf): string[] {
  return Object.values(PARTS)
    .map((say) => [say(before, nameOf), say(after, nameOf)] as const)
    .filter(([first, second]) => first !== second)
    .map(([first, second]) => `${second} instead of ${first}`)
}

/** The time of the ledger block that holds the change; of the last one where its request isn't held here. */
function proposedAt(context: Context, { contract, chain }: Replica, change: string): number {
  const height = context.states.read(contract, () => context.node.store.request(contract, change))?.height
  const header = height === undefined ? chain.tip.block.header : context.states.header(contract, height)
  return header.timeMs
}
