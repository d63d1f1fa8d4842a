import { describe, expect, it } from 'vitest'
import { canonicalXml } from '../../test/support/canonical-xml.ts'
import { fromXml } from './from-xml.ts'
import { namespacesInScope } from './namespaces.ts'
import { toXml, type XmlWriteOptions } from './to-xml.ts'
import { type BlockNode, block, type DocumentNode, field, list, text } from './tree.ts'

/** The children of the root. */
function read(xml: string): DocumentNode[] {
  return fromXml(xml).children
}

/** Without the declaration and the last line end. */
function write(node: DocumentNode, options: XmlWriteOptions = {}): string {
  return toXml(node, { declaration: false, ...options }).replace(/\n$/, '')
}

function root(...children: DocumentNode[]): BlockNode {
  return block('', children)
}

describe('fromXml', () => {
  it('makes text fields of elements with text only, and blocks of all others', () => {
    expect(read('<a><b>x</b><c k="v">y</c><d/><e></e><f k="w"/></a>')).toEqual([
      block('a', [
        text('b', 'x'),
        block('c', [text('@k', 'v'), text('#text', 'y')]),
        text('d', ''),
        text('e', ''),
        block('f', [text('@k', 'w')]),
      ]),
    ])
    expect(read('<a> x </a>')).toEqual([text('a', ' x ')])
  })

  it('keeps qualified names, declarations and the order of repeats', () => {
    expect(read('<p:a xmlns:p="urn:p" xmlns="urn:d"><b>1</b><p:b/><b>2</b></p:a>')).toEqual([
      block('p:a', [
        text('@xmlns:p', 'urn:p'),
        text('@xmlns', 'urn:d'),
        text('b', '1'),
        text('p:b', ''),
        text('b', '2'),
      ]),
    ])
  })

  it('keeps mixed content in order, joining text that comments and CDATA cut', () => {
    expect(read('<p>one<b>two</b><!-- c --> <i/>th<!-- -->r<![CDATA[<ee>]]></p>')).toEqual([
      block('p', [
        text('#text', 'one'),
        text('b', 'two'),
        text('#text', ' '),
        text('i', ''),
        text('#text', 'thr<ee>'),
      ]),
    ])
  })

  it('keeps processing instructions, inside and outside, and drops comments', () => {
    expect(read('<?style  sheet ?><!-- c --><a><?in?><!-- c --></a><?end x?>')).toEqual([
      text('?style', 'sheet '),
      block('a', [text('?in', '')]),
      text('?end', 'x'),
    ])
    expect(read('<a><!-- c --></a>')).toEqual([text('a', '')])
  })

  it('reads bytes with a byte order mark, and references', () => {
    expect(
      fromXml(Buffer.from('\ufeff<?xml version="1.0" encoding="utf-8"?><a>&lt;&#x1F642;&#13;é</a>')),
    ).toEqual(root(text('a', '<🙂\ré')))
  })
})

