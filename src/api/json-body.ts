/**
 * JSON bodies of the entity routes. Documents in them are cut out as they were written, since a parsed object has lost exact
 * decimals and the order of members; everything else becomes plain values for a schema to check.
 */
import { parseJson } from '../crypto/json.ts'
import { decodeSource } from '../document/source.ts'

/** A document within a body: its JSON text, known to be strict. */
export class RawJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Members, at any depth, that hold a document. */
const DOCUMENTS: ReadonlySet<string> = new Set(['document', 'value'])
/** Documents may be 64 deep by themselves. */
const DEPTH = 70
const NODES = 1_000_000

/**
 * A body as plain values, with each `document` and `value` as RawJson.
 * @throws CountersignError `bad-json`, `too-large`
 */
export function readJsonBody(bytes: Uint8Array, limitBytes: number): unknown {
  const text = decodeSource(bytes, limitBytes, 'JSON')
  // Literal numbers: those of documents may have more digits than a double.
  parseJson(text, { numbers: 'literal', depth: DEPTH, sizeBytes: limitBytes, nodes: NODES })
  return new Reader(text).value()
}

/** Reads a text known to be strict JSON; so it checks nothing of the grammar. */
class Reader {
  private readonly text: string
  private position = 0

  constructor(text: string) {
    this.text = text
  }

  value(): unknown {
    const first = this.next()
    if (first === '{') return Object.fromEntries(this.members())
    if (first === '[') return this.items()
    return JSON.parse(this.cut())
  }

  private members(): [string, unknown][] {
    const members: [string, unknown][] = []
    this.position += 1
    while (this.next() !== '}') {
      if (this.next() === ',') this.position += 1
      this.next()
      const key = JSON.parse(this.cut()) as string
      this.next()
      this.position += 1
      this.next()
      members.push([key, DOCUMENTS.has(key) ? new RawJson(this.cut()) : this.value()])
    }
    this.position += 1
    return members
  }

  private items(): unknown[] {
    const items: unknown[] = []
    this.position += 1
    while (this.next() !== ']') {
      if (this.next() === ',') this.position += 1
      items.push(this.value())
    }
    this.position += 1
    return items
  }

  /** The character of the next token. */
  private next(): string {
    while (' \n\t\r'.includes(this.text[this.position] as string)) this.position += 1
    return this.text[this.position] as string
  }

  /** The text of the value that begins here. */
  private cut(): string {
    const start = this.position
    let depth = 0
    do {
      const character = this.text[this.position] as string
      if (character === '"') this.skipString()
      else {
        if (character === '{' || character === '[') depth += 1
        else if (character === '}' || character === ']') depth -= 1
        this.position += 1
      }
    } while (depth > 0 || !this.isAtEnd(start))
    return this.text.slice(start, this.position)
  }

  /** Whether the value begun at `start` is over: strings, objects and arrays end by themselves, words before what follows. */
  private isAtEnd(start: number): boolean {
    if ('"{['.includes(this.text[start] as string)) return true
    return this.position >= this.text.length || ' \n\t\r,]}'.includes(this.text[this.position] as string)
  }

  private skipString(): void {
    this.position += 1
    while (this.text[this.position] !== '"') this.position += this.text[this.position] === '\\' ? 2 : 1
    this.position += 1
  }
}
