/** What a node tells one that says it has lost its data, and what that one believes (AMN-3). */
import { describe, expect, it } from 'vitest'
import { checkMessage } from '../../src/node/messages.ts'
import { RECOVERY_SETTING } from '../../src/node/recovery.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { Engines, type Member, memoryJournal, type WireMessage } from '../support/engines.ts'

/** Everything but its keys is gone. */
function lose(engines: Engines, member: Member, isRecovering: boolean): void {
  for (const other of engines.members) if (other !== member) engines.disconnect(member, other)
  member.store = openSqliteStore(':memory:')
  member.journal = memoryJournal()
  if (isRecovering) member.store.write([{ kind: 'setting', key: RECOVERY_SETTING, value: 'running' }])
  engines.boot(member, true)
}

describe('a node that has lost its data', () => {
  it('[AMN-3] [AMN-2] is given every contract by any member, recalls what it signed, and writes on', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    for (const value of ['2', '3']) {
      engines.set(engines.member(2), contract, 'a', value)
      engines.pass(5000)
    }
    const lost = engines.member(2)
    lose(engines, lost, true)
    engines.reconnect(lost, engines.member(1))
    engines.pass(20_000)
    const replica = lost.engine.replica(contract)
    expect(replica.genesis.creator, 'another member gave it').not.toBe(engines.member(1).party)
    expect(replica.phase, 'one member has not told yet').toBe('recalling')
    expect(replica.status).toBe('invited')
    engines.reconnect(lost, engines.member(0))
    engines.pass(20_000)
    expect([replica.phase, replica.status]).toEqual(['signing', 'accepted'])
    expect([...lost.engine.recovery.held.keys()].sort()).toEqual(
      [engines.member(0).party, engines.member(1).party].sort(),
    )
    engines.set(lost, contract, 'a', '4')
    engines.pass(10_000)
    expect(engines.finalSizes(contract)).toEqual([4, 4, 4])
    for (const { store } of engines.members) expect(store.evidence(contract)).toEqual([])
  })

  it('[AMN-3] [NET-3] who is no member of a contract is told nothing of it', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}', 2)
    const seen: WireMessage[] = []
    engines.line = (message, _, to) => {
      if (to === engines.member(2).party) seen.push(message)
      return message
    }
    for (const member of [engines.member(0), engines.member(1)])
      member.engine.deliver(engines.member(2).party, [{ type: 'LOST' }], engines.nowMs)
    engines.settle()
    expect(seen).toEqual([
      { type: 'HELD', contracts: [] },
      { type: 'HELD', contracts: [] },
    ])
    expect(JSON.stringify(seen)).not.toContain(contract)
  })

  it('[AMN-3] takes an invitation from others than the creator only while it is being rebuilt', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const lost = engines.member(2)
    lose(engines, lost, false)
    engines.reconnect(lost, engines.member(1))
    engines.member(1).engine.deliver(lost.party, [{ type: 'LOST' }], engines.nowMs)
    engines.pass(5000)
    expect(lost.engine.replicas.has(contract)).toBe(false)
    expect(lost.logs.some(({ detail }) => detail.code === 'forbidden')).toBe(true)
    expect(lost.engine.recovery.held.size, 'and no answer that it has not asked for').toBe(0)
  })

  it('[AMN-3] a flood of it is answered once a second', () => {
    const engines = new Engines(2)
    engines.contract('{"a":"1"}')
    let answers = 0
    engines.line = (message) => {
      if (message.type === 'HELD') answers += 1
      return message
    }
    const [one, other] = engines.members as [Member, Member]
    for (let index = 0; index < 10; index += 1)
      one.engine.deliver(other.party, [{ type: 'LOST' }], engines.nowMs)
    engines.settle()
    expect(answers).toBe(1)
  })

  it('[NET-4] its messages have one form', () => {
    const id = 'a'.repeat(64)
    for (const message of [{ type: 'LOST' }, { type: 'HELD', contracts: [id] }])
      expect(checkMessage(message)).toBe(message)
    for (const message of [
      { type: 'LOST', contract: id },
      { type: 'HELD' },
      { type: 'HELD', contracts: ['A'] },
      { type: 'HELD', contracts: id },
    ])
      expect(() => checkMessage(message)).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })
})
