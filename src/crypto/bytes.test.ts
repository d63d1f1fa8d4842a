import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  base64Decode,
  base64Encode,
  base64UrlDecode,
  base64UrlEncode,
  compareBytes,
  concat,
  equalBytes,
  fromUtf8,
  hexDecode,
  hexEncode,
  isWellFormed,
  utf8,
} from './bytes.ts'

const badFormat = expect.objectContaining({ code: 'bad-format' })
const bytes = fc.uint8Array({ maxLength: 200 })

describe('spellings of bytes', () => {
  it('agree with Node’s for any bytes and come back the same', () => {
    fc.assert(
      fc.property(bytes, (some) => {
        const buffer = Buffer.from(some)
        expect(hexEncode(some)).toBe(buffer.toString('hex'))
        expect(base64Encode(some)).toBe(buffer.toString('base64'))
        expect(base64UrlEncode(some)).toBe(buffer.toString('base64url'))
        expect(hexDecode(hexEncode(some))).toEqual(some)
        expect(base64Decode(base64Encode(some))).toEqual(some)
        expect(base64UrlDecode(base64UrlEncode(some))).toEqual(some)
      }),
    )
  })

  it('take one spelling only: what is decoded spells back the same', () => {
    const spelling = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...'ABCQgwz019+/-_= abcf\n'), maxLength: 12 }),
    )
    const codecs = [
      [hexDecode, hexEncode],
      [base64Decode, base64Encode],
      [base64UrlDecode, base64UrlEncode],
    ] as const
    fc.assert(
      fc.property(spelling, (text) => {
        for (const [decode, encode] of codecs) {
          let decoded: Uint8Array
          try {
            decoded = decode(text)
          } catch (error) {
            expect(error).toEqual(badFormat)
            continue
          }
          expect(encode(decoded)).toBe(text)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['a', 'AB', 'zz', '0x', ' 0', '0g', '\u0130\u0130', '0\u0660'])('refuse «%s» as hex', (text) => {
    expect(() => hexDecode(text)).toThrow(badFormat)
  })

  it.each([
    'A',
    'AA',
    'AA=',
    'AA',
    'AB==',
    'AAB=',
    'AA==\n',
    '====',
    'A===',
    'AA=A',
    'AA-_',
    'AAAA====',
    'ÀAAA',
  ])('refuse «%s» as base64', (text) => {
    expect(() => base64Decode(text)).toThrow(badFormat)
  })

  it.each(['A', 'AA==', 'AB', 'AAB', 'AA+/', 'A A', 'AAAA=', 'AAAÀ'])('refuse «%s» as base64url', (text) => {
    expect(() => base64UrlDecode(text)).toThrow(badFormat)
  })

  it('refuse another length than the one asked for', () => {
    expect(hexDecode('0011', 2)).toEqual(Uint8Array.of(0, 17))
    expect(() => hexDecode('0011', 3)).toThrow(badFormat)
    expect(() => hexDecode('0011', 1)).toThrow(badFormat)
    expect(base64UrlDecode('AAAA', 3)).toEqual(new Uint8Array(3))
    expect(() => base64UrlDecode('AAAA', 4)).toThrow(badFormat)
  })
})

describe('text', () => {
  it('goes to UTF-8 and back, byte order mark included', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\u0000', 'é', '\ufeff', '\uffff', '😂') }),
        (text) => {
          expect(fromUtf8(utf8(text))).toBe(text)
        },
      ),
    )
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA')
  })

  it('with an unpaired surrogate is refused rather than changed', () => {
    for (const text of ['\ud800', 'a\udfff', '\udc00\ud800']) {
      expect(isWellFormed(text)).toBe(false)
      expect(() => utf8(text)).toThrow(badFormat)
    }
    expect(isWellFormed('\ud83d\ude02')).toBe(true)
  })

  it.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xf4, 0x90, 0x80, 0x80]], [[0xe2, 0x82]]])(
    'is not read from the bytes %j',
    (bad) => {
      expect(() => fromUtf8(Uint8Array.from(bad))).toThrow(badFormat)
    },
  )
})

describe('lists of bytes', () => {
  it('concatenate and compare as Node’s do', () => {
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        expect(concat(first, second)).toEqual(new Uint8Array(Buffer.concat([first, second])))
        expect(Math.sign(compareBytes(first, second))).toBe(Buffer.compare(first, second))
        expect(equalBytes(first, second)).toBe(Buffer.compare(first, second) === 0)
        expect(equalBytes(first, first.slice())).toBe(true)
      }),
    )
    expect(concat()).toEqual(new Uint8Array())
  })
})
