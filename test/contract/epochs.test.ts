/** Members that come and go, with real engines: the way from a request on the epoch to the next epoch's finals (EPO-1…). */
import { describe, expect, it } from 'vitest'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import { blockHash, type LedgerBlock } from '../../src/ledger/block.ts'
import type { Statement } from '../../src/ledger/certificate.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { commitmentsOf } from '../../src/ledger/request.ts'
import { isTick } from '../../src/ledger/turn.ts'
import { exportBundle } from '../../src/node/bundle.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import { lapseOf } from '../../src/node/lapse.ts'
import { requestStatus } from '../../src/node/request-status.ts'
import type { RequestRecord } from '../../src/store/store.ts'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

const DAY_MS = 24 * 3_600_000

function ask(engines: Engines, member: Member, contract: string, operation: EpochOperation): string {
  return member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
}

function invite(engines: Engines, by: Member, contract: string, guest: Member, more: object = {}): string {
  const expiresMs = engines.nowMs + DAY_MS
  const operation = {
    op: 'invite',
    card: guest.card,
    role: 'member',
    older: true,
    expiresMs,
    ...more,
  } as const
  return ask(engines, by, contract, operation as EpochOperation)
}

function vote(
  engines: Engines,
  members: readonly Member[],
  contract: string,
  change: string,
  yes = true,
): void {
  for (const member of members) ask(engines, member, contract, { op: 'vote', change, yes })
}

/** Invited by the first member, let in by the others, accepted. */
function admit(engines: Engines, contract: string, guest: Member, more: object = {}): void {
  const [by, ...others] = inThe(engines, contract)
  const change = invite(engines, by as Member, contract, guest, more)
  engines.pass(3000)
  vote(engines, others, contract, change)
  engines.pass(5000)
  guest.engine.accept(contract, engines.nowMs)
  engines.pass(8000)
}

const replicaOf = (member: Member, contract: string) => member.engine.replica(contract)
const epochAt = (member: Member, contract: string) => replicaOf(member, contract).epochs.number
const inThe = (engines: Engines, contract: string): Member[] =>
  engines.members.filter(({ engine }) => engine.replicas.get(contract)?.epochs.part === 'member')

/** All members stand at one height, of one state, and all of it is final. */
function expectAgreement(engines: Engines, contract: string): void {
  const replicas = inThe(engines, contract).map((member) => replicaOf(member, contract))
  const [first] = replicas
  expect(replicas.map(({ chain }) => chain.tip.hash)).toEqual(replicas.map(() => first?.chain.tip.hash))
  expect(replicas.map(({ finalSize }) => finalSize)).toEqual(replicas.map(({ chain }) => chain.height + 1))
  for (const { store } of engines.members) expect(store.evidence(contract)).toEqual([])
}

function verdictOf(engines: Engines, member: Member, contract: string) {
  const verifier = new BundleVerifier({ trusted: new Set(engines.members.map(({ party }) => party)) })
  for (const line of exportBundle(member.store, contract, member.party)) verifier.line(line.slice(0, -1))
  return verifier.end()
}

