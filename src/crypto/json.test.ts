import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jcs } from './jcs.ts'
import { JsonNumber, parseJson } from './json.ts'

const badJson = expect.objectContaining({ code: 'bad-json' })
const tooLarge = expect.objectContaining({ code: 'too-large' })

describe('[ENC-1] the JSON parser', () => {
  it('gives what JSON.parse gives for any JSON, however it is spaced', () => {
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' })
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\t', '\r\n'), (some, space) => {
        const text = `${space}${JSON.stringify(some, null, space)}${space}`
        // JSON.stringify writes minus zero as 0, so that the two agree on it.
        expect(parseJson(text)).toStrictEqual(JSON.parse(text))
      }),
    )
  })

  it('refuses whatever JSON.parse refuses', () => {
    const fragment = fc.constantFrom(
      ...'{}[]:,"\\ \n',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'null',
      '"a"',
      'u0041',
      '\u0001',
    )
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (fragments) => {
        const text = fragments.join('')
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        if (!isJson) {
          expect(() => parseJson(text)).toThrow(badJson)
          expect(() => parseJson(text, { numbers: 'literal' })).toThrow(badJson)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    '',
    ' ',
    'nul',
    '{',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '[1 2]',
    '"\t"',
    '"\\x"',
    '"\\u12"',
    '"abc',
    '01',
    '+1',
    '1.',
    '.5',
    '1e',
    '- 1',
    '0x10',
    'NaN',
    'Infinity',
    '1 1',
    '{} x',
    '[]]',
    '/**/1',
    '\u00a01',
    '\ufeff{}',
    '{"a"}',
    '{1:2}',
    '{"a":1 "b":2}',
    '"a"1',
    '1"a"',
    '12abc',
    '--1',
    '1-1',
    '1e5e5',
  ])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(badJson)
    expect(() => parseJson(text, { numbers: 'literal' })).toThrow(badJson)
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":{"x":1,"y":2,"x":3}}',
    '{"a":1,"\\u0061":2}',
    '[{"":1,"":2}]',
    '{"a":{"b":1},"a":2}',
    '{"a":{"b":1},"a":{"c":1}}',
    '{"__proto__":1,"__proto__":2}',
    '{"1":1,"1":2}',
  ])('refuses a name that stands twice: %s', (text) => {
    expect(() => parseJson(text)).toThrow(badJson)
    expect(() => parseJson(text)).toThrow(/the name ".*" stands twice at position \d+/)
    expect(() => parseJson(text, { numbers: 'literal' })).toThrow(badJson)
  })

  it('takes one name in different objects, and colons and braces in strings', () => {
    const text = '{"a":{"a":[{"a":":"},{"a":"{\\"a\\":1}"}]},"b:":"\\\\","c":"\\\\\\":"}'
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it('finds a repeated name wherever it stands', () => {
    const members = fc.uniqueArray(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(members, fc.nat(), fc.nat(), fc.jsonValue({ maxDepth: 2 }), (names, which, at, value) => {
        const inner = JSON.stringify(value)
        const repeated = names.toSpliced(at % (names.length + 1), 0, names[which % names.length] as string)
        const write = (list: string[]) =>
          `[{"z":{${list.map((name) => `${JSON.stringify(name)}:${inner}`).join(',')}}}]`
        expect(parseJson(write(names))).toEqual(JSON.parse(write(names)))
        expect(() => parseJson(write(repeated))).toThrow(badJson)
      }),
    )
  })

  it.each([
    ['1e400', 'too great'],
    ['-1e400', 'too great'],
    ['1e-400', 'not zero, but a double has nothing smaller'],
    ['9007199254740993', 'between two doubles'],
    ['-9007199254740993', 'between two doubles'],
    ['1000000000000000000000000000000', 'written back as 1e+30'],
    ['123456789012345678901234567890', 'too many digits'],
  ])('refuses the number %s: %s', (text) => {
    expect(() => parseJson(text)).toThrow(badJson)
    expect(() => parseJson(`{"a":[1,${text}]}`)).toThrow(/position 8/)
  })

  it.each([
    ['9007199254740992', 9007199254740992],
    ['9007199254740994', 9007199254740994],
    ['-9007199254740991', -9007199254740991],
    ['1E30', 1e30],
    ['0.1', 0.1],
    ['333333333.33333329', Number('333333333.33333329')],
    ['-0', 0],
    ['-0.0', 0],
    ['0e10', 0],
    ['0.0000000000000000000', 0],
    ['1e-323', 1e-323],
  ])('takes the number %s', (text, number) => {
    expect(parseJson(text)).toBe(number)
    expect(parseJson(`{"a":[${text}]}`)).toStrictEqual({ a: [number] })
  })

  it.each([
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud800":1}',
    '"\ud800"',
    '{"\udc00":1}',
    '["\\ud83dx\\ude02"]',
  ])('refuses an unpaired surrogate: %j', (text) => {
    expect(() => parseJson(text)).toThrow(badJson)
  })

  it('takes surrogate pairs, escaped or not', () => {
    expect(parseJson('["\\ud83d\\ude02","😂","\\uD83D\\uDE02"]')).toEqual(['😂', '😂', '😂'])
  })

  it('refuses U+0000, and takes the characters that spell its escape', () => {
    for (const text of ['"\\u0000"', '{"a\\u0000":1}', '["\\\\\\u0000"]', '"\u0000"'])
      expect(() => parseJson(text)).toThrow(badJson)
    expect(parseJson('"\\\\u0000"')).toBe('\\u0000')
  })

  it('makes __proto__ a name like any other', () => {
    const value = parseJson('{"__proto__":{"polluted":1},"a":{"__proto__":null,"b":-0}}') as Record<
      string,
      unknown
    >
    expect(Object.keys(value)).toEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value.polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    const literal = parseJson('{"__proto__":1}', { numbers: 'literal' }) as Record<string, unknown>
    expect(Object.getOwnPropertyDescriptor(literal, '__proto__')?.value).toEqual(new JsonNumber('1'))
  })

  it('says where the text stops being JSON, and does not quote it', () => {
    expect(() => parseJson('{"secret": 1,}')).toThrow(/position 13/)
    expect(() => parseJson('["secret" secret]')).toThrow(expect.not.objectContaining({ message: /secret/ }))
  })
})

