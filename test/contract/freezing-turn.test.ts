/** Two committed histories that part before, at or after a turn of the epoch: the contract goes on without who signed both. */
import { afterEach, describe, expect, it } from 'vitest'
import { stateRoot } from '../../src/contract/state.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import type { SignedStatement } from '../../src/ledger/certificate.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { freezeId, makeFreeze, type SignedFreeze, signFreeze } from '../../src/ledger/freeze.ts'
import { History } from '../../src/ledger/freeze-history.ts'
import { exportBundle } from '../../src/node/bundle.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import { ownFreeze } from '../../src/node/own-freeze.ts'
import { audit } from '../support/audit.ts'
import type { Engines, Member } from '../support/engines.ts'
import { type Fork, forkAtTurn, meet, removeCopies } from '../support/forks.ts'

afterEach(removeCopies)

const replicaOf = ({ contract }: Pick<Fork, 'contract'>, { engine }: Member) => engine.replica(contract)

/** All of the first three want another policy; its turn is left to come. */
function decidePolicy(engines: Engines, contract: string): void {
  const [first, ...others] = engines.members as [Member, ...Member[]]
  const { policy } = first.engine.replica(contract).electorate
  const expiresMs = engines.nowMs + 3_600_000
  const changed = { ...policy, clockBoundMs: policy.clockBoundMs + 1000 }
  const operation = { op: 'policy', policy: changed, expiresMs } as const
  const change = first.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  for (const { engine } of others)
    engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
  engines.pass(6000)
}

/** The fourth is invited by all and accepts. */
function decideJoining(engines: Engines, contract: string): void {
  const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
  const expiresMs = engines.nowMs + 3_600_000
  const operation = { op: 'invite', card: fourth.card, role: 'member', older: true, expiresMs } as const
  const change = first.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  for (const { engine } of [second, third])
    engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
  engines.pass(6000)
  fourth.engine.accept(contract, engines.nowMs)
  engines.pass(9000)
}

/** One replaces all its keys. */
function decideCard(engines: Engines, contract: string, place: number): void {
  const member = engines.member(place)
  const card = engines.rekey(member)
  const operation = { op: 'card', card, expiresMs: engines.nowMs + 3_600_000 } as const
  member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  engines.pass(9000)
}

/** Both sides have halted, and accuse the liar and nobody else, by what holds. */
function expectHalted(forked: Fork, gone: readonly Member[]): void {
  const { honest, liars, sides } = forked
  for (const [index, member] of honest.entries()) {
    const { status, evidence, roster } = replicaOf(forked, member)
    const accused = [...evidence.accused.keys()]
    // Whoever else is on the shorter side, or has left, may hear of it with the first FREEZE only.
    if (index <= sides[0].length && !gone.includes(member)) expect(status).toBe('halted')
    const lying = liars.map(({ party }) => party)
    expect(lying).toEqual(expect.arrayContaining(accused))
    // What who has left was shown by one of them alone comes with its FREEZE.
    if (status === 'halted' && gone.length === 0) expect(accused.sort()).toEqual(lying.sort())
    for (const list of evidence.accused.values())
      for (const { evidence: one } of list) expect(roster.proves(one), one.kind).toBe(true)
  }
}

