import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPath, matchPath, nodeAccessor, parsePath, pathOf, resolvePath } from './path.ts'
import { block, type DocumentNode, list, text } from './tree.ts'

const invoice = block('', [
  text('#indent', '\n  '),
  block('Invoice', [
    text('@xmlns', 'urn:x'),
    block('cac:InvoiceLine', [text('cbc:Amount', '1')]),
    block('cac:InvoiceLine', [text('cbc:Amount', '2')]),
    block('cac:InvoiceLine', [text('cbc:Amount', '3')]),
    text('a/b~c[d]', 'odd'),
    block('Empty', []),
  ]),
  list('lines', [text('item', 'one'), text('item', 'two')]),
  list('matrix', [list('item', [text('item', '1'), text('item', '2')]), list('item', [text('item', '3')])]),
  list('none', []),
])

function at(path: string): DocumentNode {
  return resolvePath(nodeAccessor, invoice, parsePath(path))
}

function refusal(path: string): string {
  try {
    at(path)
  } catch (error) {
    expect(error).toMatchObject({ code: 'unknown-path' })
    return (error as Error).message
  }
  throw new Error(`${path} resolved`)
}

describe('parsePath', () => {
  it('reads names, indexes and escapes', () => {
    expect(parsePath('/Invoice/cac:InvoiceLine[2]/cbc:Amount')).toEqual([
      { name: 'Invoice' },
      { name: 'cac:InvoiceLine', index: 2 },
      { name: 'cbc:Amount' },
    ])
    expect(parsePath('/a~1b~0c~2d]')).toEqual([{ name: 'a/b~c[d]' }])
    expect(parsePath('/~01')).toEqual([{ name: '~1' }])
    expect(parsePath('')).toEqual([])
    expect(parsePath('/')).toEqual([])
  })

  it.each([
    ['Invoice', 0],
    ['//a', 1],
    ['/a/', 3],
    ['/a//b', 3],
    ['/[1]', 1],
    ['/a[0]', 2],
    ['/a[01]', 2],
    ['/a[-1]', 2],
    ['/a[x]', 2],
    ['/a[]', 2],
    ['/a[1', 2],
    ['/a[1]b', 2],
    ['/a[1][2]', 2],
    ['/a[1234567890]', 2],
    ['/ab~', 3],
    ['/ab~3', 3],
    ['/x/ab~', 5],
    ['/a'.repeat(257), 513],
    [`/${'a'.repeat(65_536)}`, 65_536],
  ])('refuses number %# at its position', (path, position) => {
    expect(() => parsePath(path)).toThrow(
      expect.objectContaining({
        code: 'bad-request',
        detail: { position },
        message: expect.stringContaining(`position ${position}`),
      }),
    )
  })

  it('is the inverse of formatPath', () => {
    const segment = fc.record(
      {
        name: fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[~/[\]0-2a]{1,6}$/)),
        index: fc.integer({ min: 1, max: 999_999_999 }),
      },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        expect(parsePath(formatPath(segments))).toEqual(segments)
      }),
    )
  })
})

