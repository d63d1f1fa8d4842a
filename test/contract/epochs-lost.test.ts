/** Memory that is lost across a turn: of the data, of the signer, of both (AMN-2, AMN-3), with real engines. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { standingOf } from '../../src/api/members.ts'
import { leaderOf } from '../../src/consensus/state.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { Policy } from '../../src/ledger/genesis.ts'
import { RECOVERY_SETTING } from '../../src/node/recovery.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { Engines, type Member, memoryJournal } from '../support/engines.ts'

const DAY_MS = 24 * 3_600_000

/** The last of them comes in as the fourth; gives the contract. */
function joined(
  engines: Engines,
  older: boolean,
  role: 'member' | 'observer' = 'member',
  quorum: Policy['quorum'] = 'majority',
): string {
  const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
  const contract = engines.contract('{"a":"1"}', 3, { quorum })
  engines.set(first, contract, 'a', '2')
  engines.pass(3000)
  const expiresMs = engines.nowMs + DAY_MS
  const invite: EpochOperation = { op: 'invite', card: fourth.card, role, older, expiresMs }
  const change = first.engine.submit(contract, [invite], [], engines.nowMs, () => undefined)
  engines.pass(3000)
  for (const { engine } of [second, third])
    engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
  engines.pass(5000)
  fourth.engine.accept(contract, engines.nowMs)
  engines.pass(8000)
  engines.set(role === 'member' ? fourth : first, contract, 'a', '3')
  engines.pass(5000)
  expect(fourth.engine.replica(contract).epochs.number).toBe(1)
  return contract
}

function cutOff(engines: Engines, member: Member): void {
  for (const other of engines.members) if (other !== member) engines.disconnect(member, other)
}

function reconnect(engines: Engines, member: Member): void {
  for (const other of engines.members) if (other !== member) engines.reconnect(member, other)
}

/** An old copy of its store and journal, with a way to put it back. */
function copyOf(member: Member): () => void {
  member.engine.flush()
  const path = join(mkdtempSync(join(tmpdir(), 'countersign-copy-')), 'old.db')
  member.store.backup(path)
  const records = member.journal.load()
  return () => {
    member.store = openSqliteStore(path)
    member.journal = memoryJournal()
    member.journal.append(records)
  }
}

/** It signs again, everybody agrees, and nobody has signed against itself. */
function expectWhole(engines: Engines, contract: string, member: Member): void {
  const replica = member.engine.replica(contract)
  expect([replica.phase, replica.status, replica.epochs.part]).toEqual(['signing', 'accepted', 'member'])
  engines.set(member, contract, 'a', 'after')
  engines.pass(10_000)
  const tips = engines.members.map(({ engine }) => engine.replica(contract).chain.tip.hash)
  expect(tips).toEqual(tips.map(() => tips[0]))
  const size = replica.chain.height + 1
  expect(engines.finalSizes(contract)).toEqual(engines.members.map(() => size))
  for (const { store } of engines.members) expect(store.evidence(contract)).toEqual([])
}

describe('a member that came in later', () => {
  it.each([true, false])(
    '[AMN-3] [EPO-13] is rebuilt by the others after it has lost all but its keys (former values shown: %s)',
    (older) => {
      const engines = new Engines(4)
      const contract = joined(engines, older)
      const lost = engines.member(3)
      cutOff(engines, lost)
      lost.store = openSqliteStore(':memory:')
      lost.journal = memoryJournal()
      lost.store.write([{ kind: 'setting', key: RECOVERY_SETTING, value: 'running' }])
      engines.boot(lost, true)
      reconnect(engines, lost)
      engines.pass(30_000)
      expectWhole(engines, contract, lost)
    },
  )
})

describe('an observer', () => {
  it('[EPO-13] [AMN-1] whose data are put back to before it was let in, which no signature of its own tells, is shown the contract again', () => {
    const engines = new Engines(4)
    const [first, , , observer] = engines.members as [Member, Member, Member, Member]
    const back = copyOf(observer)
    const contract = joined(engines, false, 'observer')
    expect(observer.engine.replica(contract).epochs.part).toBe('observer')
    cutOff(engines, observer)
    back()
    engines.boot(observer, false)
    expect(observer.engine.replicas.size).toBe(0)
    reconnect(engines, observer)
    engines.set(first, contract, 'a', '4')
    engines.pass(10_000)
    const { epochs, chain } = observer.engine.replica(contract)
    expect(epochs.part).toBe('observer')
    expect(chain.tip.hash).toBe(first.engine.replica(contract).chain.tip.hash)
    // That it had accepted only its ledger shows: here it is an invitation, which may be accepted again.
    observer.engine.accept(contract, engines.nowMs)
    engines.pass(5000)
    expect(observer.engine.replica(contract).status).toBe('accepted')
    expect(first.engine.replica(contract).chain.tip.hash).toBe(chain.tip.hash)
  })
})

