import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, EditedContract } from '../../test/support/contract.ts'
import { randomXml } from '../../test/support/random-xml.ts'
import { fromJson } from '../document/from-json.ts'
import { fromXml } from '../document/from-xml.ts'
import { toJson } from '../document/to-json.ts'
import { toXml } from '../document/to-xml.ts'
import { block, type DocumentNode, type FieldType, field, list, text } from '../document/tree.ts'
import type { ElementOperation, Operation } from '../ledger/request.ts'
import { NO_VALUE } from '../ledger/value.ts'
import { mergeOperations, type ReplaceOptions, replaceOperations } from './edit.ts'
import { element } from './state.ts'

function replace(
  one: EditedContract,
  path: string,
  tree: DocumentNode,
  options?: ReplaceOptions,
): Operation[] {
  return one.run(replaceOperations(one.state, one.openings, one.at(path), tree, one.random, options))
}

function putJson(one: EditedContract, path: string, json: unknown): Operation[] {
  return replace(one, path, fromJson(JSON.stringify(json)), { from: 'json' })
}

function patch(one: EditedContract, path: string, json: unknown): Operation[] {
  const tree = fromJson(JSON.stringify(json))
  return one.run(mergeOperations(one.state, one.openings, one.at(path), tree, one.random))
}

/** Types of which not every text is. */
const STRICT: readonly FieldType[] = ['date', 'date-time', 'money', 'choice', 'party', 'file']

/** A tree whose dates and the like are text, so that any other text may take their place. */
function undated(tree: DocumentNode): DocumentNode {
  if (tree.kind !== 'field') return { ...tree, children: tree.children.map(undated) }
  return STRICT.includes(tree.type) ? { ...tree, type: 'text' } : tree
}

const json = (one: EditedContract, path = '/') => JSON.parse(toJson(one.tree(path)))
const ops = (operations: Operation[]) => operations.map(({ op }) => op).sort()
const items = (...values: string[]) =>
  block('', [
    list(
      'l',
      values.map((value) => text('item', value)),
    ),
  ])
const code = (expected: string) => expect.objectContaining({ code: expected })