describe('resolvePath', () => {
  it('finds the root, blocks, fields and repeated siblings', () => {
    expect(at('/')).toBe(invoice)
    expect(at('/Invoice/@xmlns')).toMatchObject({ value: 'urn:x' })
    expect(at('/Invoice[1]/cac:InvoiceLine[3]/cbc:Amount[1]')).toMatchObject({ value: '3' })
    expect(at('/Invoice/a~1b~0c~2d]')).toMatchObject({ value: 'odd' })
  })

  it('counts the items of a list from 1', () => {
    expect(at('/lines')).toMatchObject({ kind: 'list' })
    expect(at('/lines[2]')).toMatchObject({ value: 'two' })
    expect(at('/lines/item[2]')).toMatchObject({ value: 'two' })
    expect(at('/matrix[1]')).toMatchObject({ kind: 'list', name: 'item' })
    expect(at('/matrix[1]/item[2]')).toMatchObject({ value: '2' })
    expect(at('/matrix[2]/item')).toMatchObject({ value: '3' })
    expect(at('/matrix/item[2]/item[1]')).toMatchObject({ value: '3' })
  })

  it('says how to pick one of several', () => {
    expect(refusal('/Invoice/cac:InvoiceLine/cbc:Amount')).toBe(
      'There are 3 of "/Invoice/cac:InvoiceLine": pick one, "/Invoice/cac:InvoiceLine[1]" to "/Invoice/cac:InvoiceLine[3]".',
    )
  })

  it('says what there is instead', () => {
    expect(refusal('/Invoice/cac:InvoiceLine[4]')).toContain('no number 4')
    expect(refusal('/Invoice/Empty[2]')).toContain('pick "/Invoice/Empty[1]"')
    expect(refusal('/Nothing')).toContain('"/" holds "#indent", "Invoice", "lines", "matrix", "none"')
    expect(refusal('/lines/sku')).toContain('is a list: pick an item, "/lines[1]" to "/lines[2]"')
    expect(refusal('/none/sku')).toContain('it is empty')
    expect(refusal('/none[1]')).toContain('The list "/none" is empty')
    expect(refusal('/Invoice/@xmlns/x')).toContain('is a field')
    expect(refusal('/Invoice/Empty/x')).toContain('is empty')
  })

  it('lists only some of many names', () => {
    const wide = block(
      '',
      Array.from({ length: 1000 }, (_, index) => text(`n${index}`, '')),
    )
    expect(() => resolvePath(nodeAccessor, wide, [{ name: 'x' }])).toThrow(/"n7" and 992 more\.$/)
  })
})

describe('matchPath', () => {
  it('gives every sibling of the last name, and none for none', () => {
    const match = (path: string) => matchPath(nodeAccessor, invoice, parsePath(path))
    expect(match('/Invoice/cac:InvoiceLine')).toHaveLength(3)
    expect(match('/Invoice/cac:InvoiceLine[2]')).toHaveLength(1)
    expect(match('/Invoice/cac:InvoiceLine[4]')).toEqual([])
    expect(match('/Invoice/Nothing')).toEqual([])
    expect(match('/')).toEqual([invoice])
    expect(() => match('/Nothing/x')).toThrow(expect.objectContaining({ code: 'unknown-path' }))
  })
})

describe('pathOf', () => {
  it('is the path that leads to each node of a tree', () => {
    const name = fc.constantFrom('a', 'b', 'item', '/[~')
    const { tree } = fc.letrec<{ tree: DocumentNode }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        name.map((chosen) => text(chosen, '')),
        fc
          .tuple(name, fc.array(tie('tree'), { maxLength: 4 }))
          .map(([chosen, nodes]) => block(chosen, nodes)),
        fc.tuple(name, fc.array(tie('tree'), { maxLength: 4 })).map(([chosen, nodes]) =>
          list(
            chosen,
            nodes.map((node) => ({ ...node, name: 'item' })),
          ),
        ),
      ),
    }))
    fc.assert(
      fc.property(tree, (root) => {
        const visit = (chain: DocumentNode[]) => {
          const node = chain[chain.length - 1] as DocumentNode
          const path = formatPath(pathOf(nodeAccessor, chain))
          expect(resolvePath(nodeAccessor, root, parsePath(path))).toBe(node)
          for (const child of nodeAccessor.children(node)) visit([...chain, child])
        }
        visit([root])
      }),
    )
  })

  it('is as short as it can be', () => {
    const lines = invoice.children[2] as DocumentNode
    const two = nodeAccessor.children(lines)[1] as DocumentNode
    expect(formatPath(pathOf(nodeAccessor, [invoice, lines, two]))).toBe('/lines[2]')
    expect(formatPath(pathOf(nodeAccessor, [invoice, invoice.children[1] as DocumentNode]))).toBe('/Invoice')
  })
})
