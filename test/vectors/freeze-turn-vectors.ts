/** FREEZEs that show turns of the epoch, and what sets of them lead to (PROTOCOL LIN-1, LIN-2). */
import type { SignedFreeze } from '../../src/ledger/freeze.ts'
import type { FrozenHistory } from '../../src/ledger/freeze-history.ts'
import type { ShownTurn } from '../../src/ledger/freeze-turn.ts'
import { EpochLedger, elm, twoVotes } from './epoch-world.ts'
import { freezeContext, freezeOf, historyOf, signedFreeze, turnedHistoryOf } from './freeze-world.ts'
import { alder, birch, cedar, douglas, type Holder, hashNamed, rekeyed } from './world.ts'

const alder2 = rekeyed(alder, 'alder 2')
const four = { members: [alder, birch, cedar, douglas] }

/** Elm comes in by the turn at height 4; one block more. */
const joined = new EpochLedger('parted')
joined.order([])
const ofOldEpoch = freezeContext(joined, undefined, true)
joined.admit(elm)
joined.order([])
/** Alder replaces its keys, at height 2; a turn is the tip. */
const rekeyedByAlder = new EpochLedger('parted')
rekeyedByAlder.turn(rekeyedByAlder.turnEntry(rekeyedByAlder.rekey(alder2)), { certifiedView: 9 })
/** Then a policy, by a second turn. */
const twice = new EpochLedger('parted')
twice.turn(twice.turnEntry(twice.rekey(alder2)))
twice.turn(twice.turnEntry(twice.agree()))
twice.order([])
/** Douglas leaves, with what it has cosigned up to height 1. */
const leaving = (blocks: number, stepMs = 1000, leaves = true): EpochLedger => {
  const ledger = new EpochLedger('leaving', four)
  ledger.order([])
  if (leaves) {
    ledger.do(ledger.leave(douglas))
    ledger.turn(ledger.turnEntry())
  }
  for (let count = 0; count < blocks; count += 1)
    ledger.order([], { timeMs: ledger.tip.block.header.timeMs + stepMs })
  return ledger
}
const left = leaving(2)
const stayed = leaving(3, 2000, false)
const ofFour = freezeContext(stayed, undefined, true)

const by = (ledger: EpochLedger, holder: Holder, history = turnedHistoryOf(ledger)): SignedFreeze =>
  freezeOf(ledger, holder, [ledger.cosignature(holder)], [], history)
const showing = (ledger: EpochLedger, alter: (turn: ShownTurn) => object): SignedFreeze => {
  const history = turnedHistoryOf(ledger)
  const turns = (history.turns ?? []).map((turn, index) => (index === 0 ? alter(turn) : turn))
  return by(ledger, birch, { ...history, turns } as FrozenHistory)
}
const without = (key: string) => (turn: ShownTurn) =>
  Object.fromEntries(Object.entries(turn).filter(([name]) => name !== key))

type Freezing = [name: string, about: string, freeze: SignedFreeze, context?: object]
export const VALID_TURNS: Freezing[] = [
  ['with-a-turn', 'By which Elm came in; it is of the epoch before.', by(joined, birch), ofOldEpoch],
  ['with-a-turn-by-who-came-in', 'Elm’s keys stand in the card that it shows.', by(joined, elm), ofOldEpoch],
  [
    'with-a-turn-by-its-new-keys',
    'A turn brought them, and is the tip.',
    by(rekeyedByAlder, alder2),
    ofOldEpoch,
  ],
  ['with-two-turns', 'Of one after another.', by(twice, birch), ofOldEpoch],
  ['with-a-leave', 'Douglas has left.', by(left, birch), ofFour],
  ['with-a-turn-and-no-leave', 'It is shown where it is held.', showing(left, without('leaves')), ofFour],
]

