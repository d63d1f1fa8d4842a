import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, EditedContract, seededRandom, TestContract } from '../../test/support/contract.ts'
import { randomXml } from '../../test/support/random-xml.ts'
import { fromJson } from '../document/from-json.ts'
import { fromXml } from '../document/from-xml.ts'
import { block, type DocumentNode, field, list, text } from '../document/tree.ts'
import { GENESIS_ROOT } from '../ledger/genesis.ts'
import type { FieldType, Operation } from '../ledger/request.ts'
import { apply } from './apply.ts'
import { createOperations, deleteOperations, importOperations, setOperations } from './edit.ts'
import { element, seenOf, subtreeUids } from './state.ts'
import { exportTree } from './view.ts'

const lease = block('', [
  text('title', 'Lease'),
  block('rent', [text('@currency', 'EUR'), field('#text', 'decimal', '900.00')]),
  block('empty', []),
  list('parties', [text('item', 'Alder'), text('item', 'Birch')]),
])

describe('importOperations', () => {
  const isTheIdentity = (tree: DocumentNode) => {
    const one = new TestContract(tree)
    expect(exportTree(one.state, one.state.rootUid, one.openings)).toEqual(tree)
  }

  it('[GEN-2] [ELE-2] is undone by exportTree, for any tree', () => {
    fc.assert(fc.property(documents, isTheIdentity), { numRuns: 150 })
  })

  it('[ELE-3] is undone by exportTree, for any JSON whose keys are names', () => {
    const value = fc.jsonValue({ maxDepth: 4 }).map((json) => JSON.stringify(json))
    const isNamed = (json: string) => {
      try {
        fromJson(json)
        return true
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(value.filter(isNamed), (json) => isTheIdentity(fromJson(json))),
      { numRuns: 150 },
    )
  })

  it('is undone by exportTree, for any XML', () => {
    fc.assert(
      fc.property(randomXml, (xml) => isTheIdentity(fromXml(xml))),
      { numRuns: 150 },
    )
  })

  it('[ELE-1] [VAL-1] gives every element a UID and every value a salt of its own', () => {
    const tree = block(
      '',
      Array.from({ length: 100 }, () => text('same', 'same')),
    )
    const { operations, openings } = importOperations(tree, GENESIS_ROOT, seededRandom(1))
    expect(new Set(operations.map(({ uid }) => uid)).size).toBe(100)
    expect(new Set(openings.map(({ salt }) => salt)).size).toBe(100)
    expect(new Set(operations.map(({ value }) => value)).size).toBe(100)
    expect(new Set(operations.map(({ order }) => order.length))).toEqual(new Set([3]))
    for (const { uid } of operations) expect(uid).toMatch(/^[0-9a-f]{32}$/)
  })

  it('refuses what lies deeper than 64 levels', () => {
    const nested = (depth: number): DocumentNode =>
      depth === 0 ? text('a', '') : block('a', [nested(depth - 1)])
    expect(importOperations(block('', [nested(63)]), GENESIS_ROOT, seededRandom(1)).operations).toHaveLength(
      64,
    )
    expect(() => importOperations(block('', [nested(64)]), GENESIS_ROOT, seededRandom(1))).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
  })
})

describe('setOperations', () => {
  it('[REQ-3] sets a field, naming the commitment that is there, or the one that was seen', () => {
    const one = new EditedContract(lease)
    const uid = one.at('/title')
    const [operation] = one.run(setOperations(one.state, one.openings, uid, undefined, 'Sale', one.random))
    expect(operation).toMatchObject({ op: 'set', uid, type: 'text' })
    expect(one.tree('/title')).toEqual(text('title', 'Sale'))
    const seen = 'a'.repeat(64)
    const stale = setOperations(one.state, one.openings, uid, undefined, 'x', one.random, seen)
    expect(stale.operations).toMatchObject([{ seen }])
  })

  it('means the text of a block that holds it beside attributes', () => {
    const one = new EditedContract(lease)
    one.run(setOperations(one.state, one.openings, one.at('/rent'), undefined, '950.00', one.random))
    expect(one.tree('/rent/#text')).toEqual(field('#text', 'decimal', '950.00'))
  })

  it('keeps the type unless another is named, or the field was null', () => {
    const one = new EditedContract(block('', [field('n', 'integer', '1'), field('x', 'null', null)]))
    const set = (path: string, type: FieldType | undefined, value: string | boolean | null) => {
      one.run(setOperations(one.state, one.openings, one.at(path), type, value, one.random))
      return (one.tree(path) as { type: string }).type
    }
    expect(set('/n', undefined, '2')).toBe('integer')
    expect(set('/n', 'decimal', '2.5')).toBe('decimal')
    expect(set('/n', undefined, '7.25')).toBe('decimal')
    expect(set('/n', undefined, null)).toBe('decimal')
    expect(one.tree('/n')).toEqual(field('n', 'decimal', null))
    expect(set('/n', undefined, null)).toBe('decimal')
    expect(set('/n', undefined, '7')).toBe('decimal')
    expect(set('/n', 'null', null)).toBe('null')
    expect(set('/n', undefined, null)).toBe('null')
    expect(set('/n', undefined, true)).toBe('boolean')
    expect(set('/x', undefined, 'text')).toBe('text')
  })

  it('refuses a value that is not of the type, a block, a list, and what is not there', () => {
    const one = new EditedContract(lease)
    const setting = (path: string, value: string | boolean) => () =>
      setOperations(one.state, one.openings, one.at(path), undefined, value, one.random)
    expect(setting('/rent', 'a lot')).toThrow(expect.objectContaining({ code: 'bad-value' }))
    expect(setting('/title', true)).toThrow(expect.objectContaining({ code: 'bad-value' }))
    for (const path of ['/', '/empty', '/parties'])
      expect(setting(path, 'x')).toThrow(expect.objectContaining({ code: 'bad-request' }))
    expect(() => setOperations(one.state, one.openings, 'f'.repeat(32), 'text', 'x', one.random)).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    )
  })
})

