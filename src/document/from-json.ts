/** JSON to a document tree. See tree.ts for the mapping. */
import { parseJson } from '../crypto/json.ts'
import { checkName } from './names.ts'
import { decodeSource } from './source.ts'
import {
  type BlockNode,
  block,
  DOCUMENT_LIMITS,
  type DocumentLimits,
  type DocumentNode,
  field,
  INDENT,
  ITEM,
  list,
  SPACE,
  VALUE,
} from './tree.ts'
import { checkValue, numberType } from './types.ts'

/** Keys that would be taken for what the tree reserves (tree.ts), with any number of `#` before. */
const RESERVED = [INDENT, SPACE, VALUE].map((name) => name.slice(1)).join('|')
const RESERVED_KEY = new RegExp(`^#+(?:${RESERVED})$`)
const ESCAPED_NAME = new RegExp(`^##+(?:${RESERVED})$`)

/** The name of a member's node: the key, with one `#` more where the tree has another use for it. */
export function nameFromKey(key: string): string {
  return RESERVED_KEY.test(key) ? `#${key}` : key
}

/** The key of a node's member; the inverse of {@link nameFromKey}. */
export function keyFromName(name: string): string {
  return ESCAPED_NAME.test(name) ? name.slice(1) : name
}

/**
 * Reads a JSON text.
 *
 * The result is a block named '': a top-level object's members are its children; an array or scalar is its one child
 * `#value`. Members keep their order (also names like `"1"`, which JavaScript objects would put first), numbers the
 * digits they are written with: `10` is an integer, `10.50` and `1e2` are decimals. Keys are names as they are, except
 * that `#indent`, `#space` and `#value` get one more `#`.
 *
 * @param source UTF-8 bytes (a byte order mark is tolerated) or a string
 * @throws CountersignError `bad-json`; `too-large`; `bad-name` for a key that is no name, such as ""; `bad-value` for a
 * number with more digits than a field takes
 */
export function fromJson(source: Uint8Array | string, limits: Partial<DocumentLimits> = {}): BlockNode {
  const { sizeBytes, depth, nodes } = { ...DOCUMENT_LIMITS, ...limits }
  const json = decodeSource(source, sizeBytes, 'JSON')
  parseJson(json, { numbers: 'literal', depth, sizeBytes, nodes })
  const top = new JsonTreeBuilder(json).value(VALUE)
  return top.kind === 'block' ? block('', top.children) : block('', [top])
}

/**
 * Builds the tree from a text that is known to be strict JSON within the limits: so it checks nothing of the grammar, and
 * recursion is bounded. The values of `parseJson` itself don't do, since they have lost the order of members.
 */
class JsonTreeBuilder {
  private readonly json: string
  private position = 0

  constructor(json: string) {
    this.json = json
  }

  value(name: string): DocumentNode {
    switch (this.peek()) {
      case '{':
        return block(
          name,
          this.members('}', () => {
            const key = nameFromKey(this.string())
            checkName(key)
            this.peek()
            this.position++
            return this.value(key)
          }),
        )
      case '[':
        return list(
          name,
          this.members(']', () => this.value(ITEM)),
        )
      case '"': {
        const value = this.string()
        checkValue('text', value)
        return field(name, 'text', value)
      }
      default:
        return this.word(name)
    }
  }

  /** The character of the next token. */
  private peek(): string {
    while (true) {
      const character = this.json[this.position] as string
      if (character !== ' ' && character !== '\n' && character !== '\t' && character !== '\r')
        return character
      this.position++
    }
  }

  private members(end: string, read: () => DocumentNode): DocumentNode[] {
    const children: DocumentNode[] = []
    this.position++
    if (this.peek() === end) {
      this.position++
      return children
    }
    while (true) {
      this.peek()
      children.push(read())
      const next = this.peek()
      this.position++
      if (next === end) return children
    }
  }

  private string(): string {
    const start = this.position
    let end = start + 1
    while (this.json[end] !== '"') end += this.json[end] === '\\' ? 2 : 1
    this.position = end + 1
    return JSON.parse(this.json.slice(start, end + 1)) as string
  }

  private word(name: string): DocumentNode {
    const start = this.position
    let end = start
    while (end < this.json.length && !' \n\t\r,]}'.includes(this.json[end] as string)) end++
    this.position = end
    const word = this.json.slice(start, end)
    if (word === 'true' || word === 'false') return field(name, 'boolean', word === 'true')
    if (word === 'null') return field(name, 'null', null)
    const type = numberType(word)
    checkValue(type, word)
    return field(name, type, word)
  }
}
