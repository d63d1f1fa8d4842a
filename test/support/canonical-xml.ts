/**
 * Canonical XML 1.0 (inclusive, without comments; W3C REC-xml-c14n-20010315) of a whole document without a DTD, written
 * over parser events and independent of the document room, so that tests can say "equal after canonicalisation".
 */
import { SaxesParser } from 'saxes'

interface OpenElement {
  name: string
  /** Namespaces in scope as output so far, by prefix. */
  namespaces: ReadonlyMap<string, string>
}

/** The canonical form; throws what the parser throws if the text is not well-formed. */
export function canonicalXml(xml: string): string {
  const parser = new SaxesParser({ xmlns: true })
  const output: string[] = []
  const open: OpenElement[] = []
  let sawRoot = false

  parser.on('doctype', () => {
    throw new Error('a document with a DTD cannot be canonicalised here')
  })
  parser.on('opentag', (tag) => {
    sawRoot = true
    const inherited = open.at(-1)?.namespaces ?? new Map<string, string>()
    const namespaces = new Map(inherited)
    const declarations: { prefix: string; uri: string }[] = []
    const attributes: { name: string; uri: string; local: string; value: string }[] = []
    for (const attribute of Object.values(tag.attributes)) {
      const { name, prefix, local, uri, value } = attribute
      if (name === 'xmlns' || prefix === 'xmlns') {
        const declared = name === 'xmlns' ? '' : local
        if (declared === 'xml' || (inherited.get(declared) ?? '') === value) continue
        declarations.push({ prefix: declared, uri: value })
        namespaces.set(declared, value)
      } else {
        attributes.push({ name, uri: prefix === '' ? '' : uri, local, value })
      }
    }
    declarations.sort((a, b) => compareCodePoints(a.prefix, b.prefix))
    attributes.sort((a, b) => compareCodePoints(a.uri, b.uri) || compareCodePoints(a.local, b.local))
    output.push(`<${tag.name}`)
    for (const { prefix, uri } of declarations) {
      output.push(` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`)
    }
    for (const { name, value } of attributes) output.push(` ${name}="${escapeAttribute(value)}"`)
    output.push('>')
    open.push({ name: tag.name, namespaces })
  })
  parser.on('closetag', () => {
    output.push(`</${(open.pop() as OpenElement).name}>`)
  })
  const characters = (value: string) => {
    if (open.length > 0) output.push(escapeText(value))
  }
  parser.on('text', characters)
  parser.on('cdata', characters)
  parser.on('processinginstruction', ({ target, body }) => {
    const instruction = `<?${target}${body === '' ? '' : ` ${body}`}?>`
    if (open.length > 0) output.push(instruction)
    else output.push(sawRoot ? `\n${instruction}` : `${instruction}\n`)
  })
  parser.write(xml).close()
  return output.join('')
}

/** Order by code points, which is that of UTF-8 but not of UTF-16 units. */
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, (character) => character.codePointAt(0) as number)
  const right = Array.from(b, (character) => character.codePointAt(0) as number)
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] as number) - (right[index] as number)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function escapeText(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/\r/g, '&#xD;')
}

function escapeAttribute(value: string): string {
  return value
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/"/g, '&quot;')
    .replace(/\t/g, '&#x9;')
    .replace(/\n/g, '&#xA;')
    .replace(/\r/g, '&#xD;')
}
