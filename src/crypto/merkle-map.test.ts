import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf } from './hash.ts'
import {
  checkMapProofShape,
  emptyMapRoot,
  emptyMerkleMap,
  type MapProof,
  type MerkleMap,
  mapProof,
  verifyMapProof,
} from './merkle-map.ts'

const valueHash = (value: number) => hashOf('value', `${value}`)
const empty = emptyMerkleMap<number>((_, value) => valueHash(value))
const hexDigits = fc.constantFrom(...'0123456789abcdef')
/** Half of the UIDs are random, half differ from one another in a bit or two. */
const uid = fc.oneof(
  fc.string({ unit: hexDigits, minLength: 32, maxLength: 32 }),
  fc.uniqueArray(fc.nat(31), { maxLength: 2 }).map((digits) => {
    const text = Array.from('0'.repeat(32))
    for (const digit of digits) text[digit] = digit % 2 === 0 ? '8' : '1'
    return text.join('')
  }),
)
const entries = fc.uniqueArray(fc.tuple(uid, fc.nat(100)), { selector: ([key]) => key, maxLength: 24 })

function mapOf(list: readonly (readonly [string, number])[]): MerkleMap<number> {
  return list.reduce((map, [key, value]) => map.set(key, value), empty)
}

/** The root by its definition alone: recursive, over bit strings, from the whole set. */
function definedRoot(list: readonly (readonly [string, number])[]): string {
  if (list.length === 0) return sha256('countersign/v1/map-empty\n')
  const bits = (key: string) => BigInt(`0x${key}`).toString(2).padStart(128, '0')
  const node = (some: readonly (readonly [string, number])[]): string => {
    const [first, ...others] = some
    if (first === undefined) throw new Error('a node has entries')
    if (others.length === 0) return sha256(`countersign/v1/map-leaf\n`, first[0] + valueHash(first[1]))
    let bit = 0
    while (others.every(([key]) => bits(key)[bit] === bits(first[0])[bit])) bit += 1
    const prefixBits = bits(first[0])
      .slice(0, bit)
      .padEnd(Math.ceil(bit / 8) * 8, '0')
    const prefix = (prefixBits.match(/.{8}/g) ?? []).map((byte) =>
      Number.parseInt(byte, 2).toString(16).padStart(2, '0'),
    )
    const side = (value: string) => node(some.filter(([key]) => bits(key)[bit] === value))
    const place = bit.toString(16).padStart(4, '0') + prefix.join('')
    return sha256(`countersign/v1/map-node\n`, place + side('0') + side('1'))
  }
  return node(list)
}

function sha256(text: string, hex = ''): string {
  return createHash('sha256').update(text).update(Buffer.from(hex, 'hex')).digest('hex')
}

describe('[STA-1] the root of a Merkle map', () => {
  it('is the one of its definition', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(mapOf(list).root()).toBe(definedRoot(list))
      }),
    )
    expect(empty.root()).toBe(emptyMapRoot)
  })

  it('is the same however the entries came and went', () => {
    fc.assert(
      fc.property(entries, entries, fc.infiniteStream(fc.nat()), (list, others, random) => {
        const orderOf = new Map(list.map(([key]) => [key, random.next().value as number]))
        const shuffled = list.toSorted(([a], [b]) => (orderOf.get(a) as number) - (orderOf.get(b) as number))
        let map = mapOf(others)
        // Roots taken on the way leave hashes behind in nodes that later maps share.
        map.root()
        for (const [key, value] of shuffled) map = map.set(key, value + 1)
        map.root()
        for (const [key, value] of list) map = map.set(key, value)
        for (const [key] of others) if (!orderOf.has(key)) map = map.delete(key)
        expect(map.root()).toBe(mapOf(list).root())
        expect([...map]).toEqual([...mapOf(list)])
      }),
    )
  })

  it('differs for every change, and leaves older maps their own', () => {
    fc.assert(
      fc.property(entries, uid, fc.nat(100), (list, key, value) => {
        const map = mapOf(list)
        const root = map.root()
        const changed = map.set(key, value)
        expect(changed.root() === root).toBe(map.get(key) === value)
        expect(changed.size).toBe(map.size + (map.has(key) ? 0 : 1))
        expect(map.delete(key).root() === root).toBe(!map.has(key))
        expect(map.root()).toBe(root)
        expect(mapOf([...map.entries()]).root()).toBe(root)
      }),
    )
  })

  it('asks for the hash of a value once, and after a change for those of the changed only', () => {
    const asked: string[] = []
    const keys = Array.from({ length: 200 }, (_, index) => hashOf('element', `${index}`).slice(0, 32))
    let map = emptyMerkleMap<number>((key, value) => {
      asked.push(key)
      return valueHash(value)
    })
    for (const [index, key] of keys.entries()) map = map.set(key, index)
    map.root()
    map.root()
    expect(asked.toSorted()).toEqual(keys.toSorted())
    asked.length = 0
    map
      .set(keys[7] as string, 1000)
      .delete(keys[8] as string)
      .root()
    expect(asked).toEqual([keys[7]])
  })

  it('refuses a hash of a value that is none', () => {
    const map = emptyMerkleMap<string>((_, value) => value).set('0'.repeat(32), 'not a hash')
    expect(() => map.root()).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })
})