const jsonKey = fc.constantFrom('a', 'b', 'c', 'Amount', '#text', '@x', '#indent')
/** JSON with few keys, so that two of them have much in common. */
const jsonValues: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, 0, 1, -2.5, '', 'x', '2024-02-29'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(jsonKey, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

describe('replaceOperations', () => {
  it('[REQ-3] [ELE-2] gives exactly the target, whatever was there, and then has nothing more to do', () => {
    fc.assert(
      fc.property(documents, documents, (before, target) => {
        const one = new EditedContract(before)
        replace(one, '/', target)
        expect(one.tree()).toEqual(target)
        expect(replace(one, '/', target)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('gives exactly the target of two XML documents', () => {
    fc.assert(
      fc.property(randomXml, randomXml, (before, after) => {
        const one = new EditedContract(fromXml(before))
        replace(one, '/', fromXml(after), { from: 'xml' })
        expect(one.tree()).toEqual(fromXml(after))
        expect(replace(one, '/', fromXml(after), { from: 'xml' })).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('[ELE-2] gives exactly the target among siblings with any order keys and UIDs', () => {
    const order = fc.oneof(
      fc.constantFrom('0', '00', 'a', 'a0', 'a00', 'z'.repeat(64), 'z'.repeat(63), `${'z'.repeat(63)}y`),
      fc.string({ unit: fc.constantFrom('0', 'a', 'z'), minLength: 1, maxLength: 3 }),
    )
    const uid = fc.oneof(
      fc.integer({ min: 1, max: 4 }).map((digit) => digit.toString(16).padStart(32, '0')),
      fc.nat(3).map((digit) => (0xc + digit).toString(16).padStart(32, 'f')),
    )
    const sibling = fc.tuple(uid, order, fc.constantFrom('a', 'b'))
    const siblings = fc.uniqueArray(sibling, { selector: ([first]) => first, maxLength: 8 })
    const names = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 10 })
    fc.assert(
      fc.property(siblings, names, (there, wanted) => {
        const one = new EditedContract()
        const value = one.commit('')
        const operations = there.map(([uid, order, name]): ElementOperation => {
          return {
            op: 'create' as const,
            uid,
            parent: one.state.rootUid,
            name,
            kind: 'field',
            order,
            type: 'text',
            value,
          }
        })
        one.run({ operations, openings: there.length === 0 ? [] : [...one.openings.values()] })
        const target = block(
          '',
          wanted.map((name) => text(name, '')),
        )
        replace(one, '/', target)
        expect(one.tree()).toEqual(target)
      }),
      { numRuns: 250 },
    )
  })

  it('sets what changed and leaves alone what is equal', () => {
    const tree = (amount: string) =>
      block('', [text('a', 'x'), block('b', [field('n', 'decimal', amount), list('l', [text('item', 'y')])])])
    const one = new EditedContract(tree('1.00'))
    const uid = one.at('/b/n')
    expect(replace(one, '/', tree('2.00'))).toMatchObject([{ op: 'set', uid, type: 'decimal' }])
  })

  it.each([
    ['an item in front', ['x', 'a', 'b', 'c'], ['create']],
    ['an item in between', ['a', 'x', 'b', 'c'], ['create']],
    ['an item at the end', ['a', 'b', 'c', 'x'], ['create']],
    ['an item less in front', ['b', 'c'], ['delete']],
    ['an item less in between', ['a', 'c'], ['delete']],
    ['another item', ['a', 'x', 'c'], ['set']],
    ['one more and one other', ['a', 'x', 'y', 'c'], ['create', 'set']],
    ['nothing', [], ['delete', 'delete', 'delete']],
    ['the same', ['a', 'b', 'c'], []],
  ])('pairs the items of a list by position: %s', (_what, after, expected) => {
    const one = new EditedContract(items('a', 'b', 'c'))
    expect(ops(replace(one, '/', items(...after)))).toEqual(expected)
    expect(one.tree()).toEqual(items(...after))
  })

  it('pairs children by name: one that has moved is made anew, the others keep their UIDs', () => {
    const tree = (...names: string[]) =>
      block(
        '',
        names.map((name) => text(name, name)),
      )
    const one = new EditedContract(tree('a', 'b', 'c', 'd'))
    const uids = ['b', 'c', 'd'].map((name) => one.at(`/${name}`))
    expect(ops(replace(one, '/', tree('b', 'c', 'd', 'a')))).toEqual(['create', 'delete'])
    expect(['b', 'c', 'd'].map((name) => one.at(`/${name}`))).toEqual(uids)
  })

  it('makes an element of another kind anew, in its place and under its name', () => {
    const one = new EditedContract(block('', [text('a', ''), text('b', ''), text('c', '')]))
    replace(one, '/b', block('', [text('x', '1')]))
    expect(one.tree()).toEqual(block('', [text('a', ''), block('b', [text('x', '1')]), text('c', '')]))
    replace(one, '/b', fromJson('[1]'))
    expect(one.tree('/b')).toEqual(list('b', [field('item', 'integer', '1')]))
    replace(one, '/b', fromJson('[1, 2]'))
    replace(one, '/b', fromJson('"text"'))
    expect(one.names()).toEqual(['a', 'b', 'c'])
    expect(one.tree('/b')).toEqual(text('b', 'text'))
    expect(() => replace(one, '/', text('', ''))).toThrow(code('bad-request'))
  })

  it('takes a JSON text that is no object as the root’s one child', () => {
    const one = new EditedContract(fromJson('[1, 2]'))
    expect(ops(replace(one, '/', fromJson('[1, 2, 3]')))).toEqual(['create'])
    expect(json(one)).toEqual([1, 2, 3])
  })

  it('empties a field where JSON says null, and keeps its type', () => {
    const one = new EditedContract(
      block('', [field('due', 'date', '2026-01-01'), field('n', 'integer', null), field('x', 'null', null)]),
    )
    expect(json(one)).toEqual({ due: '2026-01-01', n: null, x: null })
    expect(putJson(one, '/', { due: null, n: null, x: null })).toMatchObject([{ op: 'set', type: 'date' }])
    expect(one.tree('/due')).toEqual(field('due', 'date', null))
    expect(putJson(one, '/', { due: null, n: 7, x: null })).toMatchObject([{ seen: NO_VALUE }])
    expect(one.tree('/n')).toEqual(field('n', 'integer', '7'))
    expect(putJson(one, '/', { due: '2026-02-01', n: 7, x: 'y' })).toHaveLength(2)
    expect(one.tree('/due')).toEqual(field('due', 'date', '2026-02-01'))
  })

  it('empties a field where XML has no text and the type none that is empty; an empty one stays so', () => {
    const fields = [field('due', 'money', '1.00 EUR'), field('note', 'text', 'x'), field('n', 'choice', null)]
    const one = new EditedContract(block('', [block('doc', fields)]))
    const xml = '<doc><due/><note/><n/></doc>'
    expect(replace(one, '/', fromXml(xml), { from: 'xml' })).toHaveLength(2)
    expect(one.tree('/doc/due')).toEqual(field('due', 'money', null))
    expect(one.tree('/doc/note')).toEqual(text('note', ''))
    expect(replace(one, '/', fromXml(xml), { from: 'xml' })).toEqual([])
  })

  it('shows a field that was erased as null, and keeps it where null is put back', () => {
    const one = new EditedContract(block('', [text('secret', 'x'), text('open', 'y')]))
    const { value } = element(one.state, one.at('/secret')) ?? {}
    one.openings.delete(value as string)
    expect(json(one)).toEqual({ secret: null, open: 'y' })
    expect(putJson(one, '/', { secret: null, open: 'z' })).toHaveLength(1)
    expect(replace(one, '/', one.tree())).toEqual([])
    expect(putJson(one, '/', { secret: 'new', open: 'z' })).toMatchObject([{ op: 'set', seen: value }])
    expect(json(one)).toEqual({ secret: 'new', open: 'z' })
  })

  it('refuses what is not there, bad names, bad values, and too deep a tree', () => {
    const one = new EditedContract(block('', [block('a', [])]))
    const { state, openings, random } = one
    expect(() => replaceOperations(state, openings, 'f'.repeat(32), block('', []), random)).toThrow(
      code('not-found'),
    )
    expect(() => replace(one, '/', block('', [text('', '')]))).toThrow(code('bad-name'))
    expect(() => replace(one, '/', block('', [field('a', 'date', 'today')]))).toThrow(code('bad-value'))
    const nested = (depth: number): DocumentNode => block('a', depth === 0 ? [] : [nested(depth - 1)])
    replace(one, '/a', nested(63))
    expect(() => replace(one, '/a', nested(64))).toThrow(code('too-large'))
  })
})

describe('replaceOperations from JSON', () => {
  it('gives what the JSON says, whatever was there, and then has nothing more to do', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          documents,
          randomXml.map((xml) => fromXml(xml)),
        ),
        jsonValues,
        (before, target) => {
          const one = new EditedContract(before)
          const object = { target }
          putJson(one, '/', object)
          expect(json(one)).toEqual(object)
          expect(putJson(one, '/', object)).toEqual([])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('has nothing to do where the JSON shown is put back, its keys in any order', () => {
    const backwards = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(backwards)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, one]) => [key, backwards(one)]),
      )
    }
    fc.assert(
      fc.property(
        fc.oneof(
          documents,
          randomXml.map((xml) => fromXml(xml)),
        ),
        (tree) => {
          const one = new EditedContract(tree)
          expect(replace(one, '/', fromJson(toJson(one.tree())), { from: 'json' })).toEqual([])
          expect(putJson(one, '/', backwards(json(one)))).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    ['10.50', '10.5', true],
    ['10', '1e1', true],
    ['0.00', '-0', true],
    ['-0.05', '-5E-2', true],
    ['1200', '12.00e+02', true],
    ['10.50', '10.51', false],
    ['1', '-1', false],
    ['1', '10', false],
    ['100000000000000000000.1', '100000000000000000000', false],
  ])('takes numbers for what they are: %s for %s: %s', (before, after, isSame) => {
    const one = new EditedContract(block('', [field('n', 'decimal', before)]))
    const operations = replace(one, '/', fromJson(`{"n": ${after}}`), { from: 'json' })
    expect(operations.length === 0).toBe(isSame)
  })

  it('edits a document that came from XML: repeated elements stay siblings, white space stays', () => {
    const one = new EditedContract(fromXml('<I>\n  <L>1</L>\n  <L>2</L>\n  <T>3</T>\n</I>'))
    const { I } = json(one)
    expect(ops(putJson(one, '/', { I: { T: '4', L: [...I.L, '5'] } }))).toEqual(['create', 'set'])
    const xml = toXml(one.tree(), { declaration: false })
    expect(xml).toBe('<I>\n  <L>1</L>\n  <L>2</L>\n  <L>5</L>\n  <T>4</T>\n</I>\n')
  })

  it('keeps the type of a field that JSON has no form for, as long as the value is of it', () => {
    const one = new EditedContract(
      block('', [field('d', 'date', '2024-01-01'), field('n', 'decimal', '1.5')]),
    )
    putJson(one, '/', { d: '2024-02-29', n: 2 })
    expect(one.tree()).toEqual(block('', [field('d', 'date', '2024-02-29'), field('n', 'decimal', '2')]))
    expect(() => putJson(one, '/d', 'soon')).toThrow(code('bad-value'))
    putJson(one, '/', { d: true, n: 'many' })
    expect(one.tree()).toEqual(block('', [field('d', 'boolean', true), text('n', 'many')]))
    const other = new EditedContract(block('', [field('n', 'integer', '1')]))
    putJson(other, '/', { n: 1.5 })
    expect(other.tree('/n')).toEqual(field('n', 'decimal', '1.5'))
  })
})

describe('replaceOperations from XML', () => {
  it('keeps types, and takes only text that is of them', () => {
    const tree = block('', [
      block('I', [field('n', 'decimal', '1.5'), field('b', 'boolean', true), text('t', '')]),
    ])
    const one = new EditedContract(tree)
    const put = (xml: string) => replace(one, '/', fromXml(xml), { from: 'xml' })
    expect(put('<I><n>1.5</n><b>true</b><t/></I>')).toEqual([])
    expect(ops(put('<I><n>2</n><b>false</b><t>x</t></I>'))).toEqual(['set', 'set', 'set'])
    expect(one.tree('/I/n')).toEqual(field('n', 'decimal', '2'))
    expect(one.tree('/I/b')).toEqual(field('b', 'boolean', false))
    expect(() => put('<I><n>two</n><b>false</b><t>x</t></I>')).toThrow(code('bad-value'))
  })

  it('changes one line of an invoice by one operation', () => {
    const line = (id: number) =>
      `<cac:Line><cbc:ID>${id}</cbc:ID><cbc:Amount currencyID="EUR">${id}.00</cbc:Amount></cac:Line>`
    const lines = Array.from({ length: 50 }, (_, index) => line(index + 1)).join('\n  ')
    const xml = `<Invoice xmlns:cac="urn:cac" xmlns:cbc="urn:cbc">\n  ${lines}\n</Invoice>`
    const one = new EditedContract(fromXml(xml))
    const changed = xml.replace('>7.00<', '>7.50<')
    expect(changed).not.toBe(xml)
    expect(ops(replace(one, '/', fromXml(changed), { from: 'xml' }))).toEqual(['set'])
    expect(one.tree()).toEqual(fromXml(changed))
  })
})

/** MergePatch of RFC 7396 section 2, on JSON values. */
function mergePatch(target: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target)
  const merged: Record<string, unknown> = isObject ? { ...target } : {}
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

describe('mergeOperations', () => {
  it('does what RFC 7396 says', () => {
    fc.assert(
      fc.property(jsonValues, jsonValues, (target, change) => {
        const one = new EditedContract(fromJson(JSON.stringify({ target })))
        patch(one, '/target', change)
        expect(json(one)).toEqual({ target: mergePatch(target, change) })
      }),
      { numRuns: 250 },
    )
  })

  it('does so on documents with repeated siblings', () => {
    fc.assert(
      fc.property(documents.map(undated), jsonValues, (tree, change) => {
        const one = new EditedContract(
          block('', [block('target', (tree as { children: DocumentNode[] }).children)]),
        )
        const before = json(one).target
        patch(one, '/target', change)
        expect(json(one)).toEqual({ target: mergePatch(before, change) })
      }),
      { numRuns: 150 },
    )
  })

  // RFC 7396 appendix A, but for those whose result is no JSON text of ours.
  it.each([
    [{ a: 'b' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }],
    [{ a: 'b' }, { a: null }],
    [{ a: 'b', b: 'c' }, { a: null }],
    [{ a: ['b'] }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c']],
    [{ a: 'foo' }, null],
    [{ a: 'foo' }, 'bar'],
    [{ e: null }, { a: 1 }],
    [[1, 2], { a: 'b', c: null }],
    [{}, { a: { bb: { ccc: null } } }],
  ])('patches %j with %j', (target, change) => {
    const one = new EditedContract(fromJson(JSON.stringify({ target })))
    patch(one, '/target', change)
    expect(json(one).target).toEqual(mergePatch(target, change))
  })

  it('touches nothing but what the patch names', () => {
    const one = new EditedContract(fromJson('{"a": {"x": 1, "y": 2}, "b": [1, 2]}'))
    const uid = one.at('/a/y')
    expect(patch(one, '/', { a: { y: 3 } })).toMatchObject([{ op: 'set', uid, type: 'integer' }])
    expect(patch(one, '/', { a: { y: 3 } })).toEqual([])
    expect(ops(patch(one, '/a', { x: null }))).toEqual(['delete'])
    expect(ops(patch(one, '/', { c: { d: null, e: 1 } }))).toEqual(['create', 'create'])
  })
})
