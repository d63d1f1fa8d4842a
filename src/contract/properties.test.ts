import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, TestContract, typedValue } from '../../test/support/contract.ts'
import { checkBlockShape } from '../ledger/block.ts'
import { FIELD_TYPES, type FieldType, type Operation, operationShape } from '../ledger/request.ts'
import type { Value } from '../ledger/value.ts'
import { apply, executeBlock, type IdentifiedRequest } from './apply.ts'
import { OUTCOME_CODES } from './outcome.ts'
import { replay } from './replay.ts'
import {
  type ContractState,
  childrenOf,
  element,
  elementCount,
  restoreState,
  type StateRecord,
  seenOf,
  stateRoot,
} from './state.ts'
import { exportTree, pathOf, resolvePath } from './view.ts'

/** An operation before it is known which elements there are: `target` and `other` pick among them. */
type Wish = {
  op: 'create' | 'set' | 'delete'
  target: number
  other: number
  kind: 'block' | 'list' | 'field'
  name: string
  order: string
  typed: { type: FieldType; value: Value }
  /** A type that the value need not be of. */
  type: FieldType | undefined
  isStale: boolean
  /** A field without a value. */
  isEmpty: boolean
}

const wish: fc.Arbitrary<Wish> = fc.record({
  op: fc.constantFrom('create', 'create', 'set', 'delete'),
  target: fc.nat(30),
  other: fc.nat(30),
  kind: fc.constantFrom('block', 'list', 'field'),
  name: fc.constantFrom('a', 'b', 'item', 'naïve/[1]~'),
  order: fc.string({ unit: fc.constantFrom('0', 'a', 'z', 'A'), minLength: 1, maxLength: 3 }),
  typed: typedValue,
  type: fc.option(fc.constantFrom(...FIELD_TYPES), { nil: undefined, freq: 6 }),
  isStale: fc.boolean(),
  isEmpty: fc.constantFrom(false, false, false, true),
})
/** Ledger blocks of requests of wishes. */
const history = fc.array(fc.array(fc.array(wish, { minLength: 1, maxLength: 6 }), { maxLength: 4 }), {
  maxLength: 6,
})

/** Makes an operation of a wish: on the elements there are, but also on the root, the epoch record and what isn't there. */
function operationOf(one: TestContract, state: ContractState, wanted: Wish): Operation {
  const known = [...state.map.entries()].map(([uid]) => uid)
  const unknown = Array.from({ length: 4 }, (_, index) => index.toString(16).padStart(32, 'e'))
  const pool = [...known, ...unknown]
  const pick = (index: number): string => pool[index % pool.length] as string
  const uid = pick(wanted.target)
  const type = wanted.type ?? wanted.typed.type
  const content = { type, ...(!wanted.isEmpty && { value: one.commit(wanted.typed.value) }) }
  const seen = (wanted.isStale ? undefined : seenOf(state, uid)) ?? 'f'.repeat(64)
  if (wanted.op === 'delete') return { op: 'delete', uid, seen }
  if (wanted.op === 'set') return { op: 'set', uid, seen, ...content }
  const { kind, name, order } = wanted
  const fresh = wanted.isStale ? uid : Buffer.from(one.random(16)).toString('hex')
  const create = { op: 'create', uid: fresh, parent: pick(wanted.other), name, order } as const
  return kind === 'field' ? { ...create, kind, ...content } : { ...create, kind }
}

type Ran = { requests: IdentifiedRequest[]; before: ContractState; state: ContractState }

/** Executes a history, every wish of a request being made of the state before the request. */
function run(one: TestContract, blocks: Wish[][][]): Ran[] {
  return blocks.map((wishes) => {
    const requests: IdentifiedRequest[] = []
    const before = one.state
    let state = before
    for (const request of wishes) {
      const operations = request.map((wanted) => operationOf(one, state, wanted))
      for (const operation of operations) operationShape(operation, 'operation')
      requests.push(one.request(operations))
      state = apply(state, requests.at(-1) as IdentifiedRequest, one.openings, { height: 1, timeMs: 1 }).state
    }
    one.state = state
    return { requests, before, state }
  })
}

