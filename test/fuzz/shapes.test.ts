import { describe, expect, it } from 'vitest'
import { MESSAGE_TYPES } from '../../src/node/messages.ts'
import { at, leaf, placesIn, put, type Tree } from './json-tree.ts'
import { VALUES } from './mutations.ts'
import { type Parser, parsersOf } from './parsers.ts'
import { imported } from './room.ts'
import { askingMessages, messages } from './samples.ts'
import { isTaken } from './sound.ts'

type Shaped = Parser & { tree: NonNullable<Parser['tree']> }

/** The parsers that know every key: not those of any JSON. */
const shaped = parsersOf(imported).filter(
  (parser): parser is Shaped => parser.tree !== undefined && !/JSON|frame|lock journal$/.test(parser.name),
)
const UNKNOWN = ['__proto__', 'constructor', 'toString', 'x', '']

/** Calls `visit` for one place of each path in the genuine inputs, which it may alter and which is put back after. */
function atEachPlace(
  parser: Shaped,
  visit: (place: { tree: Tree; path: string; print(): Uint8Array }) => void,
): void {
  const seen = new Set<string>()
  for (const sample of parser.samples) {
    const whole = { kind: 'array' as const, items: [parser.tree.of(sample)] }
    for (const place of placesIn(whole)) {
      // Objects of one kind stand at one path with different keys: a request and a vote, a block and a field.
      const tree = at(place)
      const keys = tree.kind === 'object' ? tree.members.map(({ name }) => name).join() : ''
      const id = `${place.path} ${keys}`
      if (seen.has(id)) continue
      seen.add(id)
      visit({
        path: place.path,
        get tree() {
          return at(place)
        },
        set tree(tree) {
          put(place, tree)
        },
        print: () => parser.tree.print(whole.items[0] as Tree),
      })
      put(place, tree)
    }
  }
}

describe.each(shaped.map((parser) => [parser.name, parser] as const))('%s', (_, parser) => {
  it('[ENC-1] has no room for a key more, at any place', () => {
    let tried = 0
    atEachPlace(parser, (place) => {
      const { tree, path } = place
      if (tree.kind !== 'object' || parser.unchecked?.test(path)) return
      for (const key of UNKNOWN) {
        const added = { name: JSON.stringify(key), value: leaf('0') }
        place.tree = { kind: 'object', members: [...tree.members, added] }
        expect(isTaken(parser, place.print()), `${key} at ${path}`).toBe(false)
        place.tree = { kind: 'object', members: [added, ...tree.members] }
        expect(isTaken(parser, place.print()), `${key} at ${path}`).toBe(false)
        tried += 1
      }
    })
    expect(tried).toBeGreaterThan(0)
  })

  it('[ENC-1] has no room for a key twice, at any place', () => {
    atEachPlace(parser, (place) => {
      const { tree, path } = place
      if (tree.kind !== 'object') return
      for (const member of tree.members) {
        place.tree = { kind: 'object', members: [...tree.members, member] }
        expect(isTaken(parser, place.print()), `${member.name} at ${path}`).toBe(false)
      }
    })
  })

  it('[ENC-1] is refused or sound with any value in any place', () => {
    atEachPlace(parser, (place) => {
      for (const text of VALUES) {
        place.tree = leaf(text)
        isTaken(parser, place.print())
      }
    })
  })
})

it('every type of message is among the samples', () => {
  const types = [...messages, ...askingMessages].map(({ type }) => type)
  expect([...new Set(types)].sort()).toEqual([...MESSAGE_TYPES].sort())
})
