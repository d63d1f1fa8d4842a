/** A party that comes in by a final checkpoint which a member vouches for, with real engines (EPO-15). */
import { describe, expect, it } from 'vitest'
import { basisState } from '../../src/contract/basis.ts'
import { restoreState, type StateRecord, stateRoot } from '../../src/contract/state.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import type { WireMessage } from '../support/engines.ts'
import { begunWorld, vouchedWorld } from '../support/vouched.ts'

describe('a party that begins at a checkpoint', () => {
  it('[EPO-15] comes in with the state that all members have cosigned, and goes on with them', () => {
    const { engines, contract, first, third, fourth, replicaOf } = vouchedWorld()
    expect(replicaOf(fourth).chain.height).toBe(0)
    fourth.engine.accept(contract, engines.nowMs, third.party)
    engines.pass(3000)
    const { basis, chain } = replicaOf(fourth)
    expect(basis).toMatchObject({ height: replicaOf(third).finalSize - 1, voucher: third.party })
    expect(chain.tip.hash).toBe(replicaOf(third).chain.tip.hash)
    expect(replicaOf(fourth).epochs.part).toBe('guest')
    fourth.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
    expect(replicaOf(fourth).epochs.part).toBe('member')
    engines.set(fourth, contract, 'a', '5')
    engines.pass(5000)
    for (const member of engines.members) {
      const { chain: own, finalSize } = replicaOf(member)
      expect([own.tip.hash, finalSize]).toEqual([replicaOf(first).chain.tip.hash, own.height + 1])
      expect(member.store.evidence(contract)).toEqual([])
    }
  })

  it('[EPO-15] is what it was after a start, and goes on from there', () => {
    const { engines, contract, second, fourth, replicaOf } = vouchedWorld()
    fourth.engine.accept(contract, engines.nowMs, second.party)
    engines.pass(3000)
    const { hash } = replicaOf(fourth).chain.tip
    fourth.engine.flush()
    engines.boot(fourth, false)
    expect(replicaOf(fourth).chain.tip.hash).toBe(hash)
    expect(replicaOf(fourth).epochs.number).toBe(1)
    for (const other of engines.members) if (other !== fourth) engines.reconnect(fourth, other)
    fourth.engine.accept(contract, engines.nowMs)
    engines.pass(8000)
    engines.boot(fourth, false)
    for (const other of engines.members) if (other !== fourth) engines.reconnect(fourth, other)
    engines.set(fourth, contract, 'a', '5')
    engines.pass(8000)
    expect(replicaOf(fourth).finalSize).toBe(replicaOf(fourth).chain.height + 1)
    expect(replicaOf(second).chain.height).toBe(replicaOf(fourth).chain.height)
  })

  it('[EPO-15] finds what it holds to be what was signed, and serves nothing of before', () => {
    const { engines, contract, first, fourth, replicaOf } = begunWorld()
    const { basis } = replicaOf(fourth)
    expect(checkIntegrity(fourth.store, contract, fourth.party)).toEqual({
      ok: true,
      height: replicaOf(fourth).chain.height,
    })
    const sent: WireMessage[] = []
    engines.line = (message, from) => {
      if (from === fourth.party) sent.push(message)
      return message
    }
    const deliver = (message: object) =>
      fourth.engine.deliver(first.party, [{ contract, epoch: 2, ...message }], engines.nowMs)
    deliver({ type: 'SYNC', fromHeight: 1, toHeight: 5 })
    deliver({ type: 'FETCH', blocks: [fourth.store.block(contract, 2)?.hash] })
    engines.settle()
    expect(sent.filter(({ type }) => type === 'LEDGER' || type === 'PROPOSE')).toEqual([])
    deliver({ type: 'STATUS', view: 1, committedHeight: 1, cosignatures: [], boot: 'x', answer: false })
    engines.settle()
    expect(sent.find(({ type }) => type === 'STATUS')).toMatchObject({ fromHeight: (basis?.height ?? 0) + 1 })
    const until = fourth.store.load(contract)
    expect(until.unexpired.length).toBeGreaterThan(basis?.ordered.length ?? 0)
    expect(basis?.ordered.length).toBeGreaterThan(5)
  })

  it('[EPO-15] [REQ-5] refuses what was ordered before it began', () => {
    const { engines, contract, first, fourth, replicaOf } = begunWorld()
    const id = replicaOf(fourth).basis?.ordered[0]?.[0] as string
    const { request, signature } = first.store.request(contract, id) as never
    fourth.engine.deliver(
      first.party,
      [{ type: 'REQUEST', contract, epoch: 2, request: { request, signature }, openings: [] }],
      engines.nowMs,
    )
    expect(replicaOf(fourth).chain.hasOrdered(id)).toBe(true)
    expect(replicaOf(fourth).chain.pool.size).toBe(0)
  })

  it('[EPO-15] does so once, before it accepts, and not where it was a member from the first', () => {
    const { engines, contract, first, third, fourth, replicaOf } = vouchedWorld()
    const begin = (voucher = third.party) => fourth.engine.accept(contract, engines.nowMs, voucher)
    expect(() => first.engine.accept(contract, engines.nowMs, third.party)).toThrow('first members')
    begin()
    engines.pass(3000)
    expect(replicaOf(fourth).basis).toBeDefined()
    begin()
    expect(() => begin(first.party)).toThrow('once, before it accepts')
  })

  it('[EPO-15] waits for a disk that refuses, and begins once it takes writes again', () => {
    const { engines, contract, third, fourth, replicaOf } = vouchedWorld()
    const { write } = fourth.store
    let refused = 0
    fourth.store.write = (batch) => {
      if (batch.every(({ kind }) => kind !== 'basis')) return write(batch)
      refused += 1
      if (refused < 3) throw new CountersignError('disk-full', 'the disk is full')
      write(batch)
    }
    fourth.engine.accept(contract, engines.nowMs, third.party)
    engines.pass(3000)
    expect(refused).toBe(3)
    expect(replicaOf(fourth).basis).toBeDefined()
  })

  it('[EPO-15] is given nothing while it is not let in', () => {
    const { engines, contract, first, second, replicaOf } = vouchedWorld()
    const sent: WireMessage[] = []
    engines.line = (message) => {
      sent.push(message)
      return message
    }
    first.engine.deliver(second.party, [{ type: 'VOUCH', contract, epoch: 1 }], engines.nowMs)
    engines.settle()
    expect(sent.filter(({ type }) => type === 'VOUCHED')).toEqual([])
    expect(replicaOf(first).roster.guests.size).toBe(1)
  })
})