const other = twice.steps[twice.height - 1]
export const FAULTY_TURNS: Freezing[] = [
  [
    'without-its-turn',
    'Its tip is of a later epoch, and nothing shows how that began.',
    by(joined, birch, historyOf(joined)),
    ofOldEpoch,
  ],
  [
    'turn-without-card',
    'Nothing proves the keys of who came in.',
    showing(joined, without('card')),
    ofOldEpoch,
  ],
  [
    'turn-with-another-card',
    'A card that it did not bring.',
    showing(joined, (turn) => ({ ...turn, card: alder2.card })),
    ofOldEpoch,
  ],
  [
    'turn-with-other-effects',
    'Another record than its header stands for.',
    showing(joined, (turn) => ({ ...turn, effects: [[turn.effects[0]?.[0], hashNamed('record')]] })),
    ofOldEpoch,
  ],
  [
    'turn-with-other-members',
    'Another entry than its header stands for.',
    showing(joined, (turn) => {
      const [entry] = turn.block.entries
      return {
        ...turn,
        block: { ...turn.block, entries: [{ ...entry, policy: { ...entry.policy, quorum: 'bft' } }] },
      }
    }),
    ofOldEpoch,
  ],
  [
    'turn-with-commit-of-another',
    'The COMMIT of a later block.',
    showing(joined, (turn) => ({
      ...turn,
      notarization: joined.tip.notarization,
      finalization: joined.tip.finalization,
    })),
    ofOldEpoch,
  ],
  [
    'turn-that-it-does-not-show',
    'Of another history.',
    by(joined, birch, {
      ...turnedHistoryOf(joined),
      turns: turnedHistoryOf(rekeyedByAlder).turns as ShownTurn[],
    }),
    ofOldEpoch,
  ],
  [
    'turns-in-another-order',
    'The later one first.',
    by(twice, birch, { ...turnedHistoryOf(twice), turns: (turnedHistoryOf(twice).turns ?? []).toReversed() }),
    ofOldEpoch,
  ],
  ['turn-by-who-comes-in-elsewhere', 'Elm did not come in by what it shows.', by(twice, elm), ofOldEpoch],
  [
    'leave-of-who-stays',
    'Birch’s is in it too, who has not left.',
    showing(left, (turn) => ({
      ...turn,
      leaves: [...(turn.leaves ?? []), left.ask(left.leave(birch))].map(({ request, signature }) => ({
        request,
        signature,
      })),
    })),
    ofFour,
  ],
  [
    'leave-signed-by-another',
    'Its signature is that of another request.',
    showing(left, (turn) => {
      const [{ request } = { request: {} }] = turn.leaves ?? []
      return { ...turn, leaves: [{ request, signature: left.ask(left.leave(birch)).signature }] }
    }),
    ofFour,
  ],
]

export const MALFORMED_TURNS: [name: string, about: string, freeze: SignedFreeze][] = [
  [
    'with-no-turns',
    'The list is left out where there is none.',
    by(joined, birch, { ...historyOf(joined), turns: [] }),
  ],
  [
    'turn-that-is-none',
    'Another block.',
    showing(joined, (turn) => ({ ...turn, block: other && { ...other.block, entries: [] } })),
  ],
  ['turn-without-effects', 'A key is missing.', showing(joined, without('effects'))],
]

/** Cedar has signed both histories; Alder and Elm have had the turn, Birch has not. */
const fork = (() => {
  const side = (stepMs: number): EpochLedger => {
    const ledger = new EpochLedger('parted')
    ledger.order([])
    const change = ledger.decide(elm)
    if (stepMs === 1000) {
      ledger.turn(ledger.turnEntry(change), { signers: [alder, cedar] })
      ledger.order([], { signers: [alder, cedar, elm] })
      return ledger
    }
    for (let count = 0; count < 3; count += 1)
      ledger.order([], { timeMs: ledger.tip.block.header.timeMs + stepMs, signers: [birch, cedar] })
    return ledger
  }
  const [turned, stays] = [side(1000), side(2000)]
  const short = (height: number): FrozenHistory => historyOf(stays, 0, height)
  const votes = twoVotes(turned.contract, cedar)
  const on = (
    ledger: EpochLedger,
    holder: Holder,
    height = ledger.height,
    history = turnedHistoryOf(ledger),
  ) => freezeOf(ledger, holder, [ledger.cosignature(holder, ledger.checkpoint(height))], [votes], history)
  return { turned, stays, short, on }
})()
const { turned, stays, short, on } = fork
/** Elm has cosigned to come in, and has followed the history in which it has not. */
const elms = stays.cosignature(elm, stays.checkpoint(4))
const elmElsewhere = freezeOf(stays, elm, [elms], [], short(4))
const birchWithElms = freezeOf(
  stays,
  birch,
  [stays.cosignature(birch, stays.checkpoint(4)), elms],
  [],
  short(4),
)
/** Douglas has cosigned past its LEAVE, of the history in which it has not left. */
const lied = by(stayed, douglas, historyOf(stayed))