describe('createOperations', () => {
  it('creates a node with all below it, at the end', () => {
    const one = new EditedContract(lease)
    const operations = one.run(
      createOperations(
        one.state,
        one.at('/rent'),
        'from',
        block('', [field('day', 'date', '2024-02-29')]),
        one.random,
      ),
    )
    expect(operations).toHaveLength(2)
    expect(one.names('/rent')).toEqual(['@currency', '#text', 'from'])
    expect(one.tree('/rent/from')).toEqual(block('from', [field('day', 'date', '2024-02-29')]))
  })

  it('[ELE-2] creates before, after, and between siblings, also where they share an order key', () => {
    const one = new EditedContract(
      block(
        '',
        ['a', 'b', 'c'].map((name) => text(name, '')),
      ),
    )
    const create = (name: string, place: { before?: string; after?: string }) => {
      const at = Object.entries(place).map(([key, path]) => [key, one.at(`/${path}`)])
      const { state, random } = one
      one.run(createOperations(state, state.rootUid, name, text('', ''), random, Object.fromEntries(at)))
    }
    create('first', { before: 'a' })
    create('ab', { after: 'a' })
    create('bc', { after: 'b', before: 'c' })
    create('last', {})
    create('c2', { after: 'c' })
    create('b0', { before: 'b' })
    expect(one.names().join(' ')).toBe('first a ab b0 b bc c c2 last')
    const order = element(one.state, one.at('/last'))?.order as string
    // Two parties appended at once: one order key, and so little room that only a UID between theirs will do.
    const value = one.commit('')
    const append = (uid: string): Operation => ({
      ...({
        op: 'create',
        uid,
        parent: one.state.rootUid,
        kind: 'field',
        order,
        type: 'text',
        value,
      } as const),
      name: uid.slice(0, 1),
    })
    const applied = apply(
      one.state,
      one.request([append('1'.repeat(32)), append('f'.repeat(32))]),
      one.openings,
      { height: 1, timeMs: 1 },
    )
    one.state = applied.state
    for (const [before, name] of ['last', 'f', '1'].entries()) {
      create(`x${before}`, { before: name })
      create(`y${before}`, { after: name })
    }
    expect(one.names().slice(8).join(' ')).toBe('x2 1 y2 x0 last y0 x1 f y1')
  })

  it('inserts 1,000 times between the same two', () => {
    const one = new EditedContract(lease)
    const parent = one.at('/parties')
    const last = one.at('/parties[2]')
    for (let count = 0; count < 1000; count += 1)
      one.run(createOperations(one.state, parent, 'item', text('', `${count}`), one.random, { before: last }))
    const values = (one.tree('/parties') as { children: { value: string }[] }).children.map(
      ({ value }) => value,
    )
    expect(values).toEqual(['Alder', ...Array.from({ length: 1000 }, (_, index) => `${index}`), 'Birch'])
  })

  it('refuses a field or nothing as parent, strange siblings, bad names, and too deep a tree', () => {
    const one = new EditedContract(lease)
    const creating = (parent: string, name: string, place = {}, node: DocumentNode = text('', '')) => {
      return () => createOperations(one.state, parent, name, node, one.random, place)
    }
    const root = one.state.rootUid
    const code = (expected: string) => expect.objectContaining({ code: expected })
    expect(creating(one.at('/title'), 'a')).toThrow(code('bad-request'))
    expect(creating('f'.repeat(32), 'a')).toThrow(code('not-found'))
    expect(creating(one.state.epochUid, 'a')).toThrow(code('not-found'))
    expect(creating(root, 'a', { before: one.at('/rent/@currency') })).toThrow(code('bad-request'))
    expect(creating(root, 'a', { after: 'f'.repeat(32) })).toThrow(code('not-found'))
    expect(creating(root, 'a', { before: one.at('/title'), after: one.at('/rent') })).toThrow(
      code('bad-request'),
    )
    expect(creating(root, '')).toThrow(code('bad-name'))
    expect(creating(root, 'a', {}, field('', 'date', 'today'))).toThrow(code('bad-value'))
    const nested = (depth: number): DocumentNode => block('a', depth === 1 ? [] : [nested(depth - 1)])
    expect(creating(root, 'a', {}, nested(64))().operations).toHaveLength(64)
    expect(creating(root, 'a', {}, nested(65))).toThrow(code('too-large'))
    expect(creating(one.at('/rent'), 'a', {}, nested(64))).toThrow(code('too-large'))
  })

  it('says so where no place is left', () => {
    const one = new EditedContract()
    const uid = 'f'.repeat(32)
    const last: Operation = {
      op: 'create',
      uid,
      parent: one.state.rootUid,
      kind: 'block',
      name: 'a',
      order: 'z'.repeat(64),
    }
    one.state = apply(one.state, one.request([last]), one.openings, { height: 1, timeMs: 1 }).state
    expect(() => createOperations(one.state, one.state.rootUid, 'b', text('', ''), one.random)).toThrow(
      expect.objectContaining({ code: 'order-exhausted' }),
    )
  })
})

