import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalXml } from '../../test/support/canonical-xml.ts'
import { randomXml } from '../../test/support/random-xml.ts'
import { fromJson } from './from-json.ts'
import { fromXml } from './from-xml.ts'
import { toJson } from './to-json.ts'
import { toXml } from './to-xml.ts'
import { block, type DocumentNode, FIELD_TYPES, field, list } from './tree.ts'

const oddName = fc.oneof(
  fc.constantFrom(
    'a',
    'p:a',
    '@k',
    '@p:k',
    '@xmlns',
    '@xmlns:p',
    '?pi',
    '#text',
    '#space',
    '#indent',
    '#value',
    'item',
  ),
  fc.constantFrom(
    '',
    '@',
    '?',
    '#',
    '@xmlns:',
    '?xml',
    'xmlns:a',
    'xml:a',
    '@xml:lang',
    '@xmlns:xml',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const oddValue = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n  ',
    'urn:a',
    'urn:b ',
    '?>',
    ']]>',
    '<!--',
    '\r',
    'http://www.w3.org/2000/xmlns/',
  ),
  fc.constantFrom<string | boolean | null>('http://www.w3.org/XML/1998/namespace', true, false, null),
  fc.string({ unit: 'binary' }),
)

/** Trees that no document was read into, such as edits can make. */
const oddTree = fc.letrec<{ node: DocumentNode; nodes: DocumentNode[] }>((tie) => ({
  nodes: fc.array(tie('node'), { maxLength: 5, depthIdentifier: 'tree' }),
  node: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'tree', withCrossShrink: true },
    fc.tuple(oddName, fc.constantFrom(...FIELD_TYPES), oddValue).map((parts) => field(...parts)),
    fc.tuple(oddName, tie('nodes')).map((parts) => block(...parts)),
    fc.tuple(oddName, tie('nodes')).map((parts) => list(...parts)),
  ),
})).node

describe('any XML', () => {
  it('is equal after canonicalisation', () => {
    fc.assert(
      fc.property(randomXml, (xml) => {
        expect(canonicalXml(toXml(fromXml(xml)))).toBe(canonicalXml(xml))
      }),
      { numRuns: 1000 },
    )
  })

  it('gives the same tree when written and read again', () => {
    fc.assert(
      fc.property(randomXml, (xml) => {
        const tree = fromXml(xml)
        expect(fromXml(toXml(tree))).toEqual(tree)
      }),
      { numRuns: 500 },
    )
  })

  it('can be shown as JSON', () => {
    fc.assert(
      fc.property(randomXml, (xml) => {
        expect(() => fromJson(toJson(fromXml(xml)))).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })
})

describe('any tree', () => {
  it('is written as XML that can be read and is written the same again', () => {
    fc.assert(
      fc.property(oddTree, oddTree, (node, other) => {
        for (const tree of [node, block('', [node, other])]) {
          const written = toXml(tree, { inScope: { p: 'urn:a', '': 'urn:b' } })
          const again = toXml(fromXml(written))
          expect(canonicalXml(again)).toBe(canonicalXml(written))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is written as JSON that a parser takes', () => {
    fc.assert(
      fc.property(oddTree, (node) => {
        expect(() => JSON.parse(toJson(node, { indent: 1 }))).not.toThrow()
        expect(() => JSON.parse(toJson(block('', [node])))).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })
})