type Resolving = [name: string, about: string, freezes: SignedFreeze[], context: object]
export const VALID_TURNS_RESOLVED: Resolving[] = [
  [
    'over-a-turn',
    'As many of the epoch before stand on either; up to its turn the one is as long as the other, which has the lower hash.',
    [on(turned, alder), on(turned, elm), on(stays, birch, 4, short(4))],
    ofOldEpoch,
  ],
  [
    'over-a-turn-to-the-longer-other',
    'What stands behind the turn counts as the turn; who came in by it is out again.',
    [on(turned, alder), on(turned, elm), on(stays, birch, 6, historyOf(stays))],
    ofOldEpoch,
  ],
  [
    'over-a-turn-to-where-the-epoch-after-it-stands',
    'All of the epoch before are on its branch, Birch below the turn.',
    [on(turned, alder), on(turned, elm), on(turned, birch, 2, historyOf(turned, 0, 3))],
    ofOldEpoch,
  ],
  [
    'over-a-turn-with-who-came-in-elsewhere',
    'Elm has followed the other history; its key stands in what Alder shows.',
    [elmElsewhere, on(turned, alder), on(stays, birch, 4, short(4))],
    ofOldEpoch,
  ],
  [
    'by-a-cosignature-past-a-leave',
    'Douglas left by the one history, and has cosigned more by the other.',
    [by(left, alder), by(left, birch), by(left, cedar), lied],
    ofFour,
  ],
]
export const INVALID_TURNS_RESOLVED: [...Resolving, rule: string][] = [
  [
    'over-a-turn-without-who-came-in',
    'What Elm knows may be known to nobody else.',
    [on(turned, alder), on(stays, birch, 6, historyOf(stays))],
    ofOldEpoch,
    'LIN-2',
  ],
  [
    'with-who-came-in-by-nothing-shown',
    'Nobody shows a turn that brought Elm’s key.',
    [elmElsewhere, on(stays, alder, 6, historyOf(stays)), on(stays, birch, 6, historyOf(stays))],
    ofOldEpoch,
    'LIN-1',
  ],
  [
    'over-a-turn-by-another-key-of-who-came-in',
    'Elm has signed with the key that it votes by.',
    [
      signedFreeze(elm, elmElsewhere.statement, elm.keys.vote),
      on(turned, alder),
      on(stays, birch, 4, short(4)),
    ],
    ofOldEpoch,
    'LIN-1',
  ],
  [
    'over-a-turn-with-a-cosignature-of-who-came-in-elsewhere',
    'Birch holds one of Elm’s, and shows nothing by which its key could be known.',
    [elmElsewhere, on(turned, alder), birchWithElms],
    ofOldEpoch,
    'LIN-1',
  ],
  [
    'over-a-turn-with-a-later-cosignature-of-who-came-in-elsewhere',
    'What Elm says it cosigned last is not of the history that it shows.',
    [
      freezeOf(stays, elm, [turned.cosignature(elm)], [], short(4)),
      on(turned, alder),
      on(stays, birch, 4, short(4)),
    ],
    ofOldEpoch,
    'LIN-1',
  ],
  [
    'over-a-turn-without-who-left',
    'Nothing is final yet by those who stayed.',
    [by(left, alder), by(left, birch), by(left, cedar)],
    ofFour,
    'LIN-2',
  ],
]
