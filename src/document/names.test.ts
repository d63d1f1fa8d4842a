import { describe, expect, it } from 'vitest'
import { checkName, isNcName, legalCharacters, quoteShort, splitQualifiedName } from './names.ts'

describe('checkName', () => {
  it.each([
    'a',
    '@context',
    'example:myField',
    'a/b.c~d[e]',
    ' ',
    '合同',
    '🙂',
    '__proto__',
    'x'.repeat(256),
  ])('allows %j', (name) => {
    expect(() => checkName(name)).not.toThrow()
  })

  it.each([
    ['', 'empty'],
    ['x'.repeat(257), '257 characters'],
    ['a\0b', 'U+0000'],
    ['a\nb', 'U+000a'],
    ['a\u007f', 'U+007f'],
    ['a\u009b', 'U+009b'],
    ['a\ud800', 'unpaired'],
    ['\udc00\ud800', 'unpaired'],
  ])('refuses %j', (name, reason) => {
    expect(() => checkName(name)).toThrow(
      expect.objectContaining({ code: 'bad-name', message: expect.stringContaining(reason) }),
    )
  })
})

describe('XML names', () => {
  it('knows names without a colon', () => {
    for (const name of ['a', '_', 'Ä-1.2', '合同', '\u{10000}x']) expect(isNcName(name), name).toBe(true)
    for (const name of ['', '1a', '-a', 'a:b', 'a b', '×', 'a\u00d7', '\u{f0000}', 'a\n'])
      expect(isNcName(name), name).toBe(false)
  })

  it('splits qualified names', () => {
    expect(splitQualifiedName('cbc:ID')).toEqual({ prefix: 'cbc', local: 'ID' })
    expect(splitQualifiedName('ID')).toEqual({ prefix: '', local: 'ID' })
    for (const name of [':a', 'a:', 'a:b:c', 'a:1', ''])
      expect(splitQualifiedName(name), name).toBeUndefined()
  })

  it('replaces what XML forbids and nothing else', () => {
    expect(legalCharacters('a\t\n\r\u0001\ufffe\ud800b🙂\u0085')).toBe('a\t\n\r\ufffd\ufffd\ufffdb🙂\u0085')
  })
})

describe('quoteShort', () => {
  it('cuts and shows no raw control character', () => {
    expect(quoteShort('x'.repeat(100), 5)).toBe('"xxxxx…"')
    expect(quoteShort('\u001b[31m\u009b')).toBe('"\\u001b[31m\\u009b"')
  })
})
