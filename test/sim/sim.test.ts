/**
 * A bounded share of the simulation: fixed seeds over members and faults. More of it: `npm run sim -- --help` in
 * CONTRIBUTING.md. A seed that once failed has a name here.
 */
import { describe, expect, it } from 'vitest'
import { DEFAULTS, type SimOptions } from './options.ts'
import { Simulation } from './simulation.ts'

function run(options: Partial<SimOptions>) {
  return new Simulation({ ...DEFAULTS, ...options }).run()
}

/** Fault kinds a short run may not get to are not held against it here; a violated invariant always is. */
function hold(options: Partial<SimOptions>): void {
  const report = run(options)
  expect(report.violation, JSON.stringify(options)).toBeUndefined()
  expect(report.checked).not.toEqual({})
}

const FAULTS: [string, Partial<SimOptions>][] = [
  ['no faults', {}],
  ['loss', { loss: 0.05 }],
  ['partitions', { partitions: true }],
  ['crashes', { crashes: true }],
  ['everything at once', { loss: 0.05, partitions: true, crashes: true, duplicates: true }],
  ['old copies brought back', { crashes: true, restores: true }],
]

describe('whole networks in one process', () => {
  for (const members of [1, 2, 3, 4, 5])
    for (const [name, faults] of FAULTS)
      it(`[COS-3] [ORD-7] [ORD-9] [SYN-1] [AMN-1] ${members} members, ${name}`, () => {
        hold({ members, seed: members * 100 + 7, steps: 1200, ...faults })
      })

  it('[ORD-6] the same seed gives the same digest, another seed another', () => {
    const options = { members: 4, seed: 42, steps: 800, loss: 0.05, crashes: true }
    const first = run(options)
    expect(run(options).digest).toBe(first.digest)
    expect(run({ ...options, seed: 43 }).digest).not.toBe(first.digest)
  })
})