describe('who has left', () => {
  it('[EPO-12] [COS-3] and whose signer is put back calls as much final as before', () => {
    const engines = new Engines(4)
    const contract = joined(engines, false)
    const [first, , , fourth] = engines.members as [Member, Member, Member, Member]
    const records = fourth.journal.load()
    engines.set(first, contract, 'a', '4')
    engines.pass(3000)
    fourth.engine.leave(contract, engines.nowMs)
    engines.pass(8000)
    const { finalSize, status } = fourth.engine.replica(contract)
    expect(status).toBe('left')
    cutOff(engines, fourth)
    fourth.engine.flush()
    fourth.journal = memoryJournal()
    fourth.journal.append(records)
    engines.boot(fourth, false)
    expect(fourth.engine.replica(contract).finalSize).toBe(finalSize)
  })

  it('[EPO-11] [EPO-13] and is put back to when it was in, while it is invited again, is sent the ledger up to its turn', () => {
    const engines = new Engines(4)
    const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
    const contract = joined(engines, false)
    const back = copyOf(fourth)
    engines.set(first, contract, 'a', '4')
    engines.pass(3000)
    const { tip } = fourth.engine.replica(contract).chain
    fourth.engine.leave(contract, engines.nowMs)
    engines.pass(8000)
    expect(fourth.engine.replica(contract).status).toBe('left')
    cutOff(engines, fourth)
    engines.set(first, contract, 'a', '5')
    engines.pass(3000)
    const expiresMs = engines.nowMs + DAY_MS
    const invite: EpochOperation = {
      ...{ op: 'invite', card: fourth.card, role: 'member', older: false, expiresMs },
    }
    const change = first.engine.submit(contract, [invite], [], engines.nowMs, () => undefined)
    engines.pass(3000)
    for (const { engine } of [second, third])
      engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
    engines.pass(3000)
    back()
    engines.boot(fourth, true)
    expect(fourth.engine.replica(contract).chain.height).toBeLessThan(tip.block.header.height)
    const shown: string[] = []
    engines.line = (message, _, to) => {
      if (to === fourth.party) shown.push(...(JSON.stringify(message).match(/"value":"[0-9]+"/g) ?? []))
      return message
    }
    reconnect(engines, fourth)
    engines.pass(30_000)
    expect(fourth.engine.replica(contract).status).toBe('left')
    expect(fourth.store.blockByHash(contract, tip.hash), 'what it had called final').toBeDefined()
    expect(shown, 'of before it came in nothing').not.toContain('"value":"2"')
  })
})

describe('a LEAVE that its author has forgotten', () => {
  it.each(['waits at one of the others', 'stands in the ledger, and its turn has not come'])(
    '[EPO-12] [AMN-2] is remembered by the others where it %s: nothing larger is cosigned',
    (where) => {
      const engines = new Engines(3)
      const [first, second, lost] = engines.members as [Member, Member, Member]
      const contract = engines.contract('{"a":"1"}')
      engines.set(first, contract, 'a', '2')
      engines.pass(5000)
      const { size } = lost.engine.replica(contract).finality.cosignatures.get(lost.party) ?? { size: 0 }
      if (where.startsWith('waits')) {
        // Two of three can't order anything: nobody hears the first.
        engines.disconnect(first, second)
        engines.disconnect(lost, second)
        engines.line = (message, from, to) =>
          message.type === 'REQUEST' && from === lost.party && to === first.party ? message : undefined
      } else engines.line = (message) => (message.type === 'COSIGN' ? undefined : message)
      lost.engine.leave(contract, engines.nowMs)
      engines.pass(1000)
      expect(lost.engine.replica(contract).status).toBe('leaving')
      cutOff(engines, lost)
      lost.store = openSqliteStore(':memory:')
      lost.journal = memoryJournal()
      lost.store.write([{ kind: 'setting', key: RECOVERY_SETTING, value: 'running' }])
      engines.boot(lost, true)
      const sizes: number[] = []
      let isHeld = true
      // The others' cosignatures are held back, so that the turn can't come while there is time to cosign.
      engines.line = (message, from) => {
        if (message.type === 'COSIGN' && from === lost.party)
          sizes.push((message.cosignature as { size: number }).size)
        if (!isHeld) return message
        return message.type === 'COSIGN'
          ? undefined
          : 'cosignatures' in message
            ? { ...message, cosignatures: [] }
            : message
      }
      reconnect(engines, lost)
      engines.reconnect(first, second)
      engines.pass(30_000)
      engines.set(second, contract, 'a', '3')
      engines.pass(10_000)
      const { phase, status } = lost.engine.replica(contract)
      expect([phase, status, lost.engine.replica(contract).epochs.part]).toEqual([
        'signing',
        'leaving',
        'member',
      ])
      expect(sizes.filter((one) => one > size)).toEqual([])
      isHeld = false
      engines.set(second, contract, 'a', '4')
      engines.pass(20_000)
      expect(lost.engine.replica(contract).status).toBe('left')
      expect(first.engine.replica(contract).members).toHaveLength(2)
      for (const { store } of engines.members) expect(store.evidence(contract)).toEqual([])
    },
  )
})