describe('[STA-1] proofs', () => {
  it('show each entry with its value, and every other UID absent', () => {
    fc.assert(
      fc.property(entries, fc.array(uid), (list, others) => {
        const map = mapOf(list)
        const root = map.root()
        for (const key of [...list.map(([one]) => one), ...others]) {
          const value = map.get(key)
          const hash = value === undefined ? null : valueHash(value)
          const proof = JSON.parse(JSON.stringify(mapProof(map, key))) as MapProof
          expect(verifyMapProof(root, key, hash, proof)).toBe(true)
          expect(verifyMapProof(root, key, hash === null ? valueHash(0) : null, proof)).toBe(false)
          expect(verifyMapProof(root, key, valueHash(1000), proof)).toBe(false)
          expect(verifyMapProof(valueHash(0), key, hash, proof)).toBe(false)
        }
      }),
    )
  })

  it('show nothing once a part of them is changed', () => {
    const change = fc.record({
      at: fc.nat(),
      how: fc.nat(7),
      value: fc.nat(127),
      hash: fc.nat(100).map(valueHash),
    })
    fc.assert(
      fc.property(entries, uid, change, (list, key, { at, how, value, hash }) => {
        const map = mapOf(list)
        const root = map.root()
        const proof = mapProof(map, key)
        const found = map.get(key)
        const changed = structuredClone(proof)
        const step = changed.steps[at % Math.max(1, changed.steps.length)]
        if (how === 0 && step !== undefined) step.bit = value
        else if (how === 1 && step !== undefined) step.sibling = hash
        else if (how === 2) changed.steps.splice(at % (changed.steps.length + 1), 1)
        else if (how === 3)
          changed.steps.splice(at % (changed.steps.length + 1), 0, { bit: value, sibling: hash })
        else if (how === 4 && changed.leaf !== undefined) changed.leaf.valueHash = hash
        else if (how === 5 && changed.node !== undefined) changed.node.bit = value
        else if (how === 6 && changed.node !== undefined) changed.node.right = hash
        else if (how === 7) changed.leaf = { uid: key, valueHash: hash }
        if (JSON.stringify(changed) === JSON.stringify(proof)) return
        expect(verifyMapProof(root, key, found === undefined ? null : valueHash(found), changed)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('of presence can’t be turned into one of absence, whatever is put at their end', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (list, which, cut) => {
        const [key, value] = list[which % Math.max(1, list.length)] ?? ['0'.repeat(32), 0]
        const map = mapOf([...list, [key, value]])
        const root = map.root()
        const { steps } = mapProof(map, key)
        const leaf = { uid: key, valueHash: valueHash(value) }
        expect(verifyMapProof(root, key, null, { steps })).toBe(false)
        expect(verifyMapProof(root, key, null, { steps, leaf })).toBe(false)
        // A true inner node on the key's own way, with and without what it hides.
        const depth = cut % Math.max(1, steps.length)
        const way = steps.slice(0, depth)
        const inner = steps[depth]
        if (inner === undefined) return
        const others = [...map].map(([one]) => mapProof(map, one)).flatMap(({ node }) => (node ? [node] : []))
        const below = mapProof(map, flipBit(key, inner.bit)).steps
        for (const [left, right] of [
          [inner.sibling, below[depth]?.sibling ?? inner.sibling],
          [below[depth]?.sibling ?? inner.sibling, inner.sibling],
        ] as const)
          for (const prefix of [key.slice(0, Math.ceil(inner.bit / 8) * 2), ''])
            expect(
              verifyMapProof(root, key, null, { steps: way, node: { bit: inner.bit, prefix, left, right } }),
            ).toBe(false)
        for (const node of others) expect(verifyMapProof(root, key, null, { steps: way, node })).toBe(false)
        for (const [one, its] of list)
          if (one !== key)
            expect(
              verifyMapProof(root, key, null, { steps, leaf: { uid: one, valueHash: valueHash(its) } }),
            ).toBe(false)
      }),
    )
  })

  it('of absence in the empty map are the empty proof, and that shows nothing of another map', () => {
    const key = 'ab'.repeat(16)
    expect(mapProof(empty, key)).toEqual({ steps: [] })
    expect(verifyMapProof(emptyMapRoot, key, null, { steps: [] })).toBe(true)
    expect(verifyMapProof(empty.set(key, 1).root(), 'cd'.repeat(16), null, { steps: [] })).toBe(false)
  })

  it('may carry neither unused bits, nor rising or repeated bits, nor both ends', () => {
    const [one, two, three] = ['f0', 'f1', '10'].map((start) => start.padEnd(32, '0')) as [
      string,
      string,
      string,
    ]
    const map = mapOf([
      [one, 1],
      [two, 2],
      [three, 3],
    ])
    const root = map.root()
    const absent = 'c0'.padEnd(32, '0')
    const proof = mapProof(map, absent)
    expect(proof.node).toMatchObject({ bit: 7, prefix: 'f0' })
    expect(verifyMapProof(root, absent, null, proof)).toBe(true)
    const node = proof.node as NonNullable<MapProof['node']>
    for (const prefix of ['f1', 'f000', '', 'f'])
      expect(verifyMapProof(root, absent, null, { ...proof, node: { ...node, prefix } })).toBe(false)
    expect(
      verifyMapProof(root, absent, null, { ...proof, leaf: { uid: one, valueHash: valueHash(1) } }),
    ).toBe(false)
    expect(verifyMapProof(root, absent, null, { ...proof, steps: proof.steps.concat(proof.steps) })).toBe(
      false,
    )
    const present = mapProof(map, one)
    expect(verifyMapProof(root, one, valueHash(1), { steps: present.steps.toReversed() })).toBe(false)
    expect(verifyMapProof(root, one, valueHash(1), { ...present, node })).toBe(false)
  })

  it('take no way that a well-formed map has not, even to a root made for it', () => {
    const key = '0'.repeat(32)
    const sibling = valueHash(1)
    const leafHash = (one: string) => sha256('countersign/v1/map-leaf\n', one + valueHash(0))
    const inner = (bit: number, prefix: string, left: string, right: string) =>
      sha256('countersign/v1/map-node\n', bit.toString(16).padStart(4, '0') + prefix + left + right)
    const step = (bit: number) => ({ bit, sibling })
    const onWay = (bit: number, hash: string) => inner(bit, '00'.repeat(Math.ceil(bit / 8)), hash, sibling)

    expect(
      verifyMapProof(onWay(3, onWay(5, leafHash(key))), key, valueHash(0), { steps: [3, 5].map(step) }),
    ).toBe(true)
    for (const [above, below] of [
      [5, 5],
      [9, 3],
    ] as const) {
      const root = onWay(above, onWay(below, leafHash(key)))
      expect(verifyMapProof(root, key, valueHash(0), { steps: [above, below].map(step) })).toBe(false)
    }

    const near = '08'.padEnd(32, '0')
    const far = '80'.padEnd(32, '0')
    for (const [one, isAbsent] of [
      [near, true],
      [far, false],
    ] as const) {
      const steps = [step(3)]
      const leaf = { uid: one, valueHash: valueHash(0) }
      expect(verifyMapProof(onWay(3, leafHash(one)), key, null, { steps, leaf })).toBe(isAbsent)
      const node = { bit: 8, prefix: one.slice(0, 2), left: sibling, right: sibling }
      const root = onWay(3, inner(8, node.prefix, sibling, sibling))
      expect(verifyMapProof(root, key, null, { steps, node })).toBe(isAbsent)
      expect(verifyMapProof(onWay(3, leafHash(one)), key, null, { steps, leaf, node })).toBe(false)
    }

    expect(verifyMapProof(onWay(3, emptyMapRoot), key, null, { steps: [step(3)] })).toBe(false)
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['no steps', {}],
    ['too many steps', { steps: Array(129).fill({ bit: 1, sibling: '00'.repeat(32) }) }],
    ['an unknown key', { steps: [], extra: 1 }],
    ['a bit past the last', { steps: [{ bit: 128, sibling: '00'.repeat(32) }] }],
    ['a bit that is no integer', { steps: [{ bit: 0.5, sibling: '00'.repeat(32) }] }],
    ['a sibling that is no hash', { steps: [{ bit: 0, sibling: '00' }] }],
    ['a leaf without a UID', { steps: [], leaf: { valueHash: '00'.repeat(32) } }],
    [
      'a node with a long prefix',
      { steps: [], node: { bit: 0, prefix: '00'.repeat(17), left: '', right: '' } },
    ],
  ])('that are malformed are false, not an error: %s', (_, proof) => {
    expect(verifyMapProof(emptyMapRoot, '00'.repeat(16), null, proof as MapProof)).toBe(false)
    expect(() => checkMapProofShape(proof)).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })

  it('are false for a UID or a hash that is none', () => {
    const map = empty.set('00'.repeat(16), 1)
    expect(verifyMapProof(map.root(), '00'.repeat(16), 'x', { steps: [] })).toBe(false)
    expect(verifyMapProof(emptyMapRoot, 'x', null, { steps: [] })).toBe(false)
    expect(() => mapProof(map, 'x')).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })
})

function flipBit(key: string, bit: number): string {
  const flipped = BigInt(`0x${key}`) ^ (1n << BigInt(127 - bit))
  return flipped.toString(16).padStart(32, '0')
}
