/** A member that is put back to before two histories parted, among liars and slow peers (AMN-2, AMN-4). */
import { afterEach, describe, expect, it } from 'vitest'
import { blockHash } from '../../src/ledger/block.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { AnyLedgerBlock } from '../../src/ledger/turn.ts'
import { signaturesOf } from '../../src/node/serve.ts'
import { Engines, type Line, type Member, type WireMessage } from '../support/engines.ts'
import { copyOf, forkAtTurn, forkOf, meet, removeCopies } from '../support/forks.ts'
import { cutOff, forked, haltShortOfItsOwn, hashesOf, replicaOf } from '../support/put-back.ts'

afterEach(removeCopies)

const open: Line = (message) => message

function connectAll(engines: Engines, members: readonly Member[]): void {
  for (const one of members) for (const other of members) if (one !== other) engines.connect(one, other)
}

/** Each answer with ledger blocks brings but one, as where they are large. */
function oneBlock(engines: Engines, contract: string, message: WireMessage, from: string): WireMessage {
  const { fromHeight, blocks } = message as unknown as { fromHeight: number; blocks: unknown[] }
  const { store } = engines.members.find(({ party }) => party === from) as Member
  const stored = store.block(contract, fromHeight)
  if (stored === undefined || blocks.length === 0) return message
  return {
    ...message,
    ...{ blocks: [stored.block], notarization: stored.notarization, finalization: stored.commit },
  }
}

