/** Signed requests on the epoch: their forms, and who may make which (PROTOCOL EPO-1, EPO-2). */
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import type { Request } from '../../src/ledger/request.ts'
import { EpochLedger, elm, fir, twoVotes } from './epoch-world.ts'
import { freezeOf } from './freeze-world.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, type Holder, hashNamed, rekeyed, uidOf } from './world.ts'

const ledger = new EpochLedger('epoch requests')
/** An observer, and a party that is invited by this change. */
const observer = douglas
const invited = elm
const invitation = hashNamed('invitation')
const open = hashNamed('another change')
const alder2 = rekeyed(alder, 'alder 2')
const douglas2 = rekeyed(douglas, 'douglas 2')

const seat = ({ party, keys }: Holder) => ({ party, author: keys.author.publicKey })
const context = {
  contract: ledger.contract,
  members: ledger.members.map(seat),
  observers: [seat(observer)],
  invited: [{ ...seat(invited), change: invitation }],
  timeMs: ledger.timeMs,
  ordered: [],
}

const { policy } = ledger.genesis
const checkpoint = ledger.point()
const expiresMs = ledger.expiresMs
const invite = (changes: object = {}) =>
  ({ op: 'invite', card: fir.card, role: 'member', older: false, expiresMs, ...changes }) as EpochOperation
const accept = (changes: object = {}) =>
  ({
    op: 'accept',
    change: invitation,
    genesis: ledger.contract,
    checkpoint,
    ...changes,
  }) as EpochOperation
const vote = (changes: object = {}) => ({ op: 'vote', change: open, yes: true, ...changes }) as EpochOperation
const leave = (changes: object = {}) => ({ op: 'leave', checkpoint, ...changes }) as EpochOperation
const card = ({ card: proven }: Holder, changes: object = {}) =>
  ({ op: 'card', card: proven, expiresMs, ...changes }) as EpochOperation
const agree = (changes: object = {}, more: object = {}) =>
  ({ op: 'policy', policy: { ...policy, ...changes }, expiresMs, ...more }) as EpochOperation
const remove = (evidence: unknown) => ({ op: 'remove', evidence }) as EpochOperation

const votes = twoVotes(ledger.contract, birch) as Evidence & { first: object }

const pastFreeze = {
  kind: 'cosigned-past-freeze',
  party: alder.party,
  contract: ledger.contract,
  lineage: 0,
  first: freezeOf(ledger, alder),
  second: ledger.cosignature(alder),
}

const VALID: [name: string, about: string, by: Holder, operation: EpochOperation][] = [
  ['invite', 'A party is to come in.', alder, invite()],
  [
    'invite-an-observer',
    'A party is to come in as observer, by its third card, and is given former values.',
    birch,
    invite({ card: rekeyed(rekeyed(fir, 'fir 2'), 'fir 3').card, role: 'observer', older: true }),
  ],
  ['accept', 'An invited party accepts.', invited, accept()],
  ['accept-by-a-member', 'Members may make any request: what comes of it is an outcome.', alder, accept()],
  ['vote', 'A yes.', birch, vote()],
  ['vote-no', 'A no.', cedar, vote({ yes: false })],
  ['leave', 'A member leaves.', cedar, leave()],
  ['leave-by-an-observer', 'So may an observer.', observer, leave()],
  ['card', 'A member’s next card.', alder, card(alder2)],
  ['card-of-another', 'A member puts forward the card of another.', birch, card(alder2)],
  ['card-by-an-observer', 'An observer puts forward its own.', observer, card(douglas2)],
  ['policy', 'Another policy.', alder, agree({ quorum: 'unanimous', silenceMs: 60_000 })],
  [
    'policy-of-admission',
    'Parties who may invite and whose yes lets in; members freeze by themselves.',
    alder,
    agree({ admission: { invite: [alder.party], admit: [alder.party, cedar.party] }, freeze: 'automatic' }),
  ],
  [
    'policy-of-admission-by-a-quorum',
    'A quorum lets in.',
    alder,
    agree({ admission: { invite: 'any', admit: 'quorum' } }),
  ],
  ['remove', 'A party is to go, by evidence.', alder, remove(votes)],
  ['remove-by-cosignatures-past-a-freeze', 'Evidence of another kind.', birch, remove(pastFreeze)],
  [
    'remove-by-what-is-no-evidence',
    'It is of the form of evidence: that it shows nothing is an outcome.',
    alder,
    remove({ ...votes, second: votes.first }),
  ],
]

