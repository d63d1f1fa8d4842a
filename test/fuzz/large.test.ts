/** Inputs of a million bytes made to be expensive, and of a hundred thousand levels: no stack runs out, nothing else fails. */
import { describe, it } from 'vitest'
import { familiesOf, REPEATED } from './families.ts'
import { parsersOf } from './parsers.ts'
import { imported } from './room.ts'
import { isTaken } from './sound.ts'

const SIZE_BYTES = 1_000_000
/** XML takes its time: seconds for all of this. */
const XML_SIZE_BYTES = 300_000
const parsers = parsersOf(imported).filter(({ grammar }) => grammar !== undefined)

describe.each(parsers.map((parser) => [parser.name, parser] as const))('%s', (_, parser) => {
  it('that is large is refused, or is sound', () => {
    const grammar = parser.grammar as NonNullable<typeof parser.grammar>
    const sizeBytes = grammar === 'xml' ? XML_SIZE_BYTES : SIZE_BYTES
    for (const { name, make } of [...REPEATED, ...familiesOf(parser.name, grammar)]) {
      try {
        isTaken(parser, Buffer.from(make(sizeBytes)))
      } catch (error) {
        throw new Error(name, { cause: error })
      }
    }
  })
})
