/** Documents go from one form into another: what was taken in one can be written in both, and read again. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CountersignError } from '../../src/crypto/errors.ts'
import { fromJson } from '../../src/document/from-json.ts'
import { fromXml } from '../../src/document/from-xml.ts'
import { formatPath, nodeAccessor, parsePath, pathOf, resolvePath } from '../../src/document/path.ts'
import { toJson } from '../../src/document/to-json.ts'
import { toXml } from '../../src/document/to-xml.ts'
import type { BlockNode, DocumentNode } from '../../src/document/tree.ts'
import { canonicalXml } from '../support/canonical-xml.ts'
import { randomXml } from '../support/random-xml.ts'
import { anyBytes, byteMutations, mutateBytes, mutateTree, treeMutations } from './mutations.ts'
import { type Parser, parsersOf } from './parsers.ts'
import { imported } from './room.ts'
import { parameters } from './settings.ts'
import { expectSame } from './sound.ts'

const [json, xml] = ['a JSON document', 'an XML document'].map((name) =>
  parsersOf(imported).find((parser) => parser.name === name),
) as [Required<Parser>, Parser]

const alteredJson = fc
  .tuple(fc.nat(json.samples.length - 1), fc.nat(json.samples.length - 1), treeMutations)
  .map(([number, donor, mutations]) => {
    const of = (index: number) => json.tree.of(json.samples[index] as Uint8Array)
    return json.tree.print(mutateTree(of(number), of(donor), mutations))
  })
const genuineXml = fc.oneof(
  randomXml.map((text) => Buffer.from(text)),
  fc.constantFrom(...xml.samples),
)
/** Most alterations break the form of XML, and one random document differs from another as it is. */
const alteredXml = fc.oneof(
  genuineXml,
  fc.tuple(genuineXml, byteMutations).map(([genuine, mutations]) => mutateBytes(genuine, mutations)),
)

/** What was made of the bytes, if they are taken. */
function read(parse: (bytes: Uint8Array) => BlockNode, bytes: Uint8Array): BlockNode | undefined {
  try {
    return parse(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(CountersignError)
    return undefined
  }
}

/** Levels and nodes that a wrapper, text and white space can add. */
const ROOMY = { depth: 600, nodes: 10_000_000, sizeBytes: 1 << 28 }

function expectReadable(tree: BlockNode, inputBytes: number): void {
  const asXml = toXml(tree)
  const asJson = toJson(tree)
  // The longest that little becomes: `{"&":0}` is an element with an attribute, `"` in it six bytes.
  expect(asXml.length).toBeLessThan(1000 + 40 * inputBytes)
  expect(asJson.length).toBeLessThan(1000 + 40 * inputBytes)
  expect(fromJson(asJson, ROOMY).kind).toBe('block')
  let again: BlockNode
  try {
    again = fromXml(asXml, ROOMY)
  } catch (error) {
    // A name that with its mark is longer than XML takes in.
    expect(error).toMatchObject({ code: 'too-large' })
    return
  }
  expect(canonicalXml(toXml(again))).toBe(canonicalXml(asXml))
}

/** So many elements of a document are looked up, the first ones and the last. */
const LOOKED_UP = 40

function expectPathsResolve(root: DocumentNode): void {
  const chains: DocumentNode[][] = []
  const visit = (chain: DocumentNode[]): void => {
    chains.push(chain)
    for (const child of nodeAccessor.children(chain.at(-1) as DocumentNode)) visit([...chain, child])
  }
  visit([root])
  const some =
    chains.length <= 2 * LOOKED_UP ? chains : [...chains.slice(0, LOOKED_UP), ...chains.slice(-LOOKED_UP)]
  for (const chain of some) {
    const segments = pathOf(nodeAccessor, chain)
    expect(resolvePath(nodeAccessor, root, segments)).toBe(chain.at(-1))
    expectSame(parsePath(formatPath(segments)), segments)
  }
}

describe('a document that is taken', () => {
  it.each([
    ['JSON', fromJson, alteredJson],
    ['XML', fromXml, alteredXml],
  ] as const)(
    'from %s is written as XML and JSON that are read again, and its elements have paths',
    (_, parse, altered) => {
      let taken = 0
      const runs = parameters<[Uint8Array]>(400)
      fc.assert(
        fc.property(
          fc.oneof({ weight: 4, arbitrary: altered }, { weight: 1, arbitrary: anyBytes }),
          (bytes) => {
            const tree = read(parse, bytes)
            if (tree === undefined) return
            taken += 1
            expectSame(parse(parse === fromXml ? toXml(tree) : toJson(tree), ROOMY), tree)
            expectReadable(tree, bytes.length)
            expectPathsResolve(tree)
          },
        ),
        runs,
      )
      expect(taken).toBeGreaterThan((runs.numRuns as number) / 10)
    },
  )
})
