import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documents, EditedContract } from '../../test/support/contract.ts'
import { CountersignError } from '../crypto/errors.ts'
import * as path from '../document/path.ts'
import { block, type DocumentNode, field, list, text } from '../document/tree.ts'
import { childrenOf, element } from './state.ts'
import { exportTree, isErased, matchPath, pathOf, resolvePath } from './view.ts'

const tree = block('', [
  text('title', 'Lease'),
  list('matrix', [list('item', [text('item', 'a'), text('item', 'b')]), list('item', [])]),
  block('line', [field('amount', 'decimal', '1.00')]),
  block('line', [field('amount', 'decimal', '2.00')]),
])
const code = (expected: string) => expect.objectContaining({ code: expected })

/** What a call gives, or the code and message of what it throws. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    return [error.code, error.message]
  }
}

/** Each node with its chain from the root, in the order of the document. */
function chains(node: DocumentNode, above: DocumentNode[] = []): DocumentNode[][] {
  const chain = [...above, node]
  return [chain, ...(node.kind === 'field' ? [] : node.children.flatMap((child) => chains(child, chain)))]
}

function uidsInOrder(one: EditedContract, uid: string): string[] {
  return [uid, ...childrenOf(one.state, uid).flatMap((child) => uidsInOrder(one, child))]
}

describe('exportTree', () => {
  it('gives an element with its name and all below it', () => {
    const one = new EditedContract(tree)
    expect(one.tree()).toEqual(tree)
    expect(one.tree('/line[2]')).toEqual(tree.children[3])
    expect(one.tree('/line[2]/amount')).toEqual(field('amount', 'decimal', '2.00'))
  })

  it('shows a field whose opening is not held as erased', () => {
    const one = new EditedContract(tree)
    one.openings.delete(element(one.state, one.at('/title'))?.value as string)
    const node = one.tree('/title')
    expect(node).toEqual({ kind: 'field', name: 'title', type: 'null', value: null, erased: true })
    expect(isErased(node)).toBe(true)
    expect(isErased(field('title', 'null', null))).toBe(false)
    expect((one.tree() as { children: unknown[] }).children[0]).toEqual(node)
  })

  it('refuses what is no element', () => {
    const one = new EditedContract(tree)
    for (const uid of ['f'.repeat(32), one.state.epochUid])
      expect(() => exportTree(one.state, uid, one.openings)).toThrow(code('not-found'))
  })
})

describe('paths', () => {
  it('lead to elements, from any start', () => {
    const one = new EditedContract(tree)
    const { state } = one
    expect(resolvePath(state, state.rootUid, '')).toBe(state.rootUid)
    expect(resolvePath(state, one.at('/line[2]'), '/amount')).toBe(one.at('/line[2]/amount'))
    expect(matchPath(state, state.rootUid, '/line')).toEqual([one.at('/line[1]'), one.at('/line[2]')])
    expect(matchPath(state, state.rootUid, '/')).toEqual([state.rootUid])
    expect(matchPath(state, state.rootUid, '/none')).toEqual([])
    expect(matchPath(state, state.rootUid, '/title/none')).toEqual([])
    expect(pathOf(state, one.at('/matrix[1]/item[2]'))).toBe('/matrix[1]/item[2]')
    expect(pathOf(state, state.rootUid)).toBe('/')
  })

  it('that lead nowhere are refused', () => {
    const one = new EditedContract(tree)
    for (const wrong of ['/none', '/line', '/line[3]', '/title/x', '/matrix[3]'])
      expect(() => one.at(wrong)).toThrow(code('unknown-path'))
    expect(() => one.at('line')).toThrow(code('bad-request'))
    expect(() => resolvePath(one.state, 'f'.repeat(32), '/a')).toThrow(code('not-found'))
    expect(() => pathOf(one.state, 'f'.repeat(32))).toThrow(code('not-found'))
    expect(() => pathOf(one.state, one.state.epochUid)).toThrow(code('not-found'))
  })

  it('are those of document/path.ts, for every element of any document', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const one = new EditedContract(document)
        // The document room tells nodes apart by identity, which shrunk documents may share.
        const copy = structuredClone(document)
        const uids = uidsInOrder(one, one.state.rootUid)
        for (const [index, chain] of chains(copy).entries()) {
          const expected = path.formatPath(path.pathOf(path.nodeAccessor, chain))
          expect(pathOf(one.state, uids[index] as string)).toBe(expected)
          expect(one.at(expected)).toBe(uids[index])
        }
      }),
      { numRuns: 200 },
    )
  })

  it('lead where document/path.ts says, and fail as it says', () => {
    const segment = fc.record(
      { name: fc.constantFrom('a', 'b', 'c', 'Amount', 'item'), index: fc.integer({ min: 1, max: 3 }) },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(documents, fc.array(segment, { maxLength: 4 }), (document, segments) => {
        const one = new EditedContract(document)
        const written = path.formatPath(segments)
        const { rootUid } = one.state
        const expected = outcomeOf(() => path.resolvePath(path.nodeAccessor, document, segments))
        expect(outcomeOf(() => one.tree(written))).toEqual(expected)
        const matched = outcomeOf(() => path.matchPath(path.nodeAccessor, document, segments))
        const found = () =>
          matchPath(one.state, rootUid, written).map((uid) => exportTree(one.state, uid, one.openings))
        expect(outcomeOf(found)).toEqual(matched)
      }),
      { numRuns: 250 },
    )
  })
})
