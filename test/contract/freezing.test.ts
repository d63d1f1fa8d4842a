/** A contract that two histories have halted goes on without who signed both (LIN-1 to LIN-3). */
import { afterEach, describe, expect, it } from 'vitest'
import { haltView } from '../../src/api/halt.ts'
import { rootUidOf, stateRoot } from '../../src/contract/state.ts'
import { cosign } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { freezeHolds, type SignedFreeze, signFreeze } from '../../src/ledger/freeze.ts'
import { requestIdsOf } from '../../src/ledger/turn.ts'
import { exportBundle } from '../../src/node/bundle.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import type { LineageLine } from '../../src/verify/bundle.ts'
import { BundleVerifier, type Report } from '../../src/verify/verifier.ts'
import { Engines, type Member } from '../support/engines.ts'
import { copyOf, type Fork, fork, meet, removeCopies } from '../support/forks.ts'

afterEach(removeCopies)

const replicaOf = ({ contract }: Pick<Fork, 'contract'>, { engine }: Member) => engine.replica(contract)

/** Each of these members freezes by its own act. */
function freeze({ engines, contract }: Fork, members: readonly Member[]): void {
  for (const { engine } of members) engine.freeze(contract)
  engines.pass(5000)
}

function expectSame(forked: Fork, members: readonly Member[], lineage: number): void {
  const [first, ...others] = members.map((member) => replicaOf(forked, member))
  if (!first) throw new Error('nobody is left')
  expect([first.lineage.number, first.status]).toEqual([lineage, 'accepted'])
  for (const other of others) {
    expect(other.status).toBe('accepted')
    expect(other.lineage.number).toBe(lineage)
    expect(other.lineage.base).toEqual(first.lineage.base)
    expect(other.members).toEqual(first.members)
    expect(other.chain.tip.hash).toBe(first.chain.tip.hash)
    expect(stateRoot(other.chain.tip.state)).toBe(stateRoot(first.chain.tip.state))
    expect(other.finalSize).toBe(first.finalSize)
  }
}

const CASES: [string, number, [number[], number[]], [number, number]][] = [
  ['one block each', 3, [[0], [1]], [1, 1]],
  ['a longer one', 3, [[0], [1]], [3, 1]],
  ['a longer other', 3, [[0], [1]], [1, 4]],
  ['four members, two liars', 4, [[0], [1]], [2, 1]],
  ['five members, two liars', 5, [[0, 1], [2]], [1, 3]],
  [
    'five members',
    5,
    [
      [0, 1],
      [2, 3],
    ],
    [2, 2],
  ],
]

