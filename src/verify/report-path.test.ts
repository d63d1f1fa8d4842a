import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, EditedContract, TestContract } from '../../test/support/contract.ts'
import type { StateRecord } from '../contract/record.ts'
import { element } from '../contract/state.ts'
import { pathOf } from '../contract/view.ts'
import { block, field, list } from '../document/tree.ts'
import { isPathOf } from './report-path.ts'

describe('the path of an element in a part of a report', () => {
  it('[RPT-5] is held against its own record and those above it', () => {
    fc.assert(
      fc.property(documents, (tree) => {
        const { state, contract } = new TestContract(tree)
        const records = new Map<string, StateRecord>([...state.map])
        for (const uid of records.keys()) {
          if (element(state, uid) === undefined || uid === state.rootUid) continue
          const path = pathOf(state, uid)
          expect(isPathOf(contract, records, uid, path), path).toBe(true)
          expect(isPathOf(contract, records, uid, `${path}/x`)).toBe(false)
          expect(isPathOf(contract, records, uid, `/x${path}`)).toBe(false)
          expect(isPathOf(contract, records, uid, `${path}x`)).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('[RPT-5] is another where a name, an index of a list or a record above it is', () => {
    const one = new EditedContract(block('', [block('A', [list('L', [field('item', 'text', 'x')])])]))
    const { state, contract } = one
    const records = new Map<string, StateRecord>([...state.map])
    const uid = one.at('/A/L[1]')
    const is = (path: string) => isPathOf(contract, records, uid, path)
    expect(is('/A/L[1]')).toBe(true)
    expect(is('/A/L/item[1]')).toBe(true)
    for (const path of ['/A/L', '/A/M[1]', '/B/L[1]', '/L[1]', '/A/L[1]/item', 'A/L[1]', '/A/L[', '/'])
      expect(is(path)).toBe(false)
    records.delete(one.at('/A'))
    expect(is('/A/L[1]'), 'a record above it is missing').toBe(false)
  })

  it('ends, whatever the records and the path say', () => {
    const root = new TestContract()
    const [first, second] = ['1'.repeat(32), '2'.repeat(32)]
    const loop = (parent: string): StateRecord => ({ kind: 'list', name: 'item', order: 'a', parent })
    const records = new Map<string, StateRecord>([
      [first as string, loop(second as string)],
      [second as string, loop(first as string)],
    ])
    expect(isPathOf(root.contract, records, first as string, '/item')).toBe(false)
    const deep = new Map<string, StateRecord>()
    let parent = root.state.rootUid
    let uid = ''
    for (let depth = 1; depth <= 64; depth += 1) {
      uid = depth.toString(16).padStart(32, 'a')
      deep.set(uid, { kind: 'list', name: 'item', order: 'a', parent })
      parent = uid
    }
    expect(isPathOf(root.contract, deep, uid, '/item[1]'.repeat(48))).toBe(false)
  })
})