describe('[ENC-1] the limits of the JSON parser', () => {
  it('nest 64 deep, or as told', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    expect(jcs(parseJson(nested(64)))).toBe(nested(64))
    expect(() => parseJson(nested(66))).toThrow(tooLarge)
    expect(() => parseJson('['.repeat(100_000))).toThrow(tooLarge)
    expect(parseJson('[[1]]', { depth: 2 })).toEqual([[1]])
    expect(() => parseJson('[[1]]', { depth: 1 })).toThrow(tooLarge)
    expect(parseJson('"[[[["', { depth: 0 })).toBe('[[[[')
  })

  it('count the bytes of the text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', '\\', 'é', '\u07ff', '\u0800', '\uffff', '😂'),
          maxLength: 30,
        }),
        (some) => {
          const text = JSON.stringify(some)
          const sizeBytes = Buffer.byteLength(text)
          expect(parseJson(text, { sizeBytes })).toBe(JSON.parse(text))
          expect(() => parseJson(text, { sizeBytes: sizeBytes - 1 })).toThrow(tooLarge)
        },
      ),
    )
  })

  it('count the values', () => {
    const text = '{"a":[1,null,"x"],"b":{}}'
    expect(parseJson(text, { nodes: 6 })).toEqual(JSON.parse(text))
    expect(() => parseJson(text, { nodes: 5 })).toThrow(tooLarge)
  })
})

describe('numbers as written', () => {
  it('keep every digit, sign and exponent', () => {
    const literals = ['10.50', '-0', '0.00', '1e400', '1E+02', '123456789012345678901234567890', '-1.0e-7']
    expect(parseJson(`{"a":[${literals.join(' , ')}],"b":7}`, { numbers: 'literal' })).toEqual({
      a: literals.map((literal) => new JsonNumber(literal)),
      b: new JsonNumber('7'),
    })
  })

  it('leave strings alone', () => {
    expect(parseJson('["1","\\\\u00001","1\\"2"]', { numbers: 'literal' })).toEqual(['1', '\\u00001', '1"2'])
    expect(() => parseJson('["\\u00001"]', { numbers: 'literal' })).toThrow(badJson)
  })

  it('are otherwise what JSON.parse gives', () => {
    const numbers = (value: unknown): unknown => {
      if (value instanceof JsonNumber) return Number(value.literal)
      if (Array.isArray(value)) return value.map(numbers)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, numbers(member)]))
    }
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value)
        expect(numbers(parseJson(text, { numbers: 'literal' }))).toStrictEqual(JSON.parse(text))
      }),
    )
  })

  it('have no canonical form: they are for reading documents, not for signing', () => {
    expect(() => jcs(parseJson('[1]', { numbers: 'literal' }))).toThrow(badJson)
  })
})
