import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jcs, jcsBytes } from './jcs.ts'
import { parseJson } from './json.ts'

const badJson = expect.objectContaining({ code: 'bad-json' })
const unit = fc.constantFrom(...'ab1"\\/\n\u0000\u001f\u007f é\u2028\ufb33\uffff', '😂', '\u{10ffff}')
const text = fc.string({ unit })
const vectors = '../shared/samples/vectors/jcs'

describe.skipIf(!existsSync(vectors))('RFC 8785 vectors (left out where the samples are not at hand)', () => {
  for (const file of existsSync(vectors) ? readdirSync(join(vectors, 'input')) : []) {
    it(`[ENC-1] ${file}`, () => {
      const value = parseJson(readFileSync(join(vectors, 'input', file), 'utf8'))
      const hex = readFileSync(join(vectors, 'outhex', file.replace('.json', '.txt')), 'utf8').replace(
        /\s/g,
        '',
      )
      expect(Buffer.from(jcsBytes(value)).toString('hex')).toBe(hex)
      expect(jcs(value)).toBe(readFileSync(join(vectors, 'output', file), 'utf8').trimEnd())
    })
  }
})

describe('[ENC-1] canonical JSON', () => {
  it('sorts names by UTF-16 units at every level', () => {
    expect(jcs({ b: 1, a: { z: [], y: {} }, '\ud83d\ude02': 2, '\ufb33': 3, '10': 4, '9': 5, '': 6 })).toBe(
      '{"":6,"10":4,"9":5,"a":{"y":{},"z":[]},"b":1,"😂":2,"\ufb33":3}',
    )
  })

  it.each([
    // RFC 8785 appendix B
    [0, '0'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [-1.7976931348623157e308, '-1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [9.999999999999997e22, '9.999999999999997e+22'],
    [1e23, '1e+23'],
    [999999999999999900000, '999999999999999900000'],
    [1e21, '1e+21'],
    [9.999999999999997e-7, '9.999999999999997e-7'],
    [0.000001, '0.000001'],
    [Number('333333333.33333329'), '333333333.3333333'],
    [Number('-0.0000033333333333333333'), '-0.0000033333333333333333'],
    [Number('1424953923781206.25'), '1424953923781206.2'],
  ])('writes the number %d as %s', (number, text) => {
    expect(jcs(number)).toBe(text)
  })

  it('escapes what RFC 8785 lists and nothing else', () => {
    const controls = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join('')
    expect(jcs(`${controls}"\\/\u007f\u2028é`)).toBe(
      '"\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011\\u0012' +
        '\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f\\"\\\\/\u007f\u2028é"',
    )
  })

  it('keeps __proto__ as a name like any other', () => {
    const value = JSON.parse('{"__proto__":{"x":1},"a":2}')
    expect(jcs(value)).toBe('{"__proto__":{"x":1},"a":2}')
  })

  it('does not depend on the order in which members were put in', () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.integer()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(tryJcs(reversed)).toBe(tryJcs(object))
      }),
    )
  })

  it('is read back by the parser as the same value, and written again the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: unit, maxDepth: 5 }), (value) => {
        const text = tryJcs(value)
        if (text === 'refused') return
        expect(parseJson(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(jcs(parseJson(text))).toBe(text)
      }),
    )
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(parseJson(jcs(number))).toBe(number === 0 ? 0 : number)
      }),
    )
  })
})

/** U+0000 is the one thing in what the arbitraries make that has no canonical text. */
function tryJcs(value: unknown): string {
  if (!JSON.stringify(value).includes('\\u0000')) return jcs(value)
  expect(() => jcs(value)).toThrow(badJson)
  return 'refused'
}

describe('[ENC-1] canonical JSON refuses', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  class Point {
    x = 1
  }
  it.each([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole in a list', new Array(1)],
    ['a function', () => 1],
    ['a method', { toJSON: () => 'x' }],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['infinity', [Number.NEGATIVE_INFINITY]],
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    ['a Date', new Date(0)],
    ['bytes', new Uint8Array(1)],
    ['an instance', new Point()],
    ['a boxed string', Object('text')],
    ['an unpaired surrogate', 'a\ud800'],
    ['an unpaired surrogate in a name', { '\udc00': 1 }],
    ['U+0000', 'a\u0000'],
    ['U+0000 in a name', { '\u0000': 1 }],
    ['a cycle', cycle],
  ])('%s', (_, value) => {
    expect(() => jcs(value)).toThrow(badJson)
  })

  it('nesting past 64, and takes 64', () => {
    const nested = (depth: number) => {
      let value: unknown = 1
      for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value }
      return value
    }
    expect(jcs(nested(64))).toHaveLength(64 * 2 + 32 * 4 + 1)
    expect(() => jcs(nested(65))).toThrow(badJson)
  })
})
