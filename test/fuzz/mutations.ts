/** How genuine inputs are altered: by the grammar of JSON, and byte by byte. Deterministic, so that fast-check can shrink. */
import fc from 'fast-check'
import {
  type ArrayTree,
  at,
  leaf,
  type ObjectTree,
  type Place,
  placesIn,
  put,
  type Tree,
} from './json-tree.ts'

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`

/** Texts to stand where a JSON value is expected. */
export const VALUES: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e2',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '123456789012345678901234567890',
  '01',
  '+1',
  'NaN',
  'Infinity',
  'undefined',
  '""',
  '" "',
  '"\\u0000"',
  '"\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u202e"',
  '"__proto__"',
  '"constructor"',
  '"two-checkpoints"',
  '"SKIP"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"":0}',
  '{"__proto__":{"type":"SKIP","polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":1,"a":2}',
  '{"length":4294967295}',
  '"\\u"',
  "'a'",
  '"unended',
]

const LARGE_VALUES: readonly (() => string)[] = [
  () => nested(60, '[', ']'),
  () => nested(64, '[', ']'),
  () => nested(70, '{"a":', '}'),
  () => nested(100_000, '[', ']'),
  () => '['.repeat(100_000),
  () => '{"a":'.repeat(50_000),
  () => `"${'a'.repeat(70_000)}"`,
  () => `"${'\\u0041'.repeat(10_000)}"`,
  () => '9'.repeat(50_000),
  () => `0.${'0'.repeat(50_000)}1`,
  () => `[${'0,'.repeat(70_000)}0]`,
  () => `[${'[],'.repeat(30_000)}0]`,
  () => `{${Array.from({ length: 3000 }, (_, index) => `"k${index}":0`).join(',')}}`,
  () => ','.repeat(100_000),
  () => ' '.repeat(100_000),
]

const NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', '', 'x', '0', ' '],
  ...[
    'type',
    'kind',
    'op',
    'party',
    'previous',
    'x509',
    'earlier',
    'batch',
    'block',
    'code',
    'value',
    'lineage',
  ],
  ...['epoch', 'vote', 'view', 'signature', 'notarization', 'finalization', 'effects', 'cosignature'],
].map((name) => JSON.stringify(name))

/** One alteration of a tree: what is chosen from is chosen by number, modulo how much there is. */
export type TreeMutation = { how: (typeof HOWS)[number]; place: number; other: number; value: number }

const HOWS = [
  'replace',
  'replace-large',
  'delete',
  'duplicate',
  'insert',
  'rename',
  'swap',
  'graft',
  'wrap',
  'unwrap',
  'repeat',
  'respell',
  'recount',
  'reverse',
] as const

export const treeMutations: fc.Arbitrary<TreeMutation[]> = fc.array(
  fc.record({
    how: fc.oneof(
      { weight: 19, arbitrary: fc.constantFrom(...HOWS.filter((how) => how !== 'replace-large')) },
      { weight: 1, arbitrary: fc.constant('replace-large' as const) },
    ),
    place: fc.nat(),
    other: fc.nat(),
    value: fc.nat(),
  }),
  { minLength: 1, maxLength: 4 },
)

/** A tree with more is large enough. */
const PLACES_MAX = 3000

/** The tree with alterations made in it; donor: another genuine one, parts of which are grafted on. */
export function mutateTree(tree: Tree, donor: Tree, mutations: readonly TreeMutation[]): Tree {
  const holder: ArrayTree = { kind: 'array', items: [structuredClone(tree)] }
  const parts = placesIn({ kind: 'array', items: [donor] })
  for (const mutation of mutations) {
    const places = placesIn(holder)
    if (places.length === 0 || places.length > PLACES_MAX) break
    mutate(places, parts, mutation)
  }
  return holder.items[0] ?? leaf('')
}

const pick = <T>(list: readonly T[], number: number): T => list[number % list.length] as T

function mutate(places: readonly Place[], parts: readonly Place[], mutation: TreeMutation): void {
  const { how, other, value } = mutation
  const place = pick(places, mutation.place)
  const { parent, index } = place
  if (how === 'delete') (parent.kind === 'array' ? parent.items : parent.members).splice(index, 1)
  else if (how === 'duplicate') insert(parent, other, at(place), nameAt(place))
  else if (how === 'insert') insert(parent, other, leaf(pick(VALUES, value)), pick(NAMES, value))
  else if (how === 'rename' && parent.kind === 'object')
    (parent.members[index] as { name: string }).name = pick([...NAMES, ...namesOf(parent)], value)
  else if (how === 'swap') {
    const there = pick(places, other)
    const [one, two] = structuredClone([at(place), at(there)]) as [Tree, Tree]
    put(there, one)
    put(place, two)
  } else put(place, replacement(at(place), parts, mutation))
}

/** What is to stand in the place of a tree. */
function replacement(here: Tree, parts: readonly Place[], { how, other, value }: TreeMutation): Tree {
  if (how === 'replace') return leaf(pick(VALUES, value))
  if (how === 'replace-large') return leaf(pick(LARGE_VALUES, value)())
  if (how === 'graft') return structuredClone(at(pick(parts, other)))
  if (how === 'wrap' && value % 2 === 0) return { kind: 'array', items: [here] }
  if (how === 'wrap') return { kind: 'object', members: [{ name: pick(NAMES, other), value: here }] }
  if (how === 'repeat') {
    const length = pick([2, 17, 65, 257, 1025], value)
    return { kind: 'array', items: Array.from({ length }, () => here) }
  }
  if (here.kind === 'leaf') {
    if (how === 'respell') return leaf(respelt(here.text, other, value))
    return how === 'recount' ? leaf(recounted(here.text, value)) : here
  }
  const below = here.kind === 'array' ? here.items : here.members.map((member) => member.value)
  if (how === 'unwrap' && below.length > 0) return pick(below, other)
  if (how === 'reverse' && here.kind === 'array') return { ...here, items: here.items.toReversed() }
  if (how === 'reverse' && here.kind === 'object') return { ...here, members: here.members.toReversed() }
  return here
}

const namesOf = (tree: ObjectTree): string[] => tree.members.map(({ name }) => name)

function nameAt({ parent, index }: Place): string {
  return parent.kind === 'array' ? '"item"' : (parent.members[index] as { name: string }).name
}

function insert(parent: ArrayTree | ObjectTree, number: number, value: Tree, name: string): void {
  if (parent.kind === 'array') parent.items.splice(number % (parent.items.length + 1), 0, value)
  else parent.members.splice(number % (parent.members.length + 1), 0, { name, value })
}

/** A string spelt another way, or another string; anything else cut off. */
function respelt(text: string, position: number, how: number): string {
  if (!text.startsWith('"')) return text.slice(0, -1)
  const inner = text.slice(1, -1)
  const before = inner.slice(0, position % (inner.length + 1))
  const after = inner.slice(before.length)
  const spellings = [
    `${before}b${after.slice(1)}`,
    `${before}\\u0041${after.slice(1)}`,
    before,
    `${inner}A`,
    `${inner}=`,
    ` ${inner}`,
    `${inner}\\n`,
    `${inner}\\r\\n`,
    inner.toUpperCase(),
    `${before}\\u0000${after}`,
    `${before}\\ud800${after}`,
    `${before}\u202e${after}`,
    `${before}\ufeff${after}`,
    `${before}é${after}`,
    `${before}\u0001${after}`,
    `${inner}${inner}`,
    inner.repeat(300),
    // Every unit escaped: another spelling of the same string.
    Array.from(
      inner.replaceAll(/\\./gs, 'a'),
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ).join(''),
    // The unused bits of the last digit of base64.
    inner.replace(/.$/s, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
  ]
  return `"${pick(spellings, how)}"`
}

/** A number spelt another way, or another number. */
function recounted(text: string, how: number): string {
  if (!/^-?\d+$/.test(text)) return text
  const spellings = [
    `${text}.0`,
    `${text}e0`,
    `${text}0e-1`,
    `-${text}`,
    `${text}1`,
    `${Number(text) + 1}`,
    `${Number(text) - 1}`,
    `${text}.5`,
    `"${text}"`,
    `${text}e308`,
    `0${text}`,
    ` ${text}\t`,
  ]
  return pick(spellings, how)
}

/** One alteration of bytes. */
export type ByteMutation = { how: number; place: number; length: number; bytes: Uint8Array }

const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\n',
    '\r',
    '\0',
    '\ufeff',
    '/',
    '<',
    '>',
    '&',
    ';',
    ' ',
    '—',
    '-----',
  ],
  ...[
    '__proto__',
    '\\u0000',
    '\\ud800',
    '1e400',
    '-0',
    '<!DOCTYPE',
    ']]>',
    '<![CDATA[',
    '<?',
    '<!--',
    '&#x0;',
    '~',
    '[1]',
  ],
].map((token) => new TextEncoder().encode(token))

export const byteMutations: fc.Arbitrary<ByteMutation[]> = fc.array(
  fc.record({
    how: fc.nat(6),
    place: fc.nat(),
    length: fc.oneof(fc.nat(4), fc.nat(5000)),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.constantFrom(...TOKENS),
      fc.constantFrom(Uint8Array.of(0xff), Uint8Array.of(0xc0, 0x80), Uint8Array.of(0xed, 0xa0, 0x80)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
)

/** The bytes with alterations made in them. */
export function mutateBytes(genuine: Uint8Array, mutations: readonly ByteMutation[]): Uint8Array {
  let bytes = Buffer.from(genuine)
  for (const { how, place, length, bytes: added } of mutations) {
    const start = place % (bytes.length + 1)
    const end = Math.min(bytes.length, start + length)
    const [before, part, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)]
    if (how === 0) bytes = Buffer.concat([before, added, bytes.subarray(start)])
    else if (how === 1) bytes = Buffer.concat([before, added, bytes.subarray(start + added.length)])
    else if (how === 2) bytes = Buffer.concat([before, after])
    else if (how === 3) bytes = Buffer.concat([before, part, part, after])
    else if (how === 4) bytes = Buffer.from(before)
    else if (how === 5 && start < bytes.length) {
      bytes = Buffer.from(bytes)
      bytes[start] = (bytes[start] as number) ^ (1 << (length % 8))
    } else bytes = Buffer.concat([bytes, part, added])
  }
  return bytes
}

/** Random bytes, and random texts of what grammars are made of. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)),
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }).map((tokens) => Buffer.concat(tokens)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }).map((value) => Buffer.from(JSON.stringify(value))),
)
