/** Whole bundles of ledgers of many epochs and lineages (PROTOCOL BUN-1, BUN-2, COS-3): genuine ones. */

import { inputOf } from './bundle-story.ts'
import { EPOCH_BUNDLE_FAULTS } from './epoch-bundle-faults.ts'
import {
  alder2,
  club,
  goneOn,
  outputsOf,
  resolved,
  TURNS,
  twiceResolved,
  withoutValues,
} from './epoch-bundle-story.ts'
import { EpochLedger, elm, fir } from './epoch-world.ts'
import { freezeOf } from './freeze-world.ts'
import { LINEAGE_BUNDLE_FAULTS } from './lineage-bundle-faults.ts'
import { type Input, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, type Step, uidOf } from './world.ts'

const everybody = [alder, birch, cedar, douglas, elm, fir].map(({ party }) => party)

export function epochBundleVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (
    name: string,
    about: string,
    ledger: EpochLedger,
    finalSize = ledger.height + 1,
    input: Input = inputOf(ledger.lines()),
    trusted = everybody,
    last?: Step,
  ) => vectors.valid(name, about, { trusted }, input, outputsOf(ledger, finalSize, trusted, last))

  const whole = club()
  take(
    'epochs',
    'A member comes in, one leaves, a card is replaced, an observer comes in, an invitation lapses.',
    whole,
  )
  take(
    'epochs-signed-by-a-stranger',
    'Who came in later is none of those who are trusted.',
    whole,
    undefined,
    undefined,
    everybody.filter((party) => party !== elm.party),
  )
  const quiet = club()
  quiet.cosignatures.delete(fir.party)
  take('epochs-without-a-word-of-the-observer', 'It is never counted.', quiet)
  const behind = club()
  behind.cosign(17, [elm])
  take('epochs-with-tentative-tail', 'Final as far as the last of the last members has cosigned.', behind, 18)
  const silent = club()
  silent.cosignatures.delete(elm.party)
  // Who came in says nothing: the members of the epoch before it have cosigned past its turn.
  take(
    'epochs-without-a-word-of-who-came-in',
    'Final by the members before it, up to its turn; Cedar has cosigned past that.',
    silent,
    TURNS.elm + 1,
    undefined,
    undefined,
    silent.steps[1],
  )
  const early = club()
  early.cosign(3, [cedar])
  take('epochs-without-the-last-word-of-who-left', 'The others make final what it has not cosigned.', early)
  const edge = club()
  edge.cosign(3, [cedar])
  edge.cosign(TURNS.cedar, [birch])
  take(
    'epochs-cosigned-by-one-no-further-than-a-turn',
    'The turn by which Cedar leaves is of the epoch before it: those who stay make nothing final by that.',
    edge,
    4,
    undefined,
    undefined,
    edge.steps[1],
  )
  const turned = club({ upTo: TURNS.elm })
  turned.cosign(TURNS.elm, [alder, birch, cedar])
  take('ends-with-a-turn', 'Final by the members of the epoch that it ends.', turned)
  const uncommitted = new EpochLedger('club')
  uncommitted.turn(uncommitted.turnEntry(uncommitted.decide(elm)), { certify: [] })
  uncommitted.cosign(uncommitted.height, [alder, birch, cedar])
  take('ends-with-a-turn-without-commit', 'Cosigned, so committed; nothing stands on it.', uncommitted)
  const later = new EpochLedger('club')
  later.turn(later.turnEntry(later.decide(elm)), { certifiedView: 9 })
  later.order([])
  later.cosign()
  take('turn-committed-in-a-later-view', 'Its COMMIT is of a view after that of its header.', later)
  const shown = club()
  take(
    'exported-by-who-came-in',
    'It was not given the values from before its turn.',
    shown,
    undefined,
    inputOf(withoutValues(shown, elm, TURNS.elm)),
  )
  take(
    'exported-by-the-observer',
    'Nor was the observer.',
    shown,
    undefined,
    inputOf(withoutValues(shown, fir, TURNS.fir)),
  )

  take('lineages', 'Two histories were committed; one goes on without who signed both.', goneOn())
  const begun = resolved()
  begun.cosign()
  take('lineage-that-has-just-begun', 'Its members have cosigned what it began with.', begun)
  const bare = resolved()
  bare.cosign()
  const { finalization: _, ...tip } = bare.tip
  bare.steps[bare.height] = tip
  take(
    'lineage-begun-with-a-block-that-has-no-commit-here',
    'Its members have cosigned it, in this lineage.',
    bare,
  )
  const low = goneOn()
  low.cosign(low.height - 2, [alder])
  take('lineage-with-tentative-tail', 'Final as far as the last has cosigned in it.', low, low.height - 1)
  const first = new EpochLedger('lineages')
  first.begin(firstFreezes(first))
  first.order([])
  first.cosign()
  take('lineage-begun-with-block-0', 'Its line stands behind the cosignatures.', first)
  const joined = goneOnWithoutCedar()
  joined.admit(elm)
  joined.order([])
  joined.cosign()
  take('lineage-with-a-turn', 'Who was left out of the lineage is removed, and another comes in.', joined)
  take(
    'lineage-exported-by-who-came-in',
    'It was not given the values from before its turn, which was in a later lineage.',
    joined,
    undefined,
    inputOf(withoutValues(joined, elm, joined.height - 1)),
  )
  const waiting = goneOnWithoutCedar()
  waiting.admit(elm)
  waiting.order([])
  waiting.cosign(waiting.height, [alder, birch])
  take(
    'lineage-without-a-word-of-who-came-in',
    'Final by the members before it, up to its turn.',
    waiting,
    waiting.height,
    undefined,
    undefined,
    waiting.steps[1],
  )
  take('lineage-after-a-lineage', 'One more was left out.', twiceResolved())
  const rekeyed = goneOn()
  rekeyed.turn(rekeyed.turnEntry(rekeyed.rekey(alder2)))
  rekeyed.order([])
  rekeyed.cosign()
  take(
    'lineage-with-a-card-replaced',
    'The first turn of a lineage takes out who was left out of it, too.',
    rekeyed,
  )

  for (const [name, about, rule, place, make] of [...EPOCH_BUNDLE_FAULTS, ...LINEAGE_BUNDLE_FAULTS]) {
    const lines = make()
    const where = typeof place === 'string' ? place : place(lines)
    const expect = { valid: false, rule, verdict: 'invalid', place: where } as const
    vectors.add({ name, about, context: { trusted: everybody }, input: inputOf(lines), expect })
  }
  return vectors.all
}

/** As long as the epoch record has Cedar as a member, every invitation takes its yes, which can't be ordered any more. */
function goneOnWithoutCedar(): EpochLedger {
  const ledger = goneOn()
  ledger.done(ledger.remove(alder, ledger.twoVotes(cedar, 0, 0)))
  ledger.turn(ledger.turnEntry())
  ledger.order([ledger.request(alder, [ledger.set(uidOf('currency'), 'CHF')])])
  return ledger
}

/** Of Alder and Birch, who have cosigned nothing; Cedar has voted for two blocks. */
function firstFreezes(ledger: EpochLedger) {
  return [alder, birch].map((one) => freezeOf(ledger, one, [], [ledger.twoVotes(cedar)]))
}
