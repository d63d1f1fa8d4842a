import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromJson, keyFromName, nameFromKey } from './from-json.ts'
import { fromXml } from './from-xml.ts'
import { toJson } from './to-json.ts'
import { toXml } from './to-xml.ts'
import { block, type DocumentNode, field, list, text } from './tree.ts'

function roundTrip(json: string): string {
  return toJson(fromJson(json))
}

describe('fromJson', () => {
  it('maps every kind of value', () => {
    expect(
      fromJson('{"t":"x","i":10,"d":10.50,"e":1E2,"b":true,"n":null,"o":{"x":false},"l":[1,[],{}]}'),
    ).toEqual(
      block('', [
        text('t', 'x'),
        field('i', 'integer', '10'),
        field('d', 'decimal', '10.50'),
        field('e', 'decimal', '1E2'),
        field('b', 'boolean', true),
        field('n', 'null', null),
        block('o', [field('x', 'boolean', false)]),
        list('l', [field('item', 'integer', '1'), list('item', []), block('item', [])]),
      ]),
    )
  })

  it('puts a top-level array or scalar in #value', () => {
    expect(fromJson('[1]')).toEqual(block('', [list('#value', [field('item', 'integer', '1')])]))
    expect(fromJson(' "x" ')).toEqual(block('', [text('#value', 'x')]))
    expect(fromJson('{}')).toEqual(block('', []))
  })

  it('takes keys of all sorts as names', () => {
    const keys = ['@context', 'example:myField', 'a/b', 'a.b', '__proto__', 'constructor', '', '1', '🙂']
    for (const key of keys.filter((candidate) => candidate !== '')) {
      expect(fromJson(JSON.stringify({ x: 0 }).replace('x', key)).children[0]?.name).toBe(key)
    }
    expect(() => fromJson('{"":1}')).toThrow(expect.objectContaining({ code: 'bad-name' }))
    expect(() => fromJson('{"a\\u0007":1}')).toThrow(expect.objectContaining({ code: 'bad-name' }))
    expect(() => fromJson(`{"${'x'.repeat(257)}":1}`)).toThrow(expect.objectContaining({ code: 'bad-name' }))
  })

  it('keeps what the tree reserves apart from keys of that name', () => {
    for (const key of ['#indent', '##indent', '#space', '#value', '###value', '#text', '#', '#indents']) {
      expect(keyFromName(nameFromKey(key))).toBe(key)
      expect(roundTrip(`{"${key}":"\\n  ","b":1}`)).toBe(`{"${key}":"\\n  ","b":1}`)
      expect(roundTrip(`{"${key}":[1]}`)).toBe(`{"${key}":[1]}`)
    }
    expect(nameFromKey('#indent')).toBe('##indent')
    expect(nameFromKey('#text')).toBe('#text')
  })

  it('keeps the order of members, also of those that look like array indices', () => {
    expect(roundTrip('{"b":1,"2":{"1":0,"0":1},"a":2,"1":3,"__proto__":4}')).toBe(
      '{"b":1,"2":{"1":0,"0":1},"a":2,"1":3,"__proto__":4}',
    )
  })

  it('keeps numbers as written and reads white space and escapes', () => {
    const literals = '[0,-0,10.50,1e5,1E+05,-1.20e-3,123456789012345678901234567890]'
    expect(roundTrip(literals)).toBe(literals)
    expect(roundTrip(' {\n"a" :\t[ 1 , 2 ]\r\n, "b\\u0041" : "\\n\\ud83d\\ude42\\"\\\\" } ')).toBe(
      '{"a":[1,2],"bA":"\\n🙂\\"\\\\"}',
    )
  })

  it('reads bytes, with or without a byte order mark', () => {
    expect(fromJson(Buffer.from('\ufeff{"a":"é"}'))).toEqual(block('', [text('a', 'é')]))
    expect(() => fromJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(
      expect.objectContaining({ code: 'bad-json' }),
    )
  })

  it.each([
    ['a name that stands twice', '{"a":1,"a":2}', 'bad-json'],
    ['a broken text', '{"a":', 'bad-json'],
    ['nothing', '', 'bad-json'],
    ['an unpaired surrogate', '"\\ud800"', 'bad-json'],
    ['a raw unpaired surrogate', '"\ud800"', 'bad-json'],
    ['U+0000', '"\\u0000"', 'bad-json'],
    ['a number of 65 digits', '1'.repeat(65), 'bad-value'],
    ['an exponent that exact arithmetic would choke on', '1e999999999', 'bad-value'],
    ['a text over 1 MiB', `"${'x'.repeat(1024 * 1024 + 1)}"`, 'too-large'],
    ['nesting 65 deep', '['.repeat(65) + ']'.repeat(65), 'too-large'],
    ['a million brackets', '['.repeat(1_000_000), 'too-large'],
    ['over 200,000 values', `[${'0,'.repeat(200_000)}0]`, 'too-large'],
    ['over 8 MiB', ' '.repeat(8 * 1024 * 1024 + 1), 'too-large'],
  ])('refuses %s', (_what, json, code) => {
    expect(() => fromJson(json)).toThrow(expect.objectContaining({ code }))
  })

  it('takes limits from its caller', () => {
    expect(() => fromJson('[[1]]', { depth: 1 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => fromJson('[1,2]', { nodes: 2 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => fromJson('"é"', { sizeBytes: 3 })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(fromJson('[[1]]', { depth: 2, nodes: 3, sizeBytes: 5 }).children).toHaveLength(1)
  })

  it('refuses whatever is not JSON with an error of the registry, never another', () => {
    const nearJson = fc.stringMatching(/^[[\]{}",:0-9.eE\\ tfnrua+-]{0,20}$/)
    fc.assert(
      fc.property(fc.oneof(nearJson, fc.string({ unit: 'binary' })), (source) => {
        let valid = true
        try {
          JSON.parse(source)
        } catch {
          valid = false
        }
        try {
          expect(JSON.parse(toJson(fromJson(source)))).toEqual(JSON.parse(source))
        } catch (error) {
          expect(error).toMatchObject({ name: 'CountersignError' })
          if (valid) expect(['bad-name', 'bad-value', 'bad-json']).toContain((error as { code: string }).code)
        }
      }),
    )
  })
})

/** Compact JSON text in a random order of members and with numbers written in all ways. */
const jsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom('true', 'false', 'null', '{}', '[]'),
    fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,3})?$/),
    fc.string({ unit: 'grapheme' }).map((value) => JSON.stringify(value.replace(/\0/g, ''))),
    fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(
        fc.oneof(
          fc.nat({ max: 20 }).map(String),
          fc.constantFrom('#indent', '#text', '@a', '__proto__'),
          fc.string(),
        ),
        { maxLength: 5 },
      )
      .filter((keys) => keys.every((key) => key !== '' && !/\p{Cc}/u.test(key)))
      .chain((keys) =>
        fc.tuple(...keys.map((key) => tie('value').map((value) => `${JSON.stringify(key)}:${value}`))),
      )
      .map((members) => `{${members.join(',')}}`),
  ),
})).value

describe('toJson', () => {
  it('gives back any JSON, character by character', () => {
    fc.assert(
      fc.property(jsonText, (json) => {
        expect(roundTrip(json)).toBe(json)
      }),
    )
  })

  it('gives back the same tree when read again', () => {
    fc.assert(
      fc.property(jsonText, (json) => {
        const tree = fromJson(json)
        expect(fromJson(toJson(tree, { indent: 2 }))).toEqual(tree)
      }),
    )
  })

  it('indents as JSON.stringify does', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => JSON.stringify(value)),
        (json) => {
          fc.pre(!json.includes('"":') && !/[eE][+-]?\d{4}|-0|\\u00|\\ud/.test(json) && !/\p{Cc}/u.test(json))
          let tree: DocumentNode
          try {
            tree = fromJson(json)
          } catch {
            return fc.pre(false)
          }
          expect(JSON.parse(toJson(tree, { indent: 2 }))).toEqual(JSON.parse(json))
        },
      ),
    )
    const value = { a: [1, { b: [] }], c: {} }
    expect(toJson(fromJson(JSON.stringify(value)), { indent: 2 })).toBe(JSON.stringify(value, null, 2))
  })

  it('shows XML readably, without its white space', () => {
    const xml = `<Invoice xmlns:c="urn:c">
  <c:ID>7</c:ID>
  <Amount currencyID="EUR">100</Amount>

  <Note/>
  <Line><n>1</n></Line>
  <Other>x</Other>
  <Line><n>2</n></Line>
  <p>one<b>two</b>three</p>
</Invoice>`
    expect(JSON.parse(toJson(fromXml(xml)))).toEqual({
      Invoice: {
        '@xmlns:c': 'urn:c',
        'c:ID': '7',
        Amount: { '@currencyID': 'EUR', '#text': '100' },
        Note: '',
        Line: [{ n: '1' }, { n: '2' }],
        Other: 'x',
        p: { '#text': ['one', 'three'], b: 'two' },
      },
    })
  })

  it('writes XML that it has shown as JSON back as XML, but for white space and order among names', () => {
    const xml = '<I xmlns:c="urn:c"><?t x?><A k="v">100</A><c:L><n/></c:L><c:L><n>2</n></c:L></I>'
    expect(toXml(fromJson(toJson(fromXml(xml))), { declaration: false })).toBe(`${xml}\n`)
  })

  it('writes parts of a tree', () => {
    expect(toJson(field('x', 'decimal', '1.0'))).toBe('1.0')
    expect(toJson(text('x', '1.0'))).toBe('"1.0"')
    expect(toJson(list('x', [field('item', 'null', null)]))).toBe('[null]')
    expect(toJson(block('x', [field('d', 'date', '2024-01-01')]))).toBe('{"d":"2024-01-01"}')
  })

  it('never writes a number that is none', () => {
    expect(toJson(field('x', 'decimal', '1;alert(1)'))).toBe('"1;alert(1)"')
    expect(toJson(field('x', 'integer', true))).toBe('true')
  })

  it('refuses a tree too deep to write', () => {
    let deep: DocumentNode = text('x', '')
    for (let level = 0; level < 100_000; level++) deep = block('x', [deep])
    expect(() => toJson(deep)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => toXml(deep)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })
})
