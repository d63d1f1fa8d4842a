import { afterAll, describe, it } from 'vitest'
import { familiesOf, REPEATED } from './families.ts'
import { growths } from './grown.ts'
import { type Parser, parsersOf } from './parsers.ts'
import { FILES, type Room } from './room.ts'
import { DOUBLED_TWICE, expectLinear, StepCounter } from './steps.ts'

const counter = new StepCounter<Room>(...FILES)
afterAll(() => counter.close())
const room = counter.module
const SMALLEST_BYTES = 5000

/** Of a refusal nothing is said but what it took; anything else that is thrown is a failure. */
function parsing(parser: Parser, bytes: Uint8Array): { inputBytes: number; run: () => void } {
  const run = () => {
    try {
      parser.parse(bytes)
    } catch (error) {
      if (!(error instanceof room.CountersignError)) throw error
    }
  }
  return { inputBytes: bytes.length, run }
}

/** Those that read texts of their own; the values of some types are too short to be long. */
const parsers = parsersOf(room).filter(({ grammar, tree }) => grammar !== undefined || tree !== undefined)

describe.each(parsers.map((parser) => [parser.name, parser] as const))('%s', (_, parser) => {
  const { grammar, tree, unchecked } = parser
  if (grammar !== undefined) {
    it('takes steps in proportion to one part over and over', () => {
      for (const { name, make } of REPEATED)
        expectLinear(counter, name, (size) => parsing(parser, Buffer.from(make(size))), SMALLEST_BYTES, {
          sizes: DOUBLED_TWICE,
        })
    })

    it('takes steps in proportion to inputs made to be expensive', () => {
      for (const { name, make } of familiesOf(parser.name, grammar))
        expectLinear(counter, name, (size) => parsing(parser, Buffer.from(make(size))), SMALLEST_BYTES)
    })
  }

  // Parsers of any JSON look at nothing in it.
  if (tree !== undefined && grammar !== 'json')
    it('takes steps in proportion to genuine inputs grown at any place', () => {
      // Of what is the same in several samples, one says enough.
      const families = new Map(
        parser.samples
          .flatMap((sample) => growths(tree.of(sample)))
          .filter(({ path }) => !unchecked?.test(path))
          .map((family) => [family.name, family]),
      )
      for (const { name, make } of families.values())
        expectLinear(counter, name, (size) => parsing(parser, tree.print(make(size))), SMALLEST_BYTES, {
          sizes: DOUBLED_TWICE,
        })
    })
})
