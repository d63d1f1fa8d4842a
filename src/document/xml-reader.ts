/**
 * Reads hostile XML: XML 1.0 with namespaces, UTF-8, without a document type. The parser is saxes, which is strict,
 * fetches nothing and expands nothing but the five predefined entities and character references; this file adds what
 * it leaves to its caller: limits, encodings, and refusing every DOCTYPE.
 */
import { type SaxesAttributeNS, SaxesParser } from 'saxes'
import { CountersignError, type ErrorCode } from '../crypto/errors.ts'
import { MAX_NAME_LENGTH, quoteShort } from './names.ts'
import { decodeSource } from './source.ts'
import type { DocumentLimits } from './tree.ts'
import { MAX_TEXT_BYTES, utf8Length } from './types.ts'

/** What is told of a document, in document order. Comments, the declaration and CDATA marks are not. */
export interface XmlHandler {
  open(name: string, attributes: readonly XmlAttribute[]): void
  /** Character data, never two calls without another in between; white space outside the document element is left out. */
  text(value: string): void
  instruction(target: string, body: string): void
  close(): void
}

/** An attribute or namespace declaration, its name as written, its value normalised (XML 1.0 §3.3.3). */
export interface XmlAttribute {
  name: string
  value: string
}

/** Refuses the document at the place that has been read up to. */
type XmlFail = (code: Extract<ErrorCode, 'bad-xml' | 'too-large'>, reason: string) => never

/**
 * Reads a document, telling it to the handler.
 *
 * @param source UTF-8 bytes, with or without a byte order mark, or a string
 * @throws CountersignError `bad-xml` or `too-large`, the message giving line and column
 */
export function readXml(source: Uint8Array | string, limits: DocumentLimits, handler: XmlHandler): void {
  const input = decodeSource(source, limits.sizeBytes, 'XML')
  const parser = new SaxesParser({ xmlns: true, position: false })
  const fail: XmlFail = (code, reason) => {
    throw new CountersignError(code, `XML line ${parser.line}, column ${parser.column}: ${reason}`, {
      line: parser.line,
      column: parser.column,
    })
  }
  attach(parser, limits, fail, handler)
  try {
    parser.write(input).close()
  } catch (thrown) {
    if (thrown instanceof CountersignError) throw thrown
    throw new CountersignError('bad-xml', 'The XML cannot be read.', undefined, { cause: thrown })
  }
}

function attach(
  parser: SaxesParser<{ xmlns: true; position: false }>,
  limits: DocumentLimits,
  fail: XmlFail,
  handler: XmlHandler,
): void {
  let depth = 0
  let nodes = 0
  let attributes: XmlAttribute[] = []
  let pieces: string[] = []

  const countNode = () => {
    nodes++
    if (nodes > limits.nodes)
      fail('too-large', `a document may have at most ${limits.nodes} elements and attributes.`)
  }
  /** `sign` is what stands before the name in the tree, and counts. */
  const checkNameLength = (name: string, sign: '' | '@' | '?') => {
    const limit = MAX_NAME_LENGTH - sign.length
    if (name.length > limit)
      fail('too-large', `the name ${quoteShort(name)} is longer than ${limit} characters.`)
  }
  const checkTextLength = (value: string) => {
    if (value.length * 3 > MAX_TEXT_BYTES && utf8Length(value) > MAX_TEXT_BYTES) {
      fail('too-large', `one text may have at most ${MAX_TEXT_BYTES} bytes.`)
    }
  }
  // Text arrives in pieces, split by comments, CDATA and references; the handler gets it whole.
  const flushText = () => {
    if (pieces.length === 0) return
    const value = pieces.length === 1 ? (pieces[0] as string) : pieces.join('')
    pieces = []
    checkTextLength(value)
    handler.text(value)
  }
  const takeText = (piece: string) => {
    if (depth > 0 && piece !== '') pieces.push(piece)
  }

  parser.on('error', (error) => fail('bad-xml', cut(error.message)))
  parser.on('doctype', () => fail('bad-xml', 'a DOCTYPE is not taken in, nor are entities; remove it.'))
  parser.on('xmldecl', ({ version, encoding }) => {
    if (version !== '1.0') fail('bad-xml', 'only XML version 1.0 is taken in.')
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
      fail('bad-xml', `the encoding ${quoteShort(encoding)} is not taken in; convert the document to UTF-8.`)
    }
  })
  parser.on('opentagstart', (tag) => {
    flushText()
    depth++
    if (depth > limits.depth) fail('too-large', `elements may be nested at most ${limits.depth} deep.`)
    checkNameLength(tag.name, '')
    countNode()
    attributes = []
  })
  parser.on('attribute', ({ name, value }: Pick<SaxesAttributeNS, 'name' | 'value'>) => {
    checkNameLength(name, '@')
    checkTextLength(value)
    countNode()
    attributes.push({ name, value })
  })
  parser.on('opentag', (tag) => handler.open(tag.name, attributes))
  parser.on('text', takeText)
  parser.on('cdata', takeText)
  parser.on('processinginstruction', ({ target, body }) => {
    flushText()
    checkNameLength(target, '?')
    // saxes takes the malformed `<?a?b?>` for `<?a ?b?>` and does not tell which it was.
    if (body.startsWith('?')) fail('bad-xml', 'a processing instruction may not begin with a question mark.')
    checkTextLength(body)
    countNode()
    handler.instruction(target, body)
  })
  parser.on('closetag', () => {
    flushText()
    depth--
    handler.close()
  })
}

/** A message of the parser's, which may quote the document at any length. */
function cut(message: string): string {
  return message.length > 200 ? `${message.slice(0, 200)}…` : message
}
