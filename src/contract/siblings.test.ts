import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Sibling, Siblings } from './siblings.ts'

const sibling: fc.Arbitrary<Sibling> = fc.record({
  uid: fc.nat(40).map((digits) => digits.toString(16).padStart(32, '0')),
  name: fc.constantFrom('a', 'b', 'ab', '😀'),
  order: fc.constantFrom('a', 'a0', 'B', '1', 'aZ'),
})
const inOrder = (first: Sibling, second: Sibling) =>
  Buffer.compare(Buffer.from(`${first.order}!${first.uid}`), Buffer.from(`${second.order}!${second.uid}`))

describe('Siblings', () => {
  it('[ELE-2] is a list sorted by order key, then UID, in bytes', () => {
    fc.assert(
      fc.property(fc.array(sibling, { maxLength: 60 }), fc.nat(70), fc.nat(70), (edits, start, end) => {
        const model = new Map<string, Sibling>()
        let siblings = new Siblings(3)
        for (const one of edits) {
          const old = model.get(one.uid)
          if (old === undefined) {
            model.set(one.uid, one)
            siblings = siblings.add(one)
          } else {
            model.delete(one.uid)
            siblings = siblings.remove(old)
          }
        }
        const sorted = [...model.values()].sort(inOrder)
        const uids = sorted.map(({ uid }) => uid)
        for (const same of [siblings, new Siblings(3, [...model.values()])]) {
          expect([same.depth, same.size]).toEqual([3, sorted.length])
          expect(same.uids()).toEqual(uids)
          expect(same.uids(start, end)).toEqual(uids.slice(start, end))
          expect([-1, ...uids.keys(), uids.length].map((index) => same.at(index))).toEqual([
            undefined,
            ...uids,
            undefined,
          ])
          expect(sorted.map((one) => same.indexOf(one))).toEqual([...uids.keys()])
          for (const name of ['a', 'b', 'ab', '😀', 'c']) {
            const named = sorted.filter((one) => one.name === name)
            expect(same.countNamed(name)).toBe(named.length)
            expect(named.map((one) => same.indexAmongNamed(one))).toEqual([...named.keys()])
            expect([-1, ...named.keys(), named.length].map((index) => same.namedAt(name, index))).toEqual([
              undefined,
              ...named.map(({ uid }) => uid),
              undefined,
            ])
          }
        }
      }),
    )
  })

  it('leaves the set before a change as it was', () => {
    const one: Sibling = { uid: '1'.repeat(32), name: 'a', order: 'a' }
    const empty = new Siblings(0)
    const full = empty.add(one)
    expect([empty.size, full.size, full.remove(one).size, full.size]).toEqual([0, 1, 0, 1])
  })

  it('stays balanced whatever the order of the keys: an edit compares with few of 50,000', () => {
    let reads = 0
    const counted = (index: number): Sibling => ({
      uid: index.toString(16).padStart(32, '0'),
      name: 'a',
      get order() {
        reads += 1
        return `a${index.toString().padStart(6, '0')}`
      },
    })
    let siblings = new Siblings(0)
    for (let index = 0; index < 50_000; index += 1) siblings = siblings.add(counted(index))
    for (let index = 0; index < 25_000; index += 1) siblings = siblings.remove(counted(index))
    reads = 0
    siblings.add(counted(60_000)).remove(counted(30_000))
    // Two trees, two edits, two reads each comparison, and no path longer than log(25,000) / log(4/3) = 36.
    expect(reads).toBeLessThan(2 * 2 * 2 * 36)
  })
})
