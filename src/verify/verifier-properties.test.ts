import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bundleText, storyLedger } from '../../test/support/ledger-fixture.ts'
import { fromUtf8, utf8 } from '../crypto/bytes.ts'
import { requestId } from '../ledger/request.ts'
import type { BundleLine } from './bundle.ts'
import { BundleVerifier, type Report } from './verifier.ts'

const ledger = storyLedger(5, { members: 2 })
const original = bundleText(ledger.lines())
const lines = original.split('\n').slice(0, -1)

function reportOn(bytes: Uint8Array): Report {
  const verifier = new BundleVerifier({ trusted: new Set(ledger.parties) })
  verifier.bytes(bytes)
  return verifier.end()
}

/** Everything in a bundle that somebody could rely on: what was agreed, by whom, in which order, and who signed it. */
function substanceOf(text: string): unknown {
  // The newline behind the last line may be missing.
  const parsed = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as BundleLine)
  return parsed.map((line) => {
    if (line.type === 'bundle') return { contract: line.contract, height: line.height }
    if (line.type !== 'ledger-block') return line
    const signers = [line.notarization, line.finalization].map((certificate) =>
      certificate?.signatures.map(([party, { signature }]) => [party, signature]),
    )
    const ids = line.requests.map(({ request }) => requestId(request))
    return { block: line.block, requests: line.requests, ids, openings: line.openings, signers }
  })
}

describe('a bundle damaged at random', () => {
  const substance = substanceOf(original)
  const truth = reportOn(utf8(original))

  /** Nothing was thrown to get here; what is still called valid says what the original says. */
  function expectHonest(report: Report, text: string): void {
    if (report.verdict !== 'valid') {
      expect(report.finding?.rule).toMatch(/^[A-Z]+-\d+$/)
      expect(report.finding?.place).not.toBe('')
      return
    }
    expect(substanceOf(text)).toEqual(substance)
    expect({ ...report, exporter: '' }).toEqual({ ...truth, exporter: '' })
  }

  it('[BUN-2] by one byte is never valid with another content', () => {
    // A line first, then a byte in it: most bytes lie in few lines.
    const place = fc.nat(lines.length - 1).chain((line) =>
      fc.record({
        line: fc.constant(line),
        at: fc.nat((lines[line] as string).length),
        mask: fc.integer({ min: 1, max: 255 }),
      }),
    )
    fc.assert(
      fc.property(place, ({ line, at, mask }) => {
        const bytes = utf8(original)
        const start = lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0)
        bytes[start + at] = (bytes[start + at] as number) ^ mask
        const report = reportOn(bytes)
        expectHonest(report, report.verdict === 'valid' ? fromUtf8(bytes) : '')
      }),
      { numRuns: 300 },
    )
  })

  it('[BUN-2] in the exporter’s name, which nothing proves, is the same ledger', () => {
    const altered = original.replace(/"exporter":"./, '"exporter":"0')
    expect(altered).not.toBe(original)
    const report = reportOn(utf8(altered))
    expect(report.verdict).toBe('valid')
    expectHonest(report, altered)
  })

  it('[BUN-2] by putting any JSON in the place of any part is never valid with another content', () => {
    const position = fc.array(fc.nat(1000), { minLength: 1, maxLength: 9 })
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom(
        '__proto__',
        -1,
        2 ** 53,
        1e300,
        '0'.repeat(64),
        'A'.repeat(86),
        [[]],
        {},
        'Ā',
        '\u0000',
      ),
    )
    fc.assert(
      fc.property(fc.nat(lines.length - 1), position, value, (line, steps, replacement) => {
        const parsed = JSON.parse(lines[line] as string) as unknown
        const altered = replaceAt(parsed, steps, replacement)
        const text = [...lines.slice(0, line), JSON.stringify(altered), ...lines.slice(line + 1), ''].join(
          '\n',
        )
        expectHonest(reportOn(utf8(text)), text)
      }),
      { numRuns: 300 },
    )
  })

  it('[BUN-1] by cutting it anywhere is never valid', () => {
    // Without its last newline it is whole.
    fc.assert(
      fc.property(fc.nat(original.length - 2), (length) => {
        const report = reportOn(utf8(original.slice(0, length)))
        expect(report.verdict).toBe(length < (lines[0] as string).length ? 'unreadable' : 'invalid')
      }),
      { numRuns: 100 },
    )
  })

  it('[BUN-1] by any two lines changing places is never valid, except two cosignatures', () => {
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(lines.length - 1), (first, second) => {
        const swapped = lines.slice()
        swapped[first] = lines[second] as string
        swapped[second] = lines[first] as string
        const { verdict } = reportOn(utf8(`${swapped.join('\n')}\n`))
        const isSame = first === second || [first, second].every((index) => index === 2 || index === 3)
        expect(verdict === 'valid').toBe(isSame)
      }),
      { numRuns: 100 },
    )
  })
})

/** Replaces one part of a JSON value: each step chooses a member; the last one, or a leaf, is replaced. */
function replaceAt(value: unknown, [step = 0, ...steps]: number[], replacement: unknown): unknown {
  if (typeof value !== 'object' || value === null) return replacement
  const keys = Object.keys(value)
  const key = keys[step % Math.max(1, keys.length)]
  if (key === undefined) return replacement
  const member = (value as Record<string, unknown>)[key]
  const changed = steps.length === 0 ? replacement : replaceAt(member, steps, replacement)
  if (Array.isArray(value)) return value.with(Number(key), changed)
  return { ...value, [key]: changed }
}
