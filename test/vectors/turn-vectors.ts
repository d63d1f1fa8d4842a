/** Ledger blocks that end epochs, and those after them (PROTOCOL BLK-3, EPO-7 to EPO-11). */
import { refuseBlock, takeBlock } from './block-parts.ts'
import { admission, alder2, fresh, inviting, silent } from './change-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import { CERTIFICATE_FAULTS } from './turn-certificate-faults.ts'
import { TURN_FAULTS } from './turn-faults.ts'
import type { Vectors } from './vector.ts'
import { alder, birch, cedar, DAY_MS, type Holder, rekeyed } from './world.ts'

type Row = [
  name: string,
  about: string,
  make: (ledger: EpochLedger) => unknown,
  policy?: object,
  members?: readonly Holder[],
]

const TURNS: Row[] = [
  ['turn', 'A member comes in, last.', (l) => l.admit(elm)],
  [
    'turn-of-an-observer',
    'An observer comes in, by its second card.',
    (l) => {
      const elm2 = rekeyed(elm, 'elm 2')
      l.holders.set(elm.party, elm2)
      l.admit(elm2, { role: 'observer', older: true })
    },
  ],
  [
    'turn-of-a-second-observer',
    'Behind the first.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.admit(fir, { role: 'observer' })
    },
  ],
  [
    'turn-of-a-card',
    'A card replaced: its former keys are kept, and it has cosigned by the new one.',
    (l) => l.turn(l.turnEntry(l.rekey(alder2))),
  ],
  [
    'turn-of-a-card-with-the-same-keys',
    'Keys to vote and to cosign stay: there are no former ones.',
    (l) => l.turn(l.turnEntry(l.rekey(rekeyed(alder, 'alder')))),
  ],
  [
    'turn-of-an-observers-card',
    'It need not cosign.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      const change = l.done(l.newCard(elm, rekeyed(elm, 'elm 2')))
      l.turn(l.turnEntry(change))
    },
  ],
  [
    'turn-of-a-third-card',
    'Keys of two former cards.',
    (l) => {
      l.turn(l.turnEntry(l.rekey(alder2)))
      l.turn(l.turnEntry(l.rekey(rekeyed(alder2, 'alder 3'))))
    },
  ],
  [
    'turn-of-a-policy',
    'Another policy, and nothing else.',
    (l) => l.turn(l.turnEntry(l.agree({ quorum: 'unanimous' }))),
  ],
  [
    'turn-without-a-member',
    'A member leaves: no change is named, and it need not cosign.',
    (l) => {
      l.do(l.leave(birch))
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-without-who-is-removed',
    'Removed by evidence.',
    (l) => {
      l.do(l.remove(alder, l.twoVotes(cedar)))
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-without-two',
    'All who leave go at once, whatever else is decided.',
    (l) => {
      l.agree()
      l.do(l.leave(alder))
      l.do(l.remove(birch, l.twoVotes(cedar)))
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-without-an-observer',
    'Nobody is an observer any more.',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.do(l.leave(elm))
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-without-a-member-that-came-in',
    'With all that was kept of it.',
    (l) => {
      l.admit(elm)
      l.turn(l.turnEntry(l.rekey(rekeyed(elm, 'elm 2'))))
      l.do(l.leave(l.holderOf(elm.party)))
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-of-who-was-there-before',
    'It left and comes in again, last.',
    (l) => {
      l.do(l.leave(alder))
      l.turn(l.turnEntry())
      l.admit(alder)
    },
  ],
  [
    'turn-that-leaves-what-is-open',
    'Yeses of who is out are dropped, and so is what has lapsed.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(birch, change))
      l.do(l.newPolicy(cedar, {}, { expiresMs: l.timeMs + DAY_MS }), l.leave(birch))
      l.order([], { timeMs: l.timeMs + 2 * DAY_MS })
      l.turn(l.turnEntry())
    },
  ],
  [
    'turn-of-the-second-of-two',
    'Whichever is certified first; the other stays decided.',
    (l) => {
      const first = l.decide(elm)
      const second = l.rekey(alder2)
      if (first === second) throw new Error('two changes')
      l.turn(l.turnEntry(second))
    },
  ],
  [
    'turn-certified-below-its-parent',
    'Cosigned was the ledger up to the block that completed the change.',
    (l) => {
      const change = l.agree()
      const height = l.height
      l.order([])
      l.turn(l.turnEntry(change, height))
    },
  ],
  [
    'turn-without-who-is-silent',
    'As long as is agreed, to the millisecond.',
    (l) => silent(l, DAY_MS),
    { silenceMs: DAY_MS },
  ],
  [
    'turn-without-everybody',
    'All are silent, but for the one that comes in.',
    (l) => {
      const change = l.decide(elm)
      const timeMs = l.tip.block.header.timeMs + DAY_MS
      const entry = l.turnEntry(change, l.height, timeMs)
      l.turn({ ...entry, certificate: entry.certificate.slice(-1) }, { timeMs })
    },
    { silenceMs: DAY_MS },
  ],
  ['turn-of-one-member', 'A contract of one.', (l) => l.admit(elm), {}, [alder]],
  [
    'turn-by-a-quorum',
    'Two of three have let it in; all have cosigned.',
    (l) => {
      const change = inviting(l)
      l.do(l.vote(cedar, change), l.accept(elm, change))
      l.turn(l.turnEntry(change))
    },
    admission('quorum'),
  ],
  [
    'after-a-turn',
    'An empty block of the next epoch.',
    (l) => {
      l.admit(elm)
      l.order([])
    },
  ],
  [
    'after-a-turn-committed-in-a-later-view',
    'Views go on from the one in the turn’s header.',
    (l) => {
      const change = l.decide(elm)
      l.turn(l.turnEntry(change), { certifiedView: 9 })
      l.order([])
    },
  ],
  [
    'after-two-turns',
    'Both were decided before either; a block of the first new epoch stands between them.',
    (l) => {
      const elms = l.decide(elm)
      const firs = l.decide(fir)
      l.turn(l.turnEntry(elms))
      l.order([])
      l.turn(l.turnEntry(firs))
      l.order([])
    },
  ],
]

export function turnVectors(vectors: Vectors): void {
  for (const [name, about, make, policy, members] of TURNS) {
    const ledger = fresh(policy, members)
    make(ledger)
    takeBlock(vectors, name, about, ledger)
  }
  for (const [name, about, rule, make, policy, alter] of [...TURN_FAULTS, ...CERTIFICATE_FAULTS]) {
    const ledger = fresh(policy)
    make(ledger)
    refuseBlock(vectors, name, about, ledger, rule, alter)
  }
}
