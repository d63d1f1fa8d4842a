import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RawJson, readJsonBody } from './json-body.ts'

const read = (text: string): unknown => readJsonBody(new TextEncoder().encode(text), 1_000_000)
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

/** JSON text of a value with white space wherever the grammar allows some. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return ` [ ${value.map(spaced).join(' , ')} ] `
  if (typeof value === 'object' && value !== null)
    return `\n{\t${Object.entries(value)
      .map(([key, one]) => ` ${JSON.stringify(key)} : ${spaced(one)}`)
      .join(' ,\r\n')} } `
  return ` ${JSON.stringify(value)} `
}

describe('bodies', () => {
  it('are what JSON.parse gives, but for documents', () => {
    const key = fc.string().filter((name) => name !== 'document' && name !== 'value' && !name.includes('\0'))
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(read(JSON.stringify(value))).toEqual(value)
        expect(read(spaced(value))).toEqual(value)
      }),
    )
  })

  it('keep documents as they were written', () => {
    const body = read('{"name":"a","document": {"b":10.50,"1":[ "}]\\"" ], "0":1e2} , "policy":{"x":1}}')
    expect(body).toEqual({
      name: 'a',
      document: new RawJson('{"b":10.50,"1":[ "}]\\"" ], "0":1e2}'),
      policy: { x: 1 },
    })
    expect(read('{"operations":[{"set":"/a","value":-0.10},{"set":"/b","value":"x"}]}')).toEqual({
      operations: [
        { set: '/a', value: new RawJson('-0.10') },
        { set: '/b', value: new RawJson('"x"') },
      ],
    })
  })

  it('take a member __proto__ for a member', () => {
    const body = read('{"__proto__":{"polluted":true}}') as object
    expect(Object.keys(body)).toEqual(['__proto__'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it.each([
    ['{"a":1', 'bad-json'],
    ['{"a":1,"a":2}', 'bad-json'],
    ['{"document":{"a":1,"\\u0061":2}}', 'bad-json'],
    ['{"a":"\\ud800"}', 'bad-json'],
    ['{"a":"\\u0000"}', 'bad-json'],
    ['', 'bad-json'],
    ['['.repeat(100) + ']'.repeat(100), 'too-large'],
    [`"${'x'.repeat(1_000_001)}"`, 'too-large'],
  ])('refuse %#', (text, code) => {
    expect(codeOf(() => read(text))).toBe(code)
  })

  it('refuse bytes that are not UTF-8', () => {
    expect(codeOf(() => readJsonBody(new Uint8Array([0x22, 0xff, 0x22]), 100))).toBe('bad-json')
  })
})
