/** The canonicalisation that other tests compare with, itself compared with what the recommendation prescribes. */
import { describe, expect, it } from 'vitest'
import { canonicalXml } from '../support/canonical-xml.ts'

describe('canonicalXml (Canonical XML 1.0 without comments)', () => {
  it.each([
    ['declaration and space outside the document element', '<?xml version="1.0"?>\n\n<a/>\n', '<a></a>'],
    ['instructions outside the document element', '<?p  q ?><a/><?r?>', '<?p q ?>\n<a></a>\n<?r?>'],
    ['comments', '<!--1--><a>x<!--2-->y</a><!--3-->', '<a>xy</a>'],
    ['white space in content', '<a >\n <b />\t</a >', '<a>\n <b></b>\t</a>'],
    ['line ends', '<a>1\r\n2\r3</a>', '<a>1\n2\n3</a>'],
    ['CDATA', '<a><![CDATA[<&>"]]></a>', '<a>&lt;&amp;&gt;"</a>'],
    ['references', '<a>&#13;&#x41;&quot;&apos;</a>', '<a>&#xD;A"\'</a>'],
    [
      'attribute values',
      "<a k='\t\"&#9;&#10;&#13;<&apos;>'/>".replace('<&', '&lt;&'),
      '<a k=" &quot;&#x9;&#xA;&#xD;&lt;\'>"></a>',
    ],
    [
      'order of attributes: by namespace name, then by local name',
      '<a xmlns:y="urn:1" xmlns:x="urn:2" x:b="1" y:c="2" y:a="3" z="4" b="5"/>',
      '<a xmlns:x="urn:2" xmlns:y="urn:1" b="5" z="4" y:a="3" y:c="2" x:b="1"></a>',
    ],
    [
      'order by code points, not by UTF-16 units',
      '<a \u{10000}="1" \uff21="2"/>',
      '<a \uff21="2" \u{10000}="1"></a>',
    ],
    [
      'declarations that repeat what is in scope',
      '<a xmlns="urn:1" xmlns:p="urn:2"><b xmlns="urn:1" xmlns:p="urn:2"><p:c xmlns:p="urn:3"/></b></a>',
      '<a xmlns="urn:1" xmlns:p="urn:2"><b><p:c xmlns:p="urn:3"></p:c></b></a>',
    ],
    [
      'the empty default namespace',
      '<a xmlns=""><b xmlns="u"><c xmlns=""/></b></a>',
      '<a><b xmlns="u"><c xmlns=""></c></b></a>',
    ],
    ['declarations that nothing uses', '<a><b xmlns:p="u"/></a>', '<a><b xmlns:p="u"></b></a>'],
    [
      'the xml prefix',
      '<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>',
      '<a xml:lang="en"></a>',
    ],
  ])('%s', (_what, xml, canonical) => {
    expect(canonicalXml(xml)).toBe(canonical)
    expect(canonicalXml(canonical)).toBe(canonical)
  })

  it('refuses what is not well-formed', () => {
    for (const xml of ['<a>', '<a></b>', '<p:a/>', '<!DOCTYPE a><a/>'])
      expect(() => canonicalXml(xml)).toThrow()
  })
})
