/** Two committed histories that part before, at or after a turn of the epoch: the contract goes on without who signed both. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Engines, Member } from '../support/engines.ts'
import { type Fork, forkAtTurn, meet, removeCopies } from '../support/forks.ts'

afterEach(removeCopies)

const replicaOf = ({ contract }: Pick<Fork, 'contract'>, { engine }: Member) => engine.replica(contract)

/** All of the first three want another policy; its turn is left to come. */
function decidePolicy(engines: Engines, contract: string): void {
  const [first, ...others] = engines.members as [Member, ...Member[]]
  const { policy } = first.engine.replica(contract).electorate
  const expiresMs = engines.nowMs + 3_600_000
  const changed = { ...policy, clockBoundMs: policy.clockBoundMs + 1000 }
  const operation = { op: 'policy', policy: changed, expiresMs } as const
  const change = first.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  for (const { engine } of others)
    engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
  engines.pass(6000)
}

/** Both sides have halted, and accuse the liar and nobody else, by what holds. */
function expectHalted(forked: Fork): void {
  const { honest, liars } = forked
  for (const member of honest) {
    const { status, evidence, roster } = replicaOf(forked, member)
    expect(status).toBe('halted')
    expect([...evidence.accused.keys()]).toEqual(liars.map(({ party }) => party))
    for (const list of evidence.accused.values())
      for (const { evidence: one } of list) expect(roster.proves(one), one.kind).toBe(true)
  }
}

const epochsOf = (forked: Fork): number[] =>
  forked.honest.map((member) => replicaOf(forked, member).electorate.epoch)

describe('two committed histories', () => {
  // Who has not had the turn can't check what was committed after it: see docs/adr/0010-lineages.md.
  it('[EVI-3] that part before a turn, which only one has had, halt the contract, and name the liar alone', () => {
    const forked = forkAtTurn(3, [[0], [1]], decidePolicy, { before: 2, turns: false })
    expect(epochsOf(forked)).toEqual([1, 0])
    meet(forked)
    expectHalted(forked)
  })
})
