/** Random XML documents for properties: well-formed, namespace-aware, and laid out in every way that people and tools do. */
import fc from 'fast-check'

interface Shape {
  prefix: string
  local: string
  attributes: [string, string][]
  declarations: [string, string][]
  /** What stands between children: nothing, a regular indent, or anything. */
  layout: 'none' | 'regular' | 'anything'
  selfClosing: boolean
  children: Part[]
}

type Part = { element: Shape } | { source: string; isText: boolean }

const PREFIXES = ['', 'p', 'q']
const URIS = ['urn:a', 'urn:b', 'http://x/?a=1&amp;b=2', 'urn:ä ']
const SPACES = ['', ' ', '\n', '\r\n', '\t', '\n  ', '\n\n', '&#13;', '&#32;', '<!-- c -->', '\n <!----> \n']

const local = fc.constantFrom('a', 'b', 'item', 'Ä-1', 'x.y', 'element', 'contract', '__proto__')
const characters = fc
  .array(
    fc.constantFrom(
      'x',
      ' ',
      '\n',
      '\t',
      '\r',
      '&lt;',
      '&amp;',
      '>',
      '&gt;',
      '&#13;',
      '&#9;',
      '&#10;',
      '&#x1F642;',
      '🙂',
      'é',
      '\u0085',
      '\u2028',
      '&quot;',
      '&apos;',
      // With the space no "]]>" can come about, which text may not hold.
      '] ',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))

const textPart: fc.Arbitrary<Part> = fc.oneof(
  characters.map((source) => ({ source, isText: true })),
  fc
    .constantFrom(' ', '<![CDATA[]]>', '<![CDATA[<a>&amp;]]]]>', '<!-- -x- -->')
    .map((source) => ({ source, isText: true })),
)
const instruction: fc.Arbitrary<Part> = fc
  .constantFrom('<?pi?>', '<?pi  some data ?>', '<?x a="1"?b?>', '<?y a??>')
  .map((source) => ({ source, isText: false }))

const attribute = fc.tuple(
  fc.constantFrom('k', 'l', 'xml:lang', 'p:k', 'q:k', '__proto__'),
  characters.map((value) => value.replace(/"/g, '')),
)
const declaration = fc.tuple(fc.constantFrom(...PREFIXES), fc.constantFrom(...URIS, ''))

const { element } = fc.letrec<{ element: Shape; part: Part }>((tie) => ({
  element: fc.record({
    prefix: fc.constantFrom(...PREFIXES),
    local,
    attributes: fc.uniqueArray(attribute, { maxLength: 3, selector: ([name]) => name }),
    declarations: fc.uniqueArray(declaration, { maxLength: 2, selector: ([prefix]) => prefix }),
    layout: fc.constantFrom('none', 'regular', 'regular', 'anything'),
    selfClosing: fc.boolean(),
    children: fc.array(tie('part'), { maxLength: 4, depthIdentifier: 'xml' }),
  }),
  part: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'xml', withCrossShrink: true },
    textPart,
    instruction,
    tie('element').map((shape): Part => ({ element: shape })),
    tie('element').map((shape): Part => ({ element: shape })),
  ),
}))

/** A document and the seed of its irregular white space, which is drawn from `SPACES` by position. */
export const randomXml: fc.Arbitrary<string> = fc
  .record({
    root: element,
    unit: fc.constantFrom('', '  ', '\t', ' \t', '        ', '         '),
    dropText: fc.boolean(),
    spaces: fc.array(fc.constantFrom(...SPACES), { minLength: 1, maxLength: 7 }),
    prolog: fc.constantFrom(
      '',
      '<?xml version="1.0"?>',
      '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n',
    ),
    before: fc.constantFrom('', '<?style sheet?>', '<!-- c -->\n', '\n<?a?>\n<?b c?>\n'),
    after: fc.constantFrom('', '\n', '<?end?>', '\n<!-- c -->\n<?end x?>\n'),
  })
  .map(({ root, unit, dropText, spaces, prolog, before, after }) => {
    let drawn = 0
    const draw = () => spaces[drawn++ % spaces.length] as string
    const body = write(root, 0, { unit, dropText, draw, scope: new Map([['', '']]) })
    return `${prolog}${before}${body}${after}`
  })

interface Layout {
  unit: string
  /** Leave text out beside elements, so that many elements have element content only. */
  dropText: boolean
  draw: () => string
  scope: ReadonlyMap<string, string>
}

function write(shape: Shape, depth: number, layout: Layout): string {
  const scope = new Map(layout.scope)
  const declarations = shape.declarations.filter(([prefix, uri]) => prefix === '' || uri !== '')
  for (const [prefix, uri] of declarations) scope.set(prefix, uri)
  const prefix = scope.has(shape.prefix) ? shape.prefix : ''
  const name = prefix === '' ? shape.local : `${prefix}:${shape.local}`
  const written = new Set<string>()
  const attributes = shape.attributes.filter(([attributeName]) => {
    const [first, second] = attributeName.split(':')
    if (second === undefined || first === 'xml') return true
    const uri = scope.get(first as string)
    // Two prefixes of one namespace would make the same attribute twice.
    if (uri === undefined || written.has(`${uri.trim()} ${second}`)) return false
    written.add(`${uri.trim()} ${second}`)
    return true
  })
  const start = [
    name,
    ...declarations.map(([declared, uri]) => `xmlns${declared === '' ? '' : `:${declared}`}="${uri}"`),
    ...attributes.map(([attributeName, value]) => `${attributeName}="${value}"`),
  ].join(layout.draw() === '\n' ? '\n\t' : ' ')
  const hasElements = shape.children.some((part) => 'element' in part)
  const children = shape.children.filter(
    (part) => !(layout.dropText && hasElements && 'isText' in part && part.isText),
  )
  if (children.length === 0 && shape.selfClosing) return `<${start}/>`
  const gap = (level: number) => {
    if (shape.layout === 'none') return ''
    return shape.layout === 'regular' ? `\n${layout.unit.repeat(level)}` : layout.draw()
  }
  const inner = children.map((part) => {
    const source = 'element' in part ? write(part.element, depth + 1, { ...layout, scope }) : part.source
    return hasElements ? gap(depth + 1) + source : source
  })
  const closing = children.length > 0 && hasElements ? gap(depth) : ''
  return `<${start}>${inner.join('')}${closing}</${name}>`
}
