import { afterAll, describe, expect, it } from 'vitest'
import { loadCounted } from '../../test/support/count-steps.ts'
import type { DocumentNode } from './tree.ts'

type Room = typeof import('./from-json.ts') &
  typeof import('./to-json.ts') &
  typeof import('./from-xml.ts') &
  typeof import('./to-xml.ts') &
  typeof import('./path.ts') &
  typeof import('./tree.ts')

const files = ['from-json', 'to-json', 'from-xml', 'to-xml', 'path', 'tree']
const counted = loadCounted<Room>(...files.map((file) => `src/document/${file}.ts`))
const room = counted.module
afterAll(() => counted.close())

const SIZE = 2000

/** Linear work doubles when the size doubles; quadratic work would take four times the steps. */
function expectLinear(make: (size: number) => () => void): void {
  const [small, large] = [make(SIZE), make(SIZE * 2)].map((run) => counted.steps(run)) as [number, number]
  expect(small).toBeGreaterThan(SIZE)
  expect(large / small).toBeGreaterThan(1.7)
  expect(large / small).toBeLessThan(2.2)
}

function repeat(size: number, make: (index: number) => string): string {
  return Array.from({ length: size }, (_, index) => make(index)).join('')
}

describe('reading and writing JSON takes linear steps', () => {
  it.each<[string, (size: number) => string]>([
    ['many members', (size) => `{${repeat(size, (index) => `"k${index}":1,`)}"z":1}`],
    ['many items', (size) => `[${'"x",'.repeat(size)}0]`],
    ['a long string of escapes', (size) => `"${'\\\\'.repeat(size)}"`],
    ['much white space', (size) => `[${' '.repeat(size)}1${' '.repeat(size)}]`],
    ['many deep rows', (size) => `[${`${'['.repeat(50)}${']'.repeat(50)},`.repeat(size / 100)}0]`],
  ])('%s', (_what, make) => {
    expectLinear((size) => {
      const json = make(size)
      return () => void room.toJson(room.fromJson(json))
    })
  })
})

describe('reading and writing XML takes linear steps', () => {
  it.each<[string, (size: number) => string]>([
    ['many elements', (size) => `<r>${repeat(size, (index) => `<e${index}/>`)}</r>`],
    ['many attributes', (size) => `<r ${repeat(size, (index) => `a${index}="" `)}/>`],
    ['many declarations', (size) => `<r ${repeat(size, (index) => `xmlns:p${index}="u" `)}/>`],
    [
      'many declarations above many elements that declare',
      (size) =>
        `<r ${repeat(size, (index) => `xmlns:p${index}="u" `)}>${'<p0:e xmlns:q="v"/>'.repeat(size)}</r>`,
    ],
    ['text cut up by comments', (size) => `<r>${'a<!---->'.repeat(size)}</r>`],
    ['text cut up by CDATA', (size) => `<r>${'<![CDATA[]]]>'.repeat(size)}</r>`],
    ['many references', (size) => `<r a="${'&#10;'.repeat(size)}">${'&amp;'.repeat(size)}</r>`],
    ['mixed content', (size) => `<r>${'x<b/>'.repeat(size)}</r>`],
    ['regular white space', (size) => `<r>${'\n  <b>\n    <c/>\n  </b>'.repeat(size)}\n</r>`],
    [
      'white space that never repeats',
      (size) => `<r>${repeat(size, (index) => `${' '.repeat(index % 97)}<b/>`)}</r>`,
    ],
    ['a long run of white space', (size) => `<r>${' '.repeat(size)}<b/>\n${' '.repeat(size)}<b/></r>`],
    [
      'many deep chains',
      (size) => `<r>${`${'<a>\n'.repeat(50)}${'</a>'.repeat(50)}`.repeat(size / 100)}</r>`,
    ],
    ['a long comment', (size) => `<r><!--${'- '.repeat(size)}--></r>`],
    ['many processing instructions', (size) => `<r>${'<?a b??>'.repeat(size)}</r>`],
  ])('%s', (_what, make) => {
    expectLinear((size) => {
      const xml = make(size)
      return () => void room.toXml(room.fromXml(xml))
    })
  })

  it('a document that is refused at its end', () => {
    expectLinear((size) => {
      const xml = `<r>${'<a b="c">x'.repeat(20)}${'<d/>'.repeat(size)}`
      return () => expect(() => room.fromXml(xml)).toThrow(/unclosed/)
    })
  })

  it('a DOCTYPE with a chain of entities, of which none is expanded', () => {
    expectLinear((size) => {
      const entities = repeat(size, (index) => `<!ENTITY e${index + 1} "&e${index};&e${index};">`)
      const xml = `<!DOCTYPE r [<!ENTITY e0 "ha">${entities}]><r>&e${size};</r>`
      return () => expect(() => room.fromXml(xml)).toThrow(/DOCTYPE/)
    })
  })
})

describe('finding paths takes linear steps', () => {
  it('among many siblings', () => {
    expectLinear((size) => {
      const children = Array.from({ length: size }, (_, index) =>
        room.text(index % 2 === 0 ? 'a' : `n${index}`, ''),
      )
      const root: DocumentNode = room.block('', children)
      const { nodeAccessor } = room
      return () => {
        expect(() => room.resolvePath(nodeAccessor, root, [{ name: 'a' }])).toThrow(/pick one/)
        expect(() => room.resolvePath(nodeAccessor, root, [{ name: 'b' }])).toThrow(/holds/)
        room.pathOf(nodeAccessor, [root, children[size - 2] as DocumentNode])
      }
    })
  })

  it('in long paths', () => {
    expectLinear((size) => {
      const path = `/${'~0'.repeat(size)}`
      return () => room.formatPath(room.parsePath(path))
    })
  })
})