/** gone: those of the honest that are out in the end. */
function expectOn(forked: Fork, gone: readonly Member[] = []): void {
  expectHalted(forked, gone)
  const { engines, contract, liars } = forked
  const honest = forked.honest.filter((member) => !gone.includes(member))
  const [first] = honest as [Member]
  const guilty = liars.map(({ party }) => party)
  const finals = honest.map((member) => {
    const { chain, finalSize } = replicaOf(forked, member)
    return [finalSize, chain.log.root(finalSize)] as const
  })
  for (const { engine } of forked.honest) {
    engine.freeze(contract)
    engines.pass(1500)
  }
  engines.pass(20_000)
  engines.set(honest.at(-1) as Member, contract, 'a', 'after')
  engines.pass(20_000)
  const { chain, members } = replicaOf(forked, first)
  expect(members).toEqual(honest.map(({ party }) => party))
  for (const member of honest) {
    const replica = replicaOf(forked, member)
    expect([replica.status, replica.lineage.number]).toEqual(['accepted', 1])
    expect(replica.chain.tip.hash).toBe(chain.tip.hash)
    expect(stateRoot(replica.chain.tip.state)).toBe(stateRoot(chain.tip.state))
    expect(replica.finalSize).toBe(replica.chain.height + 1)
    expect(replica.lineage.leftOut).toEqual(new Set(guilty))
    for (const [size, root] of finals) expect(replica.chain.log.root(size)).toBe(root)
    member.engine.flush()
    const lines = [...exportBundle(member.store, contract, member.party)].map((line) => line.slice(0, -1))
    const report = audit(
      lines,
      engines.members.map(({ party }) => party),
    )
    expect([report.verdict, report.finding, report.lineage]).toEqual(['valid', undefined, 1])
    expect(checkIntegrity(member.store, contract, member.party).finding).toBeUndefined()
  }
  for (const member of gone) expect(replicaOf(forked, member).status).toBe('left')
}

/** Where the next lineage began. */
const beganAt = (forked: Fork): string | undefined =>
  replicaOf(forked, forked.honest[0] as Member).lineage.base.block

/** What no honest member signs. */
function twoVotesOf({ party, keys }: Member, contract: string): Evidence {
  const [first, second] = ['1', '2'].map((digit) => {
    const place = { contract, lineage: 0, epoch: 0, view: 900 }
    const statement = { ...place, type: 'VOTE' as const, block: digit.repeat(64) }
    const [signature] = signStatements(keys.vote.privateKey, [statement]) as [StatementSignature]
    return { statement, party, signature }
  }) as [SignedStatement, SignedStatement]
  return { kind: 'two-votes', party, first, second }
}

const epochsOf = (forked: Fork): number[] =>
  forked.honest.map((member) => replicaOf(forked, member).electorate.epoch)

