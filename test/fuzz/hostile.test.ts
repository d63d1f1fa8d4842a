import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyBytes, byteMutations, mutateBytes, mutateTree, treeMutations } from './mutations.ts'
import { parsersOf } from './parsers.ts'
import { imported } from './room.ts'
import { parameters } from './settings.ts'
import { isTaken } from './sound.ts'

describe.each(parsersOf(imported).map((parser) => [parser.name, parser] as const))('%s', (_, parser) => {
  const sample = fc.nat(parser.samples.length - 1)
  const genuine = (number: number) => parser.samples[number] as Uint8Array

  it('is taken when it is genuine', () => {
    for (const bytes of parser.samples) expect(isTaken(parser, bytes)).toBe(true)
  })

  it('of any bytes is refused, or is sound', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => void isTaken(parser, bytes)),
      parameters(300),
    )
  })

  it('altered byte by byte is refused, or is sound', () => {
    fc.assert(
      fc.property(
        sample,
        byteMutations,
        (number, mutations) => void isTaken(parser, mutateBytes(genuine(number), mutations)),
      ),
      parameters(300),
    )
  })

  const { tree } = parser
  if (tree === undefined) return

  it('altered by its grammar is refused, or is sound', () => {
    let refused = 0
    const trees = parser.samples.map(tree.of)
    fc.assert(
      fc.property(sample, sample, treeMutations, (number, donor, mutations) => {
        const altered = mutateTree(trees[number] as never, trees[donor] as never, mutations)
        if (!isTaken(parser, tree.print(altered))) refused += 1
      }),
      parameters(500),
    )
    expect(refused).toBeGreaterThan(0)
  })
})
