/** A node that starts while the others are at work, and misses the first answers to it (AMN-1, AMN-2). */
import { expect, it } from 'vitest'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

it.each([
  ['[AMN-1] started', false],
  ['[AMN-2] started --restored', true],
])('a guest that is %s asks again while the ledger grows without a break, and comes in', (_, restored) => {
  const engines = new Engines(3)
  const [first, second, guest] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"0"}', 2)
  const expiresMs = engines.nowMs + 3_600_000
  const operation = { op: 'invite', card: guest.card, role: 'member', older: true, expiresMs } as const
  const change = first.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  second.engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  // All but its own last cosignature.
  engines.line = (message, from) =>
    from === guest.party && ['COSIGN', 'STATUS'].includes(message.type) ? undefined : message
  guest.engine.accept(contract, engines.nowMs)
  engines.pass(3000)
  engines.line = (message) => message
  for (const { engine } of engines.members) expect(engine.replica(contract).epochs.number).toBe(0)
  for (const member of [first, second]) engines.disconnect(guest, member)
  guest.engine.flush()
  engines.boot(guest, restored)
  // It reaches the others before they reach it: what they answer is lost.
  for (const member of [first, second]) engines.connect(guest, member)
  engines.settle()
  for (const member of [first, second]) engines.connect(member, guest)
  for (let round = 0; round < 40; round += 1) {
    engines.set(first, contract, 'a', `under load ${round}`)
    engines.pass(250)
  }
  for (const { engine } of engines.members) expect(engine.replica(contract).epochs.number).toBe(1)
  engines.pass(1000)
  const { tip } = guest.engine.replica(contract).chain
  for (const { engine } of engines.members) {
    const { finalSize, chain } = engine.replica(contract)
    expect([finalSize, chain.tip.hash]).toEqual([chain.height + 1, tip.hash])
  }
})

it('[REQ-5] what was ordered before it started is not taken anew, nor called expired', () => {
  const engines = new Engines(3)
  const [first, second] = engines.members as [Member, Member]
  const contract = engines.contract('{"a":"1"}')
  let sent: WireMessage | undefined
  engines.line = (message) => {
    if (message.type === 'REQUEST') sent ??= message
    return message
  }
  const submit = first.engine.submit.bind(first.engine)
  first.engine.submit = (id, operations, openings, nowMs, done) =>
    submit(id, operations, openings, nowMs, done, nowMs + 10_000)
  engines.set(first, contract, 'a', '2')
  engines.pass(12_000)
  first.engine.submit = submit
  engines.set(first, contract, 'a', '3')
  engines.pass(4000)
  expect(engines.finalSizes(contract)).toEqual([3, 3, 3])
  second.engine.flush()
  engines.boot(second, false)
  for (const other of engines.members) if (other !== second) engines.reconnect(second, other)
  second.notices.length = 0
  second.engine.deliver(first.party, [sent], engines.nowMs)
  expect(second.engine.replica(contract).chain.pool.size).toBe(0)
  engines.pass(120_000, 500)
  expect(second.notices.map(({ type }) => type)).not.toContain('expired')
})

it('[ORD-5] a ledger block is on disk once it is told of, also where nothing is signed for it', () => {
  const engines = new Engines(4)
  const [first, second, third, back] = engines.members as [Member, Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  engines.pass(2000)
  for (const member of [first, second, third]) engines.disconnect(back, member)
  engines.set(first, contract, 'a', '2')
  engines.pass(3000)
  const { height } = first.engine.replica(contract).chain
  // Of four one alone is not enough to let it sign.
  back.engine.flush()
  engines.boot(back, false)
  engines.reconnect(back, first)
  for (
    let passedMs = 0;
    passedMs < 3000 && back.engine.replica(contract).chain.height < height;
    passedMs += 10
  )
    engines.pass(10, 10)
  const told = back.notices.findLast(({ type }) => type === 'tentative')
  expect(told).toMatchObject({ height })
  expect(back.engine.replica(contract).phase).toBe('starting')
  const stored = back.store.block(contract, height)
  expect(stored?.hash).toBe(first.engine.replica(contract).chain.tip.hash)
})
