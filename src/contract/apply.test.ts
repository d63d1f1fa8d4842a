import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TestContract } from '../../test/support/contract.ts'
import { jcs } from '../crypto/jcs.ts'
import { leafHash, merkleRoot } from '../crypto/log.ts'
import { block, field, list, text } from '../document/tree.ts'
import type { CreateOperation, FieldType, Operation } from '../ledger/request.ts'
import { NO_VALUE } from '../ledger/value.ts'
import { apply, executeBlock } from './apply.ts'
import { EPOCH_OUTCOME_CODES } from './epoch-outcome.ts'
import { OUTCOME_CODES } from './outcome.ts'
import { RULE_CODES } from './rules/codes.ts'
import {
  childrenOf,
  type ElementRecord,
  element,
  recordHash,
  seenOf,
  stateRoot,
  subtreeUids,
} from './state.ts'
import { exportTree } from './view.ts'

const NOW_MS = 1_700_000_001_000
const uidOf = (digit: string) => digit.repeat(32)
const tree = block('', [
  text('title', 'Lease'),
  block('rent', [field('amount', 'decimal', '900.00'), text('currency', 'EUR')]),
  list('parties', [text('item', 'Alder'), text('item', 'Birch')]),
])

/** The contract above, with short ways to its elements and to operations on it. */
class Lease extends TestContract {
  constructor() {
    super(tree)
  }

  uid(name: string): string {
    const found = [...this.state.map.entries()].find(([, record]) => 'name' in record && record.name === name)
    if (found === undefined) throw new Error(`no element ${name}`)
    return found[0]
  }

  seen(name: string): string {
    return seenOf(this.state, this.uid(name)) as string
  }

  set(name: string, value: string, more: { seen?: string; type?: FieldType } = {}): Operation {
    const type = element(this.state, this.uid(name))?.type ?? 'text'
    return { op: 'set', uid: this.uid(name), seen: this.seen(name), type, value: this.commit(value), ...more }
  }

  create(uid: string, more: Partial<CreateOperation> = {}): CreateOperation {
    return { op: 'create', uid, parent: this.state.rootUid, name: 'new', kind: 'block', order: 'n', ...more }
  }

  delete(name: string): Operation {
    return { op: 'delete', uid: this.uid(name), seen: this.seen(name) }
  }

  apply(...operations: Operation[]) {
    return apply(this.state, this.request(operations), this.openings, { height: 1, timeMs: NOW_MS })
  }

  /** The same, carried on. */
  run(...operations: Operation[]) {
    const applied = this.apply(...operations)
    this.state = applied.state
    return applied
  }

  tree() {
    return exportTree(this.state, this.state.rootUid, this.openings)
  }
}

