/**
 * JSON texts as trees that also hold what JSON.parse drops or refuses: names standing twice, numbers as they are written,
 * escapes, and texts that are no JSON at all. So a genuine text can be altered by its grammar and written again.
 */

export type Leaf = { kind: 'leaf'; text: string }
export type ArrayTree = { kind: 'array'; items: Tree[] }
/** names: as they are written, quotes included. */
export type ObjectTree = { kind: 'object'; members: { name: string; value: Tree }[] }
export type Tree = Leaf | ArrayTree | ObjectTree

export const leaf = (text: string): Leaf => ({ kind: 'leaf', text })

/** The tree of a JSON value. */
export function treeOf(value: unknown): Tree {
  if (typeof value !== 'object' || value === null) return leaf(JSON.stringify(value))
  if (Array.isArray(value)) return { kind: 'array', items: value.map(treeOf) }
  const members = Object.entries(value).map(([name, member]) => ({
    name: JSON.stringify(name),
    value: treeOf(member),
  }))
  return { kind: 'object', members }
}

/** The text of a tree. */
export function textOf(tree: Tree): string {
  const parts: string[] = []
  write(tree, parts)
  return parts.join('')
}

function write(tree: Tree, parts: string[]): void {
  if (tree.kind === 'leaf') {
    parts.push(tree.text)
  } else if (tree.kind === 'array') {
    for (const [index, item] of tree.items.entries()) {
      parts.push(index === 0 ? '[' : ',')
      write(item, parts)
    }
    parts.push(tree.items.length === 0 ? '[]' : ']')
  } else {
    for (const [index, { name, value }] of tree.members.entries()) {
      parts.push(index === 0 ? '{' : ',', name, ':')
      write(value, parts)
    }
    parts.push(tree.members.length === 0 ? '{}' : '}')
  }
}

/** Where a tree stands: the root in a holder of its own, all others in their array or object. */
export type Place = {
  parent: ArrayTree | ObjectTree
  index: number
  /** Names from the root on, `*` for any item: the same for all items of a list. */
  path: string
}

/** Every place below a holder, in the order of the text. */
export function placesIn(holder: ArrayTree | ObjectTree): Place[] {
  const places: Place[] = []
  addPlaces(holder, '', places)
  return places
}

function addPlaces(parent: ArrayTree | ObjectTree, path: string, places: Place[]): void {
  const count = parent.kind === 'array' ? parent.items.length : parent.members.length
  for (let index = 0; index < count; index += 1) {
    const name = parent.kind === 'array' ? '*' : (parent.members[index]?.name as string)
    const place = { parent, index, path: `${path}/${name}` }
    places.push(place)
    const below = at(place)
    if (below.kind !== 'leaf') addPlaces(below, place.path, places)
  }
}

/** What stands at a place. */
export function at({ parent, index }: Place): Tree {
  return parent.kind === 'array'
    ? (parent.items[index] as Tree)
    : (parent.members[index] as { value: Tree }).value
}

/** Puts something in the place of what stands there. */
export function put({ parent, index }: Place, tree: Tree): void {
  if (parent.kind === 'array') parent.items[index] = tree
  else (parent.members[index] as { value: Tree }).value = tree
}
