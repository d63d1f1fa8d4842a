import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { TestContract, testGenesis } from '../../test/support/contract.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { block, field, list, text } from '../document/tree.ts'
import { contractId, firstEpoch, GENESIS_ROOT } from '../ledger/genesis.ts'
import type { CreateOperation, Operation } from '../ledger/request.ts'
import {
  childCount,
  childrenOf,
  type ElementRecord,
  element,
  elementCount,
  epochUidOf,
  genesisState,
  restoreState,
  rootUidOf,
  type StateRecord,
  seenOf,
  stateRoot,
  subtreeHash,
  subtreeUids,
} from './state.ts'
import { exportTree } from './view.ts'

const hash = (domain: string, data: string) =>
  createHash('sha256').update(`countersign/v1/${domain}\n${data}`).digest('hex')
const byName = (one: TestContract, name: string) =>
  [...one.state.map.entries()].find(([, record]) => (record as ElementRecord).name === name)?.[0] as string

const invoice = block('', [
  block('Invoice', [
    text('ID', 'F-1'),
    list('Lines', [block('item', [field('Amount', 'decimal', '10.50')]), text('item', 'free')]),
  ]),
])

describe('genesisState', () => {
  const one = new TestContract(invoice)
  const { contract, state, genesis } = one

  it('[ELE-1] places the root block and the epoch record under UIDs of the contract id', () => {
    expect(state.rootUid).toBe(hash('meta', `root${contract}`).slice(0, 32))
    expect(state.epochUid).toBe(hash('meta', `epoch${contract}`).slice(0, 32))
    expect([rootUidOf(contract), epochUidOf(contract)]).toEqual([state.rootUid, state.epochUid])
    expect(element(state, state.rootUid)).toEqual({
      kind: 'block',
      name: '',
      order: '0',
      parent: '0'.repeat(32),
    })
    expect(element(state, state.epochUid)).toBeUndefined()
  })

  it('[STA-2] holds the epoch record, hashed in its own domain', () => {
    expect(state.map.get(state.epochUid)).toEqual(firstEpoch(genesis))
    expect(state.epoch).toEqual(firstEpoch(genesis))
    const alone = genesisState(contract, testGenesis(), new Map()).state
    const leaf = (uid: string, recordHash: string) =>
      createHash('sha256')
        .update('countersign/v1/map-leaf\n')
        .update(Buffer.from(uid + recordHash, 'hex'))
        .digest('hex')
    const root = alone.map.get(alone.rootUid)
    const leaves = [
      [alone.rootUid, hash('element', jcs(root))],
      [alone.epochUid, hash('meta', jcs(alone.epoch))],
    ] as [string, string][]
    const bits = (uid: string) => BigInt(`0x${uid}`).toString(2).padStart(128, '0')
    const [left, right] = leaves.sort(([first], [second]) => (first < second ? -1 : 1)) as [
      [string, string],
      [string, string],
    ]
    const bit = Array.from(bits(left[0])).findIndex((digit, index) => digit !== bits(right[0])[index])
    const prefix = bits(left[0])
      .slice(0, bit)
      .padEnd(Math.ceil(bit / 8) * 8, '0')
    const bytes = (prefix.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
    const node = createHash('sha256')
      .update('countersign/v1/map-node\n')
      .update(Buffer.from([0, bit, ...bytes]))
      .update(Buffer.from(leaf(...left) + leaf(...right), 'hex'))
      .digest('hex')
    expect(stateRoot(alone)).toBe(node)
  })

  it('[GEN-2] is the document of the genesis, and a function of it', () => {
    expect(exportTree(state, state.rootUid, one.openings)).toEqual(invoice)
    expect(stateRoot(genesisState(contract, genesis, one.openings).state)).toBe(stateRoot(state))
    expect(elementCount(state)).toBe(7)
    expect(one.first.changes).toHaveLength(8)
    expect(one.first.changes).toEqual([...state.map.entries()])
  })

  it('[GEN-2] names the first operation that is not accepted', () => {
    const uid = '1'.repeat(32)
    const create: CreateOperation = {
      op: 'create',
      uid,
      parent: GENESIS_ROOT,
      name: 'a',
      kind: 'block',
      order: 'a',
    }
    for (const [operations, reason] of [
      [[create, create], 'operations[1]: is not accepted (uid-in-use)'],
      [[{ ...create, parent: uid }], 'operations[0]: is not accepted (parent-gone)'],
    ] as [Operation[], string][]) {
      const bad = testGenesis(operations)
      expect(() => genesisState(contractId(bad), bad, new Map())).toThrow(
        expect.objectContaining({ code: 'bad-format', message: expect.stringContaining(reason) }),
      )
    }
  })

  it('says that an opening is missing', () => {
    expect(() => genesisState(contract, genesis, new Map())).toThrow(
      expect.objectContaining({ code: 'invariant-broken' }),
    )
  })
})

describe('reading a state', () => {
  const one = new TestContract(invoice)
  const { state } = one

  it('[REQ-3] hashes a subtree by its rows, by UID', () => {
    const lines = byName(one, 'Lines')
    const uids = subtreeUids(state, lines)
    expect(uids).toHaveLength(4)
    const rows = [...uids].sort().map((uid) => [uid, hash('element', jcs(state.map.get(uid)))])
    expect(subtreeHash(state, lines)).toBe(hash('subtree', JSON.stringify(rows)))
    expect(seenOf(state, lines)).toBe(subtreeHash(state, lines))
  })

  it('[REQ-3] has seen a field as its commitment', () => {
    const uid = byName(one, 'ID')
    expect(seenOf(state, uid)).toBe(element(state, uid)?.value)
    expect(subtreeUids(state, uid)).toEqual([uid])
  })

  it('gives children in order, whole or in part', () => {
    const [item, other] = childrenOf(state, byName(one, 'Lines'))
    expect(element(state, item as string)?.kind).toBe('block')
    expect(element(state, other as string)?.kind).toBe('field')
    expect(childrenOf(state, byName(one, 'Lines'), 1, 5)).toEqual([other])
    expect(childCount(state, byName(one, 'Lines'))).toBe(2)
  })

  it('has nothing for a UID without an element', () => {
    for (const uid of ['f'.repeat(32), state.epochUid]) {
      expect(element(state, uid)).toBeUndefined()
      expect(childrenOf(state, uid)).toEqual([])
      expect(childCount(state, uid)).toBe(0)
      expect(subtreeUids(state, uid)).toEqual([])
      expect(seenOf(state, uid)).toBeUndefined()
    }
  })
})

describe('restoreState', () => {
  const one = new TestContract(invoice)
  const { contract, state } = one
  const rows = () =>
    [...state.map.entries()].map(([uid, record]): [string, StateRecord] => [uid, { ...record }])
  const id = byName(one, 'ID')
  const lines = byName(one, 'Lines')
  const restored = (edit: (records: Map<string, Record<string, unknown>>) => void) => {
    const records = new Map(rows()) as Map<string, never>
    edit(records)
    return () => restoreState(contract, records)
  }
  const editing = (uid: string, change: Record<string, unknown>) =>
    restored((records) => records.set(uid, { ...records.get(uid), ...change }))

  it('[STA-1] gives the same state from its records in any order', () => {
    for (const records of [rows(), rows().reverse()]) {
      const again = restoreState(contract, records)
      expect(stateRoot(again)).toBe(stateRoot(state))
      expect(exportTree(again, again.rootUid, one.openings)).toEqual(invoice)
      expect(again.epoch).toEqual(state.epoch)
      expect(again.children.size).toBe(state.children.size)
      for (const [uid, siblings] of state.children)
        expect(again.children.get(uid)?.depth).toBe(siblings.depth)
    }
  })

  it.each([
    ['no root', state.rootUid, restored((records) => records.delete(state.rootUid))],
    ['no epoch record', state.epochUid, restored((records) => records.delete(state.epochUid))],
    ['another root', state.rootUid, editing(state.rootUid, { name: 'mine' })],
    ['a root with a value', state.rootUid, editing(state.rootUid, { value: '0'.repeat(64) })],
    ['an epoch record of no known form', state.epochUid, editing(state.epochUid, { extra: 1 })],
    ['a missing parent', id, editing(id, { parent: 'e'.repeat(32) })],
    ['a field as parent', byName(one, 'Amount'), editing(byName(one, 'Amount'), { parent: id })],
    ['the epoch record as parent', id, editing(id, { parent: state.epochUid })],
    ['an element below itself', lines, editing(lines, { parent: lines })],
    [
      'a second root',
      'e'.repeat(32),
      restored((records) =>
        records.set('e'.repeat(32), { kind: 'block', name: 'x', order: '0', parent: '0'.repeat(32) }),
      ),
    ],
    [
      'a UID that is none',
      'xyz',
      restored((records) =>
        records.set('xyz', { kind: 'block', name: 'x', order: '0', parent: state.rootUid }),
      ),
    ],
    ['a field with a value in the open', id, editing(id, { value: 'EUR' })],
    ['a field without a type', id, editing(id, { type: undefined })],
    ['a block with a value', lines, editing(lines, { value: '0'.repeat(64) })],
    ['an unknown type', id, editing(id, { type: 'colour' })],
    ['an unknown kind', id, editing(id, { kind: 'file' })],
    ['an order key of other characters', id, editing(id, { order: 'a-b' })],
    ['no record at all', id, restored((records) => records.set(id, null as never))],
  ])('refuses %s, naming the element', (_what, uid, restore) => {
    try {
      restore()
    } catch (error) {
      expect(error).toBeInstanceOf(CountersignError)
      expect((error as CountersignError).code).toBe('invariant-broken')
      expect((error as CountersignError).message).toContain(uid)
      return
    }
    expect.unreachable()
  })

  it('refuses a circle, naming an element of it', () => {
    const [item] = childrenOf(state, lines)
    const named = new RegExp(`(${lines}|${item})" of the stored contract does not lie below the root`)
    expect(editing(lines, { parent: item })).toThrow(named)
  })

  it('refuses an element that stands there twice', () => {
    for (const uid of [id, state.epochUid]) {
      const twice = [...rows(), [uid, state.map.get(uid) as StateRecord]] as [string, StateRecord][]
      expect(() => restoreState(contract, twice)).toThrow(`${uid}" of the stored contract stands there twice`)
    }
  })

  it('refuses elements deeper than 64', () => {
    const records = rows()
    let parent = state.rootUid
    for (let depth = 1; depth <= 65; depth += 1) {
      const uid = depth.toString(16).padStart(32, 'd')
      records.push([uid, { kind: 'block', name: 'deep', order: 'z', parent }])
      parent = uid
      if (depth === 64) expect(elementCount(restoreState(contract, records))).toBe(7 + 64)
    }
    expect(() => restoreState(contract, records)).toThrow(
      `${parent}" of the stored contract lies more than 64`,
    )
  })
})
