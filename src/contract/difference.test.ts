import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, EditedContract, TestContract, typedValue } from '../../test/support/contract.ts'
import { mapChanges } from '../crypto/merkle-map.ts'
import { block, field } from '../document/tree.ts'
import type { FieldType, Operation } from '../ledger/request.ts'
import type { Value } from '../ledger/value.ts'
import { apply } from './apply.ts'
import { type ChangedElement, changedElements, differenceOf, epochDifference } from './difference.ts'
import { isElement } from './record.ts'
import { withRecords } from './rewind.ts'
import {
  type ContractState,
  childrenOf,
  type ElementRecord,
  element,
  recordHash,
  restoreState,
  seenOf,
  stateRoot,
} from './state.ts'
import { pathOf } from './view.ts'

type Records = Map<string, ElementRecord>

function recordsOf(state: ContractState): Records {
  const records: Records = new Map()
  for (const [uid, record] of state.map) if (isElement(record)) records.set(uid, record)
  return records
}

/** The earlier elements with a difference applied. */
function applied(records: Records, changes: readonly ChangedElement[]): Records {
  const after = new Map(records)
  for (const { uid, before, after: record } of changes) {
    expect(after.get(uid) && hashOf(after.get(uid))).toEqual(before && hashOf(before))
    if (record === undefined) after.delete(uid)
    else after.set(uid, record)
  }
  return after
}

const hashOf = (record: ElementRecord | undefined) => record && recordHash(record)
const sorted = (records: Records) => [...records].sort(([one], [other]) => (one < other ? -1 : 1))

/** One difference after the other as one, by UID: what both together leave the same is not in it. */
function composed(first: readonly ChangedElement[], second: readonly ChangedElement[]) {
  const both = new Map<string, ChangedElement>()
  for (const one of first) both.set(one.uid, one)
  for (const { uid, before, after } of second) {
    const earlier = both.has(uid) ? both.get(uid)?.before : before
    both.set(uid, { uid, ...(earlier && { before: earlier }), ...(after && { after }) })
  }
  return byUid([...both.values()].filter(({ before, after }) => hashOf(before) !== hashOf(after)))
}

const byUid = (changes: readonly ChangedElement[]) =>
  [...changes]
    .sort((one, other) => (one.uid < other.uid ? -1 : 1))
    .map(({ uid, before, after }) => [uid, hashOf(before), hashOf(after)])

type Wish = {
  op: 'create' | 'set' | 'delete' | 'again'
  target: number
  other: number
  kind: 'block' | 'list' | 'field'
  name: string
  order: string
  typed: { type: FieldType; value: Value }
}

const wish: fc.Arbitrary<Wish> = fc.record({
  op: fc.constantFrom('create', 'set', 'delete', 'again'),
  target: fc.nat(20),
  other: fc.nat(20),
  kind: fc.constantFrom('block', 'list', 'field'),
  name: fc.constantFrom('a', 'b', 'item'),
  order: fc.string({ unit: fc.constantFrom('0', 'a', 'z', 'A'), minLength: 1, maxLength: 3 }),
  typed: typedValue,
})

/** Makes what it can of a wish; `again` deletes an element and makes it anew elsewhere, by another name, of another kind. */
function perform(one: TestContract, wanted: Wish): void {
  const { state } = one
  const known = [...recordsOf(state).keys()]
  const pick = (index: number): string => known[index % known.length] as string
  const { typed, kind, name, order } = wanted
  const uid = pick(wanted.target)
  const seen = seenOf(state, uid) as string
  const create = (id: string): Operation => {
    const at = { op: 'create', uid: id, parent: pick(wanted.other), name, order } as const
    return kind === 'field'
      ? { ...at, kind, type: typed.type, value: one.commit(typed.value) }
      : { ...at, kind }
  }
  const operations: Operation[] =
    wanted.op === 'create'
      ? [create(Buffer.from(one.random(16)).toString('hex'))]
      : wanted.op === 'set'
        ? [{ op: 'set', uid, seen, type: typed.type, value: one.commit(typed.value) }]
        : [{ op: 'delete', uid, seen }, ...(wanted.op === 'again' ? [create(uid)] : [])]
  one.state = apply(state, one.request(operations), one.openings, { height: 1, timeMs: 1 }).state
}

/** Three states of one contract, one after another. */
const threeStates = fc
  .tuple(documents, fc.array(wish, { maxLength: 12 }), fc.array(wish, { maxLength: 12 }))
  .map(([tree, first, second]) => {
    const one = new TestContract(tree)
    const a = one.state
    for (const wanted of first) perform(one, wanted)
    const b = one.state
    for (const wanted of second) perform(one, wanted)
    return { one, a, b, c: one.state }
  })

/** UIDs in the order in which a document is read. */
function preorder(state: ContractState, uid = state.rootUid): string[] {
  return [uid, ...childrenOf(state, uid).flatMap((child) => preorder(state, child))]
}