describe('apply', () => {
  it('[REQ-4] accepts what its author saw as it still is, and lists the effects by UID', () => {
    const lease = new Lease()
    const added: CreateOperation = lease.create(uidOf('1'), {
      kind: 'field',
      type: 'date',
      value: lease.commit('2024-02-29'),
    })
    const applied = lease.run(lease.set('amount', '950.00'), lease.delete('title'), added)
    expect(applied.outcome).toBe('accepted')
    expect(applied).not.toHaveProperty('code')
    const uids = applied.effects.map(([uid]) => uid)
    expect(uids).toEqual([...uids].sort())
    expect(uids).toHaveLength(3)
    for (const [index, [uid, record]] of applied.changes.entries()) {
      expect(lease.state.map.get(uid) ?? null).toEqual(record)
      expect(applied.effects[index]).toEqual([uid, record === null ? null : recordHash(record)])
    }
    expect(element(lease.state, uidOf('1'))).toEqual({
      kind: 'field',
      name: 'new',
      order: 'n',
      parent: lease.state.rootUid,
      type: 'date',
      value: added.value,
    })
  })

  it('[REQ-4] lets operations see the effects of those before them', () => {
    const lease = new Lease()
    const value = lease.commit('one')
    const parent = lease.create(uidOf('1'))
    const child = lease.create(uidOf('2'), { parent: uidOf('1'), kind: 'field', type: 'text', value })
    const two = lease.commit('2')
    const set: Operation = { op: 'set', uid: uidOf('2'), seen: value, type: 'integer', value: two }
    expect(lease.apply(child, parent)).toMatchObject({ outcome: 'conflicted', code: 'parent-gone' })
    expect(lease.apply(parent, child, { ...set, seen: two })).toMatchObject({ code: 'stale-version' })
    lease.run(parent, child, set)
    expect(element(lease.state, uidOf('2'))).toMatchObject({ type: 'integer', value: two })
  })

  it('[REQ-3] [ELE-2] creates a field without a value, sets and empties it; an empty one is seen as 64 zeros', () => {
    const lease = new Lease()
    const uid = uidOf('1')
    const value = lease.commit('2026-01-01')
    const empty = lease.create(uid, { kind: 'field', type: 'date' })
    const place = { kind: 'field', name: empty.name, order: empty.order, parent: empty.parent }
    lease.run(empty)
    expect(lease.state.map.get(uid)).toStrictEqual({ ...place, type: 'date' })
    expect(seenOf(lease.state, uid)).toBe(NO_VALUE)
    lease.run({ op: 'set', uid, seen: NO_VALUE, type: 'date', value })
    expect(lease.state.map.get(uid)).toStrictEqual({ ...place, type: 'date', value })
    const stale: Operation = { op: 'set', uid, seen: NO_VALUE, type: 'date' }
    expect(lease.apply(stale)).toMatchObject({ outcome: 'conflicted', code: 'stale-version' })
    lease.run({ ...stale, seen: value, type: 'money' })
    expect(lease.state.map.get(uid)).toStrictEqual({ ...place, type: 'money' })
    expect(lease.apply({ op: 'delete', uid, seen: value })).toMatchObject({ code: 'stale-version' })
    lease.run({ op: 'delete', uid, seen: NO_VALUE })
    expect(lease.state.map.get(uid)).toBeUndefined()
  })

  it('[REQ-4] is all or nothing: one bad operation, and the state is the very one before', () => {
    const lease = new Lease()
    const applied = lease.apply(
      lease.set('amount', '1.00'),
      lease.delete('parties'),
      lease.create(lease.uid('title')),
    )
    expect(applied).toEqual({
      outcome: 'rejected',
      code: 'uid-in-use',
      results: [],
      effects: [],
      changes: [],
      openings: [],
      state: lease.state,
    })
    expect(applied.state).toBe(lease.state)
  })

  it('[REQ-4] gives net effects: nothing for what was undone within the request', () => {
    const lease = new Lease()
    const empty = recordSeen(lease, uidOf('1'))
    const title = element(lease.state, lease.uid('title')) as ElementRecord
    const there = lease.set('title', 'Sale')
    const back: Operation = {
      op: 'set',
      uid: lease.uid('title'),
      seen: (there as { value: string }).value,
      type: 'text',
      value: title.value as string,
    }
    const applied = lease.apply(
      lease.create(uidOf('1')),
      there,
      { op: 'delete', uid: uidOf('1'), seen: empty },
      back,
    )
    expect(applied).toMatchObject({ outcome: 'accepted', effects: [], changes: [] })
    expect(stateRoot(applied.state)).toBe(stateRoot(lease.state))
  })

  it('[REQ-4] of two sets that saw the same, exactly one is accepted and one conflicted', () => {
    const lease = new Lease()
    const [mine, yours] = [lease.set('amount', '1.00'), lease.set('amount', '2.00')]
    for (const order of [
      [mine, yours],
      [yours, mine],
    ] as [Operation, Operation][]) {
      const requests = order.map((operation) => lease.request([operation]))
      const { entries, effects } = executeBlock(lease.state, requests, lease.openings, {
        height: 1,
        timeMs: NOW_MS,
      })
      expect(entries.map(({ outcome, code }) => [outcome, code])).toEqual([
        ['accepted', undefined],
        ['conflicted', 'stale-version'],
      ])
      expect(effects.map(({ length }) => length)).toEqual([1, 0])
    }
  })

  it('[REQ-3] deletes a block with all below it, if it is as its author saw it', () => {
    const lease = new Lease()
    const deletion = lease.delete('rent')
    const below = subtreeUids(lease.state, lease.uid('rent'))
    const changed = new Lease()
    changed.run(changed.set('currency', 'CHF'))
    expect(changed.apply(deletion)).toMatchObject({ outcome: 'conflicted', code: 'stale-version' })
    const applied = lease.run(deletion)
    expect(applied.effects).toEqual([...below].sort().map((uid) => [uid, null]))
    expect(lease.tree()).toEqual(block('', [tree.children[0], tree.children[2]] as never))
    for (const uid of below) expect(lease.state.children.has(uid)).toBe(false)
  })

  it('frees the UID of what was deleted', () => {
    const lease = new Lease()
    const uid = lease.uid('title')
    const applied = lease.run(lease.delete('title'), lease.create(uid))
    expect(applied.effects).toEqual([[uid, recordHash(lease.state.map.get(uid) as ElementRecord)]])
    expect(element(lease.state, uid)?.kind).toBe('block')
  })

  it('[ELE-2] takes siblings of one name and of one order key', () => {
    const lease = new Lease()
    const value = lease.commit('x')
    const twin = { name: 'twin', order: '0', kind: 'field', type: 'text', value } as const
    lease.run(lease.create(uidOf('2'), twin), lease.create(uidOf('1'), twin))
    expect(childrenOf(lease.state, lease.state.rootUid).slice(0, 2)).toEqual([uidOf('1'), uidOf('2')])
  })

  it('throws for a missing opening, whatever would have come of the request, and for nothing else', () => {
    const lease = new Lease()
    const operation = { ...lease.set('title', 'x'), value: 'f'.repeat(64) } as Operation
    for (const operations of [[operation], [lease.create(lease.uid('title')), operation]])
      expect(() => lease.apply(...operations)).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
  })

  it('leaves the states before it as they were', () => {
    const lease = new Lease()
    const before = lease.state
    const root = stateRoot(before)
    lease.run(lease.delete('rent'), lease.set('title', 'Sale'))
    expect(stateRoot(lease.state)).not.toBe(root)
    expect(stateRoot(before)).toBe(root)
    expect(exportTree(before, before.rootUid, lease.openings)).toEqual(tree)
  })
})

