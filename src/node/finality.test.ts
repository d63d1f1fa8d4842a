import { describe, expect, it } from 'vitest'
import { Engines, type Member } from '../../test/support/engines.ts'
import { type Checkpoint, type Cosignature, checkpointOf, cosign } from '../ledger/checkpoint.ts'
import { evidenceHolds } from '../ledger/evidence.ts'

const OTHER = '9'.repeat(64)

/** A member whose ledger has three blocks, and what another member, which has cosigned block 0, may say of them. */
function world() {
  const engines = new Engines(2)
  const contract = engines.contract('{"a":"0"}')
  const [victim, liar] = engines.members as [Member, Member]
  engines.line = (message, from) =>
    from === liar.party && ['COSIGN', 'STATUS'].includes(message.type) ? undefined : message
  for (const value of ['1', '2', '3']) {
    engines.set(victim, contract, 'a', value)
    engines.pass(5000)
  }
  const replica = victim.engine.replica(contract)
  const { chain, finality, electorate, cosignKeys } = replica
  expect([chain.height, finality.sizeOf(liar.party)]).toEqual([3, 1])
  const cosigned = (size: number, change: Partial<Checkpoint> = {}): Cosignature => {
    const header = chain.headerAt(size - 1)
    if (!header) throw new Error(`no ledger block ${size - 1}`)
    const checkpoint = { ...checkpointOf(header, chain.log.root(size)), ...change }
    return cosign(liar.keys.cosign.privateKey, liar.party, checkpoint, 1)
  }
  const take = (cosignature: Cosignature) => {
    const taken = finality.take(cosignature, chain, engines.nowMs)
    if (taken.evidence) expect(evidenceHolds(taken.evidence, electorate, cosignKeys)).toBe(true)
    return [taken.result, taken.evidence?.kind]
  }
  const deliver = (cosignature: Cosignature): void =>
    victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
  const ofLiar = () => finality.shown(chain).filter(({ party }) => party === liar.party)
  return { take, cosigned, deliver, finality, ofLiar, size: () => finality.sizeOf(liar.party) }
}

describe('a cosignature', () => {
  it.each([
    ['stateRoot', OTHER],
    ['block', OTHER],
    ['epoch', 1],
    ['root', OTHER],
  ] as const)('[CHK-2] [COS-4] counts only in every line: %s', (line, other) => {
    const { take, cosigned, size } = world()
    expect(take(cosigned(4, { [line]: other }))).toEqual(['astray', undefined])
    expect(take(cosigned(3, { [line]: other }))).toEqual(['astray', undefined])
    expect(size()).toBe(1)
    expect(take(cosigned(2))).toEqual(['new', undefined])
    expect(size()).toBe(2)
  })

  it('[EVI-2] of this log with another line is no evidence beside one of another size', () => {
    const { take, cosigned } = world()
    expect(take(cosigned(4))).toEqual(['new', undefined])
    expect(take(cosigned(3, { stateRoot: OTHER }))).toEqual(['astray', undefined])
    expect(take(cosigned(2, { epoch: 1 }))).toEqual(['astray', undefined])
    expect(take(cosigned(4, { stateRoot: OTHER }))).toEqual(['astray', 'two-checkpoints'])
  })

  it('[COS-4] [EVI-2] of another log is kept until it is evidence, whatever comes after it', () => {
    const { take, cosigned } = world()
    expect(take(cosigned(2, { stateRoot: OTHER }))).toEqual(['astray', undefined])
    expect(take(cosigned(2, { root: OTHER }))).toEqual(['astray', 'two-checkpoints'])
    expect(take(cosigned(3, { stateRoot: OTHER }))).toEqual(['astray', undefined])
    expect(take(cosigned(3, { root: '8'.repeat(64) }))).toEqual(['astray', undefined])
    expect(take(cosigned(4))).toEqual(['new', 'not-extended'])
  })

  it('[LIN-1] of all that a member has cosigned a FREEZE has room for one that counts, one beyond, and the largest of another log', () => {
    const { cosigned, deliver, finality, ofLiar } = world()
    const counts = cosigned(2)
    const beyond = { ...cosigned(4), size: 9 }
    const astray = [3, 4].map((size) => cosigned(size, { root: OTHER })) as [Cosignature, Cosignature]
    for (const one of [counts, ...astray]) deliver(one)
    finality.ahead.set(counts.party, beyond)
    expect(finality.all().filter(({ party }) => party === counts.party)).toHaveLength(4)
    expect(ofLiar()).toEqual([counts, beyond, astray[1]])
    // What was let go of may be on this log after all.
    finality.beside.set(counts.party, cosigned(4))
    expect(ofLiar()).toEqual([counts, beyond, astray[0]])
  })
})