describe('the difference of two states', () => {
  it('applied to the earlier elements gives the later ones, and the other way round', () => {
    fc.assert(
      fc.property(threeStates, ({ a, c }) => {
        expect(sorted(applied(recordsOf(a), changedElements(a, c)))).toEqual(sorted(recordsOf(c)))
        expect(sorted(applied(recordsOf(c), changedElements(c, a)))).toEqual(sorted(recordsOf(a)))
      }),
      { numRuns: 150 },
    )
  })

  it('from a to c is that from a to b and from b to c together', () => {
    fc.assert(
      fc.property(threeStates, ({ a, b, c }) => {
        expect(composed(changedElements(a, b), changedElements(b, c))).toEqual(byUid(changedElements(a, c)))
        expect(changedElements(b, b)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('is the same of states that share nothing, having been read from a store', () => {
    fc.assert(
      fc.property(threeStates, ({ a, c }) => {
        const again = (state: ContractState) => restoreState(state.contract, [...state.map])
        expect(changedElements(again(a), again(c))).toEqual(changedElements(a, c))
        expect(changedElements(again(a), a)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('taken back leads to the earlier state, which shares with the later one', () => {
    let rewound = 0
    fc.assert(
      fc.property(threeStates, ({ a, c }) => {
        const changes = mapChanges(c.map, a.map).map(([uid, , record]) => [uid, record ?? null] as const)
        const back = withRecords(c, changes)
        // A block that came to lie elsewhere is for who reads all records.
        if (back === undefined) return
        rewound += 1
        expect(stateRoot(back)).toBe(stateRoot(a))
        expect(preorder(back)).toEqual(preorder(a))
        for (const uid of preorder(a)) {
          expect(pathOf(back, uid)).toBe(pathOf(a, uid))
          expect(back.children.get(uid)?.depth).toBe(a.children.get(uid)?.depth)
        }
        expect(back.children.size).toBe(a.children.size)
      }),
      { numRuns: 200 },
    )
    expect(rewound).toBeGreaterThan(100)
  })

  it('is in document order, and each element is told by words that fit', () => {
    fc.assert(
      fc.property(threeStates, ({ one, a, c }) => {
        const changes = changedElements(a, c)
        const uids = changes.filter(({ after }) => after).map(({ uid }) => uid)
        const order = preorder(c).filter((uid) => uids.includes(uid))
        expect(uids).toEqual(order)
        for (const change of changes) {
          const told = differenceOf(a, c, change, one.openings)
          expect(told.what.length).toBeGreaterThan(0)
          expect(told.what.includes('created')).toBe(change.before === undefined)
          expect(told.what.includes('removed')).toBe(change.after === undefined)
          if (told.old?.held && told.new?.held && told.what.includes('changed'))
            expect(told.new.value).not.toBe(told.old.value)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('tells paths, types and values, and what is not held', () => {
    const one = new EditedContract(
      block('', [block('Slip', [field('Amount', 'decimal', '1.50'), field('Gone', 'text', 'x')])]),
    )
    const before = one.state
    const [slip, amount, gone] = [one.at('/Slip'), one.at('/Slip/Amount'), one.at('/Slip/Gone')]
    const value = one.commit('1.75')
    const again = one.commit('x')
    const made = 'ab'.repeat(16)
    const moved = {
      op: 'create',
      uid: gone,
      parent: one.state.rootUid,
      name: 'Kept',
      order: 'z',
      kind: 'field',
      type: 'text',
      value: again,
    } as const
    one.run({
      operations: [
        { op: 'set', uid: amount, seen: element(before, amount)?.value as string, type: 'decimal', value },
        { op: 'delete', uid: gone, seen: element(before, gone)?.value as string },
        moved,
        { op: 'create', uid: made, parent: slip, name: 'New', order: 'zz', kind: 'block' },
      ],
      openings: [value, again].map((commitment) => one.openings.get(commitment) as never),
    })
    one.openings.delete(element(before, gone)?.value as string)
    const told = changedElements(before, one.state).map((each) =>
      differenceOf(before, one.state, each, one.openings),
    )
    expect(told).toMatchObject([
      {
        uid: amount,
        what: ['changed'],
        path: '/Slip/Amount',
        old: { type: 'decimal', held: true, value: '1.50' },
        new: { type: 'decimal', held: true, value: '1.75', version: value },
      },
      { uid: made, what: ['created'], kind: 'block', path: '/Slip/New' },
      {
        uid: gone,
        what: ['moved', 'renamed', 'changed'],
        path: '/Kept',
        oldPath: '/Slip/Gone',
        old: { type: 'text', held: false },
        new: { value: 'x' },
      },
    ])
    expect(told[0]).not.toHaveProperty('oldPath')
    expect(told[2]?.old).not.toHaveProperty('value')
    expect(epochDifference(before, one.state)).toBeUndefined()
  })

  it('calls a value that is written again, and is the same, restated', () => {
    const one = new EditedContract(block('', [field('a', 'text', 'x')]))
    const before = one.state
    const uid = one.at('/a')
    const value = one.commit('x')
    const seen = element(before, uid)?.value as string
    one.run({
      operations: [{ op: 'set', uid, seen, type: 'text', value }],
      openings: [one.openings.get(value) as never],
    })
    const [change] = changedElements(before, one.state)
    expect(differenceOf(before, one.state, change as ChangedElement, one.openings).what).toEqual(['restated'])
  })

  it('walks only what differs', () => {
    const fields = Array.from({ length: 5000 }, (_, index) => field(`f${index}`, 'text', 'x'))
    const one = new EditedContract(block('', fields))
    const before = one.state
    let reads = 0
    const spied = new Proxy(before.map, {
      get(target, key) {
        if (key === 'entries' || key === Symbol.iterator) reads += 1
        const found = Reflect.get(target, key, target)
        return typeof found === 'function' ? found.bind(target) : found
      },
    })
    const uid = one.at('/f17')
    const value = one.commit('y')
    const seen = element(before, uid)?.value as string
    one.run({
      operations: [{ op: 'set', uid, seen, type: 'text', value }],
      openings: [one.openings.get(value) as never],
    })
    expect(changedElements({ ...before, map: spied }, one.state).map((each) => each.uid)).toEqual([uid])
    expect(reads).toBe(0)
  })
})
