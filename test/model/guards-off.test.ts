/** Each guard switched off is found by the search, and where two stand behind each other either one holds. */
import { describe, expect, it } from 'vitest'
import { describeBounds, quorumIn } from './bounds.ts'
import { boundsOf, liarsAmong, SWITCHED_OFF } from './configurations.ts'
import { REAL } from './guards.ts'
import {
  WITHOUT_FINALIZE_LOCK,
  WITHOUT_FINALIZE_SKIP_LOCK,
  WITHOUT_HIGHEST_VIEW,
  WITHOUT_MEMORY_AT_START,
  WITHOUT_SKIPS_SINCE_TURN,
  WITHOUT_VOTE_LOCK,
} from './guards-off.ts'
import { runConfiguration } from './run.ts'
import { Search } from './search.ts'

describe('one guard off', () => {
  it.each(SWITCHED_OFF.map((one) => [one.guards.name, one.breaks, describeBounds(one.bounds), one] as const))(
    '[SGN-1] [ORD-3] [ORD-10] [COS-3] [EPO-11] the search finds it: %s breaks %s (%s)',
    (_, breaks, __, one) => {
      const result = runConfiguration(one, one.guards)
      expect(result.broken?.property).toBe(breaks)
      expect(result.trace.length).toBeGreaterThan(0)
    },
  )

  it('[SGN-1] the shortest way there is told', () => {
    const { trace } = new Search(boundsOf({ restarts: true }), WITHOUT_VOTE_LOCK).run()
    expect(trace).toEqual([
      'member 1 has something to order ⇒ signs VOTE 1a',
      'member 1 is killed and starts again',
      'member 1 has something to order ⇒ signs VOTE 1b',
    ])
  })

  it.each([WITHOUT_FINALIZE_SKIP_LOCK, WITHOUT_VOTE_LOCK, WITHOUT_FINALIZE_LOCK, WITHOUT_HIGHEST_VIEW])(
    '[SGN-1] [ORD-4] as long as nobody is killed `consensus` alone keeps to it: $name',
    (guards) => {
      for (const bounds of [boundsOf(), boundsOf({ liars: [1] }), boundsOf({ members: 3, liars: [0] })]) {
        const report = new Search(bounds, guards).run()
        expect(report.broken, report.trace.join('\n')).toBeUndefined()
        expect(report.isExhausted).toBe(true)
      }
    },
  )

  it('[SGN-1] the signer alone keeps to it where `consensus` has forgotten all it has signed', () => {
    for (const liars of liarsAmong(2)) {
      const report = new Search(boundsOf({ liars, restarts: true }), WITHOUT_MEMORY_AT_START).run()
      expect(report.broken, report.trace.join('\n')).toBeUndefined()
      expect(report.isExhausted).toBe(true)
    }
    const { mayBeRefused: _, ...judged } = WITHOUT_MEMORY_AT_START
    expect(new Search(boundsOf({ restarts: true }), judged).run().broken?.property).toBe('harmony')
  })
})

describe('a fork across a turn', () => {
  it('[EPO-11] [ORD-3] the shortest way there is told: a liar proposes its turn again, past a block committed since', () => {
    const { trace, broken } = new Search(
      boundsOf({ liars: [1], views: 3, turns: [1] }),
      WITHOUT_SKIPS_SINCE_TURN,
    ).run()
    expect(broken?.detail).toBe('1a turn and 2a are both committed')
    expect(trace).toEqual([
      'member 0 gets PROPOSE 1a turn of member 1 ⇒ signs VOTE 1a turn',
      "member 0 its view's time runs out ⇒ signs SKIP 1",
      'member 0 gets SKIPCERT 1 ⇒ enters view 2; signs VOTE 2a',
      'member 0 gets NOTARIZATION 2a ⇒ enters view 3; signs FINALIZE 2a',
      'member 0 gets PROPOSE 1a turn again in view 3 of member 1, shown NOTARIZATION 1a turn ⇒ signs VOTE 1a turn in view 3',
      'member 0 gets NOTARIZATION 1a turn in view 3 ⇒ enters view 4; signs FINALIZE 1a turn in view 3',
    ])
  })
})

describe('what no evidence shows', () => {
  it('[EVI-1] a quorum of liars can commit two blocks without signing a contradiction', () => {
    const bounds = boundsOf({ members: 3, liars: [1, 2], judgesProof: true })
    expect(bounds.liars.length).toBe(quorumIn(bounds))
    const report = new Search(bounds, REAL).run()
    expect(report.broken?.property).toBe('proof')
  })
})

describe('progress', () => {
  it('[ORD-6] [ORD-10] from every state of two honest members work is ordered once faults end', () => {
    const bounds = boundsOf({ memory: 'whole', order: 'every' })
    const result = runConfiguration({ bounds, progressEvery: 1 }, REAL)
    expect(result.broken, result.trace.join('\n')).toBeUndefined()
    expect(result.progressFrom).toBe(result.states)
    expect(result.progressFrom).toBeGreaterThan(1000)
  })

  it('[EPO-11] [ORD-10] and where a block ends the epoch, whichever view it is committed in', () => {
    const bounds = boundsOf({ memory: 'whole', order: 'every', turns: [1] })
    const result = runConfiguration({ bounds, progressEvery: 20 }, REAL)
    expect(result.broken, result.trace.join('\n')).toBeUndefined()
    expect(result.progressFrom).toBeGreaterThan(500)
  })

  it('[ORD-5] [ORD-10] and where they were killed at any time, or work came and went', () => {
    for (const given of [{ restarts: true }, { idle: true }]) {
      const bounds = boundsOf({ memory: 'whole', ...given })
      const result = runConfiguration({ bounds, progressEvery: 150 }, REAL)
      expect(result.broken, result.trace.join('\n')).toBeUndefined()
      expect(result.progressFrom).toBeGreaterThan(250)
    }
  })
})
