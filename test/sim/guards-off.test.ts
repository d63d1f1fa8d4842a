/**
 * Each guard has a run in which liars try what it keeps out: with it all holds, without it a checker fails. The locks of VOTE,
 * FINALIZE and SKIP, and of views below the highest, are switched off in test/model, which finds the shortest way to each
 * fault; amnesia (AMN-2) in sim.test.ts.
 */
import { describe, expect, it } from 'vitest'
import type { Adversary } from './hostile/adversary.ts'
import { BadProposer } from './hostile/bad-proposer.ts'
import { Conspiracy } from './hostile/conspiracy.ts'
import { Forker } from './hostile/forker.ts'
import {
  WITH_COSIGNATURES_OF_ANY_HISTORY,
  WITH_FINALITY_BY_QUORUM,
  WITHOUT_CLOCK,
  WITHOUT_COSIGN_LOCK,
  WITHOUT_EVIDENCE,
  WITHOUT_LEAVE_CHECK,
  WITHOUT_OPENINGS_CHECK,
  WITHOUT_PARENT_CHECK,
  WITHOUT_PROOF,
  withoutCheck,
} from './hostile/guards-off.ts'
import { Rewriter } from './hostile/rewriter.ts'
import { Skipper } from './hostile/skipper.ts'
import { Turncoat } from './hostile/turncoat.ts'
import { TwoOpenings } from './hostile/two-openings.ts'
import { commandOf, DEFAULTS, type SimOptions } from './options.ts'
import type { Parts } from './plot.ts'
import { Simulation } from './simulation.ts'

type Case = {
  guard: string
  parts: Parts
  attack: () => Adversary
  /** What a checker says, in part. */
  says: string
  options: Partial<SimOptions>
}

const PROPOSED: Partial<SimOptions> = { members: 4, liars: 1, steps: 4000, seed: 1 }
const FORKED: Partial<SimOptions> = { members: 3, liars: 1, steps: 900, seed: 1 }

const check = (code: string, says: string): Case => ({
  guard: `[ORD-4] [BLK-4] a block is refused as ${code}`,
  parts: withoutCheck(code),
  attack: () => new BadProposer(),
  says,
  options: PROPOSED,
})

const CASES: readonly Case[] = [
  check('wrong-state-root', 'another state than ledger block'),
  check('wrong-log-root', 'another log before it'),
  check('wrong-outcome', 'other outcomes'),
  check('wrong-time', 'a time before its parent'),
  check('replayed', 'is ordered a second time'),
  {
    guard: '[ORD-8] a block of a time to come gets no vote',
    parts: WITHOUT_CLOCK,
    attack: () => new BadProposer(),
    says: 'a time to come',
    options: { ...PROPOSED, seed: 2 },
  },
  {
    guard: '[VAL-2] openings are recomputed',
    parts: WITHOUT_OPENINGS_CHECK,
    attack: () => new TwoOpenings(),
    says: 'opening',
    options: { members: 3, liars: 1, steps: 1500, seed: 1 },
  },
  {
    guard: '[ORD-3] a parent is notarised, and views between are skipped',
    parts: WITHOUT_PARENT_CHECK,
    attack: () => new Skipper(true),
    says: 'committed different blocks at height',
    options: { members: 4, liars: 1, steps: 3000, seed: 79 },
  },
  {
    guard: '[COS-2] the signer cosigns one history',
    parts: WITHOUT_COSIGN_LOCK,
    attack: () => new Turncoat(),
    says: 'of another history than that of size',
    options: { ...FORKED, seed: 3 },
  },
  {
    guard: '[COS-3] finality asks for every member',
    parts: WITH_FINALITY_BY_QUORUM,
    attack: () => new Forker(true),
    says: 'has not cosigned',
    options: FORKED,
  },
  {
    guard: '[COS-4] a cosignature of another history does not count',
    parts: WITH_COSIGNATURES_OF_ANY_HISTORY,
    attack: () => new Forker(true),
    says: 'has not cosigned',
    options: FORKED,
  },
  {
    guard: '[EPO-12] [EPO-4] [COS-3] a LEAVE has no effect in a ledger that never had its checkpoint',
    parts: WITHOUT_LEAVE_CHECK,
    attack: () => new Rewriter(),
    says: 'final that others do not',
    options: { members: 3, liars: 2, epochs: true, steps: 1500, seed: 1 },
  },
  {
    guard: '[EVI-3] members ask for proof of another history',
    parts: WITHOUT_PROOF,
    attack: () => new Forker(true),
    says: 'has not halted',
    options: FORKED,
  },
  {
    guard: '[EVI-1] evidence is kept',
    parts: WITHOUT_EVIDENCE,
    attack: () => new Forker(true),
    says: 'liars',
    options: FORKED,
  },
]

function run({ options: given, attack }: Case, parts?: Parts) {
  const options = { ...DEFAULTS, ...given }
  // Without a guard all may come to a stop: what is asked here is safety.
  const adversary = Object.assign(attack(), { outlook: () => 'safe' })
  const plot = new Conspiracy(options, options.liars, [adversary])
  const guards = { flagRestored: true, ...(parts ? { parts } : {}) }
  const report = new Simulation(options, guards, plot).run()
  return { ...report, attacked: Object.keys(plot.delivered()).length > 0, command: commandOf(options) }
}

describe('a guard', () => {
  it.each(CASES.map((one) => [one.guard, one] as const))(
    'keeps its promise, and without it a checker fails: %s',
    (_, one) => {
      const { violation } = run(one, one.parts)
      expect(violation?.message).toContain(one.says)
      const guarded = run(one)
      expect(guarded.violation, guarded.command).toBeUndefined()
      expect(guarded.attacked).toBe(true)
    },
  )
})