describe('white space', () => {
  it('is one field when it is regular', () => {
    expect(read('<a>\n  <b>\n    <c/>\n    <?p?>\n  </b>\n  <d> x </d>\n</a>')).toEqual([
      text('#indent', '\n  '),
      block('a', [block('b', [text('c', ''), text('?p', '')]), text('d', ' x ')]),
    ])
    expect(read('<a>\n<b>\n<c/>\n</b>\n</a>')[0]).toEqual(text('#indent', '\n'))
    expect(read('<a>\r\n\t<b/>\r\n</a>')[0]).toEqual(text('#indent', '\n\t'))
    expect(read('<a><b><c/></b></a>')).toEqual([block('a', [block('b', [text('c', '')])])])
  })

  it('is kept just where it breaks the rule', () => {
    expect(read('<a>\n  <b/>\n\n  <c/>\n  <!-- c -->\n  <d/><e/>\n</a>')).toEqual([
      text('#indent', '\n  '),
      block('a', [
        text('b', ''),
        text('#space', '\n\n  '),
        text('c', ''),
        text('#space', '\n  \n  '),
        text('d', ''),
        text('#space', ''),
        text('e', ''),
      ]),
    ])
  })

  it('has a rule of its own in a block laid out otherwise', () => {
    const xml = '<a>\n  <b/>\n  <c><d/><e><f/></e></c>\n  <g>\n\t\t\t\t<h/>\n\t\t<i/>\n\t\t<j/>\n  </g>\n</a>'
    const [, a] = read(xml) as [DocumentNode, BlockNode]
    expect(a.children[1]).toEqual(
      block('c', [text('#indent', ''), text('d', ''), block('e', [text('f', '')])]),
    )
    expect(canonicalXml(toXml(fromXml(xml)))).toBe(canonicalXml(xml))
  })

  it('indents what is added later and leaves nothing of what is removed', () => {
    const tree = fromXml('<a>\n  <b>1</b>\n\n  <c>\n    <d/>\n  </c>\n</a>')
    const [, a] = tree.children as [DocumentNode, BlockNode]
    const [b, space, c] = a.children as [DocumentNode, DocumentNode, BlockNode]
    c.children.push(block('new', [text('@k', 'v'), text('x', '1')]))
    a.children.push(list('many', [text('item', '1'), text('item', '2')]))
    expect(write(tree)).toBe(
      '<a>\n  <b>1</b>\n\n  <c>\n    <d/>\n    <new k="v">\n      <x>1</x>\n    </new>\n  </c>\n  <many>1</many>\n  <many>2</many>\n</a>',
    )
    a.children = [b, space]
    expect(write(tree)).toBe('<a>\n  <b>1</b>\n\n  </a>')
    a.children = [b]
    expect(write(tree)).toBe('<a>\n  <b>1</b>\n</a>')
    a.children = [b, text('#text', 'x'), c]
    expect(write(tree)).toBe(
      '<a><b>1</b>x<c>\n    <d/>\n    <new k="v">\n      <x>1</x>\n    </new>\n  </c></a>',
    )
    a.children = []
    expect(write(tree)).toBe('<a/>')
  })

  it('is bounded, whatever a rule says', () => {
    let deep: DocumentNode = text('x', '')
    for (let level = 0; level < 100; level++) deep = block('x', [deep])
    const longest = Math.max(
      ...write(deep, { indent: `\n${' '.repeat(8)}` })
        .split('\n')
        .map((line) => line.length),
    )
    expect(longest).toBeLessThan(32 * 8 + 10)
    for (const rule of [`\n${' '.repeat(9)}`, 'x', ' ', '\n\n', '\nx']) {
      expect(write(root(text('#indent', rule), block('a', [text('b', '')])))).toBe('<a><b/></a>')
    }
  })
})

