/** LEAVE between everything else that a node signs, and through a crash, with real engines (EPO-12). */
import { expect, it } from 'vitest'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import { Engines, type Member } from '../support/engines.ts'

const replicaOf = (member: Member, contract: string) => member.engine.replica(contract)
const partiesOf = (member: Member, contract: string) => replicaOf(member, contract).electorate.members

it('[EPO-12] is signed while a cosignature is asked for: that is refused, and nothing halts', () => {
  const engines = new Engines(3)
  const [first, second, third] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  const turn = third.engine.turn.bind(third.engine)
  let leftAt: number | undefined
  third.engine.turn = (nowMs) => {
    const { cosigning, chain } = replicaOf(third, contract)
    if (leftAt === undefined && cosigning.isPending && chain.height > 0) {
      leftAt = chain.height
      third.engine.leave(contract, nowMs)
    }
    return turn(nowMs)
  }
  engines.set(first, contract, 'a', '2')
  engines.pass(10_000)
  expect(leftAt, 'it left between committing and cosigning').toBe(1)
  expect(replicaOf(third, contract).status).toBe('left')
  expect(replicaOf(third, contract).finalSize).toBe(1)
  engines.set(second, contract, 'a', '3')
  engines.pass(5000)
  expect(partiesOf(first, contract)).toEqual([first.party, second.party])
  expect(replicaOf(first, contract).finalSize).toBe(replicaOf(first, contract).chain.height + 1)
  for (const { store } of engines.members) expect(store.evidence(contract)).toEqual([])
})

it('[EPO-12] stands where a crash comes right after the signer: the node cosigns nothing more, and says LEAVE again', () => {
  const engines = new Engines(3)
  const [first, second, third] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  engines.set(first, contract, 'a', '2')
  engines.pass(5000)
  for (const other of [first, second]) engines.disconnect(third, other)
  third.engine.leave(contract, engines.nowMs)
  // Nothing but the signer's own note is on disk.
  engines.boot(third, false)
  for (const other of [first, second]) engines.reconnect(third, other)
  engines.set(first, contract, 'a', '3')
  engines.pass(5000)
  const replica = replicaOf(third, contract)
  expect(replica.status).toBe('leaving')
  expect(replica.finality.sizeOf(third.party)).toBe(2)
  expect(() => engines.set(third, contract, 'a', '4')).toThrow(/has left/)
  third.engine.leave(contract, engines.nowMs)
  engines.pass(10_000)
  expect(replica.status).toBe('left')
  expect(partiesOf(second, contract)).toEqual([first.party, second.party])
  expect(() => third.engine.leave(contract, engines.nowMs)).toThrow(/not in the contract/)
})

it('[EPO-12] of an observer, who has cosigned nothing, leaves it what it knew as final', () => {
  const engines = new Engines(3)
  const [first, second, third] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}', 2)
  const ask = (member: Member, operation: EpochOperation) =>
    member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  const expiresMs = engines.nowMs + 3_600_000
  const change = ask(first, { op: 'invite', card: third.card, role: 'observer', older: true, expiresMs })
  engines.pass(3000)
  ask(second, { op: 'vote', change, yes: true })
  engines.pass(3000)
  third.engine.accept(contract, engines.nowMs)
  engines.pass(5000)
  expect(replicaOf(third, contract).epochs.part).toBe('observer')
  const { finalSize } = replicaOf(third, contract)
  third.engine.leave(contract, engines.nowMs)
  engines.pass(5000)
  const replica = replicaOf(third, contract)
  expect([replica.status, replica.epochs.part]).toEqual(['left', 'out'])
  expect(replica.finalSize, 'what it knew as final stays so').toBeGreaterThanOrEqual(finalSize)
  engines.boot(third, false)
  expect(replicaOf(third, contract).finalSize, 'through a restart').toBeGreaterThanOrEqual(finalSize)
  expect(replicaOf(first, contract).electorate.observers).toEqual([])
  engines.set(first, contract, 'a', '2')
  engines.pass(5000)
  expect(replicaOf(first, contract).finalSize).toBe(replicaOf(first, contract).chain.height + 1)
})
