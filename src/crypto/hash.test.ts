import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from './bytes.ts'
import { hashJson, hashOf, signingInput } from './hash.ts'
import { sha256, sha256Hex } from './provider.ts'

const sha256Of = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

describe('hashes', () => {
  it('SHA-256 is that of FIPS 180-4', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(Buffer.from(sha256(new Uint8Array())).toString('hex')).toBe(sha256Of(new Uint8Array()))
    expect(sha256('abc')).toEqual(sha256(utf8('abc')))
    expect(sha256('abc').constructor).toBe(Uint8Array)
  })

  it('[ENC-2] H hashes the domain, a newline and the data, text as UTF-8', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\u0000', 'é', '\ufeff', '\uffff', '😂') }),
        (text) => {
          const expected = sha256Of(Buffer.from(`countersign/v1/value\n${text}`))
          expect(hashOf('value', text)).toBe(expected)
          expect(hashOf('value', utf8(text))).toBe(expected)
          expect(sha256Hex(signingInput('value', text))).toBe(expected)
          expect(signingInput('value', utf8(text))).toEqual(signingInput('value', text))
        },
      ),
    )
  })

  it('[ENC-2] H of an object hashes its canonical text', () => {
    expect(hashJson('card', { b: [1.0, 'é'], a: null })).toBe(hashOf('card', '{"a":null,"b":[1,"é"]}'))
  })

  it('[ENC-2] the same data in two domains has two hashes', () => {
    expect(hashOf('card', 'x')).not.toBe(hashOf('contract', 'x'))
  })

  it('refuse a domain that could pass for domain and data, and text without a UTF-8 form', () => {
    for (const domain of ['', 'a\n', 'a/b', 'A', 'x'.repeat(65)]) {
      expect(() => hashOf(domain, '')).toThrow(expect.objectContaining({ code: 'internal' }))
      expect(() => signingInput(domain, '')).toThrow(expect.objectContaining({ code: 'internal' }))
    }
    const badFormat = expect.objectContaining({ code: 'bad-format' })
    expect(() => hashOf('card', '\ud800')).toThrow(badFormat)
    expect(() => signingInput('card', '\ud800')).toThrow(badFormat)
    expect(() => sha256('\ud800')).toThrow(badFormat)
  })
})
