/** Inputs made to be expensive: families of one size each, aimed at the parsers by their grammar. */

/** size: about how many bytes. */
export type Family = { name: string; make(size: number): string }

const repeat = (part: string, size: number): string => part.repeat(Math.ceil(size / part.length))
const numbered = (size: number, make: (index: number) => string): string => {
  const parts: string[] = []
  for (let length = 0; length < size; length += (parts.at(-1) as string).length)
    parts.push(make(parts.length))
  return parts.join('')
}

/** One part over and over: for every parser of texts. */
export const REPEATED: readonly Family[] = [
  ...[
    ',',
    '[',
    ']',
    '{',
    '}',
    ':',
    '"',
    '\\',
    '-',
    '.',
    'e',
    '1',
    ' ',
    '\n',
    '\r\n',
    '\t',
    '/',
    '~',
    '&',
    ';',
    '<',
    '>',
  ],
  ...[
    'a',
    '+',
    '—',
    '=',
    "'",
    '\u00e9',
    '\u{1f600}',
    '\ufeff',
    '"\\',
    '[]',
    '{}',
    '[[],',
    '{"a":',
    '[1]',
    '~0',
    '/a',
  ],
  ...[
    '\n\n',
    '— a ',
    '-----',
    '::',
    '%',
    '(',
    'true',
    'null',
    '-1',
    '1e',
    '\u2028',
    '\u0000',
    '\ud800',
    '<a',
    '</a>',
  ],
].map((part) => ({ name: `${JSON.stringify(part)} over and over`, make: (size) => repeat(part, size) }))

const JSON_FAMILIES: readonly Family[] = [
  {
    name: 'arrays within one another, that end',
    make: (size) => `${repeat('[', size / 2)}${repeat(']', size / 2)}`,
  },
  {
    name: 'objects within one another, that end',
    make: (size) => `${'{"a":'.repeat(size / 6)}1${'}'.repeat(size / 6)}`,
  },
  { name: 'many numbers', make: (size) => `[${repeat('0,', size)}0]` },
  { name: 'many texts', make: (size) => `[${repeat('"a",', size)}0]` },
  { name: 'many empty objects', make: (size) => `[${repeat('{},', size)}0]` },
  {
    name: 'many arrays to the limit of depth',
    make: (size) => `[${repeat(`${'['.repeat(60)}${']'.repeat(60)},`, size)}0]`,
  },
  { name: 'many names', make: (size) => `{${numbered(size, (index) => `"k${index}":0,`)}"z":0}` },
  {
    name: 'many names, falling',
    make: (size) => `{${numbered(size, (index) => `"k${99_999_999 - index}":0,`)}"z":0}`,
  },
  {
    name: 'many objects of other names',
    make: (size) => `[${numbered(size, (index) => `{"k${index}":0},`)}0]`,
  },
  { name: 'one name over and over', make: (size) => `{${repeat('"a":0,', size)}"a":0}` },
  {
    name: 'a name twice behind many others',
    make: (size) => `{${numbered(size, (index) => `"k${index}":0,`)}"k0":0}`,
  },
  { name: 'a name twice behind a long text', make: (size) => `{"x":"${repeat('a', size)}","a":0,"a":0}` },
  { name: 'a name twice behind escapes', make: (size) => `{"x":"${repeat('\\"', size)}","a":0,"a":0}` },
  {
    name: 'a long name twice',
    make: (size) => `{"${repeat('a', size / 2)}":0,"${repeat('a', size / 2)}":0}`,
  },
  { name: 'a name twice in each of many objects within', make: (size) => `${repeat('{"a":0,"b":', size)}0` },
  { name: 'a long text', make: (size) => `"${repeat('a', size)}"` },
  { name: 'a long text of escapes', make: (size) => `"${repeat('\\u0041', size)}"` },
  { name: 'a long text of escaped backslashes', make: (size) => `"${repeat('\\\\', size)}"` },
  { name: 'a text that does not end', make: (size) => `["${repeat('a', size)}` },
  { name: 'many texts that end one another', make: (size) => `[${repeat('"a""', size)}` },
  { name: 'a long number', make: (size) => repeat('9', size) },
  { name: 'a long fraction', make: (size) => `0.${repeat('0', size)}1` },
  { name: 'a long exponent', make: (size) => `1e${repeat('0', size)}1` },
  { name: 'many long numbers', make: (size) => `[${repeat(`${'1'.repeat(40)}e2,`, size)}0]` },
  { name: 'many small numbers with exponents', make: (size) => `[${repeat('1e1,', size)}0]` },
  { name: 'white space around everything', make: (size) => `[${repeat(' 1 ,\n\t', size)} 0 ]` },
  { name: 'white space in empty lists', make: (size) => `[${repeat('[          ],', size)}0]` },
  { name: 'white space before the end', make: (size) => `[1${repeat(' ', size)}` },
  { name: 'characters beyond ASCII', make: (size) => `"${repeat('\u00e9\u2028\u{1f600}', size / 3)}"` },
]

