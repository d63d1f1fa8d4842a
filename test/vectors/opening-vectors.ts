/** Openings of commitments, and which values are of which type (PROTOCOL VAL-1, VAL-2, VAL-5). */

import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import type { FieldType } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import { json, repeating, type Vector, Vectors } from './vector.ts'
import { seeded } from './world.ts'

const salt = base64UrlEncode(seeded('opening', 16))
const HASH = '0123456789abcdef'.repeat(4)
const DIGITS = '1234567890'.repeat(7)

/** Values of each type. */
const TYPED: [type: FieldType, name: string, value: Value][] = [
  ['text', 'empty', ''],
  ['text', 'with-line-ends-and-controls', 'a\r\n\t\u0001\u007f\u0085\u2028b'],
  ['text', 'past-the-first-plane', 'Zürich \u{1f332}\ufeff\uffff'],
  ['integer', 'zero', '0'],
  ['integer', 'minus-zero', '-0'],
  ['integer', 'negative', '-7'],
  ['integer', 'of-64-digits', DIGITS.slice(0, 64)],
  ['decimal', 'without-point', '42'],
  ['decimal', 'with-trailing-zeros', '10.500'],
  ['decimal', 'negative-with-exponent', '-1.2e3'],
  ['decimal', 'zero-with-exponent', '0E-9999'],
  ['decimal', 'largest-exponent', '1e+9999'],
  ['decimal', 'exponent-with-leading-zeros', '1e0009'],
  ['decimal', 'of-64-digits-with-those-of-the-exponent', `1.${DIGITS.slice(0, 62)}e1`],
  ['boolean', 'true', true],
  ['boolean', 'false', false],
  ['date', 'of-a-leap-year', '2024-02-29'],
  ['date', 'of-a-leap-century', '2000-02-29'],
  ['date', 'of-the-year-0', '0000-12-31'],
  ['date-time', 'in-utc', '2024-02-29T23:59:59Z'],
  ['date-time', 'with-offset', '2024-03-01T08:00:00.5+01:00'],
  ['date-time', 'with-nine-digits', '2024-03-01T08:00:00.123456789-23:59'],
  ['date-time', 'leap-second', '2016-12-31T23:59:60Z'],
  ['date-time', 'leap-second-with-offset', '2017-01-01T00:59:60.5+01:00'],
  ['date-time', 'minus-zero-offset', '2024-03-01T08:00:00-00:00'],
  ['money', 'amount', '1250.00 EUR'],
  ['money', 'negative', '-0.05 CHF'],
  ['money', 'zero', '0.00 JPY'],
  ['money', 'of-64-digits', `${DIGITS.slice(0, 64)} EUR`],
  ['choice', 'of-256-units', '\u{1f332}'.repeat(128)],
  ['choice', 'a-space', ' '],
  ['party', 'id', HASH],
  ['file', 'of-nothing', `${HASH} 0 text/plain empty.txt`],
  ['file', 'largest', `${HASH} 104857600 application/vnd.example+zip Bill of  lading (1).zip`],
  ['file', 'media-type-of-all-characters', `${HASH} 1 IMAGE/x!#$&-^_.+1 a.b`],
  ['file', 'name-of-255-units', `${HASH} 1 a/b ${'\u{1f332}'.repeat(127)}x`],
  ['null', 'null', null],
]