describe('two committed histories', () => {
  it('[EVI-3] [LIN-2] [LIN-3] that part before a turn, which both have had', () => {
    const forked = forkAtTurn(3, [[0], [1]], decidePolicy, { before: 2, turns: true })
    expect(epochsOf(forked)).toEqual([1, 1])
    meet(forked)
    expectOn(forked)
  })

  it('[EVI-3] [LIN-2] [LIN-3] that part at a turn, which both have had and one has in another block', () => {
    const forked = forkAtTurn(3, [[0], [1]], decidePolicy, { before: 0, turns: true })
    expect(epochsOf(forked)).toEqual([1, 1])
    meet(forked)
    expectOn(forked)
  })

  it('[LIN-1] [LIN-2] [LIN-3] that part after a turn', () => {
    const turned = (engines: Engines, contract: string): void => {
      engines.line = (message) => message
      decidePolicy(engines, contract)
    }
    const forked = forkAtTurn(3, [[0], [1]], turned, { before: 0, turns: true })
    expect(epochsOf(forked)).toEqual([1, 1])
    meet(forked)
    expectOn(forked)
  })

  it.each([0, 1, 2])(
    '[EPO-2] [LIN-1] [LIN-3] that part at a turn that brings new keys of member %i',
    (place) => {
      const decide = (engines: Engines, contract: string): void => decideCard(engines, contract, place)
      const forked = forkAtTurn(3, [[0], [1]], decide, { before: 0, turns: true })
      expect(epochsOf(forked)).toEqual([1, 1])
      meet(forked)
      expectOn(forked)
    },
  )

  it('[EPO-11] [LIN-1] [LIN-3] that part at a turn that lets a fourth in, one of which ends with it', () => {
    const forked = forkAtTurn(4, [[0, 3], [1]], decideJoining, { before: 0, turns: true }, 3)
    expect(epochsOf(forked)).toEqual([1, 1, 1])
    const tips = forked.honest.map((member) => replicaOf(forked, member).chain.tip.block.header.epoch)
    expect(tips).toEqual([1, 1, 0])
    meet(forked)
    forked.honest.sort((a, b) => forked.engines.members.indexOf(a) - forked.engines.members.indexOf(b))
    expectOn(forked)
  })

  // The left counts up to its turn: of as many members the longer of the two goes on.
  it.each([
    [3, [[0], [1]], 1, 1, 'left'],
    [3, [[0], [1]], 0, 2, 'right'],
    [4, [[0], [1]], 1, 1, 'left'],
    [4, [[0], [1]], 0, 2, 'right'],
    [5, [[0, 1], [2]], 0, 3, 'left'],
    [5, [[0], [1, 2]], 1, 1, 'right'],
  ] as [number, [number[], number[]], number, number, string][])(
    '[LIN-1] [LIN-2] that part before a turn, which only one has had: of %i, %j, with %i and %i blocks before, the %s',
    (count, sides, left, before, side) => {
      const forked = forkAtTurn(count, sides, decidePolicy, { before, turns: false, left })
      expect(epochsOf(forked)).toEqual(sides.flatMap((places, at) => places.map(() => 1 - at)))
      meet(forked)
      expectOn(forked)
      expect(beganAt(forked)).toBe(side === 'left' ? forked.tips[0] : forked.tips.at(-1))
    },
  )

  it.each([0, 1, 2].flatMap((place) => [[place, 1, 1, 'left'] as const, [place, 0, 2, 'right'] as const]))(
    '[EPO-2] [LIN-1] that part before a turn that brings new keys of member %i, which only one has had: with %i and %i blocks before, the %s',
    (place, left, before, side) => {
      const decide = (engines: Engines, contract: string): void => decideCard(engines, contract, place)
      const forked = forkAtTurn(3, [[0], [1]], decide, { before, turns: false, left })
      expect(epochsOf(forked)).toEqual([1, 0])
      meet(forked)
      expectOn(forked)
      expect(beganAt(forked)).toBe(side === 'left' ? forked.tips[0] : forked.tips.at(-1))
    },
  )

  it.each([
    [1, 1, 'left'],
    [0, 2, 'right'],
  ] as const)(
    '[EPO-13] [LIN-1] [LIN-2] that part before a turn that lets a fourth in, which only one has had: with %i and %i blocks before, the %s',
    (left, before, side) => {
      const forked = forkAtTurn(4, [[0, 3], [1]], decideJoining, { before, turns: false, left }, 3)
      const [one, fourth, other] = forked.honest as [Member, Member, Member]
      expect(epochsOf(forked)).toEqual([1, 1, 0])
      meet(forked)
      forked.honest = [one, other, fourth]
      const [tip, , last] = forked.tips
      forked.sides = [[0, 1], [3]]
      expectOn(forked)
      expect(beganAt(forked)).toBe(side === 'left' ? tip : last)
    },
  )

  it.each([
    [1, 1],
    [2, 1],
    [0, 2],
  ])(
    '[LIN-1] [LIN-2] that part before a turn that lets a fourth in, who has followed the other: with %i and %i blocks before',
    (left, before) => {
      const forked = forkAtTurn(4, [[0], [1, 3]], decideJoining, { before, turns: false, left }, 3)
      expect(epochsOf(forked)).toEqual([1, 0, 0])
      expect(replicaOf(forked, forked.engines.member(3)).epochs.part).toBe('guest')
      const sizes = forked.honest.map((member) => replicaOf(forked, member).chain.height + 1)
      meet(forked)
      expectOn(forked)
      // One stands on either, and the fourth on what is common.
      expect(replicaOf(forked, forked.honest[0] as Member).lineage.base.size).toBeLessThan(Math.min(...sizes))
    },
  )

  it('[LIN-1] of a liar’s FREEZEs two are kept, and one that alone brings a key by which another’s holds', () => {
    const forked = forkAtTurn(4, [[0], [1, 3]], decideJoining, { before: 1, turns: false, left: 1 }, 3)
    const { contract, liar } = forked
    const [left, right] = forked.honest as [Member, Member]
    const { freezing } = replicaOf(forked, right)
    const by = (shown: Member, evidence: Evidence[]): SignedFreeze => {
      const replica = replicaOf(forked, shown)
      const { statement } = ownFreeze(replica, replica.freezing.contextOf(0))
      const history = new History(statement.history)
      const own = statement.cosignatures.filter((one) => one.party === liar.party && history.holds(one))
      const others = statement.cosignatures.filter(({ party }) => party !== liar.party)
      const made = makeFreeze(contract, 0, liar.party, statement.history, [...others, ...own], evidence)
      return signFreeze(liar.keys.cosign.privateKey, made)
    }
    const votes = twoVotesOf(liar, contract)
    const [one, two, bringing, late] = [by(right, []), by(right, [votes]), by(left, []), by(left, [votes])]
    for (const freeze of [one, two, bringing, late]) freezing.take(freeze)
    expect(freezing.of(0).map(freezeId)).toEqual([one, two, bringing].map(freezeId))
  })

  it('[EVI-3] [EPO-9] and a cosignature of the one, by the key of a card that has yet to come in on the other, is asked about', () => {
    const decide = (engines: Engines, contract: string): void => decideCard(engines, contract, 0)
    const forked = forkAtTurn(3, [[0], [1]], decide, { before: 3, turns: false })
    const [left, right] = forked.honest as [Member, Member]
    const cosignature = replicaOf(forked, left).finality.cosignatures.get(left.party) as Cosignature
    const { finality, chain } = replicaOf(forked, right)
    expect([cosignature.epoch, cosignature.size <= chain.height + 1]).toEqual([1, true])
    expect(finality.take(cosignature, chain, forked.engines.nowMs)).toEqual({ result: 'astray' })
  })

  // What the leaving member cosigned last is on every history: where as many stand on either, the lineage begins there.
  it.each([
    [[[0, 1], [2]], 1, 1],
    [[[0], [2, 1]], 0, 2],
  ] as [[number[], number[]], number, number][])(
    '[EPO-12] [LIN-1] [LIN-2] that part before a turn by which a member leaves: %j, with %i and %i blocks before',
    (sides, left, before) => {
      let last = ''
      const leaves = (engines: Engines, contract: string): void => {
        last = engines.member(1).engine.replica(contract).chain.tip.hash
        engines.member(1).engine.leave(contract, engines.nowMs)
        engines.pass(9000)
      }
      const forked = forkAtTurn(5, sides, leaves, { before, turns: false, left })
      const { engines, contract } = forked
      const gone = engines.member(1)
      meet(forked)
      expectOn(forked, [gone])
      expect(beganAt(forked)).toBe(last)
      expect(gone.engine.replica(contract).electorate.members).not.toContain(gone.party)
    },
  )

  it.each([
    [1, 1, 'left'],
    [0, 2, 'right'],
  ] as const)(
    '[EPO-4] [LIN-1] [LIN-2] that part before a turn by which a liar is removed: with %i and %i blocks before, the %s',
    (left, before, side) => {
      const removes = (engines: Engines, contract: string): void => {
        const evidence = twoVotesOf(engines.member(2), contract)
        const { engine } = engines.member(0)
        engine.submit(contract, [{ op: 'remove', evidence }], [], engines.nowMs, () => undefined)
        engines.pass(9000)
      }
      const forked = forkAtTurn(4, [[0], [1]], removes, { before, turns: false, left })
      expect(epochsOf(forked)).toEqual([1, 0])
      meet(forked)
      expectOn(forked)
      expect(beganAt(forked)).toBe(side === 'left' ? forked.tips[0] : forked.tips.at(-1))
    },
  )
})