it('[EPO-15] who asks one that does not answer reads the ledger itself after a while, or as soon as it accepts', () => {
  for (const isAccepted of [true, false]) {
    const { engines, contract, third, fourth, replicaOf } = vouchedWorld()
    engines.line = (message) => (message.type === 'VOUCH' ? undefined : message)
    fourth.engine.accept(contract, engines.nowMs, third.party)
    engines.pass(15_000)
    expect(replicaOf(fourth).chain.height).toBe(0)
    if (isAccepted)
      expect(() => fourth.engine.accept(contract, engines.nowMs)).toThrow('this node to catch up')
    engines.pass(60_000)
    expect(replicaOf(fourth).beginning.fault).toEqual(
      isAccepted ? undefined : expect.stringContaining('nothing for a while'),
    )
    expect(replicaOf(fourth).chain.height).toBe(replicaOf(third).chain.height)
  }
})

describe('who vouches falsely', () => {
  it('[EPO-15] [EPO-13] is not what a guest is who asks for another block than it was offered: it is given nothing of it', () => {
    const { engines, contract, third, fourth } = vouchedWorld()
    const sent: WireMessage[] = []
    engines.line = (message, from) => {
      if (from === third.party && message.type === 'VOUCHED') sent.push(message)
      return message
    }
    const ask = (more: object) => {
      third.engine.deliver(fourth.party, [{ type: 'VOUCH', contract, ...more }], engines.nowMs)
      engines.settle()
    }
    ask({ height: 1, records: '0'.repeat(32) })
    expect(sent).toEqual([])
    ask({})
    const { height } = sent[0] as unknown as { height: number }
    ask({ height: height - 1, records: '0'.repeat(32) })
    expect(sent).toHaveLength(1)
    ask({ height, records: '0'.repeat(32) })
    expect(sent).toHaveLength(2)
  })

  type Vouched = WireMessage & Record<string, never>
  const lies: readonly [lie: string, change: (message: Vouched) => object | undefined, reason: string][] = [
    [
      'alters a record',
      ({ records }) => records && { records: altered(records) },
      'do not give the record hash',
    ],
    ['leaves out a record', ({ records }) => records && { records: dropped(records) }, 'no state'],
    [
      'leaves out a value',
      ({ openings }) => openings && { openings: dropped(openings) },
      'left out the values',
    ],
    ['alters a header', ({ headers }) => headers && { headers: later(headers) }, 'does not follow'],
    [
      'leaves out a cosignature',
      ({ cosignatures }) => cosignatures && { cosignatures: dropped(cosignatures) },
      'other cosignatures than one of each',
    ],
    [
      'alters a cosignature',
      ({ cosignatures }) => cosignatures && { cosignatures: resized(cosignatures) },
      'has not cosigned',
    ],
    ['leaves out a card', ({ cards }) => cards && { cards: [] }, 'is not proved'],
    ['sends records twice', ({ records }) => records && { records: twice(records) }, 'not in order'],
    [
      'adds a cosignature of its own making',
      ({ cosignatures }) => cosignatures && { cosignatures: twice(cosignatures) },
      'other cosignatures than one of each',
    ],
  ]
  const dropped = (list: never): unknown[] => (list as unknown[]).slice(0, -1)
  const twice = (list: never): unknown[] => [...(list as unknown[]), (list as unknown[])[0]]
  const altered = (list: never): unknown[] =>
    (list as [string, { name: string; order: string }][]).map(([uid, record]) =>
      record.name === 'a' ? [uid, { ...record, order: `${record.order}z` }] : [uid, record],
    )
  const later = (list: never): unknown[] =>
    (list as { timeMs: number }[]).map((header, index) =>
      index === 1 ? { ...header, timeMs: header.timeMs + 1 } : header,
    )
  const resized = (list: never): unknown[] =>
    (list as { root: string }[]).map((one, index) => (index === 0 ? { ...one, root: '7'.repeat(64) } : one))

  it.each(lies)('[EPO-15] is found out where it %s, and nothing of it is taken', (_, change, reason) => {
    const { engines, contract, third, fourth, replicaOf } = vouchedWorld()
    let told = 0
    engines.line = (message, _from, to) => {
      if (to === fourth.party && message.type === 'LEDGER') return undefined
      if (message.type !== 'VOUCHED') return message
      const made = change(message as Vouched)
      if (made) told += 1
      return { ...message, ...made }
    }
    fourth.engine.accept(contract, engines.nowMs, third.party)
    engines.pass(4000)
    expect(told).toBeGreaterThan(0)
    const { basis, beginning, chain } = replicaOf(fourth)
    expect(basis).toBeUndefined()
    expect(beginning.fault).toContain(reason)
    expect(chain.height).toBe(0)
    // It may be asked again, and so may another.
    engines.line = (message) => message
    fourth.engine.accept(contract, engines.nowMs, third.party)
    engines.pass(4000)
    expect(replicaOf(fourth).basis).toBeDefined()
  })
})