const MALFORMED: [name: string, about: string, rule: string, operation: object][] = [
  ['invite-with-unknown-key', 'A key that no invitation has.', 'EPO-1', { ...invite(), name: 'Fir' }],
  ['invite-without-older', 'A key is missing.', 'EPO-1', without(invite(), 'older')],
  ['invite-in-an-unknown-role', 'A role that there is not.', 'EPO-1', invite({ role: 'guest' })],
  [
    'invite-with-expiry-as-text',
    'A time written as a string.',
    'EPO-1',
    invite({ expiresMs: `${expiresMs}` }),
  ],
  ['invite-with-older-as-number', 'A number in place of true or false.', 'EPO-1', invite({ older: 1 })],
  ['invite-a-party-id', 'A party id in place of its card.', 'CARD-1', invite({ card: fir.party })],
  [
    'invite-a-card-without-its-signature',
    'A card that nobody signed.',
    'CARD-1',
    invite({ card: { card: fir.card.card } }),
  ],
  ['accept-without-genesis', 'A key is missing.', 'EPO-1', without(accept(), 'genesis')],
  [
    'accept-at-size-0',
    'No checkpoint has size 0.',
    'EPO-1',
    accept({ checkpoint: { ...checkpoint, size: 0 } }),
  ],
  [
    'accept-at-a-checkpoint-with-its-contract',
    'A checkpoint in an operation names neither contract nor lineage.',
    'EPO-1',
    accept({ checkpoint: { ...checkpoint, contract: ledger.contract } }),
  ],
  ['vote-maybe', 'Neither yes nor no.', 'EPO-1', vote({ yes: 'maybe' })],
  ['vote-of-a-change-in-capitals', 'An id in capitals.', 'EPO-1', vote({ change: open.toUpperCase() })],
  ['leave-with-expiry', 'Leaving does not expire.', 'EPO-1', leave({ expiresMs })],
  ['leave-without-checkpoint', 'A key is missing.', 'EPO-1', { op: 'leave' }],
  ['card-without-expiry', 'A key is missing.', 'EPO-1', without(card(alder2), 'expiresMs')],
  ['card-with-a-key-missing', 'A card without its TLS key.', 'CARD-1', card(withoutTls(alder2))],
  [
    'policy-without-quorum',
    'A key of a policy is missing.',
    'GEN-1',
    { ...agree(), policy: without(policy, 'quorum') },
  ],
  ['policy-with-unknown-key', 'A key that no policy has.', 'GEN-1', agree({ name: '' })],
  [
    'policy-of-admission-by-nobody',
    'Nobody’s yes lets in.',
    'GEN-1',
    agree({ admission: { invite: 'any', admit: [] } }),
  ],
  ['policy-with-freeze-as-boolean', 'The one word for it is automatic.', 'GEN-1', agree({ freeze: true })],
  ['remove-a-party-id', 'A party id in place of evidence.', 'EVI-1', remove(birch.party)],
  [
    'remove-without-second',
    'One signature is of no form of evidence.',
    'EVI-1',
    remove(without(votes, 'second')),
  ],
]

