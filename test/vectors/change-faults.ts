/** Requests on the epoch that can't be done, by the code of their outcome (PROTOCOL EPO-4). */
import type { Evidence } from '../../src/ledger/evidence.ts'
import {
  admission,
  alder2,
  alder3,
  birch2,
  evidenceOf,
  gale,
  inviting,
  LIFETIME_MS,
  lapsing,
  type Row,
} from './change-story.ts'
import { type Asked, EpochLedger, elm, fir } from './epoch-world.ts'
import { alder, birch, cedar, douglas, hashNamed, rekeyed } from './world.ts'
export const CHANGE_FAULTS: Row[] = [
  [
    'leaving',
    'Its author is leaving.',
    (l) => {
      l.do(l.leave(cedar))
      l.do(l.invite(cedar, elm))
    },
  ],
  [
    'leaving-again',
    'It is leaving already.',
    (l) => {
      l.do(l.leave(cedar))
      l.do(l.leave(cedar))
    },
  ],
  [
    'leaving-while-it-is-removed',
    'Its author is being removed.',
    (l) => {
      l.do(l.remove(alder, l.twoVotes(cedar)))
      l.do(l.newCard(cedar, alder2))
    },
  ],
  [
    'leaving-before-change-gone',
    'Both are so: that it leaves is looked at first.',
    (l) => {
      l.do(l.leave(cedar))
      l.do(l.vote(cedar, hashNamed('change')))
    },
  ],
  [
    'may-not-invite',
    'The policy names who may.',
    (l) => l.do(l.invite(birch, elm)),
    admission('every', [alder.party]),
  ],
  [
    'may-not-invite-before-bad-expiry',
    'Both are so.',
    (l) => l.do(l.invite(birch, elm, { expiresMs: 0 })),
    admission('every', [alder.party]),
  ],
  [
    'bad-expiry-past',
    'It would have expired before its block.',
    (l) => l.do(l.invite(alder, elm, { expiresMs: l.timeMs - 1 })),
  ],
  [
    'bad-expiry-too-late',
    'A millisecond more than 180 days.',
    (l) => l.do(l.invite(alder, elm, { expiresMs: l.timeMs + LIFETIME_MS + 1 })),
  ],
  [
    'bad-expiry-of-a-card',
    'The same of a card.',
    (l) => l.do(l.newCard(alder, alder2, { expiresMs: l.timeMs - 1 })),
  ],
  [
    'bad-expiry-of-a-policy',
    'The same of a policy.',
    (l) => l.do(l.newPolicy(alder, {}, { expiresMs: l.timeMs + LIFETIME_MS + 1 })),
  ],
  ['bad-expiry-before-already-in', 'Both are so.', (l) => l.do(l.invite(alder, birch, { expiresMs: 0 }))],
  ['already-in', 'It is a member.', (l) => l.do(l.invite(alder, birch2))],
  [
    'already-in-as-observer',
    'It is an observer.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.do(l.invite(alder, elm))
    },
  ],
  [
    'already-in-as-invited',
    'An invitation of it is open.',
    (l) => {
      inviting(l)
      l.do(l.invite(birch, elm, { role: 'observer' }))
    },
  ],
  [
    'key-in-use',
    'A key of a member stands in its card.',
    (l) => l.do(l.invite(alder, rekeyed(elm, 'birch'))),
  ],
  [
    'key-in-use-by-an-open-change',
    'A key of an invited party stands in its card.',
    (l) => {
      inviting(l)
      l.do(l.invite(alder, rekeyed(fir, 'elm')))
    },
  ],
  [
    'key-in-use-by-an-open-card',
    'A key of a member’s next card stands in its card.',
    (l) => {
      l.do(l.newCard(alder, alder2))
      l.do(l.newCard(birch, rekeyed(birch, 'alder 2')))
    },
  ],
  [
    'too-many-changes',
    'Three invitations and a policy of its author are open.',
    (l) => {
      l.do(l.invite(alder, elm), l.invite(alder, fir), l.invite(alder, douglas), l.newPolicy(alder))
      l.do(l.invite(alder, gale))
    },
  ],
  [
    'too-many-changes-with-a-policy',
    'Four invitations of its author are open.',
    (l) => {
      l.do(...[elm, fir, douglas, gale].map((one): Asked => l.invite(alder, one)))
      l.do(l.newPolicy(alder))
    },
  ],
  ['change-gone', 'There never was such a change.', (l) => l.do(l.vote(alder, hashNamed('change')))],
  [
    'change-gone-taken-back',
    'It was taken back.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(birch, change, false))
      l.do(l.vote(cedar, change))
    },
  ],
  [
    'change-gone-lapsed',
    'It has lapsed, and stands in the record still.',
    (l) => l.do(l.vote(birch, lapsing(l))),
  ],
  [
    'change-gone-accepted-after-it-lapsed',
    'As long as a lapsed invitation stands in the record, its party may make the request.',
    (l) => l.do(l.accept(elm, lapsing(l))),
  ],
  ['not-invited', 'A member accepts in place of who is invited.', (l) => l.do(l.accept(birch, inviting(l)))],
  [
    'not-invited-to-a-policy',
    'A policy is no invitation.',
    (l) => l.do(l.accept(birch, l.done(l.newPolicy(alder)))),
  ],
  [
    'other-history',
    'It accepts by a checkpoint that the ledger never had.',
    (l) => {
      const checkpoint = { ...l.point(), stateRoot: hashNamed('state') }
      l.do(l.accept(elm, inviting(l), { checkpoint }))
    },
  ],
  [
    'other-history-of-another-epoch',
    'Nor had it this one in epoch 1.',
    (l) => l.do(l.accept(elm, inviting(l), { checkpoint: { ...l.point(), epoch: 1 } })),
  ],
  [
    'other-history-of-another-genesis',
    'It accepts another contract.',
    (l) => l.do(l.accept(elm, inviting(l), { genesis: hashNamed('genesis') })),
  ],
  [
    'other-history-yet-to-come',
    'A size that the ledger has with this very block.',
    (l) => l.do(l.leave(cedar, { ...l.point(), size: l.height + 2 })),
  ],
  [
    'other-history-left',
    'It leaves by a checkpoint that the ledger never had.',
    (l) => l.do(l.leave(cedar, { ...l.point(), root: hashNamed('root') })),
  ],
  [
    'not-invited-before-other-history',
    'Both are so.',
    (l) => l.do(l.accept(birch, inviting(l), { genesis: hashNamed('genesis') })),
  ],
  ['change-decided', 'It was decided before.', (l) => l.do(l.vote(birch, l.decide(elm), false))],
  [
    'change-decided-of-a-card',
    'A card takes nobody’s yes.',
    (l) => l.do(l.vote(birch, l.done(l.newCard(alder, alder2)))),
  ],
  [
    'change-decided-of-a-leaving',
    'Nor does it to leave.',
    (l) => l.do(l.vote(birch, l.done(l.leave(cedar)), false)),
  ],
  ['last-member', 'Nobody would stay.', (l) => l.do(l.leave(alder)), {}, [alder]],
  [
    'last-member-where-the-others-leave',
    'The others are leaving.',
    (l) => {
      l.do(l.leave(alder), l.leave(birch))
      l.do(l.leave(cedar))
    },
  ],
  [
    'last-member-removed',
    'Evidence against the last.',
    (l) => l.do(l.remove(alder, l.twoVotes(alder))),
    {},
    [alder],
  ],
  [
    'last-member-before-other-history',
    'Both are so.',
    (l) => l.do(l.leave(alder, { ...l.point(), size: 9 })),
    {},
    [alder],
  ],
  ['not-in', 'The card of a party that is not in.', (l) => l.do(l.newCard(alder, rekeyed(elm, 'elm 2')))],
  [
    'not-in-but-invited',
    'Nor is an invited party.',
    (l) => {
      inviting(l)
      l.do(l.newCard(alder, rekeyed(elm, 'elm 2')))
    },
  ],
  [
    'not-in-while-it-leaves',
    'The card of a party that is leaving.',
    (l) => {
      l.do(l.leave(cedar))
      l.do(l.newCard(alder, rekeyed(cedar, 'cedar 2')))
    },
  ],
  [
    'not-in-to-be-removed',
    'Evidence against a party that is not in.',
    (l) => l.do(l.remove(alder, l.twoVotes(elm))),
  ],
  [
    'not-in-to-be-removed-again',
    'It is being removed.',
    (l) => {
      l.do(l.remove(alder, l.twoVotes(birch)))
      l.do(l.remove(alder, evidenceOf(l, birch)))
    },
  ],
  ['card-outdated', 'The card that is in force.', (l) => l.do(l.newCard(alder, alder))],
  [
    'card-outdated-by-an-open-one',
    'A later one is open.',
    (l) => {
      l.do(l.newCard(alder, alder3))
      l.do(l.newCard(alder, alder2))
    },
  ],
  [
    'card-forked',
    'It follows from another second card than the one in force.',
    (l) => l.do(l.newCard(alder2, rekeyed(rekeyed(alder, 'forged 2'), 'forged 3'))),
    {},
    [alder2, birch],
  ],
  [
    'card-outdated-before-card-forked',
    'Both are so.',
    (l) => l.do(l.newCard(alder2, rekeyed(alder, 'forged 2'))),
    {},
    [alder2, birch],
  ],
  [
    'policy-open',
    'Another is open.',
    (l) => {
      l.do(l.newPolicy(alder))
      l.do(l.newPolicy(birch))
    },
  ],
  [
    'policy-open-though-decided',
    'Another waits for its turn.',
    (l) => {
      l.agree()
      l.do(l.newPolicy(birch))
    },
  ],
  [
    'evidence-fails',
    'One VOTE twice.',
    (l) => {
      const evidence = l.twoVotes(birch)
      l.do(l.remove(alder, { ...evidence, second: evidence.first } as Evidence))
    },
  ],
  [
    'evidence-fails-of-another-contract',
    'Signed for another contract.',
    (l) => l.do(l.remove(alder, new EpochLedger('other').twoVotes(birch))),
  ],
  [
    'evidence-fails-by-another-key',
    'Signed by keys that were never its.',
    (l) => l.do(l.remove(alder, l.twoVotes(birch2))),
  ],
  [
    'evidence-fails-before-last-member',
    'Both are so.',
    (l) => l.do(l.remove(alder, l.twoVotes(alder2))),
    {},
    [alder],
  ],
]
