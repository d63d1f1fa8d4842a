import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromXml } from './from-xml.ts'

function deep(levels: number): string {
  return '<a>'.repeat(levels) + '</a>'.repeat(levels)
}

const MIB = 1024 * 1024

describe('fromXml refuses', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['a DOCTYPE', '<!DOCTYPE a><a/>', /line 1, column 12: a DOCTYPE/],
    ['entities that multiply', '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>', /DOCTYPE/],
    ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', /DOCTYPE/],
    ['an external DTD', '<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><a/>', /DOCTYPE/],
    ['a DOCTYPE that never ends', '<!DOCTYPE a [', /unexpected end|root element/],
    ['an entity that is not predefined', '<a>&nbsp;</a>', /undefined entity/],
    ['an entity named as a property of objects', '<a>&constructor;&__proto__;</a>', /undefined entity/],
    ['an undeclared prefix', '<a>\n <p:b/></a>', /line 2, column 7: unbound namespace prefix: "p"/],
    ['an undeclared prefix of an attribute', '<a p:k=""/>', /unbound namespace prefix/],
    ['an undeclared prefix named as a property of objects', '<__proto__:a/>', /unbound/],
    ['a prefix declared as nothing', '<a xmlns:p=""/>', /undefine prefix/],
    ['the prefix xmlns', '<xmlns:a/>', /xmlns/],
    [
      'the xml namespace under another name',
      '<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>',
      /xml namespace/,
    ],
    ['two colons', '<a:b:c xmlns:a="u"/>', /malformed name/],
    ['an attribute twice', '<a k="1" k="2"/>', /duplicate attribute/],
    [
      'an attribute twice by namespace',
      '<a xmlns:p="u" xmlns:q="u" p:k="1" q:k="2"/>',
      /duplicate attribute/,
    ],
    ['a declaration twice', '<a xmlns="u" xmlns="v"/>', /duplicate attribute/],
    ['U+0000', '<a>\0</a>', /disallowed character/],
    ['a control character', '<a>\u0001</a>', /disallowed character/],
    ['U+FFFE', '<a>\ufffe</a>', /disallowed character/],
    ['a reference to U+0000', '<a>&#0;</a>', /malformed character entity/],
    ['a reference to a control character', '<a k="&#x1;"/>', /malformed character entity/],
    ['a reference to half a character', '<a>&#xD83D;&#xDE42;</a>', /malformed character entity/],
    ['a reference beyond Unicode', '<a>&#x110000;</a>', /malformed character entity/],
    ['a reference of a million digits', `<a>&#${'1'.repeat(1_000_000)};</a>`, /malformed character entity/],
    ['an unpaired surrogate', '<a>\ud83dx</a>', /unpaired surrogate/],
    [
      'bytes that are not UTF-8',
      Uint8Array.of(0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e),
      /not in UTF-8/,
    ],
    ['half a character in UTF-8', Buffer.from('<a>\u00ed\u00a0\u00bd</a>', 'latin1'), /not in UTF-8/],
    ['overlong UTF-8', Buffer.from('<a>\u00c0\u00bc</a>', 'latin1'), /not in UTF-8/],
    ['UTF-16', Buffer.from('\ufeff<a/>', 'utf16le'), /not in UTF-8/],
    ['UTF-16 without a byte order mark', Buffer.from('<a/>', 'utf16le'), /disallowed character/],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /encoding "ISO-8859-1"/],
    ['UTF-7', '<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-', /encoding "UTF-7"/],
    ['XML 1.1', '<?xml version="1.1"?><a/>', /version 1\.0/],
    ['a declaration that is not first', ' <?xml version="1.0"?><a/>', /start of the document/],
    ['a second declaration', '<?xml version="1.0"?><?xml version="1.0"?><a/>', /start of the document/],
    ['nothing', '', /root element/],
    ['text only', 'x', /outside of root/],
    ['text after the end', '<a/>x', /outside of root/],
    ['CDATA after the end', '<a/><![CDATA[x]]>', /outside of root/],
    ['two roots', '<a/><b/>', /only one root/],
    ['an open element', '<a><b></a>', /unexpected close tag/],
    ['an end without a start', '<a/></a>', /unmatched closing tag/],
    ['an end cut off', '<a>', /unclosed tag/],
    ['a tag cut off', '<a', /unexpected end|root element|unclosed/],
    ['"]]>" in text', '<a>]]></a>', /disallowed in char data/],
    ['a bare ampersand', '<a>&</a>', /./],
    ['a less-than sign in an attribute', '<a k="<"/>', /disallowed character/],
    ['an attribute without quotes', '<a k=v/>', /unquoted/],
    ['an attribute without a value', '<a k/>', /./],
    ['attributes without space between', '<a k="1"l="2"/>', /./],
    ['"--" in a comment', '<a><!-- -- --></a>', /malformed comment/],
    ['an instruction named xml', '<a><?XML x?></a>', /XML declaration/],
    ['an instruction without space after its name', '<?a?b?><a/>', /question mark/],
    ['an instruction with a colon', '<?a:b?><a/>', /processing instruction/],
    ['a name with a forbidden character', '<a×/>', /disallowed character/],
  ])('%s', (_what, xml, message) => {
    expect(() => fromXml(xml)).toThrow(
      expect.objectContaining({ code: 'bad-xml', message: expect.stringMatching(message) }),
    )
  })

  it.each<[string, string | Uint8Array, RegExp]>([
    ['a document over 8 MiB', Buffer.alloc(8 * MIB + 1, 0x20), /8388608 bytes/],
    ['a string over 8 MiB in UTF-8', `<a>${'€'.repeat(3 * MIB)}</a>`, /8388608 bytes/],
    ['65 levels', deep(65), /line 1, column 195: elements may be nested at most 64 deep/],
    ['a million levels', '<a>'.repeat(1_000_000), /64 deep/],
    ['over 200,000 elements', `<a>${'<b/>'.repeat(200_000)}</a>`, /200000/],
    [
      'over 200,000 attributes of one element',
      `<a ${Array.from({ length: 200_001 }, (_, index) => `k${index}=""`).join(' ')}/>`,
      /200000/,
    ],
    ['over 200,000 instructions', `<a>${'<?p?>'.repeat(200_000)}</a>`, /200000/],
    ['over 200,000 nodes with text', `<a>${'<b/>x'.repeat(120_000)}</a>`, /200000/],
    ['an element name of 257 characters', `<${'a'.repeat(257)}/>`, /longer than 256/],
    ['an attribute name of 256 characters', `<a ${'k'.repeat(256)}=""/>`, /longer than 255/],
    ['an instruction name of 256 characters', `<?${'p'.repeat(256)}?><a/>`, /longer than 255/],
    ['a name of a million characters', `<${'a'.repeat(MIB)}/>`, /longer than 256/],
    ['text over 1 MiB', `<a>${'x'.repeat(MIB + 1)}</a>`, /1048576 bytes/],
    ['text over 1 MiB in pieces', `<a>${`${'x'.repeat(1024)}<!-- -->`.repeat(1025)}</a>`, /1048576 bytes/],
    ['an attribute over 1 MiB', `<a k="${'€'.repeat(MIB / 2)}"/>`, /1048576 bytes/],
    ['an instruction over 1 MiB', `<?p ${'x'.repeat(MIB + 1)}?><a/>`, /1048576 bytes/],
  ])('%s as too large', (_what, xml, message) => {
    expect(() => fromXml(xml)).toThrow(
      expect.objectContaining({ code: 'too-large', message: expect.stringMatching(message) }),
    )
  })

  it('nothing that is just within the limits', () => {
    expect(() => fromXml(deep(64))).not.toThrow()
    expect(() => fromXml(`<${'a'.repeat(256)} ${'k'.repeat(255)}=""/>`)).not.toThrow()
    expect(() => fromXml(`<a>${'x'.repeat(MIB)}</a>`)).not.toThrow()
    expect(() => fromXml(`<a>${'<b/>'.repeat(199_999)}</a>`)).not.toThrow()
  })

  it('what its caller limits', () => {
    expect(() => fromXml('<a><b/></a>', { depth: 1 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => fromXml('<a><b/></a>', { nodes: 1 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => fromXml('<a/>', { sizeBytes: 3 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => fromXml('<a><b/></a>', { depth: 2, nodes: 2, sizeBytes: 11 })).not.toThrow()
  })

  it('with a place and a short message, however long the cause', () => {
    try {
      fromXml(`<a>\n<b>\n${`<p:${'x'.repeat(200)}/>`}</b></a>`)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-xml', detail: { line: 3 } })
    }
    try {
      fromXml(`<a></${'b'.repeat(100_000)}>`)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(300)
    }
  })

  it('with errors of the registry only, whatever it is given', () => {
    const pieces = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '</a>',
        '<a>',
        '<a',
        'a',
        ' ',
        '=',
        '"',
        "'",
        '&',
        ';',
        '#',
        '&lt;',
        '<!--',
        '-->',
        '<![CDATA[',
      ],
      ...[
        ']]>',
        '<?',
        '?>',
        'xml',
        ':',
        'xmlns',
        '!',
        '[',
        ']',
        '\n',
        '\0',
        '\ud800',
        '🙂',
        '<!DOCTYPE',
        '<?xml version="1.0"',
      ],
    )
    const source = fc.oneof(
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.array(pieces, { maxLength: 10 }).map((parts) => `<a>${parts.join('')}</a>`),
      fc.uint8Array({ maxLength: 40 }),
    )
    fc.assert(
      fc.property(source, (xml) => {
        try {
          fromXml(xml)
        } catch (error) {
          expect(error).toMatchObject({ name: 'CountersignError', code: 'bad-xml' })
        }
      }),
      { numRuns: 1000 },
    )
  })
})