describe('a party that is invited', () => {
  it('[EPO-5] [EPO-9] [EPO-13] comes in once all have said yes and it has read the ledger; the contract goes on with it', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    engines.set(first, contract, 'a', '2')
    engines.pass(3000)
    const change = invite(engines, first, contract, fourth)
    engines.pass(3000)
    vote(engines, [second], contract, change)
    engines.pass(3000)
    expect(fourth.engine.replicas.has(contract), 'who is not let in by all is shown nothing').toBe(false)
    vote(engines, [third], contract, change)
    engines.pass(5000)
    expect(replicaOf(fourth, contract).epochs.part).toBe('guest')
    expect(replicaOf(first, contract).members).toHaveLength(3)
    fourth.engine.accept(contract, engines.nowMs)
    engines.pass(5000)
    for (const member of engines.members) expect(epochAt(member, contract)).toBe(1)
    engines.set(fourth, contract, 'a', '3')
    engines.pass(5000)
    expect(inThe(engines, contract)).toHaveLength(4)
    expectAgreement(engines, contract)
    for (const member of engines.members) {
      expect(verdictOf(engines, member, contract)).toMatchObject({ verdict: 'valid', tentativeHeights: 0 })
      member.engine.flush()
      expect(checkIntegrity(member.store, contract, member.party).finding).toBeUndefined()
    }
  })

  it('[ORD-10] is sent, in the new epoch’s name, a block that it asks for in it', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    admit(engines, contract, fourth)
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    const { tip } = replicaOf(first, contract).chain
    const sent: WireMessage[] = []
    engines.line = (message) => {
      sent.push(message)
      return message
    }
    const blocks = [tip.hash, tip.block.header.parent]
    first.engine.deliver(fourth.party, [{ type: 'FETCH', contract, epoch: 1, blocks }], engines.nowMs)
    engines.settle()
    const proposed = sent.filter(({ type }) => type === 'PROPOSE')
    expect(proposed.map(({ epoch, block }) => [epoch, blockHash((block as LedgerBlock).header)])).toEqual(
      blocks.map((hash) => [1, hash]),
    )
  })

  it('[EPO-7] two that are invited at the same moment by different members both get in', () => {
    const engines = new Engines(5)
    const [first, second, third, fourth, fifth] = engines.members as [Member, Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    const one = invite(engines, first, contract, fourth)
    const two = invite(engines, second, contract, fifth)
    engines.pass(3000)
    vote(engines, [second, third], contract, one)
    vote(engines, [first, third], contract, two)
    engines.pass(5000)
    fourth.engine.accept(contract, engines.nowMs)
    fifth.engine.accept(contract, engines.nowMs)
    engines.pass(20_000)
    expect(inThe(engines, contract)).toHaveLength(5)
    expect(epochAt(first, contract)).toBe(2)
    engines.set(fifth, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(verdictOf(engines, fourth, contract).verdict).toBe('valid')
  })

  it('[EPO-5] [EPO-6] stays out where one says no, or where its invitation lapses', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    const refused = invite(engines, first, contract, fourth)
    engines.pass(3000)
    vote(engines, [second], contract, refused, false)
    engines.pass(3000)
    expect(replicaOf(first, contract).chain.tip.state.epoch.changes).toBeUndefined()
    const late = invite(engines, first, contract, fourth, { expiresMs: engines.nowMs + 60_000 })
    engines.pass(3000)
    vote(engines, [second], contract, late)
    engines.pass(60_000, 500)
    vote(engines, [third], contract, late)
    engines.pass(5000)
    expect(fourth.engine.replicas.has(contract)).toBe(false)
    expect(epochAt(first, contract)).toBe(0)
    expectAgreement(engines, contract)
  })

  it('[EPO-6] [EPO-14] that accepts while its invitation lapses keeps nobody waiting: what it signed is dropped', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    const change = invite(engines, first, contract, fourth, { expiresMs: engines.nowMs + 30_000 })
    engines.pass(3000)
    vote(engines, [second, third], contract, change)
    engines.pass(20_000, 500)
    engines.line = (message) => (message.type === 'PROPOSE' ? undefined : message)
    fourth.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
    const waiting = () => engines.members.map((member) => replicaOf(member, contract).chain.pool.size)
    expect(waiting()).toEqual([1, 1, 1, 1])
    engines.line = (message) => message
    engines.pass(30_000)
    expect(isTick(replicaOf(first, contract).chain.tip.block)).toBe(true)
    expect(waiting()).toEqual([0, 0, 0, 0])
    expect(epochAt(first, contract)).toBe(0)
  })
})

describe('what is due', () => {
  it('[EPO-14] [ORD-6] happens by a TICK in a contract in which nobody writes, and then nothing more is sent', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    invite(engines, first, contract, fourth, { expiresMs: engines.nowMs + 60_000 })
    engines.pass(50_000, 500)
    const { height } = replicaOf(first, contract).chain
    expect(replicaOf(first, contract).chain.tip.state.epoch.changes).toHaveLength(1)
    engines.pass(20_000, 500)
    for (const member of inThe(engines, contract)) {
      const { chain } = replicaOf(member, contract)
      expect(chain.height).toBe(height + 1)
      expect(isTick(chain.tip.block)).toBe(true)
      expect(chain.tip.state.epoch.changes).toBeUndefined()
    }
    expectAgreement(engines, contract)
    expect(verdictOf(engines, first, contract).verdict).toBe('valid')
    let sent = 0
    engines.line = (message) => {
      sent += 1
      return message
    }
    engines.pass(60_000, 500)
    expect(sent).toBe(0)
  })

  it('[EPO-14] is not proposed before its time by anybody: voters refuse it', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    invite(engines, first, contract, fourth, { expiresMs: engines.nowMs + 60_000 })
    engines.pass(5000)
    const { chain } = replicaOf(first, contract)
    const { header } = chain.tip.block
    const early = { ...header, height: header.height + 1, view: header.view + 1, timeMs: header.timeMs + 1 }
    const block = {
      header: { ...early, parent: chain.tip.hash, logRoot: chain.log.root(chain.log.size) },
      entries: [{ kind: 'tick' as const }] as [{ kind: 'tick' }],
    }
    expect(chain.check(blockHash(block.header), block)).toEqual({ status: 'invalid', code: 'wrong-tick' })
  })
})