const XML_FAMILIES: readonly Family[] = [
  {
    name: 'elements within one another',
    make: (size) => `${repeat('<a>', size / 2)}${repeat('</a>', size / 2)}`,
  },
  { name: 'many elements', make: (size) => `<r>${repeat('<a/>', size)}</r>` },
  {
    name: 'many elements of other names',
    make: (size) => `<r>${numbered(size, (index) => `<e${index}/>`)}</r>`,
  },
  { name: 'many attributes', make: (size) => `<r ${numbered(size, (index) => `a${index}="" `)}/>` },
  { name: 'one attribute over and over', make: (size) => `<r ${repeat('a="" ', size)}/>` },
  { name: 'many declarations', make: (size) => `<r ${numbered(size, (index) => `xmlns:p${index}="u" `)}/>` },
  {
    name: 'many declarations that all attributes look up',
    make: (size) => {
      const each = (make: (index: number) => string) =>
        Array.from({ length: size / 32 }, (_, index) => make(10_000 + index)).join('')
      return `<r ${each((index) => `xmlns:p${index}="u${index}" `)}${each((index) => `p${index}:a="" `)}/>`
    },
  },
  {
    name: 'one default namespace after the other',
    make: (size) => `<r>${repeat('<a xmlns="u"/><a xmlns=""/>', size)}</r>`,
  },
  { name: 'a long name', make: (size) => `<${repeat('a', size)}/>` },
  { name: 'a long prefix', make: (size) => `<${repeat('p', size)}:a/>` },
  { name: 'many colons', make: (size) => `<a${repeat(':a', size)}/>` },
  { name: 'a long attribute', make: (size) => `<a k="${repeat('x\n', size)}"/>` },
  { name: 'an attribute that does not end', make: (size) => `<a k="${repeat('x ', size)}` },
  { name: 'many references', make: (size) => `<a>${repeat('&amp;', size)}</a>` },
  { name: 'many character references', make: (size) => `<a>${repeat('&#x41;', size)}</a>` },
  { name: 'a long character reference', make: (size) => `<a>&#${repeat('0', size)}65;</a>` },
  { name: 'a reference that does not end', make: (size) => `<a>&${repeat('a', size)}</a>` },
  { name: 'a reference of many lines', make: (size) => `<a>&${repeat('\n', size)};</a>` },
  {
    name: 'entities that multiply',
    make: (size) =>
      `<!DOCTYPE r [<!ENTITY e0 "ha">${numbered(size, (index) => `<!ENTITY e${index + 1} "&e${index};&e${index};">`)}]><r>&e9;</r>`,
  },
  {
    name: 'an entity of great size, referred to again and again',
    make: (size) => `<!DOCTYPE r [<!ENTITY e "${repeat('a', size / 2)}">]><r>${repeat('&e;', size / 2)}</r>`,
  },
  { name: 'a long DOCTYPE', make: (size) => `<!DOCTYPE r ${repeat('[<', size)}` },
  { name: 'a long comment', make: (size) => `<r><!--${repeat('- ', size)}--></r>` },
  { name: 'many comments', make: (size) => `<r>${repeat('a<!---->', size)}</r>` },
  { name: 'a long section of CDATA', make: (size) => `<r><![CDATA[${repeat(']] ', size)}]]></r>` },
  { name: 'many sections of CDATA', make: (size) => `<r>${repeat('<![CDATA[]]>', size)}</r>` },
  { name: 'many brackets in text', make: (size) => `<r>${repeat(']', size)}</r>` },
  { name: 'many processing instructions', make: (size) => `<r>${repeat('<?a b??>', size)}</r>` },
  { name: 'a long processing instruction', make: (size) => `<?a ${repeat('? ', size)}?><r/>` },
  { name: 'elements without an end', make: (size) => `<r>${repeat('<a>', 180)}${repeat('<a/>', size)}` },
  { name: 'ends without an element', make: (size) => `<r>${repeat('</a>', size)}` },
  {
    name: 'white space that never repeats',
    make: (size) => `<r>${numbered(size, (index) => `${' '.repeat(index % 97)}<b/>`)}</r>`,
  },
  { name: 'regular white space', make: (size) => `<r>${repeat('\n  <b>\n    <c/>\n  </b>', size)}\n</r>` },
  {
    name: 'a long run of white space',
    make: (size) => `<r>${repeat(' ', size)}<b/>${repeat('\n', size)}</r>`,
  },
  { name: 'line ends of every kind', make: (size) => `<r>${repeat('\r\n\r\u0085\u2028', size / 3)}</r>` },
]

