/** The share of `npm run model` that every `npm test` can afford, and what the search leaves out compared with it. */
import { describe, expect, it } from 'vitest'
import { type Bounds, describeBounds, forkersIn } from './bounds.ts'
import { boundsOf, COMPARED, liarsAmong } from './configurations.ts'
import { REAL } from './guards.ts'
import { compareMemories, signaturesIn } from './run.ts'
import { Search } from './search.ts'

describe('every state of two members, and of three for two views', () => {
  const all = [
    ...liarsAmong(2).flatMap((liars) => [boundsOf({ liars, views: 3 }), boundsOf({ liars, restarts: true })]),
    ...liarsAmong(3).map((liars) => boundsOf({ members: 3, liars })),
    ...liarsAmong(3).map((liars) => boundsOf({ members: 3, quorum: 'unanimous', liars })),
  ]

  it.each(all.map((bounds) => [describeBounds(bounds), bounds] as const))(
    '[COS-3] [ORD-4] [EVI-1] no conflicting finals, no honest member named, no fork without liars enough: %s',
    (_, bounds) => {
      const report = new Search(bounds, REAL).run()
      expect(report.broken, report.trace.join('\n')).toBeUndefined()
      expect(report.isExhausted).toBe(true)
      expect(report.occasions.finals).toBeGreaterThan(0)
      expect(report.occasions.commits).toBeGreaterThan(0)
      // Where enough lie, the adversary does fork what is tentative: it is as strong as it should be.
      expect(report.occasions.conflicts > 0).toBe(bounds.liars.length >= forkersIn(bounds))
    },
  )
})

describe('every state where a block may end the epoch', () => {
  const all = [
    ...liarsAmong(2).map((liars) => boundsOf({ liars, views: 3, turns: liars.length > 0 ? [1, 2] : [1] })),
    ...[
      [0, 1],
      [0, 2],
      [1, 2],
    ].map((liars) => boundsOf({ members: 3, quorum: 'unanimous', liars, views: 3, turns: [1] })),
    boundsOf({ members: 3, liars: [0, 2], turns: [1], siblings: [1, 1] }),
  ]

  it.each(all.map((bounds) => [describeBounds(bounds), bounds] as const))(
    '[EPO-11] [COS-3] [EVI-1] no fork across it without liars enough, nothing built on it in its epoch: %s',
    (_, bounds) => {
      const search = new Search(bounds, REAL)
      const report = search.run()
      expect(report.broken, report.trace.join('\n')).toBeUndefined()
      expect(report.isExhausted).toBe(true)
      expect(report.occasions.conflicts > 0).toBe(bounds.liars.length >= forkersIn(bounds))
      // Turns are proposed again, and committed in a later view than their own; the next epoch commits on them.
      const names = search.universe.sayings.map(({ name }) => name)
      const signed = [...search.signatureTexts()].join()
      expect(names.some((name) => /^FINALIZE \S+ turn in view/.test(name) && signed.includes(name))).toBe(
        true,
      )
      expect(signed).toMatch(/COSIGN \S+\/1a turn/)
    },
  )
})

describe('what the search leaves out', () => {
  // Longer ones are compared by `npm run model`.
  const compared = COMPARED.filter(
    ({ views, liars, turns, late, restarts }) =>
      views === 2 && !liars.includes(0) && !(turns && (liars.length > 0 || late || restarts)),
  )

  it.each(compared.map((bounds) => [describeBounds(bounds), bounds] as const))(
    'members that forget can sign all that others can: %s',
    (_, bounds) => {
      const { kept, missing } = compareMemories(bounds)
      expect(kept).toBeGreaterThan(20)
      expect(missing).toEqual([])
    },
  )

  it.each([{}, { memory: 'whole' }, { members: 3, quorum: 'unanimous' }] satisfies Partial<Bounds>[])(
    'putting deliveries off until a signature loses no set of signatures: %j',
    (given) => {
      const every = signaturesIn(boundsOf({ ...given, order: 'every' }))
      expect(every.size).toBeGreaterThan(100)
      expect(signaturesIn(boundsOf({ ...given, order: 'signatures' }))).toEqual(every)
    },
  )
})