/** Well formed and well signed, of who may not make it. */
const NOT_ENTITLED: [name: string, about: string, rule: string, by: Holder, operation: EpochOperation][] = [
  ['observer-votes', 'An observer says yes.', 'EPO-2', observer, vote()],
  ['observer-invites', 'An observer invites.', 'EPO-2', observer, invite()],
  ['observer-removes', 'An observer shows evidence.', 'EPO-2', observer, remove(votes)],
  ['observer-puts-forward-the-card-of-another', 'Its own it may.', 'EPO-2', observer, card(alder2)],
  ['observer-accepts', 'It is not invited.', 'EPO-2', observer, accept()],
  [
    'invited-votes',
    'An invited party says yes to its own invitation.',
    'EPO-2',
    invited,
    vote({ change: invitation }),
  ],
  ['invited-leaves', 'It is not in.', 'EPO-2', invited, leave()],
  ['invited-accepts-another-change', 'It names another change.', 'EPO-2', invited, accept({ change: open })],
  ['stranger-accepts', 'It is not invited.', 'REQ-6', fir, accept()],
  ['stranger-leaves', 'It is not in.', 'REQ-6', fir, leave()],
]

function without(value: object, key: string): object {
  const { [key]: _, ...rest } = value as Record<string, unknown>
  return rest
}

function withoutTls(of: Holder): Holder {
  const { card: body, ...rest } = of.card
  return { ...of, card: { ...rest, card: { ...body, keys: without(body.keys, 'tls') as typeof body.keys } } }
}

export function epochRequestVectors(): Vector[] {
  const vectors = new Vectors()
  const sent = (by: Holder, operation: object, changes: Partial<Request> = {}) => {
    const { request, signature, id } = ledger.ask([by, operation as EpochOperation], changes)
    return { id, input: json({ request: { request, signature }, openings: [] }) }
  }
  for (const [name, about, by, operation] of VALID) {
    const { id, input } = sent(by, operation)
    vectors.valid(name, about, context, input, { id, commitments: [] })
  }
  const refuse = (
    name: string,
    about: string,
    rule: string,
    code: string | undefined,
    by: Holder,
    operation: object,
    changes: Partial<Request> = {},
  ) => vectors.invalid(name, about, context, sent(by, operation, changes).input, rule, code)
  for (const [name, about, rule, operation] of MALFORMED)
    refuse(name, about, rule, 'bad-format', alder, operation)
  for (const [name, about, rule, by, operation] of NOT_ENTITLED)
    refuse(name, about, rule, 'unknown-party', by, operation)

  const beside = (name: string, about: string, ...operations: object[]) =>
    refuse(name, about, 'EPO-1', 'bad-format', alder, {}, { operations: operations as never })
  beside('two-changes-at-once', 'Each stands alone in its request.', invite(), vote())
  const goods = { op: 'delete', uid: uidOf('goods'), seen: hashNamed('goods') }
  beside('change-beside-a-deletion', 'It stands alone in its request.', vote(), goods)
  beside('deletion-beside-a-change', 'The same the other way round.', goods, leave())

  const proven = (name: string, about: string, rule: string, operation: EpochOperation) =>
    refuse(name, about, rule, 'bad-card', alder, operation)
  proven(
    'invite-a-card-with-bad-signature',
    'The card has the signature of another.',
    'CARD-1',
    invite({ card: { ...fir.card, signature: elm.card.signature } }),
  )
  const { earlier: _, ...alone } = alder2.card
  proven('card-without-the-first', 'A later card alone.', 'CARD-2', card({ ...alder2, card: alone }))
  proven(
    'card-signed-by-another',
    'The root key of another party has signed it.',
    'CARD-2',
    card(rekeyed({ ...alder, keys: birch.keys }, 'alder 2')),
  )
  const { author } = alder2.keys
  refuse(
    'signed-by-the-key-of-the-next-card',
    'The card in it is not in force yet.',
    'REQ-1',
    'bad-signature',
    alder,
    card(alder2),
    {
      authorKey: author.publicKey,
    },
  )
  refuse(
    'accept-by-another-key',
    'The invited party names its vote key.',
    'REQ-1',
    'bad-signature',
    invited,
    accept(),
    { authorKey: invited.keys.vote.publicKey },
  )
  return vectors.all
}