function recordSeen(lease: Lease, uid: string): string {
  const { state } = lease.apply(lease.create(uid))
  return seenOf(state, uid) as string
}

/** For each code, operations that are given it, and like ones that are accepted. */
const cases: Record<string, (lease: Lease) => { given: Operation[][]; accepted: Operation[] }> = {
  'element-gone': (lease) => ({
    given: [
      [{ ...lease.set('title', 'x'), uid: uidOf('f') } as Operation],
      [{ op: 'delete', uid: uidOf('f'), seen: lease.seen('title') }],
      [lease.delete('title'), lease.delete('title')],
    ],
    accepted: [lease.delete('title')],
  }),
  'not-a-block': (lease) => ({
    given: [
      [lease.create(uidOf('1'), { parent: lease.uid('title') })],
      [lease.create(uidOf('1'), { parent: lease.state.epochUid })],
    ],
    accepted: [lease.create(uidOf('1'), { parent: lease.uid('parties') })],
  }),
  'not-a-field': (lease) => ({
    given: ['rent', 'parties']
      .map((name) => [lease.set(name, 'x')])
      .concat([
        [{ ...lease.set('title', 'x'), uid: lease.state.rootUid } as Operation],
        [{ ...lease.set('title', 'x'), uid: lease.state.epochUid } as Operation],
      ]),
    accepted: [lease.set('title', 'x')],
  }),
  'parent-gone': (lease) => ({
    given: [
      [lease.create(uidOf('1'), { parent: uidOf('f') })],
      [lease.create(uidOf('1'), { parent: uidOf('1') })],
      [lease.delete('rent'), lease.create(uidOf('1'), { parent: lease.uid('rent') })],
    ],
    accepted: [lease.create(uidOf('1'), { parent: lease.uid('rent') })],
  }),
  'root-undeletable': (lease) => ({
    given: [lease.state.rootUid, lease.state.epochUid].map((uid) => [
      { op: 'delete', uid, seen: seenOf(lease.state, lease.state.rootUid) as string },
    ]),
    accepted: [lease.delete('rent')],
  }),
  'stale-version': (lease) => ({
    given: [
      [lease.set('title', 'x', { seen: lease.seen('amount') })],
      [{ ...lease.delete('title'), seen: lease.seen('amount') }],
      [{ ...lease.delete('rent'), seen: lease.seen('parties') }],
      [lease.set('currency', 'CHF'), lease.delete('rent')],
    ],
    accepted: [lease.set('title', 'x'), lease.delete('rent')],
  }),
  'too-deep': (lease) => ({ given: [chain(lease, 65)], accepted: chain(lease, 64) }),
  'uid-in-use': (lease) => ({
    given: [lease.uid('title'), lease.state.rootUid, lease.state.epochUid]
      .map((uid) => [lease.create(uid)])
      .concat([[lease.create(uidOf('1')), lease.create(uidOf('1'))]]),
    accepted: [lease.create(uidOf('1'))],
  }),
  'wrong-type': (lease) => ({
    given: [
      [lease.set('amount', '9,00')],
      [lease.set('title', 'x', { type: 'integer' })],
      [lease.create(uidOf('1'), { kind: 'field', type: 'boolean', value: lease.commit('true') })],
      [lease.create(uidOf('1'), { kind: 'field', type: 'text', value: lease.commit('€'.repeat(400_000)) })],
    ],
    accepted: [
      lease.set('amount', '9.00'),
      lease.create(uidOf('1'), { kind: 'field', type: 'boolean', value: lease.commit(true) }),
    ],
  }),
}

/** Blocks within blocks, the last at this depth. */
function chain(lease: Lease, depth: number): CreateOperation[] {
  const uid = (level: number) => (level === 0 ? lease.state.rootUid : level.toString(16).padStart(32, '7'))
  return Array.from({ length: depth }, (_, level) => lease.create(uid(level + 1), { parent: uid(level) }))
}

