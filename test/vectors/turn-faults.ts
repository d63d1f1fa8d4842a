/** What is wrong with a turn, everything else made for it; and with the block after one (PROTOCOL BLK-3, EPO-7 to EPO-11). */
import { cardHash } from '../../src/identity/card.ts'
import type { Header } from '../../src/ledger/block.ts'
import type { TurnEntry } from '../../src/ledger/turn.ts'
import type { Part } from './block-parts.ts'
import { alder2, inviting } from './change-story.ts'
import { EpochLedger, elm, fir, type TurnOptions } from './epoch-world.ts'
import { alder, birch, cedar, DAY_MS, hashNamed } from './world.ts'

export type Fault = [
  name: string,
  about: string,
  rule: string,
  make: (ledger: EpochLedger) => unknown,
  policy?: object,
  alter?: (part: Part) => unknown,
]

/** Elm comes in by a turn that says otherwise. */
export const saying =
  (alter: (right: TurnEntry, ledger: EpochLedger) => object, options: TurnOptions = {}) =>
  (ledger: EpochLedger) => {
    const right = ledger.turnEntry(ledger.decide(elm))
    const entry = { ...right, ...alter(right, ledger) }
    const kept = Object.entries(entry).filter(([, value]) => value !== undefined)
    ledger.turn(right, options, Object.fromEntries(kept))
  }
/** A turn that nothing lets happen: nothing is computed of it. */
export const unfounded =
  (entry: (ledger: EpochLedger) => object, timeMs?: (ledger: EpochLedger) => number) =>
  (ledger: EpochLedger) => {
    const made = entry(ledger)
    ledger.unchanged([made], timeMs && { timeMs: timeMs(ledger) })
  }
