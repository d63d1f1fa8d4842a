import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from './bytes.ts'
import {
  appendLeaf,
  consistencyProof,
  emptyFrontier,
  emptyRoot,
  type Frontier,
  frontierRoot,
  inclusionProof,
  LogTree,
  leafHash,
  merkleRoot,
  nodeHash,
  rootOfInclusion,
  verifyConsistency,
  verifyInclusion,
} from './log.ts'

const badFormat = expect.objectContaining({ code: 'bad-format' })
const leaves = (size: number) => Array.from({ length: size }, (_, index) => leafHash(`leaf ${index}`))

/** RFC 6962 section 2.1 word for word: MTH, PATH and SUBPROOF as recursive definitions over leaf hashes. */
function split(size: number): number {
  return size <= 2 ? 1 : 2 * split(Math.ceil(size / 2))
}
function mth(d: string[]): string {
  if (d.length === 0) return createHash('sha256').digest('hex')
  if (d.length === 1) return d[0] as string
  const k = split(d.length)
  const node = Buffer.from(`01${mth(d.slice(0, k))}${mth(d.slice(k))}`, 'hex')
  return createHash('sha256').update(node).digest('hex')
}
function path(m: number, d: string[]): string[] {
  if (d.length === 1) return []
  const k = split(d.length)
  return m < k
    ? [...path(m, d.slice(0, k)), mth(d.slice(k))]
    : [...path(m - k, d.slice(k)), mth(d.slice(0, k))]
}
function subproof(m: number, d: string[], isWhole: boolean): string[] {
  if (m === d.length) return isWhole ? [] : [mth(d)]
  const k = split(d.length)
  return m <= k
    ? [...subproof(m, d.slice(0, k), isWhole), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

const SIZES = Array.from({ length: 34 }, (_, size) => size)

describe('[LOG-1] the RFC 6962 tree', () => {
  it('hashes leaves and nodes apart', () => {
    expect(leafHash(new Uint8Array())).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    )
    expect(leafHash('é\u0000')).toBe(leafHash(utf8('é\u0000')))
    const [left, right] = leaves(2) as [string, string]
    expect(nodeHash(left, right)).toBe(mth([left, right]))
    expect(nodeHash(left, right)).not.toBe(leafHash(Buffer.from(left + right, 'hex')))
    for (const bad of ['', left.slice(1), `${left}00`, left.toUpperCase(), `${left.slice(1)}g`]) {
      expect(() => nodeHash(bad, right)).toThrow(badFormat)
      expect(() => nodeHash(left, bad)).toThrow(badFormat)
    }
  })

  it('has the roots of the definition at every size up to 33, by every way to get them', () => {
    const tree = new LogTree(leaves(33))
    let frontier: Frontier = emptyFrontier
    for (const size of SIZES) {
      const root = mth(leaves(size))
      expect(merkleRoot(leaves(size))).toBe(root)
      expect(frontierRoot(frontier)).toBe(root)
      expect(tree.root(size)).toBe(root)
      expect(tree.frontier(size)).toEqual(frontier)
      frontier = appendLeaf(frontier, leafHash(`leaf ${size}`))
    }
    expect(mth([])).toBe(emptyRoot)
  })

  it('gives the definition’s inclusion proofs, which verify, at every size and index up to 33', () => {
    const tree = new LogTree(leaves(33))
    for (const size of SIZES.slice(1)) {
      for (let index = 0; index < size; index += 1) {
        const proof = tree.inclusionProof(index, size)
        expect(proof).toEqual(path(index, leaves(size)))
        expect(verifyInclusion(leafHash(`leaf ${index}`), index, size, proof, tree.root(size))).toBe(true)
        expect(rootOfInclusion(leafHash('other'), index, size, proof)).not.toBe(tree.root(size))
      }
    }
    expect(inclusionProof(leaves(7), 3)).toEqual(tree.inclusionProof(3, 7))
  })

  it('gives the definition’s consistency proofs, which verify, between all sizes up to 33', () => {
    const tree = new LogTree(leaves(33))
    for (const newSize of SIZES) {
      for (let oldSize = 0; oldSize <= newSize; oldSize += 1) {
        const proof = tree.consistencyProof(oldSize, newSize)
        if (oldSize > 0) expect(proof).toEqual(subproof(oldSize, leaves(newSize), true))
        else expect(proof).toEqual([])
        expect(verifyConsistency(oldSize, newSize, tree.root(oldSize), tree.root(newSize), proof)).toBe(true)
      }
    }
    expect(consistencyProof(leaves(9), 4)).toEqual(tree.consistencyProof(4, 9))
    expect(consistencyProof(leaves(9), 4, 6)).toEqual(tree.consistencyProof(4, 6))
  })

  it('keeps frontiers as they were', () => {
    const three = leaves(3).reduce(appendLeaf, emptyFrontier)
    const copy = structuredClone(three)
    appendLeaf(three, leafHash('x'))
    expect(three).toEqual(copy)
  })

  it('refuses what is no hash, no size of the log, or no frontier', () => {
    const tree = new LogTree(leaves(5))
    for (const call of [
      () => tree.append('00'),
      () => tree.append('g'.repeat(64)),
      () => tree.root(6),
      () => tree.root(-1),
      () => tree.root(1.5),
      () => tree.leaf(5),
      () => tree.inclusionProof(5),
      () => tree.inclusionProof(3, 3),
      () => tree.inclusionProof(0, 6),
      () => tree.consistencyProof(6),
      () => tree.consistencyProof(4, 3),
      () => merkleRoot(['00']),
      () => merkleRoot(['00', '11']),
      () => appendLeaf(emptyFrontier, '00'),
      () => appendLeaf({ size: 3, hashes: leaves(1) }, leafHash('x')),
      () => frontierRoot({ size: -1, hashes: [] }),
      () => frontierRoot({ size: 0, hashes: leaves(1) }),
      () => frontierRoot({ size: 3, hashes: ['00', '11'] }),
    ])
      expect(call).toThrow(badFormat)
    expect(tree.size).toBe(5)
    expect(tree.root()).toBe(mth(leaves(5)))
    expect(tree.leaf(4)).toBe(leafHash('leaf 4'))
  })
})

describe('[LOG-1] verifying', () => {
  const tree = new LogTree(leaves(300))
  const size = fc.integer({ min: 1, max: 300 })
  const other = leafHash('other')
  const changes: ((proof: string[]) => string[])[] = [
    (proof) => [...proof, other],
    (proof) => [other, ...proof],
    (proof) => proof.slice(1),
    (proof) => proof.slice(0, -1),
    (proof) => proof.with(Math.min(1, proof.length - 1), other),
    (proof) => proof.toReversed(),
    (proof) => proof.map((hash) => hash.toUpperCase()),
    (proof) => proof.map((hash) => hash.slice(2)),
  ]

  it('refuses every inclusion proof that was tampered with', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.constantFrom(...changes), (newSize, at, change) => {
        const index = at % newSize
        const proof = tree.inclusionProof(index, newSize)
        const leaf = tree.leaf(index)
        const root = tree.root(newSize)
        expect(verifyInclusion(leaf, index, newSize, proof, root)).toBe(true)
        const changed = proof.length === 0 ? [other] : change(proof)
        if (changed.join() !== proof.join())
          expect(verifyInclusion(leaf, index, newSize, changed, root)).toBe(false)
        expect(verifyInclusion(other, index, newSize, proof, root)).toBe(false)
        expect(verifyInclusion(leaf, index, newSize, proof, other)).toBe(false)
        if (newSize > 1)
          expect(verifyInclusion(leaf, (index + 1) % newSize, newSize, proof, root)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses every consistency proof that was tampered with', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.constantFrom(...changes), (newSize, at, change) => {
        const oldSize = 1 + (at % newSize)
        const proof = tree.consistencyProof(oldSize, newSize)
        const [oldRoot, newRoot] = [tree.root(oldSize), tree.root(newSize)]
        expect(verifyConsistency(oldSize, newSize, oldRoot, newRoot, proof)).toBe(true)
        const changed = proof.length === 0 ? [other] : change(proof)
        if (changed.join() !== proof.join())
          expect(verifyConsistency(oldSize, newSize, oldRoot, newRoot, changed)).toBe(false)
        expect(verifyConsistency(oldSize, newSize, other, newRoot, proof)).toBe(false)
        expect(verifyConsistency(oldSize, newSize, oldRoot, other, proof)).toBe(false)
        if (oldSize < newSize)
          expect(verifyConsistency(newSize, oldSize, newRoot, oldRoot, proof)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a log that was rewritten', () => {
    const rewritten = new LogTree(leaves(20).with(3, other))
    for (let newSize = 5; newSize <= 20; newSize += 1) {
      const proof = rewritten.consistencyProof(4, newSize)
      expect(verifyConsistency(4, newSize, tree.root(4), rewritten.root(newSize), proof)).toBe(false)
    }
  })

  it('answers false for sizes, roots and proofs that are none', () => {
    const leaf = tree.leaf(0)
    const root = tree.root(2)
    const proof = tree.inclusionProof(0, 2)
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, '0' as unknown as number]) {
      expect(verifyInclusion(leaf, bad, 2, proof, root)).toBe(false)
      expect(verifyInclusion(leaf, 0, bad, proof, root)).toBe(false)
      expect(verifyConsistency(bad, 2, leaf, root, [])).toBe(false)
      expect(verifyConsistency(1, bad, leaf, root, [])).toBe(false)
    }
    for (const bad of [
      null,
      undefined,
      {},
      'x',
      [[proof[0]]],
      Array(100).fill(other),
    ] as unknown as string[][]) {
      expect(verifyInclusion(leaf, 0, 2, bad, root)).toBe(false)
      expect(verifyConsistency(1, 2, leaf, root, bad)).toBe(false)
    }
    expect(verifyInclusion([leaf] as unknown as string, 0, 2, proof, root)).toBe(false)
    expect(verifyInclusion('', 0, 1, [], '')).toBe(false)
    expect(verifyInclusion(leaf, 0, 2, [], leaf)).toBe(false)
    expect(verifyConsistency(0, 2, other, root, [])).toBe(false)
    expect(verifyConsistency(0, 2, emptyRoot, root, [other])).toBe(false)
    expect(verifyConsistency(0, 2, emptyRoot, root, [])).toBe(true)
    expect(verifyConsistency(0, 2, emptyRoot, 'x', [])).toBe(false)
    expect(verifyConsistency(2, 2, root, root, [other])).toBe(false)
    expect(verifyConsistency(1, 2, leaf, root, [])).toBe(false)
  })

  it('is exact for sizes past 2^32', () => {
    // A log of 2^40 + 1 leaves: the last is alone on the right.
    const left = leafHash('the first 2^40')
    const last = leafHash('last')
    const root = nodeHash(left, last)
    expect(verifyInclusion(last, 2 ** 40, 2 ** 40 + 1, [left], root)).toBe(true)
    expect(verifyInclusion(last, 2 ** 40, 2 ** 40 + 2, [left], root)).toBe(false)
    expect(verifyConsistency(2 ** 40, 2 ** 40 + 1, left, root, [last])).toBe(true)
    expect(verifyConsistency(2 ** 40, 2 ** 41, left, root, [last])).toBe(true)
    expect(verifyConsistency(2 ** 39, 2 ** 40 + 1, left, root, [last])).toBe(false)
  })
})

const vectors = '../shared/samples/vectors/merkle'
type Vector = {
  proof: string[] | null
  leafIdx: number
  treeSize: number
  leafHash: string
  root: string
  size1: number
  size2: number
  root1: string
  root2: string
}

describe.skipIf(!existsSync(vectors))(
  'transparency-dev/merkle vectors (left out where the samples are not at hand)',
  () => {
    const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
    for (const file of existsSync(vectors) ? readdirSync(vectors) : []) {
      it(`[LOG-1] ${file}`, () => {
        const vector = JSON.parse(readFileSync(join(vectors, file), 'utf8')) as Vector
        const proof = (vector.proof ?? []).map(hex)
        const check = file.startsWith('inclusion')
          ? (some: string[]) =>
              verifyInclusion(hex(vector.leafHash), vector.leafIdx, vector.treeSize, some, hex(vector.root))
          : (some: string[]) =>
              verifyConsistency(vector.size1, vector.size2, hex(vector.root1), hex(vector.root2), some)
        expect(check(proof)).toBe(true)
        expect(check([...proof, leafHash('x')])).toBe(false)
      })
    }
  },
)
