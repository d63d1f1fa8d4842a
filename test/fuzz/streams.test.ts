/** Streams arrive in pieces: what is read never depends on where they were cut. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/node/transport/frames.ts'
import { LineCutter } from '../../src/verify/lines.ts'
import { BundleVerifier, type Report } from '../../src/verify/verifier.ts'
import { byteMutations, mutateBytes, mutateTree, treeMutations } from './mutations.ts'
import { type Parser, parsersOf } from './parsers.ts'
import { imported } from './room.ts'
import { ledger } from './samples.ts'
import { parameters } from './settings.ts'

/** Cuts bytes into pieces of these sizes, over and over. */
function pieces(bytes: Uint8Array, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0; at < bytes.length; at += cut.at(-1)?.length ?? 0)
    cut.push(Buffer.from(bytes.subarray(at, at + (sizes[cut.length % sizes.length] as number))))
  return cut
}

const sizes = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9000 })),
  {
    minLength: 1,
    maxLength: 5,
  },
)

/** Genuine bytes altered by grammar, then byte by byte. */
function altered(name: string): fc.Arbitrary<Uint8Array> {
  const { samples, tree } = parsersOf(imported).find((parser) => parser.name === name) as Required<Parser>
  const sample = fc.nat(samples.length - 1)
  const none = fc.constant([])
  return fc
    .tuple(sample, fc.oneof(none, treeMutations), fc.oneof(none, byteMutations))
    .map(([number, inTree, inBytes]) => {
      const genuine = tree.of(samples[number] as Uint8Array)
      return mutateBytes(tree.print(mutateTree(genuine, genuine, inTree)), inBytes)
    })
}

describe('however it is cut', () => {
  it('[NET-4] a frame that is altered gives the same messages and the same fault', () => {
    const read = (chunks: readonly Buffer[]) => {
      const reader = new FrameReader(1 << 24)
      const messages: unknown[] = []
      for (const chunk of chunks) {
        const received = reader.push(chunk)
        messages.push(...received.messages)
        if (received.fault !== undefined)
          return { messages, fault: received.fault.code, isPartial: undefined }
      }
      return { messages, fault: undefined, isPartial: reader.isPartial }
    }
    fc.assert(
      fc.property(fc.array(altered('a frame'), { minLength: 1, maxLength: 3 }), sizes, (frames, cuts) => {
        const bytes = Buffer.concat(frames)
        expect(read(pieces(bytes, cuts))).toEqual(read([bytes]))
      }),
      parameters(300),
    )
  })

  it('[BUN-2] a bundle that is altered gives the same report', () => {
    const report = (chunks: readonly Buffer[]): Report => {
      const verifier = new BundleVerifier({ trusted: new Set(ledger.parties) })
      for (const chunk of chunks) {
        // The caller may fill its buffer anew.
        const lent = Buffer.from(chunk)
        verifier.bytes(lent)
        lent.fill(0)
      }
      return verifier.end()
    }
    fc.assert(
      fc.property(altered('a bundle'), sizes, (bytes, cuts) => {
        expect(report(pieces(bytes, cuts))).toEqual(report([Buffer.from(bytes)]))
      }),
      parameters(150),
    )
  })

  it('a text gives the same lines, none longer than the limit', () => {
    const LIMIT_BYTES = 20
    const cut = (chunks: readonly Buffer[]) => {
      const cutter = new LineCutter(LIMIT_BYTES)
      const lines: string[] = []
      try {
        for (const chunk of chunks) for (const line of cutter.take(chunk)) lines.push(line)
        const rest = cutter.rest()
        return { lines, rest }
      } catch (error) {
        return { lines, code: (error as { code: string }).code }
      }
    }
    const text = fc.array(
      fc.constantFrom('a', 'é', '\n', '\r\n', 'a'.repeat(9), 'é'.repeat(11), '\u{1f600}'),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(text, sizes, (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''))
        const whole = cut([bytes])
        expect(cut(pieces(bytes, cuts))).toEqual(whole)
        const expected = bytes.toString().split('\n')
        const tooLong = expected.findIndex((line) => Buffer.byteLength(line) > LIMIT_BYTES)
        if (tooLong >= 0) expect(whole).toEqual({ lines: expected.slice(0, tooLong), code: 'too-large' })
        else {
          const rest = expected.pop()
          expect(whole).toEqual({ lines: expected, rest: rest === '' ? undefined : rest })
        }
      }),
      parameters(500),
    )
  })
})