describe('deleteOperations', () => {
  it('[REQ-3] deletes an element and all below it', () => {
    const one = new EditedContract(lease)
    const uids = subtreeUids(one.state, one.at('/parties'))
    const operation = { op: 'delete', uid: uids[0], seen: seenOf(one.state, uids[0] as string) }
    expect(one.run(deleteOperations(one.state, uids[0] as string))).toEqual([operation])
    one.run(deleteOperations(one.state, one.at('/title')))
    expect(one.names()).toEqual(['rent', 'empty'])
    for (const uid of uids) expect(element(one.state, uid)).toBeUndefined()
  })

  it('refuses the root and what is not there', () => {
    const one = new EditedContract(lease)
    const deleting = (uid: string) => () => deleteOperations(one.state, uid)
    expect(deleting(one.state.rootUid)).toThrow(expect.objectContaining({ code: 'bad-request' }))
    expect(deleting(one.state.epochUid)).toThrow(expect.objectContaining({ code: 'not-found' }))
  })
})

it('the same randomness gives the same edits', () => {
  const [first, second] = [1, 1].map(() => new EditedContract(lease, 'same'))
  expect(first?.genesis).toEqual(second?.genesis)
  expect(first?.genesis).not.toEqual(new EditedContract(lease, 'other').genesis)
})