describe('a member that was put back', () => {
  it('[AMN-2] [LIN-1] freezes nothing before it is told, in however many starts since its contract halted', () => {
    const fork = forked([2, 3])
    const { engines, contract, honest, put, beside, across, back } = fork
    back()
    for (const other of across) engines.reconnect(put, other)
    engines.pass(20_000)
    // A PROOF is all that comes from the other side: a liar could send it as well.
    engines.line = (message, from, to) => {
      const isBetween = [from, to].every((party) => [put.party, beside.party].includes(party))
      return isBetween && message.type !== 'PROOF' ? undefined : message
    }
    engines.reconnect(put, beside)
    replicaOf(fork, beside).disputes.answer(put.party, replicaOf(fork).finalSize, engines.nowMs)
    engines.pass(1000)
    expect([replicaOf(fork).status, replicaOf(fork).phase]).toEqual(['halted', 'recalling'])
    for (const _ of [1, 2]) {
      cutOff(fork)
      put.engine.flush()
      engines.boot(put, false)
      for (const other of across) engines.reconnect(put, other)
      engines.pass(5000)
      expect(() => put.engine.freeze(contract)).toThrow(expect.objectContaining({ code: 'unavailable' }))
    }
    engines.line = open
    connectAll(engines, engines.members)
    engines.pass(60_000)
    for (const { engine } of honest) engine.freeze(contract)
    engines.pass(20_000)
    for (const one of honest) {
      const { lineage, evidence } = replicaOf(fork, one)
      expect([lineage.number, evidence.accused.has(put.party)]).toEqual([1, false])
    }
  })

  it('[AMN-4] is kept by no liar from reading on, where nothing has parted', () => {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"0","b":"0"}', 4)
    const [put, other, , liar] = engines.members as [Member, Member, Member, Member]
    engines.set(other, contract, 'a', '1')
    engines.pass(5000)
    const back = copyOf(put)
    for (let round = 0; round < 6; round += 1) {
      engines.set(other, contract, 'a', `round ${round}`)
      engines.pass(5000)
    }
    const { journal } = put
    cutOff({ engines, put })
    back()
    // Its signer knows how much it has cosigned.
    put.journal = journal
    engines.boot(put, true)
    const { height } = put.engine.replica(contract).chain
    engines.line = (message, from, to) => {
      if (to !== put.party || message.type !== 'LEDGER') return message
      const answer = oneBlock(engines, contract, message, from)
      const { fromHeight, blocks } = answer as unknown as { fromHeight: number; blocks: AnyLedgerBlock[] }
      const [block] = structuredClone(blocks)
      if (from !== liar.party || fromHeight === height + 1 || block === undefined) return answer
      block.header.parent = blockHash(block.header)
      return { ...answer, blocks: [block] }
    }
    for (const one of engines.members) if (one !== put) engines.reconnect(put, one)
    engines.pass(60_000)
    expect(put.engine.replica(contract).chain.tip.hash).toBe(other.engine.replica(contract).chain.tip.hash)
    expect(put.notices.filter(({ type }) => type === 'returned').length).toBeLessThanOrEqual(1)
  })

  it('[AMN-4] reads its own from one that is slow, while others are quick to tell the other', () => {
    const fork = forked([6, 5])
    const { engines, contract, put, beside, back } = fork
    meet(fork)
    back()
    let lastMs = 0
    engines.line = (message, from, to) => {
      if (to !== put.party || message.type !== 'LEDGER') return message
      if (from === beside.party && engines.nowMs < lastMs + 4000) return undefined
      if (from === beside.party) lastMs = engines.nowMs
      return oneBlock(engines, contract, message, from)
    }
    for (const one of engines.members) if (one !== put) engines.reconnect(put, one)
    for (let round = 0; round < 120; round += 1) engines.pass(10_000)
    expect(hashesOf(fork, put)).toEqual(hashesOf(fork, beside))
  })

  it('[AMN-4] [LIN-1] can freeze once it has read its own, though the liar that it waited for is gone', () => {
    const fork = forked([4, 1])
    const { engines, contract, honest, put, liar } = fork
    meet(fork)
    haltShortOfItsOwn(fork)
    expect([replicaOf(fork).status, replicaOf(fork).phase]).toEqual(['halted', 'signing'])
    for (const other of honest) engines.disconnect(liar, other)
    engines.line = open
    engines.pass(60_000)
    connectAll(engines, honest)
    engines.pass(60_000)
    put.engine.freeze(contract)
    engines.pass(10_000)
    expect(honest.map((one) => replicaOf(fork, one).lineage.number)).toEqual([1, 1, 1, 1])
  })

  it('[AMN-2] [AMN-4] [EPO-9] is told of what it cosigned by a key that a turn of its own history brought', () => {
    let back = (): void => undefined
    const decide = (engines: Engines, contract: string): void => {
      const member = engines.member(0)
      const card = engines.rekey(member, ['cosign'])
      back = copyOf(member)
      const expiresMs = engines.nowMs + 3_600_000
      member.engine.submit(contract, [{ op: 'card', card, expiresMs }], [], engines.nowMs, () => undefined)
      engines.pass(9000)
    }
    const sides: [number[], number[]] = [
      [0, 1],
      [2, 3],
    ]
    const { engines, contract, honest, liar } = forkAtTurn(5, sides, decide, { before: 2, turns: false })
    const [put, beside, ...across] = honest as [Member, Member, Member, Member]
    cutOff({ engines, put })
    back()
    engines.boot(put, true)
    for (const other of across) engines.reconnect(put, other)
    engines.pass(20_000)
    for (const other of [beside, liar, ...across]) engines.reconnect(put, other)
    engines.pass(60_000)
    connectAll(engines, honest)
    engines.pass(60_000)
    for (const { engine } of honest) if (engine.replica(contract).status === 'halted') engine.freeze(contract)
    for (let round = 0; round < 60; round += 1) engines.pass(10_000)
    for (const { engine } of honest)
      if (engine.replica(contract).lineage.number === 0) engine.freeze(contract)
    engines.pass(60_000)
    expect(honest.map(({ engine }) => engine.replica(contract).lineage.number)).toEqual([1, 1, 1, 1])
  })

  it('[AMN-4] asks again whoever it has refused before it knew what it had cosigned', () => {
    const fork = forked([4, 1])
    const { engines, contract, put, beside, across, liar, back } = fork
    back()
    for (const other of across) engines.reconnect(put, other)
    engines.pass(20_000)
    // Its last cosignature never came to who is on its side.
    engines.line = (message, from, to) => {
      if (from !== beside.party || to !== put.party) return message
      const { cosignature: _, ...rest } = message
      if (message.type === 'RECALLED') return rest as WireMessage
      if (message.type !== 'STATUS') return message
      const { cosignatures } = message as unknown as { cosignatures: Cosignature[] }
      return { ...message, cosignatures: cosignatures.filter(({ party }) => party !== put.party) }
    }
    engines.reconnect(put, beside)
    engines.pass(20_000)
    engines.line = (message, from, to) =>
      from === liar.party && to === put.party && message.type === 'LEDGER' ? undefined : message
    engines.reconnect(put, liar)
    const cosignature = replicaOf(fork, beside).finality.largest(put.party)
    put.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    for (let round = 0; round < 62; round += 1) engines.pass(10_000)
    expect(hashesOf(fork, put)).toEqual(hashesOf(fork, beside))
  })
})

