/** Two parties on their way in at once, one of them slower, with real engines (EPO-5, EPO-7). */
import { describe, expect, it } from 'vitest'
import { childrenOf } from '../../src/contract/state.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

it('[EPO-5] who accepts while another comes in needs the yes of that one too, and its acceptance is not lost', () => {
  const engines = new Engines(4)
  const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
  const contract = engines.contract('{"a":"1"}', 2)
  const replicaOf = (member: Member) => member.engine.replica(contract)
  const ask = (member: Member, operation: EpochOperation) =>
    member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  const expiresMs = engines.nowMs + 3_600_000
  const invited = [third, fourth].map(({ card }, index) =>
    ask(engines.members[index] as Member, { op: 'invite', card, role: 'member', older: true, expiresMs }),
  )
  engines.pass(3000)
  const [, ofFourth] = invited as [string, string]
  ask(second, { op: 'vote', change: invited[0] as string, yes: true })
  ask(first, { op: 'vote', change: ofFourth, yes: true })
  engines.pass(3000)
  expect([third, fourth].map((member) => replicaOf(member).epochs.part)).toEqual(['guest', 'guest'])
  third.engine.accept(contract, engines.nowMs)
  // The fourth's acceptance is under way until the third is in: then nobody listens to the fourth.
  let isHeld = true
  const held: (() => void)[] = []
  engines.line = (message, from, to) => {
    if (!isHeld || message.type !== 'REQUEST' || from !== fourth.party) return message
    const receiver = engines.members.find(({ party }) => party === to) as Member
    held.push(() => receiver.engine.deliver(from, [message], engines.nowMs))
    return undefined
  }
  fourth.engine.accept(contract, engines.nowMs)
  engines.pass(8000)
  isHeld = false
  for (const deliver of held) deliver()
  expect(held.length).toBeGreaterThan(1)
  engines.pass(3000)
  expect(replicaOf(third).epochs.part).toBe('member')
  expect(replicaOf(first).roster.guests.has(fourth.party), 'the third has not said yes').toBe(false)
  ask(third, { op: 'vote', change: ofFourth, yes: true })
  engines.pass(8000)
  expect(replicaOf(fourth).epochs.part).toBe('member')
  engines.set(fourth, contract, 'a', '2')
  engines.pass(5000)
  for (const member of engines.members) {
    const { electorate, finalSize, chain } = replicaOf(member)
    expect([electorate.epoch, finalSize]).toEqual([2, chain.height + 1])
  }
})

it('[EPO-13] who was cut off while its acceptance was ordered, and an observer that was, are told what they missed', () => {
  for (const role of ['member', 'observer'] as const) {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 2)
    const replicaOf = (member: Member) => member.engine.replica(contract)
    const ask = (member: Member, operation: EpochOperation) =>
      member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
    const expiresMs = engines.nowMs + 3_600_000
    const change = ask(first, { op: 'invite', card: third.card, role, older: true, expiresMs })
    engines.pass(3000)
    ask(second, { op: 'vote', change, yes: true })
    engines.pass(3000)
    const cutOff = (act: () => void) => {
      engines.line = (message, _from, to) => (to === third.party ? undefined : message)
      act()
      engines.pass(60_000, 500)
      for (const other of [first, second]) engines.disconnect(third, other)
      engines.line = (message) => message
      for (const other of [first, second]) engines.reconnect(third, other)
      engines.pass(8000)
    }
    cutOff(() => third.engine.accept(contract, engines.nowMs))
    expect(replicaOf(third).epochs.part).toBe(role)
    if (role === 'member') continue
    cutOff(() => engines.set(first, contract, 'a', '2'))
    expect(replicaOf(third).finalSize).toBe(replicaOf(first).finalSize)
    expect(replicaOf(third).chain.height).toBe(replicaOf(first).chain.height)
  }
})

