/** Two histories: what proves that they were committed, who is named, and who is not (EVI-1 to EVI-3). */
import { afterEach, describe, expect, it } from 'vitest'
import { type Cosignature, cosign } from '../../src/ledger/checkpoint.ts'
import { evidenceHolds } from '../../src/ledger/evidence.ts'
import { Engines, type Member } from '../support/engines.ts'
import { fork, meet, removeCopies } from '../support/forks.ts'

afterEach(removeCopies)

describe('two committed histories', () => {
  it.each([
    ['one block each', 3, [[0], [1]], [1, 1]],
    ['a longer one', 3, [[0], [1]], [3, 1]],
    ['a longer other', 3, [[0], [1]], [1, 4]],
    [
      'five members',
      5,
      [
        [0, 1],
        [2, 3],
      ],
      [2, 2],
    ],
  ] as [string, number, [number[], number[]], [number, number]][])(
    '[EVI-3] halt the contract and name the liar alone: %s',
    (_, count, sides, blocks) => {
      const forked = fork(count, sides, blocks)
      const { contract, honest, liar, tips } = forked
      const [left, right] = [tips[0], tips.at(-1)]
      expect(left, 'both were committed').not.toBe(right)
      for (const [index, tip] of tips.entries()) expect(tip).toBe(index < sides[0].length ? left : right)
      meet(forked)
      for (const { engine, store } of honest) {
        const replica = engine.replica(contract)
        expect(replica.status).toBe('halted')
        expect(replica.haltReason).toContain(liar.party)
        const evidence = store.evidence(contract)
        expect(evidence.length).toBeGreaterThan(0)
        for (const { evidence: one } of evidence) {
          expect(one.party).toBe(liar.party)
          expect(evidenceHolds(one, replica.electorate, replica.cosignKeys)).toBe(true)
        }
        expect(replica.finalSize, 'nothing of either is final').toBe(2)
      }
    },
  )

  it('[EVI-3] stay known after a restart', () => {
    const forked = fork(3, [[0], [1]])
    meet(forked)
    const [first] = forked.honest as [Member]
    forked.engines.boot(first, false)
    expect(first.engine.replica(forked.contract).status).toBe('halted')
    expect([...first.engine.replica(forked.contract).evidence.accused.keys()]).toEqual([forked.liar.party])
  })

  it('[EVI-3] with an even number the majority tolerates one liar: it forks nothing', () => {
    const { tips, honest, contract } = fork(4, [[0, 1], [2]])
    expect(tips[2], 'the second side has no quorum').not.toBe(tips[0])
    expect((honest[2] as Member).engine.replica(contract).chain.height).toBe(1)
  })
})

