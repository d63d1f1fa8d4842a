import { describe, expect, it } from 'vitest'
import { FIELD_TYPES, type FieldType, type FieldValue } from './tree.ts'
import { checkValue, MAX_TEXT_BYTES, numberType, parseTyped, utf8Length } from './types.ts'

const HASH = '0123456789abcdef'.repeat(4)

const GOOD: Record<FieldType, FieldValue[]> = {
  text: ['', 'x', '\n\t\u0001', '🙂', 'x'.repeat(MAX_TEXT_BYTES)],
  decimal: ['0', '-0', '10.50', '0.1', '-1.2e3', '1E+20', '1e-9999', '9'.repeat(64), `0.${'0'.repeat(63)}`],
  integer: ['0', '-0', '42', '-7', '9'.repeat(64)],
  boolean: [true, false],
  date: ['2024-02-29', '2000-02-29', '0000-01-01', '9999-12-31'],
  'date-time': [
    '2024-02-29T23:59:59Z',
    '2024-03-01T08:00:00.5+01:00',
    '2024-03-01T08:00:00.123456789-23:59',
    '2024-03-01T00:00:00-00:00',
    '2016-12-31T23:59:60Z',
    '2017-01-01T00:59:60+01:00',
    '2016-12-31T15:59:60.9-08:00',
  ],
  money: ['1250.00 EUR', '0 USD', '-0.01 CHF', '-7 JPY', `${'9'.repeat(64)} EUR`],
  choice: ['CIF', 'x', ' ', 'Zürich \n', '🙂'.repeat(128)],
  party: ['0123456789abcdef'.repeat(4)],
  file: [
    `${HASH} 0 text/plain a`,
    `${HASH} 104857600 application/vnd.ms-excel.sheet+xml Bill of  lading (1).xlsx`,
    `${HASH} 12 a/b ${'🙂'.repeat(127)}x`,
    `${HASH} 12 ${'a'.repeat(127)}/${'b'.repeat(127)} ...`,
    `${HASH} 12 IMAGE/x-p!#$&-^_.+n ré sumé.pdf`,
  ],
  null: [null],
}

const BAD: Record<FieldType, FieldValue[]> = {
  text: ['a\0', '\ud800', 'a\udc00b', true, null],
  decimal: [
    '',
    '+1',
    '01',
    '.5',
    '5.',
    '1,5',
    ' 1',
    '1 ',
    '1e',
    '0x10',
    'NaN',
    'Infinity',
    '1e10000',
    '1e-10000',
    '١',
    '9'.repeat(65),
    `1.${'0'.repeat(64)}`,
    `1e${'0'.repeat(100_000)}1`,
    true,
    null,
  ],
  integer: ['', '1.0', '1e2', '+1', '01', '--1', '9'.repeat(65), '1\n', true, null],
  boolean: ['true', 'false', '', null],
  date: [
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '2024-13-01',
    '2024-00-01',
    '2024-01-00',
    '2024-1-1',
    '20240101',
    '2024-01-01Z',
    '12024-01-01',
    true,
    null,
  ],
  'date-time': [
    '2024-02-29',
    '2023-02-29T00:00:00Z',
    '2024-02-29T24:00:00Z',
    '2024-02-29T23:60:00Z',
    '2024-02-29T23:59:61Z',
    '2024-02-29T12:00:60Z',
    '2016-12-31T23:59:60+01:00',
    '2024-02-29t23:59:59z',
    '2024-02-29 23:59:59Z',
    '2024-02-29T23:59:59',
    '2024-02-29T23:59:59.Z',
    '2024-02-29T23:59:59.1234567890Z',
    '2024-02-29T23:59:59+24:00',
    '2024-02-29T23:59:59+01:60',
    '2024-02-29T23:59:59+0100',
    true,
    null,
  ],
  money: [
    '',
    '1250.00',
    'EUR',
    '1250.00EUR',
    '1250.00  EUR',
    ' 1250.00 EUR',
    '1250.00 EUR ',
    '1250.00 eur',
    '1250.00 EURO',
    '1,250.00 EUR',
    '1e3 EUR',
    '+1 EUR',
    '01 EUR',
    '1. EUR',
    '.5 EUR',
    '-0 EUR',
    '-0.00 EUR',
    `${'9'.repeat(65)} EUR`,
    '1.00 EUR\n',
    true,
    null,
  ],
  choice: ['', 'x'.repeat(257), 'a\0', '\ud800', true, null],
  party: ['', 'ab'.repeat(31), 'AB'.repeat(32), `${'ab'.repeat(32)}\n`, true, null],
  file: [
    '',
    HASH,
    `${HASH.toUpperCase()} 1 a/b c`,
    `${HASH.slice(1)} 1 a/b c`,
    `${HASH} 1 a/b`,
    `${HASH} 1 a/b `,
    `${HASH} 1 a/b  c`,
    `${HASH}  1 a/b c`,
    `${HASH} 1  a/b c`,
    `${HASH} 1 a/b c `,
    `${HASH} 01 a/b c`,
    `${HASH} -1 a/b c`,
    `${HASH} 1.0 a/b c`,
    `${HASH} 104857601 a/b c`,
    `${HASH} ${'9'.repeat(40)} a/b c`,
    `${HASH} 1 ab c`,
    `${HASH} 1 a/b/c d`,
    `${HASH} 1 a/b;q=1 c`,
    `${HASH} 1 .a/b c`,
    `${HASH} 1 ${'a'.repeat(128)}/b c`,
    `${HASH} 1 a/b c/d`,
    `${HASH} 1 a/b c\\d`,
    `${HASH} 1 a/b c\nd`,
    `${HASH} 1 a/b c\u0085d`,
    `${HASH} 1 a/b \ud800`,
    `${HASH} 1 a/b .`,
    `${HASH} 1 a/b ..`,
    `${HASH} 1 a/b ${'x'.repeat(256)}`,
    true,
    null,
  ],
  null: ['', 'null', false],
}