describe('a party that is not shown former values', () => {
  /** A field that has been written twice before the fourth is invited. */
  function written() {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1","b":"kept"}', 3)
    const former = engines.set(first, contract, 'a', '2')
    engines.pass(3000)
    const current = engines.set(first, contract, 'a', '3')
    engines.pass(3000)
    return { engines, first, fourth, contract, former, current }
  }

  it('[EPO-13] [VAL-2] verifies the ledger without them, is given what is current, and votes and exports', () => {
    const { engines, first, fourth, contract, former, current } = written()
    const shown: string[] = []
    engines.line = (message, _, to) => {
      if (to === fourth.party) shown.push(JSON.stringify(message))
      return message
    }
    admit(engines, contract, fourth, { older: false })
    const openingsOf = (request: string) => {
      const commitments = commitmentsOf(first.store.request(contract, request)?.request.operations ?? [])
      return fourth.store.openings(contract, commitments).size
    }
    expect([openingsOf(former), openingsOf(current)]).toEqual([0, 1])
    expect(shown.some((text) => text.includes('"value":"kept"'))).toBe(true)
    expect(
      shown.some((text) => /"value":"[12]"/.test(text)),
      'no message held a former value',
    ).toBe(false)
    engines.set(fourth, contract, 'a', '4')
    engines.pass(5000)
    expectAgreement(engines, contract)
    const report = verdictOf(engines, fourth, contract)
    expect(report).toMatchObject({ verdict: 'valid', recomputed: { takenOutcomes: 1 } })
    expect(verdictOf(engines, first, contract).recomputed.takenOutcomes).toBe(0)
    fourth.engine.flush()
    expect(checkIntegrity(fourth.store, contract, fourth.party).finding).toBeUndefined()
    engines.boot(fourth, false)
    for (const other of engines.members) if (other !== fourth) engines.reconnect(fourth, other)
    engines.set(first, contract, 'a', '5')
    engines.pass(8000)
    expectAgreement(engines, contract)
  })

  it('[EPO-13] [REQ-2] passes on no request of which it lacks a value', () => {
    const { engines, first, fourth, contract, former, current } = written()
    admit(engines, contract, fourth, { older: false })
    const told: string[] = []
    engines.line = (message, from) => {
      if (from === fourth.party && message.type === 'REQUEST') told.push(JSON.stringify(message.openings))
      return message
    }
    const fetch = { type: 'FETCH', contract, epoch: 1, requests: [former, current] } as const
    fourth.engine.deliver(first.party, [{ ...fetch, requests: [...fetch.requests] }], engines.nowMs)
    engines.settle()
    expect(told).toHaveLength(1)
    expect(told.join()).toContain('"value":"3"')
  })

  it('[VAL-2] who was in all the time lacks none: an export without one is invalid', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    engines.set(first, contract, 'a', '2')
    engines.pass(3000)
    admit(engines, contract, fourth, { older: false })
    const lines = [...exportBundle(first.store, contract, first.party)].map((line) => JSON.parse(line))
    const verdict = (): string => {
      const verifier = new BundleVerifier({ trusted: new Set(engines.members.map(({ party }) => party)) })
      for (const line of lines) verifier.line(JSON.stringify(line))
      const { verdict, finding } = verifier.end()
      return `${verdict} ${finding?.rule}`
    }
    lines[1].openings = []
    expect(verdict()).toBe('invalid VAL-2')
    lines[0].exporter = fourth.party
    expect(verdict()).toBe('valid undefined')
    const last = lines.findLast((line) => line.type === 'ledger-block' && line.openings.length > 0)
    last.openings = []
    expect(verdict()).toBe('valid undefined')
  })
})

describe('a member that leaves', () => {
  it('[EPO-12] [COS-3] cosigns no more, reports nothing after as final, and is out; the others go on', () => {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    const { finalSize } = replicaOf(third, contract)
    third.engine.leave(contract, engines.nowMs)
    engines.pass(10_000)
    expect(replicaOf(third, contract).status).toBe('left')
    expect(replicaOf(third, contract).finalSize).toBe(finalSize)
    for (const member of [first, second]) expect(replicaOf(member, contract).members).toHaveLength(2)
    engines.set(second, contract, 'a', '3')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(verdictOf(engines, first, contract)).toMatchObject({ verdict: 'valid', tentativeHeights: 0 })
    expect(() => engines.set(third, contract, 'a', '4')).toThrow(/has left/)
  })
})

