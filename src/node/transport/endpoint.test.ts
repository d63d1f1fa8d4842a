import { describe, expect, it } from 'vitest'
import { CountersignError } from '../../crypto/errors.ts'
import { parseEndpoint } from './endpoint.ts'

describe('an endpoint', () => {
  it.each([
    ['node.example:7000', 'node.example', 7000],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]:65535', '::1', 65535],
    ['[2001:db8::5]:443', '2001:db8::5', 443],
  ])('%s is read', (text, host, port) => {
    expect(parseEndpoint(text)).toEqual({ host, port })
  })

  it.each([
    '',
    'a',
    ':1',
    'a:',
    'a:0',
    'a:65536',
    'a:123456',
    'a:1x',
    'a b:1',
    '::1:1',
    '[::1]',
    'a/b:1',
    'a@b:1',
    'a:1\n',
  ])('%j is refused', (text) => {
    expect(() => parseEndpoint(text)).toThrow(CountersignError)
  })
})