describe('cosignatures of another history', () => {
  it('[AMN-4] [LIN-1] are shown by the FREEZE of who has let go of it: what it called final rests on them', () => {
    const engines = new Engines(5)
    const contract = engines.contract('{"a":"0","b":"0"}', 5)
    const liar = engines.member(4)
    engines.set(engines.member(0), contract, 'a', '1')
    engines.pass(5000)
    const back = copyOf(engines.member(0))
    // Everybody cosigns one more; the liar's cosignature of it reaches nobody.
    const isHidden = ({ party, size }: Cosignature): boolean => party === liar.party && size > 2
    const hiding: Line = (message) => {
      const { cosignature, cosignatures } = message as unknown as {
        cosignature: Cosignature
        cosignatures: Cosignature[]
      }
      if (message.type === 'COSIGN' && isHidden(cosignature)) return undefined
      if (message.type !== 'STATUS') return message
      return { ...message, cosignatures: cosignatures.filter((one) => !isHidden(one)) }
    }
    engines.line = hiding
    engines.set(engines.member(0), contract, 'b', '2')
    engines.pass(5000)
    const { honest } = forkOf(
      engines,
      contract,
      [
        [0, 1],
        [2, 3],
      ],
      [2, 3],
    )
    const [put, beside, ...across] = honest as [Member, Member, Member, Member]
    const replica = () => put.engine.replica(contract)
    cutOff({ engines, put })
    back()
    engines.boot(put, true)
    for (const other of across) engines.reconnect(put, other)
    engines.pass(20_000)
    const cosignature = liar.engine.lastCosignature(contract, 0, undefined)
    put.engine.deliver(across[0].party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    engines.pass(5000)
    expect(replica().finalSize).toBe(3)
    engines.reconnect(put, beside)
    engines.pass(60_000)
    expect(put.notices.some(({ type }) => type === 'returned')).toBe(true)
    engines.reconnect(put, liar)
    engines.line = (message, from, to) =>
      from === liar.party && message.type !== 'RECALLED' ? undefined : hiding(message, from, to)
    engines.pass(30_000)
    connectAll(engines, honest)
    engines.pass(20_000)
    put.engine.freeze(contract)
    engines.pass(1000)
    const { cosignatures = [] } = replica().freezing.own?.statement ?? {}
    expect(cosignatures).toContainEqual(cosignature)
  })

  it('[AMN-2] are told, the largest of each member, to who has forgotten; also after a start', () => {
    const engines = new Engines(5)
    const contract = engines.contract('{"a":"0","b":"0"}', 5)
    const [put] = engines.members as [Member]
    engines.set(put, contract, 'a', '1')
    engines.pass(5000)
    const made = new Map<number, Cosignature>()
    engines.line = (message, from) => {
      const { cosignature } = message as unknown as { cosignature: Cosignature }
      if (message.type === 'COSIGN' && from === put.party) made.set(cosignature.size, cosignature)
      return message
    }
    const sides: [number[], number[]] = [
      [0, 1],
      [2, 3],
    ]
    const { honest, liar } = forkOf(engines, contract, sides, [3, 4])
    const [, , across] = honest as [Member, Member, Member]
    const last = [...made.values()].slice(-2)
    for (const cosignature of last)
      across.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    const told = () => signaturesOf(across.engine.replica(contract), put.party).cosignature
    expect(told()).toEqual(last.at(-1))
    engines.pass(1000)
    across.engine.flush()
    engines.boot(across, false)
    expect(told()).toEqual(last.at(-1))
    const key = `beside/${contract}/0/${put.party}`
    across.store.write([{ kind: 'setting', key, value: '{}' }])
    engines.boot(across, false)
    expect(across.engine.damaged.get(contract)).toContain('was altered')
    across.store.write([{ kind: 'setting', key: `final/${contract}/0`, value: 'much' }])
    engines.boot(across, false)
    expect(across.engine.damaged.get(contract)).toContain('when it went back was altered')
  })
})
