import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitOf, differingBit, emptyTrie, Inner, Leaf, type Node, type Trie } from './trie.ts'

/** Keys that are often alike, so that they share long prefixes. */
const key = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
  fc.tuple(fc.nat(127), fc.constantFrom('0', 'f')).map(([bit, fill]) => flip(fill.repeat(32), bit)),
)

function flip(text: string, bit: number): string {
  const digit = Number.parseInt(text[bit >> 2] as string, 16) ^ (8 >> (bit & 3))
  return text.slice(0, bit >> 2) + digit.toString(16) + text.slice((bit >> 2) + 1)
}

const edits = fc.array(fc.tuple(key, fc.option(fc.nat(3), { nil: undefined })), { maxLength: 40 })

function sorted(map: Map<string, number>): [string, number][] {
  return [...map].sort(([first], [second]) => (first < second ? -1 : 1))
}

/** Checks that the trie is compressed and in order: the shape is then a function of its keys. */
function checkShape(node: Node<number>, above = -1): string[] {
  if (node instanceof Leaf) return [node.key]
  expect(node).toBeInstanceOf(Inner)
  expect(node.bit).toBeGreaterThan(above)
  const left = checkShape(node.left, node.bit)
  const right = checkShape(node.right, node.bit)
  for (const one of left) expect(bitOf(one, node.bit)).toBe(0)
  for (const one of right) expect(bitOf(one, node.bit)).toBe(1)
  const keys = [...left, ...right]
  for (const one of keys) expect(differingBit(one, node.prefix)).toBeGreaterThanOrEqual(node.bit)
  expect(node.size).toBe(keys.length)
  return keys
}

describe('the trie', () => {
  it('holds what a Map holds after any edits, in the order of keys', () => {
    fc.assert(
      fc.property(edits, fc.array(key), (steps, others) => {
        let trie: Trie<number> = emptyTrie()
        const map = new Map<string, number>()
        for (const [one, value] of steps) {
          const isChange = value === undefined ? map.has(one) : map.get(one) !== value
          const before = trie
          trie = value === undefined ? trie.delete(one) : trie.set(one, value)
          if (value === undefined) map.delete(one)
          else map.set(one, value)
          expect(trie !== before).toBe(isChange)
          expect(trie.size).toBe(map.size)
        }
        expect([...trie]).toEqual(sorted(map))
        for (const one of [...others, ...map.keys()]) {
          expect(trie.get(one)).toBe(map.get(one))
          expect(trie.has(one)).toBe(map.has(one))
        }
        if (trie.root !== undefined) checkShape(trie.root)
      }),
    )
  })

  it('leaves older tries as they were', () => {
    fc.assert(
      fc.property(edits, (steps) => {
        let trie: Trie<number> = emptyTrie()
        const history: [Trie<number>, [string, number][]][] = []
        for (const [one, value] of steps) {
          history.push([trie, [...trie]])
          trie = value === undefined ? trie.delete(one) : trie.set(one, value)
        }
        for (const [older, entries] of history) expect([...older]).toEqual(entries)
      }),
    )
  })

  it('is itself where nothing changes', () => {
    const trie = emptyTrie<number>().set('00'.repeat(16), 1)
    expect(trie.set('00'.repeat(16), 1)).toBe(trie)
    expect(trie.set('00'.repeat(16), 2)).not.toBe(trie)
    expect(trie.delete('01'.repeat(16))).toBe(trie)
  })

  it('holds a value that is undefined', () => {
    const trie = emptyTrie<undefined>().set('00'.repeat(16), undefined)
    expect(trie.has('00'.repeat(16))).toBe(true)
    expect(trie.size).toBe(1)
    expect(trie.delete('00'.repeat(16)).root).toBeUndefined()
  })

  it('finds the first bit that differs, counted from the most significant', () => {
    fc.assert(
      fc.property(key, fc.nat(127), fc.nat(127), (one, bit, later) => {
        expect(differingBit(one, one)).toBe(128)
        expect(differingBit(one, flip(one, bit))).toBe(bit)
        expect(bitOf(flip(one, bit), bit)).toBe(1 - bitOf(one, bit))
        if (later > bit) expect(differingBit(one, flip(flip(one, bit), later))).toBe(bit)
      }),
    )
    expect(differingBit('80'.padEnd(32, '0'), '0'.repeat(32))).toBe(0)
    expect(bitOf('01'.padStart(32, '0'), 127)).toBe(1)
  })

  it.each(['', '00', 'A'.repeat(32), 'g'.repeat(32), '0'.repeat(31), '0'.repeat(33), `${'0'.repeat(32)}\n`])(
    'refuses %j as a key',
    (bad) => {
      const trie = emptyTrie<number>().set('0'.repeat(32), 1)
      const badFormat = expect.objectContaining({ code: 'bad-format' })
      expect(() => trie.get(bad)).toThrow(badFormat)
      expect(() => trie.has(bad)).toThrow(badFormat)
      expect(() => trie.set(bad, 1)).toThrow(badFormat)
      expect(() => trie.delete(bad)).toThrow(badFormat)
    },
  )
})
