/** Bundles that begin at a checkpoint (PROTOCOL BUN-4): genuine ones, and what is made of those with one fault each. */
import type { BundleLine } from '../../src/verify/bundle.ts'
import { inputOf } from './bundle-story.ts'
import { CHECKPOINT_BUNDLE_FAULTS } from './checkpoint-bundle-faults.ts'
import { begunAt, inManyLines, parted, SHORT_BASIS, short } from './checkpoint-bundle-story.ts'
import { club, outputsOf, TURNS } from './epoch-bundle-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import { type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, type Holder, type Step } from './world.ts'

const everybody = [alder, birch, cedar, elm, fir].map(({ party }) => party)

type Begun = {
  ledger: EpochLedger
  height: number
  exporter: Holder
  finalSize?: number
  /** A block of the epoch behind whose members the end is final, where that is not the last. */
  last?: Step
  lines?: (lines: BundleLine[]) => BundleLine[]
  trusted?: string[]
  /** Whether the caller says that the members' word will do. */
  fromCheckpoint?: boolean
}

export function checkpointBundleVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (name: string, about: string, begun: Begun) => {
    const { ledger, height, exporter, finalSize = ledger.height + 1, last, lines = (right) => right } = begun
    const { trusted = everybody, fromCheckpoint = true } = begun
    const context = { trusted, ...(fromCheckpoint && { fromCheckpoint }) }
    const outputs = outputsOf(ledger, finalSize, trusted, last)
    const since = new Set(ledger.steps.slice(height).flatMap(({ state }) => state.epoch.members))
    const members = outputs.members.filter(({ party }) => since.has(party))
    const isIdentified = fromCheckpoint && members.every(({ identified }) => identified)
    const verdict = isIdentified ? 'valid' : 'unidentified'
    const input = inputOf(lines(begunAt(ledger, height, exporter)))
    vectors.valid(name, about, context, input, { ...outputs, verdict, basisHeight: height, members })
  }

  const early = club({ upTo: TURNS.elm + 1 })
  early.cosign()
  take('from-checkpoint-in-the-first-epoch', 'The turn that brings its exporter is behind it.', {
    ledger: early,
    height: 2,
    exporter: elm,
  })
  // Epoch 3: Elm has come in, Alder has another card, Cedar has left, Fir is invited, and comes in behind it.
  const late = { ledger: club(), height: 13, exporter: fir }
  take(
    'from-checkpoint',
    'In a later epoch, with cards that the genesis lacks; a turn and a TICK behind it.',
    late,
  )
  take('from-checkpoint-in-many-lines', 'The same, each line with a part.', { ...late, lines: inManyLines })
  take('from-checkpoint-though-none-will-do', 'Its caller has not said that the members’ word will do.', {
    ...late,
    fromCheckpoint: false,
  })
  take('from-checkpoint-signed-by-a-stranger', 'A member there is none of those who are trusted.', {
    ...late,
    trusted: everybody.filter((party) => party !== elm.party),
  })
  take('from-checkpoint-of-strangers-who-left-before', 'Who had left before it signs nothing in it.', {
    ...late,
    trusted: everybody.filter((party) => party !== cedar.party),
  })
  const behind = club()
  behind.cosign(13, [elm])
  take(
    'from-checkpoint-final-no-further',
    'A member has cosigned the block it begins with, and no later one.',
    {
      ...late,
      ledger: behind,
      finalSize: 14,
      last: behind.steps[12] as Step,
    },
  )
  const alone = club({ upTo: SHORT_BASIS })
  alone.cosign()
  take('from-checkpoint-with-nothing-behind', 'It ends with the block it begins with.', {
    ledger: alone,
    height: SHORT_BASIS,
    exporter: elm,
  })
  take(
    'from-checkpoint-though-given-all',
    'Its exporter was to be given values of before, which nobody there has.',
    {
      ledger: short({ olderOfElm: true }),
      height: SHORT_BASIS,
      exporter: elm,
    },
  )
  const left = { ledger: parted(), exporter: elm }
  take('from-checkpoint-with-a-lineage', 'Behind it, a lineage begins without a member there.', {
    ...left,
    height: 2,
  })
  take('from-checkpoint-begun-again', 'The lineage begins with the same block as the file.', {
    ...left,
    height: TURNS.elm + 1,
  })

  for (const [name, about, rule, place, make] of CHECKPOINT_BUNDLE_FAULTS) {
    const lines = make()
    const where = typeof place === 'string' ? place : place(lines)
    const expect = { valid: false, rule, verdict: 'invalid', place: where } as const
    const context = { trusted: everybody, fromCheckpoint: true }
    vectors.add({ name: `from-checkpoint-${name}`, about, context, input: inputOf(lines), expect })
  }
  return vectors.all
}
