/** A contract halts that has a member which began at a checkpoint (EPO-15), and goes on with it. */
import { afterEach, describe, expect, it } from 'vitest'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import type { SignedStatement } from '../../src/ledger/certificate.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import type { Member } from '../support/engines.ts'
import { forkOf, meet, removeCopies } from '../support/forks.ts'
import { begunWorld } from '../support/vouched.ts'

afterEach(removeCopies)

/** What a party signed against itself in the first epoch. */
function twoVotesOf({ party, keys }: Member, contract: string): Evidence {
  const [first, second] = ['1', '2'].map((digit): SignedStatement => {
    const place = { contract, lineage: 0, epoch: 0, view: 1 }
    const statement = { ...place, type: 'VOTE' as const, block: digit.repeat(64) }
    const [signature] = signStatements(keys.vote.privateKey, [statement]) as [StatementSignature]
    return { statement, party, signature }
  }) as [SignedStatement, SignedStatement]
  return { kind: 'two-votes', party, first, second }
}

describe('a member that began at a checkpoint', () => {
  it.each([
    [1, 1],
    [2, 1],
    [1, 2],
  ])(
    '[EPO-15] [EVI-1] [LIN-1] goes on with the others behind a halt, with evidence of what it has not read: %i and %i blocks',
    (left, right) => {
      const { engines, contract, first, second, third, fourth, replicaOf } = begunWorld()
      expect(replicaOf(fourth).basis).toBeDefined()
      const evidence = twoVotesOf(second, contract)
      const epoch = replicaOf(first).epochs.number
      for (const member of [first, fourth]) {
        member.engine.deliver(third.party, [{ type: 'EVIDENCE', contract, epoch, evidence }], engines.nowMs)
        expect([...replicaOf(member).evidence.accused.keys()]).toEqual([second.party])
      }
      const forked = forkOf(engines, contract, [[0], [3]], [left, right], ['a', 'a'])
      meet(forked)
      for (const { engine } of forked.honest) {
        engine.freeze(contract)
        engines.pass(100)
      }
      engines.pass(20_000)
      const [shown] = first.store.freezes(contract).filter(({ statement }) => statement.party === first.party)
      expect(shown?.statement.evidence).toContainEqual(evidence)
      engines.set(fourth, contract, 'a', 'after')
      engines.pass(20_000)
      for (const member of [first, fourth]) {
        const replica = replicaOf(member)
        expect([replica.status, replica.lineage.number]).toEqual(['accepted', 1])
        expect(replica.lineage.leftOut).toEqual(new Set([second.party, third.party]))
        expect(replica.finalSize).toBe(replica.chain.height + 1)
        expect(replica.chain.tip.hash).toBe(replicaOf(first).chain.tip.hash)
        member.engine.flush()
        expect(checkIntegrity(member.store, contract, member.party).finding).toBeUndefined()
      }
    },
  )
})
