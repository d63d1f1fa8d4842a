/** What other parties may send in place of a genuine object, and what every strict parser must make of it. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { CountersignError } from '../../src/crypto/errors.ts'
import { jcs } from '../../src/crypto/jcs.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Container = Json[] | { [key: string]: Json }

/** JSON of any shape, with keys that objects inherit and numbers at the edges. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }),
  fc.constantFrom<Json>(null, '', [], {}, 0, -0, -1, 0.5, 2 ** 53, 1e300, true, [[]], [null], '0'.repeat(64)),
  fc.constantFrom('{"__proto__":{"type":"SKIP"}}', '{"constructor":null}').map((text) => JSON.parse(text)),
)

const KEYS = [
  ...['__proto__', 'constructor', 'toString', 'length', '', 'x', '0'],
  ...[
    'party',
    'previous',
    'x509',
    'earlier',
    'batch',
    'block',
    'code',
    'type',
    'value',
    'lineage',
    'epoch',
    'vote',
  ],
]

/** A genuine object with one to three places altered: something else there, missing, added, moved or misspelt. */
export function altered(genuine: unknown): fc.Arbitrary<unknown> {
  const alteration = fc.record({
    place: fc.nat(),
    how: fc.nat(8),
    number: fc.nat(999),
    value: anyJson as fc.Arbitrary<Json>,
  })
  return fc.array(alteration, { minLength: 1, maxLength: 3 }).map((alterations) => {
    // As text, so that what comes out shares nothing with the genuine object, and owns any key that looks inherited.
    const root: Container = [JSON.parse(JSON.stringify(genuine))]
    for (const { place, how, number, value } of alterations) {
      const places = placesIn(root)
      if (places.length === 0) break
      const [container, key] = places[place % places.length] as [Container, string]
      alter(container, key, how, number, JSON.parse(JSON.stringify(value)))
    }
    return root.length === 0 ? null : root[0]
  })
}

/** All members and items of a value, the value itself included, as container and key. */
function placesIn(container: Container): [Container, string][] {
  return Object.keys(container).flatMap((key): [Container, string][] => {
    const member = (container as { [key: string]: Json })[key] as Json
    const below = typeof member === 'object' && member !== null ? placesIn(member) : []
    return [[container, key], ...below]
  })
}

function alter(container: Container, key: string, how: number, number: number, value: Json): void {
  const object = container as { [key: string]: Json }
  const member = object[key] as Json
  const put = (at: string, one: Json) =>
    Object.defineProperty(container, at, { value: one, writable: true, enumerable: true, configurable: true })
  if (how === 0) put(key, value)
  else if (how === 1 && Array.isArray(container)) container.splice(Number(key), 1)
  else if (how === 1) delete object[key]
  else if (how === 2 && Array.isArray(container)) container.splice(Number(key), 0, member)
  else if (how === 2) put(KEYS[number % KEYS.length] as string, value)
  else if (how === 3) put(key, [member])
  else if (how === 4 && Array.isArray(member)) put(key, member.toReversed())
  else if (typeof member === 'number')
    put(key, [member + 1, -member, member + 0.5, -1, 2 ** 53][number % 5] as Json)
  else if (typeof member === 'string') put(key, misspelt(member, number))
  else put(key, (Object.values(object)[number % Object.keys(object).length] ?? null) as Json)
}

function misspelt(text: string, number: number): string {
  const at = number % (text.length + 1)
  const spellings = [
    `${text}\n`,
    ` ${text}`,
    text.toUpperCase(),
    text.slice(0, -1),
    `${text}A`,
    `${text.slice(0, at)}b${text.slice(at + 1)}`,
    // Unused bits of the last digit of base64.
    text.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    `${text.slice(0, at)}\u202e${text.slice(at)}`,
    `${text}\ud800`,
    // Cut, since three of these on one text would be more than a string holds.
    text.slice(0, 100).repeat(300),
  ]
  return spellings[(number * 7) % spellings.length] as string
}

/**
 * Hands a parser arbitrary JSON and alterations of a genuine object: it must take the genuine one, throw nothing but
 * CountersignError, and what it takes must have another identity unless it is the same JSON.
 * @param identity what is said to tell two objects apart: a hash, an id
 */
export function expectStrict<T>(
  parse: (value: unknown) => T,
  genuine: unknown,
  identity: (parsed: T) => string,
  runs = 1000,
): void {
  const outcome = (value: unknown): { taken: T } | undefined => {
    try {
      return { taken: parse(value) }
    } catch (error) {
      expect(error).toBeInstanceOf(CountersignError)
      return undefined
    }
  }
  const copy: unknown = JSON.parse(JSON.stringify(genuine))
  const own = identity(parse(copy))
  const text = jcs(genuine)
  let refused = 0
  fc.assert(
    fc.property(anyJson, (value) => void outcome(value)),
    { numRuns: runs },
  )
  fc.assert(
    fc.property(altered(genuine), (value) => {
      const found = outcome(value)
      if (found === undefined) refused += 1
      else if (jcs(value) !== text) expect(identity(found.taken)).not.toBe(own)
    }),
    { numRuns: runs },
  )
  expect(refused).toBeGreaterThan(runs / 2)
}