describe('an epoch record that no ledger comes to', () => {
  const { contract, third, fourth, replicaOf } = vouchedWorld()
  const { genesis, chain } = replicaOf(third)
  const { header } = chain.tip.block
  const { epoch, epochUid } = chain.tip.state
  const own = epoch.cards[epoch.members.indexOf(third.party)] as string
  const decided = { height: 1, timeMs: 1 }
  const card = { op: 'card', change: '1'.repeat(64), by: fourth.party, expiresMs: header.timeMs + 1, decided }
  const forged: readonly [string, object, string][] = [
    ['one’s card for all', { cards: epoch.members.map(() => own) }, 'another party’s card'],
    ['a member twice', { members: epoch.members.map(() => third.party) }, 'each party once'],
    [
      'a new card of who is not in',
      { changes: [{ ...card, party: fourth.party, card: fourth.card.card }] },
      'can’t be',
    ],
    [
      'another’s new card',
      { changes: [{ ...card, party: third.party, card: fourth.card.card }] },
      'another party’s card',
    ],
    ['a card that it does not hold', { cards: epoch.members.map(() => '7'.repeat(64)) }, 'does not hold'],
  ]
  const stateOf = (change: object) => {
    third.engine.flush()
    const records = [...third.store.elements(contract)] as [string, StateRecord][]
    const altered = records.map(([uid, record]): [string, StateRecord] =>
      uid === epochUid ? [uid, { ...record, ...change } as StateRecord] : [uid, record],
    )
    const root = stateRoot(restoreState(contract, altered, genesis))
    return basisState(contract, genesis, { ...header, stateRoot: root }, altered)
  }

  it('[EPO-15] is told from a true one', () => {
    expect(stateOf({}).epoch).toEqual(epoch)
  })

  it.each(forged)('[EPO-15] [CARD-2] is refused with %s', (_, change, reason) => {
    expect(() => stateOf(change)).toThrow(reason)
  })
})
