/** Ledger blocks with requests on the epoch: what becomes of each, and what then stands in the epoch record (PROTOCOL EPO-3 to EPO-6). */
import { takeBlock } from './block-parts.ts'
import { CHANGE_FAULTS } from './change-faults.ts'
import {
  admission,
  alder2,
  alder3,
  birch2,
  evidenceOf,
  fresh,
  inviting,
  LIFETIME_MS,
  lapsing,
  type Row,
} from './change-story.ts'
import { elm, fir } from './epoch-world.ts'
import { freezeOf } from './freeze-world.ts'
import type { Vectors } from './vector.ts'
import { alder, birch, cedar, DAY_MS, douglas, type Holder, holder, rekeyed } from './world.ts'

/** What has an effect, or could have. */
const ACCEPTED: Row[] = [
  ['invite', 'Invited as member: its author has said yes.', (l) => l.do(l.invite(alder, elm))],
  [
    'invite-an-observer',
    'Invited as observer, by its second card, and to be given former values.',
    (l) => l.do(l.invite(birch, rekeyed(elm, 'elm 2'), { role: 'observer', older: true })),
  ],
  [
    'invite-to-this-very-time',
    'It expires at the time of its block.',
    (l) => l.do(l.invite(alder, elm, { expiresMs: l.timeMs })),
  ],
  [
    'invite-for-180-days',
    'It is open as long as it may.',
    (l) => l.do(l.invite(alder, elm, { expiresMs: l.timeMs + LIFETIME_MS })),
  ],
  ['vote', 'A yes more.', (l) => l.do(l.vote(birch, inviting(l)))],
  ['vote-again', 'A second yes has no effect.', (l) => l.do(l.vote(alder, inviting(l)))],
  [
    'vote-no',
    'A no of whoever’s yes it takes takes it back.',
    (l) => l.do(l.vote(cedar, inviting(l), false)),
  ],
  [
    'vote-no-without-effect',
    'A no of a member whose yes it does not take.',
    (l) => l.do(l.vote(birch, inviting(l), false)),
    admission([alder.party, cedar.party]),
  ],
  [
    'vote-no-by-its-author',
    'An author whose own yes it does not take takes it back.',
    (l) => l.do(l.vote(alder, inviting(l), false)),
    admission([cedar.party]),
  ],
  [
    'vote-no-where-a-quorum-lets-in',
    'No single no takes it back.',
    (l) => l.do(l.vote(birch, inviting(l), false)),
    admission('quorum'),
  ],
  [
    'vote-no-to-a-policy',
    'Every member’s yes is needed.',
    (l) => l.do(l.vote(birch, l.done(l.newPolicy(alder)), false)),
    admission([cedar.party]),
  ],
  [
    'accept',
    'Accepted before the others have said yes: not decided.',
    (l) => l.do(l.accept(elm, inviting(l))),
  ],
  [
    'accept-again',
    'Accepted a second time: no effect.',
    (l) => {
      const change = inviting(l)
      l.do(l.accept(elm, change))
      l.do(l.accept(elm, change))
    },
  ],
  [
    'accept-at-an-earlier-checkpoint',
    'It names the ledger as it began.',
    (l) => l.do(l.accept(elm, inviting(l), { checkpoint: l.point(0) })),
  ],
  ['decided-by-accepting', 'The last yes came before.', (l) => l.decide(elm)],
  [
    'decided-by-a-yes',
    'The party has accepted before.',
    (l) => {
      const change = inviting(l)
      l.do(l.accept(elm, change), l.vote(birch, change))
      l.do(l.vote(cedar, change))
    },
  ],
  [
    'decided-by-a-quorum',
    'Two of three, and the party.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(birch, change), l.accept(elm, change))
    },
    admission('quorum'),
  ],
  [
    'decided-by-who-is-named',
    'The one member that is named, and the party.',
    (l) => {
      const change = inviting(l)
      l.do(l.accept(elm, change))
      l.do(l.vote(cedar, change))
    },
    admission([cedar.party, douglas.party]),
  ],
  [
    'not-decided-where-nobody-named-is-in',
    'Then it takes every member’s yes.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(birch, change), l.accept(elm, change))
    },
    admission([douglas.party]),
  ],
  [
    'decided-by-a-leaving',
    'Its yes alone was lacking.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(birch, change), l.accept(elm, change))
      l.do(l.leave(cedar))
    },
  ],
  [
    'several-in-one-block',
    'Each sees those before it.',
    (l) => {
      const invite = l.ask(l.invite(alder, elm))
      l.order([invite, l.ask(l.vote(birch, invite.id)), l.ask(l.vote(cedar, invite.id))])
    },
  ],
  ['policy', 'Proposed: its author has said yes.', (l) => l.do(l.newPolicy(birch, { silenceMs: DAY_MS }))],
  ['policy-decided', 'All have said yes.', (l) => l.agree({ quorum: 'unanimous' })],
  ['policy-of-one-member', 'Decided at once.', (l) => l.do(l.newPolicy(alder)), {}, [alder]],
  ['card', 'A member’s next card: decided at once.', (l) => l.do(l.newCard(alder, alder2))],
  [
    'card-put-forward-by-another',
    'The root key of its party is enough.',
    (l) => l.do(l.newCard(birch, alder2)),
  ],
  [
    'card-in-place-of-an-open-one',
    'The later of two takes the place of the other, at the end of the list.',
    (l) => {
      l.do(l.newCard(alder, alder2), l.newCard(birch, birch2))
      l.do(l.newCard(alder, alder3))
    },
  ],
  ['leave', 'Decided at once.', (l) => l.do(l.leave(cedar))],
  [
    'leave-with-all-that-is-open',
    'What it proposed and its next card are gone; what was decided stays.',
    (l) => {
      const change = l.done(l.invite(alder, fir))
      l.do(l.vote(birch, change), l.vote(cedar, change), l.accept(fir, change))
      l.do(l.invite(alder, elm), l.invite(birch, douglas), l.newCard(alder, alder2), l.newCard(birch, birch2))
      l.do(l.leave(alder, l.point(0)))
    },
  ],
  ['remove', 'Evidence is enough.', (l) => l.do(l.remove(alder, l.twoVotes(birch)))],
  ['remove-by-its-accomplice', 'Whoever shows it.', (l) => l.do(l.remove(birch, l.twoVotes(birch)))],
  [
    'remove-by-two-checkpoints',
    'Evidence of another kind.',
    (l) => l.do(l.remove(alder, evidenceOf(l, cedar))),
  ],
  [
    'remove-by-cosignatures-past-a-freeze',
    'Evidence of another kind.',
    (l) => {
      const { contract } = l
      const first = freezeOf(l, birch)
      const second = l.cosignature(birch)
      const party = birch.party
      l.do(l.remove(alder, { kind: 'cosigned-past-freeze', party, contract, lineage: 0, first, second }))
    },
  ],
  [
    'remove-by-what-was-signed-in-a-later-lineage-and-epoch',
    'Evidence is checked by the keys of its party alone.',
    (l) => l.do(l.remove(alder, l.twoVotes(birch, 3, 2))),
  ],
  [
    'invite-again-after-it-lapsed',
    'The lapsed one leaves the record with it.',
    (l) => {
      lapsing(l)
      l.do(l.invite(birch, elm))
    },
  ],
  [
    'lapsed-and-decided',
    'What was decided lapses too, and leaves the record with the next effect.',
    (l) => {
      l.decide(elm, { expiresMs: l.timeMs + DAY_MS })
      l.order([], { timeMs: l.timeMs + 2 * DAY_MS })
      l.do(l.newPolicy(alder))
    },
  ],
]