describe('a contract with two committed histories', () => {
  it.each(CASES)(
    '[LIN-2] [LIN-3] goes on without the liars once every other member has frozen: %s',
    (_, count, sides, blocks) => {
      const forked = fork(count, sides, blocks)
      const { engines, contract, honest, liars } = forked
      meet(forked)
      for (const one of honest) expect(replicaOf(forked, one).status).toBe('halted')
      freeze(forked, honest)
      expectSame(forked, honest, 1)
      const [first] = honest as [Member]
      expect(replicaOf(forked, first).members).toEqual(honest.map(({ party }) => party))
      for (const { party } of liars) expect(replicaOf(forked, first).lineage.leftOut.has(party)).toBe(true)
      // Whichever history was given up: what was ordered in it was ordered anew, and is final.
      const size = replicaOf(forked, first).chain.height + 1
      expect(replicaOf(forked, first).finalSize).toBe(size)
      engines.set(honest.at(-1) as Member, contract, 'a', 'after')
      engines.pass(20_000)
      expectSame(forked, honest, 1)
      const { finalSize, chain } = replicaOf(forked, first)
      expect(finalSize).toBe(size + 1)
      expect(chain.tip.block.header.lineage).toBe(1)
      expect(chain.pool.size).toBe(0)
    },
  )

  it('[EPO-12] [LIN-3] LEAVE names what its author has cosigned in the lineage that it leaves', () => {
    const forked = fork(3, [[0], [1]], [1, 2])
    const { engines, contract, honest } = forked
    const [first, second] = honest as [Member, Member]
    meet(forked)
    freeze(forked, honest)
    engines.pass(20_000)
    expectSame(forked, honest, 1)
    second.engine.leave(contract, engines.nowMs)
    engines.pass(20_000)
    expect(replicaOf(forked, second).status).toBe('left')
    const { members, changes } = replicaOf(forked, first).chain.tip.state.epoch
    expect([members, changes], 'the turn takes the guilty out of the record as well').toEqual([
      [first.party],
      undefined,
    ])
    engines.set(first, contract, 'a', 'alone')
    engines.pass(5000)
    const { finalSize, chain } = replicaOf(forked, first)
    expect(finalSize).toBe(chain.height + 1)
  })

  it('[LIN-3] orders again what the history that was given up had ordered, and drops what only the liars asked for', () => {
    const forked = fork(3, [[0], [1]], [1, 3])
    const { engines, contract, honest, liar } = forked
    const [loser] = honest as [Member, Member]
    const given = requestIdsOf(replicaOf(forked, loser).chain.tip.block)
    expect(given).toHaveLength(1)
    engines.set(liar, contract, 'b', 'the liar’s')
    engines.pass(100)
    meet(forked)
    freeze(forked, honest)
    engines.pass(20_000)
    expectSame(forked, honest, 1)
    for (const member of honest) {
      const { store, engine } = member
      engine.flush()
      for (const id of given) expect(store.request(contract, id)?.outcome).toBeDefined()
      expect(replicaOf(forked, member).chain.pool.size).toBe(0)
    }
  })

  it('[LIN-1] [LIN-2] waits for a member that has not frozen, and names it', () => {
    const forked = fork(3, [[0], [1]])
    const { engines, contract, honest, liar } = forked
    const [first, second] = honest as [Member, Member]
    meet(forked)
    freeze(forked, [first])
    for (const member of honest) {
      const { status, freezing } = replicaOf(forked, member)
      expect([status, freezing.missing, freezing.frozen]).toEqual(['halted', [second.party], [first.party]])
    }
    expect(replicaOf(forked, first).freezing.outcome).toEqual({ missing: [second.party] })
    first.engine.freeze(contract)
    engines.boot(first, false)
    expect(replicaOf(forked, first).freezing.missing, 'after a restart too').toEqual([second.party])
    first.engine.freeze(contract)
    engines.settle()
    expect(first.store.freezes(contract), 'the same again is no other').toHaveLength(1)
    engines.boot(second, false)
    for (const one of honest) for (const other of honest) if (one !== other) engines.connect(one, other)
    second.engine.freeze(contract)
    engines.pass(5000)
    expectSame(forked, honest, 1)
    expect(replicaOf(forked, second).lineage.leftOut).toEqual(new Set([liar.party]))
  })

  it('[LIN-1] is frozen by an explicit act only, and only where somebody is shown to have signed two histories', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    const [member] = engines.members as [Member]
    const refused = expect.objectContaining({ code: 'conflict' })
    expect(() => member.engine.freeze(contract)).toThrow(refused)
    member.engine.replica(contract).halt('this node is broken')
    expect(() => member.engine.freeze(contract)).toThrow(refused)
    expect(() => member.engine.freeze(rootUidOf(contract).padEnd(64, '0'))).toThrow(
      expect.objectContaining({ code: 'unknown-contract' }),
    )
  })

  it('[LIN-3] stays in its lineage after a restart, and goes on', () => {
    const forked = fork(3, [[0], [1]], [2, 1])
    const { engines, contract, honest } = forked
    meet(forked)
    freeze(forked, honest)
    for (const member of honest) {
      member.engine.flush()
      engines.boot(member, false)
    }
    for (const one of honest) for (const other of honest) if (one !== other) engines.connect(one, other)
    engines.set(honest[1] as Member, contract, 'a', 'again')
    engines.pass(20_000)
    expectSame(forked, honest, 1)
    expect(replicaOf(forked, honest[0] as Member).finalSize).toBe(
      replicaOf(forked, honest[0] as Member).chain.height + 1,
    )
  })

  it('[LIN-1] [SGN-2] a FREEZE that was signed when its node died is the one that goes out, whatever is known by then', () => {
    const forked = fork(3, [[0], [1]], [1, 2])
    const { engines, contract, honest } = forked
    const [killed, other] = honest as [Member, Member]
    meet(forked)
    killed.engine.freeze(contract)
    const { append } = killed.journal
    killed.journal.append = (records) => {
      append(records)
      throw new Error('killed')
    }
    expect(() => killed.engine.turn(engines.nowMs)).toThrow('killed')
    killed.journal.append = append
    expect(killed.store.freezes(contract)).toEqual([])
    engines.disconnect(killed, other)
    engines.boot(killed, false)
    // What it holds now would make another: whose cosignatures were astray is on no disk.
    killed.engine.freeze(contract)
    freeze(forked, [other])
    engines.reconnect(killed, other)
    engines.pass(20_000)
    expectSame(forked, honest, 1)
    expect(killed.logs.filter(({ event }) => event === 'signer-refused')).toEqual([])
  })

  it('[LIN-3] tells the liar that it is a member no more, and asks it nothing', () => {
    const forked = fork(3, [[0], [1]])
    const { engines, contract, honest, liar } = forked
    for (const member of honest) engines.disconnect(liar, member)
    meet(forked)
    freeze(forked, honest)
    expect(replicaOf(forked, liar).status).toBe('accepted')
    engines.set(liar, contract, 'a', 'mine')
    for (const member of honest) engines.reconnect(liar, member)
    engines.pass(20_000)
    const { status, haltReason } = replicaOf(forked, liar)
    expect(status).toBe('halted')
    expect(haltReason).toMatch(/go on without it, in lineage 1/)
    expect(() => liar.engine.submit(contract, [], [], engines.nowMs, () => undefined)).toThrow(
      expect.objectContaining({ code: 'halted' }),
    )
    engines.set(honest[0] as Member, contract, 'a', 'without it')
    engines.pass(20_000)
    expectSame(forked, honest, 1)
    expect(replicaOf(forked, honest[0] as Member).chain.pool.size).toBe(0)
  })

  it('[LIN-3] a member that was away follows as soon as it is back', () => {
    const forked = fork(
      5,
      [
        [0, 1],
        [2, 3],
      ],
      [1, 3],
    )
    const { engines, contract, honest } = forked
    const [away, ...others] = honest as [Member, ...Member[]]
    meet(forked)
    for (const member of honest) member.engine.freeze(contract)
    engines.settle()
    expect(replicaOf(forked, away).lineage.number).toBe(1)
    engines.boot(away, false)
    for (const member of others) engines.disconnect(away, member)
    for (let round = 0; round < 3; round += 1) {
      engines.set(others[0] as Member, contract, 'a', `away ${round}`)
      engines.pass(20_000)
    }
    for (const member of others) engines.reconnect(away, member)
    engines.pass(20_000)
    expectSame(forked, honest, 1)
  })

  it('[AMN-2] [LIN-1] a member that lost its memory follows into the lineage before it signs anything', () => {
    const forked = fork(3, [[0], [1]], [1, 2])
    const { engines, contract, honest } = forked
    const [loser, other] = honest as [Member, Member]
    meet(forked)
    const forget = copyOf(loser)
    freeze(forked, honest)
    const own = replicaOf(forked, other)
      .freezing.of(0)
      .find(({ statement }) => statement.party === loser.party)
    forget()
    engines.boot(loser, true)
    engines.connect(loser, other)
    engines.connect(other, loser)
    engines.pass(30_000)
    expectSame(forked, honest, 1)
    engines.set(loser, contract, 'a', 'back again')
    engines.pass(30_000)
    expectSame(forked, honest, 1)
    const { finalSize, chain, freezing } = replicaOf(forked, loser)
    expect(finalSize).toBe(chain.height + 1)
    expect(freezing.of(0)).toContainEqual(own)
  })

  it('[LIN-1] is frozen by its members themselves where the policy says so', () => {
    const forked = fork(3, [[0], [1]], [1, 2], { freeze: 'automatic' })
    meet(forked)
    expectSame(forked, forked.honest, 1)
  })

  it('[LIN-1] can be frozen by a member that holds no history but one, once another has', () => {
    const forked = fork(5, [[0, 1], [2]], [1, 1])
    const { engines, contract, honest } = forked
    const [one, behind, other] = honest as [Member, Member, Member]
    for (const member of honest) if (member !== behind) engines.disconnect(behind, member)
    engines.reconnect(one, other)
    engines.pass(30_000)
    expect(honest.map((member) => replicaOf(forked, member).status)).toEqual(['halted', 'accepted', 'halted'])
    freeze(forked, [one, other])
    engines.disconnect(one, other)
    engines.line = (message) => (message.type === 'PROOF' || message.type === 'PROVE' ? undefined : message)
    engines.reconnect(behind, one)
    engines.settle()
    behind.engine.freeze(contract)
    engines.reconnect(behind, other)
    engines.reconnect(one, other)
    engines.pass(20_000)
    expectSame(forked, honest, 1)
  })

  it('[LIN-1] is shown as frozen, and how to go on, to a member to whom nothing else shows a second history', () => {
    const engines = new Engines(3)
    const [first, second] = engines.members as [Member, Member]
    const contract = engines.contract('{"a":"0"}')
    engines.pass(2000)
    const { freezing } = first.engine.replica(contract)
    Object.defineProperty(freezing, 'isCalledFor', { value: true })
    const shown = () =>
      haltView(
        second.engine.replica(contract),
        () => true,
        (party) => (party === first.party ? 'First' : party),
      )
    expect(shown()).toBeUndefined()
    first.engine.freeze(contract)
    engines.pass(2000)
    expect(second.engine.replica(contract).status).toBe('accepted')
    expect(shown()).toMatchObject({
      guilty: [],
      frozen: [{ name: 'First' }],
      next: expect.stringMatching(/^Frozen by First: .* then freeze/),
    })
    second.engine.freeze(contract)
    engines.pass(2000)
    expect(shown()?.next).toContain('Waiting for')
  })

  it('[EVI-4] [LIN-2] a FREEZE shown afterwards that leads elsewhere halts it again, and names a liar that was let in', () => {
    const forked = fork(4, [[0], [1]], [1, 1])
    const { engines, contract, honest, liars } = forked
    const [first, second] = honest as [Member, Member]
    meet(forked)
    freeze(forked, honest)
    expectSame(forked, honest, 1)
    const { freezing } = replicaOf(forked, first)
    const own = freezing.of(0).find(({ statement }) => statement.party === second.party) as SignedFreeze
    // The second has said something else before, which holds as well: now it is shown.
    const others = own.statement.cosignatures.map((left) => {
      const cosignatures = own.statement.cosignatures.filter((one) => one !== left)
      return signFreeze(second.keys.cosign.privateKey, { ...own.statement, cosignatures })
    })
    const late = others.find((one) => freezeHolds(one, freezing.contextOf(0)))
    if (late === undefined) throw new Error('none of its cosignatures may be left out')
    first.engine.deliver(
      second.party,
      [{ type: 'FREEZE', contract, lineage: 1, freeze: late }],
      engines.nowMs,
    )
    engines.settle()
    const { status, haltReason, evidence, roster } = replicaOf(forked, first)
    expect(status).toBe('halted')
    expect(haltReason).toContain(second.party)
    const [proof] = evidence.accused.get(second.party) ?? []
    expect(proof?.evidence.kind).toBe('two-freezes')
    expect(proof && roster.proves(proof.evidence)).toBe(true)
    for (const { party } of liars) expect(evidence.accused.has(party)).toBe(true)
    engines.boot(first, false)
    expect(replicaOf(forked, first)).toMatchObject({ status: 'halted', haltReason })
  })

  it('[LIN-1] refuses FREEZEs that do not hold, and takes no third of one party', () => {
    const forked = fork(3, [[0], [1]])
    const { engines, contract, honest, liar } = forked
    const [first, second] = honest as [Member, Member]
    const genuine = ({ keys, party }: Member, digit: string) => {
      const [root, block, stateRoot] = ['a', 'b', digit].map((one) => one.repeat(64)) as [
        string,
        string,
        string,
      ]
      const checkpoint = { contract, lineage: 0, epoch: 0, size: 9, root, block, stateRoot }
      return cosign(keys.cosign.privateKey, party, checkpoint, 1)
    }
    meet(forked)
    freeze(forked, [second])
    const [own] = replicaOf(forked, first).freezing.of() as [SignedFreeze]
    const deliver = (freeze: SignedFreeze): void =>
      first.engine.deliver(second.party, [{ type: 'FREEZE', contract, freeze }], engines.nowMs)
    const altered = { ...own.statement, cosignatures: own.statement.cosignatures.slice(1) }
    deliver({ ...own, statement: altered })
    expect(first.logs.at(-1)).toMatchObject({ event: 'message-refused', detail: { code: 'bad-evidence' } })
    const uncommitted = { ...own.statement.history }
    delete uncommitted.finalization
    deliver(signFreeze(second.keys.cosign.privateKey, { ...own.statement, history: uncommitted }))
    expect(replicaOf(forked, first).freezing.of()).toEqual([own])
    const accusation: Evidence = {
      kind: 'two-checkpoints',
      party: liar.party,
      contract,
      lineage: 0,
      first: genuine(liar, '1'),
      second: genuine(liar, '2'),
    }
    for (const evidence of [[], [accusation]])
      deliver(signFreeze(second.keys.cosign.privateKey, { ...own.statement, evidence }))
    expect(replicaOf(forked, first).freezing.of()).toHaveLength(2)
  })

  it('[BUN-1] [BUN-2] [LIN-3] is exported with what led to its lineage, which the verifier computes again', () => {
    const forked = fork(4, [[0], [1]], [2, 1])
    const { engines, contract, honest, liars } = forked
    meet(forked)
    freeze(forked, honest)
    engines.set(honest[0] as Member, contract, 'a', 'after')
    engines.pass(20_000)
    const trusted = new Set(engines.members.map(({ party }) => party))
    const audit = (lines: readonly string[]): Report => {
      const verifier = new BundleVerifier({ trusted })
      for (const line of lines) verifier.line(line)
      return verifier.end()
    }
    for (const { engine, store, party } of honest) {
      engine.flush()
      const lines = [...exportBundle(store, contract, party)].map((line) => line.slice(0, -1))
      const report = audit(lines)
      expect(report.finding).toBeUndefined()
      expect(report).toMatchObject({
        verdict: 'valid',
        lineage: 1,
        leftOut: liars.map(({ party: one }) => ({ party: one })),
        height: engine.replica(contract).chain.height,
        tentativeHeights: 0,
      })
      expect(report.checkpoint).toContain(`countersign/${contract}/1`)
      const at = lines.findIndex((line) => line.startsWith('{"type":"lineage"'))
      const line = JSON.parse(lines[at] as string) as LineageLine
      const without = (change: Partial<LineageLine>) => lines.with(at, JSON.stringify({ ...line, ...change }))
      const { lineage, freezes } = line
      const [one] = freezes as [SignedFreeze]
      const forged = { ...one, statement: { ...one.statement, evidence: [] } }
      for (const [rule, altered] of [
        ['BLK-1', lines.toSpliced(at, 1)],
        ['LIN-2', without({ freezes: [one] })],
        ['LIN-1', without({ freezes: [forged, ...freezes.slice(1)] })],
        ['LIN-3', without({ lineage: { ...lineage, members: engines.members.map(({ party: id }) => id) } })],
        ['LIN-3', without({ lineage: { ...lineage, lineage: 2 } })],
        ['LIN-3', lines.toSpliced(at, 1).toSpliced(at - 1, 0, lines[at] as string)],
        ['LIN-1', lines.toSpliced(at, 0, lines[at] as string)],
        [
          'BUN-1',
          lines.map((text) =>
            text.replace('{"type":"cosignature","lineage":1,', '{"type":"cosignature","lineage":2,'),
          ),
        ],
        [
          'CHK-2',
          lines.map((text) => text.replace('{"type":"cosignature","lineage":1,', '{"type":"cosignature",')),
        ],
      ] as const)
        expect(audit(altered).finding?.rule, `${rule} ${JSON.stringify(audit(altered).finding)}`).toBe(rule)
      expect(checkIntegrity(store, contract, party)).toMatchObject({ ok: true })
    }
  })
})