describe('values of before', () => {
  /** A founder, one that came in without the values of before, and one on its way in whom that one invites, with them. */
  const late = () => {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 1)
    const ask = (member: Member, operation: EpochOperation) =>
      member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
    const invite = (by: Member, { card }: Member, older: boolean) =>
      ask(by, { op: 'invite', card, role: 'member', older, expiresMs: engines.nowMs + 3_600_000 })
    for (const value of ['2', '3']) {
      engines.set(first, contract, 'a', value)
      engines.pass(3000)
    }
    invite(first, second, false)
    engines.pass(3000)
    second.engine.accept(contract, engines.nowMs)
    engines.pass(5000)
    engines.disconnect(first, third)
    const change = invite(second, third, true)
    engines.pass(3000)
    ask(first, { op: 'vote', change, yes: true })
    engines.pass(5000)
    return { engines, contract, first, second, third }
  }

  it('[EPO-13] that whoever served the ledger does not hold are asked of who does, and nobody accepts without them', () => {
    const { engines, contract, first, third } = late()
    const { state } = third.engine.replica(contract).chain.tip
    const [uid] = childrenOf(state, state.rootUid)
    const { epochs, older } = third.engine.replica(contract)
    expect([epochs.part, older.size > 0]).toEqual(['guest', true])
    expect(() => third.engine.accept(contract, engines.nowMs)).toThrow('are not here yet')
    engines.boot(third, false)
    for (const other of engines.members) if (other !== third) engines.reconnect(third, other)
    expect(third.engine.replica(contract).older.size, 'a start forgets nothing').toBe(older.size)
    engines.disconnect(first, third)
    engines.pass(3000)
    expect(third.notices.filter(({ type }) => type === 'opened')).toEqual([])
    engines.reconnect(first, third)
    engines.pass(5000)
    expect(third.engine.replica(contract).older.size).toBe(0)
    expect(third.notices).toContainEqual({ contract, type: 'opened', uids: [uid] })
    third.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
    expect(third.engine.replica(contract).epochs.part).toBe('member')
    third.engine.flush()
    expect(checkIntegrity(third.store, contract, third.party)).toMatchObject({ ok: true })
  })

  it('[EPO-13] [BUN-1] that nobody holds any more are not waited for, and not missed', () => {
    const { engines, contract, first, third } = late()
    first.engine.leave(contract, engines.nowMs)
    engines.pass(8000)
    expect(third.engine.replica(contract).older.size).toBe(0)
    third.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
    expect(third.engine.replica(contract).epochs.part).toBe('member')
    third.engine.flush()
    expect(checkIntegrity(third.store, contract, third.party)).toMatchObject({ ok: true })
  })
})

it('[EPO-9] [COS-4] who is behind calls no cosignature bad that is by a key which a change beyond its ledger brings', () => {
  const engines = new Engines(3)
  const [first, second, behind] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  const card = engines.rekey(second)
  engines.pass(2000)
  for (const other of [first, second]) engines.disconnect(other, behind)
  const expiresMs = engines.nowMs + 3_600_000
  second.engine.submit(contract, [{ op: 'card', card, expiresMs }], [], engines.nowMs, () => undefined)
  engines.pass(5000)
  const [, ...told] = second.engine
    .replica(contract)
    .finality.all()
    .filter(({ party }) => party === second.party)
  expect(told, 'by its next key, the same checkpoint').toHaveLength(1)
  for (const cosignature of told)
    behind.engine.deliver(second.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
  expect(behind.logs.filter(({ event }) => event === 'bad-cosignature')).toEqual([])
  for (const other of [first, second]) engines.reconnect(other, behind)
  engines.pass(10_000)
  for (const { engine } of engines.members) expect(engine.replica(contract).epochs.number).toBe(1)
})

it('[EPO-7] [COS-4] a cosignature for a turn that gives way to another is not called bad', () => {
  const engines = new Engines(3)
  const [leaver, renewed, reader] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  const card = engines.rekey(renewed)
  engines.pass(2000)
  const held: WireMessage[] = []
  engines.line = (message, from, to) => {
    if (message.type === 'STATUS') return { ...message, cosignatures: [] }
    if (message.type !== 'COSIGN') return message
    if (from === renewed.party && to === reader.party) held.push(message)
    return undefined
  }
  const expiresMs = engines.nowMs + 3_600_000
  renewed.engine.submit(contract, [{ op: 'card', card, expiresMs }], [], engines.nowMs, () => undefined)
  engines.pass(500)
  leaver.engine.leave(contract, engines.nowMs)
  engines.pass(500)
  reader.engine.deliver(renewed.party, held.slice(0, 2).reverse(), engines.nowMs)
  expect(reader.logs.filter(({ event }) => event === 'bad-cosignature')).toEqual([])
})
