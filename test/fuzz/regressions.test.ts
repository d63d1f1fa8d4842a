/** What this folder's tests have found, each with the input that showed it. */
import { describe, expect, it, vi } from 'vitest'
import { parseJson } from '../../src/crypto/json.ts'
import { fromJson } from '../../src/document/from-json.ts'
import { encodeFrame, FrameReader } from '../../src/node/transport/frames.ts'
import { parseLine } from '../../src/verify/bundle.ts'
import { LineCutter } from '../../src/verify/lines.ts'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import { bundleText, LedgerFixture } from '../support/ledger-fixture.ts'

const MIB = 1024 * 1024

describe('a name that stands twice behind a text of 9 MiB', () => {
  // Which name it was, a regular expression looked up that ran out of its stack: a RangeError, from one frame of a peer.
  const text = `{"type":"A","x":"${'a'.repeat(9 * MIB)}","y":0,"y":0}`

  it.each([
    ['letters', text],
    ['escapes', text.replace(/a{9}/g, '\\"aa\\\\\\n')],
  ])('[ENC-1] is refused as strict JSON: %s', (_, input) => {
    for (const numbers of ['double', 'literal'] as const)
      expect(() => parseJson(input, { sizeBytes: 32 * MIB, numbers } as { numbers: 'double' })).toThrow(
        expect.objectContaining({
          code: 'bad-json',
          message: expect.stringContaining('the name "y" stands twice'),
        }),
      )
  })

  it('[NET-4] is the fault of a frame', () => {
    const { fault } = new FrameReader(32 * MIB).push(encodeFrame([text]))
    expect(fault).toMatchObject({ code: 'bad-json' })
  })

  it('[BUN-1] is the finding on a bundle', () => {
    const verifier = new BundleVerifier({ trusted: new Set() })
    verifier.line(text)
    expect(verifier.end().finding).toMatchObject({
      rule: 'BUN-1',
      message: expect.stringContaining('stands twice'),
    })
  })
})

describe('more values than the limit', () => {
  // JSON.parse made a gigabyte of 16 MiB before they were counted.
  it.each<[string, string, (text: string) => unknown]>([
    ['strict JSON', '{},', parseJson],
    ['strict JSON', '[],', parseJson],
    ['strict JSON', '0,', parseJson],
    ['strict JSON', '{"a":0},', parseJson],
    ['strict JSON', '[[0]],', parseJson],
    ['a line of a bundle', '0,', parseLine],
    ['a JSON document', '0,', fromJson],
  ])('[ENC-1] are refused in %s before anything is made of them: %s', (_, part, parse) => {
    const text = `[${part.repeat((8 * MIB - 10) / part.length)}0]`
    const parsing = vi.spyOn(JSON, 'parse')
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(parsing).not.toHaveBeenCalled()
    parsing.mockRestore()
  })

  it('[ENC-1] are counted exactly, white space in empty ones or not', () => {
    for (const [text, values] of [
      ['[]', 1],
      ['[ \n\t\r]', 1],
      ['{ }', 1],
      ['[[],[ ],{}]', 4],
      ['[0]', 2],
      ['[[[0]]]', 4],
      ['{"a":[1,null,"],[{"],"b":{}}', 6],
      [' "[,{" ', 1],
      ['["[",{"]":","}]', 4],
    ] as const) {
      expect(parseJson(text, { nodes: values })).toEqual(JSON.parse(text))
      expect(() => parseJson(text, { nodes: values - 1 })).toThrow(
        expect.objectContaining({ code: 'too-large' }),
      )
    }
  })
})

describe('a line that arrives byte by byte', () => {
  // Its parts were handed on as the parameters of one call, which takes some hundred thousand.
  it('[BUN-2] is cut like any other', () => {
    const cutter = new LineCutter(MIB)
    const bytes = Buffer.from(`${'a'.repeat(300_000)}\n`)
    const lines = Array.from(bytes, (byte) => [...cutter.take(Uint8Array.of(byte))]).flat()
    expect(lines).toEqual(['a'.repeat(300_000)])
  })

  it('[BUN-2] leaves a valid bundle valid', () => {
    const ledger = new LedgerFixture({ members: 2 })
    ledger.order([ledger.create(0, 'long', 'x'.repeat(300_000))])
    ledger.cosign()
    const verifier = new BundleVerifier({ trusted: new Set(ledger.parties) })
    for (const byte of Buffer.from(bundleText(ledger.lines()))) verifier.bytes(Uint8Array.of(byte))
    expect(verifier.end()).toMatchObject({ verdict: 'valid', height: 1 })
  })
})