/** Values that are not of the type. */
const UNTYPED: [type: FieldType, name: string, value: Value][] = [
  ['text', 'boolean', true],
  ['text', 'null', null],
  ['integer', 'empty', ''],
  ['integer', 'leading-zero', '01'],
  ['integer', 'plus-sign', '+1'],
  ['integer', 'point', '1.0'],
  ['integer', 'exponent', '1e3'],
  ['integer', 'space', ' 1'],
  ['integer', 'line-end', '1\n'],
  ['integer', 'other-digits', '\u0661'],
  ['integer', 'of-65-digits', DIGITS.slice(0, 65)],
  ['integer', 'boolean', true],
  ['decimal', 'leading-zero', '00.5'],
  ['decimal', 'leading-point', '.5'],
  ['decimal', 'trailing-point', '5.'],
  ['decimal', 'comma', '1,5'],
  ['decimal', 'not-a-number', 'NaN'],
  ['decimal', 'empty-exponent', '1e'],
  ['decimal', 'exponent-of-10000', '1e10000'],
  ['decimal', 'exponent-of-minus-10000', '1e-10000'],
  ['decimal', 'of-65-digits-with-those-of-the-exponent', `1.${DIGITS.slice(0, 63)}e1`],
  ['boolean', 'text', 'true'],
  ['boolean', 'null', null],
  ['date', 'of-no-leap-year', '2023-02-29'],
  ['date', 'of-no-leap-century', '1900-02-29'],
  ['date', 'day-0', '2024-01-00'],
  ['date', 'month-13', '2024-13-01'],
  ['date', 'of-five-digits', '12024-01-01'],
  ['date', 'with-time', '2024-01-01T00:00:00Z'],
  ['date-time', 'without-offset', '2024-03-01T08:00:00'],
  ['date-time', 'in-small-letters', '2024-03-01t08:00:00z'],
  ['date-time', 'with-space', '2024-03-01 08:00:00Z'],
  ['date-time', 'hour-24', '2024-03-01T24:00:00Z'],
  ['date-time', 'minute-60', '2024-03-01T08:60:00Z'],
  ['date-time', 'second-61', '2024-03-01T23:59:61Z'],
  ['date-time', 'second-60-at-another-time', '2024-03-01T08:00:60Z'],
  ['date-time', 'second-60-in-local-time', '2016-12-31T23:59:60+01:00'],
  ['date-time', 'offset-of-24-hours', '2024-03-01T08:00:00+24:00'],
  ['date-time', 'ten-digits', '2024-03-01T08:00:00.1234567890Z'],
  ['date-time', 'empty-fraction', '2024-03-01T08:00:00.Z'],
  ['money', 'without-currency', '1250.00'],
  ['money', 'two-spaces', '1250.00  EUR'],
  ['money', 'small-letters', '1250.00 eur'],
  ['money', 'four-letters', '1250.00 EURO'],
  ['money', 'exponent', '1e3 EUR'],
  ['money', 'minus-zero', '-0 EUR'],
  ['money', 'minus-zero-with-point', '-0.00 EUR'],
  ['money', 'comma', '1,250.00 EUR'],
  ['money', 'of-65-digits', `${DIGITS.slice(0, 65)} EUR`],
  ['choice', 'empty', ''],
  ['choice', 'of-257-units', 'x'.repeat(257)],
  ['choice', 'boolean', true],
  ['party', 'of-63-digits', HASH.slice(1)],
  ['party', 'in-capitals', HASH.toUpperCase()],
  ['party', 'line-end', `${HASH}\n`],
  ['file', 'without-name', `${HASH} 1 a/b`],
  ['file', 'empty-name', `${HASH} 1 a/b `],
  ['file', 'two-spaces', `${HASH} 1 a/b  c`],
  ['file', 'name-ends-with-space', `${HASH} 1 a/b c `],
  ['file', 'name-with-slash', `${HASH} 1 a/b c/d`],
  ['file', 'name-with-backslash', `${HASH} 1 a/b c\\d`],
  ['file', 'name-with-control', `${HASH} 1 a/b c\u0085`],
  ['file', 'name-of-two-points', `${HASH} 1 a/b ..`],
  ['file', 'name-of-256-units', `${HASH} 1 a/b ${'x'.repeat(256)}`],
  ['file', 'hash-in-capitals', `${HASH.toUpperCase()} 1 a/b c`],
  ['file', 'size-with-leading-zero', `${HASH} 01 a/b c`],
  ['file', 'size-too-large', `${HASH} 104857601 a/b c`],
  ['file', 'media-type-without-slash', `${HASH} 1 ab c`],
  ['file', 'media-type-with-parameter', `${HASH} 1 a/b;q=1 c`],
  ['file', 'media-type-of-128-characters', `${HASH} 1 ${'a'.repeat(128)}/b c`],
  ['null', 'text', 'null'],
  ['null', 'empty', ''],
]

const MALFORMED: [name: string, about: string, opening: unknown][] = [
  [
    'salt-of-15-bytes',
    'One byte of salt too few.',
    { salt: base64UrlEncode(new Uint8Array(15)), value: 'x' },
  ],
  [
    'salt-of-17-bytes',
    'One byte of salt too many.',
    { salt: base64UrlEncode(new Uint8Array(17)), value: 'x' },
  ],
  [
    'salt-with-stray-bits',
    'The last digit has bits that stand for nothing.',
    { salt: `${'A'.repeat(21)}B`, value: 'x' },
  ],
  ['salt-missing', 'No salt.', { value: 'x' }],
  ['value-missing', 'No value.', { salt }],
  ['unknown-key', 'A key that no opening has.', { salt, value: 'x', type: 'text' }],
  ['value-a-number', 'Numbers are strings.', { salt, value: 42 }],
  ['value-a-list', 'A list is no value.', { salt, value: [] }],
  ['value-an-object', 'An object is no value.', { salt, value: {} }],
]

export function openingVectors(): Vector[] {
  const vectors = new Vectors()
  const of = (opening: Opening, type: FieldType) => ({ type, commitment: commitmentOf(opening) })
  for (const [type, name, value] of TYPED) {
    const opening = { salt, value }
    vectors.valid(`${type}-${name}`, `A value of type ${type}.`, of(opening, type), json(opening))
  }
  for (const [type, name, value] of UNTYPED) {
    const opening = { salt, value }
    const about = `A value that is not of type ${type}.`
    vectors.invalid(`not-${type}-${name}`, about, of(opening, type), json(opening), 'VAL-5', 'bad-value')
  }
  const right = { salt, value: 'EUR' }
  const context = of(right, 'text')
  for (const [name, about, opening] of MALFORMED)
    vectors.invalid(name, about, context, json(opening), 'VAL-1', 'bad-format')
  const altered = (name: string, about: string, changes: object) =>
    vectors.invalid(name, about, context, json({ ...right, ...changes }), 'VAL-2')
  altered('altered-value', 'Another value than was committed to.', { value: 'USD' })
  altered('altered-salt', 'Another salt than was committed to.', {
    salt: base64UrlEncode(seeded('other', 16)),
  })
  altered('altered-kind-of-value', 'The text null in place of null.', { value: null })

  // The largest text in UTF-16 units, of which each takes one byte; then one unit more; then as many units in more bytes.
  const large = (unit: string, units: number) => {
    const opening = { salt, value: unit.repeat(units) }
    return [of(opening, 'text'), repeating(opening, unit)] as const
  }
  vectors.valid('text-of-1048576-units', 'The longest text.', ...large('x', 1_048_576))
  const longer = large('x', 1_048_577)
  vectors.invalid(
    'value-of-1048577-units',
    'One unit more than a value may have.',
    ...longer,
    'VAL-1',
    'bad-format',
  )
  const wider = large('é', 524_289)
  vectors.invalid(
    'not-text-of-1048578-bytes',
    'A text of more than 1 MiB in UTF-8.',
    ...wider,
    'VAL-5',
    'too-large',
  )
  return vectors.all
}