describe('toXml', () => {
  it('writes a declaration, one element and instructions around it', () => {
    expect(toXml(root(text('?p', 'x'), text('a', '1'), text('?q', '')))).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<?p x?>\n<a>1</a>\n<?q?>\n',
    )
  })

  it('escapes text and attribute values so that they come back the same', () => {
    const odd = ' <&>"\'\t\n\r]]>\u0085\u2028🙂 '
    const tree = root(block('a', [text('@k', odd), text('#text', odd), text('b', odd)]))
    expect(fromXml(toXml(tree))).toEqual(tree)
  })

  it('writes every type of field', () => {
    const fields = [
      field('d', 'decimal', '10.50'),
      field('b', 'boolean', false),
      field('n', 'null', null),
      field('@i', 'integer', '1'),
    ]
    expect(write(root(block('a', fields)))).toBe('<a i="1"><d>10.50</d><b>false</b><n/></a>')
  })

  it('repeats an element for each item of a list', () => {
    const lines = list('line', [
      text('item', '1'),
      block('item', [text('x', '')]),
      list('item', [text('item', '2'), text('item', '3')]),
      list('item', []),
    ])
    expect(write(root(block('a', [lines, list('none', [])])))).toBe(
      '<a><line>1</line><line><x/></line><line><item>2</item><item>3</item></line><line/></a>',
    )
  })

  it('wraps what is not one element', () => {
    expect(write(root())).toBe('<contract/>')
    expect(write(root(text('a', '1'), text('b', '2')))).toBe('<contract><a>1</a><b>2</b></contract>')
    expect(write(root(list('a', [text('item', '1')])))).toBe('<contract><a>1</a></contract>')
    expect(write(root(text('?p', ''), text('@k', 'v'), text('a', '1')))).toBe(
      '<?p?>\n<contract k="v"><a>1</a></contract>',
    )
    expect(write(root(text('a b', '1')))).toBe('<contract><element name="a b">1</element></contract>')
    expect(write(root(field('#value', 'decimal', '1.0')))).toBe('<contract>1.0</contract>')
    expect(write(root(field('#value', 'null', null)))).toBe('<contract/>')
    expect(write(root(list('#value', [text('item', 'x')])))).toBe('<contract><item>x</item></contract>')
    expect(write(root(text('@xmlns:p', 'u'), text('p:a', '')))).toBe(
      '<contract xmlns:p="u"><p:a/></contract>',
    )
  })

  it.each<[string, DocumentNode[], string]>([
    ['a name with a space', [text('a b', '1')], '<element name="a b">1</element>'],
    ['a prefix that is not declared', [text('p:b', '1')], '<element name="p:b">1</element>'],
    ['the prefix xmlns', [text('xmlns:b', '1')], '<element name="xmlns:b">1</element>'],
    ['an attribute that is a list', [list('@k', [text('item', '1')])], '<element name="@k">1</element>'],
    ['an attribute with a prefix not declared', [text('@p:k', '1')], '<element name="@p:k">1</element>'],
    ['an attribute with no name', [text('@', '1')], '<element name="@">1</element>'],
    ['a declaration of nothing', [text('@xmlns:p', '')], '<element name="@xmlns:p"/>'],
    ['a reserved declaration', [text('@xmlns:xml', 'u')], '<element name="@xmlns:xml">u</element>'],
    ['a declaration with an odd name', [text('@xmlnsx', 'u')], ''],
    ['an instruction that would end early', [text('?p', 'a?>b')], '<element name="?p">a?&gt;b</element>'],
    ['an instruction that would not be read', [text('?p', ' ?b')], '<element name="?p"> ?b</element>'],
    ['an instruction named xml', [text('?XML', 'a')], '<element name="?XML">a</element>'],
    ['a name that markup could break out of', [text('a"><x', '')], '<element name="a&quot;>&lt;x"/>'],
    ['a block named #text', [block('#text', [])], '<element name="#text"/>'],
    ['a character that XML forbids', [text('b', 'x\u0001y\ufffez\ud800')], '<b>x\ufffdy\ufffdz\ufffd</b>'],
  ])('stays well-formed for %s', (_what, children, inner) => {
    const written = write(root(block('a', children)))
    expect(written).toBe(inner === '' ? '<a xmlnsx="u"/>' : `<a>${inner}</a>`)
    expect(() => fromXml(written)).not.toThrow()
  })

  it('never writes one attribute twice', () => {
    const twice = block('a', [
      text('@k', '1'),
      text('@k', '2'),
      text('@xmlns:p', 'u'),
      text('@xmlns:p', 'v'),
      text('@xmlns:q', ' u'),
      text('@p:k', '3'),
      text('@q:k', '4'),
      block('b c', [text('@name', '5')]),
    ])
    const written = write(root(twice))
    expect(written).toBe(
      '<a k="1" xmlns:p="u" xmlns:q=" u" p:k="3"><element name="@k">2</element><element name="@xmlns:p">v</element>' +
        '<element name="@q:k">4</element><element name="b c"><element name="@name">5</element></element></a>',
    )
    expect(() => fromXml(written)).not.toThrow()
  })

  it('adds the namespaces in scope to a part of a document', () => {
    const tree = fromXml(
      '<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b xmlns:q="urn:own"><q:c p:k="1">x</q:c></p:b></a>',
    )
    const a = tree.children[0] as BlockNode
    const b = a.children[3] as BlockNode
    const c = b.children[1] as BlockNode
    expect(write(b, { inScope: namespacesInScope([tree, a]) })).toBe(
      '<p:b xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:own"><q:c p:k="1">x</q:c></p:b>',
    )
    expect(write(c, { inScope: namespacesInScope([tree, a, b]) })).toBe(
      '<q:c xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:own" p:k="1">x</q:c>',
    )
    expect(write(c)).toContain('<element name="q:c">')
  })

  it('leaves out a default namespace that was undone, and declarations in scope that are none', () => {
    const undone = namespacesInScope([block('a', [text('@xmlns', 'u')]), block('b', [text('@xmlns', '')])])
    expect(Object.keys(undone)).toEqual([])
    expect(write(text('a', ''), { inScope: { 'a b': 'u', xmlns: 'u', p: '', q: 'urn:q' } })).toBe(
      '<a xmlns:q="urn:q"/>',
    )
    expect(Object.keys(namespacesInScope([block('a', [text('@xmlns:__proto__', 'u')])]))).toEqual([
      '__proto__',
    ])
  })

  it('writes any other part of a tree too', () => {
    expect(write(text('@k', 'v'))).toBe('<contract k="v"/>')
    expect(write(text('#text', 'x'))).toBe('<contract>x</contract>')
    expect(write(list('l', [text('item', '1'), text('item', '2')]))).toBe(
      '<contract><l>1</l><l>2</l></contract>',
    )
    expect(write(block('a', [text('b', '')]), { indent: '\n ' })).toBe('<a>\n <b/>\n</a>')
  })
})
