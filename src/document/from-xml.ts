/** XML to a document tree, so that writing it again gives the same canonical XML. See tree.ts for the mapping. */
import { CountersignError } from '../crypto/errors.ts'
import { ruleFromGap, spaceAt } from './indent.ts'
import {
  type BlockNode,
  block,
  DOCUMENT_LIMITS,
  type DocumentLimits,
  type DocumentNode,
  type FieldNode,
  INDENT,
  SPACE,
  TEXT,
  text,
} from './tree.ts'
import { readXml, type XmlHandler } from './xml-reader.ts'

/**
 * Reads an XML document.
 *
 * The result is a block named '' whose children are, where present, `#indent`, the processing instructions of the
 * prolog, the document element, and the processing instructions after it. All fields are of type text: nothing in XML
 * says that `380` is a number.
 *
 * Refused are a DOCTYPE, any encoding but UTF-8, XML 1.1, undeclared prefixes, repeated attributes, characters that
 * XML forbids, names over 256 characters (with their `@` or `?`), and what exceeds the limits. The one thing refused that
 * is well-formed and has a place in the tree is a processing instruction whose data begins with `?`.
 *
 * @param source UTF-8 bytes (a byte order mark is tolerated) or a string
 * @throws CountersignError `bad-xml` or `too-large`, the message giving line and column where there is one
 */
export function fromXml(source: Uint8Array | string, limits: Partial<DocumentLimits> = {}): BlockNode {
  const effective = { ...DOCUMENT_LIMITS, ...limits }
  const builder = new TreeBuilder(effective.nodes)
  readXml(source, effective, builder)
  return builder.finish()
}

/** An element as read: its text still as strings among the children. */
interface RawElement {
  name: string
  attributes: FieldNode[]
  content: (RawElement | FieldNode | string)[]
  /** Number of child elements and processing instructions. */
  children: number
  /** True if some text is more than white space. */
  mixed: boolean
}

class TreeBuilder implements XmlHandler {
  private readonly limitNodes: number
  private readonly top: (RawElement | FieldNode)[] = []
  private readonly stack: RawElement[] = []
  private readonly votes = new Map<string, number>()
  private nodes = 0

  constructor(limitNodes: number) {
    this.limitNodes = limitNodes
  }

  open(name: string, attributes: readonly { name: string; value: string }[]): void {
    const fields = attributes.map((attribute) => text(`@${attribute.name}`, attribute.value))
    this.stack.push({ name, attributes: fields, content: [], children: 0, mixed: false })
  }

  text(value: string): void {
    const parent = this.stack[this.stack.length - 1] as RawElement
    parent.content.push(value)
    if (/[^ \t\r\n]/.test(value)) parent.mixed = true
  }

  instruction(target: string, body: string): void {
    this.addToParent(text(`?${target}`, body))
  }

  close(): void {
    const element = this.stack.pop() as RawElement
    if (element.children > 0 && !element.mixed) this.vote(element, this.stack.length)
    this.addToParent(isLeaf(element) ? text(element.name, element.content.join('')) : element)
  }

  finish(): BlockNode {
    const rule = this.winner()
    const children: DocumentNode[] = rule === '' ? [] : [text(INDENT, rule)]
    for (const item of this.top) children.push(isRaw(item) ? this.convert(item, 0, rule) : item)
    return block('', children)
  }

  private addToParent(node: RawElement | FieldNode): void {
    const parent = this.stack[this.stack.length - 1]
    if (parent === undefined) {
      this.top.push(node)
    } else {
      parent.content.push(node)
      parent.children++
    }
  }

  /** Each gap between elements that is not empty votes for the rule that it would follow from. */
  private vote(element: RawElement, depth: number): void {
    const gaps = gapsOf(element)
    for (const [position, gap] of gaps.entries()) {
      const rule = ruleFromGap(gap, position === gaps.length - 1 ? depth : depth + 1)
      if (rule !== undefined && rule !== '') this.votes.set(rule, (this.votes.get(rule) ?? 0) + 1)
    }
  }

  /** The rule that most gaps follow; of equals, the one seen first; none if nothing is indented. */
  private winner(): string {
    let winner = ''
    let most = 0
    for (const [rule, count] of this.votes) {
      if (count > most) {
        winner = rule
        most = count
      }
    }
    return winner
  }

  private convert(element: RawElement, depth: number, inherited: string): BlockNode {
    this.count(1 + element.attributes.length)
    const children: DocumentNode[] = [...element.attributes]
    if (element.mixed || element.children === 0) {
      for (const item of element.content) {
        if (typeof item === 'string') {
          this.count(1)
          children.push(text(TEXT, item))
        } else {
          children.push(this.convertChild(item, depth, inherited))
        }
      }
      return block(element.name, children)
    }
    const gaps = gapsOf(element)
    const rule = cheapestRule(gaps, depth, inherited)
    if (rule !== inherited) {
      this.count(1)
      children.push(text(INDENT, rule))
    }
    let position = 0
    const addGap = () => {
      const gap = gaps[position] as string
      const last = position === gaps.length - 1
      position++
      if (gap === spaceAt(rule, last ? depth : depth + 1)) return
      this.count(1)
      children.push(text(SPACE, gap))
    }
    for (const item of element.content) {
      if (typeof item === 'string') continue
      addGap()
      children.push(this.convertChild(item, depth, rule))
    }
    addGap()
    return block(element.name, children)
  }

  private convertChild(item: RawElement | FieldNode, depth: number, rule: string): DocumentNode {
    if (isRaw(item)) return this.convert(item, depth + 1, rule)
    this.count(1)
    return item
  }

  /** Text and white space make nodes that the reader has not counted. */
  private count(added: number): void {
    this.nodes += added
    if (this.nodes > this.limitNodes) {
      throw new CountersignError(
        'too-large',
        `An XML document may make at most ${this.limitNodes} blocks and fields; this one makes more.`,
      )
    }
  }
}

function isRaw(item: RawElement | FieldNode): item is RawElement {
  return !('kind' in item)
}

function isLeaf(element: RawElement): boolean {
  return element.children === 0 && element.attributes.length === 0
}

/** White space before each child and before the end tag; only for elements that are not mixed. */
function gapsOf(element: RawElement): string[] {
  const gaps: string[] = []
  let gap = ''
  for (const item of element.content) {
    if (typeof item === 'string') {
      gap += item
    } else {
      gaps.push(gap)
      gap = ''
    }
  }
  gaps.push(gap)
  return gaps
}

/** The rule that leaves the fewest fields to keep: the inherited one, none, or that of the block's first gap. */
function cheapestRule(gaps: readonly string[], depth: number, inherited: string): string {
  const cost = (rule: string) => {
    const between = spaceAt(rule, depth + 1)
    const last = gaps.length - 1
    let misses = gaps[last] === spaceAt(rule, depth) ? 0 : 1
    for (let position = 0; position < last; position++) if (gaps[position] !== between) misses++
    return misses
  }
  let best = inherited
  let least = cost(inherited)
  for (const candidate of ['', ruleFromGap(gaps[0] as string, depth + 1)]) {
    if (candidate === undefined || candidate === inherited || least <= 1) continue
    const total = cost(candidate) + 1
    if (total < least) {
      best = candidate
      least = total
    }
  }
  return best
}
