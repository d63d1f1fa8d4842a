import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../crypto/json.ts'
import { encodeFrame, FrameReader, type Received } from './frames.ts'

const LIMIT_BYTES = 1024 * 1024

const frame = (body: string): Buffer => Buffer.concat([header(Buffer.byteLength(body)), Buffer.from(body)])
const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
const read = (chunks: Buffer[]): Received => {
  const reader = new FrameReader(LIMIT_BYTES)
  const all: Received = { messages: [], frames: 0 }
  for (const chunk of chunks) {
    const { messages, frames, fault } = reader.push(chunk)
    all.messages.push(...messages)
    all.frames += frames
    if (fault !== undefined) return { ...all, fault }
  }
  return all
}
const faultOf = (bytes: Buffer): string | undefined => read([bytes]).fault?.code

describe('frames', () => {
  it('[NET-1] are a big-endian length and a JSON array', () => {
    expect(encodeFrame(['{"type":"é"}', '{"type":"b"}'])).toEqual(
      Buffer.from('\0\0\0\x1c[{"type":"é"},{"type":"b"}]'),
    )
  })

  it('[NET-1] come out as they went in, however the bytes are cut', () => {
    const message = fc
      .record({ type: fc.string({ maxLength: 64, unit: 'binary' }), x: fc.jsonValue() })
      // What the strict parser refuses can't be sent either.
      .filter((value) => isStrict(value))
    const frames = fc.array(fc.array(message, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400), { maxLength: 20 }), (sent, cuts) => {
        const texts = sent.map((messages) => messages.map((one) => JSON.stringify(one)))
        const bytes = Buffer.concat(texts.map(encodeFrame))
        const marks = [
          0,
          ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
          bytes.length,
        ]
        const chunks = marks.slice(1).map((mark, index) => bytes.subarray(marks[index], mark))
        const received = read(chunks)
        expect(received.fault).toBeUndefined()
        expect(received.frames).toBe(sent.length)
        expect(received.messages).toEqual(texts.flat().map((text) => JSON.parse(text)))
      }),
    )
  })

  it('[NET-1] may be as large as the limit, in pieces of any size', () => {
    const text = 'x'.repeat(LIMIT_BYTES - '[{"type":""}]'.length - ',"x":""'.length)
    const bytes = encodeFrame([`{"type":"","x":"${text}"}`])
    expect(bytes.length).toBe(LIMIT_BYTES + 4)
    for (const size of [1, 7, 16_384, 65_537, bytes.length]) {
      const chunks: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
      expect(read(chunks).messages).toEqual([{ type: '', x: text }])
    }
  })

  it('[NET-4] are refused by their header when empty or over the limit', () => {
    expect(faultOf(header(0))).toBe('bad-format')
    expect(faultOf(header(LIMIT_BYTES + 1))).toBe('too-large')
    expect(faultOf(header(0xffffffff))).toBe('too-large')
    expect(faultOf(header(LIMIT_BYTES))).toBeUndefined()
  })

  it.each([
    ['', 'bad-format'],
    ['[]', 'bad-format'],
    ['{}', 'bad-format'],
    ['null', 'bad-format'],
    ['[1]', 'bad-format'],
    ['[null]', 'bad-format'],
    ['[[]]', 'bad-format'],
    ['[{}]', 'bad-format'],
    ['[{"type":null}]', 'bad-format'],
    ['[{"__proto__":{"type":"A"}}]', 'bad-format'],
    [`[{"type":"${'A'.repeat(65)}"}]`, 'bad-format'],
    ['[{"type":"A"}', 'bad-json'],
    ['[{"type":"A"}]x', 'bad-json'],
    ['[{"type":"A","type":"B"}]', 'bad-json'],
    ['[{"type":"A","x":1e999}]', 'bad-json'],
    ['\ufeff[{"type":"A"}]', 'bad-json'],
  ])('[NET-4] are refused with the body %j', (body, code) => {
    expect(faultOf(frame(body))).toBe(code)
  })

  it('[NET-4] are refused when they are not UTF-8', () => {
    for (const hex of ['ff', 'c3', 'c080', 'eda080', 'f4908080']) {
      const body = Buffer.concat([Buffer.from('[{"type":"'), Buffer.from(hex, 'hex'), Buffer.from('"}]')])
      expect(faultOf(Buffer.concat([header(body.length), body]))).toBe('bad-format')
    }
  })

  it('[NET-4] are refused when deeper than any format', () => {
    const nested = (depth: number) => frame(`[{"type":"A","x":${'['.repeat(depth)}${']'.repeat(depth)}}]`)
    expect(faultOf(nested(70))).toBeUndefined()
    expect(faultOf(nested(71))).toBe('too-large')
    expect(faultOf(nested(400_000))).toBe('too-large')
  })

  it('[NET-4] are refused when they hold more values than bytes for them', () => {
    const list = (count: number, value: string) =>
      frame(`[{"type":"A","x":[${Array(count).fill(value).join(',')}]}]`)
    expect(faultOf(list(60_000, '0'))).toBeUndefined()
    const parse = vi.spyOn(JSON, 'parse')
    for (const value of ['0', '[]', '{}', '"a"', '{"a":0}'])
      expect(faultOf(list(80_000, value))).toBe('too-large')
    // That is, before they take memory.
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
    // Commas and brackets in text are no values.
    expect(faultOf(frame(`[{"type":"A","x":"${',[{\\"'.repeat(80_000)}"}]`))).toBeUndefined()
  })

  it('[NET-4] before a bad one are kept, those after it are not', () => {
    const good = frame('[{"type":"A"},{"type":"B"}]')
    const received = read([Buffer.concat([good, good, frame('{'), good])])
    expect(received.messages.map(({ type }: JsonObject) => type)).toEqual(['A', 'B', 'A', 'B'])
    expect(received.frames).toBe(2)
    expect(received.fault?.code).toBe('bad-json')
  })

  it('are partial from their first byte to their last but one', () => {
    const bytes = frame('[{"type":"A"}]')
    const reader = new FrameReader(LIMIT_BYTES)
    expect(reader.isPartial).toBe(false)
    for (const byte of bytes.subarray(0, -1)) {
      reader.push(Buffer.of(byte))
      expect(reader.isPartial).toBe(true)
    }
    reader.push(bytes.subarray(-1))
    expect(reader.isPartial).toBe(false)
  })
})

/** No unpaired surrogates, no U+0000, no minus zero, no number that JSON.stringify writes in a way a double loses. */
function isStrict(value: unknown): boolean {
  const { fault } = new FrameReader(LIMIT_BYTES).push(encodeFrame([JSON.stringify(value)]))
  return fault === undefined
}
