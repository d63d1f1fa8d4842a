/** Families made of genuine inputs: at one place each something grows, while all the rest stays as it is. */
import { at, leaf, type Place, placesIn, put, type Tree, textOf } from './json-tree.ts'

/** How a tree is made larger, or undefined where it can't be this way. */
type Growth = { name: string; grow(tree: Tree, size: number): Tree | undefined }

const times = (size: number, length: number): number => Math.ceil(size / length)

const GROWTHS: readonly Growth[] = [
  {
    name: 'a long text',
    grow: (tree, size) =>
      tree.kind === 'leaf' && tree.text.startsWith('"') ? leaf(`"${'a'.repeat(size)}"`) : undefined,
  },
  {
    name: 'a long number',
    grow: (tree, size) =>
      tree.kind === 'leaf' && !tree.text.startsWith('"') ? leaf(`1e${'0'.repeat(size)}1`) : undefined,
  },
  {
    name: 'many items',
    grow(tree, size) {
      const item = tree.kind === 'array' ? tree.items[0] : undefined
      if (item === undefined) return undefined
      return { kind: 'array', items: Array(times(size, textOf(item).length + 1)).fill(item) }
    },
  },
  {
    name: 'many unknown keys',
    grow(tree, size) {
      if (tree.kind !== 'object') return undefined
      const added = Array.from({ length: times(size, 12) }, (_, index) => ({
        name: `"k${10_000_000 + index}"`,
        value: leaf('0'),
      }))
      return { kind: 'object', members: [...tree.members, ...added] }
    },
  },
  {
    name: 'one key over and over',
    grow(tree, size) {
      const member = tree.kind === 'object' ? tree.members[0] : undefined
      if (member === undefined) return undefined
      const length = times(size, member.name.length + textOf(member.value).length + 2)
      return { kind: 'object', members: Array(length).fill(member) }
    },
  },
]

/** path: of the place that grows. */
export type TreeFamily = { name: string; path: string; make(size: number): Tree }

/** One family for each way to grow each place of a tree. */
export function growths(tree: Tree): TreeFamily[] {
  const whole: Tree = { kind: 'array', items: [tree] }
  const seen = new Set<string>()
  return placesIn(whole).flatMap((place) => {
    if (seen.has(place.path)) return []
    seen.add(place.path)
    return GROWTHS.flatMap((growth) => familyAt(whole, place, growth) ?? [])
  })
}

function familyAt(
  whole: Tree & { kind: 'array' },
  place: Place,
  { name, grow }: Growth,
): TreeFamily | undefined {
  const here = at(place)
  if (grow(here, 1) === undefined) return undefined
  return {
    name: `${name} at ${place.path}`,
    path: place.path,
    make(size) {
      put(place, grow(here, size) as Tree)
      const made = structuredClone(whole.items[0] as Tree)
      put(place, here)
      return made
    },
  }
}