/** Of a ledger that has had a turn. */
const LATER: Row[] = [
  [
    'remove-by-former-keys',
    'What it signed before its card was replaced.',
    (l) => {
      l.turn(l.turnEntry(l.rekey(alder2)))
      l.do(l.remove(birch, l.twoVotes(alder, 0)))
    },
  ],
  [
    'decided-after-a-member-came-in',
    'Its yes is needed as well.',
    (l) => {
      const change = l.done(l.invite(alder, fir))
      l.admit(elm)
      l.do(l.vote(birch, change), l.vote(cedar, change), l.accept(fir, change))
      l.do(l.vote(elm, change))
    },
  ],
  [
    'request-by-a-new-key',
    'By the key of the card that has come into force.',
    (l) => {
      l.turn(l.turnEntry(l.rekey(alder2)))
      l.do(l.newPolicy(alder2))
    },
  ],
  [
    'request-of-a-new-member',
    'It has come in.',
    (l) => {
      l.admit(elm)
      l.do(l.invite(elm, fir))
    },
  ],
  [
    'leave-by-an-observer',
    'At any checkpoint that the ledger had.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.do(l.leave(elm, l.point(1)))
    },
  ],
  [
    'card-by-an-observer',
    'Its own next card.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.do(l.newCard(elm, rekeyed(elm, 'elm 2')))
    },
  ],
  [
    'invite-again-after-it-left',
    'It may come in again.',
    (l) => {
      l.admit(elm)
      l.done(l.leave(elm))
      l.turn(l.turnEntry())
      l.do(l.invite(alder, elm))
    },
  ],
]

/** A full epoch: as many members as there may be. */
const FULL: Row = [
  'epoch-full',
  'There are 256 members. The second invitation is of an observer.',
  (l) => {
    const [first] = l.members as [Holder]
    l.do(l.invite(first, elm), l.invite(first, elm, { role: 'observer' }))
  },
  {},
  Array.from({ length: 256 }, (_, index) => holder(`member-${index}`, `Member ${index}`)),
]

export function changeVectors(vectors: Vectors): void {
  for (const [name, about, make, policy, members] of [...ACCEPTED, ...CHANGE_FAULTS, ...LATER, FULL]) {
    const ledger = fresh(policy, members)
    make(ledger)
    takeBlock(vectors, name, about, ledger)
  }
}
