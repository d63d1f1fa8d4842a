import { afterAll, describe, expect, it } from 'vitest'
import { TestContract } from '../../test/support/contract.ts'
import { loadCounted } from '../../test/support/count-steps.ts'
import type { Operation } from '../ledger/request.ts'
import type { ContractState, ElementRecord } from './state.ts'

type Room = typeof import('./apply.ts') & typeof import('./state.ts') & typeof import('./view.ts')

const files = ['apply', 'state', 'view']
const counted = loadCounted<Room>(...files.map((file) => `src/contract/${file}.ts`))
const { apply, childrenOf, pathOf, resolvePath, restoreState, seenOf, stateRoot, subtreeHash } =
  counted.module
afterAll(() => counted.close())

const one = new TestContract()
const { contract } = one
const value = one.commit('same')
const uidOf = (index: number) =>
  one
    .random(16)
    .reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), `${index % 10}`)
    .slice(0, 32)
const SMALL = 100
const LARGE = 100_000

/** A state of so many fields side by side, and a block of ten beside them; its root is known. */
function stateOf(size: number): { state: ContractState; uid: string; branch: string } {
  const records = [...one.first.changes] as [string, ElementRecord][]
  const add = (parent: string, index: number): void => {
    const order = `c${index.toString().padStart(6, '0')}`
    records.push([uidOf(index), { kind: 'field', name: 'item', order, parent, type: 'text', value }])
  }
  const branch = uidOf(0)
  records.push([branch, { kind: 'block', name: 'branch', order: 'b', parent: one.state.rootUid }])
  for (let index = 0; index < 10; index += 1) add(branch, index)
  for (let index = 0; index < size; index += 1) add(one.state.rootUid, index)
  const state = restoreState(contract, records)
  stateRoot(state)
  return { state, uid: childrenOf(state, state.rootUid)[size >> 1] as string, branch }
}

const small = stateOf(SMALL)
const large = stateOf(LARGE)
const ready = [small, large]

/** Runs operations and takes the new root, which is what a node does with a request. */
function execute(state: ContractState, operations: Operation[]): void {
  const applied = apply(state, one.request(operations), one.openings, { height: 1, timeMs: 1 })
  expect(applied.outcome).toBe('accepted')
  stateRoot(applied.state)
}

/** log2 of the sizes is 7 and 17: what is logarithmic takes at most 17/7 of the steps, give or take the trees' balance. */
function expectLogarithmic(make: (at: typeof small) => () => void): void {
  const [few, many] = ready.map((at) => counted.steps(make(at))) as [number, number]
  expect(few).toBeGreaterThan(20)
  expect(many / few).toBeLessThan(4)
}

describe('of 100 and of 100,000 siblings', () => {
  it('[STA-1] a set, with the new state root, takes O(log n) steps', () => {
    const another = one.commit('another')
    expectLogarithmic(
      ({ state, uid }) =>
        () =>
          execute(state, [{ op: 'set', uid, seen: value, type: 'text', value: another }]),
    )
  })

  it('[STA-1] a creation among them takes O(log n) steps', () => {
    const name = 'item'
    expectLogarithmic(({ state }) => {
      const operation = {
        uid: uidOf(1),
        parent: state.rootUid,
        name,
        kind: 'field',
        order: 'c00005',
      } as const
      return () => execute(state, [{ op: 'create', ...operation, type: 'text', value }])
    })
  })

  it('[STA-1] a deletion, of one or of a block of ten, takes O(log n) steps', () => {
    expectLogarithmic(
      ({ state, uid }) =>
        () =>
          execute(state, [{ op: 'delete', uid, seen: value }]),
    )
    expectLogarithmic(({ state, branch }) => {
      const seen = seenOf(state, branch) as string
      return () => execute(state, [{ op: 'delete', uid: branch, seen }])
    })
  })

  it('a path takes O(log n) steps, there and back', () => {
    expectLogarithmic(
      ({ state, uid }) =>
        () =>
          expect(resolvePath(state, state.rootUid, pathOf(state, uid))).toBe(uid),
    )
  })

  it('ten children out of the middle take O(log n) steps', () => {
    expectLogarithmic(
      ({ state }) =>
        () =>
          expect(childrenOf(state, state.rootUid, 40, 50)).toHaveLength(10),
    )
  })
})

describe('work on k elements', () => {
  it('[REQ-3] deletion and subtree hash take O(k log n) steps', () => {
    const deletion = (size: number): [() => void, () => void] => {
      const at = { ...one.first.state }
      const uid = uidOf(size)
      const creations: Operation[] = Array.from({ length: size }, (_, index) => ({
        op: 'create',
        uid: uidOf(index),
        parent: uid,
        name: 'item',
        kind: 'field',
        order: `c${index.toString().padStart(6, '0')}`,
        type: 'text',
        value,
      }))
      const parent = at.rootUid
      const top: Operation = { op: 'create', uid, parent, name: 'top', kind: 'block', order: 'a' }
      const first = restoreState(contract, one.first.changes as [string, ElementRecord][])
      const { state } = apply(first, one.request([top, ...creations]), one.openings, { height: 1, timeMs: 1 })
      const seen = subtreeHash(state, uid)
      return [() => execute(state, [{ op: 'delete', uid, seen }]), () => void subtreeHash(state, uid)]
    }
    const [few, many] = [deletion(1000), deletion(4000)]
    for (const part of [0, 1] as const) {
      const ratio = counted.steps(many[part]) / counted.steps(few[part])
      expect(ratio).toBeGreaterThan(3)
      // 4 times the elements on paths of 12 rather than 10 nodes: 4.8, far from the 16 of quadratic work.
      expect(ratio).toBeLessThan(6)
    }
  })
})