describe('checkValue', () => {
  for (const type of FIELD_TYPES) {
    it(`takes every strict form of ${type}`, () => {
      for (const value of GOOD[type]) expect(() => checkValue(type, value), String(value)).not.toThrow()
    })

    it(`refuses everything else as ${type}, saying what is expected and never quoting the value`, () => {
      for (const value of BAD[type]) {
        expect(() => checkValue(type, value), String(value).slice(0, 80)).toThrow(
          expect.objectContaining({ code: 'bad-value' }),
        )
      }
    })
  }

  it('names the expected form', () => {
    expect(() => checkValue('decimal', 'secret')).toThrow(/^Expected a decimal number such as 10\.50/)
    expect(() => checkValue('decimal', 'secret')).not.toThrow(/secret/)
  })

  it('measures text in UTF-8', () => {
    const euros = '€'.repeat(Math.floor(MAX_TEXT_BYTES / 3))
    expect(() => checkValue('text', euros)).not.toThrow()
    expect(() => checkValue('text', `${euros}€`)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => checkValue('text', 'x'.repeat(MAX_TEXT_BYTES + 1))).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
  })

  it('refuses a type it does not know', () => {
    expect(() => checkValue('colour' as FieldType, 'x')).toThrow(
      expect.objectContaining({ code: 'bad-value' }),
    )
  })
})

describe('parseTyped', () => {
  it('reads what a person writes', () => {
    expect(parseTyped('boolean', 'true')).toBe(true)
    expect(parseTyped('boolean', 'false')).toBe(false)
    expect(parseTyped('null', 'null')).toBe(null)
    expect(parseTyped('decimal', '10.50')).toBe('10.50')
    expect(parseTyped('text', 'null')).toBe('null')
  })

  it('trims and guesses nothing', () => {
    for (const [type, text] of [
      ['boolean', 'TRUE'],
      ['boolean', '1'],
      ['null', ''],
      ['integer', ' 1'],
      ['date', 'today'],
    ] as const) {
      expect(() => parseTyped(type, text)).toThrow(expect.objectContaining({ code: 'bad-value' }))
    }
  })
})

it('numberType goes by how a number is written', () => {
  expect(['10', '-0', '10.0', '1e2', '1E2'].map(numberType)).toEqual([
    'integer',
    'integer',
    'decimal',
    'decimal',
    'decimal',
  ])
})

it('utf8Length agrees with an encoder', () => {
  for (const value of ['', 'abc', 'é', '€uro', '🙂🙂', '\u07ff\u0800\uffff']) {
    expect(utf8Length(value)).toBe(Buffer.byteLength(value))
  }
})