const header = (changes: (right: Header) => object): TurnOptions => ({
  header: (right) => ({ ...right, ...changes(right) }),
})
const CONTENT: Fault[] = [
  [
    'turn-of-an-unknown-change',
    'It brings a change that there is not.',
    'EPO-7',
    unfounded((l) => ({ ...l.turnEntry(l.decide(elm)), change: hashNamed('change') })),
  ],
  [
    'turn-of-an-undecided-change',
    'A yes is lacking.',
    'EPO-7',
    unfounded((l) => {
      const { entry } = decided()
      const change = inviting(l)
      l.do(l.vote(birch, change), l.accept(elm, change))
      return { ...entry, change, certificate: [alder, birch, cedar, elm].map((one) => l.cosignature(one)) }
    }),
  ],
  [
    'turn-of-a-lapsed-change',
    'It lapsed a millisecond ago.',
    'EPO-7',
    (l) => {
      const entry = l.turnEntry(l.decide(elm, { expiresMs: l.timeMs + DAY_MS }))
      const [change] = l.tip.state.epoch.changes as unknown as [{ expiresMs: number }]
      l.unchanged([entry], { timeMs: change.expiresMs + 1 })
    },
  ],
  [
    'turn-of-nothing',
    'It names no change, and nobody leaves.',
    'EPO-7',
    unfounded((l) => {
      const { change: _, ...entry } = l.turnEntry(l.decide(elm))
      return entry
    }),
  ],
  [
    'turn-past-a-leaving',
    'It brings a change, and a member is leaving.',
    'EPO-7',
    unfounded((l) => {
      const change = l.decide(elm)
      const entry = l.turnEntry(change)
      l.do(l.leave(cedar))
      const certificate = [alder, birch, cedar, elm].map((one) => l.cosignature(one))
      return { ...entry, certificate }
    }),
  ],
  [
    'turn-of-a-change-that-was-brought',
    'The turn before brought it.',
    'EPO-7',
    unfounded((l) => {
      const entry = l.turnEntry(l.decide(elm))
      l.turn(entry)
      const certificate = [alder, birch, cedar, elm].map((one) => l.cosignature(one))
      return { ...entry, epoch: 2, certificate }
    }),
  ],
  [
    'turn-to-the-epoch-that-ends',
    'It says the same number again.',
    'EPO-8',
    saying(({ epoch }) => ({ epoch: epoch - 1 })),
  ],
  ['turn-past-the-next-epoch', 'It skips a number.', 'EPO-8', saying(({ epoch }) => ({ epoch: epoch + 1 }))],
  [
    'turn-without-who-comes-in',
    'The members are those of before.',
    'EPO-8',
    saying(({ members, cards }) => ({ members: members.slice(0, 3), cards: cards.slice(0, 3) })),
  ],
  [
    'turn-with-who-comes-in-first',
    'Another order.',
    'EPO-8',
    saying(({ members, cards }) => ({
      members: [members[3], ...members.slice(0, 3)],
      cards: [cards[3], ...cards.slice(0, 3)],
    })),
  ],
  [
    'turn-without-a-member-that-stays',
    'Nobody leaves.',
    'EPO-8',
    saying(({ members, cards }) => ({ members: members.slice(1), cards: cards.slice(1) })),
  ],
  [
    'turn-with-another-card',
    'Another card of a member than is in force.',
    'EPO-8',
    saying(({ cards }) => ({ cards: cards.with(0, cardHash(alder2.card.card)) })),
  ],
  [
    'turn-with-another-policy',
    'It changes the quorum as well.',
    'EPO-8',
    saying(({ policy }) => ({ policy: { ...policy, quorum: 'bft' } })),
  ],
  [
    'turn-with-an-observer-more',
    'Nobody was invited as observer.',
    'EPO-8',
    saying(() => ({ observers: [[fir.party, cardHash(fir.card.card)]] })),
  ],
  [
    'turn-without-its-observers',
    'There is one.',
    'EPO-8',
    (l) => {
      l.admit(fir, { role: 'observer' })
      saying(() => ({ observers: undefined }))(l)
    },
  ],
  [
    'turn-in-the-next-epoch',
    'It is of the epoch that ends.',
    'BLK-1',
    saying(
      () => ({}),
      header(({ epoch }) => ({ epoch: epoch + 1 })),
    ),
  ],
  [
    'turn-with-another-state',
    'The state before it.',
    'STA-1',
    (l) => {
      const right = l.turnEntry(l.decide(elm))
      const { stateRoot } = l.tip.block.header
      l.turn(
        right,
        header(() => ({ stateRoot })),
      )
    },
  ],
  [
    'turn-with-other-entries',
    'The root is over the entry without its effects.',
    'BLK-2',
    (l) => {
      const right = l.turnEntry(l.decide(elm))
      const without = entriesRootOf(l, right)
      l.turn(
        right,
        header(() => ({ entriesRoot: without })),
      )
    },
  ],
]

const FORMS: Fault[] = [
  [
    'turn-beside-a-turn',
    'Two entries.',
    'BLK-3',
    (l) => {
      const entry = l.turnEntry(l.decide(elm))
      l.unchanged([entry, entry])
    },
  ],
  [
    'turn-beside-a-request',
    'Two entries.',
    'BLK-3',
    (l) => {
      const entry = l.turnEntry(l.decide(elm))
      l.unchanged([entry, { kind: 'request', request: hashNamed('request'), outcome: 'accepted' }])
    },
  ],
  [
    'turn-with-a-request',
    'A request stands beside it.',
    'BLK-3',
    (l) => l.admit(elm),
    {},
    (part) => part.requests.push(requestBeside()),
  ],
  [
    'turn-with-an-opening',
    'An opening stands beside it.',
    'BLK-3',
    (l) => l.admit(elm),
    {},
    (part) => part.openings.push(...new EpochLedger('beside').genesisOpenings),
  ],
  ['turn-with-effects', 'Effects are not sent.', 'BLK-3', saying(() => ({ effects: [] }))],
  [
    'turn-without-a-list-of-cosignatures',
    'A key is missing.',
    'BLK-3',
    saying(() => ({ certificate: undefined })),
  ],
  ['turn-without-policy', 'A key is missing.', 'BLK-3', saying(() => ({ policy: undefined }))],
  ['turn-with-unknown-key', 'A key that no turn has.', 'BLK-3', saying(() => ({ note: '' }))],
  [
    'turn-of-execution-version-2',
    'A version that there is not.',
    'BLK-3',
    saying(() => ({ executionVersion: 2 })),
  ],
  [
    'turn-with-no-observers-listed',
    'A list of nothing is left out.',
    'BLK-3',
    saying(() => ({ observers: [] })),
  ],
]