describe('the codes of outcomes', () => {
  const codes = Object.keys(OUTCOME_CODES) as (keyof typeof OUTCOME_CODES)[]

  it.each(codes)('[REQ-4] [VAL-3] [ELE-1] %s is given where it should be, and only there', (code) => {
    const lease = new Lease()
    const { given, accepted } = (cases[code] as (typeof cases)[string])(lease)
    for (const operations of given) {
      const applied = lease.apply(...operations)
      expect(applied).toMatchObject({ outcome: OUTCOME_CODES[code], code, effects: [], changes: [] })
      expect(applied.state).toBe(lease.state)
    }
    expect(lease.apply(...accepted)).toMatchObject({ outcome: 'accepted' })
  })

  it('are those of docs/outcomes.md, with their outcomes', () => {
    const document = readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8')
    const rows = [...document.matchAll(/^\| `([a-z-]+)` \| (conflicted|rejected) \| .+\. \| .+\. \|$/gm)]
    expect(rows.map(([, code, outcome]) => [code, outcome])).toEqual(
      Object.entries({ ...OUTCOME_CODES, ...EPOCH_OUTCOME_CODES, ...RULE_CODES }),
    )
    expect(Object.keys(cases)).toEqual(codes)
  })

  it('[REQ-4] come in the order that docs/outcomes.md gives', () => {
    const lease = new Lease()
    const wrong = lease.commit('not a number')
    const field = { kind: 'field', type: 'integer', value: wrong } as const
    const deep = chain(lease, 64)
    const deepest = deep.at(-1)?.uid as string
    const codeOf = (...operations: Operation[]) => lease.apply(...operations).code
    expect(codeOf(lease.create(lease.uid('title'), { ...field, parent: uidOf('f') }))).toBe('wrong-type')
    expect(codeOf(lease.create(lease.uid('title'), { parent: uidOf('f') }))).toBe('uid-in-use')
    expect(codeOf(...deep, lease.create(deepest, { parent: deepest }))).toBe('uid-in-use')
    const set = { ...lease.set('title', 'x'), type: 'integer', value: wrong, seen: wrong } as Operation
    expect(codeOf({ ...set, uid: uidOf('f') } as Operation)).toBe('wrong-type')
    expect(codeOf({ ...lease.set('rent', 'x'), seen: wrong } as Operation)).toBe('not-a-field')
  })
})

describe('executeBlock', () => {
  it('[BLK-2] lists entries with outcomes, and takes the root over them and their effects', () => {
    const lease = new Lease()
    const requests = [
      lease.request([lease.set('amount', '1.00')]),
      lease.request([lease.set('amount', '2.00')]),
      lease.request([lease.create(lease.uid('title'))]),
    ]
    const executed = executeBlock(lease.state, requests, lease.openings, { height: 1, timeMs: NOW_MS })
    expect(executed.entries).toEqual([
      { kind: 'request', request: requests[0]?.id, outcome: 'accepted' },
      { kind: 'request', request: requests[1]?.id, outcome: 'conflicted', code: 'stale-version' },
      { kind: 'request', request: requests[2]?.id, outcome: 'rejected', code: 'uid-in-use' },
    ])
    const leaves = executed.entries.map((entry, index) =>
      leafHash(jcs({ ...entry, effects: executed.effects[index] })),
    )
    expect(executed.entriesRoot).toBe(merkleRoot(leaves))
    expect(executed.stateRoot).toBe(stateRoot(executed.state))
  })

  it('[BLK-2] has, without requests, the root of nothing and the state of its parent', () => {
    const lease = new Lease()
    const executed = executeBlock(lease.state, [], lease.openings, { height: 1, timeMs: NOW_MS })
    expect(executed.entriesRoot).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(executed.state).toBe(lease.state)
    expect(executed.changes).toEqual([])
  })

  it('gives the net changes of all requests, the last one winning', () => {
    const lease = new Lease()
    const seen = recordSeen(lease, uidOf('1'))
    const first = lease.set('title', 'one')
    const second = { ...lease.set('title', 'two'), seen: (first as { value: string }).value } as Operation
    const requests = [
      [lease.create(uidOf('1')), lease.create(uidOf('2')), first],
      [{ op: 'delete', uid: uidOf('1'), seen } as const, second],
    ].map((operations) => lease.request(operations))
    const { changes, state, effects } = executeBlock(lease.state, requests, lease.openings, {
      height: 1,
      timeMs: NOW_MS,
    })
    const uids = [uidOf('2'), lease.uid('title')].sort()
    expect(changes).toEqual(uids.map((uid) => [uid, state.map.get(uid)]))
    expect(effects.map(({ length }) => length)).toEqual([3, 2])
  })
})