describe('any history', () => {
  it('[REQ-4] [STA-1] [BLK-2] gives the same state by apply, by executeBlock, by replay and from its records', () => {
    fc.assert(
      fc.property(documents, history, (tree, blocks) => {
        const one = new TestContract(tree)
        const executed = run(one, blocks)
        const records = new Map<string, StateRecord>(one.first.changes as [string, StateRecord][])
        const replayed = replay(
          one.contract,
          one.genesis,
          executed.map(({ requests }) => ({ header: { height: 1, timeMs: 1 }, requests })),
          one.openings,
        )
        let parent = one.first.state
        for (const { height, state, changes, executed: block } of replayed) {
          const applied = height === 0 ? one.first : executed[height - 1]
          expect(stateRoot(state)).toBe(stateRoot(applied?.state as ContractState))
          if (block === undefined) continue
          const again = executeBlock(parent, executed[height - 1]?.requests ?? [], one.openings, {
            height: 1,
            timeMs: 1,
          })
          expect([again.entriesRoot, again.stateRoot]).toEqual([block.entriesRoot, block.stateRoot])
          expect([again.entries, again.effects, again.changes]).toEqual([
            block.entries,
            block.effects,
            changes,
          ])
          checkBlockShape({ header: headerOf(one, block), entries: block.entries })
          for (const [uid, record] of changes) {
            if (record === null) records.delete(uid)
            else records.set(uid, record)
          }
          const restored = restoreState(one.contract, records)
          expect(stateRoot(restored)).toBe(block.stateRoot)
          expect(exportTree(restored, restored.rootUid, one.openings)).toEqual(
            exportTree(state, state.rootUid, one.openings),
          )
          parent = state
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is of many sorts: each outcome occurs, but for the one that takes 65 levels', () => {
    const outcomes = new Set<string>()
    for (const [tree, blocks] of fc.sample(fc.tuple(documents, history), { seed: 1, numRuns: 150 })) {
      const one = new TestContract(tree)
      for (const { requests, before } of run(one, blocks)) {
        for (const { outcome, code } of executeBlock(before, requests, one.openings, { height: 1, timeMs: 1 })
          .entries)
          outcomes.add(code ?? outcome)
      }
    }
    const codes = Object.keys(OUTCOME_CODES).filter((code) => code !== 'too-deep')
    expect([...outcomes].sort()).toEqual(['accepted', ...codes])
  })

  it('[REQ-4] changes nothing by a request that is not accepted, and exactly its effects by one that is', () => {
    fc.assert(
      fc.property(documents, history, (tree, blocks) => {
        const one = new TestContract(tree)
        for (const { requests } of run(one, blocks)) {
          for (const request of requests) {
            const before = one.first.state
            const { outcome, code, effects, changes, state } = apply(before, request, one.openings, {
              height: 1,
              timeMs: 1,
            })
            expect(code === undefined).toBe(outcome === 'accepted')
            if (outcome !== 'accepted') expect([state, effects, changes]).toEqual([before, [], []])
            const uids = new Set([...before.map.entries(), ...state.map.entries()].map(([uid]) => uid))
            const differing = [...uids].filter((uid) => before.map.get(uid) !== state.map.get(uid)).sort()
            expect(effects.map(([uid]) => uid).filter((uid) => !differing.includes(uid))).toEqual([])
            const changed = changes.map(([uid]) => uid)
            for (const uid of differing)
              if (!changed.includes(uid)) expect(state.map.get(uid)).toEqual(before.map.get(uid))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('[ELE-1] [ELE-2] leaves a tree: every element once below its parent, in order, and found by its path', () => {
    fc.assert(
      fc.property(documents, history, (tree, blocks) => {
        const one = new TestContract(tree)
        run(one, blocks)
        const { state } = one
        let reached = 1
        const visit = (parent: string): void => {
          const children = childrenOf(state, parent)
          reached += children.length
          const keys = children.map((uid) => `${element(state, uid)?.order} ${uid}`)
          expect(keys).toEqual([...keys].sort())
          for (const uid of children) {
            expect(element(state, uid)?.parent).toBe(parent)
            expect(resolvePath(state, state.rootUid, pathOf(state, uid))).toBe(uid)
            visit(uid)
          }
        }
        visit(state.rootUid)
        expect(reached).toBe(elementCount(state))
      }),
      { numRuns: 100 },
    )
  })
})

function headerOf(one: TestContract, { entriesRoot, stateRoot }: { entriesRoot: string; stateRoot: string }) {
  const hash = '0'.repeat(64)
  const place = { contract: one.contract, lineage: 0, epoch: 0, height: 1, view: 1, parent: hash, timeMs: 1 }
  return { ...place, entriesRoot, stateRoot, logRoot: hash }
}