const AFTER: Fault[] = [
  [
    'after-a-turn-in-the-epoch-that-ended',
    'The next epoch has begun.',
    'EPO-11',
    (l) => {
      l.admit(elm)
      l.order(
        [],
        header(({ epoch }) => ({ epoch: epoch - 1 })),
      )
    },
  ],
  [
    'after-a-turn-past-the-next-epoch',
    'It skips a number.',
    'EPO-11',
    (l) => {
      l.admit(elm)
      l.order(
        [],
        header(({ epoch }) => ({ epoch: epoch + 1 })),
      )
    },
  ],
  [
    'after-a-turn-that-is-not-committed',
    'The turn’s COMMIT is not there.',
    'EPO-11',
    (l) => {
      l.turn(l.turnEntry(l.decide(elm)), { certify: [] })
      l.order([])
    },
  ],
  [
    'after-a-turn-that-is-notarised',
    'Half of a COMMIT.',
    'EPO-11',
    (l) => {
      l.turn(l.turnEntry(l.decide(elm)), { certify: ['notarization'] })
      l.order([])
    },
  ],
  [
    'after-a-turn-in-its-view',
    'Its view is that of the turn’s header.',
    'BLK-4',
    (l) => {
      l.turn(l.turnEntry(l.decide(elm)), { view: 5, certifiedView: 9 })
      l.order([], { view: 5 })
    },
  ],
  [
    'request-by-a-former-key',
    'The turn brought another card.',
    'REQ-1',
    (l) => {
      l.turn(l.turnEntry(l.rekey(alder2)))
      l.do(l.newPolicy(alder))
    },
  ],
  [
    'request-by-a-key-to-come',
    'Its turn has not come.',
    'REQ-1',
    (l) => {
      l.rekey(alder2)
      l.do(l.newPolicy(alder2))
    },
  ],
  [
    'request-of-who-has-left',
    'It was a member.',
    'REQ-6',
    (l) => {
      l.do(l.leave(cedar))
      l.turn(l.turnEntry())
      l.do(l.newPolicy(cedar))
    },
  ],
  [
    'request-of-who-is-to-come-in',
    'Its turn has not come.',
    'EPO-2',
    (l) => {
      l.decide(elm)
      l.do(l.newPolicy(elm))
    },
  ],
  [
    'request-of-an-observer',
    'It holds and verifies all, and writes nothing.',
    'EPO-2',
    (l) => {
      l.admit(elm, { role: 'observer' })
      l.do(l.newPolicy(elm))
    },
  ],
  [
    'accept-in-the-block-of-its-invitation',
    'The state before the block has no such invitation.',
    'REQ-6',
    (l) => {
      const invite = l.ask(l.invite(alder, elm))
      l.order([invite, l.ask(l.accept(elm, invite.id))])
    },
  ],
]

/** A ledger in which Elm is let in, and its turn. */
function decided(): { entry: TurnEntry } {
  const ledger = new EpochLedger('epochs')
  return { entry: ledger.turnEntry(ledger.decide(elm)) }
}

function entriesRootOf(ledger: EpochLedger, entry: TurnEntry): string {
  const other = new EpochLedger(ledger.label)
  return other.unchanged([entry]).block.header.entriesRoot
}

function requestBeside(): Part['requests'][0] {
  const ledger = new EpochLedger('beside')
  const { request, signature } = ledger.ask(ledger.leave(cedar))
  return { request, signature }
}

export const TURN_FAULTS: readonly Fault[] = [...CONTENT, ...FORMS, ...AFTER]
