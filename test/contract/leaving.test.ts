/** Who leaves, where something goes wrong on the way out: it is told that it is out, signs nothing more, and comes to rest. */
import { describe, expect, it } from 'vitest'
import { blockHash } from '../../src/ledger/block.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { ProofMessage } from '../../src/node/messages.ts'
import { Engines, type Member } from '../support/engines.ts'

const DAY_MS = 24 * 3_600_000
const replicaOf = (member: Member, contract: string) => member.engine.replica(contract)

/** Three, the third of which has asked to leave. */
function aboutToLeave() {
  const engines = new Engines(3)
  const [first, second, third] = engines.members as [Member, Member, Member]
  const contract = engines.contract('{"a":"1"}')
  engines.set(first, contract, 'a', '2')
  engines.pass(5000)
  third.engine.leave(contract, engines.nowMs)
  return { engines, contract, first, second, third }
}

describe('a member that leaves', () => {
  it('[EPO-11] and does not hear of its turn is told by those who went on, up to there and no further', () => {
    const { engines, contract, first, second, third } = aboutToLeave()
    let isCut = false
    engines.line = (message, from, to) => {
      if (message.type === 'PROPOSE' && JSON.stringify(message.block).includes('"kind":"turn"')) isCut = true
      return isCut && (from === third.party || to === third.party) ? undefined : message
    }
    engines.pass(8000)
    expect(replicaOf(first, contract).members).toHaveLength(2)
    expect(replicaOf(third, contract).status).toBe('leaving')
    engines.set(second, contract, 'a', '3')
    engines.pass(5000)
    const turnHeight = replicaOf(first, contract).roster.spans[0]?.lastHeight
    let later = 0
    engines.line = (message, _, to) => {
      if (to === third.party && JSON.stringify(message).includes('"epoch":1,"height"')) later += 1
      return message
    }
    engines.pass(60_000, 500)
    expect(replicaOf(third, contract).status).toBe('left')
    expect(replicaOf(third, contract).chain.height).toBe(turnHeight)
    expect(later, 'ledger blocks of the epoch without it').toBe(0)
    let sent = 0
    engines.line = (message) => {
      sent += 1
      return message
    }
    engines.pass(120_000, 1000)
    expect(sent, 'all is at rest').toBe(0)
  })

  it('[EVI-3] [EPO-11] and asks for proof of the ledger is shown headers and COMMITs up to its turn, and no further', () => {
    const { engines, contract, first, second, third } = aboutToLeave()
    engines.pass(8000)
    engines.set(second, contract, 'a', '3')
    engines.pass(5000)
    const turnHeight = replicaOf(first, contract).roster.spans[0]?.lastHeight as number
    expect(replicaOf(first, contract).chain.height).toBeGreaterThan(turnHeight)
    const proofs: ProofMessage[] = []
    engines.line = (message, _, to) => {
      if (message.type === 'PROOF' && to === third.party) proofs.push(message as unknown as ProofMessage)
      return message
    }
    first.engine.deliver(third.party, [{ type: 'PROVE', contract, fromHeight: 1 }], engines.nowMs)
    engines.pass(1000)
    const [{ headers, certificates } = { headers: [], certificates: [] }] = proofs
    expect(headers.map(({ height }) => height)).toEqual(Array.from({ length: turnHeight }, (_, at) => at + 1))
    const shown = headers.map(blockHash)
    expect(certificates.length).toBeGreaterThan(0)
    for (const { block } of certificates) expect(shown).toContain(block)
  })

  it('[EPO-12] while its signer is about to cosign what comes next does not: it leaves at what it has cosigned', () => {
    const engines = new Engines(3)
    const [first, , third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    const { engine } = third
    const turn = engine.turn.bind(engine)
    let left = 0
    engine.turn = (nowMs) => {
      if (left === 0 && engine.replica(contract).cosigning.isPending) {
        left = engine.lastCosignature(contract, 0, undefined)?.size ?? 0
        engine.leave(contract, nowMs)
      }
      return turn(nowMs)
    }
    engines.set(first, contract, 'a', '3')
    engines.pass(10_000)
    expect(left).toBeGreaterThan(1)
    expect(replicaOf(third, contract).status).toBe('left')
    expect(engine.lastCosignature(contract, 0, undefined)?.size).toBe(left)
    expect(third.logs.filter(({ event }) => event === 'signer-refused' || event === 'halted')).toEqual([])
  })

  it('[EPO-12] and dies before the request is on its disk asks anew when it starts', () => {
    const engines = new Engines(3)
    const [first, , third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    third.engine.leave(contract, engines.nowMs)
    for (const other of engines.members) if (other !== third) engines.disconnect(third, other)
    engines.boot(third, false)
    for (const other of engines.members) if (other !== third) engines.reconnect(third, other)
    engines.pass(10_000)
    expect(replicaOf(third, contract).status).toBe('left')
    expect(replicaOf(first, contract).members).toHaveLength(2)
  })
})

describe('a guest whose invitation lapses while it is away', () => {
  it('[EPO-6] [ORD-6] is told nothing more, and asks no more', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    const change = first.engine.submit(
      contract,
      [
        {
          op: 'invite',
          card: fourth.card,
          role: 'member',
          older: true,
          expiresMs: engines.nowMs + 20_000,
        },
      ],
      [],
      engines.nowMs,
      () => undefined,
    )
    engines.pass(3000)
    for (const { engine } of [second, third])
      engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
    engines.pass(3000)
    expect(replicaOf(fourth, contract).epochs.part).toBe('guest')
    for (const other of [first, second, third]) engines.disconnect(fourth, other)
    engines.pass(30_000, 500)
    for (const other of [first, second, third]) engines.reconnect(fourth, other)
    engines.pass(30_000, 500)
    let sent = 0
    engines.line = (message) => {
      sent += 1
      return message
    }
    engines.pass(DAY_MS / 24, 10_000)
    expect(sent).toBe(0)
  })
})

it('[EPO-13] [SYN-2] who has left refuses and names no guest for values that it need not hold, and waits for who has them', () => {
  const engines = new Engines(4)
  const [first, second, third, guest] = engines.members as [Member, Member, Member, Member]
  const contract = engines.contract('{"a":"1"}', 3)
  engines.pass(2000)
  const ask = (member: Member, operation: EpochOperation): string =>
    member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  const expiresMs = engines.nowMs + DAY_MS
  const change = ask(first, { op: 'invite', card: guest.card, role: 'member', older: false, expiresMs })
  engines.pass(3000)
  for (const member of [second, third]) ask(member, { op: 'vote', change, yes: true })
  engines.pass(3000)
  engines.disconnect(third, guest)
  // No turn comes without cosignatures: what is written meanwhile is the leaver's to see.
  engines.line = (message) =>
    message.type === 'COSIGN'
      ? undefined
      : 'cosignatures' in message
        ? { ...message, cosignatures: [] }
        : message
  third.engine.leave(contract, engines.nowMs)
  engines.settle()
  for (const other of [first, second]) engines.disconnect(third, other)
  engines.disconnect(first, guest)
  engines.disconnect(second, guest)
  for (const value of ['2', '3']) {
    engines.set(first, contract, 'a', value)
    engines.pass(4000)
  }
  engines.line = (message) => message
  engines.pass(8000)
  expect(replicaOf(first, contract).members).toHaveLength(2)
  for (const other of [first, second]) engines.reconnect(other, guest)
  engines.pass(5000)
  expect(replicaOf(guest, contract).chain.tip.hash).toBe(replicaOf(first, contract).chain.tip.hash)
  engines.reconnect(third, guest)
  engines.pass(30_000)
  expect(third.logs.filter(({ event }) => event === 'history-refused')).toEqual([])
  expect(replicaOf(third, contract).sync.refused.size).toBe(0)
  expect(replicaOf(third, contract).status).toBe('leaving')
  engines.reconnect(third, first)
  engines.pass(30_000)
  expect(replicaOf(third, contract).status).toBe('left')
})