describe('an observer', () => {
  it('[EPO-2] holds and verifies all, is never counted, and may write nothing', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    admit(engines, contract, fourth, { role: 'observer' })
    const replica = replicaOf(fourth, contract)
    expect(replica.epochs.part).toBe('observer')
    engines.disconnect(fourth, first)
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(replica.chain.height).toBe(replicaOf(first, contract).chain.height)
    expect(replica.finalSize).toBe(replica.chain.height + 1)
    expect(() => engines.set(fourth, contract, 'a', '3')).toThrow(/observ/)
  })

  it('[EPO-12] leaves as a member does, though it has cosigned nothing', () => {
    const engines = new Engines(4)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    admit(engines, contract, fourth, { role: 'observer' })
    fourth.engine.leave(contract, engines.nowMs)
    engines.pass(10_000)
    expect(replicaOf(fourth, contract).status).toBe('left')
    expect(replicaOf(first, contract).roster.electorate.observers).toEqual([])
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
  })
})

describe('a party that replaces its keys', () => {
  it('[EPO-2] [EPO-9] [CARD-2] signs by the former ones up to the turn, and by the new ones after it', () => {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    const former = third.card.card.keys
    const card = engines.rekey(third)
    engines.set(third, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(replicaOf(first, contract).electorate.voteKeys.get(third.party)).toBe(former.vote)
    ask(engines, third, contract, { op: 'card', card, expiresMs: engines.nowMs + DAY_MS })
    engines.pass(8000)
    for (const member of engines.members) {
      const { voteKeys, cosignKeys } = replicaOf(member, contract).electorate
      expect([voteKeys.get(third.party), cosignKeys.get(third.party)]).toEqual([
        card.card.keys.vote,
        card.card.keys.cosign,
      ])
    }
    const own = engines.set(third, contract, 'a', '3')
    engines.set(second, contract, 'a', '3')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(first.store.request(contract, own)?.request.authorKey).toBe(card.card.keys.author)
    for (const member of engines.members) expect(verdictOf(engines, member, contract).verdict).toBe('valid')
  })
})

describe('a party that is proved to lie', () => {
  it('[EPO-4] [EPO-5] is removed by the evidence, which needs nobody’s yes; without any nobody is', () => {
    const engines = new Engines(3)
    const [first, second, liar] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    const place = { contract, lineage: 0, epoch: 0, view: 90 }
    const named = (digit: string): Statement => ({ ...place, type: 'VOTE', block: digit.repeat(64) })
    const signed = (statement: Statement) => ({
      statement,
      party: liar.party,
      signature: signStatements(liar.keys.vote.privateKey, [statement])[0] as StatementSignature,
    })
    const [one, other] = [signed(named('a')), signed(named('b'))]
    const evidence: Evidence = { kind: 'two-votes', party: liar.party, first: one, second: other }
    const untrue = { ...evidence, second: { ...other, statement: named('c') } }
    const refused = ask(engines, first, contract, { op: 'remove', evidence: untrue })
    engines.pass(3000)
    expect(first.store.request(contract, refused)).toMatchObject({
      outcome: 'rejected',
      code: 'evidence-fails',
    })
    ask(engines, first, contract, { op: 'remove', evidence })
    engines.pass(8000)
    expect(replicaOf(liar, contract).status).toBe('left')
    expect(inThe(engines, contract)).toHaveLength(2)
    engines.set(second, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
    expect(verdictOf(engines, first, contract)).toMatchObject({ verdict: 'valid', tentativeHeights: 0 })
  })
})

describe('a policy', () => {
  it('[EPO-5] changes with the yes of all, from the block after the turn on', () => {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}')
    const policy = { ...replicaOf(first, contract).electorate.policy, quorum: 'unanimous' as const }
    const expiresMs = engines.nowMs + DAY_MS
    const change = ask(engines, first, contract, { op: 'policy', policy, expiresMs })
    engines.pass(3000)
    vote(engines, [second, third], contract, change)
    engines.pass(8000)
    for (const member of engines.members) expect(replicaOf(member, contract).electorate.quorum).toBe(3)
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    expectAgreement(engines, contract)
  })
})

describe('silence', () => {
  const silenceMs = 60_000

  it('[COS-6] is lapse past the agreed time, for ever tentative, and healed by the late cosignature', () => {
    const engines = new Engines(3)
    const [first, second, silent] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3, { silenceMs })
    for (const other of [first, second]) engines.disconnect(silent, other)
    const early = engines.set(first, contract, 'a', '2')
    engines.pass(10_000, 500)
    expect(lapseOf(replicaOf(first, contract)), 'not before the time').toBeUndefined()
    engines.pass(silenceMs, 500)
    expect(lapseOf(replicaOf(first, contract)), 'block time passes by blocks alone').toBeUndefined()
    engines.set(second, contract, 'a', '3')
    engines.pass(5000)
    for (const member of [first, second]) {
      const replica = replicaOf(member, contract)
      expect(lapseOf(replica)).toEqual({ height: 2, without: [silent.party] })
      expect(replica.finalSize).toBe(1)
      const record = member.store.request(contract, early) as RequestRecord
      expect(requestStatus(replica, record, false)).toMatchObject({
        stage: 'tentative',
        lapseWithout: ['Party 3'],
      })
    }
    for (const other of [first, second]) engines.reconnect(silent, other)
    engines.pass(20_000, 500)
    expectAgreement(engines, contract)
    expect(lapseOf(replicaOf(first, contract))).toBeUndefined()
  })

  it('[COS-6] of one that others could still be waiting for is none, and none where the policy knows no lapse', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    for (const policy of [{ silenceMs: null }, { silenceMs: 10 * DAY_MS }]) {
      const contract = engines.contract('{"a":"1"}', 4, policy)
      engines.disconnect(fourth, first)
      engines.disconnect(fourth, second)
      engines.disconnect(fourth, third)
      for (const value of ['2', '3']) {
        engines.set(first, contract, 'a', value)
        engines.pass(120_000, 500)
      }
      expect(replicaOf(first, contract).finalSize).toBe(1)
      expect(lapseOf(replicaOf(first, contract))).toBeUndefined()
      for (const other of [first, second, third]) engines.reconnect(fourth, other)
      engines.pass(20_000, 500)
    }
  })

  it('[EPO-10] a turn goes without who was silent as long as is agreed; without it nothing is final', () => {
    const engines = new Engines(5)
    const [first, second, third, silent, guest] = engines.members as [Member, Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 4, { silenceMs })
    const change = invite(engines, first, contract, guest)
    engines.pass(3000)
    vote(engines, [second, third, silent], contract, change)
    engines.pass(3000)
    for (const other of [first, second, third, guest]) engines.disconnect(silent, other)
    guest.engine.accept(contract, engines.nowMs)
    engines.pass(silenceMs / 2, 500)
    expect(epochAt(first, contract)).toBe(0)
    engines.pass(silenceMs, 500)
    for (const member of [first, second, third, guest]) expect(epochAt(member, contract)).toBe(1)
    expect(replicaOf(guest, contract).epochs.part).toBe('member')
    const { finalSize } = replicaOf(first, contract)
    engines.set(guest, contract, 'a', '2')
    engines.pass(5000)
    expect(replicaOf(first, contract).finalSize).toBe(finalSize)
    for (const other of [first, second, third, guest]) engines.reconnect(silent, other)
    engines.pass(20_000, 500)
    expect(inThe(engines, contract)).toHaveLength(5)
    expectAgreement(engines, contract)
    expect(verdictOf(engines, silent, contract).verdict).toBe('valid')
  })
})