describe('a cosignature of another history', () => {
  it('[COS-4] [EVI-2] is evidence at once where its signer has cosigned further here', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    for (const value of ['1', '2', '3']) {
      engines.set(engines.member(0), contract, 'a', value)
      engines.pass(5000)
    }
    const [victim, other, liar] = engines.members as [Member, Member, Member]
    const checkpoint = {
      contract,
      lineage: 0,
      epoch: 0,
      size: 2,
      root: '1'.repeat(64),
      block: '2'.repeat(64),
      stateRoot: '3'.repeat(64),
    }
    const cosignature: Cosignature = cosign(liar.keys.cosign.privateKey, liar.party, checkpoint, 1)
    victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    engines.settle()
    const replica = victim.engine.replica(contract)
    expect(replica.status).toBe('accepted')
    for (const { store } of [victim, other]) {
      const [kept] = store.evidence(contract)
      expect(kept?.evidence).toMatchObject({ kind: 'not-extended', party: liar.party })
      expect(kept && evidenceHolds(kept.evidence, replica.electorate, replica.cosignKeys)).toBe(true)
    }
  })

  it.each([{ stateRoot: '9'.repeat(64) }, { block: '9'.repeat(64) }, { root: '9'.repeat(64) }])(
    '[COS-4] [CHK-1] in any of its lines does not count: %j',
    (change) => {
      const engines = new Engines(2)
      const contract = engines.contract('{"a":"0"}')
      const [victim, liar] = engines.members as [Member, Member]
      engines.set(victim, contract, 'a', '1')
      engines.line = (message, from) => {
        if (from !== liar.party) return message
        if (message.type === 'STATUS') return undefined
        if (!message.cosignature) return message
        const { party: _, timeS, signature: __, ...checkpoint } = message.cosignature as Cosignature
        const altered = { contract, lineage: 0, ...checkpoint, ...change }
        return { ...message, cosignature: cosign(liar.keys.cosign.privateKey, liar.party, altered, timeS) }
      }
      engines.pass(5000)
      const { finality, finalSize, chain } = victim.engine.replica(contract)
      expect(chain.height).toBe(1)
      expect([finalSize, finality.sizeOf(liar.party)]).toEqual([1, 1])
      expect(finality.astray.get(liar.party)).toMatchObject(change)
    },
  )

  it('[EVI-3] for which its signer shows no COMMIT halts nothing', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    const [victim, , liar] = engines.members as [Member, Member, Member]
    engines.disconnect(victim, liar)
    engines.disconnect(engines.member(1), liar)
    for (const value of ['1', '2']) {
      engines.set(victim, contract, 'a', value)
      engines.pass(20_000)
    }
    const checkpoint = {
      contract,
      lineage: 0,
      epoch: 0,
      size: 2,
      root: '1'.repeat(64),
      block: '2'.repeat(64),
      stateRoot: '3'.repeat(64),
    }
    const cosignature = cosign(liar.keys.cosign.privateKey, liar.party, checkpoint, 1)
    victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    engines.settle()
    victim.engine.flush()
    const headers = victim.store.blocks(contract, 1, 9).map(({ block }) => block.header)
    const certificates = victim.store.certificates(contract, 1)
    expect(headers).toHaveLength(2)
    expect(certificates.length, 'a COMMIT of each, and skipped views').toBeGreaterThanOrEqual(4)
    const altered = { ...headers[1], stateRoot: '9'.repeat(64) }
    const lies = [
      { headers: [], certificates: [] },
      { headers: [altered], certificates },
      { headers: [headers[0], altered], certificates },
      // True ones, shifted: what stands at another height is no other history.
      { headers: [headers[1]], certificates },
    ].map((lie) => ({ type: 'PROOF', contract, fromHeight: 1, ...lie }))
    const replica = victim.engine.replica(contract)
    for (const lie of lies) {
      replica.disputes.raise(liar.party, engines.nowMs)
      victim.engine.deliver(liar.party, [lie], engines.nowMs)
      expect(replica.status).toBe('accepted')
    }
    engines.pass(5000)
    expect([...replica.disputes.open]).toEqual([liar.party])
    engines.set(victim, contract, 'a', '3')
    engines.pass(20_000)
    expect(replica.chain.height, 'the others go on ordering').toBe(3)
  })

  it('[EVI-3] a flood of them, or of questions, makes one question and one answer a second', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    const [victim, , liar] = engines.members as [Member, Member, Member]
    const seen: string[] = []
    engines.line = (message, from) => {
      if (from === victim.party) seen.push(message.type)
      return message
    }
    engines.set(victim, contract, 'a', '1')
    engines.pass(5000)
    for (let index = 0; index < 20; index += 1) {
      const block = index.toString(16).padStart(64, '0')
      const checkpoint = { contract, lineage: 0, epoch: 0, size: 1, root: block, block, stateRoot: block }
      const cosignature = cosign(liar.keys.cosign.privateKey, liar.party, checkpoint, 1)
      victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
      victim.engine.deliver(liar.party, [{ type: 'PROVE', contract, fromHeight: 1 }], engines.nowMs)
    }
    engines.settle()
    expect(seen.filter((type) => type === 'PROVE')).toHaveLength(1)
    expect(seen.filter((type) => type === 'PROOF')).toHaveLength(1)
    expect(victim.store.evidence(contract).length, 'enough of it is kept').toBeLessThanOrEqual(16)
  })

  it('[EVI-1] evidence that does not hold is refused, and named', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    const [victim, honest, liar] = engines.members as [Member, Member, Member]
    const replica = victim.engine.replica(contract)
    const genuine = replica.finality.highest(honest.party) as Cosignature
    const evidence = {
      kind: 'two-checkpoints',
      party: honest.party,
      contract,
      lineage: 0,
      first: genuine,
      second: { ...genuine, stateRoot: '9'.repeat(64) },
    }
    victim.engine.deliver(liar.party, [{ type: 'EVIDENCE', contract, evidence }], engines.nowMs)
    expect(victim.logs.at(-1)).toMatchObject({ event: 'message-refused', detail: { code: 'bad-evidence' } })
    expect(victim.store.evidence(contract)).toEqual([])
  })
})