describe('an old copy from before a turn', () => {
  it.each(['data', 'data and signer'] as const)(
    '[AMN-2] [SYN-1] of %s catches up into the epoch first, takes in what was signed there, and signs on',
    (what) => {
      const engines = new Engines(4)
      const member = engines.member(1)
      const old = openSqliteStore(':memory:')
      const copied = memoryJournal()
      const contract = engines.contract('{"a":"1"}', 3)
      engines.pass(2000)
      member.engine.flush()
      for (const { genesis } of member.store.contracts())
        old.write([
          {
            kind: 'contract',
            contract: {
              contract,
              genesis,
              status: 'accepted',
              receivedMs: engines.nowMs,
              from: member.party,
            },
          },
        ])
      const [block] = member.store.blocks(contract, 0, 1)
      const changes = [...member.store.elements(contract, 0)] as never
      const openings = [...member.store.openings(contract, commitmentsIn(member, contract)).values()]
      if (block)
        old.write([
          { kind: 'openings', contract, openings },
          { kind: 'committed', contract, hash: block.hash, block: block.block, changes },
        ])
      copied.append(member.journal.load())
      const fourth = engines.member(3)
      const [first, second, third] = engines.members as [Member, Member, Member]
      const expiresMs = engines.nowMs + DAY_MS
      const invite: EpochOperation = {
        op: 'invite',
        card: fourth.card,
        role: 'member',
        older: true,
        expiresMs,
      }
      const change = first.engine.submit(contract, [invite], [], engines.nowMs, () => undefined)
      engines.pass(3000)
      for (const { engine } of [second, third])
        engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
      engines.pass(5000)
      fourth.engine.accept(contract, engines.nowMs)
      engines.pass(8000)
      expect(member.engine.replica(contract).epochs.number).toBe(1)
      cutOff(engines, member)
      member.store = old
      if (what !== 'data') member.journal = copied
      engines.boot(member, true)
      expect(member.engine.replica(contract).epochs.number).toBe(0)
      reconnect(engines, member)
      engines.pass(30_000)
      expectWhole(engines, contract, member)
    },
  )
})

function commitmentsIn({ store }: Member, contract: string): string[] {
  return [...store.elements(contract, 0)].flatMap(([, record]) =>
    typeof record.value === 'string' ? [record.value] : [],
  )
}

