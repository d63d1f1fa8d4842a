/** A document tree, or a part of one, to JSON. */
import { CountersignError } from '../crypto/errors.ts'
import { keyFromName } from './from-json.ts'
import { type DocumentNode, type FieldNode, INDENT, MAX_WRITE_DEPTH, SPACE, VALUE } from './tree.ts'

/** How to write JSON. */
export interface JsonWriteOptions {
  /** Spaces for each level; 0, which writes it all on one line, if left out. */
  indent?: number
}

/**
 * Writes JSON: a block as an object, a list as an array, a field as its value, numbers with the digits they have in the
 * tree. A root (block named '') whose only child is `#value` is written as that child.
 *
 * A tree that came from JSON comes out equal, in its order. A tree that came from XML comes out readable: siblings of one
 * name become an array in the place of the first, `<Amount currencyID="EUR">100</Amount>` becomes
 * `{"@currencyID": "EUR", "#text": "100"}`, and white space (`#indent`, `#space`) is left out. Read again it gives the
 * same XML but for that and for the order among siblings of different names.
 *
 * @throws CountersignError `too-large` for a tree over 512 levels deep
 */
export function toJson(node: DocumentNode, options: JsonWriteOptions = {}): string {
  const writer = new JsonWriter(Math.max(0, Math.min(10, options.indent ?? 0)))
  writer.node(unwrap(node), 0)
  return writer.parts.join('')
}

function unwrap(node: DocumentNode): DocumentNode {
  if (node.kind !== 'block' || node.name !== '') return node
  const only = node.children.length === 1 ? node.children[0] : undefined
  return only !== undefined && only.name === VALUE ? only : node
}

class JsonWriter {
  readonly parts: string[] = []
  private readonly indent: number

  constructor(indent: number) {
    this.indent = indent
  }

  node(node: DocumentNode, depth: number): void {
    if (depth > MAX_WRITE_DEPTH) {
      throw new CountersignError('too-large', `Blocks nested over ${MAX_WRITE_DEPTH} deep cannot be written.`)
    }
    switch (node.kind) {
      case 'field':
        this.parts.push(fieldText(node))
        return
      case 'list':
        this.array(node.children, depth)
        return
      case 'block':
        this.object(node.children, depth)
    }
  }

  private array(items: readonly DocumentNode[], depth: number): void {
    this.enclosed('[', ']', items, depth, (item) => this.node(item, depth + 1))
  }

  private object(children: readonly DocumentNode[], depth: number): void {
    this.enclosed('{', '}', [...membersOf(children)], depth, ([name, nodes]) => {
      this.parts.push(JSON.stringify(keyFromName(name)), this.indent > 0 ? ': ' : ':')
      if (nodes.length === 1) this.node(nodes[0] as DocumentNode, depth + 1)
      else this.array(nodes, depth + 1)
    })
  }

  private enclosed<Part>(
    open: string,
    close: string,
    parts: readonly Part[],
    depth: number,
    write: (part: Part) => void,
  ): void {
    this.parts.push(open)
    for (const [position, part] of parts.entries()) {
      if (position > 0) this.parts.push(',')
      this.newLine(depth + 1)
      write(part)
    }
    if (parts.length > 0) this.newLine(depth)
    this.parts.push(close)
  }

  private newLine(depth: number): void {
    if (this.indent > 0) this.parts.push(`\n${' '.repeat(this.indent * depth)}`)
  }
}

/** Children by name, in the order of each name's first; without the fields that hold white space. */
function membersOf(children: readonly DocumentNode[]): Map<string, DocumentNode[]> {
  const members = new Map<string, DocumentNode[]>()
  for (const child of children) {
    if (child.kind === 'field' && (child.name === INDENT || child.name === SPACE)) continue
    const same = members.get(child.name)
    if (same === undefined) members.set(child.name, [child])
    else same.push(child)
  }
  return members
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

function fieldText(node: FieldNode): string {
  const { type, value } = node
  const isNumber =
    (type === 'decimal' || type === 'integer') && typeof value === 'string' && NUMBER.test(value)
  return isNumber ? value : JSON.stringify(value)
}