describe('a turn', () => {
  it('[EPO-11] is learnt by a member that was away, and by one that starts anew', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3)
    const change = invite(engines, first, contract, fourth)
    engines.pass(3000)
    vote(engines, [second, third], contract, change)
    engines.pass(5000)
    // The third cosigns what the turn needs, and then hears nothing of it.
    fourth.engine.accept(contract, engines.nowMs)
    let isCut = false
    engines.line = (message, from, to) => {
      if (message.type === 'PROPOSE' && JSON.stringify(message.block).includes('"kind":"turn"')) isCut = true
      return isCut && (from === third.party || to === third.party) ? undefined : message
    }
    engines.pass(8000)
    expect(epochAt(first, contract)).toBe(1)
    expect(epochAt(third, contract)).toBe(0)
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    for (const member of [first, fourth]) {
      for (const other of engines.members) if (other !== member) engines.disconnect(member, other)
      engines.boot(member, false)
      for (const other of engines.members) if (other !== member) engines.reconnect(member, other)
    }
    engines.line = (message) => message
    engines.pass(20_000)
    for (const member of engines.members) expect(epochAt(member, contract)).toBe(1)
    engines.set(third, contract, 'a', '3')
    engines.pass(10_000)
    expectAgreement(engines, contract)
    expect(verdictOf(engines, third, contract).verdict).toBe('valid')
  })
})