describe('an old copy that says too little about who is in', () => {
  /** Everybody has pinned everybody, as nodes do; gives old copies of these members' stores and journals a way back. */
  function pinned(count: number): Engines {
    const engines = new Engines(count)
    for (const { store } of engines.members)
      store.write(engines.members.map(({ card }) => ({ kind: 'peer-card', card, pinnedMs: engines.nowMs })))
    return engines
  }
  const admit = (engines: Engines, contract: string, guest: Member, members: readonly Member[]) => {
    const [by, ...others] = members as [Member, ...Member[]]
    const expiresMs = engines.nowMs + DAY_MS
    const invite: EpochOperation = { op: 'invite', card: guest.card, role: 'member', older: true, expiresMs }
    const change = by.engine.submit(contract, [invite], [], engines.nowMs, () => undefined)
    engines.pass(3000)
    for (const { engine } of others)
      engine.submit(contract, [{ op: 'vote', change, yes: true }], [], engines.nowMs, () => undefined)
    engines.pass(3000)
    guest.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
  }

  it('[AMN-2] of the only member asks all it has pinned, and goes on with who came in since', () => {
    const engines = pinned(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 1)
    engines.pass(2000)
    const back = copyOf(first)
    engines.set(first, contract, 'a', '2')
    engines.pass(3000)
    admit(engines, contract, second, [first])
    const { hash } = second.engine.replica(contract).chain.tip
    cutOff(engines, first)
    back()
    engines.boot(first, true)
    engines.reconnect(first, third)
    engines.set(first, contract, 'a', 'elsewhere')
    engines.pass(30_000)
    const replica = () => first.engine.replica(contract)
    expect([replica().phase, replica().chain.height, replica().members.length]).toEqual(['recalling', 0, 1])
    expect(replica().untold).toEqual([second.party])
    engines.reconnect(first, second)
    engines.pass(20_000)
    expect([replica().phase, replica().members.length]).toEqual(['signing', 2])
    expect(second.store.blockByHash(contract, hash), 'its own history goes on').toBeDefined()
    expect(replica().chain.tip.hash).toBe(second.engine.replica(contract).chain.tip.hash)
    for (const { store } of [first, second]) expect(store.evidence(contract)).toEqual([])
  })

  it('[AMN-2] of two at once does not take the other’s word for all: who has not forgotten is waited for', () => {
    const engines = pinned(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 2)
    engines.pass(2000)
    const backs = [copyOf(first), copyOf(second)]
    admit(engines, contract, third, [first, second])
    engines.set(first, contract, 'a', '2')
    engines.pass(5000)
    const { height } = third.engine.replica(contract).chain
    cutOff(engines, third)
    for (const back of backs) back()
    for (const member of [first, second]) engines.boot(member, true)
    engines.reconnect(first, second)
    engines.set(first, contract, 'a', 'elsewhere')
    engines.pass(30_000)
    for (const { engine } of [first, second]) {
      const { phase, chain, untold } = engine.replica(contract)
      expect([phase, chain.height, untold]).toEqual(['recalling', 0, [third.party]])
    }
    reconnect(engines, third)
    engines.pass(30_000)
    for (const { engine, store } of engines.members) {
      const { phase, chain, members } = engine.replica(contract)
      expect([phase, members.length, chain.height >= height]).toEqual(['signing', 3, true])
      expect(store.evidence(contract)).toEqual([])
    }
  })

  it('[AMN-2] [AMN-3] of a time before a contract is given it by any member that it asks, not by its creator alone', () => {
    const engines = pinned(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const former = engines.contract('{"a":"1"}')
    engines.pass(2000)
    const back = copyOf(third)
    const contract = engines.contract('{"a":"1"}')
    engines.set(third, contract, 'a', '2')
    engines.pass(5000)
    cutOff(engines, third)
    back()
    engines.boot(third, true)
    third.logs.length = 0
    engines.reconnect(third, second)
    engines.pass(30_000)
    expect(third.logs.filter(({ event }) => event === 'message-refused')).toEqual([])
    const phaseOf = (id: string) => third.engine.replicas.get(id)?.phase
    expect([phaseOf(former), phaseOf(contract)], 'the creator of both has not told').toEqual([
      'recalling',
      'recalling',
    ])
    engines.reconnect(third, first)
    engines.pass(30_000)
    expectWhole(engines, contract, third)
  })
})

describe('data that are older than their signer, which nobody else holds', () => {
  it('[AMN-2] of the only member are said to be so: it signs nothing against what is lost, and goes on with newer data', () => {
    const engines = new Engines(1)
    const [only] = engines.members as [Member]
    const contract = engines.contract('{"a":"1"}', 1)
    engines.pass(2000)
    const copy = (): string => {
      only.engine.flush()
      const path = join(mkdtempSync(join(tmpdir(), 'countersign-copy-')), 'old.db')
      only.store.backup(path)
      return path
    }
    const older = copy()
    engines.set(only, contract, 'a', '2')
    engines.pass(3000)
    const newer = copy()
    only.store = openSqliteStore(older)
    engines.boot(only, false)
    engines.set(only, contract, 'a', '3')
    engines.pass(30_000)
    const replica = () => only.engine.replica(contract)
    expect([replica().phase, replica().chain.height]).toEqual(['signing', 0])
    expect(standingOf(replica())).toContain('put newer data back')
    only.store = openSqliteStore(newer)
    engines.boot(only, false)
    engines.pass(3000)
    expect(standingOf(replica())).toBe('member')
    expectWhole(engines, contract, only)
  })
})

describe('a signer that was put back alone', () => {
  it('[AMN-2] [SGN-1] is told by its own data too: what has reached nobody else is not contradicted', () => {
    const engines = new Engines(3)
    const [first, second, third] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"1"}', 3, { quorum: 'unanimous' })
    engines.pass(1000)
    const records = second.journal.load()
    // It leads view 1: nobody hears of its block, all skip, and it alone has the certificate, with its own signature.
    engines.line = (message, from) => (from === second.party ? undefined : message)
    engines.set(second, contract, 'a', '2')
    engines.set(first, contract, 'a', '3')
    engines.pass(10_000)
    expect(second.engine.replica(contract).consensus.views.get(1)?.skipCertificate).toBeDefined()
    expect(first.engine.replica(contract).consensus.view).toBe(1)
    second.engine.flush()
    cutOff(engines, second)
    second.journal = memoryJournal()
    second.journal.append(records)
    engines.boot(second, false)
    expect(second.engine.replica(contract).phase).toBe('recalling')
    engines.line = (message, from) =>
      from === second.party && message.type !== 'RECALL' ? undefined : message
    reconnect(engines, second)
    engines.pass(5000)
    const { phase, consensus } = second.engine.replica(contract)
    expect(phase).toBe('signing')
    expect(consensus.views.get(1)?.locks.skip).toBe(true)
    // It may have signed more in this view than it was told: whoever starts in it asks anew.
    expect(consensus.view).toBeLessThanOrEqual(consensus.doubtfulView)
    cutOff(engines, second)
    engines.boot(second, false)
    expect(second.engine.replica(contract).phase).toBe('recalling')
    engines.line = (message) => message
    for (const other of [first, third]) engines.reconnect(second, other)
    engines.pass(30_000)
    expectWhole(engines, contract, second)
    cutOff(engines, second)
    engines.boot(second, false)
    expect(second.engine.replica(contract).phase).toBe('starting')
  })
})

