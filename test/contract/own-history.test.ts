/** An old copy of a member's data where two histories were committed since: it reads the one that it has cosigned (AMN-4). */
import { afterEach, describe, expect, it } from 'vitest'
import { haltView } from '../../src/api/halt.ts'
import { standingOf } from '../../src/api/members.ts'
import type { WireMessage } from '../support/engines.ts'
import { meet, removeCopies } from '../support/forks.ts'
import { cutOff, forked, haltShortOfItsOwn, hashesOf, type PutBack, replicaOf } from '../support/put-back.ts'

afterEach(removeCopies)

/** All honest members hold what the one has cosigned, or have halted over it; and go on without the liar once they have frozen. */
function expectTheyGoOn(forked: PutBack): void {
  const { engines, contract, honest, put, beside, liar } = forked
  const { phase, status } = replicaOf(forked)
  expect([phase, status]).toEqual(['signing', 'halted'])
  expect(hashesOf(forked, put)).toEqual(hashesOf(forked, beside))
  for (const one of honest) for (const other of honest) if (one !== other) engines.connect(one, other)
  engines.pass(20_000)
  for (const { engine } of honest) engine.freeze(contract)
  engines.pass(20_000)
  engines.set(put, contract, 'a', 'after')
  engines.pass(20_000)
  const tips = honest.map(({ engine }) => engine.replica(contract).chain.tip.hash)
  expect(tips).toEqual(tips.map(() => tips[0]))
  for (const one of honest) {
    const { lineage, chain, finalSize, evidence } = replicaOf(forked, one)
    expect([lineage.number, finalSize]).toEqual([1, chain.height + 1])
    expect([...lineage.leftOut]).toEqual([liar.party])
    expect([...evidence.accused.keys()]).toEqual([liar.party])
  }
}

describe('a member that was put back to before two histories parted, of which it had cosigned one', () => {
  it('[AMN-4] takes nothing of the other, from whoever it comes, and reads its own', () => {
    const fork = forked([2, 3])
    const { engines, put, beside, across, liar, back } = fork
    meet(fork)
    const before = hashesOf(fork, put)
    back()
    for (const other of [...across, liar]) engines.reconnect(put, other)
    engines.pass(20_000)
    const parts = before.length - 2
    expect(hashesOf(fork, put)).toEqual(before.slice(0, parts))
    expect([...replicaOf(fork).sync.refused.values()]).toContain(
      'its ledger is not the one that this party has cosigned',
    )
    engines.reconnect(put, beside)
    engines.pass(60_000)
    expect(hashesOf(fork, put)).toEqual(before)
    expectTheyGoOn(fork)
  })

  it('[AMN-4] goes back once it is told what it had cosigned, having read the other', () => {
    const fork = forked([2, 3])
    const { engines, put, beside, across, liar, back } = fork
    const before = hashesOf(fork, put)
    back()
    for (const other of across) engines.reconnect(put, other)
    engines.pass(20_000)
    expect(hashesOf(fork, put), 'nobody there knows better').toEqual(hashesOf(fork, across[0]))
    const { finalSize } = replicaOf(fork)
    expect(finalSize).toBeGreaterThan(1)
    for (const other of [beside, liar]) engines.reconnect(put, other)
    engines.pass(60_000)
    expect(hashesOf(fork, put)).toEqual(before)
    const height = before.length - 3
    expect(put.notices).toContainEqual({ contract: fork.contract, type: 'returned', height })
    expect(put.logs.filter(({ event }) => event === 'returned')).toHaveLength(1)
    // What was final stays so, also where all who had cosigned it have cosigned more of the other since.
    cutOff(fork)
    engines.boot(put, false)
    expect(replicaOf(fork).finalSize).toBeGreaterThanOrEqual(finalSize)
    for (const other of engines.members) if (other !== put) engines.reconnect(put, other)
    engines.pass(20_000)
    expectTheyGoOn(fork)
  })

  it('[AMN-4] goes back too where the other is too short to be told from its own, as soon as its own is offered', () => {
    const fork = forked([4, 1])
    const { engines, put, beside, across, liar, back } = fork
    const before = hashesOf(fork, put)
    back()
    engines.line = (message, from) =>
      message.type === 'LEDGER' && from === beside.party ? undefined : message
    for (const other of [beside, ...across, liar]) engines.reconnect(put, other)
    engines.pass(60_000)
    expect(replicaOf(fork).phase).toBe('signing')
    expect(hashesOf(fork, put)).toEqual(hashesOf(fork, across[0]))
    engines.line = (message) => message
    engines.pass(60_000)
    expect(hashesOf(fork, put)).toEqual(before)
    expect(put.notices).toContainEqual({ contract: fork.contract, type: 'returned', height: 1 })
    expectTheyGoOn(fork)
  })

  it('[AMN-4] reads its own also once it has halted, and freezes no sooner', () => {
    const fork = forked([4, 1])
    const { engines, contract, put } = fork
    meet(fork)
    const before = hashesOf(fork, put)
    haltShortOfItsOwn(fork)
    const { phase, status } = replicaOf(fork)
    expect([phase, status]).toEqual(['signing', 'halted'])
    expect(() => put.engine.freeze(contract)).toThrow(
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('yet to read') }),
    )
    const next = (): string | undefined =>
      haltView(
        replicaOf(fork),
        () => true,
        (party) => party,
      )?.next
    expect(next()).toContain('can freeze once it has read')
    engines.line = (message) => message
    engines.pass(60_000)
    expect(hashesOf(fork, put)).toEqual(before)
    expect(next()).toContain('then freeze')
    put.engine.freeze(contract)
    engines.pass(20_000)
    expect(fork.honest.map((member) => replicaOf(fork, member).lineage.number)).toEqual([1, 1, 1, 1])
  })

  it('[AMN-4] does not commit the other as it is ordered, and goes on from its own', () => {
    const fork = forked([1, 0])
    const { engines, contract, put, beside, across, liar, back } = fork
    const before = hashesOf(fork, put)
    back()
    engines.line = (message, from) =>
      message.type !== 'RECALLED' && from === beside.party ? undefined : message
    for (const other of [beside, ...across, liar]) engines.reconnect(put, other)
    engines.pass(30_000)
    expect(replicaOf(fork).phase).toBe('signing')
    engines.set(across[0], contract, 'b', 'right')
    engines.pass(30_000)
    expect(hashesOf(fork, across[0]).length).toBeGreaterThanOrEqual(before.length)
    expect(hashesOf(fork, put)).toEqual(before.slice(0, -1))
    expect(replicaOf(fork).consensus.halted).toBe(true)
    expect(standingOf(replicaOf(fork))).toMatch(/^reads what it has cosigned/)
    engines.line = (message) => message
    engines.pass(60_000)
    expect(hashesOf(fork, put)).toEqual(before)
    expectTheyGoOn(fork)
  })

  it('[AMN-2] is told of its cosignature also by who holds another history', () => {
    const fork = forked([2, 3])
    const { engines, contract, put, across, back } = fork
    const own = put.engine.lastCosignature(contract, 0, undefined)
    meet(fork)
    back()
    engines.line = (message: WireMessage, _, to) => {
      if (to !== put.party || message.type === 'RECALLED') return message
      return message.type === 'STATUS' ? { ...message, cosignatures: [] } : undefined
    }
    engines.reconnect(put, across[0])
    engines.pass(10_000)
    expect(put.engine.lastCosignature(contract, 0, undefined)).toEqual(own)
  })
})
