import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import {
  commitmentOf,
  type Opening,
  openingShape,
  VALUE_MAX_LENGTH,
  type Value,
  valueShape,
} from './value.ts'

const bad = (code: string) => expect.objectContaining({ code })
const salt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex').toString('base64url')

describe('a commitment', () => {
  it.each<[Value, string]>([
    ['EUR 1.00', '"EUR 1.00"'],
    ['é "\n\u0001', '"é \\"\\n\\u0001"'],
    ['', '""'],
    [true, 'true'],
    ['true', '"true"'],
    [null, 'null'],
  ])('[VAL-1] is the hash of 16 bytes of salt and the canonical JSON of %j', (value, json) => {
    const hash = createHash('sha256').update('countersign/v1/value\n').update(Buffer.from(salt, 'base64url'))
    expect(commitmentOf({ salt, value })).toBe(hash.update(json).digest('hex'))
  })

  it('[VAL-1] is another for another salt, value or type', () => {
    const openings: Opening[] = [true, 'true', false, null, 'null', '', '1', '1.0', 'é', 'e\u0301'].map(
      (value) => ({
        salt,
        value,
      }),
    )
    openings.push({ salt: `B${salt.slice(1)}`, value: true })
    expect(new Set(openings.map(commitmentOf)).size).toBe(openings.length)
  })

  it('[VAL-2] is not opened by bytes of the value moved into the salt, or the other way round', () => {
    for (const other of ['', Buffer.alloc(15).toString('base64url'), Buffer.alloc(17).toString('base64url')])
      expect(() => commitmentOf({ salt: other, value: null })).toThrow(bad('bad-format'))
  })
})

describe('an opening', () => {
  it('[VAL-1] holds text, true, false or null, and nothing else', () => {
    for (const value of ['', 'x', '0.10', true, false, null])
      expect(openingShape({ salt, value }, 'o')).toEqual({ salt, value })
    for (const value of [0, 1.5, [], {}, ['x'], undefined])
      expect(() => openingShape({ salt, value }, 'o')).toThrow(bad('bad-format'))
  })

  it('[VAL-1] holds text of 1,048,576 UTF-16 units at most, well-formed and without U+0000', () => {
    expect(VALUE_MAX_LENGTH).toBe(1_048_576)
    for (const text of ['x'.repeat(VALUE_MAX_LENGTH), '😀'.repeat(VALUE_MAX_LENGTH / 2)])
      expect(valueShape(text, 'v')).toBe(text)
    for (const text of [
      'x'.repeat(VALUE_MAX_LENGTH + 1),
      'a\u0000b',
      '\ud800',
      `${'😀'.repeat(VALUE_MAX_LENGTH / 2 - 1)}\udc00`,
    ])
      expect(() => valueShape(text, 'v')).toThrow(bad('bad-format'))
  })

  it('[VAL-1] spells its salt in one way', () => {
    const stray = salt.replace(/.$/, 'x')
    for (const other of [`${salt}==`, stray, salt.slice(1), `${salt}A`, salt.replace('_', '/'), 7, null])
      if (other !== salt)
        expect(() => openingShape({ salt: other, value: null }, 'o')).toThrow(bad('bad-format'))
  })

  it('[VAL-2] altered in any way is refused or opens another commitment', () => {
    for (const value of ['EUR 1.00', true, null] as const)
      expectStrict((one) => openingShape(one, 'opening'), { salt, value }, commitmentOf)
  })
})
