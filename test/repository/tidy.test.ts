import { describe, expect, it } from 'vitest'
import areas from '../areas.json' with { type: 'json' }
import { isTest, sourceOf, sourcesUnder, textOf } from './sources.ts'
import {
  consoleFaults,
  leftoverFaults,
  lengthFaults,
  ruleFaults,
  switchedOffFaults,
  titlesOf,
} from './tidy.ts'

const sources = sourcesUnder('src')
const tests = [...sources, ...sourcesUnder('test', 'bench')]
const protocol = textOf('PROTOCOL.md') ?? ''

describe('the sources', () => {
  it('are at most 500 lines long', () => {
    expect(sources.flatMap(lengthFaults)).toEqual([])
  })

  it('carry no mark of work left undone', () => {
    expect(sources.flatMap(leftoverFaults)).toEqual([])
  })

  it('print only in the command line', () => {
    const silent = sources.filter(({ path }) => !path.startsWith('src/cli/') && !isTest(path))
    expect(silent.flatMap(consoleFaults)).toEqual([])
  })
})

describe('the tests', () => {
  it('are neither singled out nor switched off', () => {
    expect(tests.flatMap(switchedOffFaults)).toEqual([])
  })

  it('lie where an area runs them', () => {
    const folders = areas.flatMap(({ folder }) => (folder === undefined ? [] : [`${folder}/`]))
    const files = tests.map(({ path }) => path).filter((path) => /\.(test|spec)\.tsx?$/.test(path))
    expect(
      files.filter((path) => !path.endsWith('.test.ts') || !folders.some((one) => path.startsWith(one))),
    ).toEqual([])
  })
})

describe('PROTOCOL.md', () => {
  const faults = ruleFaults(protocol, tests.flatMap(titlesOf))

  it('defines every rule once', () => {
    expect(protocol).toContain('**[ENC-1]**')
    expect(faults.repeated).toEqual([])
  })

  it('defines every rule that a test title names', () => {
    expect(faults.unknown).toEqual([])
  })

  it('has a test for every rule', () => {
    expect(faults.untested).toEqual([])
  })
})

describe('the check of order', () => {
  const source = (text: string) => sourceOf('src/ledger/a.test.ts', text)

  it('counts lines', () => {
    expect(lengthFaults(source('x\n'.repeat(500)))).toEqual([])
    expect(lengthFaults(source('x\n'.repeat(501)))).toEqual([
      'src/ledger/a.test.ts has 501 lines; 500 are allowed',
    ])
  })

  it('finds marks of work left undone', () => {
    expect(leftoverFaults(source('let x\n// TODO: y'))).toEqual(['src/ledger/a.test.ts:2 // TODO: y'])
    expect(leftoverFaults(source('const TODOS = 1'))).toEqual([])
  })

  it('finds output', () => {
    expect(consoleFaults(source('x()\nconsole.log(1)'))).toEqual(['src/ledger/a.test.ts:2 console.log'])
    expect(consoleFaults(source('// console.log(1)\nthis.console.log(1)'))).toEqual([])
  })

  it.each([
    'it.only',
    'it.skip',
    'test.todo',
    'describe.skip',
    'it.concurrent.only',
    'it.only.each([1])',
    'it.fails',
  ])('finds %s', (call) => {
    expect(switchedOffFaults(source(`${call}('x', () => {})`)).length).toBeGreaterThan(0)
  })

  it('lets other calls be', () => {
    expect(switchedOffFaults(source(`it('x'); it.each([1])('x'); list.only('x'); "it.only('x')"`))).toEqual(
      [],
    )
  })

  it('reads the titles of tests and groups', () => {
    const text = `describe('a', () => { it(\`b \${c} d\`); it.each([['z']])('e %s'); test.each\`x\`('f') }); other('g')`
    expect(titlesOf(source(text)).map(({ title }) => title)).toEqual(['a', 'b … d', 'e %s', 'f'])
  })

  it('compares rules with titles both ways', () => {
    const text = [
      '- **[AB-1]** One.',
      '- **[AB-2]** *(format reserved)* Two.',
      '- **[C3-10]** See [AB-9].',
    ].join('\n')
    const titles = [
      { place: 'x:1', title: '[AB-1] holds' },
      { place: 'x:2', title: '[AB-7] and [AB-1] hold' },
    ]
    expect(ruleFaults(text, titles)).toEqual({ untested: ['C3-10'], unknown: ['x:2 [AB-7]'], repeated: [] })
    expect(ruleFaults(`${text}\n**[AB-1]**`, titles).repeated).toEqual(['AB-1'])
  })
})