describe('a signature that has reached nobody but an observer', () => {
  it('[AMN-2] is told by it: it is waited for, a while, and nothing is signed against it', () => {
    const engines = new Engines(4)
    const observer = engines.member(3)
    const contract = joined(engines, true, 'observer', 'unanimous')
    const { consensus, view } = (({ consensus }) => ({ consensus, view: consensus.view }))(
      engines.member(0).engine.replica(contract),
    )
    const leader = engines.members.find(({ party }) => party === leaderOf(consensus.config, view)) as Member
    const back = copyOf(leader)
    // All vote for its block, and only it hears of all votes; its FINALIZE goes to the observer, and to nobody else.
    engines.line = (message, from, to) => {
      if (from === leader.party && to !== observer.party)
        return message.type === 'PROPOSE' || message.type === 'REQUEST' ? message : undefined
      return from === leader.party || to === leader.party ? message : undefined
    }
    engines.set(leader, contract, 'a', 'told to one')
    engines.pass(300)
    const finalized = leader.engine.replica(contract).consensus.views.get(view)?.mine.finalize
    expect(finalized).toBeDefined()
    const seen = observer.engine.replica(contract).consensus.views.get(view)
    expect([...(seen?.finalizes.keys() ?? [])].join()).toContain(leader.party)
    cutOff(engines, leader)
    back()
    engines.boot(leader, true)
    engines.line = (message) => message
    for (const other of engines.members)
      if (other !== leader && other !== observer) engines.reconnect(leader, other)
    engines.pass(10_000)
    const replica = () => leader.engine.replica(contract)
    expect([replica().phase, ...replica().untold]).toEqual(['recalling', observer.party])
    engines.reconnect(leader, observer)
    engines.pass(10_000)
    expectWhole(engines, contract, leader)
    expect(leader.store.blockByHash(contract, finalized ?? '')).toBeDefined()
  })

  it('[AMN-2] is not waited for longer: an observer need not be there', () => {
    const engines = new Engines(4)
    const [first, second, third, observer] = engines.members as [Member, Member, Member, Member]
    const contract = joined(engines, true, 'observer')
    const back = copyOf(first)
    cutOff(engines, first)
    back()
    engines.boot(first, true)
    for (const other of [second, third]) engines.reconnect(first, other)
    engines.pass(30_000)
    expect(first.engine.replica(contract).phase).toBe('signing')
    engines.reconnect(first, observer)
    expectWhole(engines, contract, first)
  })
})