const base64 = (size: number) => 'A'.repeat(Math.ceil(size / 4) * 4)
const TEXT_FAMILIES: Readonly<Record<string, readonly Family[]>> = {
  'a note': [
    { name: 'many signatures', make: (size) => `a\n\n${repeat(`— a ${base64(100)}\n`, size)}` },
    { name: 'a long signature', make: (size) => `a\n\n— a ${base64(size)}\n` },
    { name: 'a long name', make: (size) => `a\n\n— ${repeat('a', size)} ${base64(100)}\n` },
    { name: 'many words in a line', make: (size) => `a\n\n—${repeat(' a', size)}\n` },
    { name: 'a long body', make: (size) => `${repeat('a\n', size)}\n— a ${base64(100)}\n` },
    { name: 'many empty lines', make: (size) => `${repeat('a\n\n', size)}— a ${base64(100)}\n` },
  ],
  'a checkpoint': [
    { name: 'many extension lines', make: (size) => `a\n1\n${base64(44)}\n${repeat('e\n', size)}` },
    { name: 'a long extension line', make: (size) => `a\n1\n${base64(44)}\n${repeat('e', size)}\n` },
    { name: 'a long origin', make: (size) => `${repeat('a', size)}\n1\n${base64(44)}\n` },
    { name: 'a long size', make: (size) => `a\n${repeat('1', size)}\n${base64(44)}\n` },
    { name: 'a long hash', make: (size) => `a\n1\n${base64(size)}\n` },
  ],
  'a cosignature line': [{ name: 'a long signature', make: (size) => `— a ${base64(size)}` }],
  'a verifier key': [
    { name: 'a long name', make: (size) => `${repeat('a', size)}+01234567+AAAA` },
    { name: 'a long key', make: (size) => `a+01234567+${base64(size)}` },
  ],
  'a path': [
    { name: 'many segments', make: (size) => repeat('/a', size) },
    { name: 'many indexes', make: (size) => repeat('/a[1]', size) },
    { name: 'a long name of escapes', make: (size) => `/${repeat('~0~1~2', size)}` },
    { name: 'many brackets in a segment', make: (size) => `/a${repeat('[1]', size)}` },
    { name: 'a long index', make: (size) => `/a[${repeat('1', size)}]` },
  ],
  'a fingerprint': [{ name: 'many colons in it', make: (size) => `${repeat('a:', size)}` }],
  'an address': [
    { name: 'a long host', make: (size) => `${repeat('a.', size)}:1` },
    { name: 'a long IPv6 address', make: (size) => `[${repeat('0:', size)}]:1` },
    { name: 'a long port', make: (size) => `a:${repeat('1', size)}` },
  ],
  'a private key': [
    {
      name: 'many lines',
      make: (size) => `-----BEGIN PRIVATE KEY-----\n${repeat('AAAA\n', size)}-----END PRIVATE KEY-----\n`,
    },
    { name: 'no end', make: (size) => `-----BEGIN PRIVATE KEY-----\n${repeat('AAAA\n', size)}` },
    { name: 'many begins', make: (size) => repeat('-----BEGIN PRIVATE KEY-----\n', size) },
    {
      name: 'white space around',
      make: (size) =>
        `${repeat('\n', size / 2)}-----BEGIN A-----\nA\n-----END A-----${repeat(' ', size / 2)}x`,
    },
  ],
  'a value of type decimal': [{ name: 'many digits', make: (size) => `1.${repeat('1', size)}e1` }],
  'a value of type text': [{ name: 'beyond ASCII', make: (size) => repeat('\u00e9', size / 2) }],
}

/** The families for a parser: those of its grammar, and its own. */
export function familiesOf(parser: string, grammar: 'json' | 'xml' | 'text'): Family[] {
  return [
    ...(grammar === 'json' ? JSON_FAMILIES : []),
    ...(grammar === 'xml' ? XML_FAMILIES : []),
    ...(TEXT_FAMILIES[parser] ?? []),
  ]
}
